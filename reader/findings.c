/* SPDX-License-Identifier: MIT */
#include "reader/findings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reader/arena.h"
#include "reader/components.h"
#include "reader/labels.h"
#include "reader/print.h"
#include "reader/reduce.h"
#include "reader/waits.h"

#define STEPS_TOLD_IN_SENTENCE 4

struct maker {
	struct peeps_graph *graph;
	struct peeps_arena *arena; /* the graph's */
	struct peeps_labels labels;
	size_t room; /* of the graph's findings */
	bool *stuck; /* by node: a part or a victim of a finding made for an earlier belief */

	/* of the belief that is being reported */
	bool certain;
	struct peeps_reduction r;
	struct peeps_components components;
	size_t first_finding;
	uint32_t *owner;   /* by node: which finding it is a part or a victim of, from 1 */
	bool *shown;       /* by node: it is a part */
	uint32_t *came_by; /* by node: the waker it was found through */
	uint32_t *queue;
};

static const struct peeps_node *node_at(const struct maker *m, uint32_t node)
{
	return &m->graph->nodes[node];
}

static const struct peeps_edge *edge_at(const struct maker *m, uint32_t edge)
{
	return &m->graph->edges[edge];
}

static const struct peeps_edge *wait_edge(const struct maker *m, uint32_t wait)
{
	return edge_at(m, m->r.waits[wait].edge);
}

static struct peeps_finding *add_finding(struct maker *m, enum peeps_finding_kind kind,
					 bool certain)
{
	struct peeps_graph *graph = m->graph;
	struct peeps_finding *finding;

	if (graph->finding_count == m->room) {
		const size_t room = m->room ? 2 * m->room : 16;
		struct peeps_finding *findings =
			peeps_arena_take(m->arena, room, sizeof(*findings));

		if (!findings)
			return NULL;
		if (graph->finding_count)
			memcpy(findings, graph->findings, graph->finding_count * sizeof(*findings));
		graph->findings = findings;
		m->room = room;
	}
	finding = &graph->findings[graph->finding_count++];
	finding->kind = kind;
	finding->certain = certain;
	return finding;
}

static bool take_evidence(struct maker *m, struct peeps_finding *finding, size_t step_count)
{
	finding->step_count = step_count;
	finding->steps = peeps_arena_take(m->arena, step_count, sizeof(finding->steps[0]));
	finding->nodes = peeps_arena_take(m->arena, 2 * step_count, sizeof(finding->nodes[0]));
	finding->edges = peeps_arena_take(m->arena, 2 * step_count, sizeof(finding->edges[0]));
	return finding->steps && finding->nodes && finding->edges;
}

/* One wait, and the hold that keeps it waiting if there is one: a step of a finding. */
static void add_step(struct maker *m, struct peeps_finding *finding, size_t step, uint32_t wait,
		     uint32_t hold)
{
	const struct peeps_edge *edge = edge_at(m, wait);
	const char *waiting =
		peeps_label_wait(m->arena, &m->labels, m->graph, edge, PEEPS_LABEL_FULL);

	finding->nodes[finding->node_count++] = edge->src;
	finding->nodes[finding->node_count++] = edge->dst;
	finding->edges[finding->edge_count++] = wait;
	finding->steps[step] = waiting;
	if (hold != PEEPS_NO_NODE) {
		finding->edges[finding->edge_count++] = hold;
		finding->steps[step] =
			peeps_arena_format(m->arena, "%s, %s", waiting ? waiting : "",
					   peeps_label_hold(m->arena, &m->labels, m->graph,
							    edge_at(m, hold), PEEPS_LABEL_FULL));
	}
}

