/* SPDX-License-Identifier: MIT */
/* Which certain findings of a snapshot were in none before it, while one looks on. */
#ifndef PEEPS_READER_NEWS_H
#define PEEPS_READER_NEWS_H

#include <stddef.h>
#include <stdint.h>

#define PEEPS_NEWS_MAX 4096 /* that are remembered: what comes then is counted no more */

struct peeps_graph;
struct peeps_finding;

/* All zeroes: nothing was seen yet. */
struct peeps_news {
	size_t count;
	uint64_t seen
		[PEEPS_NEWS_MAX]; /* hashes of what makes a finding this one: its waits, by their numbers */
};

/**
 * peeps_news_next - the next finding that is certain and new; from now on it is not
 * @cursor: 0 to begin with, for each graph
 *
 * Returns NULL after the last.
 */
const struct peeps_finding *peeps_news_next(struct peeps_news *news,
					    const struct peeps_graph *graph, size_t *cursor);

#endif
