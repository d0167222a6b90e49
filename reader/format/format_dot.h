/* SPDX-License-Identifier: MIT */
#ifndef PEEPS_READER_FORMAT_DOT_H
#define PEEPS_READER_FORMAT_DOT_H

#include <stdio.h>

struct peeps_graph;

/**
 * peeps_format_dot - write a snapshot as a picture for Graphviz: `dot -Tsvg`
 *
 * - A cluster per process, in a color that its nodes wear, too. Scopes are no part of the picture.
 *   What belongs to a process that was not looked at is white, and in no cluster.
 * - Both ends of a pair (channel, request and response) are one node if they are of one process; else each is its own,
 *   with a link between them that stands out.
 * - Pending operations stand out; other operations are dashed, holds dotted; a link's structural `needs` is not drawn.
 * - What is part of a finding is red if that is certain, orange if it is possible.
 *
 * Returns 0 or -ENOMEM; failed writes stay with the stream.
 */
int peeps_format_dot(const struct peeps_graph *graph, FILE *out);

#endif
