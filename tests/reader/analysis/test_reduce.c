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

#include "reader/analysis/reduce.h"
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

/* --- permits ---------------------------------------------------------------------------------------------------- */

/* In graph_deadlocked(). */
enum { STUCK = 0, STUCK_TOO = 1, IDLE = 4 };

static void reduce__semaphore__needs_as_many_permits_as_are_missing(void **state)
{
	static const struct {
		const char *name;
		uint64_t asked, available, of_idle, of_stuck;
		bool stuck;
	} rows[] = {
		{ "enough are free: in transit", 2, 2, 0, 3, false },
		{ "one is missing, and the idle one has it", 2, 1, 1, 3, false },
		{ "one is missing, and only who is stuck has one", 2, 1, 0, 1, true },
		{ "the idle one has too few", 3, 0, 2, 1, true },
		{ "the idle one has just enough", 2, 0, 2, 5, false },
		{ "more than anybody is seen to hold", 9, 0, 1, 3, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peeps_graph *graph = graph_deadlocked();
		const uint32_t semaphore =
			graph_semaphore(graph, "s", rows[i].available,
					rows[i].available + rows[i].of_idle + rows[i].of_stuck);
		const uint32_t waiter = graph_thread(graph, 9, "waiter");

		print_message("# %s\n", rows[i].name);
		if (rows[i].of_idle)
			(void)graph_permits(graph, semaphore, IDLE, rows[i].of_idle, S);
		if (rows[i].of_stuck)
			(void)graph_permits(graph, semaphore, STUCK, rows[i].of_stuck, S);
		(void)graph_acquire(graph, waiter, semaphore, rows[i].asked, 2 * S);
		assert_stuck(graph, PEEPS_BELIEVE_PROVED, waiter, rows[i].stuck);
		assert_stuck(graph, PEEPS_BELIEVE_ALL, waiter, rows[i].stuck);
		peeps_graph_free(graph);
	}
}

static void reduce__several_wait_for_one_semaphore__each_as_its_need_says(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	const uint32_t semaphore = graph_semaphore(graph, "s", 0, 3);
	const uint32_t greedy = graph_thread(graph, 8, "greedy"),
		       modest = graph_thread(graph, 9, "modest");

	(void)state;
	(void)graph_permits(graph, semaphore, STUCK, 2, S);
	(void)graph_permits(graph, semaphore, IDLE, 1, S);
	(void)graph_acquire(graph, greedy, semaphore, 2, 2 * S);
	(void)graph_acquire(graph, modest, semaphore, 1, 2 * S);
	assert_stuck(graph, PEEPS_BELIEVE_PROVED, greedy, true);
	assert_stuck(graph, PEEPS_BELIEVE_PROVED, modest, false);
	peeps_graph_free(graph);
}

static void reduce__semaphore_with_unknown_releases__proves_nothing(void **state)
{
	static const struct {
		const char *attribute;
		bool stuck_if_all_is_believed;
	} rows[] = {
		{ "anonymous_releases", true },
		{ "unattributed_back", true },
		{ "unattributed_out", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peeps_graph *graph = graph_deadlocked();
		const uint32_t semaphore = graph_semaphore(graph, "s", 0, 1),
			       waiter = graph_thread(graph, 9, "waiter");

		(void)graph_permits(graph, semaphore, STUCK, 1, S);
		(void)graph_acquire(graph, waiter, semaphore, 1, 2 * S);
		assert_stuck(graph, PEEPS_BELIEVE_PROVED, waiter, true);
		print_message("# %s\n", rows[i].attribute);
		graph_number(graph, semaphore, rows[i].attribute, 1);
		assert_stuck(graph, PEEPS_BELIEVE_PROVED, waiter, false);
		assert_stuck(graph, PEEPS_BELIEVE_ALL, waiter, rows[i].stuck_if_all_is_believed);
		peeps_graph_free(graph);
	}
}

static void reduce__waits_for_permits_of_its_own__is_stuck_only_perhaps(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	const uint32_t semaphore = graph_semaphore(graph, "s", 0, 3),
		       waiter = graph_thread(graph, 9, "waiter");

	(void)state;
	(void)graph_permits(graph, semaphore, waiter, 2, S);
	(void)graph_permits(graph, semaphore, STUCK, 1, S);
	(void)graph_acquire(graph, waiter, semaphore, 2, 2 * S);
	assert_stuck(graph, PEEPS_BELIEVE_PROVED, waiter, false);
	assert_stuck(graph, PEEPS_BELIEVE_ALL, waiter, true);
	/* What others hold would do. */
	graph->edges[5].count = 2;
	assert_stuck(graph, PEEPS_BELIEVE_PROVED, waiter, true);
	peeps_graph_free(graph);
}

static void reduce__semaphore_of_which_something_is_not_known__is_outside(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	const uint32_t semaphore = graph_semaphore(graph, "s", 0, 1),
		       waiter = graph_thread(graph, 9, "waiter");
	uint32_t wait;

	(void)state;
	(void)graph_permits(graph, semaphore, STUCK, 1, S);
	wait = graph_acquire(graph, waiter, semaphore, 1, 2 * S);
	assert_stuck(graph, PEEPS_BELIEVE_ALL, waiter, true);
	graph->edges[wait].detail_count = 0;
	assert_stuck(graph, PEEPS_BELIEVE_ALL, waiter, false);
	graph->edges[wait].detail_count = 1;
	graph_attribute(graph, semaphore, "available",
			(struct peeps_value){ .type = PEEPS_VALUE_NULL });
	assert_stuck(graph, PEEPS_BELIEVE_ALL, waiter, false);
	peeps_graph_free(graph);
}

static void reduce__holder_never_gave_permits_back__is_no_proof(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	const uint32_t semaphore = graph_semaphore(graph, "s", 0, 1),
		       waiter = graph_thread(graph, 9, "waiter");
	const uint32_t hold = graph_permits(graph, semaphore, STUCK, 1, S);

	(void)state;
	(void)graph_acquire(graph, waiter, semaphore, 1, 2 * S);
	assert_stuck(graph, PEEPS_BELIEVE_PROVED, waiter, true);
	/* It may have taken it for somebody who gives it back when his work is done. */
	graph->edges[hold].mode_number = PEEPS_HOLD_MODE_NONE;
	assert_stuck(graph, PEEPS_BELIEVE_PROVED, waiter, false);
	assert_stuck(graph, PEEPS_BELIEVE_ALL, waiter, true);
	graph->edges[hold].mode_number = PEEPS_HOLD_MODE_RETURNS;
	graph->nodes[STUCK].gone = true;
	assert_stuck(graph, PEEPS_BELIEVE_PROVED, waiter, false);
	assert_stuck(graph, PEEPS_BELIEVE_ALL, waiter, true);
	peeps_graph_free(graph);
}

/* --- channels --------------------------------------------------------------------------------------------------- */

struct stalled {
	struct peeps_graph *graph;
	struct graph_channel channel;
	uint32_t handle, waiter, wait;
};

/* A sender waits for room, and the receiver is of who is stuck. */
static struct stalled stalled_sender(void)
{
	struct stalled stalled = { .graph = graph_deadlocked() };

	stalled.channel = graph_channel(stalled.graph, "c", 4, 4);
	stalled.waiter = graph_thread(stalled.graph, 9, "waiter");
	stalled.handle =
		graph_receiver(stalled.graph, stalled.channel, STUCK, PEEPS_HOLD_MODE_OWNER);
	stalled.wait = graph_send(stalled.graph, stalled.waiter, stalled.channel, 2 * S);
	return stalled;
}

/* A receiver waits for an item, and both senders are of those who are stuck. */
static struct stalled stalled_receiver(void)
{
	struct stalled stalled = { .graph = graph_deadlocked() };

	stalled.channel = graph_channel(stalled.graph, "c", 0, 4);
	stalled.waiter = graph_thread(stalled.graph, 9, "waiter");
	stalled.handle = graph_sender(stalled.graph, stalled.channel, STUCK, PEEPS_HOLD_MODE_OWNER);
	(void)graph_sender(stalled.graph, stalled.channel, STUCK_TOO, PEEPS_HOLD_MODE_OWNER);
	stalled.wait = graph_recv(stalled.graph, stalled.waiter, stalled.channel, 2 * S);
	return stalled;
}

static struct stalled (*const stalls[])(void) = { stalled_sender, stalled_receiver };

#define FOR_BOTH_ENDS(s)                                                         \
	for (size_t end_ = 0; end_ < sizeof(stalls) / sizeof(stalls[0]); end_++) \
		for (struct stalled s = stalls[end_](); s.graph;                 \
		     peeps_graph_free(s.graph), s.graph = NULL)

static void reduce__other_end_is_of_who_is_stuck__so_is_the_waiter(void **state)
{
	(void)state;
	FOR_BOTH_ENDS(s)
	{
		assert_stuck(s.graph, PEEPS_BELIEVE_PROVED, s.waiter, true);
		s.graph->edges[s.handle].dst = IDLE;
		assert_stuck(s.graph, PEEPS_BELIEVE_ALL, s.waiter, false);
	}
}

static void reduce__channel_that_lets_it_go_on__is_in_transit(void **state)
{
	(void)state;
	FOR_BOTH_ENDS(s)
	{
		const bool sends = s.graph->edges[s.wait].op == PEEPS_OP_SEND;

		graph_channel_number(s.graph, s.channel, "queue_len", sends ? 3 : 1);
		assert_stuck(s.graph, PEEPS_BELIEVE_ALL, s.waiter, false);
	}
	FOR_BOTH_ENDS(s)
	{
		graph_bool(s.graph, s.channel.tx, "sender_closed", true);
		graph_bool(s.graph, s.channel.rx, "sender_closed", true);
		assert_stuck(s.graph, PEEPS_BELIEVE_ALL, s.waiter, false);
	}
	FOR_BOTH_ENDS(s)
	{
		graph_bool(s.graph, s.channel.tx, "receiver_closed", true);
		graph_bool(s.graph, s.channel.rx, "receiver_closed", true);
		assert_stuck(s.graph, PEEPS_BELIEVE_ALL, s.waiter, false);
	}
}

static void reduce__unbounded_channel__is_never_full(void **state)
{
	struct stalled s = stalled_sender();

	(void)state;
	graph_channel_number(s.graph, s.channel, "capacity", 0);
	assert_stuck(s.graph, PEEPS_BELIEVE_ALL, s.waiter, false);
	peeps_graph_free(s.graph);
}

static void reduce__handle_whose_owner_is_not_sure__is_stuck_only_perhaps(void **state)
{
	static const uint32_t modes[] = { PEEPS_HOLD_MODE_CREATOR, PEEPS_HOLD_MODE_SHARED,
					  PEEPS_HOLD_MODE_NONE };

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		FOR_BOTH_ENDS(s)
		{
			s.graph->edges[s.handle].mode_number = modes[i];
			assert_stuck(s.graph, PEEPS_BELIEVE_PROVED, s.waiter, false);
			assert_stuck(s.graph, PEEPS_BELIEVE_ALL, s.waiter, true);
		}
	}
}

static void reduce__another_sender_could_close_the_channel__is_stuck_only_perhaps(void **state)
{
	struct stalled s = stalled_sender();
	uint32_t other;

	(void)state;
	(void)graph_sender(s.graph, s.channel, s.waiter, PEEPS_HOLD_MODE_OWNER);
	other = graph_sender(s.graph, s.channel, STUCK_TOO, PEEPS_HOLD_MODE_OWNER);
	assert_stuck(s.graph, PEEPS_BELIEVE_PROVED, s.waiter, true);
	s.graph->edges[other].dst = IDLE;
	assert_stuck(s.graph, PEEPS_BELIEVE_PROVED, s.waiter, false);
	assert_stuck(s.graph, PEEPS_BELIEVE_ALL, s.waiter, true);
	/* Or whoever else it is that has it. */
	s.graph->edges[other].dst = STUCK_TOO;
	s.graph->edges[other].mode_number = PEEPS_HOLD_MODE_SHARED;
	assert_stuck(s.graph, PEEPS_BELIEVE_PROVED, s.waiter, false);
	s.graph->edges[other].mode_number = PEEPS_HOLD_MODE_OWNER;
	s.graph->edges[other].uncertain = true;
	assert_stuck(s.graph, PEEPS_BELIEVE_PROVED, s.waiter, false);
	s.graph->edges[other].uncertain = false;
	graph_channel_number(s.graph, s.channel, "sender_count", 3);
	assert_stuck(s.graph, PEEPS_BELIEVE_PROVED, s.waiter, false);
	assert_stuck(s.graph, PEEPS_BELIEVE_ALL, s.waiter, true);
	peeps_graph_free(s.graph);
}

/* One of those that are not recorded may have taken the handle over. */
static void reduce__threads_are_missing__handles_and_operations_prove_nothing(void **state)
{
	(void)state;
	FOR_BOTH_ENDS(s)
	{
		graph_lost(s.graph, "dropped_threads", 1);
		assert_stuck(s.graph, PEEPS_BELIEVE_PROVED, STUCK, true);
		assert_stuck(s.graph, PEEPS_BELIEVE_PROVED, s.waiter, false);
		assert_stuck(s.graph, PEEPS_BELIEVE_ALL, s.waiter, true);
		for (size_t i = 0; i < s.graph->edge_count; i++)
			s.graph->edges[i].blocks = false;
		assert_stuck(s.graph, PEEPS_BELIEVE_PROVED, STUCK, false);
		assert_stuck(s.graph, PEEPS_BELIEVE_ALL, STUCK, true);
	}
}

static void reduce__handle_of_somebody_unknown__is_not_stuck(void **state)
{
	(void)state;
	FOR_BOTH_ENDS(s)
	{
		/* Not every handle has a holder. */
		s.graph->edges[s.handle].count = 0;
		assert_stuck(s.graph, PEEPS_BELIEVE_ALL, s.waiter, false);
	}
	FOR_BOTH_ENDS(s)
	{
		/* A hold of another role is none of a handle. */
		s.graph->edges[s.handle].role_number = PEEPS_HOLD_ROLE_LOCK;
		assert_stuck(s.graph, PEEPS_BELIEVE_ALL, s.waiter, false);
	}
	FOR_BOTH_ENDS(s)
	{
		/* The other end is not there. */
		for (size_t i = 0; i < s.graph->edge_count; i++) {
			if (s.graph->edges[i].kind == PEEPS_EDGE_CHANNEL_LINK)
				s.graph->edges[i].kind = PEEPS_EDGE_RPC_LINK;
		}
		assert_stuck(s.graph, PEEPS_BELIEVE_ALL, s.waiter, false);
	}
}

static void reduce__links_of_one_end__are_believed_if_they_agree(void **state)
{
	(void)state;
	FOR_BOTH_ENDS(s)
	{
		struct graph_channel other;

		(void)graph_link(s.graph, PEEPS_EDGE_CHANNEL_LINK, s.channel.tx, s.channel.rx);
		assert_stuck(s.graph, PEEPS_BELIEVE_PROVED, s.waiter, true);
		other = graph_channel(s.graph, "other", 0, 4);
		(void)graph_link(s.graph, PEEPS_EDGE_CHANNEL_LINK, s.channel.tx, other.rx);
		assert_stuck(s.graph, PEEPS_BELIEVE_ALL, s.waiter, false);
	}
}

static void reduce__a_fact_of_the_other_end_is_uncertain__stuck_only_if_all_is_believed(
	void **state)
{
	(void)state;
	for (int fact = 0; fact < 5; fact++) {
		FOR_BOTH_ENDS(s)
		{
			if (fact == 0)
				s.graph->edges[s.handle].uncertain = true;
			else if (fact == 1)
				s.graph->edges[s.wait].uncertain = true;
			else if (fact == 2)
				s.graph->nodes[s.channel.tx].uncertain = true;
			else if (fact == 3)
				s.graph->nodes[s.channel.rx].uncertain = true;
			for (size_t i = 0; fact == 4 && i < s.graph->edge_count; i++)
				s.graph->edges[i].uncertain |=
					s.graph->edges[i].kind == PEEPS_EDGE_CHANNEL_LINK;
			assert_stuck(s.graph, PEEPS_BELIEVE_PROVED, s.waiter, false);
			assert_stuck(s.graph, PEEPS_BELIEVE_PROVED, STUCK, true);
			assert_stuck(s.graph, PEEPS_BELIEVE_ALL, s.waiter, true);
		}
	}
}

static void reduce__receiver_waits_for_its_own_sender__is_stuck(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t thread = graph_thread(graph, 1, "t");
	const struct graph_channel channel = graph_channel(graph, "c", 0, 4);

	(void)state;
	(void)graph_sender(graph, channel, thread, PEEPS_HOLD_MODE_OWNER);
	(void)graph_recv(graph, thread, channel, 2 * S);
	assert_stuck(graph, PEEPS_BELIEVE_PROVED, thread, true);
	peeps_graph_free(graph);
}

/* --- oneshots and watches ----------------------------------------------------------------------------------------- */

/* A receiver waits since 2 s, and the sender is of who is stuck. */
static struct stalled stalled_at(struct peeps_graph *graph, struct graph_channel channel)
{
	struct stalled stalled = { .graph = graph, .channel = channel };

	stalled.waiter = graph_thread(graph, 9, "waiter");
	stalled.handle = graph_sender(graph, channel, STUCK, PEEPS_HOLD_MODE_OWNER);
	stalled.wait = graph_recv(graph, stalled.waiter, channel, 2 * S);
	return stalled;
}

static struct stalled stalled_at_oneshot(void)
{
	struct peeps_graph *graph = graph_deadlocked();

	return stalled_at(graph, graph_oneshot(graph, "o"));
}

static struct stalled stalled_at_watch(void)
{
	struct peeps_graph *graph = graph_deadlocked();

	return stalled_at(graph, graph_watch(graph, "w", 2 * S - 1));
}

static struct stalled (*const single_stalls[])(void) = { stalled_at_oneshot, stalled_at_watch };

#define FOR_BOTH_SINGLES(s)                                                \
	for (size_t single_ = 0; single_ < 2; single_++)                   \
		for (struct stalled s = single_stalls[single_](); s.graph; \
		     peeps_graph_free(s.graph), s.graph = NULL)

static void reduce__sender_of_a_oneshot_or_a_watch_is_stuck__so_is_the_waiter(void **state)
{
	(void)state;
	FOR_BOTH_SINGLES(s)
	{
		assert_stuck(s.graph, PEEPS_BELIEVE_PROVED, s.waiter, true);
		s.graph->edges[s.handle].mode_number = PEEPS_HOLD_MODE_CREATOR;
		assert_stuck(s.graph, PEEPS_BELIEVE_PROVED, s.waiter, false);
		assert_stuck(s.graph, PEEPS_BELIEVE_ALL, s.waiter, true);
		s.graph->edges[s.handle].dst = IDLE;
		assert_stuck(s.graph, PEEPS_BELIEVE_ALL, s.waiter, false);
	}
}

static void reduce__oneshot_or_watch_without_its_sender__is_in_transit(void **state)
{
	(void)state;
	FOR_BOTH_SINGLES(s)
	{
		graph_bool(s.graph, s.channel.rx, "sender_closed", true);
		assert_stuck(s.graph, PEEPS_BELIEVE_ALL, s.waiter, false);
	}
	FOR_BOTH_SINGLES(s)
	{
		graph_bool(s.graph, s.channel.rx, "receiver_closed", true);
		assert_stuck(s.graph, PEEPS_BELIEVE_ALL, s.waiter, false);
	}
	FOR_BOTH_SINGLES(s) /* nobody is known to have it */
	{
		s.graph->edges[s.handle].role_number = PEEPS_HOLD_ROLE_RECEIVER;
		assert_stuck(s.graph, PEEPS_BELIEVE_ALL, s.waiter, false);
	}
}

static void reduce__watch_changed_since_the_wait_began__is_in_transit(void **state)
{
	struct stalled s = stalled_at_watch();

	(void)state;
	graph_channel_number(s.graph, s.channel, "woken_at_ns", 2 * S);
	assert_stuck(s.graph, PEEPS_BELIEVE_ALL, s.waiter, false);
	graph_channel_number(s.graph, s.channel, "woken_at_ns", 2 * S - 1);
	assert_stuck(s.graph, PEEPS_BELIEVE_PROVED, s.waiter, true);
	s.graph->edges[s.wait].pending_since_ns = PEEPS_NO_TIME;
	assert_stuck(s.graph, PEEPS_BELIEVE_ALL, s.waiter, false);
	peeps_graph_free(s.graph);
}

/* A sender has many receivers: whom it waits for, and whom it could wake, is not followed. */
static void reduce__waits_at_a_broadcast__conclude_nothing(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	const struct graph_channel channel = graph_broadcast(graph, "b", 0);
	struct stalled s = stalled_at(graph, channel);
	uint32_t sender;

	(void)state;
	assert_stuck(graph, PEEPS_BELIEVE_ALL, s.waiter, false);
	(void)graph_link(graph, PEEPS_EDGE_CHANNEL_LINK, channel.tx,
			 graph_broadcast(graph, "other", 3).rx);
	assert_stuck(graph, PEEPS_BELIEVE_ALL, s.waiter, false);
	sender = graph_thread(graph, 10, "sender");
	(void)graph_send(graph, sender, channel, 2 * S);
	assert_stuck(graph, PEEPS_BELIEVE_ALL, sender, false);
	peeps_graph_free(graph);
}

static void reduce__maker_of_a_oneshot_waits_for_the_item__has_given_the_sender_away(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t thread = graph_thread(graph, 1, "t");
	const struct graph_channel channel = graph_oneshot(graph, "o");
	const uint32_t handle = graph_sender(graph, channel, thread, PEEPS_HOLD_MODE_CREATOR);

	(void)state;
	(void)graph_recv(graph, thread, channel, 2 * S);
	assert_stuck(graph, PEEPS_BELIEVE_ALL, thread, false);
	graph->edges[handle].mode_number = PEEPS_HOLD_MODE_OWNER;
	assert_stuck(graph, PEEPS_BELIEVE_PROVED, thread, true);
	peeps_graph_free(graph);
}

/* --- targets and operations that do not go together --------------------------------------------------------------- */

static void reduce__operation_on_what_is_not_for_it__depends_on_something_outside(void **state)
{
	static const uint32_t ops[] = { PEEPS_OP_LOCK, PEEPS_OP_ACQUIRE, PEEPS_OP_SEND,
					PEEPS_OP_RECV };
	static const uint32_t kinds[] = { PEEPS_KIND_FOREIGN, PEEPS_KIND_SEMAPHORE,
					  PEEPS_KIND_MPSC_TX, PEEPS_KIND_MPSC_RX, 1024 };

	(void)state;
	for (size_t op = 0; op < sizeof(ops) / sizeof(ops[0]); op++) {
		for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
			struct peeps_graph *graph = graph_deadlocked();
			const bool users_lock = ops[op] == PEEPS_OP_LOCK && kinds[kind] == 1024;

			graph->edges[2].op = ops[op];
			graph->nodes[3].kind_number = kinds[kind];
			if (kinds[kind] == PEEPS_KIND_FOREIGN)
				graph->nodes[3].role = PEEPS_ROLE_OTHER;
			/* What a program has locked by itself is a lock. */
			assert_int_equal(stuck_count(graph, PEEPS_BELIEVE_ALL), users_lock ? 2 : 0);
			peeps_graph_free(graph);
		}
	}
}

