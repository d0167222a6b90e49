/* SPDX-License-Identifier: MIT */
#include "tests/writer/writer_test.h"

#include "writer/capacity.h"

static const struct row {
	const char *text;
	uint64_t entities, edges, threads, sites, text_rows;
} rows[] = {
#define DEFAULTS 65536, 65536, 4097, 16384, 2097152
	{ NULL, DEFAULTS },
	{ "", DEFAULTS },
	{ "entities=1000000", 1000000, 65536, 4097, 16384, 2097152 },
	{ "entities=5,edges=6,threads=7,sites=8,text=96", 5, 6, 8, 8, 4 },
	{ "text=64M", DEFAULTS },
	{ "text=1G", 65536, 65536, 4097, 16384, 33554432 },
	{ "entities=2K", 2048, 65536, 4097, 16384, 2097152 },
	/* within bounds */
	{ "entities=0,edges=0,threads=0,sites=0,text=0", 1, 1, 2, 1, 4 },
	{ "threads=1", 65536, 65536, 2, 16384, 2097152 },
	{ "entities=99999999999999999999", UINT64_C(1) << 26, 65536, 4097, 16384, 2097152 },
	{ "threads=18446744073709551615", 65536, 65536, PEEPS_EDGE_THREAD_MASK, 16384, 2097152 },
	{ "text=18014398509481984K", 65536, 65536, 4097, 16384, UINT64_C(1) << 30 },
	{ "edges=17179869184G", 65536, UINT64_C(1) << 26, 4097, 16384, 2097152 },
	/* what cannot be read is left alone, the rest is not */
	{ "entities=,edges=9", 65536, 9, 4097, 16384, 2097152 },
	{ "entities=-5", DEFAULTS },
	{ "entities=0x10", DEFAULTS },
	{ "entities=1e6", DEFAULTS },
	{ "entities=12Q,sites=3", 65536, 65536, 4097, 3, 2097152 },
	{ "entities=5 ", DEFAULTS },
	{ " entities=5", DEFAULTS },
	{ "ENTITIES=5", DEFAULTS },
	{ "entitiesx=5", DEFAULTS },
	{ "nothing=5,edges=4", 65536, 4, 4097, 16384, 2097152 },
	{ ",,=,entities=5,", 5, 65536, 4097, 16384, 2097152 },
	{ "entities=5,entities=7", 7, 65536, 4097, 16384, 2097152 },
	{ "text=2KK", DEFAULTS },
};

static void capacity_parse__table_of_texts__rows_as_listed(void **state)
{
	struct capacity capacity;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *const row = &rows[i];

		capacity_parse(&capacity, row->text);
		if (capacity.rows[PEEPS_SECTION_ENTITIES] != row->entities ||
		    capacity.rows[PEEPS_SECTION_EDGES] != row->edges ||
		    capacity.rows[PEEPS_SECTION_THREADS] != row->threads ||
		    capacity.rows[PEEPS_SECTION_SITES] != row->sites ||
		    capacity.rows[PEEPS_SECTION_TEXT] != row->text_rows)
			fail_msg("'%s': entities %llu, edges %llu, threads %llu, sites %llu, text %llu",
				 row->text ? row->text : "(null)",
				 (unsigned long long)capacity.rows[PEEPS_SECTION_ENTITIES],
				 (unsigned long long)capacity.rows[PEEPS_SECTION_EDGES],
				 (unsigned long long)capacity.rows[PEEPS_SECTION_THREADS],
				 (unsigned long long)capacity.rows[PEEPS_SECTION_SITES],
				 (unsigned long long)capacity.rows[PEEPS_SECTION_TEXT]);
	}
}

static void capacity_parse__any_text__counters_and_schema_have_room(void **state)
{
	struct capacity capacity;

	(void)state;
	capacity_parse(&capacity, "counters=1,schema=1");
	assert_int_equal(capacity.rows[PEEPS_SECTION_COUNTERS], PEEPS_COUNTER_ROOM);
	assert_true(capacity.rows[PEEPS_SECTION_SCHEMA] > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(capacity_parse__table_of_texts__rows_as_listed),
		cmocka_unit_test(capacity_parse__any_text__counters_and_schema_have_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
