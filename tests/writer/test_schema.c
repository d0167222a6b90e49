/* SPDX-License-Identifier: MIT */
#include "tests/writer/writer_test.h"

#include <string.h>

#include "writer/schema.h"

static struct peeps_schema_row rows[PEEPS_SCHEMA_ROOM];
static uint64_t row_count;

static int write_rows(void **state)
{
	(void)state;
	row_count = schema_write(rows);
	return 0;
}

static void schema_write__kinds_def__as_many_rows_as_it_has(void **state)
{
	uint64_t expected = 0;

	(void)state;
#define PEEPS_KIND(symbol, number, name, prefix, role) expected++;
#define PEEPS_FIELD(kind, symbol, word, shift, bits, type, discipline, attribute) expected++;
#define PEEPS_OP(symbol, number, name) expected++;
#define PEEPS_STATE(symbol, number, name) expected++;
#define PEEPS_EDGE(symbol, number, name) expected++;
#define PEEPS_ENUM(list, symbol, number, name) expected++;
#define PEEPS_COUNTER(symbol, number, name) expected++;
#include <peeps/kinds.def>
	assert_true(row_count >= expected);
	assert_int_equal(row_count, schema_rows());
	assert_int_equal(segment_section(PEEPS_SECTION_SCHEMA)->high_water, row_count);
	assert_memory_equal(segment_row(PEEPS_SECTION_SCHEMA, 0), rows, row_count * sizeof(rows[0]));
}

static void schema_write__every_row__names_end_and_lists_are_known(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < row_count; i++) {
		assert_non_null(memchr(rows[i].name, 0, sizeof(rows[i].name)));
		assert_non_null(memchr(rows[i].prefix, 0, sizeof(rows[i].prefix)));
		assert_true(rows[i].list >= PEEPS_SCHEMA_KIND);
		assert_int_equal(rows[i].flags, 0);
	}
}

static const struct peeps_schema_row *find(uint8_t list, const char *name, uint32_t owner)
{
	for (uint64_t i = 0; i < row_count; i++)
		if (rows[i].list == list && strcmp(rows[i].name, name) == 0 && rows[i].owner == owner)
			return &rows[i];
	fail_msg("no row %s", name);
	return NULL;
}

static void schema_write__mutex__is_described_as_it_is_written(void **state)
{
	const struct peeps_schema_row *const kind = find(PEEPS_SCHEMA_KIND, "mutex", 0);
	const struct peeps_schema_row *const field =
		find(PEEPS_SCHEMA_FIELD, "acquires", PEEPS_KIND_MUTEX);

	(void)state;
	assert_int_equal(kind->number, PEEPS_KIND_MUTEX);
	assert_int_equal(kind->role, PEEPS_ROLE_RESOURCE);
	assert_string_equal(kind->prefix, "mutex");
	assert_int_equal(field->word, PEEPS_MUTEX_ACQUIRES_WORD);
	assert_int_equal(field->bits, PEEPS_MUTEX_ACQUIRES_BITS);
	assert_int_equal(field->discipline, PEEPS_DISCIPLINE_EXCLUSIVE);
	assert_int_equal(find(PEEPS_SCHEMA_OP, "lock", 0)->number, PEEPS_OP_LOCK);
	assert_int_equal(find(PEEPS_SCHEMA_STATE, "pending", 0)->number, PEEPS_STATE_PENDING);
	assert_int_equal(find(PEEPS_SCHEMA_ENUM, "errorcheck", PEEPS_TYPE_ENUM_MUTEX_TYPE)->number,
			 PEEPS_MUTEX_TYPE_ERRORCHECK);
	assert_int_equal(find(PEEPS_SCHEMA_COUNTER, "torn", 0)->number, PEEPS_COUNTER_TORN);
}

/* Two fields of one kind in the same bits would overwrite each other. */
static void schema_write__fields_of_a_kind__do_not_overlap(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < row_count; i++)
		for (uint64_t j = i + 1; j < row_count; j++) {
			const struct peeps_schema_row *const a = &rows[i], *const b = &rows[j];

			if (a->list != PEEPS_SCHEMA_FIELD || b->list != PEEPS_SCHEMA_FIELD ||
			    a->owner != b->owner || a->word != b->word)
				continue;
			if (a->shift < b->shift + b->bits && b->shift < a->shift + a->bits)
				fail_msg("'%s' and '%s' share bits of word %d of kind %u", a->name, b->name,
					 a->word, a->owner);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schema_write__kinds_def__as_many_rows_as_it_has),
		cmocka_unit_test(schema_write__every_row__names_end_and_lists_are_known),
		cmocka_unit_test(schema_write__mutex__is_described_as_it_is_written),
		cmocka_unit_test(schema_write__fields_of_a_kind__do_not_overlap),
	};

	return cmocka_run_group_tests(tests, write_rows, NULL);
}
