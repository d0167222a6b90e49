/* SPDX-License-Identifier: MIT */
/* Findings across processes, and what it takes to be certain of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "reader/analysis/across.h"
#include "reader/analysis/analysis.h"
#include "tests/reader/neighbours.h"

static void analyse(struct neighbours *n)
{
	const struct peeps_analysis_options wishes = { .max_wait_ns = 0 };

	n->graph->finding_count = 0;
	assert_int_equal(peeps_analyse(n->graph, &wishes), 0);
}

static struct peeps_sightings see(const struct neighbours *n)
{
	struct peeps_sightings sightings;

	assert_int_equal(peeps_sightings_init(&sightings, n->graph, true), 0);
	return sightings;
}

/* Whether what is seen now is a certain deadlock, after what was seen before. */
static bool is_certain(struct neighbours *n, struct peeps_sightings *before)
{
	neighbours_look(n, LEFT, RIGHT);
	assert_int_equal(peeps_across_confirm(n->graph, before), 0);
	peeps_sightings_deinit(before);
	analyse(n);
	assert_int_equal(n->graph->finding_count, 1);
	assert_int_equal(n->graph->findings[0].kind, PEEPS_FINDING_DEADLOCK);
	assert_int_equal(n->graph->findings[0].edge_count, 4);
	return n->graph->findings[0].certain;
}

static void deadlock__across_processes__is_certain_if_it_was_the_same_before(void **state)
{
	struct neighbours *n = *state;
	struct peeps_sightings before;

	neighbours_wait_for_each_other(n);
	neighbours_look(n, LEFT, RIGHT);
	analyse(n);
	assert_true(peeps_across_asks_again(n->graph));
	before = see(n);
	assert_true(is_certain(n, &before));
}

static uint32_t left_wait; /* edge */

static void next_wait(struct neighbours *n)
{
	n->segments[LEFT].edges[left_wait].wait += UINT64_C(1) << PEEPS_EDGE_WAIT_SEQUENCE_SHIFT;
}

static void next_hold(struct neighbours *n)
{
	n->segments[RIGHT].entities[n->gate[RIGHT]].body[PEEPS_MUTEX_ACQUIRES_WORD]++;
}

static void wait_in_another_slot(struct neighbours *n)
{
	struct peeps_edge_slot *slots = n->segments[LEFT].edges;
	const uint32_t other = neighbours_wait(n, LEFT, RIGHT_GATE);

	slots[other] = slots[left_wait];
	slots[left_wait].status = 0;
}

static void another_process(struct neighbours *n)
{
	n->segments[RIGHT].header->start_time_ticks++;
}

static void deadlock__across_processes__is_only_possible_if_anything_of_it_is_new(void **state)
{
	static const struct {
		const char *name;
		void (*change)(struct neighbours *n);
	} rows[] = {
		{ "the next wait in the same slot", next_wait },
		{ "the next hold of the same lock", next_hold },
		{ "a wait in another slot", wait_in_another_slot },
		{ "another process of that key", another_process },
	};
	struct neighbours *n = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peeps_sightings before;
		void *fresh;

		(void)neighbours_tear_down(state);
		(void)neighbours_set_up(&fresh);
		*state = n = fresh;
		left_wait = neighbours_wait(n, LEFT, RIGHT_GATE);
		(void)neighbours_wait(n, RIGHT, LEFT_GATE);
		neighbours_look(n, LEFT, RIGHT);
		before = see(n);
		rows[i].change(n);
		if (is_certain(n, &before))
			fail_msg("%s", rows[i].name);
	}
}

static void deadlock__across_processes__is_only_possible_if_it_was_not_proved_before(void **state)
{
	struct neighbours *n = *state;
	struct peeps_sightings before;

	neighbours_wait_for_each_other(n);
	neighbours_look(n, LEFT, RIGHT);
	for (size_t i = 0; i < n->graph->edge_count; i++)
		n->graph->edges[i].uncertain = true;
	before = see(n);
	assert_false(is_certain(n, &before));
}

/* A debugger may have dumped it, and left it to go on. */
static void deadlock__with_a_core_file__is_only_possible(void **state)
{
	struct neighbours *n = *state;
	struct peeps_sightings before;

	neighbours_wait_for_each_other(n);
	neighbours_look(n, LEFT, RIGHT);
	n->graph->processes[RIGHT].dumped = true;
	before = see(n);
	assert_int_equal(peeps_across_confirm(n->graph, &before), 0);
	peeps_sightings_deinit(&before);
	analyse(n);
	assert_int_equal(n->graph->finding_count, 1);
	assert_false(n->graph->findings[0].certain);
}

/* --- within one process ------------------------------------------------------------------------------------------- */

