/* SPDX-License-Identifier: MIT */
/* Kinds of the program's own: what is accepted, where their attributes lie, and what the segment says of them. */
#include "tests/writer/writer_test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <peeps/peeps.h>
#include "writer/entity.h"
#include "writer/kind.h"
#include "writer/schema.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct peeps_kind_def plain(const char *name, const struct peeps_kind_attribute *attributes,
				   size_t count)
{
	return (struct peeps_kind_def){ .name = name,
					.role = PEEPS_ROLE_RESOURCE,
					.attributes = attributes,
					.attribute_count = count };
}

static const struct peeps_schema_row *find_row(uint8_t list, uint32_t owner, const char *name)
{
	const uint64_t count = segment_section(PEEPS_SECTION_SCHEMA)->high_water;

	for (uint64_t i = 0; i < count; i++) {
		const struct peeps_schema_row *const row = segment_row(PEEPS_SECTION_SCHEMA, i);

		if (row->list == list && row->owner == owner && strcmp(row->name, name) == 0)
			return row;
	}
	return NULL;
}

static void peeps_kind_new__each_type__attributes_share_words_and_do_not_straddle(void **state)
{
	static const char *const phases[] = { "", "open", "shut" };
	const struct peeps_kind_attribute attributes[] = {
		{ "number", PEEPS_TYPE_COUNT, 40 },
		{ "wide", PEEPS_TYPE_NS_DURATION, 0 },
		{ "flag", PEEPS_TYPE_BOOL, 0 },
		{ "phase", peeps_enum_new(phases, 3), 0 },
		{ "too_wide_now", PEEPS_TYPE_BITS, 16 },
		{ "owner", PEEPS_TYPE_REF, 0 },
		{ "since_ptime_ms", PEEPS_TYPE_PTIME, 0 },
		{ "peer", PEEPS_TYPE_TEXT, 0 },
	};
	static const struct {
		unsigned int word, shift, bits;
	} places[] = { { 0, 0, 40 }, { 1, 0, 64 }, { 0, 40, 1 }, { 0, 41, 8 },
		       { 2, 0, 16 }, { 3, 0, 64 }, { 4, 0, 64 }, { 5, 0, 64 } };
	const struct peeps_kind_def def = { "gate",           "g",
					    PEEPS_ROLE_ACTOR, PEEPS_VISIBILITY_SHOWN,
					    attributes,       COUNT(attributes) };
	uint32_t attrs[COUNT(attributes)];
	const uint32_t kind = peeps_kind_new(&def, attrs);
	const struct peeps_schema_row *row = find_row(PEEPS_SCHEMA_KIND, 0, "gate");

	(void)state;
	assert_in_range(kind, PEEPS_KIND_FIRST_OF_PROGRAM, 4095);
	assert_non_null(row);
	assert_int_equal(row->number, kind);
	assert_string_equal(row->prefix, "g");
	assert_int_equal(row->role, PEEPS_ROLE_ACTOR);
	assert_true(kind_is_actor(kind));
	for (size_t i = 0; i < COUNT(attributes); i++) {
		row = find_row(PEEPS_SCHEMA_FIELD, kind, attributes[i].name);
		assert_non_null(row);
		assert_int_equal(row->word, places[i].word);
		assert_int_equal(row->shift, places[i].shift);
		assert_int_equal(row->bits, places[i].bits);
		assert_int_equal(row->type, attributes[i].type);
		assert_int_equal(row->number, i);
		assert_int_equal(attrs[i], kind << 20 | places[i].word << 16 |
						   places[i].shift << 8 | places[i].bits);
	}
	assert_string_equal(find_row(PEEPS_SCHEMA_ENUM, attributes[3].type, "shut")->name, "shut");
	assert_int_equal(find_row(PEEPS_SCHEMA_ENUM, attributes[3].type, "shut")->number, 2);
}

