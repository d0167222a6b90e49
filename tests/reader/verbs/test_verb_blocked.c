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
#include "reader/verbs/verb_blocked.h"
#include "tests/reader/graph_builder.h"

static struct peeps_blocked_view view;

static int table(const struct peeps_graph *graph, FILE *out)
{
	return peeps_blocked_table(graph, &view, out, NULL);
}

static int tree(const struct peeps_graph *graph, FILE *out)
{
	return peeps_blocked_tree(graph, &view, out);
}

static int json(const struct peeps_graph *graph, FILE *out)
{
	struct peeps_json document;

	if (peeps_json_open(&document, out) != 0)
		return -1;
	peeps_json_map(&document);
	if (peeps_blocked_json(graph, view.min_ns, &document) != 0)
		return -1;
	peeps_json_map_end(&document);
	return peeps_json_close(&document);
}

static int all_waits(void **state)
{
	(void)state;
	memset(&view, 0, sizeof(view));
	return 0;
}

static void table__deadlock__has_a_row_per_wait_longest_first(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();

	(void)state;
	(void)graph_wait(graph, 4, 2, 19950 * MS);
	assert_printed(
		table, graph,
		"WAITED  ACTOR     OPERATION  RESOURCE                    HELD BY      FOR\n"
		"12.4 s  worker-2  lock       mutex accounts (bank.c:42)  worker-1  12.5 s\n"
		"12.3 s  worker-1  lock       mutex ledger (bank.c:43)    worker-2  12.5 s\n"
		" 50 ms  idle      lock       mutex accounts (bank.c:42)  worker-1  12.5 s\n");
	view.min_ns = 12350 * MS;
	assert_printed(
		table, graph,
		"WAITED  ACTOR     OPERATION  RESOURCE                    HELD BY      FOR\n"
		"12.4 s  worker-2  lock       mutex accounts (bank.c:42)  worker-1  12.5 s\n");
	view.min_ns = 60 * S;
	assert_printed(table, graph, "nothing has waited that long\n");
	peeps_graph_free(graph);
}

static void table__unusual_waits__say_what_is_known(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t gone = graph_thread(graph, 1, "gone"),
		       other = graph_thread(graph, 2, "other");
	const uint32_t orphan = graph_mutex(graph, "orphan", NULL, 0),
		       shared = graph_mutex(graph, "shared", NULL, 0);
	const uint32_t loose = graph_mutex(graph, "loose", NULL, 0);

	(void)state;
	graph->nodes[gone].gone = true;
	(void)graph_hold(graph, orphan, gone, PEEPS_NO_TIME);
	(void)graph_hold(graph, shared, other, 1 * S);
	(void)graph_hold(graph, shared, gone, 2 * S);
	(void)graph_wait(graph, graph_thread(graph, 3, "twin"), orphan, 10 * S);
	(void)graph_wait(graph, graph_thread(graph, 4, "twin"), shared, 11 * S);
	(void)graph_wait(graph, graph_thread(graph, 5, "unknown"), loose, PEEPS_NO_TIME);
	(void)graph_wait(graph, gone, loose, 1 * S); /* left behind: no wait */
	graph->edges[3].uncertain = true;
	assert_printed(table, graph,
		       "WAITED  ACTOR     OPERATION        RESOURCE      HELD BY           FOR\n"
		       "10.0 s  twin (3)  lock (unproved)  mutex orphan  gone (exited)       ?\n"
		       " 9.0 s  twin (4)  lock             mutex shared  other +1       19.0 s\n"
		       "     ?  unknown   lock             mutex loose   nobody              -\n");
	peeps_graph_free(graph);
}

