/* SPDX-License-Identifier: MIT */
#include "reader/graph/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "layout/segment.h"
#include "reader/graph/arena.h"

static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */
#define REPLACEMENT_BYTES (sizeof(replacement) - 1)

int peeps_texts_init(struct peeps_texts *texts, struct peeps_arena *arena,
		     const unsigned char *bytes, size_t byte_count)
{
	*texts = (struct peeps_texts){ .arena = arena,
				       .bytes = bytes,
				       .granule_count = byte_count / PEEPS_TEXT_GRANULE };
	texts->mended = calloc(texts->granule_count + 1, sizeof(*texts->mended));
	return texts->mended ? 0 : -ENOMEM;
}

void peeps_texts_deinit(struct peeps_texts *texts)
{
	free(texts->mended);
	texts->mended = NULL;
}

static bool find(const struct peeps_texts *texts, uint64_t ref, struct peeps_bytes *found,
		 uint8_t *format)
{
	const uint64_t granule = ref & PEEPS_REF_INDEX_MASK;
	struct peeps_text_head head;
	size_t room;

	/* Bit 63 is nobody's in a text reference. */
	if (ref >> PEEPS_REF_SPACE_SHIFT != PEEPS_SPACE_TEXT || granule >= texts->granule_count)
		return false;
	found->start = texts->bytes + granule * PEEPS_TEXT_GRANULE;
	room = (texts->granule_count - granule) * PEEPS_TEXT_GRANULE;
	memcpy(&head, found->start, sizeof(head));
	if (head.generation != (ref >> PEEPS_REF_GENERATION_SHIFT & PEEPS_REF_GENERATION_MASK) ||
	    head.length > room - sizeof(head))
		return false;
	/* Of a later layout's formats we know where the text is, but not what it says. */
	if (head.format == PEEPS_TEXT_FORMAT_TEXT && head.length > PEEPS_TEXT_MAX_BYTES)
		return false;
	*format = head.format;
	found->start += sizeof(head);
	found->length = head.length;
	return true;
}

bool peeps_texts_find(struct peeps_texts *texts, uint64_t ref, struct peeps_bytes *found)
{
	uint8_t format;

	if (ref == 0)
		return false;
	if (!find(texts, ref, found, &format)) {
		texts->damaged++;
		return false;
	}
	if (format != PEEPS_TEXT_FORMAT_TEXT) {
		texts->unknown++;
		return false;
	}
	return found->length > 0;
}

const char *peeps_texts_at(struct peeps_texts *texts, uint64_t ref)
{
	struct peeps_bytes bytes;
	const char **mended;

	if (!peeps_texts_find(texts, ref, &bytes))
		return NULL;
	mended = &texts->mended[ref & PEEPS_REF_INDEX_MASK];
	if (!*mended)
		*mended = peeps_text_mend(texts->arena, bytes);
	return *mended;
}

static bool is_continuation(unsigned char byte)
{
	return (byte & 0xc0) == 0x80;
}

/* The length of the valid character that begins here; 0 if none does. Overlong forms and surrogates are not valid. */
static size_t character_length(const unsigned char *at, size_t left)
{
	if (at[0] < 0x80)
		return at[0] != 0;
	if (at[0] >= 0xc2 && at[0] <= 0xdf)
		return left >= 2 && is_continuation(at[1]) ? 2 : 0;
	if (at[0] >= 0xe0 && at[0] <= 0xef) {
		if (left < 3 || !is_continuation(at[1]) || !is_continuation(at[2]))
			return 0;
		return (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ? 0 : 3;
	}
	if (at[0] >= 0xf0 && at[0] <= 0xf4) {
		if (left < 4 || !is_continuation(at[1]) || !is_continuation(at[2]) ||
		    !is_continuation(at[3]))
			return 0;
		return (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f) ? 0 : 4;
	}
	return 0;
}

/* How many of the first bytes are ASCII, and not NUL: most texts are nothing else. */
static size_t plain_length(struct peeps_bytes bytes)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
	size_t at = 0;
	uint64_t word;

	for (; bytes.length - at >= sizeof(word); at += sizeof(word)) {
		memcpy(&word, bytes.start + at, sizeof(word));
		/* A byte of 0 borrows into its top bit; one from 0x80 up has it. */
		if (((word - ones) | word) & tops)
			break;
	}
	while (at < bytes.length && bytes.start[at] - 1u < 0x7f)
		at++;
	return at;
}

static size_t mended_length(struct peeps_bytes bytes, size_t plain)
{
	size_t length = plain;

	for (size_t at = plain; at < bytes.length;) {
		const size_t valid = character_length(bytes.start + at, bytes.length - at);

		length += valid ? valid : REPLACEMENT_BYTES;
		at += valid ? valid : 1;
	}
	return length;
}

char *peeps_text_mend(struct peeps_arena *arena, struct peeps_bytes bytes)
{
	const size_t plain = plain_length(bytes);
	char *const mended = peeps_arena_take(arena, mended_length(bytes, plain) + 1, 1);
	char *to = mended;

	if (!mended)
		return NULL;
	memcpy(to, bytes.start, plain);
	to += plain;
	for (size_t at = plain; at < bytes.length;) {
		const size_t valid = character_length(bytes.start + at, bytes.length - at);

		memcpy(to, valid ? (const char *)bytes.start + at : replacement,
		       valid ? valid : REPLACEMENT_BYTES);
		to += valid ? valid : REPLACEMENT_BYTES;
		at += valid ? valid : 1;
	}
	*to = '\0';
	return mended;
}

bool peeps_text_is_sound(struct peeps_bytes bytes)
{
	size_t valid;

	for (size_t at = plain_length(bytes); at < bytes.length; at += valid) {
		valid = character_length(bytes.start + at, bytes.length - at);
		if (!valid)
			return false;
	}
	return true;
}

/* What ids are made of. */
static const bool is_id_byte[256] = {
	['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true,
	['.'] = true,         ['_'] = true,         ['-'] = true,
};

static size_t escaped_length(struct peeps_bytes bytes)
{
	size_t length = bytes.length;

	for (size_t i = 0; i < bytes.length; i++)
		length += is_id_byte[bytes.start[i]] ? 0 : 2;
	return length;
}

bool peeps_text_needs_escape(struct peeps_bytes bytes)
{
	return escaped_length(bytes) != bytes.length;
}

char *peeps_text_escape(struct peeps_arena *arena, struct peeps_bytes bytes)
{
	static const char digits[] = "0123456789ABCDEF";
	char *const escaped = peeps_arena_take(arena, escaped_length(bytes) + 1, 1);
	char *to = escaped;

	if (!escaped)
		return NULL;
	for (size_t i = 0; i < bytes.length; i++) {
		const unsigned char byte = bytes.start[i];

		if (is_id_byte[byte]) {
			*to++ = (char)byte;
			continue;
		}
		*to++ = '%';
		*to++ = digits[byte >> 4];
		*to++ = digits[byte & 15];
	}
	*to = '\0';
	return escaped;
}
