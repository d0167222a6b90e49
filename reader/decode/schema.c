/* SPDX-License-Identifier: MIT */
#include "reader/decode/schema.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "reader/graph/arena.h"

#define KIND_MAX UINT16_MAX

/* Attributes that every node has, or may have; a field may not be called so. */
static const char *const common_attributes[] = { "name", "created_at_ns", "creator_task_id", "note",
						 "visibility" };

/* Attributes that are not fields, but put together by the reader; a field of that kind may not be called so. */
struct derived {
	uint32_t kind;
	const char *name;
};

#define ENDS(kind, name)                     \
	{ PEEPS_KIND_##kind##_TX, name },    \
	{                                    \
		PEEPS_KIND_##kind##_RX, name \
	}
static const struct derived derived_attributes[] = {
	{ PEEPS_KIND_TASK, "thread_id" },
	{ PEEPS_KIND_RWLOCK, "readers" },
	{ PEEPS_KIND_RWLOCK, "read_waiters" },
	{ PEEPS_KIND_RWLOCK, "write_waiters" },
	{ PEEPS_KIND_NOTIFY, "waiters" },
	{ PEEPS_KIND_ONCE_CELL, "waiters" },
	{ PEEPS_KIND_SEMAPHORE, "available" },
	{ PEEPS_KIND_SEMAPHORE, "waiters" },
	{ PEEPS_KIND_SEMAPHORE, "unattributed_out" },
	{ PEEPS_KIND_SEMAPHORE, "unattributed_back" },
	ENDS(MPSC, "bounded"),
	ENDS(MPSC, "capacity"),
	ENDS(MPSC, "queue_len"),
	ENDS(MPSC, "high_watermark"),
	ENDS(MPSC, "utilization"),
	ENDS(MPSC, "sender_count"),
	ENDS(MPSC, "send_waiters"),
	ENDS(MPSC, "recv_waiters"),
	ENDS(MPSC, "sender_closed"),
	ENDS(MPSC, "receiver_closed"),
	ENDS(MPSC, "sent_total"),
	ENDS(MPSC, "recv_total"),
	ENDS(MPSC, "discarded_total"),
	ENDS(MPSC, "close_cause"),
	ENDS(ONESHOT, "state"),
	ENDS(ONESHOT, "age_ns"),
	ENDS(ONESHOT, "recv_waiters"),
	ENDS(ONESHOT, "sender_closed"),
	ENDS(ONESHOT, "receiver_closed"),
	ENDS(ONESHOT, "close_cause"),
	ENDS(WATCH, "changes"),
	ENDS(WATCH, "receiver_count"),
	ENDS(WATCH, "age_ns"),
	ENDS(WATCH, "woken_at_ns"),
	ENDS(WATCH, "recv_waiters"),
	ENDS(WATCH, "sender_closed"),
	ENDS(WATCH, "receiver_closed"),
	ENDS(WATCH, "close_cause"),
	ENDS(BROADCAST, "capacity"),
	ENDS(BROADCAST, "back_pressure"),
	ENDS(BROADCAST, "sender_count"),
	ENDS(BROADCAST, "receiver_count"),
	ENDS(BROADCAST, "sent_total"),
	ENDS(BROADCAST, "sender_closed"),
	ENDS(BROADCAST, "receiver_closed"),
	ENDS(BROADCAST, "close_cause"),
	{ PEEPS_KIND_BROADCAST_TX, "send_waiters" },
	{ PEEPS_KIND_BROADCAST_RX, "recv_waiters" },
	{ PEEPS_KIND_BROADCAST_RX, "lag" },
};
#undef ENDS
#define DERIVED_COUNT (sizeof(derived_attributes) / sizeof(derived_attributes[0]))

/* --- which rows are believed ------------------------------------------------------------------------------------ */

static bool is_printable(const char *name, size_t room)
{
	for (size_t i = 0; i < room; i++) {
		if (name[i] == '\0')
			return true;
		if (name[i] < 0x20 || name[i] > 0x7e)
			return false;
	}
	return false;
}

static bool is_common(const char *name)
{
	for (size_t i = 0; i < sizeof(common_attributes) / sizeof(common_attributes[0]); i++) {
		if (strcmp(name, common_attributes[i]) == 0)
			return true;
	}
	return false;
}

static bool is_derived(uint32_t kind, const char *name)
{
	for (size_t i = 0; i < DERIVED_COUNT; i++) {
		if (derived_attributes[i].kind == kind &&
		    strcmp(derived_attributes[i].name, name) == 0)
			return true;
	}
	return false;
}

static bool is_known_type(uint8_t type)
{
	return (type >= PEEPS_TYPE_COUNT && type <= PEEPS_TYPE_OPTIONAL_COUNT) ||
	       type >= PEEPS_TYPE_ENUM_FIRST;
}

/* A cut word's bits are not the value: it takes the epoch of the cut to choose between two. */
static bool is_known_discipline(uint8_t discipline)
{
	return discipline == PEEPS_DISCIPLINE_EXCLUSIVE || discipline == PEEPS_DISCIPLINE_STATISTIC;
}

/* Whether this reader knows what the row says; of a later minor version it need not, and then must not guess. */
static bool is_known(const struct peeps_schema_row *row)
{
	if (row->list < PEEPS_SCHEMA_KIND || row->list > PEEPS_SCHEMA_DETAIL ||
	    row->flags & PEEPS_SCHEMA_FLAGS_NEEDED)
		return false;
	if (row->list == PEEPS_SCHEMA_FIELD)
		return row->word <= PEEPS_FIELD_WORD_STATUS_WORD && is_known_type(row->type) &&
		       is_known_discipline(row->discipline);
	return row->list != PEEPS_SCHEMA_DETAIL ||
	       (row->word < PEEPS_DETAIL_WORDS && is_known_type(row->type));
}

static bool has_sound_bits(const struct peeps_schema_row *row)
{
	return row->bits > 0 && (unsigned int)row->shift + row->bits <= 64;
}

static bool is_sound_field(const struct peeps_schema_row *row)
{
	const unsigned int end = (unsigned int)row->shift + row->bits;

	if (!has_sound_bits(row))
		return false;
	/* A kind's own bits of the status word are the 24 between its life and its generation. */
	if (row->word == PEEPS_FIELD_WORD_STATUS_WORD && (row->shift < 8 || end > 32))
		return false;
	return !is_common(row->name) && !is_derived(row->owner, row->name);
}

static bool is_sound(const struct peeps_schema_row *row)
{
	if (!is_printable(row->name, sizeof(row->name)) ||
	    !is_printable(row->prefix, sizeof(row->prefix)))
		return false;
	switch (row->list) {
	case PEEPS_SCHEMA_KIND:
		return row->number > 0 && row->number <= KIND_MAX && row->owner == 0 &&
		       row->name[0] != '\0';
	case PEEPS_SCHEMA_FIELD:
		return is_sound_field(row);
	case PEEPS_SCHEMA_OP:
	case PEEPS_SCHEMA_STATE:
	case PEEPS_SCHEMA_EDGE:
		return row->number <= PEEPS_EDGE_BYTE_MASK && row->owner == 0 &&
		       (row->name[0] != '\0') == (row->number != 0);
	case PEEPS_SCHEMA_DETAIL:
		return row->owner <= PEEPS_EDGE_BYTE_MASK && has_sound_bits(row);
	case PEEPS_SCHEMA_ENUM:
		return row->number == 0 || row->name[0] != '\0';
	case PEEPS_SCHEMA_COUNTER:
		return row->number < PEEPS_COUNTER_ROOM && row->owner == 0 && row->name[0] != '\0';
	default:
		return false;
	}
}

static int compare(const void *a, const void *b)
{
	const struct peeps_schema_row *left = a, *right = b;

	if (left->list != right->list)
		return left->list < right->list ? -1 : 1;
	if (left->owner != right->owner)
		return left->owner < right->owner ? -1 : 1;
	return left->number < right->number ? -1 : left->number > right->number;
}

static bool has_attributes(const struct peeps_schema_row *row)
{
	return row->list == PEEPS_SCHEMA_FIELD || row->list == PEEPS_SCHEMA_DETAIL;
}

/* Of rows that claim the same place, the first; of a kind's fields, no more than anybody needs. */
static void drop_doubles(struct peeps_schema *schema)
{
	size_t kept = 0, fields = 0;

	for (size_t i = 0; i < schema->row_count; i++) {
		const struct peeps_schema_row *row = &schema->rows[i];
		const struct peeps_schema_row *before = kept ? &schema->rows[kept - 1] : NULL;
		const bool same_owner =
			before && before->list == row->list && before->owner == row->owner;

		fields = same_owner ? fields + 1 : 1;
		if ((same_owner && before->number == row->number) ||
		    (has_attributes(row) && fields > PEEPS_SCHEMA_FIELDS_MAX)) {
			schema->damaged++;
			continue;
		}
		schema->rows[kept++] = *row;
	}
	schema->row_count = kept;
}

/* --- kinds ------------------------------------------------------------------------------------------------------ */

/* The first row that is not before this place. */
static size_t place_of(const struct peeps_schema *schema, uint8_t list, uint32_t owner,
		       uint32_t number)
{
	const struct peeps_schema_row key = { .list = list, .owner = owner, .number = number };
	size_t low = 0, high = schema->row_count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (compare(&schema->rows[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Two attributes of one name would be one key twice: the second keeps its place, but is not shown. */
static void hide_double_names(struct peeps_schema *schema, struct peeps_schema_row *fields,
			      size_t count)
{
	for (size_t i = 1; i < count; i++) {
		for (size_t before = 0; before < i && fields[i].name[0] != '\0'; before++) {
			if (strcmp(fields[i].name, fields[before].name) != 0)
				continue;
			fields[i].name[0] = '\0';
			schema->damaged++;
		}
	}
}

/* Where the rows of the same list and owner end. */
static size_t group_end(const struct peeps_schema *schema, size_t first)
{
	size_t end = first;

	while (end < schema->row_count && schema->rows[end].list == schema->rows[first].list &&
	       schema->rows[end].owner == schema->rows[first].owner)
		end++;
	return end;
}

static void hide_all_double_names(struct peeps_schema *schema)
{
	for (size_t first = 0, end; first < schema->row_count; first = end) {
		end = group_end(schema, first);
		if (has_attributes(&schema->rows[first]))
			hide_double_names(schema, schema->rows + first, end - first);
	}
}

/* The rows that say what an owner's words mean. */
static const struct peeps_schema_row *group_of(const struct peeps_schema *schema, uint8_t list,
					       uint32_t owner, size_t *count)
{
	const size_t first = place_of(schema, list, owner, 0);

	*count = 0;
	if (first < schema->row_count && schema->rows[first].list == list &&
	    schema->rows[first].owner == owner)
		*count = group_end(schema, first) - first;
	return schema->rows + first;
}

static size_t count_named(const struct peeps_schema_row *fields, size_t count)
{
	size_t named = 0;

	for (size_t i = 0; i < count; i++)
		named += fields[i].name[0] != '\0';
	return named;
}

static size_t count_derived(uint32_t kind)
{
	size_t count = 0;

	for (size_t i = 0; i < DERIVED_COUNT; i++)
		count += derived_attributes[i].kind == kind;
	return count;
}

static void add_kind(struct peeps_schema *schema, const struct peeps_schema_row *row)
{
	size_t field_count;
	const struct peeps_schema_row *fields =
		group_of(schema, PEEPS_SCHEMA_FIELD, row->number, &field_count);

	schema->kinds[schema->kind_count++] = (struct peeps_schema_kind){
		.number = row->number,
		.role = row->role <= PEEPS_ROLE_RESOURCE ? (enum peeps_role)row->role
							 : PEEPS_ROLE_OTHER,
		.name = row->name,
		.prefix = row->prefix[0] != '\0' ? row->prefix : row->name,
		.fields = fields,
		.field_count = field_count,
		.attribute_count = count_named(fields, field_count),
		.derived_count = count_derived(row->number),
	};
}

int peeps_schema_read(struct peeps_schema *schema, struct peeps_arena *arena,
		      const struct peeps_schema_row *rows, size_t count)
{
	size_t kinds_end;

	*schema = (struct peeps_schema){ .rows = peeps_arena_take(arena, count, sizeof(*rows)) };
	if (!schema->rows)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (!is_known(&rows[i]))
			schema->unknown++;
		else if (is_sound(&rows[i]))
			schema->rows[schema->row_count++] = rows[i];
		else
			schema->damaged++;
	}
	if (schema->row_count > 1)
		qsort(schema->rows, schema->row_count, sizeof(*schema->rows), compare);
	drop_doubles(schema);
	hide_all_double_names(schema);

	kinds_end = place_of(schema, PEEPS_SCHEMA_KIND + 1, 0, 0);
	schema->kinds = peeps_arena_take(arena, kinds_end, sizeof(*schema->kinds));
	if (!schema->kinds)
		return -ENOMEM;
	for (size_t i = 0; i < kinds_end; i++)
		add_kind(schema, &schema->rows[i]);
	return 0;
}

const struct peeps_schema_kind *peeps_schema_kind(const struct peeps_schema *schema,
						  uint32_t number)
{
	size_t low = 0, high = schema->kind_count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (schema->kinds[middle].number == number)
			return &schema->kinds[middle];
		if (schema->kinds[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct peeps_schema_row *peeps_schema_details(const struct peeps_schema *schema, uint32_t op,
						    size_t *count)
{
	return group_of(schema, PEEPS_SCHEMA_DETAIL, op, count);
}

const char *peeps_schema_name(const struct peeps_schema *schema, enum peeps_schema_list list,
			      uint32_t owner, uint32_t number)
{
	const size_t place = place_of(schema, (uint8_t)list, owner, number);
	const struct peeps_schema_row *row = schema->rows + place;

	if (place == schema->row_count || row->list != list || row->owner != owner ||
	    row->number != number)
		return NULL;
	return row->name;
}
