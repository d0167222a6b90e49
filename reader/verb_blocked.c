/* SPDX-License-Identifier: MIT */
#include "reader/verb_blocked.h"

#include <errno.h>
#include <inttypes.h>
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

static void print_nothing(const struct peeps_graph *graph, uint64_t min_ns, FILE *out)
{
	(void)fprintf(out, "nothing %s%s\n",
		      peeps_graph_is_whole(graph) ? "" : "that could be recorded ",
		      min_ns ? "has waited that long" : "waits");
}

/* The table */

enum { WAITED, ACTOR, OPERATION, RESOURCE, HELD_BY, FOR, COLUMNS };

#define RESOURCE_COLUMNS_MAX 48
#define HOLDER_COLUMNS_MAX   32
#define NAME_COLUMNS_MIN     8

static const struct peeps_column columns[COLUMNS] = {
	[WAITED] = { .title = "WAITED", .right = true },
	[ACTOR] = { .title = "ACTOR", .columns_max = 24 },
	[OPERATION] = { .title = "OPERATION", .columns_max = 24 },
	[RESOURCE] = { .title = "RESOURCE",
		       .columns_max = RESOURCE_COLUMNS_MAX,
		       .is_escaped = true },
	[HELD_BY] = { .title = "HELD BY", .columns_max = HOLDER_COLUMNS_MAX, .is_escaped = true },
	[FOR] = { .title = "FOR", .right = true },
};

