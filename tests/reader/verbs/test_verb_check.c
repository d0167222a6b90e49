/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "reader/format/json.h"
#include "reader/verbs/verb_check.h"
#include "tests/reader/graph_builder.h"

static struct peeps_check_view view;

static int check_text(const struct peeps_graph *graph, FILE *out)
{
	return peeps_check_text(graph, &view, out);
}

static int verdict(const struct peeps_graph *graph, FILE *out)
{
	struct peeps_json document;

	if (peeps_json_open(&document, out) != 0)
		return -1;
	peeps_json_map(&document);
	peeps_check_json(graph, &document);
	peeps_json_map_end(&document);
	return peeps_json_close(&document);
}

static void assert_verdict(const struct peeps_graph *graph, const char *wanted, bool found)
{
	char *text = printed(verdict, graph);
	char end[64];

	(void)snprintf(end, sizeof(end), ",\"verdict\":\"%s\"}\n", wanted);
	assert_true(strlen(text) > strlen(end));
	assert_string_equal(text + strlen(text) - strlen(end), end);
	free(text);
	assert_int_equal(peeps_check_found(graph), found);
}

static void check__deadlock__is_told_step_by_step_with_its_victims(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();

	(void)state;
	for (uint32_t i = 0; i < 12; i++)
		(void)graph_wait(graph, graph_thread(graph, 100 + i, i ? "pool" : "lone"), 2,
				 15 * S);
	graph_analyse(graph, 0);
	assert_printed(
		check_text, graph,
		"deadlock (certain): 2 threads wait for each other\n"
		"  worker-1 has waited 12.3 s for mutex \"ledger\" (/src/bank.c:43), held for 12.5 s by worker-2 "
		"(locked at /src/bank.c:88)\n"
		"  worker-2 has waited 12.4 s for mutex \"accounts\" (/src/bank.c:42), held for 12.5 s by worker-1 "
		"(locked at /src/bank.c:88)\n"
		"  stuck behind it: lone, pool (101), pool (102), pool (103), pool (104), pool (105), pool (106), "
		"pool (107), pool (108), pool (109) and 2 more\n");
	assert_verdict(graph, "deadlock", true);
	peeps_graph_free(graph);
}

static void check__one_waits_for_itself__is_said_so(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t thread = graph_thread(graph, 1, "main"),
		       mutex = graph_mutex(graph, "m", NULL, 0);

	(void)state;
	(void)graph_hold(graph, mutex, thread, 1 * S);
	(void)graph_wait(graph, thread, mutex, 2 * S);
	graph_analyse(graph, 0);
	assert_printed(
		check_text, graph,
		"deadlock (certain): 1 thread waits for itself\n"
		"  main has waited 18.0 s for mutex \"m\", held for 19.0 s by main (locked at /src/bank.c:88)\n");
	peeps_graph_free(graph);
}

static void check__holder_has_exited__nobody_is_left(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t gone = graph_thread(graph, 1, "gone"),
		       mutex = graph_mutex(graph, "m", NULL, 0);

	(void)state;
	graph->nodes[gone].gone = true;
	(void)graph_hold(graph, mutex, gone, 1 * S);
	(void)graph_wait(graph, graph_thread(graph, 2, "waiter"), mutex, 2 * S);
	graph_analyse(graph, 0);
	assert_printed(
		check_text, graph,
		"orphaned wait (certain): nobody is left who could end it\n"
		"  waiter has waited 18.0 s for mutex \"m\", held for 19.0 s by gone (locked at /src/bank.c:88), "
		"which has exited\n");
	assert_verdict(graph, "orphaned_wait", true);
	peeps_graph_free(graph);
}

