/* SPDX-License-Identifier: MIT */
#include "writer/endpoint.h"

#include <errno.h>

#include "writer/entity.h"
#include "writer/process.h"
#include "writer/segment.h"
#include "writer/site.h"

struct peeps_site *endpoint_site(const struct endpoint_call *call)
{
	return site_is_like_us(call->site) ? call->site : &peeps_site_unknown;
}

bool recording_enter(struct recording *recording, const struct endpoint_call *call)
{
	recording->saved_errno = errno;
	recording->call = call;
	recording->self = self_enter_or_nobody(&recording->nobody, call->stack);
	return recording->self != NULL;
}

void recording_leave(const struct recording *recording)
{
	if (recording->self)
		self_leave(recording->self);
	errno = recording->saved_errno;
}

void endpoint_prepare_slow(const struct endpoint_call *call)
{
	struct recording recording;

	if (recording_enter(&recording, call))
		(void)site_id(endpoint_site(call));
	recording_leave(&recording);
}

/* --- whose a handle is ------------------------------------------------------------------------ */

static struct hold_new hold_of(struct endpoint end, uint64_t mode,
			       const struct recording *recording)
{
	return (struct hold_new){
		.resource = entity_ref(end.slot),
		.actor = self_actor(recording->self),
		.role = end.role,
		.mode = mode,
		.count = 1,
		.site = site_id(endpoint_site(recording->call)),
	};
}

/* @slot: for its hold; NULL = there is no room, which is counted once, and not tried again */
static void show_owner_in(struct endpoint_owner *owner, uint64_t mode, struct endpoint end,
			  struct peeps_edge_slot *slot, const struct recording *recording)
{
	const struct hold_new new = hold_of(end, mode, recording);

	(void)hold_make_in(&owner->hold, recording->self, &new, slot);
	owner->generation = peeps_process.generation;
	owner->actor = new.actor;
	owner->mode = mode;
}

static void show_owner(struct endpoint_owner *owner, uint64_t mode, struct endpoint end,
		       const struct recording *recording)
{
	if (self_is_somebody(recording->self))
		show_owner_in(owner, mode, end, edge_take(), recording);
}

void endpoint_created_in(struct endpoint_owner *owner, struct endpoint end,
			 struct peeps_edge_slot *slot, const struct recording *recording)
{
	show_owner_in(owner, PEEPS_HOLD_MODE_CREATOR, end, slot, recording);
}

void endpoint_created(struct endpoint_owner *owner, struct endpoint end,
		      const struct recording *recording)
{
	show_owner(owner, PEEPS_HOLD_MODE_CREATOR, end, recording);
}

/* Returns false if this could not be written now. */
static bool write_mode(struct endpoint_owner *owner, uint64_t mode, struct self *self)
{
	const void *const slots[1] = { owner->hold.slot };
	struct update update;

	if (hold_is_made(&owner->hold)) {
		if (!update_begin(&update, self, slots, 1))
			return false;
		peeps_edge_touch(owner->hold.slot, update.epoch, update.record);
		hold_write_mode(&owner->hold, mode);
		update_end(&update);
	}
	owner->mode = mode;
	return true;
}

void endpoint_settle_slow(struct endpoint_owner *owner, struct endpoint end,
			  const struct recording *recording)
{
	const uint64_t actor = self_actor(recording->self);
	bool known = true;

	if (owner->generation != peeps_process.generation && !self_is_somebody(recording->self))
		return;
	if (owner->generation != peeps_process.generation)
		show_owner(owner, PEEPS_HOLD_MODE_CREATOR, end, recording);
	else if (owner->actor != actor && owner->mode != PEEPS_HOLD_MODE_SHARED)
		known = write_mode(owner, PEEPS_HOLD_MODE_SHARED, recording->self);
	if (known)
		owner->settled = owner->mode == PEEPS_HOLD_MODE_SHARED ? ENDPOINT_ANYBODY : actor;
}

