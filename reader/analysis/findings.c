/* SPDX-License-Identifier: MIT */
#include "reader/analysis/findings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reader/analysis/components.h"
#include "reader/analysis/reduce.h"
#include "reader/analysis/waits.h"
#include "reader/analysis/wakers.h"
#include "reader/format/print.h"
#include "reader/graph/arena.h"
#include "reader/words/labels.h"

#define STEPS_TOLD_IN_SENTENCE 4

struct maker {
	struct peeps_graph *graph;
	struct peeps_arena *arena; /* the graph's */
	struct peeps_labels labels;
	size_t room; /* of the graph's findings */
	struct peeps_wakers wakers;
	bool *stuck; /* by node: a part or a victim of a finding made for an earlier belief */

	/* of the belief that is being reported */
	bool certain;
	struct peeps_reduction r;
	struct peeps_components components;
	size_t first_finding;
	uint32_t *owner;     /* by node: which finding it is a part or a victim of, from 1 */
	bool *shown;         /* by node: it is a part */
	uint32_t *came_from; /* by node: the one before it in a search */
	uint32_t *came_by;   /* by node: how: peeps_reduction_next() */
	uint32_t *queue;
};

/* From one actor of a cycle to the next. */
struct step {
	uint32_t wait; /* position in the reduction */
	uint32_t hold; /* PEEPS_NO_EDGE: the next one is the task inside this one */
	uint32_t next; /* the next actor */
};

static const struct peeps_node *node_at(const struct maker *m, uint32_t node)
{
	return &m->graph->nodes[node];
}

static const struct peeps_edge *edge_at(const struct maker *m, uint32_t edge)
{
	return &m->graph->edges[edge];
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
	finding->steps = peeps_arena_take(m->arena, step_count, sizeof(finding->steps[0]));
	finding->nodes = peeps_arena_take(m->arena, 3 * step_count, sizeof(finding->nodes[0]));
	finding->edges = peeps_arena_take(m->arena, 3 * step_count, sizeof(finding->edges[0]));
	return finding->steps && finding->nodes && finding->edges;
}

/* What is waited for, and what makes the holder the one who could end it. */
static void add_evidence(struct maker *m, struct peeps_finding *finding, uint32_t wait,
			 uint32_t hold)
{
	const struct peeps_edge *edge = edge_at(m, wait);

	finding->nodes[finding->node_count++] = edge->src;
	finding->nodes[finding->node_count++] = edge->dst;
	finding->edges[finding->edge_count++] = wait;
	if (hold == PEEPS_NO_EDGE)
		return;
	if (edge_at(m, hold)->src != edge->dst) {
		finding->nodes[finding->node_count++] = edge_at(m, hold)->src;
		finding->edges[finding->edge_count++] = m->wakers.link[edge->dst];
	}
	finding->edges[finding->edge_count++] = hold;
}

static char *joined(struct maker *m, const char *wait, const char *hold)
{
	return wait && hold ? peeps_arena_format(m->arena, "%s, %s", wait, hold) : NULL;
}

/* "worker-2 has waited 12.4 s for mutex "accounts" (bank.c:42), held for 12.5 s by worker-1" */
static char *tell_wait(struct maker *m, uint32_t wait, enum peeps_label_style style)
{
	const struct peeps_edge *edge = edge_at(m, wait);
	char *waiting = peeps_label_wait(m->arena, &m->labels, m->graph, edge, style);
	size_t count;
	const uint32_t *holds = peeps_wakers_at(&m->wakers, edge->dst, &count);

	if (count == 0)
		return waiting;
	return joined(m, waiting,
		      peeps_label_holders(m->arena, &m->labels, m->graph, holds, count, style));
}

/* A finding that is about one wait. */
static bool show_wait(struct maker *m, struct peeps_finding *finding, uint32_t wait, uint32_t hold)
{
	if (!take_evidence(m, finding, 1))
		return false;
	add_evidence(m, finding, wait, hold);
	finding->step_count = 1;
	finding->steps[0] = tell_wait(m, wait, PEEPS_LABEL_FULL);
	return finding->steps[0] != NULL;
}

