/* SPDX-License-Identifier: MIT */
/* The command line. One table of verbs and one of options: what is parsed, and what --help says. */
#ifndef PEEPS_READER_OPTIONS_H
#define PEEPS_READER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "reader/attach.h"

enum peeps_exit {
	PEEPS_EXIT_FINE = 0,
	PEEPS_EXIT_FINDING = 1,
	PEEPS_EXIT_USAGE = 2
}; /* the rest: reader/problem.h */

enum peeps_verb {
	PEEPS_VERB_LOOK, /* none was given */
	PEEPS_VERB_BLOCKED,
	PEEPS_VERB_CHECK,
	PEEPS_VERB_DUMP,
	PEEPS_VERB_HELP,
	PEEPS_VERB_VERSION,
};

enum peeps_format { PEEPS_FORMAT_TEXT, PEEPS_FORMAT_JSON };

struct peeps_options {
	enum peeps_verb verb;
	pid_t target;          /* 0 for verbs without one */
	enum peeps_verb topic; /* of help; PEEPS_VERB_LOOK = all */
	enum peeps_format format;
	const char *output; /* NULL or "-": stdout */
	uint64_t min_ns;
	uint64_t max_wait_ns;
	bool tree;
	bool history;
	bool passive;
};

/**
 * peeps_options_parse - read the command line
 * @arguments: without the program's name; borrowed by options
 * @problem:   filled on failure, with status 2
 *
 * Returns 0 or -EINVAL.
 */
int peeps_options_parse(struct peeps_options *options, int count, char *const *arguments,
			struct peeps_problem *problem);

/**
 * peeps_options_help - print help on all verbs, or on one
 */
void peeps_options_help(enum peeps_verb topic, FILE *out);

#endif