static void check__nothing_is_stuck__says_how_sure_it_is(void **state)
{
	static const struct {
		enum peeps_quality quality;
		uint32_t waits;
		const char *text;
	} rows[] = {
		{ PEEPS_QUALITY_CUT, 0, "no deadlock: nothing waits\n" },
		{ PEEPS_QUALITY_QUIESCENT, 1,
		  "no deadlock: 1 operation waits, and can still be woken\n" },
		{ PEEPS_QUALITY_CUT, 3,
		  "no deadlock: 3 operations wait, all can still be woken\n" },
		{ PEEPS_QUALITY_PARTIAL, 0,
		  "no deadlock found, but the snapshot is partial: nothing waits\n" },
		{ PEEPS_QUALITY_PASSIVE, 2,
		  "no deadlock found, but the snapshot is passive: 2 operations wait, all can still be woken\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peeps_graph *graph = graph_new();
		const uint32_t mutex = graph_mutex(graph, "m", NULL, 0);

		graph->quality = rows[i].quality;
		for (uint32_t j = 0; j < rows[i].waits; j++)
			(void)graph_wait(graph, graph_thread(graph, j + 1, "t"), mutex, 1 * S);
		graph_analyse(graph, 0);
		assert_printed(check_text, graph, rows[i].text);
		assert_verdict(graph, "none", false);
		peeps_graph_free(graph);
	}
}

static void check__only_possible__is_not_found(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	char *text;

	(void)state;
	graph->quality = PEEPS_QUALITY_PASSIVE;
	graph->edges[0].uncertain = true;
	graph_analyse(graph, 0);
	text = printed(check_text, graph);
	assert_int_equal(strncmp(text, "deadlock (possible): 2 threads", 30), 0);
	assert_non_null(strstr(text, "\nno certain deadlock: the snapshot is passive\n"));
	free(text);
	assert_verdict(graph, "possible", false);
	peeps_graph_free(graph);
}

static void check__long_wait__is_found_though_nothing_is_stuck(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t holder = graph_thread(graph, 1, "holder"),
		       mutex = graph_mutex(graph, "m", NULL, 0);

	(void)state;
	(void)graph_hold(graph, mutex, holder, 1 * S);
	(void)graph_wait(graph, graph_thread(graph, 2, "waiter"), mutex, 2 * S);
	graph_analyse(graph, 5 * S);
	assert_printed(
		check_text, graph,
		"long wait (certain): waiter has waited 18.0 s for mutex \"m\", held for 19.0 s by holder: "
		"longer than 5.0 s\n"
		"no deadlock: 1 operation waits, and can still be woken\n");
	assert_verdict(graph, "long_wait", true);
	peeps_graph_free(graph);
}

/* Two who fill each other's channels; the receiver of the second is said to be the first's by this mode. */
static struct peeps_graph *graph_of_channels(uint32_t mode)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t first = graph_task(graph, "first"), second = graph_task(graph, "second");
	const struct graph_channel a = graph_channel(graph, "a", 2, 2),
				   b = graph_channel(graph, "b", 4, 4);

	(void)graph_receiver(graph, a, second, PEEPS_HOLD_MODE_OWNER);
	(void)graph_receiver(graph, b, first, mode);
	(void)graph_send(graph, first, a, 16 * S);
	(void)graph_send(graph, second, b, 16 * S);
	graph_analyse(graph, 0);
	return graph;
}

static void check__channels_in_a_circle__are_told_step_by_step(void **state)
{
	struct peeps_graph *graph = graph_of_channels(PEEPS_HOLD_MODE_OWNER);

	(void)state;
	assert_printed(
		check_text, graph,
		"deadlock (certain): 2 tasks wait for each other\n"
		"  first has waited 4.0 s to send to mpsc \"a\" (2/2), whose receiver is owned by second "
		"(since /src/bank.c:88)\n"
		"  second has waited 4.0 s to send to mpsc \"b\" (4/4), whose receiver is owned by first "
		"(since /src/bank.c:88)\n");
	assert_verdict(graph, "deadlock", true);
	peeps_graph_free(graph);
}

static void check__owner_is_not_sure__says_how_to_make_it_so(void **state)
{
	struct peeps_graph *graph = graph_of_channels(PEEPS_HOLD_MODE_CREATOR);

	(void)state;
	assert_printed(
		check_text, graph,
		"deadlock (possible): 2 tasks wait for each other\n"
		"  first has waited 4.0 s to send to mpsc \"a\" (2/2), whose receiver is owned by second "
		"(since /src/bank.c:88)\n"
		"  second has waited 4.0 s to send to mpsc \"b\" (4/4), whose receiver was created by first "
		"(since /src/bank.c:88)\n"
		"  not certain: the receiver of mpsc \"b\" may be somebody else's: peeps_mpsc_rx_moved() says "
		"whose it is\n"
		"no certain deadlock\n");
	assert_verdict(graph, "possible", false);
	peeps_graph_free(graph);
}

