/* SPDX-License-Identifier: MIT */
/* peeps-read diff: what came, went, changed or stood still between two snapshots. */
#ifndef PEEPS_READER_VERB_DIFF_H
#define PEEPS_READER_VERB_DIFF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct peeps_difference;
struct peeps_options;
struct peeps_problem;

/**
 * peeps_diff - diff: look twice, and print the difference
 *
 * Returns an exit status, having complained of whatever went wrong.
 */
int peeps_diff(const struct peeps_options *options);

/**
 * struct peeps_diff_view - what is shown
 * @min_ns:  only waits that have been pending so long
 * @all:     each by itself, however many there are
 * @width:   struct peeps_options.width
 * @colored: struct peeps_options.colored
 */
struct peeps_diff_view {
	uint64_t min_ns;
	bool all;
	size_t width;
	bool colored;
};

/**
 * peeps_diff_text - the verdict in words, then what it rests on
 *
 * Returns 0; -ENOMEM; or -EINVAL with the problem filled. Failed writes stay with the stream.
 */
int peeps_diff_text(const struct peeps_difference *difference, const struct peeps_diff_view *view,
		    FILE *out, struct peeps_problem *problem);

/**
 * peeps_diff_json - all of it, as a document: docs/output.md
 *
 * Returns 0, -ENOMEM, or -errno of a write that failed.
 */
int peeps_diff_json(const struct peeps_difference *difference, uint64_t min_ns, FILE *out);

#endif
