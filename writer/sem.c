/* SPDX-License-Identifier: MIT */
/*
 * The semaphore: one word for all that goes without waiting, and behind it a lock and a line of waiters. What
 * is recorded of it is behind writer/permit.h; with PEEPS_DISABLE this file is the whole semaphore.
 */
#include <peeps/sem.h>

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <peeps/atomic.h>
#include <peeps/fault.h>
#include "writer/deadline.h"
#include "writer/permit.h"

/* The word: [31:0] free permits, [62:32] how many wait, [63] everything goes through the lock. */
#define FREE_MASK    UINT64_C(0xffffffff)
#define WAITER_ONE   (UINT64_C(1) << 32)
#define SLOW         (UINT64_C(1) << 63)
#define WAITERS_MASK (~SLOW & ~FREE_MASK)

#define ALONE 128 /* bytes: no line, nor the one that is fetched with it, is shared */

/* So often a waiter is woken in vain, or as many times its permits come back and are not enough, until
 * nobody is let past it any more. */
#define PATIENCE 2

/**
 * struct waiter - one in the line, on its own stack
 * @missed:  permits that came back while it was the first, and did not suffice
 * @vain:    times that it was woken, and others had been faster
 * @starved: nobody passes it any more
 */
struct waiter {
	struct waiter *next, *previous;
	uint32_t n;
	uint64_t missed;
	unsigned int vain;
	bool is_woken;
	bool is_starved;
	pthread_cond_t turn;
};

/**
 * struct peeps_sem
 * @lineage: of the process that @lock and the line are of
 * @lock:    of all below, and of what the word says of waiters
 */
struct peeps_sem {
	uint64_t word;
	uint32_t max;
	uint64_t lineage;
	pthread_mutex_t lock;
	struct waiter *first, *last;
	struct permits permits;
};

enum patience { PATIENCE_NONE, PATIENCE_TIMED, PATIENCE_ENDLESS };

static uint32_t free_of(uint64_t word)
{
	return (uint32_t)(word & FREE_MASK);
}

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

static void renew(struct peeps_sem *s)
{
	(void)pthread_mutex_lock(&renewal);
	if (s->lineage != lineage) {
		s->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
		s->first = NULL;
		s->last = NULL;
		permits_forget(&s->permits);
		(void)__atomic_fetch_and(&s->word, FREE_MASK, __ATOMIC_RELAXED);
		/* Release: all that before the word that says so. Pairs with lock(). */
		peeps_store_release(&s->lineage, lineage);
	}
	(void)pthread_mutex_unlock(&renewal);
}

static void lock(struct peeps_sem *s)
{
	if (peeps_unlikely(peeps_load_acquire(&s->lineage) != lineage))
		renew(s);
	(void)pthread_mutex_lock(&s->lock);
}

static void unlock(struct peeps_sem *s)
{
	(void)pthread_mutex_unlock(&s->lock);
}

/* --- permits, by the word alone ------------------------------------------------------------- */

