/* SPDX-License-Identifier: MIT */
/*
 * The condition. That a thread was woken and waits for its mutex again can only be seen if pthread does not take the
 * mutex for us: so the wait is on a gate of the condition's own, which is locked before the mutex is left, and which
 * whoever notifies goes through. Nobody takes a mutex of the program while he holds a gate.
 */
#include <peeps/cond.h>

#include <errno.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "writer/cond.h"
#include "writer/entity.h"
#include "writer/holder.h"
#include "writer/hook.h"
#include "writer/mutex.h"
#include "writer/operation.h"
#include "writer/process.h"
#include "writer/segment.h"
#include "writer/site.h"
#include "writer/thread.h"
#include "writer/update.h"
#include "writer/waited.h"

#define DESTROY_PAUSE_NS 50000

static uint64_t lineage = 1;

void cond_forked(void)
{
	lineage++;
}

static int raw_wait(struct peeps_cond *c, pthread_mutex_t *mutex, const struct timespec *abstime)
{
	return abstime ? pthread_cond_timedwait(&c->raw, mutex, abstime)
		       : pthread_cond_wait(&c->raw, mutex);
}

/* In a child, the gate may be held, and waits counted, of threads that are not there. */
static void renew(struct peeps_cond *c)
{
	sigset_t mask;

	if (peeps_load_acquire(&c->lineage) == lineage)
		return;
	process_lock(&mask);
	if (c->lineage != lineage) {
		c->gate = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
		peeps_store_relaxed(&c->waiting, 0);
		/* Release: all that before the word that says so. Pairs with the acquires of lineage. */
		peeps_store_release(&c->lineage, lineage);
	}
	process_unlock(&mask);
}

/* --- waits -------------------------------------------------------------------------------------- */

/**
 * struct wait - one, on the stack of who waits
 * @polls:     how often it came to wait in a row without having left the mutex otherwise
 * @condition: ref, which outlasts the condition
 */
struct wait {
	struct peeps_cond *c;
	struct peeps_mutex *m;
	const struct timespec *abstime;
	struct peeps_site *site;
	uint64_t stack;
	uint32_t polls;
	uint64_t condition;
	struct operation operation;
};

/* The calling thread's last wait, and the hold of the mutex that it came back with. */
static __thread struct {
	uint64_t condition, mutex, acquires;
	uint32_t polls;
} last;

static uint64_t acquires_of(const struct peeps_entity_slot *mutex)
{
	return peeps_load_relaxed(&mutex->body[PEEPS_MUTEX_ACQUIRES_WORD]);
}

static uint32_t polls_of(const struct wait *w, const struct peeps_entity_slot *mutex)
{
	return mutex && last.condition == w->condition && last.mutex == entity_ref(mutex) &&
			       last.acquires == acquires_of(mutex)
		       ? last.polls + 1
		       : 1;
}

/* Back from the wait, with the mutex held. */
static void remember(const struct wait *w, const struct self *self)
{
	const struct peeps_entity_slot *const mutex = mutex_held_slot(w->m, self);

	last.condition = mutex ? w->condition : 0;
	last.mutex = mutex ? entity_ref(mutex) : 0;
	last.acquires = mutex ? acquires_of(mutex) : 0;
	last.polls = w->polls;
}

/* One section: the wait begins, and the mutex is left. */
static void record_begin(struct wait *w, struct self *self)
{
	struct peeps_entity_slot *const mutex = mutex_held_slot(w->m, self);
	struct operation_new new = {
		.op = PEEPS_OP_NOTIFY_WAIT,
		.target = entity_ref(w->c->hook.slot),
		.site = site_id(w->site),
	};
	const void *slots[2] = { NULL, mutex };
	struct update update;

	w->condition = new.target;
	w->polls = polls_of(w, mutex);
	new.polls = w->polls;
	new.details[PEEPS_DETAIL_NOTIFY_WAIT_MUTEX] = mutex ? entity_ref(mutex) : 0;
	new.details[PEEPS_DETAIL_NOTIFY_WAIT_NOTIFIES] =
		peeps_load_relaxed(&w->c->hook.slot->body[PEEPS_NOTIFY_NOTIFIES_WORD]) + 1;
	if (w->abstime)
		new.details[PEEPS_DETAIL_NOTIFY_WAIT_UNTIL] =
			segment_ptime_on(w->c->clock, w->abstime);
	if (!operation_choose(&w->operation, self))
		return;
	slots[0] = w->operation.slot;
	if (!update_begin(&update, self, slots, mutex ? 2 : 1)) {
		operation_release(&w->operation, self, (struct rest){ .over = true });
		return;
	}
	peeps_edge_touch(w->operation.slot, update.epoch, update.record);
	operation_write_begin(&w->operation, self, &new);
	if (mutex) {
		peeps_entity_touch(mutex, update.epoch, update.record);
		holder_write_released(mutex);
	}
	update_end(&update);
}

