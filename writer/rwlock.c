/* SPDX-License-Identifier: MIT */
/* The rwlock, where it is not the plain uncontended case. The protocol's rules for it: docs/protocol.md, rule 3. */
#include <peeps/rwlock.h>

#include <errno.h>

#include "writer/entity.h"
#include "writer/hold.h"
#include "writer/hook.h"
#include "writer/operation.h"
#include "writer/process.h"
#include "writer/reads.h"
#include "writer/segment.h"
#include "writer/site.h"
#include "writer/task.h"
#include "writer/thread.h"
#include "writer/update.h"
#include "writer/waited.h"

/* A reader's acquisitions are told to the lock in lots that double up to this. */
#define LOT_MAX 64

#define ANONYMOUS_ONE  (UINT64_C(1) << PEEPS_RWLOCK_ANONYMOUS_UNLOCKS_SHIFT)
#define ANONYMOUS_MASK (((UINT64_C(1) << PEEPS_RWLOCK_ANONYMOUS_UNLOCKS_BITS) - 1) * ANONYMOUS_ONE)
#define SINCE_EXACT    (UINT64_C(1) << PEEPS_RWLOCK_HELD_SINCE_EXACT_SHIFT)

/* --- pthread's -------------------------------------------------------------------------------- */

static int raw_try(struct peeps_rwlock *l, int write)
{
	return write ? pthread_rwlock_trywrlock(&l->raw) : pthread_rwlock_tryrdlock(&l->raw);
}

static int raw_lock(struct peeps_rwlock *l, int write, const struct timespec *abstime)
{
	if (abstime)
		return write ? pthread_rwlock_timedwrlock(&l->raw, abstime)
			     : pthread_rwlock_timedrdlock(&l->raw, abstime);
	return write ? pthread_rwlock_wrlock(&l->raw) : pthread_rwlock_rdlock(&l->raw);
}

/* --- what the entity says --------------------------------------------------------------------- */

static uint64_t writer_of(const struct peeps_entity_slot *slot)
{
	return peeps_load_relaxed(&slot->body[PEEPS_RWLOCK_HOLDER_WORD]);
}

/* The thread's, whatever it ran as when it locked it. */
static bool is_ours(uint64_t holder, const struct self *self)
{
	return holder && (holder == self_actor(self) || task_is_here(self, holder));
}

static void write_writer(struct peeps_entity_slot *slot, uint64_t actor,
			 const struct holder_stamp *stamp)
{
	uint64_t *const body = slot->body;

	peeps_store_relaxed(&body[PEEPS_RWLOCK_HOLDER_WORD], actor);
	PEEPS_STEP(PEEPS_STEP_SECTION_HALF);
	peeps_store_relaxed(&body[PEEPS_RWLOCK_HELD_SINCE_WORD], stamp->since_ns);
	peeps_store_relaxed(
		&body[PEEPS_RWLOCK_HELD_SITE_WORD],
		(peeps_load_relaxed(&body[PEEPS_RWLOCK_HELD_SITE_WORD]) & ANONYMOUS_MASK) |
			(stamp->site & PEEPS_EDGE_SITE_MASK) | (stamp->exact ? SINCE_EXACT : 0));
	peeps_store_relaxed(&body[PEEPS_RWLOCK_ACQUIRES_WORD],
			    peeps_load_relaxed(&body[PEEPS_RWLOCK_ACQUIRES_WORD]) + 1);
}

/* --- acquired ----------------------------------------------------------------------------------- */

/* While we hold it: how, since when, and after which wait (NULL = none that was recorded). */
struct grant {
	struct peeps_rwlock *l;
	struct holder_stamp stamp;
	struct operation *operation;
};

static void end_operation(const struct grant *grant, const struct update *update)
{
	if (!grant->operation)
		return;
	peeps_edge_touch(grant->operation->slot, update->epoch, update->record);
	operation_write_end(grant->operation, PEEPS_STATE_DONE, grant->stamp.since_ns, 0);
}

static void release_operation(const struct grant *grant, struct self *self, struct rest rest)
{
	if (grant->operation)
		operation_release(grant->operation, self, rest);
}

static uint64_t waited_ns(const struct grant *grant)
{
	return grant->stamp.since_ns - grant->operation->since_ns;
}

