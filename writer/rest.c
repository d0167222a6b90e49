/* SPDX-License-Identifier: MIT */
#include "writer/rest.h"

#include <time.h>

#include <peeps/atomic.h>
#include <peeps/fault.h>
#include "writer/segment.h"

/* A reader that was stopped between its last look at the clock and its last use of what it copied:
 * it copies nothing after that look, so the margin only has to cover clocks being read in two
 * places. */
#define REST_MARGIN_NS UINT64_C(1000000000)

struct rest rest_begin(uint64_t epoch)
{
	/* The epoch was loaded with acquire, so a cut that this section's epoch belongs to has
	 * announced itself here. */
	const uint64_t cut = peeps_load_acquire(&peeps_segment.control->cut);

	return (struct rest){ .epoch = epoch,
			      .over = cut == 0 || cut > epoch || PEEPS_MUTATED(NO_QUARANTINE) };
}

bool rest_is_over(uint64_t epoch)
{
	const uint64_t cut = peeps_load_acquire(&peeps_segment.control->cut);
	struct timespec now;

	if (cut == 0 || cut > epoch || PEEPS_MUTATED(NO_QUARANTINE))
		return true;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec >
	       peeps_load_relaxed(&peeps_segment.control->cut_deadline_ns) + REST_MARGIN_NS;
}
