/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "reader/format/document.h"
#include "reader/format/format_text.h"
#include "reader/format/json.h"
#include "reader/format/zst.h"
#include "reader/graph/arena.h"
#include "reader/problem.h"
#include "reader/snapshot/snapshot.h"
#include "reader/snapshot/snapshot_stream.h"
#include "reader/verbs/verb_blocked.h"
#include "reader/verbs/verb_check.h"
#include "tests/reader/graph_builder.h"
#include "tests/reader/graph_compare.h"
#include "tests/reader/graph_rich.h"

static void *take(struct peeps_graph *graph, size_t count, size_t size)
{
	void *memory = peeps_arena_take(graph->arena, count, size);

	assert_non_null(memory);
	return memory;
}

/* --- reading what was written ----------------------------------------------------------------------------------- */

struct bytes {
	char *start;
	size_t length;
};

typedef int write_fn(const struct peeps_graph *graph, FILE *out);

static struct bytes written(write_fn *write, const struct peeps_graph *graph)
{
	struct bytes bytes = { .length = 0 };
	FILE *out = open_memstream(&bytes.start, &bytes.length);

	assert_int_equal(write(graph, out), 0);
	assert_int_equal(fclose(out), 0);
	return bytes;
}

static struct peeps_graph *read_back(const struct bytes *bytes)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_graph *graph = NULL;

	if (peeps_snapshot_read_bytes(bytes->start, bytes->length, "x", &graph, &problem) != 0)
		fail_msg("%s: %s", problem.what, problem.why);
	return graph;
}

static void assert_same_bytes(const struct bytes *got, const struct bytes *wanted)
{
	assert_int_equal(got->length, wanted->length);
	assert_memory_equal(got->start, wanted->start, wanted->length);
}

static int write_verbs(const struct peeps_graph *graph, FILE *out)
{
	const struct peeps_blocked_view blocked = { .all = true };
	const struct peeps_check_view check = { .all = true };
	struct peeps_json *json = malloc(sizeof(*json));
	struct peeps_problem problem = { .status = 0 };

	assert_int_equal(peeps_format_text(graph, out), 0);
	assert_int_equal(peeps_blocked_table(graph, &blocked, out, &problem), 0);
	assert_int_equal(peeps_blocked_tree(graph, &blocked, out), 0);
	assert_int_equal(peeps_check_text(graph, &check, out), 0);
	assert_int_equal(peeps_json_open(json, out), 0);
	peeps_json_map(json);
	assert_int_equal(peeps_blocked_json(graph, 0, json), 0);
	peeps_check_json(graph, json);
	peeps_json_map_end(json);
	assert_int_equal(peeps_json_close(json), 0);
	free(json);
	return 0;
}

static write_fn *const formats[] = { peeps_document_write_msgpack, peeps_document_write_json };

/* From each format into each, and the same graph in between. */
static void assert_comes_back(const struct peeps_graph *graph)
{
	struct bytes verbs = written(write_verbs, graph);

	for (size_t from = 0; from < 2; from++) {
		struct bytes bytes = written(formats[from], graph);
		struct peeps_graph *read = read_back(&bytes);
		struct bytes verbs_again = written(write_verbs, read);

		assert_same_graph(read, graph);
		assert_same_bytes(&verbs_again, &verbs);
		for (size_t to = 0; to < 2; to++) {
			struct bytes wanted = written(formats[to], graph);
			struct bytes again = written(formats[to], read);

			assert_same_bytes(&again, &wanted);
			free(wanted.start);
			free(again.start);
		}
		peeps_graph_free(read);
		free(bytes.start);
		free(verbs_again.start);
	}
	free(verbs.start);
}

static void snapshot__all_there_is__comes_back_as_it_was(void **state)
{
	struct peeps_graph *graph = graph_rich();

	(void)state;
	assert_true(graph->finding_count >= 2);
	assert_comes_back(graph);
	peeps_graph_free(graph);
}

static void snapshot__nothing_at_all__comes_back_as_it_was(void **state)
{
	struct peeps_graph *graph = graph_new();

	(void)state;
	assert_comes_back(graph);
	peeps_graph_free(graph);
}

static void snapshot__long_and_hostile_texts__come_back_as_they_were(void **state)
{
	struct peeps_graph *graph = graph_new();
	char *text = take(graph, 100001, 1);

	(void)state;
	memset(text, 'x', 100000);
	memcpy(text, "\x01\x1b[31m\xe2\x80\xae\"\\\n", 12);
	graph->nodes = NULL;
	(void)graph_thread(graph, 1, text);
	graph->nodes[0].source = (struct peeps_source){ .file = text, .line = 3 };
	graph->nodes[0].created_ns = PEEPS_NO_TIME;
	graph->processes[0].cmdline = text;
	assert_comes_back(graph);
	peeps_graph_free(graph);
}