/* Each in one section: the wait is over, and the lock is held. False: nothing of that was recorded. */
static bool record_write(const struct grant *grant, struct self *self)
{
	struct peeps_entity_slot *const slot = grant->l->hook.slot;
	const void *const slots[2] = { slot, grant->operation ? grant->operation->slot : NULL };
	struct update update;
	struct rest rest;

	if (!update_begin(&update, self, slots, grant->operation ? 2 : 1))
		return false;
	rest = rest_begin(update.epoch);
	peeps_entity_touch(slot, update.epoch, update.record);
	write_writer(slot, self_actor(self), &grant->stamp);
	end_operation(grant, &update);
	if (grant->operation)
		write_waited(&slot->body[PEEPS_RWLOCK_CONTENDED_WORD],
			     &slot->body[PEEPS_RWLOCK_WAIT_TOTAL_WORD], waited_ns(grant));
	update_end(&update);
	release_operation(grant, self, rest);
	return true;
}

/* We read, so nobody writes: who is said to has unlocked it behind our back. Other readers may see that, too. */
static void forget_writer(struct peeps_entity_slot *slot, struct self *self)
{
	const void *const slots[1] = { slot };
	struct update update;
	sigset_t mask;

	process_lock(&mask);
	if (writer_of(slot) != 0 && update_begin(&update, self, slots, 1)) {
		peeps_entity_touch(slot, update.epoch, update.record);
		peeps_store_relaxed(&slot->body[PEEPS_RWLOCK_HOLDER_WORD], 0);
		update_end(&update);
	}
	process_unlock(&mask);
}

static void count_read(struct peeps_entity_slot *slot, struct peeps_read *read)
{
	if (--read->left != 0)
		return;
	(void)__atomic_fetch_add(&slot->body[PEEPS_RWLOCK_ACQUIRES_WORD], read->lot,
				 __ATOMIC_RELAXED);
	read->lot = read->lot < LOT_MAX ? 2 * read->lot : LOT_MAX;
	read->left = read->lot;
}

static bool record_read(const struct grant *grant, struct self *self)
{
	struct peeps_entity_slot *const slot = grant->l->hook.slot;
	const uint64_t lock = entity_ref(slot);
	struct peeps_read *const read = reads_take(self, lock);
	const void *slots[2];
	struct update update;
	struct rest rest;

	if (writer_of(slot) != 0)
		forget_writer(slot, self);
	if (!read) {
		segment_count(PEEPS_COUNTER_DROPPED_EDGES);
		return false;
	}
	slots[0] = read->slot;
	slots[1] = grant->operation ? grant->operation->slot : NULL;
	if (!update_begin(&update, self, slots, grant->operation ? 2 : 1))
		return false;
	rest = rest_begin(update.epoch);
	peeps_edge_touch(read->slot, update.epoch, update.record);
	read_write_more(read->slot, lock, self_actor(self), &grant->stamp);
	end_operation(grant, &update);
	update_end(&update);
	if (grant->operation)
		add_waited(&slot->body[PEEPS_RWLOCK_CONTENDED_WORD],
			   &slot->body[PEEPS_RWLOCK_WAIT_TOTAL_WORD], waited_ns(grant));
	release_operation(grant, self, rest);
	count_read(slot, read);
	return true;
}

static bool record(const struct grant *grant, int write, struct self *self)
{
	return write ? record_write(grant, self) : record_read(grant, self);
}

void peeps_rwlock_acquired_slow(struct peeps_rwlock *l, int write, struct peeps_site *site)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(CALLER_STACK());
	struct grant grant = { .l = l };

	if (self) {
		if (site_is_like_us(site) && hook_is_tied(&l->hook)) {
			grant.stamp.site = site_id(site);
			grant.stamp.since_ns = hold_stamp(&grant.stamp.exact);
			(void)record(&grant, write, self);
		}
		self_leave(self);
	}
	errno = saved_errno;
}

void peeps_rwlock_count_reads(struct peeps_rwlock *l)
{
	struct peeps_read *const read = peeps_tls.read;

	read->left = 1;
	count_read(l->hook.slot, read);
}

/* --- before, and while it waits ----------------------------------------------------------------- */

