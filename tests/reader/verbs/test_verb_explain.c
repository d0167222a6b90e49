/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "reader/format/json.h"
#include "reader/look/subject.h"
#include "reader/verbs/verb_explain.h"
#include "tests/reader/graph_builder.h"

static struct peeps_subject subject;
static bool all;

static int text(const struct peeps_graph *graph, FILE *out)
{
	return peeps_explain_text(graph, &subject, all, out);
}

static int json(const struct peeps_graph *graph, FILE *out)
{
	struct peeps_json document;

	if (peeps_json_open(&document, out) != 0)
		return -1;
	peeps_json_map(&document);
	if (peeps_explain_json(graph, &subject, &document) != 0)
		return -1;
	peeps_json_map_end(&document);
	return peeps_json_close(&document);
}

static void assert_says(int (*print)(const struct peeps_graph *, FILE *),
			const struct peeps_graph *graph, const char *wanted)
{
	char *printed_text = printed(print, graph);

	if (!strstr(printed_text, wanted))
		assert_string_equal(printed_text, wanted);
	free(printed_text);
}

static int of_node(uint32_t node)
{
	subject = (struct peeps_subject){ .number = node };
	all = false;
	return 0;
}

static void text__a_mutex_in_a_deadlock__is_told_whole(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();

	(void)state;
	graph->nodes[2].source.module = "libbank";
	graph_attribute(graph, 2, "creator_task_id",
			(struct peeps_value){ .type = PEEPS_VALUE_NODE, .as.node = 4 });
	graph_attribute(graph, 2, "holder",
			(struct peeps_value){ .type = PEEPS_VALUE_NODE, .as.node = 0 });
	graph_number(graph, 2, "wait_total_ns", 1500 * MS);
	graph_number(graph, 2, "seen_ptime_ms", 19000);
	graph_attribute(graph, 2, "odd", (struct peeps_value){ .type = PEEPS_VALUE_NULL });
	graph_analyse(graph, 0);
	(void)of_node(2);
	assert_printed(
		text, graph,
		"mutex \"accounts\" (bank.c:42)\n"
		"  id                  mutex:orders-4711:accounts\n"
		"  process             orders-4711 (pid 4711)\n"
		"  made                20.0 s ago by idle at /src/bank.c:42 in libbank\n"
		"  mutex_type          normal\n"
		"  wait_total          1.5 s\n"
		"  seen                1.0 s ago\n"
		"  waiters             1\n"
		"\n"
		"held by\n"
		"  worker-1: lock exclusive for 12.5 s at /src/bank.c:88 in bank, which waits for \"ledger\"\n"
		"\n"
		"waited for by\n"
		"  worker-2: lock pending for 12.4 s at /src/bank.c:90\n"
		"  that ends when worker-1 unlocks it\n"
		"\n"
		"found\n"
		"  worker-1 has waited 12.3 s for mutex \"ledger\" (bank.c:43), held for 12.5 s by worker-2, "
		"which waits for \"accounts\", held by worker-1: a certain deadlock\n");
	peeps_graph_free(graph);
}

static void text__an_actor__says_what_it_waits_for_and_whom_it_holds_up(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();

	(void)state;
	graph_until(graph, 3, 21000);
	graph->edges[3].source.module = "libbank";
	graph_analyse(graph, 0);
	(void)of_node(1);
	assert_printed(
		text, graph,
		"thread \"worker-2\"\n"
		"  id                  thread:orders-4711:4713\n"
		"  process             orders-4711 (pid 4711)\n"
		"  made                20.0 s ago\n"
		"  now                 blocked\n"
		"\n"
		"waits for\n"
		"  mutex \"accounts\" (bank.c:42): lock pending for 12.4 s (times out in 1.0 s) at /src/bank.c:90 in libbank\n"
		"    it ends when worker-1 unlocks it; else it times out in 1.0 s\n"
		"    worker-1: lock exclusive for 12.5 s at /src/bank.c:88 in bank, which waits for \"ledger\"\n"
		"\n"
		"holds\n"
		"  mutex \"ledger\" (bank.c:43): lock exclusive for 12.5 s at /src/bank.c:88 in bank\n"
		"    worker-1 has waited 12.3 s for mutex \"ledger\" (bank.c:43)\n");
	peeps_graph_free(graph);
}

