/* SPDX-License-Identifier: MIT */
#include "reader/analysis/wakers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reader/graph/ends.h"

/* --- attributes ------------------------------------------------------------------------------------------------- */

static const struct peeps_value *typed(const struct peeps_value *value, enum peeps_value_type type)
{
	return value && value->type == type ? value : NULL;
}

bool peeps_number_attribute(const struct peeps_node *node, const char *name, uint64_t *number)
{
	const struct peeps_value *value =
		typed(peeps_graph_attribute(node, name), PEEPS_VALUE_UNSIGNED);

	if (value)
		*number = value->as.number;
	return value != NULL;
}

bool peeps_is_true(const struct peeps_node *node, const char *name)
{
	const struct peeps_value *value =
		typed(peeps_graph_attribute(node, name), PEEPS_VALUE_BOOL);

	return value && value->as.boolean;
}

uint32_t peeps_node_attribute(const struct peeps_node *node, const char *name)
{
	const struct peeps_value *value =
		typed(peeps_graph_attribute(node, name), PEEPS_VALUE_NODE);

	return value ? value->as.node : PEEPS_NO_NODE;
}

static bool is_known_to_be_zero(const struct peeps_node *node, const char *name)
{
	uint64_t number;

	return peeps_number_attribute(node, name, &number) && number == 0;
}

static const struct peeps_value *detail(const struct peeps_edge *edge, const char *name)
{
	for (size_t i = 0; i < edge->detail_count; i++) {
		if (strcmp(edge->details[i].name, name) == 0)
			return &edge->details[i].value;
	}
	return NULL;
}

uint64_t peeps_permits_asked(const struct peeps_edge *wait)
{
	const struct peeps_value *permits =
		typed(detail(wait, PEEPS_DETAIL_PERMITS), PEEPS_VALUE_UNSIGNED);

	return permits ? permits->as.number : 0;
}

static bool asks_for(const struct peeps_edge *wait, const char *mode)
{
	const struct peeps_value *asked = typed(detail(wait, PEEPS_DETAIL_MODE), PEEPS_VALUE_TEXT);

	return asked && strcmp(asked->as.text, mode) == 0;
}

bool peeps_asks_to_read(const struct peeps_edge *wait)
{
	return asks_for(wait, "read");
}

bool peeps_asks_to_write(const struct peeps_edge *wait)
{
	return asks_for(wait, "exclusive");
}

bool peeps_is_read_hold(const struct peeps_edge *edge)
{
	return edge->kind == PEEPS_EDGE_HOLDS && edge->mode_number == PEEPS_HOLD_MODE_READ;
}

bool peeps_notifies_before(const struct peeps_edge *wait, uint64_t *notifies)
{
	const struct peeps_value *before =
		typed(detail(wait, PEEPS_DETAIL_NOTIFIES), PEEPS_VALUE_UNSIGNED);

	if (before)
		*notifies = before->as.number;
	return before != NULL;
}

bool peeps_times_out(const struct peeps_edge *wait, uint64_t *until_ms)
{
	const struct peeps_value *until = detail(wait, PEEPS_DETAIL_UNTIL);

	if (!until || until->type == PEEPS_VALUE_NULL)
		return false;
	*until_ms = until->type == PEEPS_VALUE_UNSIGNED ? until->as.number : 0;
	return true;
}

bool peeps_channel_is_closed(const struct peeps_node *end)
{
	return peeps_is_true(end, "sender_closed") || peeps_is_true(end, "receiver_closed");
}

static bool is_proved(const struct peeps_graph *graph, const struct peeps_edge *edge)
{
	return !edge->uncertain && !edge->unconfirmed && !graph->nodes[edge->src].uncertain &&
	       !graph->nodes[edge->dst].uncertain;
}

/* --- who holds what --------------------------------------------------------------------------------------------- */

/*
 * A hold that somebody could let go. Others may say what they like of a channel; it is its handles that count. A
 * process keeps the books of its semaphores and channels itself: what another one says it has of them is not in there.
 */