static void check__another_could_close_the_channel__says_so(void **state)
{
	struct peeps_graph *graph = graph_of_channels(PEEPS_HOLD_MODE_OWNER);
	const uint32_t other = graph_thread(graph, 7, "other");
	const struct graph_channel a = { .tx = 2, .rx = 3 };
	char *text;

	(void)state;
	(void)graph_sender(graph, a, other, PEEPS_HOLD_MODE_OWNER);
	graph->finding_count = 0;
	graph_analyse(graph, 0);
	text = printed(check_text, graph);
	assert_non_null(strstr(
		text,
		"\n  not certain: another owner of a sender could close mpsc \"a\"\nno certain deadlock\n"));
	free(text);
	graph_lost(graph, "dropped_threads", 1);
	text = printed(check_text, graph);
	assert_non_null(
		strstr(text, "\n  not certain: there are threads of which nothing is recorded\n"));
	free(text);
	peeps_graph_free(graph);
}

static void check__owner_of_the_other_end_has_exited__says_that_he_may_have_left_it(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t gone = graph_thread(graph, 1, "gone"), thread = graph_thread(graph, 2, "t");
	const struct graph_channel channel = graph_channel(graph, "c", 0, 4);

	(void)state;
	graph->nodes[gone].gone = true;
	(void)graph_sender(graph, channel, gone, PEEPS_HOLD_MODE_OWNER);
	(void)graph_recv(graph, thread, channel, 16 * S);
	graph_analyse(graph, 0);
	assert_printed(
		check_text, graph,
		"orphaned wait (possible): perhaps nobody is left who could end it\n"
		"  t has waited 4.0 s to receive from mpsc \"c\" (empty), whose sender is owned by gone "
		"(since /src/bank.c:88), which has exited\n"
		"  not certain: who had the other end of mpsc \"c\" has exited, and may have left it to "
		"another\n"
		"no certain deadlock\n");
	peeps_graph_free(graph);
}

static void check__not_all_was_recorded__does_not_say_that_nothing_waits(void **state)
{
	static const char *const lost[] = { "dropped_threads", "dropped_entities",
					    "dropped_edges" };

	(void)state;
	for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++) {
		struct peeps_graph *graph = graph_new();

		graph_lost(graph, lost[i], 1);
		assert_printed(
			check_text, graph,
			"no deadlock found, but not everything could be recorded: nothing waits\n");
		peeps_graph_free(graph);
	}
}

static void check__sender_is_not_sure__is_doubted_though_it_is_not_in_the_cycle(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t thread = graph_thread(graph, 1, "t"),
		       other = graph_thread(graph, 2, "other");
	const uint32_t mutex = graph_mutex(graph, "m", NULL, 0);
	const struct graph_channel channel = graph_channel(graph, "c", 0, 4);
	char *text;

	(void)state;
	(void)graph_sender(graph, channel, other, PEEPS_HOLD_MODE_OWNER);
	(void)graph_sender(graph, channel, other, PEEPS_HOLD_MODE_SHARED);
	(void)graph_hold(graph, mutex, thread, 10 * S);
	(void)graph_recv(graph, thread, channel, 16 * S);
	(void)graph_wait(graph, other, mutex, 16 * S);
	graph_analyse(graph, 0);
	text = printed(check_text, graph);
	assert_non_null(
		strstr(text, "\n  not certain: a sender of mpsc \"c\" may be somebody else's"));
	free(text);
	peeps_graph_free(graph);
}

