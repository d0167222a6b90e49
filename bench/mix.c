/* SPDX-License-Identifier: MIT */
#include "bench/mix.h"

#include <stdio.h>
#include <stdlib.h>

#include "reader/graph/arena.h"
#include "reader/graph/graph.h"

#define NS_PER_S UINT64_C(1000000000)

#define ATTRIBUTES_MAX 17 /* a channel's */
#define DETAILS_MAX    3

/* Where in a group each kind begins. */
enum { THREADS = 0, TASKS = 6, MUTEXES = 8, SEMAPHORES = 12, CHANNELS = 14 };

static void *need(void *memory)
{
	if (!memory) {
		perror("mix");
		exit(1);
	}
	return memory;
}

/* --- values ----------------------------------------------------------------------------------------------------- */

static struct peeps_value number(uint64_t number)
{
	return (struct peeps_value){ .type = PEEPS_VALUE_UNSIGNED, .as.number = number };
}

static struct peeps_value real(double number)
{
	return (struct peeps_value){ .type = PEEPS_VALUE_REAL, .as.real = number };
}

static struct peeps_value text(const char *text)
{
	return (struct peeps_value){ .type = PEEPS_VALUE_TEXT, .as.text = text };
}

static struct peeps_value truth(bool boolean)
{
	return (struct peeps_value){ .type = PEEPS_VALUE_BOOL, .as.boolean = boolean };
}

static struct peeps_value reference(uint32_t node)
{
	return (struct peeps_value){ .type = PEEPS_VALUE_NODE, .as.node = node };
}

static const struct peeps_value none = { .type = PEEPS_VALUE_NULL };

static void add(struct peeps_node *node, const char *name, struct peeps_value value)
{
	node->attributes[node->attribute_count++] =
		(struct peeps_attribute){ .name = name, .value = value };
}

static void detail(struct peeps_edge *edge, const char *name, struct peeps_value value)
{
	edge->details[edge->detail_count++] =
		(struct peeps_attribute){ .name = name, .value = value };
}

static struct peeps_source place(const char *file, const char *function, uint32_t line)
{
	return (struct peeps_source){
		.file = file, .function = function, .module = "shop", .line = line
	};
}

/* --- nodes ------------------------------------------------------------------------------------------------------ */

static void make_actor(struct peeps_node *node, uint32_t position, bool is_thread)
{
	node->kind = is_thread ? "thread" : "task";
	node->kind_number = is_thread ? PEEPS_KIND_THREAD : PEEPS_KIND_TASK;
	node->role = PEEPS_ROLE_ACTOR;
	node->tid = is_thread ? position + 1 : 0;
	if (is_thread)
		add(node, "tid", number(node->tid));
	add(node, "activity", text(is_thread ? "running" : "suspended"));
	add(node, is_thread ? "current_task_id" : "thread_id", none);
	add(node, "sleep_until_ptime_ms", none);
}

static void make_mutex(struct peeps_node *node, uint32_t position, uint32_t group)
{
	node->kind = "mutex";
	node->kind_number = PEEPS_KIND_MUTEX;
	add(node, "mutex_type", text("normal"));
	add(node, "robust", truth(false));
	add(node, "holder", reference(group + position % 4));
	add(node, "held_since_ptime_ms", number(position));
	add(node, "acquires", number(UINT64_C(7919) * position));
	add(node, "wait_total_ns", number(UINT64_C(104729) * position));
	add(node, "wait_max_ns", number(UINT64_C(1299) * position));
	add(node, "contended", number(position % 1000));
	add(node, "waiters", number(position % 2));
}

static void make_semaphore(struct peeps_node *node, uint32_t position)
{
	node->kind = "semaphore";
	node->kind_number = PEEPS_KIND_SEMAPHORE;
	add(node, "max", number(8));
	add(node, "anonymous_releases", number(0));
	add(node, "contended", number(position % 1000));
	add(node, "wait_max_ns", number(UINT64_C(1299) * position));
	add(node, "wait_total_ns", number(UINT64_C(104729) * position));
	add(node, "available", number(position % 8));
	add(node, "waiters", number(position % 2));
	add(node, "unattributed_out", number(0));
	add(node, "unattributed_back", number(0));
}

