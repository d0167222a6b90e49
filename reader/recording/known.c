/* SPDX-License-Identifier: MIT */
#include "reader/recording/known.h"

#include <stdlib.h>

#define TURNS_LEAST 16

static int pid_compare(const void *a, const void *b)
{
	const struct peeps_known_process *left = a, *right = b;

	return left->pid < right->pid ? -1 : left->pid > right->pid;
}

/* Without memory it is forgotten, and is new again. */
static void note(struct peeps_known_list *list, const struct peeps_known_process *process)
{
	if (list->count == list->room) {
		const size_t room = list->room ? 2 * list->room : 256;
		struct peeps_known_process *processes =
			reallocarray(list->processes, room, sizeof(*processes));

		if (!processes)
			return;
		list->processes = processes;
		list->room = room;
	}
	list->processes[list->count++] = *process;
}

/* So many that all have had theirs after PEEPS_KNOWN_FOR_NS. */
void peeps_known_begin(struct peeps_known *known, uint64_t now_ns)
{
	const uint64_t passed_ns = now_ns - known->now_ns;
	const uint64_t count = known->before.count;

	known->turns = passed_ns >= PEEPS_KNOWN_FOR_NS
			       ? count
			       : count * passed_ns / PEEPS_KNOWN_FOR_NS + TURNS_LEAST;
	known->now_ns = now_ns;
	known->now.count = 0;
}

bool peeps_known_is_due(void *context, pid_t pid)
{
	struct peeps_known *known = context;
	const struct peeps_known_process sought = { .pid = pid };
	const struct peeps_known_process *before =
		known->before.count ? bsearch(&sought, known->before.processes, known->before.count,
					      sizeof(sought), pid_compare)
				    : NULL;
	struct peeps_known_process now = before ? *before : sought;
	bool is_due = true;

	if (!before) {
		now.first_ns = known->now_ns;
	} else if (known->now_ns - now.first_ns >= PEEPS_KNOWN_FOR_NS) {
		is_due = known->turns > 0 && known->now_ns - now.looked_ns >= PEEPS_KNOWN_FOR_NS;
		known->turns -= is_due;
	}
	if (is_due)
		now.looked_ns = known->now_ns;
	note(&known->now, &now);
	return is_due;
}

void peeps_known_end(struct peeps_known *known)
{
	const struct peeps_known_list before = known->before;

	known->before = known->now;
	known->now = before;
	if (known->before.count)
		qsort(known->before.processes, known->before.count,
		      sizeof(known->before.processes[0]), pid_compare);
}

void peeps_known_deinit(struct peeps_known *known)
{
	free(known->before.processes);
	free(known->now.processes);
	*known = (struct peeps_known){ .turns = 0 };
}
