/* SPDX-License-Identifier: MIT */
/* A wait and a hold in JSON, as `blocked` and `explain` show them: docs/output.md. */
#ifndef PEEPS_READER_WAIT_JSON_H
#define PEEPS_READER_WAIT_JSON_H

#include "reader/analysis/waits.h"
#include "reader/format/json.h"

/* Of one wait, at most: there may be as many waits as holders. */
#define PEEPS_HOLDERS_LISTED_MAX 10

/**
 * peeps_wait_json - a map: who waits for what, in which processes, how long, and who could end it
 * @ends: peeps_way_out(); NULL = that key is left out
 */
void peeps_wait_json(struct peeps_json *json, const struct peeps_graph *graph,
		     const struct peeps_wait *wait, const char *ends);

/**
 * peeps_hold_json - a map: who holds, how, how much, since when, and what it does instead of letting go
 */
void peeps_hold_json(struct peeps_json *json, const struct peeps_graph *graph,
		     const struct peeps_edge *hold);

#endif
