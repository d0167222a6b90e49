/* SPDX-License-Identifier: MIT */
#include "reader/verb_blocked.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "reader/json.h"
#include "reader/print.h"
#include "reader/telling.h"
#include "reader/wait_json.h"

void peeps_blocked_nothing(const struct peeps_graph *graph, uint64_t min_ns, FILE *out)
{
	(void)fprintf(out, "nothing %s%s\n",
		      peeps_graph_is_whole(graph) ? "" : "that could be recorded ",
		      min_ns ? "has waited that long" : "waits");
}

/* The table */

enum { WAITED, PROCESS, ACTOR, OPERATION, RESOURCE, HELD_BY, FOR, AT, COLUMNS };

#define ACTOR_COLUMNS_MAX    32
#define RESOURCE_COLUMNS_MAX 48
#define HOLDER_COLUMNS_MAX   40
#define NAME_COLUMNS_MIN     8

static const struct peeps_column columns[COLUMNS] = {
	[WAITED] = { .title = "WAITED", .right = true, .is_number = true },
	[PROCESS] = { .title = "PROCESS", .columns_max = 24 },
	[ACTOR] = { .title = "ACTOR", .columns_max = ACTOR_COLUMNS_MAX, .is_escaped = true },
	[OPERATION] = { .title = "OPERATION", .columns_max = 32 },
	[RESOURCE] = { .title = "RESOURCE",
		       .columns_max = RESOURCE_COLUMNS_MAX,
		       .is_escaped = true },
	[HELD_BY] = { .title = "HELD BY", .columns_max = HOLDER_COLUMNS_MAX, .is_escaped = true },
	[FOR] = { .title = "FOR", .right = true, .is_number = true },
	[AT] = { .title = "AT", .is_extra = true },
};

/* What is beside a name explains the wait: if there is no room for both, it is the name that is cut. */
static const char *cell_of(struct peeps_telling *b, const char *before, const char *name,
			   const char *after, size_t columns_max)
{
	size_t beside;

	before = peeps_escape(b->arena, before);
	name = peeps_escape(b->arena, name);
	after = peeps_escape(b->arena, after);
	if (!before || !name || !after)
		return NULL;
	beside = peeps_columns(before) + peeps_columns(after);
	name = peeps_elide(b->arena, name,
			   columns_max > beside + NAME_COLUMNS_MIN ? columns_max - beside
								   : NAME_COLUMNS_MIN);
	return name ? peeps_arena_format(b->arena, "%s%s%s", before, name, after) : NULL;
}

/* "worker-3 and 199 others" */
static const char *actor_cell(struct peeps_telling *b, const struct peeps_wait *wait, bool together)
{
	const struct peeps_edge *edge = peeps_telling_edge(b, wait);
	const char *name = peeps_label_actor_at_home(&b->labels, b->graph, edge->src,
						     b->graph->nodes[edge->src].process);
	const char *others = "";

	if (together)
		others = peeps_arena_format(b->arena, " and %" PRIu32 " others",
					    wait->like_count - 1);
	return others ? cell_of(b, "", name, others, ACTOR_COLUMNS_MAX) : NULL;
}

/* "lock (3.2 s left)" */
static const char *operation_cell(struct peeps_telling *b, const struct peeps_edge *edge,
				  bool together)
{
	const char *timeout = peeps_label_timeout(b->arena, b->graph, edge, PEEPS_LABEL_CELL);
	const char *op = edge->op_kind ? edge->op_kind : "?";

	if (timeout && together)
		timeout = "timed"; /* each until another time */
	if (!timeout && !edge->uncertain)
		return op;
	return peeps_arena_format(b->arena, "%s (%s%s%s)", op, timeout ? timeout : "",
				  timeout && edge->uncertain ? ", " : "",
				  edge->uncertain ? "unproved" : "");
}

/* "mpsc work (16/16, pool.c:76)": where it was made only if there is room for that, too. */
static const char *resource_cell(struct peeps_telling *b, const struct peeps_edge *edge)
{
	struct peeps_label_parts parts =
		peeps_label_resource_parts(b->arena, b->graph, edge->dst, PEEPS_LABEL_CELL);
	const char *kind = peeps_arena_format(b->arena, "%s ", parts.kind), *whole, *state = "";

	if (b->graph->nodes[edge->dst].process != b->graph->nodes[edge->src].process)
		parts.name = peeps_arena_format(b->arena, "%s/%s", parts.process, parts.name);
	if (!parts.name)
		return NULL;

	if (parts.state)
		state = peeps_arena_format(b->arena, " (%s)", parts.state);
	if (!kind || !state)
		return NULL;
	if (parts.place) {
		whole = peeps_arena_format(b->arena, "%s%s (%s%s%s)", kind, parts.name,
					   parts.state ? parts.state : "", parts.state ? ", " : "",
					   parts.place);
		whole = whole ? peeps_escape(b->arena, whole) : NULL;
		if (!whole || peeps_columns(whole) <= RESOURCE_COLUMNS_MAX)
			return whole;
	}
	return cell_of(b, kind, parts.name, state, RESOURCE_COLUMNS_MAX);
}

