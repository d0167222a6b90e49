/* SPDX-License-Identifier: MIT */
/*
 * The notify: a permit, and a line of waiters, under a lock that nobody keeps for long. What is recorded of it is behind
 * writer/notice.h; with PEEPS_DISABLE this file is the whole notify.
 *
 * While somebody is in the line no permit is stored: a notification is his before anybody who comes later can take it.
 */
#include <peeps/notify.h>

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include <peeps/atomic.h>
#include <peeps/fault.h>
#include "writer/deadline.h"
#include "writer/notice.h"

enum notified { NOTIFIED_NOT, NOTIFIED_AS_FIRST, NOTIFIED_WITH_ALL };

/* One in the line, on its own stack; out of the line once it was notified. */
struct waiter {
	struct waiter *next, *previous;
	enum notified notified;
	pthread_cond_t turn;
};

/**
 * struct peeps_notify
 * @lineage: of the process that @lock and the line are of
 * @lock:    of all below
 * @permit:  0 or 1; looked at without the lock, too
 */
struct peeps_notify {
	uint64_t lineage;
	pthread_mutex_t lock;
	uint32_t permit;
	struct waiter *first, *last;
	struct notice notice;
};

enum patience { PATIENCE_TIMED, PATIENCE_ENDLESS };

/* --- forks: in a child the lock may be held, and the line full, of threads that are not there --- */

static uint64_t lineage = 1;
static pthread_mutex_t renewal = PTHREAD_MUTEX_INITIALIZER;

static void begin_lineage(void)
{
	lineage++;
	renewal = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}

static void watch_forks(void)
{
	(void)pthread_atfork(NULL, NULL, begin_lineage);
}

static void renew(struct peeps_notify *n)
{
	(void)pthread_mutex_lock(&renewal);
	if (n->lineage != lineage) {
		n->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
		n->first = NULL;
		n->last = NULL;
		/* Release: all that before the word that says so. Pairs with lock(). */
		peeps_store_release(&n->lineage, lineage);
	}
	(void)pthread_mutex_unlock(&renewal);
}

static void lock(struct peeps_notify *n)
{
	if (peeps_unlikely(peeps_load_acquire(&n->lineage) != lineage))
		renew(n);
	(void)pthread_mutex_lock(&n->lock);
}

static void unlock(struct peeps_notify *n)
{
	(void)pthread_mutex_unlock(&n->lock);
}

/* --- the permit and the line; lock held ------------------------------------------------------- */

static void set_permit(struct peeps_notify *n, uint32_t permit)
{
	__atomic_store_n(&n->permit, permit, __ATOMIC_RELAXED);
}

static void line_up(struct peeps_notify *n, struct waiter *w)
{
	w->previous = n->last;
	*(n->last ? &n->last->next : &n->first) = w;
	n->last = w;
}

static void leave_line(struct peeps_notify *n, struct waiter *w)
{
	*(w->previous ? &w->previous->next : &n->first) = w->next;
	*(w->next ? &w->next->previous : &n->last) = w->previous;
}

/* He goes on when the lock is free. */
static void wake_first(struct peeps_notify *n, enum notified how)
{
	struct waiter *const w = n->first;

	leave_line(n, w);
	w->notified = how;
	(void)pthread_cond_signal(&w->turn);
}

static void give_one(struct peeps_notify *n)
{
	if (n->first)
		wake_first(n, NOTIFIED_AS_FIRST);
	else
		set_permit(n, 1);
}

/* --- waiting ----------------------------------------------------------------------------------- */

struct wait {
	struct peeps_notify *n;
	struct waiter waiter;
	struct notice_call *call;
	const struct timespec *deadline; /* CLOCK_MONOTONIC; NULL = none */
};

/* The cleanup handler of a cancelled wait: pthread has taken the lock again. What was to wake this one alone wakes the
 * next. */
