/* SPDX-License-Identifier: MIT */
#include "tests/writer/writer_test.h"

#include <string.h>

#include "writer/intern.h"
#include "writer/site.h"

static const struct peeps_site_row *row_at(uint64_t id)
{
	return segment_row(PEEPS_SECTION_SITES, id);
}

static void site_id__known_place__row_says_where(void **state)
{
	struct peeps_site site = { .file = "src/a.c",
				   .root = "/root",
				   .function = "f",
				   .module = "m",
				   .line = 17,
				   .layout_hash = PEEPS_LAYOUT_HASH };
	const uint64_t id = site_id(&site);

	(void)state;
	assert_int_not_equal(id, 0);
	assert_int_equal(site.id, id);
	assert_int_equal(site_id(&site), id);
	assert_int_equal(row_at(id)->line, 17);
	assert_text(row_at(id)->file, "src/a.c");
	assert_text(row_at(id)->root, "/root");
	assert_text(row_at(id)->function, "f");
	assert_text(row_at(id)->module, "m");
	assert_true(segment_section(PEEPS_SECTION_SITES)->high_water > id);
}

static void site_id_of__same_place_again__same_id(void **state)
{
	const uint64_t id = site_id_of("b.c", "", NULL, NULL, 1);

	(void)state;
	assert_int_equal(site_id_of("b.c", NULL, NULL, "", 1), id);
	assert_int_equal(row_at(id)->root, 0);
	assert_int_equal(row_at(id)->function, 0);
	assert_int_not_equal(site_id_of("b.c", NULL, NULL, NULL, 2), id);
	assert_int_not_equal(site_id_of("b.c", NULL, "g", NULL, 1), id);
}

static void site_id__no_room__is_0_and_counted_once(void **state)
{
	const uint64_t dropped = counted(PEEPS_COUNTER_DROPPED_SITES);
	struct peeps_site late = { .file = "late.c", .line = 1, .layout_hash = PEEPS_LAYOUT_HASH };

	(void)state;
	for (uint64_t line = 100; site_id_of("many.c", NULL, NULL, NULL, line) != 0; line++)
		assert_true(line < 200);
	assert_int_equal(segment_section(PEEPS_SECTION_SITES)->high_water, 12);
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_SITES), dropped + 1);
	assert_int_equal(site_id(&late), 0);
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_SITES), dropped + 2);
	/* remembered, so that the fast path is open to it */
	assert_int_equal(site_id(&late), 0);
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_SITES), dropped + 2);
	assert_int_not_equal(late.id, 0);
}

/* Its 12 rows are taken by now. */
static void site_id_of__no_room__known_places_are_found_and_new_strings_not_kept(void **state)
{
	const uint64_t known = site_id_of("b.c", NULL, NULL, NULL, 1);
	const uint64_t dropped = counted(PEEPS_COUNTER_DROPPED_SITES);
	sigset_t mask;

	(void)state;
	assert_int_not_equal(known, 0);
	assert_text(row_at(known)->file, "b.c");
	assert_int_equal(site_id_of("b.c", "", NULL, NULL, 1), known);
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_SITES), dropped);
	assert_int_equal(site_id_of("b.c", NULL, "new function", NULL, 1), 0);
	assert_int_equal(site_id_of("b.c", NULL, NULL, NULL, 77), 0);
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_SITES), dropped + 2);
	process_lock(&mask);
	assert_null(intern_peek("new function", strlen("new function")));
	assert_non_null(intern_peek("b.c", strlen("b.c")));
	process_unlock(&mask);
}

static void site_id__place_of_a_plain_symbol__is_not_known(void **state)
{
	(void)state;
	assert_int_equal(site_id(&peeps_site_unknown), 0);
	assert_int_not_equal(peeps_site_unknown.id, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(site_id__known_place__row_says_where),
		cmocka_unit_test(site_id_of__same_place_again__same_id),
		cmocka_unit_test(site_id__no_room__is_0_and_counted_once),
		cmocka_unit_test(
			site_id_of__no_room__known_places_are_found_and_new_strings_not_kept),
		cmocka_unit_test(site_id__place_of_a_plain_symbol__is_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
