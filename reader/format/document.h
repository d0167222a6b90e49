/* SPDX-License-Identifier: MIT */
/*
 * The snapshot document "peeps.snapshot/1": one structure in every format (docs/snapshot.md).
 *
 * It is complete: reader/snapshot/snapshot.h makes the same graph of it again, and of that the same bytes are written.
 */
#ifndef PEEPS_READER_DOCUMENT_H
#define PEEPS_READER_DOCUMENT_H

#include <stdio.h>

struct peeps_graph;
struct peeps_sink;

#define PEEPS_DOCUMENT_SCHEMA "peeps.snapshot/1"

/**
 * peeps_document_write_json, _msgpack - write a graph as a document
 *
 * Written as it is made: the memory needed does not grow with the graph.
 * Returns 0, -ENOMEM, or -errno of a write that failed; what is in the stream's buffer may still fail.
 */
int peeps_document_write_json(const struct peeps_graph *graph, FILE *out);
int peeps_document_write_msgpack(const struct peeps_graph *graph, FILE *out);

/**
 * peeps_document_quality, _findings - parts of it, in other documents: the keys quality and notes; the key findings
 * @sink: a map is open, in which so many keys were announced
 */
void peeps_document_quality(struct peeps_sink *sink, const struct peeps_graph *graph);
void peeps_document_findings(struct peeps_sink *sink, const struct peeps_graph *graph);

#endif
