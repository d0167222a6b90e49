/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/reader/decode_fixture.h"

/* --- the deadlock ------------------------------------------------------------------------------------------------- */

static void deadlock__decoded__has_its_nodes(void **state)
{
	struct fixture *f = *state;
	const struct peeps_node *node;

	decode(f);
	assert_int_equal(f->graph->node_count, 5);
	assert_int_equal(f->graph->note_count, 0);
	node = node_by_id(f, ALPHA);
	assert_string_equal(node->name, "alpha");
	assert_string_equal(node->kind, "thread");
	assert_int_equal(node->role, PEEPS_ROLE_ACTOR);
	assert_int_equal(node->tid, 4712);
	assert_false(node->gone);
	assert_number(node, "tid", 4712);
	assert_text(node, "name", "alpha");
	assert_text(node, "activity", "running");
	assert_null_value(node, "sleep_until_ptime_ms");
	assert_null_value(node, "creator_task_id");
	assert_number(node, "created_at_ns", 5000000);

	node = node_by_id(f, BEAT);
	assert_string_equal(node->name, "thread-4714");
	assert_true(node->asleep);
	assert_text(node, "activity", "sleeping");
	assert_number(node, "sleep_until_ptime_ms", 61);

	node = node_by_id(f, LEFT);
	assert_int_equal(node->role, PEEPS_ROLE_RESOURCE);
	assert_text(node, "mutex_type", "normal");
	assert_node(f, node, "holder", ALPHA);
	assert_node(f, node, "creator_task_id", ALPHA);
	assert_number(node, "held_since_ptime_ms", 400);
	assert_number(node, "acquires", 1);
	assert_string_equal(node->source.file, "/src/peeps/examples/inversion.c");
	assert_int_equal(node->source.line, 42);
	assert_string_equal(node->source.function, "main");
	assert_false(node->source.as_compiled);

	node = node_by_id(f, RIGHT);
	assert_string_equal(node->name, "right lock");
	assert_node(f, node, "holder", BETA);
	assert_null_value(node, "held_since_ptime_ms");
	assert_null(node->source.file);
}

static void deadlock__decoded__has_its_edges(void **state)
{
	struct fixture *f = *state;
	const struct peeps_edge *edge;

	decode(f);
	assert_int_equal(f->graph->edge_count, 4);
	edge = edge_from(f, PEEPS_EDGE_NEEDS, ALPHA);
	assert_string_equal(dst_id(f, edge), RIGHT);
	assert_string_equal(edge->op_kind, "lock");
	assert_string_equal(edge->state_name, "pending");
	assert_int_equal(edge->state, PEEPS_STATE_PENDING);
	assert_int_equal(edge->pending_since_ns, 500000000);
	assert_int_equal(edge->wait_sequence, 7);
	assert_int_equal(edge->poll_count, 1);
	assert_string_equal(edge->source.file, "/abs/other.c");
	assert_int_equal(edge->source.line, 43);
	assert_string_equal(dst_id(f, edge_from(f, PEEPS_EDGE_NEEDS, BETA)), LEFT);

	edge = edge_from(f, PEEPS_EDGE_HOLDS, LEFT);
	assert_string_equal(dst_id(f, edge), ALPHA);
	assert_string_equal(edge->role, "lock");
	assert_string_equal(edge->mode, "exclusive");
	assert_int_equal(edge->count, 1);
	assert_int_equal(edge->held_since_ns, 400000000);
	assert_int_equal(edge->held_accuracy_ns, FAKE_TICK_NS);
	assert_string_equal(edge->source.file, "/src/peeps/examples/inversion.c");

	edge = edge_from(f, PEEPS_EDGE_HOLDS, RIGHT);
	assert_string_equal(dst_id(f, edge), BETA);
	assert_true(edge->held_since_ns == PEEPS_NO_TIME);
	assert_null(edge->source.file);
}

