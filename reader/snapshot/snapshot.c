/* SPDX-License-Identifier: MIT */
#include "reader/snapshot/snapshot.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "reader/format/document.h"
#include "reader/graph/arena.h"
#include "reader/problem.h"
#include "reader/snapshot/msgpack_walk.h"
#include "reader/snapshot/snapshot_stream.h"
#include "reader/snapshot/snapshot_reader.h"

#define ARENA_LIMIT_BYTES (UINT64_C(4) << 30)

/* Of one row, unpacked: 24 bytes each. A deadlock may have a million victims. */
#define ROW_OBJECTS_MAX (UINT64_C(8) << 20)

/* Of the document itself. There are a dozen: more may come, but not without end. */
#define KEYS_MAX 1000

/* None of the document's own texts and numbers is long. */
#define KEY_BYTES_MAX 4096

const struct peeps_snapshot_limits peeps_snapshot_limits = {
	.read_bytes = PEEPS_SNAPSHOT_READ_MAX,
	.kept_bytes = PEEPS_SNAPSHOT_KEPT_MAX,
};

/* --- what the parts share --------------------------------------------------------------------------------------- */

int peeps_snapshot_index(struct peeps_snapshot_reader *reader, struct peeps_id_index *index,
			 const char *id, uint32_t position)
{
	const int r = peeps_id_index_add(index, id, position);

	if (r == -EEXIST)
		return peeps_fields_fail(&reader->fields, NULL, "'%s' stands there twice", id);
	return r ? peeps_fields_fail(&reader->fields, NULL, "too many ids are too much alike") : 0;
}

int peeps_snapshot_find(struct peeps_snapshot_reader *reader, const struct peeps_id_index *index,
			const char *what, const char *key, const msgpack_object_str *id,
			uint32_t *position)
{
	const uint32_t found = peeps_id_index_find(index, id->ptr, id->size);

	if (found == PEEPS_ID_NONE)
		return peeps_fields_fail(&reader->fields, key, "no %s '%.*s'", what,
					 id->size < 100 ? (int)id->size : 100, id->ptr);
	*position = found;
	return 0;
}

int peeps_snapshot_source(struct peeps_snapshot_reader *reader, const char *key, const char *text,
			  struct peeps_source *source)
{
	const char *colon = text ? strrchr(text, ':') : NULL;
	unsigned long line;
	size_t length;
	char *file, *end;

	if (!text)
		return 0;
	if (!colon || colon[1] < '0' || colon[1] > '9')
		return peeps_fields_fail(&reader->fields, key, "is not FILE:LINE");
	errno = 0;
	line = strtoul(colon + 1, &end, 10);
	if (*end || errno || line > UINT32_MAX)
		return peeps_fields_fail(&reader->fields, key, "is not FILE:LINE");
	length = (size_t)(colon - text);
	file = peeps_arena_take(reader->graph->arena, length + 1, 1);
	if (!file)
		return -ENOMEM;
	memcpy(file, text, length);
	source->file = file;
	source->line = (uint32_t)line;
	return 0;
}

/* --- processes -------------------------------------------------------------------------------------------------- */

struct process_keys {
	const char *proc_key, *name, *cmdline, *coverage;
	uint64_t start_time, ptime_now_ns;
	uint32_t pid, own_pid, threads;
	bool gone;
	const msgpack_object *counters;
};

#define PROCESS_KEY(name, type, flags, member)                                       \
	{                                                                            \
		name, PEEPS_KEY_##type, flags, offsetof(struct process_keys, member) \
	}

static const struct peeps_key process_keys[] = {
	PROCESS_KEY("proc_key", TEXT, PEEPS_KEY_REQUIRED, proc_key),
	PROCESS_KEY("pid", NUMBER32, PEEPS_KEY_REQUIRED, pid),
	PROCESS_KEY("name", TEXT, PEEPS_KEY_REQUIRED, name),
	PROCESS_KEY("cmdline", TEXT, 0, cmdline),
	PROCESS_KEY("start_time", NUMBER, 0, start_time),
	PROCESS_KEY("ptime_now_ns", NUMBER, PEEPS_KEY_REQUIRED, ptime_now_ns),
	PROCESS_KEY("coverage", TEXT, 0, coverage),
	PROCESS_KEY("counters", MAP, 0, counters),
	PROCESS_KEY("own_pid", NUMBER32, 0, own_pid),
	PROCESS_KEY("threads", NUMBER32, 0, threads),
	PROCESS_KEY("gone", BOOL, 0, gone),
};