/* @barred: bits of the word with which it is refused. */
static inline bool take(struct peeps_sem *s, uint32_t n, uint64_t barred)
{
	uint64_t word = peeps_load_relaxed(&s->word);

	while (!(word & barred) && free_of(word) >= n)
		/* Acquire: what was done under the permits before. Pairs with who gave them back. */
		if (__atomic_compare_exchange_n(&s->word, &word, word - n, true, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return true;
	return false;
}

static inline bool overflows(const struct peeps_sem *s, uint64_t word, uint32_t n)
{
	return free_of(word) + (uint64_t)n > s->max;
}

/* Only while nobody waits: who gives without the lock touches the semaphore no more afterwards. */
static inline bool give(struct peeps_sem *s, uint32_t n)
{
	uint64_t word = peeps_load_relaxed(&s->word);

	while (!(word & (SLOW | WAITERS_MASK)) && !overflows(s, word, n))
		/* Release: what was done under the permits. Pairs with take(). */
		if (__atomic_compare_exchange_n(&s->word, &word, word + n, true, __ATOMIC_RELEASE,
						__ATOMIC_RELAXED))
			return true;
	return false;
}

/* --- the line; lock held -------------------------------------------------------------------- */

static bool is_barred(const struct peeps_sem *s)
{
	return s->first && s->first->is_starved;
}

/* Whether the word's quick ways are open, as things stand now. */
static void open_or_bar(struct peeps_sem *s)
{
	if (is_barred(s) || permits_are_owed(&s->permits))
		(void)__atomic_fetch_or(&s->word, SLOW, __ATOMIC_RELAXED);
	else if (peeps_load_relaxed(&s->word) & SLOW)
		(void)__atomic_fetch_and(&s->word, ~SLOW, __ATOMIC_RELAXED);
}

static void line_up(struct peeps_sem *s, struct waiter *w)
{
	w->previous = s->last;
	if (s->last)
		s->last->next = w;
	else
		s->first = w;
	s->last = w;
	/* From here on no permit comes back without a look at the line. */
	(void)__atomic_fetch_add(&s->word, WAITER_ONE, __ATOMIC_RELAXED);
}

static void wake_first(struct peeps_sem *s)
{
	struct waiter *const w = s->first;

	if (!w || w->is_woken || free_of(peeps_load_relaxed(&s->word)) < w->n)
		return;
	w->is_woken = true;
	(void)pthread_cond_signal(&w->turn);
}

/* Served or not; a wake-up that it no longer needs is the next one's. */
static void leave_line(struct peeps_sem *s, struct waiter *w)
{
	*(w->previous ? &w->previous->next : &s->first) = w->next;
	*(w->next ? &w->next->previous : &s->last) = w->previous;
	(void)__atomic_fetch_sub(&s->word, WAITER_ONE, __ATOMIC_RELAXED);
	open_or_bar(s);
	wake_first(s);
}

static bool is_served(struct peeps_sem *s, struct waiter *w)
{
	if (s->first != w)
		return false;
	if (take(s, w->n, 0))
		return true;
	if (w->is_woken && ++w->vain >= PATIENCE)
		w->is_starved = true;
	w->is_woken = false;
	open_or_bar(s);
	return false;
}

/* @n permits have come back. */
static void serve_first(struct peeps_sem *s, uint32_t n)
{
	struct waiter *const w = s->first;

	if (!w)
		return;
	if (free_of(peeps_load_relaxed(&s->word)) < w->n) {
		w->missed += n;
		if (w->missed >= PATIENCE * (uint64_t)w->n)
			w->is_starved = true;
	}
	wake_first(s);
}

/* --- waiting -------------------------------------------------------------------------------- */

struct wait {
	struct peeps_sem *s;
	struct waiter waiter;
	struct permit_call *call;
	const struct timespec *deadline; /* CLOCK_MONOTONIC; NULL = none */
};

/* The cleanup handler of a cancelled wait: pthread has taken the lock again. */
static void give_up(void *argument)
{
	struct wait *const wait = argument;

	leave_line(wait->s, &wait->waiter);
	unlock(wait->s);
	permit_wait_cancelled(wait->call);
}

/* Returns 0 with the permits taken, or ETIMEDOUT. */
static int wait_turn(struct wait *wait)
{
	struct peeps_sem *const s = wait->s;
	struct waiter *const w = &wait->waiter;
	int result = 0;

	while (!is_served(s, w)) {
		if (result == ETIMEDOUT)
			return ETIMEDOUT;
		result = wait->deadline ? pthread_cond_clockwait(&w->turn, &s->lock,
								 CLOCK_MONOTONIC, wait->deadline)
					: pthread_cond_wait(&w->turn, &s->lock);
	}
	return 0;
}

static int wait_in_line(struct wait *wait)
{
	struct peeps_sem *const s = wait->s;
	int result;

	lock(s);
	line_up(s, &wait->waiter);
	pthread_cleanup_push(give_up, wait);
	result = wait_turn(wait);
	pthread_cleanup_pop(0);
	if (result == 0)
		permits_taken(&s->permits, wait->call, wait->waiter.n);
	leave_line(s, &wait->waiter);
	unlock(s);
	(void)pthread_cond_destroy(&wait->waiter.turn);
	if (result != 0)
		permit_wait_timed_out(wait->call);
	return -result;
}

static __attribute__((noinline)) int acquire_slow(struct peeps_sem *s, uint32_t n,
						  enum patience patience, uint64_t timeout_ns,
						  struct permit_call *call)
{
	struct wait wait = { .s = s,
			     .waiter = { .n = n, .turn = PTHREAD_COND_INITIALIZER },
			     .call = call };
	struct timespec deadline;
	uint32_t free_permits;
	bool taken;

	if (patience == PATIENCE_TIMED) {
		deadline = deadline_in(timeout_ns);
		wait.deadline = &deadline;
	}
	lock(s);
	taken = !is_barred(s) && take(s, n, 0);
	if (taken)
		permits_taken(&s->permits, call, n);
	open_or_bar(s);
	free_permits = free_of(peeps_load_relaxed(&s->word));
	unlock(s);
	if (taken)
		return 0;
	if (patience == PATIENCE_NONE)
		return -EAGAIN;
	permit_wait_begin(&s->permits, call, n, free_permits,
			  patience == PATIENCE_TIMED ? &timeout_ns : NULL);
	return wait_in_line(&wait);
}

/* --- both ways in --------------------------------------------------------------------------- */

static __attribute__((noinline)) void look_up(struct peeps_sem *s, struct permit_call *call)
{
	permits_prepare(&s->permits, call, s->max, free_of(peeps_load_relaxed(&s->word)));
	lock(s);
	permits_look_up(&s->permits, call);
	unlock(s);
}

static __attribute__((noinline)) void note_taken(struct peeps_sem *s, uint32_t n,
						 struct permit_call *call)
{
	lock(s);
	permits_taken(&s->permits, call, n);
	open_or_bar(s);
	unlock(s);
}

static inline int acquire(struct peeps_sem *s, uint32_t n, enum patience patience,
			  uint64_t timeout_ns, struct permit_call *call)
{
	if (peeps_unlikely(n == 0 || n > s->max))
		return n == 0 ? 0 : -EINVAL;
	if (peeps_unlikely(!permit_is_known(&s->permits, call)))
		look_up(s, call);
	if (peeps_likely(take(s, n, SLOW))) {
		if (peeps_unlikely(!permit_take_quick(call, n)))
			note_taken(s, n, call);
		return 0;
	}
	if (patience == PATIENCE_NONE && !(peeps_load_relaxed(&s->word) & SLOW))
		return -EAGAIN;
	return acquire_slow(s, n, patience, timeout_ns, call);
}

/* Some wait, or not all that is given was the caller's. @is_recorded: as given back, which it may not be. */
static __attribute__((noinline)) int release_slow(struct peeps_sem *s, uint32_t n, bool is_recorded,
						  struct permit_call *call)
{
	int result = 0;
	uint64_t word;

	lock(s);
	/* From here on nobody else changes the word's permits. */
	word = __atomic_fetch_or(&s->word, SLOW, __ATOMIC_RELAXED);
	if (overflows(s, word, n)) {
		if (is_recorded)
			permits_taken(&s->permits, call, n);
		result = -EOVERFLOW;
	} else {
		if (!is_recorded)
			permits_given(&s->permits, call, n);
		(void)__atomic_fetch_add(&s->word, n, __ATOMIC_RELEASE);
		serve_first(s, n);
	}
	/* With nobody waiting, who takes these permits may be the last to use the semaphore, and free it: he
	 * has to come through the lock, that is, after our unlock. */
	if (result != 0 || s->first)
		open_or_bar(s);
	unlock(s);
	return result;
}

static inline int release(struct peeps_sem *s, uint32_t n, struct permit_call *call)
{
	const uint64_t word = peeps_load_relaxed(&s->word);
	bool is_recorded;

	if (peeps_unlikely(overflows(s, word, n)))
		return -EOVERFLOW;
	if (n == 0)
		return 0;
	if (PEEPS_MUTATED(PERMITS_FIRST) && give(s, n)) {
		(void)permit_give_quick(&s->permits, n);
		return 0;
	}
	is_recorded = !(word & SLOW) && permit_give_quick(&s->permits, n);
	if (peeps_likely(is_recorded && give(s, n)))
		return 0;
	return release_slow(s, n, is_recorded, call);
}

static struct peeps_sem *make(uint32_t max)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const int saved_errno = errno;
	struct peeps_sem *const s = aligned_alloc(ALONE, (sizeof(*s) + ALONE - 1) / ALONE * ALONE);

	(void)pthread_once(&once, watch_forks);
	if (s)
		*s = (struct peeps_sem){ .word = max,
					 .max = max,
					 .lineage = lineage,
					 .lock = PTHREAD_MUTEX_INITIALIZER };
	errno = saved_errno;
	return s;
}

/* --- as programs see it --------------------------------------------------------------------- */

#ifdef PEEPS_DISABLE

int peeps_sem_new(struct peeps_sem **out, const char *name, uint32_t permits_max)
{
	struct peeps_sem *const s = permits_max ? make(permits_max) : NULL;

	(void)name;
	if (!s)
		return permits_max ? -ENOMEM : -EINVAL;
	*out = s;
	return 0;
}

int peeps_sem_acquire(struct peeps_sem *s, uint32_t n)
{
	struct permit_call call = {};

	return acquire(s, n, PATIENCE_ENDLESS, 0, &call);
}

int peeps_sem_try_acquire(struct peeps_sem *s, uint32_t n)
{
	struct permit_call call = {};

	return acquire(s, n, PATIENCE_NONE, 0, &call);
}

int peeps_sem_timed_acquire(struct peeps_sem *s, uint32_t n, uint64_t timeout_ns)
{
	struct permit_call call = {};

	return acquire(s, n, PATIENCE_TIMED, timeout_ns, &call);
}

int peeps_sem_release(struct peeps_sem *s, uint32_t n)
{
	struct permit_call call = {};

	return release(s, n, &call);
}

static void deinit(struct peeps_sem *s)
{
	(void)s;
}

#else

int peeps_sem_new_at(struct peeps_sem **out, const char *name, uint32_t permits_max,
		     struct peeps_site *site)
{
	struct peeps_sem *const s = permits_max ? make(permits_max) : NULL;

	if (!s)
		return permits_max ? -ENOMEM : -EINVAL;
	permits_init(&s->permits, name, permits_max, site, CALLER_STACK());
	*out = s;
	return 0;
}

int peeps_sem_acquire_at(struct peeps_sem *s, uint32_t n, struct peeps_site *site)
{
	struct permit_call call = { .site = site, .stack = CALLER_STACK() };

	return acquire(s, n, PATIENCE_ENDLESS, 0, &call);
}

int peeps_sem_try_acquire_at(struct peeps_sem *s, uint32_t n, struct peeps_site *site)
{
	struct permit_call call = { .site = site, .stack = CALLER_STACK() };

	return acquire(s, n, PATIENCE_NONE, 0, &call);
}

int peeps_sem_timed_acquire_at(struct peeps_sem *s, uint32_t n, uint64_t timeout_ns,
			       struct peeps_site *site)
{
	struct permit_call call = { .site = site, .stack = CALLER_STACK() };

	return acquire(s, n, PATIENCE_TIMED, timeout_ns, &call);
}

/* The plain symbols know no site. */
#undef peeps_sem_new
#undef peeps_sem_acquire
#undef peeps_sem_try_acquire
#undef peeps_sem_timed_acquire

int peeps_sem_new(struct peeps_sem **out, const char *name, uint32_t permits_max)
{
	return peeps_sem_new_at(out, name, permits_max, &peeps_site_unknown);
}

int peeps_sem_acquire(struct peeps_sem *s, uint32_t n)
{
	return peeps_sem_acquire_at(s, n, &peeps_site_unknown);
}

int peeps_sem_try_acquire(struct peeps_sem *s, uint32_t n)
{
	return peeps_sem_try_acquire_at(s, n, &peeps_site_unknown);
}

int peeps_sem_timed_acquire(struct peeps_sem *s, uint32_t n, uint64_t timeout_ns)
{
	return peeps_sem_timed_acquire_at(s, n, timeout_ns, &peeps_site_unknown);
}

int peeps_sem_release(struct peeps_sem *s, uint32_t n)
{
	struct permit_call call = { .stack = CALLER_STACK() };

	return release(s, n, &call);
}

static void deinit(struct peeps_sem *s)
{
	permits_deinit(&s->permits, CALLER_STACK());
}

#endif

void peeps_sem_free(struct peeps_sem *s)
{
	const int saved_errno = errno;

	if (!s)
		return;
	lock(s); /* in a child, it is renewed first */
	unlock(s);
	deinit(s);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
	errno = saved_errno;
}
