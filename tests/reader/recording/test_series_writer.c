/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "reader/graph/graph.h"
#include "reader/problem.h"
#include "reader/recording/recording.h"
#include "reader/snapshot/series.h"
#include "tests/reader/graph_builder.h"
#include "tests/reader/recording/series_file.h"

static const struct peeps_series_bounds none;

static struct peeps_series_survey survey_of(const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct peeps_problem problem = { .status = 0 };
	struct peeps_series_survey survey;

	assert_true(fd >= 0);
	if (peeps_series_walk(fd, path, &survey, NULL, NULL, NULL, &problem) != 0)
		fail_msg("%s: %s", problem.what, problem.why);
	(void)close(fd);
	return survey;
}

static void assert_series(const char *path, uint64_t first, uint64_t last)
{
	const struct peeps_series_survey survey = survey_of(path);

	assert_int_equal(survey.first, first);
	assert_int_equal(survey.last, last);
	assert_int_equal(survey.count, last - first + 1);
	assert_int_equal(survey.cut_off_bytes, 0);
}

static int try_open(const char *path, struct peeps_problem *problem)
{
	struct peeps_series_writer writer;
	const int r =
		peeps_series_writer_open(&writer, path, PEEPS_FORMAT_MSGPACK, false, none, problem);

	if (r == 0)
		assert_int_equal(peeps_series_writer_close(&writer, problem), 0);
	return r;
}

/* --- going on --------------------------------------------------------------------------------------------------- */

static void writer__series_is_there__goes_on_with_it(void **state)
{
	(void)state;
	for (size_t form = 0; form < SERIES_FORMS; form++) {
		struct peeps_series_writer writer;

		if (!series_form_is_there(&series_forms[form]))
			continue;
		series_make(&series_forms[form], 3);
		writer = series_open(&series_forms[form], none);
		assert_int_equal(writer.last, 3);
		assert_int_equal(writer.snapshots, 3);
		series_add(&writer, 2);
		series_close(&writer);
		assert_series(series_forms[form].path, 1, 5);
	}
}

static void writer__end_is_cut_off_anywhere__goes_on_after_what_is_whole(void **state)
{
	(void)state;
	for (size_t form = 0; form < SERIES_FORMS; form++) {
		const char *path = series_forms[form].path;
		size_t length, left;
		char *bytes;

		if (!series_form_is_there(&series_forms[form]))
			continue;
		series_make(&series_forms[form], 3);
		bytes = file_read(path, &length);
		/* Each costs a wait for the disk: not all of them. */
		for (size_t cut = 0; cut < length; cut += cut < 40 || cut + 20 > length ? 1 : 23) {
			struct peeps_series_writer writer;
			struct peeps_problem problem;

			file_write(path, bytes, cut);
			/* of the first one, so little may be there that it could be anybody's */
			if (cut < 40 && try_open(path, &problem) != 0)
				continue;
			file_write(path, bytes, cut);
			writer = series_open(&series_forms[form], none);
			assert_in_range(writer.last, 0, 3);
			free(file_read(path, &left));
			assert_int_equal(left, writer.bytes); /* the next may be shorter */
			series_add(&writer, 1);
			series_close(&writer);
			assert_series(path, 1, survey_of(path).last);
		}
		free(bytes);
	}
}

/* The whole snapshots in it cannot be told from the one that is cut off, but by those who read it. */
static void writer__others_compressed_it_and_it_is_cut_off__is_refused_and_left(void **state)
{
	const char *path = series_forms[2].path;
	struct peeps_series_writer writer;
	struct peeps_problem problem;
	size_t length, left;
	FILE *out;
	char *bytes;

	(void)state;
	if (!series_form_is_there(&series_forms[2]))
		return;
	(void)unlink(path);
	series_make(&series_forms[0], 5);
	bytes = file_read(series_forms[0].path, &length);
	out = fopen(series_forms[0].path, "w");
	assert_non_null(out);
	for (size_t written = 0; written < 1 << 20; written += length) /* of some blocks */
		assert_int_equal(fwrite(bytes, 1, length, out), length);
	assert_int_equal(fclose(out), 0);
	free(bytes);
	if (system("zstd -q test-series.msgpack 2>/dev/null") != 0)
		return; /* zstd(1) is not there */
	bytes = file_read(path, &length);
	file_write(path, bytes, length - 5);
	assert_true(survey_of(path).count > 1);
	assert_int_equal(
		peeps_series_writer_open(&writer, path, PEEPS_FORMAT_MSGPACK, true, none, &problem),
		-EBADMSG);
	assert_non_null(strstr(problem.why, "compressed together"));
	free(file_read(path, &left));
	assert_int_equal(left, length - 5);
	free(bytes);
}

