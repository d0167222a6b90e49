/* SPDX-License-Identifier: MIT */
/* In place of core.c, where libelf was not there to build with. */
#include "reader/target/core.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "reader/problem.h"

int peeps_attach_core(struct peeps_target *target, int fd, const char *name,
		      struct peeps_problem *problem)
{
	(void)target;
	(void)fd;
	memset(problem, 0, sizeof(*problem));
	(void)snprintf(problem->what, sizeof(problem->what), "cannot read the core file %s", name);
	return peeps_problem_set(problem, PEEPS_PROBLEM_BAD_SEGMENT, -EPROTONOSUPPORT,
				 "build peeps with libelf (meson setup -Dcore=enabled)",
				 "this peeps-read was built without libelf");
}
