/* SPDX-License-Identifier: MIT */
#include "reader/words/way_out.h"

#include <inttypes.h>

/* What the waiting actor holds itself of what it waits for. */
static uint64_t own_weight(const struct peeps_telling *t, const struct peeps_edge *wait)
{
	const struct peeps_wakers *wakers = &t->waits.wakers;
	uint64_t own = 0;
	size_t count;
	const uint32_t *holds = peeps_edge_index_at(&wakers->held_by, wait->src, &count);

	for (size_t i = 0; i < count; i++) {
		const struct peeps_edge *hold = &t->graph->edges[holds[i]];

		if (hold->src == peeps_wakers_across(wakers, wait->dst))
			own += peeps_wakers_weight(wakers, hold);
	}
	return own;
}

/* Those who could end it. */
struct enders {
	const uint32_t *holds;
	size_t count;
	uint64_t need; /* peeps_wakers_need(): 0 = it can end without them */
};

static const char *only_name(const struct peeps_telling *t, const struct enders *enders)
{
	return peeps_label_actor(&t->labels, t->graph, t->graph->edges[enders->holds[0]].dst);
}

static const char *end_of_lock(const struct peeps_telling *t, const struct peeps_edge *wait,
			       const struct enders *enders)
{
	if (enders->count == 0)
		return "any moment: nobody is seen to hold it (or it was taken where peeps does not look)";
	if (t->waits.wakers.holding[wait->dst].passes_on)
		return "any moment: its holder has exited, and it is robust";
	if (enders->need == 0)
		return "by itself: who waits holds it already";
	if (enders->count > 1)
		return peeps_arena_format(t->arena, "when all %zu who hold it have unlocked it",
					  enders->count);
	return peeps_arena_format(t->arena, "when %s unlocks it", only_name(t, enders));
}

static const char *end_of_acquire(const struct peeps_telling *t, const struct peeps_edge *wait,
				  const struct enders *enders)
{
	const struct peeps_node *semaphore = &t->graph->nodes[wait->dst];
	const uint64_t asked = peeps_permits_asked(wait);
	uint64_t available = 0, missing;

	if (semaphore->kind_number != PEEPS_KIND_SEMAPHORE ||
	    !peeps_number_attribute(semaphore, "available", &available))
		return "when enough permits are given back";
	if (available >= asked)
		return "any moment: enough permits are there";
	missing = asked - available;
	return peeps_arena_format(t->arena, "when %" PRIu64 " permit%s %s given back%s", missing,
				  missing == 1 ? "" : "s", missing == 1 ? "is" : "are",
				  enders->need ? "" : ", by whom is not known");
}

static const char *end_of_send(const struct peeps_telling *t, const struct peeps_edge *wait,
			       const struct enders *enders)
{
	const struct peeps_node *tx = &t->graph->nodes[wait->dst];
	uint64_t length = 0, capacity = 0;

	if (peeps_channel_is_closed(tx))
		return "any moment: the channel is closed";
	if (tx->kind_number == PEEPS_KIND_BROADCAST_TX)
		return "when every receiver that is behind has taken an item, or is gone";
	(void)peeps_number_attribute(tx, "queue_len", &length);
	(void)peeps_number_attribute(tx, "capacity", &capacity);
	if (capacity == 0 || length < capacity)
		return "any moment: there is room";
	if (enders->count == 0)
		return "when the receiver takes a message: whose it is is not known";
	return "when the receiver takes a message, or somebody closes the channel";
}

static const char *end_of_oneshot(const struct peeps_node *rx, const struct enders *enders)
{
	if (peeps_channel_is_closed(rx))
		return "any moment: it was sent, or will never be";
	if (enders->count == 0)
		return "when the sender sends, or is freed: whose it is is not known";
	return "when the sender sends, or is freed";
}

static const char *end_of_changed(const struct peeps_node *rx, const struct enders *enders)
{
	if (peeps_channel_is_closed(rx))
		return "any moment: the sender is gone";
	if (enders->count == 0)
		return "when the value changes, or the sender is gone: whose it is is not known";
	if (enders->need == 0)
		return "any moment: the value has changed";
	return "when the value changes, or the sender is gone";
}