/* What comes before the lock: nothing of it may happen while we hold one of the program's. */
static void prepare(struct peeps_rwlock *l, int write, struct peeps_site *site,
		    uint64_t caller_stack)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(caller_stack);

	if (self) {
		if (site_is_like_us(site) && hook_tie(&l->hook, PEEPS_KIND_RWLOCK, site, self)) {
			(void)site_id(site);
			if (!write)
				reads_prepare(self, entity_ref(l->hook.slot));
		}
		self_leave(self);
	}
	errno = saved_errno;
}

static void wait_begin(struct operation *operation, struct peeps_rwlock *l, int write,
		       const struct timespec *abstime, struct peeps_site *site,
		       uint64_t caller_stack)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(caller_stack);
	struct operation_new wait = { .op = PEEPS_OP_LOCK };

	operation->slot = NULL;
	if (self) {
		if (site_is_like_us(site) && hook_is_tied(&l->hook)) {
			wait.target = entity_ref(l->hook.slot);
			wait.site = site_id(site);
			wait.details[PEEPS_DETAIL_LOCK_MODE] =
				write ? PEEPS_HOLD_MODE_EXCLUSIVE : PEEPS_HOLD_MODE_READ;
			if (abstime)
				wait.details[PEEPS_DETAIL_LOCK_UNTIL] = segment_ptime_of(abstime);
			operation_pend(operation, self, &wait);
		}
		self_leave(self);
	}
	errno = saved_errno;
}

static void wait_end(struct operation *operation, struct peeps_rwlock *l, int write,
		     struct peeps_site *site, int result, uint64_t caller_stack)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(caller_stack);
	struct grant grant = {
		.l = l,
		.operation = operation->slot ? operation : NULL,
	};

	if (!self)
		goto out;
	grant.stamp = (struct holder_stamp){ segment_ptime_ns(), true, 0 };
	if (result == 0 && site_is_like_us(site) && hook_is_tied(&l->hook)) {
		grant.stamp.site = site_id(site);
		if (record(&grant, write, self))
			goto leave;
	}
	if (operation->slot)
		operation_end(operation, self, result == 0 ? PEEPS_STATE_DONE : PEEPS_STATE_FAILED,
			      grant.stamp.since_ns, (uint64_t)result);
leave:
	self_leave(self);
out:
	errno = saved_errno;
}

/* A lock that does not wait has said @tried. */
static int lock_after_try(struct peeps_rwlock *l, int write, const struct timespec *abstime,
			  struct peeps_site *site, int tried, uint64_t caller_stack)
{
	struct operation operation;
	int result;

	if (tried != EBUSY)
		return tried;
	wait_begin(&operation, l, write, abstime, site, caller_stack);
	result = raw_lock(l, write, abstime);
	wait_end(&operation, l, write, site, result, caller_stack);
	return result;
}

int peeps_rwlock_lock_after_try(struct peeps_rwlock *l, int write, const struct timespec *abstime,
				struct peeps_site *site, int tried)
{
	return lock_after_try(l, write, abstime, site, tried, CALLER_STACK());
}

/* --- a lock other than last time's, whose slot is at hand ----------------------------------------- */

static struct peeps_read *read_at_hand(const struct peeps_rwlock *l, const struct peeps_site *site)
{
	struct peeps_read *const read = peeps_rwlock_quick(l, site) &&
							!peeps_section_is_open(peeps_tls.thread) &&
							writer_of(l->hook.slot) == 0
						? reads_at_hand(entity_ref(l->hook.slot))
						: NULL;

	return read && read_count(read->slot) == 0 ? read : NULL;
}

static void record_read_at_hand(struct peeps_rwlock *l, struct peeps_read *read,
				const struct holder_stamp *stamp)
{
	struct peeps_thread *const thread = peeps_tls.thread;
	const uint64_t lock = entity_ref(l->hook.slot);
	uint64_t epoch;

	reads_turn_to(read, lock);
	epoch = peeps_section_begin(thread, peeps_tls.control, read->slot);
	peeps_edge_touch(read->slot, epoch, thread);
	read_write_more(read->slot, lock, peeps_load_relaxed(&thread->actor), stamp);
	peeps_section_end(thread);
	count_read(l->hook.slot, read);
}

/* Returns what a try says. */
static int try_at_hand(struct peeps_rwlock *l, struct peeps_read *read,
		       const struct peeps_site *site)
{
	const struct holder_stamp stamp = { peeps_load_relaxed(&peeps_tls.control->tick_ns), false,
					    peeps_load_relaxed(&site->id) };
	const int tried = pthread_rwlock_tryrdlock(&l->raw);

	if (tried == 0)
		record_read_at_hand(l, read, &stamp);
	return tried;
}