static void snapshot__analysed_again__finds_the_same(void **state)
{
	struct peeps_graph *graph = graph_rich();
	struct bytes bytes = written(peeps_document_write_msgpack, graph);
	struct peeps_graph *read = read_back(&bytes);
	size_t count;

	(void)state;
	graph_analyse(read, 5 * S);
	assert_same_graph(read, graph);
	count = read->finding_count;
	graph_analyse(read, 0); /* long waits are found only if asked for */
	assert_true(read->finding_count < count);
	peeps_graph_free(read);
	peeps_graph_free(graph);
	free(bytes.start);
}

/* --- documents of others ---------------------------------------------------------------------------------------- */

static struct peeps_graph *read_text(const char *text, struct peeps_problem *problem)
{
	struct peeps_graph *graph = NULL;

	memset(problem, 0, sizeof(*problem));
	(void)peeps_snapshot_read_bytes(text, strlen(text), "x.json", &graph, problem);
	return graph;
}

#define PROCESS_P "{\"proc_key\":\"p-1\",\"pid\":1,\"name\":\"p\",\"ptime_now_ns\":2000500000}"
#define THREAD_T  "{\"id\":\"thread:p-1:1\",\"kind\":\"thread\",\"process\":\"p-1\",\"name\":\"t\"}"
#define MUTEX_M   "{\"id\":\"mutex:p-1:m\",\"kind\":\"mutex\",\"process\":\"p-1\",\"name\":\"m\"}"
#define BEGIN                                                                          \
	"{\"schema\":\"peeps.snapshot/1\",\"quality\":\"cut\",\"taken_at_unix_ns\":5," \
	"\"processes\":[" PROCESS_P "],\"nodes\":[" THREAD_T "," MUTEX_M "]"
#define WAIT_OF(meta)                                                          \
	BEGIN ",\"edges\":[{\"src\":\"thread:p-1:1\",\"dst\":\"mutex:p-1:m\"," \
	      "\"kind\":\"needs\",\"meta\":" meta "}]}"
#define HOLD_OF(meta)                                                          \
	BEGIN ",\"edges\":[{\"src\":\"mutex:p-1:m\",\"dst\":\"thread:p-1:1\"," \
	      "\"kind\":\"holds\",\"meta\":" meta "}]}"

static void snapshot__least_document__has_what_follows_from_it(void **state)
{
	struct peeps_problem problem;
	struct peeps_graph *graph = read_text(BEGIN ",\"edges\":[]}", &problem);
	struct bytes verbs;

	(void)state;
	if (!graph)
		fail_msg("%s", problem.why);
	assert_int_equal(graph->node_count, 2);
	assert_int_equal(graph->nodes[0].role, PEEPS_ROLE_ACTOR);
	assert_int_equal(graph->nodes[0].kind_number, PEEPS_KIND_THREAD);
	assert_int_equal(graph->nodes[1].role, PEEPS_ROLE_RESOURCE);
	assert_int_equal(graph->processes[0].own_pid, 1);
	graph_analyse(graph, 1);
	verbs = written(write_verbs, graph);
	free(verbs.start);
	peeps_graph_free(graph);
}

static void snapshot__other_order_and_unknown_keys__is_the_same(void **state)
{
	static const char *const text =
		" \n{\"later\":[[[{\"x\":null}]],-1.5e300,\"\\ud83d\\ude00\"],\"edges\":[{\"meta\":{"
		"\"state\":\"pending\",\"op_kind\":\"lock\",\"new\":{},\"blocks\":true},\"kind\":\"needs\","
		"\"more\":[],\"dst\":\"mutex:p-1:m\",\"src\":\"thread:p-1:1\"}],"
		"\"nodes\":[" MUTEX_M "," THREAD_T "],\"processes\":[" PROCESS_P "],"
		"\"taken_at_unix_ns\":5,\"quality\":\"passive\",\"schema\":\"peeps.snapshot/1\"}\n";
	struct peeps_problem problem;
	struct peeps_graph *graph = read_text(text, &problem);

	(void)state;
	if (!graph)
		fail_msg("%s", problem.why);
	assert_int_equal(graph->quality, PEEPS_QUALITY_PASSIVE);
	assert_int_equal(graph->edges[0].src, 1);
	assert_int_equal(graph->edges[0].dst, 0);
	assert_int_equal(graph->edges[0].op, PEEPS_OP_LOCK);
	assert_int_equal(graph->edges[0].state, PEEPS_STATE_PENDING);
	assert_true(graph->edges[0].blocks);
	peeps_graph_free(graph);
}

