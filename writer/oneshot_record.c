/* SPDX-License-Identifier: MIT */
#include "writer/oneshot_channel.h"

#include "writer/hook.h"
#include "writer/segment.h"

static const struct ends_kind kind = { .tx = PEEPS_KIND_ONESHOT_TX,
				       .rx = PEEPS_KIND_ONESHOT_RX,
				       .peer_word = PEEPS_ONESHOT_TX_PEER_WORD };

struct body {
	uint64_t words[PEEPS_BODY_WORDS];
};

static struct body body_of(struct oneshot *c)
{
	struct body body = { 0 };

	/* A forked child's segment has a time of its own. */
	if (!hook_is_tied(&c->ends.hook))
		c->ended_ns = 0;
	if (oneshot_is_over(c) && c->ended_ns == 0)
		c->ended_ns = segment_ptime_ns();
	body.words[PEEPS_ONESHOT_TX_STATE_WORD] =
		c->state | (uint64_t)c->close_cause << PEEPS_ONESHOT_TX_CLOSE_CAUSE_SHIFT |
		(uint64_t)c->sender_spent << PEEPS_ONESHOT_TX_SENDER_CLOSED_SHIFT |
		(uint64_t)c->receiver_closed << PEEPS_ONESHOT_TX_RECEIVER_CLOSED_SHIFT;
	body.words[PEEPS_ONESHOT_TX_ENDED_WORD] = c->ended_ns;
	return body;
}

static struct ends_handle sender_of(struct oneshot *c)
{
	return (struct ends_handle){ &c->tx.owner, PEEPS_HOLD_ROLE_SENDER };
}

static struct ends_handle receiver_of(struct oneshot *c)
{
	return (struct ends_handle){ &c->rx.owner, PEEPS_HOLD_ROLE_RECEIVER };
}

void oneshot_record_new(struct oneshot *c, const char *name, const struct endpoint_call *call)
{
	const struct body body = body_of(c);

	ends_new(&c->ends, &kind, name, body.words, &c->tx.owner, &c->rx.owner, call);
}

void oneshot_record_tx_spent(struct oneshot *c, const struct endpoint_call *call)
{
	const struct body body = body_of(c);

	ends_changed(&c->ends,
		     &(const struct ends_news){
			     .body = body.words, .handle = sender_of(c), .leaves = true },
		     call);
}

void oneshot_record_rx(struct oneshot *c, bool freed, struct endpoint_wait *wait,
		       const struct endpoint_call *call)
{
	const struct body body = body_of(c);

	ends_changed(&c->ends,
		     &(const struct ends_news){ .body = body.words,
						.handle = receiver_of(c),
						.leaves = freed,
						.wait = wait },
		     call);
}

void oneshot_record_blocked(struct oneshot *c, struct endpoint_wait *wait, uint64_t deadline_ns,
			    const struct endpoint_call *call)
{
	const struct body body = body_of(c);

	/* Room for one item, and it is not there: as details of recv say it, number + 1. */
	ends_pend(&c->ends, body.words, receiver_of(c), wait, 0 + 1, 1 + 1, deadline_ns, call);
}

void oneshot_record_tx_moved(struct oneshot *c, const struct endpoint_call *call)
{
	const struct body body = body_of(c);

	ends_moved(&c->ends, body.words, sender_of(c), call);
}

void oneshot_record_rx_moved(struct oneshot *c, const struct endpoint_call *call)
{
	const struct body body = body_of(c);

	ends_moved(&c->ends, body.words, receiver_of(c), call);
}

void oneshot_record_freed(struct oneshot *c, const struct endpoint_call *call)
{
	struct endpoint_owner *const owners[2] = { &c->tx.owner, &c->rx.owner };

	ends_freed(&c->ends, owners, 2, call);
}
