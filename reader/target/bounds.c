/* SPDX-License-Identifier: MIT */
#include "reader/target/bounds.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include <peeps/atomic.h>
#include "reader/problem.h"

#define HINT_OTHER_VERSION \
	"use the peeps-read that belongs to the library the program was built with"
#define HINT_DAMAGED "the program may have overwritten its segment; nothing in it can be trusted"

/* Indices have 32 bits in references, 20 in an edge's origin; none may name more memory than a reader can index. */
static const uint64_t capacities_max[PEEPS_SECTION_END] = {
	[PEEPS_SECTION_COUNTERS] = PEEPS_PAGE_BYTES,
	[PEEPS_SECTION_SCHEMA] = UINT64_C(1) << 16,
	[PEEPS_SECTION_THREADS] = PEEPS_BOUNDS_THREADS_MAX,
	[PEEPS_SECTION_ENTITIES] = PEEPS_BOUNDS_ENTITIES_MAX,
	[PEEPS_SECTION_EDGES] = PEEPS_BOUNDS_ENTITIES_MAX,
	[PEEPS_SECTION_SITES] = PEEPS_BOUNDS_ENTITIES_MAX,
	[PEEPS_SECTION_SCOPES] = PEEPS_BOUNDS_ENTITIES_MAX,
	[PEEPS_SECTION_MEMBERSHIPS] = PEEPS_BOUNDS_ENTITIES_MAX,
	[PEEPS_SECTION_TEXT] = UINT32_MAX,
};

static const char *const names[PEEPS_SECTION_END] = {
	[PEEPS_SECTION_COUNTERS] = "counters", [PEEPS_SECTION_SCHEMA] = "schema",
	[PEEPS_SECTION_THREADS] = "threads",   [PEEPS_SECTION_ENTITIES] = "entities",
	[PEEPS_SECTION_EDGES] = "edges",       [PEEPS_SECTION_SITES] = "sites",
	[PEEPS_SECTION_SCOPES] = "scopes",     [PEEPS_SECTION_MEMBERSHIPS] = "memberships",
	[PEEPS_SECTION_TEXT] = "text",
};

/* In the order in which a segment comes to life: each answer is "wait", "another version" or "give up". */
static int version_check(const struct peeps_segment_header *header, struct peeps_problem *problem)
{
	if (header->magic == 0)
		return peeps_problem_set(problem, PEEPS_PROBLEM_NO_SEGMENT, -EAGAIN,
					 "try again in a moment", "its segment is not ready yet");
	if (header->magic == __builtin_bswap64(PEEPS_MAGIC))
		return peeps_problem_set(problem, PEEPS_PROBLEM_BAD_SEGMENT, -EPROTONOSUPPORT,
					 "read it on a machine of the same kind",
					 "its segment has another byte order");
	if (header->magic != PEEPS_MAGIC)
		return peeps_problem_set(problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG, HINT_DAMAGED,
					 "what is called its segment does not begin like one");
	if (header->layout_major != PEEPS_LAYOUT_MAJOR)
		return peeps_problem_set(
			problem, PEEPS_PROBLEM_BAD_SEGMENT, -EPROTONOSUPPORT, HINT_OTHER_VERSION,
			"its segment has layout %" PRIu32 ".%" PRIu32
			", and this reader knows %d.x",
			header->layout_major, header->layout_minor, PEEPS_LAYOUT_MAJOR);
	if (header->incompat_flags != 0)
		return peeps_problem_set(
			problem, PEEPS_PROBLEM_BAD_SEGMENT, -EPROTONOSUPPORT, HINT_OTHER_VERSION,
			"its segment uses features 0x%" PRIx32 ", and this reader knows 0x0",
			header->incompat_flags);
	if (header->byte_order != PEEPS_BYTE_ORDER)
		return peeps_problem_set(problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG, HINT_DAMAGED,
					 "its segment has a byte order of its own (0x%08" PRIx32
					 ")",
					 header->byte_order);
	/* Of another minor version the tables are not the same: docs/segment.md says what is. */
	if (header->layout_minor == PEEPS_LAYOUT_MINOR && header->layout_hash != PEEPS_LAYOUT_HASH)
		return peeps_problem_set(problem, PEEPS_PROBLEM_BAD_SEGMENT, -EPROTONOSUPPORT,
					 HINT_OTHER_VERSION,
					 "its segment has a layout %d.%d of its own (%016" PRIx64
					 "), and this reader's is %016" PRIx64,
					 PEEPS_LAYOUT_MAJOR, PEEPS_LAYOUT_MINOR,
					 header->layout_hash, PEEPS_LAYOUT_HASH);
	return 0;
}

static int damaged(struct peeps_problem *problem, const char *what)
{
	return peeps_problem_set(problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG, HINT_DAMAGED,
				 "its segment is damaged: %s", what);
}

static int outline_check(const struct peeps_segment_header *header, uint64_t file_bytes,
			 struct peeps_problem *problem)
{
	if (file_bytes < (uint64_t)PEEPS_SECTIONS_OFFSET || file_bytes > PEEPS_SEGMENT_BYTES_MAX)
		return damaged(problem, "no segment has this size");
	if (header->segment_bytes != file_bytes)
		return damaged(problem, "it names another size than it has");
	if (header->control_offset != PEEPS_CONTROL_OFFSET)
		return damaged(problem, "the control page is not in its place");
	if (header->fence_mode > 1)
		return damaged(problem, "its fence mode is unknown");
	if (!memchr(header->process_name, '\0', sizeof(header->process_name)))
		return damaged(problem, "the process name has no end");
	if (header->section_count > PEEPS_SECTION_MAX)
		return damaged(problem, "it names more sections than there is room for");
	return 0;
}