/* "worker-2 has waited 12.4 s for mutex "accounts" (bank.c:42), held for 12.5 s by worker-1" */
static char *short_step(struct maker *m, uint32_t wait, uint32_t hold)
{
	char *waiting = peeps_label_wait(m->arena, &m->labels, m->graph, edge_at(m, wait),
					 PEEPS_LABEL_SHORT);
	char *held;

	if (!waiting || hold == PEEPS_NO_NODE)
		return waiting;
	held = peeps_label_hold(m->arena, &m->labels, m->graph, edge_at(m, hold),
				PEEPS_LABEL_SHORT);
	return held ? peeps_arena_format(m->arena, "%s, %s", waiting, held) : NULL;
}

/* Deadlocks */

/* The cycle as wakers, in its order: each is waited for by the one before it. Returns how many. */
static size_t find_cycle(struct maker *m, uint32_t component, uint32_t start, uint32_t *cycle)
{
	const struct peeps_reduction *r = &m->r;
	size_t queued = 0, done = 0, length = 0;
	uint32_t closing = PEEPS_NO_NODE;

	m->queue[queued++] = start;
	while (closing == PEEPS_NO_NODE && done < queued) {
		const uint32_t node = m->queue[done++];
		const uint32_t end = r->waits[r->waits_of[node + 1]].wakers;

		for (uint32_t i = r->waits[r->waits_of[node]].wakers; i < end; i++) {
			const struct peeps_waker *waker = &r->wakers[i];

			if (!peeps_waker_is_stuck(r, waker) ||
			    m->components.of[waker->actor] != component)
				continue;
			if (waker->actor == start) {
				closing = i;
				break;
			}
			if (m->came_by[waker->actor] == PEEPS_NO_NODE) {
				m->came_by[waker->actor] = i;
				m->queue[queued++] = waker->actor;
			}
		}
	}
	if (closing == PEEPS_NO_NODE)
		return 0; /* one actor that does not wait for itself */

	/* Backwards from the end, then turned round. */
	for (uint32_t i = closing;;) {
		const uint32_t before = wait_edge(m, r->wakers[i].wait)->src;

		cycle[length++] = i;
		if (before == start)
			break;
		i = m->came_by[before];
	}
	for (size_t i = 0; i < length / 2; i++) {
		const uint32_t swapped = cycle[i];

		cycle[i] = cycle[length - 1 - i];
		cycle[length - 1 - i] = swapped;
	}
	return length;
}

static const char *deadlock_sentence(struct maker *m, const struct peeps_finding *finding)
{
	const size_t told = finding->step_count > STEPS_TOLD_IN_SENTENCE
				    ? STEPS_TOLD_IN_SENTENCE - 1
				    : finding->step_count;
	const char *verdict = finding->certain ? "a certain deadlock" : "a possible deadlock";
	char *sentence = short_step(m, finding->edges[0], finding->edges[1]);

	for (size_t step = 1; sentence && step < told; step++) {
		const struct peeps_edge *wait = edge_at(m, finding->edges[2 * step]);
		const struct peeps_edge *hold = edge_at(m, finding->edges[2 * step + 1]);

		sentence = peeps_arena_format(m->arena, "%s, which waits for \"%s\", held by %s",
					      sentence, node_at(m, wait->dst)->name,
					      peeps_label_actor(&m->labels, m->graph, hold->dst));
	}
	if (!sentence)
		return NULL;
	if (finding->step_count == 1)
		return peeps_arena_format(m->arena, "%s itself: %s", sentence, verdict);
	if (told < finding->step_count)
		return peeps_arena_format(
			m->arena, "%s, and so on, %zu in all, back to %s: %s", sentence,
			finding->step_count,
			peeps_label_actor(&m->labels, m->graph, finding->nodes[0]), verdict);
	return peeps_arena_format(m->arena, "%s: %s", sentence, verdict);
}