static const char *end_of_recv(const struct peeps_telling *t, const struct peeps_edge *wait,
			       const struct enders *enders)
{
	const struct peeps_node *rx = &t->graph->nodes[wait->dst];
	uint64_t length = 0;

	if (rx->kind_number == PEEPS_KIND_ONESHOT_RX)
		return end_of_oneshot(rx, enders);
	if (rx->kind_number == PEEPS_KIND_WATCH_RX)
		return end_of_changed(rx, enders);
	if (peeps_channel_is_closed(rx))
		return "any moment: the channel is closed";
	(void)peeps_number_attribute(
		rx, rx->kind_number == PEEPS_KIND_BROADCAST_RX ? "lag" : "queue_len", &length);
	if (length > 0)
		return "any moment: there is a message";
	if (enders->count == 0)
		return "when somebody sends, or the last sender is gone: who has one is not known";
	return "when somebody sends, or the last sender is gone";
}

/* Who waits takes what is stored: that wait has only just begun. */
static const char *end_of_notify_wait(const struct peeps_telling *t, const struct peeps_edge *wait)
{
	uint64_t permits = 0;

	(void)peeps_number_attribute(&t->graph->nodes[wait->dst], "permits_stored", &permits);
	return permits ? "any moment: a notification is stored" : "when anybody notifies it";
}

static const char *end_of(const struct peeps_telling *t, const struct peeps_edge *wait,
			  const struct enders *enders)
{
	if (t->graph->nodes[wait->dst].kind_number == PEEPS_KIND_FOREIGN)
		return "in another process, which was not looked at";
	switch (wait->op) {
	case PEEPS_OP_LOCK:
		return end_of_lock(t, wait, enders);
	case PEEPS_OP_ACQUIRE:
		return end_of_acquire(t, wait, enders);
	case PEEPS_OP_SEND:
		return end_of_send(t, wait, enders);
	case PEEPS_OP_RECV:
		return end_of_recv(t, wait, enders);
	case PEEPS_OP_NOTIFY_WAIT:
		return end_of_notify_wait(t, wait);
	case PEEPS_OP_ONCECELL_WAIT:
		return enders->count ? "when it is initialized, or that fails"
				     : "any moment: nobody is at it";
	case PEEPS_OP_JOIN:
		return peeps_arena_format(t->arena, "when %s ends",
					  peeps_label_actor(&t->labels, t->graph, wait->dst));
	default:
		return enders->count ? "when it is let go"
				     : "by something that is not recorded here";
	}
}

const char *peeps_way_out(const struct peeps_telling *telling, const struct peeps_edge *wait)
{
	const char *timeout =
		peeps_label_timeout(telling->arena, telling->graph, wait, PEEPS_LABEL_SHORT);
	struct enders enders;
	const char *end;

	enders.holds = peeps_wakers_at(&telling->waits.wakers, wait->dst, &enders.count);
	/* A time limit is told beside it, so it does not count here. */
	enders.need = timeout ? enders.count
			      : peeps_wakers_need(&telling->waits.wakers, wait,
						  own_weight(telling, wait), PEEPS_BELIEVE_ALL);
	end = end_of(telling, wait, &enders);
	return timeout && end ? peeps_arena_format(telling->arena, "%s; else it %s", end, timeout)
			      : end;
}

/* The wait of an actor that keeps it longest; any one will do. */
static const struct peeps_edge *wait_of(const struct peeps_telling *t, uint32_t actor)
{
	size_t count;
	const uint32_t *waits = peeps_wait_index_at(&t->by_actor, actor, &count);

	return count ? peeps_telling_edge(t, &t->waits.waits[waits[0]]) : NULL;
}

const char *peeps_way_out_doing(const struct peeps_telling *telling, uint32_t actor)
{
	const uint32_t task = telling->waits.wakers.inside[actor].task;
	const struct peeps_edge *wait = wait_of(telling, actor);
	const char *activity;

	if (wait)
		return peeps_label_brief_wait(telling->arena, &telling->labels, telling->graph,
					      wait);
	if (task != PEEPS_NO_NODE)
		return peeps_label_brief_inside(telling->arena, &telling->labels, telling->graph,
						actor, task);
	if (telling->graph->nodes[actor].gone)
		return "which has exited";
	if (!peeps_label_idleness(telling->graph, actor))
		return NULL;
	activity = peeps_label_activity(telling->arena, telling->graph, actor);
	return activity ? peeps_arena_format(telling->arena, "which is %s", activity) : NULL;
}
