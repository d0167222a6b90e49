/* SPDX-License-Identifier: MIT */
#include "reader/format_json.h"

#include "reader/graph.h"
#include "reader/json.h"

#define NS_PER_MS 1000000

static void write_ms_at(struct peeps_json *json, const char *key, uint64_t ns)
{
	peeps_json_number_at(json, key, ns == PEEPS_NO_TIME ? PEEPS_NO_TIME : ns / NS_PER_MS);
}

static void write_attributes_at(struct peeps_json *json, const char *key,
				const struct peeps_graph *graph,
				const struct peeps_attribute *attributes, size_t count)
{
	peeps_json_key(json, key);
	peeps_json_map(json);
	for (size_t i = 0; i < count; i++) {
		peeps_json_key(json, attributes[i].name);
		peeps_json_value(json, graph, &attributes[i].value);
	}
	peeps_json_map_end(json);
}

static void write_process(struct peeps_json *json, const struct peeps_process *process)
{
	peeps_json_map(json);
	peeps_json_text_at(json, "proc_key", process->proc_key);
	peeps_json_number_at(json, "pid", process->pid);
	peeps_json_text_at(json, "name", process->name);
	peeps_json_text_at(json, "cmdline", process->cmdline);
	peeps_json_number_at(json, "start_time", process->start_time_ticks);
	peeps_json_number_at(json, "ptime_now_ns", process->ptime_now_ns);
	peeps_json_text_at(json, "coverage", process->coverage);
	peeps_json_key(json, "counters");
	peeps_json_map(json);
	for (size_t i = 0; i < process->counter_count; i++)
		peeps_json_number_at(json, process->counters[i].name, process->counters[i].value);
	peeps_json_map_end(json);
	peeps_json_map_end(json);
}

static void write_node(struct peeps_json *json, const struct peeps_graph *graph,
		       const struct peeps_node *node)
{
	peeps_json_map(json);
	peeps_json_text_at(json, "id", node->id);
	peeps_json_text_at(json, "kind", node->kind);
	peeps_json_text_at(json, "process", graph->processes[node->process].proc_key);
	peeps_json_text_at(json, "name", node->name);
	peeps_json_source_at(json, "site", &node->source);
	if (node->uncertain) {
		peeps_json_key(json, "uncertain");
		peeps_json_bool(json, true);
	}
	write_attributes_at(json, "attrs", graph, node->attributes, node->attribute_count);
	peeps_json_map_end(json);
}

static void write_source(struct peeps_json *json, const struct peeps_source *source)
{
	peeps_json_source_at(json, "source", source);
	if (source->file && source->as_compiled) {
		peeps_json_key(json, "source_as_compiled");
		peeps_json_bool(json, true);
	}
	peeps_json_text_at(json, "krate", source->module);
}

static void write_operation(struct peeps_json *json, const struct peeps_graph *graph,
			    const struct peeps_edge *edge)
{
	peeps_json_text_at(json, "op_kind", edge->op_kind);
	peeps_json_text_at(json, "state", edge->state_name);
	write_ms_at(json, "pending_since_ptime_ms", edge->pending_since_ns);
	write_ms_at(json, "last_change_ptime_ms", edge->last_change_ns);
	write_source(json, &edge->source);
	peeps_json_number_at(json, "poll_count", edge->poll_count);
	peeps_json_number_at(json, "wait_sequence", edge->wait_sequence);
	peeps_json_number_at(json, "slot", edge->slot);
	if (edge->reason)
		peeps_json_number_at(json, "errno", edge->reason);
	write_attributes_at(json, "details", graph, edge->details, edge->detail_count);
}

static void write_hold(struct peeps_json *json, const struct peeps_edge *edge)
{
	const bool stamped = edge->held_since_ns != PEEPS_NO_TIME;

	peeps_json_text_at(json, "role", edge->role);
	peeps_json_text_at(json, "mode", edge->mode);
	peeps_json_number_at(json, "count", edge->count);
	write_ms_at(json, "held_since_ptime_ms", edge->held_since_ns);
	write_ms_at(json, "held_accuracy_ms",
		    stamped ? edge->held_accuracy_ns + (NS_PER_MS - 1) /* never finer than it is */
			    : PEEPS_NO_TIME);
	write_source(json, &edge->source);
}

static void write_edge(struct peeps_json *json, const struct peeps_graph *graph,
		       const struct peeps_edge *edge)
{
	peeps_json_map(json);
	peeps_json_text_at(json, "src", graph->nodes[edge->src].id);
	peeps_json_text_at(json, "dst", graph->nodes[edge->dst].id);
	peeps_json_text_at(json, "kind", peeps_edge_kind_name(edge->kind));
	peeps_json_key(json, "meta");
	peeps_json_map(json);
	if (edge->kind == PEEPS_EDGE_NEEDS && edge->op != PEEPS_OP_NONE)
		write_operation(json, graph, edge);
	else if (edge->kind == PEEPS_EDGE_HOLDS)
		write_hold(json, edge);
	if (edge->uncertain) {
		peeps_json_key(json, "uncertain");
		peeps_json_bool(json, true);
	}
	peeps_json_map_end(json);
	peeps_json_map_end(json);
}

