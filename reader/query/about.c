/* SPDX-License-Identifier: MIT */
#include "reader/query/about.h"

#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <string.h>

#include "reader/graph/arena.h"
#include "reader/graph/graph.h"
#include "reader/graph/text.h"
#include "reader/problem.h"

#define PROCESSES_MAX 4096 /* of a snapshot, in a heading */
#define NOTES_MAX     4096
#define GRAPH_BYTES   ((size_t)64 << 20)

static int fail(struct sqlite3 *sqlite, struct peeps_problem *problem)
{
	const int code = sqlite3_errcode(sqlite) & 0xff;

	(void)snprintf(problem->what, sizeof(problem->what), "cannot read the database");
	if (code == SQLITE_INTERRUPT)
		return peeps_problem_set(problem, PEEPS_PROBLEM_OTHER, -ETIME,
					 "--timeout gives it more time", "it took too long");
	if (code == SQLITE_NOMEM)
		return peeps_problem_set(problem, PEEPS_PROBLEM_OTHER, -ENOMEM, "", "%s",
					 sqlite3_errmsg(sqlite));
	return peeps_problem_set(problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG,
				 "is it a database that peeps-read load or record made?", "%s",
				 sqlite3_errmsg(sqlite));
}

/* One number that is asked for with another one: 0 if there is none. */
static int ask(struct sqlite3 *sqlite, const char *sql, int64_t with, int64_t *out,
	       struct peeps_problem *problem)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(sqlite, sql, -1, &statement, NULL);

	*out = 0;
	if (code == SQLITE_OK) {
		(void)sqlite3_bind_int64(statement, 1, with);
		code = sqlite3_step(statement);
		if (code == SQLITE_ROW)
			*out = sqlite3_column_int64(statement, 0);
	}
	code = code == SQLITE_ROW || code == SQLITE_DONE ? 0 : fail(sqlite, problem);
	(void)sqlite3_finalize(statement);
	return code;
}

/* What --at calls them: in a recording another number than the row's, once its oldest were dropped. */
static int number(struct peeps_about *about, struct sqlite3 *sqlite, bool by_sequence,
		  struct peeps_problem *problem)
{
	static const char *const sql[][3] = {
		{ "SELECT id FROM snapshots WHERE id = ?1", "SELECT min(id) FROM snapshots",
		  "SELECT max(id) FROM snapshots" },
		{ "SELECT coalesce(sequence, id) FROM snapshots WHERE id = ?1",
		  "SELECT min(coalesce(sequence, id)) FROM snapshots",
		  "SELECT max(coalesce(sequence, id)) FROM snapshots" },
	};
	int r = ask(sqlite, sql[by_sequence][0], about->snapshot, &about->number, problem);

	if (r == 0)
		r = ask(sqlite, sql[by_sequence][0], about->before, &about->before_number, problem);
	if (r == 0)
		r = ask(sqlite, sql[by_sequence][1], 0, &about->first_number, problem);
	if (r == 0)
		r = ask(sqlite, sql[by_sequence][2], 0, &about->last_number, problem);
	return r;
}

static int no_such_snapshot(const struct peeps_about *about, int64_t at,
			    struct peeps_problem *problem)
{
	(void)snprintf(problem->what, sizeof(problem->what), "there is no snapshot %" PRId64, at);
	return peeps_problem_set(problem, PEEPS_PROBLEM_NO_PROCESS, -ENOENT,
				 "-e 'SELECT id, sequence, quality FROM snapshots' lists them",
				 about->count == 0   ? "there is none at all"
				 : about->count == 1 ? "there is %" PRId64 ": number %" PRId64
						     : "there are %" PRId64 ": from %" PRId64
						       " to %" PRId64,
				 about->count, about->first_number, about->last_number);
}

static int choose(struct peeps_about *about, struct sqlite3 *sqlite, int64_t at, bool by_sequence,
		  struct peeps_problem *problem)
{
	static const char from_the_end[] =
		"SELECT id FROM snapshots ORDER BY id DESC LIMIT 1 OFFSET max(-?1, 1) - 1";
	static const char by_id[] = "SELECT id FROM snapshots WHERE id = ?1";
	static const char by_number[] =
		"SELECT id FROM snapshots WHERE coalesce(sequence, id) = ?1 ORDER BY id DESC LIMIT 1";
	int r;

	r = ask(sqlite,
		at <= 0       ? from_the_end
		: by_sequence ? by_number
			      : by_id,
		at == INT64_MIN ? -INT64_MAX : at, &about->snapshot, problem);
	if (r == 0)
		r = ask(sqlite, "SELECT max(id) FROM snapshots WHERE id < ?1", about->snapshot,
			&about->before, problem);
	if (r == 0)
		r = number(about, sqlite, by_sequence, problem);
	if (r || about->snapshot || at == 0)
		return r;
	return no_such_snapshot(about, at, problem);
}

