/* SPDX-License-Identifier: MIT */
/* The command line, as it was meant. Its words: reader/command/options_table.h. */
#ifndef PEEPS_READER_OPTIONS_H
#define PEEPS_READER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "reader/command/options_table.h"
#include "reader/format/color.h"
#include "reader/target/attach.h"

/* Exit statuses of an answer. Those of a failure: reader/problem.h. */
enum peeps_exit { PEEPS_EXIT_FINE = 0, PEEPS_EXIT_FINDING = 1 };

#define PEEPS_WORDS_MAX 64

struct peeps_options {
	enum peeps_verb verb;
	enum peeps_verb topic; /* of help; PEEPS_VERB_LOOK = all */
	const char
		*subject; /* explain: the id; load: the database; query: the question; else NULL */
	enum peeps_shell shell;               /* of completion */
	const char *targets[PEEPS_WORDS_MAX]; /* as written: reader/look/place.h resolves them */
	size_t target_count;
	enum peeps_format format;
	bool compressed;     /* dump: with zstd */
	const char *output;  /* NULL or "-": stdout */
	const char *columns; /* as written, "pid,user,name"; NULL = those of the verb */
	const char *sort; /* a column, with "-" before it largest first; NULL = the verb's order */
	enum peeps_color color;
	bool colored; /* what color comes to for stdout; like width, not the parser's but main's */
	size_t width; /* of the terminal, in columns; 0 = no limit */
	uint64_t watch_ns; /* 0 = once */
	FILE *frame; /* instead of stdout, for a look of a watch (reader/command/watch.h); else NULL */
	uint64_t min_ns;
	uint64_t max_wait_ns;
	uint64_t every_ns; /* check: between the looks that confirm; diff: between its two */
	uint32_t confirm;  /* check: so many looks must agree; 0 and 1 = one will do */
	bool tree;
	bool all;     /* nothing is told together, or left out for its number */
	bool dry_run; /* of gc */
	bool history;
	bool passive;
	int64_t at; /* which snapshot of a series: its number, or -1 the last, -2 the one before; 0 = not said */
	const char *sql;      /* query: instead of a question */
	bool show;            /* query: the question's SQL instead of its answer */
	uint32_t max_rows;    /* query: of an answer; 0 = no limit */
	uint64_t timeout_ns;  /* query: to answer in */
	uint64_t interval_ns; /* record: from one snapshot to the next */
	uint64_t time_ns;     /* record: until it ends; 0 = until it is stopped */
	uint32_t keep;        /* record: snapshots, the newest; 0 = all */
	uint64_t max_bytes;   /* record: of the file; 0 = no limit */
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
 * peeps_verb_like - the verb that a word may be meant for; NULL if it is like none
 */
const char *peeps_verb_like(const char *word);

#endif
