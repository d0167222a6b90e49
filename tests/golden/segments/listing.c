/* SPDX-License-Identifier: MIT */
#include "tests/golden/segments/listing.h"

#include <inttypes.h>
#include <stdint.h>

#include "reader/format/print.h"
#include "reader/graph/graph.h"

static void write_text(const char *text, FILE *out)
{
	peeps_escape_to(out, text ? text : "-");
}

static void write_value(const struct peeps_graph *graph, const struct peeps_value *value, FILE *out)
{
	switch (value->type) {
	case PEEPS_VALUE_NULL:
		(void)fputs("null", out);
		break;
	case PEEPS_VALUE_BOOL:
		(void)fputs(value->as.boolean ? "true" : "false", out);
		break;
	case PEEPS_VALUE_UNSIGNED:
		(void)fprintf(out, "%" PRIu64, value->as.number);
		break;
	case PEEPS_VALUE_REAL:
		(void)fprintf(out, "%g", value->as.real);
		break;
	case PEEPS_VALUE_TEXT:
		(void)fputc('"', out);
		write_text(value->as.text, out);
		(void)fputc('"', out);
		break;
	case PEEPS_VALUE_NODE:
		write_text(graph->nodes[value->as.node].id, out);
		break;
	}
}

static void write_attributes(const struct peeps_graph *graph,
			     const struct peeps_attribute *attributes, size_t count, FILE *out)
{
	for (size_t i = 0; i < count; i++) {
		(void)fprintf(out, "\t%s = ", attributes[i].name);
		write_value(graph, &attributes[i].value, out);
		(void)fputc('\n', out);
	}
}

static void write_source(const struct peeps_source *source, FILE *out)
{
	if (!source->file)
		return;
	(void)fputs("\tat ", out);
	write_text(source->file, out);
	(void)fprintf(out, ":%" PRIu32 " ", source->line);
	write_text(source->function, out);
	(void)fputc(' ', out);
	write_text(source->module, out);
	(void)fputc('\n', out);
}

static void write_time(const char *name, uint64_t ns, FILE *out)
{
	if (ns != PEEPS_NO_TIME)
		(void)fprintf(out, "\t%s %" PRIu64 "\n", name, ns);
}

static void write_process(const struct peeps_process *process, FILE *out)
{
	(void)fprintf(out, "process %s\n\tpid %" PRIu32 ", %" PRIu32 " threads\n\tname ",
		      process->proc_key, process->own_pid, process->thread_count);
	write_text(process->name, out);
	(void)fputc('\n', out);
	for (size_t i = 0; i < process->counter_count; i++)
		(void)fprintf(out, "\t%s %" PRIu64 "\n", process->counters[i].name,
			      process->counters[i].value);
}

static void write_node(const struct peeps_graph *graph, const struct peeps_node *node, FILE *out)
{
	(void)fputs("node ", out);
	write_text(node->id, out);
	(void)fprintf(out, "\n\t%s, role %d%s%s%s\n", node->kind, node->role,
		      node->gone ? ", gone" : "", node->asleep ? ", asleep" : "",
		      node->uncertain ? ", uncertain" : "");
	write_source(&node->source, out);
	write_attributes(graph, node->attributes, node->attribute_count, out);
}

static void write_edge(const struct peeps_graph *graph, const struct peeps_edge *edge, FILE *out)
{
	(void)fprintf(out, "edge %s ", peeps_edge_kind_name(edge->kind));
	write_text(graph->nodes[edge->src].id, out);
	(void)fputs(" -> ", out);
	write_text(graph->nodes[edge->dst].id, out);
	(void)fputc('\n', out);
	if (edge->op_kind)
		(void)fprintf(out, "\t%s %s, %" PRIu32 " polls, error %" PRIu32 "%s\n",
			      edge->op_kind, edge->state_name, edge->poll_count, edge->reason,
			      edge->blocks ? ", blocks" : "");
	if (edge->role)
		(void)fprintf(out, "\t%s %s, %" PRIu64 ", accuracy %" PRIu64 " ns\n", edge->role,
			      edge->mode ? edge->mode : "-", edge->count, edge->held_accuracy_ns);
	write_time("pending since", edge->pending_since_ns, out);
	write_time("last change", edge->last_change_ns, out);
	write_time("held since", edge->held_since_ns, out);
	write_source(&edge->source, out);
	write_attributes(graph, edge->details, edge->detail_count, out);
}

void listing_write(const struct peeps_graph *graph, FILE *out)
{
	(void)fprintf(out, "quality %s\n", peeps_quality_name(graph->quality));
	for (size_t i = 0; i < graph->note_count; i++)
		(void)fprintf(out, "note %s\n", graph->notes[i]);
	write_process(&graph->processes[0], out);
	for (size_t i = 0; i < graph->node_count; i++)
		write_node(graph, &graph->nodes[i], out);
	for (size_t i = 0; i < graph->edge_count; i++)
		write_edge(graph, &graph->edges[i], out);
	for (size_t i = 0; i < graph->scope_count; i++) {
		(void)fputs("scope ", out);
		write_text(graph->scopes[i].id, out);
		(void)fprintf(out, "\n\t%s\n", graph->scopes[i].kind);
		write_time("created", graph->scopes[i].created_ns, out);
	}
	for (size_t i = 0; i < graph->membership_count; i++) {
		(void)fputs("member ", out);
		write_text(graph->nodes[graph->memberships[i].node].id, out);
		(void)fputs(" of ", out);
		write_text(graph->scopes[graph->memberships[i].scope].id, out);
		(void)fputc('\n', out);
	}
	for (size_t i = 0; i < graph->finding_count; i++)
		(void)fprintf(out, "finding %s %s\n", peeps_finding_name(graph->findings[i].kind),
			      graph->findings[i].certain ? "certain" : "possible");
}
