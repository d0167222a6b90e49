/* SPDX-License-Identifier: MIT */
/*
 * The end of what does not look at the clock itself: one call of a function of SQLite's on a long text may take for ever (a search of
 * megabytes in megabytes), and nothing but a signal gets in between.
 */
#ifndef PEEPS_READER_DEADLINE_H
#define PEEPS_READER_DEADLINE_H

#include <stdint.h>

/* By SIGALRM, one at a time; there is no deadline yet. */
void peeps_deadline_begin(void);
void peeps_deadline_end(void);

/**
 * peeps_deadline_set - soon after it this process is ended: with status 8, three lines that say so, and without leaving an
 * unfinished file (reader/command/unfinished.h)
 * @ns: CLOCK_MONOTONIC; 0 = none any more. Costs a store: it may be set for each row
 */
void peeps_deadline_set(uint64_t ns);

#endif