static void deadlock__decoded__has_its_process(void **state)
{
	struct fixture *f = *state;
	const struct peeps_process *process;

	f->segment.counters[PEEPS_COUNTER_DROPPED_EDGES] = 17;
	decode(f);
	process = &f->graph->processes[0];
	assert_int_equal(f->graph->process_count, 1);
	assert_string_equal(process->proc_key, FAKE_PROC_KEY);
	assert_string_equal(process->name, FAKE_NAME);
	assert_int_equal(process->own_pid, FAKE_PID);
	assert_int_equal(process->thread_count, 3);
	assert_true(process->ptime_now_ns >= FAKE_START_NS);
	assert_int_equal(process->counter_count, 12);
	assert_string_equal(process->counters[PEEPS_COUNTER_DROPPED_EDGES].name, "dropped_edges");
	assert_int_equal(process->counters[PEEPS_COUNTER_DROPPED_EDGES].value, 17);
}

static void graph__outlives_its_image(void **state)
{
	struct fixture *f = *state;

	decode(f);
	memset(f->image.text, 'x', f->image.text_bytes);
	memset(f->image.schema, 'x', f->image.schema_count * sizeof(*f->image.schema));
	peeps_image_deinit(&f->image);
	(void)node_by_id(f, RIGHT);
	assert_text(node_by_id(f, LEFT), "mutex_type", "normal");
}

/* --- mutexes ------------------------------------------------------------------------------------------------------ */

static void mutex__free__has_no_holder_and_no_hold(void **state)
{
	struct fixture *f = *state;

	f->segment.entities[f->deadlock.left].body[PEEPS_MUTEX_HOLDER_WORD] = 0;
	decode(f);
	assert_null_value(node_by_id(f, LEFT), "holder");
	assert_null_value(node_by_id(f, LEFT), "held_since_ptime_ms");
	assert_null(edge_from(f, PEEPS_EDGE_HOLDS, LEFT));
	assert_int_equal(f->graph->note_count, 0);
}

static void mutex__recursive__counts_its_depth(void **state)
{
	struct fixture *f = *state;
	struct peeps_entity_slot *left = &f->segment.entities[f->deadlock.left];

	left->status |= (uint64_t)PEEPS_MUTEX_TYPE_RECURSIVE << PEEPS_MUTEX_TYPE_SHIFT;
	left->body[PEEPS_MUTEX_HOLDER_WORD] |= PEEPS_HOLDER_DEEP;
	left->body[PEEPS_MUTEX_HELD_DEPTH_WORD] |= UINT64_C(2) << PEEPS_MUTEX_HELD_DEPTH_SHIFT;
	left->body[PEEPS_MUTEX_HELD_SINCE_EXACT_WORD] |= UINT64_C(1)
							 << PEEPS_MUTEX_HELD_SINCE_EXACT_SHIFT;
	decode(f);
	assert_text(node_by_id(f, LEFT), "mutex_type", "recursive");
	assert_node(f, node_by_id(f, LEFT), "holder", ALPHA);
	assert_int_equal(edge_from(f, PEEPS_EDGE_HOLDS, LEFT)->count, 3);
	assert_int_equal(edge_from(f, PEEPS_EDGE_HOLDS, LEFT)->held_accuracy_ns, 0);
}

static void mutex__wait_max__is_shown_in_ns(void **state)
{
	struct fixture *f = *state;

	f->segment.entities[f->deadlock.left].body[PEEPS_MUTEX_WAIT_MAX_WORD] =
		UINT64_C(250) << PEEPS_MUTEX_WAIT_MAX_SHIFT | 3;
	decode(f);
	assert_number(node_by_id(f, LEFT), "wait_max_ns", 250000);
	assert_number(node_by_id(f, LEFT), "contended", 3);
}

static void mutex__holder_word_is_nonsense__is_null_and_noted(void **state)
{
	const uint64_t words[] = { 1, UINT64_MAX,
				   (uint64_t)PEEPS_SPACE_TEXT << PEEPS_REF_SPACE_SHIFT | 1,
				   (uint64_t)PEEPS_SPACE_ENTITY << PEEPS_REF_SPACE_SHIFT |
					   UINT64_C(1) << 32 | UINT32_MAX };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		f->segment.entities[f->deadlock.left].body[PEEPS_MUTEX_HOLDER_WORD] = words[i];
		decode(f);
		assert_null_value(node_by_id(f, LEFT), "holder");
		assert_null(edge_from(f, PEEPS_EDGE_HOLDS, LEFT));
		assert_noted(f, "makes no sense");
	}
}