static void give_up(void *argument)
{
	struct wait *const wait = argument;
	struct peeps_notify *const n = wait->n;

	if (wait->waiter.notified == NOTIFIED_NOT)
		leave_line(n, &wait->waiter);
	if (wait->waiter.notified == NOTIFIED_AS_FIRST) {
		if (!n->first)
			notice_stored(&n->notice, wait->call, true);
		give_one(n);
	}
	/* Before the next one can go on, and free the notify. */
	notice_wait_cancelled(wait->call);
	unlock(n);
}

static bool take_permit(struct peeps_notify *n, const struct notice_call *call)
{
	if (!n->permit)
		return false;
	notice_stored(&n->notice, call, false);
	set_permit(n, 0);
	return true;
}

/* Returns 0 once notified, or ETIMEDOUT, which it is not if both came at once. */
static int wait_turn(struct wait *wait)
{
	struct peeps_notify *const n = wait->n;
	struct waiter *const w = &wait->waiter;
	int result = 0;

	line_up(n, w);
	while (w->notified == NOTIFIED_NOT && result != ETIMEDOUT)
		result = wait->deadline ? pthread_cond_clockwait(&w->turn, &n->lock,
								 CLOCK_MONOTONIC, wait->deadline)
					: pthread_cond_wait(&w->turn, &n->lock);
	if (w->notified != NOTIFIED_NOT)
		return 0;
	leave_line(n, w);
	return ETIMEDOUT;
}

static int wait_in_line(struct wait *wait)
{
	struct peeps_notify *const n = wait->n;
	int result = 0;

	lock(n);
	if (!take_permit(n, wait->call)) {
		pthread_cleanup_push(give_up, wait);
		result = wait_turn(wait);
		pthread_cleanup_pop(0);
	}
	if (result == 0)
		notice_wait_over(&n->notice, wait->call);
	else
		notice_wait_timed_out(wait->call);
	unlock(n);
	(void)pthread_cond_destroy(&wait->waiter.turn);
	return -result;
}

/* --- both ways in ------------------------------------------------------------------------------ */

static int try_wait(struct peeps_notify *n, struct notice_call *call)
{
	bool is_taken;

	if (__atomic_load_n(&n->permit, __ATOMIC_RELAXED) == 0)
		return -EAGAIN;
	notice_prepare(&n->notice, call);
	lock(n);
	is_taken = take_permit(n, call);
	unlock(n);
	return is_taken ? 0 : -EAGAIN;
}

static __attribute__((noinline)) int wait_slow(struct peeps_notify *n, enum patience patience,
					       uint64_t timeout_ns, struct notice_call *call)
{
	struct wait wait = { .n = n, .waiter = { .turn = PTHREAD_COND_INITIALIZER }, .call = call };
	struct timespec deadline;

	if (patience == PATIENCE_TIMED) {
		deadline = deadline_in(timeout_ns);
		wait.deadline = &deadline;
	}
	notice_prepare(&n->notice, call);
	notice_wait_begin(&n->notice, call, patience == PATIENCE_TIMED ? &timeout_ns : NULL);
	return wait_in_line(&wait);
}

static int wait_for(struct peeps_notify *n, enum patience patience, uint64_t timeout_ns,
		    struct notice_call *call)
{
	if (peeps_likely(try_wait(n, call) == 0))
		return 0;
	return wait_slow(n, patience, timeout_ns, call);
}

static void notify_one(struct peeps_notify *n, struct notice_call *call)
{
	bool wakes;

	notice_prepare(&n->notice, call);
	lock(n);
	wakes = n->first != NULL;
	if (!PEEPS_MUTATED(NOTIFY_FIRST))
		notice_given(&n->notice, call, false, wakes, !wakes);
	give_one(n);
	unlock(n);
	if (PEEPS_MUTATED(NOTIFY_FIRST))
		notice_given(&n->notice, call, false, wakes, !wakes);
}

