/* SPDX-License-Identifier: MIT */
/* How many rows each section has room for: PEEPS_CAPACITY. */
#ifndef PEEPS_WRITER_CAPACITY_H
#define PEEPS_WRITER_CAPACITY_H

#include <stdint.h>

#include "layout/segment.h"

struct capacity {
	uint64_t rows[PEEPS_SECTION_END];
};

/**
 * capacity_read - the defaults, changed by what the environment says
 *
 * PEEPS_CAPACITY=entities=1000000,edges=...,threads=...,sites=...,text=64M (text in bytes; K, M, G;
 * counts too). What cannot be read is left at its default, and what is out of bounds is brought
 * within them.
 */
void capacity_read(struct capacity *capacity);

/* The same from a given text; NULL: the defaults. */
void capacity_parse(struct capacity *capacity, const char *text);

#endif
