/* SPDX-License-Identifier: MIT */
/* A fake segment, its image and its graph, and questions about them. What is not there fails the test. */
#ifndef PEEPS_TESTS_DECODE_FIXTURE_H
#define PEEPS_TESTS_DECODE_FIXTURE_H

#include "reader/cut/cut.h"
#include "reader/decode/decode.h"
#include "tests/support/fake_segment.h"

struct fixture {
	struct fake_segment segment;
	struct fake_deadlock deadlock; /* the town's, if there is a town */
	struct fake_town town;
	struct peeps_target target;
	struct peeps_image image;
	struct peeps_problem problem;
	struct peeps_graph *graph;
};

/* Of cmocka: a segment with a deadlock, or with a town. */
int set_up(void **state);
int set_up_town(void **state);
int tear_down(void **state);

void take_image(struct fixture *f);
void decode_image(struct fixture *f, unsigned int flags);
/* Both, without flags. */
void decode(struct fixture *f);

const struct peeps_node *node_by_id(const struct fixture *f, const char *id);
/* The first one; NULL if there is none. */
const struct peeps_edge *edge_from(const struct fixture *f, enum peeps_edge_kind kind,
				   const char *src);
const char *dst_id(const struct fixture *f, const struct peeps_edge *edge);

void assert_number(const struct peeps_node *node, const char *name, uint64_t number);
void assert_text(const struct peeps_node *node, const char *name, const char *text);
void assert_truth(const struct peeps_node *node, const char *name, bool truth);
void assert_null_value(const struct peeps_node *node, const char *name);
void assert_node(const struct fixture *f, const struct peeps_node *node, const char *name,
		 const char *id);
void assert_noted(const struct fixture *f, const char *part);

#define ALPHA "thread:" FAKE_PROC_KEY ":4712"
#define BETA  "thread:" FAKE_PROC_KEY ":4713"
#define BEAT  "thread:" FAKE_PROC_KEY ":4714"
#define LEFT  "mutex:" FAKE_PROC_KEY ":left"
#define RIGHT "mutex:" FAKE_PROC_KEY ":right%20lock"

#endif