static void make_channel_end(struct peeps_node *node, uint32_t position, bool is_tx)
{
	const uint32_t channel = position - !is_tx, length = channel % 17;

	node->kind = is_tx ? "mpsc_tx" : "mpsc_rx";
	node->kind_number = is_tx ? PEEPS_KIND_MPSC_TX : PEEPS_KIND_MPSC_RX;
	add(node, "bounded", truth(true));
	add(node, "capacity", number(16));
	add(node, "queue_len", number(length));
	add(node, "high_watermark", number(16));
	add(node, "utilization", real(length / 16.0));
	add(node, "sender_count", number(1));
	add(node, "send_waiters", number(length == 16));
	add(node, "recv_waiters", number(length == 0));
	add(node, "sender_closed", truth(false));
	add(node, "receiver_closed", truth(false));
	add(node, "sent_total", number(UINT64_C(7919) * channel + length));
	add(node, "recv_total", number(UINT64_C(7919) * channel));
	add(node, "discarded_total", number(0));
	add(node, "close_cause", none);
}

static void make_names(struct peeps_graph *graph, struct peeps_node *node, uint32_t position,
		       uint32_t in_group)
{
	static const char *const prefixes[] = { "thread", "task", "mutex", "semaphore" };
	static const char *const names[] = { "worker", "job", "account", "gate" };
	const uint32_t kind = in_group < TASKS        ? 0
			      : in_group < MUTEXES    ? 1
			      : in_group < SEMAPHORES ? 2
						      : 3;

	if (in_group >= CHANNELS) {
		const bool is_tx = in_group % 2 == 0;

		node->name =
			need(peeps_arena_format(graph->arena, "shop.orders.%u", position - !is_tx));
		node->id = need(peeps_arena_format(graph->arena, "mpsc:shop-4711:%s:%s", node->name,
						   is_tx ? "tx" : "rx"));
		return;
	}
	node->name = need(peeps_arena_format(graph->arena, "%s-%u", names[kind], position));
	node->id = need(
		kind == 0 ? peeps_arena_format(graph->arena, "thread:shop-4711:%u", position + 1)
			  : peeps_arena_format(graph->arena, "%s:shop-4711:%s", prefixes[kind],
					       node->name));
}

static void make_node(struct peeps_graph *graph, uint32_t position)
{
	struct peeps_node *node = &graph->nodes[position];
	const uint32_t in_group = position % BENCH_MIX_GROUP, group = position - in_group;

	make_names(graph, node, position, in_group);
	node->role = PEEPS_ROLE_RESOURCE;
	node->created_ns = UINT64_C(1000003) * position;
	if (in_group >= TASKS) /* where a thread was made is not known */
		node->source = place("/src/shop/accounts.c", "account_open", 100 + position % 50);
	node->attributes =
		need(peeps_arena_take(graph->arena, ATTRIBUTES_MAX, sizeof(*node->attributes)));
	add(node, "name", text(node->name));
	add(node, "created_at_ns", number(node->created_ns));
	add(node, "creator_task_id", reference(group));
	if (in_group < MUTEXES)
		make_actor(node, position, in_group < TASKS);
	else if (in_group < SEMAPHORES)
		make_mutex(node, position, group);
	else if (in_group < CHANNELS)
		make_semaphore(node, position);
	else
		make_channel_end(node, position, in_group % 2 == 0);
}

/* --- edges ------------------------------------------------------------------------------------------------------ */

static void make_hold(struct peeps_edge *edge, uint32_t src, uint32_t dst, uint32_t role)
{
	static const char *const roles[] = { [PEEPS_HOLD_ROLE_LOCK] = "lock",
					     [PEEPS_HOLD_ROLE_PERMIT] = "permit",
					     [PEEPS_HOLD_ROLE_SENDER] = "sender",
					     [PEEPS_HOLD_ROLE_RECEIVER] = "receiver" };

	edge->kind = PEEPS_EDGE_HOLDS;
	edge->src = src;
	edge->dst = dst;
	edge->role_number = role;
	edge->role = roles[role];
	edge->count = 1;
	edge->held_since_ns = UINT64_C(1000003) * src;
	edge->held_accuracy_ns = NS_PER_S / 10;
	edge->source = place("/src/shop/transfer.c", "transfer", 42);
	if (role == PEEPS_HOLD_ROLE_PERMIT)
		return;
	edge->mode_number =
		role == PEEPS_HOLD_ROLE_LOCK ? PEEPS_HOLD_MODE_EXCLUSIVE : PEEPS_HOLD_MODE_OWNER;
	edge->mode = role == PEEPS_HOLD_ROLE_LOCK ? "exclusive" : "owner";
}

