/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "reader/analysis/difference.h"
#include "reader/analysis/movement.h"
#include "reader/graph/arena.h"
#include "tests/reader/graph_builder.h"

/* Of graph_deadlocked(): nodes and edges. */
enum { WORKER_1, WORKER_2, ACCOUNTS, LEDGER, IDLE };
enum { HOLD_ACCOUNTS, HOLD_LEDGER, WAIT_LEDGER, WAIT_ACCOUNTS };

struct two {
	struct peeps_graph *before, *after;
	struct peeps_difference difference;
};

static struct peeps_graph *numbered(void)
{
	struct peeps_graph *graph = graph_deadlocked();

	for (uint32_t i = 0; i < graph->edge_count; i++) {
		graph->edges[i].slot = i;
		graph->edges[i].wait_sequence = 10 + i;
	}
	return graph;
}

/* The same 4 s later, in which nothing happened unless the test says so. */
static int make_two(void **state)
{
	struct two *two = calloc(1, sizeof(*two));

	if (!two)
		return -1;
	two->before = numbered();
	two->after = numbered();
	two->after->processes[0].ptime_now_ns += 4 * S;
	two->after->taken_at_unix_ns += 4 * S;
	*state = two;
	return 0;
}

static int free_two(void **state)
{
	struct two *two = *state;

	peeps_difference_deinit(&two->difference);
	peeps_graph_free(two->before);
	peeps_graph_free(two->after);
	free(two);
	return 0;
}

static struct peeps_wait_tally compare(struct two *two)
{
	assert_int_equal(peeps_difference_init(&two->difference, two->before, two->after), 0);
	return peeps_difference_tally(&two->difference, 0);
}

static void assert_tally(struct peeps_wait_tally tally, size_t same, size_t unproved, size_t begun,
			 size_t ended)
{
	assert_int_equal(tally.same, same);
	assert_int_equal(tally.unproved, unproved);
	assert_int_equal(tally.begun, begun);
	assert_int_equal(tally.ended, ended);
}

static void difference__nothing_happened__all_is_the_same(void **state)
{
	struct two *two = *state;
	const struct peeps_wait_tally tally = compare(two);

	assert_tally(tally, 2, 0, 0, 0);
	assert_int_equal(tally.longest_ns, (24 * S) - (7580 * MS));
	assert_int_equal(two->difference.elapsed_ns, 4 * S);
	for (uint32_t i = 0; i < two->after->node_count; i++)
		assert_int_equal(two->difference.nodes.before[i], i);
	for (uint32_t i = 0; i < two->after->edge_count; i++) {
		assert_int_equal(two->difference.edges.before[i], i);
		assert_int_equal(two->difference.edges.after[i], i);
	}
}

static void difference__min__counts_only_what_waits_so_long(void **state)
{
	struct two *two = *state;

	(void)compare(two);
	assert_tally(peeps_difference_tally(&two->difference, 16400 * MS), 1, 0, 0, 0);
	assert_tally(peeps_difference_tally(&two->difference, 17 * S), 0, 0, 0, 0);
}

static void difference__other_sequence__is_a_new_wait_that_looks_alike(void **state)
{
	struct two *two = *state;

	two->after->edges[WAIT_LEDGER].wait_sequence++;
	assert_tally(compare(two), 1, 0, 1, 1);
	assert_int_equal(two->difference.edges.before[WAIT_LEDGER], PEEPS_NOT_THERE);
	assert_int_equal(two->difference.edges.after[WAIT_LEDGER], PEEPS_NOT_THERE);
}

static void difference__sequence_came_round__began_at_another_time(void **state)
{
	struct two *two = *state;

	two->after->edges[WAIT_LEDGER].pending_since_ns = 21 * S;
	assert_tally(compare(two), 1, 0, 1, 1);
}

static void difference__slot_is_used_for_another_resource__is_a_new_wait(void **state)
{
	struct two *two = *state;

	two->after->edges[WAIT_LEDGER].dst = ACCOUNTS;
	assert_tally(compare(two), 1, 0, 1, 1);
}

