/* SPDX-License-Identifier: MIT */
/*
 * Rule 12 of docs/protocol.md. Two scans of all transaction words, and the copy between them. A thread whose word was
 * even and the same in both was in no section meanwhile ("settled"), so whatever only it may write stood still.
 */
#include "reader/cut/passive.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <peeps/atomic.h>
#include <peeps/fault.h>
#include "reader/cut/barrier.h"
#include "reader/target/bounds.h"
#include "reader/clock.h"
#include "reader/format/print.h"
#include "reader/target/proc.h"
#include "reader/problem.h"

#define LOOK_TRIES 3 /* a target that is seldom busy is mostly found at rest */
#define LOOK_NS    UINT64_C(1000000000)

struct look {
	struct peeps_target *target;
	struct peeps_image *image;
	struct peeps_problem *problem;
	struct peeps_marks marks;
	uint64_t deadline_ns;
	bool ordered; /* the second scan really is later than the copy, on every processor */
};

static const struct peeps_thread *record_at(struct peeps_rows records, size_t record)
{
	return peeps_row(records, record);
}

static void first_scan(struct look *look)
{
	const struct peeps_rows records = peeps_bounds_rows(look->target, PEEPS_SECTION_THREADS);

	for (size_t record = 0; record < look->marks.rows[PEEPS_SECTION_THREADS]; record++) {
		struct peeps_thread_view *thread = &look->image->threads[record];

		/* Acquire: the words of every section that ended before. Pairs with the section's last store. */
		thread->txn = peeps_load_acquire(&record_at(records, record)->txn);
		thread->stuck = false;
		peeps_image_copy_thread(look->image, look->target, record);
	}
}

/*
 * Which slots are being written now: a section that is open at the copy and still at the comparison may have left a
 * slot half written in both, and is open here. What its slots said of their writers does not matter then.
 */
static void read_write_sets(struct look *look)
{
	const struct peeps_rows records = peeps_bounds_rows(look->target, PEEPS_SECTION_THREADS);

	for (size_t record = 0; record < look->image->thread_count; record++) {
		for (size_t i = 0; i < PEEPS_WRITE_SET_MAX; i++)
			look->image->threads[record].write_set[i] =
				peeps_load_relaxed(&record_at(records, record)->write_set[i]);
	}
}

/* Returns how many threads were, or may have been, in a section since the first scan. */
static size_t second_scan(struct look *look)
{
	const struct peeps_rows records = peeps_bounds_rows(look->target, PEEPS_SECTION_THREADS);
	size_t unsettled = 0;

	for (size_t record = 0; record < look->image->thread_count; record++) {
		struct peeps_thread_view *thread = &look->image->threads[record];

		thread->settled =
			look->ordered && !(thread->txn & 1) &&
			peeps_load_acquire(&record_at(records, record)->txn) == thread->txn;
		unsettled += !thread->settled;
	}
	return unsettled;
}

static bool words_agree(const uint64_t *copy, const uint64_t *live, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (copy[i] != peeps_load_relaxed(&live[i]))
			return false;
	}
	return true;
}

/* --- the second copy, which is only compared -------------------------------------------------------------------- */

static void compare_entities(struct look *look)
{
	const struct peeps_rows slots = peeps_bounds_rows(look->target, PEEPS_SECTION_ENTITIES);

	for (size_t i = 0; i < look->image->entity_count; i++) {
		struct peeps_entity_view *view = &look->image->entities[i];
		const struct peeps_entity_slot *slot = peeps_row(slots, view->index);

		view->uncertain = !words_agree(&view->status, &slot->status, 1) ||
				  !words_agree(view->body, slot->body, PEEPS_BODY_WORDS) ||
				  !words_agree(&view->identity, &slot->identity, 1);
	}
}

static void compare_edges(struct look *look)
{
	const struct peeps_rows slots = peeps_bounds_rows(look->target, PEEPS_SECTION_EDGES);

	for (size_t i = 0; i < look->image->edge_count; i++) {
		struct peeps_edge_view *view = &look->image->edges[i];
		const struct peeps_edge_slot *slot = peeps_row(slots, view->index);

		/* {slot, wait sequence} and all else that says which wait this is. */
		view->uncertain = !words_agree(&view->wait, &slot->wait, 1) ||
				  !words_agree(&view->status, &slot->status, 1) ||
				  !words_agree(&view->src, &slot->src, 1) ||
				  !words_agree(&view->dst, &slot->dst, 1) ||
				  !words_agree(&view->origin, &slot->origin, 1);
	}
}

/* --- what is proved --------------------------------------------------------------------------------------------- */

static bool is_settled(const struct peeps_image *image, uint64_t record)
{
	return record < image->thread_count && image->threads[record].settled;
}

static const struct peeps_entity_view *entity_find(const struct peeps_image *image, uint64_t ref)
{
	const struct peeps_entity_view *entity =
		peeps_image_entity(image, (uint32_t)(ref & PEEPS_REF_INDEX_MASK));

	return entity && entity->identity == ref ? entity : NULL;
}

