/* SPDX-License-Identifier: MIT */
/* A statement that asks: prepared, its parameters given what they stand for, and answered row by row. */
#ifndef PEEPS_READER_STATEMENT_H
#define PEEPS_READER_STATEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peeps_arena;
struct peeps_confinement;
struct peeps_problem;
struct peeps_question;
struct sqlite3_stmt;

#define PEEPS_ANSWER_BYTES_MAX (UINT64_C(4) << 30)

/* What parameters stand for. */
struct peeps_parameters {
	int64_t snapshot; /* ?1; 0 = there is none, which is null */
	int64_t before;   /* :before, likewise */
	uint64_t min_ns;  /* :min_ns */
};

struct peeps_statement {
	struct peeps_confinement *confinement; /* borrowed */
	struct sqlite3_stmt *prepared;
	bool is_ours;        /* a named question: what it lacks is not its own fault */
	bool asks_of_one;    /* it has ?1 or :before */
	bool asks_of_before; /* it has :before */
	bool asks_of_min;    /* it has :min_ns */
	size_t column_count;
	uint64_t rows_max; /* 0 = no limit */
	uint64_t row_count;
	uint64_t bytes_max;
	uint64_t byte_count; /* of all rows, about */
	bool has_more;       /* than rows_max */
};

/**
 * peeps_statement_prepare - SQL that is understood and allowed: one statement that reads
 * @confinement: of the connection that it is asked on; borrowed
 * @sql:         with nothing but blanks and comments after the statement
 * @is_ours:     it is a named question
 *
 * Returns 0; -EINVAL with the problem filled: status 2, or of ours 6, where in the SQL it is at fault.
 * Undo with peeps_statement_finish().
 */
int peeps_statement_prepare(struct peeps_statement *statement,
			    struct peeps_confinement *confinement, const char *sql, bool is_ours,
			    struct peeps_problem *problem);
void peeps_statement_finish(struct peeps_statement *statement);

/**
 * peeps_statement_bind - give its parameters what they stand for
 *
 * Which it has is asked of SQLite. Returns 0; -EINVAL with the problem filled, if it has one that stands for nothing.
 */
int peeps_statement_bind(struct peeps_statement *statement,
			 const struct peeps_parameters *parameters, struct peeps_problem *problem);

/**
 * peeps_statement_next - the next row, if there is one and it is among the first rows_max
 *
 * Returns 1, and the row is to be had by SQLite's columns of prepared; 0 at the end; -errno with the problem filled:
 * -ETIME, -ENOMEM, -EFBIG, -EBADMSG, -EINVAL.
 */
int peeps_statement_next(struct peeps_statement *statement, struct peeps_problem *problem);

/**
 * peeps_statement_names - what its columns are called, none like another: the second "id" is "id_2"
 *
 * Valid UTF-8. Returns NULL without memory.
 */
const char *const *peeps_statement_names(const struct peeps_statement *statement,
					 struct peeps_arena *arena);

#endif