static int read_counters(struct peeps_snapshot_reader *reader, const msgpack_object *map,
			 struct peeps_process *process)
{
	const uint32_t count = map ? map->via.map.size : 0;

	process->counters =
		peeps_arena_take(reader->graph->arena, count, sizeof(process->counters[0]));
	if (!process->counters)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		const msgpack_object_kv *pair = &map->via.map.ptr[i];
		struct peeps_counter_value *counter = &process->counters[i];
		struct peeps_key number = { .kind = PEEPS_KEY_NUMBER, .flags = PEEPS_KEY_NULLABLE };
		int r;

		if (pair->key.type != MSGPACK_OBJECT_STR)
			return peeps_fields_fail(&reader->fields, "counters",
						 "has a key that is no text");
		r = peeps_fields_text(&reader->fields, "counters", &pair->key.via.str,
				      &counter->name);
		number.name = counter->name;
		counter->value = UINT64_MAX; /* too many to say */
		if (r == 0)
			r = peeps_fields_take(&reader->fields, &pair->val, &number,
					      &counter->value);
		if (r)
			return r;
	}
	process->counter_count = count;
	return 0;
}

int peeps_snapshot_read_process(struct peeps_snapshot_reader *reader, const msgpack_object *row)
{
	struct peeps_graph *graph = reader->graph;
	struct peeps_process *process = &graph->processes[graph->process_count];
	struct process_keys keys = { .cmdline = "", .coverage = "" };
	int r = peeps_fields_read(&reader->fields, row, process_keys,
				  sizeof(process_keys) / sizeof(process_keys[0]), &keys);

	if (r)
		return r;
	*process = (struct peeps_process){
		.proc_key = keys.proc_key,
		.pid = keys.pid,
		.own_pid = keys.own_pid ? keys.own_pid : keys.pid,
		.name = keys.name,
		.cmdline = keys.cmdline,
		.start_time_ticks = keys.start_time,
		.ptime_now_ns = keys.ptime_now_ns,
		.coverage = keys.coverage,
		.thread_count = keys.threads,
		.gone = keys.gone,
	};
	r = read_counters(reader, keys.counters, process);
	if (r == 0)
		r = peeps_snapshot_index(reader, &reader->processes, process->proc_key,
					 (uint32_t)graph->process_count);
	graph->process_count += r == 0;
	return r;
}

/* --- scopes ----------------------------------------------------------------------------------------------------- */

struct scope_keys {
	const char *id, *kind, *name;
	msgpack_object_str process;
	const msgpack_object *attributes;
	uint64_t created_ns;
};

#define SCOPE_KEY(name, type, flags, member)                                       \
	{                                                                          \
		name, PEEPS_KEY_##type, flags, offsetof(struct scope_keys, member) \
	}

static const struct peeps_key scope_keys[] = {
	SCOPE_KEY("id", TEXT, PEEPS_KEY_REQUIRED, id),
	SCOPE_KEY("kind", TEXT, PEEPS_KEY_REQUIRED, kind),
	SCOPE_KEY("process", BYTES, PEEPS_KEY_REQUIRED, process),
	SCOPE_KEY("name", TEXT, PEEPS_KEY_REQUIRED, name),
	SCOPE_KEY("attrs", MAP, 0, attributes),
};

static const struct peeps_key scope_attributes[] = {
	SCOPE_KEY("created_at_ns", NUMBER, PEEPS_KEY_NULLABLE, created_ns),
};