static uint32_t kind_of(const struct peeps_entity_view *entity)
{
	return entity->kind & 0xffff;
}

/* A thread's own entity is written by that thread alone. */
static bool thread_stood_still(const struct peeps_image *image,
			       const struct peeps_entity_view *entity)
{
	const uint64_t record =
		entity->body[PEEPS_THREAD_RECORD_WORD] >> PEEPS_THREAD_RECORD_SHIFT &
		((UINT64_C(1) << PEEPS_THREAD_RECORD_BITS) - 1);

	return is_settled(image, record) && image->threads[record].entity == entity->identity;
}

/* Where a task runs may change while we look; a thread of its own right is what it is. */
static bool holder_stood_still(const struct peeps_image *image, uint64_t ref)
{
	const struct peeps_entity_view *holder = entity_find(image, ref);

	return holder && !holder->uncertain && kind_of(holder) == PEEPS_KIND_THREAD &&
	       thread_stood_still(image, holder);
}

/*
 * Who has the right to write a slot has to have stood still: for a thread itself, for a lock that is held its
 * holder. A free lock is anybody's; so, for us, is all else.
 */
static bool entity_stood_still(const struct peeps_image *image,
			       const struct peeps_entity_view *entity)
{
	switch (kind_of(entity)) {
	case PEEPS_KIND_THREAD:
		return thread_stood_still(image, entity);
	case PEEPS_KIND_MUTEX:
	case PEEPS_KIND_ONCE_CELL:
	case PEEPS_KIND_RWLOCK: /* who writes it is said by the same word */
		return holder_stood_still(image, entity->body[PEEPS_MUTEX_HOLDER_WORD] &
							 ~PEEPS_HOLDER_DEEP);
	default:
		return false;
	}
}

/*
 * An operation says which thread wrote it. What an actor holds of a lock or a semaphore only that actor changes; a
 * channel's handle may be another's at any moment, and of a link nobody says who makes it.
 */
static bool edge_stood_still(const struct peeps_image *image, const struct peeps_edge_view *edge)
{
	const uint64_t role = edge->status >> PEEPS_HOLD_ROLE_SHIFT & PEEPS_HOLD_NIBBLE_MASK;

	switch (edge->status >> PEEPS_EDGE_KIND_SHIFT & PEEPS_EDGE_BYTE_MASK) {
	case PEEPS_EDGE_NEEDS:
		return is_settled(image,
				  edge->origin >> PEEPS_EDGE_THREAD_SHIFT & PEEPS_EDGE_THREAD_MASK);
	case PEEPS_EDGE_HOLDS:
		return (role == PEEPS_HOLD_ROLE_LOCK || role == PEEPS_HOLD_ROLE_PERMIT) &&
		       holder_stood_still(image, edge->dst);
	default:
		return false;
	}
}

static void doubt_the_rest(struct look *look)
{
	struct peeps_image *image = look->image;

	for (size_t i = 0; i < image->entity_count; i++)
		image->entities[i].uncertain |= !entity_stood_still(image, &image->entities[i]);
	for (size_t i = 0; i < image->edge_count; i++) {
		struct peeps_edge_view *edge = &image->edges[i];

		edge->uncertain |= !edge_stood_still(image, edge);
	}
	/* An edge may change hands: then its origin is not yet that of the thread which is writing it. */
	for (size_t record = 0; record < image->thread_count; record++) {
		if (!image->threads[record].settled)
			(void)peeps_image_doubt(image, look->target, &look->marks,
						image->threads[record].write_set);
	}
}

/* --- the look --------------------------------------------------------------------------------------------------- */

static int copy(struct look *look)
{
	int r = peeps_image_copy_entities(look->image, look->target, &look->marks,
					  PEEPS_IMAGE_ANY_EPOCH, look->deadline_ns);

	if (!r)
		r = peeps_image_copy_edges(look->image, look->target, &look->marks,
					   PEEPS_IMAGE_ANY_EPOCH, look->deadline_ns);
	if (!r)
		r = peeps_image_copy_rows(look->image, look->target, &look->marks,
					  PEEPS_IMAGE_ANY_EPOCH, look->deadline_ns);
	if (r)
		return peeps_problem_set(look->problem, PEEPS_PROBLEM_NO_CUT, -EAGAIN, "",
					 "its segment could not be copied in time");
	peeps_image_copy_rest(look->image, look->target, &look->marks);
	return 0;
}

static bool marks_agree(const struct look *look)
{
	struct peeps_marks now;

	peeps_bounds_marks(look->target, &now);
	return memcmp(now.rows, look->marks.rows, sizeof(now.rows)) == 0;
}

/* The latest of the stamps that the process left, since its segment was made; none that lies in the future. */
static uint64_t last_ptime_ns(const struct peeps_image *image, uint64_t limit_ns)
{
	uint64_t last_ns = image->tick_ns <= limit_ns ? image->tick_ns : 0;

	for (size_t i = 0; i < image->entity_count; i++) {
		const uint64_t stamp_ns = image->entities[i].created_ns;

		if (stamp_ns > last_ns && stamp_ns <= limit_ns)
			last_ns = stamp_ns;
	}
	for (size_t i = 0; i < image->edge_count; i++) {
		const uint64_t stamp_ns = image->edges[i].last_change_ns;

		if (stamp_ns > last_ns && stamp_ns <= limit_ns)
			last_ns = stamp_ns;
	}
	return last_ns;
}

