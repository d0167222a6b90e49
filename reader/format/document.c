/* SPDX-License-Identifier: MIT */
#include "reader/format/document.h"

#include <assert.h>

#include "reader/format/json.h"
#include "reader/format/msgpack_sink.h"
#include "reader/format/sink.h"
#include "reader/graph/graph.h"

#define NS_PER_MS 1000000

/* The document is complete: what is new in the graph is written here, read in reader/snapshot*.c, and specified in
 * docs/snapshot.md, before these numbers are. */
#ifdef __LP64__
static_assert(sizeof(struct peeps_graph) == 168, "the document has all of it"); /* but for origin */
static_assert(sizeof(struct peeps_process) == 88, "the document has all of it");
static_assert(sizeof(struct peeps_node) == 104, "the document has all of it");
static_assert(sizeof(struct peeps_edge) == 184, "the document has all of it");
static_assert(sizeof(struct peeps_graph_scope) == 40, "the document has all of it");
static_assert(sizeof(struct peeps_finding) == 80, "the document has all of it");
#endif

/* A map's entries are counted before they are written: the functions below say of each part of one how many it has. */

static uint64_t ms_of(uint64_t ns)
{
	return ns == PEEPS_NO_TIME ? PEEPS_NO_TIME : ns / NS_PER_MS;
}

static void write_texts(struct peeps_sink *sink, const char *const *texts, size_t count)
{
	peeps_sink_array(sink, (uint32_t)count);
	for (size_t i = 0; i < count; i++)
		peeps_sink_text(sink, texts[i]);
	peeps_sink_array_end(sink);
}