static bool is_waker(const struct peeps_graph *graph, const struct peeps_edge *edge)
{
	const struct peeps_node *resource = &graph->nodes[edge->src];

	if (edge->kind != PEEPS_EDGE_HOLDS || resource->role == PEEPS_ROLE_ACTOR)
		return false;
	if (peeps_edge_process(graph, edge) != resource->process &&
	    (resource->kind_number == PEEPS_KIND_SEMAPHORE ||
	     peeps_kind_is_channel_end(resource->kind_number)))
		return false;
	if (resource->kind_number == PEEPS_KIND_SEMAPHORE)
		return edge->role_number == PEEPS_HOLD_ROLE_PERMIT && edge->count;
	if (peeps_kind_sends(resource->kind_number))
		return edge->role_number == PEEPS_HOLD_ROLE_SENDER && edge->count;
	if (peeps_kind_receives(resource->kind_number))
		return edge->role_number == PEEPS_HOLD_ROLE_RECEIVER && edge->count;
	return true;
}

uint64_t peeps_wakers_weight(const struct peeps_wakers *wakers, const struct peeps_edge *hold)
{
	const uint32_t kind = wakers->graph->nodes[hold->src].kind_number;

	return kind == PEEPS_KIND_SEMAPHORE || peeps_kind_is_channel_end(kind) ? hold->count : 1;
}

static uint64_t add(uint64_t a, uint64_t b)
{
	return a <= UINT64_MAX - b ? a + b : UINT64_MAX;
}

/* That it is the holder's to let go: it said so of a handle, or is known to give permits back itself. What an actor that
 * has exited leaves behind may be handed on at any time. */
static bool is_owned(const struct peeps_graph *graph, const struct peeps_edge *hold)
{
	const uint32_t mode = graph->nodes[hold->src].kind_number == PEEPS_KIND_SEMAPHORE
				      ? PEEPS_HOLD_MODE_RETURNS
				      : PEEPS_HOLD_MODE_OWNER;

	return hold->mode_number == mode && !graph->nodes[hold->dst].gone;
}

static void sum_up(struct peeps_wakers *w, uint32_t resource)
{
	const struct peeps_node *node = &w->graph->nodes[resource];
	struct peeps_holding sum = { .proved = true, .owned = true, .read_only = true };
	bool of_the_dead = false;
	size_t count;
	const uint32_t *holds = peeps_edge_index_at(&w->holds, resource, &count);

	for (size_t i = 0; i < count; i++) {
		const struct peeps_edge *hold = &w->graph->edges[holds[i]];

		sum.weight = add(sum.weight, peeps_wakers_weight(w, hold));
		sum.proved &= is_proved(w->graph, hold);
		sum.owned &= is_owned(w->graph, hold);
		sum.read_only &= peeps_is_read_hold(hold);
		of_the_dead |= w->graph->nodes[hold->dst].gone;
	}
	sum.passes_on = of_the_dead && peeps_is_true(node, "robust");
	w->holding[resource] = sum;
}

static bool lets_writers_come_first(const struct peeps_node *rwlock)
{
	const struct peeps_value *prefers =
		typed(peeps_graph_attribute(rwlock, "prefers"), PEEPS_VALUE_TEXT);

	return prefers && strcmp(prefers->as.text, "writers") == 0;
}

static void find_barred(struct peeps_wakers *w)
{
	uint64_t until_ms;

	for (size_t i = 0; i < w->graph->edge_count; i++) {
		const struct peeps_edge *wait = &w->graph->edges[i];
		const enum peeps_barred how =
			is_proved(w->graph, wait) ? PEEPS_BARRED_PROVED : PEEPS_BARRED_PERHAPS;

		if (peeps_edge_is_wait(w->graph, wait) && wait->op == PEEPS_OP_LOCK &&
		    w->graph->nodes[wait->dst].kind_number == PEEPS_KIND_RWLOCK &&
		    !peeps_asks_to_read(wait) && !peeps_times_out(wait, &until_ms) &&
		    lets_writers_come_first(&w->graph->nodes[wait->dst]) &&
		    w->barred[wait->dst] < how)
			w->barred[wait->dst] = how;
	}
}