/* A time; what is none is 0. */
static int ask_time(struct sqlite3 *sqlite, const char *sql, int64_t with, uint64_t *out,
		    struct peeps_problem *problem)
{
	int64_t number;
	const int r = ask(sqlite, sql, with, &number, problem);

	*out = number > 0 ? (uint64_t)number : 0;
	return r;
}

/* All that there are. */
static int count(struct peeps_about *about, struct sqlite3 *sqlite, struct peeps_problem *problem)
{
	/* what is no JSON is for those to complain of who read it */
	static const char lossy[] =
		"SELECT count(DISTINCT snapshot_id) FROM processes "
		"WHERE EXISTS (SELECT 1 FROM json_each(iif(json_valid(counters_json), counters_json, '{}')) WHERE value > 0)";
	int r = ask(sqlite, "SELECT count(*) FROM snapshots", 0, &about->count, problem);

	if (r == 0)
		r = ask(sqlite,
			"SELECT count(*) FROM snapshots WHERE quality NOT IN ('cut', 'quiescent')",
			0, &about->doubted_count, problem);
	if (r == 0)
		r = ask(sqlite, lossy, 0, &about->lossy_count, problem);
	if (r == 0)
		r = ask_time(sqlite, "SELECT min(taken_at_unix_ns) FROM snapshots", 0,
			     &about->first_taken_at_unix_ns, problem);
	if (r == 0)
		r = ask_time(sqlite, "SELECT max(taken_at_unix_ns) FROM snapshots", 0,
			     &about->last_taken_at_unix_ns, problem);
	return r;
}

/* --- what headings tell ------------------------------------------------------------------------------------------ */

struct reading {
	struct peeps_graph *graph;
	sqlite3_stmt *statement; /* a row of it */
};

static const char *text_at(struct reading *reading, int column)
{
	const struct peeps_bytes bytes = {
		.start = sqlite3_column_text(reading->statement, column),
		.length = (size_t)sqlite3_column_bytes(reading->statement, column),
	};

	return bytes.start ? peeps_text_mend(reading->graph->arena, bytes) : "";
}

static uint64_t number_at(struct reading *reading, int column)
{
	const int64_t number = sqlite3_column_int64(reading->statement, column);

	return number > 0 ? (uint64_t)number : 0;
}

static enum peeps_quality quality_named(const char *name)
{
	static const enum peeps_quality qualities[] = { PEEPS_QUALITY_CUT, PEEPS_QUALITY_QUIESCENT,
							PEEPS_QUALITY_PASSIVE };

	for (size_t i = 0; i < sizeof(qualities) / sizeof(qualities[0]); i++) {
		if (name && strcmp(name, peeps_quality_name(qualities[i])) == 0)
			return qualities[i];
	}
	return PEEPS_QUALITY_PARTIAL; /* what is not known is not trusted either */
}

static void read_snapshot(struct reading *reading)
{
	struct peeps_graph *graph = reading->graph;

	graph->taken_at_unix_ns = number_at(reading, 0);
	graph->cut_ns = number_at(reading, 1);
	graph->skew_ns = number_at(reading, 2);
	graph->quality = quality_named(text_at(reading, 3));
	graph->sequence = number_at(reading, 4);
	if (sqlite3_column_type(reading->statement, 5) != SQLITE_NULL)
		graph->origin = text_at(reading, 5);
}

static void read_note(struct reading *reading)
{
	struct peeps_graph *graph = reading->graph;

	if (graph->note_count < NOTES_MAX)
		graph->notes[graph->note_count++] = text_at(reading, 0);
}

static void read_process(struct reading *reading)
{
	struct peeps_graph *graph = reading->graph;

	if (graph->process_count == PROCESSES_MAX)
		return;
	graph->processes[graph->process_count++] = (struct peeps_process){
		.proc_key = text_at(reading, 0),
		.pid = (uint32_t)number_at(reading, 1),
		.own_pid = (uint32_t)number_at(reading, 2),
		.name = text_at(reading, 3),
		.cmdline = "",
		.ptime_now_ns = number_at(reading, 4),
		.coverage = "",
		.thread_count = (uint32_t)number_at(reading, 5),
		.gone = number_at(reading, 6) != 0,
	};
}

