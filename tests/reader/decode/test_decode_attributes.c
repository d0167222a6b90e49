/* SPDX-License-Identifier: MIT */
/* What nodes say of themselves: tasks, semaphores, channels, stubs, notes. The segment is a town. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/reader/decode_fixture.h"

#define WORKER   "task:" FAKE_PROC_KEY ":worker"
#define IDLER    "task:" FAKE_PROC_KEY ":idler"
#define GATE     "semaphore:" FAKE_PROC_KEY ":gate"
#define TX       "mpsc:" FAKE_PROC_KEY ":jobs:tx"
#define RX       "mpsc:" FAKE_PROC_KEY ":jobs:rx"
#define RESPONSE "response:other-9:conn_3:42"

static struct peeps_entity_slot *slot_of(struct fixture *f, uint32_t entity)
{
	return &f->segment.entities[entity];
}

/* No more, no fewer, none twice. */
static void assert_names(const struct peeps_node *node, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!peeps_graph_attribute(node, names[i]))
			fail_msg("%s has no %s", node->id, names[i]);
	}
	assert_int_equal(node->attribute_count, count);
}
#define ASSERT_NAMES(node, ...)                                                \
	do {                                                                   \
		static const char *const names[] = { __VA_ARGS__ };            \
		assert_names((node), names, sizeof(names) / sizeof(names[0])); \
	} while (0)

static void assert_real(const struct peeps_node *node, const char *name, double real)
{
	const struct peeps_value *value = peeps_graph_attribute(node, name);

	assert_non_null(value);
	assert_int_equal(value->type, PEEPS_VALUE_REAL);
	assert_true(value->as.real == real);
}

/* --- tasks ------------------------------------------------------------------------------------------------------ */

static void task__that_a_thread_runs__says_which(void **state)
{
	struct fixture *f = *state;
	const struct peeps_node *worker;

	decode(f);
	assert_int_equal(f->graph->note_count, 0);
	worker = node_by_id(f, WORKER);
	ASSERT_NAMES(worker, "name", "created_at_ns", "creator_task_id", "thread_id", "activity",
		     "sleep_until_ptime_ms");
	assert_int_equal(worker->role, PEEPS_ROLE_ACTOR);
	assert_node(f, worker, "thread_id", ALPHA);
	assert_text(worker, "activity", "running");
	assert_null_value(worker, "sleep_until_ptime_ms");
	assert_false(worker->asleep);
	assert_node(f, node_by_id(f, ALPHA), "current_task_id", WORKER);
}

static void task__sleeping__is_asleep(void **state)
{
	struct fixture *f = *state;
	uint64_t *body = slot_of(f, f->town.worker)->body;

	body[PEEPS_TASK_ACTIVITY_WORD] = PEEPS_ACTIVITY_SLEEPING;
	body[PEEPS_TASK_SLEEP_UNTIL_WORD] = UINT64_C(7000000);
	decode(f);
	assert_true(node_by_id(f, WORKER)->asleep);
	assert_node(f, node_by_id(f, WORKER), "thread_id", ALPHA);
	assert_number(node_by_id(f, WORKER), "sleep_until_ptime_ms", 7);
}

static void task__whose_thread_exited_inside_it__is_suspended(void **state)
{
	struct fixture *f = *state;
	const uint32_t thread = fake_thread(&f->segment, 4799, "brief");
	const uint32_t task = fake_task(&f->segment, "left", thread);
	const char *const left = "task:" FAKE_PROC_KEY ":left";

	slot_of(f, task)->body[PEEPS_TASK_ACTIVITY_WORD] = PEEPS_ACTIVITY_SLEEPING;
	decode(f);
	assert_text(node_by_id(f, left), "activity", "sleeping");
	assert_true(node_by_id(f, left)->asleep);

	f->segment.threads[fake_record_of(&f->segment, thread)].state = PEEPS_THREAD_LEAVING;
	decode(f);
	assert_text(node_by_id(f, left), "activity", "suspended");
	assert_false(node_by_id(f, left)->asleep);
	assert_false(node_by_id(f, left)->gone);
	assert_node(f, node_by_id(f, left), "thread_id", "thread:" FAKE_PROC_KEY ":4799");

	slot_of(f, task)->body[PEEPS_TASK_THREAD_WORD] += UINT64_C(1) << PEEPS_REF_GENERATION_SHIFT;
	decode(f);
	assert_text(node_by_id(f, left), "activity", "suspended");
	assert_null_value(node_by_id(f, left), "thread_id");

	slot_of(f, task)->body[PEEPS_TASK_THREAD_WORD] = 0; /* on one that has no entity */
	decode(f);
	assert_text(node_by_id(f, left), "activity", "sleeping");
}