static void reduce__operations_that_do_not_block__any_one_will_do(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	const uint32_t waiter = graph_task(graph, "waiter");
	const struct graph_channel stuck = graph_channel(graph, "stuck", 0, 4),
				   served = graph_channel(graph, "served", 0, 4);
	uint32_t first, second;

	(void)state;
	(void)graph_sender(graph, stuck, STUCK, PEEPS_HOLD_MODE_OWNER);
	(void)graph_sender(graph, served, IDLE, PEEPS_HOLD_MODE_OWNER);
	first = graph_recv(graph, waiter, stuck, 2 * S);
	second = graph_recv(graph, waiter, served, 2 * S);
	assert_stuck(graph, PEEPS_BELIEVE_PROVED, waiter, true); /* both have to end */
	graph->edges[first].blocks = graph->edges[second].blocks = false;
	assert_stuck(graph, PEEPS_BELIEVE_PROVED, waiter, false);
	graph->edges[second].dst = stuck.rx;
	assert_stuck(graph, PEEPS_BELIEVE_PROVED, waiter, true);
	peeps_graph_free(graph);
}

/* --- tasks ------------------------------------------------------------------------------------------------------ */

static void reduce__innermost_task_is_stuck__so_are_all_it_runs_inside_of(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	const uint32_t outer = graph_task(graph, "outer"), inner = graph_task(graph, "inner"),
		       loose = graph_task(graph, "loose"), waiter = graph_thread(graph, 9, "w");
	const uint32_t of_thread = graph_mutex(graph, "m", NULL, 0);

	(void)state;
	graph_enter(graph, IDLE, outer);
	graph_enter(graph, IDLE, inner);
	(void)graph_hold(graph, of_thread, IDLE, S);
	(void)graph_wait(graph, waiter, of_thread, 2 * S);
	assert_stuck(graph, PEEPS_BELIEVE_ALL, waiter, false);
	(void)graph_wait(graph, inner, 2, 2 * S);
	assert_stuck(graph, PEEPS_BELIEVE_PROVED, inner, true);
	assert_stuck(graph, PEEPS_BELIEVE_PROVED, outer, true);
	assert_stuck(graph, PEEPS_BELIEVE_PROVED, IDLE, true);
	assert_stuck(graph, PEEPS_BELIEVE_PROVED, waiter, true);
	assert_stuck(graph, PEEPS_BELIEVE_PROVED, loose, false);
	peeps_graph_free(graph);
}

