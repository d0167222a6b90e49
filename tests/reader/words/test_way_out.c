/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "reader/words/way_out.h"
#include "tests/reader/graph_builder.h"

static void assert_way_out(const struct peeps_graph *graph, uint32_t wait, const char *wanted)
{
	struct peeps_telling telling;

	assert_int_equal(peeps_telling_init(&telling, graph, 0), 0);
	assert_string_equal(peeps_way_out(&telling, &graph->edges[wait]), wanted);
	peeps_telling_deinit(&telling);
}

static void assert_doing(const struct peeps_graph *graph, uint32_t actor, const char *wanted)
{
	struct peeps_telling telling;
	const char *doing;

	assert_int_equal(peeps_telling_init(&telling, graph, 0), 0);
	doing = peeps_way_out_doing(&telling, actor);
	assert_string_equal(doing ? doing : "nothing to say", wanted);
	peeps_telling_deinit(&telling);
}

static void lock__holders__have_to_unlock_it(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t waiter = graph_thread(graph, 1, "waiter"),
		       holder = graph_thread(graph, 2, "holder"),
		       another = graph_thread(graph, 3, "another");
	const uint32_t mutex = graph_mutex(graph, "m", NULL, 0);
	const uint32_t wait = graph_wait(graph, waiter, mutex, 10 * S);

	(void)state;
	assert_way_out(
		graph, wait,
		"any moment: nobody is seen to hold it (or it was taken where peeps does not look)");
	(void)graph_hold(graph, mutex, holder, 5 * S);
	assert_way_out(graph, wait, "when holder unlocks it");
	(void)graph_hold(graph, mutex, another, 5 * S);
	assert_way_out(graph, wait, "when all 2 who hold it have unlocked it");
	graph_until(graph, wait, 22000);
	assert_way_out(graph, wait,
		       "when all 2 who hold it have unlocked it; else it times out in 2.0 s");
	peeps_graph_free(graph);
}

static void lock__robust_and_its_holder_gone__ends_by_itself(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t waiter = graph_thread(graph, 1, "waiter"),
		       holder = graph_thread(graph, 2, "holder");
	const uint32_t mutex = graph_mutex(graph, "m", NULL, 0);
	const uint32_t wait = graph_wait(graph, waiter, mutex, 10 * S);

	(void)state;
	(void)graph_hold(graph, mutex, holder, 5 * S);
	graph_bool(graph, mutex, "robust", true);
	graph->nodes[holder].gone = true;
	assert_way_out(graph, wait, "any moment: its holder has exited, and it is robust");
	peeps_graph_free(graph);
}

static void notify_wait__stored__is_about_to_end(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t waiter = graph_thread(graph, 1, "waiter");
	const uint32_t notify = graph_mutex(graph, "ready", NULL, 0);
	const uint32_t wait =
		graph_operation(graph, waiter, PEEPS_OP_NOTIFY_WAIT, "notify_wait", notify, 10 * S);

	(void)state;
	graph->nodes[notify].kind_number = PEEPS_KIND_NOTIFY;
	assert_way_out(graph, wait, "when anybody notifies it");
	graph_number(graph, notify, "permits_stored", 1);
	assert_way_out(graph, wait, "any moment: a notification is stored");
	peeps_graph_free(graph);
}

static void acquire__permits_missing__have_to_come_back(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t waiter = graph_thread(graph, 1, "waiter"),
		       holder = graph_thread(graph, 2, "holder");
	const uint32_t semaphore = graph_semaphore(graph, "gate", 1, 4);
	const uint32_t wait = graph_acquire(graph, waiter, semaphore, 3, 10 * S);

	(void)state;
	assert_way_out(graph, wait, "when 2 permits are given back, by whom is not known");
	(void)graph_permits(graph, semaphore, holder, 3, 5 * S);
	assert_way_out(graph, wait, "when 2 permits are given back");
	graph_number(graph, semaphore, "available", 2);
	assert_way_out(graph, wait, "when 1 permit is given back");
	graph_number(graph, semaphore, "available", 3);
	assert_way_out(graph, wait, "any moment: enough permits are there");
	peeps_graph_free(graph);
}

