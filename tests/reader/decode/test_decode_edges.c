/* SPDX-License-Identifier: MIT */
/* Edges beside a mutex's: operations of every kind, holds, links. The segment is a town. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "tests/reader/decode_fixture.h"

#define WORKER   "task:" FAKE_PROC_KEY ":worker"
#define GATE     "semaphore:" FAKE_PROC_KEY ":gate"
#define TX       "mpsc:" FAKE_PROC_KEY ":jobs:tx"
#define RX       "mpsc:" FAKE_PROC_KEY ":jobs:rx"
#define REQUEST  "request:" FAKE_PROC_KEY ":42"
#define RESPONSE "response:other-9:conn_3:42"
#define ONE_LIFE (UINT64_C(1) << PEEPS_REF_GENERATION_SHIFT)

/* Of that kind and slot; NULL if there is none. */
static const struct peeps_edge *edge_of(const struct fixture *f, enum peeps_edge_kind kind,
					uint32_t slot)
{
	for (size_t i = 0; i < f->graph->edge_count; i++) {
		const struct peeps_edge *edge = &f->graph->edges[i];

		if (edge->kind == kind && edge->slot == slot && edge->wait_sequence == 7)
			return edge;
	}
	return NULL;
}

static size_t count_edges(const struct fixture *f, enum peeps_edge_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < f->graph->edge_count; i++)
		count += f->graph->edges[i].kind == kind;
	return count;
}

static void set_state(struct fixture *f, uint32_t edge, enum peeps_state operation_state)
{
	uint64_t *status = &f->segment.edges[edge].status;

	*status = (*status & ~PEEPS_EDGE_BYTE_MASK) | operation_state;
}

/* --- operations ------------------------------------------------------------------------------------------------- */

static void assert_detail(const struct peeps_edge *edge, size_t i, const char *name,
			  uint64_t number)
{
	assert_true(i < edge->detail_count);
	assert_string_equal(edge->details[i].name, name);
	assert_int_equal(edge->details[i].value.type, PEEPS_VALUE_UNSIGNED);
	assert_int_equal(edge->details[i].value.as.number, number);
}

static void assert_null_detail(const struct peeps_edge *edge, size_t i, const char *name)
{
	assert_true(i < edge->detail_count);
	assert_string_equal(edge->details[i].name, name);
	assert_int_equal(edge->details[i].value.type, PEEPS_VALUE_NULL);
}

static void operation__acquire__says_what_it_asked_for(void **state)
{
	struct fixture *f = *state;
	const struct peeps_edge *edge;

	decode(f);
	edge = edge_of(f, PEEPS_EDGE_NEEDS, f->town.gate_wait);
	assert_string_equal(dst_id(f, edge), GATE);
	assert_string_equal(edge->op_kind, "acquire");
	assert_true(edge->blocks);
	assert_int_equal(edge->detail_count, 3);
	assert_detail(edge, 0, "permits", 2);
	assert_detail(edge, 1, "available", 0);
	assert_null_detail(edge, 2, "until_ptime_ms");
}

static void operation__of_an_actor_that_polls__does_not_block_it(void **state)
{
	struct fixture *f = *state;

	decode(f);
	assert_string_equal(edge_of(f, PEEPS_EDGE_NEEDS, f->town.rpc_wait)->op_kind, "rpc_wait");
	assert_false(edge_of(f, PEEPS_EDGE_NEEDS, f->town.rpc_wait)->blocks);
}