static void mutex__held_by_another_mutex__is_null_and_noted(void **state)
{
	struct fixture *f = *state;

	f->segment.entities[f->deadlock.left].body[PEEPS_MUTEX_HOLDER_WORD] =
		fake_ref(&f->segment, f->deadlock.right);
	decode(f);
	assert_null_value(node_by_id(f, LEFT), "holder");
	assert_noted(f, "makes no sense");
}

/* --- exited threads ----------------------------------------------------------------------------------------------- */

static void holder__whose_slot_was_used_again__is_an_exited_thread(void **state)
{
	struct fixture *f = *state;
	const uint64_t old = fake_ref(&f->segment, f->deadlock.alpha) +
			     (UINT64_C(41) << PEEPS_REF_GENERATION_SHIFT);
	const struct peeps_node *node;

	f->segment.entities[f->deadlock.left].body[PEEPS_MUTEX_HOLDER_WORD] = old;
	f->segment.entities[f->deadlock.right].body[PEEPS_MUTEX_HOLDER_WORD] = old;
	decode(f);
	assert_int_equal(f->graph->node_count, 6);
	node = node_by_id(f, "thread:" FAKE_PROC_KEY ":exited-0.42");
	assert_string_equal(node->name, "exited thread");
	assert_true(node->gone);
	assert_text(node, "activity", "exited");
	assert_node(f, node_by_id(f, LEFT), "holder", node->id);
	assert_string_equal(dst_id(f, edge_from(f, PEEPS_EDGE_HOLDS, LEFT)), node->id);
	assert_string_equal(dst_id(f, edge_from(f, PEEPS_EDGE_HOLDS, RIGHT)), node->id);
}

static void holder__leaving_and_settled__is_gone(void **state)
{
	struct fixture *f = *state;

	f->segment.threads[fake_record_of(&f->segment, f->deadlock.alpha)].state =
		PEEPS_THREAD_LEAVING;
	decode(f);
	assert_true(node_by_id(f, ALPHA)->gone);
	assert_text(node_by_id(f, ALPHA), "activity", "exited");
	assert_node(f, node_by_id(f, LEFT), "holder", ALPHA);
	assert_int_equal(f->graph->processes[0].thread_count, 2);
}

static void holder__unknown_to_the_kernel__is_gone_only_if_it_did_nothing_since(void **state)
{
	struct fixture *f = *state;
	struct peeps_thread_view *alpha;

	take_image(f);
	alpha = &f->image.threads[fake_record_of(&f->segment, f->deadlock.alpha)];
	for (size_t i = 0; i < f->image.thread_count; i++)
		f->image.threads[i].exists = true;
	f->image.names_read = true;
	alpha->exists = false;
	assert_true(alpha->settled);
	decode_image(f, 0);
	assert_true(node_by_id(f, ALPHA)->gone);

	alpha->settled = false; /* it may have let go of the lock before it ended */
	decode_image(f, 0);
	assert_false(node_by_id(f, ALPHA)->gone);
}

static void thread__exited_and_unmentioned__is_left_out(void **state)
{
	struct fixture *f = *state;

	f->segment.threads[fake_record_of(&f->segment, f->deadlock.heartbeat)].state =
		PEEPS_THREAD_LEAVING;
	decode(f);
	assert_int_equal(f->graph->node_count, 4);
}

static void thread__exited_and_creator_of_something__is_kept(void **state)
{
	struct fixture *f = *state;

	f->segment.threads[fake_record_of(&f->segment, f->deadlock.heartbeat)].state =
		PEEPS_THREAD_LEAVING;
	f->segment.entities[f->deadlock.right].creator =
		fake_ref(&f->segment, f->deadlock.heartbeat);
	decode(f);
	assert_true(node_by_id(f, BEAT)->gone);
	assert_false(node_by_id(f, BEAT)->asleep);
	assert_node(f, node_by_id(f, RIGHT), "creator_task_id", BEAT);
}

static void creator__stale__is_null(void **state)
{
	struct fixture *f = *state;

	f->segment.entities[f->deadlock.left].creator += UINT64_C(1) << PEEPS_REF_GENERATION_SHIFT;
	decode(f);
	assert_null_value(node_by_id(f, LEFT), "creator_task_id");
}

/* --- operations --------------------------------------------------------------------------------------------------- */