/* Rows of counters, in the order of processes. */
static void read_counter(struct reading *reading)
{
	struct peeps_graph *graph = reading->graph;
	const uint64_t position = number_at(reading, 0);
	struct peeps_process *process;
	struct peeps_counter_value *counters;

	if (position >= graph->process_count)
		return;
	process = &graph->processes[position];
	counters = peeps_arena_take(graph->arena, process->counter_count + 1, sizeof(*counters));
	if (!counters)
		return;
	if (process->counter_count)
		memcpy(counters, process->counters, process->counter_count * sizeof(*counters));
	counters[process->counter_count++] = (struct peeps_counter_value){
		.name = text_at(reading, 1),
		.value = number_at(reading, 2),
	};
	process->counters = counters;
}

static int read_rows(struct reading *reading, struct sqlite3 *sqlite, int64_t snapshot,
		     const char *sql, void (*read)(struct reading *), struct peeps_problem *problem)
{
	int code = sqlite3_prepare_v2(sqlite, sql, -1, &reading->statement, NULL);
	int r;

	if (code == SQLITE_OK) {
		(void)sqlite3_bind_int64(reading->statement, 1, snapshot);
		while ((code = sqlite3_step(reading->statement)) == SQLITE_ROW &&
		       !peeps_arena_failed(reading->graph->arena))
			read(reading);
	}
	r = peeps_arena_failed(reading->graph->arena) ? -ENOMEM
	    : code == SQLITE_DONE                     ? 0
						      : fail(sqlite, problem);
	(void)sqlite3_finalize(reading->statement);
	return r;
}

static int read_head(struct reading *reading, struct sqlite3 *sqlite, int64_t snapshot,
		     struct peeps_problem *problem)
{
	static const struct {
		const char *sql;
		void (*read)(struct reading *reading);
	} parts[] = {
		{ "SELECT taken_at_unix_ns, cut_ns, skew_ns, quality, sequence, origin "
		  "FROM snapshots WHERE id = ?1",
		  read_snapshot },
		{ "SELECT note.value FROM snapshots, json_each(notes_json) AS note WHERE snapshots.id = ?1 LIMIT 4096",
		  read_note },
		{ "SELECT proc_key, pid, own_pid, name, ptime_now_ns, threads, gone "
		  "FROM processes WHERE snapshot_id = ?1 ORDER BY row LIMIT 4096",
		  read_process },
		/* only what a heading tells: what was lost */
		{ "SELECT (SELECT count(*) FROM processes AS other WHERE other.snapshot_id = ?1 AND other.row < process.row), "
		  "counter.key, counter.value FROM processes AS process, json_each(process.counters_json) AS counter "
		  "WHERE process.snapshot_id = ?1 AND counter.value > 0 LIMIT 4096",
		  read_counter },
	};
	int r = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && r == 0; i++)
		r = read_rows(reading, sqlite, snapshot, parts[i].sql, parts[i].read, problem);
	return r;
}

static int read_graph(struct peeps_about *about, struct sqlite3 *sqlite,
		      struct peeps_problem *problem)
{
	struct reading reading = { .graph = peeps_graph_new(GRAPH_BYTES) };
	struct peeps_graph *graph = reading.graph;

	if (!graph)
		return -ENOMEM;
	about->graph = graph;
	graph->notes = peeps_arena_take(graph->arena, NOTES_MAX, sizeof(graph->notes[0]));
	graph->processes =
		peeps_arena_take(graph->arena, PROCESSES_MAX, sizeof(graph->processes[0]));
	if (peeps_arena_failed(graph->arena))
		return -ENOMEM;
	return read_head(&reading, sqlite, about->snapshot, problem);
}

int peeps_about_find(struct peeps_about *about, struct sqlite3 *sqlite, int64_t at,
		     bool by_sequence, struct peeps_problem *problem)
{
	static const char taken_at[] = "SELECT taken_at_unix_ns FROM snapshots WHERE id = ?1";
	int r;

	*about = (struct peeps_about){ .snapshot = 0 };
	r = count(about, sqlite, problem);
	if (r == 0)
		r = choose(about, sqlite, at, by_sequence, problem);
	if (r == 0)
		r = ask_time(sqlite, taken_at, about->before, &about->before_taken_at_unix_ns,
			     problem);
	if (r == 0 && about->snapshot)
		r = read_graph(about, sqlite, problem);
	if (r)
		peeps_about_free(about);
	return r;
}

int peeps_about_came_from(struct peeps_about *about, const char *file)
{
	about->graph->origin = peeps_text_mend(about->graph->arena, peeps_bytes_of(file));
	return about->graph->origin ? 0 : -ENOMEM;
}

void peeps_about_free(struct peeps_about *about)
{
	peeps_graph_free(about->graph);
	about->graph = NULL;
}
