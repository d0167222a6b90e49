/* SPDX-License-Identifier: MIT */
/* peeps-read explain: all that is known of one entity or scope. */
#ifndef PEEPS_READER_VERB_EXPLAIN_H
#define PEEPS_READER_VERB_EXPLAIN_H

#include <stdbool.h>
#include <stdio.h>

struct peeps_graph;
struct peeps_json;
struct peeps_subject;

/**
 * peeps_explain_text - who it is, what it does, what it waits for and what would end that, what it holds, who holds it,
 *                      who waits for it, what was found
 * @all: however many there are; else the longest, or first, of each list and how many more
 *
 * Finished operations are told if the graph has them (PEEPS_DECODE_HISTORY).
 * Returns 0 or -ENOMEM; failed writes stay with the stream.
 */
int peeps_explain_text(const struct peeps_graph *graph, const struct peeps_subject *subject,
		       bool all, FILE *out);

/**
 * peeps_explain_json - the same as keys of an open map, whole: docs/output.md
 *
 * Returns 0 or -ENOMEM.
 */
int peeps_explain_json(const struct peeps_graph *graph, const struct peeps_subject *subject,
		       struct peeps_json *json);

#endif
