/* SPDX-License-Identifier: MIT */
/* Verbs that ask a question of what is seen, as peeps_answer_look() prints them: in text or JSON, between heading and notes. */
#ifndef PEEPS_READER_VERBS_H
#define PEEPS_READER_VERBS_H

#include "reader/command/answer.h"

/**
 * peeps_print_look - blocked, check, or without a verb both of them: a peeps_print_fn
 */
int peeps_print_look(const struct peeps_options *options, const struct peeps_graph *graph,
		     FILE *out, struct peeps_problem *problem);

/**
 * peeps_print_explain - explain: a peeps_print_fn
 */
int peeps_print_explain(const struct peeps_options *options, const struct peeps_graph *graph,
			FILE *out, struct peeps_problem *problem);

#endif
