/* SPDX-License-Identifier: MIT */
#ifndef PEEPS_READER_VERB_QUERY_H
#define PEEPS_READER_VERB_QUERY_H

struct peeps_options;

/**
 * peeps_query - query: ask the options' targets a question, or SQL; without either, list the questions
 *
 * A database that is the only target is asked in place, and only read. Of all else a database is made in memory.
 * Returns an exit status, having complained of whatever went wrong.
 */
int peeps_query(const struct peeps_options *options);

#endif
