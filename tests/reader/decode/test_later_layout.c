/* SPDX-License-Identifier: MIT */
/* What a later minor version may add: it is left out with a note, never misread, and all else is as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "reader/decode/schema.h"
#include "tests/reader/decode_fixture.h"
#include "tests/support/later_segment.h"

/* The row of the schema that says what an attribute of a kind is. */
static struct peeps_schema_row *row_of(const struct fixture *f, uint8_t list, uint32_t owner,
				       const char *name)
{
	const uint64_t count = fake_section(&f->segment, PEEPS_SECTION_SCHEMA)->high_water;

	for (uint64_t i = 0; i < count; i++) {
		struct peeps_schema_row *row = &f->segment.schema[i];

		if (row->list == list && row->owner == owner && strcmp(row->name, name) == 0)
			return row;
	}
	fail_msg("no row %s", name);
	return NULL;
}

static const struct peeps_attribute *attribute_of(const struct peeps_node *node, const char *name)
{
	for (size_t i = 0; i < node->attribute_count; i++) {
		if (strcmp(node->attributes[i].name, name) == 0)
			return &node->attributes[i];
	}
	return NULL;
}

struct change {
	const char *name;
	void (*make)(struct peeps_schema_row *row);
};

#define CHANGE(name, statement)                      \
	static void name(struct peeps_schema_row *r) \
	{                                            \
		statement;                           \
	}
CHANGE(later_type, r->type = 11)
CHANGE(last_plain_type, r->type = PEEPS_TYPE_ENUM_FIRST - 1)
CHANGE(cut_word, r->discipline = PEEPS_DISCIPLINE_CUT_WORD)
CHANGE(later_discipline, r->discipline = 4)
CHANGE(later_word, r->word = 7)
CHANGE(needed_flag, r->flags = 0x08)
CHANGE(later_list, r->list = 9)
CHANGE(last_list, r->list = UINT8_MAX)

static void attribute__said_in_a_later_way__is_left_out_and_noted(void **state)
{
	static const struct change rows[] = {
		{ "type", later_type },   { "last plain type", last_plain_type },
		{ "cut word", cut_word }, { "discipline", later_discipline },
		{ "word", later_word },   { "flag that is needed", needed_flag },
		{ "list", later_list },   { "last list", last_list },
	};
	struct fixture *f = *state;
	struct peeps_schema_row *row = row_of(f, PEEPS_SCHEMA_FIELD, PEEPS_KIND_MUTEX, "contended");
	const struct peeps_schema_row sound = *row;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rows[i].make(row);
		f->image.schema_count =
			0; /* else it is that of the look before: it never changes */
		decode(f);
		if (attribute_of(node_by_id(f, LEFT), "contended"))
			fail_msg("%s: shown", rows[i].name);
		assert_non_null(attribute_of(node_by_id(f, LEFT), "acquires"));
		assert_noted(f, "1 row of the segment's schema is of a later layout");
		*row = sound;
	}
}

static void attribute__with_a_flag_that_may_be_ignored__is_shown(void **state)
{
	struct fixture *f = *state;

	row_of(f, PEEPS_SCHEMA_FIELD, PEEPS_KIND_MUTEX, "contended")->flags = 0xf0;
	decode(f);
	assert_number(node_by_id(f, LEFT), "contended", 0);
	assert_int_equal(f->graph->note_count, 0);
}

