/* SPDX-License-Identifier: MIT */
/* Filling a struct peeps_problem: the why and the hint of an error, where they are known. */
#ifndef PEEPS_READER_PROBLEM_H
#define PEEPS_READER_PROBLEM_H

#include <stdarg.h>
#include <stdio.h>

#include "reader/target/attach.h"

/* Exit statuses of a failure. Those of an answer: reader/command/options.h. */
enum peeps_problem_status {
	PEEPS_PROBLEM_USAGE = 2,
	PEEPS_PROBLEM_NO_PROCESS = 3,
	PEEPS_PROBLEM_NO_SEGMENT = 4,
	PEEPS_PROBLEM_PERMISSION = 5,
	PEEPS_PROBLEM_BAD_SEGMENT = 6,
	PEEPS_PROBLEM_NO_CUT = 7,
	PEEPS_PROBLEM_OTHER = 8,
};

/* Returns error, so that a check can end with it. */
static inline __attribute__((format(printf, 5, 6))) int peeps_problem_set(
	struct peeps_problem *problem, int status, int error, const char *hint, const char *why,
	...)
{
	va_list arguments;

	problem->status = status;
	va_start(arguments, why);
	(void)vsnprintf(problem->why, sizeof(problem->why), why, arguments);
	va_end(arguments);
	(void)snprintf(problem->hint, sizeof(problem->hint), "%s", hint);
	return error;
}

#endif