static void snapshot__times_in_ms_alone__claim_no_more_than_is_known(void **state)
{
	struct peeps_problem problem;
	struct peeps_graph *graph = read_text(
		WAIT_OF("{\"op_kind\":\"lock\",\"state\":\"pending\",\"pending_since_ptime_ms\":1500}"),
		&problem);

	(void)state;
	assert_non_null(graph);
	assert_int_equal(graph->edges[0].pending_since_ns, 1500999999);
	peeps_graph_free(graph);

	/* The snapshot was taken in the middle of that ms. */
	graph = read_text(
		WAIT_OF("{\"op_kind\":\"lock\",\"state\":\"pending\",\"pending_since_ptime_ms\":2000}"),
		&problem);
	assert_non_null(graph);
	assert_int_equal(graph->edges[0].pending_since_ns, 2000500000);
	peeps_graph_free(graph);

	graph = read_text(HOLD_OF("{\"held_since_ptime_ms\":1500,\"held_accuracy_ms\":100}"),
			  &problem);
	assert_non_null(graph);
	assert_int_equal(graph->edges[0].held_since_ns, 1500000000);
	assert_int_equal(graph->edges[0].held_accuracy_ns, 100000000);
	peeps_graph_free(graph);
}

static void snapshot__names_nobody_knows__are_shown_as_they_are(void **state)
{
	struct peeps_problem problem;
	struct peeps_graph *graph =
		read_text(WAIT_OF("{\"op_kind\":\"levitate\",\"state\":\"hovering\"}"), &problem);
	struct bytes json;

	(void)state;
	assert_non_null(graph);
	assert_int_not_equal(graph->edges[0].op, PEEPS_OP_NONE);
	assert_int_equal(graph->edges[0].state, PEEPS_STATE_NONE);
	json = written(peeps_document_write_json, graph);
	assert_non_null(strstr(json.start, "\"op_kind\":\"levitate\",\"state\":\"hovering\""));
	free(json.start);
	peeps_graph_free(graph);
}

/* --- what is not sound ------------------------------------------------------------------------------------------ */

