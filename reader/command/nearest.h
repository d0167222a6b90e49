/* SPDX-License-Identifier: MIT */
/* Which name was meant by one that there is not. */
#ifndef PEEPS_READER_NEAREST_H
#define PEEPS_READER_NEAREST_H

#include <stddef.h>

struct peeps_nearest {
	const char *word; /* as it was written; borrowed */
	size_t length;
	const char *name; /* the best so far; NULL = none is near */
	size_t distance;
};

static inline struct peeps_nearest peeps_nearest_to(const char *word, size_t length)
{
	return (struct peeps_nearest){ .word = word, .length = length };
}

/**
 * peeps_nearest_offer - could it be this?
 *
 * It could if the word begins it (three letters or more), or if few letters are wrong, missing, too many or swapped:
 * one in three at most.
 */
void peeps_nearest_offer(struct peeps_nearest *nearest, const char *name);

#endif
