/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

#include "reader/graph/graph.h"
#include "reader/problem.h"
#include "reader/snapshot/series.h"
#include "tests/reader/recording/series_file.h"

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#ifdef __SANITIZE_ADDRESS__
#define IS_SANITIZED true
#else
#define IS_SANITIZED (__has_feature(address_sanitizer))
#endif

static int read_at(const char *path, int64_t at, struct peeps_graph **graph,
		   struct peeps_problem *problem)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r;

	assert_true(fd >= 0);
	*problem = (struct peeps_problem){ .status = 0 };
	r = peeps_series_read(fd, path, at, graph, problem);
	(void)close(fd);
	return r;
}

/* Which one that is; it is wholly that one. 0 if there is none such. */
static uint64_t sequence_at(const char *path, int64_t at)
{
	struct peeps_graph *graph = NULL;
	struct peeps_problem problem;
	const int r = read_at(path, at, &graph, &problem);
	uint64_t sequence;
	char note[32];

	if (r == -ENOENT) {
		assert_int_equal(problem.status, PEEPS_PROBLEM_NO_PROCESS);
		return 0;
	}
	if (r)
		fail_msg("%s: %s", problem.what, problem.why);
	sequence = graph->sequence;
	(void)snprintf(note, sizeof(note), "note %d", (int)sequence);
	assert_string_equal(graph->notes[0], note);
	peeps_graph_free(graph);
	return sequence;
}

static void assert_origin(const char *path, int64_t at, const char *origin)
{
	struct peeps_graph *graph = NULL;
	struct peeps_problem problem;

	assert_int_equal(read_at(path, at, &graph, &problem), 0);
	assert_string_equal(graph->origin, origin);
	peeps_graph_free(graph);
}

static int count_one(void *context, const struct peeps_graph *graph, struct peeps_problem *problem)
{
	uint64_t *count = context;

	(void)problem;
	assert_int_equal(graph->sequence, ++*count);
	return 0;
}

/* Returns how many came before the error, if any. */
static uint64_t count_each(const char *path, int *r, uint64_t *cut_off_bytes)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct peeps_problem problem = { .status = 0 };
	uint64_t count = 0;

	assert_true(fd >= 0);
	*r = peeps_series_each(fd, path, count_one, &count, cut_off_bytes, &problem);
	if (*r)
		assert_int_equal(problem.status, PEEPS_PROBLEM_BAD_SEGMENT);
	(void)close(fd);
	return count;
}

/* --- which one -------------------------------------------------------------------------------------------------- */

static void series__at__is_by_number_or_from_the_end(void **state)
{
	static const struct {
		int64_t at;
		uint64_t sequence;
	} rows[] = { { 0, 7 },  { -1, 7 }, { 1, 1 },         { 4, 4 },         { 7, 7 }, { -7, 1 },
		     { -8, 0 }, { 8, 0 },  { INT64_MIN, 0 }, { INT64_MAX, 0 }, { -2, 6 } };

	(void)state;
	for (size_t form = 0; form < SERIES_FORMS; form++) {
		if (!series_form_is_there(&series_forms[form]))
			continue;
		series_make(&series_forms[form], 7);
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			assert_int_equal(sequence_at(series_forms[form].path, rows[i].at),
					 rows[i].sequence);
	}
}

static void series__oldest_dropped__numbers_stay(void **state)
{
	const struct series_form *form = &series_forms[0];
	struct peeps_series_writer writer;

	(void)state;
	(void)unlink(form->path);
	writer = series_open(form, (struct peeps_series_bounds){ .snapshots = 4 });
	series_add(&writer, 9);
	series_close(&writer);
	assert_int_equal(sequence_at(form->path, 6), 0);
	assert_int_equal(sequence_at(form->path, 7), 7);
	assert_int_equal(sequence_at(form->path, -3), 7);
	assert_origin(form->path, -1, "test-series.msgpack, snapshot 9 (of 7 to 9)");
}

/* As others may make them: pretty, or with no number. */
static void series__without_numbers__goes_by_position(void **state)
{
	static const char text[] =
		"\n { \"schema\": \"peeps.snapshot/1\",\n \"quality\": \"cut\", \"taken_at_unix_ns\": 1,"
		"\"processes\": [], \"nodes\": [], \"edges\": [], \"x\": \"}\\\"{\" }\n\n"
		"{\"schema\":\"peeps.snapshot/1\",\"quality\":\"passive\",\"taken_at_unix_ns\":2,"
		"\"processes\":[],\"nodes\":[],\"edges\":[]}";
	struct peeps_graph *graph = NULL;
	struct peeps_problem problem;

	(void)state;
	file_write("test-series.json", text, sizeof(text) - 1);
	assert_int_equal(read_at("test-series.json", 2, &graph, &problem), 0);
	assert_int_equal(graph->taken_at_unix_ns, 2);
	assert_string_equal(graph->origin, "test-series.json, snapshot 2 (of 1 to 2)");
	peeps_graph_free(graph);
	assert_int_equal(read_at("test-series.json", -2, &graph, &problem), 0);
	assert_int_equal(graph->taken_at_unix_ns, 1);
	peeps_graph_free(graph);
	assert_int_equal(read_at("test-series.json", 3, &graph, &problem), -ENOENT);
	assert_string_equal(problem.what, "no snapshot 3 in test-series.json");
	assert_string_equal(problem.why, "there are 2, from 1 to 2");
}

/* --- cut off, and damaged --------------------------------------------------------------------------------------- */