static void snapshot__unsound_documents__are_refused_and_say_where(void **state)
{
	static const struct {
		const char *text;
		const char *why;
	} rows[] = {
		{ "", "it is empty" },
		{ " \n", "it is no snapshot" },
		{ "peeps", "it is no snapshot" },
		{ "[]", "it is no snapshot" },
		{ "{", "byte 1 of the JSON: parse error: premature EOF" },
		{ "{}", "schema: is missing" },
		{ "{\"schema\":1}", "schema: is not text" },
		{ "{\"schema\":\"peeps.snapshot/2\",\"nodes\":7}",
		  "its schema is 'peeps.snapshot/2'; this peeps-read reads 'peeps.snapshot/1'" },
		{ "{\"schema\":\"peeps.snapshot/1\",\"schema\":\"peeps.snapshot/1\"}",
		  "schema: stands there twice" },
		{ "{\"schema\":\"peeps.snapshot/1\",\"taken_at_unix_ns\":0}",
		  "quality: is missing" },
		{ "{\"schema\":\"peeps.snapshot/1\",\"quality\":\"good\",\"taken_at_unix_ns\":0}",
		  "quality: there is no quality 'good'" },
		{ "{\"schema\":\"peeps.snapshot/1\",\"quality\":\"cut\",\"taken_at_unix_ns\":-1}",
		  "taken_at_unix_ns: -1 is out of range" },
		{ "{\"schema\":\"peeps.snapshot/1\",\"quality\":\"cut\",\"taken_at_unix_ns\":"
		  "9223372036854775808}",
		  "of the JSON: parse error: integer overflow" },
		{ "{\"schema\":\"peeps.snapshot/1\",\"quality\":\"cut\",\"taken_at_unix_ns\":1.5}",
		  "taken_at_unix_ns: is not an integer" },
		{ "{\"schema\":\"peeps.snapshot/1\",\"quality\":\"cut\",\"taken_at_unix_ns\":1,"
		  "\"nodes\":[],\"edges\":[]}",
		  "processes: is missing" },
		{ BEGIN "}", "edges: is missing" },
		{ BEGIN ",\"edges\":{}}", "edges: is not an array" },
		{ BEGIN ",\"edges\":[1,2,3,4,5,6,7,8,9,10]}", "edges: has 10 rows in 10 bytes" },
		{ BEGIN ",\"edges\":[\"long enough that there might be one\"]}",
		  "edges[0]: is not a map" },
		{ BEGIN
		  ",\"edges\":[{\"src\":\"thread:p-1:1\",\"dst\":\"x\\u001b\",\"kind\":\"needs\"}]}",
		  "edges[0].dst: no node 'x\x1b'" },
		{ BEGIN ",\"edges\":[{\"src\":\"thread:p-1:1\",\"kind\":\"needs\"}]}",
		  "edges[0].dst: is missing" },
		{ BEGIN
		  ",\"edges\":[{\"src\":\"thread:p-1:1\",\"dst\":\"mutex:p-1:m\",\"kind\":\"\"}]}",
		  "edges[0].kind: edges of kind '' are not known" },
		{ WAIT_OF("7"), "edges[0].meta: is not a map" },
		{ WAIT_OF("{\"op_kind\":\"lock\"}"), "edges[0].meta.state: is missing" },
		{ WAIT_OF("{\"op_kind\":\"lock\",\"state\":\"pending\",\"slot\":4294967296}"),
		  "edges[0].meta.slot: 4294967296 is out of range" },
		{ WAIT_OF("{\"op_kind\":\"lock\",\"state\":\"pending\",\"slot\":null}"),
		  "edges[0].meta.slot: is not an integer" },
		{ WAIT_OF("{\"slot\":1,\"slot\":1}"), "edges[0].meta.slot: stands there twice" },
		{ WAIT_OF("{\"op_kind\":\"lock\",\"state\":\"pending\","
			  "\"pending_since_ptime_ms\":9223372036854775807}"),
		  "edges[0].meta.pending_since_ptime_ms: 9223372036854775807 is out of range" },
		{ WAIT_OF("{\"op_kind\":\"lock\",\"state\":\"pending\","
			  "\"pending_since_ptime_ms\":1,\"pending_since_ptime_ns\":2000000}"),
		  "edges[0].meta.pending_since_ptime_ms: contradicts the same in ns" },
		{ WAIT_OF("{\"op_kind\":\"lock\",\"state\":\"pending\",\"details\":{\"a\":[]}}"),
		  "edges[0].meta.a: is neither text nor a number, true, false or null" },
		{ WAIT_OF("{\"source\":\"bank.c\"}"), "edges[0].meta.source: is not FILE:LINE" },
		{ WAIT_OF("{\"source\":\"bank.c:4294967296\"}"),
		  "edges[0].meta.source: is not FILE:LINE" },
		{ HOLD_OF("{\"held_since_ptime_ms\":1,\"held_accuracy_ms\":9223372036854775807}"),
		  "edges[0].meta.held_accuracy_ms: 9223372036854775807 is out of range" },
		{ BEGIN
		  ",\"edges\":[{\"src\":\"mutex:p-1:m\",\"dst\":\"mutex:p-1:m\",\"kind\":\"holds\"}]}",
		  "edges[0].dst: 'mutex:p-1:m' is no actor" },
		{ BEGIN
		  ",\"edges\":[{\"src\":\"mutex:p-1:m\",\"dst\":\"mutex:p-1:m\",\"kind\":\"needs\","
		  "\"meta\":{\"op_kind\":\"lock\",\"state\":\"pending\"}}]}",
		  "edges[0].src: 'mutex:p-1:m' is no actor" },
		{ "{\"schema\":\"peeps.snapshot/1\",\"quality\":\"cut\",\"taken_at_unix_ns\":5,"
		  "\"processes\":[" PROCESS_P "," PROCESS_P "],\"nodes\":[],\"edges\":[]}",
		  "processes[1]: 'p-1' stands there twice" },
		{ "{\"schema\":\"peeps.snapshot/1\",\"quality\":\"cut\",\"taken_at_unix_ns\":5,"
		  "\"processes\":[" PROCESS_P "],\"nodes\":[" THREAD_T "," THREAD_T
		  "],\"edges\":[]}",
		  "nodes[1]: 'thread:p-1:1' stands there twice" },
		{ "{\"schema\":\"peeps.snapshot/1\",\"quality\":\"cut\",\"taken_at_unix_ns\":5,"
		  "\"processes\":[],\"nodes\":[" THREAD_T "],\"edges\":[]}",
		  "nodes[0].process: no process 'p-1'" },
		{ "{\"schema\":\"peeps.snapshot/1\",\"quality\":\"cut\",\"taken_at_unix_ns\":5,"
		  "\"processes\":[" PROCESS_P "],\"nodes\":[{\"id\":\"m\",\"kind\":\"mutex\","
		  "\"process\":\"p-1\",\"name\":\"m\",\"attrs\":{\"holder\":\"nobody\"}}],\"edges\":[]}",
		  "nodes[0].attrs.holder: no node 'nobody'" },
		{ "{\"schema\":\"peeps.snapshot/1\",\"quality\":\"cut\",\"taken_at_unix_ns\":5,"
		  "\"processes\":[" PROCESS_P "],\"nodes\":[{\"id\":\"m\",\"kind\":\"mutex\","
		  "\"process\":\"p-1\",\"name\":\"m\\u0000\"}],\"edges\":[]}",
		  "nodes[0].name: is no UTF-8, or has a NUL in it" },
		{ "{\"schema\":\"\xff\"}",
		  "of the JSON: lexical error: invalid bytes in UTF8 string." },
		{ BEGIN
		  ",\"edges\":[],\"scopes\":[{\"id\":\"s\",\"kind\":\"user\",\"process\":\"q\","
		  "\"name\":\"s\"}]}",
		  "scopes[0].process: no process 'q'" },
		{ BEGIN
		  ",\"edges\":[],\"memberships\":[{\"entity\":\"mutex:p-1:m\",\"scope\":\"s\"}]}",
		  "memberships[0].scope: no scope 's'" },
		{ BEGIN ",\"edges\":[],\"memberships\":[{\"entity\":\"nobody\",\"scope\":\"s\"}]}",
		  "memberships[0].entity: no node 'nobody'" },
		{ BEGIN ",\"edges\":[],\"notes\":[\"a\",7]}", "notes[1]: is not text" },
		{ BEGIN
		  ",\"edges\":[],\"findings\":[{\"kind\":\"omen\",\"certainty\":\"certain\","
		  "\"sentence\":\"s\",\"steps\":[],\"nodes\":[],\"edges\":[],\"victims\":[]}]}",
		  "findings[0].kind: findings of kind 'omen' are not known" },
		{ BEGIN
		  ",\"edges\":[],\"findings\":[{\"kind\":\"deadlock\",\"certainty\":\"certain\","
		  "\"sentence\":\"s\",\"steps\":[],\"nodes\":[\"mutex:p-1:m\",\"x\"],\"edges\":[],"
		  "\"victims\":[]}]}",
		  "findings[0].nodes[1]: no node 'x'" },
		{ BEGIN
		  ",\"edges\":[],\"findings\":[{\"kind\":\"deadlock\",\"certainty\":\"certain\","
		  "\"sentence\":\"s\",\"steps\":[],\"nodes\":[],\"edges\":[{\"src\":\"a\","
		  "\"dst\":\"b\",\"kind\":\"needs\",\"index\":0}],\"victims\":[]}]}",
		  "findings[0].edges[0].index: no edge 0" },
		{ BEGIN
		  ",\"edges\":[{\"src\":\"thread:p-1:1\",\"dst\":\"mutex:p-1:m\",\"kind\":\"needs\"}],"
		  "\"findings\":[{\"kind\":\"deadlock\",\"certainty\":\"certain\","
		  "\"sentence\":\"s\",\"steps\":[],\"nodes\":[],\"edges\":[{\"src\":\"thread:p-1:1\","
		  "\"dst\":\"b\",\"kind\":\"needs\",\"index\":0}],\"victims\":[]}]}",
		  "findings[0].edges[0].index: edge 0 is another" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peeps_problem problem;
		struct peeps_graph *graph = read_text(rows[i].text, &problem);

		if (graph)
			fail_msg("row %zu was read: %s", i, rows[i].text);
		if (!strstr(problem.why, rows[i].why))
			fail_msg("row %zu: '%s', not '%s'", i, problem.why, rows[i].why);
		assert_int_equal(problem.status, PEEPS_PROBLEM_BAD_SEGMENT);
		assert_string_equal(problem.what, "cannot read the snapshot x.json");
	}
}

static void snapshot__lying_msgpack__is_refused_without_taking_memory(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
		const char *why;
	} rows[] = {
		{ "\xdf\x10\x00\x00\x00", 5, "byte 0: claims more entries than there is room for" },
		{ "\xdf\xff\xff\xff\xff", 5, "byte 0: claims more entries than there is room for" },
		{ "\x81\xa1x\xdd\xff\xff\xff\xff", 8, "byte 3: claims more entries" },
		{ "\x81\xa1x\xdb\xff\xff\xff\xff", 8, "byte 3: claims more bytes" },
		{ "\x81\xa1x\xc6\xff\xff\xff\xff", 8, "byte 3: claims more bytes" },
		{ "\x81\xa1x\xc9\xff\xff\xff\xff\x01", 9, "byte 3: claims more bytes" },
		{ "\x81\xa1x\xc1", 4, "byte 3: is no msgpack" },
		{ "\x81\xa1x\xcf\x01", 5, "byte 3: claims more bytes" },
		{ "\x81\xa1x\xd9", 4, "byte 3: ends in the middle" },
		{ "\x81\xa1x", 3, "byte 3: ends in the middle" },
		{ "\x80", 1, "schema: is missing" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peeps_problem problem = { .status = 0 };
		struct peeps_graph *graph = NULL;

		assert_int_equal(peeps_snapshot_read_bytes(rows[i].bytes, rows[i].length, "x",
							   &graph, &problem),
				 -EBADMSG);
		if (!strstr(problem.why, rows[i].why))
			fail_msg("row %zu: '%s', not '%s'", i, problem.why, rows[i].why);
		assert_int_equal(problem.status, PEEPS_PROBLEM_BAD_SEGMENT);
	}
}

static void snapshot__nested_deep__is_refused(void **state)
{
	const size_t depth = 1000000;
	unsigned char *bytes = malloc(3 + depth);
	char *text = malloc(5 + depth);
	struct peeps_problem problem = { .status = 0 };
	struct peeps_graph *graph = NULL;

	(void)state;
	memcpy(bytes, "\x81\xa1x", 3);
	memset(bytes + 3, 0x91, depth);
	bytes[2 + depth] = 0xc0;
	assert_int_equal(peeps_snapshot_read_bytes(bytes, 3 + depth, "x", &graph, &problem),
			 -EBADMSG);
	assert_non_null(strstr(problem.why, "is nested too deep"));
	memcpy(text, "{\"x\":", 5);
	memset(text + 5, '[', depth);
	assert_int_equal(peeps_snapshot_read_bytes(text, 5 + depth, "x", &graph, &problem),
			 -EBADMSG);
	assert_non_null(strstr(problem.why, "nested too deep"));
	free(bytes);
	free(text);
}

static void assert_refused(const void *bytes, size_t length, const char *why)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_graph *graph = NULL;

	assert_int_equal(peeps_snapshot_read_bytes(bytes, length, "x", &graph, &problem), -EBADMSG);
	assert_int_equal(problem.status, PEEPS_PROBLEM_BAD_SEGMENT);
	if (!strstr(problem.why, why))
		fail_msg("'%s', not '%s'", problem.why, why);
}

