/* SPDX-License-Identifier: MIT */
#include "reader/format/format_text.h"

#include <inttypes.h>
#include <string.h>

#include "reader/analysis/waits.h"
#include "reader/format/print.h"
#include "reader/graph/graph.h"
#include "reader/verbs/verb_check.h"
#include "reader/words/report.h"

static void print_source(const struct peeps_source *source, FILE *out)
{
	peeps_escape_to(out, source->file);
	(void)fprintf(out, ":%" PRIu32, source->line);
}

static void print_value(const struct peeps_graph *graph, const struct peeps_value *value, FILE *out)
{
	switch (value->type) {
	case PEEPS_VALUE_NULL:
		break;
	case PEEPS_VALUE_BOOL:
		(void)fputs(value->as.boolean ? "true" : "false", out);
		break;
	case PEEPS_VALUE_UNSIGNED:
		(void)fprintf(out, "%" PRIu64, value->as.number);
		break;
	case PEEPS_VALUE_REAL:
		(void)fprintf(out, "%.3g", value->as.real);
		break;
	case PEEPS_VALUE_TEXT:
		peeps_escape_to(out, value->as.text);
		break;
	case PEEPS_VALUE_NODE:
		peeps_escape_to(out, graph->nodes[value->as.node].id);
		break;
	}
}

/* Nothing to tell: that it is null stands in the other formats. */
static bool is_null(const struct peeps_value *value)
{
	return value->type == PEEPS_VALUE_NULL ||
	       (value->type == PEEPS_VALUE_NODE && value->as.node == PEEPS_NO_NODE);
}

static void print_attributes(const struct peeps_graph *graph,
			     const struct peeps_attribute *attributes, size_t count, FILE *out)
{
	const char *before = "    ";

	for (size_t i = 0; i < count; i++) {
		if (strcmp(attributes[i].name, "name") == 0 || is_null(&attributes[i].value))
			continue; /* the name stands beside the id */
		(void)fputs(before, out);
		peeps_escape_to(out, attributes[i].name);
		(void)fputc('=', out);
		print_value(graph, &attributes[i].value, out);
		before = "  ";
	}
	if (before[2] == '\0')
		(void)fputc('\n', out);
}

static void print_process(const struct peeps_process *process, FILE *out)
{
	char duration[PEEPS_DURATION_BYTES];

	(void)fputs("  ", out);
	peeps_escape_to(out, process->proc_key);
	(void)fprintf(out, "  seen for %s  ",
		      peeps_duration_floor(duration, process->ptime_now_ns));
	peeps_escape_to(out, process->cmdline);
	(void)fputs("\n    coverage: ", out);
	peeps_escape_to(out, process->coverage);
	(void)fputc('\n', out);
}

static void print_node(const struct peeps_graph *graph, const struct peeps_node *node, FILE *out)
{
	(void)fputs("  ", out);
	peeps_escape_to(out, node->id);
	(void)fputs("  ", out);
	peeps_escape_to(out, node->name);
	if (node->source.file) {
		(void)fputs("  ", out);
		print_source(&node->source, out);
	}
	(void)fputs(node->gone ? "  exited" : "", out);
	(void)fputs(node->uncertain ? "  unproved" : "", out);
	(void)fputc('\n', out);
	print_attributes(graph, node->attributes, node->attribute_count, out);
}

static void print_operation(const struct peeps_graph *graph, const struct peeps_edge *edge,
			    FILE *out)
{
	char duration[PEEPS_DURATION_BYTES];

	(void)fputs("  ", out);
	peeps_escape_to(out, edge->state_name);
	if (edge->state == PEEPS_STATE_PENDING)
		(void)fprintf(out, " for %s",
			      peeps_duration_floor(duration, peeps_edge_pending_ns(graph, edge)));
	if (edge->reason)
		(void)fprintf(out, " (errno %" PRIu32 ": %s)", edge->reason,
			      /* NOLINTNEXTLINE(concurrency-mt-unsafe): peeps-read has one thread */
			      strerror((int)edge->reason));
}