static void task__suspended__is_on_no_thread_whatever_it_ran_on_last(void **state)
{
	struct fixture *f = *state;
	const uint32_t beat = f->deadlock.heartbeat;

	slot_of(f, f->town.idler)->body[PEEPS_TASK_THREAD_WORD] = fake_ref(&f->segment, beat);
	decode(f);
	assert_null_value(node_by_id(f, IDLER), "thread_id");
	assert_text(node_by_id(f, IDLER), "activity", "suspended");

	/* Nor does it keep that thread, once it has exited. */
	f->segment.threads[fake_record_of(&f->segment, beat)].state = PEEPS_THREAD_LEAVING;
	f->segment.edges[f->town.rx_hold].wait = 0;
	decode(f);
	for (size_t i = 0; i < f->graph->node_count; i++)
		assert_string_not_equal(f->graph->nodes[i].id, BEAT);
}

/* --- semaphores ------------------------------------------------------------------------------------------------- */

static void semaphore__of_which_two_are_held__has_one_available(void **state)
{
	struct fixture *f = *state;
	uint64_t *body = slot_of(f, f->town.gate)->body;
	const struct peeps_node *gate;

	body[PEEPS_SEMAPHORE_ANONYMOUS_RELEASES_WORD] = 5;
	body[PEEPS_SEMAPHORE_CONTENDED_WORD] = UINT64_C(250) << PEEPS_SEMAPHORE_WAIT_MAX_SHIFT | 9;
	body[PEEPS_SEMAPHORE_WAIT_TOTAL_WORD] = 1234;
	decode(f);
	assert_int_equal(f->graph->note_count, 0);
	gate = node_by_id(f, GATE);
	ASSERT_NAMES(gate, "name", "created_at_ns", "creator_task_id", "max", "available",
		     "waiters", "anonymous_releases", "unattributed_out", "unattributed_back",
		     "contended", "wait_max_ns", "wait_total_ns", "note");
	assert_number(gate, "max", 3);
	assert_number(gate, "available", 1);
	assert_number(gate, "waiters", 0); /* counted by the analysis */
	assert_number(gate, "anonymous_releases", 5);
	assert_number(gate, "unattributed_out", 0);
	assert_number(gate, "unattributed_back", 0);
	assert_number(gate, "contended", 9);
	assert_number(gate, "wait_max_ns", 250000);
	assert_number(gate, "wait_total_ns", 1234);
	assert_text(gate, "note", "limits what we ask of the upstream");
}

static void semaphore__permits_of_nobody__count_too(void **state)
{
	static const struct {
		const char *name;
		uint64_t max;
		uint32_t held;
		int64_t unattributed;
		uint64_t available, out, back;
		bool sound;
	} rows[] = {
		{ "nothing held", 3, 0, 0, 3, 0, 0, true },
		{ "all held", 3, 3, 0, 0, 0, 0, true },
		{ "one out that no hold shows", 3, 1, 1, 1, 1, 0, true },
		{ "one back that a hold still shows", 3, 3, -1, 1, 0, 1, true },
		{ "many", UINT32_MAX, UINT32_MAX, -5, 5, 0, 5, true },
		{ "more held than there are", 3, 4, 0, 0, 0, 0, false },
		{ "more back than are out", 3, 1, -2, 3, 0, 2, false },
		{ "out beyond all", 3, 1, INT64_MAX, 0, INT64_MAX, 0, false },
		{ "back beyond all", 3, 1, -INT64_MAX, 3, 0, INT64_MAX, false },
	};
	struct fixture *f = *state;
	uint64_t *body = slot_of(f, f->town.gate)->body;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("# %s\n", rows[i].name);
		body[PEEPS_SEMAPHORE_MAX_WORD] = rows[i].max;
		body[PEEPS_SEMAPHORE_UNATTRIBUTED_WORD] = (uint64_t)rows[i].unattributed;
		f->segment.edges[f->town.gate_hold].wait = rows[i].held;
		decode(f);
		assert_number(node_by_id(f, GATE), "available", rows[i].available);
		assert_number(node_by_id(f, GATE), "unattributed_out", rows[i].out);
		assert_number(node_by_id(f, GATE), "unattributed_back", rows[i].back);
		assert_int_equal(f->graph->note_count, rows[i].sound ? 0 : 1);
		if (!rows[i].sound)
			assert_noted(f, "1 value makes no sense");
	}
}

