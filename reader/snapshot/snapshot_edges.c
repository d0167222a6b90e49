/* SPDX-License-Identifier: MIT */
#include "reader/snapshot/snapshot_reader.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define NS_PER_MS UINT64_C(1000000)

/* --- names and numbers ------------------------------------------------------------------------------------------ */

struct number_name {
	uint32_t number;
	const char *name;
};

static const struct number_name ops[] = {
#define PEEPS_OP(symbol, number, name) { number, name },
#include <peeps/kinds.def>
};

static const struct number_name states[] = {
#define PEEPS_STATE(symbol, number, name) { number, name },
#include <peeps/kinds.def>
};

static const struct number_name edge_kinds[] = {
#define PEEPS_EDGE(symbol, number, name) { number, name },
#include <peeps/kinds.def>
};

static const struct {
	enum peeps_field_type list;
	struct number_name value;
} enum_values[] = {
#define PEEPS_ENUM(list, symbol, number, name) { PEEPS_TYPE_ENUM_##list, { number, name } },
#include <peeps/kinds.def>
};

/* Those that are not known have no number of their own, and are shown by their name. */
static uint32_t number_of(const struct number_name *rows, size_t count, const char *name,
			  uint32_t unknown)
{
	for (size_t i = 0; name && i < count; i++) {
		if (*name && strcmp(rows[i].name, name) == 0)
			return rows[i].number;
	}
	return unknown;
}

static uint32_t enum_number(enum peeps_field_type list, const char *name)
{
	for (size_t i = 0; name && i < sizeof(enum_values) / sizeof(enum_values[0]); i++) {
		if (enum_values[i].list == list && strcmp(enum_values[i].value.name, name) == 0)
			return enum_values[i].value.number;
	}
	return 0;
}

#define NUMBER_OF(rows, name, unknown) \
	number_of(rows, sizeof(rows) / sizeof((rows)[0]), name, unknown)

/* An operation all the same, where PEEPS_OP_NONE would be none. */
#define OP_UNKNOWN UINT32_MAX

/* --- keys ------------------------------------------------------------------------------------------------------- */

struct edge_keys {
	msgpack_object_str src, dst;
	const char *kind;
	const msgpack_object *meta;
};

#define EDGE_KEY(name, type, flags, member)                                       \
	{                                                                         \
		name, PEEPS_KEY_##type, flags, offsetof(struct edge_keys, member) \
	}

static const struct peeps_key edge_keys[] = {
	EDGE_KEY("src", BYTES, PEEPS_KEY_REQUIRED, src),
	EDGE_KEY("dst", BYTES, PEEPS_KEY_REQUIRED, dst),
	EDGE_KEY("kind", TEXT, PEEPS_KEY_REQUIRED, kind),
	EDGE_KEY("meta", MAP, 0, meta),
};

/* Of all kinds of edges: no two mean different things by one key. */
struct meta_keys {
	const char *op_kind, *state, *role, *mode, *source, *function, *module;
	uint64_t pending_since_ms, pending_since_ns, last_change_ms, last_change_ns;
	uint64_t held_since_ms, held_since_ns, held_accuracy_ms, held_accuracy_ns;
	uint64_t count;
	uint32_t poll_count, wait_sequence, slot, reason;
	bool uncertain, unconfirmed, as_compiled, blocks;
	const msgpack_object *details;
};

#define META_KEY(name, type, flags, member)                                       \
	{                                                                         \
		name, PEEPS_KEY_##type, flags, offsetof(struct meta_keys, member) \
	}

static const struct peeps_key meta_keys[] = {
	META_KEY("op_kind", TEXT, PEEPS_KEY_NULLABLE, op_kind),
	META_KEY("state", TEXT, PEEPS_KEY_NULLABLE, state),
	META_KEY("pending_since_ptime_ms", NUMBER, PEEPS_KEY_NULLABLE, pending_since_ms),
	META_KEY("last_change_ptime_ms", NUMBER, PEEPS_KEY_NULLABLE, last_change_ms),
	META_KEY("role", TEXT, PEEPS_KEY_NULLABLE, role),
	META_KEY("mode", TEXT, PEEPS_KEY_NULLABLE, mode),
	META_KEY("count", NUMBER, 0, count),
	META_KEY("held_since_ptime_ms", NUMBER, PEEPS_KEY_NULLABLE, held_since_ms),
	META_KEY("held_accuracy_ms", NUMBER, PEEPS_KEY_NULLABLE, held_accuracy_ms),
	META_KEY("source", TEXT, PEEPS_KEY_NULLABLE, source),
	META_KEY("source_as_compiled", BOOL, 0, as_compiled),
	META_KEY("krate", TEXT, PEEPS_KEY_NULLABLE, module),
	META_KEY("poll_count", NUMBER32, 0, poll_count),
	META_KEY("wait_sequence", NUMBER32, 0, wait_sequence),
	META_KEY("slot", NUMBER32, 0, slot),
	META_KEY("errno", NUMBER32, 0, reason),
	META_KEY("details", MAP, 0, details),
	META_KEY("uncertain", BOOL, 0, uncertain),
	META_KEY("unconfirmed", BOOL, 0, unconfirmed),
	META_KEY("function", TEXT, PEEPS_KEY_NULLABLE, function),
	META_KEY("pending_since_ptime_ns", NUMBER, PEEPS_KEY_NULLABLE, pending_since_ns),
	META_KEY("last_change_ptime_ns", NUMBER, PEEPS_KEY_NULLABLE, last_change_ns),
	META_KEY("blocks", BOOL, 0, blocks),
	META_KEY("held_since_ptime_ns", NUMBER, PEEPS_KEY_NULLABLE, held_since_ns),
	META_KEY("held_accuracy_ns", NUMBER, PEEPS_KEY_NULLABLE, held_accuracy_ns),
};

