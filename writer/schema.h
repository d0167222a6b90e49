/* SPDX-License-Identifier: MIT */
/* What kinds.def and the program say of kinds, as rows in the segment. */
#ifndef PEEPS_WRITER_SCHEMA_H
#define PEEPS_WRITER_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

#include "layout/segment.h"

#define PEEPS_SCHEMA_ROOM 1024 /* rows for kinds that the program registers */

/* Rows that there may be. */
uint64_t schema_capacity(void);

/* Rows that there are: those of kinds.def, then the program's own. */
uint64_t schema_rows(void);

/* Write them; returns how many. Process lock held, or no other thread. */
uint64_t schema_write(struct peeps_schema_row *rows);

/**
 * schema_add - rows of the program's own: in this segment, and in those of its children
 *
 * Returns false, with nothing done, without room. Context: process lock held.
 */
bool schema_add(const struct peeps_schema_row *rows, uint64_t count);

/**
 * schema_own - a row of the program's own, in the order they were added; they stay
 *
 * Context: any, for a row that was there before.
 */
const struct peeps_schema_row *schema_own(uint64_t place);
uint64_t schema_own_count(void);

#endif
