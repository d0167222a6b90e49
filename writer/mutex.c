/* SPDX-License-Identifier: MIT */
/* The mutex, where it is not the plain uncontended case. The protocol's rules for it:
 * docs/protocol.md, rule 3. */
#include <peeps/mutex.h>

#include <errno.h>

#include "writer/entity.h"
#include "writer/hold.h"
#include "writer/holder.h"
#include "writer/hook.h"
#include "writer/mutex.h"
#include "writer/operation.h"
#include "writer/process.h"
#include "writer/segment.h"
#include "writer/site.h"
#include "writer/task.h"
#include "writer/thread.h"
#include "writer/update.h"
#include "writer/waited.h"

/* The thread's mutex, whatever it ran as when it locked it. */
static bool is_ours(uint64_t holder, const struct self *self)
{
	return holder && (holder == self_actor(self) || task_is_here(self, holder));
}

struct peeps_entity_slot *mutex_held_slot(const struct peeps_mutex *m, const struct self *self)
{
	return hook_is_tied(&m->hook) && is_ours(holder_of(m->hook.slot), self) ? m->hook.slot
										: NULL;
}

/* Who holds it once this thread has locked it again: of a recursive one, who locked it first. Ours to read
 * outside a section, for we hold the lock. */
static uint64_t holder_after_lock(const struct peeps_entity_slot *slot, const struct self *self)
{
	const uint64_t holder = holder_of(slot);

	return holder_may_recur(slot) && is_ours(holder, self) ? holder : self_actor(self);
}

static void record_acquired(struct peeps_mutex *m, struct peeps_site *site, struct self *self)
{
	struct peeps_entity_slot *const slot = m->hook.slot;
	const uint64_t actor = holder_after_lock(slot, self);
	struct holder_stamp stamp = { .site = site_id(site) };
	const void *const slots[1] = { slot };
	struct update update;

	stamp.since_ns = hold_stamp(&stamp.exact);
	if (!update_begin(&update, self, slots, 1))
		return;
	peeps_entity_touch(slot, update.epoch, update.record);
	holder_write_taken(slot, actor, &stamp);
	update_end(&update);
}

void peeps_mutex_acquired_slow(struct peeps_mutex *m, struct peeps_site *site)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(CALLER_STACK());

	if (self) {
		if (site_is_like_us(site) && hook_is_tied(&m->hook))
			record_acquired(m, site, self);
		self_leave(self);
	}
	errno = saved_errno;
}

/* What comes before the lock: nothing of it may happen while we hold one of the program's. */
static void prepare(struct peeps_mutex *m, struct peeps_site *site, uint64_t caller_stack)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(caller_stack);

	if (self) {
		if (site_is_like_us(site) && hook_tie(&m->hook, PEEPS_KIND_MUTEX, site, self))
			(void)site_id(site);
		self_leave(self);
	}
	errno = saved_errno;
}

/* @abstime NULL: the wait ends by being granted, or never. */
static void wait_begin(struct operation *operation, struct peeps_mutex *m,
		       const struct timespec *abstime, struct peeps_site *site,
		       uint64_t caller_stack)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(caller_stack);
	struct operation_new wait = { .op = PEEPS_OP_LOCK };

	operation->slot = NULL;
	if (self) {
		if (site_is_like_us(site) && hook_is_tied(&m->hook)) {
			wait.target = entity_ref(m->hook.slot);
			wait.site = site_id(site);
			if (abstime)
				wait.details[PEEPS_DETAIL_LOCK_UNTIL] = segment_ptime_of(abstime);
			operation_pend(operation, self, &wait);
		}
		self_leave(self);
	}
	errno = saved_errno;
}

/* One section: the wait is over, and the lock is held. */
static bool record_granted(struct operation *operation, struct peeps_mutex *m, uint64_t site,
			   struct self *self)
{
	struct peeps_entity_slot *const slot = m->hook.slot;
	const void *const slots[2] = { operation->slot, slot };
	const struct holder_stamp now = { segment_ptime_ns(), true, site };
	struct update update;
	struct rest rest;

