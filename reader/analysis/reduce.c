/* SPDX-License-Identifier: MIT */
#include "reader/analysis/reduce.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct builder {
	const struct peeps_graph *graph;
	const struct peeps_wakers *wakers;
	enum peeps_belief belief;
	struct peeps_reduction *out;
	struct peeps_edge_index waits; /* pending operations by actor */
	uint64_t *own;                 /* by resource: what the actor at hand has of it */
};

static bool blocks(const struct peeps_edge *edge)
{
	return edge->blocks || edge->op == PEEPS_OP_LOCK;
}

static void count_own(struct builder *b, uint32_t actor, bool forget)
{
	size_t count;
	const uint32_t *holds = peeps_edge_index_at(&b->wakers->held_by, actor, &count);

	for (size_t i = 0; i < count; i++) {
		const struct peeps_edge *hold = &b->graph->edges[holds[i]];

		b->own[hold->src] =
			forget ? 0 : b->own[hold->src] + peeps_wakers_weight(b->wakers, hold);
	}
}

static struct peeps_reduced_wait *add_wait(struct builder *b, uint32_t actor, uint32_t target)
{
	struct peeps_reduced_wait *wait = &b->out->waits[b->out->wait_count++];

	wait->edge = PEEPS_NO_EDGE;
	wait->actor = actor;
	wait->target = target;
	return wait;
}

static void add_operations(struct builder *b, uint32_t actor, const uint32_t *edges, size_t count)
{
	if (count == 0)
		return;
	count_own(b, actor, false);
	for (size_t i = 0; i < count; i++) {
		const struct peeps_edge *edge = &b->graph->edges[edges[i]];
		struct peeps_reduced_wait *wait = add_wait(b, actor, edge->dst);

		wait->edge = edges[i];
		wait->blocks = blocks(edge);
		wait->need = peeps_wakers_need(b->wakers, edge, b->own[edge->dst], b->belief);
	}
	count_own(b, actor, true);
}

static bool has_blocking_wait(const struct builder *b, uint32_t actor)
{
	size_t count;
	const uint32_t *edges = peeps_edge_index_at(&b->waits, actor, &count);

	for (size_t i = 0; i < count; i++) {
		if (blocks(&b->graph->edges[edges[i]]))
			return true;
	}
	return false;
}

/*
 * An actor does nothing while a task inside it waits. If none of that task's operations is known to block, it may be
 * about to be left instead, with its operation pending: then that proves nothing.
 */
static void add_inside(struct builder *b, uint32_t actor, const bool *blocked)
{
	const struct peeps_inside *inside = &b->wakers->inside[actor];
	size_t count;

	if (inside->task == PEEPS_NO_NODE || b->graph->nodes[actor].gone)
		return;
	(void)peeps_edge_index_at(&b->waits, inside->task, &count);
	if (count) {
		struct peeps_reduced_wait *wait = add_wait(b, actor, inside->task);

		wait->blocks = true;
		wait->need =
			b->belief == PEEPS_BELIEVE_ALL || (inside->proved && blocked[inside->task]);
	}
}

static int add_waits(struct builder *b)
{
	struct peeps_reduction *out = b->out;
	const size_t node_count = b->graph->node_count;
	const size_t wait_room = (size_t)b->waits.starts[node_count] + node_count + 1;
	bool *blocked = calloc(node_count + 1, sizeof(*blocked));

	out->waits = calloc(wait_room, sizeof(out->waits[0]));
	out->waits_of = calloc(node_count + 1, sizeof(out->waits_of[0]));
	b->own = calloc(node_count + 1, sizeof(b->own[0]));
	if (!out->waits || !out->waits_of || !b->own || !blocked) {
		free(blocked);
		return -ENOMEM;
	}
	for (uint32_t node = 0; node < node_count; node++)
		blocked[node] = has_blocking_wait(b, node);
	for (uint32_t node = 0; node < node_count; node++) {
		size_t count;
		const uint32_t *edges = peeps_edge_index_at(&b->waits, node, &count);

		out->waits_of[node] = (uint32_t)out->wait_count;
		add_operations(b, node, edges, count);
		add_inside(b, node, blocked);
	}
	out->waits_of[node_count] = (uint32_t)out->wait_count;
	free(blocked);
	return 0;
}

