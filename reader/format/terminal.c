/* SPDX-License-Identifier: MIT */
#include "reader/format/terminal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool peeps_terminal_obeys(int fd)
{
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): peeps-read has one thread */
	const char *terminal = getenv("TERM");

	return terminal && *terminal && strcmp(terminal, "dumb") != 0 && isatty(fd);
}

size_t peeps_terminal_width(int fd)
{
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): peeps-read has one thread */
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	char *end;
	unsigned long number;

	if (columns && *columns >= '0' && *columns <= '9') {
		errno = 0;
		number = strtoul(columns, &end, 10);
		if (!*end && !errno && number > 0)
			return number;
	}
	return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

size_t peeps_terminal_height(int fd)
{
	struct winsize size;

	return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
}