static void table__no_room_for_all__names_and_places_give_way(void **state)
{
	struct peeps_graph *graph = graph_new();
	const struct graph_channel channel = graph_channel(graph, "demo.work_queue", 16, 16);
	const struct graph_channel odd =
		graph_channel(graph, "a\nname.of.a.queue.that.is.far.too.long.for.a.table", 3, 3);
	const uint32_t maker = graph_thread(graph, 1, "stalled_receiver_of_the_work_queue");
	const uint32_t sender = graph_thread(graph, 2, "bounded_sender");
	const uint32_t acquirer = graph_thread(graph, 3, "acquirer");
	const uint32_t semaphore = graph_semaphore(graph, "demo.api_gate", 0, 1);
	uint32_t acquire;

	(void)state;
	graph->nodes[channel.tx].source =
		(struct peeps_source){ .file = "/src/channel-full-stall.c", .line = 76 };
	graph->nodes[semaphore].source =
		(struct peeps_source){ .file = "/src/semaphore-starvation.c", .line = 68 };
	graph_sleep(graph, maker, 60000);
	(void)graph_receiver(graph, channel, maker, PEEPS_HOLD_MODE_CREATOR);
	(void)graph_send(graph, sender, channel, 10 * S);
	(void)graph_send(graph, sender, odd, 11 * S);
	(void)graph_permits(graph, semaphore, sender, 1, 9 * S);
	acquire = graph_acquire(graph, acquirer, semaphore, 1, 12 * S);
	graph->edges[acquire].uncertain = true;
	assert_printed(
		table, graph,
		"WAITED  ACTOR           OPERATION           RESOURCE                                          "
		"HELD BY                                      FOR\n"
		"10.0 s  bounded_sender  send                mpsc demo.work_queue (16/16)                      "
		"stalled_…rk_queue (created it, sleeping)  19.0 s\n"
		" 9.0 s  bounded_sender  send                mpsc a\\nname.of.a.queue…o.long.for.a.table (3/3)  "
		"-                                              -\n"
		" 8.0 s  acquirer        acquire (unproved)  semaphore demo.api_gate (0 of 1 available)        "
		"bounded_sender                            11.0 s\n");
	peeps_graph_free(graph);
}

static void table__nothing_waits__says_so(void **state)
{
	struct peeps_graph *graph = graph_new();

	(void)state;
	assert_printed(table, graph, "nothing waits\n");
	assert_printed(tree, graph, "nothing waits\n");
	assert_printed(json, graph, "{\"waits\":[]}\n");
	graph_lost(graph, "dropped_edges", 2);
	assert_printed(table, graph, "nothing that could be recorded waits\n");
	assert_printed(tree, graph, "nothing that could be recorded waits\n");
	peeps_graph_free(graph);
}

static void print_lines(struct peeps_graph *graph, size_t *lines, size_t *longest)
{
	char *text = printed(table, graph);

	*lines = 0;
	*longest = 0;
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
		*longest = strcspn(line, "\n") > *longest ? strcspn(line, "\n") : *longest;
		++*lines;
	}
	free(text);
}

/* A mutex, who holds it, and so many who wait for it, the first of them longest. */
static struct peeps_graph *graph_of_a_pool(uint32_t count)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t mutex = graph_mutex(graph, "m", NULL, 0),
		       holder = graph_thread(graph, 1, "holder");

	(void)graph_hold(graph, mutex, holder, 1 * S);
	for (uint32_t i = 0; i < count; i++)
		(void)graph_wait(graph, graph_thread(graph, 2 + i, "pool"), mutex, 2 * S + i * MS);
	return graph;
}

static void table__a_thousand_alike__is_one_row_unless_all_are_wanted(void **state)
{
	struct peeps_graph *graph = graph_of_a_pool(1000);
	size_t lines, longest;

	(void)state;
	assert_printed(table, graph,
		       "WAITED  ACTOR                    OPERATION  RESOURCE  HELD BY     FOR\n"
		       "18.0 s  pool (2) and 999 others  lock       mutex m   holder   19.0 s\n");
	view.all = true;
	print_lines(graph, &lines, &longest);
	assert_int_equal(lines, 1001);
	assert_true(longest <= 80);
	peeps_graph_free(graph);
}

static void make_internal(struct peeps_graph *graph, uint32_t node)
{
	graph_attribute(
		graph, node, PEEPS_NODE_VISIBILITY,
		(struct peeps_value){ .type = PEEPS_VALUE_TEXT, .as.text = PEEPS_NODE_INTERNAL });
}

