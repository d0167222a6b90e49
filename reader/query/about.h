/* SPDX-License-Identifier: MIT */
/* Which snapshot of a database is asked about, and what one has to know of it. */
#ifndef PEEPS_READER_ABOUT_H
#define PEEPS_READER_ABOUT_H

#include <stdbool.h>
#include <stdint.h>

struct peeps_graph;
struct peeps_problem;
struct sqlite3;

struct peeps_about {
	int64_t snapshot; /* its id; 0: the database has none */
	int64_t before;   /* the one before it; 0: it is the first */
	uint64_t before_taken_at_unix_ns;
	int64_t number,
		before_number; /* what --at calls these two, and the smallest and largest of all */
	int64_t first_number, last_number;
	int64_t count;         /* of snapshots in the database */
	int64_t doubted_count; /* of these, of what is no proved moment: partial, or passive */
	int64_t lossy_count;   /* likewise, of those in which not everything could be recorded */
	uint64_t first_taken_at_unix_ns, last_taken_at_unix_ns;
	struct peeps_graph
		*graph; /* of that snapshot, what headings tell and no more; NULL: there is none */
};

/**
 * peeps_about_find - the snapshot that is meant
 * @at:          a snapshot's id, or if negative its position from the end; 0 = the newest
 * @by_sequence: at is the number in its recording, where it has one
 *
 * Returns 0; -errno with the problem filled: -ENOENT there is none such, -ETIME, -ENOMEM, -EBADMSG.
 * Undo with peeps_about_free().
 */
int peeps_about_find(struct peeps_about *about, struct sqlite3 *sqlite, int64_t at,
		     bool by_sequence, struct peeps_problem *problem);

/**
 * peeps_about_came_from - headings are to say which file it is in
 *
 * Returns 0 or -ENOMEM.
 */
int peeps_about_came_from(struct peeps_about *about, const char *file);
void peeps_about_free(struct peeps_about *about);

#endif