static void reduce__who_runs_inside_whom_is_uncertain__stuck_only_if_all_is_believed(void **state)
{
	(void)state;
	for (int fact = 0; fact < 2; fact++) {
		struct peeps_graph *graph = graph_deadlocked();
		const uint32_t outer = graph_task(graph, "outer"),
			       inner = graph_task(graph, "inner");

		graph_enter(graph, IDLE, outer);
		graph_enter(graph, IDLE, inner);
		(void)graph_wait(graph, inner, 2, 2 * S);
		graph->nodes[fact ? IDLE : outer].uncertain = true;
		assert_stuck(graph, PEEPS_BELIEVE_PROVED, outer, false);
		assert_stuck(graph, PEEPS_BELIEVE_ALL, outer, true);
		peeps_graph_free(graph);
	}
}

static void reduce__task_that_may_be_left_with_its_operation_pending__proves_nothing(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	const uint32_t task = graph_task(graph, "task");
	const struct graph_channel channel = graph_channel(graph, "c", 0, 4);
	uint32_t wait;

	(void)state;
	(void)graph_sender(graph, channel, STUCK, PEEPS_HOLD_MODE_OWNER);
	graph_enter(graph, IDLE, task);
	wait = graph_recv(graph, task, channel, 2 * S);
	assert_stuck(graph, PEEPS_BELIEVE_PROVED, IDLE, true);
	graph->edges[wait].blocks = false;
	assert_stuck(graph, PEEPS_BELIEVE_PROVED, task, true);
	assert_stuck(graph, PEEPS_BELIEVE_PROVED, IDLE, false);
	assert_stuck(graph, PEEPS_BELIEVE_ALL, IDLE, true);
	peeps_graph_free(graph);
}

