/* SPDX-License-Identifier: MIT */
#include "reader/database/inserts.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "reader/database/database.h"
#include "reader/format/document.h"
#include "reader/format/json.h"
#include "reader/graph/graph.h"

enum insert {
	SNAPSHOT,
	PROCESS,
	ENTITY,
	EDGE,
	SCOPE,
	MEMBERSHIP,
	FINDING,
	INSERTS,
};

static const char *const inserts_sql[INSERTS] = {
	[SNAPSHOT] =
		"INSERT INTO snapshots (schema, sequence, taken_at_unix_ns, cut_ns, skew_ns, quality, notes_json, origin) "
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	[PROCESS] =
		"INSERT INTO processes (snapshot_id, proc_key, pid, own_pid, name, cmdline, start_time, ptime_now_ns, "
		"coverage, threads, gone, counters_json) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[ENTITY] =
		"INSERT INTO entities (snapshot_id, id, kind, process, name, attrs_json, role, site, site_as_compiled, "
		"function, krate, uncertain, tid, exited, sleeping, busy) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[EDGE] =
		"INSERT INTO edges (snapshot_id, position, src_id, dst_id, kind, attrs_json, op_kind, state, "
		"pending_since_ptime_ns, role, count, held_since_ptime_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[SCOPE] =
		"INSERT INTO scopes (snapshot_id, id, kind, process, name, attrs_json) VALUES (?, ?, ?, ?, ?, ?)",
	[MEMBERSHIP] =
		"INSERT INTO entity_scope_links (snapshot_id, entity_id, scope_id) VALUES (?, ?, ?)",
	[FINDING] =
		"INSERT INTO findings (snapshot_id, kind, certainty, sentence, steps_json, nodes_json, edges_json, "
		"victims_json) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
};

#define TEXTS 4 /* columns of JSON that a finding has, which has most */

struct peeps_inserts {
	sqlite3 *sqlite;
	sqlite3_stmt *statements[INSERTS];
	struct peeps_json texts[TEXTS];
	/* of the row that is being made: */
	sqlite3_stmt *statement;
	int column; /* the last one that was bound */
	int result; /* the first error of SQLite's */
	int error;  /* -ENOMEM, -EINTR, or 0 */
	int64_t snapshot;
	const struct peeps_progress *progress;
	size_t done, total; /* rows */
};

static bool is_fine(const struct peeps_inserts *inserts)
{
	return inserts->result == SQLITE_OK && inserts->error == 0;
}

/* --- columns, from left to right -------------------------------------------------------------------------------- */

/* What is beyond 2^63, and PEEPS_NO_TIME is beyond, is null. Once something has failed nothing is done any more, so that
 * SQLite still knows what it was. */
static void put_number(struct peeps_inserts *inserts, uint64_t number)
{
	inserts->column++;
	if (is_fine(inserts))
		inserts->result = number <= PEEPS_SINK_NUMBER_MAX
					  ? sqlite3_bind_int64(inserts->statement, inserts->column,
							       (int64_t)number)
					  : sqlite3_bind_null(inserts->statement, inserts->column);
}

/* The bytes stay until the row is made. NULL is null. */
static void put_bytes(struct peeps_inserts *inserts, const char *bytes, size_t count)
{
	inserts->column++;
	if (is_fine(inserts))
		inserts->result = sqlite3_bind_text64(inserts->statement, inserts->column, bytes,
						      count, SQLITE_STATIC, SQLITE_UTF8);
}

static void put_text(struct peeps_inserts *inserts, const char *text)
{
	put_bytes(inserts, text, text ? strlen(text) : 0);
}

static void put_place(struct peeps_inserts *inserts, const struct peeps_source *source)
{
	char *place;

	if (!source->file) {
		put_text(inserts, NULL);
		return;
	}
	place = sqlite3_mprintf("%s:%u", source->file, source->line);
	inserts->column++;
	if (!place)
		inserts->error = -ENOMEM;
	if (is_fine(inserts))
		inserts->result = sqlite3_bind_text(inserts->statement, inserts->column, place, -1,
						    sqlite3_free);
	else
		sqlite3_free(place);
}

/* --- rows ------------------------------------------------------------------------------------------------------- */

static void begin_row(struct peeps_inserts *inserts, enum insert table)
{
	inserts->statement = inserts->statements[table];
	inserts->column = 0;
	if (table != SNAPSHOT)
		put_number(inserts, (uint64_t)inserts->snapshot);
}

#define ROWS_A_WORD 4096 /* of progress */

static void end_row(struct peeps_inserts *inserts)
{
	int result;

	if (!is_fine(inserts))
		return;
	result = sqlite3_step(inserts->statement);
	if (result == SQLITE_DONE)
		(void)sqlite3_reset(inserts->statement);
	else
		inserts->result = sqlite3_reset(inserts->statement);
	inserts->done++;
	if (inserts->progress->tell && inserts->done % ROWS_A_WORD == 0 &&
	    !inserts->progress->tell(inserts->progress->context, inserts->done, inserts->total))
		inserts->error = -EINTR;
}

