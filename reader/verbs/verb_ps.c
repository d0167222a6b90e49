/* SPDX-License-Identifier: MIT */
#include "reader/verbs/verb_ps.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reader/command/complain.h"
#include "reader/command/options.h"
#include "reader/format/json.h"
#include "reader/format/print.h"
#include "reader/format/table.h"
#include "reader/graph/arena.h"
#include "reader/graph/graph.h"
#include "reader/graph/text.h"
#include "reader/look/processes.h"
#include "reader/look/users.h"
#include "reader/problem.h"
#include "reader/target/kept.h"

/* What ps shows: processes, and what dead ones left behind. */
struct listing {
	struct peeps_processes processes;
	const char *directory; /* PEEPS_DIR; NULL = there is none */
	struct peeps_kept *kept;
	size_t kept_count;
	size_t dead_count;
	struct peeps_problem refused; /* why the directory could not be listed; status 0: it was */
};

static bool is_readable(const struct peeps_found *found)
{
	return found->problem.status == 0;
}

static const char *state_of(const struct peeps_found *found)
{
	if (!is_readable(found))
		return "unreadable";
	if (found->state == 'T')
		return "stopped";
	return found->state == 't' ? "traced" : "running";
}

/* What peeps calls it, or, where that cannot be read, the kernel. */
static const char *name_of(const struct peeps_found *found)
{
	return is_readable(found) ? found->process_name : found->names.comm;
}

/* --- the table -------------------------------------------------------------------------------------------------- */

enum { PID, USER, NAME, THREADS, ENTITIES, BLOCKED, OLDEST, AGE, VERSION, STATE, COMMAND, COLUMNS };

static const struct peeps_column columns[COLUMNS] = {
	[PID] = { .title = "PID", .right = true, .is_number = true },
	[USER] = { .title = "USER", .columns_max = 12 },
	[NAME] = { .title = "NAME", .columns_max = 40 }, /* to be copied: whole, unless escaped */
	[THREADS] = { .title = "THREADS", .right = true, .is_number = true },
	[ENTITIES] = { .title = "ENTITIES", .right = true, .is_number = true },
	[BLOCKED] = { .title = "BLOCKED", .right = true, .is_number = true },
	[OLDEST] = { .title = "OLDEST WAIT", .right = true, .is_number = true },
	[AGE] = { .title = "AGE", .right = true, .is_number = true, .is_extra = true },
	[VERSION] = { .title = "VERSION", .right = true },
	[STATE] = { .title = "STATE", .columns_max = 80 },
	[COMMAND] = { .title = "COMMAND", .columns_max = 100 },
};

#define NUMBER_BYTES 24

/* The cells of one row that have no text of their own yet. */
struct cells {
	char user[PEEPS_USER_BYTES];
	char numbers[COLUMNS][NUMBER_BYTES];
	char durations[2][PEEPS_DURATION_BYTES];
	char version[NUMBER_BYTES];
	char state[sizeof(((struct peeps_problem *)0)->why) + NUMBER_BYTES];
	const char *texts[COLUMNS];
	uint64_t keys[COLUMNS];
};

static void cell_number(struct cells *cells, size_t column, uint64_t number, bool is_known)
{
	cells->keys[column] = is_known ? number : PEEPS_TABLE_UNKNOWN;
	(void)snprintf(cells->numbers[column], NUMBER_BYTES, "%" PRIu64, number);
	cells->texts[column] = is_known ? cells->numbers[column] : "-";
}

static void cell_duration(struct cells *cells, size_t column, uint64_t ns, char *text)
{
	cells->keys[column] = ns == PEEPS_NO_TIME ? PEEPS_TABLE_UNKNOWN : ns;
	cells->texts[column] = ns == PEEPS_NO_TIME ? "-" : peeps_duration_floor(text, ns);
}

/* "running, 12 lost", "unreadable: its segment has layout 2, and this reader knows layout 1" */
static void cell_state(struct cells *cells, const struct peeps_found *found)
{
	int length = snprintf(cells->state, sizeof(cells->state), "%s", state_of(found));

	if (!is_readable(found))
		(void)snprintf(cells->state + length, sizeof(cells->state) - (size_t)length, ": %s",
			       found->problem.why);
	else if (found->tally.lost)
		(void)snprintf(cells->state + length, sizeof(cells->state) - (size_t)length,
			       ", %" PRIu64 " lost", found->tally.lost);
	cells->texts[STATE] = cells->state;
}

static void cell_version(struct cells *cells, const struct peeps_found *found)
{
	(void)snprintf(cells->version, sizeof(cells->version), "%" PRIu32 ".%" PRIu32,
		       found->layout_major, found->layout_minor);
	cells->texts[VERSION] = found->layout_major ? cells->version : "-";
}