static void text__a_channel__tells_both_ends(void **state)
{
	struct peeps_graph *graph = graph_new();
	const struct graph_channel work = graph_channel(graph, "work", 2, 2);
	const uint32_t sender = graph_thread(graph, 1, "sender"),
		       receiver = graph_thread(graph, 2, "receiver");

	(void)state;
	graph_sleep(graph, receiver, 25000);
	(void)graph_sender(graph, work, sender, PEEPS_HOLD_MODE_OWNER);
	(void)graph_receiver(graph, work, receiver, PEEPS_HOLD_MODE_OWNER);
	(void)graph_send(graph, sender, work, 10 * S);
	for (unsigned int end = 0; end < 2; end++) {
		(void)of_node(end ? work.rx : work.tx);
		assert_says(
			text, graph,
			"\n\nwho can send\n"
			"  sender: sender owner for 19.0 s at /src/bank.c:88 in bank, which waits to send to \"work\"\n"
			"\n"
			"who can receive\n"
			"  receiver: receiver owner for 19.0 s at /src/bank.c:88 in bank, which is sleeping, wakes in 5.0 s\n"
			"\n"
			"waiting to send\n"
			"  sender: send pending for 10.0 s at /src/bank.c:90\n"
			"  that ends when the receiver takes a message, or somebody closes the channel\n");
		assert_says(text, graph,
			    end ? "other end           mpsc:orders-4711:work:tx\n"
				: "other end           mpsc:orders-4711:work:rx\n");
	}
	peeps_graph_free(graph);
}

static void text__a_thousand_waiters__are_counted_unless_all_are_wanted(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t mutex = graph_mutex(graph, "m", NULL, 0),
		       holder = graph_thread(graph, 1, "holder");

	(void)state;
	(void)graph_hold(graph, mutex, holder, 1 * S);
	for (uint32_t i = 0; i < 1000; i++)
		(void)graph_wait(graph, graph_thread(graph, 2 + i, "pool"), mutex, 2 * S + i * MS);
	(void)of_node(mutex);
	assert_says(text, graph,
		    "  pool (11): lock pending for 17.9 s at /src/bank.c:90\n"
		    "  and 990 more (--all shows them)\n"
		    "  the longest ends when holder unlocks it\n");
	(void)of_node(holder);
	assert_says(text, graph,
		    "    pool (4) has waited 17.9 s for mutex \"m\"\n"
		    "    and 997 more wait for it\n");
	(void)of_node(mutex);
	all = true;
	assert_says(text, graph, "\n  pool (1001): lock pending for 17.0 s");
	peeps_graph_free(graph);
}

static void text__task_and_thread__say_who_runs_whom(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t thread = graph_thread(graph, 1, "loop"), task = graph_task(graph, "parse");
	const uint32_t mutex = graph_mutex(graph, "m", NULL, 0);

	(void)state;
	graph_enter(graph, thread, task);
	(void)graph_wait(graph, task, mutex, 12 * S);
	(void)of_node(task);
	assert_says(text, graph, "  runs on             loop\n");
	(void)of_node(thread);
	assert_says(text, graph, "  runs                parse, which waits for \"m\"\n");
	peeps_graph_free(graph);
}

static void text__operations_that_do_not_wait__say_their_state(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	const uint32_t active = graph_wait(graph, 4, 2, 5 * S);
	const uint32_t done = graph_wait(graph, 4, 3, 5 * S);

	(void)state;
	graph->edges[active].state = PEEPS_STATE_ACTIVE;
	graph->edges[active].state_name = "active";
	graph->edges[active].last_change_ns = 18 * S;
	graph->edges[done].state = PEEPS_STATE_DONE;
	graph->edges[done].state_name = "done";
	graph->edges[done].last_change_ns = 19 * S;
	(void)of_node(4);
	assert_says(text, graph,
		    "\nunder way\n"
		    "  mutex \"accounts\" (bank.c:42): lock active for 2.0 s at /src/bank.c:90\n"
		    "\n"
		    "over\n"
		    "  mutex \"ledger\" (bank.c:43): lock done 1.0 s ago at /src/bank.c:90\n");
	peeps_graph_free(graph);
}

static void text__victim__is_stuck_behind_a_finding(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();

	(void)state;
	(void)graph_wait(graph, 4, 2, 19 * S);
	graph_analyse(graph, 0);
	(void)of_node(4);
	assert_says(text, graph, "\nfound\n  stuck behind: worker-1 has waited");
	peeps_graph_free(graph);
}

