/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "reader/arena.h"
#include "reader/reduce.h"
#include "tests/reader/graph_builder.h"

static void reduce(struct peeps_wakers *wakers, struct peeps_reduction *reduction,
		   const struct peeps_graph *graph, enum peeps_belief belief)
{
	assert_int_equal(peeps_wakers_init(wakers, graph), 0);
	assert_int_equal(peeps_reduce(reduction, wakers, belief), 0);
}

static void forget(struct peeps_wakers *wakers, struct peeps_reduction *reduction)
{
	peeps_reduction_deinit(reduction);
	peeps_wakers_deinit(wakers);
}

static void assert_stuck(const struct peeps_graph *graph, enum peeps_belief belief, uint32_t node,
			 bool stuck)
{
	struct peeps_wakers wakers;
	struct peeps_reduction reduction;

	reduce(&wakers, &reduction, graph, belief);
	assert_int_equal(reduction.stuck[node], stuck);
	forget(&wakers, &reduction);
}

static size_t stuck_count(const struct peeps_graph *graph, enum peeps_belief belief)
{
	struct peeps_wakers wakers;
	struct peeps_reduction reduction;
	size_t count;

	reduce(&wakers, &reduction, graph, belief);
	count = reduction.stuck_count;
	forget(&wakers, &reduction);
	return count;
}

static void reduce__opposite_lock_order__both_are_stuck_and_the_idle_one_is_not(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();

	(void)state;
	assert_stuck(graph, PEEPS_BELIEVE_PROVED, 0, true);
	assert_stuck(graph, PEEPS_BELIEVE_PROVED, 1, true);
	assert_stuck(graph, PEEPS_BELIEVE_PROVED, 4, false);
	peeps_graph_free(graph);
}

static void reduce__robust_mutex_of_a_dead_holder__goes_to_who_waits(void **state)
{
	const struct peeps_value yes = { .type = PEEPS_VALUE_BOOL, .as = { .boolean = true } };
	struct peeps_graph *graph = graph_new();
	const uint32_t dead = graph_thread(graph, 1, "dead");
	const uint32_t waiter = graph_thread(graph, 2, "waiter");
	const uint32_t mutex = graph_mutex(graph, "m", NULL, 0);

	(void)state;
	graph->nodes[dead].gone = true;
	(void)graph_hold(graph, mutex, dead, S);
	(void)graph_wait(graph, waiter, mutex, 2 * S);
	assert_stuck(graph, PEEPS_BELIEVE_PROVED, waiter, true);
	graph_attribute(graph, mutex, "robust", yes);
	assert_stuck(graph, PEEPS_BELIEVE_PROVED, waiter, false);
	peeps_graph_free(graph);
}

static void reduce__chain_behind_one_who_runs__nobody_is_stuck(void **state)
{
	struct peeps_graph *graph = graph_new();
	uint32_t before = graph_thread(graph, 1, "runner");

	(void)state;
	for (uint32_t i = 2; i < 10; i++) {
		const uint32_t mutex = graph_mutex(graph, "m", NULL, 0);
		const uint32_t thread = graph_thread(graph, i, "t");

		(void)graph_hold(graph, mutex, before, S);
		(void)graph_wait(graph, thread, mutex, 2 * S);
		before = thread;
	}
	assert_int_equal(stuck_count(graph, PEEPS_BELIEVE_ALL), 0);
	peeps_graph_free(graph);
}

static void reduce__holder_sleeps__can_progress(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t sleeper = graph_thread(graph, 1, "sleeper"),
		       waiter = graph_thread(graph, 2, "waiter");
	const uint32_t mutex = graph_mutex(graph, "m", NULL, 0);

	(void)state;
	graph->nodes[sleeper].asleep = true;
	(void)graph_hold(graph, mutex, sleeper, S);
	(void)graph_wait(graph, waiter, mutex, 2 * S);
	assert_int_equal(stuck_count(graph, PEEPS_BELIEVE_ALL), 0);
	peeps_graph_free(graph);
}

static void reduce__mutex_without_holder__wait_is_in_transit(void **state)
{
	struct peeps_graph *graph = graph_new();

	(void)state;
	(void)graph_wait(graph, graph_thread(graph, 1, "w"), graph_mutex(graph, "m", NULL, 0), S);
	assert_int_equal(stuck_count(graph, PEEPS_BELIEVE_ALL), 0);
	peeps_graph_free(graph);
}

static void reduce__holder_has_exited__waiter_is_stuck(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t gone = graph_thread(graph, 1, "gone"),
		       waiter = graph_thread(graph, 2, "waiter");
	const uint32_t mutex = graph_mutex(graph, "m", NULL, 0);

	(void)state;
	graph->nodes[gone].gone = true;
	(void)graph_hold(graph, mutex, gone, S);
	(void)graph_wait(graph, waiter, mutex, 2 * S);
	assert_stuck(graph, PEEPS_BELIEVE_PROVED, waiter, true);
	assert_int_equal(stuck_count(graph, PEEPS_BELIEVE_PROVED), 1);
	peeps_graph_free(graph);
}