static void write_attributes(struct peeps_sink *sink, const struct peeps_graph *graph,
			     const struct peeps_attribute *attributes, size_t count)
{
	peeps_sink_map(sink, (uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		peeps_sink_key(sink, attributes[i].name);
		peeps_sink_value(sink, graph, &attributes[i].value);
	}
	peeps_sink_map_end(sink);
}

/* What is true of few is said of those alone. */
static void write_if_true(struct peeps_sink *sink, const char *key, bool value)
{
	if (value)
		peeps_sink_bool_at(sink, key, true);
}

/* --- processes -------------------------------------------------------------------------------------------------- */

void peeps_document_counters(struct peeps_sink *sink, const struct peeps_process *process)
{
	peeps_sink_map(sink, (uint32_t)process->counter_count);
	for (size_t i = 0; i < process->counter_count; i++)
		peeps_sink_number_at(sink, process->counters[i].name, process->counters[i].value);
	peeps_sink_map_end(sink);
}

#define PROCESS_KEYS 11

static void write_process(struct peeps_sink *sink, const struct peeps_graph *graph,
			  const struct peeps_process *process)
{
	(void)graph;
	peeps_sink_map(sink, PROCESS_KEYS);
	peeps_sink_text_at(sink, "proc_key", process->proc_key);
	peeps_sink_number_at(sink, "pid", process->pid);
	peeps_sink_text_at(sink, "name", process->name);
	peeps_sink_text_at(sink, "cmdline", process->cmdline);
	peeps_sink_number_at(sink, "start_time", process->start_time_ticks);
	peeps_sink_number_at(sink, "ptime_now_ns", process->ptime_now_ns);
	peeps_sink_text_at(sink, "coverage", process->coverage);
	peeps_sink_key(sink, "counters");
	peeps_document_counters(sink, process);
	peeps_sink_number_at(sink, "own_pid", process->own_pid);
	peeps_sink_number_at(sink, "threads", process->thread_count);
	peeps_sink_bool_at(sink, "gone", process->gone);
	peeps_sink_map_end(sink);
}

/* --- nodes ------------------------------------------------------------------------------------------------------ */

static bool is_as_compiled(const struct peeps_source *source)
{
	return source->file && source->as_compiled;
}

void peeps_document_attributes(struct peeps_sink *sink, const struct peeps_graph *graph,
			       const struct peeps_node *node)
{
	write_attributes(sink, graph, node->attributes, node->attribute_count);
}

#define NODE_KEYS  9
#define ACTOR_KEYS 3

static void write_actor(struct peeps_sink *sink, const struct peeps_node *actor)
{
	peeps_sink_number_at(sink, "tid", actor->tid ? actor->tid : PEEPS_NO_TIME);
	peeps_sink_bool_at(sink, "exited", actor->gone);
	peeps_sink_bool_at(sink, "sleeping", actor->asleep);
}

static void write_node(struct peeps_sink *sink, const struct peeps_graph *graph,
		       const struct peeps_node *node)
{
	const bool is_actor = node->role == PEEPS_ROLE_ACTOR;

	peeps_sink_map(sink, NODE_KEYS + (is_actor ? ACTOR_KEYS : 0) + node->uncertain +
				     is_as_compiled(&node->source));
	peeps_sink_text_at(sink, "id", node->id);
	peeps_sink_text_at(sink, "kind", node->kind);
	peeps_sink_text_at(sink, "process", graph->processes[node->process].proc_key);
	peeps_sink_text_at(sink, "name", node->name);
	peeps_sink_source_at(sink, "site", &node->source);
	write_if_true(sink, "uncertain", node->uncertain);
	peeps_sink_key(sink, "attrs");
	peeps_document_attributes(sink, graph, node);
	peeps_sink_text_at(sink, "role", peeps_role_name(node->role));
	if (is_actor)
		write_actor(sink, node);
	peeps_sink_text_at(sink, "function", node->source.function);
	peeps_sink_text_at(sink, "krate", node->source.module);
	write_if_true(sink, "site_as_compiled", is_as_compiled(&node->source));
	peeps_sink_map_end(sink);
}

/* --- edges ------------------------------------------------------------------------------------------------------ */

#define SOURCE_KEYS 2

static void write_source(struct peeps_sink *sink, const struct peeps_source *source)
{
	peeps_sink_source_at(sink, "source", source);
	write_if_true(sink, "source_as_compiled", is_as_compiled(source));
	peeps_sink_text_at(sink, "krate", source->module);
}

#define OPERATION_KEYS (8 + SOURCE_KEYS)

static void write_operation(struct peeps_sink *sink, const struct peeps_graph *graph,
			    const struct peeps_edge *edge)
{
	peeps_sink_text_at(sink, "op_kind", edge->op_kind);
	peeps_sink_text_at(sink, "state", edge->state_name);
	peeps_sink_number_at(sink, "pending_since_ptime_ms", ms_of(edge->pending_since_ns));
	peeps_sink_number_at(sink, "last_change_ptime_ms", ms_of(edge->last_change_ns));
	write_source(sink, &edge->source);
	peeps_sink_number_at(sink, "poll_count", edge->poll_count);
	peeps_sink_number_at(sink, "wait_sequence", edge->wait_sequence);
	peeps_sink_number_at(sink, "slot", edge->slot);
	if (edge->reason)
		peeps_sink_number_at(sink, "errno", edge->reason);
	peeps_sink_key(sink, "details");
	write_attributes(sink, graph, edge->details, edge->detail_count);
}

#define OPERATION_MORE_KEYS 4

static void write_operation_more(struct peeps_sink *sink, const struct peeps_edge *edge)
{
	peeps_sink_text_at(sink, "function", edge->source.function);
	peeps_sink_number_at(sink, "pending_since_ptime_ns", edge->pending_since_ns);
	peeps_sink_number_at(sink, "last_change_ptime_ns", edge->last_change_ns);
	peeps_sink_bool_at(sink, "blocks", edge->blocks);
}

#define HOLD_KEYS (5 + SOURCE_KEYS)

/* By how much it may be younger than it says: null if it says nothing. */
static uint64_t held_accuracy_ns(const struct peeps_edge *hold)
{
	return hold->held_since_ns == PEEPS_NO_TIME ? PEEPS_NO_TIME : hold->held_accuracy_ns;
}

static uint64_t ms_above(uint64_t ns)
{
	return ns == PEEPS_NO_TIME ? PEEPS_NO_TIME : ns / NS_PER_MS + (ns % NS_PER_MS != 0);
}

static void write_hold(struct peeps_sink *sink, const struct peeps_edge *edge)
{
	peeps_sink_text_at(sink, "role", edge->role);
	peeps_sink_text_at(sink, "mode", edge->mode);
	peeps_sink_number_at(sink, "count", edge->count);
	peeps_sink_number_at(sink, "held_since_ptime_ms", ms_of(edge->held_since_ns));
	peeps_sink_number_at(sink, "held_accuracy_ms", ms_above(held_accuracy_ns(edge)));
	write_source(sink, &edge->source);
}

#define HOLD_MORE_KEYS 5

static void write_hold_more(struct peeps_sink *sink, const struct peeps_edge *edge)
{
	peeps_sink_text_at(sink, "function", edge->source.function);
	peeps_sink_number_at(sink, "held_since_ptime_ns", edge->held_since_ns);
	peeps_sink_number_at(sink, "held_accuracy_ns", held_accuracy_ns(edge));
	peeps_sink_number_at(sink, "wait_sequence", edge->wait_sequence);
	peeps_sink_number_at(sink, "slot", edge->slot);
}

#define LINK_KEYS (5 + SOURCE_KEYS)

static void write_link(struct peeps_sink *sink, const struct peeps_edge *edge)
{
	write_source(sink, &edge->source);
	peeps_sink_text_at(sink, "function", edge->source.function);
	peeps_sink_number_at(sink, "last_change_ptime_ms", ms_of(edge->last_change_ns));
	peeps_sink_number_at(sink, "last_change_ptime_ns", edge->last_change_ns);
	peeps_sink_number_at(sink, "wait_sequence", edge->wait_sequence);
	peeps_sink_number_at(sink, "slot", edge->slot);
}

/* Keys that came later stand after those that were there before. */
void peeps_document_meta(struct peeps_sink *sink, const struct peeps_graph *graph,
			 const struct peeps_edge *edge)
{
	const uint32_t marks =
		(uint32_t)edge->uncertain + edge->unconfirmed + is_as_compiled(&edge->source);

	if (edge->kind == PEEPS_EDGE_NEEDS && edge->op != PEEPS_OP_NONE) {
		peeps_sink_map(sink,
			       OPERATION_KEYS + OPERATION_MORE_KEYS + marks + (edge->reason != 0));
		write_operation(sink, graph, edge);
		write_if_true(sink, "uncertain", edge->uncertain);
		write_operation_more(sink, edge);
	} else if (edge->kind == PEEPS_EDGE_HOLDS) {
		peeps_sink_map(sink, HOLD_KEYS + HOLD_MORE_KEYS + marks);
		write_hold(sink, edge);
		write_if_true(sink, "uncertain", edge->uncertain);
		write_hold_more(sink, edge);
	} else {
		peeps_sink_map(sink, LINK_KEYS + marks);
		write_if_true(sink, "uncertain", edge->uncertain);
		write_link(sink, edge);
	}
	write_if_true(sink, "unconfirmed", edge->unconfirmed);
	peeps_sink_map_end(sink);
}

static void write_ends(struct peeps_sink *sink, const struct peeps_graph *graph,
		       const struct peeps_edge *edge)
{
	peeps_sink_text_at(sink, "src", graph->nodes[edge->src].id);
	peeps_sink_text_at(sink, "dst", graph->nodes[edge->dst].id);
	peeps_sink_text_at(sink, "kind", peeps_edge_kind_name(edge->kind));
}

#define EDGE_KEYS 4

static void write_edge(struct peeps_sink *sink, const struct peeps_graph *graph,
		       const struct peeps_edge *edge)
{
	peeps_sink_map(sink, EDGE_KEYS);
	write_ends(sink, graph, edge);
	peeps_sink_key(sink, "meta");
	peeps_document_meta(sink, graph, edge);
	peeps_sink_map_end(sink);
}

/* --- scopes ----------------------------------------------------------------------------------------------------- */

void peeps_document_scope_attributes(struct peeps_sink *sink, const struct peeps_graph_scope *scope)
{
	peeps_sink_map(sink, 1);
	peeps_sink_number_at(sink, "created_at_ns", scope->created_ns);
	peeps_sink_map_end(sink);
}

#define SCOPE_KEYS 5

static void write_scope(struct peeps_sink *sink, const struct peeps_graph *graph,
			const struct peeps_graph_scope *scope)
{
	peeps_sink_map(sink, SCOPE_KEYS);
	peeps_sink_text_at(sink, "id", scope->id);
	peeps_sink_text_at(sink, "kind", scope->kind);
	peeps_sink_text_at(sink, "process", graph->processes[scope->process].proc_key);
	peeps_sink_text_at(sink, "name", scope->name);
	peeps_sink_key(sink, "attrs");
	peeps_document_scope_attributes(sink, scope);
	peeps_sink_map_end(sink);
}

#define MEMBERSHIP_KEYS 2

static void write_membership(struct peeps_sink *sink, const struct peeps_graph *graph,
			     const struct peeps_membership *membership)
{
	peeps_sink_map(sink, MEMBERSHIP_KEYS);
	peeps_sink_text_at(sink, "entity", graph->nodes[membership->node].id);
	peeps_sink_text_at(sink, "scope", graph->scopes[membership->scope].id);
	peeps_sink_map_end(sink);
}

/* --- findings --------------------------------------------------------------------------------------------------- */

static void write_ids(struct peeps_sink *sink, const struct peeps_graph *graph,
		      const uint32_t *nodes, size_t count)
{
	peeps_sink_array(sink, (uint32_t)count);
	for (size_t i = 0; i < count; i++)
		peeps_sink_text(sink, graph->nodes[nodes[i]].id);
	peeps_sink_array_end(sink);
}

#define FINDING_KEYS      7
#define FINDING_EDGE_KEYS 4

static void write_finding_edges(struct peeps_sink *sink, const struct peeps_graph *graph,
				const struct peeps_finding *finding)
{
	peeps_sink_array(sink, (uint32_t)finding->edge_count);
	for (size_t i = 0; i < finding->edge_count; i++) {
		peeps_sink_map(sink, FINDING_EDGE_KEYS);
		write_ends(sink, graph, &graph->edges[finding->edges[i]]);
		/* Two waits may be alike in all else. */
		peeps_sink_number_at(sink, "index", finding->edges[i]);
		peeps_sink_map_end(sink);
	}
	peeps_sink_array_end(sink);
}

void peeps_document_evidence(struct peeps_sink *sink, const struct peeps_graph *graph,
			     const struct peeps_finding *finding, enum peeps_evidence evidence)
{
	switch (evidence) {
	case PEEPS_EVIDENCE_STEPS:
		write_texts(sink, finding->steps, finding->step_count);
		break;
	case PEEPS_EVIDENCE_NODES:
		write_ids(sink, graph, finding->nodes, finding->node_count);
		break;
	case PEEPS_EVIDENCE_EDGES:
		write_finding_edges(sink, graph, finding);
		break;
	case PEEPS_EVIDENCE_VICTIMS:
		write_ids(sink, graph, finding->victims, finding->victim_count);
		break;
	}
}

static void write_finding(struct peeps_sink *sink, const struct peeps_graph *graph,
			  const struct peeps_finding *finding)
{
	static const char *const evidence[] = {
		[PEEPS_EVIDENCE_STEPS] = "steps",
		[PEEPS_EVIDENCE_NODES] = "nodes",
		[PEEPS_EVIDENCE_EDGES] = "edges",
		[PEEPS_EVIDENCE_VICTIMS] = "victims",
	};

	peeps_sink_map(sink, FINDING_KEYS);
	peeps_sink_text_at(sink, "kind", peeps_finding_name(finding->kind));
	peeps_sink_text_at(sink, "certainty", peeps_certainty_name(finding));
	peeps_sink_text_at(sink, "sentence", finding->sentence);
	for (size_t i = 0; i < sizeof(evidence) / sizeof(evidence[0]); i++) {
		peeps_sink_key(sink, evidence[i]);
		peeps_document_evidence(sink, graph, finding, (enum peeps_evidence)i);
	}
	peeps_sink_map_end(sink);
}

/* --- all of it -------------------------------------------------------------------------------------------------- */

void peeps_document_notes(struct peeps_sink *sink, const struct peeps_graph *graph)
{
	write_texts(sink, graph->notes, graph->note_count);
}

void peeps_document_quality(struct peeps_sink *sink, const struct peeps_graph *graph)
{
	peeps_sink_text_at(sink, "quality", peeps_quality_name(graph->quality));
	peeps_sink_key(sink, "notes");
	peeps_document_notes(sink, graph);
}

void peeps_document_findings(struct peeps_sink *sink, const struct peeps_graph *graph)
{
	peeps_sink_key(sink, "findings");
	peeps_sink_array(sink, (uint32_t)graph->finding_count);
	for (size_t i = 0; i < graph->finding_count; i++)
		write_finding(sink, graph, &graph->findings[i]);
	peeps_sink_array_end(sink);
}

#define WRITE_ARRAY(sink, graph, name, count, write_row)             \
	do {                                                         \
		peeps_sink_key(sink, #name);                         \
		peeps_sink_array(sink, (uint32_t)(graph)->count);    \
		for (size_t row = 0; row < (graph)->count; row++)    \
			write_row(sink, graph, &(graph)->name[row]); \
		peeps_sink_array_end(sink);                          \
	} while (0)

#define DOCUMENT_KEYS 12

static void write_document(struct peeps_sink *sink, const struct peeps_graph *graph)
{
	peeps_sink_map(sink, DOCUMENT_KEYS + (graph->sequence != 0));
	peeps_sink_text_at(sink, "schema", PEEPS_DOCUMENT_SCHEMA);
	if (graph->sequence)
		peeps_sink_number_at(sink, "sequence", graph->sequence);
	peeps_sink_number_at(sink, "taken_at_unix_ns", graph->taken_at_unix_ns);
	peeps_sink_number_at(sink, "cut_ns", graph->cut_ns);
	peeps_sink_number_at(sink, "skew_ns", graph->skew_ns);
	peeps_document_quality(sink, graph);
	WRITE_ARRAY(sink, graph, processes, process_count, write_process);
	WRITE_ARRAY(sink, graph, nodes, node_count, write_node);
	WRITE_ARRAY(sink, graph, edges, edge_count, write_edge);
	WRITE_ARRAY(sink, graph, scopes, scope_count, write_scope);
	WRITE_ARRAY(sink, graph, memberships, membership_count, write_membership);
	peeps_document_findings(sink, graph);
	peeps_sink_map_end(sink);
}

int peeps_document_write_json(const struct peeps_graph *graph, FILE *out)
{
	struct peeps_json json;
	int r = peeps_json_open(&json, out);

	if (r)
		return r;
	write_document(&json.sink, graph);
	return peeps_json_close(&json);
}

int peeps_document_write_msgpack(const struct peeps_graph *graph, FILE *out)
{
	struct peeps_msgpack msgpack;

	peeps_msgpack_open(&msgpack, out);
	write_document(&msgpack.sink, graph);
	return peeps_msgpack_close(&msgpack);
}
