/* SPDX-License-Identifier: MIT */
#include "reader/verb_blocked.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reader/arena.h"
#include "reader/json.h"
#include "reader/labels.h"
#include "reader/print.h"
#include "reader/table.h"
#include "reader/waits.h"

/* What the table and the tree are made from. */
struct blocked {
	const struct peeps_graph *graph;
	struct peeps_arena *arena;
	struct peeps_labels labels;
	struct peeps_waits waits;
};

static int blocked_init(struct blocked *b, const struct peeps_graph *graph, uint64_t min_ns)
{
	int r;

	b->graph = graph;
	b->arena = peeps_arena_new(0);
	if (!b->arena)
		return -ENOMEM;
	r = peeps_labels_init(&b->labels, graph);
	if (r)
		goto fail_labels;
	r = peeps_waits_init(&b->waits, graph, min_ns);
	if (r)
		goto fail_waits;
	return 0;
fail_waits:
	peeps_labels_deinit(&b->labels);
fail_labels:
	peeps_arena_free(b->arena);
	return r;
}

static void blocked_deinit(struct blocked *b)
{
	peeps_waits_deinit(&b->waits);
	peeps_labels_deinit(&b->labels);
	peeps_arena_free(b->arena);
}

static const struct peeps_edge *edge_of(const struct blocked *b, const struct peeps_wait *wait)
{
	return &b->graph->edges[wait->edge];
}

/* The table */

enum { WAITED, ACTOR, OPERATION, RESOURCE, HELD_BY, FOR, COLUMNS };

static const struct peeps_column columns[COLUMNS] = {
	[WAITED] = { "WAITED", true, 0 },         [ACTOR] = { "ACTOR", false, 24 },
	[OPERATION] = { "OPERATION", false, 16 }, [RESOURCE] = { "RESOURCE", false, 48 },
	[HELD_BY] = { "HELD BY", false, 24 },     [FOR] = { "FOR", true, 0 },
};

static const char *holders_cell(struct blocked *b, const struct peeps_wait *wait)
{
	const struct peeps_edge *hold;
	const char *name;

	if (wait->holder_count == 0)
		return edge_of(b, wait)->op == PEEPS_OP_LOCK ? "nobody" : "-";
	hold = &b->graph->edges[wait->holders[0]];
	name = peeps_label_actor(&b->labels, b->graph, hold->dst);
	if (wait->holder_count > 1)
		return peeps_arena_format(b->arena, "%s +%zu", name, wait->holder_count - 1);
	if (b->graph->nodes[hold->dst].gone)
		return peeps_arena_format(b->arena, "%s (exited)", name);
	return name;
}

static int add_row(struct blocked *b, struct peeps_table *table, const struct peeps_wait *wait)
{
	const struct peeps_edge *edge = edge_of(b, wait);
	const char *cells[COLUMNS];
	char waited[PEEPS_DURATION_BYTES], held[PEEPS_DURATION_BYTES] = "-";

	if (wait->holder_count) {
		const struct peeps_edge *hold = &b->graph->edges[wait->holders[0]];

		(void)peeps_duration_ceil(held, peeps_edge_held_ns(b->graph, hold),
					  hold->held_accuracy_ns);
	}
	cells[WAITED] = peeps_duration_floor(waited, wait->pending_ns);
	cells[ACTOR] = peeps_label_actor(&b->labels, b->graph, edge->src);
	cells[OPERATION] = peeps_arena_format(b->arena, "%s%s", edge->op_kind ? edge->op_kind : "?",
					      edge->uncertain ? " (unproved)" : "");
	cells[RESOURCE] = peeps_label_resource(b->arena, b->graph, edge->dst, PEEPS_LABEL_CELL);
	cells[HELD_BY] = holders_cell(b, wait);
	cells[FOR] = held;
	return peeps_arena_failed(b->arena) ? -ENOMEM : peeps_table_row(table, cells);
}

int peeps_blocked_table(const struct peeps_graph *graph, uint64_t min_ns, FILE *out)
{
	struct peeps_table *table;
	struct blocked b;
	int r = blocked_init(&b, graph, min_ns);

	if (r)
		return r;
	table = peeps_table_new(columns, COLUMNS);
	r = table ? 0 : -ENOMEM;
	for (size_t i = 0; r == 0 && i < b.waits.count; i++)
		r = add_row(&b, table, &b.waits.waits[i]);
	if (r == 0 && b.waits.count)
		peeps_table_print(table, out);
	else if (r == 0)
		(void)fputs(min_ns ? "nothing has waited that long\n" : "nothing waits\n", out);
	peeps_table_free(table);
	blocked_deinit(&b);
	return r;
}

/* The tree */

#define INDENTED_LEVELS_MAX \
	16 /* deeper ones show their number instead: a long chain stays readable */

struct level {
	uint32_t node;
	uint32_t next; /* child to print */
};