/* Deadlocks */

/* How many could end the wait besides the one that is told. */
static size_t others_at(const struct maker *m, uint32_t resource)
{
	size_t count;

	(void)peeps_wakers_at(&m->wakers, resource, &count);
	return count ? count - 1 : 0;
}

static char *tell_step(struct maker *m, const struct step *step, enum peeps_label_style style)
{
	const struct peeps_reduced_wait *wait = &m->r.waits[step->wait];
	const struct peeps_edge *edge;

	if (wait->edge == PEEPS_NO_EDGE)
		return peeps_label_inside(m->arena, &m->labels, m->graph, wait->actor, step->next);
	edge = edge_at(m, wait->edge);
	if (step->hold == PEEPS_NO_EDGE) /* for an actor's end */
		return peeps_label_wait(m->arena, &m->labels, m->graph, edge, style);
	return joined(m, peeps_label_wait(m->arena, &m->labels, m->graph, edge, style),
		      peeps_label_hold(m->arena, &m->labels, m->graph, edge_at(m, step->hold),
				       others_at(m, edge->dst), style));
}

static char *tell_step_briefly(struct maker *m, const struct step *step)
{
	const struct peeps_reduced_wait *wait = &m->r.waits[step->wait];
	const struct peeps_edge *edge;

	if (wait->edge == PEEPS_NO_EDGE)
		return peeps_label_brief_inside(m->arena, &m->labels, m->graph, wait->actor,
						step->next);
	edge = edge_at(m, wait->edge);
	if (step->hold == PEEPS_NO_EDGE)
		return peeps_label_brief_wait(m->arena, &m->labels, m->graph, edge);
	return joined(m, peeps_label_brief_wait(m->arena, &m->labels, m->graph, edge),
		      peeps_label_brief_hold(m->arena, &m->labels, m->graph, edge_at(m, step->hold),
					     others_at(m, edge->dst)));
}

/* The step from an actor by way of what was found next to it: a task inside it, an actor whose end it waits for, or a
 * resource's holder. */
static struct step step_to(const struct maker *m, uint32_t node, uint32_t via, uint32_t next)
{
	if (node_at(m, node)->role == PEEPS_ROLE_ACTOR)
		return (struct step){ .wait = via, .hold = PEEPS_NO_EDGE, .next = next };
	return (struct step){ .wait = m->came_by[node], .hold = via, .next = next };
}

/*
 * Breadth first, from an actor back to itself. By what it holds itself only if there is no other way, for that explains
 * least: holders of one semaphore who all want more wait for each other.
 * Returns false if there is none: one actor that does not wait for itself. Else the last step.
 */
static bool search_cycle(struct maker *m, uint32_t component, uint32_t start, struct step *last)
{
	uint32_t own = PEEPS_NO_NODE; /* what it waits for, and holds some of */
	size_t queued = 0, done = 0;

	m->queue[queued++] = start;
	while (done < queued) {
		const uint32_t node = m->queue[done++];
		uint32_t cursor = 0, via, next;

		while ((next = peeps_reduction_next(&m->r, node, &cursor, &via)) != PEEPS_NO_NODE) {
			if (next == own && node != start) {
				last->wait = via;
				return true;
			}
			if (next == start) {
				*last = step_to(m, node, via, start);
				if (m->r.waits[last->wait].actor != start)
					return true;
				own = node;
				continue;
			}
			if (m->components.of[next] != component ||
			    m->came_from[next] != PEEPS_NO_NODE)
				continue;
			m->came_from[next] = node;
			m->came_by[next] = via;
			m->queue[queued++] = next;
		}
	}
	return own != PEEPS_NO_NODE;
}

