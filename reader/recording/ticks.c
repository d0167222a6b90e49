/* SPDX-License-Identifier: MIT */
#include "reader/recording/ticks.h"

/* How many there are in all. */
static uint64_t count_of(const struct peeps_ticks *ticks)
{
	return ticks->time_ns ? (ticks->time_ns - 1) / ticks->interval_ns + 1 : UINT64_MAX;
}

bool peeps_ticks_next(struct peeps_ticks *ticks, uint64_t now_ns, uint64_t *due_ns)
{
	const uint64_t passed = (now_ns - ticks->start_ns) / ticks->interval_ns;
	const uint64_t next = passed > ticks->index ? passed + 1 : ticks->index + 1;
	const uint64_t count = count_of(ticks);
	uint64_t after_ns;

	ticks->missed += (next < count ? next : count) - ticks->index - 1;
	ticks->index = next;
	return next < count && !__builtin_mul_overflow(next, ticks->interval_ns, &after_ns) &&
	       !__builtin_add_overflow(ticks->start_ns, after_ns, due_ns);
}