/* A column of JSON: one value. What was made of it stays until the row is made. */
static void end_json(struct peeps_inserts *inserts, const struct peeps_json *json)
{
	if (json->sink.error)
		inserts->error = -json->sink.error;
	put_bytes(inserts, json->bytes, json->used);
}

#define PUT_JSON(inserts, text, write, ...)                        \
	do {                                                       \
		struct peeps_json *made = &(inserts)->texts[text]; \
		write(peeps_json_begin(made), __VA_ARGS__);        \
		end_json(inserts, made);                           \
	} while (0)

static void insert_snapshot(struct peeps_inserts *inserts, const struct peeps_graph *graph)
{
	begin_row(inserts, SNAPSHOT);
	put_text(inserts, PEEPS_DOCUMENT_SCHEMA);
	put_number(inserts, graph->sequence ? graph->sequence : PEEPS_NO_TIME);
	put_number(inserts, graph->taken_at_unix_ns);
	put_number(inserts, graph->cut_ns);
	put_number(inserts, graph->skew_ns);
	put_text(inserts, peeps_quality_name(graph->quality));
	PUT_JSON(inserts, 0, peeps_document_notes, graph);
	put_text(inserts, graph->origin);
	end_row(inserts);
	inserts->snapshot = sqlite3_last_insert_rowid(inserts->sqlite);
}

static void insert_process(struct peeps_inserts *inserts, const struct peeps_process *process)
{
	begin_row(inserts, PROCESS);
	put_text(inserts, process->proc_key);
	put_number(inserts, process->pid);
	put_number(inserts, process->own_pid);
	put_text(inserts, process->name);
	put_text(inserts, process->cmdline);
	put_number(inserts, process->start_time_ticks);
	put_number(inserts, process->ptime_now_ns);
	put_text(inserts, process->coverage);
	put_number(inserts, process->thread_count);
	put_number(inserts, process->gone);
	PUT_JSON(inserts, 0, peeps_document_counters, process);
	end_row(inserts);
}

static bool is_sign(const char *name)
{
	static const char *const signs[] = {
		"contended",       "queue_len",    "queue_depth",   "send_waiters",
		"recv_waiters",    "missed_total", "sender_closed", "receiver_closed",
		"discarded_total", "closed",
	};

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		if (strcmp(signs[i], name) == 0)
			return true;
	}
	return false;
}

/* Most locks and channels of a large program are idle: what asks for the others need not read them all. */
static bool is_busy(const struct peeps_node *node)
{
	for (size_t i = 0; node->role == PEEPS_ROLE_RESOURCE && i < node->attribute_count; i++) {
		const struct peeps_value *value = &node->attributes[i].value;

		if (((value->type == PEEPS_VALUE_UNSIGNED && value->as.number) ||
		     (value->type == PEEPS_VALUE_BOOL && value->as.boolean)) &&
		    is_sign(node->attributes[i].name))
			return true;
	}
	return false;
}

static void insert_entity(struct peeps_inserts *inserts, const struct peeps_graph *graph,
			  const struct peeps_node *node)
{
	const bool is_actor = node->role == PEEPS_ROLE_ACTOR;

	begin_row(inserts, ENTITY);
	put_text(inserts, node->id);
	put_text(inserts, node->kind);
	put_text(inserts, graph->processes[node->process].proc_key);
	put_text(inserts, node->name);
	PUT_JSON(inserts, 0, peeps_document_attributes, graph, node);
	put_text(inserts, peeps_role_name(node->role));
	put_place(inserts, &node->source);
	put_number(inserts, node->source.file && node->source.as_compiled);
	put_text(inserts, node->source.function);
	put_text(inserts, node->source.module);
	put_number(inserts, node->uncertain);
	put_number(inserts, is_actor && node->tid ? node->tid : PEEPS_NO_TIME);
	put_number(inserts, is_actor ? node->gone : PEEPS_NO_TIME);
	put_number(inserts, is_actor ? node->asleep : PEEPS_NO_TIME);
	put_number(inserts, is_busy(node));
	end_row(inserts);
}

