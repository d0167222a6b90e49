/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "reader/format/document.h"
#include "reader/look/subject.h"
#include "reader/verbs/verb_explain.h"
#include "reader/verbs/wait_json.h"
#include "reader/words/telling.h"
#include "reader/words/way_out.h"

struct explain {
	const struct peeps_graph *graph;
	struct peeps_telling telling;
	struct peeps_json *json;
	uint32_t node;
};

static void write_values_at(const struct explain *e, const char *key,
			    const struct peeps_attribute *attributes, size_t count)
{
	peeps_json_key(e->json, key);
	peeps_json_map(e->json);
	for (size_t i = 0; i < count; i++) {
		peeps_json_key(e->json, attributes[i].name);
		peeps_json_value(e->json, e->graph, &attributes[i].value);
	}
	peeps_json_map_end(e->json);
}

static void write_process(const struct explain *e, uint32_t process)
{
	peeps_json_text_at(e->json, "process", e->graph->processes[process].proc_key);
	peeps_json_number_at(e->json, "pid", e->graph->processes[process].pid);
}

static uint64_t age_ns(const struct explain *e, uint32_t process, uint64_t created_ns)
{
	const uint64_t now_ns = e->graph->processes[process].ptime_now_ns;

	return now_ns > created_ns ? now_ns - created_ns : 0;
}

static void write_entity(const struct explain *e)
{
	const struct peeps_node *node = &e->graph->nodes[e->node];
	const char *activity = node->role == PEEPS_ROLE_ACTOR
				       ? peeps_label_activity(e->telling.arena, e->graph, e->node)
				       : NULL;

	peeps_json_key(e->json, "entity");
	peeps_json_map(e->json);
	peeps_json_text_at(e->json, "id", node->id);
	peeps_json_text_at(e->json, "kind", node->kind);
	peeps_json_text_at(e->json, "name", node->name);
	write_process(e, node->process);
	peeps_json_source_at(e->json, "site", &node->source);
	peeps_json_text_at(e->json, "krate", node->source.module);
	peeps_json_number_at(e->json, "created_at_ns", node->created_ns);
	peeps_json_number_at(e->json, "age_ns", age_ns(e, node->process, node->created_ns));
	peeps_json_text_at(e->json, "activity", activity);
	peeps_json_key(e->json, "exited");
	peeps_json_bool(e->json, node->gone);
	peeps_json_key(e->json, "uncertain");
	peeps_json_bool(e->json, node->uncertain);
	write_values_at(e, "attrs", node->attributes, node->attribute_count);
	peeps_json_map_end(e->json);
}

static void write_scopes(const struct explain *e)
{
	peeps_json_key(e->json, "scopes");
	peeps_json_array(e->json);
	for (size_t i = 0; i < e->graph->membership_count; i++) {
		if (e->graph->memberships[i].node == e->node)
			peeps_json_text(e->json,
					e->graph->scopes[e->graph->memberships[i].scope].id);
	}
	peeps_json_array_end(e->json);
}

static void write_links(const struct explain *e)
{
	peeps_json_key(e->json, "links");
	peeps_json_array(e->json);
	for (size_t i = 0; i < e->graph->edge_count; i++) {
		const struct peeps_edge *edge = &e->graph->edges[i];

		if ((edge->kind != PEEPS_EDGE_CHANNEL_LINK && edge->kind != PEEPS_EDGE_RPC_LINK) ||
		    (edge->src != e->node && edge->dst != e->node))
			continue;
		peeps_json_map(e->json);
		peeps_json_text_at(e->json, "kind", peeps_edge_kind_name(edge->kind));
		peeps_json_text_at(e->json, "src", e->graph->nodes[edge->src].id);
		peeps_json_text_at(e->json, "dst", e->graph->nodes[edge->dst].id);
		peeps_json_map_end(e->json);
	}
	peeps_json_array_end(e->json);
}

static void write_holds_at(const struct explain *e, const char *key, enum peeps_edge_end end)
{
	peeps_json_key(e->json, key);
	peeps_json_array(e->json);
	for (size_t i = 0; i < e->graph->edge_count; i++) {
		const struct peeps_edge *edge = &e->graph->edges[i];

		if (edge->kind == PEEPS_EDGE_HOLDS &&
		    (end == PEEPS_END_SRC ? edge->src : edge->dst) == e->node)
			peeps_hold_json(e->json, e->graph, edge);
	}
	peeps_json_array_end(e->json);
}

static void write_waits_at(const struct explain *e, const char *key, enum peeps_edge_end end)
{
	peeps_json_key(e->json, key);
	peeps_json_array(e->json);
	for (size_t i = 0; i < e->telling.waits.count; i++) {
		const struct peeps_wait *wait = &e->telling.waits.waits[i];
		const struct peeps_edge *edge = peeps_telling_edge(&e->telling, wait);

		if ((end == PEEPS_END_SRC ? edge->src : edge->dst) == e->node)
			peeps_wait_json(e->json, e->graph, wait, peeps_way_out(&e->telling, edge));
	}
	peeps_json_array_end(e->json);
}

