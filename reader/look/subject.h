/* SPDX-License-Identifier: MIT */
/* Which entity or scope of a graph somebody means. */
#ifndef PEEPS_READER_SUBJECT_H
#define PEEPS_READER_SUBJECT_H

#include <stdbool.h>

#include "reader/graph/graph.h"

struct peeps_problem;

struct peeps_subject {
	bool is_scope;
	uint32_t number; /* position in nodes, or in scopes */
};

/**
 * peeps_subject_find - by its whole id, or by as much of it as only one has
 * @word: an id; else the end of one, from a colon on ("accounts", "jobs:tx", a thread's "4715"), one
 *        without its process ("mutex:accounts"), or a name. Of a
 *        channel that is called by its name, the sending end is meant
 *
 * Returns 0; -ENOMEM; -EINVAL if it could be several (status 2), -ENOENT if it is none (status 3), with the problem
 * filled: it lists those that could be meant.
 */
int peeps_subject_find(struct peeps_subject *subject, const struct peeps_graph *graph,
		       const char *word, struct peeps_problem *problem);

#endif
