/* SPDX-License-Identifier: MIT */
#include "reader/snapshot/snapshot_reader.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "reader/graph/arena.h"

/* --- what kinds mean -------------------------------------------------------------------------------------------- */

struct kind {
	const char *name;
	uint32_t number;
	enum peeps_role role;
};

/* NULL: a program's own. */
static const struct kind *kind_named(const char *name)
{
	static const struct kind kinds[] = {
#define PEEPS_KIND(symbol, number, name, prefix, role) { name, number, PEEPS_ROLE_##role },
#include <peeps/kinds.def>
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	}
	return NULL;
}

/* Which attributes of our own kinds are ids of nodes. */
static bool is_reference_of(uint32_t kind, const char *name)
{
	static const struct {
		uint32_t kind;
		enum peeps_field_type type;
		const char *name;
	} fields[] = {
#define PEEPS_FIELD(kind, symbol, word, shift, bits, type, discipline, attribute) \
	{ PEEPS_KIND_##kind, PEEPS_TYPE_##type, attribute },
#include <peeps/kinds.def>
		/* made of more than a word: reader/decode/decode_attributes.c */
		{ PEEPS_KIND_TASK, PEEPS_TYPE_REF, "thread_id" },
	};

	if (strcmp(name, "creator_task_id") == 0)
		return true;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (fields[i].kind == kind && fields[i].type == PEEPS_TYPE_REF &&
		    strcmp(fields[i].name, name) == 0)
			return true;
	}
	return false;
}

/* --- attributes ------------------------------------------------------------------------------------------------- */

static int read_real(struct peeps_fields *fields, const char *name, double number,
		     struct peeps_value *value)
{
	if (!isfinite(number))
		return peeps_fields_fail(fields, name, "is no number");
	*value = (struct peeps_value){ .type = PEEPS_VALUE_REAL, .as.real = number };
	return 0;
}

static int read_value(struct peeps_fields *fields, const char *name, const msgpack_object *object,
		      struct peeps_value *value)
{
	const struct peeps_key number = { .name = name, .kind = PEEPS_KEY_NUMBER };

	switch (object->type) {
	case MSGPACK_OBJECT_NIL:
		value->type = PEEPS_VALUE_NULL;
		return 0;
	case MSGPACK_OBJECT_BOOLEAN:
		value->type = PEEPS_VALUE_BOOL;
		value->as.boolean = object->via.boolean;
		return 0;
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		value->type = PEEPS_VALUE_UNSIGNED;
		return peeps_fields_take(fields, object, &number, &value->as.number);
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
		return read_real(fields, name, object->via.f64, value);
	case MSGPACK_OBJECT_STR:
		value->type = PEEPS_VALUE_TEXT;
		return peeps_fields_text(fields, name, &object->via.str, &value->as.text);
	default:
		return peeps_fields_fail(fields, name,
					 "is neither text nor a number, true, false or null");
	}
}

int peeps_snapshot_attributes(struct peeps_snapshot_reader *reader, const char *key,
			      const msgpack_object *map, struct peeps_attribute **attributes,
			      size_t *count)
{
	struct peeps_fields *fields = &reader->fields;
	struct peeps_attribute *made;

	if (!map || map->via.map.size == 0)
		return 0;
	made = peeps_arena_take(fields->arena, map->via.map.size, sizeof(*made));
	if (!made)
		return -ENOMEM;
	for (uint32_t i = 0; i < map->via.map.size; i++) {
		const msgpack_object_kv *pair = &map->via.map.ptr[i];
		int r;

		if (pair->key.type != MSGPACK_OBJECT_STR)
			return peeps_fields_fail(fields, key, "has a key that is no text");
		r = peeps_fields_text(fields, key, &pair->key.via.str, &made[i].name);
		if (r == 0)
			r = read_value(fields, made[i].name, &pair->val, &made[i].value);
		if (r)
			return r;
	}
	*attributes = made;
	*count = map->via.map.size;
	return 0;
}

/* --- nodes ------------------------------------------------------------------------------------------------------ */

struct node_keys {
	const char *id, *kind, *name, *role, *site, *function, *module;
	msgpack_object_str process;
	uint32_t tid;
	bool exited, sleeping, uncertain, as_compiled;
	const msgpack_object *attributes;
};

#define KEY(name, type, flags, member)                                            \
	{                                                                         \
		name, PEEPS_KEY_##type, flags, offsetof(struct node_keys, member) \
	}

static const struct peeps_key node_keys[] = {
	KEY("id", TEXT, PEEPS_KEY_REQUIRED, id),
	KEY("kind", TEXT, PEEPS_KEY_REQUIRED, kind),
	KEY("process", BYTES, PEEPS_KEY_REQUIRED, process),
	KEY("name", TEXT, PEEPS_KEY_REQUIRED, name),
	KEY("site", TEXT, PEEPS_KEY_NULLABLE, site),
	KEY("uncertain", BOOL, 0, uncertain),
	KEY("attrs", MAP, 0, attributes),
	KEY("role", TEXT, 0, role),
	KEY("tid", NUMBER32, PEEPS_KEY_NULLABLE, tid),
	KEY("exited", BOOL, 0, exited),
	KEY("sleeping", BOOL, 0, sleeping),
	KEY("function", TEXT, PEEPS_KEY_NULLABLE, function),
	KEY("krate", TEXT, PEEPS_KEY_NULLABLE, module),
	KEY("site_as_compiled", BOOL, 0, as_compiled),
};