/* The parser would look at it again and again. */
static void snapshot__text_or_gap_of_megabytes_in_json__is_refused(void **state)
{
	const size_t length = (size_t)4 << 20;
	char *text = malloc(length);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		memset(text, i ? 'x' : ' ', length);
		memcpy(text, "{\"x\":\"", 5 + i);
		assert_refused(text, length, "a text or a gap is longer than a MiB");
	}
	free(text);
}

/* Reads, and if that went well, does all that can be done with it. Returns whether it did. */
static bool try_all(const void *bytes, size_t length)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_graph *graph = NULL;
	struct bytes out;

	if (peeps_snapshot_read_bytes(bytes, length, "x", &graph, &problem) != 0) {
		assert_null(graph);
		assert_int_equal(problem.status, PEEPS_PROBLEM_BAD_SEGMENT);
		assert_true(*problem.why);
		return false;
	}
	graph_analyse(graph, 1);
	out = written(write_verbs, graph);
	free(out.start);
	out = written(peeps_document_write_msgpack, graph);
	free(out.start);
	peeps_graph_free(graph);
	return true;
}

static void snapshot__keys_without_end__are_refused(void **state)
{
	const size_t count = 1001;
	unsigned char *bytes = malloc(3 + 2 * count);

	(void)state;
	memcpy(bytes, "\xde\x03\xe9", 3);
	memset(bytes + 3, 0xa0, 2 * count);
	assert_refused(bytes, 3 + 2 * count, "the document: has 1001 keys");
	free(bytes);
}

