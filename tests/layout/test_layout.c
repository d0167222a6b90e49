/* SPDX-License-Identifier: MIT */
/*
 * The layout hash, from the rows of layout.def and kinds.def: when this fails, the layout has changed. docs/segment.md
 * says what may change and what to raise; PEEPS_LAYOUT_HASH takes the value that the failure prints.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "layout/segment.h"

static uint64_t add_bytes(uint64_t hash, const void *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		hash = (hash ^ ((const unsigned char *)bytes)[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/* The words of a row, each with its NUL, and its numbers, 8 bytes each, least significant first. */
static uint64_t add_text(uint64_t hash, const char *text)
{
	return add_bytes(hash, text, strlen(text) + 1);
}

static uint64_t add_number(uint64_t hash, uint64_t number)
{
	unsigned char bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(number >> (8 * i));
	return add_bytes(hash, bytes, 8);
}

#define STRING_OF(token) #token

/* FNV-1a, 64 bits, over every row in the order of the files: the kind of row, then what it says. Role, type, discipline
 * and word are hashed by name. Comments and spaces do not count. */
static uint64_t layout_hash(void)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

#define ROW(name) hash = add_text(hash, name)
#define TEXT(text) hash = add_text(hash, text)
#define NUMBER(number) hash = add_number(hash, (uint64_t)(number))
#define PEEPS_LAYOUT_INLINE(type, field, offset, size, element, unit, meaning)                    \
	ROW("field"), TEXT(STRING_OF(type)), TEXT(STRING_OF(field)), NUMBER(offset), NUMBER(size), \
		TEXT(STRING_OF(element));
#define PEEPS_LAYOUT_INLINE_SIZE(type, size) ROW("size"), TEXT(STRING_OF(type)), NUMBER(size);
#define PEEPS_LAYOUT_PRIVATE PEEPS_LAYOUT_INLINE
#define PEEPS_LAYOUT_PRIVATE_SIZE(type, size) PEEPS_LAYOUT_INLINE_SIZE(type, size)
#include <peeps/layout.def>

#define PEEPS_KIND(symbol, number, name, prefix, role) \
	ROW("kind"), NUMBER(number), TEXT(name), TEXT(prefix), TEXT(STRING_OF(role));
#define PEEPS_FIELD(kind, symbol, word, shift, bits, type, discipline, attribute)                    \
	ROW("attribute"), TEXT(STRING_OF(kind)), TEXT(STRING_OF(word)), NUMBER(shift), NUMBER(bits), \
		TEXT(STRING_OF(type)), TEXT(STRING_OF(discipline)), TEXT(attribute);
#define PEEPS_DETAIL(op, symbol, word, type, attribute) \
	ROW("detail"), TEXT(STRING_OF(op)), NUMBER(word), TEXT(STRING_OF(type)), TEXT(attribute);
#define PEEPS_OP(symbol, number, name) ROW("op"), NUMBER(number), TEXT(name);
#define PEEPS_STATE(symbol, number, name) ROW("state"), NUMBER(number), TEXT(name);
#define PEEPS_EDGE(symbol, number, name) ROW("edge"), NUMBER(number), TEXT(name);
#define PEEPS_ENUM(list, symbol, number, name) ROW("enum"), TEXT(STRING_OF(list)), NUMBER(number), TEXT(name);
#define PEEPS_COUNTER(symbol, number, name) ROW("counter"), NUMBER(number), TEXT(name);
#define PEEPS_TYPE(symbol, number, stored, shown) ROW("type"), TEXT(STRING_OF(symbol)), NUMBER(number);
#define PEEPS_DISCIPLINE(symbol, number, meaning) ROW("discipline"), TEXT(STRING_OF(symbol)), NUMBER(number);
#define PEEPS_ROLE(symbol, number, meaning) ROW("role"), TEXT(STRING_OF(symbol)), NUMBER(number);
#include <peeps/kinds.def>
	NUMBER(PEEPS_LAYOUT_MAJOR);
	NUMBER(PEEPS_LAYOUT_MINOR);
	return hash;
}

static void layout__rows_of_both_tables__hash_is_the_pinned_one(void **state)
{
	const uint64_t hash = layout_hash();

	(void)state;
	if (hash != PEEPS_LAYOUT_HASH)
		fail_msg("the layout has changed: PEEPS_LAYOUT_HASH is 0x%016llx, the tables' is 0x%016llx",
			 (unsigned long long)PEEPS_LAYOUT_HASH, (unsigned long long)hash);
}

struct number_row {
	const char *list, *name;
	uint64_t number;
};

static const struct number_row numbers[] = {
#define PEEPS_KIND(symbol, number, name, prefix, role) { "kind", name, number },
#define PEEPS_OP(symbol, number, name) { "op", name, number },
#define PEEPS_STATE(symbol, number, name) { "state", name, number },
#define PEEPS_EDGE(symbol, number, name) { "edge", name, number },
#define PEEPS_ENUM(list, symbol, number, name) { "enum " #list, name, number },
#define PEEPS_COUNTER(symbol, number, name) { "counter", name, number },
#define PEEPS_TYPE(symbol, number, stored, shown) { "type", #symbol, number },
#define PEEPS_DISCIPLINE(symbol, number, meaning) { "discipline", #symbol, number },
#define PEEPS_ROLE(symbol, number, meaning) { "role", #symbol, number },
#include <peeps/kinds.def>
};

static void kinds_def__numbers_and_names_of_a_list__are_unique(void **state)
{
	const size_t count = sizeof(numbers) / sizeof(numbers[0]);

	(void)state;
	for (size_t i = 0; i < count; i++)
		for (size_t j = i + 1; j < count; j++)
			if (strcmp(numbers[i].list, numbers[j].list) == 0 &&
			    (numbers[i].number == numbers[j].number ||
			     strcmp(numbers[i].name, numbers[j].name) == 0))
				fail_msg("%s: '%s' %llu and '%s' %llu", numbers[i].list, numbers[i].name,
					 (unsigned long long)numbers[i].number, numbers[j].name,
					 (unsigned long long)numbers[j].number);
}

struct field_row {
	const char *type, *field;
	uint64_t offset, size;
};

static const struct field_row fields[] = {
#define PEEPS_LAYOUT_INLINE(type, field, offset, size, element, unit, meaning) { #type, #field, offset, size },
#define PEEPS_LAYOUT_INLINE_SIZE(type, size) { #type, NULL, 0, size },
#define PEEPS_LAYOUT_PRIVATE(type, field, offset, size, element, unit, meaning) { #type, #field, offset, size },
#define PEEPS_LAYOUT_PRIVATE_SIZE(type, size) { #type, NULL, 0, size },
#include <peeps/layout.def>
};

/* No hole that a compiler could fill with what it likes: every byte of a struct belongs to a field. */
static void layout_def__fields_of_a_struct__leave_no_gap(void **state)
{
	uint64_t end = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (fields[i].field == NULL) {
			if (end != fields[i].size)
				fail_msg("struct %s: fields end at %llu, it at %llu", fields[i].type,
					 (unsigned long long)end, (unsigned long long)fields[i].size);
			end = 0;
			continue;
		}
		if (fields[i].offset != end)
			fail_msg("struct %s: %s at %llu, the field before ends at %llu", fields[i].type,
				 fields[i].field, (unsigned long long)fields[i].offset, (unsigned long long)end);
		end = fields[i].offset + fields[i].size;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout__rows_of_both_tables__hash_is_the_pinned_one),
		cmocka_unit_test(kinds_def__numbers_and_names_of_a_list__are_unique),
		cmocka_unit_test(layout_def__fields_of_a_struct__leave_no_gap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
