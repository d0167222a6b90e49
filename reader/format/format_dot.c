/* SPDX-License-Identifier: MIT */
#include "reader/format/format_dot.h"

#include <errno.h>
#include <inttypes.h>

#include "reader/format/print.h"
#include "reader/words/telling.h"

/* Told apart by most eyes, and dark text can be read on them (Brewer's pastels). One per process, over and over. */
static const char *const palette[] = {
	"#cfe2f3", "#d9ead3", "#fce5cd", "#e6d5ee", "#fff2cc", "#d0e8e6", "#f4d3d9", "#dddddd",
};

#define CERTAIN_COLOR  "#c00000"
#define POSSIBLE_COLOR "#e08000"
#define PENDING_COLOR  "#2050c0"
#define LABEL_COLUMNS  40 /* longer names are elided: the picture has to be looked at */

enum verdict { FINE, POSSIBLE, CERTAIN };

struct picture {
	const struct peeps_graph *graph;
	struct peeps_telling telling;
	FILE *out;
	uint32_t *drawn_as;     /* by node: itself, or the other end that stands for both */
	unsigned char *of_node; /* enum verdict, by node */
	unsigned char *of_edge; /* by edge */
};

/* --- what is drawn ---------------------------------------------------------------------------------------------- */

static bool is_pair(const struct peeps_edge *edge)
{
	return edge->kind == PEEPS_EDGE_CHANNEL_LINK || edge->kind == PEEPS_EDGE_RPC_LINK;
}

static bool is_operation(const struct peeps_edge *edge)
{
	return edge->kind == PEEPS_EDGE_NEEDS && edge->op != PEEPS_OP_NONE;
}

static uint32_t process_of(const struct picture *p, uint32_t node)
{
	return p->graph->nodes[node].process;
}

/* The receiving end, or response, becomes the sending one, or request. Each end once: links may contradict each other. */
static void merge_pairs(struct picture *p)
{
	const struct peeps_graph *graph = p->graph;

	for (uint32_t i = 0; i < graph->node_count; i++)
		p->drawn_as[i] = i;
	for (size_t i = 0; i < graph->edge_count; i++) {
		const struct peeps_edge *edge = &graph->edges[i];

		if (is_pair(edge) && edge->src != edge->dst &&
		    process_of(p, edge->src) == process_of(p, edge->dst) &&
		    p->drawn_as[edge->src] == edge->src && p->drawn_as[edge->dst] == edge->dst)
			p->drawn_as[edge->dst] = edge->src;
	}
}

static void raise(unsigned char *verdict, bool certain)
{
	const unsigned char raised = certain ? CERTAIN : POSSIBLE;

	if (*verdict < raised)
		*verdict = raised;
}

static void mark_findings(struct picture *p)
{
	for (size_t i = 0; i < p->graph->finding_count; i++) {
		const struct peeps_finding *finding = &p->graph->findings[i];

		for (size_t j = 0; j < finding->node_count; j++)
			raise(&p->of_node[p->drawn_as[finding->nodes[j]]], finding->certain);
		for (size_t j = 0; j < finding->edge_count; j++)
			raise(&p->of_edge[finding->edges[j]], finding->certain);
	}
}

static int picture_init(struct picture *p)
{
	struct peeps_arena *arena = p->telling.arena;

	p->drawn_as = peeps_arena_take(arena, p->graph->node_count + 1, sizeof(p->drawn_as[0]));
	p->of_node = peeps_arena_take(arena, p->graph->node_count + 1, 1);
	p->of_edge = peeps_arena_take(arena, p->graph->edge_count + 1, 1);
	if (peeps_arena_failed(arena))
		return -ENOMEM;
	merge_pairs(p);
	mark_findings(p);
	return 0;
}

/* --- texts ------------------------------------------------------------------------------------------------------ */

/* Between quotes: what is shown is escaped for people already, so that only dot's own signs are left. */
static void print_escaped(const struct picture *p, const char *shown)
{
	for (; shown && *shown; shown++) {
		if (*shown == '&') {
			(void)fputs("&amp;", p->out);
			continue;
		}
		if (*shown == '"' || *shown == '\\')
			(void)fputc('\\', p->out);
		(void)fputc(*shown, p->out);
	}
}

