/* SPDX-License-Identifier: MIT */
/* Durations and foreign texts as people may read them. */
#ifndef PEEPS_READER_PRINT_H
#define PEEPS_READER_PRINT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct peeps_arena;

#define PEEPS_DURATION_BYTES 32
#define PEEPS_TIME_BYTES     32
#define PEEPS_COUNT_BYTES    32

/**
 * peeps_duration_floor - "12.4 s": never longer than it is; PEEPS_NO_TIME is "?"
 *
 * Returns out.
 */
const char *peeps_duration_floor(char out[static PEEPS_DURATION_BYTES], uint64_t ns);

/**
 * peeps_duration_ceil - never shorter than it is, and no finer than accuracy_ns
 *
 * Returns out.
 */
const char *peeps_duration_ceil(char out[static PEEPS_DURATION_BYTES], uint64_t ns,
				uint64_t accuracy_ns);

/**
 * peeps_count - "1,204"
 *
 * Returns out.
 */
const char *peeps_count(char out[static PEEPS_COUNT_BYTES], uint64_t count);

/**
 * peeps_time_utc - "2026-05-01T12:00:03.250Z"
 *
 * Returns out.
 */
const char *peeps_time_utc(char out[static PEEPS_TIME_BYTES], uint64_t unix_ns);

/**
 * peeps_escape - a copy that no terminal obeys and that stays on one line
 *
 * Control bytes become \n or \x1b, the C1 controls and what reorders or hides text \u{202e}, a backslash \\, and what
 * is no UTF-8 \xff.
 * Returns NULL without memory.
 */
char *peeps_escape(struct peeps_arena *arena, const char *text);

/**
 * peeps_escape_to - the same, written to a stream
 */
void peeps_escape_to(FILE *out, const char *text);

/**
 * peeps_columns - how wide a terminal shows an escaped text
 */
size_t peeps_columns(const char *text);

/**
 * peeps_elide - at most so many columns of an escaped text: its begin and its end, for names differ in either
 *
 * Returns text itself if it fits; NULL without memory.
 */
const char *peeps_elide(struct peeps_arena *arena, const char *text, size_t columns_max);

/**
 * peeps_elide_begin - likewise, its end only: of a path with a line that is what counts
 */
const char *peeps_elide_begin(struct peeps_arena *arena, const char *text, size_t columns_max);

#endif