static void reduce__tasks_wait_for_each_other_on_no_thread__are_stuck(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t one = graph_task(graph, "one"), other = graph_task(graph, "other");
	const struct graph_channel there = graph_channel(graph, "there", 0, 4),
				   back = graph_channel(graph, "back", 0, 4);

	(void)state;
	(void)graph_sender(graph, there, one, PEEPS_HOLD_MODE_OWNER);
	(void)graph_sender(graph, back, other, PEEPS_HOLD_MODE_OWNER);
	graph->edges[graph_recv(graph, one, back, 2 * S)].blocks = false;
	assert_int_equal(stuck_count(graph, PEEPS_BELIEVE_ALL), 0); /* the other is suspended */
	graph->edges[graph_recv(graph, other, there, 2 * S)].blocks = false;
	assert_int_equal(stuck_count(graph, PEEPS_BELIEVE_PROVED), 2);
	peeps_graph_free(graph);
}

/* --- at random --------------------------------------------------------------------------------------------------- */

static uint64_t number_of(const struct peeps_graph *graph, uint32_t node, const char *name)
{
	return peeps_graph_attribute(&graph->nodes[node], name)->as.number;
}

static bool yes(const struct peeps_graph *graph, uint32_t node, const char *name)
{
	return peeps_graph_attribute(&graph->nodes[node], name)->as.boolean;
}

