/* SPDX-License-Identifier: MIT */
#ifndef PEEPS_READER_FORMAT_JSON_H
#define PEEPS_READER_FORMAT_JSON_H

#include <stdio.h>

struct peeps_finding;
struct peeps_graph;
struct peeps_json;

/**
 * peeps_format_json - write the snapshot document "peeps.snapshot/1"
 *
 * Returns 0, -ENOMEM, or -errno of a write that failed.
 */
int peeps_format_json(const struct peeps_graph *graph, FILE *out);

/**
 * peeps_format_json_quality, _findings - parts of it, in other documents: the keys quality and notes; findings
 */
void peeps_format_json_quality(struct peeps_json *json, const struct peeps_graph *graph);
void peeps_format_json_findings(struct peeps_json *json, const struct peeps_graph *graph);

#endif