/* The cycle in its order. Returns how many steps. */
static size_t find_cycle(struct maker *m, uint32_t component, uint32_t start, struct step *cycle)
{
	size_t length = 1;
	uint32_t actor;

	if (!search_cycle(m, component, start, &cycle[0]))
		return 0;

	/* Backwards from the end, then turned round. */
	while ((actor = m->r.waits[cycle[length - 1].wait].actor) != start)
		cycle[length++] = step_to(m, m->came_from[actor], m->came_by[actor], actor);
	for (size_t i = 0; i < length / 2; i++) {
		const struct step swapped = cycle[i];

		cycle[i] = cycle[length - 1 - i];
		cycle[length - 1 - i] = swapped;
	}
	return length;
}

static const char *deadlock_sentence(struct maker *m, const struct step *cycle, size_t length)
{
	const size_t told = length > STEPS_TOLD_IN_SENTENCE ? STEPS_TOLD_IN_SENTENCE - 1 : length;
	const char *verdict = m->certain ? "a certain deadlock" : "a possible deadlock";
	char *sentence = tell_step(m, &cycle[0], PEEPS_LABEL_SHORT);

	for (size_t step = 1; sentence && step < told; step++)
		sentence = joined(m, sentence, tell_step_briefly(m, &cycle[step]));
	if (!sentence)
		return NULL;
	if (length == 1)
		return peeps_arena_format(m->arena, "%s itself: %s", sentence, verdict);
	if (told < length)
		return peeps_arena_format(
			m->arena, "%s, and so on, %zu in all, back to %s: %s", sentence, length,
			peeps_label_actor(&m->labels, m->graph, m->r.waits[cycle[0].wait].actor),
			verdict);
	return peeps_arena_format(m->arena, "%s: %s", sentence, verdict);
}

static bool show_step(struct maker *m, struct peeps_finding *finding, const struct step *step)
{
	const struct peeps_reduced_wait *wait = &m->r.waits[step->wait];

	if (step->hold != PEEPS_NO_EDGE)
		add_evidence(m, finding, wait->edge, step->hold);
	else
		finding->nodes[finding->node_count++] = wait->actor;
	if (step->hold == PEEPS_NO_EDGE && wait->edge != PEEPS_NO_EDGE)
		finding->edges[finding->edge_count++] = wait->edge;
	m->shown[wait->actor] = true;
	finding->steps[finding->step_count] = tell_step(m, step, PEEPS_LABEL_FULL);
	return finding->steps[finding->step_count++] != NULL;
}

static int add_deadlock(struct maker *m, uint32_t component, uint32_t start, struct step *cycle)
{
	const size_t length = find_cycle(m, component, start, cycle);
	struct peeps_finding *finding;

	if (length == 0)
		return 0;
	finding = add_finding(m, PEEPS_FINDING_DEADLOCK, m->certain);
	if (!finding || !take_evidence(m, finding, length))
		return -ENOMEM;
	for (size_t i = 0; i < length; i++) {
		if (!show_step(m, finding, &cycle[i]))
			return -ENOMEM;
	}
	finding->sentence = deadlock_sentence(m, cycle, length);

	for (uint32_t i = m->components.starts[component]; i < m->components.starts[component + 1];
	     i++)
		m->owner[m->components.members[i]] = (uint32_t)m->graph->finding_count;
	return finding->sentence ? 0 : -ENOMEM;
}

struct knot {
	const char *id; /* the smallest of an actor */
	uint32_t first; /* whose it is */
	uint32_t component;
};

static int by_id(const void *left, const void *right)
{
	return strcmp(((const struct knot *)left)->id, ((const struct knot *)right)->id);
}

/* False if one of them was told already: then it is part of, or stuck behind, what is certain. Or if nobody is in it. */
static bool knot_of(const struct maker *m, uint32_t component, struct knot *knot)
{
	knot->id = NULL;
	for (uint32_t i = m->components.starts[component]; i < m->components.starts[component + 1];
	     i++) {
		const uint32_t member = m->components.members[i];

		if (m->stuck[member])
			return false;
		if (node_at(m, member)->role != PEEPS_ROLE_ACTOR)
			continue;
		if (!knot->id || strcmp(node_at(m, member)->id, knot->id) < 0) {
			knot->id = node_at(m, member)->id;
			knot->first = member;
			knot->component = component;
		}
	}
	return knot->id != NULL;
}