static void operation__counts_of_its_details__are_one_more_than_shown(void **state)
{
	static const struct {
		uint64_t word;
		uint64_t number;
		bool null, sound;
	} rows[] = {
		{ 0, 0, true, true },
		{ 1, 0, false, true },
		{ 17, 16, false, true },
		{ UINT64_C(1) << 63, INT64_MAX, false, true },
		{ (UINT64_C(1) << 63) + 1, 0, true, false },
		{ UINT64_MAX, 0, true, false },
	};
	struct fixture *f = *state;
	const uint32_t send = fake_operation(&f->segment, f->town.idler, PEEPS_OP_SEND,
					     f->town.jobs.tx, 700000000);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct peeps_edge *edge;

		f->segment.edges[send].details[PEEPS_DETAIL_SEND_OCCUPANCY] = rows[i].word;
		f->segment.edges[send].details[PEEPS_DETAIL_SEND_CAPACITY] = 16 + 1;
		decode(f);
		edge = edge_of(f, PEEPS_EDGE_NEEDS, send);
		if (rows[i].null)
			assert_null_detail(edge, 0, "occupancy");
		else
			assert_detail(edge, 0, "occupancy", rows[i].number);
		assert_detail(edge, 1, "capacity", 16);
		assert_int_equal(f->graph->note_count, rows[i].sound ? 0 : 1);
	}
}

static void operation__twice_the_same__is_two_edges(void **state)
{
	struct fixture *f = *state;
	const uint32_t first = fake_operation(&f->segment, f->town.idler, PEEPS_OP_RECV,
					      f->town.jobs.rx, 700000000);
	const uint32_t second = fake_operation(&f->segment, f->town.idler, PEEPS_OP_RECV,
					       f->town.jobs.rx, 700000000);

	decode(f);
	assert_non_null(edge_of(f, PEEPS_EDGE_NEEDS, first));
	assert_non_null(edge_of(f, PEEPS_EDGE_NEEDS, second));
}

static void operation__over__is_history_of_whatever_kind(void **state)
{
	static const struct {
		enum peeps_op op;
		enum peeps_state end;
		const char *op_name, *end_name;
	} rows[] = {
		{ PEEPS_OP_ACQUIRE, PEEPS_STATE_DONE, "acquire", "done" },
		{ PEEPS_OP_SEND, PEEPS_STATE_FAILED, "send", "failed" },
		{ PEEPS_OP_RECV, PEEPS_STATE_CANCELLED, "recv", "cancelled" },
		{ PEEPS_OP_JOIN, PEEPS_STATE_FAILED, "join", "failed" },
		{ PEEPS_OP_BARRIER_WAIT, PEEPS_STATE_DONE, "barrier_wait", "done" },
	};
	struct fixture *f = *state;
	const uint32_t slot = f->town.gate_wait;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct peeps_edge *edge;
		uint64_t *status = &f->segment.edges[slot].status;

		*status = (*status & ~(PEEPS_EDGE_BYTE_MASK << PEEPS_EDGE_OP_SHIFT)) |
			  (uint64_t)rows[i].op << PEEPS_EDGE_OP_SHIFT;
		set_state(f, slot, rows[i].end);
		f->segment.edges[slot].origin = UINT64_C(32) << PEEPS_EDGE_REASON_SHIFT;
		decode(f);
		assert_null(edge_of(f, PEEPS_EDGE_NEEDS, slot));
		decode_image(f, PEEPS_DECODE_HISTORY);
		edge = edge_of(f, PEEPS_EDGE_NEEDS, slot);
		assert_non_null(edge);
		assert_string_equal(edge->op_kind, rows[i].op_name);
		assert_string_equal(edge->state_name, rows[i].end_name);
		assert_int_equal(edge->reason, rows[i].end == PEEPS_STATE_FAILED ? 32 : 0);
	}
}

static void operation__over_and_of_what_is_gone__is_no_history(void **state)
{
	struct fixture *f = *state;

	set_state(f, f->town.gate_wait, PEEPS_STATE_DONE);
	f->segment.edges[f->town.gate_wait].dst += ONE_LIFE;
	take_image(f);
	decode_image(f, PEEPS_DECODE_HISTORY);
	assert_null(edge_of(f, PEEPS_EDGE_NEEDS, f->town.gate_wait));
	assert_int_equal(f->graph->note_count, 0);
}

/* --- holds ------------------------------------------------------------------------------------------------------ */

