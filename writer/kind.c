/* SPDX-License-Identifier: MIT */
/* Kinds of the program's own, and lists of values: checked, placed in the body's words, and told to the segment. */
#include "writer/kind.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include <peeps/kind.h>
#include "writer/entity.h"
#include "writer/process.h"
#include "writer/schema.h"
#include "writer/segment.h"
#include "writer/text.h"
#include "writer/thread.h"
#include "writer/update.h"

#define KINDS_MAX      PEEPS_SCHEMA_ROOM
#define ATTRIBUTES_MAX 48
#define LISTS_MAX      (256 - PEEPS_TYPE_ENUM_FIRST_OF_PROGRAM)
#define VALUES_MAX     256
#define VALUE_BITS     8

/**
 * struct own_kind - one of the program's own; written once, before `kind_count` says that it is there
 * @first: place of its row among the program's own, which its attributes' rows follow
 * @texts: words that refer to a text, a bit each
 */
struct own_kind {
	uint32_t first;
	uint32_t attribute_count;
	uint32_t visibility;
	uint32_t texts;
};

/* Changed under the process lock. In private memory, and so a child's, too. */
static struct own_kind kinds[KINDS_MAX];
static uint64_t kind_count;
static uint32_t list_first[LISTS_MAX]; /* place of its first value's row */
static uint32_t list_length[LISTS_MAX];
static uint32_t list_count;

/* --- what there is --- */

static const struct own_kind *find_own(uint32_t kind)
{
	const uint64_t place = (uint64_t)kind - PEEPS_KIND_FIRST_OF_PROGRAM;

	/* Acquire: the kind before the count. Pairs with the release in add_kind(). */
	return kind >= PEEPS_KIND_FIRST_OF_PROGRAM && place < peeps_load_acquire(&kind_count)
		       ? &kinds[place]
		       : NULL;
}

static bool is_built_in(uint32_t kind)
{
	switch (kind) {
#define PEEPS_KIND(symbol, number, name, prefix, role) \
	case PEEPS_KIND_##symbol:                      \
		return true;
#include <peeps/kinds.def>
	default:
		return false;
	}
}

bool kind_is_made_by_programs(uint32_t kind)
{
	switch (kind) {
	case PEEPS_KIND_THREAD: /* have calls of their own */
	case PEEPS_KIND_TASK:
	case PEEPS_KIND_FOREIGN:
		return false;
	default:
		return is_built_in(kind) || find_own(kind);
	}
}

bool kind_is_actor(uint32_t kind)
{
	const struct own_kind *const own = find_own(kind);

	if (own)
		return schema_own(own->first)->role == PEEPS_ROLE_ACTOR;
	switch (kind) {
#define PEEPS_KIND(symbol, number, name, prefix, role) \
	case PEEPS_KIND_##symbol:                      \
		return PEEPS_ROLE_##role == PEEPS_ROLE_ACTOR;
#include <peeps/kinds.def>
	default:
		return false;
	}
}

uint32_t kind_visibility(uint32_t kind)
{
	const struct own_kind *const own = find_own(kind);

	return own ? own->visibility : PEEPS_VISIBILITY_SHOWN;
}

static uint32_t attr_of(const struct peeps_schema_row *field)
{
	return field->owner << 20 | (uint32_t)field->word << 16 | (uint32_t)field->shift << 8 |
	       field->bits;
}

uint32_t kind_attribute_type(uint32_t kind, uint32_t attr)
{
	const struct own_kind *const own = find_own(kind);

	for (uint32_t i = 0; own && i < own->attribute_count; i++) {
		const struct peeps_schema_row *const field = schema_own(own->first + 1 + i);

		if (attr_of(field) == attr)
			return field->type;
	}
	if (attr >> 20 != kind)
		return 0;
	switch (attr) {
#define PEEPS_FIELD(kind, symbol, word, shift, bits, type, discipline, attribute) \
	case PEEPS_ATTR_##kind##_##symbol:                                        \
		return PEEPS_TYPE_##type;
#include <peeps/kinds.def>
	default:
		return 0;
	}
}