static void table__internal__is_counted_unless_all_are_wanted(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t of_us = graph_thread(graph, 1, "of us"),
		       inner = graph_thread(graph, 2, "inner");
	const uint32_t lock = graph_mutex(graph, "lock", NULL, 0),
		       latch = graph_mutex(graph, "latch", NULL, 0);

	(void)state;
	make_internal(graph, inner);
	make_internal(graph, latch);
	(void)graph_wait(graph, of_us, latch, 15 * S);
	assert_printed(table, graph, "1 internal wait (--all shows it)\n");
	(void)graph_wait(graph, inner, lock, 16 * S);
	assert_printed(table, graph, "2 internal waits (--all shows them)\n");
	(void)graph_wait(graph, of_us, lock, 17 * S);
	assert_printed(table, graph,
		       "WAITED  ACTOR  OPERATION  RESOURCE    HELD BY  FOR\n"
		       " 3.0 s  of us  lock       mutex lock  nobody     -\n"
		       "and 2 internal waits (--all shows them)\n");
	view.all = true;
	assert_printed(table, graph,
		       "WAITED  ACTOR  OPERATION  RESOURCE     HELD BY  FOR\n"
		       " 5.0 s  of us  lock       mutex latch  nobody     -\n"
		       " 4.0 s  inner  lock       mutex lock   nobody     -\n"
		       " 3.0 s  of us  lock       mutex lock   nobody     -\n");
	peeps_graph_free(graph);
}

/* Hidden, it would be of no use. */
static void table__internal_and_in_a_deadlock__is_shown(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();

	(void)state;
	make_internal(graph, graph->edges[0].dst);
	make_internal(graph, graph->edges[0].src);
	graph_analyse(graph, 0);
	assert_printed(
		table, graph,
		"WAITED  ACTOR     OPERATION  RESOURCE                    HELD BY      FOR\n"
		"12.4 s  worker-2  lock       mutex accounts (bank.c:42)  worker-1  12.5 s\n"
		"12.3 s  worker-1  lock       mutex ledger (bank.c:43)    worker-2  12.5 s\n");
	peeps_graph_free(graph);
}

static void table__few_alike__are_a_row_each(void **state)
{
	struct peeps_graph *few = graph_of_a_pool(3), *more = graph_of_a_pool(4);
	size_t lines, longest;

	(void)state;
	print_lines(few, &lines, &longest);
	assert_int_equal(lines, 4);
	print_lines(more, &lines, &longest);
	assert_int_equal(lines, 2);
	peeps_graph_free(few);
	peeps_graph_free(more);
}

static void table__alike_but_for_one_thing__are_not_told_together(void **state)
{
	struct peeps_graph *graph = graph_of_a_pool(20);
	size_t lines, longest;

	(void)state;
	/* Four for each reason; edge 0 is the hold, five of them stay as they are. */
	for (uint32_t i = 6; i < 10; i++)
		graph->edges[i].source.line = 7;
	for (uint32_t i = 10; i < 14; i++)
		graph->edges[i].uncertain = true;
	for (uint32_t i = 14; i < 18; i++)
		graph_until(graph, i, 30000);
	for (uint32_t i = 18; i < 21; i++)
		graph->edges[i].source.file = "/src/other.c";
	print_lines(graph, &lines, &longest);
	assert_int_equal(lines, 1 + 1 + 1 + 1 + 1 + 3);
	peeps_graph_free(graph);
}

static void table__timed_and_recursive__say_so(void **state)
{
	struct peeps_graph *graph = graph_of_a_pool(1);

	(void)state;
	graph_until(graph, 1, 23200);
	graph->edges[0].count = 3;
	assert_printed(
		table, graph,
		"WAITED  ACTOR  OPERATION          RESOURCE  HELD BY                     FOR\n"
		"18.0 s  pool   lock (3.2 s left)  mutex m   holder (locked 3 times)  19.0 s\n");
	peeps_graph_free(graph);
	graph = graph_of_a_pool(4);
	for (uint32_t i = 1; i < 5; i++)
		graph_until(graph, i, 23200 + i);
	assert_printed(table, graph,
		       "WAITED  ACTOR                  OPERATION     RESOURCE  HELD BY     FOR\n"
		       "18.0 s  pool (2) and 3 others  lock (timed)  mutex m   holder   19.0 s\n");
	peeps_graph_free(graph);
}

