/* SPDX-License-Identifier: MIT */
/* Chunks of growing size, filled from the front; what is too big for the current one gets one of its own. */
#include "reader/graph/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define CHUNK_BYTES_MIN ((size_t)16 << 10)
#define CHUNK_BYTES_MAX ((size_t)4 << 20)

struct chunk {
	struct chunk *next;
	alignas(max_align_t) unsigned char bytes[];
};

struct peeps_arena {
	struct chunk *chunks;
	unsigned char *free_bytes;
	size_t free_count;
	size_t chunk_bytes; /* of the next ordinary chunk */
	size_t taken_bytes;
	size_t limit_bytes;
	bool failed;
	bool full;
};

struct peeps_arena *peeps_arena_new(size_t limit_bytes)
{
	struct peeps_arena *arena = calloc(1, sizeof(*arena));

	if (!arena)
		return NULL;
	arena->chunk_bytes = CHUNK_BYTES_MIN;
	arena->limit_bytes = limit_bytes ? limit_bytes : SIZE_MAX;
	return arena;
}

void peeps_arena_free(struct peeps_arena *arena)
{
	if (!arena)
		return;
	for (struct chunk *chunk = arena->chunks; chunk;) {
		struct chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
	free(arena);
}

static unsigned char *chunk_new(struct peeps_arena *arena, size_t bytes)
{
	struct chunk *chunk = NULL;
	size_t whole;

	/* calloc: the kernel's pages are zeroed already. */
	if (!__builtin_add_overflow(sizeof(*chunk), bytes, &whole))
		chunk = calloc(1, whole);
	if (!chunk)
		return NULL;
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	return chunk->bytes;
}

static void *fail(struct peeps_arena *arena)
{
	arena->failed = true;
	return NULL;
}

static void *refuse(struct peeps_arena *arena)
{
	arena->full = true;
	return fail(arena);
}

void *peeps_arena_take(struct peeps_arena *arena, size_t count, size_t size)
{
	const size_t align = alignof(max_align_t);
	unsigned char *taken;
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - align)
		return refuse(arena);
	bytes = (bytes + align - 1) / align * align;
	if (bytes == 0)
		bytes = align; /* none of nothing is still a place of its own */
	if (bytes > arena->limit_bytes - arena->taken_bytes)
		return refuse(arena);

	if (bytes > arena->chunk_bytes / 4 && bytes > arena->free_count) {
		taken = chunk_new(arena, bytes);
		if (!taken)
			return fail(arena);
	} else {
		if (bytes > arena->free_count) {
			unsigned char *fresh = chunk_new(arena, arena->chunk_bytes);

			if (!fresh)
				return fail(arena);
			arena->free_bytes = fresh;
			arena->free_count = arena->chunk_bytes;
			if (arena->chunk_bytes < CHUNK_BYTES_MAX)
				arena->chunk_bytes *= 2;
		}
		taken = arena->free_bytes;
		arena->free_bytes += bytes;
		arena->free_count -= bytes;
	}
	arena->taken_bytes += bytes;
	return taken;
}

char *peeps_arena_format(struct peeps_arena *arena, const char *format, ...)
{
	va_list arguments;
	char *text = NULL;
	int length;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0)
		return fail(arena);

	text = peeps_arena_take(arena, (size_t)length + 1, 1);
	if (text) {
		va_start(arguments, format);
		(void)vsnprintf(text, (size_t)length + 1, format, arguments);
		va_end(arguments);
	}
	return text;
}

int peeps_arena_failed(const struct peeps_arena *arena)
{
	return arena->failed;
}

bool peeps_arena_is_full(const struct peeps_arena *arena)
{
	return arena->full;
}