static void hold__of_a_slot__says_who_and_how_much(void **state)
{
	struct fixture *f = *state;
	struct peeps_edge_slot *slot = &f->segment.edges[f->town.gate_hold];
	const struct peeps_edge *edge;

	slot->origin = f->deadlock.site_lock;
	decode(f);
	edge = edge_of(f, PEEPS_EDGE_HOLDS, f->town.gate_hold);
	assert_string_equal(f->graph->nodes[edge->src].id, GATE);
	assert_string_equal(dst_id(f, edge), WORKER);
	assert_int_equal(edge->op, PEEPS_OP_NONE);
	assert_null(edge->op_kind);
	assert_int_equal(edge->state, PEEPS_STATE_NONE);
	assert_int_equal(edge->role_number, PEEPS_HOLD_ROLE_PERMIT);
	assert_string_equal(edge->role, "permit");
	assert_int_equal(edge->mode_number, PEEPS_HOLD_MODE_NONE);
	assert_null(edge->mode);
	assert_int_equal(edge->count, 2);
	assert_int_equal(edge->held_since_ns, 420000000);
	assert_int_equal(edge->held_accuracy_ns, FAKE_TICK_NS);
	assert_true(edge->pending_since_ns == PEEPS_NO_TIME);
	assert_string_equal(edge->source.file, "/src/peeps/examples/inversion.c");

	edge = edge_of(f, PEEPS_EDGE_HOLDS, f->town.rx_hold);
	assert_string_equal(dst_id(f, edge), BEAT);
	assert_string_equal(edge->role, "receiver");
	assert_int_equal(edge->mode_number, PEEPS_HOLD_MODE_SHARED);
	assert_string_equal(edge->mode, "shared");

	slot->origin = PEEPS_HOLD_EXACT << PEEPS_EDGE_REASON_SHIFT;
	decode(f);
	assert_int_equal(edge_of(f, PEEPS_EDGE_HOLDS, f->town.gate_hold)->held_accuracy_ns, 0);
	slot->pending_since_ns = 0;
	decode(f);
	assert_true(edge_of(f, PEEPS_EDGE_HOLDS, f->town.gate_hold)->held_since_ns ==
		    PEEPS_NO_TIME);
}

static void hold__of_a_mutex__has_its_role_and_mode(void **state)
{
	struct fixture *f = *state;

	decode(f);
	assert_int_equal(edge_from(f, PEEPS_EDGE_HOLDS, LEFT)->role_number, PEEPS_HOLD_ROLE_LOCK);
	assert_int_equal(edge_from(f, PEEPS_EDGE_HOLDS, LEFT)->mode_number,
			 PEEPS_HOLD_MODE_EXCLUSIVE);
}

static void hold__of_nothing_now__is_not_shown(void **state)
{
	struct fixture *f = *state;
	struct peeps_edge_slot *slot = &f->segment.edges[f->town.gate_hold];

	slot->wait &= ~PEEPS_EDGE_POLL_COUNT_MASK;
	decode(f);
	assert_null(edge_of(f, PEEPS_EDGE_HOLDS, f->town.gate_hold));
	slot->src = slot->dst = UINT64_MAX; /* whatever it was */
	decode(f);
	assert_int_equal(f->graph->note_count, 0);
}

static void hold__of_a_role_that_is_none__is_null_and_noted(void **state)
{
	struct fixture *f = *state;
	const struct peeps_edge *edge;

	f->segment.edges[f->town.gate_hold].status |=
		(PEEPS_HOLD_NIBBLE_MASK << PEEPS_HOLD_ROLE_SHIFT) |
		(PEEPS_HOLD_NIBBLE_MASK << PEEPS_HOLD_MODE_SHIFT);
	decode(f);
	edge = edge_of(f, PEEPS_EDGE_HOLDS, f->town.gate_hold);
	assert_null(edge->role);
	assert_null(edge->mode);
	assert_int_equal(edge->role_number, PEEPS_HOLD_ROLE_NONE);
	assert_int_equal(edge->mode_number, PEEPS_HOLD_MODE_NONE);
	assert_noted(f, "2 values make no sense");
}

