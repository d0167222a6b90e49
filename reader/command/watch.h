/* SPDX-License-Identifier: MIT */
/* --watch: the same look again and again. */
#ifndef PEEPS_READER_WATCH_H
#define PEEPS_READER_WATCH_H

#include "reader/command/options.h"

/* Prints one look into options->frame, complains of what went wrong, and returns an exit status. */
typedef int peeps_watch_fn(const struct peeps_options *options);

/**
 * peeps_watch - look, show, rest for options->watch_ns, until there is no more reason to
 * @fd: where looks are shown: on a terminal each takes the place of the one before; elsewhere they stand one below the
 *      other. Each begins with its time, but for JSON, which is one document after the other
 *
 * Ends when interrupted (SIGINT), when nobody reads what is written (not a failure), and when a look fails in a way
 * that the next would, too: its target has ended, say. Changes frame and width of the options.
 * Returns the exit status of the last look, or 8 if it could not be written.
 * Context: changes what SIGINT and SIGPIPE do until it returns.
 */
int peeps_watch(struct peeps_options *options, int fd, peeps_watch_fn *look);

#endif