/* Nothing in it but what has to be, and of that the shortest: room is taken for as many as there may be, and no fewer. */
static void snapshot__least_rows_of_msgpack__have_room(void **state)
{
	static const char bytes[] =
		"\x89\xa6schema\xb0peeps.snapshot/1\xa7quality\xa3"
		"cut\xb0taken_at_unix_ns\x00"
		"\xa9processes\x91\x84\xa8proc_key\xa0\xa3pid\x00\xa4name\xa0\xacptime_now_ns\x00"
		"\xa5nodes\x91\x85\xa2id\xa0\xa4kind\xa0\xa7process\xa0\xa4name\xa0\xa4role\xa5"
		"actor"
		"\xa5"
		"edges\x91\x83\xa3src\xa0\xa3"
		"dst\xa0\xa4kind\xa5holds"
		"\xa6scopes\x91\x84\xa2id\xa0\xa4kind\xa0\xa7process\xa0\xa4name\xa0"
		"\xabmemberships\x91\x82\xa6"
		"entity\xa0\xa5scope\xa0"
		"\xa8"
		"findings\x91\x87\xa4kind\xa8"
		"deadlock\xa9"
		"certainty\xa7"
		"certain\xa8sentence\xa0"
		"\xa5steps\x90\xa5nodes\x90\xa5"
		"edges\x90\xa7victims\x90";

	(void)state;
	assert_true(try_all(bytes, sizeof(bytes) - 1));
}

static void snapshot__every_truncation__is_refused(void **state)
{
	struct peeps_graph *graph = graph_rich();

	(void)state;
	for (size_t format = 0; format < 2; format++) {
		struct bytes bytes = written(formats[format], graph);
		/* The JSON ends with a line end that is no part of it. */
		const size_t whole = bytes.length - (format == 1);

		for (size_t length = 0; length < whole; length++) {
			/* Of its own, so that a look beyond its end is noticed. */
			char *part = malloc(length + !length);

			memcpy(part, bytes.start, length);
			if (try_all(part, length))
				fail_msg("read %zu of %zu bytes", length, bytes.length);
			free(part);
		}
		free(bytes.start);
	}
	peeps_graph_free(graph);
}

