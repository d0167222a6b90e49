/* SPDX-License-Identifier: MIT */
#include "reader/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "layout/segment.h"
#include "reader/arena.h"

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

/* How many bytes from the start are plain ASCII, and none NUL: nearly always all of them, so a word at a time. */
static size_t ascii_length(struct peeps_bytes bytes)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	size_t at = 0;

	for (; bytes.length - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, bytes.start + at, sizeof(word));
		/* The high bit of a byte: of those above 0x7f, and of 0x00 when 1 is taken from it. */
		if ((word | (word - ones)) & ones << 7)
			break;
	}
	while (at < bytes.length && bytes.start[at] && bytes.start[at] < 0x80)
		at++;
	return at;
}

static size_t mended_length(struct peeps_bytes bytes)
{
	size_t length = 0;

	for (size_t at = 0; at < bytes.length;) {
		const size_t valid = character_length(bytes.start + at, bytes.length - at);

		length += valid ? valid : REPLACEMENT_BYTES;
		at += valid ? valid : 1;
	}
	return length;
}

char *peeps_text_mend(struct peeps_arena *arena, struct peeps_bytes bytes)
{
	const size_t ascii = ascii_length(bytes);
	const struct peeps_bytes rest = { .start = bytes.start + ascii,
					  .length = bytes.length - ascii };
	char *const mended = peeps_arena_take(arena, ascii + mended_length(rest) + 1, 1);
	char *to = mended;

	if (!mended)
		return NULL;
	if (ascii)
		memcpy(to, bytes.start, ascii);
	to += ascii;
	for (size_t at = ascii; at < bytes.length;) {
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

	for (size_t at = 0; at < bytes.length; at += valid) {
		valid = character_length(bytes.start + at, bytes.length - at);
		if (!valid)
			return false;
	}
	return true;
}

/* By a table: the ids of a million entities go through here. */
static bool is_plain(unsigned char byte)
{
	static const bool plain[256] = {
		['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true,
		['.'] = true,         ['_'] = true,         ['-'] = true,
	};

	return plain[byte];
}

char *peeps_text_escape(struct peeps_arena *arena, struct peeps_bytes bytes)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t length = bytes.length;
	char *escaped, *to;

	for (size_t i = 0; i < bytes.length; i++)
		length += is_plain(bytes.start[i]) ? 0 : 2;
	escaped = peeps_arena_take(arena, length + 1, 1);
	if (!escaped)
		return NULL;
	to = escaped;
	for (size_t i = 0; i < bytes.length; i++) {
		const unsigned char byte = bytes.start[i];

		if (is_plain(byte)) {
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