/* Weight of holds: in all, of those who can progress, of one actor; and whether one of them is not an owner. */
struct tally {
	uint64_t all, able, own;
	bool loose;
};

static struct tally tally(const struct peeps_graph *graph, const bool *stuck, uint32_t resource,
			  uint32_t actor)
{
	struct tally tally = { 0 };

	for (size_t i = 0; i < graph->edge_count; i++) {
		const struct peeps_edge *hold = &graph->edges[i];

		if (hold->kind != PEEPS_EDGE_HOLDS || hold->src != resource)
			continue;
		tally.all += hold->count;
		tally.able += stuck[hold->dst] ? 0 : hold->count;
		tally.own += hold->dst == actor ? hold->count : 0;
		tally.loose |= graph->nodes[hold->dst].gone ||
			       hold->mode_number != (hold->role_number == PEEPS_HOLD_ROLE_PERMIT
							     ? PEEPS_HOLD_MODE_RETURNS
							     : PEEPS_HOLD_MODE_OWNER);
	}
	return tally;
}

static bool acquire_can_end(const struct peeps_graph *graph, const struct peeps_edge *wait,
			    const struct tally *holds, enum peeps_belief belief)
{
	const uint64_t asked = wait->details[0].value.as.number,
		       available = number_of(graph, wait->dst, "available");

	if (available + holds->able >= asked || available + holds->all < asked ||
	    number_of(graph, wait->dst, "unattributed_out"))
		return true;
	return belief == PEEPS_BELIEVE_PROVED &&
	       (number_of(graph, wait->dst, "anonymous_releases") || holds->loose ||
		available + holds->all - holds->own < asked);
}

