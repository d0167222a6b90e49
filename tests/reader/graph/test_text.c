/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "reader/graph/arena.h"
#include "reader/graph/source.h"
#include "reader/graph/text.h"

struct row {
	const char *in;
	const char *out;
};

#define BAD "\xEF\xBF\xBD"

static struct peeps_bytes bytes_of(const char *text)
{
	return (struct peeps_bytes){ .start = (const unsigned char *)text, .length = strlen(text) };
}

static void text__any_bytes__become_utf8(void **state)
{
	static const struct row rows[] = {
		{ "", "" },
		{ "plain", "plain" },
		{ "\n\t\x7f", "\n\t\x7f" }, /* whoever prints it escapes it */
		{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" },
		{ "\x80", BAD },
		{ "\xff\xfe", BAD BAD },
		{ "\xc0\xaf", BAD BAD },                 /* overlong slash */
		{ "\xe0\x80\xaf", BAD BAD BAD },         /* overlong again */
		{ "\xf0\x80\x80\xaf", BAD BAD BAD BAD }, /* and again */
		{ "\xed\xa0\x80", BAD BAD BAD },         /* a surrogate */
		{ "\xf4\x90\x80\x80", BAD BAD BAD BAD }, /* beyond U+10FFFF */
		{ "\xf5\x80\x80\x80", BAD BAD BAD BAD },
		{ "\xc3", BAD }, /* cut off */
		{ "\xe2\x82", BAD BAD },
		{ "\xf0\x9f\x98", BAD BAD BAD },
		{ "\xe2z\xac", BAD "z" BAD },
		{ "\xef\xbf\xbf", "\xef\xbf\xbf" },
		{ "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },
	};
	struct peeps_arena *arena = peeps_arena_new(0);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(peeps_text_mend(arena, bytes_of(rows[i].in)), rows[i].out);
	peeps_arena_free(arena);
}

/* Plain texts are read a word at a time: no byte may hide in one. */
static void text__a_bad_byte_anywhere__is_replaced(void **state)
{
	struct peeps_arena *arena = peeps_arena_new(0);

	(void)state;
	for (unsigned int at = 0; at < 20; at++) {
		for (unsigned int byte = 0; byte < 256; byte++) {
			unsigned char text[20];
			const char *mended;

			memset(text, 'a', sizeof(text));
			text[at] = (unsigned char)byte;
			mended = peeps_text_mend(
				arena,
				(struct peeps_bytes){ .start = text, .length = sizeof(text) });
			assert_int_equal(strlen(mended),
					 byte && byte < 0x80 ? sizeof(text) : sizeof(text) + 2);
			assert_memory_equal(mended, text, at);
			if (byte == 0 || byte >= 0x80)
				assert_memory_equal(mended + at, BAD, 3);
			else
				assert_int_equal((unsigned char)mended[at], byte);
		}
	}
	peeps_arena_free(arena);
}

static void text__in_an_id__is_plain(void **state)
{
	static const struct row rows[] = {
		{ "", "" },
		{ "demo.work_queue-7", "demo.work_queue-7" },
		{ "a b:c~2%", "a%20b%3Ac%7E2%25" },
		{ "\xc3\xa4/\x01", "%C3%A4%2F%01" },
	};
	struct peeps_arena *arena = peeps_arena_new(0);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(peeps_text_escape(arena, bytes_of(rows[i].in)), rows[i].out);
	peeps_arena_free(arena);
}

struct path {
	const char *root, *file, *joined;
};

static void path__joined__is_normalised(void **state)
{
	static const struct path rows[] = {
		{ "/r/build", "../a/b.c", "/r/a/b.c" },
		{ "/r/build/", "./a//b/./c.c", "/r/build/a/b/c.c" },
		{ "/r", "../../../../x.c", "/x.c" },
		{ "/", "..", "/" },
		{ "/r", "/abs/../x.c", "/x.c" },
		{ NULL, "/", "/" },
		{ "/r/..b", "...c", "/r/..b/...c" },
		{ "/r/..", "a/..", "/" },
		{ "/r", "a/", "/r/a" },
	};
	struct peeps_arena *arena = peeps_arena_new(0);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(peeps_path_join(arena, rows[i].root, rows[i].file),
				    rows[i].joined);
	peeps_arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text__any_bytes__become_utf8),
		cmocka_unit_test(text__a_bad_byte_anywhere__is_replaced),
		cmocka_unit_test(text__in_an_id__is_plain),
		cmocka_unit_test(path__joined__is_normalised),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
