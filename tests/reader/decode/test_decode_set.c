/* SPDX-License-Identifier: MIT */
/* Several images in one graph: whose is what, and what of theirs is the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "reader/analysis/waits.h"
#include "tests/reader/neighbours.h"

#define ABSENT "mutex:absent-1:gate"

static size_t count_kind(const struct neighbours *n, uint32_t kind)
{
	size_t count = 0;

	for (size_t i = 0; i < n->graph->node_count; i++)
		count += n->graph->nodes[i].kind_number == kind;
	return count;
}

static const char *dst_id(const struct neighbours *n, const struct peeps_edge *edge)
{
	return n->graph->nodes[edge->dst].id;
}

static void assert_noted(const struct neighbours *n, const char *note)
{
	for (size_t i = 0; i < n->graph->note_count; i++) {
		if (strcmp(n->graph->notes[i], note) == 0)
			return;
	}
	for (size_t i = 0; i < n->graph->note_count; i++)
		print_error("note %s\n", n->graph->notes[i]);
	fail_msg("no note says: %s", note);
}

/* --- processes ---------------------------------------------------------------------------------------------------- */

static void decode_set__two_processes__each_has_its_nodes_and_scopes(void **state)
{
	struct neighbours *n = *state;

	(void)fake_scope(&n->segments[RIGHT], PEEPS_SCOPE_KIND_USER, "boot");
	neighbours_look(n, LEFT, RIGHT);
	assert_int_equal(n->graph->process_count, 2);
	assert_string_equal(n->graph->processes[0].proc_key, "left-4711");
	assert_string_equal(n->graph->processes[1].proc_key, "right-4712");
	assert_int_equal(n->graph->node_count, 4);
	assert_int_equal(neighbours_node(n, LEFT_GATE)->process, 0);
	assert_int_equal(neighbours_node(n, LEFT_THREAD)->process, 0);
	assert_int_equal(neighbours_node(n, RIGHT_GATE)->process, 1);
	assert_int_equal(neighbours_node(n, RIGHT_THREAD)->process, 1);
	assert_string_equal(dst_id(n, neighbours_edge(n, PEEPS_EDGE_HOLDS, LEFT_GATE)),
			    LEFT_THREAD);
	assert_string_equal(dst_id(n, neighbours_edge(n, PEEPS_EDGE_HOLDS, RIGHT_GATE)),
			    RIGHT_THREAD);
	assert_int_equal(n->graph->scope_count, 1);
	assert_string_equal(n->graph->scopes[0].id, "scope:right-4712:user:boot");
	assert_int_equal(n->graph->scopes[0].process, 1);
	assert_int_equal(n->graph->note_count, 0);
}

static void decode_set__images_of_different_worth__has_that_of_the_worst_and_names_it(void **state)
{
	struct neighbours *n = *state;

	neighbours_look(n, LEFT, RIGHT);
	n->images[1].quality = PEEPS_QUALITY_PARTIAL;
	n->images[1].taken_at_monotonic_ns = n->images[0].taken_at_monotonic_ns - 70;
	n->images[1].taken_at_unix_ns = 1234;
	n->images[1].cut_ns = 5;
	n->images[0].cut_ns = 100;
	peeps_image_note(&n->images[1], "something");
	peeps_graph_free(n->graph);
	assert_int_equal(peeps_decode_set(n->images, SIDES, 0, &n->graph), 0);
	assert_int_equal(n->graph->quality, PEEPS_QUALITY_PARTIAL);
	assert_int_equal(n->graph->taken_at_unix_ns, 1234);
	assert_int_equal(n->graph->cut_ns, 170);
	assert_int_equal(n->graph->note_count, 2);
	assert_noted(n, "right-4712: something");
	assert_noted(n, "right-4712: its quality is partial");
}

static void decode_set__one_is_dead__the_moment_is_that_of_who_lives(void **state)
{
	struct neighbours *n = *state;

	neighbours_look(n, LEFT, RIGHT);
	for (int dead = 0; dead < SIDES; dead++) {
		n->images[dead].exited = true;
		n->images[dead].taken_at_monotonic_ns = 5; /* of an earlier boot */
		n->images[dead].taken_at_unix_ns = (uint64_t)dead + 1;
		if (!dead)
			n->images[!dead].taken_at_unix_ns = 1234;
		n->images[!dead].cut_ns = 100;
		peeps_graph_free(n->graph);
		assert_int_equal(peeps_decode_set(n->images, SIDES, 0, &n->graph), 0);
		assert_int_equal(n->graph->taken_at_unix_ns, dead ? 2 : 1234);
		if (!dead)
			assert_int_equal(n->graph->cut_ns, 100);
	}
}