static void check__waits_for_its_own_permits__says_that_others_may_release_them(void **state)
{
	static const struct {
		uint64_t anonymous;
		const char *state, *doubt;
	} rows[] = {
		{ 0, "", "" },
		{ 2, ", 2 released anonymously",
		  "  not certain: permits of semaphore \"s\" were released by others than their holders\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peeps_graph *graph = graph_new();
		const uint32_t thread = graph_thread(graph, 1, "t");
		const uint32_t semaphore = graph_semaphore(graph, "s", 0, 1);
		char text[512];

		graph_number(graph, semaphore, "anonymous_releases", rows[i].anonymous);
		(void)graph_permits(graph, semaphore, thread, 1, 10 * S);
		(void)graph_acquire(graph, thread, semaphore, 1, 16 * S);
		graph_analyse(graph, 0);
		(void)snprintf(
			text, sizeof(text),
			"deadlock (possible): 1 thread waits for itself\n"
			"  t has waited 4.0 s for 1 permit of semaphore \"s\" (0 of 1 available%s), "
			"1 held for 10.0 s by t (taken at /src/bank.c:88)\n"
			"%s"
			"  not certain: anybody may release a semaphore\n"
			"no certain deadlock\n",
			rows[i].state, rows[i].doubt);
		assert_printed(check_text, graph, text);
		assert_verdict(graph, "possible", false);
		peeps_graph_free(graph);
	}
}

static void check__thread_and_task_in_one_circle__are_actors(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t thread = graph_thread(graph, 1, "loop"), task = graph_task(graph, "parse");
	const uint32_t mutex = graph_mutex(graph, "m", NULL, 0);

	(void)state;
	graph_enter(graph, thread, task);
	(void)graph_hold(graph, mutex, thread, 10 * S);
	(void)graph_wait(graph, task, mutex, 12 * S);
	graph_analyse(graph, 0);
	assert_printed(
		check_text, graph,
		"deadlock (certain): 2 actors wait for each other\n"
		"  parse (on loop) has waited 8.0 s for mutex \"m\", held for 10.0 s by loop "
		"(locked at /src/bank.c:88)\n"
		"  loop runs parse\n");
	peeps_graph_free(graph);
}

static void check__sender_behind_a_sleeping_receiver__is_a_long_wait_but_no_deadlock(void **state)
{
	static const uint64_t max_wait_ns[] = { 0, 5 * S };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct peeps_graph *graph = graph_new();
		const uint32_t receiver = graph_thread(graph, 1, "receiver");
		const struct graph_channel channel = graph_channel(graph, "c", 4, 4);

		graph_sleep(graph, receiver, 30000);
		(void)graph_receiver(graph, channel, receiver, PEEPS_HOLD_MODE_OWNER);
		(void)graph_send(graph, graph_thread(graph, 2, "sender"), channel, 12 * S);
		graph_analyse(graph, max_wait_ns[i]);
		assert_printed(
			check_text, graph,
			i ? "long wait (certain): sender has waited 8.0 s to send to mpsc \"c\" (4/4), whose "
			    "receiver is owned by receiver, which is sleeping (wakes in 10.0 s): longer than 5.0 s\n"
			    "no deadlock: 1 operation waits, and can still be woken\n"
			  : "no deadlock: 1 operation waits, and can still be woken\n");
		assert_verdict(graph, i ? "long_wait" : "none", i);
		peeps_graph_free(graph);
	}
}

static void check__waits_for_another_process__says_for_which(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t mutex = graph_mutex(graph, "m", NULL, 0),
		       stub = graph_mutex(graph, "mutex:bank-4800:accounts", NULL, 0),
		       other = graph_mutex(graph, "mutex:bank-4800:ledger", NULL, 0);

	(void)state;
	graph->nodes[stub].kind_number = graph->nodes[other].kind_number = PEEPS_KIND_FOREIGN;
	graph->nodes[stub].role = graph->nodes[other].role = PEEPS_ROLE_OTHER;
	(void)graph_hold(graph, mutex, graph_thread(graph, 1, "holder"), 1 * S);
	(void)graph_wait(graph, graph_thread(graph, 2, "at-home"), mutex, 18 * S);
	(void)graph_wait(graph, graph_thread(graph, 3, "abroad"), stub, 18 * S);
	(void)graph_wait(graph, graph_thread(graph, 4, "too"), other, 18 * S);
	graph_analyse(graph, 0);
	assert_printed(check_text, graph,
		       "no deadlock seen: 3 operations wait\n"
		       "  2 of them for another process, which was not looked at: bank-4800\n"
		       "  name it as a target, too, to see who waits for whom across them\n");
	assert_verdict(graph, "none", false);
	peeps_graph_free(graph);
}

static void check__many_long_waits_for_the_same__are_told_once(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t mutex = graph_mutex(graph, "m", NULL, 0),
		       other = graph_mutex(graph, "other", NULL, 0),
		       holder = graph_thread(graph, 1, "holder");

	(void)state;
	(void)graph_hold(graph, mutex, holder, 1 * S);
	for (uint32_t i = 0; i < 20; i++)
		(void)graph_wait(graph, graph_thread(graph, 2 + i, "pool"), mutex,
				 2 * S + i * 100 * MS);
	(void)graph_wait(graph, graph_thread(graph, 100, "alone"), other, 3 * S);
	graph_analyse(graph, 1 * S);
	assert_printed(
		check_text, graph,
		"long wait (certain): pool (2) has waited 18.0 s for mutex \"m\", held for 19.0 s by holder: longer than 1.0 s\n"
		"  and 19 others wait so long for the same\n"
		"long wait (certain): alone has waited 17.0 s for mutex \"other\": longer than 1.0 s\n"
		"no deadlock: 21 operations wait, all can still be woken\n");
	view.all = true;
	{
		char *text = printed(check_text, graph);

		view.all = false;
		assert_non_null(strstr(text, "\nlong wait (certain): pool (21) has waited"));
		assert_null(strstr(text, "others"));
		free(text);
	}
	peeps_graph_free(graph);
}