/* Links of one end to different others contradict each other: then none is believed. */
static void connect(struct peeps_wakers *w, bool *contradicted, uint32_t end, uint32_t edge)
{
	const struct peeps_edge *link = &w->graph->edges[edge];

	if (w->link[end] == PEEPS_NO_EDGE) {
		w->link[end] = edge;
	} else {
		const struct peeps_edge *before = &w->graph->edges[w->link[end]];

		contradicted[end] |= before->src != link->src || before->dst != link->dst;
	}
}

static bool joins_two_ends(const struct peeps_graph *graph, const struct peeps_edge *link)
{
	const uint32_t src = graph->nodes[link->src].kind_number;
	const uint32_t dst = graph->nodes[link->dst].kind_number;

	return peeps_kind_sends(src) && peeps_kind_receives(dst) &&
	       strcmp(peeps_channel_kind(src), peeps_channel_kind(dst)) == 0;
}

static int find_links(struct peeps_wakers *w)
{
	const struct peeps_graph *graph = w->graph;
	bool *contradicted = calloc(graph->node_count + 1, sizeof(*contradicted));

	if (!contradicted)
		return -ENOMEM;
	for (size_t i = 0; i < graph->node_count; i++)
		w->link[i] = PEEPS_NO_EDGE;
	for (uint32_t i = 0; i < graph->edge_count; i++) {
		const struct peeps_edge *edge = &graph->edges[i];

		if (edge->kind != PEEPS_EDGE_CHANNEL_LINK || !joins_two_ends(graph, edge))
			continue;
		/* A broadcast's sending end has as many others as there are receivers. */
		if (graph->nodes[edge->src].kind_number != PEEPS_KIND_BROADCAST_TX)
			connect(w, contradicted, edge->src, i);
		connect(w, contradicted, edge->dst, i);
	}
	for (size_t i = 0; i < graph->edge_count; i++) {
		const struct peeps_edge *edge = &graph->edges[i];

		if (edge->kind == PEEPS_EDGE_CHANNEL_LINK &&
		    (contradicted[edge->src] || contradicted[edge->dst]))
			w->link[edge->src] = w->link[edge->dst] = PEEPS_NO_EDGE;
	}
	free(contradicted);
	return 0;
}

/* --- tasks ------------------------------------------------------------------------------------------------------ */

/* The thread that runs an actor, if that is known. */
static uint32_t thread_of(const struct peeps_graph *graph, uint32_t actor)
{
	const struct peeps_node *node = &graph->nodes[actor];

	if (node->kind_number == PEEPS_KIND_THREAD)
		return actor;
	return node->kind_number == PEEPS_KIND_TASK ? peeps_node_attribute(node, "thread_id")
						    : PEEPS_NO_NODE;
}

static struct peeps_inside inside_of(const struct peeps_graph *graph, uint32_t actor)
{
	struct peeps_inside inside = { .task = PEEPS_NO_NODE };
	const uint32_t thread = thread_of(graph, actor);
	uint32_t task;

	if (thread == PEEPS_NO_NODE || graph->nodes[thread].gone)
		return inside;
	task = peeps_node_attribute(&graph->nodes[thread], "current_task_id");
	if (task == PEEPS_NO_NODE || task == actor || graph->nodes[task].gone ||
	    graph->nodes[task].kind_number != PEEPS_KIND_TASK)
		return inside;
	inside.task = task;
	inside.proved = !graph->nodes[actor].uncertain && !graph->nodes[thread].uncertain &&
			!graph->nodes[task].uncertain;
	return inside;
}

/* --- all of them ------------------------------------------------------------------------------------------------ */