int peeps_snapshot_read_scope(struct peeps_snapshot_reader *reader, const msgpack_object *row)
{
	struct peeps_graph *graph = reader->graph;
	struct peeps_graph_scope *scope = &graph->scopes[graph->scope_count];
	struct scope_keys keys = { .created_ns = PEEPS_NO_TIME };
	int r = peeps_fields_read(&reader->fields, row, scope_keys,
				  sizeof(scope_keys) / sizeof(scope_keys[0]), &keys);

	if (r == 0)
		r = peeps_snapshot_find(reader, &reader->processes, "process", "process",
					&keys.process, &scope->process);
	if (r == 0)
		r = peeps_snapshot_index(reader, &reader->scopes, keys.id,
					 (uint32_t)graph->scope_count);
	reader->fields.inner = "attrs";
	reader->fields.inner_row = SIZE_MAX;
	if (r == 0 && keys.attributes)
		r = peeps_fields_read(&reader->fields, keys.attributes, scope_attributes, 1, &keys);
	if (r)
		return r;
	scope->id = keys.id;
	scope->name = keys.name;
	scope->kind = keys.kind;
	scope->created_ns = keys.created_ns;
	graph->scope_count++;
	return 0;
}

struct membership_keys {
	msgpack_object_str entity, scope;
};

static const struct peeps_key membership_keys[] = {
	{ "entity", PEEPS_KEY_BYTES, PEEPS_KEY_REQUIRED, offsetof(struct membership_keys, entity) },
	{ "scope", PEEPS_KEY_BYTES, PEEPS_KEY_REQUIRED, offsetof(struct membership_keys, scope) },
};

int peeps_snapshot_read_membership(struct peeps_snapshot_reader *reader, const msgpack_object *row)
{
	struct peeps_graph *graph = reader->graph;
	struct peeps_membership *membership = &graph->memberships[graph->membership_count];
	struct membership_keys keys = { .entity = { .size = 0 } };
	int r = peeps_fields_read(&reader->fields, row, membership_keys, 2, &keys);

	if (r == 0)
		r = peeps_snapshot_find(reader, &reader->nodes, "node", "entity", &keys.entity,
					&membership->node);
	if (r == 0)
		r = peeps_snapshot_find(reader, &reader->scopes, "scope", "scope", &keys.scope,
					&membership->scope);
	graph->membership_count += r == 0;
	return r;
}

/* --- the document's keys ---------------------------------------------------------------------------------------- */

struct document_keys {
	const char *schema, *quality;
	uint64_t sequence, taken_at_unix_ns, cut_ns, skew_ns;
};

#define DOCUMENT_KEY(name, type, flags, member)                                       \
	{                                                                             \
		name, PEEPS_KEY_##type, flags, offsetof(struct document_keys, member) \
	}

/* Those that are no arrays; schema comes first, for what else there may be depends on it. */
static const struct peeps_key document_keys[] = {
	DOCUMENT_KEY("schema", TEXT, PEEPS_KEY_REQUIRED, schema),
	DOCUMENT_KEY("quality", TEXT, PEEPS_KEY_REQUIRED, quality),
	DOCUMENT_KEY("taken_at_unix_ns", NUMBER, PEEPS_KEY_REQUIRED, taken_at_unix_ns),
	DOCUMENT_KEY("sequence", NUMBER, 0, sequence),
	DOCUMENT_KEY("cut_ns", NUMBER, 0, cut_ns),
	DOCUMENT_KEY("skew_ns", NUMBER, 0, skew_ns),
};

enum section { NOTES, PROCESSES, NODES, EDGES, SCOPES, MEMBERSHIPS, FINDINGS, SECTIONS };

static const struct {
	const char *name;
	bool required;
	size_t row_bytes_min; /* a row with nothing in it but what has to be: memory is taken for as many as there may be */
} sections[SECTIONS] = {
	[NOTES] = { "notes", false, 1 },        [PROCESSES] = { "processes", true, 36 },
	[NODES] = { "nodes", true, 26 },        [EDGES] = { "edges", true, 17 },
	[SCOPES] = { "scopes", false, 26 },     [MEMBERSHIPS] = { "memberships", false, 16 },
	[FINDINGS] = { "findings", false, 58 },
};

#define DOCUMENT_KEYS (sizeof(document_keys) / sizeof(document_keys[0]))

/* Where in the document each of them is; no bytes: it is not there. */
struct parts {
	struct peeps_msgpack_span keys[DOCUMENT_KEYS];
	struct peeps_msgpack_span sections[SECTIONS];
};