	if (!update_begin(&update, self, slots, 2))
		return false;
	rest = rest_begin(update.epoch);
	peeps_edge_touch(operation->slot, update.epoch, update.record);
	peeps_entity_touch(slot, update.epoch, update.record);
	operation_write_end(operation, PEEPS_STATE_DONE, now.since_ns, 0);
	holder_write_acquired(slot, self_actor(self), &now);
	write_waited(&slot->body[PEEPS_MUTEX_CONTENDED_WORD],
		     &slot->body[PEEPS_MUTEX_WAIT_TOTAL_WORD], now.since_ns - operation->since_ns);
	update_end(&update);
	operation_release(operation, self, rest);
	return true;
}

static void wait_end(struct operation *operation, struct peeps_mutex *m, struct peeps_site *site,
		     int result, uint64_t caller_stack)
{
	const bool granted = result == 0 || result == EOWNERDEAD;
	const int saved_errno = errno;
	struct self *const self = self_enter(caller_stack);

	if (!self)
		goto out;
	if (granted && operation->slot && hook_is_tied(&m->hook) &&
	    record_granted(operation, m, site_id(site), self))
		goto leave;
	if (operation->slot)
		operation_end(operation, self, granted ? PEEPS_STATE_DONE : PEEPS_STATE_FAILED,
			      segment_ptime_ns(), granted ? 0 : (uint64_t)result);
	if (granted && site_is_like_us(site) && hook_is_tied(&m->hook))
		record_acquired(m, site, self);
leave:
	self_leave(self);
out:
	errno = saved_errno;
}

/* pthread_mutex_trylock() has said @tried. @abstime NULL: wait for ever. */
static int lock_after_try(struct peeps_mutex *m, const struct timespec *abstime,
			  struct peeps_site *site, int tried, uint64_t caller_stack)
{
	struct operation operation;
	int result;

	if (tried != EBUSY)
		return tried;
	wait_begin(&operation, m, abstime, site, caller_stack);
	result = abstime ? pthread_mutex_timedlock(&m->raw, abstime) : pthread_mutex_lock(&m->raw);
	wait_end(&operation, m, site, result, caller_stack);
	return result;
}

int peeps_mutex_lock_after_try(struct peeps_mutex *m, struct peeps_site *site, int tried)
{
	if (tried == EOWNERDEAD)
		peeps_mutex_acquired_slow(m, site);
	return lock_after_try(m, NULL, site, tried, CALLER_STACK());
}

int peeps_mutex_timedlock_after_try(struct peeps_mutex *m, const struct timespec *abstime,
				    struct peeps_site *site, int tried)
{
	if (tried == EOWNERDEAD)
		peeps_mutex_acquired_slow(m, site);
	return lock_after_try(m, abstime, site, tried, CALLER_STACK());
}

int peeps_mutex_trylock_slow(struct peeps_mutex *m, struct peeps_site *site)
{
	int tried;

	prepare(m, site, CALLER_STACK());
	tried = pthread_mutex_trylock(&m->raw);
	if (tried == 0 || tried == EOWNERDEAD)
		peeps_mutex_acquired_slow(m, site);
	return tried;
}

/* Nothing is recorded of it in this process: not worth a try first. */
static bool is_unseen(const struct peeps_mutex *m)
{
	return peeps_load_acquire(&peeps_process.state) == PROCESS_OFF ||
	       m->hook.traits & HOOK_SHARED;
}

/* A lock that does not wait. glibc's trylock of a robust mutex that is not recoverable says so, but
 * keeps it: the next to lock it would wait for ever. A timed lock whose time is over does not. */
static int try_first(struct peeps_mutex *m)
{
	static const struct timespec past = { 0 };
	int tried;

	if (!(m->hook.traits & HOOK_SLOW))
		return pthread_mutex_trylock(&m->raw);
	tried = pthread_mutex_timedlock(&m->raw, &past);
	return tried == ETIMEDOUT ? EBUSY : tried;
}

static int lock_slow(struct peeps_mutex *m, const struct timespec *abstime, struct peeps_site *site,
		     uint64_t caller_stack)
{
	int tried;

	prepare(m, site, caller_stack);
	tried = try_first(m);
	if (tried == 0 || tried == EOWNERDEAD)
		peeps_mutex_acquired_slow(m, site);
	return lock_after_try(m, abstime, site, tried, caller_stack);
}

