/* SPDX-License-Identifier: MIT */
/* peeps-read blocked: who waits on what, how long, and who holds it. */
#ifndef PEEPS_READER_VERB_BLOCKED_H
#define PEEPS_READER_VERB_BLOCKED_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "reader/format/table.h"

struct peeps_graph;
struct peeps_json;
struct peeps_telling;

/**
 * struct peeps_blocked_view - what is shown
 * @min_ns: only what has been pending so long
 * @all:    every wait by itself. Else more than PEEPS_ALIKE_MAX that are the same but for who waits and since when
 *          are told together: "worker-3 and 199 others"
 * @table:  of the table
 */
struct peeps_blocked_view {
	uint64_t min_ns;
	bool all;
	struct peeps_table_view table;
};

/**
 * peeps_blocked_view_check - whether there are such columns, before anything is printed
 *
 * Returns 0; -ENOMEM; -EINVAL with the problem filled.
 */
int peeps_blocked_view_check(const struct peeps_graph *graph, const struct peeps_blocked_view *view,
			     struct peeps_problem *problem);

/**
 * peeps_blocked_table - a row per pending operation, the longest first
 *
 * This and the others return 0 or -ENOMEM, this one also -EINVAL with the problem filled: peeps_table_look(). Failed
 * writes stay with the stream.
 */
int peeps_blocked_table(const struct peeps_graph *graph, const struct peeps_blocked_view *view,
			FILE *out, struct peeps_problem *problem);

/**
 * peeps_blocked_table_of - the same of chosen waits, of which there is one at least; the view's min_ns does not count
 */
int peeps_blocked_table_of(const struct peeps_telling *telling,
			   const struct peeps_blocked_view *view, FILE *out,
			   struct peeps_problem *problem);

/**
 * peeps_blocked_tree - who waits behind whom: those who hold the others up first, below each who waits for it
 */
int peeps_blocked_tree(const struct peeps_graph *graph, const struct peeps_blocked_view *view,
		       FILE *out);

/**
 * peeps_blocked_json - the key `waits` of an open map: each by itself, with at most PEEPS_HOLDERS_LISTED_MAX holders
 */
int peeps_blocked_json(const struct peeps_graph *graph, uint64_t min_ns, struct peeps_json *json);

/**
 * peeps_blocked_nothing - say that there is nothing to show
 */
void peeps_blocked_nothing(const struct peeps_graph *graph, uint64_t min_ns, FILE *out);

#endif
