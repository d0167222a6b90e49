/* SPDX-License-Identifier: MIT */
#include "reader/snapshot/fields.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "reader/format/sink.h"
#include "reader/graph/arena.h"
#include "reader/graph/text.h"
#include "reader/problem.h"

static void say_where(const struct peeps_fields *fields, const char *key, char *where, size_t room)
{
	char row[32] = "", inner_row[32] = "";

	if (!fields->section) {
		(void)snprintf(where, room, "%s", key ? key : "the document");
		return;
	}
	(void)snprintf(row, sizeof(row), "[%zu]", fields->row);
	if (fields->inner && fields->inner_row != SIZE_MAX)
		(void)snprintf(inner_row, sizeof(inner_row), "[%zu]", fields->inner_row);
	(void)snprintf(where, room, "%s%s%s%s%s%s%s", fields->section, row,
		       fields->inner ? "." : "", fields->inner ? fields->inner : "", inner_row,
		       key ? "." : "", key ? key : "");
}

int peeps_fields_fail(struct peeps_fields *fields, const char *key, const char *why, ...)
{
	char where[96], text[160];
	va_list arguments;

	say_where(fields, key, where, sizeof(where));
	va_start(arguments, why);
	(void)vsnprintf(text, sizeof(text), why, arguments);
	va_end(arguments);
	return peeps_problem_set(fields->problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG, "", "%s: %s",
				 where, text);
}

/* --- texts ------------------------------------------------------------------------------------------------------ */

static struct peeps_text_copy *copy_of(struct peeps_fields *fields, const msgpack_object_str *bytes)
{
	uint32_t hash = bytes->size * UINT32_C(0x9e3779b1);

	for (uint32_t i = 0; i < bytes->size; i++)
		hash = (hash ^ (unsigned char)bytes->ptr[i]) * UINT32_C(0x01000193);
	return &fields->copies[(hash ^ hash >> 16) & (PEEPS_TEXT_COPIES - 1)];
}

/* msgpack-c has no address for an empty text. */
static msgpack_object_str somewhere(const msgpack_object_str *bytes)
{
	return bytes->size ? *bytes : (msgpack_object_str){ .size = 0, .ptr = "" };
}

int peeps_fields_text(struct peeps_fields *fields, const char *key, const msgpack_object_str *given,
		      const char **text)
{
	const msgpack_object_str there = somewhere(given), *bytes = &there;
	struct peeps_text_copy *copy = copy_of(fields, bytes);
	char *fresh;

	if (copy->text && copy->length == bytes->size &&
	    memcmp(copy->text, bytes->ptr, bytes->size) == 0) {
		*text = copy->text;
		return 0;
	}
	if (!peeps_text_is_sound(
		    (struct peeps_bytes){ (const unsigned char *)bytes->ptr, bytes->size }))
		return peeps_fields_fail(fields, key, "is no UTF-8, or has a NUL in it");
	fresh = peeps_arena_take(fields->arena, (size_t)bytes->size + 1, 1);
	if (!fresh)
		return -ENOMEM;
	memcpy(fresh, bytes->ptr, bytes->size); /* the arena's memory is zeroed */
	*copy = (struct peeps_text_copy){ .text = fresh, .length = bytes->size };
	*text = fresh;
	return 0;
}

/* --- values ----------------------------------------------------------------------------------------------------- */

static const char *const kind_names[] = {
	[PEEPS_KEY_TEXT] = "text",          [PEEPS_KEY_BYTES] = "text",
	[PEEPS_KEY_NUMBER] = "an integer",  [PEEPS_KEY_NUMBER32] = "an integer",
	[PEEPS_KEY_BOOL] = "true or false", [PEEPS_KEY_MAP] = "a map",
	[PEEPS_KEY_ARRAY] = "an array",
};

static msgpack_object_type type_of(enum peeps_key_kind kind)
{
	switch (kind) {
	case PEEPS_KEY_NUMBER:
	case PEEPS_KEY_NUMBER32:
		return MSGPACK_OBJECT_POSITIVE_INTEGER;
	case PEEPS_KEY_BOOL:
		return MSGPACK_OBJECT_BOOLEAN;
	case PEEPS_KEY_MAP:
		return MSGPACK_OBJECT_MAP;
	case PEEPS_KEY_ARRAY:
		return MSGPACK_OBJECT_ARRAY;
	case PEEPS_KEY_TEXT:
	case PEEPS_KEY_BYTES:
		break;
	}
	return MSGPACK_OBJECT_STR;
}