/* Returns whether the wait is recorded: else it is pthread's alone. */
static bool begin(struct wait *w)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(w->stack);

	if (self) {
		if (site_is_like_us(w->site) &&
		    hook_tie(&w->c->hook, PEEPS_KIND_NOTIFY, w->site, self)) {
			renew(w->c);
			record_begin(w, self);
		}
		self_leave(self);
	}
	errno = saved_errno;
	return w->operation.slot != NULL;
}

static void record_end(struct wait *w, enum peeps_state state, int reason)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(w->stack);
	const uint64_t now_ns = segment_ptime_ns();

	if (self) {
		if (state == PEEPS_STATE_DONE && hook_is_tied(&w->c->hook))
			add_waited(&w->c->hook.slot->body[PEEPS_NOTIFY_WAITS_WORD],
				   &w->c->hook.slot->body[PEEPS_NOTIFY_WAIT_TOTAL_WORD],
				   now_ns - w->operation.since_ns);
		operation_end(&w->operation, self, state, now_ns, (uint64_t)reason);
		self_leave(self);
	}
	errno = saved_errno;
}

/* The last that is done to the condition: it may be destroyed now. */
static void leave_gate(struct peeps_cond *c)
{
	(void)pthread_mutex_unlock(&c->gate);
	/* Release: pairs with who destroys it. */
	(void)__atomic_fetch_sub(&c->waiting, 1, __ATOMIC_RELEASE);
}

static int come_back(struct wait *w, enum peeps_state state, int reason)
{
	const int saved_errno = errno;
	struct self *self;
	int result;

	/* Before the gate is left: after that, the condition may be gone. */
	record_end(w, state, reason);
	leave_gate(w->c);
	result = peeps_mutex_lock_slow(w->m, w->site);
	self = self_enter_known(w->stack);
	if (self) {
		remember(w, self);
		self_leave(self);
	}
	errno = saved_errno;
	return result;
}

/* The cleanup handler of a cancelled wait: pthread has taken the gate again, where the program's handlers expect the
 * mutex. */
static void cancelled(void *argument)
{
	struct wait *const w = argument;

	(void)come_back(w, PEEPS_STATE_CANCELLED, 0);
}

/* Without a wait: pthread does not unlock what the caller does not hold. */
static int refuse(struct wait *w, int result)
{
	record_end(w, PEEPS_STATE_FAILED, result);
	leave_gate(w->c);
	return result;
}

static int wait_at_the_gate(struct wait *w)
{
	int result, relocked;

	(void)pthread_mutex_lock(&w->c->gate);
	result = pthread_mutex_unlock(&w->m->raw);
	if (result != 0)
		return refuse(w, result);
	pthread_cleanup_push(cancelled, w);
	result = raw_wait(w->c, &w->c->gate, w->abstime);
	pthread_cleanup_pop(0);
	relocked = come_back(w, result == 0 ? PEEPS_STATE_DONE : PEEPS_STATE_FAILED, result);
	return relocked != 0 ? relocked : result;
}

static bool time_is_sound(const struct timespec *abstime)
{
	return !abstime || (abstime->tv_nsec >= 0 && abstime->tv_nsec < 1000000000);
}

static bool is_unseen(const struct peeps_cond *c, const struct peeps_mutex *m)
{
	return peeps_load_acquire(&peeps_process.state) == PROCESS_OFF ||
	       (c->hook.traits | m->hook.traits) & HOOK_SHARED;
}

#define NOT_RECORDED (-1)

/* Not inlined: a frame that a cancelled wait of pthread's alone leaves behind has nothing in it that AddressSanitizer
 * watches. */
static __attribute__((noinline)) int wait_recorded(struct peeps_cond *c, struct peeps_mutex *m,
						   const struct timespec *abstime,
						   struct peeps_site *site, uint64_t stack)
{
	struct wait w = { .c = c, .m = m, .abstime = abstime, .site = site, .stack = stack };

	if (!begin(&w))
		return NOT_RECORDED;
	/* Before the mutex is left: who then notifies us knows of us. */
	(void)__atomic_fetch_add(&c->waiting, 1, __ATOMIC_RELAXED);
	return wait_at_the_gate(&w);
}

int peeps_cond_wait_at(struct peeps_cond *c, struct peeps_mutex *m, const struct timespec *abstime,
		       struct peeps_site *site)
{
	int result = NOT_RECORDED;

	if (!is_unseen(c, m) && time_is_sound(abstime))
		result = wait_recorded(c, m, abstime, site, CALLER_STACK());
	return result == NOT_RECORDED ? raw_wait(c, &m->raw, abstime) : result;
}

