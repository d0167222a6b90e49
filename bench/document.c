/* SPDX-License-Identifier: MIT */
/*
 * "A dump writes at least 200 MB of msgpack a second, and 100 MB of JSON."
 *
 * usage: document [NODES]
 *
 * A tenth of the nodes are threads that wait for one mutex, the others are mutexes; all have distinct names. Written to
 * /dev/null, and read from memory into a graph again.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/series.h"
#include "reader/format/document.h"
#include "reader/graph/arena.h"
#include "reader/graph/graph.h"
#include "reader/problem.h"
#include "reader/snapshot/snapshot.h"

#define ROUNDS        7
#define NODES_USUALLY 100000
#define NODES_MAX     10000000

static void *need(void *memory)
{
	if (!memory) {
		perror("document");
		exit(1);
	}
	return memory;
}

static struct peeps_value number(uint64_t number)
{
	return (struct peeps_value){ .type = PEEPS_VALUE_UNSIGNED, .as.number = number };
}

static struct peeps_value text(const char *text)
{
	return (struct peeps_value){ .type = PEEPS_VALUE_TEXT, .as.text = text };
}

static struct peeps_value reference(uint32_t node)
{
	return (struct peeps_value){ .type = PEEPS_VALUE_NODE, .as.node = node };
}

static void add(struct peeps_node *node, const char *name, struct peeps_value value)
{
	node->attributes[node->attribute_count++] =
		(struct peeps_attribute){ .name = name, .value = value };
}

/* A thread, and nine mutexes that it made. */
static void make_node(struct peeps_graph *graph, uint32_t position)
{
	struct peeps_node *node = &graph->nodes[position];
	const bool is_thread = position % 10 == 0;
	const uint32_t thread = position - position % 10;

	node->kind = is_thread ? "thread" : "mutex";
	node->kind_number = is_thread ? PEEPS_KIND_THREAD : PEEPS_KIND_MUTEX;
	node->role = is_thread ? PEEPS_ROLE_ACTOR : PEEPS_ROLE_RESOURCE;
	node->tid = is_thread ? position + 1 : 0;
	node->created_ns = UINT64_C(1000003) * position;
	node->source = (struct peeps_source){ .file = "/src/bank/accounts.c",
					      .function = "account_open",
					      .module = "bank",
					      .line = 100 + position % 50 };
	node->name = need(
		peeps_arena_format(graph->arena, is_thread ? "worker-%u" : "account-%u", position));
	node->id = need(peeps_arena_format(
		graph->arena, is_thread ? "thread:bank-4711:%u" : "mutex:bank-4711:account-%u",
		position));
	node->attributes = need(peeps_arena_take(graph->arena, 10, sizeof(*node->attributes)));
	add(node, "name", text(node->name));
	add(node, "created_at_ns", number(node->created_ns));
	add(node, "creator_task_id", reference(thread));
	if (is_thread) {
		add(node, "tid", number(node->tid));
		add(node, "activity", text("running"));
		return;
	}
	add(node, "mutex_type", text("normal"));
	add(node, "robust", (struct peeps_value){ .type = PEEPS_VALUE_BOOL });
	add(node, "holder", reference(thread));
	add(node, "held_since_ptime_ms", number(position));
	add(node, "acquires", number(UINT64_C(7919) * position));
	add(node, "wait_total_ns", number(UINT64_C(104729) * position));
	add(node, "contended", number(position % 1000));
}

static void make_edge(struct peeps_graph *graph, uint32_t position)
{
	const uint32_t thread = position - position % 10, mutex = thread + 1 + position % 9;
	struct peeps_edge *edge = &graph->edges[graph->edge_count++];

	*edge = (struct peeps_edge){
		.kind = PEEPS_EDGE_HOLDS,
		.src = mutex,
		.dst = thread,
		.pending_since_ns = PEEPS_NO_TIME,
		.last_change_ns = PEEPS_NO_TIME,
		.held_since_ns = UINT64_C(1000003) * position,
		.held_accuracy_ns = 100000000,
		.role = "lock",
		.role_number = PEEPS_HOLD_ROLE_LOCK,
		.mode = "exclusive",
		.mode_number = PEEPS_HOLD_MODE_EXCLUSIVE,
		.count = 1,
		.slot = position,
		.source = { .file = "/src/bank/transfer.c", .line = 42, .module = "bank" },
	};
	if (position % 10)
		return;
	edge->kind = PEEPS_EDGE_NEEDS;
	edge->src = thread;
	edge->dst = mutex;
	edge->op = PEEPS_OP_LOCK;
	edge->op_kind = "lock";
	edge->state = PEEPS_STATE_PENDING;
	edge->state_name = "pending";
	edge->pending_since_ns = UINT64_C(1000003) * position;
	edge->last_change_ns = edge->pending_since_ns;
	edge->held_since_ns = PEEPS_NO_TIME;
	edge->blocks = true;
}

