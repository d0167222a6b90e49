/* SPDX-License-Identifier: MIT */
/*
 * The tick: a small thread that stamps the time ten times a second, so that the fast path can tell
 * since when a lock is held without reading a clock.
 */
#ifndef PEEPS_WRITER_TICK_H
#define PEEPS_WRITER_TICK_H

#include <stdbool.h>

/* Start it, once: the program has a second thread. Without it holds have no stamp. Process lock not
 * held. */
void tick_start(void);

bool tick_runs(void);

/* Strings were given back: the tick reclaims them, unless there is none, or more of them than it can keep up
 * with. Context: as intern_reclaim(). */
void tick_or_reclaim(void);

/**
 * tick_stop - end it, for good: the main thread leaves, and the process is to end with the last of the
 * program's threads, not to go on for ours
 *
 * Waits for its end. From here on holds have no stamp.
 */
void tick_stop(void);

/* In a forked child: there is none. */
void tick_forget(void);

#endif