static int by_need(const void *left, const void *right, void *context)
{
	const struct peeps_reduced_wait *waits = context;
	const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	if (waits[a].need != waits[b].need)
		return waits[a].need < waits[b].need ? -1 : 1;
	return (a > b) - (a < b);
}

/* The waits turned round. Sorted by counting, as in peeps_edge_index_init(), and then each target's by need. */
static int turn_round(struct builder *b)
{
	struct peeps_reduction *out = b->out;
	const size_t node_count = b->graph->node_count;

	out->waiting_for = calloc(node_count + 2, sizeof(out->waiting_for[0]));
	out->waiting = calloc(out->wait_count + 1, sizeof(out->waiting[0]));
	if (!out->waiting_for || !out->waiting)
		return -ENOMEM;

	for (size_t i = 0; i < out->wait_count; i++)
		out->waiting_for[out->waits[i].target + 2]++;
	for (size_t i = 2; i < node_count + 2; i++)
		out->waiting_for[i] += out->waiting_for[i - 1];
	for (size_t i = 0; i < out->wait_count; i++)
		out->waiting[out->waiting_for[out->waits[i].target + 1]++] = (uint32_t)i;
	for (size_t i = 0; i < node_count; i++) {
		const uint32_t first = out->waiting_for[i], end = out->waiting_for[i + 1];

		if (end - first > 1)
			qsort_r(out->waiting + first, end - first, sizeof(out->waiting[0]), by_need,
				out->waits);
	}
	return 0;
}

struct fixpoint {
	const struct peeps_graph *graph;
	struct peeps_reduction *r;
	enum peeps_belief belief;
	uint32_t *blocking; /* by node: waits that all have to end before it goes on */
	bool *needs_any;    /* by node: it has waits of which one has to end, and none can yet */
	uint64_t *brought;  /* by target: weight of those who can progress */
	uint32_t *next;     /* by target: the first in `waiting` that needs more */
	uint32_t *queue;    /* nodes that can progress, each once */
	size_t queued, done;
};

static void enqueue_if_free(struct fixpoint *f, uint32_t actor)
{
	if (f->blocking[actor] || f->needs_any[actor] || !f->r->stuck[actor] ||
	    f->graph->nodes[actor].gone)
		return;
	f->r->stuck[actor] = false;
	f->queue[f->queued++] = actor;
}

static void wait_can_end(struct fixpoint *f, const struct peeps_reduced_wait *wait)
{
	if (wait->blocks)
		f->blocking[wait->actor]--;
	else
		f->needs_any[wait->actor] = false;
}

/*
 * An actor may have several pending operations. A blocking one (a lock) keeps it until it ends, and if there are two,
 * the second was begun by a signal handler inside the first: both have to end before the actor goes on, so it is stuck
 * if any of them is. Of those that do not block (a task that waits for several things at once) any one will do.
 */
static void begin(struct fixpoint *f)
{
	struct peeps_reduction *r = f->r;

	for (size_t i = 0; i < r->wait_count; i++) {
		if (r->waits[i].blocks)
			f->blocking[r->waits[i].actor]++;
		else
			f->needs_any[r->waits[i].actor] = true;
	}
	for (size_t i = 0; i < r->wait_count; i++) {
		if (r->waits[i].need == 0)
			wait_can_end(f, &r->waits[i]);
	}
	for (uint32_t node = 0; node < f->graph->node_count; node++) {
		f->next[node] = r->waiting_for[node];
		r->stuck[node] = true;
		enqueue_if_free(f, node);
	}
}

static void bring(struct fixpoint *f, uint32_t target, uint64_t weight)
{
	struct peeps_reduction *r = f->r;

	if (__builtin_add_overflow(f->brought[target], weight, &f->brought[target]))
		f->brought[target] = UINT64_MAX;
	for (; f->next[target] < r->waiting_for[target + 1]; f->next[target]++) {
		struct peeps_reduced_wait *wait = &r->waits[r->waiting[f->next[target]]];

		if (wait->need > f->brought[target])
			break;
		if (wait->need == 0)
			continue; /* it could end from the beginning */
		wait->need = 0;
		wait_can_end(f, wait);
		enqueue_if_free(f, wait->actor);
	}
}