static bool is_text(const struct peeps_msgpack_span *value, const char *text)
{
	const size_t length = strlen(text);
	msgpack_unpacked unpacked;
	size_t used = 0;
	bool same;

	if (value->length < length || value->length > length + 5)
		return false; /* a head has one to five bytes */
	msgpack_unpacked_init(&unpacked);
	same = msgpack_unpack_next(&unpacked, (const char *)value->bytes, value->length, &used) ==
		       MSGPACK_UNPACK_SUCCESS &&
	       unpacked.data.type == MSGPACK_OBJECT_STR && unpacked.data.via.str.size == length &&
	       memcmp(unpacked.data.via.str.ptr, text, length) == 0;
	msgpack_unpacked_destroy(&unpacked);
	return same;
}

/* Returns where the value of this key goes, and what it is called; NULL if nobody asks for it. */
static struct peeps_msgpack_span *part_of(struct parts *parts, const struct peeps_msgpack_span *key,
					  const char **name)
{
	for (size_t i = 0; i < DOCUMENT_KEYS; i++) {
		*name = document_keys[i].name;
		if (is_text(key, *name))
			return &parts->keys[i];
	}
	for (size_t i = 0; i < SECTIONS; i++) {
		*name = sections[i].name;
		if (is_text(key, *name))
			return &parts->sections[i];
	}
	return NULL;
}

static int find_parts(struct peeps_snapshot_reader *reader, struct peeps_msgpack_span document,
		      struct parts *parts)
{
	uint32_t count;

	if (peeps_msgpack_enter_map(&document, &count))
		return peeps_fields_fail(&reader->fields, NULL, "is not a map");
	if (count > KEYS_MAX)
		return peeps_fields_fail(&reader->fields, NULL, "has %" PRIu32 " keys", count);
	for (uint32_t i = 0; i < count; i++) {
		struct peeps_msgpack_span key, value, *part;
		const char *name;
		uint64_t objects;

		if (peeps_msgpack_next(&document, &key, &objects) ||
		    peeps_msgpack_next(&document, &value, &objects))
			return peeps_fields_fail(&reader->fields, NULL, "ends in the middle");
		part = part_of(parts, &key, &name);
		if (part && part->bytes)
			return peeps_fields_fail(&reader->fields, name, "stands there twice");
		if (part)
			*part = value;
	}
	return 0;
}

typedef int read_fn(struct peeps_snapshot_reader *reader, const msgpack_object *row);

/* Unpacked only for as long as it is read. */
static int unpack(struct peeps_snapshot_reader *reader, const struct peeps_msgpack_span *value,
		  msgpack_unpacked *unpacked)
{
	size_t used = 0;

	if (msgpack_unpack_next(unpacked, (const char *)value->bytes, value->length, &used) ==
	    MSGPACK_UNPACK_SUCCESS)
		return 0;
	return peeps_fields_fail(&reader->fields, NULL, "cannot be unpacked");
}

static int read_key(struct peeps_snapshot_reader *reader, const struct peeps_key *key,
		    const struct peeps_msgpack_span *value, struct document_keys *keys)
{
	msgpack_unpacked unpacked;
	int r;

	if (!value->bytes)
		return key->flags & PEEPS_KEY_REQUIRED
			       ? peeps_fields_fail(&reader->fields, key->name, "is missing")
			       : 0;
	if (value->length > KEY_BYTES_MAX)
		return peeps_fields_fail(&reader->fields, key->name, "is too long");
	msgpack_unpacked_init(&unpacked);
	r = unpack(reader, value, &unpacked);
	if (r == 0)
		r = peeps_fields_take(&reader->fields, &unpacked.data, key, keys);
	msgpack_unpacked_destroy(&unpacked);
	return r;
}

static int check_schema(struct peeps_snapshot_reader *reader, const char *schema)
{
	if (strcmp(schema, PEEPS_DOCUMENT_SCHEMA) == 0)
		return 0;
	return peeps_problem_set(
		reader->fields.problem, PEEPS_PROBLEM_BAD_SEGMENT, -EPROTONOSUPPORT,
		strncmp(schema, "peeps.", 6) == 0 ? "use the peeps-read of that version" : "",
		"its schema is '%.100s'; this peeps-read reads '%s'", schema,
		PEEPS_DOCUMENT_SCHEMA);
}