static void lock_itself_out(struct neighbours *n)
{
	(void)fake_wait(&n->segments[LEFT], n->thread[LEFT], n->gate[LEFT], 1, 0);
}

static void deadlock__within_one_process__is_certain_at_once(void **state)
{
	struct neighbours *n = *state;

	lock_itself_out(n);
	neighbours_look(n, LEFT, RIGHT);
	analyse(n);
	assert_int_equal(n->graph->finding_count, 1);
	assert_true(n->graph->findings[0].certain);
	assert_false(peeps_across_asks_again(n->graph));
}

static void deadlock__of_a_process_that_no_other_refers_to__needs_no_confirmation(void **state)
{
	struct neighbours *n = *state;
	struct peeps_sightings before;

	neighbours_look(n, LEFT, RIGHT);
	before = see(n);
	lock_itself_out(n);
	neighbours_look(n, LEFT, RIGHT);
	assert_int_equal(peeps_across_confirm(n->graph, &before), 0);
	peeps_sightings_deinit(&before);
	analyse(n);
	assert_int_equal(n->graph->finding_count, 1);
	assert_true(n->graph->findings[0].certain);
}

static void wait__for_an_unresolved_end__is_stuck_on_nothing_we_know(void **state)
{
	struct neighbours *n = *state;

	(void)neighbours_wait(n, LEFT, "mutex:absent-1:gate");
	(void)neighbours_wait(n, RIGHT, LEFT_GATE);
	neighbours_look(n, LEFT, RIGHT);
	analyse(n);
	assert_int_equal(n->graph->finding_count, 0);
}

/* Who says that he has permits of another process may not make its own books wrong. */
static void permits__that_another_process_claims__count_for_nothing(void **state)
{
	struct neighbours *n = *state;
	struct fake_segment *left = &n->segments[LEFT], *right = &n->segments[RIGHT];
	const uint32_t semaphore = fake_semaphore(left, "permits", 1);
	uint32_t wait, stub;

	(void)fake_holding(left, semaphore, n->thread[LEFT], PEEPS_HOLD_ROLE_PERMIT,
			   PEEPS_HOLD_MODE_RETURNS, 1);
	wait = fake_operation(left, n->thread[LEFT], PEEPS_OP_ACQUIRE, semaphore, 1);
	left->edges[wait].details[0] = 2; /* one permit: one more than shown */
	stub = fake_entity(right, PEEPS_KIND_FOREIGN, "semaphore:left-4711:permits");
	(void)fake_holding(right, stub, n->thread[RIGHT], PEEPS_HOLD_ROLE_PERMIT,
			   PEEPS_HOLD_MODE_RETURNS, 1);
	neighbours_look(n, LEFT, RIGHT);
	analyse(n);
	assert_int_equal(n->graph->finding_count, 1);
	assert_int_equal(n->graph->findings[0].kind, PEEPS_FINDING_DEADLOCK);
}

/* --- sightings ---------------------------------------------------------------------------------------------------- */

static void sightings__intersected__are_those_of_both(void **state)
{
	struct neighbours *n = *state;
	const struct peeps_edge *wait, *hold;
	struct peeps_sightings all, others;

	left_wait = neighbours_wait(n, LEFT, RIGHT_GATE);
	neighbours_look(n, LEFT, RIGHT);
	all = see(n);
	next_wait(n);
	neighbours_look(n, LEFT, RIGHT);
	others = see(n);
	wait = neighbours_edge(n, PEEPS_EDGE_NEEDS, LEFT_THREAD);
	hold = neighbours_edge(n, PEEPS_EDGE_HOLDS, RIGHT_GATE);
	assert_false(peeps_sightings_have(&all, n->graph, wait));
	assert_true(peeps_sightings_have(&others, n->graph, wait));
	peeps_sightings_intersect(&others, &all);
	assert_false(peeps_sightings_have(&others, n->graph, wait));
	assert_true(peeps_sightings_have(&others, n->graph, hold));
	peeps_sightings_deinit(&all);
	peeps_sightings_deinit(&others);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, neighbours_set_up, neighbours_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(deadlock__across_processes__is_certain_if_it_was_the_same_before),
		TEST(deadlock__across_processes__is_only_possible_if_anything_of_it_is_new),
		TEST(deadlock__across_processes__is_only_possible_if_it_was_not_proved_before),
		TEST(deadlock__with_a_core_file__is_only_possible),
		TEST(deadlock__within_one_process__is_certain_at_once),
		TEST(deadlock__of_a_process_that_no_other_refers_to__needs_no_confirmation),
		TEST(wait__for_an_unresolved_end__is_stuck_on_nothing_we_know),
		TEST(permits__that_another_process_claims__count_for_nothing),
		TEST(sightings__intersected__are_those_of_both),
	};

	return cmocka_run_group_tests_name("across", tests, NULL, NULL);
}
