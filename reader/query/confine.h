/* SPDX-License-Identifier: MIT */
/*
 * What keeps a statement in its place: it reads and does nothing else, and in time, memory and size it has its bounds.
 *
 * Neither the statement nor the database is trusted: views are run with the rights of the statement that reads them.
 * docs/query.md lists the bounds.
 */
#ifndef PEEPS_READER_CONFINE_H
#define PEEPS_READER_CONFINE_H

#include <stdbool.h>
#include <stdint.h>

struct peeps_problem;
struct sqlite3;

#define PEEPS_QUERY_MEMORY_BYTES (INT64_C(1) << 30)

struct peeps_bounds {
	uint64_t timeout_ns;
	int64_t memory_bytes; /* of SQLite's, beside what it has when it is confined */
};

/* Lives as long as what it confines. */
struct peeps_confinement {
	struct sqlite3 *sqlite;
	struct peeps_bounds bounds;
	uint64_t deadline_ns; /* CLOCK_MONOTONIC; 0 = paused */
	uint64_t left_ns;     /* of the time, when it was paused */
	bool is_late;         /* and was stopped because of it */
	char refused[128];    /* what was wanted and is not allowed; "" = nothing */
};

/**
 * peeps_confine - from now on this connection only reads, what it has open and now, within bounds
 * @sqlite: opened; borrowed. Nothing but peeps_confine_end() can set it free again
 *
 * One read transaction is begun: all that is asked is asked of one state, whatever others write meanwhile. The bound of
 * memory is the whole process's: one confinement at a time.
 * Returns 0; -errno with the problem filled.
 */
int peeps_confine(struct peeps_confinement *confinement, struct sqlite3 *sqlite,
		  const struct peeps_bounds *bounds, struct peeps_problem *problem);
void peeps_confine_end(struct peeps_confinement *confinement);

/**
 * peeps_confine_pause - from now on its time does not pass, until peeps_confine_resume()
 *
 * For what is not the statement's to answer for: whoever reads the answer may take his time, as a pager does. Nothing is
 * run meanwhile: peeps_statement_next() resumes for as long as it takes.
 */
void peeps_confine_pause(struct peeps_confinement *confinement);
void peeps_confine_resume(struct peeps_confinement *confinement);

#endif
