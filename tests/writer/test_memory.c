/* SPDX-License-Identifier: MIT */
#include "tests/writer/writer_test.h"

#include <string.h>

#include "writer/memory.h"

static void memory_take__block_given_back__comes_again_zeroed(void **state)
{
	unsigned char *const first = memory_take(100);
	unsigned char *second;

	(void)state;
	assert_non_null(first);
	memset(first, 0xff, 100);
	memory_give(first, 100);
	second = memory_take(70); /* the same size class */
	assert_ptr_equal(first, second);
	for (int i = 0; i < 128; i++)
		assert_int_equal(second[i], 0);
	memory_give(second, 70);
}

static void memory_take__many_sizes__none_overlaps(void **state)
{
	unsigned char *blocks[60];
	size_t sizes[60];

	(void)state;
	for (int i = 0; i < 60; i++) {
		sizes[i] = (size_t)(i * i * 37 % 60000 + 1);
		blocks[i] = memory_take(sizes[i]);
		assert_non_null(blocks[i]);
		assert_int_equal((uintptr_t)blocks[i] % 64, 0);
		memset(blocks[i], i, sizes[i]);
	}
	for (int i = 0; i < 60; i++)
		for (size_t at = 0; at < sizes[i]; at++)
			assert_int_equal(blocks[i][at], i);
	for (int i = 0; i < 60; i++)
		memory_give(blocks[i], sizes[i]);
}

static void memory_take__more_than_the_largest_class__is_null(void **state)
{
	(void)state;
	assert_null(memory_take(((size_t)512 << 10) + 1));
	assert_non_null(memory_take((size_t)512 << 10));
}

static void memory_reserve__more_than_there_is__is_null(void **state)
{
	(void)state;
	assert_null(memory_reserve((size_t)1 << 60));
	assert_non_null(memory_reserve((size_t)1 << 30)); /* takes nothing until it is touched */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_take__block_given_back__comes_again_zeroed),
		cmocka_unit_test(memory_take__many_sizes__none_overlaps),
		cmocka_unit_test(memory_take__more_than_the_largest_class__is_null),
		cmocka_unit_test(memory_reserve__more_than_there_is__is_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