/* --- notified ----------------------------------------------------------------------------------- */

void peeps_cond_note_slow(struct peeps_cond *c, int all, struct peeps_site *site)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(CALLER_STACK());
	uint64_t *body;

	if (self) {
		if (site_is_like_us(site) && hook_tie(&c->hook, PEEPS_KIND_NOTIFY, site, self)) {
			body = c->hook.slot->body;
			(void)__atomic_fetch_add(&body[PEEPS_NOTIFY_NOTIFIES_WORD], 1,
						 __ATOMIC_RELAXED);
			(void)__atomic_fetch_add(&body[PEEPS_NOTIFY_BROADCASTS_WORD], all ? 1 : 0,
						 __ATOMIC_RELAXED);
			peeps_store_relaxed(&body[PEEPS_NOTIFY_LAST_NOTIFIER_WORD],
					    self_actor(self));
			peeps_store_relaxed(&body[PEEPS_NOTIFY_LAST_NOTIFIED_WORD],
					    segment_ptime_ns());
		}
		self_leave(self);
	}
	errno = saved_errno;
}

int peeps_cond_wake(struct peeps_cond *c, int all)
{
	/* In a child whose fork handlers never ran, the gate may be another thread's for ever. */
	const bool has_gate = process_is_on() && peeps_load_acquire(&c->lineage) == lineage;

	/* Who left the mutex before it was ours leaves the gate only when pthread knows that he waits. Nobody who is woken
	 * then finds it shut. */
	if (has_gate && pthread_mutex_lock(&c->gate) == 0)
		(void)pthread_mutex_unlock(&c->gate);
	return all ? pthread_cond_broadcast(&c->raw) : pthread_cond_signal(&c->raw);
}

/* --- made and destroyed ------------------------------------------------------------------------- */

static uint64_t traits_of(const pthread_condattr_t *attr)
{
	int shared;

	if (attr && pthread_condattr_getpshared(attr, &shared) == 0 &&
	    shared == PTHREAD_PROCESS_SHARED)
		return HOOK_SHARED;
	return (uint64_t)PEEPS_NOTIFY_FLAVOR_CONDVAR << PEEPS_NOTIFY_FLAVOR_SHIFT;
}

int peeps_cond_init_at(struct peeps_cond *c, const char *name, const pthread_condattr_t *attr,
		       struct peeps_site *site)
{
	const int result = pthread_cond_init(&c->raw, attr);

	if (result != 0)
		return result;
	c->gate = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	c->waiting = 0;
	c->lineage = 0;
	c->clock = CLOCK_REALTIME;
	if (attr)
		(void)pthread_condattr_getclock(attr, &c->clock);
	hook_open(&c->hook, PEEPS_KIND_NOTIFY, name, site, traits_of(attr), CALLER_STACK());
	return 0;
}

/* Who was woken may still be on his way through the gate, which nobody holds for long. */
static void await_the_woken(const struct peeps_cond *c)
{
	const struct timespec pause = { .tv_nsec = DESTROY_PAUSE_NS };

	if (peeps_load_acquire(&c->lineage) != lineage)
		return;
	/* Acquire: pairs with leave_gate(). */
	while (peeps_load_acquire(&c->waiting) != 0)
		/* Not by clock_nanosleep(), which is a cancellation point. */
		(void)syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &pause, NULL);
}

int peeps_cond_destroy(struct peeps_cond *c)
{
	const int result = pthread_cond_destroy(&c->raw);

	if (result != 0)
		return result;
	await_the_woken(c);
	hook_close(&c->hook, CALLER_STACK());
	return 0;
}

/* The plain symbols know no site. */
#undef peeps_cond_init
#undef peeps_cond_wait
#undef peeps_cond_timedwait
#undef peeps_cond_signal
#undef peeps_cond_broadcast

int peeps_cond_init(struct peeps_cond *c, const char *name, const pthread_condattr_t *attr)
{
	return peeps_cond_init_at(c, name, attr, &peeps_site_unknown);
}

int peeps_cond_wait(struct peeps_cond *c, struct peeps_mutex *m)
{
	return peeps_cond_wait_at(c, m, NULL, &peeps_site_unknown);
}

int peeps_cond_timedwait(struct peeps_cond *c, struct peeps_mutex *m,
			 const struct timespec *abstime)
{
	return peeps_cond_wait_at(c, m, abstime, &peeps_site_unknown);
}

int peeps_cond_signal(struct peeps_cond *c)
{
	return peeps_cond_signal_at(c, &peeps_site_unknown);
}

int peeps_cond_broadcast(struct peeps_cond *c)
{
	return peeps_cond_broadcast_at(c, &peeps_site_unknown);
}
