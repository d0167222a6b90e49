/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reader/arena.h"
#include "tests/reader/graph_builder.h"

static void *need(void *memory)
{
	if (!memory) {
		perror("graph_builder");
		abort();
	}
	return memory;
}

/* Room for one more: arrays are full whenever their count is a power of two. */
static void *grow(struct peeps_graph *graph, void *rows, size_t count, size_t size)
{
	void *more;

	if (count & (count - 1))
		return rows;
	more = need(peeps_arena_take(graph->arena, count ? 2 * count : 1, size));
	if (count)
		memcpy(more, rows, count * size);
	return more;
}

struct peeps_graph *graph_new(void)
{
	static struct peeps_counter_value counters[] = { { "dropped_edges", 0 }, { "torn", 0 } };
	struct peeps_graph *graph = need(peeps_graph_new(0));

	graph->taken_at_unix_ns = UINT64_C(1777636800) * S + 250 * MS;
	graph->cut_ns = 12000;
	graph->process_count = 1;
	graph->processes = need(peeps_arena_take(graph->arena, 1, sizeof(graph->processes[0])));
	graph->processes[0] = (struct peeps_process){
		.proc_key = "orders-4711",
		.pid = 4711,
		.own_pid = 4711,
		.name = "orders",
		.cmdline = "./orders --serve",
		.start_time_ticks = 77,
		.ptime_now_ns = 20 * S,
		.coverage = "mutexes of peeps",
		.counter_count = 2,
		.counters = counters,
	};
	return graph;
}

static uint32_t add_node(struct peeps_graph *graph, struct peeps_node node)
{
	graph->nodes = grow(graph, graph->nodes, graph->node_count, sizeof(node));
	graph->nodes[graph->node_count] = node;
	return (uint32_t)graph->node_count++;
}

uint32_t graph_thread(struct peeps_graph *graph, uint32_t tid, const char *name)
{
	const uint32_t node = add_node(
		graph,
		(struct peeps_node){
			.id = need(peeps_arena_format(graph->arena, "thread:orders-4711:%u", tid)),
			.name = name,
			.kind = "thread",
			.kind_number = PEEPS_KIND_THREAD,
			.role = PEEPS_ROLE_ACTOR,
			.tid = tid,
		});

	graph->processes[0].thread_count++;
	graph_attribute(graph, node, "activity",
			(struct peeps_value){ .type = PEEPS_VALUE_TEXT, .as.text = "running" });
	return node;
}

uint32_t graph_mutex(struct peeps_graph *graph, const char *name, const char *file, uint32_t line)
{
	const uint32_t node = add_node(
		graph,
		(struct peeps_node){
			.id = need(peeps_arena_format(graph->arena, "mutex:orders-4711:%s", name)),
			.name = name,
			.kind = "mutex",
			.kind_number = PEEPS_KIND_MUTEX,
			.role = PEEPS_ROLE_RESOURCE,
			.source = { .file = file, .line = line },
		});

	graph_attribute(graph, node, "mutex_type",
			(struct peeps_value){ .type = PEEPS_VALUE_TEXT, .as.text = "normal" });
	return node;
}

void graph_attribute(struct peeps_graph *graph, uint32_t number, const char *name,
		     struct peeps_value value)
{
	struct peeps_node *node = &graph->nodes[number];

	for (size_t i = 0; i < node->attribute_count; i++) {
		if (strcmp(node->attributes[i].name, name) == 0) {
			node->attributes[i].value = value;
			return;
		}
	}
	node->attributes =
		grow(graph, node->attributes, node->attribute_count, sizeof(node->attributes[0]));
	node->attributes[node->attribute_count++] =
		(struct peeps_attribute){ .name = name, .value = value };
}

static uint32_t add_edge(struct peeps_graph *graph, struct peeps_edge edge)
{
	graph->edges = grow(graph, graph->edges, graph->edge_count, sizeof(edge));
	graph->edges[graph->edge_count] = edge;
	return (uint32_t)graph->edge_count++;
}

uint32_t graph_wait(struct peeps_graph *graph, uint32_t actor, uint32_t resource, uint64_t since_ns)
{
	return add_edge(graph, (struct peeps_edge){
				       .kind = PEEPS_EDGE_NEEDS,
				       .src = actor,
				       .dst = resource,
				       .op = PEEPS_OP_LOCK,
				       .op_kind = "lock",
				       .state = PEEPS_STATE_PENDING,
				       .state_name = "pending",
				       .pending_since_ns = since_ns,
				       .last_change_ns = since_ns,
				       .poll_count = 1,
				       .wait_sequence = 3,
				       .slot = 5,
				       .source = { .file = "/src/bank.c", .line = 90 },
				       .held_since_ns = PEEPS_NO_TIME,
			       });
}

uint32_t graph_hold(struct peeps_graph *graph, uint32_t resource, uint32_t actor, uint64_t since_ns)
{
	return add_edge(graph,
			(struct peeps_edge){
				.kind = PEEPS_EDGE_HOLDS,
				.src = resource,
				.dst = actor,
				.pending_since_ns = PEEPS_NO_TIME,
				.last_change_ns = PEEPS_NO_TIME,
				.source = { .file = "/src/bank.c", .line = 88, .module = "bank" },
				.role = "lock",
				.mode = "exclusive",
				.count = 1,
				.held_since_ns = since_ns,
				.held_accuracy_ns = 100 * MS,
			});
}

void graph_note(struct peeps_graph *graph, const char *note)
{
	graph->notes = grow(graph, graph->notes, graph->note_count, sizeof(graph->notes[0]));
	graph->notes[graph->note_count++] = note;
}

struct peeps_graph *graph_deadlocked(void)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t first = graph_thread(graph, 4712, "worker-1");
	const uint32_t second = graph_thread(graph, 4713, "worker-2");
	const uint32_t accounts = graph_mutex(graph, "accounts", "/src/bank.c", 42);
	const uint32_t ledger = graph_mutex(graph, "ledger", "/src/bank.c", 43);

	(void)graph_thread(graph, 4714, "idle");
	(void)graph_hold(graph, accounts, first, 7500 * MS);
	(void)graph_hold(graph, ledger, second, 7500 * MS);
	(void)graph_wait(graph, first, ledger, 7700 * MS);
	(void)graph_wait(graph, second, accounts, 7580 * MS);
	return graph;
}

void graph_analyse(struct peeps_graph *graph, uint64_t max_wait_ns)
{
	const struct peeps_analysis_options options = { .max_wait_ns = max_wait_ns };

	if (peeps_analyse(graph, &options) != 0)
		abort();
}

char *printed(int (*print)(const struct peeps_graph *graph, FILE *out),
	      const struct peeps_graph *graph)
{
	char *text = NULL;
	size_t length;
	FILE *out = need(open_memstream(&text, &length));

	if (print(graph, out) != 0 || fclose(out) != 0)
		abort();
	return text;
}
