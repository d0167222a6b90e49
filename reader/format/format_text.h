/* SPDX-License-Identifier: MIT */
#ifndef PEEPS_READER_FORMAT_TEXT_H
#define PEEPS_READER_FORMAT_TEXT_H

#include <stdio.h>

struct peeps_graph;

/**
 * peeps_format_text - write all of a snapshot for people: processes, nodes with attributes, edges, findings, notes
 *
 * Returns 0 or -ENOMEM; failed writes stay with the stream.
 */
int peeps_format_text(const struct peeps_graph *graph, FILE *out);

#endif