/* What one has to know of a holder: how sure it is that he is one, and what he does instead. */
static const char *doubt_of(const struct peeps_edge *hold)
{
	switch (hold->mode_number) {
	case PEEPS_HOLD_MODE_CREATOR:
		return "created it";
	case PEEPS_HOLD_MODE_SHARED:
		return "perhaps";
	default:
		return NULL;
	}
}

/* "created it, sleeping" */
static const char *remarks_on(struct peeps_telling *b, const struct peeps_edge *hold)
{
	const char *const remarks[] = {
		doubt_of(hold),
		peeps_label_depth(b->arena, hold),
		peeps_label_idleness(b->graph, hold->dst),
	};
	const char *text = NULL;

	for (size_t i = 0; i < sizeof(remarks) / sizeof(remarks[0]); i++) {
		if (remarks[i])
			text = text ? peeps_arena_format(b->arena, "%s, %s", text, remarks[i])
				    : remarks[i];
	}
	return text;
}

static const char *holders_cell(struct peeps_telling *b, const struct peeps_wait *wait)
{
	const struct peeps_edge *edge = peeps_telling_edge(b, wait);
	const char *name, *remarks, *after = "";
	const struct peeps_edge *hold;

	if (wait->holder_count == 0)
		return edge->op == PEEPS_OP_LOCK || edge->op == PEEPS_OP_ACQUIRE ? "nobody" : "-";
	hold = &b->graph->edges[wait->holders[0]];
	name = peeps_label_actor_at_home(&b->labels, b->graph, hold->dst,
					 b->graph->nodes[edge->src].process);
	remarks = remarks_on(b, hold);
	if (wait->holder_count > 1)
		after = peeps_arena_format(b->arena, " +%zu", wait->holder_count - 1);
	else if (remarks)
		after = peeps_arena_format(b->arena, " (%s)", remarks);
	return after ? cell_of(b, "", name, after, HOLDER_COLUMNS_MAX) : NULL;
}

static int add_row(struct peeps_telling *b, struct peeps_table *table,
		   const struct peeps_wait *wait, bool together)
{
	const struct peeps_edge *edge = peeps_telling_edge(b, wait);
	const struct peeps_node *actor = &b->graph->nodes[edge->src];
	const char *at = peeps_label_source(b->arena, &edge->source);
	const char *cells[COLUMNS];
	char waited[PEEPS_DURATION_BYTES], held[PEEPS_DURATION_BYTES] = "-";
	uint64_t numbers[COLUMNS] = { [WAITED] = wait->pending_ns, [FOR] = PEEPS_TABLE_UNKNOWN };

	if (wait->holder_count) {
		const struct peeps_edge *hold = &b->graph->edges[wait->holders[0]];

		numbers[FOR] = peeps_edge_held_ns(b->graph, hold);
		(void)peeps_duration_ceil(held, numbers[FOR], hold->held_accuracy_ns);
	}
	cells[WAITED] = peeps_duration_floor(waited, wait->pending_ns);
	cells[PROCESS] = b->graph->processes[actor->process].proc_key;
	cells[ACTOR] = actor_cell(b, wait, together);
	cells[OPERATION] = operation_cell(b, edge, together);
	cells[RESOURCE] = resource_cell(b, edge);
	cells[HELD_BY] = holders_cell(b, wait);
	cells[FOR] = held;
	cells[AT] = at ? at : "-";
	return peeps_arena_failed(b->arena) ? -ENOMEM
					    : peeps_table_row_keyed(table, cells, numbers);
}

static int add_rows(struct peeps_telling *b, struct peeps_table *table, bool all)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < b->waits.count; i++) {
		const struct peeps_wait *wait = &b->waits.waits[i];
		const bool together =
			!all && b->waits.waits[wait->like].like_count > PEEPS_ALIKE_MAX;

		if (!together || wait->like == i)
			r = add_row(b, table, wait, together);
	}
	return r;
}

int peeps_blocked_table(const struct peeps_graph *graph, const struct peeps_blocked_view *view,
			FILE *out, struct peeps_problem *problem)
{
	struct peeps_column shown[COLUMNS];
	struct peeps_table *table;
	struct peeps_telling b;
	int r = peeps_telling_init(&b, graph, view->min_ns);

	if (r)
		return r;
	memcpy(shown, columns, sizeof(shown));
	shown[PROCESS].is_extra = graph->process_count < 2;
	table = peeps_table_new(shown, COLUMNS);
	r = table ? peeps_table_look(table, &view->table, problem) : -ENOMEM;
	if (r == 0)
		r = add_rows(&b, table, view->all);
	if (r == 0 && b.waits.count)
		r = peeps_table_print(table, out);
	else if (r == 0)
		peeps_blocked_nothing(graph, view->min_ns, out);
	peeps_table_free(table);
	peeps_telling_deinit(&b);
	return r;
}

/* JSON */

int peeps_blocked_json(const struct peeps_graph *graph, uint64_t min_ns, struct peeps_json *json)
{
	struct peeps_waits waits;
	int r = peeps_waits_init(&waits, graph, min_ns);

	if (r)
		return r;
	peeps_json_key(json, "waits");
	peeps_json_array(json);
	for (size_t i = 0; i < waits.count; i++)
		peeps_wait_json(json, graph, &waits.waits[i], NULL);
	peeps_json_array_end(json);
	peeps_waits_deinit(&waits);
	return 0;
}