struct tree {
	struct blocked b;
	FILE *out;
	uint32_t *
		starts; /* by node: its children begin here: who waits for what it holds, or for itself if nobody does */
	uint32_t *children; /* positions in waits */
	uint32_t *holds;    /* beside children: the `holds` edge; PEEPS_NO_NODE = nobody holds it */
	bool *waits;        /* by node */
	bool *printed;      /* by node: with all that is below it */
	bool *open;         /* by node: on the path to where we are */
	struct level *path;
	size_t depth;
};

/* Counted, then filled in: the same walk twice, as in peeps_edge_index_init(). */
static void walk_children(struct tree *t, bool fill)
{
	for (size_t i = 0; i < t->b.waits.count; i++) {
		const struct peeps_wait *wait = &t->b.waits.waits[i];
		const size_t count = wait->holder_count ? wait->holder_count : 1;

		for (size_t j = 0; j < count; j++) {
			const uint32_t hold = wait->holder_count ? wait->holders[j] : PEEPS_NO_NODE;
			const uint32_t parent = wait->holder_count ? t->b.graph->edges[hold].dst
								   : edge_of(&t->b, wait)->dst;

			if (!fill) {
				t->starts[parent + 2]++;
				continue;
			}
			t->children[t->starts[parent + 1]] = (uint32_t)i;
			t->holds[t->starts[parent + 1]++] = hold;
		}
	}
}

static int tree_init(struct tree *t)
{
	const size_t room = t->b.graph->node_count + 2;

	t->starts = peeps_arena_take(t->b.arena, room, sizeof(t->starts[0]));
	t->waits = peeps_arena_take(t->b.arena, room, sizeof(t->waits[0]));
	t->printed = peeps_arena_take(t->b.arena, room, sizeof(t->printed[0]));
	t->open = peeps_arena_take(t->b.arena, room, sizeof(t->open[0]));
	t->path = peeps_arena_take(t->b.arena, room, sizeof(t->path[0]));
	if (peeps_arena_failed(t->b.arena))
		return -ENOMEM;

	walk_children(t, false);
	for (size_t i = 2; i < room; i++)
		t->starts[i] += t->starts[i - 1];
	t->children = peeps_arena_take(t->b.arena, t->starts[room - 1], sizeof(t->children[0]));
	t->holds = peeps_arena_take(t->b.arena, t->starts[room - 1], sizeof(t->holds[0]));
	if (peeps_arena_failed(t->b.arena))
		return -ENOMEM;
	walk_children(t, true);
	for (size_t i = 0; i < t->b.waits.count; i++)
		t->waits[edge_of(&t->b, &t->b.waits.waits[i])->src] = true;
	return 0;
}

static void indent(struct tree *t)
{
	const size_t levels = t->depth < INDENTED_LEVELS_MAX ? t->depth : INDENTED_LEVELS_MAX;

	(void)fprintf(t->out, "%*s", (int)(2 * levels), "");
	if (t->depth > INDENTED_LEVELS_MAX)
		(void)fprintf(t->out, "[%zu] ", t->depth);
}

static void print_root(struct tree *t, uint32_t node)
{
	const struct peeps_graph *graph = t->b.graph;
	const struct peeps_value *activity = peeps_graph_attribute(&graph->nodes[node], "activity");

	if (graph->nodes[node].role == PEEPS_ROLE_ACTOR) {
		peeps_escape_to(t->out, peeps_label_actor(&t->b.labels, graph, node));
		if (graph->nodes[node].gone)
			(void)fputs(" (exited)", t->out);
		else if (activity && activity->type == PEEPS_VALUE_TEXT)
			(void)fprintf(t->out, " (%s)", activity->as.text);
	} else {
		const char *label =
			peeps_label_resource(t->b.arena, graph, node, PEEPS_LABEL_SHORT);

		peeps_escape_to(t->out, label ? label : "");
		(void)fputs(" (held by nobody)", t->out);
	}
	(void)fputc('\n', t->out);
}

static void print_waiter(struct tree *t, const struct peeps_edge *edge, uint32_t hold,
			 const char *remark)
{
	const struct peeps_graph *graph = t->b.graph;
	const char *label =
		peeps_label_wait(t->b.arena, &t->b.labels, graph, edge, PEEPS_LABEL_SHORT);

	indent(t);
	peeps_escape_to(t->out, label ? label : "");
	if (hold != PEEPS_NO_NODE) {
		const uint64_t held_ns = peeps_edge_held_ns(graph, &graph->edges[hold]);
		char held[PEEPS_DURATION_BYTES] = "an unknown time";

		if (held_ns != PEEPS_NO_TIME)
			(void)peeps_duration_ceil(held, held_ns,
						  graph->edges[hold].held_accuracy_ns);
		(void)fprintf(t->out, ", held for %s", held);
	}
	(void)fprintf(t->out, "%s\n", remark);
}

static void descend(struct tree *t, uint32_t node)
{
	t->open[node] = true;
	t->printed[node] = true;
	t->path[t->depth++] = (struct level){ .node = node, .next = t->starts[node] };
}