static void table__several_processes__says_which(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	const uint32_t bank = graph_process(graph, "bank", 4800);

	(void)state;
	graph->nodes[1].process = bank; /* worker-2 */
	graph->nodes[3].process = bank; /* ledger */
	(void)graph_wait(graph, 4, 2, 19950 * MS);
	assert_printed(
		table, graph,
		"WAITED  PROCESS      ACTOR     OPERATION  RESOURCE                                HELD BY                  FOR\n"
		"12.4 s  bank-4800    worker-2  lock       mutex orders-4711/accounts (bank.c:42)  orders-4711/worker-1  12.5 s\n"
		"12.3 s  orders-4711  worker-1  lock       mutex bank-4800/ledger (bank.c:43)      bank-4800/worker-2    12.5 s\n"
		" 50 ms  orders-4711  idle      lock       mutex accounts (bank.c:42)              worker-1              12.5 s\n");
	peeps_graph_free(graph);
}

static void table__something_of_a_process_not_looked_at__waits_for_another_process(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t stub = graph_mutex(graph, "mutex:bank-4800:accounts", NULL, 0);

	(void)state;
	graph->nodes[stub].kind_number = PEEPS_KIND_FOREIGN;
	graph->nodes[stub].role = PEEPS_ROLE_OTHER;
	(void)graph_wait(graph, graph_thread(graph, 1, "worker"), stub, 18 * S);
	assert_printed(
		table, graph,
		"WAITED  ACTOR   OPERATION  RESOURCE                                  HELD BY          FOR\n"
		" 2.0 s  worker  lock       mutex bank-4800/accounts (not looked at)  another process    -\n");
	peeps_graph_free(graph);
}

static void table__columns_and_order__are_as_wished(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();

	(void)state;
	view.table.columns = "actor,waited,at";
	view.table.sort = "waited";
	assert_printed(table, graph,
		       "ACTOR     WAITED  AT\n"
		       "worker-1  12.3 s  /src/bank.c:90\n"
		       "worker-2  12.4 s  /src/bank.c:90\n");
	peeps_graph_free(graph);
}

static void table__narrow_terminal__says_less_before_it_cuts(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t mutex = graph_mutex(graph, "accounts", "/src/bank.c", 42),
		       holder = graph_thread(graph, 1, "the_one_who_holds_it");

	(void)state;
	graph_sleep(graph, holder, 25000);
	(void)graph_hold(graph, mutex, holder, 1 * S);
	for (uint32_t i = 0; i < 200; i++)
		(void)graph_wait(graph, graph_thread(graph, 1000 + i, "worker"), mutex, 2 * S + i);
	view.table.width = 132;
	assert_printed(
		table, graph,
		"WAITED  ACTOR                         OPERATION  RESOURCE                    HELD BY                             FOR\n"
		"18.0 s  worker (1000) and 199 others  lock       mutex accounts (bank.c:42)  the_one_who_holds_it (sleeping)  19.0 s\n");
	view.table.width = 100;
	assert_printed(
		table, graph,
		"WAITED  ACTOR               OPERATION  RESOURCE        HELD BY                             FOR\n"
		"18.0 s  worker (1000) +199  lock       mutex accounts  the_one_who_holds_it (sleeping)  19.0 s\n");
	view.table.width = 85;
	assert_printed(
		table, graph,
		"WAITED  ACTOR               OPERATION  RESOURCE        HELD BY                  FOR\n"
		"18.0 s  worker (1000) +199  lock       mutex accounts  the_one_who_holds_it  19.0 s\n");
	view.table.width = 70;
	assert_printed(table, graph,
		       "WAITED  ACTOR          OPERATION  RESOURCE       HELD BY           FOR\n"
		       "18.0 s  worker…) +199  lock       mutex …counts  the_on…lds_it  19.0 s\n");
	peeps_graph_free(graph);
}