static void operation__finished__is_shown_only_as_history(void **state)
{
	struct fixture *f = *state;
	struct peeps_edge_slot *wait = &f->segment.edges[f->deadlock.alpha_wait];

	wait->status = (wait->status & ~PEEPS_EDGE_BYTE_MASK) | PEEPS_STATE_FAILED;
	wait->origin |= UINT64_C(110) << PEEPS_EDGE_REASON_SHIFT;
	decode(f);
	assert_null(edge_from(f, PEEPS_EDGE_NEEDS, ALPHA));
	assert_int_equal(f->graph->note_count, 0);
	decode_image(f, PEEPS_DECODE_HISTORY);
	assert_string_equal(edge_from(f, PEEPS_EDGE_NEEDS, ALPHA)->state_name, "failed");
	assert_int_equal(edge_from(f, PEEPS_EDGE_NEEDS, ALPHA)->reason, 110);
}

static void operation__active__is_shown(void **state)
{
	struct fixture *f = *state;
	struct peeps_edge_slot *wait = &f->segment.edges[f->deadlock.alpha_wait];

	wait->status = (wait->status & ~PEEPS_EDGE_BYTE_MASK) | PEEPS_STATE_ACTIVE;
	decode(f);
	assert_string_equal(edge_from(f, PEEPS_EDGE_NEEDS, ALPHA)->state_name, "active");
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
CHANGE(target_stale, edge->dst += UINT64_C(1) << 32)
CHANGE(target_none, edge->dst = 0)
CHANGE(source_beyond, edge->src |= UINT32_MAX)
CHANGE(source_resource, edge->src = edge->dst)
CHANGE(target_text, edge->dst = f->segment.entities[f->deadlock.left].name)
CHANGE(unknown_op, edge->status |= UINT64_C(0xf0) << PEEPS_EDGE_OP_SHIFT)
CHANGE(no_op, edge->status &= ~(UINT64_C(0xff) << PEEPS_EDGE_OP_SHIFT))
CHANGE(no_state, edge->status &= ~UINT64_C(0xff))

static void operation__damaged__is_left_out_and_noted(void **state)
{
	static const struct damage rows[] = {
		{ "stale resource", target_stale },
		{ "no resource", target_none },
		{ "actor beyond the section", source_beyond },
		{ "actor is a resource", source_resource },
		{ "resource is a text", target_text },
		{ "unknown operation", unknown_op },
		{ "no operation", no_op },
		{ "no state", no_state },
	};
	struct fixture *f = *state;
	struct peeps_edge_slot *wait = &f->segment.edges[f->deadlock.alpha_wait];
	const struct peeps_edge_slot sound = *wait;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rows[i].change(wait, f);
		decode(f);
		if (edge_from(f, PEEPS_EDGE_NEEDS, ALPHA))
			fail_msg("%s", rows[i].name);
		assert_noted(f, "1 operation has an end or a state");
		*wait = sound;
	}
}

static void operation__of_an_actor_that_is_gone__goes_with_it(void **state)
{
	struct fixture *f = *state;

	f->segment.edges[f->deadlock.alpha_wait].src += UINT64_C(1) << PEEPS_REF_GENERATION_SHIFT;
	decode(f);
	assert_null(edge_from(f, PEEPS_EDGE_NEEDS, ALPHA));
	assert_non_null(edge_from(f, PEEPS_EDGE_NEEDS, BETA));
	assert_int_equal(f->graph->note_count, 0);
}

static void operation__details__are_decoded_by_the_schema(void **state)
{
	struct fixture *f = *state;
	const struct peeps_edge *edge;

	f->segment.edges[f->deadlock.alpha_wait].details[PEEPS_DETAIL_LOCK_UNTIL] =
		UINT64_C(2500000000);
	f->segment.edges[f->deadlock.alpha_wait].details[PEEPS_DETAIL_LOCK_MODE] =
		PEEPS_HOLD_MODE_READ;
	decode(f);
	edge = edge_from(f, PEEPS_EDGE_NEEDS, ALPHA);
	assert_int_equal(edge->detail_count, 2);
	assert_string_equal(edge->details[0].name, "until_ptime_ms");
	assert_int_equal(edge->details[0].value.type, PEEPS_VALUE_UNSIGNED);
	assert_int_equal(edge->details[0].value.as.number, 2500);
	assert_string_equal(edge->details[1].name, "mode");
	assert_string_equal(edge->details[1].value.as.text, "read");
	edge = edge_from(f, PEEPS_EDGE_NEEDS, BETA);
	assert_int_equal(edge->detail_count, 2);
	assert_int_equal(edge->details[0].value.type, PEEPS_VALUE_NULL);
	assert_int_equal(edge->details[1].value.type, PEEPS_VALUE_NULL);
}