static void reduce__exited_thread_left_a_pending_edge__is_no_wait(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();

	(void)state;
	graph->nodes[0].gone = true; /* holds accounts for ever, but waits for nothing */
	assert_int_equal(stuck_count(graph, PEEPS_BELIEVE_PROVED), 1);
	assert_stuck(graph, PEEPS_BELIEVE_PROVED, 1, true);
	peeps_graph_free(graph);
}

static void reduce__waits_for_a_mutex_it_holds__is_stuck_only_if_the_mutex_is_normal(void **state)
{
	static const struct {
		const char *type;
		bool stuck;
	} rows[] = { { "normal", true }, { "recursive", false }, { "errorcheck", false } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peeps_graph *graph = graph_new();
		const uint32_t thread = graph_thread(graph, 1, "t"),
			       mutex = graph_mutex(graph, "m", NULL, 0);

		graph_attribute(
			graph, mutex, "mutex_type",
			(struct peeps_value){ .type = PEEPS_VALUE_TEXT, .as.text = rows[i].type });
		(void)graph_hold(graph, mutex, thread, S);
		(void)graph_wait(graph, thread, mutex, 2 * S);
		print_message("# %s\n", rows[i].type);
		assert_stuck(graph, PEEPS_BELIEVE_PROVED, thread, rows[i].stuck);
		peeps_graph_free(graph);
	}
}

static void reduce__wait_that_times_out__is_not_stuck(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	struct peeps_attribute until = { .name = PEEPS_DETAIL_UNTIL };
	struct peeps_edge *wait = &graph->edges[2];

	(void)state;
	wait->detail_count = 1;
	wait->details = &until; /* null: it does not time out */
	assert_int_equal(stuck_count(graph, PEEPS_BELIEVE_PROVED), 2);
	until.value = (struct peeps_value){ .type = PEEPS_VALUE_UNSIGNED, .as.number = 30000 };
	assert_int_equal(stuck_count(graph, PEEPS_BELIEVE_PROVED), 0);
	peeps_graph_free(graph);
}

static void reduce__operation_without_a_rule__depends_on_something_outside(void **state)
{
	static const uint32_t ops[] = { PEEPS_OP_RPC_WAIT, PEEPS_OP_NONE, 200 };
	struct peeps_graph *graph = graph_deadlocked();

	(void)state;
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		graph->edges[2].op = ops[i];
		assert_int_equal(stuck_count(graph, PEEPS_BELIEVE_ALL), 0);
	}
	peeps_graph_free(graph);
}

static void reduce__one_of_two_locks_is_stuck__so_is_the_actor(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();

	(void)state;
	/* A signal handler of worker-1 waits for a mutex that the idle thread holds: that ends, the other wait does not. */
	const uint32_t other = graph_mutex(graph, "other", NULL, 0);

	(void)graph_hold(graph, other, 4, S);
	(void)graph_wait(graph, 0, other, 19 * S);
	assert_stuck(graph, PEEPS_BELIEVE_PROVED, 0, true);
	assert_int_equal(stuck_count(graph, PEEPS_BELIEVE_PROVED), 2);
	peeps_graph_free(graph);
}

static void reduce__several_holders__all_must_let_go(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	const uint32_t shared = graph_mutex(graph, "shared", NULL, 0);
	const uint32_t waiter = graph_thread(graph, 9, "waiter");

	(void)state;
	(void)graph_hold(graph, shared, 4, S); /* the idle one */
	(void)graph_wait(graph, waiter, shared, 2 * S);
	assert_stuck(graph, PEEPS_BELIEVE_PROVED, waiter, false);
	(void)graph_hold(graph, shared, 0, S); /* one of the deadlocked */
	assert_stuck(graph, PEEPS_BELIEVE_PROVED, waiter, true);
	peeps_graph_free(graph);
}

static void reduce__a_fact_is_uncertain__stuck_only_if_all_is_believed(void **state)
{
	(void)state;
	for (int fact = 0; fact < 8; fact++) {
		struct peeps_graph *graph = graph_deadlocked();

		if (fact < 4)
			graph->edges[fact].uncertain = true;
		else
			graph->nodes[fact - 4].uncertain = true;
		assert_int_equal(stuck_count(graph, PEEPS_BELIEVE_PROVED), 0);
		assert_int_equal(stuck_count(graph, PEEPS_BELIEVE_ALL), 2);
		peeps_graph_free(graph);
	}
}

