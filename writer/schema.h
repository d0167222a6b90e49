/* SPDX-License-Identifier: MIT */
/* kinds.def as rows in the segment. */
#ifndef PEEPS_WRITER_SCHEMA_H
#define PEEPS_WRITER_SCHEMA_H

#include <stdint.h>

#include "layout/segment.h"

#define PEEPS_SCHEMA_ROOM 1024 /* rows for kinds that the program registers */

/* Rows that kinds.def makes. */
uint64_t schema_rows(void);

/* Write them; returns how many. */
uint64_t schema_write(struct peeps_schema_row *rows);

#endif
