/* SPDX-License-Identifier: MIT */
/* What every answer begins and ends with. */
#ifndef PEEPS_READER_REPORT_H
#define PEEPS_READER_REPORT_H

#include <stdio.h>

struct peeps_graph;
struct peeps_json;

/**
 * peeps_report_heading - who, how many threads, how good the snapshot is, when
 *
 * One line, and of several processes one more for each, by the name that is given to its actors; then where a snapshot
 * came from that was not taken now.
 */
void peeps_report_heading(const struct peeps_graph *graph, FILE *out);

/**
 * peeps_report_notes - what one has to know to trust it: the snapshot's notes, and what the program could not record
 *
 * They are part of the answer, so that it may be pasted as it is. Nothing if there is nothing to say.
 */
void peeps_report_notes(const struct peeps_graph *graph, FILE *out);

/**
 * peeps_report_json - the same, as keys of an open map: taken_at_unix_ns, skew_ns, quality, notes, origin, processes
 */
void peeps_report_json(const struct peeps_graph *graph, struct peeps_json *json);

#endif
