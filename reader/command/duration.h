/* SPDX-License-Identifier: MIT */
/* Durations as people write them: 100ms, 2s, 1.5m. */
#ifndef PEEPS_READER_DURATION_H
#define PEEPS_READER_DURATION_H

#include <stdbool.h>
#include <stdint.h>

/**
 * peeps_duration_parse - a number, perhaps with a fraction, and its unit: ns us ms s m h d
 *
 * Returns false for anything else, a number alone included, and beyond 2^64 ns; out_ns is untouched then.
 */
bool peeps_duration_parse(const char *text, uint64_t *out_ns);

#endif