static int add_deadlock(struct maker *m, uint32_t component, uint32_t start, uint32_t *cycle)
{
	const size_t length = find_cycle(m, component, start, cycle);
	struct peeps_finding *finding;

	if (length == 0)
		return 0;
	finding = add_finding(m, PEEPS_FINDING_DEADLOCK, m->certain);
	if (!finding || !take_evidence(m, finding, length))
		return -ENOMEM;
	for (size_t step = 0; step < length; step++) {
		const struct peeps_waker *waker = &m->r.wakers[cycle[step]];

		add_step(m, finding, step, m->r.waits[waker->wait].edge, waker->via);
		m->shown[waker->actor] = true;
	}
	finding->sentence = deadlock_sentence(m, finding);

	for (uint32_t i = m->components.starts[component]; i < m->components.starts[component + 1];
	     i++)
		m->owner[m->components.members[i]] = (uint32_t)m->graph->finding_count;
	return finding->sentence ? 0 : -ENOMEM;
}

struct knot {
	const char *id; /* the smallest */
	uint32_t first; /* whose it is */
	uint32_t component;
};

static int by_id(const void *left, const void *right)
{
	return strcmp(((const struct knot *)left)->id, ((const struct knot *)right)->id);
}

/* False if one of them was told already: then it is part of, or stuck behind, what is certain. */
static bool knot_of(const struct maker *m, uint32_t component, struct knot *knot)
{
	knot->id = NULL;
	for (uint32_t i = m->components.starts[component]; i < m->components.starts[component + 1];
	     i++) {
		const uint32_t member = m->components.members[i];

		if (m->stuck[member])
			return false;
		if (!knot->id || strcmp(node_at(m, member)->id, knot->id) < 0) {
			knot->id = node_at(m, member)->id;
			knot->first = member;
			knot->component = component;
		}
	}
	return true;
}

static int add_deadlocks(struct maker *m)
{
	struct knot *knots = calloc(m->components.count + 1, sizeof(*knots));
	uint32_t *cycle = calloc(m->graph->node_count + 1, sizeof(*cycle));
	size_t knot_count = 0;
	int r = knots && cycle ? 0 : -ENOMEM;

	for (uint32_t i = 0; r == 0 && i < m->components.count; i++)
		knot_count += knot_of(m, i, &knots[knot_count]);
	if (r == 0)
		qsort(knots, knot_count, sizeof(*knots), by_id);
	for (size_t i = 0; r == 0 && i < knot_count; i++)
		r = add_deadlock(m, knots[i].component, knots[i].first, cycle);
	free(knots);
	free(cycle);
	return r;
}

/* Orphaned waits */

struct orphan {
	const struct peeps_node *actor, *resource;
	uint64_t pending_since_ns;
	uint32_t wait; /* position in the reduction */
	uint32_t hold; /* of the one that is gone; PEEPS_NO_NODE = there never was one */
};

/* Longest first for each resource. */
static int by_resource(const void *left, const void *right)
{
	const struct orphan *a = left, *b = right;
	int order = strcmp(a->resource->id, b->resource->id);

	if (order == 0)
		order = (a->pending_since_ns > b->pending_since_ns) -
			(a->pending_since_ns < b->pending_since_ns);
	return order ? order : strcmp(a->actor->id, b->actor->id);
}

/* Nobody who lives can bring what it needs, were he not stuck. */
static bool is_orphan(const struct maker *m, uint32_t position, struct orphan *orphan)
{
	const struct peeps_reduced_wait *wait = &m->r.waits[position];
	const struct peeps_edge *edge = edge_at(m, wait->edge);
	uint64_t living = 0;

	if (wait->need == 0 || m->stuck[edge->src])
		return false;
	orphan->hold = PEEPS_NO_NODE;
	for (uint32_t i = wait->wakers; i < wait[1].wakers; i++) {
		const struct peeps_waker *waker = &m->r.wakers[i];

		if (node_at(m, waker->actor)->gone)
			orphan->hold = waker->via;
		else if (m->r.stuck[waker->actor])
			living += waker->weight;
	}
	orphan->actor = node_at(m, edge->src);
	orphan->resource = node_at(m, edge->dst);
	orphan->pending_since_ns = edge->pending_since_ns;
	orphan->wait = position;
	return living < wait->need;
}