/* We look now, but what is shown is of then: no wait has grown since. */
static void date_back(struct look *look)
{
	const struct peeps_segment_header *header = &look->target->header;
	struct peeps_image *image = look->image;
	char time[PEEPS_TIME_BYTES];
	uint64_t last_ns = 0;

	if (header->start_realtime_ns < image->taken_at_unix_ns)
		last_ns = last_ptime_ns(image, image->taken_at_unix_ns - header->start_realtime_ns);
	image->taken_at_unix_ns = header->start_realtime_ns + last_ns;
	image->taken_at_monotonic_ns = header->start_monotonic_ns + last_ns;
	peeps_image_note(image, "%s when it last moved, at %s",
			 image->dumped ? "from a core file: the process as it was"
				       : "the process is no more; this is what it left",
			 peeps_time_utc(time, image->taken_at_unix_ns));
}

/* Of a process that is no more, nothing can move: all is exact but for sections that were never ended. */
static void judge_dead(struct look *look)
{
	struct peeps_image *image = look->image;

	image->exited = true;
	image->quality = PEEPS_QUALITY_QUIESCENT;
	for (size_t record = 0; record < image->thread_count; record++) {
		struct peeps_thread_view *thread = &image->threads[record];

		thread->settled = true;
		thread->stuck = thread->txn & 1;
	}
	peeps_image_note_stuck(image, look->target, &look->marks);
}

static int look_once(struct look *look)
{
	const bool dead = look->target->is_over ||
			  (look->target->proc_fd >= 0 && peeps_proc_has_exited(look->target));
	const uint64_t began_ns = peeps_clock_monotonic_ns();
	struct peeps_image *image = look->image;
	size_t unsettled;
	int r = peeps_target_refresh(look->target, PEEPS_PART_ALL, look->problem);

	if (r)
		return r;
	peeps_bounds_marks(look->target, &look->marks);
	r = peeps_image_begin(image, look->target, &look->marks, look->problem);
	if (r)
		return r;
	first_scan(look);
	PEEPS_STEP(PEEPS_STEP_LOOK_SCANNED);
	image->taken_at_monotonic_ns = peeps_clock_monotonic_ns();
	image->taken_at_unix_ns = peeps_clock_ns(CLOCK_REALTIME);
	r = copy(look);
	if (r)
		return r;
	if (dead) {
		if (look->target->is_over)
			date_back(look);
		judge_dead(look);
		return 0;
	}
	/* A section whose words we may have copied has an odd txn by now, and its write set, whatever the order its stores
	 * came in: in the second scan that txn shows. x86 stores in order and needs no membarrier for that. */
	look->ordered = peeps_barrier_process(look->target->header.fence_mode);
#if defined(__x86_64__)
	look->ordered = true;
#endif
	peeps_fence_acquire(); /* the copy before the write sets, and before the second scan */
	r = peeps_target_refresh(look->target, PEEPS_PART_THREADS, look->problem);
	read_write_sets(look);
	peeps_fence_acquire(); /* the write sets before the comparison */
	if (!r)
		r = peeps_target_refresh(look->target, PEEPS_PART_SLOTS, look->problem);
	compare_entities(look);
	compare_edges(look);
	if (!r)
		r = peeps_target_refresh(look->target, PEEPS_PART_THREADS, look->problem);
	unsettled = second_scan(look);
	if (!r)
		r = peeps_target_refresh(look->target, PEEPS_PART_MARKS, look->problem);
	if (r)
		return r;
	image->cut_ns = peeps_clock_monotonic_ns() - began_ns;
	image->quality = unsettled == 0 && marks_agree(look) ? PEEPS_QUALITY_QUIESCENT
							     : PEEPS_QUALITY_PASSIVE;
	return 0;
}

static void settle_quality(struct look *look)
{
	struct peeps_image *image = look->image;

	if (image->exited)
		return;
	if (image->quality == PEEPS_QUALITY_PASSIVE) {
		doubt_the_rest(look);
		return;
	}
	for (size_t i = 0; i < image->entity_count; i++)
		image->entities[i].uncertain = false;
	for (size_t i = 0; i < image->edge_count; i++)
		image->edges[i].uncertain = false;
}

int peeps_passive_look(struct peeps_target *target, struct peeps_image *image,
		       struct peeps_problem *problem)
{
	struct look look = { .target = target,
			     .image = image,
			     .problem = problem,
			     .deadline_ns = peeps_clock_monotonic_ns() + LOOK_NS };

	for (int i = 0; i < LOOK_TRIES; i++) {
		const int r = look_once(&look);

		if (r)
			return r;
		if (image->quality != PEEPS_QUALITY_PASSIVE)
			break;
	}
	settle_quality(&look);
	return 0;
}