static const struct meta_keys nothing_said = {
	.pending_since_ms = PEEPS_NO_TIME,
	.pending_since_ns = PEEPS_NO_TIME,
	.last_change_ms = PEEPS_NO_TIME,
	.last_change_ns = PEEPS_NO_TIME,
	.held_since_ms = PEEPS_NO_TIME,
	.held_since_ns = PEEPS_NO_TIME,
	.held_accuracy_ms = PEEPS_NO_TIME,
	.held_accuracy_ns = PEEPS_NO_TIME,
	.count = 1,
};

/* --- times ------------------------------------------------------------------------------------------------------ */

/* Of a document that has the ms alone, any ns of that ms may be meant. */
enum within_ms { FIRST_NS, LAST_NS };

static int read_time(struct peeps_snapshot_reader *reader, const char *key, uint64_t ms,
		     uint64_t exact_ns, enum within_ms which, uint64_t *ns)
{
	uint64_t begin_ns = 0;

	if (ms != PEEPS_NO_TIME &&
	    (__builtin_mul_overflow(ms, NS_PER_MS, &begin_ns) || begin_ns > INT64_MAX - NS_PER_MS))
		return peeps_fields_fail(&reader->fields, key, "%" PRIu64 " is out of range", ms);
	if (exact_ns != PEEPS_NO_TIME && ms != PEEPS_NO_TIME &&
	    (exact_ns < begin_ns || exact_ns - begin_ns >= NS_PER_MS))
		return peeps_fields_fail(&reader->fields, key, "contradicts the same in ns");
	if (exact_ns != PEEPS_NO_TIME)
		*ns = exact_ns;
	else if (ms == PEEPS_NO_TIME)
		*ns = PEEPS_NO_TIME;
	else
		*ns = begin_ns + (which == LAST_NS ? NS_PER_MS - 1 : 0);
	return 0;
}

/* A wait is never shown longer than it is, so it begins late, but not after the snapshot. */
static void clamp_wait(const struct peeps_graph *graph, struct peeps_edge *edge,
		       const struct meta_keys *keys)
{
	const uint64_t now_ns = graph->processes[graph->nodes[edge->src].process].ptime_now_ns;

	if (keys->pending_since_ns == PEEPS_NO_TIME && edge->pending_since_ns != PEEPS_NO_TIME &&
	    edge->pending_since_ns > now_ns && now_ns / NS_PER_MS == keys->pending_since_ms)
		edge->pending_since_ns = now_ns;
}

static int read_accuracy(struct peeps_snapshot_reader *reader, const struct meta_keys *keys,
			 struct peeps_edge *hold)
{
	const uint64_t ns = keys->held_accuracy_ns, ms = keys->held_accuracy_ms;

	if (hold->held_since_ns == PEEPS_NO_TIME)
		return 0;
	if (ns != PEEPS_NO_TIME)
		hold->held_accuracy_ns = ns;
	else if (ms != PEEPS_NO_TIME &&
		 (__builtin_mul_overflow(ms, NS_PER_MS, &hold->held_accuracy_ns) ||
		  hold->held_accuracy_ns > INT64_MAX))
		return peeps_fields_fail(&reader->fields, "held_accuracy_ms",
					 "%" PRIu64 " is out of range", ms);
	return 0;
}

/* --- edges ------------------------------------------------------------------------------------------------------ */

static int is_actor(struct peeps_snapshot_reader *reader, const char *key, uint32_t node)
{
	const struct peeps_node *end = &reader->graph->nodes[node];

	reader->fields.inner = NULL;
	return end->role == PEEPS_ROLE_ACTOR
		       ? 0
		       : peeps_fields_fail(&reader->fields, key, "'%s' is no actor", end->id);
}

