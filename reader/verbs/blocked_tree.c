/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>

#include "reader/format/print.h"
#include "reader/graph/ends.h"
#include "reader/verbs/verb_blocked.h"
#include "reader/words/telling.h"

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
	uint32_t more; /* like this one, holding up nobody either, and not shown */
	bool hidden;   /* one of those */
};

#define NO_WAIT UINT32_MAX

struct tree {
	struct peeps_telling b;
	FILE *out;
	bool all;         /* show each */
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
		struct child child = { .actor = peeps_telling_edge(&t->b, wait)->src,
				       .wait = (uint32_t)i,
				       .hold = PEEPS_NO_EDGE };

		if (!hangs_below_holders(wait)) {
			add_child(t, fill, peeps_telling_edge(&t->b, wait)->dst, child);
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

		t->waits[peeps_telling_edge(&t->b, wait)->src] = true;
		for (size_t j = 0; j < wait->holder_count && hangs_below_holders(wait); j++)
			t->holds_up[graph->edges[wait->holders[j]].dst] = true;
	}
	/* A task inside which another runs is not the innermost: none of these marks depends on another. */
	for (uint32_t node = 0; node < graph->node_count; node++) {
		const uint32_t task = t->b.waits.wakers.inside[node].task;

		t->waits[node] |= task != PEEPS_NO_NODE && t->waits[task];
	}
}

/* By the longest wait of those that are alike: the shown ones below the parent that is looked at. */
struct shown {
	uint32_t parent; /* whose they are, plus one */
	uint32_t count;
	uint32_t last; /* position in children */
};

static bool holds_up_nobody(const struct tree *t, uint32_t actor)
{
	return t->starts[actor] == t->starts[actor + 1];
}

/* Of those below a parent that are alike, and have nobody below them, the first ones stand for all. */
static int hide_alike(struct tree *t)
{
	const struct peeps_graph *graph = t->b.graph;
	struct shown *by_like =
		peeps_arena_take(t->b.arena, t->b.waits.count + 1, sizeof(*by_like));

	if (!by_like)
		return -ENOMEM;
	for (uint32_t parent = 0; parent < graph->node_count; parent++) {
		for (uint32_t i = t->starts[parent]; i < t->starts[parent + 1]; i++) {
			struct child *child = &t->children[i];
			struct shown *shown;

			if (child->wait == NO_WAIT || !holds_up_nobody(t, child->actor))
				continue;
			shown = &by_like[t->b.waits.waits[child->wait].like];
			if (shown->parent != parent + 1)
				*shown = (struct shown){ .parent = parent + 1 };
			child->hidden = shown->count == PEEPS_ALIKE_MAX;
			if (child->hidden) {
				t->children[shown->last].more++;
			} else {
				shown->count++;
				shown->last = i;
			}
		}
	}
	return 0;
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
	return t->all ? 0 : hide_alike(t);
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
	if (peeps_kind_is_channel_end(kind))
		return " (nobody is known to have its other end)";
	switch (kind) {
	case PEEPS_KIND_MUTEX:
	case PEEPS_KIND_RWLOCK:
	case PEEPS_KIND_SEMAPHORE:
		return " (held by nobody)";
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
					 peeps_telling_edge(&t->b, &t->b.waits.waits[child->wait]),
					 PEEPS_LABEL_SHORT);
	indent(t);
	peeps_escape_to(t->out, label ? label : "");
	if (child->hold != PEEPS_NO_EDGE)
		print_hold(t, child);
	(void)fprintf(t->out, "%s\n", remark);
	if (child->more) {
		indent(t);
		(void)fprintf(t->out, "and %" PRIu32 " more for the same (--all shows them)\n",
			      child->more);
	}
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
		if (child->hidden) {
			t->printed[child->actor] = true;
		} else if (t->open[child->actor]) {
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
			print_tree_once(t, peeps_telling_edge(&t->b, wait)->dst);
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

		if (finding->kind == PEEPS_FINDING_DEADLOCK && finding->node_count > 0 &&
		    t->waits[finding->nodes[0]])
			print_tree_once(t, finding->nodes[0]);
	}
	for (size_t i = 0; i < t->b.waits.count; i++)
		print_tree_once(t, peeps_telling_edge(&t->b, &t->b.waits.waits[i])->src);
}

int peeps_blocked_tree(const struct peeps_graph *graph, const struct peeps_blocked_view *view,
		       FILE *out)
{
	struct tree t = { .out = out, .all = view->all };
	int r = peeps_telling_init(&t.b, graph, view->min_ns);

	if (r)
		return r;
	r = tree_init(&t);
	if (r == 0 && t.b.waits.count)
		print_trees(&t);
	else if (r == 0)
		peeps_blocked_nothing(graph, view->min_ns, out);
	if (peeps_arena_failed(t.b.arena))
		r = -ENOMEM;
	peeps_telling_deinit(&t.b);
	return r;
}
