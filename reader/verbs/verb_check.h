/* SPDX-License-Identifier: MIT */
/* peeps-read check: the verdict. */
#ifndef PEEPS_READER_VERB_CHECK_H
#define PEEPS_READER_VERB_CHECK_H

#include <stdbool.h>
#include <stdio.h>

struct peeps_graph;
struct peeps_json;

/**
 * struct peeps_check_view - what is shown
 * @all:     every long wait by itself. Else more than PEEPS_ALIKE_MAX that are the same but for who waits and since when
 *           are told together
 * @colored: struct peeps_options.colored
 */
struct peeps_check_view {
	bool all;
	bool colored;
};

/**
 * peeps_check_text - every finding, step by step, or that there is none
 *
 * Returns 0 or -ENOMEM; failed writes stay with the stream.
 */
int peeps_check_text(const struct peeps_graph *graph, const struct peeps_check_view *view,
		     FILE *out);

/**
 * peeps_check_waits_json - the key `waits` of an open map: those that findings rest on, as in peeps_blocked_json()
 *
 * Returns 0 or -ENOMEM.
 */
int peeps_check_waits_json(const struct peeps_graph *graph, struct peeps_json *json);

/**
 * peeps_check_json - the keys `findings` and `verdict` of an open map
 *
 * verdict: "deadlock", "orphaned_wait" or "long_wait", the gravest certain finding; "possible" if none is certain;
 * "none".
 */
void peeps_check_json(const struct peeps_graph *graph, struct peeps_json *json);

/* Whether anything was found for certain. */
bool peeps_check_found(const struct peeps_graph *graph);

#endif