/* What is beside a name explains the wait: if there is no room for both, it is the name that is cut. */
static const char *cell_of(struct blocked *b, const char *before, const char *name,
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

/* "mpsc work (16/16, pool.c:76)": where it was made only if there is room for that, too. */
static const char *resource_cell(struct blocked *b, uint32_t node)
{
	const struct peeps_label_parts parts =
		peeps_label_resource_parts(b->arena, b->graph, node, PEEPS_LABEL_CELL);
	const char *kind = peeps_arena_format(b->arena, "%s ", parts.kind), *whole, *state = "";

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

static const char *holders_cell(struct blocked *b, const struct peeps_wait *wait)
{
	const uint32_t op = edge_of(b, wait)->op;
	const char *name, *doubt, *idle, *after = "";
	const struct peeps_edge *hold;

	if (wait->holder_count == 0)
		return op == PEEPS_OP_LOCK || op == PEEPS_OP_ACQUIRE ? "nobody" : "-";
	hold = &b->graph->edges[wait->holders[0]];
	name = peeps_label_actor(&b->labels, b->graph, hold->dst);
	doubt = doubt_of(hold);
	idle = peeps_label_idleness(b->graph, hold->dst);
	if (wait->holder_count > 1)
		after = peeps_arena_format(b->arena, " +%zu", wait->holder_count - 1);
	else if (doubt || idle)
		after = peeps_arena_format(b->arena, " (%s%s%s)", doubt ? doubt : "",
					   doubt && idle ? ", " : "", idle ? idle : "");
	return after ? cell_of(b, "", name, after, HOLDER_COLUMNS_MAX) : NULL;
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
	cells[RESOURCE] = resource_cell(b, edge->dst);
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
		r = peeps_table_print(table, out);
	else if (r == 0)
		print_nothing(graph, min_ns, out);
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

/* A wait that every one of so few could end hangs below each of them; else it hangs below what it waits for. */
#define HOLDERS_AS_PARENTS_MAX 3

struct child {
	uint32_t actor;
	uint32_t wait; /* position in waits; NO_WAIT: the task above runs inside this actor */
	uint32_t hold; /* PEEPS_NO_EDGE: its parent is what it waits for, not who holds it */
};

#define NO_WAIT UINT32_MAX

struct tree {
	struct blocked b;
	FILE *out;
	uint32_t *starts; /* by node: its children begin here */
	struct child
		*children; /* who waits for what it holds, or for itself, or goes on when it does */
	bool *holds_up;    /* by node: somebody waits for what it holds */
	bool *waits;       /* by node: it has something to wait for itself */
	bool *printed;     /* by node: with all that is below it */
	bool *open;        /* by node: on the path to where we are */
	struct level *path;
	size_t depth;
};

static bool hangs_below_holders(const struct peeps_wait *wait)
{
	return wait->holder_count > 0 && wait->holder_count <= HOLDERS_AS_PARENTS_MAX;
}

static void add_child(struct tree *t, bool fill, uint32_t parent, struct child child)
{
	if (fill)
		t->children[t->starts[parent + 1]++] = child;
	else
		t->starts[parent + 2]++;
}

/* Counted, then filled in: the same walk twice, as in peeps_edge_index_init(). */
static void walk_children(struct tree *t, bool fill)
{
	const struct peeps_graph *graph = t->b.graph;

	for (size_t i = 0; i < t->b.waits.count; i++) {
		const struct peeps_wait *wait = &t->b.waits.waits[i];
		struct child child = { .actor = edge_of(&t->b, wait)->src,
				       .wait = (uint32_t)i,
				       .hold = PEEPS_NO_EDGE };

		if (!hangs_below_holders(wait)) {
			add_child(t, fill, edge_of(&t->b, wait)->dst, child);
			continue;
		}
		for (size_t j = 0; j < wait->holder_count; j++) {
			child.hold = wait->holders[j];
			add_child(t, fill, graph->edges[child.hold].dst, child);
		}
	}
	for (uint32_t node = 0; node < graph->node_count; node++) {
		const uint32_t task = t->b.waits.wakers.inside[node].task;

		if (task != PEEPS_NO_NODE && t->holds_up[node] && t->waits[task])
			add_child(t, fill, task,
				  (struct child){
					  .actor = node, .wait = NO_WAIT, .hold = PEEPS_NO_EDGE });
	}
}

/* Who holds somebody up, and who waits: of the latter, an actor whose innermost task waits. */
static void mark(struct tree *t)
{
	const struct peeps_graph *graph = t->b.graph;

	for (size_t i = 0; i < t->b.waits.count; i++) {
		const struct peeps_wait *wait = &t->b.waits.waits[i];

		t->waits[edge_of(&t->b, wait)->src] = true;
		for (size_t j = 0; j < wait->holder_count && hangs_below_holders(wait); j++)
			t->holds_up[graph->edges[wait->holders[j]].dst] = true;
	}
	/* A task inside which another runs is not the innermost: none of these marks depends on another. */
	for (uint32_t node = 0; node < graph->node_count; node++) {
		const uint32_t task = t->b.waits.wakers.inside[node].task;

		t->waits[node] |= task != PEEPS_NO_NODE && t->waits[task];
	}
}

static int tree_init(struct tree *t)
{
	const size_t room = t->b.graph->node_count + 2;

	t->starts = peeps_arena_take(t->b.arena, room, sizeof(t->starts[0]));
	t->holds_up = peeps_arena_take(t->b.arena, room, sizeof(t->holds_up[0]));
	t->waits = peeps_arena_take(t->b.arena, room, sizeof(t->waits[0]));
	t->printed = peeps_arena_take(t->b.arena, room, sizeof(t->printed[0]));
	t->open = peeps_arena_take(t->b.arena, room, sizeof(t->open[0]));
	t->path = peeps_arena_take(t->b.arena, room, sizeof(t->path[0]));
	if (peeps_arena_failed(t->b.arena))
		return -ENOMEM;

	mark(t);
	walk_children(t, false);
	for (size_t i = 2; i < room; i++)
		t->starts[i] += t->starts[i - 1];
	t->children = peeps_arena_take(t->b.arena, t->starts[room - 1], sizeof(t->children[0]));
	if (!t->children)
		return -ENOMEM;
	walk_children(t, true);
	return 0;
}

static void indent(struct tree *t)
{
	const size_t levels = t->depth < INDENTED_LEVELS_MAX ? t->depth : INDENTED_LEVELS_MAX;

	(void)fprintf(t->out, "%*s", (int)(2 * levels), "");
	if (t->depth > INDENTED_LEVELS_MAX)
		(void)fprintf(t->out, "[%zu] ", t->depth);
}

/* Said of what somebody could have. A barrier, or a thing of another process, is held by nobody ever. */
static const char *vacancy_of(uint32_t kind)
{
	switch (kind) {
	case PEEPS_KIND_MUTEX:
	case PEEPS_KIND_RWLOCK:
	case PEEPS_KIND_SEMAPHORE:
		return " (held by nobody)";
	case PEEPS_KIND_MPSC_TX:
	case PEEPS_KIND_MPSC_RX:
		return " (nobody is known to have its other end)";
	default:
		return "";
	}
}

/* What nobody holds, or so many that it stands for them all. */
static void print_resource(struct tree *t, uint32_t node)
{
	const struct peeps_graph *graph = t->b.graph;
	const char *label = peeps_label_resource(t->b.arena, graph, node, PEEPS_LABEL_SHORT);
	size_t count;
	const uint32_t *holds = peeps_wakers_at(&t->b.waits.wakers, node, &count);

	peeps_escape_to(t->out, label ? label : "");
	if (count) {
		label = peeps_label_holders(t->b.arena, &t->b.labels, graph, holds, count,
					    PEEPS_LABEL_SHORT);
		(void)fputs(", ", t->out);
		peeps_escape_to(t->out, label ? label : "");
		return;
	}
	(void)fputs(vacancy_of(graph->nodes[node].kind_number), t->out);
}

static void print_root(struct tree *t, uint32_t node)
{
	const struct peeps_graph *graph = t->b.graph;

	if (graph->nodes[node].role == PEEPS_ROLE_ACTOR) {
		const char *activity = peeps_label_activity(t->b.arena, graph, node);

		peeps_escape_to(t->out, peeps_label_actor(&t->b.labels, graph, node));
		if (activity) {
			(void)fputs(" (", t->out);
			peeps_escape_to(t->out, activity);
			(void)fputc(')', t->out);
		}
	} else {
		print_resource(t, node);
	}
	(void)fputc('\n', t->out);
}

/* What makes the actor above one who could end this wait. */
static void print_hold(struct tree *t, const struct child *child)
{
	const struct peeps_graph *graph = t->b.graph;
	const struct peeps_edge *hold = &graph->edges[child->hold];
	const uint64_t held_ns = peeps_edge_held_ns(graph, hold);
	char held[PEEPS_DURATION_BYTES] = "an unknown time";

	if (hold->role_number == PEEPS_HOLD_ROLE_SENDER ||
	    hold->role_number == PEEPS_HOLD_ROLE_RECEIVER) {
		const char *label =
			peeps_label_brief_hold(t->b.arena, &t->b.labels, graph, hold,
					       t->b.waits.waits[child->wait].holder_count - 1);

		(void)fputs(", ", t->out);
		peeps_escape_to(t->out, label ? label : "");
		return;
	}
	if (held_ns != PEEPS_NO_TIME)
		(void)peeps_duration_ceil(held, held_ns, hold->held_accuracy_ns);
	if (hold->role_number == PEEPS_HOLD_ROLE_PERMIT)
		(void)fprintf(t->out, ", %" PRIu64 " held for %s", hold->count, held);
	else
		(void)fprintf(t->out, ", held for %s", held);
}

static void print_child(struct tree *t, uint32_t parent, const struct child *child,
			const char *remark)
{
	const struct peeps_graph *graph = t->b.graph;
	const char *label;

	if (child->wait == NO_WAIT)
		label = peeps_label_inside(t->b.arena, &t->b.labels, graph, child->actor, parent);
	else
		label = peeps_label_wait(t->b.arena, &t->b.labels, graph,
					 edge_of(&t->b, &t->b.waits.waits[child->wait]),
					 PEEPS_LABEL_SHORT);
	indent(t);
	peeps_escape_to(t->out, label ? label : "");
	if (child->hold != PEEPS_NO_EDGE)
		print_hold(t, child);
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
		const struct child *child;

		if (level->next == t->starts[level->node + 1]) {
			t->open[level->node] = false;
			t->depth--;
			continue;
		}
		child = &t->children[level->next++];
		if (t->open[child->actor]) {
			print_child(t, level->node, child, " (the circle closes)");
		} else if (t->printed[child->actor] &&
			   t->starts[child->actor] != t->starts[child->actor + 1]) {
			print_child(t, level->node, child, " (shown above)");
		} else {
			print_child(t, level->node, child, "");
			descend(t, child->actor);
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

		if (!hangs_below_holders(wait)) {
			print_tree_once(t, edge_of(&t->b, wait)->dst);
			continue;
		}
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
		print_nothing(graph, min_ns, out);
	if (peeps_arena_failed(t.b.arena))
		r = -ENOMEM;
	blocked_deinit(&t.b);
	return r;
}

/* JSON */

#define HOLDERS_LISTED_MAX 100 /* of one wait: there may be as many waits */

static void write_holder(struct peeps_json *json, const struct peeps_graph *graph,
			 const struct peeps_edge *hold)
{
	peeps_json_map(json);
	peeps_json_text_at(json, "actor", graph->nodes[hold->dst].id);
	peeps_json_text_at(json, "name", graph->nodes[hold->dst].name);
	peeps_json_text_at(json, "role", hold->role);
	peeps_json_text_at(json, "mode", hold->mode);
	peeps_json_number_at(json, "count", hold->count);
	peeps_json_number_at(json, "held_ns", peeps_edge_held_ns(graph, hold));
	peeps_json_number_at(json, "held_accuracy_ns",
			     hold->held_since_ns == PEEPS_NO_TIME ? PEEPS_NO_TIME
								  : hold->held_accuracy_ns);
	peeps_json_source_at(json, "source", &hold->source);
	peeps_json_key(json, "exited");
	peeps_json_bool(json, graph->nodes[hold->dst].gone);
	peeps_json_key(json, "sleeping");
	peeps_json_bool(json, peeps_is_asleep(graph, hold->dst));
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
	peeps_json_number_at(json, "holder_count", wait->holder_count);
	peeps_json_key(json, "holders");
	peeps_json_array(json);
	for (size_t i = 0; i < wait->holder_count && i < HOLDERS_LISTED_MAX; i++)
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