static void snapshot__any_byte_changed__is_refused_or_does_no_harm(void **state)
{
	static const unsigned char masks[] = { 0x01, 0x20, 0x80, 0xff };
	struct peeps_graph *graph = graph_rich();
	size_t refused = 0, taken = 0;

	(void)state;
	for (size_t format = 0; format < 2; format++) {
		struct bytes bytes = written(formats[format], graph);

		for (size_t at = 0; at < bytes.length; at++) {
			const unsigned char mask = masks[at % sizeof(masks)];

			bytes.start[at] = (char)(bytes.start[at] ^ mask);
			if (try_all(bytes.start, bytes.length))
				taken++;
			else
				refused++;
			bytes.start[at] = (char)(bytes.start[at] ^ mask);
		}
		free(bytes.start);
	}
	assert_true(refused > 1000 && taken > 1000); /* neither is the test's own fault */
	peeps_graph_free(graph);
}

/* --- where it comes from ---------------------------------------------------------------------------------------- */

/* A pipe into which another process writes, a few bytes at a time. */
static int pipe_of(const struct bytes *bytes, pid_t *writer)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	*writer = fork();
	assert_true(*writer >= 0);
	if (*writer == 0) {
		(void)close(ends[0]);
		for (size_t at = 0; at < bytes->length; at += 1000) {
			const size_t left = bytes->length - at;

			if (write(ends[1], bytes->start + at, left < 1000 ? left : 1000) < 0)
				_exit(1);
		}
		_exit(0);
	}
	(void)close(ends[1]);
	return ends[0];
}

static void snapshot__from_a_pipe__is_the_same(void **state)
{
	struct peeps_graph *graph = graph_rich();

	(void)state;
	for (size_t format = 0; format < 2; format++) {
		struct bytes bytes = written(formats[format], graph);
		struct peeps_problem problem = { .status = 0 };
		struct peeps_graph *read = NULL;
		pid_t writer;
		const int fd = pipe_of(&bytes, &writer);

		assert_int_equal(peeps_snapshot_read(fd, "-", &read, &problem), 0);
		assert_same_graph(read, graph);
		peeps_graph_free(read);
		(void)close(fd);
		(void)waitpid(writer, NULL, 0);
		free(bytes.start);
	}
	peeps_graph_free(graph);
}

static void snapshot__cannot_be_read_at_all__says_why(void **state)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_graph *graph = NULL;
	const int folder = open("/", O_RDONLY | O_DIRECTORY);

	(void)state;
	assert_int_equal(peeps_snapshot_read(folder, "/", &graph, &problem), -EISDIR);
	assert_int_equal(problem.status, PEEPS_PROBLEM_OTHER);
	assert_string_equal(problem.why, "Is a directory");
	(void)close(folder);
}

static struct bytes compressed(const struct bytes *plain)
{
	struct bytes bytes = { .length = 0 };
	FILE *out = open_memstream(&bytes.start, &bytes.length), *stream;

	assert_int_equal(peeps_zst_open(out, &stream), 0);
	assert_int_equal(fwrite(plain->start, 1, plain->length, stream), plain->length);
	assert_int_equal(fclose(stream), 0);
	assert_int_equal(fclose(out), 0);
	return bytes;
}

static void snapshot__compressed__is_the_same_or_refused(void **state)
{
	struct peeps_graph *graph = graph_rich();

	(void)state;
	if (!peeps_zst_is_built_in()) {
		peeps_graph_free(graph);
		return;
	}
	for (size_t format = 0; format < 2; format++) {
		struct bytes plain = written(formats[format], graph), bytes = compressed(&plain);
		struct peeps_graph *read = read_back(&bytes);

		assert_true(bytes.length < plain.length);
		assert_same_graph(read, graph);
		peeps_graph_free(read);
		for (size_t length = 0; length < bytes.length; length++)
			assert_false(try_all(bytes.start, length));
		assert_refused(bytes.start, bytes.length - 1,
			       "its compression (zstd) ends in the middle");
		for (size_t at = 0; at < bytes.length; at++) {
			bytes.start[at] = (char)(bytes.start[at] ^ 0x10);
			(void)try_all(bytes.start, bytes.length);
			bytes.start[at] = (char)(bytes.start[at] ^ 0x10);
		}
		free(plain.start);
		free(bytes.start);
	}
	peeps_graph_free(graph);
}

static void snapshot__small_file_that_unpacks_to_much__is_refused(void **state)
{
	struct bytes bomb = { .length = (size_t)80 << 20 }, packed;

	(void)state;
	if (!peeps_zst_is_built_in())
		return;
	bomb.start = calloc(1, bomb.length);
	assert_non_null(bomb.start);
	memcpy(bomb.start, "\x81\xa1x\xdd\x05\0\0", 7); /* an array of 80 Mi zeroes */
	packed = compressed(&bomb);
	assert_refused(packed.start, packed.length,
		       "it unpacks to more than 1000 times its length");
	free(packed.start);
	free(bomb.start);
}

