/* SPDX-License-Identifier: MIT */
/* Copying slots and rows while they are written: the reader's half of the letters B to E of docs/protocol.md. */
#include "reader/cut/image.h"

#include <errno.h>
#include <string.h>

#include <peeps/atomic.h>
#include <peeps/fault.h>
#include "reader/clock.h"
#include "reader/target/attach.h"
#include "reader/target/bounds.h"

#define CLOCK_EVERY UINT64_C(65536) /* slots copied between two looks at the clock */

static inline void words_copy(uint64_t *to, const uint64_t *from, size_t count)
{
	for (size_t i = 0; i < count; i++)
		to[i] = peeps_load_relaxed(&from[i]);
}

static inline bool words_agree(const uint64_t *copy, const uint64_t *live, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (copy[i] != peeps_load_relaxed(&live[i]))
			return false;
	}
	return true;
}

/*
 * A slot as a row of words: its epoch, its hot words, their shadow; an edge's details and their shadow behind.
 */
#define SLOT_EPOCH          0
#define SLOT_HOT            (offsetof(struct peeps_entity_slot, status) / sizeof(uint64_t))
#define SLOT_SHADOW         (offsetof(struct peeps_entity_slot, shadow) / sizeof(uint64_t))
#define SLOT_IDENTITY       (offsetof(struct peeps_entity_slot, kind) / sizeof(uint64_t))
#define EDGE_DETAILS        (offsetof(struct peeps_edge_slot, details) / sizeof(uint64_t))
#define EDGE_DETAILS_SHADOW (offsetof(struct peeps_edge_slot, details_shadow) / sizeof(uint64_t))
#define IDENTITY_WORDS      8

_Static_assert(offsetof(struct peeps_edge_slot, status) ==
			       offsetof(struct peeps_entity_slot, status) &&
		       offsetof(struct peeps_edge_slot, shadow) ==
			       offsetof(struct peeps_entity_slot, shadow),
	       "both slots have their hot words and shadow in the same places");
_Static_assert(offsetof(struct peeps_entity_view, kind) == PEEPS_HOT_WORDS * sizeof(uint64_t) &&
		       offsetof(struct peeps_entity_view, index) ==
			       (PEEPS_HOT_WORDS + IDENTITY_WORDS) * sizeof(uint64_t),
	       "an entity's view begins like its slot: hot words, identity");
_Static_assert(offsetof(struct peeps_edge_view, details) == PEEPS_HOT_WORDS * sizeof(uint64_t) &&
		       offsetof(struct peeps_edge_view, index) ==
			       (PEEPS_HOT_WORDS + PEEPS_DETAIL_WORDS) * sizeof(uint64_t),
	       "an edge's view begins like its slot: hot words, details");

/*
 * The words that the cut shows: the hot ones if no section of a later epoch has touched the slot, else those that
 * the first such section saved. Returns whether the shadow answered.
 */
static inline bool slot_copy(uint64_t *view, const uint64_t *slot, size_t detail_words,
			     uint64_t cut_epoch)
{
	/* C: the slot's epoch before its words; if it is a later one, its shadow is complete. Pairs with B. */
	if (peeps_load_acquire(&slot[SLOT_EPOCH]) <= cut_epoch || PEEPS_MUTATED(NO_EPOCH_TEST)) {
		words_copy(view, slot + SLOT_HOT, PEEPS_HOT_WORDS);
		words_copy(view + PEEPS_HOT_WORDS, slot + EDGE_DETAILS, detail_words);
		if (PEEPS_MUTATED(NO_RECHECK) || PEEPS_MUTATED(NO_EPOCH_TEST))
			return false;
		/* E: a word of a later epoch above means that epoch below. Pairs with D. */
		peeps_fence_acquire();
		/* C again: the shadow is what is read next. Pairs with B. */
		if (peeps_load_acquire(&slot[SLOT_EPOCH]) <= cut_epoch)
			return false;
	}
	words_copy(view, slot + SLOT_SHADOW, PEEPS_HOT_WORDS);
	words_copy(view + PEEPS_HOT_WORDS, slot + EDGE_DETAILS_SHADOW, detail_words);
	return true;
}

/* Only one epoch can follow the cut's while we hold the lock. */
static bool epoch_is_possible(const uint64_t *slot, uint64_t cut_epoch)
{
	return peeps_load_relaxed(&slot[SLOT_EPOCH]) <= cut_epoch + 1;
}

static bool shadow_answered(struct peeps_image *image, const uint64_t *slot, uint64_t cut_epoch)
{
	image->shadow_answers++;
	if (epoch_is_possible(slot, cut_epoch))
		return false;
	image->future_epochs++;
	return true;
}

static bool is_late(uint64_t row, uint64_t deadline_ns)
{
	return row % CLOCK_EVERY == 0 && peeps_clock_monotonic_ns() >= deadline_ns;
}

