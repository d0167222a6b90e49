/* SPDX-License-Identifier: MIT */
#include "writer/hook.h"
#include "writer/segment.h"
#include "writer/watch_channel.h"

static const struct ends_kind kind = { .tx = PEEPS_KIND_WATCH_TX,
				       .rx = PEEPS_KIND_WATCH_RX,
				       .peer_word = PEEPS_WATCH_TX_PEER_WORD };

struct body {
	uint64_t words[PEEPS_BODY_WORDS];
};

static uint64_t close_cause(const struct watch *c)
{
	if (watch_sender_is_gone(c))
		return PEEPS_CLOSE_CAUSE_SENDERS_GONE;
	return c->receivers == 0 ? PEEPS_CLOSE_CAUSE_RECEIVER_GONE : PEEPS_CLOSE_CAUSE_NONE;
}

static struct body body_of(struct watch *c)
{
	const bool sender_gone = watch_sender_is_gone(c);
	struct body body = { 0 };

	/* A forked child's segment has a time of its own. */
	if (!hook_is_tied(&c->ends.hook))
		c->woken_ns = c->ended_ns = 0;
	if (sender_gone && c->ended_ns == 0)
		c->ended_ns = segment_ptime_ns();
	body.words[PEEPS_WATCH_TX_CHANGES_WORD] = watch_changes(c);
	body.words[PEEPS_WATCH_TX_RECEIVER_COUNT_WORD] =
		c->receivers | close_cause(c) << PEEPS_WATCH_TX_CLOSE_CAUSE_SHIFT |
		(uint64_t)sender_gone << PEEPS_WATCH_TX_SENDER_CLOSED_SHIFT |
		(uint64_t)(c->receivers == 0) << PEEPS_WATCH_TX_RECEIVER_CLOSED_SHIFT;
	body.words[PEEPS_WATCH_TX_ENDED_WORD] = c->ended_ns;
	body.words[PEEPS_WATCH_TX_WOKEN_WORD] = c->woken_ns;
	return body;
}

static struct ends_handle sender_of(struct watch *c)
{
	return (struct ends_handle){ &c->tx.owner, PEEPS_HOLD_ROLE_SENDER };
}

static struct ends_handle receiver(struct peeps_watch_rx *rx)
{
	return (struct ends_handle){ &rx->owner, PEEPS_HOLD_ROLE_RECEIVER };
}

void watch_record_new(struct watch *c, struct peeps_watch_rx *rx, const char *name,
		      const struct endpoint_call *call)
{
	const struct body body = body_of(c);

	ends_new(&c->ends, &kind, name, body.words, &c->tx.owner, &rx->owner, call);
}

void watch_record_joined(struct peeps_watch_rx *rx, const struct endpoint_call *call)
{
	const struct body body = body_of(rx->channel);

	ends_joined(&rx->channel->ends, body.words, receiver(rx), call);
}

void watch_record_changed_slow(struct watch *c, const struct endpoint_call *call)
{
	struct body body;

	/* Who waits began to under this lock: never after this. */
	if (c->sleepers > 0)
		c->woken_ns = segment_ptime_ns();
	body = body_of(c);
	ends_changed(&c->ends,
		     &(const struct ends_news){ .body = body.words, .handle = sender_of(c) }, call);
}

void watch_record_seen_slow(struct peeps_watch_rx *rx, struct endpoint_wait *wait,
			    const struct endpoint_call *call)
{
	const struct body body = body_of(rx->channel);

	ends_used(&rx->channel->ends, body.words, receiver(rx), wait, call);
}

void watch_record_tx_freed(struct watch *c, const struct endpoint_call *call)
{
	const struct body body = body_of(c);

	ends_changed(&c->ends,
		     &(const struct ends_news){
			     .body = body.words, .handle = sender_of(c), .leaves = true },
		     call);
}

void watch_record_rx_freed(struct peeps_watch_rx *rx, const struct endpoint_call *call)
{
	const struct body body = body_of(rx->channel);

	ends_changed(&rx->channel->ends,
		     &(const struct ends_news){
			     .body = body.words, .handle = receiver(rx), .leaves = true },
		     call);
	endpoint_left(&rx->owner, call);
}

void watch_record_blocked(struct peeps_watch_rx *rx, struct endpoint_wait *wait,
			  uint64_t deadline_ns, const struct endpoint_call *call)
{
	const struct body body = body_of(rx->channel);

	/* Nothing is queued here, and there is no room to be full. */
	ends_pend(&rx->channel->ends, body.words, receiver(rx), wait, 0, 0, deadline_ns, call);
}

void watch_record_tx_moved(struct watch *c, const struct endpoint_call *call)
{
	const struct body body = body_of(c);

	ends_moved(&c->ends, body.words, sender_of(c), call);
}

void watch_record_rx_moved(struct peeps_watch_rx *rx, const struct endpoint_call *call)
{
	const struct body body = body_of(rx->channel);

	ends_moved(&rx->channel->ends, body.words, receiver(rx), call);
}

void watch_record_freed(struct watch *c, const struct endpoint_call *call)
{
	struct endpoint_owner *const owners[1] = { &c->tx.owner };

	ends_freed(&c->ends, owners, 1, call);
}
