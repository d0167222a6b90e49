/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reader/graph/arena.h"
#include "reader/graph/ends.h"
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

uint32_t graph_process(struct peeps_graph *graph, const char *name, uint32_t pid)
{
	graph->processes =
		grow(graph, graph->processes, graph->process_count, sizeof(graph->processes[0]));
	graph->processes[graph->process_count] = graph->processes[0];
	graph->processes[graph->process_count].proc_key =
		need(peeps_arena_format(graph->arena, "%s-%u", name, pid));
	graph->processes[graph->process_count].pid = pid;
	graph->processes[graph->process_count].own_pid = pid;
	graph->processes[graph->process_count].name = name;
	graph->processes[graph->process_count].thread_count = 1;
	return (uint32_t)graph->process_count++;
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

uint32_t graph_scope(struct peeps_graph *graph, const char *name)
{
	graph->scopes = grow(graph, graph->scopes, graph->scope_count, sizeof(graph->scopes[0]));
	graph->scopes[graph->scope_count] = (struct peeps_graph_scope){
		.id = need(
			peeps_arena_format(graph->arena, "scope:orders-4711:connection:%s", name)),
		.name = name,
		.kind = "connection",
		.created_ns = 15 * S,
	};
	return (uint32_t)graph->scope_count++;
}

void graph_member(struct peeps_graph *graph, uint32_t node, uint32_t scope)
{
	graph->memberships = grow(graph, graph->memberships, graph->membership_count,
				  sizeof(graph->memberships[0]));
	graph->memberships[graph->membership_count++] =
		(struct peeps_membership){ .node = node, .scope = scope };
}

void graph_number(struct peeps_graph *graph, uint32_t node, const char *name, uint64_t number)
{
	graph_attribute(graph, node, name,
			(struct peeps_value){ .type = PEEPS_VALUE_UNSIGNED, .as.number = number });
}

void graph_bool(struct peeps_graph *graph, uint32_t node, const char *name, bool yes)
{
	graph_attribute(graph, node, name,
			(struct peeps_value){ .type = PEEPS_VALUE_BOOL, .as.boolean = yes });
}

static void set_node(struct peeps_graph *graph, uint32_t node, const char *name, uint32_t other)
{
	graph_attribute(graph, node, name,
			(struct peeps_value){ .type = PEEPS_VALUE_NODE, .as.node = other });
}

static void set_activity(struct peeps_graph *graph, uint32_t node, const char *activity)
{
	graph_attribute(graph, node, "activity",
			(struct peeps_value){ .type = PEEPS_VALUE_TEXT, .as.text = activity });
}

uint32_t graph_task(struct peeps_graph *graph, const char *name)
{
	const uint32_t node = add_node(
		graph,
		(struct peeps_node){
			.id = need(peeps_arena_format(graph->arena, "task:orders-4711:%s", name)),
			.name = name,
			.kind = "task",
			.kind_number = PEEPS_KIND_TASK,
			.role = PEEPS_ROLE_ACTOR,
		});

	set_activity(graph, node, "suspended");
	return node;
}

void graph_enter(struct peeps_graph *graph, uint32_t thread, uint32_t task)
{
	set_node(graph, thread, "current_task_id", task);
	set_node(graph, task, "thread_id", thread);
	set_activity(graph, task, "running");
}

void graph_sleep(struct peeps_graph *graph, uint32_t actor, uint64_t until_ms)
{
	graph->nodes[actor].asleep = true;
	set_activity(graph, actor, "sleeping");
	graph_number(graph, actor, "sleep_until_ptime_ms", until_ms);
}

uint32_t graph_semaphore(struct peeps_graph *graph, const char *name, uint64_t available,
			 uint64_t max)
{
	const uint32_t node =
		add_node(graph, (struct peeps_node){
					.id = need(peeps_arena_format(
						graph->arena, "semaphore:orders-4711:%s", name)),
					.name = name,
					.kind = "semaphore",
					.kind_number = PEEPS_KIND_SEMAPHORE,
					.role = PEEPS_ROLE_RESOURCE,
				});

	graph_number(graph, node, "max", max);
	graph_number(graph, node, "available", available);
	graph_number(graph, node, "anonymous_releases", 0);
	graph_number(graph, node, "unattributed_out", 0);
	graph_number(graph, node, "unattributed_back", 0);
	return node;
}

static uint32_t add_end(struct peeps_graph *graph, const char *name, const char *suffix,
			enum peeps_kind kind)
{
	return add_node(
		graph,
		(struct peeps_node){
			.id = need(peeps_arena_format(graph->arena, "%s:orders-4711:%s:%s",
						      peeps_channel_kind(kind), name, suffix)),
			.name = name,
			.kind = need(peeps_arena_format(graph->arena, "%s_%s",
							peeps_channel_kind(kind), suffix)),
			.kind_number = kind,
			.role = PEEPS_ROLE_RESOURCE,
		});
}

void graph_channel_number(struct peeps_graph *graph, struct graph_channel channel, const char *name,
			  uint64_t number)
{
	graph_number(graph, channel.tx, name, number);
	graph_number(graph, channel.rx, name, number);
}

/* Linked, and open. */
static struct graph_channel add_ends(struct peeps_graph *graph, const char *name,
				     enum peeps_kind tx, enum peeps_kind rx)
{
	const struct graph_channel channel = {
		.tx = add_end(graph, name, "tx", tx),
		.rx = add_end(graph, name, "rx", rx),
	};

	graph_bool(graph, channel.tx, "sender_closed", false);
	graph_bool(graph, channel.rx, "sender_closed", false);
	graph_bool(graph, channel.tx, "receiver_closed", false);
	graph_bool(graph, channel.rx, "receiver_closed", false);
	(void)graph_link(graph, PEEPS_EDGE_CHANNEL_LINK, channel.tx, channel.rx);
	(void)graph_link(graph, PEEPS_EDGE_NEEDS, channel.tx, channel.rx);
	return channel;
}

struct graph_channel graph_channel(struct peeps_graph *graph, const char *name, uint64_t length,
				   uint64_t capacity)
{
	const struct graph_channel channel =
		add_ends(graph, name, PEEPS_KIND_MPSC_TX, PEEPS_KIND_MPSC_RX);

	graph_channel_number(graph, channel, "queue_len", length);
	graph_channel_number(graph, channel, "capacity", capacity);
	graph_channel_number(graph, channel, "sender_count", 0);
	return channel;
}

struct graph_channel graph_oneshot(struct peeps_graph *graph, const char *name)
{
	const struct peeps_value empty = { .type = PEEPS_VALUE_TEXT, .as.text = "empty" };
	const struct graph_channel channel =
		add_ends(graph, name, PEEPS_KIND_ONESHOT_TX, PEEPS_KIND_ONESHOT_RX);

	graph_attribute(graph, channel.tx, "state", empty);
	graph_attribute(graph, channel.rx, "state", empty);
	return channel;
}

struct graph_channel graph_watch(struct peeps_graph *graph, const char *name, uint64_t woken_at_ns)
{
	const struct graph_channel channel =
		add_ends(graph, name, PEEPS_KIND_WATCH_TX, PEEPS_KIND_WATCH_RX);

	graph_channel_number(graph, channel, "changes", 3);
	if (woken_at_ns)
		graph_channel_number(graph, channel, "woken_at_ns", woken_at_ns);
	return channel;
}

struct graph_channel graph_broadcast(struct peeps_graph *graph, const char *name, uint64_t lag)
{
	const struct graph_channel channel =
		add_ends(graph, name, PEEPS_KIND_BROADCAST_TX, PEEPS_KIND_BROADCAST_RX);

	graph_channel_number(graph, channel, "sender_count", 0);
	graph_channel_number(graph, channel, "receiver_count", 1);
	graph_number(graph, channel.rx, "lag", lag);
	return channel;
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

uint32_t graph_operation(struct peeps_graph *graph, uint32_t actor, uint32_t op,
			 const char *op_kind, uint32_t resource, uint64_t since_ns)
{
	return add_edge(graph, (struct peeps_edge){
				       .kind = PEEPS_EDGE_NEEDS,
				       .src = actor,
				       .dst = resource,
				       .op = op,
				       .op_kind = op_kind,
				       .state = PEEPS_STATE_PENDING,
				       .state_name = "pending",
				       .pending_since_ns = since_ns,
				       .last_change_ns = since_ns,
				       .poll_count = 1,
				       .wait_sequence = 3,
				       .slot = 5,
				       .blocks = true,
				       .source = { .file = "/src/bank.c", .line = 90 },
				       .held_since_ns = PEEPS_NO_TIME,
			       });
}

uint32_t graph_wait(struct peeps_graph *graph, uint32_t actor, uint32_t resource, uint64_t since_ns)
{
	return graph_operation(graph, actor, PEEPS_OP_LOCK, "lock", resource, since_ns);
}

uint32_t graph_acquire(struct peeps_graph *graph, uint32_t actor, uint32_t semaphore,
		       uint64_t permits, uint64_t since_ns)
{
	const uint32_t number =
		graph_operation(graph, actor, PEEPS_OP_ACQUIRE, "acquire", semaphore, since_ns);
	struct peeps_edge *edge = &graph->edges[number];

	edge->details = need(peeps_arena_take(graph->arena, 1, sizeof(edge->details[0])));
	edge->detail_count = 1;
	edge->details[0] = (struct peeps_attribute){
		.name = "permits",
		.value = { .type = PEEPS_VALUE_UNSIGNED, .as.number = permits },
	};
	return number;
}

uint32_t graph_send(struct peeps_graph *graph, uint32_t actor, struct graph_channel channel,
		    uint64_t since_ns)
{
	return graph_operation(graph, actor, PEEPS_OP_SEND, "send", channel.tx, since_ns);
}

uint32_t graph_recv(struct peeps_graph *graph, uint32_t actor, struct graph_channel channel,
		    uint64_t since_ns)
{
	return graph_operation(graph, actor, PEEPS_OP_RECV, "recv", channel.rx, since_ns);
}

uint32_t graph_link(struct peeps_graph *graph, enum peeps_edge_kind kind, uint32_t src,
		    uint32_t dst)
{
	return add_edge(graph, (struct peeps_edge){
				       .kind = kind,
				       .src = src,
				       .dst = dst,
				       .pending_since_ns = PEEPS_NO_TIME,
				       .last_change_ns = PEEPS_NO_TIME,
				       .held_since_ns = PEEPS_NO_TIME,
			       });
}

static uint32_t add_hold(struct peeps_graph *graph, struct peeps_edge hold)
{
	hold.kind = PEEPS_EDGE_HOLDS;
	hold.pending_since_ns = PEEPS_NO_TIME;
	hold.last_change_ns = PEEPS_NO_TIME;
	hold.source = (struct peeps_source){ .file = "/src/bank.c", .line = 88, .module = "bank" };
	hold.held_accuracy_ns = 100 * MS;
	return add_edge(graph, hold);
}

uint32_t graph_hold(struct peeps_graph *graph, uint32_t resource, uint32_t actor, uint64_t since_ns)
{
	return add_hold(graph, (struct peeps_edge){
				       .src = resource,
				       .dst = actor,
				       .role_number = PEEPS_HOLD_ROLE_LOCK,
				       .mode_number = PEEPS_HOLD_MODE_EXCLUSIVE,
				       .role = "lock",
				       .mode = "exclusive",
				       .count = 1,
				       .held_since_ns = since_ns,
			       });
}

void graph_until(struct peeps_graph *graph, uint32_t edge, uint64_t until_ms)
{
	struct peeps_attribute *until = need(peeps_arena_take(graph->arena, 1, sizeof(*until)));

	*until = (struct peeps_attribute){
		.name = "until_ptime_ms",
		.value = { .type = PEEPS_VALUE_UNSIGNED, .as.number = until_ms },
	};
	graph->edges[edge].details = until;
	graph->edges[edge].detail_count = 1;
}

uint32_t graph_permits(struct peeps_graph *graph, uint32_t semaphore, uint32_t actor,
		       uint64_t count, uint64_t since_ns)
{
	return add_hold(graph, (struct peeps_edge){
				       .src = semaphore,
				       .dst = actor,
				       .role_number = PEEPS_HOLD_ROLE_PERMIT,
				       .role = "permit",
				       .mode_number = PEEPS_HOLD_MODE_RETURNS,
				       .mode = "returns",
				       .count = count,
				       .held_since_ns = since_ns,
			       });
}

static uint32_t add_handle(struct peeps_graph *graph, uint32_t end, uint32_t actor, uint32_t mode,
			   uint32_t role, const char *role_name)
{
	static const char *const names[] = {
		[PEEPS_HOLD_MODE_CREATOR] = "creator",
		[PEEPS_HOLD_MODE_OWNER] = "owner",
		[PEEPS_HOLD_MODE_SHARED] = "shared",
	};

	return add_hold(graph, (struct peeps_edge){
				       .src = end,
				       .dst = actor,
				       .role_number = role,
				       .mode_number = mode,
				       .role = role_name,
				       .mode = names[mode],
				       .count = 1,
				       .held_since_ns = 1 * S,
			       });
}

uint32_t graph_receiver(struct peeps_graph *graph, struct graph_channel channel, uint32_t actor,
			uint32_t mode)
{
	return add_handle(graph, channel.rx, actor, mode, PEEPS_HOLD_ROLE_RECEIVER, "receiver");
}

uint32_t graph_sender(struct peeps_graph *graph, struct graph_channel channel, uint32_t actor,
		      uint32_t mode)
{
	const struct peeps_value *senders =
		peeps_graph_attribute(&graph->nodes[channel.tx], "sender_count");

	if (senders) /* others have one, and do not count it */
		graph_channel_number(graph, channel, "sender_count", senders->as.number + 1);
	return add_handle(graph, channel.tx, actor, mode, PEEPS_HOLD_ROLE_SENDER, "sender");
}

void graph_lost(struct peeps_graph *graph, const char *counter, uint64_t count)
{
	struct peeps_counter_value *value = need(peeps_arena_take(graph->arena, 1, sizeof(*value)));

	*value = (struct peeps_counter_value){ .name = counter, .value = count };
	graph->processes[0].counters = value;
	graph->processes[0].counter_count = 1;
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

char *printed(print_fn *print, const struct peeps_graph *graph)
{
	char *text = NULL;
	size_t length;
	FILE *out = need(open_memstream(&text, &length));

	if (print(graph, out) != 0 || fclose(out) != 0)
		abort();
	return text;
}

void assert_printed(print_fn *print, const struct peeps_graph *graph, const char *wanted)
{
	char *text = printed(print, graph);

	assert_string_equal(text, wanted);
	free(text);
}
