/* SPDX-License-Identifier: MIT */
#include "reader/analysis/analysis.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reader/analysis/findings.h"
#include "reader/analysis/wakers.h"
#include "reader/graph/arena.h"
#include "reader/graph/edge_index.h"

static struct peeps_value *find_attribute(struct peeps_node *node, const char *name)
{
	for (size_t i = 0; i < node->attribute_count; i++) {
		if (strcmp(node->attributes[i].name, name) == 0)
			return &node->attributes[i].value;
	}
	return NULL;
}

static int set_attribute(struct peeps_arena *arena, struct peeps_node *node, const char *name,
			 struct peeps_value value)
{
	struct peeps_value *present = find_attribute(node, name);
	struct peeps_attribute *attributes;

	if (present) {
		*present = value;
		return 0;
	}
	attributes = peeps_arena_take(arena, node->attribute_count + 1, sizeof(*attributes));
	if (!attributes)
		return -ENOMEM;
	if (node->attribute_count)
		memcpy(attributes, node->attributes, node->attribute_count * sizeof(*attributes));
	attributes[node->attribute_count] =
		(struct peeps_attribute){ .name = name, .value = value };
	node->attributes = attributes;
	node->attribute_count++;
	return 0;
}

/* Of each kind of operation, how many are pending on a node. */
struct waiter_counts {
	uint64_t lock, read, acquire, send, recv, notify, once;
	uint64_t readers; /* who hold it, to read */
};

static void count(struct waiter_counts *counts, const struct peeps_edge *wait)
{
	switch (wait->op) {
	case PEEPS_OP_LOCK:
		*(peeps_asks_to_read(wait) ? &counts->read : &counts->lock) += 1;
		break;
	case PEEPS_OP_ONCECELL_WAIT:
		counts->once++;
		break;
	case PEEPS_OP_ACQUIRE:
		counts->acquire++;
		break;
	case PEEPS_OP_SEND:
		counts->send++;
		break;
	case PEEPS_OP_RECV:
		counts->recv++;
		break;
	case PEEPS_OP_NOTIFY_WAIT:
		counts->notify++;
		break;
	default:
		break;
	}
}

static int set_count(struct peeps_graph *graph, uint32_t node, const char *name, uint64_t number)
{
	const struct peeps_value value = { .type = PEEPS_VALUE_UNSIGNED, .as.number = number };

	return set_attribute(graph->arena, &graph->nodes[node], name, value);
}

static int set_rwlock(struct peeps_graph *graph, const struct waiter_counts *counts, uint32_t node)
{
	int r = set_count(graph, node, "readers", counts->readers);

	r = r ? r : set_count(graph, node, "read_waiters", counts->read);
	return r ? r : set_count(graph, node, "write_waiters", counts->lock);
}

/* Both ends of a channel show who waits at either. */
static int set_waiters(struct peeps_graph *graph, const struct peeps_wakers *wakers,
		       const struct waiter_counts *counts, uint32_t node)
{
	static const struct waiter_counts nobody;
	const struct waiter_counts *other = &nobody;
	const uint32_t across = peeps_wakers_across(wakers, node);
	int r;

	switch (graph->nodes[node].kind_number) {
	case PEEPS_KIND_MUTEX:
		return set_count(graph, node, "waiters", counts[node].lock);
	case PEEPS_KIND_NOTIFY:
		return set_count(graph, node, "waiters", counts[node].notify);
	case PEEPS_KIND_RWLOCK:
		return set_rwlock(graph, &counts[node], node);
	case PEEPS_KIND_ONCE_CELL:
		return set_count(graph, node, "waiters", counts[node].once);
	case PEEPS_KIND_SEMAPHORE:
		return set_count(graph, node, "waiters", counts[node].acquire);
	case PEEPS_KIND_MPSC_TX:
	case PEEPS_KIND_MPSC_RX:
		if (across != PEEPS_NO_NODE)
			other = &counts[across];
		r = set_count(graph, node, "send_waiters", counts[node].send + other->send);
		return r ? r
			 : set_count(graph, node, "recv_waiters", counts[node].recv + other->recv);
	case PEEPS_KIND_ONESHOT_TX:
	case PEEPS_KIND_ONESHOT_RX:
	case PEEPS_KIND_WATCH_TX:
	case PEEPS_KIND_WATCH_RX:
		if (across != PEEPS_NO_NODE)
			other = &counts[across];
		return set_count(graph, node, "recv_waiters", counts[node].recv + other->recv);
	case PEEPS_KIND_BROADCAST_TX:
		return set_count(graph, node, "send_waiters", counts[node].send);
	case PEEPS_KIND_BROADCAST_RX:
		return set_count(graph, node, "recv_waiters", counts[node].recv);
	default:
		return 0;
	}
}

/* What many threads would have to store together is counted instead: DESIGN 5. */
static int count_waiters(struct peeps_graph *graph, const struct peeps_wakers *wakers)
{
	struct waiter_counts *counts = calloc(graph->node_count + 1, sizeof(*counts));
	int r = counts ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < graph->edge_count; i++) {
		const struct peeps_edge *edge = &graph->edges[i];

		if (peeps_edge_is_wait(graph, edge))
			count(&counts[edge->dst], edge);
		else if (peeps_is_read_hold(edge))
			counts[edge->src].readers++;
	}
	for (uint32_t i = 0; r == 0 && i < graph->node_count; i++)
		r = set_waiters(graph, wakers, counts, i);
	free(counts);
	return r;
}

/* Who sleeps says so, and who is gone. */
static void set_blocked(struct peeps_node *actor)
{
	struct peeps_value *activity = find_attribute(actor, "activity");

	if (activity && activity->type == PEEPS_VALUE_TEXT &&
	    (strcmp(activity->as.text, "running") == 0 ||
	     strcmp(activity->as.text, "suspended") == 0))
		activity->as.text = "blocked";
}

static bool is_blocked(const struct peeps_node *actor)
{
	const struct peeps_value *activity = peeps_graph_attribute(actor, "activity");

	return activity && activity->type == PEEPS_VALUE_TEXT &&
	       strcmp(activity->as.text, "blocked") == 0;
}

/* Those who wait, and those inside which they run. */
static void mark_blocked(struct peeps_graph *graph, const struct peeps_wakers *wakers)
{
	for (size_t i = 0; i < graph->edge_count; i++) {
		if (peeps_edge_is_wait(graph, &graph->edges[i]))
			set_blocked(&graph->nodes[graph->edges[i].src]);
	}
	for (size_t i = 0; i < graph->node_count; i++) {
		const uint32_t task = wakers->inside[i].task;

		if (task != PEEPS_NO_NODE && is_blocked(&graph->nodes[task]))
			set_blocked(&graph->nodes[i]);
	}
}

static int derive_attributes(struct peeps_graph *graph)
{
	struct peeps_wakers wakers;
	int r = peeps_wakers_init(&wakers, graph);

	if (r)
		return r;
	r = count_waiters(graph, &wakers);
	if (r == 0)
		mark_blocked(graph, &wakers);
	peeps_wakers_deinit(&wakers);
	return r;
}

int peeps_analyse(struct peeps_graph *graph, const struct peeps_analysis_options *options)
{
	int r = derive_attributes(graph);

	return r ? r : peeps_findings_make(graph, options);
}

int peeps_analyse_waits(struct peeps_graph *graph, const struct peeps_analysis_options *options)
{
	return peeps_findings_make_long_waits(graph, options);
}
