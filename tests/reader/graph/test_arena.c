/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "reader/graph/arena.h"

static void arena_take__any_size__is_zeroed_aligned_and_its_own(void **state)
{
	static const size_t sizes[] = { 0, 1, 7, 16, 100, 4000, 5000, 17000, 1 << 20, 3, 1 };
	struct peeps_arena *arena = peeps_arena_new(0);
	unsigned char *taken[sizeof(sizes) / sizeof(sizes[0])];

	(void)state;
	for (int round = 0; round < 200; round++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			taken[i] = peeps_arena_take(arena, sizes[i], 1);
			assert_non_null(taken[i]);
			assert_int_equal((uintptr_t)taken[i] % alignof(max_align_t), 0);
			for (size_t j = 0; j < sizes[i]; j++)
				assert_int_equal(taken[i][j], 0);
			memset(taken[i], (int)i + 1, sizes[i]);
		}
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			for (size_t j = 0; j < sizes[i]; j++)
				assert_int_equal(taken[i][j], i + 1);
		}
	}
	assert_false(peeps_arena_failed(arena));
	peeps_arena_free(arena);
}

static void arena_take__beyond_the_limit__fails_and_stays_failed(void **state)
{
	struct peeps_arena *arena = peeps_arena_new(1000);

	(void)state;
	assert_non_null(peeps_arena_take(arena, 900, 1));
	assert_null(peeps_arena_take(arena, 101, 1));
	assert_true(peeps_arena_failed(arena));
	assert_true(peeps_arena_is_full(arena));
	assert_non_null(peeps_arena_take(arena, 16, 1)); /* what still fits is given */
	assert_true(peeps_arena_failed(arena));
	peeps_arena_free(arena);
}

static void arena_take__product_overflows__fails(void **state)
{
	struct peeps_arena *arena = peeps_arena_new(0);

	(void)state;
	assert_null(peeps_arena_take(arena, SIZE_MAX / 2, 3));
	assert_null(peeps_arena_take(arena, SIZE_MAX / 16 + 2, 16)); /* 16 when it wraps */
	assert_null(peeps_arena_take(arena, SIZE_MAX, 1));
	assert_true(peeps_arena_failed(arena));
	peeps_arena_free(arena);
}

static void arena_format__any_text__is_whole(void **state)
{
	struct peeps_arena *arena = peeps_arena_new(0);

	(void)state;
	assert_string_equal(peeps_arena_format(arena, "%s-%d", "orders", 4711), "orders-4711");
	assert_string_equal(peeps_arena_format(arena, "%s", ""), "");
	assert_int_equal(strlen(peeps_arena_format(arena, "%*s", 100000, "")), 100000);
	peeps_arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arena_take__any_size__is_zeroed_aligned_and_its_own),
		cmocka_unit_test(arena_take__beyond_the_limit__fails_and_stays_failed),
		cmocka_unit_test(arena_take__product_overflows__fails),
		cmocka_unit_test(arena_format__any_text__is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