/* The definition, as slow as it reads. */
static void reduce_naively(const struct peeps_graph *graph, bool *stuck)
{
	bool changed = true;

	for (size_t i = 0; i < graph->node_count; i++)
		stuck[i] = true;
	while (changed) {
		changed = false;
		for (uint32_t actor = 0; actor < graph->node_count; actor++) {
			bool can = !graph->nodes[actor].gone;

			for (size_t w = 0; w < graph->edge_count; w++) {
				const struct peeps_edge *wait = &graph->edges[w];

				if (wait->kind != PEEPS_EDGE_NEEDS || wait->src != actor)
					continue;
				for (size_t h = 0; h < graph->edge_count; h++) {
					const struct peeps_edge *hold = &graph->edges[h];

					if (hold->kind == PEEPS_EDGE_HOLDS &&
					    hold->src == wait->dst && stuck[hold->dst])
						can = false;
				}
			}
			if (can && stuck[actor]) {
				stuck[actor] = false;
				changed = true;
			}
		}
	}
}

static void reduce__random_graphs__agree_with_the_definition(void **state)
{
	const char *given = getenv("PEEPS_SEED");
	const unsigned int first_seed =
		given ? (unsigned int)strtoul(given, NULL, 10) : (unsigned int)time(NULL);

	(void)state;
	print_message("# PEEPS_SEED=%u\n", first_seed);
	for (unsigned int round = 0; round < 2000; round++) {
		unsigned int seed = first_seed + round;
		struct peeps_graph *graph = graph_new();
		const uint32_t threads = 1 + (uint32_t)rand_r(&seed) % 12,
			       mutexes = 1 + (uint32_t)rand_r(&seed) % 12;
		struct peeps_wakers wakers;
		struct peeps_reduction reduction;
		bool stuck[32];

		for (uint32_t i = 0; i < threads; i++) {
			(void)graph_thread(graph, i + 1, "t");
			graph->nodes[i].gone = rand_r(&seed) % 20 == 0;
		}
		for (uint32_t i = 0; i < mutexes; i++) {
			(void)graph_mutex(graph, "m", NULL, 0);
			for (int holders = rand_r(&seed) % 10; holders > 3; holders -= 3)
				(void)graph_hold(graph, threads + i,
						 (uint32_t)rand_r(&seed) % threads, S);
		}
		for (uint32_t i = 0; i < threads; i++) {
			for (int waits = rand_r(&seed) % 8; waits > 1; waits -= 3)
				(void)graph_wait(graph, i,
						 threads + (uint32_t)rand_r(&seed) % mutexes, S);
		}
		reduce_naively(graph, stuck);
		reduce(&wakers, &reduction, graph, PEEPS_BELIEVE_PROVED);
		for (uint32_t i = 0; i < threads; i++) {
			if (reduction.stuck[i] != stuck[i])
				fail_msg("thread %u of seed %u", i, first_seed + round);
		}
		forget(&wakers, &reduction);
		peeps_graph_free(graph);
	}
}

static void reduce__half_a_million_in_a_circle__takes_no_stack(void **state)
{
	const uint32_t count = 500000;
	struct peeps_graph *graph = graph_new();

	(void)state;
	for (uint32_t i = 0; i < count; i++)
		(void)graph_thread(graph, i + 1, "t");
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t mutex = graph_mutex(graph, "m", NULL, 0);

		(void)graph_hold(graph, mutex, i, S);
		(void)graph_wait(graph, (i + 1) % count, mutex, 2 * S);
	}
	assert_int_equal(stuck_count(graph, PEEPS_BELIEVE_PROVED), count);
	graph_analyse(graph, 0);
	assert_int_equal(graph->finding_count, 1);
	assert_int_equal(graph->findings[0].step_count, count);
	peeps_graph_free(graph);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			reduce__opposite_lock_order__both_are_stuck_and_the_idle_one_is_not),
		cmocka_unit_test(reduce__robust_mutex_of_a_dead_holder__goes_to_who_waits),
		cmocka_unit_test(reduce__chain_behind_one_who_runs__nobody_is_stuck),
		cmocka_unit_test(reduce__holder_sleeps__can_progress),
		cmocka_unit_test(reduce__mutex_without_holder__wait_is_in_transit),
		cmocka_unit_test(reduce__holder_has_exited__waiter_is_stuck),
		cmocka_unit_test(reduce__exited_thread_left_a_pending_edge__is_no_wait),
		cmocka_unit_test(
			reduce__waits_for_a_mutex_it_holds__is_stuck_only_if_the_mutex_is_normal),
		cmocka_unit_test(reduce__wait_that_times_out__is_not_stuck),
		cmocka_unit_test(reduce__operation_without_a_rule__depends_on_something_outside),
		cmocka_unit_test(reduce__one_of_two_locks_is_stuck__so_is_the_actor),
		cmocka_unit_test(reduce__several_holders__all_must_let_go),
		cmocka_unit_test(reduce__a_fact_is_uncertain__stuck_only_if_all_is_believed),
		cmocka_unit_test(reduce__random_graphs__agree_with_the_definition),
		cmocka_unit_test(reduce__half_a_million_in_a_circle__takes_no_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
