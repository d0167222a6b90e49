/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "reader/format/format_text.h"
#include "tests/reader/graph_builder.h"

static void format_text__small_graph__is_exactly_this(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t thread = graph_thread(graph, 4712, "worker-1");
	const uint32_t mutex = graph_mutex(graph, "accounts", "/src/bank.c", 42);
	const uint32_t other = graph_thread(graph, 4713, "worker-2");
	char *text;

	(void)state;
	(void)graph_hold(graph, mutex, thread, 7500 * MS);
	(void)graph_wait(graph, other, mutex, 7700 * MS);
	graph_attribute(graph, mutex, "name",
			(struct peeps_value){ .type = PEEPS_VALUE_TEXT, .as.text = "accounts" });
	graph_attribute(graph, mutex, "holder",
			(struct peeps_value){ .type = PEEPS_VALUE_NODE, .as.node = thread });
	graph_analyse(graph, 0);
	text = printed(peeps_format_text, graph);
	assert_string_equal(
		text,
		"orders (pid 4711): 2 threads, quality cut, 2026-05-01T12:00:00.250Z\n"
		"  orders-4711  seen for 20.0 s  ./orders --serve\n"
		"    coverage: mutexes of peeps\n"
		"\n"
		"nodes: 3\n"
		"  thread:orders-4711:4712  worker-1\n"
		"    activity=running\n"
		"  mutex:orders-4711:accounts  accounts  /src/bank.c:42\n"
		"    mutex_type=normal  holder=thread:orders-4711:4712  waiters=1\n"
		"  thread:orders-4711:4713  worker-2\n"
		"    activity=blocked\n"
		"\n"
		"edges: 2\n"
		"  mutex:orders-4711:accounts --holds--> thread:orders-4711:4712  lock exclusive for 12.5 s"
		"  at /src/bank.c:88  in bank\n"
		"  thread:orders-4711:4713 --lock--> mutex:orders-4711:accounts  pending for 12.3 s"
		"  at /src/bank.c:90\n"
		"\n"
		"no deadlock: 1 operation waits, and can still be woken\n");
	free(text);
	peeps_graph_free(graph);
}

static void format_text__link_and_what_it_needs__are_told_once(void **state)
{
	struct peeps_graph *graph = graph_new();
	const struct graph_channel one = graph_channel(graph, "one", 0, 4);
	char *text;

	(void)state;
	(void)graph_receiver(graph, one, graph_thread(graph, 1, "t"), PEEPS_HOLD_MODE_OWNER);
	text = printed(peeps_format_text, graph);
	assert_non_null(strstr(
		text,
		"\nedges: 2\n"
		"  mpsc:orders-4711:one:tx --channel_link--> mpsc:orders-4711:one:rx\n"
		"  mpsc:orders-4711:one:rx --holds--> thread:orders-4711:1  receiver owner for 19.0 s"));
	free(text);
	peeps_graph_free(graph);
}

static void format_text__what_is_null__is_left_out(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	struct peeps_attribute until = { .name = "until_ptime_ms" };
	char *text;

	(void)state;
	graph_attribute(graph, 2, "holder",
			(struct peeps_value){ .type = PEEPS_VALUE_NODE, .as.node = PEEPS_NO_NODE });
	graph_attribute(graph, 2, "until", (struct peeps_value){ .type = PEEPS_VALUE_NULL });
	graph_number(graph, 2, "zero", 0);
	graph->edges[2].details = &until;
	graph->edges[2].detail_count = 1;
	text = printed(peeps_format_text, graph);
	assert_null(strstr(text, "null"));
	assert_null(strstr(text, "holder="));
	assert_null(strstr(text, "until"));
	assert_non_null(strstr(text, "  zero=0\n"));
	free(text);
	peeps_graph_free(graph);
}

