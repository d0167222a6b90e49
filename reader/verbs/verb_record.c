/* SPDX-License-Identifier: MIT */
#include "reader/verbs/verb_record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reader/clock.h"
#include "reader/command/complain.h"
#include "reader/command/output.h"
#include "reader/format/json.h"
#include "reader/format/print.h"
#include "reader/format/terminal.h"
#include "reader/graph/graph.h"
#include "reader/problem.h"
#include "reader/recording/recorder.h"

#define CLEAR_LINE     "\r\x1b[K"
#define SIZE_BYTES     32
#define DRAWN_EVERY_NS UINT64_C(100000000)
#define NEWS_MAX       10 /* findings that are told of one by one; more are counted */
#define BUSY_NS        UINT64_C(10000000)
#define NAMED_MAX      3

/* --- while it runs: on standard error --------------------------------------------------------------------------- */

struct screen {
	bool redraws;
	bool drawn; /* a line stands there, without its end */
	uint64_t drawn_ns;
	size_t told;
};

static const char *size_text(char out[static SIZE_BYTES], uint64_t bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	double size = (double)bytes;
	size_t unit = 0;

	while (size >= 999.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		size /= 1000;
		unit++;
	}
	(void)snprintf(out, SIZE_BYTES, unit && size < 9.95 ? "%.1f %s" : "%.0f %s", size,
		       units[unit]);
	return out;
}

static void clear(struct screen *screen)
{
	if (screen->drawn)
		(void)fputs(CLEAR_LINE, stderr);
	screen->drawn = false;
}

static void on_note(void *context, const char *who, const char *what)
{
	clear(context);
	(void)fputs("note: ", stderr);
	peeps_escape_to(stderr, who);
	(void)fputc(' ', stderr);
	peeps_escape_to(stderr, what);
	(void)fputc('\n', stderr);
}

static void on_found(void *context, const struct peeps_graph *graph,
		     const struct peeps_finding *finding)
{
	struct screen *screen = context;
	const char *kind = finding->kind == PEEPS_FINDING_DEADLOCK ? "deadlock" : "orphaned wait";

	if (screen->told++ > NEWS_MAX)
		return;
	clear(screen);
	if (screen->told > NEWS_MAX) {
		(void)fputs("note: more is found, and is only counted from now on\n", stderr);
		return;
	}
	(void)fprintf(stderr, "note: %s since snapshot %" PRIu64 ": ", kind, graph->sequence);
	peeps_escape_to(stderr, finding->sentence);
	(void)fputc('\n', stderr);
}

static void on_tick(void *context, const struct peeps_recorder *recorder)
{
	const uint64_t now_ns = peeps_clock_monotonic_ns();
	char size[SIZE_BYTES], time[PEEPS_DURATION_BYTES];
	struct screen *screen = context;

	if (!screen->redraws || (screen->drawn && now_ns - screen->drawn_ns < DRAWN_EVERY_NS))
		return;
	screen->drawn = true;
	screen->drawn_ns = now_ns;
	(void)fprintf(stderr, CLEAR_LINE "%" PRIu64 " snapshot%s, %s, %s", recorder->recorded,
		      recorder->recorded == 1 ? "" : "s",
		      size_text(size, recorder->recording.bytes),
		      peeps_duration_floor(time, now_ns - recorder->begun_ns));
	if (recorder->following.count == 0)
		(void)fputs(", nobody is there", stderr);
	if (recorder->ticks.missed)
		(void)fprintf(stderr, ", %" PRIu64 " missed", recorder->ticks.missed);
	if (recorder->found)
		(void)fprintf(stderr, ", %" PRIu64 " finding%s", recorder->found,
			      recorder->found == 1 ? "" : "s");
}

static void on_begin(void *context, const struct peeps_recorder *recorder)
{
	const struct peeps_options *options = recorder->options;
	char interval[PEEPS_DURATION_BYTES];

	(void)context;

	(void)fprintf(stderr, "a snapshot every %s into ",
		      peeps_duration_floor(interval, options->interval_ns));
	peeps_escape_to(stderr, options->output);
	(void)fputs(options->time_ns ? "\n" : "; Ctrl-C ends it\n", stderr);
	if (options->interval_ns < BUSY_NS)
		(void)fputs(
			"note: at this rate the process has a thread that wakes up all the time\n",
			stderr);
}

/* --- at the end ------------------------------------------------------------------------------------------------- */

static void print_processes(const struct peeps_recorder *recorder, FILE *out)
{
	const size_t count = recorder->process_count;

	if (count > NAMED_MAX) {
		(void)fprintf(out, "%zu processes", count);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		(void)fputs(i == 0 ? "" : i + 1 == count ? " and " : ", ", out);
		peeps_escape_to(out, recorder->processes[i]);
	}
}

static void print_count(const char *what, uint64_t count, FILE *out)
{
	if (count)
		(void)fprintf(out, ", %" PRIu64 " %s", count, what);
}

static void print_text(const struct peeps_recorder *recorder, FILE *out)
{
	char size[SIZE_BYTES], time[PEEPS_DURATION_BYTES];

	(void)fprintf(out, "recorded %" PRIu64 " snapshot%s of ", recorder->recorded,
		      recorder->recorded == 1 ? "" : "s");
	print_processes(recorder, out);
	(void)fprintf(out, " in %s into ",
		      peeps_duration_floor(time, recorder->ended_ns - recorder->begun_ns));
	peeps_escape_to(out, recorder->options->output);
	(void)fprintf(out, " (%s); %" PRIu64 " missed, %" PRIu64 " dropped",
		      size_text(size, recorder->recording.bytes), recorder->ticks.missed,
		      recorder->recording.dropped);
	print_count("incomplete", recorder->incomplete, out);
	print_count("failed", recorder->failed, out);
	print_count("with nobody there", recorder->empty, out);
	print_count(recorder->found == 1 ? "finding" : "findings", recorder->found, out);
	(void)fputc('\n', out);
	if (recorder->recording.snapshots > recorder->recorded - recorder->recording.dropped)
		(void)fprintf(out,
			      "it has %" PRIu64 " snapshots now, the last is number %" PRIu64 "\n",
			      recorder->recording.snapshots, recorder->recording.last);
}