static void writer__others_compressed_it__goes_on_after_that(void **state)
{
	const struct series_form *form = &series_forms[2];
	struct peeps_series_writer writer;

	(void)state;
	if (!series_form_is_there(form))
		return;
	(void)unlink("test-series.msgpack.zst");
	series_make(&series_forms[0], 5);
	if (system("zstd -q test-series.msgpack 2>/dev/null") != 0)
		return; /* zstd(1) is not there */
	writer = series_open(form, none);
	assert_int_equal(writer.last, 5);
	series_add(&writer, 1);
	assert_int_equal(writer.unit_count, 2);
	series_close(&writer);
	assert_series(form->path, 1, 6);
	writer = series_open(form, (struct peeps_series_bounds){ .snapshots = 3 });
	series_add(&writer, 1); /* of the five, none can be kept alone */
	assert_int_equal(writer.dropped, 5);
	series_close(&writer);
	assert_series(form->path, 6, 7);
}

static void writer__nothing_recorded__leaves_no_file(void **state)
{
	struct peeps_series_writer writer;

	(void)state;
	(void)unlink(series_forms[0].path);
	writer = series_open(&series_forms[0], none);
	series_close(&writer);
	assert_int_equal(access(series_forms[0].path, F_OK), -1);
}

/* --- what is not taken ------------------------------------------------------------------------------------------ */

static void writer__other_files__are_left_alone(void **state)
{
	static const char *const rows[] = { "#!/bin/sh\n",       "{\"name\": \"package\"}",
					    "{\"name\": \"pack", "\x81\xa1x\xc0",
					    "\x81\xa1x",         "[1]" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peeps_problem problem = { .status = 0 };
		size_t length;
		char *bytes;
		int r;

		file_write("other.msgpack", rows[i], strlen(rows[i]));
		r = try_open("other.msgpack", &problem);
		if (r == 0)
			fail_msg("row %zu was taken", i);
		assert_int_equal(problem.status, PEEPS_PROBLEM_BAD_SEGMENT);
		bytes = file_read("other.msgpack", &length);
		assert_int_equal(length, strlen(rows[i]));
		assert_memory_equal(bytes, rows[i], length);
		free(bytes);
	}
	(void)unlink("other.msgpack");
}

static void writer__compressed_and_its_name_says_not__is_refused(void **state)
{
	struct peeps_problem problem = { .status = 0 };

	(void)state;
	if (!series_form_is_there(&series_forms[2]))
		return;
	series_make(&series_forms[2], 1);
	assert_int_equal(rename(series_forms[2].path, series_forms[0].path), 0);
	assert_int_equal(try_open(series_forms[0].path, &problem), -EBADMSG);
	assert_string_equal(problem.why, "it is compressed, and its name does not say so");
}

static void writer__damaged_in_the_middle__is_refused(void **state)
{
	struct peeps_problem problem = { .status = 0 };
	size_t length;
	char *bytes;

	(void)state;
	series_make(&series_forms[0], 3);
	bytes = file_read(series_forms[0].path, &length);
	bytes[length / 3] = 'x';
	file_write(series_forms[0].path, bytes, length);
	assert_int_equal(try_open(series_forms[0].path, &problem), -EBADMSG);
	free(bytes);
	bytes = file_read(series_forms[0].path, &length);
	assert_int_equal(bytes[length / 3], 'x');
	free(bytes);
}

