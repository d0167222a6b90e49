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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
		cmocka_unit_test(analyse__waits_and_holds__become_waiters_and_activity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