static void difference__other_operation__is_a_new_wait(void **state)
{
	struct two *two = *state;

	two->after->edges[WAIT_LEDGER].op_kind = "lock of another kind";
	assert_tally(compare(two), 1, 0, 1, 1);
}

static void difference__thread_with_an_old_tid__is_another_thread(void **state)
{
	struct two *two = *state;

	two->after->nodes[WORKER_1].created_ns = 22 * S;
	assert_tally(compare(two), 1, 0, 1, 1);
	assert_int_equal(two->difference.nodes.before[WORKER_1], PEEPS_NOT_THERE);
	assert_int_equal(two->difference.nodes.before[WORKER_2], WORKER_2);
}

static void difference__positions_differ__ids_count(void **state)
{
	struct two *two = *state;
	const struct peeps_node node = two->after->nodes[ACCOUNTS];

	two->after->nodes[ACCOUNTS] = two->after->nodes[LEDGER];
	two->after->nodes[LEDGER] = node;
	two->after->edges[WAIT_LEDGER].dst = ACCOUNTS;
	two->after->edges[WAIT_ACCOUNTS].dst = LEDGER;
	assert_tally(compare(two), 2, 0, 0, 0);
	assert_int_equal(two->difference.nodes.before[LEDGER], ACCOUNTS);
	assert_int_equal(two->difference.nodes.after[LEDGER], ACCOUNTS);
}

static void difference__restarted__is_another_process(void **state)
{
	struct two *two = *state;

	two->after->processes[0].start_time_ticks++;
	assert_tally(compare(two), 0, 0, 0, 0); /* nothing of it is compared */
	assert_int_equal(two->difference.processes.before[0], PEEPS_NOT_THERE);
	assert_int_equal(two->difference.nodes.before[WORKER_1], PEEPS_NOT_THERE);
	assert_int_equal(two->difference.elapsed_ns, PEEPS_NO_TIME);
}

static void difference__uncertain_in_either__is_not_said_to_be_the_same(void **state)
{
	struct two *two = *state;

	two->before->quality = PEEPS_QUALITY_PARTIAL;
	two->before->edges[WAIT_LEDGER].uncertain = true;
	two->after->edges[WAIT_ACCOUNTS].uncertain = true;
	assert_tally(compare(two), 0, 2, 0, 0);
	assert_false(peeps_difference_proves_after(&two->difference, WAIT_LEDGER));
	assert_false(peeps_difference_proves_after(&two->difference, WAIT_ACCOUNTS));
	assert_true(peeps_difference_proves_after(&two->difference, HOLD_LEDGER));
}

static void difference__new_after_a_partial_snapshot__only_its_begin_proves_it(void **state)
{
	struct two *two = *state;

	two->before->quality = PEEPS_QUALITY_PASSIVE;
	two->after->edges[WAIT_LEDGER].wait_sequence++;
	two->after->edges[WAIT_ACCOUNTS].wait_sequence++;
	two->after->edges[WAIT_ACCOUNTS].pending_since_ns = 20 * S + 1;
	assert_tally(compare(two), 0, 0, 2, 2);
	assert_false(peeps_difference_proves_after(&two->difference, WAIT_LEDGER));
	assert_true(peeps_difference_proves_after(&two->difference, WAIT_ACCOUNTS));
	assert_true(peeps_difference_proves_ended(&two->difference, WAIT_LEDGER));
}

static void difference__ended_before_a_partial_snapshot__is_not_proved(void **state)
{
	struct two *two = *state;

	two->after->quality = PEEPS_QUALITY_PARTIAL;
	two->after->edges[WAIT_LEDGER].state = PEEPS_STATE_DONE;
	assert_tally(compare(two), 1, 0, 0, 1);
	assert_false(peeps_difference_proves_ended(&two->difference, WAIT_LEDGER));
}