static int add_orphan(struct maker *m, const struct orphan *orphan)
{
	struct peeps_finding *finding = add_finding(m, PEEPS_FINDING_ORPHANED_WAIT, m->certain);
	const uint32_t wait = m->r.waits[orphan->wait].edge;
	const char *sentence;

	if (!finding || !take_evidence(m, finding, 1))
		return -ENOMEM;
	add_step(m, finding, 0, wait, orphan->hold);
	sentence = short_step(m, wait, orphan->hold);
	if (!sentence)
		return -ENOMEM;
	finding->sentence = peeps_arena_format(m->arena, "%s: %s", sentence,
					       m->certain ? "nobody can wake it"
							  : "perhaps nobody can wake it");
	m->shown[edge_at(m, wait)->src] = true;
	return finding->sentence ? 0 : -ENOMEM;
}

static int add_orphans(struct maker *m)
{
	struct orphan *orphans = calloc(m->r.wait_count + 1, sizeof(*orphans));
	size_t count = 0;
	int r = orphans ? 0 : -ENOMEM;

	for (uint32_t i = 0; r == 0 && i < m->r.wait_count; i++)
		count += is_orphan(m, i, &orphans[count]);
	if (r == 0)
		qsort(orphans, count, sizeof(*orphans), by_resource);
	for (size_t i = 0; r == 0 && i < count; i++) {
		const uint32_t actor = wait_edge(m, orphans[i].wait)->src;

		if (i == 0 || orphans[i].resource != orphans[i - 1].resource)
			r = add_orphan(m, &orphans[i]);
		if (!m->owner[actor])
			m->owner[actor] = (uint32_t)m->graph->finding_count;
	}
	free(orphans);
	return r;
}

/* Victims */

/* From those that findings own already to all that wait for them, the nearest finding first. */
static void spread_ownership(struct maker *m)
{
	const struct peeps_reduction *r = &m->r;
	size_t queued = 0, done = 0;

	for (uint32_t node = 0; node < m->graph->node_count; node++) {
		if (m->owner[node])
			m->queue[queued++] = node;
	}
	while (done < queued) {
		const uint32_t node = m->queue[done++];

		for (uint32_t i = r->woken_of[node]; i < r->woken_of[node + 1]; i++) {
			const struct peeps_waker *waker = &r->wakers[r->woken[i]];
			const uint32_t waiting = wait_edge(m, waker->wait)->src;

			if (peeps_waker_is_stuck(r, waker) && !m->owner[waiting] &&
			    !m->stuck[waiting]) {
				m->owner[waiting] = m->owner[node];
				m->queue[queued++] = waiting;
			}
		}
	}
}

static int list_victims(struct maker *m)
{
	struct peeps_finding *findings = m->graph->findings;

	for (uint32_t node = 0; node < m->graph->node_count; node++) {
		if (m->owner[node] && !m->shown[node])
			findings[m->owner[node] - 1].victim_count++;
	}
	for (size_t i = m->first_finding; i < m->graph->finding_count; i++) {
		findings[i].victims = peeps_arena_take(m->arena, findings[i].victim_count,
						       sizeof(findings[i].victims[0]));
		if (!findings[i].victims)
			return -ENOMEM;
		findings[i].victim_count = 0;
	}
	for (uint32_t node = 0; node < m->graph->node_count; node++) {
		struct peeps_finding *finding =
			m->owner[node] ? &findings[m->owner[node] - 1] : NULL;

		if (finding && !m->shown[node])
			finding->victims[finding->victim_count++] = node;
	}
	return 0;
}