static void decode_set__equal_keys__the_later_start_gets_a_number(void **state)
{
	struct neighbours *n = *state;

	memcpy(n->segments[RIGHT].header->process_name, "left", 5);
	n->segments[RIGHT].header->pid = 4711;
	neighbours_look(n, RIGHT, LEFT);
	assert_string_equal(n->graph->processes[0].proc_key, "left-4711.2");
	assert_string_equal(n->graph->processes[1].proc_key, "left-4711");
	assert_int_equal(neighbours_node(n, "mutex:left-4711.2:gate")->process, 0);
	assert_int_equal(neighbours_node(n, LEFT_GATE)->process, 1);
	assert_int_equal(n->graph->note_count, 0);
}

static void times__of_an_edge__are_those_of_who_says_so(void **state)
{
	struct neighbours *n = *state;
	const struct peeps_edge *hold;
	uint32_t stub;

	/* right started 0.9 s later, waits for left's gate, and holds the other lock of left. */
	n->segments[RIGHT].header->start_monotonic_ns += UINT64_C(900000000);
	(void)fake_entity(&n->segments[LEFT], PEEPS_KIND_BARRIER, "other");
	stub = fake_entity(&n->segments[RIGHT], PEEPS_KIND_FOREIGN, "barrier:left-4711:other");
	(void)fake_holding(&n->segments[RIGHT], stub, n->thread[RIGHT], PEEPS_HOLD_ROLE_LOCK, 0, 1);
	neighbours_look(n, LEFT, RIGHT);
	hold = neighbours_edge(n, PEEPS_EDGE_HOLDS, "barrier:left-4711:other");
	assert_int_equal(peeps_edge_process(n->graph, hold), 1);
	n->graph->processes[0].ptime_now_ns = UINT64_C(5000000000);
	n->graph->processes[1].ptime_now_ns = UINT64_C(1420000000);
	assert_int_equal(peeps_edge_held_ns(n->graph, hold), UINT64_C(1000000000));
}

/* --- stubs -------------------------------------------------------------------------------------------------------- */

static void stub__of_a_node_that_is_there__is_that_node(void **state)
{
	struct neighbours *n = *state;

	neighbours_wait_for_each_other(n);
	for (int first = 0; first < SIDES; first++) {
		neighbours_look(n, first, !first);
		assert_int_equal(n->graph->node_count, 4);
		assert_int_equal(count_kind(n, PEEPS_KIND_FOREIGN), 0);
		assert_string_equal(dst_id(n, neighbours_edge(n, PEEPS_EDGE_NEEDS, LEFT_THREAD)),
				    RIGHT_GATE);
		assert_string_equal(dst_id(n, neighbours_edge(n, PEEPS_EDGE_NEEDS, RIGHT_THREAD)),
				    LEFT_GATE);
		assert_int_equal(n->graph->note_count, 0);
	}
}

static void stub__of_a_node_that_is_not_there__is_one_unresolved_end_for_all(void **state)
{
	struct neighbours *n = *state;
	const struct peeps_edge *left, *right;

	(void)neighbours_wait(n, LEFT, ABSENT);
	(void)neighbours_wait(n, RIGHT, ABSENT);
	neighbours_look(n, LEFT, RIGHT);
	left = neighbours_edge(n, PEEPS_EDGE_NEEDS, LEFT_THREAD);
	right = neighbours_edge(n, PEEPS_EDGE_NEEDS, RIGHT_THREAD);
	assert_string_equal(dst_id(n, left), ABSENT);
	assert_int_equal(left->dst, right->dst);
	assert_int_equal(count_kind(n, PEEPS_KIND_FOREIGN), 1);
	assert_int_equal(n->graph->nodes[left->dst].process, 0);
}

static void stub__between_others__leaves_no_gap(void **state)
{
	struct neighbours *n = *state;

	(void)neighbours_wait(n, LEFT, RIGHT_GATE);
	(void)neighbours_wait(n, LEFT, ABSENT);
	neighbours_look(n, LEFT, RIGHT);
	assert_int_equal(n->graph->node_count, 5);
	for (size_t i = 0; i < n->graph->node_count; i++)
		assert_non_null(n->graph->nodes[i].id);
	assert_string_equal(n->graph->nodes[4].id, ABSENT);
}

