/* SPDX-License-Identifier: MIT */
/* Text in the segment: granules taken, filled once, and given back to rest. */
#ifndef PEEPS_WRITER_TEXT_H
#define PEEPS_WRITER_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "writer/rest.h"

/* Make the text section empty: at the start, and in a forked child's new segment. Returns false
 * without memory. */
bool text_init(void);

/**
 * text_put - copy bytes into the segment
 * @length: at most PEEPS_TEXT_MAX_BYTES
 *
 * Returns a reference, 0 without room (counted). Context: process lock held.
 */
uint64_t text_put(const char *bytes, size_t length);

/* Give it back, once what referred to it is retired. Context: process lock held. */
void text_give(uint64_t ref, struct rest rest);

#endif
