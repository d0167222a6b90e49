/* SPDX-License-Identifier: MIT */
#include "writer/once_record.h"

#include <errno.h>

#include "writer/entity.h"
#include "writer/hook.h"
#include "writer/segment.h"
#include "writer/site.h"
#include "writer/update.h"

#define SINCE_EXACT  (UINT64_C(1) << PEEPS_ONCE_CELL_HELD_SINCE_EXACT_SHIFT)
#define FAILURES_ONE (UINT64_C(1) << PEEPS_ONCE_CELL_FAILURES_SHIFT)
#define STATE_MASK   ((UINT64_C(1) << PEEPS_ONCE_CELL_STATE_BITS) - 1)

static struct self *enter(const struct once_call *call)
{
	struct self *const self = self_enter(call->stack);

	if (self && !site_is_like_us(call->site)) {
		self_leave(self);
		return NULL;
	}
	return self;
}

void once_record_prepare(struct peeps_once_cell *cell, struct once_call *call)
{
	const int saved_errno = errno;
	struct self *const self = enter(call);

	if (self) {
		if (hook_tie(&cell->hook, PEEPS_KIND_ONCE_CELL, call->site, self))
			(void)site_id(call->site);
		self_leave(self);
	}
	errno = saved_errno;
}

static void write_state(struct peeps_entity_slot *slot, uint64_t state, uint64_t failures)
{
	uint64_t *const word = &slot->body[PEEPS_ONCE_CELL_STATE_WORD];

	peeps_store_relaxed(word, ((peeps_load_relaxed(word) & ~STATE_MASK) | state) +
					  failures * FAILURES_ONE);
}

void once_record_begin(struct peeps_once_cell *cell, struct once_call *call)
{
	const int saved_errno = errno;
	struct self *const self = enter(call);
	struct peeps_entity_slot *const slot = cell->hook.slot;
	const void *const slots[1] = { slot };
	const uint64_t now_ns = self ? segment_ptime_ns() : 0;
	const uint64_t site = self ? site_id(call->site) : 0;
	struct update update;

	if (self && hook_is_tied(&cell->hook) && update_begin(&update, self, slots, 1)) {
		peeps_entity_touch(slot, update.epoch, update.record);
		peeps_store_relaxed(&slot->body[PEEPS_ONCE_CELL_HOLDER_WORD], self_actor(self));
		peeps_store_relaxed(&slot->body[PEEPS_ONCE_CELL_HELD_SINCE_WORD], now_ns);
		peeps_store_relaxed(&slot->body[PEEPS_ONCE_CELL_HELD_SITE_WORD],
				    (site & PEEPS_EDGE_SITE_MASK) | SINCE_EXACT);
		peeps_store_relaxed(&slot->body[PEEPS_ONCE_CELL_ATTEMPTS_WORD],
				    peeps_load_relaxed(&slot->body[PEEPS_ONCE_CELL_ATTEMPTS_WORD]) +
					    1);
		write_state(slot, PEEPS_ONCE_CELL_STATE_INITIALIZING, 0);
		update_end(&update);
	}
	if (self)
		self_leave(self);
	errno = saved_errno;
}

void once_record_end(struct peeps_once_cell *cell, struct once_call *call, bool is_filled)
{
	const int saved_errno = errno;
	struct self *const self = enter(call);
	struct peeps_entity_slot *const slot = cell->hook.slot;
	const void *const slots[1] = { slot };
	struct update update;

	if (self && hook_is_tied(&cell->hook) && update_begin(&update, self, slots, 1)) {
		peeps_entity_touch(slot, update.epoch, update.record);
		peeps_store_relaxed(&slot->body[PEEPS_ONCE_CELL_HOLDER_WORD], 0);
		write_state(slot,
			    is_filled ? PEEPS_ONCE_CELL_STATE_INITIALIZED
				      : PEEPS_ONCE_CELL_STATE_EMPTY,
			    is_filled ? 0 : 1);
		update_end(&update);
	}
	if (self)
		self_leave(self);
	errno = saved_errno;
}

void once_record_wait(struct peeps_once_cell *cell, struct once_call *call,
		      const uint64_t *timeout_ns)
{
	const int saved_errno = errno;
	struct operation_new wait = { .op = PEEPS_OP_ONCECELL_WAIT };
	struct self *const self = enter(call);

	call->wait.slot = NULL;
	if (self) {
		if (hook_is_tied(&cell->hook)) {
			wait.target = entity_ref(cell->hook.slot);
			wait.site = site_id(call->site);
			if (timeout_ns &&
			    __builtin_add_overflow(segment_ptime_ns(), *timeout_ns,
						   &wait.details[PEEPS_DETAIL_ONCECELL_WAIT_UNTIL]))
				wait.details[PEEPS_DETAIL_ONCECELL_WAIT_UNTIL] = INT64_MAX;
			operation_pend(&call->wait, self, &wait);
		}
		self_leave(self);
	}
	errno = saved_errno;
}

void once_record_waited(struct once_call *call, int result)
{
	const int saved_errno = errno;
	struct self *const self = call->wait.slot ? self_enter_known(call->stack) : NULL;

	if (self) {
		operation_end(&call->wait, self,
			      result == 0 ? PEEPS_STATE_DONE : PEEPS_STATE_FAILED,
			      segment_ptime_ns(), (uint64_t)result);
		self_leave(self);
	}
	errno = saved_errno;
}
