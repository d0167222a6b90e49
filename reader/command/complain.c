/* SPDX-License-Identifier: MIT */
#include "reader/command/complain.h"

#include <stdio.h>
#include <string.h>

#include "reader/format/print.h"
#include "reader/problem.h"

static void print_line(const char *before, const char *text)
{
	if (!*text)
		return;
	(void)fputs(before, stderr);
	peeps_escape_to(stderr, text); /* it may be of the target's making */
	(void)fputc('\n', stderr);
}

int peeps_complain(const struct peeps_problem *problem)
{
	print_line("peeps-read: ", problem->what);
	print_line("peeps-read: ", problem->why);
	print_line("hint: ", problem->hint);
	return problem->status;
}

int peeps_complain_of(int error, struct peeps_problem *problem)
{
	if (!problem->status) {
		problem->status = PEEPS_PROBLEM_OTHER;
		(void)snprintf(problem->what, sizeof(problem->what), "cannot go on");
		/* NOLINTNEXTLINE(concurrency-mt-unsafe): peeps-read has one thread */
		(void)snprintf(problem->why, sizeof(problem->why), "%s", strerror(-error));
	}
	return peeps_complain(problem);
}
