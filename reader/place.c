/* SPDX-License-Identifier: MIT */
#include "reader/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reader/problem.h"

static bool is_file(const char *word)
{
	struct stat status;

	return stat(word, &status) == 0 && S_ISREG(status.st_mode);
}

static int open_file(struct peeps_place *place, struct peeps_problem *problem)
{
	place->kind = PEEPS_PLACE_SNAPSHOT;
	place->fd = open(place->word, O_RDONLY | O_CLOEXEC);
	if (place->fd >= 0)
		return 0;
	(void)snprintf(problem->what, sizeof(problem->what), "cannot open %s", place->word);
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): peeps-read has one thread */
	return peeps_problem_set(problem, PEEPS_PROBLEM_PERMISSION, -errno, "", "%s",
				 strerror(errno));
}

static int place_find(struct peeps_place *place, const char *word, struct peeps_problem *problem)
{
	char *end;
	unsigned long pid;

	*place = (struct peeps_place){ .fd = -1, .word = word };
	if (is_file(word))
		return open_file(place, problem);
	errno = 0;
	pid = strtoul(word, &end, 10);
	if (word[0] < '0' || word[0] > '9' || *end || errno || pid == 0 || pid > INT_MAX) {
		(void)snprintf(problem->what, sizeof(problem->what), "not a process id");
		return peeps_problem_set(problem, 2, -EINVAL,
					 "peeps-read PID, or peeps-read help for the verbs",
					 "'%s' is neither a PID nor a verb", word);
	}
	place->kind = PEEPS_PLACE_PROCESS;
	place->pid = (pid_t)pid;
	return 0;
}

int peeps_places_find(struct peeps_place *places, const char *const *words, size_t count,
		      struct peeps_problem *problem)
{
	for (size_t i = 0; i < count; i++) {
		const int r = place_find(&places[i], words[i], problem);

		if (r) {
			peeps_places_close(places, i);
			return r;
		}
	}
	return 0;
}

void peeps_places_close(struct peeps_place *places, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (places[i].fd >= 0)
			(void)close(places[i].fd);
		places[i].fd = -1;
	}
}