static int row_add(struct peeps_table *table, const struct peeps_found *found)
{
	const struct peeps_tally *tally = &found->tally;
	const bool is_known = is_readable(found);
	struct cells cells;

	memset(&cells, 0, sizeof(cells));
	cell_number(&cells, PID, (uint64_t)found->pid, true);
	cells.texts[USER] = peeps_user_name(cells.user, found->uid);
	cells.texts[NAME] = name_of(found);
	cell_number(&cells, THREADS, tally->threads, is_known);
	cell_number(&cells, ENTITIES, tally->entities, is_known);
	cell_number(&cells, BLOCKED, tally->blocked, is_known);
	cell_duration(&cells, OLDEST, is_known ? tally->oldest_wait_ns : PEEPS_NO_TIME,
		      cells.durations[0]);
	cell_duration(&cells, AGE, found->age_ns, cells.durations[1]);
	cell_version(&cells, found);
	cell_state(&cells, found);
	cells.texts[COMMAND] = found->names.command;
	return peeps_table_row_keyed(table, cells.texts, cells.keys);
}

/* Its file is what the other verbs take; gc removes it. */
static int row_add_dead(struct peeps_table *table, const struct listing *listing,
			const struct peeps_kept *kept)
{
	char path[PATH_MAX];
	struct cells cells;

	memset(&cells, 0, sizeof(cells));
	for (size_t i = 0; i < COLUMNS; i++)
		cell_number(&cells, i, 0, false);
	(void)snprintf(path, sizeof(path), "%s/%s", listing->directory, kept->name);
	cell_number(&cells, PID, kept->pid, kept->pid);
	cells.texts[NAME] = *kept->process_name ? kept->process_name : "-";
	cells.texts[STATE] = "dead";
	cells.texts[COMMAND] = path;
	return peeps_table_row_keyed(table, cells.texts, cells.keys);
}

static int rows_add(struct peeps_table *table, const struct listing *listing)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < listing->processes.count; i++)
		r = row_add(table, &listing->processes.found[i]);
	for (size_t i = 0; r == 0 && i < listing->kept_count; i++) {
		if (listing->kept[i].state == PEEPS_KEPT_STALE)
			r = row_add_dead(table, listing, &listing->kept[i]);
	}
	return r;
}

/* Where there is no room for all of them. */
#define NARROW "pid,name,threads,blocked,oldest-wait,state,command"

static int table_make(const struct peeps_table_view *view, const struct listing *listing,
		      struct peeps_table **made, struct peeps_problem *problem)
{
	struct peeps_table *table = peeps_table_new(columns, COLUMNS);
	int r;

	if (!table)
		return -ENOMEM;
	r = peeps_table_look(table, view, problem);
	if (r == 0)
		r = rows_add(table, listing);
	if (r == 0)
		*made = table;
	else
		peeps_table_free(table);
	return r;
}

static int print_table(const struct peeps_options *options, const struct listing *listing,
		       FILE *out, struct peeps_problem *problem)
{
	struct peeps_table_view view = { .columns = options->columns,
					 .sort = options->sort,
					 .width = options->width,
					 .colored = options->colored };
	struct peeps_table *table;
	int r = table_make(&view, listing, &table, problem);

	if (r == 0 && view.width && !view.columns && peeps_table_width(table) > view.width) {
		peeps_table_free(table);
		view.columns = NARROW;
		r = table_make(&view, listing, &table, problem);
	}
	if (r)
		return r;
	r = peeps_table_print(table, out);
	peeps_table_free(table);
	return r;
}

/* --- JSON ------------------------------------------------------------------------------------------------------- */

/* Names are bytes of the target's making; JSON is UTF-8. */
static void text_at(struct peeps_json *json, struct peeps_arena *arena, const char *key,
		    const char *text)
{
	peeps_json_text_at(json, key, text ? peeps_text_mend(arena, peeps_bytes_of(text)) : NULL);
}

static void number_at(struct peeps_json *json, const char *key, uint64_t number, bool is_known)
{
	peeps_json_number_at(json, key, is_known ? number : PEEPS_NO_TIME);
}

static void print_object(struct peeps_json *json, struct peeps_arena *arena,
			 const struct peeps_found *found)
{
	const struct peeps_tally *tally = &found->tally;
	const bool is_known = is_readable(found);
	char user[PEEPS_USER_BYTES];

	peeps_json_map(json);
	peeps_json_number_at(json, "pid", (uint64_t)found->pid);
	peeps_json_number_at(json, "uid", found->uid);
	text_at(json, arena, "user", peeps_user_name(user, found->uid));
	text_at(json, arena, "name", name_of(found));
	peeps_json_text_at(json, "proc_key", *found->proc_key ? found->proc_key : NULL);
	peeps_json_text_at(json, "state", state_of(found));
	number_at(json, "threads", tally->threads, is_known);
	number_at(json, "entities", tally->entities, is_known);
	number_at(json, "blocked", tally->blocked, is_known);
	number_at(json, "oldest_wait_ns", tally->oldest_wait_ns, is_known);
	number_at(json, "lost", tally->lost, is_known);
	peeps_json_number_at(json, "age_ns", found->age_ns);
	number_at(json, "layout_major", found->layout_major, found->layout_major);
	number_at(json, "layout_minor", found->layout_minor, found->layout_major);
	peeps_json_text_at(json, "problem", is_known ? NULL : found->problem.why);
	text_at(json, arena, "command", found->names.command);
	peeps_json_text_at(json, "file", NULL);
	peeps_json_map_end(json);
}

