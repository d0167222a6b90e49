/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "reader/command/options.h"
#include "reader/database/database.h"
#include "reader/look/place.h"
#include "reader/problem.h"
#include "reader/query/asked.h"

#define DEADLOCK   PEEPS_GOLDEN_FOLDER "/deadlock.json"
#define STARVATION PEEPS_GOLDEN_FOLDER "/starvation.msgpack"

struct fixture {
	struct peeps_options options;
	struct peeps_database database;
	struct peeps_problem problem;
	bool in_place;
};

static int open_words(struct fixture *fixture, size_t count, const char *const *words,
		      int64_t bytes_max)
{
	struct peeps_place places[PEEPS_WORDS_MAX];
	int r;

	memset(&fixture->problem, 0, sizeof(fixture->problem));
	assert_int_equal(peeps_places_find(places, words, &count, &fixture->problem), 0);
	r = peeps_asked_open(&fixture->database, &fixture->options, places, count, bytes_max,
			     &fixture->in_place, &fixture->problem);
	peeps_places_close(places, count);
	return r;
}

static int64_t count_of(struct fixture *fixture, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	int64_t number;

	assert_int_equal(sqlite3_prepare_v2(fixture->database.sqlite, sql, -1, &statement, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	number = sqlite3_column_int64(statement, 0);
	(void)sqlite3_finalize(statement);
	return number;
}

static void open__snapshots__are_all_in_memory_in_their_order(void **state)
{
	static const char *const words[] = { STARVATION, DEADLOCK };
	struct fixture fixture = { .options = {
					   .at = 1 } }; /* which says nothing of what is loaded */

	(void)state;
	assert_int_equal(open_words(&fixture, 2, words, PEEPS_ASKED_BYTES_MAX), 0);
	assert_false(fixture.in_place);
	assert_int_equal(count_of(&fixture, "SELECT count(*) FROM snapshots"), 2);
	assert_int_equal(count_of(&fixture,
				  "SELECT count(*) FROM entities WHERE snapshot_id = 1 AND "
				  "kind = 'semaphore'"),
			 1);
	assert_true(count_of(&fixture, "SELECT count(*) FROM findings WHERE snapshot_id = 2 AND "
				       "kind = 'deadlock'") > 0);
	peeps_database_close(&fixture.database);
	assert_int_equal(sqlite3_hard_heap_limit64(-1), 0);
}

static void open__more_than_there_is_memory_for__is_refused_with_a_way_out(void **state)
{
	static const char *const words[] = { DEADLOCK, STARVATION };
	struct fixture fixture = { .in_place = false };

	(void)state;
	for (int64_t bytes_max = 1 << 10; bytes_max <= 1 << 17; bytes_max *= 2) {
		print_message("# %lld\n", (long long)bytes_max);
		assert_int_equal(open_words(&fixture, 2, words, bytes_max), -ENOMEM);
		assert_int_equal(fixture.problem.status, PEEPS_PROBLEM_OTHER);
		assert_non_null(strstr(fixture.problem.hint, "peeps-read load"));
		assert_int_equal(sqlite3_hard_heap_limit64(-1), 0);
	}
	assert_int_equal(open_words(&fixture, 2, words, 8 << 20), 0);
	peeps_database_close(&fixture.database);
}

static void open__a_database__is_asked_in_place_and_only_read(void **state)
{
	char path[] = "/tmp/peeps-test-asked-XXXXXX";
	const int fd = mkstemp(path);
	const char *const words[] = { DEADLOCK };
	const char *const only[] = { path };
	struct fixture fixture = { .in_place = false };
	struct fixture memory = { .in_place = false };
	char sql[64];

	(void)state;
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(open_words(&memory, 1, words, PEEPS_ASKED_BYTES_MAX), 0);
	(void)snprintf(sql, sizeof(sql), "VACUUM INTO '%s'", path);
	assert_int_equal(sqlite3_exec(memory.database.sqlite, sql, NULL, NULL, NULL), SQLITE_OK);
	peeps_database_close(&memory.database);

	assert_int_equal(open_words(&fixture, 1, only, PEEPS_ASKED_BYTES_MAX), 0);
	assert_true(fixture.in_place);
	assert_int_equal(count_of(&fixture, "SELECT count(*) FROM snapshots"), 1);
	assert_int_not_equal(
		sqlite3_exec(fixture.database.sqlite, "DELETE FROM snapshots", NULL, NULL, NULL),
		SQLITE_OK);
	peeps_database_close(&fixture.database);
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open__snapshots__are_all_in_memory_in_their_order),
		cmocka_unit_test(open__more_than_there_is_memory_for__is_refused_with_a_way_out),
		cmocka_unit_test(open__a_database__is_asked_in_place_and_only_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