static void insert_edge(struct peeps_inserts *inserts, const struct peeps_graph *graph,
			const struct peeps_edge *edge)
{
	const bool is_operation = edge->kind == PEEPS_EDGE_NEEDS && edge->op != PEEPS_OP_NONE;
	const bool is_pending = is_operation && edge->state == PEEPS_STATE_PENDING;
	const bool is_hold = edge->kind == PEEPS_EDGE_HOLDS;

	begin_row(inserts, EDGE);
	put_number(inserts, (uint64_t)(edge - graph->edges));
	put_text(inserts, graph->nodes[edge->src].id);
	put_text(inserts, graph->nodes[edge->dst].id);
	put_text(inserts, peeps_edge_kind_name(edge->kind));
	PUT_JSON(inserts, 0, peeps_document_meta, graph, edge);
	put_text(inserts, is_operation ? edge->op_kind : NULL);
	put_text(inserts, is_operation ? edge->state_name : NULL);
	put_number(inserts, is_pending ? edge->pending_since_ns : PEEPS_NO_TIME);
	put_text(inserts, is_hold ? edge->role : NULL);
	put_number(inserts, is_hold ? edge->count : PEEPS_NO_TIME);
	put_number(inserts, is_hold ? edge->held_since_ns : PEEPS_NO_TIME);
	end_row(inserts);
}

static void insert_scope(struct peeps_inserts *inserts, const struct peeps_graph *graph,
			 const struct peeps_graph_scope *scope)
{
	begin_row(inserts, SCOPE);
	put_text(inserts, scope->id);
	put_text(inserts, scope->kind);
	put_text(inserts, graph->processes[scope->process].proc_key);
	put_text(inserts, scope->name);
	PUT_JSON(inserts, 0, peeps_document_scope_attributes, scope);
	end_row(inserts);
}

static void insert_membership(struct peeps_inserts *inserts, const struct peeps_graph *graph,
			      const struct peeps_membership *membership)
{
	begin_row(inserts, MEMBERSHIP);
	put_text(inserts, graph->nodes[membership->node].id);
	put_text(inserts, graph->scopes[membership->scope].id);
	end_row(inserts);
}

static void insert_finding(struct peeps_inserts *inserts, const struct peeps_graph *graph,
			   const struct peeps_finding *finding)
{
	begin_row(inserts, FINDING);
	put_text(inserts, peeps_finding_name(finding->kind));
	put_text(inserts, peeps_certainty_name(finding));
	put_text(inserts, finding->sentence);
	for (size_t i = 0; i < TEXTS; i++)
		PUT_JSON(inserts, i, peeps_document_evidence, graph, finding,
			 (enum peeps_evidence)i);
	end_row(inserts);
}

static size_t count_rows(const struct peeps_graph *graph)
{
	return 1 + graph->process_count + graph->node_count + graph->edge_count +
	       graph->scope_count + graph->membership_count + graph->finding_count;
}

int peeps_inserts_graph(struct peeps_inserts *inserts, const struct peeps_graph *graph,
			const struct peeps_progress *progress, int64_t *id)
{
	inserts->result = SQLITE_OK;
	inserts->error = 0;
	inserts->progress = progress;
	inserts->done = 0;
	inserts->total = count_rows(graph);
	insert_snapshot(inserts, graph);
	for (size_t i = 0; is_fine(inserts) && i < graph->process_count; i++)
		insert_process(inserts, &graph->processes[i]);
	for (size_t i = 0; is_fine(inserts) && i < graph->node_count; i++)
		insert_entity(inserts, graph, &graph->nodes[i]);
	for (size_t i = 0; is_fine(inserts) && i < graph->edge_count; i++)
		insert_edge(inserts, graph, &graph->edges[i]);
	for (size_t i = 0; is_fine(inserts) && i < graph->scope_count; i++)
		insert_scope(inserts, graph, &graph->scopes[i]);
	for (size_t i = 0; is_fine(inserts) && i < graph->membership_count; i++)
		insert_membership(inserts, graph, &graph->memberships[i]);
	for (size_t i = 0; is_fine(inserts) && i < graph->finding_count; i++)
		insert_finding(inserts, graph, &graph->findings[i]);
	if (inserts->error)
		return inserts->error;
	if (inserts->result != SQLITE_OK)
		return -EIO;
	*id = inserts->snapshot;
	return 0;
}

/* --- preparing -------------------------------------------------------------------------------------------------- */

void peeps_inserts_free(struct peeps_inserts *inserts)
{
	if (!inserts)
		return;
	for (size_t i = 0; i < INSERTS; i++)
		(void)sqlite3_finalize(inserts->statements[i]);
	for (size_t i = 0; i < TEXTS; i++)
		peeps_json_close_memory(&inserts->texts[i]);
	free(inserts);
}

struct peeps_inserts *peeps_inserts_new(sqlite3 *sqlite)
{
	struct peeps_inserts *inserts = calloc(1, sizeof(*inserts));
	bool fine = inserts;

	if (inserts)
		inserts->sqlite = sqlite;
	for (size_t i = 0; fine && i < TEXTS; i++)
		fine = peeps_json_open_memory(&inserts->texts[i]) == 0;
	for (size_t i = 0; fine && i < INSERTS; i++)
		fine = sqlite3_prepare_v3(sqlite, inserts_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
					  &inserts->statements[i], NULL) == SQLITE_OK;
	if (fine)
		return inserts;
	peeps_inserts_free(inserts);
	return NULL;
}