static void writer__folder_or_pipe__is_refused(void **state)
{
	struct peeps_problem problem = { .status = 0 };

	(void)state;
	assert_true(try_open(".", &problem) < 0);
	assert_int_equal(mkfifo("pipe.msgpack", 0600), 0);
	assert_int_equal(try_open("pipe.msgpack", &problem), -EINVAL); /* and does not wait */
	(void)unlink("pipe.msgpack");
}

static void writer__another_writes__is_refused_until_it_is_done(void **state)
{
	struct peeps_series_writer writer;
	struct peeps_problem problem = { .status = 0 };

	(void)state;
	(void)unlink(series_forms[0].path);
	writer = series_open(&series_forms[0], (struct peeps_series_bounds){ .snapshots = 2 });
	assert_int_equal(try_open(series_forms[0].path, &problem), -EBUSY);
	series_add(&writer, 5); /* it is another file now */
	assert_true(writer.dropped > 0);
	assert_int_equal(try_open(series_forms[0].path, &problem), -EBUSY);
	series_close(&writer);
	assert_int_equal(try_open(series_forms[0].path, &problem), 0);
}

/* --- bounds ----------------------------------------------------------------------------------------------------- */

static void writer__too_many__keeps_the_newest(void **state)
{
	(void)state;
	for (uint64_t keep = 1; keep < 20; keep++) {
		struct peeps_series_writer writer;

		(void)unlink(series_forms[0].path);
		writer = series_open(&series_forms[0],
				     (struct peeps_series_bounds){ .snapshots = keep });
		for (uint64_t i = 1; i <= 50; i++) {
			series_add(&writer, 1);
			assert_in_range(writer.snapshots, i < keep ? i : keep - keep / 4, keep);
			assert_int_equal(writer.dropped, i - writer.snapshots);
			assert_series(series_forms[0].path, i - writer.snapshots + 1, i);
		}
		series_close(&writer);
	}
}

static void writer__too_long__keeps_the_newest(void **state)
{
	(void)state;
	for (size_t form = 0; form < SERIES_FORMS; form++) {
		struct peeps_series_writer writer;
		struct stat status;

		if (!series_form_is_there(&series_forms[form]))
			continue;
		(void)unlink(series_forms[form].path);
		writer = series_open(&series_forms[form],
				     (struct peeps_series_bounds){ .bytes = 5000 });
		for (uint64_t i = 1; i <= 100; i++) {
			series_add(&writer, 1);
			assert_int_equal(stat(series_forms[form].path, &status), 0);
			assert_int_equal(status.st_size, writer.bytes);
			assert_in_range(status.st_size, 1, 5000);
			assert_series(series_forms[form].path, i - writer.snapshots + 1, i);
		}
		assert_true(writer.bytes > 3000); /* three quarters, but for one */
		assert_true(writer.dropped > 0);
		series_close(&writer);
	}
}

static void writer__one_is_longer_than_all_may_be__is_refused_and_nothing_lost(void **state)
{
	struct peeps_series_writer writer;
	struct peeps_problem problem = { .status = 0 };
	struct peeps_graph *graph = graph_new();

	(void)state;
	series_make(&series_forms[0], 2);
	writer = series_open(&series_forms[0], (struct peeps_series_bounds){ .bytes = 100 });
	assert_int_equal(peeps_series_writer_add(&writer, graph, &problem), -EFBIG);
	assert_non_null(strstr(problem.why, "all together may take 100"));
	assert_string_equal(problem.hint, "allow it more by --max-size");
	series_close(&writer);
	assert_series(series_forms[0].path, 1, 2);
	peeps_graph_free(graph);
}

static void writer__behind_a_link__the_link_stays(void **state)
{
	struct peeps_series_writer writer;
	struct stat status;

	(void)state;
	(void)unlink(series_forms[0].path);
	file_write("behind.msgpack", "", 0);
	assert_int_equal(chmod("behind.msgpack", 0640), 0);
	assert_int_equal(symlink("behind.msgpack", series_forms[0].path), 0);
	writer = series_open(&series_forms[0], (struct peeps_series_bounds){ .snapshots = 2 });
	series_add(&writer, 7);
	series_close(&writer);
	assert_int_equal(lstat(series_forms[0].path, &status), 0);
	assert_true(S_ISLNK(status.st_mode));
	assert_int_equal(stat("behind.msgpack", &status), 0);
	assert_int_equal(status.st_mode & 0777, 0640);
	assert_series("behind.msgpack", 6, 7);
	(void)unlink("behind.msgpack");
	(void)unlink(series_forms[0].path);
}

