/* SPDX-License-Identifier: MIT */
#include "reader/reduce.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct builder {
	const struct peeps_graph *graph;
	enum peeps_belief belief;
	struct peeps_reduction *out;
	struct peeps_edge_index waits; /* pending operations by actor */
	struct peeps_edge_index holds; /* by resource */
	size_t waker_count, waker_room;
};

static bool is_proved(const struct builder *b, const struct peeps_edge *edge)
{
	return !edge->uncertain && !b->graph->nodes[edge->src].uncertain &&
	       !b->graph->nodes[edge->dst].uncertain;
}

static int add_waker(struct builder *b, uint32_t actor, uint32_t weight, uint32_t via)
{
	if (b->waker_count == b->waker_room) {
		const size_t room = b->waker_room ? 2 * b->waker_room : 256;
		struct peeps_waker *wakers =
			room < UINT32_MAX ? reallocarray(b->out->wakers, room, sizeof(*wakers))
					  : NULL;

		if (!wakers)
			return -ENOMEM;
		b->out->wakers = wakers;
		b->waker_room = room;
	}
	b->out->wakers[b->waker_count++] =
		(struct peeps_waker){ .actor = actor,
				      .wait = (uint32_t)(b->out->wait_count - 1),
				      .weight = weight,
				      .via = via };
	return 0;
}

/*
 * Wake rules. Each says who could end a wait, by adding wakers and setting what it needs of them; a need of 0 means
 * that it can end without any actor of this graph.
 */
typedef int wake_rule(struct builder *b, const struct peeps_edge *edge,
		      struct peeps_reduced_wait *wait);

static bool can_be_locked_again_by_its_holder(const struct peeps_node *mutex)
{
	const struct peeps_value *type = peeps_graph_attribute(mutex, "mutex_type");

	/* A recursive one gives itself, an errorcheck one an error: such a wait is about to end. */
	return type && type->type == PEEPS_VALUE_TEXT && strcmp(type->as.text, "normal") != 0;
}

/* The kernel hands a robust mutex of a dead holder to the next one. */
static bool passes_on_by_itself(const struct peeps_graph *graph, const struct peeps_node *mutex,
				const struct peeps_edge *hold)
{
	const struct peeps_value *robust = peeps_graph_attribute(mutex, "robust");

	return graph->nodes[hold->dst].gone && robust && robust->type == PEEPS_VALUE_BOOL &&
	       robust->as.boolean;
}

/*
 * Every holder has to let go. Nobody holds it: the wait is in transit, for releases are reported early and
 * acquisitions late.
 */
static int wake_lock(struct builder *b, const struct peeps_edge *edge,
		     struct peeps_reduced_wait *wait)
{
	const struct peeps_node *resource = &b->graph->nodes[edge->dst];
	size_t count;
	const uint32_t *holds = peeps_edge_index_at(&b->holds, edge->dst, &count);

	wait->blocks = true;
	for (size_t i = 0; i < count; i++) {
		const struct peeps_edge *hold = &b->graph->edges[holds[i]];
		const bool in_transit =
			(hold->dst == edge->src && can_be_locked_again_by_its_holder(resource)) ||
			passes_on_by_itself(b->graph, resource, hold);
		int r;

		if (in_transit || (b->belief == PEEPS_BELIEVE_PROVED && !is_proved(b, hold))) {
			wait->need = 0;
			return 0;
		}
		r = add_waker(b, hold->dst, 1, holds[i]);
		if (r)
			return r;
		wait->need++;
	}
	return 0;
}

/* An operation without a rule depends on something outside: it is waiting, not stuck. */
static wake_rule *const wake_rules[] = {
	[PEEPS_OP_LOCK] = wake_lock,
};

static bool times_out(const struct peeps_edge *edge)
{
	for (size_t i = 0; i < edge->detail_count; i++) {
		if (edge->details[i].value.type != PEEPS_VALUE_NULL &&
		    strcmp(edge->details[i].name, PEEPS_DETAIL_UNTIL) == 0)
			return true;
	}
	return false;
}

static int add_wait(struct builder *b, uint32_t number)
{
	const struct peeps_edge *edge = &b->graph->edges[number];
	struct peeps_reduced_wait *wait = &b->out->waits[b->out->wait_count++];
	const size_t rule_count = sizeof(wake_rules) / sizeof(wake_rules[0]);
	wake_rule *rule = edge->op < rule_count ? wake_rules[edge->op] : NULL;

	wait->edge = number;
	wait->wakers = (uint32_t)b->waker_count;
	if (!rule || times_out(edge) || (b->belief == PEEPS_BELIEVE_PROVED && !is_proved(b, edge)))
		return 0;
	return rule(b, edge, wait);
}

static int add_waits(struct builder *b)
{
	struct peeps_reduction *out = b->out;
	const size_t node_count = b->graph->node_count;

	out->waits = calloc((size_t)b->waits.starts[node_count] + 1, sizeof(out->waits[0]));
	out->waits_of = calloc(node_count + 1, sizeof(out->waits_of[0]));
	if (!out->waits || !out->waits_of)
		return -ENOMEM;

	for (uint32_t node = 0; node < node_count; node++) {
		size_t count;
		const uint32_t *edges = peeps_edge_index_at(&b->waits, node, &count);

		out->waits_of[node] = (uint32_t)out->wait_count;
		for (size_t i = 0; i < count; i++) {
			int r = add_wait(b, edges[i]);

			if (r)
				return r;
		}
	}
	out->waits_of[node_count] = (uint32_t)out->wait_count;
	out->waits[out->wait_count].wakers = (uint32_t)b->waker_count;
	return 0;
}