static void send_and_recv__state_of_the_channel__says_what_is_missing(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t actor = graph_thread(graph, 1, "a"), other = graph_thread(graph, 2, "b");
	const struct graph_channel full = graph_channel(graph, "full", 2, 2),
				   empty = graph_channel(graph, "empty", 0, 2);
	const uint32_t send = graph_send(graph, actor, full, 10 * S),
		       recv = graph_recv(graph, other, empty, 10 * S);

	(void)state;
	assert_way_out(graph, send, "when the receiver takes a message: whose it is is not known");
	assert_way_out(graph, recv,
		       "when somebody sends, or the last sender is gone: who has one is not known");
	(void)graph_receiver(graph, full, other, PEEPS_HOLD_MODE_OWNER);
	(void)graph_sender(graph, empty, actor, PEEPS_HOLD_MODE_OWNER);
	assert_way_out(graph, send,
		       "when the receiver takes a message, or somebody closes the channel");
	assert_way_out(graph, recv, "when somebody sends, or the last sender is gone");
	graph_channel_number(graph, full, "queue_len", 1);
	graph_channel_number(graph, empty, "queue_len", 1);
	assert_way_out(graph, send, "any moment: there is room");
	assert_way_out(graph, recv, "any moment: there is a message");
	graph_bool(graph, full.tx, "receiver_closed", true);
	graph_bool(graph, empty.rx, "sender_closed", true);
	assert_way_out(graph, send, "any moment: the channel is closed");
	assert_way_out(graph, recv, "any moment: the channel is closed");
	peeps_graph_free(graph);
}

static void others__say_what_is_known(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t actor = graph_thread(graph, 1, "a"), child = graph_thread(graph, 2, "b");
	const uint32_t barrier = graph_mutex(graph, "barrier", NULL, 0);
	const uint32_t join = graph_operation(graph, actor, PEEPS_OP_JOIN, "join", child, 10 * S),
		       meet = graph_operation(graph, child, PEEPS_OP_BARRIER_WAIT, "barrier_wait",
					      barrier, 10 * S);

	(void)state;
	assert_way_out(graph, join, "when b ends");
	assert_way_out(graph, meet, "by something that is not recorded here");
	graph->nodes[barrier].kind_number = PEEPS_KIND_FOREIGN;
	assert_way_out(graph, meet, "in another process, which was not looked at");
	peeps_graph_free(graph);
}

static void doing__each_way_to_be_idle__is_told(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	const uint32_t sleeper = graph_thread(graph, 1, "sleeper"),
		       gone = graph_thread(graph, 2, "gone"), loop = graph_thread(graph, 3, "loop"),
		       task = graph_task(graph, "parse");

	(void)state;
	graph_sleep(graph, sleeper, 25000);
	graph->nodes[gone].gone = true;
	assert_doing(graph, 0, "which waits for \"ledger\"");
	assert_doing(graph, 4, "nothing to say");
	assert_doing(graph, sleeper, "which is sleeping, wakes in 5.0 s");
	assert_doing(graph, gone, "which has exited");
	assert_doing(graph, task, "which is suspended");
	graph_enter(graph, loop, task);
	assert_doing(graph, loop, "which runs parse");
	peeps_graph_free(graph);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lock__holders__have_to_unlock_it),
		cmocka_unit_test(lock__robust_and_its_holder_gone__ends_by_itself),
		cmocka_unit_test(notify_wait__stored__is_about_to_end),
		cmocka_unit_test(acquire__permits_missing__have_to_come_back),
		cmocka_unit_test(send_and_recv__state_of_the_channel__says_what_is_missing),
		cmocka_unit_test(others__say_what_is_known),
		cmocka_unit_test(doing__each_way_to_be_idle__is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