int peeps_image_copy_entities(struct peeps_image *image, const struct peeps_target *target,
			      const struct peeps_marks *marks, uint64_t cut_epoch,
			      uint64_t deadline_ns)
{
	const struct peeps_rows slots = peeps_bounds_rows(target, PEEPS_SECTION_ENTITIES);
	const uint64_t count = marks->rows[PEEPS_SECTION_ENTITIES];
	struct peeps_entity_view *view = image->entities;

	for (uint64_t row = 0; row < count; row++) {
		const uint64_t *slot = peeps_row(slots, row);
		uint64_t *words = (uint64_t *)view;

		if (is_late(row, deadline_ns))
			return -ETIME;
		view->uncertain = false;
		if (slot_copy(words, slot, 0, cut_epoch))
			view->uncertain = shadow_answered(image, slot, cut_epoch);
		if ((view->status & PEEPS_STATUS_LIFE_MASK) != PEEPS_LIFE_LIVE)
			continue;
		/* No barrier: a life's identity is written before it is live, and rests until no cut can see it. */
		words_copy(words + PEEPS_HOT_WORDS, slot + SLOT_IDENTITY, IDENTITY_WORDS);
		view->index = (uint32_t)row;
		view++;
	}
	image->entity_count = (size_t)(view - image->entities);
	return 0;
}

int peeps_image_copy_edges(struct peeps_image *image, const struct peeps_target *target,
			   const struct peeps_marks *marks, uint64_t cut_epoch,
			   uint64_t deadline_ns)
{
	const struct peeps_rows slots = peeps_bounds_rows(target, PEEPS_SECTION_EDGES);
	const uint64_t count = marks->rows[PEEPS_SECTION_EDGES];
	struct peeps_edge_view *view = image->edges;

	for (uint64_t row = 0; row < count; row++) {
		const uint64_t *slot = peeps_row(slots, row);

		if (is_late(row, deadline_ns))
			return -ETIME;
		view->uncertain = false;
		if (slot_copy((uint64_t *)view, slot, PEEPS_DETAIL_WORDS, cut_epoch))
			view->uncertain = shadow_answered(image, slot, cut_epoch);
		if ((view->status >> PEEPS_EDGE_KIND_SHIFT & PEEPS_EDGE_BYTE_MASK) ==
		    PEEPS_EDGE_NONE)
			continue;
		view->index = (uint32_t)row;
		view++;
	}
	image->edge_count = (size_t)(view - image->edges);
	return 0;
}

/* --- rows without a shadow ------------------------------------------------------------------------------------- */

/* Both begin with born and died; what follows never changes during a life. */
#define ROW_BORN 0
#define ROW_DIED 1
#define ROW_REST 2

_Static_assert(offsetof(struct peeps_scope_row, died) == ROW_DIED * sizeof(uint64_t) &&
		       offsetof(struct peeps_membership_row, died) == ROW_DIED * sizeof(uint64_t),
	       "a row begins with the epochs of its life");
_Static_assert(offsetof(struct peeps_scope_view, index) ==
			       sizeof(struct peeps_scope_row) - ROW_REST * sizeof(uint64_t) &&
		       sizeof(struct peeps_membership_view) ==
			       sizeof(struct peeps_membership_row) - ROW_REST * sizeof(uint64_t),
	       "a row's view is the row but for its epochs");

/*
 * Copy a row's words if the cut shows it: born in its epoch or before, and not ended by then. The section that makes or
 * ends a row writes one word of it, so a thread that was given up on has done it or has not: both are right.
 */
static bool row_copy(uint64_t *view, const uint64_t *row, size_t words, uint64_t cut_epoch)
{
	/* Acquire: the words of that life. Pairs with the release that stored it. */
	const uint64_t born = peeps_load_acquire(&row[ROW_BORN]);
	uint64_t died;

	if (born == 0 || born > cut_epoch)
		return false;
	died = peeps_load_relaxed(&row[ROW_DIED]);
	words_copy(view, row + ROW_REST, words);
	/* A word of the next life above means another born below. Pairs with the fence between `born = 0` and the words
	 * that begin that life. In a cut that is enough: the next life is of a later epoch. In a passive look it may be of
	 * the same one, so the words are compared as well, behind an acquire for that reason. */
	peeps_fence_acquire();
	return peeps_load_acquire(&row[ROW_BORN]) == born &&
	       words_agree(view, row + ROW_REST, words) && (died == 0 || died > cut_epoch);
}