static void print_hold(const struct peeps_graph *graph, const struct peeps_edge *edge, FILE *out)
{
	char duration[PEEPS_DURATION_BYTES];

	(void)fputs("  ", out);
	peeps_escape_to(out, edge->role ? edge->role : "");
	if (edge->mode) {
		(void)fputc(' ', out);
		peeps_escape_to(out, edge->mode);
	}
	if (edge->count > 1)
		(void)fprintf(out, " x%" PRIu64, edge->count);
	(void)fprintf(out, " for %s",
		      peeps_duration_ceil(duration, peeps_edge_held_ns(graph, edge),
					  edge->held_accuracy_ns));
}

static void print_edge(const struct peeps_graph *graph, const struct peeps_edge *edge, FILE *out)
{
	const bool operation = edge->kind == PEEPS_EDGE_NEEDS && edge->op != PEEPS_OP_NONE;

	(void)fputs("  ", out);
	peeps_escape_to(out, graph->nodes[edge->src].id);
	(void)fputs(" --", out);
	peeps_escape_to(out, operation && edge->op_kind ? edge->op_kind
							: peeps_edge_kind_name(edge->kind));
	(void)fputs("--> ", out);
	peeps_escape_to(out, graph->nodes[edge->dst].id);
	if (operation)
		print_operation(graph, edge, out);
	else if (edge->kind == PEEPS_EDGE_HOLDS)
		print_hold(graph, edge, out);
	if (edge->source.file) {
		(void)fputs("  at ", out);
		print_source(&edge->source, out);
	}
	if (edge->source.module) {
		(void)fputs("  in ", out);
		peeps_escape_to(out, edge->source.module);
	}
	(void)fputs(edge->uncertain ? "  unproved\n" : "\n", out);
	print_attributes(graph, edge->details, edge->detail_count, out);
}

/* A link and the need that it stands for are shown once. */
static bool is_shown(const struct peeps_edge *edge)
{
	return edge->kind != PEEPS_EDGE_NEEDS || edge->op != PEEPS_OP_NONE;
}

static void print_edges(const struct peeps_graph *graph, FILE *out)
{
	size_t shown = 0;

	for (size_t i = 0; i < graph->edge_count; i++)
		shown += is_shown(&graph->edges[i]);
	(void)fprintf(out, "\nedges: %zu\n", shown);
	for (size_t i = 0; i < graph->edge_count; i++) {
		if (is_shown(&graph->edges[i]))
			print_edge(graph, &graph->edges[i], out);
	}
}

static void print_scopes(const struct peeps_graph *graph, FILE *out)
{
	if (graph->scope_count == 0)
		return; /* most programs have none */
	(void)fprintf(out, "\nscopes: %zu\n", graph->scope_count);
	for (size_t i = 0; i < graph->scope_count; i++) {
		(void)fputs("  ", out);
		peeps_escape_to(out, graph->scopes[i].id);
		(void)fputs("  ", out);
		peeps_escape_to(out, graph->scopes[i].name);
		(void)fputc('\n', out);
	}
	(void)fprintf(out, "\nmemberships: %zu\n", graph->membership_count);
	for (size_t i = 0; i < graph->membership_count; i++) {
		(void)fputs("  ", out);
		peeps_escape_to(out, graph->nodes[graph->memberships[i].node].id);
		(void)fputs(" in ", out);
		peeps_escape_to(out, graph->scopes[graph->memberships[i].scope].id);
		(void)fputc('\n', out);
	}
}

int peeps_format_text(const struct peeps_graph *graph, FILE *out)
{
	int r;

	peeps_report_heading(graph, out);
	for (size_t i = 0; i < graph->process_count; i++)
		print_process(&graph->processes[i], out);
	(void)fprintf(out, "\nnodes: %zu\n", graph->node_count);
	for (size_t i = 0; i < graph->node_count; i++)
		print_node(graph, &graph->nodes[i], out);
	print_edges(graph, out);
	print_scopes(graph, out);
	(void)fputc('\n', out);
	r = peeps_check_text(graph, &(struct peeps_check_view){ .all = true }, out);
	peeps_report_notes(graph, out);
	return r;
}