void kind_give_texts(const struct peeps_entity_slot *slot, struct rest rest)
{
	const struct own_kind *const own = find_own(entity_kind(slot));

	for (uint32_t word = 0; own && word < PEEPS_BODY_WORDS; word++) {
		const uint64_t text = peeps_load_relaxed(&slot->body[word]);

		if (own->texts >> word & 1 && text)
			text_give(text, rest);
	}
}

/* --- lists of values --- */

static bool is_value(const char *value, bool may_be_empty)
{
	size_t length = 0;

	if (!value || (!*value && !may_be_empty))
		return false;
	while (value[length] >= 0x20 && value[length] <= 0x7e)
		length++;
	return value[length] == '\0' && length < sizeof(((struct peeps_schema_row *)0)->name);
}

static bool are_values(const char *const *values, size_t count)
{
	if (!values || count == 0 || count > VALUES_MAX)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!is_value(values[i], i == 0))
			return false;
	}
	return true;
}

static bool is_list(uint32_t list, const char *const *values, size_t count)
{
	if (list_length[list] != count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(schema_own(list_first[list] + i)->name, values[i]) != 0)
			return false;
	}
	return true;
}

/* Process lock held. */
static uint32_t add_list(const char *const *values, size_t count)
{
	static struct peeps_schema_row rows[VALUES_MAX];
	const uint32_t type = PEEPS_TYPE_ENUM_FIRST_OF_PROGRAM + list_count;

	if (list_count == LISTS_MAX)
		return 0;
	for (size_t i = 0; i < count; i++) {
		rows[i] = (struct peeps_schema_row){
			.list = PEEPS_SCHEMA_ENUM,
			.number = (uint32_t)i,
			.owner = type,
		};
		memcpy(rows[i].name, values[i], strlen(values[i]) + 1);
	}
	list_first[list_count] = (uint32_t)schema_own_count();
	list_length[list_count] = (uint32_t)count;
	if (!schema_add(rows, count))
		return 0;
	list_count++;
	return type;
}

static uint32_t enum_new(const char *const *values, size_t count)
{
	for (uint32_t list = 0; list < list_count; list++) {
		if (is_list(list, values, count))
			return PEEPS_TYPE_ENUM_FIRST_OF_PROGRAM + list;
	}
	return add_list(values, count);
}

uint32_t peeps_enum_new(const char *const *values, size_t count)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(CALLER_STACK());
	uint32_t type = 0;
	sigset_t mask;

	if (self) {
		if (are_values(values, count)) {
			process_lock(&mask);
			type = enum_new(values, count);
			process_unlock(&mask);
		}
		self_leave(self);
	}
	errno = saved_errno;
	return type;
}

/* --- a definition as rows --- */

static bool is_word(const char *name, size_t room, const char *besides)
{
	size_t length = 0;

	if (!name)
		return false;
	while ((name[length] >= 'a' && name[length] <= 'z') ||
	       (name[length] >= '0' && name[length] <= '9') ||
	       (name[length] && strchr(besides, name[length])))
		length++;
	return name[length] == '\0' && length > 0 && length < room;
}

static bool is_taken_attribute(const char *name)
{
	static const char *const taken[] = { "name", "note", "visibility", "created_at_ns",
					     "creator_task_id" };

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		if (strcmp(taken[i], name) == 0)
			return true;
	}
	return false;
}

static bool is_taken_kind(const char *name)
{
#define PEEPS_KIND(symbol, number, its_name, prefix, role) \
	if (strcmp((its_name), name) == 0)                 \
		return true;
#include <peeps/kinds.def>
	return false;
}

/* 0 = no type that programs set. */
static uint32_t default_bits(uint32_t type)
{
	switch (type) {
	case PEEPS_TYPE_BOOL:
		return 1;
	case PEEPS_TYPE_COUNT:
	case PEEPS_TYPE_OPTIONAL_COUNT:
	case PEEPS_TYPE_NS_DURATION:
	case PEEPS_TYPE_PTIME:
	case PEEPS_TYPE_BITS:
	case PEEPS_TYPE_REF:
	case PEEPS_TYPE_TEXT:
		return 64;
	default:
		return type >= PEEPS_TYPE_ENUM_FIRST_OF_PROGRAM &&
				       type < PEEPS_TYPE_ENUM_FIRST_OF_PROGRAM + list_count
			       ? VALUE_BITS
			       : 0;
	}
}