static int read_quality(struct peeps_snapshot_reader *reader, const char *name)
{
	static const enum peeps_quality qualities[] = {
		PEEPS_QUALITY_CUT,
		PEEPS_QUALITY_QUIESCENT,
		PEEPS_QUALITY_PARTIAL,
		PEEPS_QUALITY_PASSIVE,
	};

	for (size_t i = 0; i < sizeof(qualities) / sizeof(qualities[0]); i++) {
		if (strcmp(peeps_quality_name(qualities[i]), name) == 0) {
			reader->graph->quality = qualities[i];
			return 0;
		}
	}
	return peeps_fields_fail(&reader->fields, "quality", "there is no quality '%s'", name);
}

static int read_keys(struct peeps_snapshot_reader *reader, const struct parts *parts)
{
	struct document_keys keys = { .schema = NULL };
	int r = 0;

	for (size_t i = 0; r == 0 && i < DOCUMENT_KEYS; i++) {
		r = read_key(reader, &document_keys[i], &parts->keys[i], &keys);
		if (r == 0 && i == 0)
			r = check_schema(reader, keys.schema);
	}
	if (r)
		return r;
	reader->graph->taken_at_unix_ns = keys.taken_at_unix_ns;
	reader->graph->cut_ns = keys.cut_ns;
	reader->graph->skew_ns = keys.skew_ns;
	reader->graph->sequence = keys.sequence;
	return read_quality(reader, keys.quality);
}

/* --- its arrays ------------------------------------------------------------------------------------------------- */

static int read_note(struct peeps_snapshot_reader *reader, const msgpack_object *row)
{
	const struct peeps_key note = { .kind = PEEPS_KEY_TEXT };
	struct peeps_graph *graph = reader->graph;
	const int r =
		peeps_fields_take(&reader->fields, row, &note, &graph->notes[graph->note_count]);

	graph->note_count += r == 0;
	return r;
}

static int read_row(struct peeps_snapshot_reader *reader, struct peeps_msgpack_span *rows,
		    read_fn *read)
{
	struct peeps_msgpack_span row;
	msgpack_unpacked unpacked;
	uint64_t objects;
	int r;

	if (peeps_msgpack_next(rows, &row, &objects))
		return peeps_fields_fail(&reader->fields, NULL, "ends in the middle");
	if (objects > ROW_OBJECTS_MAX)
		return peeps_fields_fail(&reader->fields, NULL, "is too big: %" PRIu64 " values",
					 objects);
	msgpack_unpacked_init(&unpacked);
	r = unpack(reader, &row, &unpacked);
	if (r == 0)
		r = read(reader, &unpacked.data);
	msgpack_unpacked_destroy(&unpacked);
	return r;
}

/* Room for all of the graph's rows, or for what ids need. */
static int take_room(struct peeps_snapshot_reader *reader, enum section section, size_t count)
{
	struct peeps_graph *graph = reader->graph;
	struct peeps_arena *arena = graph->arena;

#define ROOM_FOR(rows) \
	((graph->rows = peeps_arena_take(arena, count, sizeof(*graph->rows))) != NULL)
	switch (section) {
	case NOTES:
		return ROOM_FOR(notes) ? 0 : -ENOMEM;
	case PROCESSES:
		return ROOM_FOR(processes) ? peeps_id_index_init(&reader->processes, count)
					   : -ENOMEM;
	case NODES:
		return ROOM_FOR(nodes) ? peeps_id_index_init(&reader->nodes, count) : -ENOMEM;
	case EDGES:
		return ROOM_FOR(edges) ? 0 : -ENOMEM;
	case SCOPES:
		return ROOM_FOR(scopes) ? peeps_id_index_init(&reader->scopes, count) : -ENOMEM;
	case MEMBERSHIPS:
		return ROOM_FOR(memberships) ? 0 : -ENOMEM;
	case FINDINGS:
		return ROOM_FOR(findings) ? 0 : -ENOMEM;
	case SECTIONS:
		break;
	}
#undef ROOM_FOR
	return -EINVAL;
}