static struct peeps_graph *make_graph(uint32_t count)
{
	struct peeps_graph *graph = need(peeps_graph_new(0));

	graph->taken_at_unix_ns = UINT64_C(1777636800) * 1000000000;
	graph->process_count = 1;
	graph->processes = need(peeps_arena_take(graph->arena, 1, sizeof(*graph->processes)));
	graph->processes[0] = (struct peeps_process){
		.proc_key = "bank-4711",
		.pid = 4711,
		.own_pid = 4711,
		.name = "bank",
		.cmdline = "./bank",
		.ptime_now_ns = UINT64_C(3600) * 1000000000,
		.coverage = "all of it",
	};
	graph->nodes = need(peeps_arena_take(graph->arena, count, sizeof(*graph->nodes)));
	graph->node_count = count;
	graph->edges = need(peeps_arena_take(graph->arena, count, sizeof(*graph->edges)));
	for (uint32_t i = 0; i < count; i++) {
		make_node(graph, i);
		make_edge(graph, i);
	}
	return graph;
}

typedef int write_fn(const struct peeps_graph *graph, FILE *out);

static uint64_t write_ns(write_fn *write, const struct peeps_graph *graph)
{
	const uint64_t begin_ns = bench_now_ns();
	FILE *out = need(fopen("/dev/null", "w"));

	if (write(graph, out) != 0 || fclose(out) != 0) {
		(void)fprintf(stderr, "document: cannot write\n");
		exit(1);
	}
	return bench_now_ns() - begin_ns;
}

static uint64_t read_ns(const char *bytes, size_t length)
{
	const uint64_t begin_ns = bench_now_ns();
	struct peeps_problem problem = { .status = 0 };
	struct peeps_graph *graph;

	if (peeps_snapshot_read_bytes(bytes, length, "memory", &graph, &problem) != 0) {
		(void)fprintf(stderr, "document: %s\n", problem.why);
		exit(1);
	}
	peeps_graph_free(graph);
	return bench_now_ns() - begin_ns;
}

static void report(const char *what, const char *format, const struct peeps_graph *graph,
		   size_t length, double rounds[static ROUNDS])
{
	char name[96];

	(void)snprintf(name, sizeof(name),
		       "document %s %s, %zu nodes and as many edges, %zu B each", what, format,
		       graph->node_count, length / (graph->node_count + graph->edge_count));
	bench_series_print(name, "MB/s", NULL, rounds, ROUNDS);
}

static void measure(const char *format, write_fn *write, const struct peeps_graph *graph)
{
	double written[ROUNDS], read[ROUNDS];
	char *bytes = NULL;
	size_t length = 0;
	FILE *memory = need(open_memstream(&bytes, &length));

	if (write(graph, memory) != 0 || fclose(memory) != 0)
		exit(1);
	for (int round = 0; round < ROUNDS; round++) {
		written[round] = (double)length * 1e3 / (double)write_ns(write, graph);
		read[round] = (double)length * 1e3 / (double)read_ns(bytes, length);
	}
	report("write", format, graph, length, written);
	report("read", format, graph, length, read);
	free(bytes);
}

int main(int argc, char **argv)
{
	const size_t count = argc > 1 ? bench_count_of(argv[1], NODES_MAX) : NODES_USUALLY;
	struct peeps_graph *graph = make_graph((uint32_t)(count - count % 10));

	measure("msgpack", peeps_document_write_msgpack, graph);
	measure("json", peeps_document_write_json, graph);
	peeps_graph_free(graph);
	return 0;
}