static void both__a_scope__lists_its_members(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	const uint32_t scope = graph_scope(graph, "c1"), other = graph_scope(graph, "c2");

	(void)state;
	graph_member(graph, 1, scope);
	graph_member(graph, 2, scope);
	graph_member(graph, 3, other);
	subject = (struct peeps_subject){ .is_scope = true, .number = scope };
	assert_printed(text, graph,
		       "connection \"c1\"\n"
		       "  id                  scope:orders-4711:connection:c1\n"
		       "  process             orders-4711 (pid 4711)\n"
		       "  made                5.0 s ago\n"
		       "\n"
		       "members\n"
		       "  thread:orders-4711:4713, which waits for \"accounts\"\n"
		       "  mutex:orders-4711:accounts\n");
	assert_printed(
		json, graph,
		"{\"scope\":{\"id\":\"scope:orders-4711:connection:c1\",\"kind\":\"connection\",\"name\":\"c1\","
		"\"process\":\"orders-4711\",\"pid\":4711,\"created_at_ns\":15000000000,\"age_ns\":5000000000},"
		"\"members\":[\"thread:orders-4711:4713\",\"mutex:orders-4711:accounts\"]}\n");
	(void)of_node(1);
	assert_says(text, graph, "  in scope            scope:orders-4711:connection:c1\n");
	assert_says(json, graph, "\"scopes\":[\"scope:orders-4711:connection:c1\"]");
	peeps_graph_free(graph);
}

static void text__names_of_the_target__are_escaped(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t mutex = graph_mutex(graph, "m\x1b[31m\n", "/src/\x1b.c", 1);
	const uint32_t thread = graph_thread(graph, 1, "t\r");
	char *printed_text;

	(void)state;
	(void)graph_hold(graph, mutex, thread, 1 * S);
	graph_attribute(graph, mutex, "odd\x07",
			(struct peeps_value){ .type = PEEPS_VALUE_TEXT, .as.text = "\x1b]0;x" });
	graph->nodes[mutex].source.module = "k\x1b";
	(void)of_node(mutex);
	printed_text = printed(text, graph);
	for (const char *p = printed_text; *p; p++)
		assert_true(*p == '\n' || (unsigned char)*p >= 0x20);
	assert_non_null(strstr(printed_text, "odd\\a"));
	free(printed_text);
	peeps_graph_free(graph);
}

static void json__a_mutex_in_a_deadlock__is_told_whole(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();

	(void)state;
	graph_analyse(graph, 0);
	(void)of_node(2);
	assert_says(
		json, graph,
		"{\"entity\":{\"id\":\"mutex:orders-4711:accounts\",\"kind\":\"mutex\",\"name\":\"accounts\","
		"\"process\":\"orders-4711\",\"pid\":4711,\"site\":\"/src/bank.c:42\",\"krate\":null,"
		"\"created_at_ns\":0,\"age_ns\":20000000000,\"activity\":null,\"exited\":false,\"uncertain\":false,"
		"\"attrs\":{\"mutex_type\":\"normal\",\"waiters\":1}},\"scopes\":[],\"links\":[],\"holders\":[{"
		"\"actor\":\"thread:orders-4711:4712\",");
	assert_says(json, graph,
		    "\"holds\":[],\"waits\":[],\"waiters\":[{"
		    "\"actor\":\"thread:orders-4711:4713\",");
	assert_says(json, graph, "\"ends\":\"when worker-1 unlocks it\",");
	assert_says(
		json, graph,
		"\"operations\":[{\"src\":\"thread:orders-4711:4713\",\"dst\":\"mutex:orders-4711:accounts\","
		"\"op_kind\":\"lock\",\"state\":\"pending\",\"pending_ns\":12420000000,");
	assert_says(json, graph, "\"findings\":[{\"kind\":\"deadlock\"");
	(void)of_node(4);
	assert_says(json, graph, "\"waits\":[],\"waiters\":[],\"operations\":[],\"findings\":[]}");
	peeps_graph_free(graph);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text__a_mutex_in_a_deadlock__is_told_whole),
		cmocka_unit_test(text__an_actor__says_what_it_waits_for_and_whom_it_holds_up),
		cmocka_unit_test(text__a_channel__tells_both_ends),
		cmocka_unit_test(text__a_thousand_waiters__are_counted_unless_all_are_wanted),
		cmocka_unit_test(text__task_and_thread__say_who_runs_whom),
		cmocka_unit_test(text__operations_that_do_not_wait__say_their_state),
		cmocka_unit_test(text__victim__is_stuck_behind_a_finding),
		cmocka_unit_test(both__a_scope__lists_its_members),
		cmocka_unit_test(text__names_of_the_target__are_escaped),
		cmocka_unit_test(json__a_mutex_in_a_deadlock__is_told_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
