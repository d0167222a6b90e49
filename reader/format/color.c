/* SPDX-License-Identifier: MIT */
#include "reader/format/color.h"

#include <stdlib.h>

#include "reader/format/terminal.h"

static bool is_unwanted(void)
{
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): peeps-read has one thread */
	const char *no_color = getenv("NO_COLOR");

	return no_color && *no_color;
}

bool peeps_color_on(enum peeps_color when, int fd)
{
	switch (when) {
	case PEEPS_COLOR_ALWAYS:
		return true;
	case PEEPS_COLOR_NEVER:
		return false;
	case PEEPS_COLOR_AUTO:
		break;
	}
	return !is_unwanted() && peeps_terminal_obeys(fd);
}

/* The eight colors and attributes that every terminal has; none sets the background. */
static const char *const sequences[] = {
	[PEEPS_MEANING_CERTAIN] = "\x1b[1;31m",
	[PEEPS_MEANING_POSSIBLE] = "\x1b[33m",
	[PEEPS_MEANING_DIM] = "\x1b[2m",
	[PEEPS_MEANING_HEADER] = "\x1b[1m",
};

void peeps_color_begin(bool on, enum peeps_meaning meaning, FILE *out)
{
	if (on)
		(void)fputs(sequences[meaning], out);
}

void peeps_color_end(bool on, FILE *out)
{
	if (on)
		(void)fputs("\x1b[0m", out);
}

void peeps_color_text(bool on, enum peeps_meaning meaning, const char *text, FILE *out)
{
	peeps_color_begin(on, meaning, out);
	(void)fputs(text, out);
	peeps_color_end(on, out);
}
