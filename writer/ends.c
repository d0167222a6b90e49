/* SPDX-License-Identifier: MIT */
#include "writer/ends.h"

#include <string.h>

#include "writer/entity.h"
#include "writer/hook.h"

static bool tie(struct ends *ends, const uint64_t *body, const struct recording *recording)
{
	struct entity_new both[2] = { { .kind = ends->kind->rx }, { .kind = ends->kind->tx } };

	if (hook_is_tied(&ends->hook))
		return true;
	memcpy(both[1].body, body, sizeof(both[1].body));
	return hook_tie_ends(&ends->hook, &ends->rx, both, ends->kind->peer_word,
			     endpoint_site(recording->call), recording->self);
}

static struct endpoint end_of(const struct ends *ends, struct ends_handle handle)
{
	return (struct endpoint){ handle.role == PEEPS_HOLD_ROLE_SENDER ? ends->hook.slot
									: ends->rx,
				  handle.role };
}

static void write_body(const struct ends *ends, const uint64_t *body)
{
	struct peeps_entity_slot *const tx = ends->hook.slot;

	for (int i = 0; i < PEEPS_BODY_WORDS; i++) {
		if (i != ends->kind->peer_word)
			peeps_store_relaxed(&tx->body[i], body[i]);
	}
}

static void write_news(struct ends *ends, const struct ends_news *news, struct self *self)
{
	struct peeps_entity_slot *const tx = ends->hook.slot;
	struct hold *const hold = &news->handle.owner->hold;
	const bool ends_hold = news->leaves && hold_is_made(hold) && hold_count(hold) > 0;
	const void *slots[3] = { tx, hold->slot };
	struct endpoint_update update;

	if (!endpoint_update_begin(&update, slots, ends_hold ? 2 : 1, news->wait, self))
		return;
	peeps_entity_touch(tx, update.update.epoch, update.update.record);
	write_body(ends, news->body);
	PEEPS_STEP(PEEPS_STEP_SECTION_HALF);
	if (ends_hold) {
		peeps_edge_touch(hold->slot, update.update.epoch, update.update.record);
		hold_write_less(hold, 1);
	}
	endpoint_update_end(&update, self);
}

/* What is recorded of it can be, by somebody. */
static void make_ends(struct ends *ends, const char *name, const uint64_t *body,
		      struct endpoint_owner *tx, struct endpoint_owner *rx,
		      const struct recording *recording)
{
	struct entity_new both[2] = { { .kind = ends->kind->rx }, { .kind = ends->kind->tx } };
	struct made_ends made;

	memcpy(both[1].body, body, sizeof(both[1].body));
	if (!hook_make_ends(&ends->hook, name, endpoint_site(recording->call), both,
			    ends->kind->peer_word, &made, recording->self))
		return;
	ends->rx = made.other;
	endpoint_created_in(tx, (struct endpoint){ ends->hook.slot, PEEPS_HOLD_ROLE_SENDER },
			    made.edges[0], recording);
	endpoint_created_in(rx, (struct endpoint){ ends->rx, PEEPS_HOLD_ROLE_RECEIVER },
			    made.edges[1], recording);
}

void ends_new(struct ends *ends, const struct ends_kind *kind, const char *name,
	      const uint64_t *body, struct endpoint_owner *tx, struct endpoint_owner *rx,
	      const struct endpoint_call *call)
{
	struct recording recording;

	(void)recording_enter(&recording, call);
	ends->kind = kind;
	if (recording.self && self_is_somebody(recording.self)) {
		make_ends(ends, name, body, tx, rx, &recording);
	} else {
		hook_init(&ends->hook, name, endpoint_site(call), 0, recording.self);
		if (recording.self)
			(void)tie(ends, body, &recording);
	}
	recording_leave(&recording);
}

void ends_joined(struct ends *ends, const uint64_t *body, struct ends_handle handle,
		 const struct endpoint_call *call)
{
	const struct ends_news news = { .body = body, .handle = handle };
	struct recording recording;

	if (recording_enter(&recording, call) && tie(ends, body, &recording)) {
		write_news(ends, &news, recording.self);
		endpoint_created(handle.owner, end_of(ends, handle), &recording);
	}
	recording_leave(&recording);
}

void ends_changed(struct ends *ends, const struct ends_news *news, const struct endpoint_call *call)
{
	struct recording recording;

	if (!recording_enter(&recording, call))
		goto out;
	if (!tie(ends, news->body, &recording)) {
		endpoint_end_wait_alone(news->wait, recording.self);
		goto out;
	}
	if (!news->leaves)
		endpoint_settle(news->handle.owner, end_of(ends, news->handle), &recording);
	write_news(ends, news, recording.self);
out:
	recording_leave(&recording);
}

void ends_used_slow(struct ends *ends, const uint64_t *body, struct ends_handle handle,
		    struct endpoint_wait *wait, const struct endpoint_call *call)
{
	struct recording recording;

	if (!recording_enter(&recording, call))
		goto out;
	if (tie(ends, body, &recording))
		endpoint_settle(handle.owner, end_of(ends, handle), &recording);
	endpoint_end_wait_alone(wait, recording.self);
out:
	recording_leave(&recording);
}

void ends_moved(struct ends *ends, const uint64_t *body, struct ends_handle handle,
		const struct endpoint_call *call)
{
	struct recording recording;

	if (recording_enter(&recording, call) && tie(ends, body, &recording))
		endpoint_moved(handle.owner, end_of(ends, handle), &recording);
	recording_leave(&recording);
}

void ends_pend(struct ends *ends, const uint64_t *body, struct ends_handle handle,
	       struct endpoint_wait *wait, uint64_t occupancy, uint64_t capacity,
	       uint64_t deadline_ns, const struct endpoint_call *call)
{
	struct recording recording;

	wait->operation.slot = NULL;
	if (recording_enter(&recording, call) && tie(ends, body, &recording)) {
		endpoint_settle(handle.owner, end_of(ends, handle), &recording);
		if (self_is_somebody(recording.self))
			endpoint_pend(wait, PEEPS_OP_RECV, ends->rx, occupancy, capacity,
				      deadline_ns, &recording);
	}
	recording_leave(&recording);
}

void ends_freed(struct ends *ends, struct endpoint_owner *const *owners, int owner_count,
		const struct endpoint_call *call)
{
	struct recording recording;
	struct hold *holds[2];

	for (int i = 0; i < owner_count; i++)
		holds[i] = &owners[i]->hold;
	(void)recording_enter(&recording, call);
	hook_deinit_ends(&ends->hook, ends->rx, holds, owner_count, recording.self);
	recording_leave(&recording);
}