/* A kind and an operation that only the segment knows are shown by its names. */
static void kind_and_operation__known_to_the_schema_alone__are_shown(void **state)
{
	struct fixture *f = *state;
	struct peeps_schema_row *kind = row_of(f, PEEPS_SCHEMA_KIND, 0, "barrier");
	struct peeps_schema_row *field =
		row_of(f, PEEPS_SCHEMA_FIELD, PEEPS_KIND_MUTEX, "contended");
	struct peeps_schema_row *op = row_of(f, PEEPS_SCHEMA_OP, 0, "barrier_wait");
	const struct peeps_edge *edge;
	uint32_t latch;

	kind->number = 200;
	kind->role = 3; /* a later one: neither actor nor resource */
	(void)snprintf(kind->name, sizeof(kind->name), "latch");
	(void)snprintf(kind->prefix, sizeof(kind->prefix), "latch");
	field->owner = 200;
	(void)snprintf(field->name, sizeof(field->name), "parties");
	op->number = 100;
	(void)snprintf(op->name, sizeof(op->name), "latch_wait");
	latch = fake_entity(&f->segment, 200, "start");
	f->segment.entities[latch].body[5] = 12;
	(void)fake_operation(&f->segment, f->deadlock.heartbeat, (enum peeps_op)100, latch, 1000);
	decode(f);
	assert_number(node_by_id(f, "latch:" FAKE_PROC_KEY ":start"), "parties", 12);
	edge = edge_from(f, PEEPS_EDGE_NEEDS, BEAT);
	assert_string_equal(edge->op_kind, "latch_wait");
	assert_string_equal(dst_id(f, edge), "latch:" FAKE_PROC_KEY ":start");
	assert_int_equal(f->graph->note_count, 0);
}

/* Two details may share a word, which until now none do. */
static void detail__of_some_bits__is_only_those(void **state)
{
	struct fixture *f = *state;
	struct peeps_schema_row *detail =
		row_of(f, PEEPS_SCHEMA_DETAIL, PEEPS_OP_LOCK, "until_ptime_ms");
	const struct peeps_edge *edge;

	detail->type = PEEPS_TYPE_COUNT;
	detail->shift = 8;
	detail->bits = 4;
	f->segment.edges[f->deadlock.alpha_wait].details[0] = 0xabcd;
	decode(f);
	edge = edge_from(f, PEEPS_EDGE_NEEDS, ALPHA);
	assert_int_equal(edge->detail_count, 2);
	assert_int_equal(edge->details[0].value.as.number, 0xb);
}

static void detail__in_a_later_word__is_left_out_and_noted(void **state)
{
	struct fixture *f = *state;

	row_of(f, PEEPS_SCHEMA_DETAIL, PEEPS_OP_LOCK, "until_ptime_ms")->word = PEEPS_DETAIL_WORDS;
	decode(f);
	assert_int_equal(edge_from(f, PEEPS_EDGE_NEEDS, ALPHA)->detail_count, 1);
	assert_noted(f, "1 row of the segment's schema is of a later layout");
}

/* What it waits for may not be what this reader thinks. */
static void operation__with_a_flag_that_is_needed__is_uncertain(void **state)
{
	struct fixture *f = *state;
	uint64_t *status = &f->segment.edges[f->deadlock.alpha_wait].status;

	*status |= UINT64_C(2) << PEEPS_EDGE_MODE_SHIFT; /* need not be understood */
	decode(f);
	assert_false(edge_from(f, PEEPS_EDGE_NEEDS, ALPHA)->uncertain);
	*status |= UINT64_C(0x80) << PEEPS_EDGE_MODE_SHIFT;
	decode(f);
	assert_true(edge_from(f, PEEPS_EDGE_NEEDS, ALPHA)->uncertain);
	assert_false(edge_from(f, PEEPS_EDGE_NEEDS, BETA)->uncertain);
}

static void edge__of_a_later_kind__is_left_out_and_noted(void **state)
{
	struct fixture *f = *state;

	f->segment.edges[f->deadlock.alpha_wait].status |= UINT64_C(0xf0) << PEEPS_EDGE_KIND_SHIFT;
	decode(f);
	assert_null(edge_from(f, PEEPS_EDGE_NEEDS, ALPHA));
	assert_non_null(edge_from(f, PEEPS_EDGE_NEEDS, BETA));
	assert_noted(f, "1 edge is of a kind that this reader does not know");
}

