/* SPDX-License-Identifier: MIT */
/* A child process that the reader can attach to: it runs a function of the test, mostly with a fake segment. */
#ifndef PEEPS_TESTS_FAKE_PROCESS_H
#define PEEPS_TESTS_FAKE_PROCESS_H

#include <sys/types.h>

#include "tests/support/fake_segment.h"

struct fake_process {
	pid_t pid;
	int ready_fd; /* the child's end of it is closed when it is ready, or dead */
};

/**
 * fake_process_start - fork a child that runs body, which calls fake_process_ready(), and returns when that was called
 *
 * The child is killed by fake_process_end(), and when its parent dies; it exits when body returns.
 */
void fake_process_start(struct fake_process *process, void (*body)(void *context), void *context);
/* The same in a PID namespace of its own, where it is process 1. Needs to be root; pid is as this process sees it. */
void fake_process_start_apart(struct fake_process *process, void (*body)(void *context),
			      void *context);
void fake_process_ready(void);
/* The rest of a child's life: it is ready, and waits for its end. */
_Noreturn void fake_process_rest(void);
void fake_process_end(struct fake_process *process);

/* Makes a segment say that it belongs to the calling process. */
void fake_segment_adopt(struct fake_segment *segment);

#endif