static void semaphore__every_hold_of_it__counts(void **state)
{
	struct fixture *f = *state;

	slot_of(f, f->town.gate)->body[PEEPS_SEMAPHORE_MAX_WORD] = 10;
	(void)fake_holding(&f->segment, f->town.gate, f->town.idler, PEEPS_HOLD_ROLE_PERMIT, 0, 4);
	/* Of one that has exited, too. */
	f->segment
		.edges[fake_holding(&f->segment, f->town.gate, f->town.idler,
				    PEEPS_HOLD_ROLE_PERMIT, 0, 1)]
		.dst += UINT64_C(1) << PEEPS_REF_GENERATION_SHIFT;
	decode(f);
	assert_number(node_by_id(f, GATE), "available", 10 - 2 - 4 - 1);
}

static void semaphore__in_a_passive_look__may_not_add_up(void **state)
{
	struct fixture *f = *state;

	slot_of(f, f->town.gate)->body[PEEPS_SEMAPHORE_MAX_WORD] = 1;
	slot_of(f, f->town.jobs.tx)->body[PEEPS_MPSC_TX_SENT_TOTAL_WORD] = 3;
	take_image(f);
	f->image.quality = PEEPS_QUALITY_PASSIVE;
	decode_image(f, 0);
	assert_number(node_by_id(f, GATE), "available", 0);
	assert_null_value(node_by_id(f, TX), "queue_len");
	assert_int_equal(f->graph->note_count, 0);
}

/* --- channels --------------------------------------------------------------------------------------------------- */

static void channel__both_ends__show_all_of_it(void **state)
{
	struct fixture *f = *state;
	const char *const ends[] = { TX, RX };

	decode(f);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		const struct peeps_node *end = node_by_id(f, ends[i]);

		ASSERT_NAMES(end, "name", "bounded", "capacity", "queue_len", "high_watermark",
			     "utilization", "sender_count", "send_waiters", "recv_waiters",
			     "sender_closed", "receiver_closed", "sent_total", "recv_total",
			     "created_at_ns", "creator_task_id", "discarded_total", "close_cause");
		assert_text(end, "name", "jobs");
		assert_truth(end, "bounded", true);
		assert_number(end, "capacity", 4);
		assert_number(end, "queue_len", 10 - 6 - 1);
		assert_number(end, "high_watermark", 4);
		assert_real(end, "utilization", 0.75);
		assert_number(end, "sender_count", 1);
		assert_number(end, "send_waiters", 0); /* counted by the analysis */
		assert_number(end, "recv_waiters", 0);
		assert_truth(end, "sender_closed", false);
		assert_truth(end, "receiver_closed", false);
		assert_number(end, "sent_total", 10);
		assert_number(end, "recv_total", 6);
		assert_number(end, "discarded_total", 1);
		assert_null_value(end, "close_cause");
	}
	assert_string_equal(node_by_id(f, TX)->kind, "mpsc_tx");
	assert_string_equal(node_by_id(f, RX)->kind, "mpsc_rx");
}

/* --- oneshots and watches --- */

#define ANSWER_TX "oneshot:" FAKE_PROC_KEY ":answer:tx"
#define ANSWER_RX "oneshot:" FAKE_PROC_KEY ":answer:rx"
#define CONFIG_TX "watch:" FAKE_PROC_KEY ":config:tx"
#define CONFIG_RX "watch:" FAKE_PROC_KEY ":config:rx"

/* The body of the sending end. */
static uint64_t *add_single(struct fixture *f, uint32_t tx_kind, uint32_t rx_kind, int peer_word,
			    const char *name)
{
	const uint32_t tx = fake_entity(&f->segment, tx_kind, name);
	const uint32_t rx = fake_entity(&f->segment, rx_kind, name);

	slot_of(f, tx)->created_ns = slot_of(f, rx)->created_ns = 100;
	slot_of(f, tx)->body[peer_word] = fake_ref(&f->segment, rx);
	return slot_of(f, tx)->body;
}

static uint64_t now_ns(const struct fixture *f)
{
	return f->graph->processes[0].ptime_now_ns;
}