int peeps_rwlock_try_slow(struct peeps_rwlock *l, int write, struct peeps_site *site)
{
	struct peeps_read *const read = write ? NULL : read_at_hand(l, site);
	int tried;

	if (read)
		return try_at_hand(l, read, site);
	prepare(l, write, site, CALLER_STACK());
	tried = raw_try(l, write);
	if (tried == 0)
		peeps_rwlock_acquired_slow(l, write, site);
	return tried;
}

/* Nothing is recorded of it in this process: not worth a try first. */
static bool is_unseen(const struct peeps_rwlock *l)
{
	return peeps_load_acquire(&peeps_process.state) == PROCESS_OFF ||
	       l->hook.traits & HOOK_SHARED;
}

int peeps_rwlock_lock_slow(struct peeps_rwlock *l, int write, const struct timespec *abstime,
			   struct peeps_site *site)
{
	struct peeps_read *read;
	int tried;

	/* A time that makes no sense is refused, whether or not the lock is free. */
	if (is_unseen(l) || !peeps_rwlock_time_is_sound(abstime))
		return raw_lock(l, write, abstime);
	read = write ? NULL : read_at_hand(l, site);
	if (read) {
		tried = try_at_hand(l, read, site);
		return tried == 0 ? 0
				  : lock_after_try(l, write, abstime, site, tried, CALLER_STACK());
	}
	prepare(l, write, site, CALLER_STACK());
	tried = raw_try(l, write);
	if (tried == 0)
		peeps_rwlock_acquired_slow(l, write, site);
	return lock_after_try(l, write, abstime, site, tried, CALLER_STACK());
}

/* --- unlocked ----------------------------------------------------------------------------------- */

static void record_read_end(struct peeps_edge_slot *hold, struct self *self)
{
	const void *const slots[1] = { hold };
	struct update update;

	if (!update_begin(&update, self, slots, 1))
		return;
	peeps_edge_touch(hold, update.epoch, update.record);
	read_write_less(hold);
	update_end(&update);
}

static void record_write_end(struct peeps_entity_slot *slot, struct self *self)
{
	const void *const slots[1] = { slot };
	struct update update;

	if (!update_begin(&update, self, slots, 1))
		return;
	peeps_entity_touch(slot, update.epoch, update.record);
	peeps_store_relaxed(&slot->body[PEEPS_RWLOCK_HOLDER_WORD], 0);
	update_end(&update);
}

/* Somebody unlocks what he was not seen to lock, and pthread takes it for one of the readers'. From now on a hold may be
 * shown that is none. */
static void record_anonymous(struct peeps_entity_slot *slot, struct self *self)
{
	uint64_t *const word = &slot->body[PEEPS_RWLOCK_ANONYMOUS_UNLOCKS_WORD];
	const void *const slots[1] = { slot };
	struct update update;
	sigset_t mask;

	process_lock(&mask);
	if (writer_of(slot) == 0 && update_begin(&update, self, slots, 1)) {
		peeps_entity_touch(slot, update.epoch, update.record);
		if ((peeps_load_relaxed(word) & ANONYMOUS_MASK) != ANONYMOUS_MASK)
			peeps_store_relaxed(word, peeps_load_relaxed(word) + ANONYMOUS_ONE);
		update_end(&update);
	}
	process_unlock(&mask);
}

static void record_released(struct peeps_rwlock *l, struct self *self)
{
	struct peeps_entity_slot *const slot = l->hook.slot;
	struct peeps_edge_slot *const hold = reads_find(self, entity_ref(slot));

	if (hold)
		record_read_end(hold, self);
	else if (is_ours(writer_of(slot), self))
		record_write_end(slot, self);
	else
		record_anonymous(slot, self);
}

static int unlock_otherwise(struct peeps_rwlock *l, uint64_t caller_stack)
{
	const int saved_errno = errno;
	/* Not to begin telemetry in a forked child. */
	struct self *const self =
		process_is_on() && hook_is_tied(&l->hook) ? self_enter(caller_stack) : NULL;

	if (self) {
		record_released(l, self);
		self_leave(self);
	}
	errno = saved_errno;
	return pthread_rwlock_unlock(&l->raw);
}