static void peeps_kind_new__same_again__is_the_same_and_takes_no_room(void **state)
{
	static const char *const values[] = { "one", "two" };
	const uint32_t type = peeps_enum_new(values, 2);
	const struct peeps_kind_attribute attributes[] = { { "which", type, 0 } };
	const struct peeps_kind_attribute other[] = { { "which", type, 9 } };
	struct peeps_kind_def def = plain("again", attributes, 1);
	uint32_t first, second, attr, attr_again;
	uint64_t rows;

	(void)state;
	first = peeps_kind_new(&def, &attr);
	rows = schema_rows();
	second = peeps_kind_new(&def, &attr_again);
	assert_int_not_equal(first, 0);
	assert_int_equal(second, first);
	assert_int_equal(attr_again, attr);
	assert_int_equal(peeps_enum_new(values, 2), type);
	assert_int_not_equal(peeps_enum_new(values, 1), type);
	assert_int_equal(schema_rows(), rows + 1);
	/* Another one of that name. */
	def.attributes = other;
	assert_int_equal(peeps_kind_new(&def, &attr), 0);
	assert_int_equal(attr, 0);
	def = plain("again", attributes, 1);
	def.visibility = PEEPS_VISIBILITY_INTERNAL;
	assert_int_equal(peeps_kind_new(&def, &attr), 0);
}

static void peeps_kind_new__definition_breaks_a_rule__none(void **state)
{
	static const struct peeps_kind_attribute wrong[] = {
		{ NULL, PEEPS_TYPE_COUNT, 0 },
		{ "", PEEPS_TYPE_COUNT, 0 },
		{ "Upper", PEEPS_TYPE_COUNT, 0 },
		{ "with-dash", PEEPS_TYPE_COUNT, 0 },
		{ "a_name_that_is_one_too_long_by_1", PEEPS_TYPE_COUNT, 0 },
		{ "note", PEEPS_TYPE_COUNT, 0 },
		{ "visibility", PEEPS_TYPE_COUNT, 0 },
		{ "no_type", 0, 0 },
		{ "one_of_ours", PEEPS_TYPE_ENUM_ACTIVITY, 0 },
		{ "no_list_yet", 255, 0 },
		{ "no_site", PEEPS_TYPE_SITE, 0 },
		{ "narrow", PEEPS_TYPE_REF, 32 },
		{ "narrow", PEEPS_TYPE_TEXT, 32 },
		{ "wide", PEEPS_TYPE_COUNT, 65 },
	};
	static const struct peeps_kind_attribute twice[] = { { "a", PEEPS_TYPE_COUNT, 0 },
							     { "a", PEEPS_TYPE_COUNT, 0 } };
	static const struct peeps_kind_attribute seven[] = {
		{ "a", PEEPS_TYPE_COUNT, 0 }, { "b", PEEPS_TYPE_COUNT, 0 },
		{ "c", PEEPS_TYPE_COUNT, 0 }, { "d", PEEPS_TYPE_COUNT, 0 },
		{ "e", PEEPS_TYPE_COUNT, 0 }, { "f", PEEPS_TYPE_COUNT, 0 },
		{ "g", PEEPS_TYPE_BOOL, 0 },
	};
	static const char *const names[] = {
		NULL, "", "mutex", "Upper", "a b", "a:b", "~", "a_name_that_is_one_too_long_by_1"
	};
	const uint64_t rows = schema_rows();
	struct peeps_kind_def def;
	uint32_t attrs[COUNT(seven)];

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		def = plain("wrong", &wrong[i], 1);
		attrs[0] = 1;
		assert_int_equal(peeps_kind_new(&def, attrs), 0);
		assert_int_equal(attrs[0], 0);
	}
	for (size_t i = 0; i < COUNT(names); i++) {
		def = plain(names[i], NULL, 0);
		assert_int_equal(peeps_kind_new(&def, NULL), 0);
	}
	def = plain("twice", twice, 2);
	assert_int_equal(peeps_kind_new(&def, attrs), 0);
	def = plain("seven", seven, 7);
	assert_int_equal(peeps_kind_new(&def, attrs), 0);
	def = plain("role", NULL, 0);
	def.role = PEEPS_ROLE_RESOURCE + 1;
	assert_int_equal(peeps_kind_new(&def, NULL), 0);
	def = plain("level", NULL, 0);
	def.visibility = PEEPS_VISIBILITY_INTERNAL + 1;
	assert_int_equal(peeps_kind_new(&def, NULL), 0);
	def = plain("prefix", NULL, 0);
	def.prefix = "sixteen_or_more_";
	assert_int_equal(peeps_kind_new(&def, NULL), 0);
	assert_int_equal(schema_rows(), rows);
}

