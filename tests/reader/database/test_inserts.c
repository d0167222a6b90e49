/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "reader/database/database.h"
#include "reader/graph/arena.h"
#include "reader/problem.h"
#include "tests/reader/graph_builder.h"

static struct peeps_database opened(void)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_database database;

	assert_int_equal(peeps_database_in_memory(&database, &problem), 0);
	return database;
}

static int64_t added(struct peeps_database *database, const struct peeps_graph *graph)
{
	struct peeps_problem problem = { .status = 0 };
	int64_t id = -1;

	assert_int_equal(peeps_database_add(database, graph, &id, &problem), 0);
	return id;
}

/* What a query answers with: cells as SQL would write them, a line a row. */
static void assert_answer(struct peeps_database *database, const char *sql, const char *wanted)
{
	char answer[4096] = "";
	size_t used = 0;
	sqlite3_stmt *statement;

	assert_int_equal(sqlite3_prepare_v2(database->sqlite, sql, -1, &statement, NULL),
			 SQLITE_OK);
	while (sqlite3_step(statement) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(statement); i++) {
			const char *text = (const char *)sqlite3_column_text(statement, i);
			const bool quoted = sqlite3_column_type(statement, i) == SQLITE_TEXT;

			used += (size_t)snprintf(answer + used, sizeof(answer) - used, "%s%s%s%s",
						 i ? "|" : "", quoted ? "'" : "",
						 text ? text : "null", quoted ? "'" : "");
			assert_true(used < sizeof(answer));
		}
		used += (size_t)snprintf(answer + used, sizeof(answer) - used, "\n");
	}
	assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
	assert_string_equal(answer, wanted);
}

static void inserts__snapshot_and_process__every_column(void **state)
{
	struct peeps_database database = opened();
	struct peeps_graph *graph = graph_new();

	(void)state;
	graph->sequence = 7;
	graph->skew_ns = 5;
	graph->origin = "hang.msgpack";
	graph->quality = PEEPS_QUALITY_PARTIAL;
	graph_note(graph, "a \"note\"");
	(void)graph_thread(graph, 4712, "worker-1");
	assert_int_equal(added(&database, graph), 1);
	assert_answer(
		&database,
		"SELECT id, schema, sequence, taken_at_unix_ns, cut_ns, skew_ns, quality, notes_json, origin FROM snapshots",
		"1|'peeps.snapshot/1'|7|1777636800250000000|12000|5|'partial'|'[\"a \\\"note\\\"\"]'|'hang.msgpack'\n");
	assert_answer(
		&database,
		"SELECT row, snapshot_id, proc_key, pid, own_pid, name, cmdline, start_time, ptime_now_ns, coverage, threads, gone, "
		"counters_json FROM processes",
		"1|1|'orders-4711'|4711|4711|'orders'|'./orders --serve'|77|20000000000|'mutexes of peeps'|1|0|"
		"'{\"dropped_edges\":0,\"torn\":0}'\n");
	peeps_graph_free(graph);
	peeps_database_close(&database);
}

static void inserts__entities__every_column(void **state)
{
	struct peeps_database database = opened();
	struct peeps_graph *graph = graph_new();
	uint32_t node;

	(void)state;
	(void)graph_thread(graph, 4712, "worker-1");
	node = graph_mutex(graph, "accounts", "bank.c", 42);
	graph->nodes[node].source.as_compiled = true;
	graph->nodes[node].source.function = "open";
	graph->nodes[node].source.module = "bank";
	graph->nodes[node].uncertain = true;
	(void)added(&database, graph);
	assert_answer(
		&database,
		"SELECT row, snapshot_id, id, kind, process, name, attrs_json, role, site, site_as_compiled, function, krate, "
		"uncertain, tid, exited, sleeping FROM entities",
		"1|1|'thread:orders-4711:4712'|'thread'|'orders-4711'|'worker-1'|'{\"activity\":\"running\"}'|'actor'|null|0|null|null|0|4712|0|0\n"
		"2|1|'mutex:orders-4711:accounts'|'mutex'|'orders-4711'|'accounts'|'{\"mutex_type\":\"normal\"}'|"
		"'resource'|'bank.c:42'|1|'open'|'bank'|1|null|null|null\n");
	peeps_graph_free(graph);
	peeps_database_close(&database);
}