static void write_numbers(const struct peeps_recorder *recorder, struct peeps_json *json)
{
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = {
		{ "snapshots", recorder->recorded },
		{ "first", recorder->first ? recorder->first : UINT64_MAX },
		{ "last", recorder->recorded ? recorder->recording.last : UINT64_MAX },
		{ "missed", recorder->ticks.missed },
		{ "dropped", recorder->recording.dropped },
		{ "incomplete", recorder->incomplete },
		{ "failed", recorder->failed },
		{ "empty", recorder->empty },
		{ "findings", recorder->found },
		{ "in_file", recorder->recording.snapshots },
		{ "bytes", recorder->recording.bytes },
		{ "interval_ns", recorder->options->interval_ns },
		{ "begun_unix_ns", recorder->begun_unix_ns },
		{ "elapsed_ns", recorder->ended_ns - recorder->begun_ns },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		peeps_json_number_at(json, numbers[i].key, numbers[i].value);
}

static int print_json(const struct peeps_recorder *recorder, FILE *out)
{
	static const char *const ends[] = {
		[PEEPS_RECORDER_TIME] = "time",
		[PEEPS_RECORDER_STOPPED] = "stopped",
		[PEEPS_RECORDER_LEFT] = "left",
		[PEEPS_RECORDER_FAILED] = "failed",
	};
	struct peeps_json json;
	int r = peeps_json_open(&json, out);

	if (r)
		return r;
	peeps_json_map(&json);
	peeps_json_text_at(&json, "file", recorder->options->output);
	peeps_json_text_at(&json, "ended_by", ends[recorder->end]);
	write_numbers(recorder, &json);
	peeps_json_key(&json, "processes");
	peeps_json_array(&json);
	for (size_t i = 0; i < recorder->process_count && i < PEEPS_FOLLOWED_MAX; i++)
		peeps_json_text(&json, recorder->processes[i]);
	peeps_json_array_end(&json);
	peeps_json_map_end(&json);
	return peeps_json_close(&json);
}

/* Returns 0, or an exit status, having complained. */
static int print_end(const struct peeps_recorder *recorder)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_output output;
	int r = peeps_output_open(&output, NULL, &problem);

	if (r == 0) {
		if (recorder->options->format == PEEPS_FORMAT_JSON)
			output.error = -print_json(recorder, output.stream);
		else
			print_text(recorder, output.stream);
		r = peeps_output_commit(&output, &problem);
	}
	return r ? peeps_complain_of(r, &problem) : 0;
}

static int recorded_nothing(const struct peeps_recorder *recorder, struct peeps_problem *problem)
{
	if (problem->status)
		return peeps_complain(problem);
	(void)snprintf(problem->what, sizeof(problem->what), "nothing was recorded");
	if (recorder->following.name_count == 0)
		return peeps_complain_of(peeps_problem_set(problem, PEEPS_PROBLEM_NO_PROCESS,
							   -ESRCH, "",
							   "the process ended too soon"),
					 problem);
	return peeps_complain_of(
		peeps_problem_set(problem, PEEPS_PROBLEM_NO_PROCESS, -ESRCH,
				  "peeps-read ps lists the processes that can be looked at",
				  "no process '%.128s' that can be looked at was there meanwhile",
				  recorder->following.names[0]),
		problem);
}

/* --- all of it -------------------------------------------------------------------------------------------------- */

static int check(const struct peeps_options *options, struct peeps_problem *problem)
{
	if (options->output && strcmp(options->output, "-") != 0)
		return 0;
	(void)snprintf(problem->what, sizeof(problem->what), "where to?");
	return peeps_problem_set(problem, PEEPS_PROBLEM_USAGE, -EINVAL,
				 "add -o orders.msgpack.zst, or -o orders.db for query",
				 "record writes into a file or a database");
}

static int record(const struct peeps_options *options, struct peeps_recorder *recorder)
{
	struct screen screen = { .redraws = peeps_terminal_obeys(fileno(stderr)) };
	const struct peeps_recorder_view view = { .begun = on_begin,
						  .note = on_note,
						  .found = on_found,
						  .ticked = on_tick,
						  .context = &screen };
	struct peeps_problem problem = { .status = 0 };
	int status, r = check(options, &problem);

	if (r)
		return peeps_complain_of(r, &problem);
	r = peeps_recorder_run(recorder, options, &view, &problem);
	clear(&screen);
	if (r && recorder->recorded == 0)
		return peeps_complain_of(r, &problem);
	if (recorder->recorded == 0)
		return recorded_nothing(recorder, &problem);
	status = print_end(recorder);
	if (r)
		return peeps_complain_of(r, &problem);
	if (status == 0 && recorder->incomplete == recorder->recorded)
		return PEEPS_PROBLEM_NO_CUT;
	return status;
}

int peeps_record(const struct peeps_options *options)
{
	struct peeps_recorder *recorder = calloc(1, sizeof(*recorder)); /* some 50 KB */
	struct peeps_problem problem = { .status = 0 };
	int status;

	if (!recorder)
		return peeps_complain_of(-ENOMEM, &problem);
	status = record(options, recorder);
	free(recorder);
	return status;
}
