/* SPDX-License-Identifier: MIT */
#include "writer/notice.h"

#include <errno.h>

#include <peeps/section.h>
#include "writer/entity.h"
#include "writer/hook.h"
#include "writer/process.h"
#include "writer/segment.h"
#include "writer/site.h"
#include "writer/thread.h"
#include "writer/update.h"
#include "writer/waited.h"

#define PERMITS_MASK \
	(((UINT64_C(1) << PEEPS_NOTIFY_PERMITS_BITS) - 1) << PEEPS_NOTIFY_PERMITS_SHIFT)

/* The permit's bits: how many are stored, and one. */
static uint64_t permits(bool is_stored)
{
	return (uint64_t)(is_stored ? 2 : 1) << PEEPS_NOTIFY_PERMITS_SHIFT;
}

static struct peeps_site *place_of(const struct notice_call *call)
{
	return call->site && site_is_like_us(call->site) ? call->site : &peeps_site_unknown;
}

void notice_init(struct notice *notice, const char *name, struct peeps_site *site, uint64_t stack)
{
	const uint64_t traits =
		(uint64_t)PEEPS_NOTIFY_FLAVOR_NOTIFY << PEEPS_NOTIFY_FLAVOR_SHIFT | permits(false);
	const int saved_errno = errno;
	struct self *const self = self_enter(stack);

	hook_init(&notice->hook, name, site_is_like_us(site) ? site : NULL, traits, self);
	if (self) {
		(void)hook_tie(&notice->hook, PEEPS_KIND_NOTIFY, &peeps_site_unknown, self);
		self_leave(self);
	}
	errno = saved_errno;
}

void notice_tie(struct notice *notice, const struct notice_call *call)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(call->stack);

	if (self) {
		(void)hook_tie(&notice->hook, PEEPS_KIND_NOTIFY, place_of(call), self);
		self_leave(self);
	}
	errno = saved_errno;
}

void notice_deinit(struct notice *notice, uint64_t stack)
{
	const int saved_errno = errno;
	struct self nobody;
	struct self *const self = self_enter_or_nobody(&nobody, stack);

	hook_deinit(&notice->hook, self);
	if (self)
		self_leave(self);
	errno = saved_errno;
}

/* --- notifications ------------------------------------------------------------------------------- */

/**
 * struct change - what one section writes
 * @actor:  who notifies
 * @now_ns: when it was notified
 */
struct change {
	bool is_given, to_all, is_stored;
	uint64_t actor, now_ns;
};

static void add_one(uint64_t *word)
{
	peeps_store_relaxed(word, peeps_load_relaxed(word) + 1);
}

static inline void write_change(struct peeps_entity_slot *slot, const struct change *change)
{
	uint64_t *const body = slot->body;

	peeps_store_relaxed(&slot->status, (peeps_load_relaxed(&slot->status) & ~PERMITS_MASK) |
						   permits(change->is_stored));
	if (!change->is_given)
		return;
	PEEPS_STEP(PEEPS_STEP_SECTION_HALF);
	add_one(&body[PEEPS_NOTIFY_NOTIFIES_WORD]);
	if (change->to_all)
		add_one(&body[PEEPS_NOTIFY_BROADCASTS_WORD]);
	peeps_store_relaxed(&body[PEEPS_NOTIFY_LAST_NOTIFIER_WORD], change->actor);
	peeps_store_relaxed(&body[PEEPS_NOTIFY_LAST_NOTIFIED_WORD], change->now_ns);
}

/* For threads without a record of their own, in handlers that broke into a section, and in fence mode. */
static __attribute__((noinline)) void record_slow(struct notice *notice, uint64_t stack,
						  struct change *change)
{
	const int saved_errno = errno;
	struct self nobody;
	struct self *const self = self_enter_or_nobody(&nobody, stack);
	struct peeps_entity_slot *const slot = notice->hook.slot;
	const void *const slots[1] = { slot };
	struct update update;

	if (self && hook_is_tied(&notice->hook) && update_begin(&update, self, slots, 1)) {
		change->actor = self_is_somebody(self) ? self_actor(self) : 0;
		peeps_entity_touch(slot, update.epoch, update.record);
		write_change(slot, change);
		update_end(&update);
	}
	if (self)
		self_leave(self);
	errno = saved_errno;
}