static int read_section(struct peeps_snapshot_reader *reader, enum section section,
			struct peeps_msgpack_span rows)
{
	static read_fn *const read[SECTIONS] = {
		[NOTES] = read_note,
		[PROCESSES] = peeps_snapshot_read_process,
		[NODES] = peeps_snapshot_read_node,
		[EDGES] = peeps_snapshot_read_edge,
		[SCOPES] = peeps_snapshot_read_scope,
		[MEMBERSHIPS] = peeps_snapshot_read_membership,
		[FINDINGS] = peeps_snapshot_read_finding,
	};
	struct peeps_fields *fields = &reader->fields;
	uint32_t count = 0;
	int r;

	fields->section = NULL;
	if (!rows.bytes && sections[section].required)
		return peeps_fields_fail(fields, sections[section].name, "is missing");
	if (rows.bytes && peeps_msgpack_enter_array(&rows, &count))
		return peeps_fields_fail(fields, sections[section].name, "is not an array");
	if (count > rows.length / sections[section].row_bytes_min)
		return peeps_fields_fail(fields, sections[section].name,
					 "has %" PRIu32 " rows in %zu bytes", count, rows.length);
	r = take_room(reader, section, count);
	fields->section = sections[section].name;
	for (fields->row = 0; r == 0 && fields->row < count; fields->row++) {
		fields->inner = NULL;
		r = read_row(reader, &rows, read[section]);
	}
	if (r == 0 && section == NODES)
		r = peeps_snapshot_resolve_nodes(reader);
	return r;
}

static int read_document(struct peeps_snapshot_reader *reader, struct peeps_msgpack_span document)
{
	struct parts parts = { .keys = { { .bytes = NULL } } };
	int r = find_parts(reader, document, &parts);

	if (r == 0)
		r = read_keys(reader, &parts);
	/* In an order in which what is named is there already. */
	for (enum section section = NOTES; r == 0 && section < SECTIONS; section++)
		r = read_section(reader, section, parts.sections[section]);
	return r;
}

/* --- all of it -------------------------------------------------------------------------------------------------- */

static int walk(struct peeps_msgpack_span document, struct peeps_problem *problem)
{
	struct peeps_msgpack_extent extent;

	if (peeps_msgpack_walk(document, &extent) == 0)
		return 0;
	return peeps_problem_set(problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG,
				 "is it one whole snapshot, and nothing else?", "byte %zu: %s",
				 extent.fault_at, extent.fault);
}

static int decode(struct peeps_msgpack_span document, struct peeps_graph **graph,
		  struct peeps_problem *problem)
{
	struct peeps_snapshot_reader *reader = calloc(1, sizeof(*reader));
	int r = -ENOMEM;

	if (!reader)
		return -ENOMEM;
	reader->graph = peeps_graph_new(ARENA_LIMIT_BYTES);
	if (reader->graph) {
		reader->fields.arena = reader->graph->arena;
		reader->fields.problem = problem;
		r = read_document(reader, document);
	}
	if (r == -ENOMEM && reader->graph && peeps_arena_is_full(reader->graph->arena))
		r = peeps_problem_set(problem, PEEPS_PROBLEM_BAD_SEGMENT, -EFBIG, "",
				      "what is in it takes more than the %" PRIu64
				      " MiB that this reader has for a snapshot",
				      ARENA_LIMIT_BYTES >> 20);
	if (r == 0)
		*graph = reader->graph;
	else
		peeps_graph_free(reader->graph);
	peeps_id_index_deinit(&reader->processes);
	peeps_id_index_deinit(&reader->nodes);
	peeps_id_index_deinit(&reader->scopes);
	free(reader);
	return r;
}

int peeps_snapshot_decode(struct peeps_msgpack_span document, const char *name,
			  struct peeps_graph **graph, struct peeps_problem *problem)
{
	int r;

