/* SPDX-License-Identifier: MIT */
/* How wide the terminal is. */
#ifndef PEEPS_READER_TERMINAL_H
#define PEEPS_READER_TERMINAL_H

#include <stddef.h>

/**
 * peeps_terminal_width - how many columns there are for what is written to a descriptor
 *
 * COLUMNS if it is a number, else those of the terminal behind the descriptor. Returns 0 where there is no limit.
 */
size_t peeps_terminal_width(int fd);

#endif