static void oneshot__in_every_state__both_ends_show_it(void **state)
{
	static const struct {
		uint64_t number, cause, sender_closed, receiver_closed, ended_ns;
		const char *name, *cause_name;
	} rows[] = {
		{ PEEPS_ONESHOT_STATE_EMPTY, 0, 0, 0, 0, "empty", NULL },
		{ PEEPS_ONESHOT_STATE_SENT, 0, 1, 0, 0, "sent", NULL },
		{ PEEPS_ONESHOT_STATE_RECEIVED, 0, 1, 0, 300, "received", NULL },
		{ PEEPS_ONESHOT_STATE_SENDER_DROPPED, PEEPS_CLOSE_CAUSE_SENDERS_GONE, 1, 0, 400,
		  "sender_dropped", "senders_gone" },
		{ PEEPS_ONESHOT_STATE_RECEIVER_DROPPED, PEEPS_CLOSE_CAUSE_RECEIVER_CLOSED, 0, 1,
		  500, "receiver_dropped", "receiver_closed" },
	};
	static const char *const ends[] = { ANSWER_TX, ANSWER_RX };
	struct fixture *f = *state;
	uint64_t *body = add_single(f, PEEPS_KIND_ONESHOT_TX, PEEPS_KIND_ONESHOT_RX,
				    PEEPS_ONESHOT_TX_PEER_WORD, "answer");

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		body[PEEPS_ONESHOT_TX_STATE_WORD] =
			rows[i].number | rows[i].cause << PEEPS_ONESHOT_TX_CLOSE_CAUSE_SHIFT |
			rows[i].sender_closed << PEEPS_ONESHOT_TX_SENDER_CLOSED_SHIFT |
			rows[i].receiver_closed << PEEPS_ONESHOT_TX_RECEIVER_CLOSED_SHIFT;
		body[PEEPS_ONESHOT_TX_ENDED_WORD] = rows[i].ended_ns;
		decode(f);
		for (int end = 0; end < 2; end++) {
			const struct peeps_node *node = node_by_id(f, ends[end]);

			ASSERT_NAMES(node, "name", "created_at_ns", "creator_task_id", "state",
				     "age_ns", "recv_waiters", "sender_closed", "receiver_closed",
				     "close_cause");
			assert_text(node, "state", rows[i].name);
			assert_truth(node, "sender_closed", rows[i].sender_closed);
			assert_truth(node, "receiver_closed", rows[i].receiver_closed);
			if (rows[i].cause_name)
				assert_text(node, "close_cause", rows[i].cause_name);
			else
				assert_null_value(node, "close_cause");
			assert_number(node, "age_ns",
				      (rows[i].ended_ns ? rows[i].ended_ns : now_ns(f)) - 100);
		}
	}
	body[PEEPS_ONESHOT_TX_STATE_WORD] = 99;
	body[PEEPS_ONESHOT_TX_ENDED_WORD] = 50; /* before it was made */
	decode(f);
	assert_null_value(node_by_id(f, ANSWER_TX), "state");
	assert_number(node_by_id(f, ANSWER_TX), "age_ns", 0);
	assert_true(f->graph->note_count > 0);
}

