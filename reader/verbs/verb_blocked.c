/* SPDX-License-Identifier: MIT */
#include "reader/verbs/verb_blocked.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "reader/format/json.h"
#include "reader/format/print.h"
#include "reader/verbs/wait_json.h"
#include "reader/words/telling.h"

void peeps_blocked_nothing(const struct peeps_graph *graph, uint64_t min_ns, FILE *out)
{
	(void)fprintf(out, "nothing %s%s\n",
		      peeps_graph_is_whole(graph) ? "" : "that could be recorded ",
		      min_ns ? "has waited that long" : "waits");
}

/* The table */

enum { WAITED, PROCESS, ACTOR, OPERATION, RESOURCE, HELD_BY, FOR, AT, COLUMNS };

#define PROCESS_COLUMNS_MAX  24
#define ACTOR_COLUMNS_MAX    32
#define RESOURCE_COLUMNS_MAX 48
#define HOLDER_COLUMNS_MAX   40
#define NAME_COLUMNS_MIN     8

static const struct peeps_column columns[COLUMNS] = {
	[WAITED] = { .title = "WAITED", .right = true, .is_number = true },
	[PROCESS] = { .title = "PROCESS", .columns_max = PROCESS_COLUMNS_MAX },
	[ACTOR] = { .title = "ACTOR", .columns_max = ACTOR_COLUMNS_MAX, .is_escaped = true },
	[OPERATION] = { .title = "OPERATION", .columns_max = 32 },
	[RESOURCE] = { .title = "RESOURCE",
		       .columns_max = RESOURCE_COLUMNS_MAX,
		       .is_escaped = true },
	[HELD_BY] = { .title = "HELD BY", .columns_max = HOLDER_COLUMNS_MAX, .is_escaped = true },
	[FOR] = { .title = "FOR", .right = true, .is_number = true },
	[AT] = { .title = "AT", .is_extra = true },
};

/* How much is said in a row: less where the terminal is too narrow for all. */
enum brevity {
	IN_FULL,
	WITHOUT_PLACES, /* and in fewer words */
	NAMES_ALONE,    /* without what explains them; the table cuts what is still too long */
};

struct rows {
	struct peeps_telling telling; /* borrowed, whoever made it */
	enum brevity brevity;
	bool *found;           /* by node: part of a finding, or stuck behind one */
	size_t internal_count; /* waits left out */
};

/* What is beside a name explains the wait: if there is no room for both, it is the name that is cut. */
static const char *cell_of(struct rows *b, const char *before, const char *name, const char *after,
			   size_t columns_max)
{
	size_t beside;

	before = peeps_escape(b->telling.arena, before);
	name = peeps_escape(b->telling.arena, name);
	after = peeps_escape(b->telling.arena, after);
	if (!before || !name || !after)
		return NULL;
	beside = peeps_columns(before) + peeps_columns(after);
	name = peeps_elide(b->telling.arena, name,
			   columns_max > beside + NAME_COLUMNS_MIN ? columns_max - beside
								   : NAME_COLUMNS_MIN);
	return name ? peeps_arena_format(b->telling.arena, "%s%s%s", before, name, after) : NULL;
}

/* "worker-3 and 199 others" */
static const char *actor_cell(struct rows *b, const struct peeps_wait *wait, bool together)
{
	const struct peeps_edge *edge = peeps_telling_edge(&b->telling, wait);
	const char *name =
		peeps_label_actor_at_home(&b->telling.labels, b->telling.graph, edge->src,
					  b->telling.graph->nodes[edge->src].process);
	const char *others = "";

	if (together)
		others = peeps_arena_format(b->telling.arena,
					    b->brevity == IN_FULL ? " and %" PRIu32 " others"
								  : " +%" PRIu32,
					    wait->like_count - 1);
	return others ? cell_of(b, "", name, others, ACTOR_COLUMNS_MAX) : NULL;
}

/* "lock (3.2 s left)"; of a rwlock, "read lock" or "write lock" */
static const char *operation_cell(struct rows *b, const struct peeps_edge *edge, bool together)
{
	const char *timeout =
		peeps_label_timeout(b->telling.arena, b->telling.graph, edge, PEEPS_LABEL_CELL);
	const char *op = peeps_asks_to_read(edge)    ? "read lock"
			 : peeps_asks_to_write(edge) ? "write lock"
			 : edge->op_kind             ? edge->op_kind
						     : "?";

	if (timeout && (together || b->brevity == NAMES_ALONE))
		timeout = "timed"; /* each until another time */
	if (!timeout && !edge->uncertain)
		return op;
	return peeps_arena_format(b->telling.arena, "%s (%s%s%s)", op, timeout ? timeout : "",
				  timeout && edge->uncertain ? ", " : "",
				  edge->uncertain ? "unproved" : "");
}