static void print_tree(struct tree *t, uint32_t root)
{
	print_root(t, root);
	descend(t, root);
	while (t->depth) {
		struct level *level = &t->path[t->depth - 1];
		const struct peeps_edge *edge;
		uint32_t child;

		if (level->next == t->starts[level->node + 1]) {
			t->open[level->node] = false;
			t->depth--;
			continue;
		}
		child = level->next++;
		edge = edge_of(&t->b, &t->b.waits.waits[t->children[child]]);
		if (t->open[edge->src]) {
			print_waiter(t, edge, t->holds[child], " (the circle closes)");
		} else if (t->printed[edge->src] &&
			   t->starts[edge->src] != t->starts[edge->src + 1]) {
			print_waiter(t, edge, t->holds[child], " (shown above)");
		} else {
			print_waiter(t, edge, t->holds[child], "");
			descend(t, edge->src);
		}
	}
}

static void print_tree_once(struct tree *t, uint32_t root)
{
	if (!t->printed[root])
		print_tree(t, root);
}

static void print_trees(struct tree *t)
{
	const struct peeps_graph *graph = t->b.graph;

	/* Those who hold others up and wait for nothing themselves; by the longest wait that they cause. */
	for (size_t i = 0; i < t->b.waits.count; i++) {
		const struct peeps_wait *wait = &t->b.waits.waits[i];

		if (wait->holder_count == 0)
			print_tree_once(t, edge_of(&t->b, wait)->dst);
		for (size_t j = 0; j < wait->holder_count; j++) {
			if (!t->waits[graph->edges[wait->holders[j]].dst])
				print_tree_once(t, graph->edges[wait->holders[j]].dst);
		}
	}
	/* What is left waits in circles. */
	for (size_t i = 0; i < graph->finding_count; i++) {
		const struct peeps_finding *finding = &graph->findings[i];

		if (finding->kind == PEEPS_FINDING_DEADLOCK && t->waits[finding->nodes[0]])
			print_tree_once(t, finding->nodes[0]);
	}
	for (size_t i = 0; i < t->b.waits.count; i++)
		print_tree_once(t, edge_of(&t->b, &t->b.waits.waits[i])->src);
}

int peeps_blocked_tree(const struct peeps_graph *graph, uint64_t min_ns, FILE *out)
{
	struct tree t = { .out = out };
	int r = blocked_init(&t.b, graph, min_ns);

	if (r)
		return r;
	r = tree_init(&t);
	if (r == 0 && t.b.waits.count)
		print_trees(&t);
	else if (r == 0)
		(void)fputs(min_ns ? "nothing has waited that long\n" : "nothing waits\n", out);
	if (peeps_arena_failed(t.b.arena))
		r = -ENOMEM;
	blocked_deinit(&t.b);
	return r;
}

/* JSON */

static void write_holder(struct peeps_json *json, const struct peeps_graph *graph,
			 const struct peeps_edge *hold)
{
	peeps_json_map(json);
	peeps_json_text_at(json, "actor", graph->nodes[hold->dst].id);
	peeps_json_text_at(json, "name", graph->nodes[hold->dst].name);
	peeps_json_number_at(json, "held_ns", peeps_edge_held_ns(graph, hold));
	peeps_json_number_at(json, "held_accuracy_ns",
			     hold->held_since_ns == PEEPS_NO_TIME ? PEEPS_NO_TIME
								  : hold->held_accuracy_ns);
	peeps_json_source_at(json, "source", &hold->source);
	peeps_json_key(json, "exited");
	peeps_json_bool(json, graph->nodes[hold->dst].gone);
	peeps_json_map_end(json);
}

static void write_wait(struct peeps_json *json, const struct peeps_graph *graph,
		       const struct peeps_wait *wait)
{
	const struct peeps_edge *edge = &graph->edges[wait->edge];

	peeps_json_map(json);
	peeps_json_text_at(json, "actor", graph->nodes[edge->src].id);
	peeps_json_text_at(json, "actor_name", graph->nodes[edge->src].name);
	peeps_json_text_at(json, "op_kind", edge->op_kind);
	peeps_json_text_at(json, "resource", graph->nodes[edge->dst].id);
	peeps_json_text_at(json, "resource_name", graph->nodes[edge->dst].name);
	peeps_json_source_at(json, "resource_source", &graph->nodes[edge->dst].source);
	peeps_json_number_at(json, "pending_ns", wait->pending_ns);
	peeps_json_source_at(json, "source", &edge->source);
	if (edge->uncertain) {
		peeps_json_key(json, "uncertain");
		peeps_json_bool(json, true);
	}
	peeps_json_key(json, "holders");
	peeps_json_array(json);
	for (size_t i = 0; i < wait->holder_count; i++)
		write_holder(json, graph, &graph->edges[wait->holders[i]]);
	peeps_json_array_end(json);
	peeps_json_map_end(json);
}

int peeps_blocked_json(const struct peeps_graph *graph, uint64_t min_ns, struct peeps_json *json)
{
	struct peeps_waits waits;
	int r = peeps_waits_init(&waits, graph, min_ns);

	if (r)
		return r;
	peeps_json_key(json, "waits");
	peeps_json_array(json);
	for (size_t i = 0; i < waits.count; i++)
		write_wait(json, graph, &waits.waits[i]);
	peeps_json_array_end(json);
	peeps_waits_deinit(&waits);
	return 0;
}