static void difference__edges_of_one_key__are_matched_once_each(void **state)
{
	struct two *two = *state;

	for (int i = 0; i < 3; i++) {
		const uint32_t then = graph_wait(two->before, IDLE, LEDGER, 9 * S);

		two->before->edges[then].slot = two->before->edges[then].wait_sequence = 77;
	}
	for (int i = 0; i < 2; i++) {
		const uint32_t now = graph_wait(two->after, IDLE, LEDGER, 9 * S);

		two->after->edges[now].slot = two->after->edges[now].wait_sequence = 77;
	}
	assert_tally(compare(two), 4, 0, 0, 1);
	assert_int_equal(two->difference.edges.before[4], 4);
	assert_int_equal(two->difference.edges.before[5], 5);
	assert_int_equal(two->difference.edges.after[6], PEEPS_NOT_THERE);
}

static void difference__hold_was_let_go_and_taken__is_another_hold(void **state)
{
	struct two *two = *state;

	two->after->edges[HOLD_LEDGER].wait_sequence++; /* acquires, of a mutex */
	(void)compare(two);
	assert_int_equal(two->difference.edges.before[HOLD_LEDGER], PEEPS_NOT_THERE);
	assert_int_equal(two->difference.edges.before[HOLD_ACCOUNTS], HOLD_ACCOUNTS);
}

static void difference__deadlock_persists__is_the_same_finding(void **state)
{
	struct two *two = *state;

	graph_analyse(two->before, 0);
	graph_analyse(two->after, 0);
	(void)compare(two);
	assert_int_equal(two->after->finding_count, 1);
	assert_int_equal(two->difference.findings.before[0], 0);
	assert_int_equal(two->difference.findings.after[0], 0);
}

static void difference__deadlock_again__is_another_finding(void **state)
{
	struct two *two = *state;

	graph_analyse(two->before, 0);
	graph_analyse(two->after, 0);
	two->after->edges[WAIT_LEDGER].wait_sequence++;
	two->after->edges[WAIT_ACCOUNTS].wait_sequence++;
	(void)compare(two);
	assert_int_equal(two->difference.findings.before[0], PEEPS_NOT_THERE);
	assert_int_equal(two->difference.findings.after[0], PEEPS_NOT_THERE);
}

static void difference__loss_rose__by_so_much(void **state)
{
	struct two *two = *state;

	graph_lost(two->before, "dropped_edges", 5);
	graph_lost(two->after, "dropped_edges", 12);
	(void)compare(two);
	assert_int_equal(
		peeps_difference_lost(&two->difference, 0, &two->after->processes[0].counters[0]),
		7);
}

/* --- what moved ------------------------------------------------------------------------------------------------- */

static void movement__counters__are_summed_up_by_kind_with_the_busiest(void **state)
{
	struct two *two = *state;
	struct peeps_movement *movement;
	const struct peeps_moved_counter *acquires;

	graph_number(two->before, ACCOUNTS, "acquires", 10);
	graph_number(two->before, LEDGER, "acquires", 10);
	graph_number(two->after, ACCOUNTS, "acquires", 14);
	graph_number(two->after, LEDGER, "acquires", 1210);
	(void)compare(two);
	movement = peeps_movement_new(&two->difference);
	assert_non_null(movement);
	acquires = peeps_movement_of(movement, "mutex", "acquires");
	assert_non_null(acquires);
	assert_int_equal(acquires->count, 2);
	assert_int_equal(acquires->moved, 2);
	assert_int_equal(acquires->rose, 1204);
	assert_int_equal(acquires->fell, 0);
	assert_int_equal(acquires->elapsed_ns, 4 * S);
	assert_int_equal(acquires->busy[0].node, LEDGER);
	assert_int_equal(acquires->busy[0].by, 1200);
	assert_int_equal(acquires->busy[1].node, ACCOUNTS);
	assert_null(peeps_movement_of(movement, "thread", "acquires"));
	free(movement);
}

