/* SPDX-License-Identifier: MIT */
/* Waiting for a thread's end: tried first, and recorded only if that has to wait. */
#include <peeps/join.h>

#include <errno.h>

#include "writer/awaited.h"
#include "writer/operation.h"
#include "writer/process.h"
#include "writer/segment.h"
#include "writer/site.h"
#include "writer/thread.h"

/**
 * struct join - one that has to wait
 * @abstime:    on @clock; NULL = for ever
 * @target:     ref of the thread's entity; 0 = nothing is recorded
 * @generation: of the process whose segment that is in: a signal handler may fork
 * @stack:      CALLER_STACK() of who waits
 */
struct join {
	pthread_t thread;
	clockid_t clock;
	const struct timespec *abstime;
	struct peeps_site *site;
	uint64_t stack;
	struct operation operation;
	uint64_t target;
	uint64_t generation;
};

static void pend(struct join *join, struct self *self)
{
	struct operation_new wait = { .op = PEEPS_OP_JOIN };

	join->target = awaited_begin(self, join->thread);
	if (!join->target)
		return;
	join->generation = peeps_process.generation;
	wait.target = join->target;
	wait.site = site_id(join->site);
	if (join->abstime)
		wait.details[PEEPS_DETAIL_JOIN_UNTIL] = segment_ptime_on(
			join->clock == CLOCK_MONOTONIC ? CLOCK_MONOTONIC : CLOCK_REALTIME,
			join->abstime);
	operation_pend(&join->operation, self, &wait);
}

static void begin(struct join *join)
{
	const int saved_errno = errno;
	struct self *self;

	/* Itself: pthread will not wait for that. */
	if (!pthread_equal(join->thread, pthread_self()) &&
	    (self = self_enter(join->stack)) != NULL) {
		if (site_is_like_us(join->site))
			pend(join, self);
		self_leave(self);
	}
	errno = saved_errno;
}

static void end(struct join *join, enum peeps_state state, int reason)
{
	const int saved_errno = errno;
	struct self *self;

	if (join->target && join->generation == peeps_process.generation &&
	    (self = self_enter_known(join->stack)) != NULL) {
		if (join->operation.slot)
			operation_end(&join->operation, self, state, segment_ptime_ns(),
				      (uint64_t)reason);
		awaited_end(self, join->target);
		self_leave(self);
	}
	errno = saved_errno;
}

static void cancelled(void *argument)
{
	end(argument, PEEPS_STATE_CANCELLED, 0);
}

static int raw_join(const struct join *join, void **result)
{
	return join->abstime
		       ? pthread_clockjoin_np(join->thread, result, join->clock, join->abstime)
		       : pthread_join(join->thread, result);
}

static int wait_for(struct join *join, void **result)
{
	int joined;

	begin(join);
	pthread_cleanup_push(cancelled, join);
	joined = raw_join(join, result);
	pthread_cleanup_pop(0);
	end(join, joined == 0 ? PEEPS_STATE_DONE : PEEPS_STATE_FAILED, joined);
	return joined;
}

static int join_thread(pthread_t thread, void **result, clockid_t clock,
		       const struct timespec *abstime, struct peeps_site *site,
		       uint64_t caller_stack)
{
	struct join join = { .thread = thread,
			     .clock = clock,
			     .abstime = abstime,
			     .site = site,
			     .stack = caller_stack };
	int tried;

	tried = pthread_tryjoin_np(thread, result);
	return tried == EBUSY ? wait_for(&join, result) : tried;
}

int peeps_thread_join_at(pthread_t thread, void **result, struct peeps_site *site)
{
	return join_thread(thread, result, CLOCK_REALTIME, NULL, site, CALLER_STACK());
}

int peeps_thread_tryjoin(pthread_t thread, void **result)
{
	return pthread_tryjoin_np(thread, result);
}

int peeps_thread_timedjoin_at(pthread_t thread, void **result, const struct timespec *abstime,
			      struct peeps_site *site)
{
	return join_thread(thread, result, CLOCK_REALTIME, abstime, site, CALLER_STACK());
}

int peeps_thread_clockjoin_at(pthread_t thread, void **result, clockid_t clock,
			      const struct timespec *abstime, struct peeps_site *site)
{
	return join_thread(thread, result, clock, abstime, site, CALLER_STACK());
}

/* The plain symbols know no site. */
#undef peeps_thread_join
#undef peeps_thread_timedjoin
#undef peeps_thread_clockjoin

int peeps_thread_join(pthread_t thread, void **result)
{
	return peeps_thread_join_at(thread, result, &peeps_site_unknown);
}

int peeps_thread_timedjoin(pthread_t thread, void **result, const struct timespec *abstime)
{
	return peeps_thread_timedjoin_at(thread, result, abstime, &peeps_site_unknown);
}

int peeps_thread_clockjoin(pthread_t thread, void **result, clockid_t clock,
			   const struct timespec *abstime)
{
	return peeps_thread_clockjoin_at(thread, result, clock, abstime, &peeps_site_unknown);
}