static void mutex__robust__is_a_boolean(void **state)
{
	struct fixture *f = *state;

	f->segment.entities[f->deadlock.left].status |= UINT64_C(1) << PEEPS_MUTEX_ROBUST_SHIFT;
	decode(f);
	assert_truth(node_by_id(f, LEFT), "robust", true);
	assert_truth(node_by_id(f, RIGHT), "robust", false);
}

static void slot__uncertain__stays_so(void **state)
{
	struct fixture *f = *state;
	struct peeps_thread *alpha =
		&f->segment.threads[fake_record_of(&f->segment, f->deadlock.alpha)];

	alpha->txn++;
	alpha->write_set[0] =
		fake_write_set_of(&f->segment, &f->segment.entities[f->deadlock.left]) | 1;
	decode(f);
	assert_int_equal(f->graph->quality, PEEPS_QUALITY_PARTIAL);
	assert_true(node_by_id(f, LEFT)->uncertain);
	assert_true(edge_from(f, PEEPS_EDGE_HOLDS, LEFT)->uncertain);
	assert_false(node_by_id(f, RIGHT)->uncertain);
	assert_false(edge_from(f, PEEPS_EDGE_NEEDS, ALPHA)->uncertain);
	assert_noted(f, "is left uncertain");
}

/* --- names and ids ------------------------------------------------------------------------------------------------ */

static void id__without_a_name__is_made_of_the_place(void **state)
{
	struct fixture *f = *state;

	f->segment.entities[f->deadlock.left].name = 0;
	f->segment.entities[f->deadlock.right].name = 0;
	decode(f);
	assert_string_equal(node_by_id(f, "mutex:" FAKE_PROC_KEY ":inversion.c.42")->name,
			    "inversion.c:42");
	(void)node_by_id(f, "mutex:" FAKE_PROC_KEY ":unnamed-4");
}

static void id__ordinal__stands_on_the_name(void **state)
{
	struct fixture *f = *state;

	f->segment.entities[f->deadlock.left].kind |= UINT64_C(2) << 32;
	decode(f);
	assert_string_equal(node_by_id(f, LEFT "~2")->name, "left");
}

static void id__of_a_channel_end__says_which(void **state)
{
	struct fixture *f = *state;

	f->segment.entities[f->deadlock.left].kind = PEEPS_KIND_MPSC_TX | UINT64_C(2) << 32;
	f->segment.entities[f->deadlock.right].kind = PEEPS_KIND_ROAM_CHANNEL_RX;
	decode(f);
	(void)node_by_id(f, "mpsc:" FAKE_PROC_KEY ":left~2:tx");
	(void)node_by_id(f, "roam-channel:" FAKE_PROC_KEY ":right%20lock:rx");
}

static void id__taken__gets_a_suffix(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 3; i++)
		f->segment.entities[fake_entity(&f->segment, PEEPS_KIND_MUTEX, NULL)].name =
			f->segment.entities[f->deadlock.left].name;
	decode(f);
	(void)node_by_id(f, LEFT);
	for (size_t i = 0; i < f->graph->node_count; i++) {
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(f->graph->nodes[i].id, f->graph->nodes[k].id);
	}
	assert_noted(f, "3 names are not unique");
}

static void text__of_bad_bytes__is_mended(void **state)
{
	struct fixture *f = *state;

	f->segment.entities[f->deadlock.left].name = fake_text(&f->segment, "a\xff\0b\xc3\xa4", 6);
	decode(f);
	assert_string_equal(node_by_id(f, "mutex:" FAKE_PROC_KEY ":a%FF%00b%C3%A4")->name,
			    "a\xEF\xBF\xBD\xEF\xBF\xBD"
			    "b\xc3\xa4");
}

