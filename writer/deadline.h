/* SPDX-License-Identifier: MIT */
/* Until when to wait: a time of CLOCK_MONOTONIC in ns. */
#ifndef PEEPS_WRITER_DEADLINE_H
#define PEEPS_WRITER_DEADLINE_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

#define FOR_EVER UINT64_MAX

/* @timeout_ns from now; FOR_EVER for FOR_EVER, and for what lies beyond the end of time. */
static inline uint64_t deadline_after(uint64_t timeout_ns)
{
	struct timespec now;
	uint64_t deadline_ns;

	if (timeout_ns == FOR_EVER)
		return FOR_EVER;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	deadline_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	return __builtin_add_overflow(deadline_ns, timeout_ns, &deadline_ns) ? FOR_EVER
									     : deadline_ns;
}

static inline struct timespec deadline_at(uint64_t deadline_ns)
{
	return (struct timespec){ .tv_sec = (time_t)(deadline_ns / 1000000000u),
				  .tv_nsec = (long)(deadline_ns % 1000000000u) };
}

/* The same for who waits with a time of his own making; what lies beyond the end of time is the end of it. */
static inline struct timespec deadline_in(uint64_t timeout_ns)
{
	return deadline_at(deadline_after(timeout_ns));
}

/* Returns 0, or ETIMEDOUT. A cancellation point. */
static inline int deadline_wait(pthread_cond_t *condition, pthread_mutex_t *lock,
				uint64_t deadline_ns)
{
	const struct timespec deadline = deadline_at(deadline_ns);

	if (deadline_ns == FOR_EVER)
		return pthread_cond_wait(condition, lock);
	return pthread_cond_clockwait(condition, lock, CLOCK_MONOTONIC, &deadline);
}

#endif