static void peeps_enum_new__list_breaks_a_rule__none(void **state)
{
	static const char *const empty_later[] = { "a", "" };
	static const char *const missing[] = { NULL };
	static const char *const unprintable[] = { "a\tb" };
	static const char *const too_long[] = { "a name that is one too long by 1" };

	(void)state;
	assert_int_equal(peeps_enum_new(empty_later, 2), 0);
	assert_int_equal(peeps_enum_new(missing, 1), 0);
	assert_int_equal(peeps_enum_new(unprintable, 1), 0);
	assert_int_equal(peeps_enum_new(too_long, 1), 0);
	assert_int_equal(peeps_enum_new(empty_later, 0), 0);
	assert_int_equal(peeps_enum_new(empty_later, 257), 0);
	assert_int_equal(peeps_enum_new(NULL, 1), 0);
}

static void peeps_entity_set__attribute_of_an_own_kind__changes_its_bits_alone(void **state)
{
	static const struct peeps_kind_attribute attributes[] = { { "low", PEEPS_TYPE_COUNT, 8 },
								  { "middle", PEEPS_TYPE_BOOL, 0 },
								  { "high", PEEPS_TYPE_COUNT, 8 } };
	static const struct peeps_kind_attribute other[] = { { "low", PEEPS_TYPE_COUNT, 8 } };
	struct peeps_kind_def def = plain("bits", attributes, 3);
	uint32_t attrs[3], attr_of_other;
	struct peeps_ref entity;
	const struct peeps_entity_slot *slot;

	(void)state;
	def.visibility = PEEPS_VISIBILITY_INTERNAL;
	entity = peeps_entity_new(peeps_kind_new(&def, attrs), "of bits");
	slot = entity_find(entity.bits);
	assert_non_null(slot);
	assert_int_equal(slot->kind >> 16 & 0xffff, PEEPS_VISIBILITY_INTERNAL);
	peeps_entity_set(entity, attrs[0], 0x1ff);
	peeps_entity_set(entity, attrs[2], 0x12);
	peeps_entity_set(entity, attrs[1], 1);
	assert_int_equal(slot->body[0], 0xff | 1 << 8 | 0x12 << 9);
	peeps_entity_set(entity, attrs[0], 0);
	assert_int_equal(slot->body[0], 1 << 8 | 0x12 << 9);
	/* Of another kind, or of a place where none lies. */
	def = plain("other-bits", other, 1);
	assert_int_not_equal(peeps_kind_new(&def, &attr_of_other), 0);
	peeps_entity_set(entity, attr_of_other, 7);
	peeps_entity_set(entity, attrs[0] + 1, 7);
	peeps_entity_set(entity, 0, 7);
	peeps_entity_set_text(entity, attrs[0], "no text");
	assert_int_equal(slot->body[0], 1 << 8 | 0x12 << 9);
	peeps_entity_end(entity);
}

static void peeps_entity_set_text__again_and_at_the_end__texts_are_given_back(void **state)
{
	static const struct peeps_kind_attribute attributes[] = { { "peer", PEEPS_TYPE_TEXT, 0 } };
	const struct peeps_kind_def def = plain("connection", attributes, 1);
	uint32_t attr;
	const uint32_t kind = peeps_kind_new(&def, &attr);
	const uint64_t dropped = counted(PEEPS_COUNTER_DROPPED_TEXT);
	char text[800];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 50; i++) { /* 40 KB through 16 */
		const struct peeps_ref entity = peeps_entity_new(kind, "one");
		const struct peeps_entity_slot *const slot = entity_find(entity.bits);

		assert_non_null(slot);
		peeps_entity_set_text(entity, attr, text);
		assert_text(slot->body[0], text);
		peeps_entity_set(entity, attr, 0x123456); /* a reference is ours to make */
		assert_text(slot->body[0], text);
		peeps_entity_set_text(entity, attr, "short");
		assert_text(slot->body[0], "short");
		peeps_entity_set_text(entity, attr, NULL);
		assert_int_equal(slot->body[0], 0);
		peeps_entity_set_text(entity, attr, text);
		peeps_entity_end(entity);
		peeps_entity_set_text(entity, attr, "stale");
	}
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_TEXT), dropped);
}