/* Of one actor, whatever it holds, one node. */
static void hold__of_an_actor_that_has_ended__is_an_exited_threads(void **state)
{
	struct fixture *f = *state;
	const uint64_t ended = fake_ref(&f->segment, f->town.idler) + 4 * ONE_LIFE;
	const char *id;

	decode(f);
	for (size_t i = 0; i < f->graph->node_count; i++)
		assert_false(f->graph->nodes[i].gone);
	f->segment.edges[f->town.gate_hold].dst = ended;
	f->segment.edges[f->town.rx_hold].dst = ended;
	f->segment.entities[f->deadlock.left].body[PEEPS_MUTEX_HOLDER_WORD] = ended;
	decode(f);
	id = dst_id(f, edge_of(f, PEEPS_EDGE_HOLDS, f->town.gate_hold));
	assert_non_null(strstr(id, "thread:" FAKE_PROC_KEY ":exited-"));
	assert_true(node_by_id(f, id)->gone);
	assert_string_equal(node_by_id(f, id)->name, "exited thread");
	assert_string_equal(dst_id(f, edge_of(f, PEEPS_EDGE_HOLDS, f->town.rx_hold)), id);
	assert_string_equal(dst_id(f, edge_from(f, PEEPS_EDGE_HOLDS, LEFT)), id);
	assert_int_equal(f->graph->note_count, 0);
}

struct damage {
	const char *name;
	void (*change)(struct peeps_edge_slot *edge, const struct fixture *f);
};

#define CHANGE(name, statement)                                                 \
	static void name(struct peeps_edge_slot *edge, const struct fixture *f) \
	{                                                                       \
		(void)f;                                                        \
		statement;                                                      \
	}
CHANGE(holder_resource, edge->dst = edge->src)
CHANGE(holder_none, edge->dst = 0)
CHANGE(holder_beyond, edge->dst |= UINT32_MAX)
CHANGE(holder_text, edge->dst = f->segment.entities[f->town.gate].name)
CHANGE(holder_unborn, edge->dst &= ~(PEEPS_REF_GENERATION_MASK << PEEPS_REF_GENERATION_SHIFT))
CHANGE(resource_stale, edge->src += ONE_LIFE)
CHANGE(resource_none, edge->src = 0)

static void hold__damaged__is_left_out_and_noted(void **state)
{
	static const struct damage rows[] = {
		{ "holder is a resource", holder_resource },
		{ "no holder", holder_none },
		{ "holder beyond the section", holder_beyond },
		{ "holder is a text", holder_text },
		{ "holder that never lived", holder_unborn },
		{ "stale resource", resource_stale },
		{ "no resource", resource_none },
	};
	struct fixture *f = *state;
	struct peeps_edge_slot *hold = &f->segment.edges[f->town.gate_hold];
	const struct peeps_edge_slot sound = *hold;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rows[i].change(hold, f);
		decode(f);
		if (edge_of(f, PEEPS_EDGE_HOLDS, f->town.gate_hold))
			fail_msg("%s", rows[i].name);
		assert_noted(f, "1 hold or link has an end");
		assert_number(node_by_id(f, GATE), "available", 3);
		*hold = sound;
	}
}

/* A holder that is there, but damaged, has not exited. */
static void hold__of_an_entity_of_no_known_kind__is_left_out(void **state)
{
	struct fixture *f = *state;

	f->segment.entities[f->town.worker].kind = 999;
	decode(f);
	assert_null(edge_of(f, PEEPS_EDGE_HOLDS, f->town.gate_hold));
	for (size_t i = 0; i < f->graph->node_count; i++)
		assert_false(f->graph->nodes[i].gone);
}

/* --- links ------------------------------------------------------------------------------------------------------ */

