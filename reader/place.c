/* SPDX-License-Identifier: MIT */
#include "reader/place.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "reader/problem.h"

static int place_find(struct peeps_place *place, const char *word, struct peeps_problem *problem)
{
	char *end;
	unsigned long pid;

	*place = (struct peeps_place){ .fd = -1, .word = word };
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
