/* SPDX-License-Identifier: MIT */
/* record: a snapshot every so often, of processes as they come and go. docs/recording.md */
#ifndef PEEPS_READER_VERB_RECORD_H
#define PEEPS_READER_VERB_RECORD_H

#include "reader/command/options.h"

/**
 * peeps_record - record the options' targets until it is time, it is stopped, or none of them is left
 *
 * Returns an exit status, having said what was recorded and complained of what went wrong.
 * Context: changes what SIGINT, SIGTERM, SIGHUP and SIGPIPE do until it returns.
 */
int peeps_record(const struct peeps_options *options);

#endif
