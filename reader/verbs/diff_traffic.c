/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reader/format/print.h"
#include "reader/verbs/diff_sections.h"

#define NAMES_MAX 3 /* of entities that are told together, without --all */
#define KINDS_MAX 256

/* Of one kind, told together. */
struct crowd {
	const char *kind;
	size_t count;
	uint32_t first[NAMES_MAX];
};

struct crowds {
	size_t count;
	size_t beyond; /* entities of kinds there is no room for */
	struct crowd crowds[KINDS_MAX];
};

static struct crowd *crowd_of(struct crowds *crowds, const char *kind)
{
	for (size_t i = 0; i < crowds->count; i++) {
		if (strcmp(crowds->crowds[i].kind, kind) == 0)
			return &crowds->crowds[i];
	}
	if (crowds->count == KINDS_MAX)
		return NULL;
	crowds->crowds[crowds->count] = (struct crowd){ .kind = kind };
	return &crowds->crowds[crowds->count++];
}

static size_t count_alone(const struct peeps_difference_side *side)
{
	size_t count = 0;

	for (uint32_t i = 0; i < side->graph->node_count; i++)
		count += peeps_difference_lone_node(side, i);
	for (uint32_t i = 0; i < side->graph->scope_count; i++)
		count += peeps_difference_lone_scope(side, i);
	return count;
}

static void gather(const struct peeps_difference_side *side, struct crowds *crowds)
{
	for (uint32_t i = 0; i < side->graph->node_count; i++) {
		struct crowd *crowd;

		if (!peeps_difference_lone_node(side, i))
			continue;
		crowd = crowd_of(crowds, side->graph->nodes[i].kind);
		if (!crowd) {
			crowds->beyond++;
			continue;
		}
		if (crowd->count < NAMES_MAX)
			crowd->first[crowd->count] = i;
		crowd->count++;
	}
}

/* "1,204 mutexes (first, second, third, ...)" */
static void print_crowd(const struct peeps_diff_text *t, const struct peeps_difference_side *side,
			const struct crowd *crowd)
{
	char count[PEEPS_COUNT_BYTES];

	(void)fprintf(t->out, "%s ", peeps_count(count, crowd->count));
	peeps_diff_print_kinds(crowd->kind, crowd->count, t->out);
	(void)fputs(" (", t->out);
	for (size_t i = 0; i < crowd->count && i < NAMES_MAX; i++) {
		(void)fputs(i ? ", " : "", t->out);
		peeps_escape_to(t->out, side->graph->nodes[crowd->first[i]].name);
	}
	(void)fputs(crowd->count > NAMES_MAX ? ", ...)" : ")", t->out);
}

static void print_together(const struct peeps_diff_text *t,
			   const struct peeps_difference_side *side, const struct crowds *crowds)
{
	for (size_t i = 0; i < crowds->count; i++) {
		(void)fputs(i ? "; " : "", t->out);
		print_crowd(t, side, &crowds->crowds[i]);
	}
	if (crowds->beyond)
		(void)fprintf(t->out, "; %zu of other kinds", crowds->beyond);
	(void)fputc('\n', t->out);
}

static void print_each(const struct peeps_diff_text *t, const struct peeps_difference_side *side)
{
	for (uint32_t i = 0; i < side->graph->node_count; i++) {
		if (!peeps_difference_lone_node(side, i))
			continue;
		(void)fputs("  ", t->out);
		peeps_escape_to(t->out, side->graph->nodes[i].id);
		(void)fputc('\n', t->out);
	}
}

static void print_scopes(const struct peeps_diff_text *t, const struct peeps_difference_side *side)
{
	size_t count = 0;

	for (uint32_t i = 0; i < side->graph->scope_count; i++) {
		if (!peeps_difference_lone_scope(side, i) ||
		    (count++ >= PEEPS_DIFF_ROWS_MAX && !t->view->all))
			continue;
		(void)fputs("  ", t->out);
		peeps_escape_to(t->out, side->graph->scopes[i].id);
		(void)fputc('\n', t->out);
	}
	if (count > PEEPS_DIFF_ROWS_MAX && !t->view->all)
		(void)fprintf(t->out, "  and %zu more scopes\n", count - PEEPS_DIFF_ROWS_MAX);
}

static int print_side(const struct peeps_diff_text *t, const struct peeps_difference_side *side,
		      size_t count, const char *title)
{
	struct crowds *crowds;

	if (count == 0)
		return 0;
	crowds = calloc(1, sizeof(*crowds));
	if (!crowds)
		return -ENOMEM;
	gather(side, crowds);
	peeps_diff_title(t, title);
	if (crowds->count && !t->view->all)
		print_together(t, side, crowds);
	else
		print_each(t, side);
	print_scopes(t, side);
	free(crowds);
	return 0;
}

struct peeps_traffic peeps_diff_count_traffic(const struct peeps_difference *difference)
{
	const struct peeps_difference_side before = peeps_difference_before(difference),
					   after = peeps_difference_after(difference);

	return (struct peeps_traffic){ .came = count_alone(&after), .went = count_alone(&before) };
}

int peeps_diff_traffic(const struct peeps_diff_text *t, const struct peeps_traffic *traffic)
{
	const struct peeps_difference_side before = peeps_difference_before(t->difference),
					   after = peeps_difference_after(t->difference);
	const int r = print_side(t, &after, traffic->came, "Came");

	return r ? r : print_side(t, &before, traffic->went, "Went");
}
