/* SPDX-License-Identifier: MIT */
/*
 * An answer: what a verb prints, on stdout or into a file, all of it or nothing.
 *
 * A verb is a function that prints; answers open and commit the output around it, and complain.
 */
#ifndef PEEPS_READER_ANSWER_H
#define PEEPS_READER_ANSWER_H

#include <stdio.h>

#include "reader/command/options.h"
#include "reader/graph/graph.h"

/* Prints on out. Returns 0, -ENOMEM, or another -errno with the problem filled; failed writes stay with the stream. */
typedef int peeps_print_fn(const struct peeps_options *options, const struct peeps_graph *graph,
			   FILE *out, struct peeps_problem *problem);

/* The same, of something else than a graph. */
typedef int peeps_print_of_fn(void *context, FILE *out, struct peeps_problem *problem);

/**
 * peeps_answer_of - print an answer that is made from context
 *
 * Returns 0, or an exit status, having complained.
 */
int peeps_answer_of(const struct peeps_options *options, peeps_print_of_fn *print, void *context);

/**
 * peeps_answer - print an answer
 * @graph: what print gets; may be NULL
 *
 * Returns 0, or an exit status, having complained.
 */
int peeps_answer(const struct peeps_options *options, peeps_print_fn *print,
		 const struct peeps_graph *graph);

/**
 * peeps_answer_look - look at the options' targets, and print what is seen
 *
 * Returns an exit status, having complained of whatever went wrong: of LOOK and CHECK, 1 if something was found.
 */
int peeps_answer_look(const struct peeps_options *options, peeps_print_fn *print);

#endif