int peeps_mutex_lock_slow(struct peeps_mutex *m, struct peeps_site *site)
{
	if (is_unseen(m))
		return pthread_mutex_lock(&m->raw);
	return lock_slow(m, NULL, site, CALLER_STACK());
}

int peeps_mutex_timedlock_slow(struct peeps_mutex *m, const struct timespec *abstime,
			       struct peeps_site *site)
{
	if (is_unseen(m))
		return pthread_mutex_timedlock(&m->raw, abstime);
	return lock_slow(m, abstime, site, CALLER_STACK());
}

/* A section only if the slot says that we hold it: what pthread will not unlock is not reported as
 * unlocked. */
static void record_released(struct peeps_mutex *m, struct self *self)
{
	struct peeps_entity_slot *const slot = m->hook.slot;
	const void *const slots[1] = { slot };
	struct update update;

	if (!is_ours(holder_of(slot), self) || !update_begin(&update, self, slots, 1))
		return;
	peeps_entity_touch(slot, update.epoch, update.record);
	holder_write_released(slot);
	update_end(&update);
}

int peeps_mutex_unlock_slow(struct peeps_mutex *m)
{
	const int saved_errno = errno;
	struct self *const self = self_enter_known(CALLER_STACK());

	if (self) {
		if (hook_is_tied(&m->hook))
			record_released(m, self);
		self_leave(self);
	}
	errno = saved_errno;
	return pthread_mutex_unlock(&m->raw);
}

static uint64_t traits_of(const pthread_mutexattr_t *attr)
{
	uint64_t type = PEEPS_MUTEX_TYPE_NORMAL;
	uint64_t robust = 0;
	int kind, shared, robustness;

	if (attr && pthread_mutexattr_gettype(attr, &kind) == 0)
		type = kind == PTHREAD_MUTEX_RECURSIVE    ? PEEPS_MUTEX_TYPE_RECURSIVE
		       : kind == PTHREAD_MUTEX_ERRORCHECK ? PEEPS_MUTEX_TYPE_ERRORCHECK
							  : PEEPS_MUTEX_TYPE_NORMAL;
	if (attr && pthread_mutexattr_getpshared(attr, &shared) == 0 &&
	    shared == PTHREAD_PROCESS_SHARED)
		return HOOK_SHARED;
	if (attr && pthread_mutexattr_getrobust(attr, &robustness) == 0 &&
	    robustness == PTHREAD_MUTEX_ROBUST)
		robust = UINT64_C(1) << PEEPS_MUTEX_ROBUST_SHIFT | HOOK_SLOW;
	return type << PEEPS_MUTEX_TYPE_SHIFT | robust;
}

int peeps_mutex_init_at(struct peeps_mutex *m, const char *name, const pthread_mutexattr_t *attr,
			struct peeps_site *site)
{
	const int result = pthread_mutex_init(&m->raw, attr);

	if (result != 0)
		return result;
	hook_open(&m->hook, PEEPS_KIND_MUTEX, name, site, traits_of(attr), CALLER_STACK());
	return 0;
}

int peeps_mutex_destroy(struct peeps_mutex *m)
{
	const int result = pthread_mutex_destroy(&m->raw);

	if (result != 0)
		return result;
	hook_close(&m->hook, CALLER_STACK());
	return 0;
}

/* The plain symbols know no site. */
#undef peeps_mutex_init
#undef peeps_mutex_lock
#undef peeps_mutex_trylock
#undef peeps_mutex_timedlock
#undef peeps_mutex_unlock

int peeps_mutex_init(struct peeps_mutex *m, const char *name, const pthread_mutexattr_t *attr)
{
	return peeps_mutex_init_at(m, name, attr, &peeps_site_unknown);
}

int peeps_mutex_lock(struct peeps_mutex *m)
{
	return peeps_mutex_lock_at(m, &peeps_site_unknown);
}

int peeps_mutex_trylock(struct peeps_mutex *m)
{
	return peeps_mutex_trylock_at(m, &peeps_site_unknown);
}

int peeps_mutex_timedlock(struct peeps_mutex *m, const struct timespec *abstime)
{
	return peeps_mutex_timedlock_at(m, abstime, &peeps_site_unknown);
}

int peeps_mutex_unlock(struct peeps_mutex *m)
{
	return peeps_mutex_unlock_inline(m);
}
