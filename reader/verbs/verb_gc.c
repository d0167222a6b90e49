/* SPDX-License-Identifier: MIT */
#include "reader/verbs/verb_gc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "reader/format/json.h"
#include "reader/format/print.h"
#include "reader/problem.h"
#include "reader/target/kept.h"

struct gc {
	const char *path;
	int directory;
	bool dry_run;
	struct peeps_kept *list;
	size_t count;
	bool *removed; /* or would be */
	size_t removed_count, live_count, other_count;
	uint64_t removed_bytes;
	struct peeps_problem *problem; /* of the first file that could not be removed */
};

static int complain(struct gc *gc, const struct peeps_kept *kept, int error)
{
	(void)snprintf(gc->problem->what, sizeof(gc->problem->what), "cannot remove a segment");
	errno = -error;
	return peeps_problem_set(gc->problem, PEEPS_PROBLEM_OTHER, error,
				 "run it as the directory's owner", "%s: %m", kept->name);
}

/* One that has gone meanwhile, or lives after all, is none of our business any more. */
static int sweep(struct gc *gc)
{
	int failed = 0;

	for (size_t i = 0; i < gc->count; i++) {
		const struct peeps_kept *kept = &gc->list[i];
		int r = 0;

		gc->live_count += kept->state == PEEPS_KEPT_LIVE;
		gc->other_count += kept->state == PEEPS_KEPT_OTHER;
		if (kept->state != PEEPS_KEPT_STALE)
			continue;
		if (!gc->dry_run)
			r = peeps_kept_remove(gc->directory, kept);
		if (r == 0) {
			gc->removed[i] = true;
			gc->removed_count++;
			gc->removed_bytes += kept->memory_bytes;
		} else if (r != -ENOENT && r != -EBUSY && !failed) {
			failed = complain(gc, kept, r);
		}
	}
	return failed;
}

/* --- printing --------------------------------------------------------------------------------------------------- */

static void print_kept(const struct gc *gc, const struct peeps_kept *kept, FILE *out)
{
	char time[PEEPS_TIME_BYTES];

	(void)fputs(gc->dry_run ? "would remove " : "removed ", out);
	peeps_escape_to(out, kept->name);
	if (!*kept->process_name) {
		(void)fputs(": killed before it was ready\n", out);
		return;
	}
	(void)fputs(": ", out);
	peeps_escape_to(out, kept->process_name);
	(void)fprintf(out, " (pid %" PRIu32 "), begun %s, %" PRIu64 " KiB\n", kept->pid,
		      peeps_time_utc(time, kept->start_realtime_ns), kept->memory_bytes >> 10);
}

static void print_text(const struct gc *gc, FILE *out)
{
	for (size_t i = 0; i < gc->count; i++) {
		if (gc->removed[i])
			print_kept(gc, &gc->list[i], out);
	}
	peeps_escape_to(out, gc->path);
	(void)fprintf(out, ": %zu segment%s %s, %" PRIu64 " KiB", gc->removed_count,
		      gc->removed_count == 1 ? "" : "s", gc->dry_run ? "to remove" : "removed",
		      gc->removed_bytes >> 10);
	if (gc->live_count)
		(void)fprintf(out, "; %zu of live processes left alone", gc->live_count);
	if (gc->other_count)
		(void)fprintf(out, "; %zu other file%s left alone", gc->other_count,
			      gc->other_count == 1 ? "" : "s");
	(void)fputc('\n', out);
}

static const char *state_name(enum peeps_kept_state state)
{
	static const char *const names[] = { [PEEPS_KEPT_LIVE] = "live",
					     [PEEPS_KEPT_STALE] = "stale",
					     [PEEPS_KEPT_OTHER] = "other" };

	return names[state];
}

static int print_json(const struct gc *gc, FILE *out)
{
	struct peeps_json json;
	const int r = peeps_json_open(&json, out);

	if (r)
		return r;
	peeps_json_map(&json);
	peeps_json_text_at(&json, "directory", gc->path);
	peeps_json_key(&json, "dry_run");
	peeps_json_bool(&json, gc->dry_run);
	peeps_json_key(&json, "segments");
	peeps_json_array(&json);
	for (size_t i = 0; i < gc->count; i++) {
		const struct peeps_kept *kept = &gc->list[i];
		const bool known = *kept->process_name;

		peeps_json_map(&json);
		peeps_json_text_at(&json, "file", kept->name);
		peeps_json_text_at(&json, "state", state_name(kept->state));
		peeps_json_key(&json, "removed");
		peeps_json_bool(&json, gc->removed[i] && !gc->dry_run);
		peeps_json_text_at(&json, "name", known ? kept->process_name : NULL);
		peeps_json_number_at(&json, "pid", known ? kept->pid : UINT64_MAX);
		peeps_json_number_at(&json, "begun_unix_ns",
				     known ? kept->start_realtime_ns : UINT64_MAX);
		peeps_json_number_at(&json, "memory_bytes", kept->memory_bytes);
		peeps_json_map_end(&json);
	}
	peeps_json_array_end(&json);
	peeps_json_map_end(&json);
	return peeps_json_close(&json);
}

static int sweep_and_print(struct gc *gc, const struct peeps_options *options, FILE *out)
{
	int r = peeps_kept_list(gc->directory, &gc->list, &gc->count);
	int failed;

	if (r)
		return r;
	gc->removed = calloc(gc->count + 1, sizeof(*gc->removed));
	if (!gc->removed)
		return -ENOMEM;
	failed = sweep(gc);
	r = 0;
	if (options->format == PEEPS_FORMAT_JSON)
		r = print_json(gc, out);
	else
		print_text(gc, out);
	return failed ? failed : r;
}

int peeps_gc_print(const struct peeps_options *options, const struct peeps_graph *graph, FILE *out,
		   struct peeps_problem *problem)
{
	struct gc gc = { .path = peeps_kept_directory(),
			 .dry_run = options->dry_run,
			 .problem = problem };
	int r;

	(void)graph;
	if (!gc.path) {
		(void)snprintf(problem->what, sizeof(problem->what), "there is nothing to look at");
		return peeps_problem_set(problem, PEEPS_PROBLEM_USAGE, -EINVAL,
					 "PEEPS_DIR=/dev/shm/... peeps-read gc",
					 "PEEPS_DIR is not set, so no segments are kept");
	}
	gc.directory = peeps_kept_directory_open(gc.path, problem);
	if (gc.directory < 0)
		return gc.directory;
	r = sweep_and_print(&gc, options, out);
	free(gc.list);
	free(gc.removed);
	(void)close(gc.directory);
	return r;
}