static void tree__a_thousand_alike__shows_the_first_and_how_many_more(void **state)
{
	struct peeps_graph *graph = graph_of_a_pool(1000);
	const uint32_t mutex = graph_mutex(graph, "below", NULL, 0);

	(void)state;
	/* The last one holds up another, so it is shown whatever stands above. */
	(void)graph_hold(graph, mutex, 1001, 10 * S);
	(void)graph_wait(graph, graph_thread(graph, 9000, "end"), mutex, 15 * S);
	assert_printed(tree, graph,
		       "holder (running)\n"
		       "  pool (2) has waited 18.0 s for mutex \"m\", held for 19.0 s\n"
		       "  pool (3) has waited 17.9 s for mutex \"m\", held for 19.0 s\n"
		       "  pool (4) has waited 17.9 s for mutex \"m\", held for 19.0 s\n"
		       "  and 996 more for the same (--all shows them)\n"
		       "  pool (1001) has waited 17.0 s for mutex \"m\", held for 19.0 s\n"
		       "    end has waited 5.0 s for mutex \"below\", held for 10.0 s\n");
	view.all = true;
	{
		char *text = printed(tree, graph);

		assert_non_null(strstr(text, "\n  pool (777) has waited"));
		assert_null(strstr(text, "more for the same"));
		free(text);
	}
	peeps_graph_free(graph);
}

static void tree__chain__begins_with_who_holds_it_up(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t root = graph_thread(graph, 1, "root"),
		       middle = graph_thread(graph, 2, "middle");
	const uint32_t first = graph_mutex(graph, "first", "/src/bank.c", 1),
		       second = graph_mutex(graph, "second", NULL, 0);

	(void)state;
	(void)graph_hold(graph, second, middle, 2 * S);
	(void)graph_hold(graph, first, root, 1 * S);
	(void)graph_wait(graph, graph_thread(graph, 3, "end"), second, 4 * S);
	(void)graph_wait(graph, middle, first, 3 * S);
	(void)graph_wait(graph, graph_thread(graph, 4, "lost"), graph_mutex(graph, "free", NULL, 0),
			 19 * S);
	graph_analyse(graph, 0);
	assert_printed(
		tree, graph,
		"root (running)\n"
		"  middle has waited 17.0 s for mutex \"first\" (bank.c:1), held for 19.0 s\n"
		"    end has waited 16.0 s for mutex \"second\", held for 18.0 s\n"
		"mutex \"free\" (held by nobody)\n"
		"  lost has waited 1.0 s for mutex \"free\"\n");
	peeps_graph_free(graph);
}

static void tree__circle__closes_and_its_victims_hang_on_it(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();

	(void)state;
	(void)graph_wait(graph, graph_thread(graph, 4720, "victim"), 3, 15 * S);
	graph_analyse(graph, 0);
	assert_printed(
		tree, graph,
		"worker-1 (blocked)\n"
		"  worker-2 has waited 12.4 s for mutex \"accounts\" (bank.c:42), held for 12.5 s\n"
		"    worker-1 has waited 12.3 s for mutex \"ledger\" (bank.c:43), held for 12.5 s (the circle closes)\n"
		"    victim has waited 5.0 s for mutex \"ledger\" (bank.c:43), held for 12.5 s\n");
	peeps_graph_free(graph);
}

static void tree__two_ways_to_one_actor__is_shown_below_the_first(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t left = graph_thread(graph, 1, "left"),
		       right = graph_thread(graph, 2, "right");
	const uint32_t both = graph_thread(graph, 3, "both"), end = graph_thread(graph, 4, "end");
	const uint32_t shared = graph_mutex(graph, "shared", NULL, 0),
		       own = graph_mutex(graph, "own", NULL, 0);

	(void)state;
	(void)graph_hold(graph, shared, left, 1 * S);
	(void)graph_hold(graph, shared, right, 1 * S);
	(void)graph_hold(graph, own, both, 1 * S);
	(void)graph_wait(graph, both, shared, 2 * S);
	(void)graph_wait(graph, end, own, 3 * S);
	assert_printed(
		tree, graph,
		"left (running)\n"
		"  both has waited 18.0 s for mutex \"shared\", held for 19.0 s\n"
		"    end has waited 17.0 s for mutex \"own\", held for 19.0 s\n"
		"right (running)\n"
		"  both has waited 18.0 s for mutex \"shared\", held for 19.0 s (shown above)\n");
	peeps_graph_free(graph);
}

