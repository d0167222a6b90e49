/* SPDX-License-Identifier: MIT */
/* The golden segments, which the fuzzers of segments begin with. */
#ifndef PEEPS_TESTS_FUZZ_GOLDEN_H
#define PEEPS_TESTS_FUZZ_GOLDEN_H

#include <stdbool.h>
#include <stddef.h>

struct bytes {
	unsigned char *start; /* of malloc() */
	size_t count;
};

/* Aborts, having said what of, unless fine. */
void need(bool fine, const char *what);

/* All of a golden segment. Aborts if it cannot be read. */
struct bytes golden_read(const char *name);

#endif
