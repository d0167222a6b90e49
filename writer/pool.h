/* SPDX-License-Identifier: MIT */
/* Rows of a section handed out and taken back: entity slots and edge slots. */
#ifndef PEEPS_WRITER_POOL_H
#define PEEPS_WRITER_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "layout/segment.h"
#include "writer/rest.h"

#define POOL_NONE UINT32_MAX

/**
 * struct pool - which rows of a section are free, and which rest
 *
 * The lists are in private memory: the segment holds nothing that the writer has to believe.
 * All calls: process lock held.
 *
 * @keep: set before pool_init(); 0: the row freed last is used first, while it is in the caches. Else so
 *        many rows stay free as long as there are fresh ones, and the row freed first is used first: what
 *        free rows say then lasts
 */
struct pool {
	uint64_t keep;
	enum peeps_section_id section;
	uint32_t *next;         /* a list entry per row */
	uint64_t *rested_epoch; /* of rows that rest */
	uint32_t free_head, free_tail;
	uint64_t free_count;
	uint32_t resting_head, resting_tail; /* oldest first */
	uint64_t used;                       /* rows ever handed out */
	uint64_t full; /* no row is free, and none rests: cheap to ask before the next request */
};

/* Returns false without memory. Also makes it empty again, for a forked child's new segment. */
bool pool_init(struct pool *pool, enum peeps_section_id section);

/* A row that no cut looks at, with pages behind it and below the high-water mark; POOL_NONE if
 * there is none. */
uint32_t pool_take(struct pool *pool);

/* Give back a row that was retired in a section. */
void pool_give(struct pool *pool, uint32_t index, struct rest rest);

/* Without the lock: would pool_take() be worth a try? */
bool pool_may_have(const struct pool *pool);

#endif