static void tree__nobody_has_it__is_said_only_of_what_one_can_have(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t thread = graph_thread(graph, 1, "t");
	const uint32_t mutex = graph_mutex(graph, "m", NULL, 0),
		       barrier = graph_mutex(graph, "b", NULL, 0);
	const struct graph_channel channel = graph_channel(graph, "c", 2, 2);

	(void)state;
	graph->nodes[barrier].kind_number = PEEPS_KIND_BARRIER;
	graph->nodes[barrier].kind = "barrier";
	(void)graph_wait(graph, thread, mutex, 10 * S);
	(void)graph_send(graph, thread, channel, 11 * S);
	(void)graph_operation(graph, thread, PEEPS_OP_BARRIER_WAIT, "barrier_wait", barrier,
			      12 * S);
	assert_printed(tree, graph,
		       "mutex \"m\" (held by nobody)\n"
		       "  t has waited 10.0 s for mutex \"m\"\n"
		       "mpsc \"c\" (2/2) (nobody is known to have its other end)\n"
		       "  t has waited 9.0 s to send to mpsc \"c\" (2/2)\n"
		       "barrier \"b\"\n"
		       "  t has waited 8.0 s for barrier \"b\"\n");
	peeps_graph_free(graph);
}

static void tree__long_chain__is_not_indented_for_ever(void **state)
{
	struct peeps_graph *graph = graph_new();
	uint32_t before = graph_thread(graph, 1, "root");
	char *text;

	(void)state;
	for (uint32_t i = 0; i < 2000; i++) {
		const uint32_t mutex = graph_mutex(graph, "m", NULL, 0),
			       thread = graph_thread(graph, 2 + i, "t");

		(void)graph_hold(graph, mutex, before, 1 * S);
		(void)graph_wait(graph, thread, mutex, 2 * S);
		before = thread;
	}
	text = printed(tree, graph);
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 110);
	assert_non_null(
		strstr(text, "\n                                [2000] t (2001) has waited"));
	free(text);
	peeps_graph_free(graph);
}

/* Who waits at a channel and for permits, behind whom. */
static struct peeps_graph *graph_of_all_kinds(void)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t sleeper = graph_thread(graph, 1, "stalled_receiver"),
		       sender = graph_thread(graph, 2, "bounded_sender"),
		       waiter = graph_thread(graph, 3, "permit_waiter"),
		       receiver = graph_thread(graph, 4, "blocked_receiver");
	const uint32_t semaphore = graph_semaphore(graph, "gate", 0, 3);
	const struct graph_channel work = graph_channel(graph, "work", 16, 16),
				   idle = graph_channel(graph, "idle", 0, 8);

	graph_sleep(graph, sleeper, 25000);
	(void)graph_receiver(graph, work, sleeper, PEEPS_HOLD_MODE_OWNER);
	(void)graph_permits(graph, semaphore, sender, 2, 10 * S);
	(void)graph_sender(graph, idle, waiter, PEEPS_HOLD_MODE_CREATOR);
	(void)graph_send(graph, sender, work, 12 * S);
	(void)graph_acquire(graph, waiter, semaphore, 1, 13 * S);
	(void)graph_recv(graph, receiver, idle, 14 * S);
	graph_analyse(graph, 0);
	return graph;
}

static void table__permits_and_channels__say_who_could_end_it(void **state)
{
	struct peeps_graph *graph = graph_of_all_kinds();

	(void)state;
	assert_printed(
		table, graph,
		"WAITED  ACTOR             OPERATION  RESOURCE                           HELD BY                         FOR\n"
		" 8.0 s  bounded_sender    send       mpsc work (16/16)                  stalled_receiver (sleeping)  19.0 s\n"
		" 7.0 s  permit_waiter     acquire    semaphore gate (0 of 3 available)  bounded_sender               10.0 s\n"
		" 6.0 s  blocked_receiver  recv       mpsc idle (empty)                  permit_waiter (created it)   19.0 s\n");
	peeps_graph_free(graph);
}

