/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "reader/format/print.h"
#include "reader/verbs/diff_sections.h"
#include "reader/verbs/verb_blocked.h"
#include "reader/words/telling.h"

static bool is_same_wait(const void *context, uint32_t edge)
{
	const struct peeps_difference *difference = context;

	return difference->edges.before[edge] != PEEPS_NOT_THERE &&
	       peeps_difference_proves_after(difference, edge);
}

static bool is_perhaps_same(const void *context, uint32_t edge)
{
	const struct peeps_difference *difference = context;

	return difference->edges.before[edge] != PEEPS_NOT_THERE &&
	       !peeps_difference_proves_after(difference, edge);
}

static bool is_new(const void *context, uint32_t edge)
{
	const struct peeps_difference *difference = context;

	return difference->edges.before[edge] == PEEPS_NOT_THERE &&
	       peeps_difference_shares_after(difference, edge);
}

static bool is_ended(const void *context, uint32_t edge)
{
	const struct peeps_difference *difference = context;

	return difference->edges.after[edge] == PEEPS_NOT_THERE &&
	       peeps_difference_shares_before(difference, edge);
}

typedef bool is_wanted_fn(const void *context, uint32_t edge);

/* As blocked shows them. */
static int print_waits(const struct peeps_diff_text *t, is_wanted_fn *wanted, const char *title)
{
	const struct peeps_wait_filter filter = { .min_ns = t->view->min_ns,
						  .wanted = wanted,
						  .context = t->difference };
	const struct peeps_blocked_view view = {
		.all = t->view->all,
		.table = { .width = t->view->width, .colored = t->view->colored },
	};
	struct peeps_telling telling;
	int r = peeps_telling_init_some(&telling, t->difference->after, &filter);

	if (r)
		return r;
	if (telling.waits.count) {
		peeps_diff_title(t, title);
		r = peeps_blocked_table_of(&telling, &view, t->out, t->problem);
	}
	peeps_telling_deinit(&telling);
	return r;
}

enum {
	ENDED_WAITED,
	ENDED_PROCESS,
	ENDED_ACTOR,
	ENDED_OPERATION,
	ENDED_RESOURCE,
	ENDED_NOW,
	ENDED_COLUMNS
};

static const struct peeps_column ended_columns[ENDED_COLUMNS] = {
	[ENDED_WAITED] = { .title = "HAD WAITED", .right = true },
	[ENDED_PROCESS] = { .title = "PROCESS", .columns_max = 24 },
	[ENDED_ACTOR] = { .title = "ACTOR", .columns_max = 32 },
	[ENDED_OPERATION] = { .title = "OPERATION", .columns_max = 32 },
	[ENDED_RESOURCE] = { .title = "RESOURCE", .columns_max = 48 },
	[ENDED_NOW] = { .title = "NOW", .columns_max = 48 },
};

/* What the actor does instead. now: of all waits of the graph after. */
static const char *doing_now(const struct peeps_diff_text *t, const struct peeps_telling *now,
			     const struct peeps_edge *wait)
{
	const uint32_t actor = t->difference->nodes.after[wait->src];
	const struct peeps_edge *next;
	const char *activity;
	const uint32_t *waits;
	size_t count;

	if (actor == PEEPS_NOT_THERE)
		return "gone";
	waits = peeps_wait_index_at(&now->by_actor, actor, &count);
	if (count == 0) {
		activity = peeps_label_activity(now->arena, now->graph, actor);
		return activity ? activity : "-";
	}
	next = peeps_telling_edge(now, &now->waits.waits[waits[0]]);
	return peeps_arena_format(
		now->arena, "%s %s", next->op_kind ? next->op_kind : "?",
		peeps_label_resource(now->arena, now->graph, next->dst, PEEPS_LABEL_CELL));
}

static int add_ended(const struct peeps_diff_text *t, struct peeps_table *table,
		     const struct peeps_telling *then, const struct peeps_telling *now,
		     const struct peeps_wait *wait)
{
	const struct peeps_edge *edge = peeps_telling_edge(then, wait);
	const struct peeps_graph *before = then->graph;
	const uint32_t home = before->nodes[edge->src].process;
	char waited[PEEPS_DURATION_BYTES];
	const char *cells[ENDED_COLUMNS] = {
		[ENDED_WAITED] = peeps_duration_floor(waited, wait->pending_ns),
		[ENDED_PROCESS] = before->processes[home].proc_key,
		[ENDED_ACTOR] = peeps_label_actor_at_home(&then->labels, before, edge->src, home),
		[ENDED_OPERATION] = edge->op_kind ? edge->op_kind : "?",
		[ENDED_RESOURCE] =
			peeps_label_resource(then->arena, before, edge->dst, PEEPS_LABEL_CELL),
		[ENDED_NOW] = doing_now(t, now, edge),
	};

	if (!peeps_difference_proves_ended(t->difference, wait->edge))
		cells[ENDED_OPERATION] =
			peeps_arena_format(then->arena, "%s (unproved)", cells[ENDED_OPERATION]);
	if (peeps_arena_failed(then->arena) || peeps_arena_failed(now->arena))
		return -ENOMEM;
	return peeps_table_row(table, cells);
}

static int print_ended_of(const struct peeps_diff_text *t, const struct peeps_telling *then,
			  const struct peeps_telling *now)
{
	const size_t count = then->waits.count;
	const size_t shown =
		t->view->all || count < PEEPS_DIFF_ROWS_MAX ? count : PEEPS_DIFF_ROWS_MAX;
	struct peeps_column columns[ENDED_COLUMNS];
	struct peeps_table *table;
	int r = 0;

	if (count == 0)
		return 0;
	memcpy(columns, ended_columns, sizeof(columns));
	columns[ENDED_PROCESS].is_extra = t->difference->before->process_count < 2;
	table = peeps_diff_table(t, columns, ENDED_COLUMNS);
	if (!table)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < shown; i++)
		r = add_ended(t, table, then, now, &then->waits.waits[i]);
	if (r) {
		peeps_table_free(table);
		return r;
	}
	peeps_diff_title(t, "Waits that ended");
	return peeps_diff_table_end(t, table, count - shown);
}

static int print_ended(const struct peeps_diff_text *t)
{
	const struct peeps_wait_filter filter = { .min_ns = t->view->min_ns,
						  .wanted = is_ended,
						  .context = t->difference };
	struct peeps_telling then, now;
	int r = peeps_telling_init_some(&then, t->difference->before, &filter);

	if (r)
		return r;
	r = peeps_telling_init(&now, t->difference->after, 0);
	if (r == 0) {
		r = print_ended_of(t, &then, &now);
		peeps_telling_deinit(&now);
	}
	peeps_telling_deinit(&then);
	return r;
}

int peeps_diff_waits(const struct peeps_diff_text *t)
{
	int r = print_waits(t, is_same_wait, "No progress: the same waits as before");

	if (r == 0)
		r = print_waits(t, is_perhaps_same,
				"Perhaps the same waits as before: it is not proved");
	if (r == 0)
		r = print_waits(t, is_new, "New waits");
	return r ? r : print_ended(t);
}
