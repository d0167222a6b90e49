/* SPDX-License-Identifier: MIT */
/* Making places of the program known to the segment. */
#ifndef PEEPS_WRITER_SITE_H
#define PEEPS_WRITER_SITE_H

#include <stdbool.h>
#include <stdint.h>

#include <peeps/site.h>

/* Compiled with the same layout: nothing else that the place says may be looked at. */
static inline bool site_is_like_us(const struct peeps_site *site)
{
	return site->layout_hash == PEEPS_LAYOUT_HASH;
}

/* Make the table, or in a forked child write every known place into the new segment, under its old
 * id. Process lock held. */
bool site_init(void);

/**
 * site_id - the segment's id of a place, made known if it is not yet
 *
 * Returns 0 (not known) without room (counted).
 * Context: process lock not held.
 */
uint64_t site_id(struct peeps_site *site);

/**
 * site_keep - the same place in memory of our own: what @site points to may be unloaded one day
 *
 * Returns NULL where site_id() returns 0.
 */
struct peeps_site *site_keep(struct peeps_site *site);

/* The same for a place given in words. */
uint64_t site_id_of(const char *file, const char *root, const char *function, const char *module,
		    uint64_t line);

#endif