static void stub__that_an_attribute_names__is_that_node_there_too(void **state)
{
	struct neighbours *n = *state;
	struct fake_segment *left = &n->segments[LEFT];
	const struct peeps_value *value;

	left->entities[n->gate[LEFT]].creator =
		fake_ref(left, fake_entity(left, PEEPS_KIND_FOREIGN, RIGHT_THREAD));
	left->entities[n->thread[LEFT]].creator =
		fake_ref(left, fake_entity(left, PEEPS_KIND_FOREIGN, ABSENT));
	neighbours_look(n, LEFT, RIGHT);
	value = peeps_graph_attribute(neighbours_node(n, LEFT_GATE), "creator_task_id");
	assert_int_equal(value->type, PEEPS_VALUE_NODE);
	assert_string_equal(n->graph->nodes[value->as.node].id, RIGHT_THREAD);
	value = peeps_graph_attribute(neighbours_node(n, LEFT_THREAD), "creator_task_id");
	assert_int_equal(value->type, PEEPS_VALUE_NODE);
	assert_string_equal(n->graph->nodes[value->as.node].id, ABSENT);
}

static void stub__that_is_being_written__stays_apart(void **state)
{
	struct neighbours *n = *state;
	struct fake_segment *left = &n->segments[LEFT];
	const uint32_t stub = fake_entity(left, PEEPS_KIND_FOREIGN, RIGHT_GATE);

	left->threads[1].txn = 3;
	left->threads[1].write_set[0] = fake_write_set_of(left, &left->entities[stub]) | 1;
	neighbours_look(n, LEFT, RIGHT);
	assert_int_equal(count_kind(n, PEEPS_KIND_FOREIGN), 1);
}

static void stub__of_a_process_that_may_be_either__stays_apart(void **state)
{
	struct neighbours *n = *state;

	(void)neighbours_wait(n, RIGHT, LEFT_GATE);
	memcpy(n->segments[RIGHT].header->process_name, "left", 5);
	n->segments[RIGHT].header->pid = 4711;
	neighbours_look(n, LEFT, RIGHT);
	assert_int_equal(count_kind(n, PEEPS_KIND_FOREIGN), 1);
	assert_string_not_equal(
		dst_id(n, neighbours_edge(n, PEEPS_EDGE_NEEDS, "thread:left-4711.2:4712")),
		LEFT_GATE);
}

static void stub__as_an_actor__proves_nothing_and_is_left_out(void **state)
{
	struct neighbours *n = *state;
	struct fake_segment *right = &n->segments[RIGHT];
	const uint32_t stub = fake_entity(right, PEEPS_KIND_FOREIGN, LEFT_THREAD);

	(void)fake_operation(right, stub, PEEPS_OP_LOCK, n->gate[RIGHT], 1);
	(void)fake_holding(right, n->gate[RIGHT], stub, PEEPS_HOLD_ROLE_LOCK, 0, 1);
	neighbours_look(n, LEFT, RIGHT);
	assert_int_equal(n->graph->edge_count, 2); /* the two gates' holds */
	assert_noted(n, "right-4712: 1 operation has an end or a state that does not exist, and is "
			"left out");
	assert_noted(n, "right-4712: 1 hold or link has an end that does not exist, and is left "
			"out");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, neighbours_set_up, neighbours_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(decode_set__two_processes__each_has_its_nodes_and_scopes),
		TEST(decode_set__images_of_different_worth__has_that_of_the_worst_and_names_it),
		TEST(decode_set__one_is_dead__the_moment_is_that_of_who_lives),
		TEST(decode_set__equal_keys__the_later_start_gets_a_number),
		TEST(times__of_an_edge__are_those_of_who_says_so),
		TEST(stub__of_a_node_that_is_there__is_that_node),
		TEST(stub__of_a_node_that_is_not_there__is_one_unresolved_end_for_all),
		TEST(stub__between_others__leaves_no_gap),
		TEST(stub__that_an_attribute_names__is_that_node_there_too),
		TEST(stub__that_is_being_written__stays_apart),
		TEST(stub__of_a_process_that_may_be_either__stays_apart),
		TEST(stub__as_an_actor__proves_nothing_and_is_left_out),
	};

	return cmocka_run_group_tests_name("decode_set", tests, NULL, NULL);
}
