/* SPDX-License-Identifier: MIT */
#ifndef PEEPS_READER_VERB_LOAD_H
#define PEEPS_READER_VERB_LOAD_H

struct peeps_options;

/**
 * peeps_load - load: append the snapshots of the options' targets to a database
 *
 * Returns an exit status, having complained of whatever went wrong. What was loaded before that stays.
 */
int peeps_load(const struct peeps_options *options);

#endif
