/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "reader/format/format_dot.h"
#include "tests/reader/graph_builder.h"

/* What is drawn of a graph, which is given up. */
static char *drawn(struct peeps_graph *graph)
{
	char *text = printed(peeps_format_dot, graph);

	peeps_graph_free(graph);
	return text;
}

static void assert_has(const char *text, const char *wanted)
{
	if (!strstr(text, wanted))
		assert_string_equal(text, wanted);
}

static size_t count_of(const char *text, const char *wanted)
{
	size_t count = 0;

	for (; (text = strstr(text, wanted)); text++)
		count++;
	return count;
}

static void dot__deadlock__its_cycle_is_red(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	char *text;

	(void)state;
	graph_analyse(graph, 0);
	text = drawn(graph);
	assert_has(text, "digraph peeps {\n");
	assert_has(text, "\n  subgraph cluster_0 {\n    label=\"orders-4711\";\n");
	assert_has(text,
		   "\n    n1 [label=\"worker-2\\nblocked\", tooltip=\"thread:orders-4711:4713\", "
		   "shape=ellipse, fillcolor=\"#cfe2f3\", color=\"#c00000\", penwidth=3];\n");
	assert_has(
		text,
		"\n    n2 [label=\"mutex\\naccounts\\nbank.c:42\", tooltip=\"mutex:orders-4711:accounts\", "
		"shape=box, fillcolor=\"#cfe2f3\", color=\"#c00000\", penwidth=3];\n");
	assert_has(text, "\n    n4 [label=\"idle\\nrunning\", tooltip=\"thread:orders-4711:4714\", "
			 "shape=ellipse, fillcolor=\"#cfe2f3\"];\n");
	assert_has(text, "\n  n1 -> n2 [label=\"lock\\npending 12.4 s\", style=bold, penwidth=3, "
			 "color=\"#c00000\"];\n");
	assert_has(text,
		   "\n  n2 -> n0 [label=\"lock\\nheld 12.5 s\", style=dotted, arrowhead=odot, "
		   "penwidth=3, color=\"#c00000\"];\n");
	assert_int_equal(count_of(text, " -> "), 4);
	free(text);
}

static void dot__possible_finding__is_orange(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	char *text;

	(void)state;
	graph->edges[0].uncertain = true;
	graph_analyse(graph, 0);
	text = drawn(graph);
	assert_int_equal(count_of(text, "#c00000"), 0);
	assert_int_equal(count_of(text, "#e08000"), 8);
	free(text);
}

static void dot__pending_and_other_operations__look_different(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t thread = graph_thread(graph, 1, "t"),
		       mutex = graph_mutex(graph, "m", NULL, 0);
	uint32_t done;
	char *text;

	(void)state;
	(void)graph_wait(graph, thread, mutex, 10 * S);
	done = graph_wait(graph, thread, mutex, 10 * S);
	graph->edges[done].state = PEEPS_STATE_DONE;
	graph->edges[done].state_name = "done";
	text = drawn(graph);
	assert_has(text, "  n0 -> n1 [label=\"lock\\npending 10.0 s\", style=bold, penwidth=3, "
			 "color=\"#2050c0\"];\n");
	assert_has(text, "  n0 -> n1 [label=\"lock\\ndone\", style=dashed, penwidth=1, "
			 "color=\"#808080\"];\n");
	free(text);
}

static void dot__pair_in_one_process__is_one_node_and_no_link(void **state)
{
	struct peeps_graph *graph = graph_new();
	const struct graph_channel work = graph_channel(graph, "work", 2, 2);
	const uint32_t thread = graph_thread(graph, 1, "t");
	char *text;

	(void)state;
	(void)graph_receiver(graph, work, thread, PEEPS_HOLD_MODE_OWNER);
	(void)graph_send(graph, thread, work, 10 * S);
	text = drawn(graph);
	assert_has(text, "    n0 [label=\"mpsc\\nwork\\n2/2\",");
	assert_int_equal(count_of(text, "n1 "), 0);
	assert_has(text, "  n0 -> n2 [label=\"receiver\\n");
	assert_has(text, "  n2 -> n0 [label=\"send\\n");
	assert_int_equal(count_of(text, " -> "), 2);
	free(text);
}

