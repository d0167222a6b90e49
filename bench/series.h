/* SPDX-License-Identifier: MIT */
/* Measurements of one thing, round by round, and the JSON line that tells of them. */
#ifndef PEEPS_BENCH_SERIES_H
#define PEEPS_BENCH_SERIES_H

#include <stddef.h>
#include <stdint.h>

/* CLOCK_MONOTONIC, ns. */
uint64_t bench_now_ns(void);

/**
 * bench_series_print - one JSON line: {name, unit, base, min, p25, median, p75, p99, max, rounds}
 * @base:   what the numbers are relative to (with unit ns: more than that; with unit ratio: times that); NULL = nothing
 * @rounds: a number a round; sorted
 */
void bench_series_print(const char *name, const char *unit, const char *base, double *rounds,
			size_t count);

/* A number of rounds, as a user wrote it. Exits with 2 if it is none, or not within 1 and @limit. */
size_t bench_count_of(const char *text, size_t limit);

#endif
