/* SPDX-License-Identifier: MIT */
#include "reader/verbs/verb_load.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "reader/command/complain.h"
#include "reader/command/options.h"
#include "reader/command/output.h"
#include "reader/database/database.h"
#include "reader/format/json.h"
#include "reader/format/print.h"
#include "reader/format/terminal.h"
#include "reader/graph/graph.h"
#include "reader/look/place.h"
#include "reader/look/snapshots.h"
#include "reader/problem.h"

#define NS_PER_MS 1000000

struct load {
	const struct peeps_options *options;
	struct peeps_database database;
	bool is_open;
	FILE *out;
	int output_error;       /* errno of the first line that could not be written */
	struct peeps_json json; /* of -J: open from the begin to the end */
	size_t count;           /* of the snapshots that were loaded */
	/* of what a terminal shows meanwhile: */
	bool tells;
	bool is_told; /* something is shown */
	uint64_t begun_ns, told_ns;
};

/* --- what a terminal shows meanwhile ---------------------------------------------------------------------------- */

#define PATIENCE_NS (UINT64_C(500) * NS_PER_MS) /* what takes no longer needs no words */
#define EVERY_NS    (UINT64_C(100) * NS_PER_MS)
#define CLEAR_LINE  "\r\x1b[K"

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 * NS_PER_MS + (uint64_t)now.tv_nsec;
}

static void show(struct load *load, size_t done, size_t total)
{
	const uint64_t ns = now_ns();

	if (ns - load->begun_ns < PATIENCE_NS || ns - load->told_ns < EVERY_NS)
		return;
	load->told_ns = ns;
	load->is_told = true;
	(void)fprintf(stderr, CLEAR_LINE "loading snapshot %zu: %zu of %zu rows (%zu %%)",
		      load->count + 1, done, total, done * 100 / total);
}

static void erase(struct load *load)
{
	if (load->is_told)
		(void)fputs(CLEAR_LINE, stderr);
	load->is_told = false;
}

/* --- signals ---------------------------------------------------------------------------------------------------- */

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

/* Set by a signal handler, which can be given no context. 0 = none came. */
static volatile sig_atomic_t stopped_by;

static void on_signal(int number)
{
	stopped_by = number;
}

/* They end a load orderly: what was begun is taken back, and no log of it is left. A second one ends it at once. */
static void catch_signals(void)
{
	const struct sigaction stop = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct sigaction before;

		if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
			(void)sigaction(signals[i], &stop, NULL);
	}
}

/* As whoever sent it expects. */
static void end_by_signal(void)
{
	(void)signal(stopped_by, SIG_DFL);
	(void)raise(stopped_by);
}

static bool tell(void *context, size_t done, size_t total)
{
	struct load *load = context;

	if (load->tells)
		show(load, done, total);
	return !stopped_by;
}

/* --- what was loaded -------------------------------------------------------------------------------------------- */

#define NAMES_MAX 3 /* the others are counted */

static void print_names(const struct peeps_graph *graph, FILE *out)
{
	for (size_t i = 0; i < graph->process_count && i < NAMES_MAX; i++) {
		if (i)
			(void)fputs(", ", out);
		peeps_escape_to(out, graph->processes[i].proc_key);
	}
	if (graph->process_count > NAMES_MAX)
		(void)fprintf(out, " and %zu more", graph->process_count - NAMES_MAX);
	if (graph->process_count == 0)
		(void)fputs("no process", out);
}

static void print_count(size_t count, const char *one, const char *many, FILE *out)
{
	(void)fprintf(out, ", %zu %s", count, count == 1 ? one : many);
}

/* snapshot 1: orders-4711, 2026-05-01T12:00:00.250Z, 8 entities, 10 edges, 1 finding */
static void print_line(const struct peeps_graph *graph, int64_t id, FILE *out)
{
	char time[PEEPS_TIME_BYTES];

	(void)fprintf(out, "snapshot %" PRId64 ": ", id);
	print_names(graph, out);
	(void)fprintf(out, ", %s", peeps_time_utc(time, graph->taken_at_unix_ns));
	print_count(graph->node_count, "entity", "entities", out);
	print_count(graph->edge_count, "edge", "edges", out);
	print_count(graph->finding_count, "finding", "findings", out);
	if (graph->quality != PEEPS_QUALITY_CUT)
		(void)fprintf(out, ", quality %s", peeps_quality_name(graph->quality));
	if (graph->origin) {
		(void)fputs(", from ", out);
		peeps_escape_to(out, graph->origin);
	}
	(void)fputc('\n', out);
}

static void write_json(const struct peeps_graph *graph, int64_t id, struct peeps_json *json)
{
	peeps_json_map(json);
	peeps_json_number_at(json, "id", (uint64_t)id);
	peeps_json_number_at(json, "sequence", graph->sequence ? graph->sequence : PEEPS_NO_TIME);
	peeps_json_number_at(json, "taken_at_unix_ns", graph->taken_at_unix_ns);
	peeps_json_text_at(json, "quality", peeps_quality_name(graph->quality));
	peeps_json_text_at(json, "origin", graph->origin);
	peeps_json_key(json, "processes");
	peeps_json_array(json);
	for (size_t i = 0; i < graph->process_count; i++)
		peeps_json_text(json, graph->processes[i].proc_key);
	peeps_json_array_end(json);
	peeps_json_number_at(json, "entities", graph->node_count);
	peeps_json_number_at(json, "edges", graph->edge_count);
	peeps_json_number_at(json, "scopes", graph->scope_count);
	peeps_json_number_at(json, "memberships", graph->membership_count);
	peeps_json_number_at(json, "findings", graph->finding_count);
	peeps_json_map_end(json);
}