static void run(struct fixpoint *f)
{
	const struct peeps_wakers *wakers = f->r->wakers;

	while (f->done < f->queued) {
		const uint32_t actor = f->queue[f->done++];
		size_t count;
		const uint32_t *holds = peeps_edge_index_at(&wakers->held_by, actor, &count);

		if (f->graph->nodes[actor].role == PEEPS_ROLE_ACTOR)
			bring(f, actor, 1); /* to those inside which it runs */
		for (size_t i = 0; i < count; i++) {
			const struct peeps_edge *hold = &f->graph->edges[holds[i]];
			const uint32_t target = peeps_wakers_across(wakers, hold->src);

			if (target != PEEPS_NO_NODE)
				bring(f, target, peeps_wakers_weight(wakers, hold));
			if (f->belief == PEEPS_BELIEVE_PROVED &&
			    peeps_wakers_may_close(wakers, hold))
				bring(f, hold->src, 1);
		}
	}
}

static void finish(struct fixpoint *f)
{
	struct peeps_reduction *r = f->r;

	for (size_t i = 0; i < r->wait_count; i++) {
		if (r->waits[i].need)
			r->waits[i].need -= f->brought[r->waits[i].target];
	}
	for (size_t i = 0; i < f->graph->node_count; i++)
		r->stuck_count += r->stuck[i] && !f->graph->nodes[i].gone;
}

static int reach_fixpoint(struct peeps_reduction *r, const struct peeps_graph *graph,
			  enum peeps_belief belief)
{
	const size_t room = graph->node_count + 1;
	struct fixpoint f = { .graph = graph, .r = r, .belief = belief };
	int result = -ENOMEM;

	r->stuck = calloc(room, sizeof(r->stuck[0]));
	f.blocking = calloc(room, sizeof(f.blocking[0]));
	f.needs_any = calloc(room, sizeof(f.needs_any[0]));
	f.brought = calloc(room, sizeof(f.brought[0]));
	f.next = calloc(room, sizeof(f.next[0]));
	f.queue = calloc(room, sizeof(f.queue[0]));
	if (r->stuck && f.blocking && f.needs_any && f.brought && f.next && f.queue) {
		begin(&f);
		run(&f);
		finish(&f);
		result = 0;
	}
	free(f.blocking);
	free(f.needs_any);
	free(f.brought);
	free(f.next);
	free(f.queue);
	return result;
}

int peeps_reduce(struct peeps_reduction *reduction, const struct peeps_wakers *wakers,
		 enum peeps_belief belief)
{
	struct builder b = {
		.graph = wakers->graph, .wakers = wakers, .belief = belief, .out = reduction
	};
	int r;

	*reduction = (struct peeps_reduction){ .wakers = wakers };
	r = peeps_edge_index_init(&b.waits, b.graph, PEEPS_END_SRC, peeps_edge_is_wait);
	if (r == 0)
		r = add_waits(&b);
	if (r == 0)
		r = turn_round(&b);
	if (r == 0)
		r = reach_fixpoint(reduction, b.graph, belief);
	peeps_edge_index_deinit(&b.waits);
	free(b.own);
	if (r)
		peeps_reduction_deinit(reduction);
	return r;
}

void peeps_reduction_deinit(struct peeps_reduction *reduction)
{
	free(reduction->waits);
	free(reduction->waits_of);
	free(reduction->waiting);
	free(reduction->waiting_for);
	free(reduction->stuck);
	memset(reduction, 0, sizeof(*reduction));
}

uint32_t peeps_reduction_next(const struct peeps_reduction *reduction, uint32_t node,
			      uint32_t *cursor, uint32_t *via)
{
	const struct peeps_graph *graph = reduction->wakers->graph;
	const uint32_t first = reduction->waits_of[node];
	const uint32_t wait_count = reduction->waits_of[node + 1] - first;
	const uint32_t *holds;
	size_t hold_count;

	while (*cursor < wait_count) {
		*via = first + (*cursor)++;
		if (reduction->waits[*via].need)
			return reduction->waits[*via].target;
	}
	if (wait_count)
		return PEEPS_NO_NODE;
	holds = peeps_wakers_at(reduction->wakers, node, &hold_count);
	while (*cursor < hold_count) {
		const uint32_t holder = graph->edges[ *via = holds[(*cursor)++]].dst;

		if (reduction->stuck[holder] && !graph->nodes[holder].gone)
			return holder;
	}
	return PEEPS_NO_NODE;
}
