/* SPDX-License-Identifier: MIT */
#include "reader/recording/following.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reader/clock.h"
#include "reader/graph/arena.h"
#include "reader/graph/ids.h"
#include "reader/look/processes.h"
#include "reader/problem.h"
#include "reader/target/proc.h"

#define SCAN_SHARE 20 /* of the time, one part */

static void tell(const struct peeps_following *following, const char *label, const char *what)
{
	if (following->tell)
		following->tell(following->context, label, what);
}

/* --- who is followed -------------------------------------------------------------------------------------------- */

static bool is_followed(const struct peeps_following *following, pid_t pid)
{
	for (size_t i = 0; i < following->count; i++) {
		if (following->followed[i].pid == pid)
			return true;
	}
	return false;
}

/* Returns whether it is still there. */
static bool add(struct peeps_following *following, pid_t pid, const char *label)
{
	struct peeps_followed *followed = &following->followed[following->count];

	followed->pid = pid;
	followed->proc_fd = peeps_proc_open(pid);
	(void)snprintf(followed->label, sizeof(followed->label), "%s", label);
	if (followed->proc_fd < 0)
		return false;
	following->count++;
	return true;
}

static void remove_at(struct peeps_following *following, size_t i)
{
	(void)close(following->followed[i].proc_fd);
	following->count--;
	memmove(&following->followed[i], &following->followed[i + 1],
		(following->count - i) * sizeof(following->followed[0]));
}

static bool has_ended(const struct peeps_followed *followed)
{
	struct peeps_proc_stat stat;

	if (peeps_proc_stat_read(followed->proc_fd, "stat", &stat) != 0)
		return true;
	return (stat.state == 'Z' || stat.state == 'X') && stat.thread_count <= 1;
}

static void forget_ended(struct peeps_following *following)
{
	for (size_t i = following->count; i-- > 0;) {
		if (!has_ended(&following->followed[i]))
			continue;
		tell(following, following->followed[i].label, "ended");
		remove_at(following, i);
	}
}

/* --- names ------------------------------------------------------------------------------------------------------ */

static bool is_called(const struct peeps_found *found, const char *name)
{
	return strcmp(found->process_name, name) == 0 || strcmp(found->proc_key, name) == 0 ||
	       peeps_process_is_called(&found->names, name);
}

static bool has_a_name(const struct peeps_following *following, const struct peeps_found *found)
{
	for (size_t i = 0; i < following->name_count; i++) {
		if (is_called(found, following->names[i]))
			return true;
	}
	return false;
}

/* Else whoever misspelled a name would wait with us. */
static void tell_who_is_missing(const struct peeps_following *following,
				const struct peeps_processes *processes)
{
	for (size_t i = 0; i < following->name_count; i++) {
		bool is_there = false;

		for (size_t j = 0; j < processes->count && !is_there; j++)
			is_there = is_called(&processes->found[j], following->names[i]);
		if (!is_there)
			tell(following, following->names[i], "is not there yet: it is waited for");
	}
}

static void refuse(struct peeps_following *following, const struct peeps_found *found)
{
	char what[sizeof(found->problem.why) + 32];

	for (size_t i = 0; i < following->refused_count; i++) {
		if (following->refused[i] == found->pid)
			return;
	}
	if (following->refused_count == PEEPS_FOLLOWED_MAX)
		return;
	following->refused[following->refused_count++] = found->pid;
	(void)snprintf(what, sizeof(what), "cannot be looked at: %s", found->problem.why);
	tell(following, found->names.comm, what);
}

static void meet(struct peeps_following *following, const struct peeps_found *found)
{
	if (is_followed(following, found->pid) || !has_a_name(following, found))
		return;
	if (found->problem.status) {
		refuse(following, found);
	} else if (following->count < PEEPS_FOLLOWED_MAX) {
		if (add(following, found->pid, found->proc_key))
			tell(following, found->proc_key,
			     following->has_scanned ? "started" : "is there");
	} else if (!following->told_of_more) {
		following->told_of_more = true;
		tell(following, found->proc_key,
		     "is left out: 64 processes are all that is looked at");
	}
}

static void scan(struct peeps_following *following)
{
	const uint64_t begin_ns = peeps_clock_monotonic_ns();
	struct peeps_processes processes;
	struct peeps_problem problem;
	uint64_t end_ns;

	if (begin_ns < following->scan_after_ns)
		return;
	peeps_known_begin(&following->known, begin_ns);
	if (peeps_processes_find_some(&processes, peeps_known_is_due, &following->known,
				      &problem) == 0) {
		for (size_t i = 0; i < processes.count; i++)
			meet(following, &processes.found[i]);
		if (!following->has_scanned)
			tell_who_is_missing(following, &processes);
		peeps_processes_free(&processes);
		following->has_scanned = true;
	}
	peeps_known_end(&following->known);
	end_ns = peeps_clock_monotonic_ns();
	following->scan_after_ns = end_ns + (SCAN_SHARE - 1) * (end_ns - begin_ns);
}