static int add_deadlocks(struct maker *m)
{
	struct knot *knots = calloc(m->components.count + 1, sizeof(*knots));
	struct step *cycle = calloc(m->graph->node_count + 1, sizeof(*cycle));
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
	uint64_t pending_ns;
	uint32_t wait; /* position in the reduction */
	uint32_t hold; /* of one that is gone; PEEPS_NO_EDGE = there never was one */
};

/* Longest first for each resource. */
static int by_resource(const void *left, const void *right)
{
	const struct orphan *a = left, *b = right;
	int order = strcmp(a->resource->id, b->resource->id);

	if (order == 0 && a->pending_ns != b->pending_ns) /* what is not known comes last */
		order = a->pending_ns + 1 > b->pending_ns + 1 ? -1 : 1;
	return order ? order : strcmp(a->actor->id, b->actor->id);
}

/* Of all who could give a resource: how much those who live could bring, were they not stuck, and who is dead. */
struct survivors {
	bool known;
	uint64_t weight;
	uint32_t hold_of_the_dead; /* PEEPS_NO_EDGE = of nobody */
};

static void count_survivors(const struct maker *m, uint32_t target, struct survivors *survivors)
{
	size_t count;
	const uint32_t *holds = peeps_wakers_at(&m->wakers, target, &count);

	if (survivors->known)
		return;
	*survivors = (struct survivors){ .known = true, .hold_of_the_dead = PEEPS_NO_EDGE };
	if (node_at(m, target)->role == PEEPS_ROLE_ACTOR) /* his end is his to bring */
		survivors->weight = m->r.stuck[target] && !node_at(m, target)->gone;
	for (size_t i = 0; i < count; i++) {
		const struct peeps_edge *hold = edge_at(m, holds[i]);

		if (node_at(m, hold->dst)->gone)
			survivors->hold_of_the_dead = holds[i];
		else if (m->r.stuck[hold->dst])
			survivors->weight += peeps_wakers_weight(&m->wakers, hold);
	}
}

/* Nobody who lives can bring what it needs, were he not stuck. */
static bool is_orphan(const struct maker *m, uint32_t position, struct survivors *by_target,
		      struct orphan *orphan)
{
	const struct peeps_reduced_wait *wait = &m->r.waits[position];
	struct survivors *survivors = &by_target[wait->target];

	if (wait->need == 0 || wait->edge == PEEPS_NO_EDGE || m->stuck[wait->actor] ||
	    !m->r.stuck[wait->actor]) /* another of its waits can end */
		return false;
	count_survivors(m, wait->target, survivors);
	orphan->actor = node_at(m, wait->actor);
	orphan->resource = node_at(m, wait->target);
	orphan->pending_ns = peeps_edge_pending_ns(m->graph, edge_at(m, wait->edge));
	orphan->wait = position;
	orphan->hold = survivors->hold_of_the_dead;
	return survivors->weight < wait->need;
}

static int add_orphan(struct maker *m, const struct orphan *orphan)
{
	struct peeps_finding *finding = add_finding(m, PEEPS_FINDING_ORPHANED_WAIT, m->certain);
	const struct peeps_reduced_wait *wait = &m->r.waits[orphan->wait];
	const char *sentence;

	if (!finding || !show_wait(m, finding, wait->edge, orphan->hold))
		return -ENOMEM;
	sentence = tell_wait(m, wait->edge, PEEPS_LABEL_SHORT);
	if (!sentence)
		return -ENOMEM;
	finding->sentence = peeps_arena_format(m->arena, "%s: %s", sentence,
					       m->certain ? "nobody can wake it"
							  : "perhaps nobody can wake it");
	m->shown[wait->actor] = true;
	return finding->sentence ? 0 : -ENOMEM;
}