static void peeps_op_begin__own_kinds__actor_of_role_actor_and_no_other(void **state)
{
	struct peeps_kind_def def = plain("fiber", NULL, 0);
	struct peeps_ref fiber, thing, op;

	(void)state;
	def.role = PEEPS_ROLE_ACTOR;
	fiber = peeps_entity_new(peeps_kind_new(&def, NULL), "fiber");
	def = plain("thing", NULL, 0);
	thing = peeps_entity_new(peeps_kind_new(&def, NULL), "thing");
	op = peeps_op_begin(fiber, PEEPS_OP_NOTIFY_WAIT, thing, 0);
	assert_int_not_equal(op.bits, 0);
	peeps_op_end(op, PEEPS_STATE_DONE);
	assert_int_equal(peeps_op_begin(thing, PEEPS_OP_NOTIFY_WAIT, fiber, 0).bits, 0);
	peeps_entity_end(thing);
	peeps_entity_end(fiber);
}

/* What a child finds wrong. */
static int check_child(uint32_t kind, uint32_t attr, uint64_t parents_rows)
{
	const struct peeps_ref entity = peeps_entity_new(kind, "child's");
	int bad = 0;

	if (!entity.bits || segment_section(PEEPS_SECTION_SCHEMA)->high_water != parents_rows)
		return 1;
	peeps_entity_set(entity, attr, 5);
	if (entity_find(entity.bits)->body[0] != 5)
		bad |= 2;
	if (!find_row(PEEPS_SCHEMA_FIELD, kind, "inherited"))
		bad |= 4;
	return bad;
}

static void peeps_kind_new__of_the_parent__a_child_has_it_too(void **state)
{
	static const struct peeps_kind_attribute attributes[] = { { "inherited", PEEPS_TYPE_COUNT,
								    0 } };
	const struct peeps_kind_def def = plain("family", attributes, 1);
	uint32_t attr;
	const uint32_t kind = peeps_kind_new(&def, &attr);
	const uint64_t rows = schema_rows();
	int status = -1;
	pid_t child;

	(void)state;
	child = fork();
	if (child == 0)
		_exit(check_child(kind, attr, rows));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Last, since it leaves no room. */
static void peeps_kind_new__no_room__none_and_its_entities_are_counted(void **state)
{
	static const struct peeps_kind_attribute attributes[] = { { "a", PEEPS_TYPE_COUNT, 0 } };
	const uint64_t dropped = counted(PEEPS_COUNTER_DROPPED_ENTITIES);
	struct peeps_kind_def def;
	uint32_t attr, kind = 1;
	char name[32];

	(void)state;
	errno = EDOM;
	for (int i = 0; kind && i <= PEEPS_SCHEMA_ROOM; i++) {
		(void)snprintf(name, sizeof(name), "many-%d", i);
		def = plain(name, attributes, 1);
		kind = peeps_kind_new(&def, &attr);
	}
	assert_int_equal(kind, 0);
	assert_int_equal(attr, 0);
	assert_true(schema_rows() <= schema_capacity());
	assert_int_equal(peeps_entity_new(kind, "none").bits, 0);
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_ENTITIES), dropped + 1);
	assert_int_equal(errno, EDOM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			peeps_kind_new__each_type__attributes_share_words_and_do_not_straddle),
		cmocka_unit_test(peeps_kind_new__same_again__is_the_same_and_takes_no_room),
		cmocka_unit_test(peeps_kind_new__definition_breaks_a_rule__none),
		cmocka_unit_test(peeps_enum_new__list_breaks_a_rule__none),
		cmocka_unit_test(
			peeps_entity_set__attribute_of_an_own_kind__changes_its_bits_alone),
		cmocka_unit_test(peeps_entity_set_text__again_and_at_the_end__texts_are_given_back),
		cmocka_unit_test(peeps_op_begin__own_kinds__actor_of_role_actor_and_no_other),
		cmocka_unit_test(peeps_kind_new__of_the_parent__a_child_has_it_too),
		cmocka_unit_test(peeps_kind_new__no_room__none_and_its_entities_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