static int take_number(struct peeps_fields *fields, const struct peeps_key *field, uint64_t number,
		       void *to)
{
	const bool small = field->kind == PEEPS_KEY_NUMBER32;

	if (number > (small ? UINT32_MAX : PEEPS_SINK_NUMBER_MAX))
		return peeps_fields_fail(fields, field->name, "%" PRIu64 " is out of range",
					 number);
	if (small)
		*(uint32_t *)to = (uint32_t)number;
	else
		*(uint64_t *)to = number;
	return 0;
}

int peeps_fields_take(struct peeps_fields *fields, const msgpack_object *value,
		      const struct peeps_key *field, void *out)
{
	void *to = (char *)out + field->offset;

	if (value->type == MSGPACK_OBJECT_NIL && field->flags & PEEPS_KEY_NULLABLE)
		return 0;
	if (value->type == MSGPACK_OBJECT_NEGATIVE_INTEGER &&
	    type_of(field->kind) == MSGPACK_OBJECT_POSITIVE_INTEGER)
		return peeps_fields_fail(fields, field->name, "%" PRId64 " is out of range",
					 value->via.i64);
	if (value->type != type_of(field->kind))
		return peeps_fields_fail(fields, field->name, "is not %s%s",
					 kind_names[field->kind],
					 field->flags & PEEPS_KEY_NULLABLE ? " or null" : "");
	switch (field->kind) {
	case PEEPS_KEY_TEXT:
		return peeps_fields_text(fields, field->name, &value->via.str, to);
	case PEEPS_KEY_BYTES:
		*(msgpack_object_str *)to = somewhere(&value->via.str);
		return 0;
	case PEEPS_KEY_NUMBER:
	case PEEPS_KEY_NUMBER32:
		return take_number(fields, field, value->via.u64, to);
	case PEEPS_KEY_BOOL:
		*(bool *)to = value->via.boolean;
		return 0;
	case PEEPS_KEY_MAP:
	case PEEPS_KEY_ARRAY:
		*(const msgpack_object **)to = value;
		return 0;
	}
	return 0;
}

/* --- maps ------------------------------------------------------------------------------------------------------- */

static bool is_named(const struct peeps_key *field, const msgpack_object *key)
{
	return strlen(field->name) == key->via.str.size &&
	       memcmp(field->name, key->via.str.ptr, key->via.str.size) == 0;
}

/* Keys mostly come in the order of the table: where the last one was found, the search goes on. */
static size_t find(const struct peeps_key *table, size_t count, size_t from,
		   const msgpack_object *key)
{
	if (key->type != MSGPACK_OBJECT_STR)
		return count;
	for (size_t i = 0; i < count; i++) {
		const size_t at = from + i < count ? from + i : from + i - count;

		if (is_named(&table[at], key))
			return at;
	}
	return count;
}

int peeps_fields_read(struct peeps_fields *fields, const msgpack_object *map,
		      const struct peeps_key *table, size_t count, void *out)
{
	uint32_t seen = 0;
	size_t next = 0;

	assert(count <= PEEPS_KEYS_MAX);
	if (map->type != MSGPACK_OBJECT_MAP)
		return peeps_fields_fail(fields, NULL, "is not a map");
	for (uint32_t i = 0; i < map->via.map.size; i++) {
		const msgpack_object_kv *pair = &map->via.map.ptr[i];
		const size_t at = find(table, count, next, &pair->key);
		int r;

		if (at == count)
			continue;
		if (seen & UINT32_C(1) << at)
			return peeps_fields_fail(fields, table[at].name, "stands there twice");
		seen |= UINT32_C(1) << at;
		next = at + 1 < count ? at + 1 : 0;
		r = peeps_fields_take(fields, &pair->val, &table[at], out);
		if (r)
			return r;
	}
	for (size_t i = 0; i < count; i++) {
		if (table[i].flags & PEEPS_KEY_REQUIRED && !(seen & UINT32_C(1) << i))
			return peeps_fields_fail(fields, table[i].name, "is missing");
	}
	return 0;
}