static void inserts__edges__operations_have_columns_of_their_own(void **state)
{
	struct peeps_database database = opened();
	struct peeps_graph *graph = graph_new();
	const uint32_t thread = graph_thread(graph, 4712, "worker-1");
	const uint32_t mutex = graph_mutex(graph, "accounts", "/src/bank.c", 42);
	uint32_t done;

	(void)state;
	(void)graph_channel(graph, "jobs", 0, 4);
	(void)graph_hold(graph, mutex, thread, 7500 * MS);
	(void)graph_wait(graph, thread, mutex, 7700 * MS);
	done = graph_wait(graph, thread, mutex, 7600 * MS);
	graph->edges[done].state = PEEPS_STATE_DONE;
	graph->edges[done].state_name = "done";
	(void)added(&database, graph);
	assert_answer(
		&database,
		"SELECT position, src_id, dst_id, kind, op_kind, state, pending_since_ptime_ns FROM edges",
		"0|'mpsc:orders-4711:jobs:tx'|'mpsc:orders-4711:jobs:rx'|'channel_link'|null|null|null\n"
		"1|'mpsc:orders-4711:jobs:tx'|'mpsc:orders-4711:jobs:rx'|'needs'|null|null|null\n"
		"2|'mutex:orders-4711:accounts'|'thread:orders-4711:4712'|'holds'|null|null|null\n"
		"3|'thread:orders-4711:4712'|'mutex:orders-4711:accounts'|'needs'|'lock'|'pending'|7700000000\n"
		"4|'thread:orders-4711:4712'|'mutex:orders-4711:accounts'|'needs'|'lock'|'done'|null\n");
	assert_answer(
		&database,
		"SELECT json_extract(attrs_json, '$.role', '$.held_since_ptime_ms') FROM edges WHERE kind = 'holds'",
		"'[\"lock\",7500]'\n");
	peeps_graph_free(graph);
	peeps_database_close(&database);
}

static void inserts__scopes_and_findings__every_column(void **state)
{
	struct peeps_database database = opened();
	struct peeps_graph *graph = graph_deadlocked();
	const uint32_t scope = graph_scope(graph, "7");

	(void)state;
	graph_member(graph, 0, scope);
	graph_analyse(graph, 0);
	assert_int_equal(graph->finding_count, 1);
	(void)added(&database, graph);
	assert_answer(
		&database,
		"SELECT row, snapshot_id, id, kind, process, name, attrs_json FROM scopes",
		"1|1|'scope:orders-4711:connection:7'|'connection'|'orders-4711'|'7'|'{\"created_at_ns\":15000000000}'\n");
	assert_answer(
		&database,
		"SELECT scope_id, entity_id = (SELECT id FROM entities ORDER BY row LIMIT 1) FROM entity_scope_links",
		"'scope:orders-4711:connection:7'|1\n");
	assert_answer(
		&database,
		"SELECT kind, certainty, json_array_length(steps_json), json_array_length(nodes_json), "
		"json_array_length(edges_json), victims_json FROM findings",
		"'deadlock'|'certain'|2|4|4|'[]'\n");
	assert_answer(
		&database,
		"SELECT count(*) FROM findings f, json_each(f.edges_json) j JOIN edges e ON e.snapshot_id = f.snapshot_id "
		"AND e.position = j.value ->> 'index' AND e.src_id = j.value ->> 'src' AND e.dst_id = j.value ->> 'dst'",
		"4\n");
	peeps_graph_free(graph);
	peeps_database_close(&database);
}