static bool channel_can_go_on(const struct peeps_graph *graph, const struct peeps_edge *wait,
			      const struct tally *holds, enum peeps_belief belief)
{
	const bool sends = wait->op == PEEPS_OP_SEND;
	const uint64_t length = number_of(graph, wait->dst, "queue_len");

	return (sends ? length < number_of(graph, wait->dst, "capacity") : length > 0) ||
	       yes(graph, wait->dst, "sender_closed") || holds->able > 0 || holds->all == 0 ||
	       holds->all < (sends ? 1 : number_of(graph, wait->dst, "sender_count")) ||
	       (belief == PEEPS_BELIEVE_PROVED && holds->loose);
}

/* The graph that is made below has its sending ends right before its receiving ends. */
static uint32_t other_side(const struct peeps_edge *wait)
{
	return wait->op == PEEPS_OP_SEND   ? wait->dst + 1
	       : wait->op == PEEPS_OP_RECV ? wait->dst - 1
					   : wait->dst;
}

static bool can_end(const struct peeps_graph *graph, const struct peeps_edge *wait,
		    const bool *stuck, enum peeps_belief belief)
{
	const struct tally holds = tally(graph, stuck, other_side(wait), wait->src);
	const struct tally same = tally(graph, stuck, wait->dst, wait->src);

	/* Any sender may close the channel. */
	if (wait->op == PEEPS_OP_SEND && belief == PEEPS_BELIEVE_PROVED &&
	    (same.able > 0 || same.loose || same.all < number_of(graph, wait->dst, "sender_count")))
		return true;
	switch (wait->op) {
	case PEEPS_OP_LOCK:
		return holds.able == holds.all;
	case PEEPS_OP_ACQUIRE:
		return acquire_can_end(graph, wait, &holds, belief);
	default:
		return channel_can_go_on(graph, wait, &holds, belief);
	}
}

/* The innermost task that an actor waits for; itself if it is none. */
static uint32_t inner_task(const struct peeps_graph *graph, uint32_t actor)
{
	const struct peeps_value *value = peeps_graph_attribute(&graph->nodes[actor], "thread_id");
	const uint32_t thread = value ? value->as.node : actor;

	value = peeps_graph_attribute(&graph->nodes[thread], "current_task_id");
	return value && !graph->nodes[thread].gone ? value->as.node : actor;
}

static bool is_wait_of(const struct peeps_edge *edge, uint32_t actor)
{
	return edge->kind == PEEPS_EDGE_NEEDS && edge->op != PEEPS_OP_NONE && edge->src == actor;
}

static bool can_progress(const struct peeps_graph *graph, uint32_t actor, const bool *stuck,
			 enum peeps_belief belief)
{
	const uint32_t task = inner_task(graph, actor);
	bool any = false, needs_any = false, inner_waits = false, inner_blocks = false;

	for (size_t i = 0; i < graph->edge_count; i++) {
		const struct peeps_edge *wait = &graph->edges[i];

		inner_waits |= is_wait_of(wait, task);
		inner_blocks |= is_wait_of(wait, task) && wait->blocks;
		if (!is_wait_of(wait, actor))
			continue;
		if (wait->blocks && !can_end(graph, wait, stuck, belief))
			return false;
		needs_any |= !wait->blocks;
		any |= !wait->blocks && can_end(graph, wait, stuck, belief);
	}
	if (task != actor && stuck[task] &&
	    (belief == PEEPS_BELIEVE_ALL ? inner_waits : inner_blocks))
		return false;
	return any || !needs_any;
}