/* --- no room ---------------------------------------------------------------------------------------------------- */

static void writer__no_room_left__file_is_whole(void **state)
{
	const struct rlimit limit = { .rlim_cur = 2000, .rlim_max = RLIM_INFINITY };
	struct peeps_series_writer writer;
	struct peeps_problem problem = { .status = 0 };
	struct peeps_graph *graph = graph_new();
	struct rlimit before;
	uint64_t count = 0;
	int r;

	(void)state;
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)unlink(series_forms[0].path);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	writer = series_open(&series_forms[0], none);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	while ((r = peeps_series_writer_add(&writer, graph, &problem)) == 0)
		count++;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(r, -EFBIG);
	assert_int_equal(problem.status, PEEPS_PROBLEM_OTHER);
	assert_true(count > 0);
	assert_series(series_forms[0].path, 1, count);
	assert_int_equal(peeps_series_writer_add(&writer, graph, &problem), 0); /* there is now */
	series_close(&writer);
	assert_series(series_forms[0].path, 1, count + 1);
	peeps_graph_free(graph);
}

/* What was to take the place of the file is gone, and the file is as it was, with one more. */
static void writer__cannot_drop__file_is_whole(void **state)
{
	struct peeps_series_writer writer;
	struct peeps_problem problem = { .status = 0 };
	struct peeps_graph *graph = graph_new();
	char *path;

	(void)state;
	series_make(&series_forms[0], 9);
	writer = series_open(&series_forms[0], (struct peeps_series_bounds){ .snapshots = 5 });
	path = writer.path;
	writer.path = strdup("no-such-folder/x");
	assert_int_equal(peeps_series_writer_add(&writer, graph, &problem), -ENOENT);
	assert_series(series_forms[0].path, 1, 10);
	assert_int_equal(access("test-series.msgpack.peeps-tmp", F_OK), -1);
	free(writer.path);
	writer.path = path;
	series_add(&writer, 1);
	series_close(&writer);
	assert_series(series_forms[0].path, 8, 11);
	peeps_graph_free(graph);
}

/* --- as a recording --------------------------------------------------------------------------------------------- */

