/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reader/analysis/difference.h"
#include "reader/problem.h"
#include "reader/verbs/verb_diff.h"
#include "tests/reader/graph_builder.h"

/* Of graph_deadlocked(). */
enum { WORKER_1, WORKER_2, ACCOUNTS, LEDGER, IDLE };
enum { HOLD_ACCOUNTS, HOLD_LEDGER, WAIT_LEDGER, WAIT_ACCOUNTS };

/* What is printed is compared with this one. */
static struct peeps_graph *before;
static struct peeps_diff_view view;

static int print_with(const struct peeps_graph *after, bool json, FILE *out)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_difference difference;
	int r = peeps_difference_init(&difference, before, after);

	if (r)
		return r;
	r = json ? peeps_diff_json(&difference, view.min_ns, out)
		 : peeps_diff_text(&difference, &view, out, &problem);
	peeps_difference_deinit(&difference);
	return r;
}

static int text(const struct peeps_graph *after, FILE *out)
{
	return print_with(after, false, out);
}

static int json(const struct peeps_graph *after, FILE *out)
{
	return print_with(after, true, out);
}

static struct peeps_graph *numbered(void)
{
	struct peeps_graph *graph = graph_deadlocked();

	for (uint32_t i = 0; i < graph->edge_count; i++) {
		graph->edges[i].slot = i;
		graph->edges[i].wait_sequence = 10 + i;
	}
	graph->processes[0].thread_count = 3;
	return graph;
}

static void later(struct peeps_graph *graph)
{
	graph->processes[0].ptime_now_ns += 4 * S;
	graph->taken_at_unix_ns += 4 * S;
}

static int set_up(void **state)
{
	before = numbered();
	view = (struct peeps_diff_view){ .min_ns = 0 };
	*state = numbered();
	later(*state);
	return 0;
}

static int tear_down(void **state)
{
	peeps_graph_free(*state);
	peeps_graph_free(before);
	return 0;
}

#define HEADING                                                                         \
	"before: orders (pid 4711): 3 threads, quality cut, 2026-05-01T12:00:00.250Z\n" \
	"after:  orders (pid 4711): 3 threads, quality cut, 2026-05-01T12:00:04.250Z\n" \
	"\n"

#define SAME_WAITS                                                                    \
	"No progress: the same waits as before:\n"                                    \
	"WAITED  ACTOR     OPERATION  RESOURCE                    HELD BY      FOR\n" \
	"16.4 s  worker-2  lock       mutex accounts (bank.c:42)  worker-1  16.5 s\n" \
	"16.3 s  worker-1  lock       mutex ledger (bank.c:43)    worker-2  16.5 s\n"

static void assert_has(const struct peeps_graph *after, const char *wanted)
{
	char *all = printed(text, after);

	if (!strstr(all, wanted))
		print_error("not there: %s\nin: %s\n", wanted, all);
	assert_non_null(strstr(all, wanted));
	free(all);
}

static void assert_lacks(const struct peeps_graph *after, const char *unwanted)
{
	char *all = printed(text, after);

	if (strstr(all, unwanted))
		print_error("there: %s\nin: %s\n", unwanted, all);
	assert_null(strstr(all, unwanted));
	free(all);
}

static void diff__deadlock_persists__no_progress_and_nothing_moved(void **state)
{
	struct peeps_graph *after = *state;

	graph_analyse(before, 0);
	graph_analyse(after, 0);
	assert_has(
		after, HEADING
		"4.0 s between them. 2 waits are the same as before (no progress), the longest has waited "
		"16.4 s.\n"
		"1 deadlock is still there (certain).\n"
		"Nothing moved meanwhile: no counter, no state, and nothing came or went.\n"
		"\n"
		"Findings:\n"
		"still there: certain, ");
	assert_has(after, "\n" SAME_WAITS);
}

static void diff__no_wait_of_that_length__says_so(void **state)
{
	view.min_ns = 60 * S;
	assert_has(*state, "4.0 s between them. Nobody has waited that long, then or now.\n");
	assert_lacks(*state, "No progress");
}