int peeps_wakers_init(struct peeps_wakers *wakers, const struct peeps_graph *graph)
{
	const size_t room = graph->node_count + 1;
	int r;

	memset(wakers, 0, sizeof(*wakers));
	wakers->graph = graph;
	wakers->holding = calloc(room, sizeof(wakers->holding[0]));
	wakers->link = calloc(room, sizeof(wakers->link[0]));
	wakers->inside = calloc(room, sizeof(wakers->inside[0]));
	wakers->barred = calloc(room, sizeof(wakers->barred[0]));
	r = wakers->holding && wakers->link && wakers->inside && wakers->barred ? 0 : -ENOMEM;
	if (r == 0)
		r = peeps_edge_index_init(&wakers->holds, graph, PEEPS_END_SRC, is_waker);
	if (r == 0)
		r = peeps_edge_index_init(&wakers->held_by, graph, PEEPS_END_DST, is_waker);
	if (r == 0)
		r = find_links(wakers);
	if (r) {
		peeps_wakers_deinit(wakers);
		return r;
	}
	for (uint32_t node = 0; node < graph->node_count; node++) {
		sum_up(wakers, node);
		wakers->inside[node] = inside_of(graph, node);
	}
	find_barred(wakers);
	return 0;
}

void peeps_wakers_deinit(struct peeps_wakers *wakers)
{
	peeps_edge_index_deinit(&wakers->holds);
	peeps_edge_index_deinit(&wakers->held_by);
	free(wakers->holding);
	free(wakers->link);
	free(wakers->inside);
	free(wakers->barred);
	memset(wakers, 0, sizeof(*wakers));
}

uint32_t peeps_wakers_across(const struct peeps_wakers *wakers, uint32_t resource)
{
	const struct peeps_edge *link;

	if (!peeps_kind_is_channel_end(wakers->graph->nodes[resource].kind_number))
		return resource;
	if (wakers->link[resource] == PEEPS_NO_EDGE)
		return PEEPS_NO_NODE;
	link = &wakers->graph->edges[wakers->link[resource]];
	return link->src == resource ? link->dst : link->src;
}

const uint32_t *peeps_wakers_at(const struct peeps_wakers *wakers, uint32_t resource, size_t *count)
{
	const uint32_t held = peeps_wakers_across(wakers, resource);

	if (held != PEEPS_NO_NODE)
		return peeps_edge_index_at(&wakers->holds, held, count);
	*count = 0;
	return NULL;
}

/* --- the rules -------------------------------------------------------------------------------------------------- */

static bool can_be_locked_again_by_its_holder(const struct peeps_node *mutex)
{
	const struct peeps_value *type =
		typed(peeps_graph_attribute(mutex, "mutex_type"), PEEPS_VALUE_TEXT);

	/* A recursive one gives itself, an errorcheck one an error: such a wait is about to end. */
	return type && strcmp(type->as.text, "normal") != 0;
}

/* Other readers keep nobody from reading, but where writers come first and one waits for them. */
static bool may_read(const struct peeps_wakers *w, uint32_t rwlock, enum peeps_belief belief)
{
	return w->holding[rwlock].read_only &&
	       w->barred[rwlock] < (belief == PEEPS_BELIEVE_PROVED ? PEEPS_BARRED_PROVED
								   : PEEPS_BARRED_PERHAPS);
}

/* Somebody unlocked what he was not seen to hold: it may have been what another is still shown to hold. */
static bool is_unlocked_by_others(const struct peeps_node *resource)
{
	uint64_t number;

	return peeps_number_attribute(resource, "anonymous_unlocks", &number) && number > 0;
}

/* Every holder has to let go. */
static uint64_t lock_needs(const struct peeps_wakers *w, const struct peeps_edge *wait,
			   uint64_t own, enum peeps_belief belief)
{
	const struct peeps_node *resource = &w->graph->nodes[wait->dst];
	const struct peeps_holding *holding = &w->holding[wait->dst];

	if (resource->role != PEEPS_ROLE_RESOURCE ||
	    resource->kind_number == PEEPS_KIND_SEMAPHORE ||
	    peeps_kind_is_channel_end(resource->kind_number))
		return 0;
	if (holding->passes_on || (own && can_be_locked_again_by_its_holder(resource)) ||
	    (peeps_asks_to_read(wait) && may_read(w, wait->dst, belief)))
		return 0;
	return belief == PEEPS_BELIEVE_ALL || (holding->proved && !is_unlocked_by_others(resource))
		       ? holding->weight
		       : 0;
}