	(void)snprintf(problem->what, sizeof(problem->what), "cannot read the snapshot %s", name);
	r = walk(document, problem);
	if (r == 0)
		r = decode(document, graph, problem);
	if (r == -ENOMEM)
		return peeps_problem_set(problem, PEEPS_PROBLEM_OTHER, r, "",
					 "no memory for what is in it");
	return r;
}

static bool take_number(const struct peeps_msgpack_span *value, uint64_t *number)
{
	msgpack_unpacked unpacked;
	size_t used = 0;
	bool is_one;

	if (value->length > 9)
		return false;
	msgpack_unpacked_init(&unpacked);
	is_one = msgpack_unpack_next(&unpacked, (const char *)value->bytes, value->length, &used) ==
			 MSGPACK_UNPACK_SUCCESS &&
		 unpacked.data.type == MSGPACK_OBJECT_POSITIVE_INTEGER;
	if (is_one)
		*number = unpacked.data.via.u64;
	msgpack_unpacked_destroy(&unpacked);
	return is_one;
}

/* The value of one of the document's keys. */
static bool find_value(struct peeps_msgpack_span document, const char *key,
		       struct peeps_msgpack_span *value)
{
	struct peeps_msgpack_span name;
	uint64_t objects;
	uint32_t count;

	if (peeps_msgpack_enter_map(&document, &count))
		return false;
	for (uint32_t i = 0; i < count && i < KEYS_MAX; i++) {
		if (peeps_msgpack_next(&document, &name, &objects) ||
		    peeps_msgpack_next(&document, value, &objects))
			return false;
		if (is_text(&name, key))
			return true;
	}
	return false;
}

uint64_t peeps_snapshot_sequence(struct peeps_msgpack_span document)
{
	struct peeps_msgpack_span value;
	uint64_t sequence = 0;

	return find_value(document, "sequence", &value) && take_number(&value, &sequence) ? sequence
											  : 0;
}

bool peeps_snapshot_is_ours(struct peeps_msgpack_span document)
{
	struct peeps_msgpack_span value;

	return find_value(document, "schema", &value) && is_text(&value, PEEPS_DOCUMENT_SCHEMA);
}

/* What a stream gives is whole: bytes that come after it are not its. */
static int read_only(struct peeps_snapshot_stream *stream, const char *name,
		     struct peeps_graph **graph, struct peeps_problem *problem)
{
	struct peeps_msgpack_span document;
	size_t length;
	int r = peeps_snapshot_stream_next(stream, &document, problem);

	if (r)
		return r;
	length = document.length;
	r = peeps_snapshot_decode(document, name, graph, problem);
	if (r || (peeps_snapshot_stream_next(stream, &document, problem) == -ENODATA &&
		  peeps_snapshot_stream_cut_off(stream) == 0))
		return r;
	peeps_graph_free(*graph);
	*graph = NULL;
	return peeps_problem_set(problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG,
				 "is it one whole snapshot, and nothing else?",
				 "byte %zu: the document ends, but the file does not", length);
}

static int read_file(const struct peeps_snapshot_file *file, const char *name,
		     struct peeps_graph **graph, struct peeps_problem *problem)
{
	struct peeps_snapshot_stream *stream =
		peeps_snapshot_stream_open(file, &peeps_snapshot_limits);
	int r;

	(void)snprintf(problem->what, sizeof(problem->what), "cannot read the snapshot %s", name);
	r = stream ? read_only(stream, name, graph, problem) : -ENOMEM;
	peeps_snapshot_stream_close(stream);
	if (r == -ENOMEM)
		return peeps_problem_set(problem, PEEPS_PROBLEM_OTHER, r, "",
					 "no memory for what is in it");
	return r;
}

int peeps_snapshot_read(int fd, const char *name, struct peeps_graph **graph,
			struct peeps_problem *problem)
{
	const struct peeps_snapshot_file file = { .fd = fd };

	return read_file(&file, name, graph, problem);
}

int peeps_snapshot_read_bytes(const void *bytes, size_t length, const char *name,
			      struct peeps_graph **graph, struct peeps_problem *problem)
{
	const struct peeps_snapshot_file file = { .fd = -1, .bytes = bytes, .length = length };

	return read_file(&file, name, graph, problem);
}
