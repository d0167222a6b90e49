/* SPDX-License-Identifier: MIT */
#include "tests/reader/graph_rich.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "reader/graph/arena.h"
#include "tests/reader/graph_builder.h"

static void *take(struct peeps_graph *graph, size_t count, size_t size)
{
	void *memory = peeps_arena_take(graph->arena, count, size);

	assert_non_null(memory);
	return memory;
}

static void add_second_process(struct peeps_graph *graph)
{
	static struct peeps_counter_value counters[] = { { "torn", 3 }, { "beyond", UINT64_MAX } };
	struct peeps_process *processes = take(graph, 2, sizeof(*processes));

	processes[0] = graph->processes[0];
	processes[1] = (struct peeps_process){
		.proc_key = "billing-99",
		.pid = 99,
		.own_pid = 7,
		.name = "bi\"lling\n",
		.cmdline = "",
		.start_time_ticks = INT64_MAX,
		.ptime_now_ns = 5 * S + 1,
		.coverage = "caf\xc3\xa9",
		.thread_count = 12,
		.counter_count = 2,
		.counters = counters,
	};
	graph->processes = processes;
	graph->process_count = 2;
}

static void add_scopes(struct peeps_graph *graph)
{
	static struct peeps_graph_scope scopes[] = {
		{ .id = "scope:orders-4711:user:boot",
		  .name = "boot",
		  .kind = "user",
		  .created_ns = 7 },
		{ .id = "scope:billing-99:connection:3",
		  .name = "3\"",
		  .kind = "connection",
		  .process = 1,
		  .created_ns = PEEPS_NO_TIME },
	};
	static struct peeps_membership memberships[] = { { 1, 1 }, { 0, 0 }, { 0, 1 } };

	graph->scopes = scopes;
	graph->scope_count = 2;
	graph->memberships = memberships;
	graph->membership_count = 3;
}

/* Of a kind that the program brought, with an attribute that refers to a node. */
static void add_own_kind(struct peeps_graph *graph, uint32_t thread)
{
	const uint32_t node = graph_mutex(graph, "gate", NULL, 0);

	graph->nodes[node].kind = "turnstile";
	graph->nodes[node].kind_number = PEEPS_KIND_NONE;
	graph->nodes[node].role = PEEPS_ROLE_OTHER;
	graph->nodes[node].process = 1;
	graph->nodes[node].uncertain = true;
	graph_attribute(graph, node, "guard",
			(struct peeps_value){ .type = PEEPS_VALUE_NODE, .as.node = thread });
	graph_attribute(graph, node, "real",
			(struct peeps_value){ .type = PEEPS_VALUE_REAL, .as.real = 0.1 });
	graph_attribute(graph, node, "whole",
			(struct peeps_value){ .type = PEEPS_VALUE_REAL, .as.real = 1.0 });
	graph_attribute(graph, node, "nothing", (struct peeps_value){ .type = PEEPS_VALUE_NULL });
	/* A text, though it looks like an id. */
	graph_attribute(graph, node, "note",
			(struct peeps_value){ .type = PEEPS_VALUE_TEXT,
					      .as.text = graph->nodes[thread].id });
	graph_number(graph, node, "greatest", INT64_MAX);
}

static void vary_edges(struct peeps_graph *graph, uint32_t wait, uint32_t hold)
{
	struct peeps_edge *edge = &graph->edges[wait];

	edge->source = (struct peeps_source){
		.file = "a:b/c.c", .line = UINT32_MAX, .function = "f", .as_compiled = true
	};
	edge->uncertain = true;
	edge->pending_since_ns = 3 * S + 123456;
	edge->last_change_ns = PEEPS_NO_TIME;
	edge->reason = ETIMEDOUT;
	edge->blocks = false;
	edge = &graph->edges[hold];
	edge->held_since_ns = PEEPS_NO_TIME;
	edge->held_accuracy_ns = 0;
	edge->mode = NULL;
	edge->mode_number = 0;
	edge->count = UINT64_C(1) << 40;
	edge->wait_sequence = UINT32_MAX;
}

static void set_creation_times(struct peeps_graph *graph)
{
	for (size_t i = 0; i < graph->node_count; i++) {
		graph->nodes[i].created_ns = 1000 + i;
		graph_number(graph, (uint32_t)i, "created_at_ns", 1000 + i);
	}
	graph->nodes[2].created_ns = PEEPS_NO_TIME;
	graph_attribute(graph, 2, "created_at_ns",
			(struct peeps_value){ .type = PEEPS_VALUE_NULL });
}

struct peeps_graph *graph_rich(void)
{
	struct peeps_graph *graph = graph_deadlocked();
	const uint32_t task = graph_task(graph, "task"), exited = graph_thread(graph, 5, "gone");
	const uint32_t gate = graph_semaphore(graph, "api gate", 0, 1);
	const struct graph_channel jobs = graph_channel(graph, "jobs", 3, 16);

	add_second_process(graph);
	add_scopes(graph);
	add_own_kind(graph, exited);
	graph_enter(graph, 4, task);
	graph_sleep(graph, task, 60000);
	graph->nodes[exited].gone = true;
	graph->nodes[exited].tid = 0;
	graph->nodes[1].source = (struct peeps_source){ .file = "main.c",
							.line = 7,
							.function = "main",
							.module = "orders",
							.as_compiled = true };
	graph_attribute(graph, 2, "holder",
			(struct peeps_value){ .type = PEEPS_VALUE_NODE, .as.node = 0 });
	(void)graph_permits(graph, gate, exited, 1, 2 * S + 5);
	(void)graph_receiver(graph, jobs, exited, PEEPS_HOLD_MODE_OWNER);
	vary_edges(graph, graph_acquire(graph, 4, gate, 2, 9 * S),
		   graph_sender(graph, jobs, 0, PEEPS_HOLD_MODE_SHARED));
	/* Two waits that are alike in all but which they are. */
	(void)graph_wait(graph, 4, 2, 9 * S);
	(void)graph_wait(graph, 4, 2, 9 * S);
	/* A wait that can end, but takes long. */
	(void)graph_hold(graph, graph_mutex(graph, "slow", "/src/bank.c", 50),
			 graph_thread(graph, 6, "busy"), 1 * S);
	(void)graph_wait(graph, graph_thread(graph, 7, "late"),
			 (uint32_t)graph->edges[graph->edge_count - 1].src, 2 * S);
	set_creation_times(graph);
	graph_note(graph, "a note\nof two lines");
	graph->quality = PEEPS_QUALITY_PARTIAL;
	graph->skew_ns = 17;
	graph_analyse(graph, 5 * S);
	return graph;
}
