/* SPDX-License-Identifier: MIT */
#include "tests/support/fake_process.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int ready_fd = -1; /* of the child */

static void start(struct fake_process *process, void (*body)(void *context), void *context,
		  unsigned long flags)
{
	int ends[2];
	char byte;

	if (pipe2(ends, O_CLOEXEC) != 0)
		abort();
	(void)fflush(NULL);
	process->pid = flags ? (pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0) : fork();
	if (process->pid < 0)
		abort();
	if (process->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)close(ends[0]);
		ready_fd = ends[1];
		body(context);
		_exit(0);
	}
	(void)close(ends[1]);
	process->ready_fd = ends[0];
	(void)!read(ends[0], &byte, 1);
}

void fake_process_start(struct fake_process *process, void (*body)(void *context), void *context)
{
	start(process, body, context, 0);
}

void fake_process_start_apart(struct fake_process *process, void (*body)(void *context),
			      void *context)
{
	start(process, body, context, CLONE_NEWPID);
}

void fake_process_ready(void)
{
	(void)close(ready_fd);
}

void fake_process_rest(void)
{
	fake_process_ready();
	for (;;)
		(void)pause();
}

void fake_process_end(struct fake_process *process)
{
	(void)kill(process->pid, SIGKILL);
	(void)waitpid(process->pid, NULL, 0);
	(void)close(process->ready_fd);
}

static uint64_t start_time_ticks(void)
{
	char text[1024] = { 0 };
	const int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	const char *field;

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		abort();
	(void)close(fd);
	field = strrchr(text, ')');
	for (int number = 2; field && number < 22; number++)
		field = strchr(field + 1, ' ');
	return field ? strtoull(field, NULL, 10) : 0;
}

void fake_segment_adopt(struct fake_segment *segment)
{
	segment->header->pid = (uint32_t)getpid();
	segment->header->start_time_ticks = start_time_ticks();
}
