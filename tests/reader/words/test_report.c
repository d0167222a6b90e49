/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "reader/format/json.h"
#include "reader/words/report.h"
#include "tests/reader/graph_builder.h"

static int heading(const struct peeps_graph *graph, FILE *out)
{
	peeps_report_heading(graph, out);
	return 0;
}

static int notes(const struct peeps_graph *graph, FILE *out)
{
	peeps_report_notes(graph, out);
	return 0;
}

static int json(const struct peeps_graph *graph, FILE *out)
{
	struct peeps_json document;

	if (peeps_json_open(&document, out) != 0)
		return -1;
	peeps_json_map(&document);
	peeps_report_json(graph, &document);
	peeps_json_map_end(&document);
	return peeps_json_close(&document);
}

static void heading__one_process__is_one_line(void **state)
{
	struct peeps_graph *graph = graph_new();

	(void)state;
	assert_printed(heading, graph,
		       "orders (pid 4711): 0 threads, quality cut, 2026-05-01T12:00:00.250Z\n");
	graph->processes[0].own_pid = 7;
	graph->processes[0].name = "or\nders";
	assert_printed(
		heading, graph,
		"or\\nders (pid 4711, 7 in its namespace): 0 threads, quality cut, 2026-05-01T12:00:00.250Z\n");
	peeps_graph_free(graph);
}

static void heading__several_processes__says_quality_once(void **state)
{
	struct peeps_graph *graph = graph_new();

	(void)state;
	(void)graph_process(graph, "bank", 4800);
	graph->skew_ns = 12345;
	assert_printed(heading, graph,
		       "2 processes, at most 13 µs apart, quality cut, 2026-05-01T12:00:00.250Z\n"
		       "  orders-4711 (pid 4711): 0 threads\n"
		       "  bank-4800 (pid 4800): 1 thread\n");
	peeps_graph_free(graph);
}

static void heading__a_file__says_which_and_how_old(void **state)
{
	struct peeps_graph *graph = graph_new();
	char *text;

	(void)state;
	graph->origin = "orders\x1b.json";
	graph->taken_at_unix_ns =
		UINT64_C(946684800000000000); /* long ago, however this clock is set */
	text = printed(heading, graph);
	assert_non_null(strstr(text, "2000-01-01T00:00:00.000Z\nfrom orders\\x1b.json, taken "));
	assert_non_null(strstr(text, " h ago\n"));
	free(text);
	graph->taken_at_unix_ns = UINT64_C(9000000000000000000); /* another clock */
	text = printed(heading, graph);
	assert_non_null(strstr(text, "\nfrom orders\\x1b.json\n"));
	free(text);
	peeps_graph_free(graph);
}

static void notes__several_processes__say_which_one_lost_something(void **state)
{
	struct peeps_graph *graph = graph_new();

	(void)state;
	(void)graph_process(graph, "bank", 4800);
	graph_lost(graph, "dropped_edges", 2);
	assert_printed(
		notes, graph,
		"\nnote: not everything could be recorded of orders-4711: dropped_edges 2\n");
	peeps_graph_free(graph);
}

static void notes__misused_channels__are_no_loss(void **state)
{
	struct peeps_graph *graph = graph_new();

	(void)state;
	graph_lost(graph, "misused_channels", 1);
	assert_printed(notes, graph,
		       "\nnote: channels were misused, 1 time: a handle used when it was spent, or "
		       "freed while somebody waited at it\n");
	peeps_graph_free(graph);
	graph = graph_new();
	(void)graph_process(graph, "bank", 4800);
	graph_lost(graph, "misused_channels", 3);
	assert_printed(
		notes, graph,
		"\nnote: channels were misused by orders-4711, 3 times: a handle used when it "
		"was spent, or freed while somebody waited at it\n");
	peeps_graph_free(graph);
}

static void json__several_processes__lists_them(void **state)
{
	struct peeps_graph *graph = graph_new();

	(void)state;
	(void)graph_process(graph, "bank", 4800);
	graph->skew_ns = 5;
	assert_printed(
		json, graph,
		"{\"taken_at_unix_ns\":1777636800250000000,\"skew_ns\":5,\"quality\":\"cut\",\"notes\":[],\"origin\":null,"
		"\"processes\":[{\"proc_key\":\"orders-4711\",\"pid\":4711,\"name\":\"orders\",\"thread_count\":0},"
		"{\"proc_key\":\"bank-4800\",\"pid\":4800,\"name\":\"bank\",\"thread_count\":1}]}\n");
	peeps_graph_free(graph);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heading__one_process__is_one_line),
		cmocka_unit_test(heading__several_processes__says_quality_once),
		cmocka_unit_test(heading__a_file__says_which_and_how_old),
		cmocka_unit_test(notes__several_processes__say_which_one_lost_something),
		cmocka_unit_test(notes__misused_channels__are_no_loss),
		cmocka_unit_test(json__several_processes__lists_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
