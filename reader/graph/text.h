/* SPDX-License-Identifier: MIT */
/* The texts of an image: found by reference, checked, and mended to valid UTF-8. */
#ifndef PEEPS_READER_TEXT_H
#define PEEPS_READER_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct peeps_arena;

struct peeps_bytes {
	const unsigned char *start;
	size_t length;
};

static inline struct peeps_bytes peeps_bytes_of(const char *text)
{
	return (struct peeps_bytes){ .start = (const unsigned char *)text, .length = strlen(text) };
}

/* Or is it. */
static inline bool peeps_text_ends_with(const char *text, const char *end)
{
	const size_t length = strlen(text), end_length = strlen(end);

	return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

struct peeps_texts {
	struct peeps_arena *arena;
	const unsigned char *bytes;
	size_t granule_count;
	const char **mended; /* by granule: each text is mended once */
	uint64_t unknown;    /* references that led to a text of a later layout's format */
	uint64_t damaged;    /* references that led to no sound text */
};

/**
 * peeps_texts_init - texts of an image
 * @arena: where mended texts go
 * @bytes: the text section's copy; borrowed
 *
 * Returns 0 or -ENOMEM.
 */
int peeps_texts_init(struct peeps_texts *texts, struct peeps_arena *arena,
		     const unsigned char *bytes, size_t byte_count);
void peeps_texts_deinit(struct peeps_texts *texts);

/**
 * peeps_texts_find - the bytes that a text reference means, as they are
 *
 * Returns false for none (0), an empty text, and what is unknown, damaged or stale, which is counted.
 */
bool peeps_texts_find(struct peeps_texts *texts, uint64_t ref, struct peeps_bytes *found);

/**
 * peeps_texts_at - the same, mended; NULL if there is none
 */
const char *peeps_texts_at(struct peeps_texts *texts, uint64_t ref);

/**
 * peeps_text_mend - a copy that is valid UTF-8: each bad byte, and NUL, becomes U+FFFD
 *
 * Returns NULL without memory.
 */
char *peeps_text_mend(struct peeps_arena *arena, struct peeps_bytes bytes);

/* Whether a text has bytes that an id cannot have. */
bool peeps_text_needs_escape(struct peeps_bytes bytes);

/**
 * peeps_text_is_sound - whether that would change nothing
 */
bool peeps_text_is_sound(struct peeps_bytes bytes);

/**
 * peeps_text_escape - a copy fit for an id: bytes outside [A-Za-z0-9._-] become %XX
 */
char *peeps_text_escape(struct peeps_arena *arena, struct peeps_bytes bytes);

#endif