static int add_orphans(struct maker *m)
{
	struct orphan *orphans = calloc(m->r.wait_count + 1, sizeof(*orphans));
	struct survivors *by_target = calloc(m->graph->node_count + 1, sizeof(*by_target));
	size_t count = 0;
	int r = orphans && by_target ? 0 : -ENOMEM;

	for (uint32_t i = 0; r == 0 && i < m->r.wait_count; i++)
		count += is_orphan(m, i, by_target, &orphans[count]);
	if (r == 0)
		qsort(orphans, count, sizeof(*orphans), by_resource);
	for (size_t i = 0; r == 0 && i < count; i++) {
		const uint32_t actor = m->r.waits[orphans[i].wait].actor;

		if (i == 0 || orphans[i].resource != orphans[i - 1].resource)
			r = add_orphan(m, &orphans[i]);
		if (!m->owner[actor])
			m->owner[actor] = (uint32_t)m->graph->finding_count;
	}
	free(orphans);
	free(by_target);
	return r;
}

/* Victims */

static void own(struct maker *m, uint32_t node, uint32_t owner, size_t *queued)
{
	if (m->owner[node] || m->stuck[node])
		return;
	m->owner[node] = owner;
	m->queue[(*queued)++] = node;
}

/* Who cannot go on as long as nobody lets go of a resource, or as long as a task does not. */
static void spread_from(struct maker *m, uint32_t target, uint32_t owner, size_t *queued)
{
	const struct peeps_reduction *r = &m->r;

	for (uint32_t i = r->waiting_for[target]; i < r->waiting_for[target + 1]; i++) {
		const struct peeps_reduced_wait *wait = &r->waits[r->waiting[i]];

		if (wait->need && r->stuck[wait->actor]) /* else another of its waits can end */
			own(m, wait->actor, owner, queued);
	}
}

/*
 * From those that findings own already to all that wait for them, the nearest finding first. A resource is owned, too,
 * so that those who wait for it are looked at once.
 */
static void spread_ownership(struct maker *m)
{
	size_t queued = 0, done = 0;

	for (uint32_t node = 0; node < m->graph->node_count; node++) {
		if (m->owner[node])
			m->queue[queued++] = node;
	}
	while (done < queued) {
		const uint32_t node = m->queue[done++];
		size_t count;
		const uint32_t *holds = peeps_edge_index_at(&m->wakers.held_by, node, &count);

		spread_from(m, node, m->owner[node], &queued);
		for (size_t i = 0; i < count; i++) {
			const uint32_t target =
				peeps_wakers_across(&m->wakers, edge_at(m, holds[i])->src);

			if (target != PEEPS_NO_NODE)
				own(m, target, m->owner[node], &queued);
		}
	}
}

static bool is_victim(const struct maker *m, uint32_t node)
{
	return m->owner[node] && !m->shown[node] && node_at(m, node)->role == PEEPS_ROLE_ACTOR;
}