/* Findings of one belief, from m->r. */
static int report(struct maker *m)
{
	const size_t node_count = m->graph->node_count;
	int r = -ENOMEM;

	m->first_finding = m->graph->finding_count;
	m->owner = calloc(node_count + 1, sizeof(m->owner[0]));
	m->shown = calloc(node_count + 1, sizeof(m->shown[0]));
	m->came_by = calloc(node_count + 1, sizeof(m->came_by[0]));
	m->queue = calloc(node_count + 1, sizeof(m->queue[0]));
	if (!m->owner || !m->shown || !m->came_by || !m->queue)
		goto out;
	for (size_t node = 0; node < node_count; node++)
		m->came_by[node] = PEEPS_NO_NODE;

	r = peeps_components_init(&m->components, m->graph, &m->r);
	if (r == 0)
		r = add_deadlocks(m);
	if (r == 0)
		r = add_orphans(m);
	if (r == 0) {
		spread_ownership(m);
		r = list_victims(m);
	}
	for (size_t node = 0; node < node_count; node++)
		m->stuck[node] |= m->owner[node] != 0;
out:
	peeps_components_deinit(&m->components);
	free(m->owner);
	free(m->shown);
	free(m->came_by);
	free(m->queue);
	return r;
}

static int reduce_and_report(struct maker *m, enum peeps_belief belief)
{
	int r = peeps_reduce(&m->r, m->graph, belief);

	if (r)
		return r;
	m->certain = belief == PEEPS_BELIEVE_PROVED;
	if (m->r.stuck_count)
		r = report(m);
	peeps_reduction_deinit(&m->r);
	return r;
}

/* Long waits */

static int add_long_wait(struct maker *m, const struct peeps_wait *wait, uint64_t max_wait_ns)
{
	const struct peeps_edge *edge = edge_at(m, wait->edge);
	const uint32_t hold = wait->holder_count ? wait->holders[0] : PEEPS_NO_NODE;
	struct peeps_finding *finding;
	char duration[PEEPS_DURATION_BYTES];
	const char *sentence;

	if (wait->pending_ns == PEEPS_NO_TIME || wait->pending_ns <= max_wait_ns ||
	    m->stuck[edge->src])
		return 0;
	finding = add_finding(m, PEEPS_FINDING_LONG_WAIT, !edge->uncertain);
	if (!finding || !take_evidence(m, finding, 1))
		return -ENOMEM;
	add_step(m, finding, 0, wait->edge, hold);
	sentence = short_step(m, wait->edge, hold);
	if (!sentence)
		return -ENOMEM;
	finding->sentence = peeps_arena_format(m->arena, "%s: longer than %s", sentence,
					       peeps_duration_floor(duration, max_wait_ns));
	return finding->sentence ? 0 : -ENOMEM;
}

static int add_long_waits(struct maker *m, uint64_t max_wait_ns)
{
	struct peeps_waits waits;
	int r = peeps_waits_init(&waits, m->graph, max_wait_ns);

	if (r)
		return r;
	for (size_t i = 0; r == 0 && i < waits.count; i++)
		r = add_long_wait(m, &waits.waits[i], max_wait_ns);
	peeps_waits_deinit(&waits);
	return r;
}

int peeps_findings_make(struct peeps_graph *graph, const struct peeps_analysis_options *options)
{
	struct maker m = { .graph = graph, .arena = graph->arena };
	int r = peeps_labels_init(&m.labels, graph);

	if (r)
		return r;
	m.stuck = calloc(graph->node_count + 1, sizeof(m.stuck[0]));
	r = m.stuck ? 0 : -ENOMEM;

	if (r == 0)
		r = reduce_and_report(&m, PEEPS_BELIEVE_PROVED);
	if (r == 0)
		r = reduce_and_report(&m, PEEPS_BELIEVE_ALL);
	if (r == 0 && options->max_wait_ns)
		r = add_long_waits(&m, options->max_wait_ns);

	free(m.stuck);
	peeps_labels_deinit(&m.labels);
	return r ? r : peeps_arena_failed(graph->arena) ? -ENOMEM : 0;
}