/*
 * Any holders of enough permits. Permits may be given back by somebody who holds none: once that was seen nothing is
 * proved any more, and neither is it by who never gave any back himself, or waits for permits of his own. So semaphores
 * signal, and so permits travel with the work that they are for.
 */
static uint64_t acquire_needs(const struct peeps_wakers *w, const struct peeps_edge *wait,
			      uint64_t own, enum peeps_belief belief)
{
	const struct peeps_node *semaphore = &w->graph->nodes[wait->dst];
	const struct peeps_holding *holding = &w->holding[wait->dst];
	const uint64_t asked = peeps_permits_asked(wait);
	uint64_t available, need;

	if (semaphore->kind_number != PEEPS_KIND_SEMAPHORE ||
	    !peeps_number_attribute(semaphore, "available", &available) || available >= asked)
		return 0;
	need = asked - available;
	/* Somebody has permits whom nobody knows. */
	if (holding->weight < need || !is_known_to_be_zero(semaphore, "unattributed_out"))
		return 0;
	if (belief == PEEPS_BELIEVE_ALL)
		return need;
	return holding->proved && holding->owned && holding->weight - own >= need &&
			       is_known_to_be_zero(semaphore, "unattributed_back") &&
			       is_known_to_be_zero(semaphore, "anonymous_releases")
		       ? need
		       : 0;
}

/* Whoever has one of the handles of a channel's other end. */
static uint64_t other_end_needs(const struct peeps_wakers *w, const struct peeps_edge *wait,
				uint64_t handles, enum peeps_belief belief)
{
	const uint32_t other = peeps_wakers_across(w, wait->dst);
	const struct peeps_holding *holding;

	if (other == PEEPS_NO_NODE)
		return 0;
	holding = &w->holding[other];
	if (holding->weight == 0 || holding->weight < handles) /* somebody unknown has one */
		return 0;
	return belief == PEEPS_BELIEVE_ALL ||
			       (holding->proved && holding->owned &&
				is_proved(w->graph, &w->graph->edges[w->link[wait->dst]]))
		       ? 1
		       : 0;
}

/*
 * A sender may also close the channel, which ends the waits of all senders. Nothing is proved unless it is known who has
 * a sender: those that can progress count as wakers then (peeps_wakers_may_close()).
 */
static bool senders_are_known(const struct peeps_wakers *w, uint32_t tx)
{
	const struct peeps_holding *senders = &w->holding[tx];
	uint64_t handles = 0;

	(void)peeps_number_attribute(&w->graph->nodes[tx], "sender_count", &handles);
	return senders->proved && senders->owned && senders->weight >= handles;
}

bool peeps_wakers_may_close(const struct peeps_wakers *wakers, const struct peeps_edge *hold)
{
	return wakers->graph->nodes[hold->src].kind_number == PEEPS_KIND_MPSC_TX;
}

static uint64_t send_needs(const struct peeps_wakers *w, const struct peeps_edge *wait,
			   uint64_t own, enum peeps_belief belief)
{
	const struct peeps_node *tx = &w->graph->nodes[wait->dst];
	uint64_t length, capacity;

	(void)own;
	if (tx->kind_number != PEEPS_KIND_MPSC_TX || peeps_channel_is_closed(tx) ||
	    !peeps_number_attribute(tx, "queue_len", &length) ||
	    !peeps_number_attribute(tx, "capacity", &capacity) || capacity == 0 ||
	    length < capacity)
		return 0;
	if (belief == PEEPS_BELIEVE_PROVED && !senders_are_known(w, wait->dst))
		return 0;
	return other_end_needs(w, wait, 1, belief);
}

/* Nothing is there for the receiver, which waits: what it waits for has not come since. */
static bool is_nothing_there(const struct peeps_node *rx, const struct peeps_edge *wait)
{
	uint64_t number;

	switch (rx->kind_number) {
	case PEEPS_KIND_MPSC_RX:
		return is_known_to_be_zero(rx, "queue_len");
	case PEEPS_KIND_WATCH_RX:
		/* Whoever changes the value while somebody waits says when. */
		return wait->pending_since_ns != PEEPS_NO_TIME &&
		       (!peeps_number_attribute(rx, "woken_at_ns", &number) ||
			number < wait->pending_since_ns);
	default:
		return rx->kind_number == PEEPS_KIND_ONESHOT_RX; /* what is sent closes it */
	}
}

