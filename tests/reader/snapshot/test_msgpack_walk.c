/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <msgpack.h>

#include "reader/snapshot/msgpack_walk.h"

static int walk(const void *bytes, size_t length, struct peeps_msgpack_extent *extent)
{
	/* Of its own, so that a look beyond its end is noticed. */
	unsigned char *copy = malloc(length + !length);
	int r;

	if (length)
		memcpy(copy, bytes, length);
	r = peeps_msgpack_walk((struct peeps_msgpack_span){ copy, length }, extent);
	free(copy);
	return r;
}

/* One value of each form that msgpack has, as the packer of another makes it. */
static void pack_all(msgpack_sbuffer *buffer)
{
	static char text[70000];
	msgpack_packer packer;

	msgpack_packer_init(&packer, buffer, msgpack_sbuffer_write);
	msgpack_pack_array(&packer, 34);
	msgpack_pack_nil(&packer);
	msgpack_pack_true(&packer);
	msgpack_pack_false(&packer);
	for (unsigned int bits = 1; bits <= 64; bits *= 2) { /* 7 unsigned, 7 signed */
		msgpack_pack_uint64(&packer, UINT64_MAX >> (64 - bits));
		msgpack_pack_int64(&packer, INT64_MIN >> (64 - bits));
	}
	msgpack_pack_float(&packer, 0.5F);
	msgpack_pack_double(&packer, 0.5);
	for (size_t length = 0; length <= 70000; length = length ? length * 41 : 25) {
		msgpack_pack_str_with_body(&packer, text, length); /* 0, 25, 1025, 42025 */
		msgpack_pack_bin_with_body(&packer, text, length);
	}
	msgpack_pack_str_with_body(&packer, text, 70000);
	msgpack_pack_bin_with_body(&packer, text, 70000);
	for (size_t length = 1; length <= 4; length *= 2)
		msgpack_pack_ext_with_body(&packer, text, length, 5);
	msgpack_pack_array(&packer, 1000);
	for (int i = 0; i < 1000; i++)
		msgpack_pack_map(&packer, 0);
	msgpack_pack_map(&packer, 1);
	msgpack_pack_nil(&packer);
	msgpack_pack_array(&packer, 0);
}

static void walk__every_form_there_is__ends_where_it_ends(void **state)
{
	struct peeps_msgpack_extent extent;
	msgpack_sbuffer buffer;

	(void)state;
	msgpack_sbuffer_init(&buffer);
	pack_all(&buffer);
	assert_int_equal(walk(buffer.data, buffer.size, &extent), 0);
	assert_int_equal(extent.length, buffer.size);
	assert_int_equal(extent.objects, 1 + 34 + 1000 + 2);
	for (size_t length = 0; length < buffer.size; length += length < 2000 ? 1 : 977)
		assert_int_equal(walk(buffer.data, length, &extent), -EBADMSG);
	msgpack_sbuffer_destroy(&buffer);
}

static void walk__one_byte_less_than_claimed__is_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
	} rows[] = {
		{ "\xa2x", 2 },
		{ "\xd9\x02x", 3 },
		{ "\xda\x00\x02x", 4 },
		{ "\xdb\0\0\0\x02x", 6 },
		{ "\xc4\x02x", 3 },
		{ "\xc7\x01\x05", 3 },
		{ "\xcb\0\0\0\0\0\0\0", 8 },
		{ "\xce\0\0\0", 4 },
		{ "\xd4\x05", 2 },
		{ "\xd8\x05\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 17 },
		{ "\x92\xc0", 2 },
		{ "\x81\xc0", 2 },
		{ "\xdc\x00", 2 },
		{ "\xdc\x00\x02\xc0", 4 },
	};
	struct peeps_msgpack_extent extent;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (walk(rows[i].bytes, rows[i].length, &extent) != -EBADMSG)
			fail_msg("row %zu", i);
	}
}

static void walk__what_comes_after__is_not_looked_at(void **state)
{
	struct peeps_msgpack_extent extent;

	(void)state;
	assert_int_equal(walk("\x92\x01\xa1x\xc1", 5, &extent), 0);
	assert_int_equal(extent.length, 4);
	assert_int_equal(extent.objects, 3);
}

static void walk__as_deep_as_allowed__and_no_deeper(void **state)
{
	struct peeps_msgpack_extent extent;
	unsigned char bytes[PEEPS_MSGPACK_DEPTH_MAX + 2];
	msgpack_unpacked unpacked;
	size_t used = 0;

	(void)state;
	memset(bytes, 0x91, sizeof(bytes));
	bytes[PEEPS_MSGPACK_DEPTH_MAX] = 0xc0;
	assert_int_equal(walk(bytes, PEEPS_MSGPACK_DEPTH_MAX + 1, &extent), 0);
	/* What is let through can be unpacked. */
	msgpack_unpacked_init(&unpacked);
	assert_int_equal(
		msgpack_unpack_next(&unpacked, (char *)bytes, PEEPS_MSGPACK_DEPTH_MAX + 1, &used),
		MSGPACK_UNPACK_SUCCESS);
	msgpack_unpacked_destroy(&unpacked);
	bytes[PEEPS_MSGPACK_DEPTH_MAX] = 0x91;
	bytes[PEEPS_MSGPACK_DEPTH_MAX + 1] = 0xc0;
	assert_int_equal(walk(bytes, sizeof(bytes), &extent), -EBADMSG);
	assert_string_equal(extent.fault, "is nested too deep");
	assert_int_equal(extent.fault_at, PEEPS_MSGPACK_DEPTH_MAX);
}

static void enter__array_and_map__stand_at_their_first_entry(void **state)
{
	static const unsigned char bytes[] = { 0x82, 0xa1, 'k', 0x92, 7, 8, 0xa1, 'l', 0xc0 };
	struct peeps_msgpack_span span = { bytes, sizeof(bytes) }, value, inner;
	uint32_t entries;
	uint64_t objects;

	(void)state;
	assert_int_equal(peeps_msgpack_enter_array(&span, &entries), -EBADMSG);
	assert_int_equal(peeps_msgpack_enter_map(&span, &entries), 0);
	assert_int_equal(entries, 2);
	assert_int_equal(peeps_msgpack_next(&span, &value, &objects), 0);
	assert_int_equal(value.length, 2);
	assert_int_equal(objects, 1);
	assert_int_equal(peeps_msgpack_next(&span, &inner, &objects), 0);
	assert_int_equal(inner.length, 3);
	assert_int_equal(objects, 3);
	assert_int_equal(peeps_msgpack_enter_map(&inner, &entries), -EBADMSG);
	assert_int_equal(peeps_msgpack_enter_array(&inner, &entries), 0);
	assert_int_equal(entries, 2);
	assert_ptr_equal(inner.bytes, bytes + 4);
	assert_int_equal(span.length, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(walk__every_form_there_is__ends_where_it_ends),
		cmocka_unit_test(walk__one_byte_less_than_claimed__is_refused),
		cmocka_unit_test(walk__what_comes_after__is_not_looked_at),
		cmocka_unit_test(walk__as_deep_as_allowed__and_no_deeper),
		cmocka_unit_test(enter__array_and_map__stand_at_their_first_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
