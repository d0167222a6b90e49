/* SPDX-License-Identifier: MIT */
#include "reader/report.h"

#include <inttypes.h>

#include "reader/graph.h"
#include "reader/print.h"

void peeps_report_heading(const struct peeps_graph *graph, FILE *out)
{
	char time[PEEPS_TIME_BYTES];

	(void)peeps_time_utc(time, graph->taken_at_unix_ns);
	for (size_t i = 0; i < graph->process_count; i++) {
		const struct peeps_process *process = &graph->processes[i];

		peeps_escape_to(out, process->name);
		(void)fprintf(out, " (pid %" PRIu32, process->pid);
		if (process->own_pid != process->pid)
			(void)fprintf(out, ", %" PRIu32 " in its namespace", process->own_pid);
		(void)fprintf(out, "%s): %" PRIu32 " thread%s, quality %s, %s\n",
			      process->gone ? ", no more" : "", process->thread_count,
			      process->thread_count == 1 ? "" : "s",
			      peeps_quality_name(graph->quality), time);
	}
}

static bool lost_something(const struct peeps_process *process)
{
	for (size_t i = 0; i < process->counter_count; i++) {
		if (process->counters[i].value)
			return true;
	}
	return false;
}

static void print_losses(const struct peeps_process *process, FILE *out)
{
	const char *separator = "";

	(void)fputs("note: not everything could be recorded: ", out);
	for (size_t i = 0; i < process->counter_count; i++) {
		const struct peeps_counter_value *counter = &process->counters[i];

		if (!counter->value)
			continue;
		(void)fputs(separator, out);
		peeps_escape_to(out, counter->name);
		(void)fprintf(out, " %" PRIu64, counter->value);
		separator = ", ";
	}
	(void)fputc('\n', out);
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
		if (!lost_something(&graph->processes[i]))
			continue;
		(void)fputs(*before == '\n' ? "\n" : "", out);
		before = "";
		print_losses(&graph->processes[i], out);
	}
}
