/* SPDX-License-Identifier: MIT */
/*
 * Segments that real programs left behind (README.md says how), read by this reader: each gives the graph that it gave
 * when it was saved. PEEPS_GOLDEN_WRITE=1 writes the expected listings anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "layout/schema.h"
#include "reader/analysis/analysis.h"
#include "reader/cut/cut.h"
#include "reader/decode/decode.h"
#include "reader/target/attach.h"
#include "tests/golden/segments/listing.h"
#include "tests/support/later_segment.h"

static const char *const names[] = { "mutex-lock-order-inversion", "channel-full-stall",
				     "one_of_each", "one_of_each_1_1", "singles" };
#define NAME_COUNT (sizeof(names) / sizeof(names[0]))

struct file {
	char *bytes; /* NUL-terminated */
	size_t count;
};

static void path_of(const char *name, const char *suffix, char path[static 512])
{
	(void)snprintf(path, 512, "%s/%s%s", PEEPS_GOLDEN_FOLDER, name, suffix);
}

static struct file file_read(const char *name, const char *suffix)
{
	struct file file = { .bytes = NULL };
	char path[512];
	FILE *stream;

	path_of(name, suffix, path);
	stream = fopen(path, "r");
	if (!stream)
		fail_msg("%s: %s", path, strerror(errno));
	assert_int_equal(fseek(stream, 0, SEEK_END), 0);
	file.count = (size_t)ftell(stream);
	rewind(stream);
	file.bytes = calloc(file.count + 1, 1);
	assert_non_null(file.bytes);
	assert_int_equal(fread(file.bytes, 1, file.count, stream), file.count);
	assert_int_equal(fclose(stream), 0);
	return file;
}

/* The graph as a listing; for free(). Nothing is written to the segment, and time has not gone on since it was saved. */
static char *listing_of(int fd)
{
	const struct peeps_analysis_options wishes = { 0 };
	struct peeps_target target;
	struct peeps_problem problem;
	struct peeps_image image;
	struct peeps_graph *graph;
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (peeps_attach_fd(&target, fd, &problem))
		fail_msg("%s", problem.why);
	peeps_image_init(&image);
	assert_int_equal(peeps_cut(&target, &image, PEEPS_CUT_PASSIVE, &problem), 0);
	image.taken_at_monotonic_ns = image.header.start_monotonic_ns + UINT64_C(1000000000);
	assert_int_equal(peeps_decode(&image, PEEPS_DECODE_HISTORY, &graph), 0);
	assert_int_equal(peeps_analyse(graph, &wishes), 0);
	listing_write(graph, out);
	assert_int_equal(fclose(out), 0);
	peeps_graph_free(graph);
	peeps_image_deinit(&image);
	peeps_detach(&target);
	(void)close(fd);
	return text;
}

static void listing_save(const char *name, const char *listing)
{
	char path[512];
	FILE *out;

	if (!getenv("PEEPS_GOLDEN_WRITE")) // NOLINT(concurrency-mt-unsafe): one thread
		return;
	path_of(name, ".listing", path);
	out = fopen(path, "w");
	assert_non_null(out);
	(void)fputs(listing, out);
	assert_int_equal(fclose(out), 0);
}

static void listing_compare(const char *name, const char *listing)
{
	struct file expected = file_read(name, ".listing");
	for (const char *a = listing, *b = expected.bytes; *a || *b; a++, b++) {
		if (*a == *b)
			continue;
		while (a > listing && a[-1] != '\n') {
			a--;
			b--;
		}
		fail_msg("%s:\n%.*s\nand not\n%.*s", name, (int)strcspn(a, "\n"), a,
			 (int)strcspn(b, "\n"), b);
	}
	free(expected.bytes);
}

static void segment__saved__gives_the_graph_that_it_gave(void **state)
{
	(void)state;
	for (size_t i = 0; i < NAME_COUNT; i++) {
		struct file file = file_read(names[i], ".peeps");
		char *listing = listing_of(segment_memfd(file.bytes, file.count));

		listing_save(names[i], listing);
		listing_compare(names[i], listing);
		free(listing);
		free(file.bytes);
	}
}

