/* SPDX-License-Identifier: MIT */
/* What two snapshots come to, in a few sentences for somebody on call. */
#ifndef PEEPS_READER_DIFF_VERDICT_H
#define PEEPS_READER_DIFF_VERDICT_H

#include "reader/analysis/movement.h"
#include "reader/verbs/verb_diff.h"

/* How many entities and scopes of processes that are in both came and went. */
struct peeps_traffic {
	size_t came, went;
};

/**
 * peeps_diff_verdict - how long is between them, which waits and deadlocks are the same, and what moved meanwhile
 *
 * Failed writes stay with the stream.
 */
void peeps_diff_verdict(const struct peeps_difference *difference,
			const struct peeps_movement *movement, const struct peeps_traffic *traffic,
			const struct peeps_diff_view *view, FILE *out);

/* "mutexes", of "mutex"; not escaped. */
void peeps_diff_print_kinds(const char *kind, size_t count, FILE *out);

#endif