static int load(const struct bytes *bytes, uint64_t read_bytes, size_t kept_bytes)
{
	const struct peeps_snapshot_file file = { .fd = -1,
						  .bytes = (const unsigned char *)bytes->start,
						  .length = bytes->length };
	const struct peeps_snapshot_limits limits = { .read_bytes = read_bytes,
						      .kept_bytes = kept_bytes };
	struct peeps_problem problem = { .status = 0 };
	struct peeps_snapshot_stream *stream = peeps_snapshot_stream_open(&file, &limits);
	struct peeps_msgpack_span msgpack;
	int r;

	assert_non_null(stream);
	r = peeps_snapshot_stream_next(stream, &msgpack, &problem);

	if (r) {
		assert_int_equal(problem.status, PEEPS_PROBLEM_BAD_SEGMENT);
		assert_non_null(strstr(problem.why, "it is longer than this reader takes"));
	}
	peeps_snapshot_stream_close(stream);
	return r;
}

static void snapshot__longer_than_is_taken__is_refused(void **state)
{
	struct bytes bomb = { .length = 1 << 22 }, packed;
	struct peeps_graph *graph = graph_rich();

	(void)state;
	for (size_t format = 0; format < 2; format++) {
		struct bytes bytes = written(formats[format], graph);

		assert_int_equal(load(&bytes, bytes.length, bytes.length * 3), 0);
		assert_int_equal(load(&bytes, bytes.length - 2, bytes.length * 3), -EFBIG);
		assert_int_equal(load(&bytes, bytes.length, bytes.length / 2), -EFBIG);
		free(bytes.start);
	}
	peeps_graph_free(graph);
	if (!peeps_zst_is_built_in())
		return;
	bomb.start = malloc(bomb.length);
	memset(bomb.start, ' ', bomb.length);
	bomb.start[0] = '{';
	packed = compressed(&bomb);
	assert_true(packed.length < 10000);
	assert_int_equal(load(&packed, 1 << 20, 1 << 20), -EFBIG);
	free(packed.start);
	free(bomb.start);
}

static void snapshot__something_after_it__is_refused(void **state)
{
	struct peeps_graph *graph = graph_rich();

	(void)state;
	for (size_t format = 0; format < 2; format++) {
		struct bytes bytes = written(formats[format], graph);
		char *twice = malloc(2 * bytes.length);

		assert_non_null(twice);
		memcpy(twice, bytes.start, bytes.length);
		memcpy(twice + bytes.length, bytes.start, bytes.length);
		assert_refused(twice, 2 * bytes.length, "the document ends, but the file does not");
		assert_refused(twice, bytes.length + 7, "the document ends, but the file does not");
		twice[bytes.length] = 'x';
		assert_refused(twice, bytes.length + 1, "the document ends, but the file does not");
		free(twice);
		free(bytes.start);
	}
	peeps_graph_free(graph);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(snapshot__all_there_is__comes_back_as_it_was),
		cmocka_unit_test(snapshot__nothing_at_all__comes_back_as_it_was),
		cmocka_unit_test(snapshot__long_and_hostile_texts__come_back_as_they_were),
		cmocka_unit_test(snapshot__analysed_again__finds_the_same),
		cmocka_unit_test(snapshot__least_document__has_what_follows_from_it),
		cmocka_unit_test(snapshot__other_order_and_unknown_keys__is_the_same),
		cmocka_unit_test(snapshot__times_in_ms_alone__claim_no_more_than_is_known),
		cmocka_unit_test(snapshot__names_nobody_knows__are_shown_as_they_are),
		cmocka_unit_test(snapshot__unsound_documents__are_refused_and_say_where),
		cmocka_unit_test(snapshot__lying_msgpack__is_refused_without_taking_memory),
		cmocka_unit_test(snapshot__nested_deep__is_refused),
		cmocka_unit_test(snapshot__text_or_gap_of_megabytes_in_json__is_refused),
		cmocka_unit_test(snapshot__keys_without_end__are_refused),
		cmocka_unit_test(snapshot__least_rows_of_msgpack__have_room),
		cmocka_unit_test(snapshot__every_truncation__is_refused),
		cmocka_unit_test(snapshot__any_byte_changed__is_refused_or_does_no_harm),
		cmocka_unit_test(snapshot__from_a_pipe__is_the_same),
		cmocka_unit_test(snapshot__cannot_be_read_at_all__says_why),
		cmocka_unit_test(snapshot__compressed__is_the_same_or_refused),
		cmocka_unit_test(snapshot__small_file_that_unpacks_to_much__is_refused),
		cmocka_unit_test(snapshot__something_after_it__is_refused),
		cmocka_unit_test(snapshot__longer_than_is_taken__is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
