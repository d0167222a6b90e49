/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/show.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

#include "reader/format/document.h"
#include "reader/format/format_dot.h"
#include "reader/format/format_text.h"
#include "reader/format/json.h"
#include "reader/graph/graph.h"
#include "reader/look/subject.h"
#include "reader/problem.h"
#include "reader/verbs/verb_blocked.h"
#include "reader/verbs/verb_check.h"
#include "reader/verbs/verb_explain.h"
#include "reader/words/report.h"

#define EXPLAINED_MAX 8

static void need(bool fine)
{
	if (!fine)
		abort();
}

/* Lines that no terminal obeys. */
static ssize_t take(void *unused, const char *bytes, size_t count)
{
	(void)unused;
	for (size_t i = 0; i < count; i++)
		need((unsigned char)bytes[i] >= ' ' || bytes[i] == '\n');
	return (ssize_t)count;
}

static void show_texts(const struct peeps_graph *graph, bool all, FILE *out)
{
	const struct peeps_blocked_view blocked = { .all = all };
	const struct peeps_check_view check = { .all = all };
	struct peeps_problem problem = { .status = 0 };

	need(peeps_format_text(graph, out) == 0);
	need(peeps_format_dot(graph, out) == 0);
	need(peeps_blocked_table(graph, &blocked, out, &problem) == 0);
	need(peeps_blocked_tree(graph, &blocked, out) == 0);
	need(peeps_check_text(graph, &check, out) == 0);
	peeps_report_heading(graph, out);
	peeps_report_notes(graph, out);
}

static void explain(const struct peeps_graph *graph, const struct peeps_subject *subject, FILE *out)
{
	struct peeps_json json;

	need(peeps_explain_text(graph, subject, true, out) == 0);
	need(peeps_json_open(&json, out) == 0);
	peeps_json_map(&json);
	need(peeps_explain_json(graph, subject, &json) == 0);
	peeps_json_map_end(&json);
	need(peeps_json_close(&json) == 0);
}

static void explain_some(const struct peeps_graph *graph, FILE *out)
{
	for (uint32_t i = 0; i < EXPLAINED_MAX && i < graph->node_count; i++)
		explain(graph, &(struct peeps_subject){ .number = i }, out);
	for (uint32_t i = 0; i < EXPLAINED_MAX && i < graph->scope_count; i++)
		explain(graph, &(struct peeps_subject){ .is_scope = true, .number = i }, out);
}

static void show_documents(const struct peeps_graph *graph, FILE *out)
{
	struct peeps_json json;

	need(peeps_document_write_json(graph, out) == 0);
	need(peeps_json_open(&json, out) == 0);
	peeps_json_map(&json);
	need(peeps_blocked_json(graph, 0, &json) == 0);
	need(peeps_check_waits_json(graph, &json) == 0);
	peeps_check_json(graph, &json);
	peeps_json_map_end(&json);
	need(peeps_json_close(&json) == 0);
}

void fuzz_show(const struct peeps_graph *graph)
{
	FILE *out = fopencookie(NULL, "w", (cookie_io_functions_t){ .write = take });

	need(out != NULL);
	show_texts(graph, false, out);
	show_texts(graph, true, out);
	explain_some(graph, out);
	show_documents(graph, out);
	need(fclose(out) == 0);
}
