/* SPDX-License-Identifier: MIT */
#include "reader/command/unfinished.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
#define COUNT (sizeof(numbers) / sizeof(numbers[0]))

static const char *volatile unfinished;
static bool ours[COUNT]; /* whether we handle it */

void peeps_unfinished_remove(void)
{
	const char *path = unfinished;

	if (path)
		(void)unlink(path);
}

/* It is blocked in here, and by default again: it ends us as soon as we return. */
static void remove_file(int number)
{
	peeps_unfinished_remove();
	(void)raise(number);
}

void peeps_unfinished_begin(const char *path)
{
	const struct sigaction handle = { .sa_handler = remove_file, .sa_flags = SA_RESETHAND };

	unfinished = path;
	for (size_t i = 0; i < COUNT; i++) {
		struct sigaction before;

		ours[i] = sigaction(numbers[i], NULL, &before) == 0 &&
			  before.sa_handler == SIG_DFL && sigaction(numbers[i], &handle, NULL) == 0;
	}
}

void peeps_unfinished_end(void)
{
	for (size_t i = 0; i < COUNT; i++) {
		if (ours[i])
			(void)signal(numbers[i], SIG_DFL);
		ours[i] = false;
	}
	unfinished = NULL;
}