void endpoint_moved(struct endpoint_owner *owner, struct endpoint end,
		    const struct recording *recording)
{
	const uint64_t actor = self_actor(recording->self);
	const uint64_t site = site_id(endpoint_site(recording->call));
	const void *const slots[1] = { owner->hold.slot };
	struct update update;
	uint64_t since_ns;
	bool exact;

	if (!self_is_somebody(recording->self)) {
		/* Whose it is now nobody can say; but not his who had it. */
		hold_end(&owner->hold, recording->self);
		owner->actor = 0;
	} else if (!hold_is_made(&owner->hold)) {
		show_owner(owner, PEEPS_HOLD_MODE_OWNER, end, recording);
	} else {
		since_ns = hold_stamp(&exact);
		if (!update_begin(&update, recording->self, slots, 1))
			return;
		peeps_edge_touch(owner->hold.slot, update.epoch, update.record);
		hold_write_owner(&owner->hold, actor, PEEPS_HOLD_MODE_OWNER, since_ns, exact, site);
		update_end(&update);
		owner->actor = actor;
		owner->mode = PEEPS_HOLD_MODE_OWNER;
	}
	owner->settled = actor;
}

void endpoint_left(struct endpoint_owner *owner, const struct endpoint_call *call)
{
	struct recording recording;

	if (recording_enter(&recording, call))
		hold_end(&owner->hold, recording.self);
	recording_leave(&recording);
}

/* --- waits at an end -------------------------------------------------------------------------- */

/* send and recv have the same details, in the same places. */
_Static_assert((int)PEEPS_DETAIL_SEND_OCCUPANCY == (int)PEEPS_DETAIL_RECV_OCCUPANCY &&
		       (int)PEEPS_DETAIL_SEND_CAPACITY == (int)PEEPS_DETAIL_RECV_CAPACITY &&
		       (int)PEEPS_DETAIL_SEND_UNTIL == (int)PEEPS_DETAIL_RECV_UNTIL,
	       "details of send and recv");

void endpoint_pend(struct endpoint_wait *wait, enum peeps_op op,
		   const struct peeps_entity_slot *end, uint64_t occupancy, uint64_t capacity,
		   uint64_t deadline_ns, const struct recording *recording)
{
	struct operation_new new = {
		.op = op,
		.target = entity_ref(end),
		.site = site_id(endpoint_site(recording->call)),
	};

	new.details[PEEPS_DETAIL_SEND_OCCUPANCY] = occupancy;
	new.details[PEEPS_DETAIL_SEND_CAPACITY] = capacity;
	if (deadline_ns != UINT64_MAX)
		new.details[PEEPS_DETAIL_SEND_UNTIL] =
			deadline_ns - peeps_segment.start_monotonic_ns;
	operation_pend(&wait->operation, recording->self, &new);
}

static void end_wait(struct endpoint_wait *wait, enum peeps_state state, int error,
		     const struct endpoint_call *call)
{
	struct recording recording;

	if (!wait->operation.slot)
		return;
	if (recording_enter(&recording, call) && self_is_somebody(recording.self))
		operation_end(&wait->operation, recording.self, state, segment_ptime_ns(),
			      (uint64_t)error);
	recording_leave(&recording);
}

void endpoint_failed(struct endpoint_wait *wait, int error, const struct endpoint_call *call)
{
	end_wait(wait, PEEPS_STATE_FAILED, error, call);
}

void endpoint_cancelled(struct endpoint_wait *wait, const struct endpoint_call *call)
{
	end_wait(wait, PEEPS_STATE_CANCELLED, 0, call);
}

bool endpoint_update_begin(struct endpoint_update *item, const void **slots, unsigned int count,
			   struct endpoint_wait *wait, struct self *self)
{
	const bool waited = wait && wait->operation.slot && self_is_somebody(self);
	const uint64_t now_ns = waited ? segment_ptime_ns() : 0;

	item->operation = waited ? &wait->operation : NULL;
	if (waited)
		slots[count++] = wait->operation.slot;
	if (!update_begin(&item->update, self, slots, count)) {
		if (waited)
			operation_end(&wait->operation, self, PEEPS_STATE_DONE, now_ns, 0);
		return false;
	}
	if (waited) {
		item->rest = rest_begin(item->update.epoch);
		peeps_edge_touch(wait->operation.slot, item->update.epoch, item->update.record);
		operation_write_end(&wait->operation, PEEPS_STATE_DONE, now_ns, 0);
	}
	return true;
}

void endpoint_update_end(struct endpoint_update *item, struct self *self)
{
	update_end(&item->update);
	if (item->operation)
		operation_release(item->operation, self, item->rest);
}

void endpoint_end_wait_alone(struct endpoint_wait *wait, struct self *self)
{
	if (wait && self_is_somebody(self))
		operation_end(&wait->operation, self, PEEPS_STATE_DONE, segment_ptime_ns(), 0);
}

void endpoint_misused(void)
{
	if (process_is_on())
		segment_count(PEEPS_COUNTER_MISUSED_CHANNELS);
}