/* Integers are below 2^63, and a JSON number is finite: what is not is null. */
static void inserts__what_cannot_be_said__is_null(void **state)
{
	struct peeps_database database = opened();
	struct peeps_graph *graph = graph_new();
	const uint32_t node = graph_mutex(graph, "m", "/src/bank.c", 42);

	(void)state;
	graph->cut_ns = UINT64_C(1) << 63;
	graph->skew_ns = INT64_MAX;
	graph->processes[0].ptime_now_ns = PEEPS_NO_TIME;
	graph->processes[0].start_time_ticks = UINT64_MAX - 1;
	graph_number(graph, node, "largest", INT64_MAX);
	graph_number(graph, node, "larger", UINT64_C(1) << 63);
	graph_attribute(graph, node, "infinite",
			(struct peeps_value){ .type = PEEPS_VALUE_REAL, .as.real = INFINITY });
	graph_attribute(graph, node, "half",
			(struct peeps_value){ .type = PEEPS_VALUE_REAL, .as.real = 0.5 });
	graph_number(graph, node, "zero", 0);
	(void)added(&database, graph);
	assert_answer(&database, "SELECT cut_ns, skew_ns FROM snapshots",
		      "null|9223372036854775807\n");
	assert_answer(&database, "SELECT ptime_now_ns, start_time FROM processes", "null|null\n");
	assert_answer(
		&database, "SELECT attrs_json FROM entities",
		"'{\"mutex_type\":\"normal\",\"largest\":9223372036854775807,\"larger\":null,\"infinite\":null,"
		"\"half\":0.5,\"zero\":0}'\n");
	peeps_graph_free(graph);
	peeps_database_close(&database);
}

static void inserts__control_bytes_and_quotes__come_out_as_they_were(void **state)
{
	static const char odd[] = "\x01\x1b[31m\n\t\"\\/\x7f\xc2\x9b\xf0\x9f\x98\x80";
	struct peeps_database database = opened();
	struct peeps_graph *graph = graph_new();
	const uint32_t node = graph_mutex(graph, odd, "/src/bank.c", 42);
	char wanted[128];

	(void)state;
	graph_attribute(graph, node, odd,
			(struct peeps_value){ .type = PEEPS_VALUE_TEXT, .as.text = odd });
	(void)added(&database, graph);
	(void)snprintf(wanted, sizeof(wanted), "'%s'|'%s'|'%s'\n", odd, odd, odd);
	assert_answer(
		&database,
		"SELECT e.name, j.key, j.value FROM entities e, json_each(e.attrs_json) j WHERE j.key <> 'mutex_type'",
		wanted);
	peeps_graph_free(graph);
	peeps_database_close(&database);
}

/* Larger than the buffer that JSON is made in, and the next one small again. */
static void inserts__long_texts__are_whole(void **state)
{
	enum { LONG = 3000000 };
	struct peeps_database database = opened();
	struct peeps_graph *graph = graph_new();
	char *text = malloc(LONG + 1);
	uint32_t node;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', LONG);
	text[LONG] = '\0';
	node = graph_mutex(graph, text, text, 42);
	graph_attribute(graph, node, "text",
			(struct peeps_value){ .type = PEEPS_VALUE_TEXT, .as.text = text });
	(void)graph_mutex(graph, "small", "/src/bank.c", 42);
	(void)added(&database, graph);
	(void)added(&database, graph);
	assert_answer(
		&database,
		"SELECT length(name), length(site), length(attrs_json ->> 'text'), json_valid(attrs_json) FROM entities",
		"3000000|3000003|3000000|1\n5|14|null|1\n3000000|3000003|3000000|1\n5|14|null|1\n");
	free(text);
	peeps_graph_free(graph);
	peeps_database_close(&database);
}

/* No file can say so, but nothing may depend on that. */
static void inserts__ids_twice__nothing_is_added_and_the_next_is(void **state)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_database database = opened();
	struct peeps_graph *graph = graph_new();
	int64_t id = -1;

	(void)state;
	(void)graph_mutex(graph, "m", "/src/bank.c", 42);
	(void)graph_mutex(graph, "n", "/src/bank.c", 42);
	graph->nodes[1].id = graph->nodes[0].id;
	assert_int_equal(peeps_database_add(&database, graph, &id, &problem), -EBADMSG);
	assert_int_equal(problem.status, PEEPS_PROBLEM_BAD_SEGMENT);
	assert_non_null(strstr(problem.why, "entities.id"));
	assert_int_equal(id, -1);
	assert_answer(&database,
		      "SELECT (SELECT count(*) FROM snapshots), (SELECT count(*) FROM entities)",
		      "0|0\n");
	graph->nodes[1].id = "mutex:orders-4711:n";
	(void)added(&database, graph);
	assert_answer(&database, "SELECT count(*) FROM entities", "2\n");
	peeps_graph_free(graph);
	peeps_database_close(&database);
}