static void diff__a_new_wait_that_looks_alike__is_new_and_the_other_ended(void **state)
{
	struct peeps_graph *after = *state;

	after->edges[WAIT_LEDGER].wait_sequence++;
	after->edges[WAIT_LEDGER].pending_since_ns = 23 * S;
	assert_has(after, "1 wait is the same as before (no progress), it has waited 16.4 s; "
			  "1 is new; 1 ended.\n");
	assert_has(after,
		   "\nNew waits:\n"
		   "WAITED  ACTOR     OPERATION  RESOURCE                  HELD BY      FOR\n"
		   " 1.0 s  worker-1  lock       mutex ledger (bank.c:43)  worker-2  16.5 s\n");
	assert_has(
		after,
		"\nWaits that ended:\n"
		"HAD WAITED  ACTOR     OPERATION  RESOURCE                    NOW\n"
		"    12.3 s  worker-1  lock       mutex \"ledger\" (bank.c:43)  lock mutex \"ledger\" "
		"(bank.c:43)\n");
}

static void diff__a_wait_that_ended__says_what_its_actor_does_now(void **state)
{
	struct peeps_graph *after = *state;

	after->edges[WAIT_LEDGER].state = PEEPS_STATE_DONE;
	graph_sleep(after, WORKER_1, 30000);
	assert_has(after, "mutex \"ledger\" (bank.c:43)  sleeping");
}

static void diff__uncertain__is_not_said_to_be_the_same(void **state)
{
	struct peeps_graph *after = *state;

	after->quality = PEEPS_QUALITY_PARTIAL;
	after->edges[WAIT_LEDGER].uncertain = true;
	assert_has(after, "1 wait is the same as before (no progress), it has waited 16.4 s; "
			  "1 seems to be the same (unproved).\n");
	assert_has(after, "\nPerhaps the same waits as before: it is not proved:\n");
	assert_has(after, "\nnote: the snapshot after is partial: ");
}

static void diff__counters_rose__how_many_and_which(void **state)
{
	struct peeps_graph *after = *state;

	graph_number(before, ACCOUNTS, "acquires", 1);
	graph_number(before, LEDGER, "acquires", 1);
	graph_number(after, ACCOUNTS, "acquires", 1);
	graph_number(after, LEDGER, "acquires", 1205);
	assert_has(after, "Meanwhile 1 of 2 mutexes was acquired (1,204 times).\n");
	assert_has(after, "\nWhat moved:\n"
			  "KIND   COUNTER    MOVED      BY  PER SECOND  BUSIEST\n"
			  "mutex  acquires  1 of 2  +1,204         301  ledger +1,204\n");
	assert_lacks(after, "Every counter");
	view.all = true;
	assert_has(after, "\nEvery counter:\n"
			  "ENTITY        WHAT      BEFORE  AFTER      BY\n"
			  "mutex ledger  acquires  1       1205   +1,204\n");
}

static void diff__channel__says_what_it_moved(void **state)
{
	struct peeps_graph *after = *state;
	struct graph_channel channel = graph_channel(before, "jobs", 16, 16);

	(void)graph_channel(after, "jobs", 16, 16);
	graph_channel_number(before, channel, "sent_total", 10);
	graph_channel_number(before, channel, "recv_total", 4);
	graph_channel_number(after, channel, "sent_total", 12);
	graph_channel_number(after, channel, "recv_total", 7);
	assert_has(after, "channel \"jobs\" moved items (2 sent, 3 received)");
	graph_channel_number(after, channel, "sent_total", 10);
	graph_channel_number(after, channel, "recv_total", 4);
	graph_bool(after, channel.tx, "sender_closed", true);
	assert_has(after, "channel \"jobs\" moved 0 items");
	assert_has(after, "\nChanged state:\n"
			  "ENTITY        WHAT           BEFORE  AFTER\n"
			  "mpsc_tx jobs  sender_closed  no      yes\n");
}

