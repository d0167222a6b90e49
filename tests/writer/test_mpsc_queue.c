/* SPDX-License-Identifier: MIT */
#include "tests/writer/writer_test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "writer/mpsc_queue.h"

#define SIZE_LARGEST 5000

struct ends {
	struct mpsc_queue queue;
	struct mpsc_side put, take;
};

static void fill(unsigned char *item, size_t size, uint64_t number)
{
	for (size_t i = 0; i < size; i++)
		item[i] = (unsigned char)(number * 7 + i);
}

static void put(struct ends *ends, uint64_t number)
{
	unsigned char item[SIZE_LARGEST];

	fill(item, ends->queue.item_size, number);
	assert_true(mpsc_queue_put(&ends->queue, &ends->put, item));
}

/* The item is that one, and nothing behind its place is written. */
static void take(struct ends *ends, uint64_t number)
{
	unsigned char expected[SIZE_LARGEST], item[SIZE_LARGEST + 1];

	item[ends->queue.item_size] = 0xa5;
	fill(expected, ends->queue.item_size, number);
	mpsc_queue_take(&ends->queue, &ends->take, item);
	assert_memory_equal(item, expected, ends->queue.item_size);
	assert_int_equal(item[ends->queue.item_size], 0xa5);
}

static void make(struct ends *ends, size_t size, size_t capacity)
{
	assert_int_equal(mpsc_queue_init(&ends->queue, &ends->put, &ends->take, size, capacity), 0);
}

static const size_t sizes[] = { 1, 3, 7, 8, 13, 16, 24, 64, 100, 4080, SIZE_LARGEST };

static void mpsc_queue__ring_of_every_size__keeps_order_round_and_round(void **state)
{
	(void)state;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		for (size_t capacity = 1; capacity <= 5; capacity++) {
			uint64_t in = 0, out = 0;
			struct ends ends;

			make(&ends, sizes[s], capacity);
			for (int round = 0; round < 7; round++) {
				while (in - out < capacity)
					put(&ends, in++);
				for (size_t i = 0; i < capacity / 2 + 1; i++)
					take(&ends, out++);
			}
			mpsc_queue_deinit(&ends.queue, &ends.take);
		}
	}
}

static void mpsc_queue__chain_of_every_size__grows_and_keeps_order(void **state)
{
	(void)state;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		const uint64_t count = 3 * 4096 / sizes[s] + 5;
		uint64_t in = 0, out = 0;
		struct ends ends;

		make(&ends, sizes[s], 0);
		for (int round = 0; round < 3; round++) {
			for (uint64_t i = 0; i < count; i++)
				put(&ends, in++);
			for (uint64_t i = 0; i < count - 2; i++)
				take(&ends, out++);
		}
		assert_int_equal(in - out, 6); /* freed with the queue */
		mpsc_queue_deinit(&ends.queue, &ends.take);
	}
}

static void mpsc_queue__chain_never_long__lives_on_two_blocks(void **state)
{
	struct mpsc_block *blocks[3] = { NULL };
	struct ends ends;
	int count = 0;

	(void)state;
	make(&ends, 8, 0);
	for (uint64_t i = 0; i < 100000; i++) {
		int known = 0;

		put(&ends, i);
		take(&ends, i);
		while (known < count && blocks[known] != ends.put.block)
			known++;
		assert_true(known < 2);
		if (known == count)
			blocks[count++] = ends.put.block;
	}
	assert_int_equal(count, 2);
	assert_non_null(ends.queue.spare);
	mpsc_queue_deinit(&ends.queue, &ends.take);
}

static void mpsc_queue_init__more_than_there_is__enomem(void **state)
{
	static const struct {
		size_t size, capacity;
	} rows[] = { { 8, SIZE_MAX / 8 + 1 }, { SIZE_MAX / 2, 3 }, { SIZE_MAX, 1 },
		     { SIZE_MAX, 0 },         { SIZE_MAX - 7, 1 }, { 1, SIZE_MAX } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ends ends;

		if (mpsc_queue_init(&ends.queue, &ends.put, &ends.take, rows[i].size,
				    rows[i].capacity) != -ENOMEM)
			fail_msg("row %zu was made", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mpsc_queue__ring_of_every_size__keeps_order_round_and_round),
		cmocka_unit_test(mpsc_queue__chain_of_every_size__grows_and_keeps_order),
		cmocka_unit_test(mpsc_queue__chain_never_long__lives_on_two_blocks),
		cmocka_unit_test(mpsc_queue_init__more_than_there_is__enomem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
