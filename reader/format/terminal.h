/* SPDX-License-Identifier: MIT */
/* What the terminal can do, and how large it is. */
#ifndef PEEPS_READER_TERMINAL_H
#define PEEPS_READER_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

/**
 * peeps_terminal_obeys - whether a descriptor is a terminal that knows control sequences: TERM is set, and not dumb
 */
bool peeps_terminal_obeys(int fd);

/**
 * peeps_terminal_width - how many columns there are for what is written to a descriptor
 *
 * COLUMNS if it is a number, else those of the terminal behind the descriptor. Returns 0 where there is no limit.
 */
size_t peeps_terminal_width(int fd);

/**
 * peeps_terminal_height - how many lines the terminal behind a descriptor has; 0 if that is not known
 */
size_t peeps_terminal_height(int fd);

#endif
