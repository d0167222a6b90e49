/* SPDX-License-Identifier: MIT */
/*
 * The end of what does not look at the clock itself: one call of a function of SQLite's on a long text may take for ever (a search of
 * megabytes in megabytes), and nothing but a signal gets in between.
 */
#ifndef PEEPS_READER_DEADLINE_H
#define PEEPS_READER_DEADLINE_H

#include <stdint.h>

/**
 * peeps_deadline_begin - if it is not ended in time, this process is: with status 8, three lines that say so, and without
 * leaving an unfinished file (reader/command/unfinished.h)
 *
 * By SIGALRM, one at a time.
 */
void peeps_deadline_begin(uint64_t ns);
void peeps_deadline_end(void);

#endif
