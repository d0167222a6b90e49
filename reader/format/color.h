/* SPDX-License-Identifier: MIT */
/* Colors by what they mean, in our own words only: what comes from a target is never colored inside. */
#ifndef PEEPS_READER_COLOR_H
#define PEEPS_READER_COLOR_H

#include <stdbool.h>
#include <stdio.h>

/* --color */
enum peeps_color { PEEPS_COLOR_AUTO, PEEPS_COLOR_ALWAYS, PEEPS_COLOR_NEVER };

enum peeps_meaning {
	PEEPS_MEANING_CERTAIN,  /* a finding that is proved: red */
	PEEPS_MEANING_POSSIBLE, /* one that is not, and warnings: yellow */
	PEEPS_MEANING_DIM,      /* what can be skipped: notes, places in the source */
	PEEPS_MEANING_HEADER,   /* titles of tables and of what follows: bold */
};

/**
 * peeps_color_on - whether what is written to a descriptor is to be colored
 *
 * Auto: on a terminal that is not dumb (TERM), unless NO_COLOR is set and not empty.
 */
bool peeps_color_on(enum peeps_color when, int fd);

/**
 * peeps_color_begin - what follows means that; struct peeps_options.colored is the on of an answer
 *
 * Never nested. With on false, this and _end write nothing: the text is the same but for the colors.
 */
void peeps_color_begin(bool on, enum peeps_meaning meaning, FILE *out);
void peeps_color_end(bool on, FILE *out);

/**
 * peeps_color_text - a text of ours, in the color of its meaning
 */
void peeps_color_text(bool on, enum peeps_meaning meaning, const char *text, FILE *out);

#endif
