/* SPDX-License-Identifier: MIT */
/* Making places of the program known to the segment. */
#ifndef PEEPS_WRITER_SITE_H
#define PEEPS_WRITER_SITE_H

#include <stdbool.h>
#include <stdint.h>

#include <peeps/site.h>

/* Make the table, or in a forked child write every known place into the new segment, under its old
 * id. Process lock held. */
bool site_init(void);

/**
 * site_id - the segment's id of a place, made known if it is not yet
 *
 * Returns 0 (not known) without room (counted), and for places compiled against another layout.
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