static void watch__both_ends__show_all_of_it(void **state)
{
	static const char *const ends[] = { CONFIG_TX, CONFIG_RX };
	struct fixture *f = *state;
	uint64_t *body = add_single(f, PEEPS_KIND_WATCH_TX, PEEPS_KIND_WATCH_RX,
				    PEEPS_WATCH_TX_PEER_WORD, "config");

	body[PEEPS_WATCH_TX_CHANGES_WORD] = 7;
	body[PEEPS_WATCH_TX_RECEIVER_COUNT_WORD] =
		3 | UINT64_C(1) << PEEPS_WATCH_TX_SENDER_CLOSED_SHIFT |
		(uint64_t)PEEPS_CLOSE_CAUSE_SENDERS_GONE << PEEPS_WATCH_TX_CLOSE_CAUSE_SHIFT;
	body[PEEPS_WATCH_TX_ENDED_WORD] = 900;
	body[PEEPS_WATCH_TX_WOKEN_WORD] = 250;
	decode(f);
	for (int end = 0; end < 2; end++) {
		const struct peeps_node *node = node_by_id(f, ends[end]);

		ASSERT_NAMES(node, "name", "created_at_ns", "creator_task_id", "changes",
			     "receiver_count", "age_ns", "woken_at_ns", "recv_waiters",
			     "sender_closed", "receiver_closed", "close_cause");
		assert_number(node, "changes", 7);
		assert_number(node, "receiver_count", 3);
		assert_number(node, "age_ns", 800);
		assert_number(node, "woken_at_ns", 250);
		assert_truth(node, "sender_closed", true);
		assert_truth(node, "receiver_closed", false);
		assert_text(node, "close_cause", "senders_gone");
	}
	body[PEEPS_WATCH_TX_WOKEN_WORD] = 0;
	body[PEEPS_WATCH_TX_ENDED_WORD] = 0;
	decode(f);
	assert_null_value(node_by_id(f, CONFIG_RX), "woken_at_ns");
	assert_number(node_by_id(f, CONFIG_RX), "age_ns", now_ns(f) - 100);
	/* Of a receiving end alone nothing is known. */
	body[PEEPS_WATCH_TX_PEER_WORD] = 0;
	decode(f);
	assert_null_value(node_by_id(f, CONFIG_RX), "changes");
	assert_null_value(node_by_id(f, CONFIG_RX), "age_ns");
	assert_number(node_by_id(f, CONFIG_TX), "changes", 7);
}

static void broadcast__two_receivers__each_has_its_lag(void **state)
{
	static const char *const shared[] = {
		"name",          "created_at_ns",   "creator_task_id", "capacity",
		"back_pressure", "sender_count",    "receiver_count",  "sent_total",
		"sender_closed", "receiver_closed", "close_cause"
	};
	struct fixture *f = *state;
	const uint32_t tx = fake_entity(&f->segment, PEEPS_KIND_BROADCAST_TX, "events");
	const uint32_t rx[2] = { fake_entity(&f->segment, PEEPS_KIND_BROADCAST_RX, "near"),
				 fake_entity(&f->segment, PEEPS_KIND_BROADCAST_RX, "far") };
	const struct peeps_node *node;
	size_t links = 0;

	slot_of(f, tx)->body[PEEPS_BROADCAST_TX_SENT_TOTAL_WORD] = 10;
	slot_of(f, tx)->body[PEEPS_BROADCAST_TX_CAPACITY_WORD] = 4;
	slot_of(f, tx)->body[PEEPS_BROADCAST_TX_SENDER_COUNT_WORD] =
		1 | UINT64_C(1) << PEEPS_BROADCAST_TX_BACK_PRESSURE_SHIFT;
	slot_of(f, tx)->body[PEEPS_BROADCAST_TX_RECEIVER_COUNT_WORD] = 2;
	for (int i = 0; i < 2; i++)
		slot_of(f, rx[i])->body[PEEPS_BROADCAST_RX_PEER_WORD] = fake_ref(&f->segment, tx);
	slot_of(f, rx[0])->body[PEEPS_BROADCAST_RX_NEXT_WORD] = 10;
	slot_of(f, rx[1])->body[PEEPS_BROADCAST_RX_NEXT_WORD] = 3;
	slot_of(f, rx[1])->body[PEEPS_BROADCAST_RX_RECV_TOTAL_WORD] = 2;
	slot_of(f, rx[1])->body[PEEPS_BROADCAST_RX_MISSED_TOTAL_WORD] = 1;
	decode(f);
	node = node_by_id(f, "broadcast:" FAKE_PROC_KEY ":events:tx");
	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++)
		assert_non_null(peeps_graph_attribute(node, shared[i]));
	assert_non_null(peeps_graph_attribute(node, "send_waiters"));
	assert_int_equal(node->attribute_count, sizeof(shared) / sizeof(shared[0]) + 1);
	assert_truth(node, "back_pressure", true);
	assert_number(node, "capacity", 4);
	assert_number(node, "receiver_count", 2);
	node = node_by_id(f, "broadcast:" FAKE_PROC_KEY ":near:rx");
	assert_number(node, "lag", 0);
	node = node_by_id(f, "broadcast:" FAKE_PROC_KEY ":far:rx");
	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++)
		assert_non_null(peeps_graph_attribute(node, shared[i]));
	assert_int_equal(node->attribute_count, sizeof(shared) / sizeof(shared[0]) + 4);
	assert_number(node, "lag", 7);
	assert_number(node, "recv_total", 2);
	assert_number(node, "missed_total", 1);
	assert_number(node, "recv_waiters", 0);
	assert_number(node, "sent_total", 10);
	for (size_t i = 0; i < f->graph->edge_count; i++) {
		const struct peeps_edge *edge = &f->graph->edges[i];

		if (f->graph->nodes[edge->dst].kind_number != PEEPS_KIND_BROADCAST_RX)
			continue;
		assert_int_equal(f->graph->nodes[edge->src].kind_number, PEEPS_KIND_BROADCAST_TX);
		links += edge->kind == PEEPS_EDGE_CHANNEL_LINK;
	}
	assert_int_equal(links, 2);
	slot_of(f, rx[0])->body[PEEPS_BROADCAST_RX_NEXT_WORD] = 11; /* not sent yet */
	slot_of(f, rx[1])->body[PEEPS_BROADCAST_RX_PEER_WORD] = 0;
	decode(f);
	assert_null_value(node_by_id(f, "broadcast:" FAKE_PROC_KEY ":near:rx"), "lag");
	assert_null_value(node_by_id(f, "broadcast:" FAKE_PROC_KEY ":far:rx"), "sent_total");
	assert_true(f->graph->note_count > 0);
}

