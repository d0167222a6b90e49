/* SPDX-License-Identifier: MIT */
/*
 * Interned strings: each name, file and function stands once in the segment and once in private
 * memory, where it outlives a fork. Looked up without a lock (liburcu), added and removed under the
 * process lock.
 */
#ifndef PEEPS_WRITER_INTERN_H
#define PEEPS_WRITER_INTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <urcu/rculfhash.h>

#include "writer/rest.h"

/**
 * struct interned - one string
 * @uses:    who needs it: hooks, sites, lives. Atomic; 0 = on its way out
 * @lives:   how many of those are entities of this process's segment; under the process lock
 * @ordinal: entities that ever had this name, while any had
 * @rested_epoch: of the latest section that retired a reference to it while a cut looked; 0 = none
 *                did
 * @text:    ref into the segment, 0 if there was no room
 * @stub:    ref of the foreign entity that goes by this name, and how many ends it takes; under the process
 *           lock
 * @bytes:   NUL-terminated
 */
struct interned {
	struct cds_lfht_node node;
	uint64_t hash;
	uint64_t uses;
	uint64_t text;
	uint64_t rested_epoch;
	uint32_t lives;
	uint32_t ordinal;
	size_t length;
	uint32_t stub_uses;
	uint64_t stub;
	struct interned *next_removed;
	char bytes[];
};

/* Make the table, or in a forked child give every string its place in the new segment. Process lock
 * held. */
bool intern_init(void);

/**
 * intern_get - the one copy of a string; longer than PEEPS_TEXT_MAX_BYTES it is cut there (counted)
 *
 * Returns NULL without memory; else the caller owes an intern_put().
 * Context: process lock not held.
 */
struct interned *intern_get(const char *bytes, size_t length);

/* The same, for those who need the lock anyway. Context: process lock held. */
struct interned *intern_get_locked(const char *bytes, size_t length);

/* The one copy of a string if it is there, without a use of it. Context: process lock held. */
struct interned *intern_peek(const char *bytes, size_t length);

/* One use less. @rest: of what referred to it in the segment, if anything did. Process lock held. */
void intern_put(struct interned *string, struct rest rest);

/* One more use by somebody who has one already. */
void intern_share(struct interned *string);

/* The bytes of an interned string, back to the string. */
struct interned *intern_of(const char *bytes);

/* The next ~N of that name; 0 for the first. Process lock held. */
uint32_t intern_next_ordinal(struct interned *string);

/**
 * intern_reclaim - free removed strings after a grace period, if there are enough of them
 *
 * Context: process lock not held, none of the program's locks held as far as we can help it; may
 * wait.
 */
void intern_reclaim(void);

/* The same, if there are more of them than should wait for somebody else to do it. */
void intern_reclaim_backlog(void);

#endif