static void text__stale_or_beyond__is_as_if_there_was_none(void **state)
{
	struct fixture *f = *state;
	const uint64_t name = f->segment.entities[f->deadlock.left].name;
	const uint64_t refs[] = { name + (UINT64_C(1) << PEEPS_REF_GENERATION_SHIFT),
				  name | UINT32_MAX, name ^ UINT64_C(1) << 63,
				  fake_ref(&f->segment, f->deadlock.alpha), 1 };

	for (size_t i = 0; i < sizeof(refs) / sizeof(refs[0]); i++) {
		f->segment.entities[f->deadlock.left].name = refs[i];
		decode(f);
		(void)node_by_id(f, "mutex:" FAKE_PROC_KEY ":inversion.c.42");
		assert_noted(f, "1 text is damaged");
	}
}

static void text__longer_than_its_section__is_as_if_there_was_none(void **state)
{
	struct fixture *f = *state;
	const uint64_t granule = f->segment.entities[f->deadlock.left].name & PEEPS_REF_INDEX_MASK;
	struct peeps_text_head *head = (void *)(f->segment.text + granule * PEEPS_TEXT_GRANULE);

	head->length = FAKE_TEXT * PEEPS_TEXT_GRANULE;
	decode(f);
	(void)node_by_id(f, "mutex:" FAKE_PROC_KEY ":inversion.c.42");
	head->length = UINT16_MAX;
	decode(f);
	(void)node_by_id(f, "mutex:" FAKE_PROC_KEY ":inversion.c.42");
}

static void proc_key__of_any_name__is_plain(void **state)
{
	struct fixture *f = *state;

	memset(f->segment.header->process_name, 'Z', PEEPS_PROCESS_NAME_BYTES - 1);
	memcpy(f->segment.header->process_name, "/\xff.", 3);
	decode(f);
	assert_string_equal(f->graph->processes[0].proc_key,
			    "--.zzzzzzzzzzzzzzzzzzzzzzzzzzzzz-4711");
	f->segment.header->process_name[0] = '\0';
	decode(f);
	assert_string_equal(f->graph->processes[0].proc_key, "process-4711");
}

/* --- the schema that travels ---------------------------------------------------------------------------------------- */

static struct peeps_schema_row *schema_row(const struct fixture *f, enum peeps_schema_list list,
					   const char *name)
{
	for (uint64_t i = 0; i < fake_section(&f->segment, PEEPS_SECTION_SCHEMA)->high_water; i++) {
		if (f->segment.schema[i].list == list &&
		    strcmp(f->segment.schema[i].name, name) == 0)
			return &f->segment.schema[i];
	}
	fail_msg("the schema has no %s", name);
	abort();
}

static void kind__of_the_program__is_decoded_by_the_schema(void **state)
{
	struct fixture *f = *state;
	struct peeps_schema_row *kind = schema_row(f, PEEPS_SCHEMA_KIND, "barrier");
	struct peeps_schema_row *field = schema_row(f, PEEPS_SCHEMA_FIELD, "contended");
	const uint32_t pool = fake_entity(&f->segment, 2000, "workers");

	kind->number = 2000;
	memcpy(kind->name, "pool", 5);
	memcpy(kind->prefix, "my pool", 8);
	field->owner = 2000;
	field->word = 4;
	field->shift = 8;
	field->bits = 4;
	memcpy(field->name, "size", 5);
	f->segment.entities[pool].body[4] = 0xabc;
	decode(f);
	assert_number(node_by_id(f, "my%20pool:" FAKE_PROC_KEY ":workers"), "size", 0xa);
	assert_string_equal(node_by_id(f, "my%20pool:" FAKE_PROC_KEY ":workers")->kind, "pool");
	assert_null(peeps_graph_attribute(node_by_id(f, LEFT), "contended"));
}

static void kind__that_the_schema_lacks__is_left_out_and_noted(void **state)
{
	struct fixture *f = *state;

	(void)fake_entity(&f->segment, 999, "what is this");
	decode(f);
	assert_int_equal(f->graph->node_count, 5);
	assert_noted(f, "1 entity is of a kind");
}