static void check__colored__marks_the_verdict_alone(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	char *text;

	(void)state;
	graph_analyse(graph, 0);
	view.colored = true;
	text = printed(check_text, graph);
	view.colored = false;
	assert_int_equal(strncmp(text, "\x1b[", 2), 0);
	assert_non_null(strstr(text, "deadlock (certain)\x1b["));
	assert_null(strchr(strchr(text, ':'), '\x1b'));
	free(text);
	peeps_graph_free(graph);
}

static void check__findings_without_evidence__are_told_all_the_same(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	struct peeps_finding findings[] = {
		{ .kind = PEEPS_FINDING_LONG_WAIT, .certain = true, .sentence = "from elsewhere" },
		{ .kind = PEEPS_FINDING_DEADLOCK, .certain = true, .sentence = "" },
	};

	(void)state;
	graph->findings = findings;
	graph->finding_count = 2;
	assert_printed(check_text, graph,
		       "long wait (certain): from elsewhere\n"
		       "deadlock (certain): 0 threads wait for each other\n");
	peeps_graph_free(graph);
}

static int waits_json(const struct peeps_graph *graph, FILE *out)
{
	struct peeps_json json;

	if (peeps_json_open(&json, out) != 0)
		return -1;
	peeps_json_map(&json);
	if (peeps_check_waits_json(graph, &json) != 0)
		return -1;
	peeps_json_map_end(&json);
	return peeps_json_close(&json);
}

static void json__waits__are_those_of_findings_with_their_process(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	const char *wait;
	size_t count = 0;
	char *text;

	(void)state;
	(void)graph_wait(graph, graph_thread(graph, 9, "other"), graph_mutex(graph, "m", NULL, 0),
			 10 * S);
	graph_analyse(graph, 0);
	text = printed(waits_json, graph);
	assert_non_null(strstr(text, "\"actor_name\":\"worker-2\",\"process\":\"orders-4711\","
				     "\"pid\":4711,\"op_kind\":\"lock\""));
	assert_null(strstr(text, "other"));
	for (wait = text; (wait = strstr(wait, "\"op_kind\"")); wait++)
		count++;
	assert_int_equal(count, 2);
	free(text);
	peeps_graph_free(graph);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check__deadlock__is_told_step_by_step_with_its_victims),
		cmocka_unit_test(check__one_waits_for_itself__is_said_so),
		cmocka_unit_test(check__holder_has_exited__nobody_is_left),
		cmocka_unit_test(check__nothing_is_stuck__says_how_sure_it_is),
		cmocka_unit_test(check__only_possible__is_not_found),
		cmocka_unit_test(check__long_wait__is_found_though_nothing_is_stuck),
		cmocka_unit_test(check__channels_in_a_circle__are_told_step_by_step),
		cmocka_unit_test(check__owner_is_not_sure__says_how_to_make_it_so),
		cmocka_unit_test(check__another_could_close_the_channel__says_so),
		cmocka_unit_test(
			check__owner_of_the_other_end_has_exited__says_that_he_may_have_left_it),
		cmocka_unit_test(check__not_all_was_recorded__does_not_say_that_nothing_waits),
		cmocka_unit_test(
			check__sender_is_not_sure__is_doubted_though_it_is_not_in_the_cycle),
		cmocka_unit_test(
			check__waits_for_its_own_permits__says_that_others_may_release_them),
		cmocka_unit_test(check__thread_and_task_in_one_circle__are_actors),
		cmocka_unit_test(
			check__sender_behind_a_sleeping_receiver__is_a_long_wait_but_no_deadlock),
		cmocka_unit_test(check__waits_for_another_process__says_for_which),
		cmocka_unit_test(check__many_long_waits_for_the_same__are_told_once),
		cmocka_unit_test(check__colored__marks_the_verdict_alone),
		cmocka_unit_test(json__waits__are_those_of_findings_with_their_process),
		cmocka_unit_test(check__findings_without_evidence__are_told_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