static void inserts__text_that_sqlite_refuses__is_told_as_that(void **state)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_database database = opened();
	struct peeps_graph *graph = graph_new();
	int64_t id;

	(void)state;
	(void)graph_mutex(graph, "a name that is longer than thirty bytes", "/src/bank.c", 42);
	(void)added(&database, graph);
	(void)sqlite3_limit(database.sqlite, SQLITE_LIMIT_LENGTH, 30);
	assert_int_equal(peeps_database_add(&database, graph, &id, &problem), -EBADMSG);
	assert_string_equal(problem.why, "string or blob too big");
	assert_answer(&database, "SELECT count(*) FROM snapshots", "1\n");
	peeps_graph_free(graph);
	peeps_database_close(&database);
}

struct told {
	size_t times, done, total;
	size_t stop_at;
};

static bool note_progress(void *context, size_t done, size_t total)
{
	struct told *told = context;

	assert_true(done > told->done && done <= total);
	*told = (struct told){ told->times + 1, done, total, told->stop_at };
	return told->times != told->stop_at;
}

static struct peeps_graph *graph_large(void)
{
	struct peeps_graph *graph = graph_new();

	for (int i = 0; i < 10000; i++)
		(void)graph_mutex(graph, peeps_arena_format(graph->arena, "m%d", i), "/src/bank.c",
				  42);
	return graph;
}

static void inserts__many_rows__progress_is_told(void **state)
{
	struct told told = { .times = 0 };
	struct peeps_database database = opened();
	struct peeps_graph *graph = graph_large();

	(void)state;
	database.progress = (struct peeps_progress){ .tell = note_progress, .context = &told };
	(void)added(&database, graph);
	assert_int_equal(told.total, 10002); /* the snapshot, its process */
	assert_true(told.times >= 2);
	peeps_graph_free(graph);
	peeps_database_close(&database);
}

static void inserts__progress_says_no__nothing_is_added(void **state)
{
	struct told told = { .stop_at = 2 };
	struct peeps_problem problem = { .status = 0 };
	struct peeps_database database = opened();
	struct peeps_graph *graph = graph_large();
	int64_t id;

	(void)state;
	database.progress = (struct peeps_progress){ .tell = note_progress, .context = &told };
	assert_int_equal(peeps_database_add(&database, graph, &id, &problem), -EINTR);
	assert_int_equal(told.times, 2);
	assert_answer(&database,
		      "SELECT (SELECT count(*) FROM snapshots), (SELECT count(*) FROM entities)",
		      "0|0\n");
	database.progress.tell = NULL;
	assert_int_equal(added(&database, graph), 1);
	peeps_graph_free(graph);
	peeps_database_close(&database);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inserts__snapshot_and_process__every_column),
		cmocka_unit_test(inserts__entities__every_column),
		cmocka_unit_test(inserts__edges__operations_have_columns_of_their_own),
		cmocka_unit_test(inserts__scopes_and_findings__every_column),
		cmocka_unit_test(inserts__what_cannot_be_said__is_null),
		cmocka_unit_test(inserts__control_bytes_and_quotes__come_out_as_they_were),
		cmocka_unit_test(inserts__long_texts__are_whole),
		cmocka_unit_test(inserts__ids_twice__nothing_is_added_and_the_next_is),
		cmocka_unit_test(inserts__text_that_sqlite_refuses__is_told_as_that),
		cmocka_unit_test(inserts__many_rows__progress_is_told),
		cmocka_unit_test(inserts__progress_says_no__nothing_is_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