static void movement__ages_and_other_words_for_the_same__are_no_movement(void **state)
{
	static const char *const names[] = { "age_ns", "elapsed_ns", "held_since_ptime_ms",
					     "utilization" };
	struct two *two = *state;
	struct peeps_movement *movement;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		graph_number(two->before, LEDGER, names[i], 1);
		graph_number(two->after, LEDGER, names[i], 2);
	}
	(void)compare(two);
	movement = peeps_movement_new(&two->difference);
	assert_non_null(movement);
	assert_int_equal(movement->counter_count, 0);
	assert_int_equal(movement->states, 0);
	free(movement);
}

static void movement__states__are_counted_apart(void **state)
{
	struct two *two = *state;
	struct peeps_movement *movement;

	graph_bool(two->before, LEDGER, "closed", false);
	graph_bool(two->after, LEDGER, "closed", true);
	graph_number(two->after, LEDGER, "version", 3); /* it had none */
	(void)compare(two);
	movement = peeps_movement_new(&two->difference);
	assert_non_null(movement);
	assert_int_equal(movement->counter_count, 0);
	assert_int_equal(movement->states, 2);
	free(movement);
}

/* As only a hostile file has it: in linear time, and of each name the first. */
static void movement__more_attributes_than_are_compared_in_turn__are_found_by_name(void **state)
{
	enum { MANY = 300 };
	struct two *two = *state;
	struct peeps_movement *movement;

	for (uint64_t i = 0; i < MANY; i++) {
		char *before = peeps_arena_format(two->before->arena, "number-%d", (int)i);
		char *after =
			peeps_arena_format(two->after->arena, "number-%d", (int)(MANY - 1 - i));

		graph_number(two->before, LEDGER, before, i);
		graph_number(two->after, LEDGER, after, MANY - 1 - i + (i == 7));
	}
	(void)compare(two);
	movement = peeps_movement_new(&two->difference);
	assert_non_null(movement);
	assert_int_equal(movement->counter_count, 1);
	assert_string_equal(movement->counters[0].name, "number-292");
	assert_int_equal(movement->states, 0);
	free(movement);
}

static void movement__a_number_that_fell__is_no_rise(void **state)
{
	struct two *two = *state;
	struct peeps_movement *movement;

	graph_number(two->before, LEDGER, "queue_len", 16);
	graph_number(two->after, LEDGER, "queue_len", 3);
	(void)compare(two);
	movement = peeps_movement_new(&two->difference);
	assert_non_null(movement);
	assert_int_equal(movement->counters[0].rose, 0);
	assert_int_equal(movement->counters[0].fell, 13);
	assert_true(movement->counters[0].busy[0].fell);
	free(movement);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_two, free_two)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(difference__nothing_happened__all_is_the_same),
		TEST(difference__min__counts_only_what_waits_so_long),
		TEST(difference__other_sequence__is_a_new_wait_that_looks_alike),
		TEST(difference__sequence_came_round__began_at_another_time),
		TEST(difference__slot_is_used_for_another_resource__is_a_new_wait),
		TEST(difference__other_operation__is_a_new_wait),
		TEST(difference__thread_with_an_old_tid__is_another_thread),
		TEST(difference__positions_differ__ids_count),
		TEST(difference__restarted__is_another_process),
		TEST(difference__uncertain_in_either__is_not_said_to_be_the_same),
		TEST(difference__new_after_a_partial_snapshot__only_its_begin_proves_it),
		TEST(difference__ended_before_a_partial_snapshot__is_not_proved),
		TEST(difference__edges_of_one_key__are_matched_once_each),
		TEST(difference__hold_was_let_go_and_taken__is_another_hold),
		TEST(difference__deadlock_persists__is_the_same_finding),
		TEST(difference__deadlock_again__is_another_finding),
		TEST(difference__loss_rose__by_so_much),
		TEST(movement__counters__are_summed_up_by_kind_with_the_busiest),
		TEST(movement__ages_and_other_words_for_the_same__are_no_movement),
		TEST(movement__states__are_counted_apart),
		TEST(movement__more_attributes_than_are_compared_in_turn__are_found_by_name),
		TEST(movement__a_number_that_fell__is_no_rise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
