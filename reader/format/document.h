/* SPDX-License-Identifier: MIT */
/*
 * The snapshot document "peeps.snapshot/1": one structure in every format (docs/snapshot.md).
 *
 * It is complete: reader/snapshot/snapshot.h makes the same graph of it again, and of that the same bytes are written.
 */
#ifndef PEEPS_READER_DOCUMENT_H
#define PEEPS_READER_DOCUMENT_H

#include <stdio.h>

struct peeps_edge;
struct peeps_finding;
struct peeps_graph;
struct peeps_graph_scope;
struct peeps_node;
struct peeps_process;
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

enum peeps_evidence {
	PEEPS_EVIDENCE_STEPS,
	PEEPS_EVIDENCE_NODES,
	PEEPS_EVIDENCE_EDGES,
	PEEPS_EVIDENCE_VICTIMS
};

/**
 * peeps_document_notes, ... - parts that stand by themselves elsewhere (a column of a database): a value each, what in the
 * document notes, a process's counters, a node's and a scope's attrs, an edge's meta, and of a finding that evidence are
 */
void peeps_document_notes(struct peeps_sink *sink, const struct peeps_graph *graph);
void peeps_document_counters(struct peeps_sink *sink, const struct peeps_process *process);
void peeps_document_attributes(struct peeps_sink *sink, const struct peeps_graph *graph,
			       const struct peeps_node *node);
void peeps_document_meta(struct peeps_sink *sink, const struct peeps_graph *graph,
			 const struct peeps_edge *edge);
void peeps_document_scope_attributes(struct peeps_sink *sink,
				     const struct peeps_graph_scope *scope);
void peeps_document_evidence(struct peeps_sink *sink, const struct peeps_graph *graph,
			     const struct peeps_finding *finding, enum peeps_evidence evidence);

#endif