/* Every operation of it or on it, whatever its state. */
static void write_operations(const struct explain *e)
{
	peeps_json_key(e->json, "operations");
	peeps_json_array(e->json);
	for (size_t i = 0; i < e->graph->edge_count; i++) {
		const struct peeps_edge *edge = &e->graph->edges[i];

		if (edge->kind != PEEPS_EDGE_NEEDS || edge->op == PEEPS_OP_NONE ||
		    (edge->src != e->node && edge->dst != e->node))
			continue;
		peeps_json_map(e->json);
		peeps_json_text_at(e->json, "src", e->graph->nodes[edge->src].id);
		peeps_json_text_at(e->json, "dst", e->graph->nodes[edge->dst].id);
		peeps_json_text_at(e->json, "op_kind", edge->op_kind);
		peeps_json_text_at(e->json, "state", edge->state_name);
		peeps_json_number_at(e->json, "pending_ns",
				     edge->state == PEEPS_STATE_PENDING
					     ? peeps_edge_pending_ns(e->graph, edge)
					     : PEEPS_NO_TIME);
		peeps_json_number_at(e->json, "poll_count", edge->poll_count);
		peeps_json_source_at(e->json, "source", &edge->source);
		peeps_json_text_at(e->json, "krate", edge->source.module);
		write_values_at(e, "details", edge->details, edge->detail_count);
		peeps_json_map_end(e->json);
	}
	peeps_json_array_end(e->json);
}

static bool is_of(const struct peeps_finding *finding, uint32_t node)
{
	for (size_t i = 0; i < finding->node_count; i++) {
		if (finding->nodes[i] == node)
			return true;
	}
	for (size_t i = 0; i < finding->victim_count; i++) {
		if (finding->victims[i] == node)
			return true;
	}
	return false;
}

/* The findings it is a part or a victim of, as in the document. */
static int write_findings(const struct explain *e)
{
	struct peeps_graph graph = *e->graph;

	graph.findings = peeps_arena_take(e->telling.arena, graph.finding_count + 1,
					  sizeof(graph.findings[0]));
	graph.finding_count = 0;
	if (!graph.findings)
		return -ENOMEM;
	for (size_t i = 0; i < e->graph->finding_count; i++) {
		if (is_of(&e->graph->findings[i], e->node))
			graph.findings[graph.finding_count++] = e->graph->findings[i];
	}
	peeps_document_findings(&e->json->sink, &graph);
	return 0;
}

static void write_scope(const struct explain *e, uint32_t number)
{
	const struct peeps_graph_scope *scope = &e->graph->scopes[number];

	peeps_json_key(e->json, "scope");
	peeps_json_map(e->json);
	peeps_json_text_at(e->json, "id", scope->id);
	peeps_json_text_at(e->json, "kind", scope->kind);
	peeps_json_text_at(e->json, "name", scope->name);
	write_process(e, scope->process);
	peeps_json_number_at(e->json, "created_at_ns", scope->created_ns);
	peeps_json_number_at(e->json, "age_ns", age_ns(e, scope->process, scope->created_ns));
	peeps_json_map_end(e->json);
	peeps_json_key(e->json, "members");
	peeps_json_array(e->json);
	for (size_t i = 0; i < e->graph->membership_count; i++) {
		if (e->graph->memberships[i].scope == number)
			peeps_json_text(e->json, e->graph->nodes[e->graph->memberships[i].node].id);
	}
	peeps_json_array_end(e->json);
}

static int write_node(const struct explain *e)
{
	write_entity(e);
	write_scopes(e);
	write_links(e);
	write_holds_at(e, "holders", PEEPS_END_SRC);
	write_holds_at(e, "holds", PEEPS_END_DST);
	write_waits_at(e, "waits", PEEPS_END_SRC);
	write_waits_at(e, "waiters", PEEPS_END_DST);
	write_operations(e);
	return write_findings(e);
}

int peeps_explain_json(const struct peeps_graph *graph, const struct peeps_subject *subject,
		       struct peeps_json *json)
{
	struct explain e = { .graph = graph, .json = json, .node = subject->number };
	int r = peeps_telling_init(&e.telling, graph, 0);

	if (r)
		return r;
	if (subject->is_scope)
		write_scope(&e, subject->number);
	else
		r = write_node(&e);
	if (r == 0 && peeps_arena_failed(e.telling.arena))
		r = -ENOMEM;
	peeps_telling_deinit(&e.telling);
	return r;
}