static void channel__unbounded__has_no_capacity(void **state)
{
	struct fixture *f = *state;

	slot_of(f, f->town.jobs.tx)->body[PEEPS_MPSC_TX_CAPACITY_WORD] = 0;
	decode(f);
	assert_truth(node_by_id(f, RX), "bounded", false);
	assert_null_value(node_by_id(f, RX), "capacity");
	assert_null_value(node_by_id(f, RX), "utilization");
	assert_number(node_by_id(f, RX), "queue_len", 3);
	assert_int_equal(f->graph->note_count, 0);
}

static void channel__closed__says_by_whom_and_why(void **state)
{
	static const struct {
		uint64_t cause;
		const char *name;
	} rows[] = {
		{ PEEPS_CLOSE_CAUSE_SENDERS_GONE, "senders_gone" },
		{ PEEPS_CLOSE_CAUSE_SENDER_CLOSED, "sender_closed" },
		{ PEEPS_CLOSE_CAUSE_RECEIVER_CLOSED, "receiver_closed" },
		{ PEEPS_CLOSE_CAUSE_RECEIVER_GONE, "receiver_gone" },
	};
	struct fixture *f = *state;
	uint64_t *tx = slot_of(f, f->town.jobs.tx)->body;
	uint64_t *rx = slot_of(f, f->town.jobs.rx)->body;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		tx[PEEPS_MPSC_TX_CLOSE_CAUSE_WORD] = rows[i].cause
						     << PEEPS_MPSC_TX_CLOSE_CAUSE_SHIFT;
		decode(f);
		assert_text(node_by_id(f, TX), "close_cause", rows[i].name);
		assert_text(node_by_id(f, RX), "close_cause", rows[i].name);
		assert_truth(node_by_id(f, TX), "sender_closed", false);
	}
	tx[PEEPS_MPSC_TX_SENDER_CLOSED_WORD] |= UINT64_C(1) << PEEPS_MPSC_TX_SENDER_CLOSED_SHIFT;
	decode(f);
	assert_truth(node_by_id(f, RX), "sender_closed", true);
	assert_truth(node_by_id(f, RX), "receiver_closed", false);
	rx[PEEPS_MPSC_RX_RECEIVER_CLOSED_WORD] = 1;
	decode(f);
	assert_truth(node_by_id(f, TX), "receiver_closed", true);
	tx[PEEPS_MPSC_TX_CLOSE_CAUSE_WORD] = UINT64_C(99) << PEEPS_MPSC_TX_CLOSE_CAUSE_SHIFT;
	decode(f);
	assert_null_value(node_by_id(f, TX), "close_cause");
	assert_noted(f, "2 values make no sense"); /* one an end */
}