static void recording__names__tell_what_it_is(void **state)
{
	static const struct {
		const char *path;
		int r;
		enum peeps_recording_kind kind;
	} rows[] = {
		{ "a.msgpack", 0, PEEPS_RECORDING_SERIES },
		{ "a.json", 0, PEEPS_RECORDING_SERIES },
		{ "a.db", 0, PEEPS_RECORDING_DATABASE },
		{ "a.sqlite", 0, PEEPS_RECORDING_DATABASE },
		{ "a.sqlite3", 0, PEEPS_RECORDING_DATABASE },
		{ "a.dot", -EINVAL, 0 },
		{ "a", -EINVAL, 0 },
		{ ".json", -EINVAL, 0 },
		{ "a.zst", -EINVAL, 0 },
		{ "a.db.zst", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peeps_problem problem = { .status = 0 };
		struct peeps_recording recording;
		const int r = peeps_recording_open(&recording, rows[i].path, none, &problem);

		if (r != rows[i].r)
			fail_msg("%s: %d, %s: %s", rows[i].path, r, problem.what, problem.why);
		if (r)
			assert_int_equal(problem.status, PEEPS_PROBLEM_USAGE);
		else
			assert_int_equal(recording.kind, rows[i].kind);
		if (r == 0)
			assert_int_equal(peeps_recording_close(&recording, &problem), 0);
		(void)unlink(rows[i].path);
	}
}

static void recording__database__keeps_its_bounds_and_goes_on(void **state)
{
	const struct peeps_series_bounds bounds = { .snapshots = 4, .bytes = 1 << 20 };
	struct peeps_problem problem = { .status = 0 };
	struct peeps_recording recording, other;
	struct peeps_graph *graph = graph_new();

	(void)state;
	(void)unlink("bounded.db");
	for (uint64_t round = 0; round < 2; round++) {
		assert_int_equal(peeps_recording_open(&recording, "bounded.db", bounds, &problem),
				 0);
		assert_int_equal(recording.last, 7 * round);
		assert_int_equal(peeps_recording_open(&other, "bounded.db", bounds, &problem),
				 -EBUSY);
		for (uint64_t i = 1; i <= 7; i++) {
			assert_int_equal(peeps_recording_add(&recording, graph, &problem), 0);
			assert_int_equal(graph->sequence, 7 * round + i);
			assert_int_equal(recording.snapshots, round || i > 4 ? 4 : i);
		}
		assert_int_equal(recording.dropped, round ? 7 : 3);
		assert_int_equal(peeps_recording_close(&recording, &problem), 0);
	}
	peeps_graph_free(graph);
	(void)unlink("bounded.db");
}

static void recording__database_too_large__drops_until_it_fits(void **state)
{
	struct peeps_series_bounds bounds = { .bytes = UINT64_MAX };
	struct peeps_problem problem = { .status = 0 };
	struct peeps_recording recording;
	struct peeps_graph *graph = graph_new();
	uint64_t room, most = 0;

	(void)state;
	for (uint32_t i = 0; i < 300; i++)
		(void)graph_thread(graph, i + 1, "a");
	(void)unlink("large.db");
	assert_int_equal(peeps_recording_open(&recording, "large.db", bounds, &problem), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(peeps_recording_add(&recording, graph, &problem), 0);
	room = recording.bounds.bytes = recording.bytes;
	for (int i = 0; i < 20; i++) {
		assert_int_equal(peeps_recording_add(&recording, graph, &problem), 0);
		assert_in_range(recording.bytes, 1, room);
		assert_in_range(recording.snapshots, 1, 3);
		most = recording.snapshots > most ? recording.snapshots : most;
	}
	assert_int_equal(most, 3); /* no more is dropped than has to be */
	recording.bounds.bytes = 4096;
	assert_int_equal(peeps_recording_add(&recording, graph, &problem), -EFBIG);
	assert_non_null(strstr(problem.why, "all together may take 4096"));
	assert_int_equal(peeps_recording_close(&recording, &problem), 0);
	peeps_graph_free(graph);
	(void)unlink("large.db");
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
		cmocka_unit_test(writer__series_is_there__goes_on_with_it),
		cmocka_unit_test(writer__end_is_cut_off_anywhere__goes_on_after_what_is_whole),
		cmocka_unit_test(
			writer__others_compressed_it_and_it_is_cut_off__is_refused_and_left),
		cmocka_unit_test(writer__others_compressed_it__goes_on_after_that),
		cmocka_unit_test(writer__nothing_recorded__leaves_no_file),
		cmocka_unit_test(writer__other_files__are_left_alone),
		cmocka_unit_test(writer__compressed_and_its_name_says_not__is_refused),
		cmocka_unit_test(writer__damaged_in_the_middle__is_refused),
		cmocka_unit_test(writer__folder_or_pipe__is_refused),
		cmocka_unit_test(writer__another_writes__is_refused_until_it_is_done),
		cmocka_unit_test(writer__too_many__keeps_the_newest),
		cmocka_unit_test(writer__too_long__keeps_the_newest),
		cmocka_unit_test(
			writer__one_is_longer_than_all_may_be__is_refused_and_nothing_lost),
		cmocka_unit_test(writer__behind_a_link__the_link_stays),
		cmocka_unit_test(writer__no_room_left__file_is_whole),
		cmocka_unit_test(writer__cannot_drop__file_is_whole),
		cmocka_unit_test(recording__names__tell_what_it_is),
		cmocka_unit_test(recording__database__keeps_its_bounds_and_goes_on),
		cmocka_unit_test(recording__database_too_large__drops_until_it_fits),
	};

	char folder[] = "test-writer-XXXXXX";
	int failed;

	if (!mkdtemp(folder) || chdir(folder) != 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, remove_files);
	return chdir("..") == 0 && rmdir(folder) == 0 ? failed : 1;
}