static void tree__chain_through_kinds__begins_with_who_sleeps(void **state)
{
	struct peeps_graph *graph = graph_of_all_kinds();

	(void)state;
	assert_printed(
		tree, graph,
		"stalled_receiver (sleeping, wakes in 5.0 s)\n"
		"  bounded_sender has waited 8.0 s to send to mpsc \"work\" (16/16), whose receiver is owned by "
		"stalled_receiver\n"
		"    permit_waiter has waited 7.0 s for 1 permit of semaphore \"gate\" (0 of 3 available), "
		"2 held for 10.0 s\n"
		"      blocked_receiver has waited 6.0 s to receive from mpsc \"idle\" (empty), whose sender was "
		"created by permit_waiter\n");
	peeps_graph_free(graph);
}

static void tree__task_waits__what_it_runs_inside_of_hangs_on_it(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t thread = graph_thread(graph, 1, "loop"),
		       idle = graph_thread(graph, 2, "idle"), root = graph_thread(graph, 3, "root");
	const uint32_t outer = graph_task(graph, "outer"), inner = graph_task(graph, "inner");
	const uint32_t first = graph_mutex(graph, "first", NULL, 0),
		       second = graph_mutex(graph, "second", NULL, 0);

	(void)state;
	graph_enter(graph, thread, outer);
	graph_enter(graph, thread, inner);
	(void)graph_hold(graph, first, root, 10 * S);
	(void)graph_hold(graph, second, outer, 10 * S);
	(void)graph_wait(graph, inner, first, 12 * S);
	(void)graph_wait(graph, idle, second, 13 * S);
	graph_analyse(graph, 0);
	/* The thread holds nobody up itself. */
	assert_printed(tree, graph,
		       "root (running)\n"
		       "  inner (on loop) has waited 8.0 s for mutex \"first\", held for 10.0 s\n"
		       "    outer goes on after inner, which is nested in it\n"
		       "      idle has waited 7.0 s for mutex \"second\", held for 10.0 s\n");
	peeps_graph_free(graph);
}

static void tree__task_waits_for_its_own_thread__is_a_circle(void **state)
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
		tree, graph,
		"parse (blocked)\n"
		"  loop runs parse\n"
		"    parse (on loop) has waited 8.0 s for mutex \"m\", held for 10.0 s (the circle closes)\n");
	peeps_graph_free(graph);
}

static void all__many_hold_and_many_wait__is_not_told_for_each_pair(void **state)
{
	const uint32_t count = 400;
	struct peeps_graph *graph = graph_new();
	const uint32_t semaphore = graph_semaphore(graph, "gate", 0, count);
	const struct graph_channel unknown = graph_channel(graph, "unknown", 1, 1);
	char *text;
	size_t lines = 0;

	(void)state;
	for (uint32_t i = 0; i < count; i++) {
		(void)graph_permits(graph, semaphore, graph_thread(graph, 1000 + i, "holder"), 1,
				    10 * S);
		(void)graph_acquire(graph, graph_thread(graph, 1 + i, "waiter"), semaphore, 1,
				    12 * S);
	}
	(void)graph_send(graph, graph_thread(graph, 5000, "sender"), unknown, 13 * S);
	graph_analyse(graph, 0);
	view.all = true;
	text = printed(tree, graph);
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		lines++;
	assert_int_equal(lines, count + 3);
	assert_int_equal(
		strncmp(text,
			"semaphore \"gate\" (0 of 400 available), held by holder (1000) (1 for 10.0 s), "
			"holder (1001) (1 for 10.0 s), holder (1002) (1 for 10.0 s) and 397 more\n"
			"  waiter (1) has waited 8.0 s for 1 permit of semaphore \"gate\"",
			180),
		0);
	assert_non_null(strstr(
		text,
		"\nmpsc \"unknown\" (1/1) (nobody is known to have its other end)\n  sender"));
	free(text);
	text = printed(json, graph);
	assert_non_null(strstr(text, "\"holder_count\":400,"));
	assert_true(strlen(text) < (size_t)count * (10 * 400 + 600));
	free(text);
	peeps_graph_free(graph);
}