static void assert_tx_alone(const struct fixture *f)
{
	const struct peeps_node *tx = node_by_id(f, TX), *rx = node_by_id(f, RX);

	assert_truth(tx, "bounded", true);
	assert_number(tx, "capacity", 4);
	assert_number(tx, "sent_total", 10);
	assert_null_value(tx, "queue_len");
	assert_null_value(tx, "utilization");
	assert_null_value(tx, "recv_total");
	assert_null_value(tx, "discarded_total");
	assert_null_value(tx, "receiver_closed");
	assert_number(rx, "recv_total", 6);
	assert_number(rx, "discarded_total", 1);
	assert_truth(rx, "receiver_closed", false);
	assert_null_value(rx, "bounded");
	assert_null_value(rx, "capacity");
	assert_null_value(rx, "queue_len");
	assert_null_value(rx, "high_watermark");
	assert_null_value(rx, "sender_count");
	assert_null_value(rx, "sender_closed");
	assert_null_value(rx, "close_cause");
	assert_null_value(rx, "sent_total");
	assert_number(rx, "send_waiters", 0);
	assert_null(edge_from(f, PEEPS_EDGE_CHANNEL_LINK, TX));
}

static void channel__end_alone__shows_null_for_what_the_other_knows(void **state)
{
	struct fixture *f = *state;
	uint64_t *peer = &slot_of(f, f->town.jobs.tx)->body[PEEPS_MPSC_TX_PEER_WORD];
	const uint64_t sound = *peer;

	*peer = 0;
	decode(f);
	assert_tx_alone(f);
	assert_int_equal(f->graph->note_count, 0);
	*peer = sound + (UINT64_C(1) << PEEPS_REF_GENERATION_SHIFT);
	decode(f);
	assert_tx_alone(f);
	assert_int_equal(f->graph->note_count, 0);
	*peer = fake_ref(&f->segment, f->deadlock.left);
	decode(f);
	assert_tx_alone(f);
	assert_noted(f, "1 value makes no sense");
	*peer = UINT64_MAX;
	decode(f);
	assert_tx_alone(f);
	assert_noted(f, "1 value makes no sense");
}

static void channel__receiver_that_two_name__is_the_first_ones(void **state)
{
	struct fixture *f = *state;
	const uint32_t other = fake_channel(&f->segment, "other", 7).tx;

	slot_of(f, other)->body[PEEPS_MPSC_TX_PEER_WORD] = fake_ref(&f->segment, f->town.jobs.rx);
	decode(f);
	assert_number(node_by_id(f, RX), "capacity", 4);
	assert_null_value(node_by_id(f, "mpsc:" FAKE_PROC_KEY ":other:tx"), "queue_len");
	assert_noted(f, "1 value makes no sense");
}

static void channel__counts_that_contradict_each_other__are_null_and_noted(void **state)
{
	struct fixture *f = *state;
	uint64_t *sent = &slot_of(f, f->town.jobs.tx)->body[PEEPS_MPSC_TX_SENT_TOTAL_WORD];
	uint64_t *discarded =
		&slot_of(f, f->town.jobs.rx)->body[PEEPS_MPSC_RX_DISCARDED_TOTAL_WORD];

	*sent = 6; /* one fewer than were taken */
	decode(f);
	assert_null_value(node_by_id(f, TX), "queue_len");
	assert_null_value(node_by_id(f, TX), "utilization");
	assert_noted(f, "make no sense");
	*sent = 10;
	*discarded = UINT64_MAX;
	decode(f);
	assert_null_value(node_by_id(f, RX), "queue_len");
	*discarded = 1;
	*sent = 6 + 1 + 5; /* one more than fits */
	decode(f);
	assert_number(node_by_id(f, TX), "queue_len", 5);
	assert_null_value(node_by_id(f, TX), "utilization");
	assert_noted(f, "make no sense");
}

/* --- stubs, notes ------------------------------------------------------------------------------------------------- */

static void foreign__has_its_own_id(void **state)
{
	struct fixture *f = *state;

	decode(f);
	assert_string_equal(node_by_id(f, RESPONSE)->kind, "foreign");
	assert_string_equal(node_by_id(f, RESPONSE)->name, RESPONSE);
	ASSERT_NAMES(node_by_id(f, RESPONSE), "name", "created_at_ns", "creator_task_id");
}

static void foreign__named_like_one_of_ours__is_that_one(void **state)
{
	struct fixture *f = *state;
	const struct peeps_edge *link;

	/* Its slot comes before the one that it is named like. */
	slot_of(f, f->town.response)->name =
		fake_name(&f->segment, "barrier:" FAKE_PROC_KEY ":own");
	decode(f);
	link = edge_from(f, PEEPS_EDGE_RPC_LINK, "request:" FAKE_PROC_KEY ":42");
	assert_string_equal(dst_id(f, link), "barrier:" FAKE_PROC_KEY ":own");
	for (size_t i = 0; i < f->graph->node_count; i++)
		assert_int_not_equal(f->graph->nodes[i].kind_number, PEEPS_KIND_FOREIGN);
	assert_int_equal(f->graph->note_count, 0);
}