static void print_quoted(const struct picture *p, const char *text)
{
	print_escaped(p, peeps_escape(p->telling.arena, text));
}

static void print_elided(const struct picture *p, const char *text)
{
	const char *shown = text ? peeps_escape(p->telling.arena, text) : NULL;

	print_escaped(p, shown ? peeps_elide(p->telling.arena, shown, LABEL_COLUMNS) : NULL);
}

static const char *color_of(unsigned char verdict)
{
	return verdict == CERTAIN ? CERTAIN_COLOR : verdict == POSSIBLE ? POSSIBLE_COLOR : NULL;
}

/* --- nodes ------------------------------------------------------------------------------------------------------ */

static void print_line(const struct picture *p, const char *text)
{
	(void)fputs("\\n", p->out);
	print_elided(p, text);
}

/* It stands for something of a process that is not in the picture. */
static bool is_foreign(const struct picture *p, uint32_t node)
{
	return p->graph->nodes[node].kind_number == PEEPS_KIND_FOREIGN;
}

static void print_label(const struct picture *p, uint32_t number)
{
	const struct peeps_node *node = &p->graph->nodes[number];
	const struct peeps_label_parts parts =
		peeps_label_resource_parts(p->telling.arena, p->graph, number, PEEPS_LABEL_CELL);

	if (node->role == PEEPS_ROLE_ACTOR) {
		const char *activity = peeps_label_activity(p->telling.arena, p->graph, number);

		print_elided(p, peeps_label_actor_at_home(&p->telling.labels, p->graph, number,
							  node->process));
		if (activity)
			print_line(p, activity);
		return;
	}
	print_elided(p, parts.kind);
	print_line(p, parts.name);
	if (parts.process && is_foreign(p, number))
		print_line(p, parts.process);
	if (parts.state)
		print_line(p, parts.state);
	if (parts.place)
		print_line(p, parts.place);
}

static void print_node(const struct picture *p, uint32_t number)
{
	const struct peeps_node *node = &p->graph->nodes[number];
	const char *color = color_of(p->of_node[number]);
	const bool actor = node->role == PEEPS_ROLE_ACTOR;

	(void)fprintf(p->out, "    n%" PRIu32 " [label=\"", number);
	print_label(p, number);
	(void)fputs("\", tooltip=\"", p->out);
	print_quoted(p, node->id);
	(void)fprintf(p->out, "\", shape=%s, fillcolor=\"%s\"", actor ? "ellipse" : "box",
		      is_foreign(p, number)
			      ? "#ffffff"
			      : palette[node->process % (sizeof(palette) / sizeof(palette[0]))]);
	if (color)
		(void)fprintf(p->out, ", color=\"%s\", penwidth=3", color);
	if (node->gone || is_foreign(p, number))
		(void)fputs(", style=\"filled,dashed\"", p->out);
	(void)fputs("];\n", p->out);
}

/* Nodes by process: one pass for each process would be too many of a thousand. */
static int print_clusters(const struct picture *p)
{
	const struct peeps_graph *graph = p->graph;
	uint32_t *next = peeps_arena_take(p->telling.arena, graph->node_count + 1, sizeof(*next));
	uint32_t *first =
		peeps_arena_take(p->telling.arena, graph->process_count + 1, sizeof(*first));

	uint32_t cluster;

	if (!next || !first)
		return -ENOMEM;
	/* From the last one, so that each list is in order; numbers plus one, for zero ends a list. */
	for (uint32_t i = (uint32_t)graph->node_count; i-- > 0;) {
		if (p->drawn_as[i] != i)
			continue;
		cluster = is_foreign(p, i) ? (uint32_t)graph->process_count : process_of(p, i);
		next[i] = first[cluster];
		first[cluster] = i + 1;
	}
	for (size_t process = 0; process < graph->process_count; process++) {
		(void)fprintf(p->out, "  subgraph cluster_%zu {\n    label=\"", process);
		print_quoted(p, graph->processes[process].proc_key);
		(void)fprintf(
			p->out,
			"\";\n    fontname=\"sans-serif\";\n    penwidth=3;\n    color=\"%s\";\n",
			palette[process % (sizeof(palette) / sizeof(palette[0]))]);
		for (uint32_t i = first[process]; i; i = next[i - 1])
			print_node(p, i - 1);
		(void)fputs("  }\n", p->out);
	}
	for (uint32_t i = first[graph->process_count]; i; i = next[i - 1])
		print_node(p, i - 1);
	return 0;
}