static void field__of_impossible_bits__is_left_out_and_noted(void **state)
{
	struct fixture *f = *state;
	const struct peeps_schema_row sound = *schema_row(f, PEEPS_SCHEMA_FIELD, "contended");
	struct peeps_schema_row *row = schema_row(f, PEEPS_SCHEMA_FIELD, "contended");

	for (int i = 0; i < 7; i++) {
		*row = sound;
		if (i == 0)
			row->bits = 0;
		else if (i == 1)
			row->shift = 60;
		else if (i == 2)
			row->word = 7;
		else if (i == 3)
			row->type = 12;
		else if (i == 4)
			memset(row->name, 'x', sizeof(row->name));
		else if (i == 5)
			row->name[0] = '\n';
		else
			memcpy(row->name, "created_at_ns", 14);
		peeps_image_deinit(&f->image); /* else the schema is not copied again */
		decode(f);
		assert_null(peeps_graph_attribute(node_by_id(f, LEFT), "contended"));
		assert_noted(f, "1 row of the segment's schema");
	}
}

static void field__named_like_another__is_not_shown_twice(void **state)
{
	struct fixture *f = *state;
	size_t count = 0;

	memcpy(schema_row(f, PEEPS_SCHEMA_FIELD, "contended")->name, "acquires\0", 10);
	decode(f);
	for (size_t i = 0; i < node_by_id(f, LEFT)->attribute_count; i++)
		count += strcmp(node_by_id(f, LEFT)->attributes[i].name, "acquires") == 0;
	assert_int_equal(count, 1);
}

static void number__beyond_json__is_null_and_noted(void **state)
{
	struct fixture *f = *state;

	f->segment.entities[f->deadlock.left].body[PEEPS_MUTEX_ACQUIRES_WORD] = UINT64_MAX;
	f->segment.entities[f->deadlock.left].created_ns = UINT64_C(1) << 63;
	decode(f);
	assert_null_value(node_by_id(f, LEFT), "acquires");
	assert_null_value(node_by_id(f, LEFT), "created_at_ns");
	assert_noted(f, "2 values make no sense");
}

static void entity__contradicting_itself__is_left_out_and_noted(void **state)
{
	struct fixture *f = *state;

	f->segment.entities[f->deadlock.left].identity++;
	decode(f);
	assert_int_equal(f->graph->node_count, 4);
	assert_noted(f, "1 entity contradicts itself");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(deadlock__decoded__has_its_nodes),
		TEST(deadlock__decoded__has_its_edges),
		TEST(deadlock__decoded__has_its_process),
		TEST(graph__outlives_its_image),
		TEST(mutex__free__has_no_holder_and_no_hold),
		TEST(mutex__recursive__counts_its_depth),
		TEST(mutex__wait_max__is_shown_in_ns),
		TEST(mutex__holder_word_is_nonsense__is_null_and_noted),
		TEST(mutex__held_by_another_mutex__is_null_and_noted),
		TEST(holder__whose_slot_was_used_again__is_an_exited_thread),
		TEST(holder__leaving_and_settled__is_gone),
		TEST(holder__unknown_to_the_kernel__is_gone_only_if_it_did_nothing_since),
		TEST(thread__exited_and_unmentioned__is_left_out),
		TEST(thread__exited_and_creator_of_something__is_kept),
		TEST(creator__stale__is_null),
		TEST(operation__finished__is_shown_only_as_history),
		TEST(operation__active__is_shown),
		TEST(operation__damaged__is_left_out_and_noted),
		TEST(operation__of_an_actor_that_is_gone__goes_with_it),
		TEST(operation__details__are_decoded_by_the_schema),
		TEST(mutex__robust__is_a_boolean),
		TEST(slot__uncertain__stays_so),
		TEST(id__without_a_name__is_made_of_the_place),
		TEST(id__ordinal__stands_on_the_name),
		TEST(id__of_a_channel_end__says_which),
		TEST(id__taken__gets_a_suffix),
		TEST(text__of_bad_bytes__is_mended),
		TEST(text__stale_or_beyond__is_as_if_there_was_none),
		TEST(text__longer_than_its_section__is_as_if_there_was_none),
		TEST(proc_key__of_any_name__is_plain),
		TEST(kind__of_the_program__is_decoded_by_the_schema),
		TEST(kind__that_the_schema_lacks__is_left_out_and_noted),
		TEST(field__of_impossible_bits__is_left_out_and_noted),
		TEST(field__named_like_another__is_not_shown_twice),
		TEST(number__beyond_json__is_null_and_noted),
		TEST(entity__contradicting_itself__is_left_out_and_noted),
	};

	return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