static void text__of_a_later_format__is_left_empty_and_noted(void **state)
{
	struct fixture *f = *state;
	const uint64_t granule = f->segment.entities[f->deadlock.left].name & PEEPS_REF_INDEX_MASK;
	struct peeps_text_head *head = (void *)(f->segment.text + granule * PEEPS_TEXT_GRANULE);

	head->format = 1;
	decode(f);
	(void)node_by_id(f, "mutex:" FAKE_PROC_KEY ":inversion.c.42");
	assert_noted(f, "of a format that this reader does not know");
}

/* --- longer rows ------------------------------------------------------------------------------------------------ */

static void graphs_compare(const struct peeps_graph *one, const struct peeps_graph *other)
{
	assert_int_equal(one->node_count, other->node_count);
	assert_int_equal(one->edge_count, other->edge_count);
	assert_int_equal(one->scope_count, other->scope_count);
	assert_int_equal(one->membership_count, other->membership_count);
	assert_int_equal(one->quality, other->quality);
	for (size_t i = 0; i < one->node_count; i++) {
		assert_string_equal(one->nodes[i].id, other->nodes[i].id);
		assert_int_equal(one->nodes[i].attribute_count, other->nodes[i].attribute_count);
		assert_int_equal(one->nodes[i].uncertain, other->nodes[i].uncertain);
	}
	for (size_t i = 0; i < one->edge_count; i++) {
		assert_int_equal(one->edges[i].src, other->edges[i].src);
		assert_int_equal(one->edges[i].dst, other->edges[i].dst);
		assert_int_equal(one->edges[i].kind, other->edges[i].kind);
		assert_int_equal(one->edges[i].source.line, other->edges[i].source.line);
	}
	for (size_t i = 0; i < one->scope_count; i++)
		assert_string_equal(one->scopes[i].id, other->scopes[i].id);
}

static struct peeps_graph *look_at(int fd, unsigned int flags)
{
	struct peeps_target target;
	struct peeps_problem problem;
	struct peeps_image image;
	struct peeps_graph *graph;

	if (peeps_attach_fd(&target, fd, &problem))
		fail_msg("%s", problem.why);
	peeps_image_init(&image);
	if (peeps_cut(&target, &image, flags, &problem))
		fail_msg("%s", problem.why);
	assert_int_equal(peeps_decode(&image, 0, &graph), 0);
	peeps_image_deinit(&image);
	peeps_detach(&target);
	return graph;
}

static void segment__with_longer_rows__reads_the_same(void **state)
{
	static const unsigned int ways[] = { 0, PEEPS_CUT_PASSIVE };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		const int fd = later_segment_memfd(f->segment.base);
		struct peeps_graph *now = look_at(f->segment.fd, ways[i]);
		struct peeps_graph *later = look_at(fd, ways[i]);

		assert_true(now->edge_count > 5 && now->scope_count > 0);
		graphs_compare(now, later);
		assert_int_equal(now->note_count, 0);
		assert_int_equal(later->note_count, 1);
		assert_non_null(strstr(later->notes[0], "what is new may be missing"));
		peeps_graph_free(now);
		peeps_graph_free(later);
		(void)close(fd);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TOWN(name) cmocka_unit_test_setup_teardown(name, set_up_town, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(attribute__said_in_a_later_way__is_left_out_and_noted),
		TEST(attribute__with_a_flag_that_may_be_ignored__is_shown),
		TEST(kind_and_operation__known_to_the_schema_alone__are_shown),
		TEST(detail__of_some_bits__is_only_those),
		TEST(detail__in_a_later_word__is_left_out_and_noted),
		TEST(operation__with_a_flag_that_is_needed__is_uncertain),
		TEST(edge__of_a_later_kind__is_left_out_and_noted),
		TEST(text__of_a_later_format__is_left_empty_and_noted),
		TOWN(segment__with_longer_rows__reads_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
