/* SPDX-License-Identifier: MIT */
/* The segment of this process: made, mapped, and its pages reserved before they are written. */
#ifndef PEEPS_WRITER_SEGMENT_H
#define PEEPS_WRITER_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "layout/segment.h"

/**
 * struct segment - where this process's segment is mapped
 * @base:     NULL until there is one; a forked child's segment takes the address of its parent's
 * @reserved: bytes from each section's start that have pages behind them: written without asking
 *            anybody
 */
struct segment {
	unsigned char *base;
	size_t bytes;
	struct peeps_segment_header *header;
	struct peeps_control *control;
	uint64_t reserved[PEEPS_SECTION_MAX]; /* under the process lock */
	uint64_t start_monotonic_ns;
	uint64_t inode, device; /* of the file: whether a descriptor is still ours */
	/* as it was at the start: the program may have closed it and reused the number */
	int descriptor;
};

extern struct segment peeps_segment;

/**
 * segment_create - an empty, ready segment: in a file that is kept, if that is wanted and possible, else in a sealed memfd
 * @refused: why it cannot be kept: no file is tried then; PEEPS_NOT_KEPT_NOT_WANTED: not known yet. Set if one was
 *           tried in vain; the header says so
 *
 * At the first call in a process lineage the place is found, later it is the same place again.
 * Returns false if it cannot be had; nothing is left behind then.
 * Context: process lock held, or no other thread. Makes syscalls; magic is not stored yet:
 * segment_publish().
 */
bool segment_create(uint32_t fence_mode, enum peeps_not_kept *refused);

/* Undo segment_create(), before anybody has been told of it. */
void segment_discard(void);

/* Last step of the start: readers may attach from now on. */
void segment_publish(void);

/**
 * segment_abandon - in a forked child: cut the mapping loose from the parent's segment
 *
 * Private empty pages take its place, so that no pointer goes wrong and no store reaches the
 * parent. Returns false if even that failed: then no wrapper may touch it again. Async-signal-safe.
 */
bool segment_abandon(void);

/* Close the segment's descriptor, the parent's in a forked child, if its number still means that. */
void segment_close_inherited(void);

/**
 * segment_reserve - make sure that a section's first @rows rows have pages
 *
 * Returns false without memory (a full tmpfs, a limit): nothing was written, and no signal comes of
 * it. Context: process lock held; not inside a section.
 */
bool segment_reserve(enum peeps_section_id section, uint64_t rows);

/* Raise the mark up to which readers look. Before the first section that writes such a row. */
void segment_raise(enum peeps_section_id section, uint64_t rows);

static inline struct peeps_section_entry *segment_section(enum peeps_section_id section)
{
	return &peeps_segment.header->sections[section - 1];
}

static inline void *segment_row(enum peeps_section_id section, uint64_t index)
{
	const struct peeps_section_entry *const entry = segment_section(section);

	return peeps_segment.base + entry->offset + index * entry->stride;
}

/* The generation that follows @generation in a slot or row; its first one is drawn anew in every forked child, so
 * that what names a life in the parent's segment hardly names one in the child's. */
uint64_t segment_next_generation(uint64_t generation);

/* ns since the segment was made; never 0, which means "never". */
uint64_t segment_ptime_ns(void);

/* The ptime of a moment on that clock, as it stands now; a moment that is over is now. */
uint64_t segment_ptime_on(clockid_t clock, const struct timespec *moment);

/* Likewise on CLOCK_REALTIME. */
uint64_t segment_ptime_of(const struct timespec *realtime);

/* Add to one of the counters of what was lost. Any context. */
void segment_count(enum peeps_counter counter);

#endif