/* The same keys: what only a process has is null. */
static void print_dead_object(struct peeps_json *json, struct peeps_arena *arena,
			      const struct listing *listing, const struct peeps_kept *kept)
{
	static const char *const unknown[] = { "uid",     "user",           "proc_key",
					       "threads", "entities",       "blocked",
					       "lost",    "oldest_wait_ns", "age_ns",
					       "problem", "layout_major",   "layout_minor",
					       "command" };

	peeps_json_map(json);
	number_at(json, "pid", kept->pid, kept->pid);
	text_at(json, arena, "name", kept->process_name);
	peeps_json_text_at(json, "state", "dead");
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		peeps_json_text_at(json, unknown[i], NULL);
	text_at(json, arena, "file",
		peeps_arena_format(arena, "%s/%s", listing->directory, kept->name));
	peeps_json_map_end(json);
}

static void print_objects(struct peeps_json *json, struct peeps_arena *arena,
			  const struct listing *listing)
{
	peeps_json_array(json);
	for (size_t i = 0; i < listing->processes.count; i++)
		print_object(json, arena, &listing->processes.found[i]);
	for (size_t i = 0; i < listing->kept_count; i++) {
		if (listing->kept[i].state == PEEPS_KEPT_STALE)
			print_dead_object(json, arena, listing, &listing->kept[i]);
	}
	peeps_json_array_end(json);
}

static int print_json(const struct listing *listing, FILE *out)
{
	struct peeps_arena *arena = peeps_arena_new(0);
	struct peeps_json json;
	int r = arena ? peeps_json_open(&json, out) : -ENOMEM;

	if (r == 0) {
		print_objects(&json, arena, listing);
		r = peeps_json_close(&json);
		if (peeps_arena_failed(arena))
			r = -ENOMEM;
	}
	peeps_arena_free(arena);
	return r;
}

/* --- what is beside ---------------------------------------------------------------------------------------------- */

static void note(const char *text)
{
	(void)fprintf(stderr, "%s\n", text);
}

static void print_notes(const struct listing *listing)
{
	const size_t refused = listing->processes.refused;

	if (listing->processes.count + listing->dead_count == 0)
		note("peeps-read: no process here has a peeps segment");
	if (listing->refused.status)
		(void)peeps_complain(&listing->refused);
	if (refused)
		(void)fprintf(stderr,
			      "peeps-read: %zu process%s may not be looked at by this user\n",
			      refused, refused == 1 ? "" : "es");
	if (refused && geteuid() == 0)
		note("hint: that takes CAP_SYS_PTRACE, which this root lacks");
	else if (refused)
		note("hint: root may look at all of them");
	if (listing->dead_count)
		note("hint: peeps-read gc removes what dead processes have left");
	else if (listing->processes.count + refused == 0)
		note("hint: peeps-read doctor says whether anything is in the way");
}

/* Segments that dead processes have left in PEEPS_DIR. That there is no such folder yet is no news. */
static void kept_find(struct listing *listing)
{
	int directory, r;

	listing->directory = peeps_kept_directory();
	if (!listing->directory)
		return;
	directory = peeps_kept_directory_open(listing->directory, &listing->refused);
	if (directory < 0) {
		if (directory == -ENOENT)
			listing->refused.status = 0;
		return;
	}
	r = peeps_kept_list(directory, &listing->kept, &listing->kept_count);
	(void)close(directory);
	if (r)
		listing->kept_count = 0;
	for (size_t i = 0; i < listing->kept_count; i++)
		listing->dead_count += listing->kept[i].state == PEEPS_KEPT_STALE;
}

int peeps_ps_print(const struct peeps_options *options, const struct peeps_graph *graph, FILE *out,
		   struct peeps_problem *problem)
{
	struct listing listing = { 0 };
	int r = peeps_processes_find(&listing.processes, problem);

	(void)graph;
	if (r)
		return r;
	kept_find(&listing);
	if (options->format == PEEPS_FORMAT_JSON)
		r = print_json(&listing, out);
	else
		r = print_table(options, &listing, out, problem);
	if (r == 0)
		print_notes(&listing);
	free(listing.kept);
	peeps_processes_free(&listing.processes);
	return r;
}