static void json__permits_and_channels__say_role_mode_and_count(void **state)
{
	struct peeps_graph *graph = graph_of_all_kinds();
	char *text = printed(json, graph);

	(void)state;
	assert_non_null(strstr(
		text, "\"holders\":[{\"actor\":\"thread:orders-4711:1\","
		      "\"actor_name\":\"stalled_receiver\",\"process\":\"orders-4711\","
		      "\"pid\":4711,\"held\":\"mpsc:orders-4711:work:rx\",\"role\":\"receiver\","
		      "\"mode\":\"owner\",\"count\":1,"));
	assert_non_null(strstr(text, "\"exited\":false,\"sleeping\":true}"));
	assert_non_null(strstr(text, "\"role\":\"permit\",\"mode\":\"returns\",\"count\":2,"));
	assert_non_null(strstr(text, "\"role\":\"sender\",\"mode\":\"creator\",\"count\":1,"));
	free(text);
	peeps_graph_free(graph);
}

static void json__a_wait__names_actor_resource_and_holders(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();

	(void)state;
	view.min_ns = 12350 * MS;
	assert_printed(
		json, graph,
		"{\"waits\":[{\"actor\":\"thread:orders-4711:4713\",\"actor_name\":\"worker-2\","
		"\"process\":\"orders-4711\",\"pid\":4711,\"op_kind\":\"lock\","
		"\"resource\":\"mutex:orders-4711:accounts\",\"resource_name\":\"accounts\","
		"\"resource_process\":\"orders-4711\","
		"\"resource_source\":\"/src/bank.c:42\",\"pending_ns\":12420000000,\"times_out_in_ns\":null,\"source\":\"/src/bank.c:90\","
		"\"holder_count\":1,\"holders\":[{\"actor\":\"thread:orders-4711:4712\",\"actor_name\":\"worker-1\","
		"\"process\":\"orders-4711\",\"pid\":4711,\"held\":\"mutex:orders-4711:accounts\","
		"\"role\":\"lock\",\"mode\":\"exclusive\",\"count\":1,"
		"\"held_ns\":12500000000,\"held_accuracy_ns\":100000000,\"source\":\"/src/bank.c:88\","
		"\"exited\":false,\"sleeping\":false}]}]}\n");
	peeps_graph_free(graph);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(name, all_waits)
		TEST(table__deadlock__has_a_row_per_wait_longest_first),
		TEST(table__unusual_waits__say_what_is_known),
		TEST(table__no_room_for_all__names_and_places_give_way),
		TEST(table__nothing_waits__says_so),
		TEST(table__a_thousand_alike__is_one_row_unless_all_are_wanted),
		TEST(table__internal__is_counted_unless_all_are_wanted),
		TEST(table__internal_and_in_a_deadlock__is_shown),
		TEST(table__few_alike__are_a_row_each),
		TEST(table__alike_but_for_one_thing__are_not_told_together),
		TEST(table__timed_and_recursive__say_so),
		TEST(table__several_processes__says_which),
		TEST(table__something_of_a_process_not_looked_at__waits_for_another_process),
		TEST(table__columns_and_order__are_as_wished),
		TEST(table__narrow_terminal__says_less_before_it_cuts),
		TEST(tree__a_thousand_alike__shows_the_first_and_how_many_more),
		TEST(tree__chain__begins_with_who_holds_it_up),
		TEST(tree__circle__closes_and_its_victims_hang_on_it),
		TEST(tree__two_ways_to_one_actor__is_shown_below_the_first),
		TEST(tree__nobody_has_it__is_said_only_of_what_one_can_have),
		TEST(tree__long_chain__is_not_indented_for_ever),
		TEST(table__permits_and_channels__say_who_could_end_it),
		TEST(tree__chain_through_kinds__begins_with_who_sleeps),
		TEST(tree__task_waits__what_it_runs_inside_of_hangs_on_it),
		TEST(tree__task_waits_for_its_own_thread__is_a_circle),
		TEST(all__many_hold_and_many_wait__is_not_told_for_each_pair),
		TEST(json__permits_and_channels__say_role_mode_and_count),
		TEST(json__a_wait__names_actor_resource_and_holders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