/* The definition, as slow as it reads. */
static void reduce_naively(const struct peeps_graph *graph, enum peeps_belief belief, bool *stuck)
{
	bool changed = true;

	for (size_t i = 0; i < graph->node_count; i++)
		stuck[i] = true;
	while (changed) {
		changed = false;
		for (uint32_t actor = 0; actor < graph->node_count; actor++) {
			if (!stuck[actor] || graph->nodes[actor].gone ||
			    !can_progress(graph, actor, stuck, belief))
				continue;
			stuck[actor] = false;
			changed = true;
		}
	}
}

static uint32_t below(unsigned int *seed, uint32_t end)
{
	return (uint32_t)rand_r(seed) % end;
}

#define ACTORS_MAX    16
#define RESOURCES_MAX 12

static uint32_t random_actors(struct peeps_graph *graph, unsigned int *seed)
{
	const uint32_t threads = 1 + below(seed, 9), tasks = below(seed, 7);

	for (uint32_t i = 0; i < threads; i++) {
		(void)graph_thread(graph, i + 1, "t");
		graph->nodes[i].gone = below(seed, 20) == 0;
	}
	for (uint32_t i = 0; i < tasks; i++) {
		const uint32_t task = graph_task(graph, "task"), thread = below(seed, 2 * threads);

		if (thread < threads)
			graph_enter(graph, thread, task);
	}
	return threads + tasks;
}

static void random_channel(struct peeps_graph *graph, uint32_t actors, unsigned int *seed)
{
	const uint64_t capacity = 2;
	const struct graph_channel channel = graph_channel(
		graph, "c", below(seed, 10) ? below(seed, 2) * capacity : 1, capacity);
	const bool closed = below(seed, 10) == 0;

	graph_bool(graph, channel.tx, "sender_closed", closed);
	graph_bool(graph, channel.rx, "sender_closed", closed);
	for (uint32_t senders = below(seed, 4); senders; senders--)
		(void)graph_sender(graph, channel, below(seed, actors),
				   below(seed, 6) ? PEEPS_HOLD_MODE_OWNER : PEEPS_HOLD_MODE_SHARED);
	if (below(seed, 10) == 0)
		graph_channel_number(graph, channel, "sender_count", 4);
	if (below(seed, 10))
		(void)graph_receiver(graph, channel, below(seed, actors),
				     below(seed, 6) ? PEEPS_HOLD_MODE_OWNER
						    : PEEPS_HOLD_MODE_CREATOR);
}

static void random_resource(struct peeps_graph *graph, uint32_t actors, unsigned int *seed)
{
	uint32_t resource;

	switch (below(seed, 3)) {
	case 0:
		resource = graph_mutex(graph, "m", NULL, 0);
		for (uint32_t holders = below(seed, 10); holders > 3; holders -= 3)
			(void)graph_hold(graph, resource, below(seed, actors), S);
		break;
	case 1:
		resource = graph_semaphore(graph, "s", below(seed, 3), 9);
		for (uint32_t holders = below(seed, 4); holders; holders--) {
			const uint32_t hold = graph_permits(graph, resource, below(seed, actors),
							    1 + below(seed, 3), S);

			if (below(seed, 6) == 0)
				graph->edges[hold].mode_number = PEEPS_HOLD_MODE_NONE;
		}
		graph_number(graph, resource, "anonymous_releases", below(seed, 6) == 0);
		graph_number(graph, resource, "unattributed_out", below(seed, 8) == 0);
		break;
	default:
		random_channel(graph, actors, seed);
		break;
	}
}

static void random_wait(struct peeps_graph *graph, uint32_t actors, uint32_t actor,
			unsigned int *seed)
{
	const uint32_t resource = actors + below(seed, (uint32_t)graph->node_count - actors);
	struct graph_channel channel = { .tx = resource, .rx = resource };
	uint32_t wait;

	switch (graph->nodes[resource].kind_number) {
	case PEEPS_KIND_MUTEX:
		wait = graph_wait(graph, actor, resource, S);
		break;
	case PEEPS_KIND_SEMAPHORE:
		wait = graph_acquire(graph, actor, resource, 1 + below(seed, 5), S);
		break;
	case PEEPS_KIND_MPSC_TX:
		wait = graph_send(graph, actor, channel, S);
		break;
	default:
		wait = graph_recv(graph, actor, channel, S);
		break;
	}
	if (graph->edges[wait].op != PEEPS_OP_LOCK)
		graph->edges[wait].blocks = below(seed, 3);
}

static struct peeps_graph *random_graph(unsigned int seed, uint32_t *actors)
{
	struct peeps_graph *graph = graph_new();

	*actors = random_actors(graph, &seed);
	for (uint32_t resources = 1 + below(&seed, RESOURCES_MAX); resources; resources--)
		random_resource(graph, *actors, &seed);
	for (uint32_t i = 0; i < *actors; i++) {
		for (uint32_t waits = below(&seed, 8); waits > 1; waits -= waits > 3 ? 3 : waits)
			random_wait(graph, *actors, i, &seed);
	}
	return graph;
}

static void assert_reduced_as_defined(const struct peeps_graph *graph, uint32_t actors,
				      enum peeps_belief belief, unsigned int seed)
{
	bool stuck[ACTORS_MAX + 2 * RESOURCES_MAX];
	struct peeps_wakers wakers;
	struct peeps_reduction reduction;

	reduce_naively(graph, belief, stuck);
	reduce(&wakers, &reduction, graph, belief);
	for (uint32_t i = 0; i < actors; i++) {
		if (reduction.stuck[i] != stuck[i])
			fail_msg("actor %u of seed %u, belief %d: %d", i, seed, belief, stuck[i]);
	}
	forget(&wakers, &reduction);
}