static void write_ids_at(struct peeps_json *json, const char *key, const struct peeps_graph *graph,
			 const uint32_t *nodes, size_t count)
{
	peeps_json_key(json, key);
	peeps_json_array(json);
	for (size_t i = 0; i < count; i++)
		peeps_json_text(json, graph->nodes[nodes[i]].id);
	peeps_json_array_end(json);
}

static void write_finding(struct peeps_json *json, const struct peeps_graph *graph,
			  const struct peeps_finding *finding)
{
	peeps_json_map(json);
	peeps_json_text_at(json, "kind", peeps_finding_name(finding->kind));
	peeps_json_text_at(json, "certainty", finding->certain ? "certain" : "possible");
	peeps_json_text_at(json, "sentence", finding->sentence);
	peeps_json_key(json, "steps");
	peeps_json_array(json);
	for (size_t i = 0; i < finding->step_count; i++)
		peeps_json_text(json, finding->steps[i]);
	peeps_json_array_end(json);
	write_ids_at(json, "nodes", graph, finding->nodes, finding->node_count);
	peeps_json_key(json, "edges");
	peeps_json_array(json);
	for (size_t i = 0; i < finding->edge_count; i++) {
		const struct peeps_edge *edge = &graph->edges[finding->edges[i]];

		peeps_json_map(json);
		peeps_json_text_at(json, "src", graph->nodes[edge->src].id);
		peeps_json_text_at(json, "dst", graph->nodes[edge->dst].id);
		peeps_json_text_at(json, "kind", peeps_edge_kind_name(edge->kind));
		peeps_json_map_end(json);
	}
	peeps_json_array_end(json);
	write_ids_at(json, "victims", graph, finding->victims, finding->victim_count);
	peeps_json_map_end(json);
}

void peeps_format_json_quality(struct peeps_json *json, const struct peeps_graph *graph)
{
	peeps_json_text_at(json, "quality", peeps_quality_name(graph->quality));
	peeps_json_key(json, "notes");
	peeps_json_array(json);
	for (size_t i = 0; i < graph->note_count; i++)
		peeps_json_text(json, graph->notes[i]);
	peeps_json_array_end(json);
}

void peeps_format_json_findings(struct peeps_json *json, const struct peeps_graph *graph)
{
	peeps_json_key(json, "findings");
	peeps_json_array(json);
	for (size_t i = 0; i < graph->finding_count; i++)
		write_finding(json, graph, &graph->findings[i]);
	peeps_json_array_end(json);
}

static void write_scope(struct peeps_json *json, const struct peeps_graph *graph,
			const struct peeps_graph_scope *scope)
{
	peeps_json_map(json);
	peeps_json_text_at(json, "id", scope->id);
	peeps_json_text_at(json, "kind", scope->kind);
	peeps_json_text_at(json, "process", graph->processes[scope->process].proc_key);
	peeps_json_text_at(json, "name", scope->name);
	peeps_json_key(json, "attrs");
	peeps_json_map(json);
	peeps_json_number_at(json, "created_at_ns", scope->created_ns);
	peeps_json_map_end(json);
	peeps_json_map_end(json);
}

static void write_scopes(struct peeps_json *json, const struct peeps_graph *graph)
{
	peeps_json_key(json, "scopes");
	peeps_json_array(json);
	for (size_t i = 0; i < graph->scope_count; i++)
		write_scope(json, graph, &graph->scopes[i]);
	peeps_json_array_end(json);
	peeps_json_key(json, "memberships");
	peeps_json_array(json);
	for (size_t i = 0; i < graph->membership_count; i++) {
		const struct peeps_membership *membership = &graph->memberships[i];

		peeps_json_map(json);
		peeps_json_text_at(json, "entity", graph->nodes[membership->node].id);
		peeps_json_text_at(json, "scope", graph->scopes[membership->scope].id);
		peeps_json_map_end(json);
	}
	peeps_json_array_end(json);
}

int peeps_format_json(const struct peeps_graph *graph, FILE *out)
{
	struct peeps_json json;
	int r = peeps_json_open(&json, out);

	if (r)
		return r;
	peeps_json_map(&json);
	peeps_json_text_at(&json, "schema", "peeps.snapshot/1");
	peeps_json_number_at(&json, "taken_at_unix_ns", graph->taken_at_unix_ns);
	peeps_json_number_at(&json, "cut_ns", graph->cut_ns);
	peeps_json_number_at(&json, "skew_ns", graph->skew_ns);
	peeps_format_json_quality(&json, graph);
	peeps_json_key(&json, "processes");
	peeps_json_array(&json);
	for (size_t i = 0; i < graph->process_count; i++)
		write_process(&json, &graph->processes[i]);
	peeps_json_array_end(&json);
	peeps_json_key(&json, "nodes");
	peeps_json_array(&json);
	for (size_t i = 0; i < graph->node_count; i++)
		write_node(&json, graph, &graph->nodes[i]);
	peeps_json_array_end(&json);
	peeps_json_key(&json, "edges");
	peeps_json_array(&json);
	for (size_t i = 0; i < graph->edge_count; i++)
		write_edge(&json, graph, &graph->edges[i]);
	peeps_json_array_end(&json);
	write_scopes(&json, graph);
	peeps_format_json_findings(&json, graph);
	peeps_json_map_end(&json);
	return peeps_json_close(&json);
}
