/* SPDX-License-Identifier: MIT */
#include "reader/recording/recorder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "reader/clock.h"
#include "reader/graph/graph.h"
#include "reader/look/look.h"
#include "reader/problem.h"
#include "reader/recording/stop.h"

#define LOOKS_MAX 4 /* at one tick: each after the first with fewer processes */

static void note(const struct peeps_recorder *recorder, const char *who, const char *what)
{
	recorder->view->note(recorder->view->context, who, what);
}

static void on_followed(void *context, const char *label, const char *what)
{
	note(context, label, what);
}

/* --- one snapshot ----------------------------------------------------------------------------------------------- */

static void meet(struct peeps_recorder *recorder, const char *proc_key)
{
	for (size_t i = 0; i < recorder->process_count && i < PEEPS_FOLLOWED_MAX; i++) {
		if (strcmp(recorder->processes[i], proc_key) == 0)
			return;
	}
	if (recorder->process_count < PEEPS_FOLLOWED_MAX)
		(void)snprintf(recorder->processes[recorder->process_count],
			       sizeof(recorder->processes[0]), "%s", proc_key);
	recorder->process_count++;
}

static void tell_news(struct peeps_recorder *recorder, const struct peeps_graph *graph)
{
	const struct peeps_finding *finding;
	size_t cursor = 0;

	while ((finding = peeps_news_next(&recorder->news, graph, &cursor))) {
		recorder->found++;
		recorder->view->found(recorder->view->context, graph, finding);
	}
}

static int keep(struct peeps_recorder *recorder, struct peeps_graph *graph, bool complete,
		struct peeps_problem *problem)
{
	const uint64_t before = recorder->recording.last;
	const int r = peeps_recording_add(&recorder->recording, graph, problem);

	if (recorder->recording.last == before)
		return r;
	if (recorder->recorded++ == 0)
		recorder->first = recorder->recording.last;
	recorder->incomplete += !complete || graph->quality == PEEPS_QUALITY_PARTIAL;
	for (size_t i = 0; i < graph->process_count; i++)
		meet(recorder, graph->processes[i].proc_key);
	tell_news(recorder, graph);
	return r;
}

/* Of all who are there, and if some of them are just leaving, of the others. The graph is NULL if nobody is left. */
static int look(struct peeps_recorder *recorder, struct peeps_graph **graph,
		struct peeps_problem *problem)
{
	struct peeps_place places[PEEPS_FOLLOWED_MAX];
	int r = 0;

	for (int i = 0; i < LOOKS_MAX && recorder->following.count; i++) {
		*problem = (struct peeps_problem){ .status = 0 };
		peeps_following_places(&recorder->following, places);
		r = peeps_look(recorder->options, places, recorder->following.count, graph,
			       problem);
		if (*graph || peeps_following_forget(&recorder->following) == 0)
			return r;
		r = 0;
	}
	return r;
}

static void tell_failure(struct peeps_recorder *recorder, int error,
			 const struct peeps_problem *problem)
{
	if (recorder->failed++)
		return; /* the others are counted */
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): peeps-read has one thread */
	note(recorder, "a look failed:", *problem->why ? problem->why : strerror(-error));
}

/* Returns 0 unless nothing more can be recorded. */
static int tick(struct peeps_recorder *recorder, struct peeps_problem *problem)
{
	struct peeps_graph *graph = NULL;
	int looked, r = 0;

	peeps_following_update(&recorder->following);
	looked = look(recorder, &graph, problem);
	if (graph) {
		r = keep(recorder, graph, looked == 0, problem);
		peeps_graph_free(graph);
	} else if (looked) {
		tell_failure(recorder, looked, problem);
	} else {
		recorder->empty++;
	}
	recorder->view->ticked(recorder->view->context, recorder);
	return r;
}

/* --- all of them ------------------------------------------------------------------------------------------------ */

static int run(struct peeps_recorder *recorder, struct peeps_problem *problem)
{
	uint64_t due_ns = recorder->ticks.start_ns;
	bool is_due;

	do {
		const int r = tick(recorder, problem);

		if (r) {
			recorder->end = PEEPS_RECORDER_FAILED;
			return r;
		}
		if (peeps_following_is_over(&recorder->following)) {
			recorder->end = PEEPS_RECORDER_LEFT;
			return 0;
		}
		is_due = peeps_ticks_next(&recorder->ticks, peeps_clock_monotonic_ns(), &due_ns);
	} while (is_due && peeps_stop_sleep_until(due_ns));
	recorder->end = peeps_stop_asked() ? PEEPS_RECORDER_STOPPED : PEEPS_RECORDER_TIME;
	return 0;
}

static void tell_cut_off(const struct peeps_recorder *recorder)
{
	const uint64_t bytes = recorder->recording.kind == PEEPS_RECORDING_SERIES
				       ? recorder->recording.series.cut_off_bytes
				       : 0;
	char what[128];

	if (!bytes)
		return;
	(void)snprintf(what, sizeof(what),
		       "ended with a snapshot that was cut off: that is removed (%llu bytes)",
		       (unsigned long long)bytes);
	note(recorder, recorder->options->output, what);
}

static int run_and_close(struct peeps_recorder *recorder, struct peeps_problem *problem)
{
	const struct peeps_options *options = recorder->options;
	struct peeps_problem of_closing = { .status = 0 };
	int r, closed;

	recorder->view->begun(recorder->view->context, recorder);
	tell_cut_off(recorder);
	recorder->begun_unix_ns = peeps_clock_ns(CLOCK_REALTIME);
	recorder->begun_ns = peeps_clock_monotonic_ns();
	recorder->ticks = (struct peeps_ticks){ .start_ns = recorder->begun_ns,
						.interval_ns = options->interval_ns,
						.time_ns = options->time_ns };
	r = run(recorder, problem);
	recorder->ended_ns = peeps_clock_monotonic_ns();
	closed = peeps_recording_close(&recorder->recording, &of_closing);
	if (closed && r == 0) {
		*problem = of_closing;
		r = closed;
	}
	return r;
}

int peeps_recorder_run(struct peeps_recorder *recorder, const struct peeps_options *options,
		       const struct peeps_recorder_view *view, struct peeps_problem *problem)
{
	const struct peeps_series_bounds bounds = { .snapshots = options->keep,
						    .bytes = options->max_bytes };
	struct peeps_stop stop;
	int r;

	memset(recorder, 0, sizeof(*recorder));
	recorder->options = options;
	recorder->view = view;
	peeps_stop_begin(&stop);
	r = peeps_following_init(&recorder->following, options->targets, options->target_count,
				 problem);
	if (r == 0) {
		recorder->following.tell = on_followed;
		recorder->following.context = recorder;
		r = peeps_recording_open(&recorder->recording, options->output, bounds, problem);
		if (r == 0)
			r = run_and_close(recorder, problem);
		peeps_following_deinit(&recorder->following);
	}
	peeps_stop_end(&stop);
	return r;
}
