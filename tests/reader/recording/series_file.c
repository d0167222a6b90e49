/* SPDX-License-Identifier: MIT */
#include "tests/reader/recording/series_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "reader/format/zst.h"
#include "reader/problem.h"
#include "tests/reader/graph_builder.h"

const struct series_form series_forms[SERIES_FORMS] = {
	{ "test-series.msgpack", PEEPS_FORMAT_MSGPACK, false },
	{ "test-series.json", PEEPS_FORMAT_JSON, false },
	{ "test-series.msgpack.zst", PEEPS_FORMAT_MSGPACK, true },
	{ "test-series.json.zst", PEEPS_FORMAT_JSON, true },
};

bool series_form_is_there(const struct series_form *form)
{
	return !form->compressed || peeps_zst_is_built_in();
}

struct peeps_series_writer series_open(const struct series_form *form,
				       struct peeps_series_bounds bounds)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_series_writer writer;

	if (peeps_series_writer_open(&writer, form->path, form->format, form->compressed, bounds,
				     &problem) != 0)
		fail_msg("%s: %s", problem.what, problem.why);
	return writer;
}

void series_add(struct peeps_series_writer *writer, uint64_t count)
{
	struct peeps_problem problem = { .status = 0 };
	char note[32];

	for (uint64_t i = 0; i < count; i++) {
		struct peeps_graph *graph = graph_new();
		const char *notes[] = { note };

		(void)snprintf(note, sizeof(note), "note %d", (int)(writer->last + 1));
		graph->notes = notes;
		graph->note_count = 1;
		if (peeps_series_writer_add(writer, graph, &problem) != 0)
			fail_msg("%s: %s", problem.what, problem.why);
		peeps_graph_free(graph);
	}
}

void series_close(struct peeps_series_writer *writer)
{
	struct peeps_problem problem = { .status = 0 };

	assert_int_equal(peeps_series_writer_close(writer, &problem), 0);
}

void series_make(const struct series_form *form, uint64_t count)
{
	struct peeps_series_writer writer;

	(void)unlink(form->path);
	writer = series_open(form, (struct peeps_series_bounds){ .bytes = 0 });
	series_add(&writer, count);
	series_close(&writer);
}

char *file_read(const char *path, size_t *length)
{
	FILE *file = fopen(path, "rbe");
	char *bytes;

	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	*length = (size_t)ftell(file);
	rewind(file);
	bytes = malloc(*length + 1);
	assert_non_null(bytes);
	assert_int_equal(fread(bytes, 1, *length, file), *length);
	(void)fclose(file);
	return bytes;
}

void file_write(const char *path, const void *bytes, size_t length)
{
	FILE *file = fopen(path, "wbe");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}