static int read_kind(struct peeps_snapshot_reader *reader, const struct node_keys *keys,
		     struct peeps_node *node)
{
	static const enum peeps_role roles[] = { PEEPS_ROLE_ACTOR, PEEPS_ROLE_RESOURCE,
						 PEEPS_ROLE_OTHER };
	const struct kind *kind = kind_named(keys->kind);

	node->kind = keys->kind;
	if (kind) {
		node->kind_number = kind->number;
		node->role = kind->role;
	}
	if (!keys->role)
		return 0;
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		if (strcmp(peeps_role_name(roles[i]), keys->role) == 0) {
			node->role = roles[i];
			return 0;
		}
	}
	return peeps_fields_fail(&reader->fields, "role", "there is no role '%s'", keys->role);
}

static int read_node(struct peeps_snapshot_reader *reader, const struct node_keys *keys,
		     struct peeps_node *node)
{
	int r = read_kind(reader, keys, node);

	if (r == 0)
		r = peeps_snapshot_find(reader, &reader->processes, "process", "process",
					&keys->process, &node->process);
	if (r == 0)
		r = peeps_snapshot_source(reader, "site", keys->site, &node->source);
	if (r == 0)
		r = peeps_snapshot_attributes(reader, "attrs", keys->attributes, &node->attributes,
					      &node->attribute_count);
	if (r)
		return r;
	node->id = keys->id;
	node->name = keys->name;
	node->tid = keys->tid;
	node->gone = keys->exited;
	node->asleep = keys->sleeping;
	node->uncertain = keys->uncertain;
	node->source.function = keys->function;
	node->source.module = keys->module;
	node->source.as_compiled = keys->as_compiled;
	return 0;
}

static uint64_t created_ns(const struct peeps_node *node)
{
	const struct peeps_value *created = peeps_graph_attribute(node, "created_at_ns");

	return created && created->type == PEEPS_VALUE_UNSIGNED ? created->as.number
								: PEEPS_NO_TIME;
}

int peeps_snapshot_read_node(struct peeps_snapshot_reader *reader, const msgpack_object *row)
{
	struct peeps_graph *graph = reader->graph;
	struct peeps_node *node = &graph->nodes[graph->node_count];
	struct node_keys keys = { .id = NULL };
	int r = peeps_fields_read(&reader->fields, row, node_keys,
				  sizeof(node_keys) / sizeof(node_keys[0]), &keys);

	if (r == 0)
		r = read_node(reader, &keys, node);
	if (r)
		return r;
	node->created_ns = created_ns(node);
	r = peeps_snapshot_index(reader, &reader->nodes, node->id, (uint32_t)graph->node_count);
	if (r == 0)
		graph->node_count++;
	return r;
}

/* --- references between nodes ----------------------------------------------------------------------------------- */

static bool is_own_text(const char *name)
{
	return strcmp(name, "name") == 0 || strcmp(name, "note") == 0;
}

/* Of kinds of a program it is not known which of its attributes are references: those that name a node may be. */
static int resolve(struct peeps_snapshot_reader *reader, const struct peeps_node *node,
		   struct peeps_attribute *attribute)
{
	const char *text = attribute->value.as.text;
	uint32_t position;

	if (attribute->value.type != PEEPS_VALUE_TEXT || is_own_text(attribute->name))
		return 0;
	if (node->kind_number != PEEPS_KIND_NONE &&
	    !is_reference_of(node->kind_number, attribute->name))
		return 0;
	position = peeps_id_index_find(&reader->nodes, text, strlen(text));
	if (position != PEEPS_ID_NONE)
		attribute->value =
			(struct peeps_value){ .type = PEEPS_VALUE_NODE, .as.node = position };
	else if (node->kind_number != PEEPS_KIND_NONE)
		return peeps_fields_fail(&reader->fields, attribute->name, "no node '%s'", text);
	return 0;
}

int peeps_snapshot_resolve_nodes(struct peeps_snapshot_reader *reader)
{
	struct peeps_graph *graph = reader->graph;

	for (size_t i = 0; i < graph->node_count; i++) {
		struct peeps_node *node = &graph->nodes[i];

		reader->fields.row = i;
		reader->fields.inner = "attrs";
		reader->fields.inner_row = SIZE_MAX;
		for (size_t j = 0; j < node->attribute_count; j++) {
			const int r = resolve(reader, node, &node->attributes[j]);

			if (r)
				return r;
		}
	}
	return 0;
}