static inline void record(struct notice *notice, uint64_t stack, struct change *change)
{
	struct peeps_thread *const thread = peeps_tls.thread;
	struct peeps_entity_slot *const slot = notice->hook.slot;
	uint64_t epoch;

	if (peeps_unlikely(!peeps_hook_ready(&notice->hook) || peeps_section_is_open(thread))) {
		record_slow(notice, stack, change);
		return;
	}
	change->actor = peeps_load_relaxed(&thread->actor);
	epoch = peeps_section_begin(thread, peeps_tls.control, slot);
	peeps_entity_touch(slot, epoch, thread);
	write_change(slot, change);
	peeps_section_end(thread);
}

/* Who wakes somebody makes a system call: he can read the clock, too. */
static uint64_t stamp(bool is_exact)
{
	const uint64_t tick_ns = peeps_load_relaxed(&peeps_segment.control->tick_ns);

	return is_exact || tick_ns == 0 ? segment_ptime_ns() : tick_ns;
}

static bool is_unseen(const struct notice *notice)
{
	return peeps_load_acquire(&peeps_process.state) == PROCESS_OFF ||
	       !hook_is_tied(&notice->hook);
}

void notice_given(struct notice *notice, const struct notice_call *call, bool to_all, bool wakes,
		  bool is_stored)
{
	struct change change = { .is_given = true, .to_all = to_all, .is_stored = is_stored };

	if (is_unseen(notice))
		return;
	change.now_ns = stamp(wakes);
	record(notice, call->stack, &change);
}

void notice_stored(struct notice *notice, const struct notice_call *call, bool is_stored)
{
	struct change change = { .is_stored = is_stored };

	if (!is_unseen(notice))
		record(notice, call->stack, &change);
}

/* --- waits --------------------------------------------------------------------------------------- */

static uint64_t until(const uint64_t *timeout_ns)
{
	uint64_t when_ns;

	if (!timeout_ns)
		return 0;
	return __builtin_add_overflow(segment_ptime_ns(), *timeout_ns, &when_ns) ? UINT64_MAX
										 : when_ns;
}

void notice_wait_begin(struct notice *notice, struct notice_call *call, const uint64_t *timeout_ns)
{
	const int saved_errno = errno;
	struct self *const self = is_unseen(notice) ? NULL : self_enter(call->stack);

	if (self) {
		struct peeps_entity_slot *const slot = notice->hook.slot;
		const uint64_t notifies =
			peeps_load_relaxed(&slot->body[PEEPS_NOTIFY_NOTIFIES_WORD]);
		const struct operation_new wait = {
			.op = PEEPS_OP_NOTIFY_WAIT,
			.target = entity_ref(slot),
			.site = site_id(place_of(call)),
			.details = { [PEEPS_DETAIL_NOTIFY_WAIT_UNTIL] = until(timeout_ns),
				     [PEEPS_DETAIL_NOTIFY_WAIT_NOTIFIES] = notifies + 1 },
		};

		operation_pend(&call->operation, self, &wait);
		self_leave(self);
	}
	errno = saved_errno;
}

static void wait_end(struct notice_call *call, enum peeps_state state, uint64_t now_ns,
		     uint64_t reason)
{
	struct self *const self = self_enter(call->stack);

	if (self) {
		operation_end(&call->operation, self, state, now_ns, reason);
		self_leave(self);
	}
}

void notice_wait_over(struct notice *notice, struct notice_call *call)
{
	const int saved_errno = errno;
	const uint64_t since_ns = call->operation.since_ns;
	uint64_t now_ns;

	if (!call->operation.slot)
		return;
	now_ns = segment_ptime_ns();
	if (hook_is_tied(&notice->hook))
		add_waited(&notice->hook.slot->body[PEEPS_NOTIFY_WAITS_WORD],
			   &notice->hook.slot->body[PEEPS_NOTIFY_WAIT_TOTAL_WORD],
			   now_ns - since_ns);
	wait_end(call, PEEPS_STATE_DONE, now_ns, 0);
	errno = saved_errno;
}

void notice_wait_timed_out(struct notice_call *call)
{
	const int saved_errno = errno;

	if (call->operation.slot)
		wait_end(call, PEEPS_STATE_FAILED, segment_ptime_ns(), ETIMEDOUT);
	errno = saved_errno;
}

void notice_wait_cancelled(struct notice_call *call)
{
	const int saved_errno = errno;

	if (call->operation.slot)
		wait_end(call, PEEPS_STATE_CANCELLED, segment_ptime_ns(), 0);
	errno = saved_errno;
}