static void mark(bool *told, const uint32_t *nodes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		told[nodes[i]] = true;
}

/* Whoever is stuck for certain is a part or a victim of a certain finding, and nobody else is. */
static void assert_told(struct peeps_graph *graph, uint32_t actors, unsigned int seed)
{
	bool stuck[ACTORS_MAX + 2 * RESOURCES_MAX], told[ACTORS_MAX + 2 * RESOURCES_MAX] = { 0 };

	reduce_naively(graph, PEEPS_BELIEVE_PROVED, stuck);
	graph_analyse(graph, 0);
	for (size_t i = 0; i < graph->finding_count; i++) {
		const struct peeps_finding *finding = &graph->findings[i];

		if (!finding->certain)
			continue;
		mark(told, finding->nodes, finding->node_count);
		mark(told, finding->victims, finding->victim_count);
	}
	for (uint32_t i = 0; i < actors; i++) {
		if (!graph->nodes[i].gone && told[i] != stuck[i])
			fail_msg("actor %u of seed %u: told %d", i, seed, told[i]);
	}
}

static void reduce__random_graphs__agree_with_the_definition(void **state)
{
	const char *given = getenv("PEEPS_SEED");
	const unsigned int first_seed =
		given ? (unsigned int)strtoul(given, NULL, 10) : (unsigned int)time(NULL);

	(void)state;
	print_message("# PEEPS_SEED=%u\n", first_seed);
	for (unsigned int seed = first_seed; seed < first_seed + 1000; seed++) {
		uint32_t actors;
		struct peeps_graph *graph = random_graph(seed, &actors);

		assert_reduced_as_defined(graph, actors, PEEPS_BELIEVE_PROVED, seed);
		assert_reduced_as_defined(graph, actors, PEEPS_BELIEVE_ALL, seed);
		assert_told(graph, actors, seed);
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

static void reduce__as_many_wait_as_hold__stays_linear(void **state)
{
	const uint32_t count = 50000;
	struct peeps_graph *graph = graph_new();
	const uint32_t semaphore = graph_semaphore(graph, "s", 0, count);

	(void)state;
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t thread = graph_thread(graph, i + 1, "t");

		(void)graph_permits(graph, semaphore, thread, 1, S);
		(void)graph_acquire(graph, thread, semaphore, 1 + i % 7, 2 * S);
	}
	assert_int_equal(stuck_count(graph, PEEPS_BELIEVE_PROVED), count);
	graph_analyse(graph, 0);
	assert_int_equal(graph->finding_count, 1);
	assert_int_equal(graph->findings[0].step_count, 2);
	assert_int_equal(graph->findings[0].victim_count, count - 2);
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
		cmocka_unit_test(reduce__semaphore__needs_as_many_permits_as_are_missing),
		cmocka_unit_test(reduce__several_wait_for_one_semaphore__each_as_its_need_says),
		cmocka_unit_test(reduce__semaphore_with_unknown_releases__proves_nothing),
		cmocka_unit_test(reduce__waits_for_permits_of_its_own__is_stuck_only_perhaps),
		cmocka_unit_test(reduce__semaphore_of_which_something_is_not_known__is_outside),
		cmocka_unit_test(reduce__other_end_is_of_who_is_stuck__so_is_the_waiter),
		cmocka_unit_test(reduce__channel_that_lets_it_go_on__is_in_transit),
		cmocka_unit_test(reduce__unbounded_channel__is_never_full),
		cmocka_unit_test(reduce__handle_whose_owner_is_not_sure__is_stuck_only_perhaps),
		cmocka_unit_test(
			reduce__another_sender_could_close_the_channel__is_stuck_only_perhaps),
		cmocka_unit_test(reduce__threads_are_missing__handles_and_operations_prove_nothing),
		cmocka_unit_test(reduce__handle_of_somebody_unknown__is_not_stuck),
		cmocka_unit_test(reduce__links_of_one_end__are_believed_if_they_agree),
		cmocka_unit_test(
			reduce__a_fact_of_the_other_end_is_uncertain__stuck_only_if_all_is_believed),
		cmocka_unit_test(reduce__receiver_waits_for_its_own_sender__is_stuck),
		cmocka_unit_test(reduce__sender_of_a_oneshot_or_a_watch_is_stuck__so_is_the_waiter),
		cmocka_unit_test(reduce__oneshot_or_watch_without_its_sender__is_in_transit),
		cmocka_unit_test(reduce__watch_changed_since_the_wait_began__is_in_transit),
		cmocka_unit_test(reduce__waits_at_a_broadcast__conclude_nothing),
		cmocka_unit_test(
			reduce__maker_of_a_oneshot_waits_for_the_item__has_given_the_sender_away),
		cmocka_unit_test(
			reduce__operation_on_what_is_not_for_it__depends_on_something_outside),
		cmocka_unit_test(reduce__operations_that_do_not_block__any_one_will_do),
		cmocka_unit_test(reduce__innermost_task_is_stuck__so_are_all_it_runs_inside_of),
		cmocka_unit_test(
			reduce__who_runs_inside_whom_is_uncertain__stuck_only_if_all_is_believed),
		cmocka_unit_test(
			reduce__task_that_may_be_left_with_its_operation_pending__proves_nothing),
		cmocka_unit_test(reduce__tasks_wait_for_each_other_on_no_thread__are_stuck),
		cmocka_unit_test(reduce__holder_never_gave_permits_back__is_no_proof),
		cmocka_unit_test(reduce__random_graphs__agree_with_the_definition),
		cmocka_unit_test(reduce__half_a_million_in_a_circle__takes_no_stack),
		cmocka_unit_test(reduce__as_many_wait_as_hold__stays_linear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