static int read_operation(struct peeps_snapshot_reader *reader, const struct meta_keys *keys,
			  struct peeps_edge *edge)
{
	int r;

	if (!keys->state)
		return peeps_fields_fail(&reader->fields, "state", "is missing");
	edge->op = NUMBER_OF(ops, keys->op_kind, OP_UNKNOWN);
	edge->op_kind = keys->op_kind;
	edge->state = NUMBER_OF(states, keys->state, PEEPS_STATE_NONE);
	edge->state_name = keys->state;
	edge->poll_count = keys->poll_count;
	edge->reason = keys->reason;
	edge->blocks = keys->blocks;
	r = read_time(reader, "pending_since_ptime_ms", keys->pending_since_ms,
		      keys->pending_since_ns, LAST_NS, &edge->pending_since_ns);
	if (r == 0)
		r = peeps_snapshot_attributes(reader, "details", keys->details, &edge->details,
					      &edge->detail_count);
	if (r)
		return r;
	clamp_wait(reader->graph, edge, keys);
	return is_actor(reader, "src", edge->src);
}

static int read_hold(struct peeps_snapshot_reader *reader, const struct meta_keys *keys,
		     struct peeps_edge *edge)
{
	int r;

	edge->role = keys->role;
	edge->role_number = enum_number(PEEPS_TYPE_ENUM_HOLD_ROLE, keys->role);
	edge->mode = keys->mode;
	edge->mode_number = enum_number(PEEPS_TYPE_ENUM_HOLD_MODE, keys->mode);
	edge->count = keys->count;
	/* A hold is never shown shorter than it is. */
	r = read_time(reader, "held_since_ptime_ms", keys->held_since_ms, keys->held_since_ns,
		      FIRST_NS, &edge->held_since_ns);
	if (r == 0)
		r = read_accuracy(reader, keys, edge);
	return r ? r : is_actor(reader, "dst", edge->dst);
}

static int read_meta(struct peeps_snapshot_reader *reader, const struct meta_keys *keys,
		     struct peeps_edge *edge)
{
	int r = peeps_snapshot_source(reader, "source", keys->source, &edge->source);

	if (r == 0)
		r = read_time(reader, "last_change_ptime_ms", keys->last_change_ms,
			      keys->last_change_ns, FIRST_NS, &edge->last_change_ns);
	if (r)
		return r;
	edge->source.function = keys->function;
	edge->source.module = keys->module;
	edge->source.as_compiled = keys->as_compiled;
	edge->uncertain = keys->uncertain;
	edge->unconfirmed = keys->unconfirmed;
	edge->wait_sequence = keys->wait_sequence;
	edge->slot = keys->slot;
	if (edge->kind == PEEPS_EDGE_HOLDS)
		return read_hold(reader, keys, edge);
	return edge->kind == PEEPS_EDGE_NEEDS && keys->op_kind ? read_operation(reader, keys, edge)
							       : 0;
}

static int read_ends(struct peeps_snapshot_reader *reader, const struct edge_keys *keys,
		     struct peeps_edge *edge)
{
	const uint32_t kind = NUMBER_OF(edge_kinds, keys->kind, PEEPS_EDGE_NONE);
	int r;

	if (kind == PEEPS_EDGE_NONE)
		return peeps_fields_fail(&reader->fields, "kind",
					 "edges of kind '%s' are not known to this reader",
					 keys->kind);
	edge->kind = (enum peeps_edge_kind)kind;
	r = peeps_snapshot_find(reader, &reader->nodes, "node", "src", &keys->src, &edge->src);
	return r ? r
		 : peeps_snapshot_find(reader, &reader->nodes, "node", "dst", &keys->dst,
				       &edge->dst);
}

int peeps_snapshot_read_edge(struct peeps_snapshot_reader *reader, const msgpack_object *row)
{
	struct peeps_edge *edge = &reader->graph->edges[reader->graph->edge_count];
	struct edge_keys keys = { .meta = NULL };
	struct meta_keys meta = nothing_said;
	int r = peeps_fields_read(&reader->fields, row, edge_keys,
				  sizeof(edge_keys) / sizeof(edge_keys[0]), &keys);

	edge->pending_since_ns = PEEPS_NO_TIME;
	edge->held_since_ns = PEEPS_NO_TIME;
	if (r == 0)
		r = read_ends(reader, &keys, edge);
	reader->fields.inner = "meta";
	reader->fields.inner_row = SIZE_MAX;
	if (r == 0 && keys.meta)
		r = peeps_fields_read(&reader->fields, keys.meta, meta_keys,
				      sizeof(meta_keys) / sizeof(meta_keys[0]), &meta);
	if (r == 0)
		r = read_meta(reader, &meta, edge);
	reader->graph->edge_count += r == 0;
	return r;
}