static bool is_json(const struct load *load)
{
	return load->options->format == PEEPS_FORMAT_JSON;
}

static int begin_output(struct load *load)
{
	if (!is_json(load))
		return 0;
	if (peeps_json_open(&load->json, load->out) != 0)
		return -ENOMEM;
	peeps_json_map(&load->json);
	peeps_json_text_at(&load->json, "database", load->options->subject);
	peeps_json_key(&load->json, "snapshots");
	peeps_json_array(&load->json);
	return 0;
}

static int end_output(struct load *load)
{
	if (!is_json(load))
		return -load->output_error;
	peeps_json_array_end(&load->json);
	peeps_json_map_end(&load->json);
	return peeps_json_close(&load->json);
}

/* --- loading ---------------------------------------------------------------------------------------------------- */

/* Only now that there is something to put into it a database is made. */
static int open_database(struct load *load, struct peeps_problem *problem)
{
	const int r = peeps_database_append(&load->database, load->options->subject, problem);

	if (r)
		return r;
	load->is_open = true;
	catch_signals();
	load->database.progress = (struct peeps_progress){ .tell = tell, .context = load };
	return 0;
}

static int load_one(void *context, const struct peeps_graph *graph, struct peeps_problem *problem)
{
	struct load *load = context;
	int64_t id;
	int r = stopped_by ? -EINTR : load->is_open ? 0 : open_database(load, problem);

	if (r == 0)
		r = peeps_database_add(&load->database, graph, &id, problem);
	if (r)
		return r;
	load->count++;
	if (isatty(STDOUT_FILENO))
		erase(load);
	if (is_json(load)) {
		write_json(graph, id, &load->json);
		return 0;
	}
	print_line(graph, id, load->out);
	if (fflush(load->out) != 0 && !load->output_error)
		load->output_error = errno;
	return 0;
}

/* It would grow while it is read. */
static int refuse_itself(const struct load *load, const struct peeps_place *places, size_t count,
			 struct peeps_problem *problem)
{
	struct stat database, target;

	if (stat(load->options->subject, &database) != 0)
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (places[i].kind == PEEPS_PLACE_PROCESS || stat(places[i].word, &target) != 0 ||
		    target.st_dev != database.st_dev || target.st_ino != database.st_ino)
			continue;
		(void)snprintf(problem->what, sizeof(problem->what),
			       "a database cannot be loaded into itself");
		return peeps_problem_set(problem, PEEPS_PROBLEM_USAGE, -EINVAL,
					 "peeps-read load DB TARGET...: the database comes first",
					 "'%.512s' is both", places[i].word);
	}
	return 0;
}

static int refuse_stdout(struct peeps_problem *problem)
{
	(void)snprintf(problem->what, sizeof(problem->what), "a database is a file");
	return peeps_problem_set(problem, PEEPS_PROBLEM_USAGE, -EINVAL,
				 "./- is a file of that name",
				 "- stands for standard output, which cannot be one");
}

static int load_all(struct load *load, struct peeps_problem *problem)
{
	struct peeps_place places[PEEPS_WORDS_MAX];
	size_t count = load->options->target_count;
	int r = strcmp(load->options->subject, "-") == 0
			? refuse_stdout(problem)
			: peeps_database_check(load->options->subject, problem);

	if (r == 0)
		r = peeps_places_find(places, load->options->targets, &count, problem);
	if (r)
		return r;
	r = refuse_itself(load, places, count, problem);
	if (r == 0)
		r = peeps_snapshots_each(load->options, places, count, load_one, load, problem);
	peeps_places_close(places, count);
	if (load->is_open)
		peeps_database_close(&load->database);
	erase(load);
	return r;
}

int peeps_load(const struct peeps_options *options)
{
	struct peeps_problem problem = { .status = 0 }, unsaid = { .status = 0 };
	struct load load = { .options = options,
			     .tells = peeps_terminal_obeys(STDERR_FILENO),
			     .begun_ns = now_ns() };
	struct peeps_output output;
	int status = PEEPS_EXIT_FINE, r;

	/* Whoever listened has gone: that is told, but the rest is loaded all the same. */
	(void)signal(SIGPIPE, SIG_IGN);
	r = peeps_output_open(&output, NULL, &problem);
	load.out = output.stream;
	if (r == 0)
		r = begin_output(&load);
	if (r)
		return peeps_complain_of(r, &problem);
	r = load_all(&load, &problem);
	output.error = -end_output(&load);
	if (r && r != -EINTR)
		status = peeps_complain_of(r, &problem);
	r = peeps_output_commit(&output, &unsaid);
	if (r && status == PEEPS_EXIT_FINE) {
		(void)snprintf(unsaid.hint, sizeof(unsaid.hint), "what was loaded is in '%.128s'",
			       options->subject);
		status = peeps_complain_of(r, &unsaid);
	}
	if (stopped_by)
		end_by_signal();
	return status;
}
