/* SPDX-License-Identifier: MIT */
/* peeps-read blocked: who waits on what, how long, and who holds it. */
#ifndef PEEPS_READER_VERB_BLOCKED_H
#define PEEPS_READER_VERB_BLOCKED_H

#include <stdint.h>
#include <stdio.h>

struct peeps_graph;
struct peeps_json;

/**
 * peeps_blocked_table - a row per pending operation of at least min_ns, the longest first
 *
 * This and the others return 0 or -ENOMEM; failed writes stay with the stream.
 */
int peeps_blocked_table(const struct peeps_graph *graph, uint64_t min_ns, FILE *out);

/**
 * peeps_blocked_tree - who waits behind whom: those who hold the others up first, below each who waits for it
 */
int peeps_blocked_tree(const struct peeps_graph *graph, uint64_t min_ns, FILE *out);

/**
 * peeps_blocked_json - the key `waits` of an open map
 */
int peeps_blocked_json(const struct peeps_graph *graph, uint64_t min_ns, struct peeps_json *json);

#endif