static void format_text__hostile_texts__never_reach_the_terminal(void **state)
{
	static const char hostile[] = "a\x1b[31m\n\xc2\x9b\xe2\x80\xae";
	struct peeps_graph *graph = graph_deadlocked();
	char *text;

	(void)state;
	for (uint32_t i = 0; i < graph->node_count; i++) {
		graph->nodes[i].id = graph->nodes[i].name = graph->nodes[i].kind = hostile;
		graph->nodes[i].source = (struct peeps_source){ .file = hostile };
		graph_attribute(
			graph, i, hostile,
			(struct peeps_value){ .type = PEEPS_VALUE_TEXT, .as.text = hostile });
	}
	for (uint32_t i = 0; i < graph->edge_count; i++) {
		graph->edges[i].source =
			(struct peeps_source){ .file = hostile, .module = hostile };
		graph->edges[i].state_name = hostile;
		graph->edges[i].op_kind = hostile;
		graph->edges[i].role = graph->edges[i].mode = hostile;
		graph->edges[i].details = graph->nodes[0].attributes;
		graph->edges[i].detail_count = graph->nodes[0].attribute_count;
	}
	graph->processes[0].name = graph->processes[0].cmdline = graph->processes[0].proc_key =
		hostile;
	graph->processes[0].coverage = hostile;
	graph->processes[0].counters = (struct peeps_counter_value[]){ { hostile, 1 } };
	graph->processes[0].counter_count = 1;
	graph_note(graph, hostile);
	graph_analyse(graph, 0);
	text = printed(peeps_format_text, graph);
	assert_null(strpbrk(text, "\x1b\xc2\xe2"));
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		assert_false(strncmp(line, "\\u{9b}", 6) == 0); /* its newline broke no line */
	assert_non_null(strstr(text, "a\\x1b[31m\\n\\u{9b}\\u{202e}"));
	free(text);
	peeps_graph_free(graph);
}

static void format_text__losses_and_notes__are_told_at_the_end(void **state)
{
	struct peeps_graph *graph = graph_new();
	char *text;

	(void)state;
	graph->quality = PEEPS_QUALITY_PARTIAL;
	graph->processes[0].counters = (struct peeps_counter_value[]){ { "dropped_edges", 12 },
								       { "torn", 0 },
								       { "dropped_text", 1 } };
	graph->processes[0].counter_count = 3;
	text = printed(peeps_format_text, graph);
	assert_non_null(strstr(
		text,
		"\n\nnote: not everything could be recorded: dropped_edges 12, dropped_text 1\n"));
	free(text);
	graph_note(graph, "thread 4713 is in a section");
	text = printed(peeps_format_text, graph);
	assert_non_null(strstr(
		text,
		"the snapshot is partial: nothing waits\n"
		"\nnote: thread 4713 is in a section\n"
		"note: not everything could be recorded: dropped_edges 12, dropped_text 1\n"));
	free(text);
	peeps_graph_free(graph);
}

static void format_text__links_and_scopes__are_shown_once_and_escaped(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	struct peeps_graph_scope scopes[] = {
		{ .id = "scope:orders-4711:user:boot", .name = "boot\x1b", .kind = "user" },
	};
	struct peeps_membership memberships[] = { { .node = 1, .scope = 0 } };
	char *text;

	(void)state;
	graph->edges[0].kind = PEEPS_EDGE_CHANNEL_LINK;
	graph->edges[0].source = (struct peeps_source){ 0 };
	graph->edges[1] = graph->edges[0];
	graph->edges[1].kind = PEEPS_EDGE_NEEDS; /* the structural one of that link */
	text = printed(peeps_format_text, graph);
	assert_null(strstr(text, "scopes"));
	assert_non_null(strstr(
		text, "\nedges: 3\n"
		      "  mutex:orders-4711:accounts --channel_link--> thread:orders-4711:4712\n"
		      "  thread:orders-4711:4712 --lock-->"));
	free(text);

	graph->scopes = scopes;
	graph->scope_count = 1;
	graph->memberships = memberships;
	graph->membership_count = 1;
	text = printed(peeps_format_text, graph);
	assert_non_null(strstr(text,
			       "\n"
			       "\nscopes: 1\n"
			       "  scope:orders-4711:user:boot  boot\\x1b\n"
			       "\nmemberships: 1\n"
			       "  thread:orders-4711:4713 in scope:orders-4711:user:boot\n\n"));
	free(text);
	peeps_graph_free(graph);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(format_text__small_graph__is_exactly_this),
		cmocka_unit_test(format_text__link_and_what_it_needs__are_told_once),
		cmocka_unit_test(format_text__what_is_null__is_left_out),
		cmocka_unit_test(format_text__hostile_texts__never_reach_the_terminal),
		cmocka_unit_test(format_text__losses_and_notes__are_told_at_the_end),
		cmocka_unit_test(format_text__links_and_scopes__are_shown_once_and_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