/* Whether rows may have this size. Fields are only ever appended; offsets of slots are counted in cache lines. */
static bool is_stride_of(uint32_t section, uint32_t stride)
{
	const uint32_t known = peeps_section_stride(section);

	switch (section) {
	case PEEPS_SECTION_COUNTERS:
	case PEEPS_SECTION_TEXT:
		return stride == known; /* words and granules have no fields */
	case PEEPS_SECTION_ENTITIES:
	case PEEPS_SECTION_EDGES:
	case PEEPS_SECTION_THREADS:
		return stride >= known && stride % PEEPS_CACHE_LINE == 0;
	default:
		return stride >= known && stride % sizeof(uint64_t) == 0;
	}
}

static bool entry_end(const struct peeps_section_entry *entry, uint64_t *end)
{
	uint64_t bytes;

	return !__builtin_mul_overflow(entry->capacity, (uint64_t)entry->stride, &bytes) &&
	       !__builtin_add_overflow(entry->offset, bytes, end);
}

static int entry_damaged(const struct peeps_section_entry *entry, struct peeps_problem *problem,
			 const char *what)
{
	const bool known = entry->id > PEEPS_SECTION_NONE && entry->id < PEEPS_SECTION_END;

	return peeps_problem_set(problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG, HINT_DAMAGED,
				 "its segment is damaged: section %" PRIu32 " (%s) %s", entry->id,
				 known ? names[entry->id] : "unknown", what);
}

/* Sections that we do not know must be sound all the same: they may not overlap the ones that we do. */
static int entry_check(const struct peeps_section_entry *entry, uint64_t file_bytes,
		       struct peeps_problem *problem)
{
	uint64_t end;

	if (entry->offset % PEEPS_PAGE_BYTES != 0)
		return entry_damaged(entry, problem, "begins within a page");
	if (entry->offset < (uint64_t)PEEPS_SECTIONS_OFFSET)
		return entry_damaged(entry, problem, "overlaps the header");
	if (!entry_end(entry, &end) || end > file_bytes)
		return entry_damaged(entry, problem, "reaches beyond the end");
	if (entry->id >= PEEPS_SECTION_END)
		return 0;
	if (entry->id == PEEPS_SECTION_NONE)
		return entry_damaged(entry, problem, "has no meaning");
	if (!is_stride_of(entry->id, entry->stride))
		return entry_damaged(entry, problem, "has rows of another size");
	if (entry->capacity > capacities_max[entry->id])
		return entry_damaged(entry, problem, "is larger than references can reach");
	return 0;
}

static bool entries_overlap(const struct peeps_section_entry *a,
			    const struct peeps_section_entry *b)
{
	uint64_t a_end = 0, b_end = 0;

	/* Checked entries: neither overflows. */
	(void)entry_end(a, &a_end);
	(void)entry_end(b, &b_end);
	return a->offset < b_end && b->offset < a_end && a->offset < a_end && b->offset < b_end;
}

static int sections_check(const struct peeps_segment_header *header, uint64_t file_bytes,
			  struct peeps_problem *problem)
{
	uint32_t seen = 0;

	for (uint32_t i = 0; i < header->section_count; i++) {
		const struct peeps_section_entry *entry = &header->sections[i];
		const int r = entry_check(entry, file_bytes, problem);

		if (r)
			return r;
		for (uint32_t before = 0; before < i; before++) {
			if (entries_overlap(entry, &header->sections[before]))
				return entry_damaged(entry, problem, "overlaps another");
		}
		if (entry->id >= PEEPS_SECTION_END)
			continue; /* of a later minor version */
		if (seen & UINT32_C(1) << entry->id)
			return entry_damaged(entry, problem, "is there twice");
		seen |= UINT32_C(1) << entry->id;
	}
	for (uint32_t id = 1; id < PEEPS_SECTION_END; id++) {
		if (!(seen & UINT32_C(1) << id))
			return entry_damaged(&(struct peeps_section_entry){ .id = id }, problem,
					     "is missing");
	}
	return 0;
}

int peeps_bounds_check(const struct peeps_segment_header *header, uint64_t file_bytes,
		       struct peeps_problem *problem)
{
	int r = version_check(header, problem);

	if (!r)
		r = outline_check(header, file_bytes, problem);
	if (!r)
		r = sections_check(header, file_bytes, problem);
	return r;
}

const struct peeps_section_entry *peeps_bounds_section(const struct peeps_segment_header *header,
						       enum peeps_section_id id)
{
	for (uint32_t i = 0; i < header->section_count && i < PEEPS_SECTION_MAX; i++) {
		if (header->sections[i].id == id)
			return &header->sections[i];
	}
	return NULL;
}

void peeps_bounds_marks(const struct peeps_target *target, struct peeps_marks *marks)
{
	const struct peeps_segment_header *live = (const struct peeps_segment_header *)target->base;

	*marks = (struct peeps_marks){ 0 };
	for (uint32_t i = 0; i < target->header.section_count; i++) {
		const struct peeps_section_entry *checked = &target->header.sections[i];
		uint64_t rows;

		if (checked->id >= PEEPS_SECTION_END)
			continue;
		/* Acquire: rows that are published by the mark alone (sites, text, schema). Pairs with its raising. */
		rows = peeps_load_acquire(&live->sections[i].high_water);
		if (rows > checked->capacity) {
			rows = checked->capacity;
			marks->clamped++;
		}
		marks->rows[checked->id] = rows;
	}
}

struct peeps_rows peeps_bounds_rows(const struct peeps_target *target, enum peeps_section_id id)
{
	const struct peeps_section_entry *entry = peeps_bounds_section(&target->header, id);

	return (struct peeps_rows){ .first = target->base + entry->offset,
				    .stride = entry->stride };
}
