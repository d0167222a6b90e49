/* SPDX-License-Identifier: MIT */
#include "reader/words/report.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "reader/format/document.h"
#include "reader/format/json.h"
#include "reader/format/print.h"
#include "reader/graph/graph.h"

static void print_process(const struct peeps_process *process, FILE *out)
{
	(void)fprintf(out, "(pid %" PRIu32, process->pid);
	if (process->own_pid != process->pid)
		(void)fprintf(out, ", %" PRIu32 " in its namespace", process->own_pid);
	(void)fprintf(out, "%s): %" PRIu32 " thread%s", process->gone ? ", no more" : "",
		      process->thread_count, process->thread_count == 1 ? "" : "s");
}

static void print_quality(const struct peeps_graph *graph, FILE *out)
{
	char time[PEEPS_TIME_BYTES];

	(void)fprintf(out, "quality %s, %s\n", peeps_quality_name(graph->quality),
		      peeps_time_utc(time, graph->taken_at_unix_ns));
}

static void print_processes(const struct peeps_graph *graph, FILE *out)
{
	char skew[PEEPS_DURATION_BYTES];

	(void)fprintf(out, "%zu processes, at most %s apart, ", graph->process_count,
		      peeps_duration_ceil(skew, graph->skew_ns, 0));
	print_quality(graph, out);
	for (size_t i = 0; i < graph->process_count; i++) {
		(void)fputs("  ", out);
		peeps_escape_to(out, graph->processes[i].proc_key); /* as actors are called */
		(void)fputc(' ', out);
		print_process(&graph->processes[i], out);
		(void)fputc('\n', out);
	}
}

/* What lives no longer, or lives on: whoever reads this must not take it for now. */
static void print_origin(const struct peeps_graph *graph, FILE *out)
{
	char age[PEEPS_DURATION_BYTES];
	struct timespec now;
	uint64_t now_ns;

	if (!graph->origin)
		return;
	(void)fputs("from ", out);
	peeps_escape_to(out, graph->origin);
	(void)clock_gettime(CLOCK_REALTIME, &now);
	now_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	if (graph->taken_at_unix_ns && graph->taken_at_unix_ns <= now_ns)
		(void)fprintf(out, ", taken %s ago",
			      peeps_duration_floor(age, now_ns - graph->taken_at_unix_ns));
	(void)fputc('\n', out);
}

void peeps_report_heading(const struct peeps_graph *graph, FILE *out)
{
	if (graph->process_count == 1) {
		peeps_escape_to(out, graph->processes[0].name);
		(void)fputc(' ', out);
		print_process(&graph->processes[0], out);
		(void)fputs(", ", out);
		print_quality(graph, out);
	} else {
		print_processes(graph, out);
	}
	print_origin(graph, out);
}

void peeps_report_json(const struct peeps_graph *graph, struct peeps_json *json)
{
	peeps_json_number_at(json, "taken_at_unix_ns", graph->taken_at_unix_ns);
	peeps_json_number_at(json, "skew_ns", graph->skew_ns);
	peeps_document_quality(&json->sink, graph);
	peeps_json_text_at(json, "origin", graph->origin);
	peeps_json_key(json, "processes");
	peeps_json_array(json);
	for (size_t i = 0; i < graph->process_count; i++) {
		const struct peeps_process *process = &graph->processes[i];

		peeps_json_map(json);
		peeps_json_text_at(json, "proc_key", process->proc_key);
		peeps_json_number_at(json, "pid", process->pid);
		peeps_json_text_at(json, "name", process->name);
		peeps_json_number_at(json, "thread_count", process->thread_count);
		peeps_json_map_end(json);
	}
	peeps_json_array_end(json);
}

/* What the program did wrong, and not what is missing. */
#define MISUSED_CHANNELS "misused_channels"

static bool is_loss(const struct peeps_counter_value *counter)
{
	return counter->value && strcmp(counter->name, MISUSED_CHANNELS) != 0;
}

static bool lost_something(const struct peeps_process *process)
{
	for (size_t i = 0; i < process->counter_count; i++) {
		if (is_loss(&process->counters[i]))
			return true;
	}
	return false;
}

static void print_losses(const struct peeps_process *process, bool several, FILE *out)
{
	const char *separator = "";

	(void)fputs("note: not everything could be recorded", out);
	if (several) {
		(void)fputs(" of ", out);
		peeps_escape_to(out, process->proc_key);
	}
	(void)fputs(": ", out);
	for (size_t i = 0; i < process->counter_count; i++) {
		const struct peeps_counter_value *counter = &process->counters[i];

		if (!is_loss(counter))
			continue;
		(void)fputs(separator, out);
		peeps_escape_to(out, counter->name);
		(void)fprintf(out, " %" PRIu64, counter->value);
		separator = ", ";
	}
	(void)fputc('\n', out);
}

static void print_misuse(const struct peeps_process *process, bool several, FILE *out)
{
	const uint64_t times = peeps_process_lost(process, MISUSED_CHANNELS);

	(void)fputs("note: channels were misused", out);
	if (several) {
		(void)fputs(" by ", out);
		peeps_escape_to(out, process->proc_key);
	}
	(void)fprintf(out,
		      ", %" PRIu64 " time%s: a handle used when it was spent, or freed while "
		      "somebody waited at it\n",
		      times, times == 1 ? "" : "s");
}

void peeps_report_notes(const struct peeps_graph *graph, FILE *out)
{
	const char *before = "\nnote: "; /* set apart from what stands above */

	for (size_t i = 0; i < graph->note_count; i++) {
		(void)fputs(before, out);
		before = "note: ";
		peeps_escape_to(out, graph->notes[i]);
		(void)fputc('\n', out);
	}
	for (size_t i = 0; i < graph->process_count; i++) {
		const struct peeps_process *process = &graph->processes[i];
		const bool lost = lost_something(process);
		const bool misused = peeps_process_lost(process, MISUSED_CHANNELS) > 0;

		if (!lost && !misused)
			continue;
		(void)fputs(*before == '\n' ? "\n" : "", out);
		before = "";
		if (lost)
			print_losses(process, graph->process_count > 1, out);
		if (misused)
			print_misuse(process, graph->process_count > 1, out);
	}
}
