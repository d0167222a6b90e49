/* SPDX-License-Identifier: MIT */
/* A graph as plain lines, for comparing: all that decoding made of a segment, and nothing that depends on the clock. */
#ifndef PEEPS_TESTS_GOLDEN_LISTING_H
#define PEEPS_TESTS_GOLDEN_LISTING_H

#include <stdio.h>

struct peeps_graph;

void listing_write(const struct peeps_graph *graph, FILE *out);

#endif
