/* SPDX-License-Identifier: MIT */
/* --help and help VERB. */
#ifndef PEEPS_READER_HELP_H
#define PEEPS_READER_HELP_H

#include <stdio.h>

#include "reader/command/options_table.h"

/**
 * peeps_help - explain a verb
 * @topic: PEEPS_VERB_LOOK = all of them, on a screen
 */
void peeps_help(enum peeps_verb topic, FILE *out);

#endif