/* Not the lock of last time, but the calling actor's. */
static bool record_released_at_hand(const struct peeps_rwlock *l)
{
	struct peeps_thread *const thread = peeps_tls.thread;
	struct peeps_read *read;
	uint64_t epoch;

	if (!peeps_hook_ready(&l->hook) || peeps_section_is_open(thread))
		return false;
	read = reads_at_hand(entity_ref(l->hook.slot));
	if (!read || !peeps_rwlock_read_last(l, read->slot) || read_count(read->slot) == 0)
		return false;
	epoch = peeps_section_begin(thread, peeps_tls.control, read->slot);
	peeps_edge_touch(read->slot, epoch, thread);
	read_write_less(read->slot);
	peeps_section_end(thread);
	return true;
}

int peeps_rwlock_unlock_slow(struct peeps_rwlock *l)
{
	if (record_released_at_hand(l))
		return pthread_rwlock_unlock(&l->raw);
	return unlock_otherwise(l, CALLER_STACK());
}

/* --- made and destroyed ------------------------------------------------------------------------- */

static uint64_t traits_of(const pthread_rwlockattr_t *attr)
{
	uint64_t prefers = PEEPS_RWLOCK_PREFERS_READERS;
	int kind, shared;

	if (attr && pthread_rwlockattr_getpshared(attr, &shared) == 0 &&
	    shared == PTHREAD_PROCESS_SHARED)
		return HOOK_SHARED;
	/* glibc's PREFER_WRITER_NP does not. */
	if (attr && pthread_rwlockattr_getkind_np(attr, &kind) == 0 &&
	    kind == PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP)
		prefers = PEEPS_RWLOCK_PREFERS_WRITERS;
	return prefers << PEEPS_RWLOCK_PREFERS_SHIFT;
}

int peeps_rwlock_init_at(struct peeps_rwlock *l, const char *name, const pthread_rwlockattr_t *attr,
			 struct peeps_site *site)
{
	const int result = pthread_rwlock_init(&l->raw, attr);

	if (result != 0)
		return result;
	hook_open(&l->hook, PEEPS_KIND_RWLOCK, name, site, traits_of(attr), CALLER_STACK());
	return 0;
}

int peeps_rwlock_destroy(struct peeps_rwlock *l)
{
	const int result = pthread_rwlock_destroy(&l->raw);

	if (result != 0)
		return result;
	hook_close(&l->hook, CALLER_STACK());
	return 0;
}

/* The plain symbols know no site. */
#undef peeps_rwlock_init
#undef peeps_rwlock_rdlock
#undef peeps_rwlock_tryrdlock
#undef peeps_rwlock_timedrdlock
#undef peeps_rwlock_wrlock
#undef peeps_rwlock_trywrlock
#undef peeps_rwlock_timedwrlock
#undef peeps_rwlock_unlock

int peeps_rwlock_init(struct peeps_rwlock *l, const char *name, const pthread_rwlockattr_t *attr)
{
	return peeps_rwlock_init_at(l, name, attr, &peeps_site_unknown);
}

int peeps_rwlock_rdlock(struct peeps_rwlock *l)
{
	return peeps_rwlock_read_at(l, NULL, &peeps_site_unknown);
}

int peeps_rwlock_tryrdlock(struct peeps_rwlock *l)
{
	return peeps_rwlock_tryrdlock_at(l, &peeps_site_unknown);
}

int peeps_rwlock_timedrdlock(struct peeps_rwlock *l, const struct timespec *abstime)
{
	return peeps_rwlock_read_at(l, abstime, &peeps_site_unknown);
}

int peeps_rwlock_wrlock(struct peeps_rwlock *l)
{
	return peeps_rwlock_write_at(l, NULL, &peeps_site_unknown);
}

int peeps_rwlock_trywrlock(struct peeps_rwlock *l)
{
	return peeps_rwlock_trywrlock_at(l, &peeps_site_unknown);
}

int peeps_rwlock_timedwrlock(struct peeps_rwlock *l, const struct timespec *abstime)
{
	return peeps_rwlock_write_at(l, abstime, &peeps_site_unknown);
}

int peeps_rwlock_unlock(struct peeps_rwlock *l)
{
	return peeps_rwlock_unlock_inline(l);
}
