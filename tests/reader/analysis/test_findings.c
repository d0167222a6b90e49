/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/reader/graph_builder.h"

static void assert_nodes(const uint32_t *nodes, size_t count, const uint32_t *wanted,
			 size_t wanted_count)
{
	assert_int_equal(count, wanted_count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(nodes[i], wanted[i]);
}
#define ASSERT_NODES(nodes, count, ...)                               \
	assert_nodes(nodes, count, (const uint32_t[]){ __VA_ARGS__ }, \
		     sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

static void findings__opposite_lock_order__is_a_certain_deadlock_told_step_by_step(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	const struct peeps_finding *finding;

	(void)state;
	graph_analyse(graph, 0);
	assert_int_equal(graph->finding_count, 1);
	finding = &graph->findings[0];
	assert_int_equal(finding->kind, PEEPS_FINDING_DEADLOCK);
	assert_true(finding->certain);
	assert_string_equal(
		finding->sentence,
		"worker-1 has waited 12.3 s for mutex \"ledger\" (bank.c:43), held for 12.5 s by worker-2, "
		"which waits for \"accounts\", held by worker-1: a certain deadlock");
	assert_int_equal(finding->step_count, 2);
	assert_string_equal(
		finding->steps[0],
		"worker-1 has waited 12.3 s for mutex \"ledger\" (/src/bank.c:43), held for 12.5 s by "
		"worker-2 (locked at /src/bank.c:88)");
	assert_string_equal(
		finding->steps[1],
		"worker-2 has waited 12.4 s for mutex \"accounts\" (/src/bank.c:42), held for 12.5 s by "
		"worker-1 (locked at /src/bank.c:88)");
	ASSERT_NODES(finding->nodes, finding->node_count, 0, 3, 1, 2);
	ASSERT_NODES(finding->edges, finding->edge_count, 2, 1, 3, 0);
	assert_int_equal(finding->victim_count, 0);
	peeps_graph_free(graph);
}

static void findings__actors_wait_behind_a_deadlock__are_its_victims(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	const uint32_t near = graph_thread(graph, 4720, "near");
	const uint32_t its_own = graph_mutex(graph, "its_own", NULL, 0);
	const uint32_t far = graph_thread(graph, 4721, "far");

	(void)state;
	(void)graph_wait(graph, near, 2, 10 * S);
	(void)graph_hold(graph, its_own, near, 9 * S);
	(void)graph_wait(graph, far, its_own, 11 * S);
	graph_analyse(graph, 1 * S);
	assert_int_equal(graph->finding_count, 1); /* no long waits of those who are stuck anyway */
	ASSERT_NODES(graph->findings[0].nodes, graph->findings[0].node_count, 0, 3, 1, 2);
	ASSERT_NODES(graph->findings[0].victims, graph->findings[0].victim_count, near, far);
	peeps_graph_free(graph);
}

static void findings__thread_waits_for_itself__is_a_cycle_of_one(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t thread = graph_thread(graph, 1, "main"),
		       mutex = graph_mutex(graph, "m", "/src/m.c", 3);

	(void)state;
	(void)graph_hold(graph, mutex, thread, PEEPS_NO_TIME);
	(void)graph_wait(graph, thread, mutex, PEEPS_NO_TIME);
	graph_analyse(graph, 0);
	assert_int_equal(graph->finding_count, 1);
	assert_int_equal(graph->findings[0].kind, PEEPS_FINDING_DEADLOCK);
	assert_string_equal(
		graph->findings[0].sentence,
		"main waits for mutex \"m\" (m.c:3), held for an unknown time by main itself: "
		"a certain deadlock");
	ASSERT_NODES(graph->findings[0].nodes, graph->findings[0].node_count, thread, mutex);
	peeps_graph_free(graph);
}

static void findings__holder_has_exited__is_one_orphaned_wait_of_whom_waited_longest(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t gone = graph_thread(graph, 1, "gone"),
		       mutex = graph_mutex(graph, "m", "/src/m.c", 3);
	const uint32_t late = graph_thread(graph, 2, "late"),
		       early = graph_thread(graph, 3, "early");

	(void)state;
	graph->nodes[gone].gone = true;
	(void)graph_hold(graph, mutex, gone, 1 * S);
	(void)graph_wait(graph, late, mutex, 9 * S);
	(void)graph_wait(graph, early, mutex, 8 * S);
	graph_analyse(graph, 1 * S);
	assert_int_equal(graph->finding_count, 1);
	assert_int_equal(graph->findings[0].kind, PEEPS_FINDING_ORPHANED_WAIT);
	assert_true(graph->findings[0].certain);
	assert_string_equal(
		graph->findings[0].sentence,
		"early has waited 12.0 s for mutex \"m\" (m.c:3), held for 19.0 s by gone, "
		"which has exited: nobody can wake it");
	ASSERT_NODES(graph->findings[0].nodes, graph->findings[0].node_count, early, mutex);
	ASSERT_NODES(graph->findings[0].victims, graph->findings[0].victim_count, late);
	peeps_graph_free(graph);
}

/* An independent cycle of two. Returns its first wait. */
static uint32_t add_cycle(struct peeps_graph *graph, uint32_t tid)
{
	const uint32_t a = graph_thread(graph, tid, "a"), b = graph_thread(graph, tid + 1, "b");
	const uint32_t m = graph_mutex(graph, "m", NULL, 0), n = graph_mutex(graph, "n", NULL, 0);

	(void)graph_hold(graph, m, a, S);
	(void)graph_hold(graph, n, b, S);
	(void)graph_wait(graph, b, m, 2 * S);
	return graph_wait(graph, a, n, 2 * S);
}

static void findings__two_knots__are_two_deadlocks_by_their_smallest_id(void **state)
{
	struct peeps_graph *graph = graph_new();

	(void)state;
	(void)add_cycle(graph, 800);
	(void)add_cycle(graph, 100);
	graph_analyse(graph, 0);
	assert_int_equal(graph->finding_count, 2);
	assert_string_equal(graph->nodes[graph->findings[0].nodes[0]].id, "thread:orders-4711:100");
	assert_string_equal(graph->nodes[graph->findings[1].nodes[0]].id, "thread:orders-4711:800");
	peeps_graph_free(graph);
}

static void findings__one_of_a_knot_waits_for_another_knot__are_still_two(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t first = add_cycle(graph, 100), second = add_cycle(graph, 800);

	(void)state;
	(void)graph_wait(graph, graph->edges[second].src, graph->edges[first].dst, 3 * S);
	graph_analyse(graph, 0);
	assert_int_equal(graph->finding_count, 2);
	assert_int_equal(graph->findings[0].victim_count, 0);
	assert_int_equal(graph->findings[1].victim_count, 0);
	peeps_graph_free(graph);
}

static void findings__knot_with_a_long_way_round__is_shown_by_a_shortest_cycle(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	const uint32_t third = graph_thread(graph, 4715, "worker-3");
	const uint32_t other = graph_mutex(graph, "other", NULL, 0);

	(void)state;
	/* worker-2 waits, in a signal handler, for worker-3, who waits for worker-1: also a knot with it. */
	(void)graph_hold(graph, other, third, 1 * S);
	(void)graph_wait(graph, 1, other, 9 * S);
	(void)graph_wait(graph, third, 2, 9 * S);
	graph_analyse(graph, 0);
	assert_int_equal(graph->finding_count, 1);
	assert_int_equal(graph->findings[0].step_count, 2);
	ASSERT_NODES(graph->findings[0].victims, graph->findings[0].victim_count, third);
	peeps_graph_free(graph);
}

static void findings__cycle_of_many__is_told_shortly_but_shown_whole(void **state)
{
	struct peeps_graph *graph = graph_new();

	(void)state;
	for (uint32_t i = 0; i < 6; i++)
		(void)graph_thread(graph, i + 1,
				   (const char *[]){ "a", "b", "c", "d", "e", "f" }[i]);
	for (uint32_t i = 0; i < 6; i++) {
		const uint32_t mutex = graph_mutex(
			graph, (const char *[]){ "A", "B", "C", "D", "E", "F" }[i], NULL, 0);

		(void)graph_hold(graph, mutex, i, 1 * S);
		(void)graph_wait(graph, (i + 5) % 6, mutex, 2 * S);
	}
	graph_analyse(graph, 0);
	assert_int_equal(graph->finding_count, 1);
	assert_string_equal(
		graph->findings[0].sentence,
		"a has waited 18.0 s for mutex \"B\", held for 19.0 s by b, which waits for \"C\", held by "
		"c, which waits for \"D\", held by d, and so on, 6 in all, back to a: a certain deadlock");
	assert_int_equal(graph->findings[0].step_count, 6);
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(graph->findings[0].nodes[2 * i], i);
	peeps_graph_free(graph);
}

static void findings__a_fact_is_uncertain__is_possible_and_comes_after_the_certain(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t wait = add_cycle(graph, 100);

	(void)state;
	graph->edges[wait].uncertain = true;
	(void)add_cycle(graph, 800);
	graph_analyse(graph, 0);
	assert_int_equal(graph->finding_count, 2);
	assert_true(graph->findings[0].certain);
	assert_string_equal(graph->nodes[graph->findings[0].nodes[0]].id, "thread:orders-4711:800");
	assert_false(graph->findings[1].certain);
	assert_non_null(strstr(graph->findings[1].sentence, ": a possible deadlock"));
	peeps_graph_free(graph);
}

static void findings__waits_perhaps_behind_a_certain_deadlock__is_still_told_as_a_long_wait(
	void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	const uint32_t wait = graph_wait(graph, 4, 2, 10 * S);

	(void)state;
	graph->edges[wait].uncertain = true;
	graph_analyse(graph, 1 * S);
	assert_int_equal(graph->finding_count, 2);
	assert_int_equal(graph->findings[0].victim_count, 0);
	assert_int_equal(graph->findings[1].kind, PEEPS_FINDING_LONG_WAIT);
	assert_false(graph->findings[1].certain);
	peeps_graph_free(graph);
}

static void findings__max_wait__finds_what_is_older_but_only_then(void **state)
{
	struct peeps_graph *graph;
	static const struct {
		uint64_t max_wait_ns;
		size_t findings;
	} rows[] = { { 0, 0 }, { 5 * S, 0 }, { 5 * S - 1, 1 }, { 2 * S, 2 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		graph = graph_new();
		const uint32_t holder = graph_thread(graph, 1, "holder"),
			       mutex = graph_mutex(graph, "m", NULL, 0);

		(void)graph_hold(graph, mutex, holder, 1 * S);
		(void)graph_wait(graph, graph_thread(graph, 2, "short"), mutex, 17 * S);
		(void)graph_wait(graph, graph_thread(graph, 3, "long"), mutex, 15 * S);
		(void)graph_wait(graph, graph_thread(graph, 4, "unknown"), mutex, PEEPS_NO_TIME);
		graph_analyse(graph, rows[i].max_wait_ns);
		assert_int_equal(graph->finding_count, rows[i].findings);
		if (rows[i].findings)
			assert_non_null(strstr(graph->findings[0].sentence,
					       "long has waited 5.0 s for mutex \"m\", "
					       "held for 19.0 s by holder: longer than "));
		peeps_graph_free(graph);
	}
}

static void findings__names_are_not_unique__threads_are_told_apart_by_tid(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();

	(void)state;
	graph->nodes[1].name = "worker-1";
	graph_analyse(graph, 0);
	assert_non_null(strstr(graph->findings[0].sentence, "worker-1 (4712) has waited"));
	assert_non_null(strstr(graph->findings[0].sentence, "by worker-1 (4713)"));
	peeps_graph_free(graph);
}

/* --- permits and channels --------------------------------------------------------------------------------------- */

/* Analyses, and asserts that this is the one finding. */
static const struct peeps_finding *assert_one(struct peeps_graph *graph, uint64_t max_wait_ns,
					      enum peeps_finding_kind kind, bool certain,
					      const char *sentence)
{
	graph_analyse(graph, max_wait_ns);
	assert_int_equal(graph->finding_count, 1);
	assert_string_equal(graph->findings[0].sentence, sentence);
	assert_int_equal(graph->findings[0].kind, kind);
	assert_int_equal(graph->findings[0].certain, certain);
	return &graph->findings[0];
}

static void findings__long_waits_anew__leave_the_others_as_they_were_made(void **state)
{
	static const struct {
		uint64_t max_wait_ns;
		size_t findings;
	} rows[] = { { 5 * S, 3 }, { 20 * S, 1 }, { 9 * S, 2 }, { 0, 1 } };
	struct peeps_graph *graph = graph_deadlocked();
	const uint32_t lock = graph_mutex(graph, "other", "/src/bank.c", 60);

	(void)state;
	(void)graph_hold(graph, lock, 4, 1 * S);
	(void)graph_wait(graph, graph_thread(graph, 91, "long"), lock, 10 * S);
	(void)graph_wait(graph, graph_thread(graph, 92, "longer"), lock, 11 * S);
	(void)graph_wait(graph, graph_thread(graph, 93, "victim"), 2, 1 * S);
	graph_analyse(graph, 1 * S);
	assert_int_equal(graph->finding_count, 3);
	graph->findings[0].certain = false; /* which the graph does not show */
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct peeps_analysis_options wishes = { .max_wait_ns = rows[i].max_wait_ns };

		assert_int_equal(peeps_analyse_waits(graph, &wishes), 0);
		assert_int_equal(graph->finding_count, rows[i].findings);
		assert_int_equal(graph->findings[0].kind, PEEPS_FINDING_DEADLOCK);
		assert_false(graph->findings[0].certain);
		assert_int_equal(graph->findings[0].victim_count, 1);
		for (size_t k = 1; k < graph->finding_count; k++)
			assert_int_equal(graph->findings[k].kind, PEEPS_FINDING_LONG_WAIT);
	}
	peeps_graph_free(graph);
}

static void findings__sender_waits_for_a_sleeping_receiver__is_a_long_wait_that_says_so(
	void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t receiver = graph_thread(graph, 1, "stalled_receiver"),
		       sender = graph_thread(graph, 2, "bounded_sender");
	const struct graph_channel channel = graph_channel(graph, "demo.work_queue", 16, 16);
	const struct peeps_finding *finding;
	uint32_t hold, wait;

	(void)state;
	graph_sleep(graph, receiver, 20000 + 3600000);
	hold = graph_receiver(graph, channel, receiver, PEEPS_HOLD_MODE_OWNER);
	(void)graph_sender(graph, channel, sender, PEEPS_HOLD_MODE_OWNER);
	wait = graph_send(graph, sender, channel, 7600 * MS);
	finding = assert_one(
		graph, 5 * S, PEEPS_FINDING_LONG_WAIT, true,
		"bounded_sender has waited 12.4 s to send to mpsc \"demo.work_queue\" (16/16), whose receiver "
		"is owned by stalled_receiver, which is sleeping (wakes in 1 h 00 min): longer than 5.0 s");
	ASSERT_NODES(finding->nodes, finding->node_count, sender, channel.tx, channel.rx);
	ASSERT_NODES(finding->edges, finding->edge_count, wait, 0, hold);
	assert_string_equal(
		finding->steps[0],
		"bounded_sender has waited 12.4 s to send to mpsc \"demo.work_queue\" (16/16), whose receiver "
		"is owned by stalled_receiver (since /src/bank.c:88), which is sleeping (wakes in 1 h 00 min)");
	peeps_graph_free(graph);
}

static void findings__waits_for_a_permit__says_who_holds_it(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t holder = graph_thread(graph, 1, "permit_holder"),
		       waiter = graph_thread(graph, 2, "permit_waiter");
	const uint32_t semaphore = graph_semaphore(graph, "demo.api_gate", 0, 1);

	(void)state;
	(void)graph_permits(graph, semaphore, holder, 1, 16800 * MS);
	(void)graph_acquire(graph, waiter, semaphore, 1, 16900 * MS);
	(void)assert_one(
		graph, 1 * S, PEEPS_FINDING_LONG_WAIT, true,
		"permit_waiter has waited 3.1 s for 1 permit of semaphore \"demo.api_gate\" (0 of 1 available), "
		"1 held for 3.2 s by permit_holder: longer than 1.0 s");
	peeps_graph_free(graph);
}

static void findings__receiver_of_an_empty_channel__says_whose_the_sender_is(void **state)
{
	static const struct {
		uint32_t mode;
		const char *sentence;
	} rows[] = {
		{ PEEPS_HOLD_MODE_OWNER, "is owned by X" },
		{ PEEPS_HOLD_MODE_CREATOR, "was created by X" },
		{ PEEPS_HOLD_MODE_SHARED, "is perhaps owned by X" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peeps_graph *graph = graph_new();
		const struct graph_channel channel = graph_channel(graph, "demo.idle_queue", 0, 8);
		char sentence[256];

		(void)graph_sender(graph, channel, graph_thread(graph, 1, "X"), rows[i].mode);
		(void)graph_recv(graph, graph_thread(graph, 2, "blocked_receiver"), channel,
				 18 * S);
		(void)snprintf(
			sentence, sizeof(sentence),
			"blocked_receiver has waited 2.0 s to receive from mpsc \"demo.idle_queue\" "
			"(empty), whose sender %s: longer than 1.0 s",
			rows[i].sentence);
		(void)assert_one(graph, 1 * S, PEEPS_FINDING_LONG_WAIT, true, sentence);
		peeps_graph_free(graph);
	}
}

static void findings__many_could_end_it__three_are_named(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t semaphore = graph_semaphore(graph, "s", 0, 11);
	const struct graph_channel channel = graph_channel(graph, "c", 0, 8);
	static const char *const names[] = { "A", "B", "C", "D", "E", "F", "G", "H", "I", "J" };

	(void)state;
	for (uint32_t i = 0; i < 10; i++) {
		const uint32_t thread = graph_thread(graph, i + 1, names[i]);

		(void)graph_permits(graph, semaphore, thread, i ? 1 : 2, (10 + i) * S);
		(void)graph_sender(graph, channel, thread,
				   i == 1 ? PEEPS_HOLD_MODE_CREATOR : PEEPS_HOLD_MODE_OWNER);
		(void)graph_sender(graph, channel, thread, PEEPS_HOLD_MODE_OWNER);
	}
	graph_sleep(graph, semaphore + 2 + 1, 30000); /* A */
	(void)graph_acquire(graph, graph_thread(graph, 20, "w"), semaphore, 3, 15 * S);
	(void)graph_recv(graph, graph_thread(graph, 21, "r"), channel, 16 * S);
	graph_analyse(graph, 1 * S);
	assert_int_equal(graph->finding_count, 2);
	assert_string_equal(
		graph->findings[0].sentence,
		"w has waited 5.0 s for 3 permits of semaphore \"s\" (0 of 11 available), held by "
		"A (2 for 10.0 s, sleeping), B (1 for 9.0 s), C (1 for 8.0 s) and 7 more: longer than 1.0 s");
	assert_string_equal(
		graph->findings[1].sentence,
		"r has waited 4.0 s to receive from mpsc \"c\" (empty), whose 20 senders are owned by "
		"A (sleeping), B (created it), C and 14 more: longer than 1.0 s");
	peeps_graph_free(graph);
}

static void findings__all_senders_are_of_one__he_is_named_once(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t owner = graph_thread(graph, 1, "main");
	const struct graph_channel channel = graph_channel(graph, "c", 0, 8);

	(void)state;
	for (int i = 0; i < 10; i++)
		(void)graph_sender(graph, channel, owner, PEEPS_HOLD_MODE_CREATOR);
	(void)graph_recv(graph, graph_thread(graph, 2, "r"), channel, 16 * S);
	(void)assert_one(
		graph, 1 * S, PEEPS_FINDING_LONG_WAIT, true,
		"r has waited 4.0 s to receive from mpsc \"c\" (empty), whose 10 senders were "
		"created by main: longer than 1.0 s");
	peeps_graph_free(graph);
}

static void findings__channels_in_a_circle__are_a_certain_deadlock(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t first = graph_thread(graph, 1, "first"),
		       second = graph_thread(graph, 2, "second");
	const struct graph_channel a = graph_channel(graph, "a", 2, 2),
				   b = graph_channel(graph, "b", 4, 4);
	const struct peeps_finding *finding;

	(void)state;
	(void)graph_receiver(graph, a, second, PEEPS_HOLD_MODE_OWNER);
	(void)graph_receiver(graph, b, first, PEEPS_HOLD_MODE_OWNER);
	(void)graph_send(graph, first, a, 16 * S);
	(void)graph_send(graph, second, b, 16 * S);
	finding = assert_one(
		graph, 0, PEEPS_FINDING_DEADLOCK, true,
		"first has waited 4.0 s to send to mpsc \"a\" (2/2), whose receiver is owned by second, "
		"which waits to send to \"b\", whose receiver is owned by first: a certain deadlock");
	ASSERT_NODES(finding->nodes, finding->node_count, first, a.tx, a.rx, second, b.tx, b.rx);
	peeps_graph_free(graph);
}

static void findings__cycle_across_kinds__is_told_in_the_words_of_each(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t first = graph_thread(graph, 1, "first"),
		       second = graph_thread(graph, 2, "second"),
		       third = graph_thread(graph, 3, "third"),
		       other = graph_thread(graph, 4, "other");
	const uint32_t mutex = graph_mutex(graph, "m", NULL, 0),
		       semaphore = graph_semaphore(graph, "s", 1, 4);
	const struct graph_channel channel = graph_channel(graph, "c", 0, 0);

	(void)state;
	(void)graph_hold(graph, mutex, first, 10 * S);
	(void)graph_permits(graph, semaphore, second, 3, 10 * S);
	(void)graph_sender(graph, channel, third, PEEPS_HOLD_MODE_OWNER);
	(void)graph_sender(graph, channel, other, PEEPS_HOLD_MODE_OWNER);
	(void)graph_acquire(graph, first, semaphore, 2, 16 * S);
	(void)graph_recv(graph, second, channel, 16 * S);
	(void)graph_wait(graph, third, mutex, 16 * S);
	(void)graph_wait(graph, other, mutex, 16 * S);
	(void)assert_one(
		graph, 0, PEEPS_FINDING_DEADLOCK, true,
		"first has waited 4.0 s for 2 permits of semaphore \"s\" (1 of 4 available), 3 held for 10.0 s "
		"by second, which waits to receive from \"c\", one of whose 2 senders is owned by third, which "
		"waits for \"m\", held by first: a certain deadlock");
	peeps_graph_free(graph);
}

static void findings__one_sender_could_still_send__is_no_deadlock(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t receiver = graph_thread(graph, 1, "receiver"),
		       stuck = graph_thread(graph, 2, "stuck"),
		       free = graph_thread(graph, 3, "free");
	const uint32_t mutex = graph_mutex(graph, "m", NULL, 0);
	const struct graph_channel channel = graph_channel(graph, "c", 0, 8);

	(void)state;
	(void)graph_hold(graph, mutex, receiver, 10 * S);
	(void)graph_sender(graph, channel, stuck, PEEPS_HOLD_MODE_OWNER);
	(void)graph_sender(graph, channel, free, PEEPS_HOLD_MODE_OWNER);
	(void)graph_recv(graph, receiver, channel, 16 * S);
	(void)graph_wait(graph, stuck, mutex, 16 * S);
	graph_analyse(graph, 0);
	assert_int_equal(graph->finding_count, 0);
	peeps_graph_free(graph);
}

static void findings__owner_is_not_sure__is_only_a_possible_deadlock(void **state)
{
	static const uint32_t modes[] = { PEEPS_HOLD_MODE_CREATOR, PEEPS_HOLD_MODE_SHARED };

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct peeps_graph *graph = graph_new();
		const uint32_t first = graph_thread(graph, 1, "first"),
			       second = graph_thread(graph, 2, "second");
		const struct graph_channel a = graph_channel(graph, "a", 2, 2),
					   b = graph_channel(graph, "b", 4, 4);

		(void)graph_receiver(graph, a, second, PEEPS_HOLD_MODE_OWNER);
		(void)graph_receiver(graph, b, first, modes[i]);
		(void)graph_send(graph, first, a, 16 * S);
		(void)graph_send(graph, second, b, 16 * S);
		graph_analyse(graph, 0);
		assert_int_equal(graph->finding_count, 1);
		assert_false(graph->findings[0].certain);
		assert_non_null(strstr(graph->findings[0].sentence, "a possible deadlock"));
		peeps_graph_free(graph);
	}
}

static void findings__released_by_others__is_only_possible_and_says_why(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t thread = graph_thread(graph, 1, "t");
	const uint32_t semaphore = graph_semaphore(graph, "s", 0, 1);

	(void)state;
	(void)graph_permits(graph, semaphore, thread, 1, 10 * S);
	(void)graph_acquire(graph, thread, semaphore, 1, 16 * S);
	graph_number(graph, semaphore, "anonymous_releases", 7);
	(void)assert_one(
		graph, 0, PEEPS_FINDING_DEADLOCK, false,
		"t has waited 4.0 s for 1 permit of semaphore \"s\" (0 of 1 available, 7 released anonymously), "
		"1 held for 10.0 s by t itself: a possible deadlock");
	peeps_graph_free(graph);
}

static void findings__all_want_more_of_what_they_hold__wait_for_each_other(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t first = graph_thread(graph, 1, "first"),
		       second = graph_thread(graph, 2, "second"),
		       third = graph_thread(graph, 3, "third");
	const uint32_t semaphore = graph_semaphore(graph, "s", 0, 3);
	const struct peeps_finding *finding;

	(void)state;
	(void)graph_permits(graph, semaphore, first, 1, 10 * S);
	(void)graph_permits(graph, semaphore, second, 1, 10 * S);
	(void)graph_permits(graph, semaphore, third, 1, 10 * S);
	(void)graph_acquire(graph, first, semaphore, 1, 16 * S);
	(void)graph_acquire(graph, second, semaphore, 1, 16 * S);
	(void)graph_acquire(graph, third, semaphore, 1, 16 * S);
	finding = assert_one(
		graph, 0, PEEPS_FINDING_DEADLOCK, true,
		"first has waited 4.0 s for 1 permit of semaphore \"s\" (0 of 3 available), 1 held for 10.0 s "
		"by second (more by 2 others), which waits for 1 permit of \"s\", held by first: a certain deadlock");
	ASSERT_NODES(finding->victims, finding->victim_count, third);
	peeps_graph_free(graph);
}

static void findings__all_who_hold_permits_have_exited__is_an_orphaned_wait(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	const uint32_t dead = graph_thread(graph, 5, "dead"),
		       other = graph_thread(graph, 6, "other"),
		       early = graph_thread(graph, 7, "early"),
		       late = graph_thread(graph, 8, "late"),
		       modest = graph_thread(graph, 9, "modest");
	const uint32_t semaphore = graph_semaphore(graph, "s", 0, 3);

	(void)state;
	graph->nodes[dead].gone = graph->nodes[other].gone = true;
	(void)graph_permits(graph, semaphore, dead, 1, 10 * S);
	(void)graph_permits(graph, semaphore, other, 1, 11 * S);
	(void)graph_permits(graph, semaphore, 0, 1, 11 * S); /* worker-1, in the deadlock */
	(void)graph_acquire(graph, early, semaphore, 2, 15 * S);
	(void)graph_acquire(graph, late, semaphore, 2, 16 * S);
	(void)graph_acquire(graph, modest, semaphore, 1, 14 * S);
	graph_analyse(graph, 0);
	assert_int_equal(graph->finding_count, 2);
	assert_int_equal(graph->findings[1].kind, PEEPS_FINDING_ORPHANED_WAIT);
	assert_false(graph->findings[1].certain); /* they may have left the permits to somebody */
	assert_string_equal(
		graph->findings[1].sentence,
		"early has waited 5.0 s for 2 permits of semaphore \"s\" (0 of 3 available), held by dead "
		"(1 for 10.0 s, exited), other (1 for 9.0 s, exited) and worker-1 (1 for 9.0 s): "
		"perhaps nobody can wake it");
	assert_int_equal(graph->findings[0].victim_count, 0);
	assert_int_equal(graph->findings[1].victim_count, 1);
	ASSERT_NODES(graph->findings[1].victims, graph->findings[1].victim_count, late);
	peeps_graph_free(graph);
}

static void findings__those_who_live_have_enough__is_no_orphan(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	const uint32_t dead = graph_thread(graph, 5, "dead"),
		       waiter = graph_thread(graph, 6, "waiter");
	const uint32_t semaphore = graph_semaphore(graph, "s", 0, 3);

	(void)state;
	graph->nodes[dead].gone = true;
	(void)graph_permits(graph, semaphore, dead, 1, 10 * S);
	(void)graph_permits(graph, semaphore, 0, 1, 10 * S); /* stuck */
	(void)graph_permits(graph, semaphore, 4, 1, 10 * S); /* will give it back */
	(void)graph_acquire(graph, waiter, semaphore, 2, 15 * S);
	graph_analyse(graph, 0);
	assert_int_equal(graph->finding_count, 1);
	assert_int_equal(graph->findings[0].kind, PEEPS_FINDING_DEADLOCK);
	assert_int_equal(graph->findings[0].victim_count, 0); /* for the dead one proves nothing */
	peeps_graph_free(graph);
}

static void findings__another_of_its_waits_can_end__is_neither_victim_nor_orphan(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	const uint32_t dead = graph_thread(graph, 5, "dead"), task = graph_task(graph, "task");
	const struct graph_channel of_the_dead = graph_channel(graph, "of_the_dead", 0, 4),
				   of_the_stuck = graph_channel(graph, "of_the_stuck", 0, 4),
				   of_the_idle = graph_channel(graph, "of_the_idle", 0, 4);

	(void)state;
	graph->nodes[dead].gone = true;
	(void)graph_sender(graph, of_the_dead, dead, PEEPS_HOLD_MODE_OWNER);
	(void)graph_sender(graph, of_the_stuck, 0, PEEPS_HOLD_MODE_OWNER);
	(void)graph_sender(graph, of_the_idle, 4, PEEPS_HOLD_MODE_OWNER);
	graph->edges[graph_recv(graph, task, of_the_dead, 15 * S)].blocks = false;
	graph->edges[graph_recv(graph, task, of_the_stuck, 15 * S)].blocks = false;
	graph->edges[graph_recv(graph, task, of_the_idle, 15 * S)].blocks = false;
	graph_analyse(graph, 0);
	assert_int_equal(graph->finding_count, 1);
	assert_int_equal(graph->findings[0].kind, PEEPS_FINDING_DEADLOCK);
	assert_int_equal(graph->findings[0].victim_count, 0);
	peeps_graph_free(graph);
}

static void findings__owner_of_the_other_end_has_exited__is_an_orphaned_wait(void **state)
{
	static const struct {
		uint32_t mode;
		const char *sentence;
	} rows[] = {
		/* Whoever is left may be about to take it over. */
		{ PEEPS_HOLD_MODE_OWNER,
		  "s has waited 4.0 s to send to mpsc \"c\" (8/8), whose receiver is owned by dead, "
		  "which has exited: perhaps nobody can wake it" },
		{ PEEPS_HOLD_MODE_CREATOR,
		  "s has waited 4.0 s to send to mpsc \"c\" (8/8), whose receiver was created by dead, "
		  "which has exited: perhaps nobody can wake it" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peeps_graph *graph = graph_new();
		const uint32_t dead = graph_thread(graph, 1, "dead"),
			       sender = graph_thread(graph, 2, "s");
		const struct graph_channel channel = graph_channel(graph, "c", 8, 8);

		graph->nodes[dead].gone = true;
		(void)graph_receiver(graph, channel, dead, rows[i].mode);
		(void)graph_send(graph, sender, channel, 16 * S);
		(void)assert_one(graph, 0, PEEPS_FINDING_ORPHANED_WAIT, false, rows[i].sentence);
		peeps_graph_free(graph);
	}
}

static void findings__owners_of_all_senders_have_exited__is_an_orphaned_wait(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t dead = graph_thread(graph, 1, "dead"),
		       other = graph_thread(graph, 2, "other"),
		       receiver = graph_thread(graph, 3, "r");
	const struct graph_channel channel = graph_channel(graph, "c", 0, 8);

	(void)state;
	graph->nodes[dead].gone = true;
	(void)graph_sender(graph, channel, dead, PEEPS_HOLD_MODE_OWNER);
	(void)graph_sender(graph, channel, other, PEEPS_HOLD_MODE_OWNER);
	(void)graph_recv(graph, receiver, channel, 16 * S);
	graph_analyse(graph, 0);
	assert_int_equal(graph->finding_count, 0);
	graph->nodes[other].gone = true;
	(void)assert_one(
		graph, 0, PEEPS_FINDING_ORPHANED_WAIT, false,
		"r has waited 4.0 s to receive from mpsc \"c\" (empty), whose 2 senders are owned "
		"by dead (exited) and other (exited): perhaps nobody can wake it");
	peeps_graph_free(graph);
}

/* --- tasks ------------------------------------------------------------------------------------------------------ */

static void findings__deadlock_through_a_task__says_what_runs_where(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t thread = graph_thread(graph, 1, "loop"),
		       other = graph_thread(graph, 2, "other");
	const uint32_t outer = graph_task(graph, "outer"), inner = graph_task(graph, "inner");
	const uint32_t ours = graph_mutex(graph, "ours", NULL, 0),
		       theirs = graph_mutex(graph, "theirs", NULL, 0);
	const struct peeps_finding *finding;

	(void)state;
	graph_enter(graph, thread, outer);
	graph_enter(graph, thread, inner);
	(void)graph_hold(graph, ours, outer, 10 * S);
	(void)graph_hold(graph, theirs, other, 10 * S);
	(void)graph_wait(graph, inner, theirs, 16 * S);
	(void)graph_wait(graph, other, ours, 16 * S);
	finding = assert_one(
		graph, 0, PEEPS_FINDING_DEADLOCK, true,
		"inner (on loop) has waited 4.0 s for mutex \"theirs\", held for 10.0 s by other, which waits "
		"for \"ours\", held by outer, inside which runs inner: a certain deadlock");
	assert_int_equal(finding->step_count, 3);
	assert_string_equal(finding->steps[2], "outer goes on after inner, which is nested in it");
	ASSERT_NODES(finding->nodes, finding->node_count, inner, theirs, other, ours, outer);
	ASSERT_NODES(finding->victims, finding->victim_count, thread);
	assert_string_equal(peeps_graph_attribute(&graph->nodes[thread], "activity")->as.text,
			    "blocked");
	peeps_graph_free(graph);
}

static void findings__thread_holds_what_its_task_waits_for__is_a_deadlock_of_two(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t thread = graph_thread(graph, 1, "loop"), task = graph_task(graph, "parse");
	const uint32_t mutex = graph_mutex(graph, "m", NULL, 0);

	(void)state;
	graph_enter(graph, thread, task);
	(void)graph_hold(graph, mutex, thread, 10 * S);
	(void)graph_wait(graph, task, mutex, 16 * S);
	(void)assert_one(
		graph, 0, PEEPS_FINDING_DEADLOCK, true,
		"parse (on loop) has waited 4.0 s for mutex \"m\", held for 10.0 s by loop, "
		"which runs parse: a certain deadlock");
	peeps_graph_free(graph);
}

static void findings__holder_runs_a_task_that_sleeps__says_so(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t thread = graph_thread(graph, 1, "loop"), task = graph_task(graph, "nap");
	const uint32_t mutex = graph_mutex(graph, "m", NULL, 0);

	(void)state;
	graph_enter(graph, thread, task);
	graph_sleep(graph, task, 10000);
	(void)graph_hold(graph, mutex, thread, 10 * S);
	(void)graph_wait(graph, graph_thread(graph, 2, "w"), mutex, 16 * S);
	(void)assert_one(
		graph, 1 * S, PEEPS_FINDING_LONG_WAIT, true,
		"w has waited 4.0 s for mutex \"m\", held for 10.0 s by loop, which is sleeping in "
		"nap (wakes any moment): longer than 1.0 s");
	peeps_graph_free(graph);
}

/* --- derived attributes ----------------------------------------------------------------------------------------- */

static void assert_number(const struct peeps_graph *graph, uint32_t node, const char *name,
			  uint64_t number)
{
	const struct peeps_value *value = peeps_graph_attribute(&graph->nodes[node], name);

	assert_non_null(value);
	assert_int_equal(value->as.number, number);
}

/* A task that holds something and that no thread runs is the very mistake. */
static void findings__holder_is_a_task_put_aside__says_so(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t task = graph_task(graph, "job_1"), other = graph_task(graph, "job_2");
	const uint32_t one = graph_semaphore(graph, "disk", 0, 1),
		       two = graph_semaphore(graph, "net", 0, 2);

	(void)state;
	(void)graph_permits(graph, one, task, 1, 10 * S);
	(void)graph_permits(graph, two, task, 1, 10 * S);
	(void)graph_permits(graph, two, other, 1, 11 * S);
	(void)graph_acquire(graph, graph_thread(graph, 2, "w"), one, 1, 16 * S);
	(void)graph_acquire(graph, graph_thread(graph, 3, "v"), two, 1, 17 * S);
	graph_analyse(graph, 1 * S);
	assert_int_equal(graph->finding_count, 2);
	assert_string_equal(
		graph->findings[0].sentence,
		"w has waited 4.0 s for 1 permit of semaphore \"disk\" (0 of 1 available), 1 held for "
		"10.0 s by job_1, which is suspended (no thread runs it): longer than 1.0 s");
	assert_string_equal(
		graph->findings[1].sentence,
		"v has waited 3.0 s for 1 permit of semaphore \"net\" (0 of 2 available), held by job_1 "
		"(1 for 10.0 s, suspended) and job_2 (1 for 9.0 s, suspended): longer than 1.0 s");
	peeps_graph_free(graph);
}

static void analyse__waits_on_both_ends__are_counted_on_both(void **state)
{
	struct peeps_graph *graph = graph_new();
	const struct graph_channel full = graph_channel(graph, "full", 2, 2),
				   empty = graph_channel(graph, "empty", 0, 2);
	const uint32_t semaphore = graph_semaphore(graph, "s", 0, 2);
	size_t attributes;

	(void)state;
	graph_channel_number(graph, full, "send_waiters", 0); /* reserved */
	attributes = graph->nodes[full.tx].attribute_count;
	for (uint32_t i = 0; i < 3; i++)
		(void)graph_send(graph, graph_thread(graph, i + 1, "s"), full, S);
	(void)graph_recv(graph, graph_thread(graph, 9, "r"), empty, S);
	for (uint32_t i = 0; i < 2; i++)
		(void)graph_acquire(graph, graph_thread(graph, 20 + i, "a"), semaphore, 1, S);
	graph->edges[graph_send(graph, graph_thread(graph, 30, "done"), full, S)].state =
		PEEPS_STATE_DONE;
	graph_analyse(graph, 0);
	assert_number(graph, full.tx, "send_waiters", 3);
	assert_number(graph, full.rx, "send_waiters", 3);
	assert_number(graph, full.tx, "recv_waiters", 0);
	assert_int_equal(graph->nodes[full.tx].attribute_count, attributes + 1);
	assert_number(graph, empty.tx, "recv_waiters", 1);
	assert_number(graph, empty.rx, "recv_waiters", 1);
	assert_number(graph, empty.rx, "send_waiters", 0);
	assert_number(graph, semaphore, "waiters", 2);
	peeps_graph_free(graph);
}

static void assert_activity(const struct peeps_graph *graph, uint32_t node, const char *activity)
{
	assert_string_equal(peeps_graph_attribute(&graph->nodes[node], "activity")->as.text,
			    activity);
}

static void analyse__tasks__are_blocked_with_those_they_run_inside_of(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	const uint32_t outer = graph_task(graph, "outer"), inner = graph_task(graph, "inner");
	const uint32_t polled = graph_task(graph, "polled"), idle = graph_task(graph, "idle");
	const uint32_t sleeper = graph_thread(graph, 9, "sleeper");

	(void)state;
	graph_enter(graph, 4, outer);
	graph_enter(graph, 4, inner);
	graph_sleep(graph, sleeper, 30000);
	(void)graph_wait(graph, inner, 2, 16 * S);
	(void)graph_wait(graph, polled, 2, 16 * S);
	graph_analyse(graph, 0);
	assert_activity(graph, inner, "blocked");
	assert_activity(graph, outer, "blocked");
	assert_activity(graph, 4, "blocked");
	assert_activity(graph, polled, "blocked");
	assert_activity(graph, idle, "suspended");
	assert_activity(graph, sleeper, "sleeping");
	peeps_graph_free(graph);
}

static void analyse__waits_and_holds__become_waiters_and_activity(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	uint32_t finished;

	(void)state;
	graph_attribute(graph, 3, "waiters", (struct peeps_value){ .type = PEEPS_VALUE_NULL });
	(void)graph_mutex(graph, "free", NULL, 0);
	(void)graph_wait(graph, graph_thread(graph, 4720, "more"), 2, 9 * S);
	finished = graph_wait(graph, 4, 2, 9 * S);
	graph->edges[finished].state = PEEPS_STATE_DONE;
	graph_analyse(graph, 0);
	assert_int_equal(peeps_graph_attribute(&graph->nodes[2], "waiters")->as.number, 2);
	assert_int_equal(peeps_graph_attribute(&graph->nodes[3], "waiters")->as.number, 1);
	assert_int_equal(peeps_graph_attribute(&graph->nodes[5], "waiters")->as.number, 0);
	assert_null(peeps_graph_attribute(&graph->nodes[0], "waiters"));
	assert_string_equal(peeps_graph_attribute(&graph->nodes[0], "activity")->as.text,
			    "blocked");
	assert_string_equal(peeps_graph_attribute(&graph->nodes[4], "activity")->as.text,
			    "running");
	peeps_graph_free(graph);
}

static void findings__circle_through_two_processes__says_whose_everything_is(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	const uint32_t bank = graph_process(graph, "bank", 4800);

	(void)state;
	graph->nodes[1].process = bank; /* worker-2 */
	graph->nodes[3].process = bank; /* ledger */
	graph_analyse(graph, 0);
	assert_int_equal(graph->finding_count, 1);
	assert_string_equal(
		graph->findings[0].sentence,
		"orders-4711/worker-1 has waited 12.3 s for mutex \"ledger\" (bank-4800, bank.c:43), held for "
		"12.5 s by bank-4800/worker-2, which waits for \"accounts\" (orders-4711), held by "
		"orders-4711/worker-1: a certain deadlock");
	peeps_graph_free(graph);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(findings__circle_through_two_processes__says_whose_everything_is),
		cmocka_unit_test(
			findings__opposite_lock_order__is_a_certain_deadlock_told_step_by_step),
		cmocka_unit_test(findings__actors_wait_behind_a_deadlock__are_its_victims),
		cmocka_unit_test(findings__thread_waits_for_itself__is_a_cycle_of_one),
		cmocka_unit_test(
			findings__holder_has_exited__is_one_orphaned_wait_of_whom_waited_longest),
		cmocka_unit_test(findings__two_knots__are_two_deadlocks_by_their_smallest_id),
		cmocka_unit_test(findings__one_of_a_knot_waits_for_another_knot__are_still_two),
		cmocka_unit_test(
			findings__knot_with_a_long_way_round__is_shown_by_a_shortest_cycle),
		cmocka_unit_test(findings__cycle_of_many__is_told_shortly_but_shown_whole),
		cmocka_unit_test(
			findings__a_fact_is_uncertain__is_possible_and_comes_after_the_certain),
		cmocka_unit_test(
			findings__waits_perhaps_behind_a_certain_deadlock__is_still_told_as_a_long_wait),
		cmocka_unit_test(findings__max_wait__finds_what_is_older_but_only_then),
		cmocka_unit_test(findings__names_are_not_unique__threads_are_told_apart_by_tid),
		cmocka_unit_test(findings__long_waits_anew__leave_the_others_as_they_were_made),
		cmocka_unit_test(
			findings__sender_waits_for_a_sleeping_receiver__is_a_long_wait_that_says_so),
		cmocka_unit_test(findings__waits_for_a_permit__says_who_holds_it),
		cmocka_unit_test(findings__receiver_of_an_empty_channel__says_whose_the_sender_is),
		cmocka_unit_test(findings__many_could_end_it__three_are_named),
		cmocka_unit_test(findings__all_senders_are_of_one__he_is_named_once),
		cmocka_unit_test(findings__channels_in_a_circle__are_a_certain_deadlock),
		cmocka_unit_test(findings__cycle_across_kinds__is_told_in_the_words_of_each),
		cmocka_unit_test(findings__one_sender_could_still_send__is_no_deadlock),
		cmocka_unit_test(findings__owner_is_not_sure__is_only_a_possible_deadlock),
		cmocka_unit_test(findings__released_by_others__is_only_possible_and_says_why),
		cmocka_unit_test(findings__all_want_more_of_what_they_hold__wait_for_each_other),
		cmocka_unit_test(findings__all_who_hold_permits_have_exited__is_an_orphaned_wait),
		cmocka_unit_test(findings__those_who_live_have_enough__is_no_orphan),
		cmocka_unit_test(
			findings__another_of_its_waits_can_end__is_neither_victim_nor_orphan),
		cmocka_unit_test(findings__owner_of_the_other_end_has_exited__is_an_orphaned_wait),
		cmocka_unit_test(findings__owners_of_all_senders_have_exited__is_an_orphaned_wait),
		cmocka_unit_test(findings__deadlock_through_a_task__says_what_runs_where),
		cmocka_unit_test(
			findings__thread_holds_what_its_task_waits_for__is_a_deadlock_of_two),
		cmocka_unit_test(findings__holder_runs_a_task_that_sleeps__says_so),
		cmocka_unit_test(findings__holder_is_a_task_put_aside__says_so),
		cmocka_unit_test(analyse__waits_on_both_ends__are_counted_on_both),
		cmocka_unit_test(analyse__tasks__are_blocked_with_those_they_run_inside_of),
		cmocka_unit_test(analyse__waits_and_holds__become_waiters_and_activity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
