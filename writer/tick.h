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

/* In a forked child: there is none. */
void tick_forget(void);

#endif