static const char *process_key(const struct rows *b, uint32_t node)
{
	const struct peeps_graph *graph = b->telling.graph;

	return graph->processes[graph->nodes[node].process].proc_key;
}

/* "mpsc work (16/16, pool.c:76)": where it was made only if there is room for that, too. */
static const char *resource_cell(struct rows *b, const struct peeps_edge *edge)
{
	struct peeps_label_parts parts = peeps_label_resource_parts(
		b->telling.arena, b->telling.graph, edge->dst, PEEPS_LABEL_CELL);
	const char *home = process_key(b, edge->src);
	const char *kind = peeps_arena_format(b->telling.arena, "%s ", parts.kind), *whole,
		   *state = "";

	if (parts.process && strcmp(parts.process, home) != 0)
		parts.name =
			peeps_arena_format(b->telling.arena, "%s/%s", parts.process, parts.name);
	if (!parts.name)
		return NULL;

	if (parts.state && b->brevity != NAMES_ALONE)
		state = peeps_arena_format(b->telling.arena, " (%s)", parts.state);
	if (!kind || !state)
		return NULL;
	if (parts.place && b->brevity == IN_FULL) {
		whole = peeps_arena_format(b->telling.arena, "%s%s (%s%s%s)", kind, parts.name,
					   parts.state ? parts.state : "", parts.state ? ", " : "",
					   parts.place);
		whole = whole ? peeps_escape(b->telling.arena, whole) : NULL;
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
static const char *remarks_on(struct rows *b, const struct peeps_edge *hold)
{
	const char *const remarks[] = {
		doubt_of(hold),
		peeps_label_depth(b->telling.arena, hold),
		peeps_label_idleness(b->telling.graph, hold->dst),
	};
	const char *text = NULL;

	for (size_t i = 0; i < sizeof(remarks) / sizeof(remarks[0]); i++) {
		if (remarks[i])
			text = text ? peeps_arena_format(b->telling.arena, "%s, %s", text,
							 remarks[i])
				    : remarks[i];
	}
	return text;
}

static const char *holders_cell(struct rows *b, const struct peeps_wait *wait)
{
	const struct peeps_edge *edge = peeps_telling_edge(&b->telling, wait);
	const char *name, *remarks, *after = "";
	const struct peeps_edge *hold;

	if (wait->holder_count == 0 &&
	    b->telling.graph->nodes[edge->dst].kind_number == PEEPS_KIND_FOREIGN)
		return "another process";
	if (wait->holder_count == 0)
		return (edge->op == PEEPS_OP_LOCK || edge->op == PEEPS_OP_ACQUIRE) &&
				       b->telling.graph->nodes[edge->dst].role ==
					       PEEPS_ROLE_RESOURCE
			       ? "nobody"
			       : "-";
	hold = &b->telling.graph->edges[wait->holders[0]];
	name = peeps_label_actor_at_home(&b->telling.labels, b->telling.graph, hold->dst,
					 b->telling.graph->nodes[edge->src].process);
	remarks = remarks_on(b, hold);
	if (wait->holder_count > 1)
		after = peeps_arena_format(b->telling.arena, " +%zu", wait->holder_count - 1);
	else if (remarks && b->brevity != NAMES_ALONE)
		after = peeps_arena_format(b->telling.arena, " (%s)", remarks);
	return after ? cell_of(b, "", name, after, HOLDER_COLUMNS_MAX) : NULL;
}

static int add_row(struct rows *b, struct peeps_table *table, const struct peeps_wait *wait,
		   bool together)
{
	const struct peeps_edge *edge = peeps_telling_edge(&b->telling, wait);
	const char *at = peeps_label_source(b->telling.arena, &edge->source);
	const char *cells[COLUMNS];
	char waited[PEEPS_DURATION_BYTES], held[PEEPS_DURATION_BYTES] = "-";
	uint64_t numbers[COLUMNS] = { [WAITED] = wait->pending_ns, [FOR] = PEEPS_TABLE_UNKNOWN };

	if (wait->holder_count) {
		const struct peeps_edge *hold = &b->telling.graph->edges[wait->holders[0]];

		numbers[FOR] = peeps_edge_held_ns(b->telling.graph, hold);
		(void)peeps_duration_ceil(held, numbers[FOR], hold->held_accuracy_ns);
	}
	cells[WAITED] = peeps_duration_floor(waited, wait->pending_ns);
	cells[PROCESS] = process_key(b, edge->src);
	cells[ACTOR] = actor_cell(b, wait, together);
	cells[OPERATION] = operation_cell(b, edge, together);
	cells[RESOURCE] = resource_cell(b, edge);
	cells[HELD_BY] = holders_cell(b, wait);
	cells[FOR] = held;
	cells[AT] = at ? at : "-";
	return peeps_arena_failed(b->telling.arena) ? -ENOMEM
						    : peeps_table_row_keyed(table, cells, numbers);
}

/* What is found concerns everybody. */
static int find_found(struct rows *b)
{
	const struct peeps_graph *graph = b->telling.graph;

	b->found = peeps_arena_take(b->telling.arena, graph->node_count + 1, sizeof(*b->found));
	for (size_t i = 0; b->found && i < graph->finding_count; i++) {
		const struct peeps_finding *finding = &graph->findings[i];

		for (size_t n = 0; n < finding->node_count; n++)
			b->found[finding->nodes[n]] = true;
		for (size_t n = 0; n < finding->victim_count; n++)
			b->found[finding->victims[n]] = true;
	}
	return b->found ? 0 : -ENOMEM;
}

/* Of interest to who wrote it; of several told together, that is what they wait for. */
static bool is_internal(const struct rows *b, const struct peeps_wait *wait, bool together)
{
	const struct peeps_graph *graph = b->telling.graph;
	const struct peeps_edge *edge = peeps_telling_edge(&b->telling, wait);

	return (peeps_node_is_internal(&graph->nodes[edge->dst]) ||
		(!together && peeps_node_is_internal(&graph->nodes[edge->src]))) &&
	       !b->found[edge->src];
}

static int add_rows(struct rows *b, struct peeps_table *table, bool all)
{
	int r = 0;

	b->internal_count = 0;
	for (uint32_t i = 0; r == 0 && i < b->telling.waits.count; i++) {
		const struct peeps_wait *wait = &b->telling.waits.waits[i];
		const bool together =
			!all && b->telling.waits.waits[wait->like].like_count > PEEPS_ALIKE_MAX;

		if (!all && is_internal(b, wait, together))
			b->internal_count++;
		else if (!together || wait->like == i)
			r = add_row(b, table, wait, together);
	}
	return r;
}

/* The processes are told apart where there are several. */
static void choose_columns(struct peeps_column shown[static COLUMNS],
			   const struct peeps_graph *graph)
{
	memcpy(shown, columns, sizeof(columns));
	shown[PROCESS].is_extra = graph->process_count < 2;
}

int peeps_blocked_view_check(const struct peeps_graph *graph, const struct peeps_blocked_view *view,
			     struct peeps_problem *problem)
{
	struct peeps_column shown[COLUMNS];
	struct peeps_table *table;
	int r;

	choose_columns(shown, graph);
	table = peeps_table_new(shown, COLUMNS);
	r = table ? peeps_table_look(table, &view->table, problem) : -ENOMEM;
	peeps_table_free(table);
	return r;
}

/* A table of as many words as there is room for. */
static int make_table(struct rows *b, const struct peeps_column *shown,
		      const struct peeps_blocked_view *view, struct peeps_table **made,
		      struct peeps_problem *problem)
{
	int r = 0;

	for (b->brevity = IN_FULL; r == 0; b->brevity++) {
		struct peeps_table *table = peeps_table_new(shown, COLUMNS);

		r = table ? peeps_table_look(table, &view->table, problem) : -ENOMEM;
		if (r == 0)
			r = add_rows(b, table, view->all);
		if (r == 0 && (b->brevity == NAMES_ALONE || view->table.width == 0 ||
			       peeps_table_width(table) <= view->table.width)) {
			*made = table;
			return 0;
		}
		peeps_table_free(table);
	}
	return r;
}

static void print_internal(const struct rows *b, FILE *out)
{
	const bool alone = b->internal_count == b->telling.waits.count;

	if (b->internal_count)
		(void)fprintf(out, "%s%zu internal wait%s (--all shows %s)\n", alone ? "" : "and ",
			      b->internal_count, b->internal_count == 1 ? "" : "s",
			      b->internal_count == 1 ? "it" : "them");
}

int peeps_blocked_table_of(const struct peeps_telling *telling,
			   const struct peeps_blocked_view *view, FILE *out,
			   struct peeps_problem *problem)
{
	struct rows b = { .telling = *telling };
	struct peeps_column shown[COLUMNS];
	struct peeps_table *table;
	int r = find_found(&b);

	choose_columns(shown, telling->graph);
	if (r == 0)
		r = make_table(&b, shown, view, &table, problem);
	if (r == 0) {
		if (telling->waits.count > b.internal_count)
			r = peeps_table_print(table, out);
		print_internal(&b, out);
		peeps_table_free(table);
	}
	return r;
}

int peeps_blocked_table(const struct peeps_graph *graph, const struct peeps_blocked_view *view,
			FILE *out, struct peeps_problem *problem)
{
	struct peeps_telling telling;
	int r = peeps_blocked_view_check(graph, view, problem);

	if (r == 0)
		r = peeps_telling_init(&telling, graph, view->min_ns);
	if (r)
		return r;
	if (telling.waits.count)
		r = peeps_blocked_table_of(&telling, view, out, problem);
	else
		peeps_blocked_nothing(graph, view->min_ns, out);
	peeps_telling_deinit(&telling);
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