static int scopes_copy(struct peeps_image *image, const struct peeps_target *target, uint64_t count,
		       uint64_t cut_epoch, uint64_t deadline_ns)
{
	const struct peeps_rows rows = peeps_bounds_rows(target, PEEPS_SECTION_SCOPES);
	struct peeps_scope_view *view = image->scopes;

	for (uint64_t row = 0; row < count; row++) {
		if (is_late(row, deadline_ns))
			return -ETIME;
		if (!row_copy((uint64_t *)view, peeps_row(rows, row),
			      sizeof(struct peeps_scope_row) / sizeof(uint64_t) - ROW_REST,
			      cut_epoch))
			continue;
		view->index = (uint32_t)row;
		view++;
	}
	image->scope_count = (size_t)(view - image->scopes);
	return 0;
}

static int memberships_copy(struct peeps_image *image, const struct peeps_target *target,
			    uint64_t count, uint64_t cut_epoch, uint64_t deadline_ns)
{
	const struct peeps_rows rows = peeps_bounds_rows(target, PEEPS_SECTION_MEMBERSHIPS);
	struct peeps_membership_view *view = image->memberships;

	for (uint64_t row = 0; row < count; row++) {
		if (is_late(row, deadline_ns))
			return -ETIME;
		view += row_copy((uint64_t *)view, peeps_row(rows, row),
				 sizeof(struct peeps_membership_row) / sizeof(uint64_t) - ROW_REST,
				 cut_epoch);
	}
	image->membership_count = (size_t)(view - image->memberships);
	return 0;
}

int peeps_image_copy_rows(struct peeps_image *image, const struct peeps_target *target,
			  const struct peeps_marks *marks, uint64_t cut_epoch, uint64_t deadline_ns)
{
	const int r = scopes_copy(image, target, marks->rows[PEEPS_SECTION_SCOPES], cut_epoch,
				  deadline_ns);

	return r ? r
		 : memberships_copy(image, target, marks->rows[PEEPS_SECTION_MEMBERSHIPS],
				    cut_epoch, deadline_ns);
}

/* --- the rest --------------------------------------------------------------------------------------------------- */

/* Of each row the fields that we know. */
static void rows_copy(void *to, const struct peeps_target *target, enum peeps_section_id section,
		      uint64_t count)
{
	const struct peeps_rows rows = peeps_bounds_rows(target, section);
	const size_t words = peeps_section_stride(section) / sizeof(uint64_t);
	uint64_t *copy = to;

	if (rows.stride == words * sizeof(uint64_t)) {
		words_copy(copy, peeps_row(rows, 0), count * words);
		return;
	}
	for (uint64_t row = 0; row < count; row++)
		words_copy(copy + row * words, peeps_row(rows, row), words);
}

void peeps_image_copy_rest(struct peeps_image *image, const struct peeps_target *target,
			   const struct peeps_marks *marks)
{
	const uint64_t *rows = marks->rows;
	const struct peeps_control *control =
		(const struct peeps_control *)(target->base + PEEPS_CONTROL_OFFSET);
	uint64_t counters = rows[PEEPS_SECTION_COUNTERS];

	if (counters > PEEPS_COUNTER_ROOM)
		counters = PEEPS_COUNTER_ROOM;
	memset(image->counters, 0, sizeof(image->counters));
	rows_copy(image->counters, target, PEEPS_SECTION_COUNTERS, counters);
	if (image->schema_count != rows[PEEPS_SECTION_SCHEMA])
		rows_copy(image->schema, target, PEEPS_SECTION_SCHEMA, rows[PEEPS_SECTION_SCHEMA]);
	image->schema_count = rows[PEEPS_SECTION_SCHEMA];
	rows_copy(image->sites, target, PEEPS_SECTION_SITES, rows[PEEPS_SECTION_SITES]);
	image->site_count = rows[PEEPS_SECTION_SITES];
	rows_copy(image->text, target, PEEPS_SECTION_TEXT, rows[PEEPS_SECTION_TEXT]);
	image->text_bytes = rows[PEEPS_SECTION_TEXT] * PEEPS_TEXT_GRANULE;
	image->tick_ns = peeps_load_relaxed(&control->tick_ns);
	image->tick_period_ns = peeps_load_relaxed(&control->tick_period_ns);
}

void peeps_image_copy_thread(struct peeps_image *image, const struct peeps_target *target,
			     size_t record)
{
	const struct peeps_thread *thread =
		peeps_row(peeps_bounds_rows(target, PEEPS_SECTION_THREADS), record);
	struct peeps_thread_view *view = &image->threads[record];

	words_copy(view->write_set, thread->write_set, PEEPS_WRITE_SET_MAX);
	view->actor = peeps_load_relaxed(&thread->actor);
	view->tid = peeps_load_relaxed(&thread->tid);
	view->state = peeps_load_relaxed(&thread->state);
	view->order_violations = peeps_load_relaxed(&thread->order_violations);
	view->entity = peeps_load_relaxed(&thread->entity);
	view->exists = false;
	view->comm[0] = '\0';
	image->thread_count = record + 1;
}