/* --- edges ------------------------------------------------------------------------------------------------------ */

static void print_ends(const struct picture *p, const struct peeps_edge *edge)
{
	(void)fprintf(p->out, "  n%" PRIu32 " -> n%" PRIu32 " [label=\"", p->drawn_as[edge->src],
		      p->drawn_as[edge->dst]);
}

static void print_operation(const struct picture *p, const struct peeps_edge *edge,
			    const char *color)
{
	const bool pending = edge->state == PEEPS_STATE_PENDING;
	char duration[PEEPS_DURATION_BYTES];

	print_ends(p, edge);
	print_quoted(p, edge->op_kind ? edge->op_kind : "?");
	if (pending)
		(void)fprintf(
			p->out, "\\npending %s",
			peeps_duration_floor(duration, peeps_edge_pending_ns(p->graph, edge)));
	else
		(void)fprintf(p->out, "\\n%s", edge->state_name);
	(void)fprintf(p->out, "\", style=%s, penwidth=%s, color=\"%s\"];\n",
		      pending ? "bold" : "dashed", pending ? "3" : "1",
		      color     ? color
		      : pending ? PENDING_COLOR
				: "#808080");
}

static void print_hold(const struct picture *p, const struct peeps_edge *edge, const char *color)
{
	char duration[PEEPS_DURATION_BYTES];
	const uint64_t held_ns = peeps_edge_held_ns(p->graph, edge);

	print_ends(p, edge);
	print_quoted(p, edge->role ? edge->role : "holds");
	if (edge->count > 1)
		(void)fprintf(p->out, " x%" PRIu64, edge->count);
	if (held_ns != PEEPS_NO_TIME)
		(void)fprintf(p->out, "\\nheld %s",
			      peeps_duration_ceil(duration, held_ns, edge->held_accuracy_ns));
	(void)fprintf(p->out, "\", style=dotted, arrowhead=odot, penwidth=%s, color=\"%s\"];\n",
		      color ? "3" : "1", color ? color : "#404040");
}

/* A pair that is not one node. */
static void print_link(const struct picture *p, const struct peeps_edge *edge, const char *color)
{
	print_ends(p, edge);
	(void)fprintf(
		p->out,
		"%s\", style=bold, dir=both, arrowhead=none, arrowtail=none, color=\"%s:%s\"];\n",
		peeps_edge_kind_name(edge->kind), color ? color : "#000000",
		color ? color : "#000000");
}

static void print_edge(const struct picture *p, uint32_t number)
{
	const struct peeps_edge *edge = &p->graph->edges[number];
	const char *color = color_of(p->of_edge[number]);

	if (is_operation(edge))
		print_operation(p, edge, color);
	else if (edge->kind == PEEPS_EDGE_HOLDS)
		print_hold(p, edge, color);
	else if (is_pair(edge) && p->drawn_as[edge->src] != p->drawn_as[edge->dst])
		print_link(p, edge, color);
}

int peeps_format_dot(const struct peeps_graph *graph, FILE *out)
{
	struct picture p = { .graph = graph, .out = out };
	int r = peeps_telling_init(&p.telling, graph, 0);

	if (r)
		return r;
	r = picture_init(&p);
	if (r == 0) {
		(void)fputs("digraph peeps {\n"
			    "  charset=\"UTF-8\";\n"
			    "  rankdir=LR;\n"
			    "  node [style=filled, fontname=\"sans-serif\", fontsize=11];\n"
			    "  edge [fontname=\"sans-serif\", fontsize=9];\n",
			    out);
		r = print_clusters(&p);
	}
	for (uint32_t i = 0; r == 0 && i < graph->edge_count; i++)
		print_edge(&p, i);
	if (r == 0)
		(void)fputs("}\n", out);
	if (r == 0 && peeps_arena_failed(p.telling.arena))
		r = -ENOMEM;
	peeps_telling_deinit(&p.telling);
	return r;
}
