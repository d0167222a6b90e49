/* SPDX-License-Identifier: MIT */
#include "reader/cut/tally.h"

#include <stdbool.h>
#include <string.h>

#include <peeps/atomic.h>
#include "reader/clock.h"
#include "reader/cut/image.h"
#include "reader/graph/graph.h"

static void count_threads(struct peeps_tally *tally, const struct peeps_target *target)
{
	const struct peeps_rows records = peeps_bounds_rows(target, PEEPS_SECTION_THREADS);

	for (uint64_t i = 0; i < tally->marks.rows[PEEPS_SECTION_THREADS]; i++) {
		const struct peeps_thread *thread = peeps_row(records, i);

		tally->threads += peeps_load_relaxed(&thread->state) == PEEPS_THREAD_LIVE;
		tally->order_violations += peeps_load_relaxed(&thread->order_violations);
	}
}

static void count_entities(struct peeps_tally *tally, const struct peeps_target *target)
{
	const struct peeps_rows slots = peeps_bounds_rows(target, PEEPS_SECTION_ENTITIES);

	for (uint64_t i = 0; i < tally->marks.rows[PEEPS_SECTION_ENTITIES]; i++) {
		const struct peeps_entity_slot *slot = peeps_row(slots, i);

		tally->entities += (peeps_load_relaxed(&slot->status) & PEEPS_STATUS_LIFE_MASK) ==
				   PEEPS_LIFE_LIVE;
	}
}

static bool is_pending(uint64_t status)
{
	return (status >> PEEPS_EDGE_KIND_SHIFT & PEEPS_EDGE_BYTE_MASK) == PEEPS_EDGE_NEEDS &&
	       (status >> PEEPS_EDGE_STATE_SHIFT & PEEPS_EDGE_BYTE_MASK) == PEEPS_STATE_PENDING;
}

static void count_waits(struct peeps_tally *tally, const struct peeps_target *target)
{
	const struct peeps_rows slots = peeps_bounds_rows(target, PEEPS_SECTION_EDGES);
	const uint64_t now_ns = peeps_clock_monotonic_ns() - target->header.start_monotonic_ns;
	uint64_t oldest_ns = PEEPS_NO_TIME;

	for (uint64_t i = 0; i < tally->marks.rows[PEEPS_SECTION_EDGES]; i++) {
		const struct peeps_edge_slot *slot = peeps_row(slots, i);
		uint64_t since_ns;

		if (!is_pending(peeps_load_relaxed(&slot->status)))
			continue;
		tally->blocked++;
		since_ns = peeps_load_relaxed(&slot->pending_since_ns);
		if (since_ns && since_ns < oldest_ns)
			oldest_ns = since_ns;
	}
	tally->oldest_wait_ns = PEEPS_NO_TIME;
	if (oldest_ns != PEEPS_NO_TIME) /* it may have begun since */
		tally->oldest_wait_ns = now_ns > oldest_ns ? now_ns - oldest_ns : 0;
}

/* Texts that were cut short are there, and threads that share a record are seen, if not apart. */
static bool is_loss(size_t counter)
{
	return counter != PEEPS_COUNTER_TRUNCATED_TEXT &&
	       counter != PEEPS_COUNTER_OVERFLOW_THREADS &&
	       counter != PEEPS_COUNTER_MISUSED_CHANNELS;
}

static void read_counters(struct peeps_tally *tally, const struct peeps_target *target)
{
	const uint64_t *words = peeps_row(peeps_bounds_rows(target, PEEPS_SECTION_COUNTERS), 0);
	uint64_t count = tally->marks.rows[PEEPS_SECTION_COUNTERS];

	if (count > PEEPS_COUNTER_ROOM)
		count = PEEPS_COUNTER_ROOM;
	for (size_t i = 0; i < count; i++) {
		tally->counters[i] = peeps_load_relaxed(&words[i]);
		if (is_loss(i) &&
		    __builtin_add_overflow(tally->lost, tally->counters[i], &tally->lost))
			tally->lost = UINT64_MAX;
	}
}

int peeps_tally(const struct peeps_target *target, struct peeps_tally *tally,
		struct peeps_problem *problem)
{
	int r;

	memset(tally, 0, sizeof(*tally));
	peeps_bounds_marks(target, &tally->marks);
	r = peeps_image_check_marks(target, &tally->marks, peeps_image_memory_of(target), problem);
	if (r)
		return r;
	count_threads(tally, target);
	count_entities(tally, target);
	count_waits(tally, target);
	read_counters(tally, target);
	return 0;
}
