/* SPDX-License-Identifier: MIT */
/* A graph as large as one likes, of what the examples are made of: threads, tasks, mutexes, semaphores and channels. */
#ifndef PEEPS_BENCH_MIX_H
#define PEEPS_BENCH_MIX_H

#include <stdint.h>

struct peeps_graph;

#define BENCH_MIX_GROUP 20 /* nodes, and edges, that are alike but for their names and numbers */

/**
 * bench_mix_new - one process of @count nodes and as many edges, a multiple of BENCH_MIX_GROUP
 *
 * Of each group of twenty nodes 6 are threads, 2 tasks, 4 mutexes, 2 semaphores and 6 the ends of channels, and 2 of its
 * edges are pending operations, 12 holds and 6 links. All have names, places and attributes of their own, as many as a
 * cut of such a program would give. Exits without memory. Undo with peeps_graph_free().
 */
struct peeps_graph *bench_mix_new(uint32_t count);

#endif