/* How many handles of the sending end there are; false if that is not known. */
static bool count_senders(const struct peeps_node *rx, uint64_t *senders)
{
	if (rx->kind_number != PEEPS_KIND_ONESHOT_RX && rx->kind_number != PEEPS_KIND_WATCH_RX)
		return peeps_number_attribute(rx, "sender_count", senders);
	*senders = 1;
	return true;
}

/* Who makes a oneshot and waits for the item has given the sender away: to whom, nobody has said yet. */
static bool is_given_away(const struct peeps_wakers *w, const struct peeps_edge *wait)
{
	size_t count;
	const uint32_t *senders = peeps_wakers_at(w, wait->dst, &count);

	return count == 1 && w->graph->edges[senders[0]].dst == wait->src &&
	       w->graph->edges[senders[0]].mode_number != PEEPS_HOLD_MODE_OWNER;
}

static uint64_t recv_needs(const struct peeps_wakers *w, const struct peeps_edge *wait,
			   uint64_t own, enum peeps_belief belief)
{
	const struct peeps_node *rx = &w->graph->nodes[wait->dst];
	uint64_t senders;

	(void)own;
	if (peeps_channel_is_closed(rx) || !is_nothing_there(rx, wait) ||
	    !count_senders(rx, &senders))
		return 0;
	if (rx->kind_number == PEEPS_KIND_ONESHOT_RX && is_given_away(w, wait))
		return 0;
	return other_end_needs(w, wait, senders, belief);
}

/* The actor's end: nobody else can bring it about, and it takes no more than that he goes on. */
static uint64_t join_needs(const struct peeps_wakers *w, const struct peeps_edge *wait,
			   uint64_t own, enum peeps_belief belief)
{
	const struct peeps_node *actor = &w->graph->nodes[wait->dst];

	(void)own;
	if (actor->role != PEEPS_ROLE_ACTOR || actor->gone)
		return 0;
	return belief == PEEPS_BELIEVE_ALL || !actor->uncertain ? 1 : 0;
}

bool peeps_wakers_blind(const struct peeps_wakers *wakers, const struct peeps_edge *wait)
{
	const struct peeps_graph *graph = wakers->graph;
	const struct peeps_node *resource = &graph->nodes[wait->dst];
	const struct peeps_process *here = &graph->processes[peeps_edge_process(graph, wait)];
	const struct peeps_process *there = &graph->processes[resource->process];

	return (!wait->blocks || peeps_kind_is_channel_end(resource->kind_number)) &&
	       (peeps_process_lost(here, "dropped_threads") > 0 ||
		peeps_process_lost(there, "dropped_threads") > 0);
}

typedef uint64_t rule(const struct peeps_wakers *w, const struct peeps_edge *wait, uint64_t own,
		      enum peeps_belief belief);

/* An operation without a rule depends on something outside. */
static rule *const rules[] = {
	[PEEPS_OP_LOCK] = lock_needs, [PEEPS_OP_ACQUIRE] = acquire_needs,
	[PEEPS_OP_SEND] = send_needs, [PEEPS_OP_RECV] = recv_needs,
	[PEEPS_OP_ONCECELL_WAIT] = lock_needs,
	[PEEPS_OP_JOIN] = join_needs,
};

uint64_t peeps_wakers_need(const struct peeps_wakers *wakers, const struct peeps_edge *wait,
			   uint64_t own, enum peeps_belief belief)
{
	const size_t rule_count = sizeof(rules) / sizeof(rules[0]);
	uint64_t until_ms;

	if (wait->op >= rule_count || !rules[wait->op] || peeps_times_out(wait, &until_ms) ||
	    (belief == PEEPS_BELIEVE_PROVED &&
	     (!is_proved(wakers->graph, wait) || peeps_wakers_blind(wakers, wait))))
		return 0;
	return rules[wait->op](wakers, wait, own, belief);
}