static void foreign__named_like_an_id_with_a_suffix__takes_none_away(void **state)
{
	struct fixture *f = *state;
	char name[64];

	/* Whatever number the second `worker` gets. */
	slot_of(f, f->town.idler)->name = slot_of(f, f->town.worker)->name;
	for (int i = 0; i < 8; i++) {
		(void)snprintf(name, sizeof(name), WORKER "~dup%d", i);
		(void)fake_entity(&f->segment, PEEPS_KIND_FOREIGN, name);
	}
	decode(f);
	for (size_t i = 0; i < f->graph->node_count; i++) {
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(f->graph->nodes[i].id, f->graph->nodes[k].id);
	}
}

static void foreign__without_a_name__is_called_something(void **state)
{
	struct fixture *f = *state;

	slot_of(f, f->town.response)->name = 0;
	decode(f);
	assert_int_equal(f->graph->note_count, 0);
	for (size_t i = 0; i < f->graph->node_count; i++)
		assert_non_null(f->graph->nodes[i].id);
}

static void note__damaged__is_left_out_and_noted(void **state)
{
	struct fixture *f = *state;

	slot_of(f, f->town.gate)->blob |= UINT32_MAX;
	decode(f);
	assert_null(peeps_graph_attribute(node_by_id(f, GATE), "note"));
	assert_noted(f, "1 text is damaged");
}

static void field__named_like_what_the_reader_makes__is_left_out_and_noted(void **state)
{
	static const struct {
		uint32_t owner;
		const char *name;
	} rows[] = {
		{ PEEPS_KIND_SEMAPHORE, "available" },
		{ PEEPS_KIND_MPSC_RX, "queue_len" },
		{ PEEPS_KIND_TASK, "thread_id" },
		{ PEEPS_KIND_MUTEX, "note" },
	};
	struct fixture *f = *state;
	size_t tried = 0;

	for (uint64_t i = 0; i < fake_section(&f->segment, PEEPS_SECTION_SCHEMA)->high_water; i++) {
		struct peeps_schema_row *row = &f->segment.schema[i];
		const struct peeps_schema_row sound = *row;

		for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
			if (row->list != PEEPS_SCHEMA_FIELD || row->owner != rows[k].owner)
				continue;
			memset(row->name, 0, sizeof(row->name));
			memcpy(row->name, rows[k].name, strlen(rows[k].name));
			peeps_image_deinit(&f->image); /* else the schema is not copied again */
			decode(f);
			assert_noted(f, "1 row of the segment's schema");
			tried++;
			*row = sound;
		}
	}
	assert_true(tried > 10);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_town, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(task__that_a_thread_runs__says_which),
		TEST(task__sleeping__is_asleep),
		TEST(task__whose_thread_exited_inside_it__is_suspended),
		TEST(task__suspended__is_on_no_thread_whatever_it_ran_on_last),
		TEST(semaphore__of_which_two_are_held__has_one_available),
		TEST(semaphore__permits_of_nobody__count_too),
		TEST(semaphore__every_hold_of_it__counts),
		TEST(semaphore__in_a_passive_look__may_not_add_up),
		TEST(channel__both_ends__show_all_of_it),
		TEST(oneshot__in_every_state__both_ends_show_it),
		TEST(watch__both_ends__show_all_of_it),
		TEST(broadcast__two_receivers__each_has_its_lag),
		TEST(channel__unbounded__has_no_capacity),
		TEST(channel__closed__says_by_whom_and_why),
		TEST(channel__end_alone__shows_null_for_what_the_other_knows),
		TEST(channel__receiver_that_two_name__is_the_first_ones),
		TEST(channel__counts_that_contradict_each_other__are_null_and_noted),
		TEST(foreign__has_its_own_id),
		TEST(foreign__named_like_one_of_ours__is_that_one),
		TEST(foreign__named_like_an_id_with_a_suffix__takes_none_away),
		TEST(foreign__without_a_name__is_called_something),
		TEST(note__damaged__is_left_out_and_noted),
		TEST(field__named_like_what_the_reader_makes__is_left_out_and_noted),
	};

	return cmocka_run_group_tests_name("decode_attributes", tests, NULL, NULL);
}
