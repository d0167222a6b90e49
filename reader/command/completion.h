/* SPDX-License-Identifier: MIT */
/* What teaches a shell the words of peeps-read. */
#ifndef PEEPS_READER_COMPLETION_H
#define PEEPS_READER_COMPLETION_H

#include <stdio.h>

#include "reader/command/options_table.h"

/**
 * peeps_completion - print the script that a shell sources
 *
 * It completes verbs, the options of the verb at hand, what their arguments may be, files, and for targets the PIDs that
 * `peeps-read ps` lists, each with its name where the shell can show that.
 */
void peeps_completion(enum peeps_shell shell, FILE *out);

#endif