static void series__cut_off_anywhere__has_what_was_whole(void **state)
{
	(void)state;
	for (size_t form = 0; form < SERIES_FORMS; form++) {
		const char *path = series_forms[form].path;
		size_t length, one;
		char *bytes;

		if (!series_form_is_there(&series_forms[form]))
			continue;
		series_make(&series_forms[form], 1);
		free(file_read(path, &one));
		series_make(&series_forms[form], 3);
		bytes = file_read(path, &length);
		for (size_t cut = one; cut < length; cut++) {
			const bool is_last =
				cut >= length - 1 && series_forms[form].path[12] == 'j';
			uint64_t cut_off_bytes = 0, count;
			int r;

			file_write(path, bytes, cut);
			count = count_each(path, &r, &cut_off_bytes);
			if (r)
				fail_msg("%s cut off after %zu of %zu bytes", path, cut, length);
			assert_in_range(count, 1, 3);
			if (!series_forms[form].compressed) /* but for the end of a line */
				assert_true(is_last ? count == 3 : count < 3);
			assert_int_equal(sequence_at(path, 0), count);
		}
		free(bytes);
	}
}

static void series__cut_off__says_so(void **state)
{
	const char *path = series_forms[0].path;
	uint64_t cut_off_bytes = 0;
	size_t length, two;
	char *bytes;
	int r;

	(void)state;
	series_make(&series_forms[0], 2);
	free(file_read(path, &two));
	series_make(&series_forms[0], 3);
	bytes = file_read(path, &length);
	file_write(path, bytes, two + 17);
	assert_int_equal(count_each(path, &r, &cut_off_bytes), 2);
	assert_int_equal(cut_off_bytes, 17);
	assert_origin(path, 1,
		      "test-series.msgpack, snapshot 1 (of 1 to 2; the one after them is cut off)");
	free(bytes);
}

static void series__damaged_in_the_middle__is_refused(void **state)
{
	const char *path = series_forms[0].path;
	uint64_t cut_off_bytes = 0;
	size_t length, one;
	char *bytes;
	int r;

	(void)state;
	series_make(&series_forms[0], 1);
	free(file_read(path, &one));
	series_make(&series_forms[0], 4);
	bytes = file_read(path, &length);
	bytes[one] = 'x'; /* no document begins so */
	file_write(path, bytes, length);
	assert_int_equal(count_each(path, &r, &cut_off_bytes), 1);
	assert_int_equal(r, -EBADMSG);
	bytes[one] = (char)0x8f; /* claims two keys more than it has: they are of the next one */
	file_write(path, bytes, length);
	assert_int_equal(count_each(path, &r, &cut_off_bytes), 1);
	assert_int_equal(r, -EBADMSG);
	bytes[one] = (char)0xdf; /* some 2,800 millions of keys: it goes on to the end */
	file_write(path, bytes, length);
	assert_int_equal(count_each(path, &r, &cut_off_bytes), 1);
	assert_int_equal(r, -EBADMSG);
	free(bytes);
}

static void series__any_byte_changed__is_read_or_refused(void **state)
{
	(void)state;
	for (size_t form = 0; form < SERIES_FORMS; form++) {
		const char *path = series_forms[form].path;
		size_t length;
		char *bytes;

		if (!series_form_is_there(&series_forms[form]))
			continue;
		series_make(&series_forms[form], 3);
		bytes = file_read(path, &length);
		for (size_t i = 0; i < length; i++) {
			struct peeps_graph *graph = NULL;
			struct peeps_problem problem;

			bytes[i] ^= (char)(1 << i % 8);
			file_write(path, bytes, length);
			bytes[i] ^= (char)(1 << i % 8);
			if (read_at(path, 0, &graph, &problem) == 0)
				peeps_graph_free(graph);
			else
				assert_int_equal(problem.status, PEEPS_PROBLEM_BAD_SEGMENT);
		}
		free(bytes);
	}
}

/* --- long ones -------------------------------------------------------------------------------------------------- */

/* The address space is bounded, so that what was kept of all of them would not fit. */
static void series__of_10000__is_not_read_into_memory(void **state)
{
	const struct series_form *form = &series_forms[0];
	const rlim_t room_bytes = (rlim_t)1 << 20;
	struct rlimit before, limit;
	char line[256];
	FILE *statm;
	size_t length;
	unsigned long pages = 0;

	(void)state;
	series_make(form, 10000);
	free(file_read(form->path, &length));
	assert_true(length > room_bytes); /* else it proves nothing */
	statm = fopen("/proc/self/statm", "re");
	assert_non_null(statm);
	assert_non_null(fgets(line, sizeof(line), statm));
	(void)fclose(statm);
	pages = strtoul(line, NULL, 10);
	assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
	limit = before;
	limit.rlim_cur = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + room_bytes;
	if (!IS_SANITIZED) /* which wants address space of its own */
		assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
	assert_int_equal(sequence_at(form->path, -1), 10000);
	assert_int_equal(sequence_at(form->path, 5000), 5000);
	assert_int_equal(sequence_at(form->path, -9999), 2);
	assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
	(void)unlink(form->path);
}

static int remove_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < SERIES_FORMS; i++)
		(void)unlink(series_forms[i].path);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(series__at__is_by_number_or_from_the_end),
		cmocka_unit_test(series__oldest_dropped__numbers_stay),
		cmocka_unit_test(series__without_numbers__goes_by_position),
		cmocka_unit_test(series__cut_off_anywhere__has_what_was_whole),
		cmocka_unit_test(series__cut_off__says_so),
		cmocka_unit_test(series__damaged_in_the_middle__is_refused),
		cmocka_unit_test(series__any_byte_changed__is_read_or_refused),
		cmocka_unit_test(series__of_10000__is_not_read_into_memory),
	};

	char folder[] = "test-series-XXXXXX";
	int failed;

	if (!mkdtemp(folder) || chdir(folder) != 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, remove_files);
	return chdir("..") == 0 && rmdir(folder) == 0 ? failed : 1;
}