static void diff__restarted__is_told_in_two_lines(void **state)
{
	struct peeps_graph *after = *state;

	after->processes[0].start_time_ticks = 99;
	assert_has(after, HEADING "No process is in both: there is nothing to compare.\n"
				  "Process orders-4711 went, with 5 entities, 2 waits.\n"
				  "Process orders-4711 came, with 5 entities, 2 waits.\n");
	assert_lacks(after, "Came:");
	assert_lacks(after, "New waits");
}

static void diff__many_came__are_told_together(void **state)
{
	struct peeps_graph *after = *state;

	for (uint32_t i = 0; i < 5; i++) {
		static const char *const names[] = { "a", "b", "c", "d", "\x1b[31me" };

		(void)graph_thread(after, 5000 + i, names[i]);
	}
	assert_has(after, "5 entities came, 0 went.\n");
	assert_has(after, "\nCame:\n5 threads (a, b, c, ...)\n");
	view.all = true;
	assert_has(after, "\nCame:\n  thread:orders-4711:5000\n");
}

static void diff__hostile_name__is_escaped(void **state)
{
	struct peeps_graph *after = *state;

	(void)graph_thread(after, 5000, "\x1b[31mred");
	graph_number(before, LEDGER, "\x1b[32m", 1);
	graph_number(after, LEDGER, "\x1b[32m", 2);
	assert_has(after, "\\x1b[31mred");
	assert_lacks(after, "\x1b");
}

static void diff__something_was_lost_meanwhile__is_noted(void **state)
{
	struct peeps_graph *after = *state;

	graph_lost(before, "dropped_edges", 5);
	graph_lost(after, "dropped_edges", 12);
	assert_has(
		after,
		"\nnote: not everything of orders-4711 could be recorded: dropped_edges 12, of which 7 "
		"meanwhile\n");
}

static void diff__as_json__all_of_it(void **state)
{
	struct peeps_graph *after = *state;
	char *all;

	after->edges[WAIT_LEDGER].wait_sequence++;
	graph_number(before, LEDGER, "acquires", 1);
	graph_number(after, LEDGER, "acquires", 5);
	(void)graph_thread(after, 5000, "late");
	all = printed(json, after);
	assert_non_null(strstr(all, "\"elapsed_ns\":4000000000,"));
	assert_non_null(strstr(all, "\"tally\":{\"same\":1,\"unproved\":0,\"new\":1,\"ended\":1,"
				    "\"longest_ns\":16420000000}"));
	assert_non_null(strstr(all,
			       "{\"change\":\"same\",\"proved\":true,\"poll_count\":1,\"wait\":{"
			       "\"actor\":\"thread:orders-4711:4713\""));
	assert_non_null(strstr(all,
			       "{\"change\":\"ended\",\"proved\":true,\"poll_count\":1,\"wait\":{"
			       "\"actor\":\"thread:orders-4711:4712\""));
	assert_non_null(strstr(all,
			       "\"came\":[{\"id\":\"thread:orders-4711:5000\",\"kind\":\"thread\","
			       "\"name\":\"late\"}],\"went\":[]"));
	assert_non_null(
		strstr(all, "\"attribute\":\"acquires\",\"value_before\":1,\"value_after\":5}"));
	free(all);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(diff__deadlock_persists__no_progress_and_nothing_moved),
		TEST(diff__no_wait_of_that_length__says_so),
		TEST(diff__a_new_wait_that_looks_alike__is_new_and_the_other_ended),
		TEST(diff__a_wait_that_ended__says_what_its_actor_does_now),
		TEST(diff__uncertain__is_not_said_to_be_the_same),
		TEST(diff__counters_rose__how_many_and_which),
		TEST(diff__channel__says_what_it_moved),
		TEST(diff__restarted__is_told_in_two_lines),
		TEST(diff__many_came__are_told_together),
		TEST(diff__hostile_name__is_escaped),
		TEST(diff__something_was_lost_meanwhile__is_noted),
		TEST(diff__as_json__all_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