static void make_wait(struct peeps_graph *graph, struct peeps_edge *edge, uint32_t src,
		      uint32_t dst, uint32_t op)
{
	edge->kind = PEEPS_EDGE_NEEDS;
	edge->src = src;
	edge->dst = dst;
	edge->op = op;
	edge->op_kind = op == PEEPS_OP_LOCK ? "lock" : "acquire";
	edge->state = PEEPS_STATE_PENDING;
	edge->state_name = "pending";
	edge->pending_since_ns = UINT64_C(1000003) * src;
	edge->last_change_ns = edge->pending_since_ns;
	edge->poll_count = 1;
	edge->blocks = true;
	edge->source = place("/src/shop/transfer.c", "transfer", 57);
	edge->details = need(peeps_arena_take(graph->arena, DETAILS_MAX, sizeof(*edge->details)));
	if (op == PEEPS_OP_ACQUIRE) {
		detail(edge, "permits", number(1));
		detail(edge, "available", number(0));
	}
	detail(edge, "until_ptime_ms", none);
}

static void make_link(struct peeps_edge *edge, uint32_t tx, enum peeps_edge_kind kind)
{
	edge->kind = kind;
	edge->src = tx;
	edge->dst = tx + 1;
	edge->source = place("/src/shop/orders.c", "orders_open", 12);
}

/* Holds of locks, permits, senders and receivers; two waits; links and what they mean. */
static void make_edge(struct peeps_graph *graph, uint32_t position)
{
	struct peeps_edge *edge = &graph->edges[position];
	const uint32_t i = position % BENCH_MIX_GROUP, group = position - i;

	*edge = (struct peeps_edge){ .pending_since_ns = PEEPS_NO_TIME,
				     .last_change_ns = PEEPS_NO_TIME,
				     .held_since_ns = PEEPS_NO_TIME,
				     .slot = position,
				     .wait_sequence = position % 7 };
	if (i < 4)
		make_hold(edge, group + MUTEXES + i, group + THREADS + i, PEEPS_HOLD_ROLE_LOCK);
	else if (i == 4)
		make_wait(graph, edge, group + THREADS + 4, group + MUTEXES, PEEPS_OP_LOCK);
	else if (i == 5)
		make_wait(graph, edge, group + THREADS + 5, group + SEMAPHORES, PEEPS_OP_ACQUIRE);
	else if (i < 8)
		make_hold(edge, group + SEMAPHORES + i - 6, group + TASKS + i - 6,
			  PEEPS_HOLD_ROLE_PERMIT);
	else if (i < 11)
		make_hold(edge, group + CHANNELS + 2 * (i - 8), group + THREADS + i - 8,
			  PEEPS_HOLD_ROLE_SENDER);
	else if (i < 14)
		make_hold(edge, group + CHANNELS + 2 * (i - 11) + 1, group + THREADS + i - 8,
			  PEEPS_HOLD_ROLE_RECEIVER);
	else
		make_link(edge, group + CHANNELS + 2 * ((i - 14) % 3),
			  i < 17 ? PEEPS_EDGE_CHANNEL_LINK : PEEPS_EDGE_NEEDS);
}

struct peeps_graph *bench_mix_new(uint32_t count)
{
	struct peeps_graph *graph = need(peeps_graph_new(0));

	graph->taken_at_unix_ns = UINT64_C(1777636800) * NS_PER_S;
	graph->process_count = 1;
	graph->processes = need(peeps_arena_take(graph->arena, 1, sizeof(*graph->processes)));
	graph->processes[0] = (struct peeps_process){
		.proc_key = "shop-4711",
		.pid = 4711,
		.own_pid = 4711,
		.name = "shop",
		.cmdline = "./shop",
		.ptime_now_ns = 3600 * NS_PER_S,
		.coverage = "all of it",
	};
	graph->nodes = need(peeps_arena_take(graph->arena, count, sizeof(*graph->nodes)));
	graph->node_count = count;
	graph->edges = need(peeps_arena_take(graph->arena, count, sizeof(*graph->edges)));
	graph->edge_count = count;
	for (uint32_t i = 0; i < count; i++) {
		make_node(graph, i);
		make_edge(graph, i);
	}
	return graph;
}
