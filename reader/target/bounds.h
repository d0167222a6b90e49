/* SPDX-License-Identifier: MIT */
/* Is this a segment we can read, and how far may we read in it? The one place that believes a header, or not. */
#ifndef PEEPS_READER_BOUNDS_H
#define PEEPS_READER_BOUNDS_H

#include <stddef.h>
#include <stdint.h>

#include "layout/segment.h"

struct peeps_problem;
struct peeps_target;

#define PEEPS_BOUNDS_ENTITIES_MAX (UINT64_C(1) << 28)
#define PEEPS_BOUNDS_THREADS_MAX  PEEPS_EDGE_THREAD_MASK

/**
 * peeps_bounds_check - whether a header is one that we can read by
 * @header:     a private copy, which cannot change under us
 * @file_bytes: the segment's real size
 * @problem:    why and hint are filled on failure
 *
 * The layout is of our major version: any of another minor one, ours if that is the same. Every known section is there
 * once, with rows no shorter than ours, inside the file, and overlaps nothing.
 * Returns 0; -EAGAIN not ready yet; -EPROTONOSUPPORT another layout; -EBADMSG not a sound segment.
 */
int peeps_bounds_check(const struct peeps_segment_header *header, uint64_t file_bytes,
		       struct peeps_problem *problem);

/**
 * peeps_bounds_section - the section's entry in a checked header; never NULL for a known id
 */
const struct peeps_section_entry *peeps_bounds_section(const struct peeps_segment_header *header,
						       enum peeps_section_id id);

/* Rows that may be read, per section: the high-water marks, none beyond its section's capacity. */
struct peeps_marks {
	uint64_t rows[PEEPS_SECTION_END];
	uint32_t clamped; /* marks that claimed more than the capacity */
};

/**
 * peeps_bounds_marks - read the live high-water marks (acquire: what lies below each was written before)
 */
void peeps_bounds_marks(const struct peeps_target *target, struct peeps_marks *marks);

/* The rows of a section in the mapped segment, of which a later minor version may have longer ones. */
struct peeps_rows {
	const unsigned char *first;
	size_t stride; /* bytes; a multiple of 8 */
};

struct peeps_rows peeps_bounds_rows(const struct peeps_target *target, enum peeps_section_id id);

/* A row below the section's mark. */
static inline const void *peeps_row(struct peeps_rows rows, uint64_t row)
{
	return rows.first + row * rows.stride;
}

#endif