static void link__of_a_slot__stands_there_twice(void **state)
{
	struct fixture *f = *state;
	const struct peeps_edge *edge;

	decode(f);
	edge = edge_of(f, PEEPS_EDGE_RPC_LINK, f->town.rpc_link);
	assert_string_equal(f->graph->nodes[edge->src].id, REQUEST);
	assert_string_equal(dst_id(f, edge), RESPONSE);
	edge = edge_from(f, PEEPS_EDGE_NEEDS, REQUEST);
	assert_string_equal(dst_id(f, edge), RESPONSE);
	assert_int_equal(edge->op, PEEPS_OP_NONE);
	assert_null(edge->op_kind);
	assert_int_equal(edge->state, PEEPS_STATE_NONE);
	assert_null(edge->state_name);
	assert_true(edge->pending_since_ns == PEEPS_NO_TIME);
}

static void link__of_a_channel__stands_there_twice(void **state)
{
	struct fixture *f = *state;

	decode(f);
	assert_int_equal(count_edges(f, PEEPS_EDGE_CHANNEL_LINK), 1);
	assert_string_equal(dst_id(f, edge_from(f, PEEPS_EDGE_CHANNEL_LINK, TX)), RX);
	assert_string_equal(dst_id(f, edge_from(f, PEEPS_EDGE_NEEDS, TX)), RX);
	assert_int_equal(edge_from(f, PEEPS_EDGE_NEEDS, TX)->op, PEEPS_OP_NONE);

	(void)fake_link(&f->segment, PEEPS_EDGE_CHANNEL_LINK, f->town.request, f->town.own);
	decode(f);
	assert_int_equal(count_edges(f, PEEPS_EDGE_CHANNEL_LINK), 2);
	assert_non_null(edge_from(f, PEEPS_EDGE_CHANNEL_LINK, REQUEST));
}

static void link__undone__is_not_there(void **state)
{
	struct fixture *f = *state;

	f->segment.edges[f->town.rpc_link].status &=
		~(PEEPS_EDGE_BYTE_MASK << PEEPS_EDGE_KIND_SHIFT);
	decode(f);
	assert_int_equal(count_edges(f, PEEPS_EDGE_RPC_LINK), 0);
	assert_null(edge_from(f, PEEPS_EDGE_NEEDS, REQUEST));
	assert_int_equal(f->graph->note_count, 0);
}

static void link__of_what_is_gone__is_left_out_and_noted(void **state)
{
	struct fixture *f = *state;

	f->segment.edges[f->town.rpc_link].dst += ONE_LIFE;
	decode(f);
	assert_int_equal(count_edges(f, PEEPS_EDGE_RPC_LINK), 0);
	assert_null(edge_from(f, PEEPS_EDGE_NEEDS, REQUEST));
	assert_noted(f, "1 hold or link has an end");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_town, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(operation__acquire__says_what_it_asked_for),
		TEST(operation__of_an_actor_that_polls__does_not_block_it),
		TEST(operation__counts_of_its_details__are_one_more_than_shown),
		TEST(operation__twice_the_same__is_two_edges),
		TEST(operation__over__is_history_of_whatever_kind),
		TEST(operation__over_and_of_what_is_gone__is_no_history),
		TEST(hold__of_a_slot__says_who_and_how_much),
		TEST(hold__of_a_mutex__has_its_role_and_mode),
		TEST(hold__of_nothing_now__is_not_shown),
		TEST(hold__of_a_role_that_is_none__is_null_and_noted),
		TEST(hold__of_an_actor_that_has_ended__is_an_exited_threads),
		TEST(hold__damaged__is_left_out_and_noted),
		TEST(hold__of_an_entity_of_no_known_kind__is_left_out),
		TEST(link__of_a_slot__stands_there_twice),
		TEST(link__of_a_channel__stands_there_twice),
		TEST(link__undone__is_not_there),
		TEST(link__of_what_is_gone__is_left_out_and_noted),
	};

	return cmocka_run_group_tests_name("decode_edges", tests, NULL, NULL);
}