/* The wakers turned round: which waits an actor could wake. Sorted by counting, as in peeps_edge_index_init(). */
static int turn_round(struct builder *b)
{
	struct peeps_reduction *out = b->out;
	const size_t node_count = b->graph->node_count;

	out->woken_of = calloc(node_count + 2, sizeof(out->woken_of[0]));
	out->woken = calloc(b->waker_count + 1, sizeof(out->woken[0]));
	if (!out->woken_of || !out->woken)
		return -ENOMEM;

	for (size_t i = 0; i < b->waker_count; i++)
		out->woken_of[out->wakers[i].actor + 2]++;
	for (size_t i = 2; i < node_count + 2; i++)
		out->woken_of[i] += out->woken_of[i - 1];
	for (size_t i = 0; i < b->waker_count; i++)
		out->woken[out->woken_of[out->wakers[i].actor + 1]++] = (uint32_t)i;
	return 0;
}

struct fixpoint {
	const struct peeps_graph *graph;
	struct peeps_reduction *r;
	uint32_t *blocking; /* by node: waits that all have to end before it goes on */
	bool *needs_any;    /* by node: it has waits of which one has to end, and none can yet */
	uint32_t *queue;    /* actors that can progress, each once */
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
	const uint32_t actor = f->graph->edges[wait->edge].src;

	if (wait->blocks)
		f->blocking[actor]--;
	else
		f->needs_any[actor] = false;
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
		const uint32_t actor = f->graph->edges[r->waits[i].edge].src;

		if (r->waits[i].blocks)
			f->blocking[actor]++;
		else
			f->needs_any[actor] = true;
	}
	for (size_t i = 0; i < r->wait_count; i++) {
		if (r->waits[i].need == 0)
			wait_can_end(f, &r->waits[i]);
	}
	for (uint32_t node = 0; node < f->graph->node_count; node++) {
		r->stuck[node] = true;
		enqueue_if_free(f, node);
	}
}

static void run(struct fixpoint *f)
{
	struct peeps_reduction *r = f->r;

	while (f->done < f->queued) {
		const uint32_t actor = f->queue[f->done++];

		for (uint32_t i = r->woken_of[actor]; i < r->woken_of[actor + 1]; i++) {
			const struct peeps_waker *waker = &r->wakers[r->woken[i]];
			struct peeps_reduced_wait *wait = &r->waits[waker->wait];

			if (wait->need == 0)
				continue;
			wait->need -= waker->weight < wait->need ? waker->weight : wait->need;
			if (wait->need == 0) {
				wait_can_end(f, wait);
				enqueue_if_free(f, f->graph->edges[wait->edge].src);
			}
		}
	}
}

static int reach_fixpoint(struct peeps_reduction *r, const struct peeps_graph *graph)
{
	struct fixpoint f = { .graph = graph, .r = r };
	int result = -ENOMEM;

	r->stuck = calloc(graph->node_count + 1, sizeof(r->stuck[0]));
	f.blocking = calloc(graph->node_count + 1, sizeof(f.blocking[0]));
	f.needs_any = calloc(graph->node_count + 1, sizeof(f.needs_any[0]));
	f.queue = calloc(graph->node_count + 1, sizeof(f.queue[0]));
	if (r->stuck && f.blocking && f.needs_any && f.queue) {
		begin(&f);
		run(&f);
		for (size_t i = 0; i < graph->node_count; i++)
			r->stuck_count += r->stuck[i] && !graph->nodes[i].gone;
		result = 0;
	}
	free(f.blocking);
	free(f.needs_any);
	free(f.queue);
	return result;
}

int peeps_reduce(struct peeps_reduction *reduction, const struct peeps_graph *graph,
		 enum peeps_belief belief)
{
	struct builder b = { .graph = graph, .belief = belief, .out = reduction };
	int r;

	memset(reduction, 0, sizeof(*reduction));
	r = peeps_edge_index_init(&b.waits, graph, PEEPS_END_SRC, peeps_edge_is_wait);
	if (r)
		goto out;
	r = peeps_edge_index_init(&b.holds, graph, PEEPS_END_SRC, peeps_edge_is_hold);
	if (r)
		goto out;
	r = add_waits(&b);
	if (r)
		goto out;
	r = turn_round(&b);
	if (r)
		goto out;
	r = reach_fixpoint(reduction, graph);
out:
	peeps_edge_index_deinit(&b.waits);
	peeps_edge_index_deinit(&b.holds);
	if (r)
		peeps_reduction_deinit(reduction);
	return r;
}

void peeps_reduction_deinit(struct peeps_reduction *reduction)
{
	free(reduction->waits);
	free(reduction->waits_of);
	free(reduction->wakers);
	free(reduction->woken);
	free(reduction->woken_of);
	free(reduction->stuck);
	memset(reduction, 0, sizeof(*reduction));
}