static void notify_all(struct peeps_notify *n, struct notice_call *call)
{
	notice_prepare(&n->notice, call);
	lock(n);
	notice_given(&n->notice, call, true, n->first != NULL, n->permit);
	while (n->first)
		wake_first(n, NOTIFIED_WITH_ALL);
	unlock(n);
}

static struct peeps_notify *make(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const int saved_errno = errno;
	struct peeps_notify *const n = malloc(sizeof(*n));

	(void)pthread_once(&once, watch_forks);
	if (n)
		*n = (struct peeps_notify){ .lineage = lineage, .lock = PTHREAD_MUTEX_INITIALIZER };
	errno = saved_errno;
	return n;
}

/* --- as programs see it ------------------------------------------------------------------------ */

#ifdef PEEPS_DISABLE

#define CALL \
	{    \
	}

int peeps_notify_new(struct peeps_notify **out, const char *name)
{
	struct peeps_notify *const n = make();

	(void)name;
	if (!n)
		return -ENOMEM;
	*out = n;
	return 0;
}

int peeps_notify_wait(struct peeps_notify *n)
{
	struct notice_call call = CALL;

	return wait_for(n, PATIENCE_ENDLESS, 0, &call);
}

int peeps_notify_timed_wait(struct peeps_notify *n, uint64_t timeout_ns)
{
	struct notice_call call = CALL;

	return wait_for(n, PATIENCE_TIMED, timeout_ns, &call);
}

static void deinit(struct peeps_notify *n)
{
	(void)n;
}

#else

#define CALL                            \
	{                               \
		.stack = CALLER_STACK() \
	}

int peeps_notify_new_at(struct peeps_notify **out, const char *name, struct peeps_site *site)
{
	struct peeps_notify *const n = make();

	if (!n)
		return -ENOMEM;
	notice_init(&n->notice, name, site, CALLER_STACK());
	*out = n;
	return 0;
}

int peeps_notify_wait_at(struct peeps_notify *n, struct peeps_site *site)
{
	struct notice_call call = { .site = site, .stack = CALLER_STACK() };

	return wait_for(n, PATIENCE_ENDLESS, 0, &call);
}

int peeps_notify_timed_wait_at(struct peeps_notify *n, uint64_t timeout_ns, struct peeps_site *site)
{
	struct notice_call call = { .site = site, .stack = CALLER_STACK() };

	return wait_for(n, PATIENCE_TIMED, timeout_ns, &call);
}

/* The plain symbols know no site. */
#undef peeps_notify_new
#undef peeps_notify_wait
#undef peeps_notify_timed_wait

int peeps_notify_new(struct peeps_notify **out, const char *name)
{
	return peeps_notify_new_at(out, name, &peeps_site_unknown);
}

int peeps_notify_wait(struct peeps_notify *n)
{
	return peeps_notify_wait_at(n, &peeps_site_unknown);
}

int peeps_notify_timed_wait(struct peeps_notify *n, uint64_t timeout_ns)
{
	return peeps_notify_timed_wait_at(n, timeout_ns, &peeps_site_unknown);
}

static void deinit(struct peeps_notify *n)
{
	notice_deinit(&n->notice, CALLER_STACK());
}

#endif

int peeps_notify_try_wait(struct peeps_notify *n)
{
	struct notice_call call = CALL;

	return try_wait(n, &call);
}

void peeps_notify_one(struct peeps_notify *n)
{
	struct notice_call call = CALL;

	notify_one(n, &call);
}

void peeps_notify_all(struct peeps_notify *n)
{
	struct notice_call call = CALL;

	notify_all(n, &call);
}

void peeps_notify_free(struct peeps_notify *n)
{
	const int saved_errno = errno;

	if (!n)
		return;
	lock(n); /* who let the last one go on may not have left it; in a child, it is renewed first */
	unlock(n);
	deinit(n);
	(void)pthread_mutex_destroy(&n->lock);
	free(n);
	errno = saved_errno;
}
