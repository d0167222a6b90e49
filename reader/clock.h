/* SPDX-License-Identifier: MIT */
/* The clocks, in nanoseconds. */
#ifndef PEEPS_READER_CLOCK_H
#define PEEPS_READER_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t peeps_clock_ns(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static inline uint64_t peeps_clock_monotonic_ns(void)
{
	return peeps_clock_ns(CLOCK_MONOTONIC);
}

static inline void peeps_sleep_for_ns(uint64_t ns)
{
	const struct timespec time = { .tv_sec = (time_t)(ns / UINT64_C(1000000000)),
				       .tv_nsec = (long)(ns % UINT64_C(1000000000)) };

	(void)nanosleep(&time, NULL); /* a signal only makes it shorter */
}

#endif
