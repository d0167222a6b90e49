/* SPDX-License-Identifier: MIT */
/* The rows of an answer, in the shapes that they are shown in. A leaf each: result_text.c, result_json.c, result_csv.c. */
#ifndef PEEPS_READER_RESULT_H
#define PEEPS_READER_RESULT_H

#include <stddef.h>
#include <stdio.h>

struct peeps_json;
struct peeps_problem;
struct peeps_result;
struct peeps_statement;
struct peeps_table_view;

/* What a table for people may take of memory, about: then it ends, and says so. */
#define PEEPS_RESULT_BYTES_MAX ((size_t)64 << 20)

/**
 * peeps_result_collect - a table of all rows
 * @result: for the caller to free
 *
 * Columns of integers or reals stand to the right. What is called ..._ns or ..._ms is shown as a duration, and
 * ..._unix_ns as a time; its title loses that ending.
 * Returns 0; -ENOMEM; another -errno with the problem filled.
 */
int peeps_result_collect(struct peeps_statement *statement, const struct peeps_table_view *view,
			 struct peeps_result **result, struct peeps_problem *problem);

/**
 * peeps_result_print - print the table, and below it whether that is all
 *
 * Returns 0 or -ENOMEM; failed writes stay with the stream.
 */
int peeps_result_print(struct peeps_result *result, FILE *out);
void peeps_result_free(struct peeps_result *result);

/**
 * peeps_result_json - write rows as they come, as keys of an open map: columns (names), rows (objects by these), more
 *
 * Integers are exact; a blob is a text x'00ff'; an infinite real is null; what is no UTF-8 becomes U+FFFD.
 * Returns likewise, and -errno of a write that failed.
 */
int peeps_result_json(struct peeps_statement *statement, struct peeps_json *json,
		      struct peeps_problem *problem);

/**
 * peeps_result_csv - write rows as they come, below a row of names (RFC 4180, but that lines end with a newline alone)
 *
 * Null is empty, an empty text "". Control bytes other than tab, newline and return become U+FFFD: a terminal would
 * obey them. Returns likewise.
 */
int peeps_result_csv(struct peeps_statement *statement, FILE *out, struct peeps_problem *problem);

#endif
