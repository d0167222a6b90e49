/* SPDX-License-Identifier: MIT */
#include "reader/verbs/wait_json.h"

#include "reader/words/labels.h"

static void write_actor(struct peeps_json *json, const struct peeps_graph *graph, uint32_t node)
{
	const struct peeps_process *process = &graph->processes[graph->nodes[node].process];

	peeps_json_text_at(json, "actor", graph->nodes[node].id);
	peeps_json_text_at(json, "actor_name", graph->nodes[node].name);
	peeps_json_text_at(json, "process", process->proc_key);
	peeps_json_number_at(json, "pid", process->pid);
}

void peeps_hold_json(struct peeps_json *json, const struct peeps_graph *graph,
		     const struct peeps_edge *hold)
{
	const bool stamped = hold->held_since_ns != PEEPS_NO_TIME;

	peeps_json_map(json);
	write_actor(json, graph, hold->dst);
	peeps_json_text_at(json, "held", graph->nodes[hold->src].id);
	peeps_json_text_at(json, "role", hold->role);
	peeps_json_text_at(json, "mode", hold->mode);
	peeps_json_number_at(json, "count", hold->count);
	peeps_json_number_at(json, "held_ns", peeps_edge_held_ns(graph, hold));
	peeps_json_number_at(json, "held_accuracy_ns",
			     stamped ? hold->held_accuracy_ns : PEEPS_NO_TIME);
	peeps_json_source_at(json, "source", &hold->source);
	peeps_json_key(json, "exited");
	peeps_json_bool(json, graph->nodes[hold->dst].gone);
	peeps_json_key(json, "sleeping");
	peeps_json_bool(json, peeps_is_asleep(graph, hold->dst));
	peeps_json_map_end(json);
}

void peeps_wait_json(struct peeps_json *json, const struct peeps_graph *graph,
		     const struct peeps_wait *wait, const char *ends)
{
	const struct peeps_edge *edge = &graph->edges[wait->edge];
	const struct peeps_node *resource = &graph->nodes[edge->dst];

	peeps_json_map(json);
	write_actor(json, graph, edge->src);
	peeps_json_text_at(json, "op_kind", edge->op_kind);
	peeps_json_text_at(json, "resource", resource->id);
	peeps_json_text_at(json, "resource_name", resource->name);
	peeps_json_text_at(json, "resource_process", graph->processes[resource->process].proc_key);
	peeps_json_source_at(json, "resource_source", &resource->source);
	peeps_json_number_at(json, "pending_ns", wait->pending_ns);
	peeps_json_number_at(json, "times_out_in_ns", peeps_edge_timeout_ns(graph, edge));
	peeps_json_source_at(json, "source", &edge->source);
	if (edge->uncertain) {
		peeps_json_key(json, "uncertain");
		peeps_json_bool(json, true);
	}
	if (resource->kind_number == PEEPS_KIND_FOREIGN) {
		peeps_json_key(json, "foreign");
		peeps_json_bool(json, true);
	}
	if (ends)
		peeps_json_text_at(json, "ends", ends);
	peeps_json_number_at(json, "holder_count", wait->holder_count);
	peeps_json_key(json, "holders");
	peeps_json_array(json);
	for (size_t i = 0; i < wait->holder_count && i < PEEPS_HOLDERS_LISTED_MAX; i++)
		peeps_hold_json(json, graph, &graph->edges[wait->holders[i]]);
	peeps_json_array_end(json);
	peeps_json_map_end(json);
}
