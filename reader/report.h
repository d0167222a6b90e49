/* SPDX-License-Identifier: MIT */
/* What every answer in text begins and ends with. */
#ifndef PEEPS_READER_REPORT_H
#define PEEPS_READER_REPORT_H

#include <stdio.h>

struct peeps_graph;

/**
 * peeps_report_heading - a line per process: who, how many threads, how good the snapshot is, when
 */
void peeps_report_heading(const struct peeps_graph *graph, FILE *out);

/**
 * peeps_report_notes - what one has to know to trust it: the snapshot's notes, and what the program could not record
 *
 * They are part of the answer, so that it may be pasted as it is. Nothing if there is nothing to say.
 */
void peeps_report_notes(const struct peeps_graph *graph, FILE *out);

#endif