/* --- public ----------------------------------------------------------------------------------------------------- */

static int is_no_process(const char *word, const char *why, struct peeps_problem *problem)
{
	(void)snprintf(problem->what, sizeof(problem->what), "cannot record '%.128s'", word);
	return peeps_problem_set(problem, PEEPS_PROBLEM_USAGE, -EINVAL,
				 "name a process by its PID, or by the name that it will have",
				 "%s", why);
}

/* As its snapshots will call it. */
static bool add_target(struct peeps_following *following, pid_t pid,
		       const struct peeps_target *target)
{
	struct peeps_arena *arena = peeps_arena_new(0);
	const char *key =
		arena ? peeps_proc_key(arena, target->header.process_name, target->header.pid)
		      : NULL;
	const bool added = add(following, pid, key ? key : "");

	peeps_arena_free(arena);
	return added;
}

static int follow_pid(struct peeps_following *following, const char *word,
		      struct peeps_problem *problem)
{
	struct peeps_target target;
	unsigned long pid;
	bool added;
	int r;

	errno = 0;
	pid = strtoul(word, NULL, 10);
	if (errno || pid == 0 || pid > INT_MAX)
		return is_no_process(word, "no process has such a number", problem);
	if (is_followed(following, (pid_t)pid))
		return 0;
	r = peeps_attach(&target, (pid_t)pid, problem);
	if (r)
		return r;
	added = add_target(following, (pid_t)pid, &target);
	peeps_detach(&target);
	if (!added)
		return is_no_process(word, "it has just ended", problem);
	return 0;
}

static int follow(struct peeps_following *following, const char *word,
		  struct peeps_problem *problem)
{
	if (!*word)
		return is_no_process(word, "it is empty", problem);
	if (strcmp(word, "-") == 0 || strchr(word, '/'))
		return is_no_process(word, "a file does not change", problem);
	if (strspn(word, "0123456789") == strlen(word))
		return follow_pid(following, word, problem);
	following->names[following->name_count++] = word;
	return 0;
}

int peeps_following_init(struct peeps_following *following, const char *const *words, size_t count,
			 struct peeps_problem *problem)
{
	int r = 0;

	memset(following, 0, sizeof(*following));
	for (size_t i = 0; r == 0 && i < count && i < PEEPS_FOLLOWED_MAX; i++)
		r = follow(following, words[i], problem);
	if (r)
		peeps_following_deinit(following);
	return r;
}

void peeps_following_deinit(struct peeps_following *following)
{
	while (following->count)
		remove_at(following, following->count - 1);
	peeps_known_deinit(&following->known);
}

void peeps_following_update(struct peeps_following *following)
{
	forget_ended(following);
	if (following->name_count)
		scan(following);
}

static bool is_any(void *unused, char *line)
{
	(void)unused;
	(void)line;
	return true;
}

/* It is just ending. */
static bool has_no_memory(const struct peeps_followed *followed)
{
	const int r = peeps_proc_maps_each(followed->proc_fd, is_any, NULL);

	return r == -ENODATA || r == -ESRCH;
}

size_t peeps_following_forget(struct peeps_following *following)
{
	const size_t before = following->count;

	forget_ended(following);
	for (size_t i = following->count; i-- > 0;) {
		struct peeps_problem problem = { .status = 0 };
		struct peeps_target target;
		char what[sizeof(problem.why) + 48];

		if (peeps_attach_at_once(&target, following->followed[i].pid, &problem) == 0) {
			peeps_detach(&target);
			continue;
		}
		if (has_no_memory(&following->followed[i]))
			(void)snprintf(what, sizeof(what), "ended");
		else
			(void)snprintf(what, sizeof(what), "can no longer be looked at: %s",
				       problem.why);
		tell(following, following->followed[i].label, what);
		remove_at(following, i);
	}
	return before - following->count;
}

bool peeps_following_is_over(const struct peeps_following *following)
{
	return following->count == 0 && following->name_count == 0;
}

void peeps_following_places(const struct peeps_following *following,
			    struct peeps_place places[static PEEPS_FOLLOWED_MAX])
{
	for (size_t i = 0; i < following->count; i++)
		places[i] = (struct peeps_place){ .kind = PEEPS_PLACE_PROCESS,
						  .pid = following->followed[i].pid,
						  .fd = -1,
						  .word = following->followed[i].label };
}
