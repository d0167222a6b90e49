/* SPDX-License-Identifier: MIT */
/*
 * Two fake segments that are cut and decoded together: `left`, pid 4711, and `right`, pid 4712. Each has a thread of
 * that tid and name, which holds the mutex `gate`.
 */
#ifndef PEEPS_TESTS_NEIGHBOURS_H
#define PEEPS_TESTS_NEIGHBOURS_H

#include "reader/cut/cut.h"
#include "reader/decode/decode.h"
#include "tests/support/fake_segment.h"

enum { LEFT, RIGHT, SIDES };

#define LEFT_THREAD  "thread:left-4711:4711"
#define LEFT_GATE    "mutex:left-4711:gate"
#define RIGHT_THREAD "thread:right-4712:4712"
#define RIGHT_GATE   "mutex:right-4712:gate"

struct neighbours {
	struct fake_segment segments[SIDES];
	uint32_t thread[SIDES], gate[SIDES]; /* entities */
	struct peeps_target targets[SIDES];
	struct peeps_image images[SIDES];
	struct peeps_problem problem;
	struct peeps_graph *graph;
};

/* Of cmocka. */
int neighbours_set_up(void **state);
int neighbours_tear_down(void **state);

/* Its thread waits for a lock of another process, by id, since 300 ms of ptime. Returns the edge. */
uint32_t neighbours_wait(struct neighbours *n, int side, const char *id);

/* Each for the other's gate. */
void neighbours_wait_for_each_other(struct neighbours *n);

/* Cut both and decode them in that order; the graph before is gone. */
void neighbours_look(struct neighbours *n, int first, int second);

const struct peeps_node *neighbours_node(const struct neighbours *n, const char *id);

/* The first edge of that kind that begins there. What is not there fails the test. */
const struct peeps_edge *neighbours_edge(const struct neighbours *n, enum peeps_edge_kind kind,
					 const char *src);

#endif