static void dot__pair_across_processes__is_two_nodes_of_two_colors_and_a_link(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t bank = graph_process(graph, "bank", 4800);
	const struct graph_channel work = graph_channel(graph, "work", 2, 2);
	char *text;

	(void)state;
	graph->nodes[work.rx].process = bank;
	text = drawn(graph);
	assert_has(text, "    label=\"orders-4711\";\n");
	assert_has(text, "    label=\"bank-4800\";\n    fontname=\"sans-serif\";\n    penwidth=3;\n"
			 "    color=\"#d9ead3\";\n");
	assert_has(text,
		   "    n0 [label=\"mpsc\\nwork\\n2/2\", tooltip=\"mpsc:orders-4711:work:tx\", "
		   "shape=box, fillcolor=\"#cfe2f3\"];\n");
	assert_has(text,
		   "    n1 [label=\"mpsc\\nwork\\n2/2\", tooltip=\"mpsc:orders-4711:work:rx\", "
		   "shape=box, fillcolor=\"#d9ead3\"];\n");
	assert_has(text,
		   "  n0 -> n1 [label=\"channel_link\", style=bold, dir=both, arrowhead=none, "
		   "arrowtail=none, color=\"#000000:#000000\"];\n");
	assert_int_equal(count_of(text, " -> "), 1); /* the structural need is not drawn */
	free(text);
}

static void dot__something_of_a_process_not_looked_at__is_in_no_cluster(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t stub = graph_mutex(graph, "mutex:bank-4800:accounts", NULL, 0);
	const char *cluster_end, *node;
	char *text;

	(void)state;
	graph->nodes[stub].kind_number = PEEPS_KIND_FOREIGN;
	graph->nodes[stub].role = PEEPS_ROLE_OTHER;
	(void)graph_wait(graph, graph_thread(graph, 1, "t"), stub, 10 * S);
	text = drawn(graph);
	cluster_end = strstr(text, "\n  }\n");
	node = strstr(text, "    n0 [label=\"mutex\\naccounts\\nbank-4800\\nnot looked at\"");
	assert_true(cluster_end && node > cluster_end);
	assert_has(node, "fillcolor=\"#ffffff\", style=\"filled,dashed\"];\n");
	free(text);
}

static void dot__links_that_contradict_each_other__lose_no_node(void **state)
{
	struct peeps_graph *graph = graph_new();
	const struct graph_channel a = graph_channel(graph, "a", 0, 1),
				   b = graph_channel(graph, "b", 0, 1);
	char *text;

	(void)state;
	(void)graph_link(graph, PEEPS_EDGE_CHANNEL_LINK, a.rx, b.tx);
	(void)graph_link(graph, PEEPS_EDGE_CHANNEL_LINK, b.rx, a.tx);
	(void)graph_link(graph, PEEPS_EDGE_CHANNEL_LINK, a.tx, a.tx);
	text = drawn(graph);
	assert_int_equal(count_of(text, "[label=\"mpsc"), 2);
	assert_int_equal(count_of(text, "n1 "),
			 0); /* drawn as the other end, wherever it is named */
	assert_int_equal(count_of(text, "n3 "), 0);
	assert_int_equal(count_of(text, " -> "), 2);
	free(text);
}

static void dot__hostile_names__stay_within_their_quotes(void **state)
{
	struct peeps_graph *graph = graph_new();
	char *text;

	(void)state;
	(void)graph_thread(graph, 1, "a\"]; evil [label=\"\\");
	(void)graph_thread(graph, 2, "line\nand \x1b and &lt; and \\N");
	(void)graph_thread(
		graph, 3,
		"name.that.is.longer.than.anybody.would.like.to.see.in.a.picture.of.a.program");
	graph->processes[0].proc_key = "odd\"key";
	text = drawn(graph);
	assert_has(text, "[label=\"a\\\"]; evil [label=\\\"\\\\\\\\\\nrunning\"");
	assert_has(text, "[label=\"line\\\\nand \\\\x1b and &amp;lt; and \\\\\\\\N\\nrunning\"");
	assert_has(text, "[label=\"name.that.is.longer.…icture.of.a.program\\nrunning\"");
	assert_has(text, "    label=\"odd\\\"key\";\n");
	free(text);
}

static void dot__scopes__are_no_part_of_it(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	char *text;

	(void)state;
	graph_member(graph, 1, graph_scope(graph, "conn"));
	text = drawn(graph);
	assert_null(strstr(text, "conn"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dot__deadlock__its_cycle_is_red),
		cmocka_unit_test(dot__possible_finding__is_orange),
		cmocka_unit_test(dot__pending_and_other_operations__look_different),
		cmocka_unit_test(dot__pair_in_one_process__is_one_node_and_no_link),
		cmocka_unit_test(dot__pair_across_processes__is_two_nodes_of_two_colors_and_a_link),
		cmocka_unit_test(dot__something_of_a_process_not_looked_at__is_in_no_cluster),
		cmocka_unit_test(dot__links_that_contradict_each_other__lose_no_node),
		cmocka_unit_test(dot__hostile_names__stay_within_their_quotes),
		cmocka_unit_test(dot__scopes__are_no_part_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
