/* SPDX-License-Identifier: MIT */
/* `ps`: the processes that can be looked at. */
#ifndef PEEPS_READER_VERB_PS_H
#define PEEPS_READER_VERB_PS_H

#include <stdio.h>

struct peeps_graph;
struct peeps_options;
struct peeps_problem;

/**
 * peeps_ps_print - find them and print them, as a table or as an array of objects (a peeps_print_fn)
 * @graph: not used
 *
 * What is not of them, that there are none or that some may not be looked at, is said on stderr.
 */
int peeps_ps_print(const struct peeps_options *options, const struct peeps_graph *graph, FILE *out,
		   struct peeps_problem *problem);

#endif