static bool is_sound_attribute(const struct peeps_kind_attribute *attribute)
{
	const struct peeps_schema_row *const row = NULL;
	const uint32_t bits = default_bits(attribute->type);

	return is_word(attribute->name, sizeof(row->name), "_") &&
	       !is_taken_attribute(attribute->name) && attribute->bits <= 64 && bits > 0 &&
	       (attribute->bits == 0 || attribute->bits == 64 ||
		(attribute->type != PEEPS_TYPE_REF && attribute->type != PEEPS_TYPE_TEXT));
}

static bool is_named_before(const struct peeps_schema_row *fields, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(fields[i].name, name) == 0)
			return true;
	}
	return false;
}

/* In the first word that has room; @used: bits of each. */
static bool place(struct peeps_schema_row *field, uint32_t bits, uint32_t used[PEEPS_BODY_WORDS])
{
	for (uint32_t word = 0; word < PEEPS_BODY_WORDS; word++) {
		if (used[word] + bits > 64)
			continue;
		field->word = (uint8_t)word;
		field->shift = (uint8_t)used[word];
		field->bits = (uint8_t)bits;
		used[word] += bits;
		return true;
	}
	return false;
}

/* The rows of its attributes, but for whose they are. */
static bool make_fields(struct peeps_schema_row *fields, const struct peeps_kind_def *def)
{
	uint32_t used[PEEPS_BODY_WORDS] = { 0 };

	for (size_t i = 0; i < def->attribute_count; i++) {
		const struct peeps_kind_attribute *const attribute = &def->attributes[i];

		if (!is_sound_attribute(attribute) || is_named_before(fields, i, attribute->name) ||
		    !place(&fields[i],
			   attribute->bits ? attribute->bits : default_bits(attribute->type), used))
			return false;
		fields[i].list = PEEPS_SCHEMA_FIELD;
		fields[i].type = (uint8_t)attribute->type;
		fields[i].discipline = PEEPS_DISCIPLINE_EXCLUSIVE;
		fields[i].number = (uint32_t)i;
		memcpy(fields[i].name, attribute->name, strlen(attribute->name) + 1);
	}
	return true;
}

static bool is_sound_kind(const struct peeps_kind_def *def)
{
	const struct peeps_schema_row *const row = NULL;

	return is_word(def->name, sizeof(row->name), "_-") && !is_taken_kind(def->name) &&
	       (!def->prefix || is_word(def->prefix, sizeof(row->prefix), "_-")) &&
	       def->role <= PEEPS_ROLE_RESOURCE && def->visibility <= PEEPS_VISIBILITY_INTERNAL &&
	       def->attribute_count <= ATTRIBUTES_MAX &&
	       (def->attributes || def->attribute_count == 0);
}

static void make_kind(struct peeps_schema_row *row, const struct peeps_kind_def *def)
{
	row->list = PEEPS_SCHEMA_KIND;
	row->role = (uint8_t)def->role;
	memcpy(row->name, def->name, strlen(def->name) + 1);
	if (def->prefix)
		memcpy(row->prefix, def->prefix, strlen(def->prefix) + 1);
}

static void number(struct peeps_schema_row *rows, size_t attribute_count, uint32_t kind)
{
	rows[0].number = kind;
	for (size_t i = 1; i <= attribute_count; i++)
		rows[i].owner = kind;
}

/* --- kinds --- */

/* Process lock held. Returns the kind, or 0. */
static uint32_t add_kind(const struct peeps_kind_def *def, struct peeps_schema_row *rows)
{
	const uint32_t kind = PEEPS_KIND_FIRST_OF_PROGRAM + (uint32_t)kind_count;
	struct own_kind *const own = &kinds[kind_count];

	if (kind_count == KINDS_MAX)
		return 0;
	number(rows, def->attribute_count, kind);
	own->first = (uint32_t)schema_own_count();
	own->attribute_count = (uint32_t)def->attribute_count;
	own->visibility = def->visibility;
	own->texts = 0;
	for (size_t i = 1; i <= def->attribute_count; i++)
		own->texts |= (uint32_t)(rows[i].type == PEEPS_TYPE_TEXT) << rows[i].word;
	if (!schema_add(rows, 1 + def->attribute_count))
		return 0;
	/* Release: pairs with the acquire in find_own(). */
	peeps_store_release(&kind_count, kind_count + 1);
	return kind;
}

