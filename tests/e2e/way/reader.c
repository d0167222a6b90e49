/* SPDX-License-Identifier: MIT */
/*
 * way_reader PID - cut a process, and some of its children, as fast as it goes until it ends
 *
 * Prints `attached`, or `nothing there`, as soon as it knows, and at the end a line of what it saw. Exits 1 if an answer
 * was not one of those that a reader may get from a living or dying process.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "reader/analysis/analysis.h"
#include "reader/cut/cut.h"
#include "reader/cut/image.h"
#include "reader/decode/decode.h"
#include "reader/target/attach.h"

#define CHILDREN_EVERY   4
#define CHILDREN_AT_ONCE 4

static unsigned long cuts, exact, children, odd;

static void odd_answer(const char *what, int r, const struct peeps_problem *problem)
{
	odd++;
	(void)fprintf(stderr, "way_reader: %s: %s (%s; %s)\n", what, strerror(-r), problem->what,
		      problem->why);
}

/* Returns false once the process is gone. */
static bool look(struct peeps_target *target, struct peeps_image *image)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_graph *graph = NULL;
	const int r = peeps_cut(target, image, 0, &problem);

	if (r == -ESRCH)
		return false;
	if (r && r != -EAGAIN) {
		odd_answer("cut", r, &problem);
		return false;
	}
	cuts++;
	exact += image->quality == PEEPS_QUALITY_CUT;
	if (peeps_decode(image, 0, &graph) == 0) {
		const struct peeps_analysis_options wishes = { .max_wait_ns = 0 };

		(void)peeps_analyse(graph, &wishes);
		peeps_graph_free(graph);
	}
	return !image->exited;
}

static void look_at_child(pid_t pid)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_target target;
	struct peeps_image image;

	/* It may have no segment yet, or be gone, or be in the middle of making one. */
	if (peeps_attach(&target, pid, &problem) != 0)
		return;
	children++;
	peeps_image_init(&image);
	for (int i = 0; i < 3 && look(&target, &image); i++)
		;
	peeps_image_deinit(&image);
	peeps_detach(&target);
}

static void look_at_children(pid_t pid)
{
	char path[64], list[4096];
	ssize_t length;
	char *at = list;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	length = read(fd, list, sizeof(list) - 1);
	(void)close(fd);
	if (length <= 0)
		return;
	list[length] = '\0';
	for (int i = 0; i < CHILDREN_AT_ONCE; i++) {
		char *end;
		const long child = strtol(at, &end, 10);

		if (end == at)
			break;
		look_at_child((pid_t)child);
		at = end;
	}
}

int main(int argc, char **argv)
{
	const struct timespec pause = { .tv_nsec = 2000000 };
	const pid_t pid = argc > 1 ? (pid_t)atoi(argv[1]) : 0;
	struct peeps_problem problem = { .status = 0 };
	struct peeps_target target;
	struct peeps_image image;
	int r = -ENOENT;

	for (int tries = 0; tries < 250 && r && r != -ESRCH; tries++) {
		r = peeps_attach(&target, pid, &problem);
		if (r && r != -ESRCH)
			(void)nanosleep(
				&pause,
				NULL); /* it may not have come to its constructors yet, or to their end */
	}
	if (r) {
		(void)printf("nothing there: %s: %s\n", problem.what, problem.why);
		return r == -ENOENT || r == -ESRCH ? 0 : 1;
	}
	peeps_image_init(&image);
	if (!look(&target, &image))
		(void)printf("nothing there: it was gone at once\n");
	else
		(void)printf("attached\n");
	(void)fflush(stdout);
	for (unsigned long i = 0; look(&target, &image); i++)
		if (i % CHILDREN_EVERY == 0)
			look_at_children(pid);
	peeps_image_deinit(&image);
	peeps_detach(&target);
	(void)printf("reader cuts=%lu exact=%lu children=%lu odd=%lu\n", cuts, exact, children,
		     odd);
	return odd != 0;
}
