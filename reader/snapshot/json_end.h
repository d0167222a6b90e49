/* SPDX-License-Identifier: MIT */
/* Where a JSON object ends, of which the bytes come in pieces. Whether it is sound is for its parser to see. */
#ifndef PEEPS_READER_JSON_END_H
#define PEEPS_READER_JSON_END_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zeroes: nothing came in yet. */
struct peeps_json_end {
	uint64_t depth; /* objects and arrays that are open */
	bool in_text;
	bool escaped; /* the byte before was a backslash */
};

/**
 * peeps_json_end_find - look through the next piece
 * @over: set once the object has ended
 *
 * Returns how many of the bytes belong to the object: all, unless it is over.
 */
size_t peeps_json_end_find(struct peeps_json_end *end, const unsigned char *bytes, size_t count,
			   bool *over);

#endif
