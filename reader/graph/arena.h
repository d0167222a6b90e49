/* SPDX-License-Identifier: MIT */
/* Memory that lives as long as one graph: taken piece by piece, given back at once. */
#ifndef PEEPS_READER_ARENA_H
#define PEEPS_READER_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct peeps_arena;

/**
 * peeps_arena_new - an empty arena
 * @limit_bytes: more than this in all is refused (a hostile target must not take the reader's memory); 0 = no limit
 *
 * Returns NULL without memory.
 */
struct peeps_arena *peeps_arena_new(size_t limit_bytes);
void peeps_arena_free(struct peeps_arena *arena);

/**
 * peeps_arena_take - zeroed memory, aligned for any type
 *
 * Returns NULL without memory or beyond the limit; peeps_arena_failed() stays true from then on, so that a builder
 * may check once at its end.
 */
void *peeps_arena_take(struct peeps_arena *arena, size_t count, size_t size);
char *peeps_arena_format(struct peeps_arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int peeps_arena_failed(const struct peeps_arena *arena);

/* Whether it failed because of its limit, and not for want of memory: then it is what it was filled from that is at fault. */
bool peeps_arena_is_full(const struct peeps_arena *arena);

#endif