/* That it is of a later layout is all that differs. */
static void note_forget(char *listing)
{
	char *note = strstr(listing, "note its segment has layout 1.");
	char *end;

	assert_non_null(note);
	end = strchr(note, '\n') + 1;
	memmove(note, end, strlen(end) + 1);
}

static void segment__of_the_next_minor_version__gives_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < NAME_COUNT; i++) {
		struct file file = file_read(names[i], ".peeps");
		char *listing = listing_of(later_segment_memfd(file.bytes));

		note_forget(listing);
		listing_compare(names[i], listing);
		free(listing);
		free(file.bytes);
	}
}

static void refused(void (*change)(struct peeps_segment_header *header), const char *why)
{
	struct file file = file_read(names[0], ".peeps");
	struct peeps_target target;
	struct peeps_problem problem;
	int fd;

	change((struct peeps_segment_header *)file.bytes);
	fd = segment_memfd(file.bytes, file.count);
	assert_int_equal(peeps_attach_fd(&target, fd, &problem), -EPROTONOSUPPORT);
	assert_int_equal(problem.status, 6);
	assert_string_equal(problem.why, why);
	(void)close(fd);
	free(file.bytes);
}

static void next_major(struct peeps_segment_header *header)
{
	header->layout_major = 2;
	header->layout_minor = 0;
}

static void incompatible(struct peeps_segment_header *header)
{
	header->incompat_flags = 1;
}

static void segment__of_another_major_version__is_refused_with_both_numbers(void **state)
{
	(void)state;
	refused(next_major, "its segment has layout 2.0, and this reader knows 1.x");
}

static void segment__with_an_incompatible_feature__is_refused_with_both_numbers(void **state)
{
	(void)state;
	refused(incompatible, "its segment uses features 0x1, and this reader knows 0x0");
}

/* --- frozen ----------------------------------------------------------------------------------------------------- */

static bool is_said(const struct peeps_schema_row *row)
{
	for (size_t i = 0; i < sizeof(peeps_schema_built_in) / sizeof(peeps_schema_built_in[0]);
	     i++) {
		const struct peeps_schema_row *now = &peeps_schema_built_in[i];
		const bool ordered =
			row->list == PEEPS_SCHEMA_FIELD || row->list == PEEPS_SCHEMA_DETAIL;

		/* The numbers of attributes are only their order. */
		if (now->list == row->list && now->owner == row->owner &&
		    (ordered || now->number == row->number) && now->word == row->word &&
		    now->shift == row->shift && now->bits == row->bits && now->type == row->type &&
		    now->discipline == row->discipline && now->role == row->role &&
		    strcmp(now->name, row->name) == 0 && strcmp(now->prefix, row->prefix) == 0)
			return true;
	}
	return false;
}

/* Append, never renumber: what a segment of 1.0 calls something, later versions of its major do, too. */
static void schema__of_a_saved_segment__still_holds(void **state)
{
	struct file file = file_read(names[0], ".peeps");
	const struct peeps_segment_header *header = (const void *)file.bytes;
	const struct peeps_section_entry *entry = &header->sections[PEEPS_SECTION_SCHEMA - 1];
	const struct peeps_schema_row *rows = (const void *)(file.bytes + entry->offset);

	(void)state;
	assert_int_equal(entry->id, PEEPS_SECTION_SCHEMA);
	assert_true(entry->high_water > 100);
	for (uint64_t i = 0; i < entry->high_water; i++) {
		if (!is_said(&rows[i]))
			fail_msg("list %u, owner %u, number %u, \"%s\" is not said any more",
				 rows[i].list, rows[i].owner, rows[i].number, rows[i].name);
	}
	free(file.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segment__saved__gives_the_graph_that_it_gave),
		cmocka_unit_test(segment__of_the_next_minor_version__gives_the_same),
		cmocka_unit_test(segment__of_another_major_version__is_refused_with_both_numbers),
		cmocka_unit_test(
			segment__with_an_incompatible_feature__is_refused_with_both_numbers),
		cmocka_unit_test(schema__of_a_saved_segment__still_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
