/* SPDX-License-Identifier: MIT */
/* What stands below the verdict of diff: a section per question, with a title, left out if there is nothing to say. */
#ifndef PEEPS_READER_DIFF_SECTIONS_H
#define PEEPS_READER_DIFF_SECTIONS_H

#include "reader/analysis/movement.h"
#include "reader/format/table.h"
#include "reader/verbs/diff_verdict.h"

#define PEEPS_DIFF_ROWS_MAX 20 /* of a list, without --all */

struct peeps_diff_text {
	const struct peeps_difference *difference;
	const struct peeps_diff_view *view;
	FILE *out;
	struct peeps_problem *problem;
};

void peeps_diff_title(const struct peeps_diff_text *text, const char *title);

/**
 * peeps_diff_table - an empty table, as wide as the view allows
 *
 * Returns NULL without memory. peeps_diff_table_end() prints it, says how many rows were left out, and frees it.
 */
struct peeps_table *peeps_diff_table(const struct peeps_diff_text *text,
				     const struct peeps_column *columns, size_t count);
int peeps_diff_table_end(const struct peeps_diff_text *text, struct peeps_table *table,
			 size_t left_out);

/* These return 0; -ENOMEM; or -EINVAL with the problem filled. Failed writes stay with the stream. */

/* Waits that are the same, that seem to be, that are new, and that ended. */
int peeps_diff_waits(const struct peeps_diff_text *text);

/* What came and went in processes that are in both: kind by kind, or with --all one by one. */
int peeps_diff_traffic(const struct peeps_diff_text *text, const struct peeps_traffic *traffic);
struct peeps_traffic peeps_diff_count_traffic(const struct peeps_difference *difference);

/* Counters summed up; with --all one by one, too; and states that changed. */
int peeps_diff_moved(const struct peeps_diff_text *text, const struct peeps_movement *movement);

#endif