static int list_victims(struct maker *m)
{
	struct peeps_finding *findings = m->graph->findings;

	for (uint32_t node = 0; node < m->graph->node_count; node++) {
		if (is_victim(m, node))
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
		struct peeps_finding *finding;

		if (!is_victim(m, node))
			continue;
		finding = &findings[m->owner[node] - 1];
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
	m->came_from = calloc(node_count + 1, sizeof(m->came_from[0]));
	m->came_by = calloc(node_count + 1, sizeof(m->came_by[0]));
	m->queue = calloc(node_count + 1, sizeof(m->queue[0]));
	if (!m->owner || !m->shown || !m->came_from || !m->came_by || !m->queue)
		goto out;
	for (size_t node = 0; node < node_count; node++)
		m->came_from[node] = PEEPS_NO_NODE;

	r = peeps_components_init(&m->components, &m->r);
	if (r == 0)
		r = add_deadlocks(m);
	if (r == 0)
		r = add_orphans(m);
	if (r == 0) {
		spread_ownership(m);
		r = list_victims(m);
	}
	for (size_t node = 0; node < node_count; node++)
		m->stuck[node] |= m->owner[node] && m->graph->nodes[node].role == PEEPS_ROLE_ACTOR;
out:
	peeps_components_deinit(&m->components);
	free(m->owner);
	free(m->shown);
	free(m->came_from);
	free(m->came_by);
	free(m->queue);
	return r;
}

static int reduce_and_report(struct maker *m, enum peeps_belief belief)
{
	int r = peeps_reduce(&m->r, &m->wakers, belief);

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
	const uint32_t hold = wait->holder_count ? wait->holders[0] : PEEPS_NO_EDGE;
	struct peeps_finding *finding;
	char duration[PEEPS_DURATION_BYTES];
	const char *sentence;

	if (wait->pending_ns == PEEPS_NO_TIME || wait->pending_ns <= max_wait_ns ||
	    m->stuck[edge->src])
		return 0;
	finding = add_finding(m, PEEPS_FINDING_LONG_WAIT, !edge->uncertain);
	if (!finding || !show_wait(m, finding, wait->edge, hold))
		return -ENOMEM;
	sentence = tell_wait(m, wait->edge, PEEPS_LABEL_SHORT);
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
	graph->findings = NULL; /* of a graph that was read, those that were made before */
	graph->finding_count = 0;
	m.stuck = calloc(graph->node_count + 1, sizeof(m.stuck[0]));
	r = m.stuck ? 0 : -ENOMEM;

	if (r == 0)
		r = peeps_wakers_init(&m.wakers, graph);
	if (r == 0)
		r = reduce_and_report(&m, PEEPS_BELIEVE_PROVED);
	if (r == 0)
		r = reduce_and_report(&m, PEEPS_BELIEVE_ALL);
	if (r == 0 && options->max_wait_ns)
		r = add_long_waits(&m, options->max_wait_ns);

	free(m.stuck);
	peeps_wakers_deinit(&m.wakers);
	peeps_labels_deinit(&m.labels);
	return r ? r : peeps_arena_failed(graph->arena) ? -ENOMEM : 0;
}

/* Whom other findings are about already. */
static void mark_told(struct maker *m)
{
	for (size_t i = 0; i < m->graph->finding_count; i++) {
		const struct peeps_finding *finding = &m->graph->findings[i];

		for (size_t k = 0; k < finding->node_count; k++)
			m->stuck[finding->nodes[k]] |=
				node_at(m, finding->nodes[k])->role == PEEPS_ROLE_ACTOR;
		for (size_t k = 0; k < finding->victim_count; k++)
			m->stuck[finding->victims[k]] = true;
	}
}

static void drop_long_waits(struct peeps_graph *graph)
{
	size_t kept = 0;

	for (size_t i = 0; i < graph->finding_count; i++) {
		if (graph->findings[i].kind != PEEPS_FINDING_LONG_WAIT)
			graph->findings[kept++] = graph->findings[i];
	}
	graph->finding_count = kept;
}

int peeps_findings_make_long_waits(struct peeps_graph *graph,
				   const struct peeps_analysis_options *options)
{
	struct maker m = { .graph = graph, .arena = graph->arena };
	int r;

	drop_long_waits(graph);
	m.room = graph->finding_count;
	if (!options->max_wait_ns)
		return 0;
	r = peeps_labels_init(&m.labels, graph);
	if (r)
		return r;
	m.stuck = calloc(graph->node_count + 1, sizeof(m.stuck[0]));
	r = m.stuck ? peeps_wakers_init(&m.wakers, graph) : -ENOMEM;
	if (r == 0) {
		mark_told(&m);
		r = add_long_waits(&m, options->max_wait_ns);
	}
	free(m.stuck);
	peeps_wakers_deinit(&m.wakers);
	peeps_labels_deinit(&m.labels);
	return r ? r : peeps_arena_failed(graph->arena) ? -ENOMEM : 0;
}
