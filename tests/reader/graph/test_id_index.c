/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "reader/graph/id_index.h"

#define IDS 100000

static void id_index__a_hundred_thousand__each_is_found_and_no_other(void **state)
{
	static char ids[IDS][16];
	struct peeps_id_index index;

	(void)state;
	assert_int_equal(peeps_id_index_init(&index, IDS), 0);
	for (uint32_t i = 0; i < IDS; i++) {
		(void)snprintf(ids[i], sizeof(ids[i]), "m:%u:tx", i);
		assert_int_equal(peeps_id_index_find(&index, ids[i], strlen(ids[i])),
				 PEEPS_ID_NONE);
		assert_int_equal(peeps_id_index_add(&index, ids[i], i), 0);
	}
	for (uint32_t i = 0; i < IDS; i++) {
		assert_int_equal(peeps_id_index_find(&index, ids[i], strlen(ids[i])), i);
		assert_int_equal(peeps_id_index_find(&index, ids[i], strlen(ids[i]) - 1),
				 PEEPS_ID_NONE);
		assert_int_equal(peeps_id_index_add(&index, ids[i], 0), -EEXIST);
	}
	peeps_id_index_deinit(&index);
}

static void id_index__of_nothing__finds_nothing(void **state)
{
	struct peeps_id_index index;

	(void)state;
	assert_int_equal(peeps_id_index_init(&index, 0), 0);
	assert_int_equal(peeps_id_index_find(&index, "", 0), PEEPS_ID_NONE);
	peeps_id_index_deinit(&index);
}

static void id_index__all_collide__says_so_in_time(void **state)
{
	static char ids[1000][8];
	struct peeps_id_index index;
	int r = 0;

	(void)state;
	assert_int_equal(peeps_id_index_init(&index, 1000), 0);
	index.mask = 0x1ff; /* too small on purpose: as if all had met in one place */
	for (uint32_t i = 0; r == 0 && i < 1000; i++) {
		(void)snprintf(ids[i], sizeof(ids[i]), "%u", i);
		r = peeps_id_index_add(&index, ids[i], i);
	}
	assert_int_equal(r, -ELOOP);
	peeps_id_index_deinit(&index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(id_index__a_hundred_thousand__each_is_found_and_no_other),
		cmocka_unit_test(id_index__of_nothing__finds_nothing),
		cmocka_unit_test(id_index__all_collide__says_so_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
