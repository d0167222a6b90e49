/* SPDX-License-Identifier: MIT */
/* A file that is not to be left behind half written, should a signal end us. One at a time. */
#ifndef PEEPS_READER_UNFINISHED_H
#define PEEPS_READER_UNFINISHED_H

/**
 * peeps_unfinished_begin - from now on the file goes with us when SIGINT, SIGTERM or SIGHUP ends us
 * @path: borrowed until peeps_unfinished_end()
 *
 * A signal that is ignored, or that somebody else handles, stays as it is.
 */
void peeps_unfinished_begin(const char *path);

/* Remove the file now, if there is one: for signals that somebody else handles. Async-signal-safe. */
void peeps_unfinished_remove(void);

/* It is finished, or was removed. */
void peeps_unfinished_end(void);

#endif