static uint32_t kind_new(const struct peeps_kind_def *def, struct peeps_schema_row *rows)
{
	for (uint32_t i = 0; i < kind_count; i++) {
		if (strcmp(schema_own(kinds[i].first)->name, def->name) != 0)
			continue;
		number(rows, def->attribute_count, PEEPS_KIND_FIRST_OF_PROGRAM + i);
		return kinds[i].attribute_count == def->attribute_count &&
				       kinds[i].visibility == def->visibility &&
				       memcmp(schema_own(kinds[i].first), rows,
					      (1 + def->attribute_count) * sizeof(rows[0])) == 0
			       ? PEEPS_KIND_FIRST_OF_PROGRAM + i
			       : 0;
	}
	return add_kind(def, rows);
}

/* Process lock held. */
static uint32_t define(const struct peeps_kind_def *def, uint32_t *attrs)
{
	static struct peeps_schema_row rows[1 + ATTRIBUTES_MAX];
	uint32_t kind;

	memset(rows, 0, sizeof(rows));
	if (!is_sound_kind(def) || !make_fields(&rows[1], def))
		return 0;
	make_kind(&rows[0], def);
	kind = kind_new(def, rows);
	for (size_t i = 0; kind && i < def->attribute_count; i++)
		attrs[i] = attr_of(&rows[1 + i]);
	return kind;
}

uint32_t peeps_kind_new(const struct peeps_kind_def *def, uint32_t *attrs)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(CALLER_STACK());
	uint32_t kind = 0;
	sigset_t mask;

	for (size_t i = 0; i < def->attribute_count; i++)
		attrs[i] = 0;
	if (self) {
		process_lock(&mask);
		kind = define(def, attrs);
		process_unlock(&mask);
		self_leave(self);
	}
	errno = saved_errno;
	return kind;
}

/* --- texts --- */

static uint64_t put_text(const char *text)
{
	size_t length = text ? strlen(text) : 0;

	if (length > PEEPS_TEXT_MAX_BYTES) {
		length = PEEPS_TEXT_MAX_BYTES;
		segment_count(PEEPS_COUNTER_TRUNCATED_TEXT);
	}
	return length > 0 ? text_put(text, length) : 0;
}

/* Process lock held. */
static void set_text(struct self *self, struct peeps_entity_slot *slot, uint32_t word,
		     const char *bytes)
{
	const void *const slots[1] = { slot };
	const uint64_t before = peeps_load_relaxed(&slot->body[word]);
	const uint64_t text = put_text(bytes);
	struct rest rest = { .over = true };
	struct update update;

	if (!update_begin(&update, self, slots, 1)) {
		if (text)
			text_give(text, rest);
		return;
	}
	rest = rest_begin(update.epoch);
	peeps_entity_touch(slot, update.epoch, update.record);
	peeps_store_relaxed(&slot->body[word], text);
	update_end(&update);
	if (before)
		text_give(before, rest);
}

void peeps_entity_set_text(struct peeps_ref entity, uint32_t attr, const char *text)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(CALLER_STACK());
	struct peeps_entity_slot *slot;
	sigset_t mask;

	if (self) {
		process_lock(&mask);
		slot = entity_find(entity.bits);
		if (slot && find_own(entity_kind(slot)) &&
		    kind_attribute_type(entity_kind(slot), attr) == PEEPS_TYPE_TEXT)
			set_text(self, slot, attr >> 16 & 0xf, text);
		process_unlock(&mask);
		self_leave(self);
	}
	errno = saved_errno;
}

uint64_t peeps_ptime_ns(void)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(CALLER_STACK());
	uint64_t now_ns = 0;

	if (self) {
		now_ns = segment_ptime_ns();
		self_leave(self);
	}
	errno = saved_errno;
	return now_ns;
}
