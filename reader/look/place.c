/* SPDX-License-Identifier: MIT */
#include "reader/look/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reader/look/file.h"
#include "reader/look/processes.h"
#include "reader/problem.h"
#include "reader/target/kept.h"

#define PIDS_MAX   64
#define PIDS_BYTES 128 /* of text: what does not fit is counted */

/* --- a number --------------------------------------------------------------------------------------------------- */

/* 0 = not a number; -1 = one that no process has. */
static pid_t pid_of(const char *word)
{
	unsigned long pid;

	if (!*word || strspn(word, "0123456789") != strlen(word))
		return 0;
	errno = 0;
	pid = strtoul(word, NULL, 10);
	return errno || pid == 0 || pid > INT_MAX ? -1 : (pid_t)pid;
}

/* --- a name ----------------------------------------------------------------------------------------------------- */

/* "4711, 4712, 4713 and 2 more" */
static void pids_write(char text[static PIDS_BYTES], const char *between, const pid_t *pids,
		       size_t listed, size_t count)
{
	size_t length = 0, i;

	text[0] = '\0';
	for (i = 0; i < listed && length + 48 < PIDS_BYTES; i++)
		length += (size_t)snprintf(text + length, PIDS_BYTES - length, "%s%d",
					   i ? between : "", (int)pids[i]);
	if (i < count)
		(void)snprintf(text + length, PIDS_BYTES - length, " and %zu more", count - i);
}

static int is_several(const char *name, const pid_t *pids, size_t count, bool any,
		      struct peeps_problem *problem)
{
	const size_t listed = count < PIDS_MAX ? count : PIDS_MAX;
	char whole[PIDS_BYTES], words[PIDS_BYTES], hint[PIDS_BYTES + 64];

	pids_write(whole, ", ", pids, listed, count);
	pids_write(words, " ", pids, listed, count);
	if (any)
		(void)snprintf(hint, sizeof(hint), "name one by its PID");
	else if (strstr(words, "more"))
		(void)snprintf(hint, sizeof(hint), "peeps-read ps shows them");
	else
		(void)snprintf(hint, sizeof(hint),
			       "peeps-read ps shows them; to look at all: peeps-read %s", words);
	(void)snprintf(problem->what, sizeof(problem->what), "not one process");
	return peeps_problem_set(problem, PEEPS_PROBLEM_USAGE, -EINVAL, hint,
				 "'%.64s' is %zu processes: %s", name, count, whole);
}

enum called { CALLED_BY_PEEPS, CALLED_BY_KEY, CALLED_BY_KERNEL, CALLED_WAYS };

static bool is_called(const struct peeps_found *found, const char *name, enum called way)
{
	switch (way) {
	case CALLED_BY_PEEPS:
		return strcmp(found->process_name, name) == 0;
	case CALLED_BY_KEY:
		return strcmp(found->proc_key, name) == 0;
	default:
		return peeps_process_is_called(&found->names, name);
	}
}

/* Returns how many there are. */
static size_t find_called(const struct peeps_processes *processes, const char *name,
			  enum called way, pid_t pids[static PIDS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; *name && i < processes->count; i++) {
		if (!is_called(&processes->found[i], name, way))
			continue;
		if (count < PIDS_MAX)
			pids[count] = processes->found[i].pid;
		count++;
	}
	return count;
}

/* It is called so, and has no segment that we could see. */
static int is_without_segment(const char *name, const pid_t *pids, size_t count,
			      struct peeps_problem *problem)
{
	struct peeps_target target;
	char whole[PIDS_BYTES];

	if (count == 1) { /* whatever it is that is wrong with it, attaching says */
		const int r = peeps_attach(&target, pids[0], problem);

		if (r) {
			(void)snprintf(problem->what, sizeof(problem->what),
				       "cannot attach to process %d, '%.64s'", (int)pids[0], name);
			return r;
		}
		peeps_detach(&target); /* just started */
	}
	pids_write(whole, ", ", pids, count < PIDS_MAX ? count : PIDS_MAX, count);
	(void)snprintf(problem->what, sizeof(problem->what), "no process '%.64s' can be looked at",
		       name);
	return peeps_problem_set(
		problem, PEEPS_PROBLEM_NO_SEGMENT, -ENOENT,
		"peeps-read doctor PID says what a process lacks",
		count == 1 ? "%zu process of that name has a segment only now: %s"
			   : "%zu processes of that name have no segment that may be seen: %s",
		count, whole);
}

static int is_unknown(const char *name, size_t refused, struct peeps_problem *problem)
{
	char path[200],
		hint[sizeof(problem->hint)] =
			"peeps-read ps lists the processes that can be looked at, peeps-read help the verbs";

	if (peeps_kept_find_dead(0, name, path, sizeof(path)))
		(void)snprintf(hint, sizeof(hint),
			       "it is no more, and left its segment: peeps-read %s", path);
	else if (refused)
		(void)snprintf(
			hint, sizeof(hint),
			"peeps-read ps lists those that can be looked at; %zu may not be, by this user",
			refused);
	(void)snprintf(problem->what, sizeof(problem->what), "no such process or file");
	return peeps_problem_set(problem, PEEPS_PROBLEM_NO_PROCESS, -ESRCH, hint,
				 "no process is called '%.128s', and no file", name);
}

/* Nothing that can be looked at is called so. */
static int other_find(const char *name, size_t refused, bool any, pid_t *pid,
		      struct peeps_problem *problem)
{
	pid_t pids[PIDS_MAX];
	const size_t count = peeps_processes_called(name, pids, PIDS_MAX);

	if (count == 0)
		return is_unknown(name, refused, problem);
	if (!any)
		return is_without_segment(name, pids, count, problem);
	if (count > 1)
		return is_several(name, pids, count, true, problem);
	*pid = pids[0];
	return 0;
}

static int pid_find(const char *name, enum called first_way, enum called last_way, bool any,
		    pid_t *pid, struct peeps_problem *problem)
{
	struct peeps_processes processes;
	pid_t pids[PIDS_MAX];
	size_t count = 0, refused;
	const int r = peeps_processes_find(&processes, problem);

	if (r)
		return r;
	for (enum called way = first_way; count == 0 && way <= last_way; way++)
		count = find_called(&processes, name, way, pids);
	refused = processes.refused;
	peeps_processes_free(&processes);
	if (count > 1)
		return is_several(name, pids, count, false, problem);
	if (count == 0)
		return other_find(name, refused, any, pid, problem);
	*pid = pids[0];
	return 0;
}

/* --- a word ----------------------------------------------------------------------------------------------------- */

static int place_file(struct peeps_place *place, struct peeps_problem *problem)
{
	struct peeps_file file;
	const int r = strcmp(place->word, "-") == 0 ? peeps_file_open_stdin(&file, problem)
						    : peeps_file_open(&file, place->word, problem);

	if (r)
		return r;
	place->kind = file.kind;
	place->fd = file.fd;
	if (place->kind ==
	    PEEPS_PLACE_DATABASE) { /* to close it later would break SQLite's locks */
		(void)close(place->fd);
		place->fd = -1;
	}
	return 0;
}

static int place_process(struct peeps_place *place, bool any, struct peeps_problem *problem)
{
	const int r =
		pid_find(place->word, CALLED_BY_PEEPS, CALLED_BY_KERNEL, any, &place->pid, problem);

	if (r)
		return r;
	place->kind = PEEPS_PLACE_PROCESS;
	return 0;
}

static int is_no_pid(const char *word, struct peeps_problem *problem)
{
	(void)snprintf(problem->what, sizeof(problem->what), "not a process id");
	return peeps_problem_set(problem, PEEPS_PROBLEM_USAGE, -EINVAL,
				 "peeps-read ps lists the processes that can be looked at",
				 "no process has the number %.64s", word);
}

static int is_no_word(struct peeps_problem *problem)
{
	(void)snprintf(problem->what, sizeof(problem->what), "not a target");
	return peeps_problem_set(problem, PEEPS_PROBLEM_USAGE, -EINVAL,
				 "a target is a PID, the name of a process, or a file",
				 "it is empty");
}

/* In the folder a program was built in, its name is that of a file, too: what is no file of ours is a name. And so is a
 * pipe, which would have us wait for whoever writes into it: that has to be named by a path. */
static int place_name(struct peeps_place *place, bool any, struct peeps_problem *problem)
{
	struct peeps_problem of_file = { 0 };
	struct stat status;
	int r, as_file = -ENOENT;

	if (stat(place->word, &status) == 0 && !S_ISFIFO(status.st_mode)) {
		as_file = place_file(place, &of_file);
		if (as_file == 0)
			return 0;
	}
	r = place_process(place, any, problem);
	if (r && problem->status == PEEPS_PROBLEM_NO_PROCESS && of_file.status) {
		*problem = of_file;
		return as_file;
	}
	return r;
}

static int place_find(struct peeps_place *place, const char *word, bool any,
		      struct peeps_problem *problem)
{
	const pid_t pid = pid_of(word);

	*place = (struct peeps_place){ .fd = -1, .word = word };
	if (!*word)
		return is_no_word(problem);
	if (pid < 0)
		return is_no_pid(word, problem);
	if (pid > 0) {
		place->kind = PEEPS_PLACE_PROCESS;
		place->pid = pid;
		return 0;
	}
	if (strcmp(word, "-") == 0 || strchr(word, '/'))
		return place_file(place, problem);
	return place_name(place, any, problem);
}

/* --- all words -------------------------------------------------------------------------------------------------- */

static bool same_file(int a, int b)
{
	struct stat left, right;

	return fstat(a, &left) == 0 && fstat(b, &right) == 0 && left.st_ino == right.st_ino &&
	       left.st_dev == right.st_dev;
}

static bool same_path(const char *a, const char *b)
{
	struct stat left, right;

	return stat(a, &left) == 0 && stat(b, &right) == 0 && left.st_ino == right.st_ino &&
	       left.st_dev == right.st_dev;
}

static bool is_same(const struct peeps_place *a, const struct peeps_place *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == PEEPS_PLACE_DATABASE)
		return same_path(a->word, b->word);
	return a->kind == PEEPS_PLACE_PROCESS ? a->pid == b->pid : same_file(a->fd, b->fd);
}

static bool stands_already(const struct peeps_place *places, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (is_same(&places[i], &places[count]))
			return true;
	}
	return false;
}

static int places_find(struct peeps_place *places, const char *const *words, size_t *count,
		       bool any, struct peeps_problem *problem)
{
	size_t found = 0;

	for (size_t i = 0; i < *count; i++) {
		const int r = place_find(&places[found], words[i], any, problem);

		if (r) {
			peeps_places_close(places, found);
			*count = i;
			return r;
		}
		if (stands_already(places, found))
			peeps_places_close(&places[found], 1);
		else
			found++;
	}
	*count = found;
	return 0;
}

int peeps_places_find(struct peeps_place *places, const char *const *words, size_t *count,
		      struct peeps_problem *problem)
{
	return places_find(places, words, count, false, problem);
}

int peeps_places_find_any(struct peeps_place *places, const char *const *words, size_t *count,
			  struct peeps_problem *problem)
{
	return places_find(places, words, count, true, problem);
}

int peeps_place_of_id(struct peeps_place *place, const char *id, struct peeps_problem *problem)
{
	const char *begin = strchr(id, ':');
	const size_t length = begin ? strcspn(begin + 1, ":") : 0;
	char key[128];

	*place = (struct peeps_place){ .kind = PEEPS_PLACE_PROCESS, .fd = -1, .word = id };
	if (length == 0 || length >= sizeof(key)) {
		(void)snprintf(problem->what, sizeof(problem->what), "not an id");
		return peeps_problem_set(
			problem, PEEPS_PROBLEM_USAGE, -EINVAL,
			"such as mutex:bank-4711:accounts; peeps-read dump shows them",
			"'%.128s' does not say which process it is of", id);
	}
	memcpy(key, begin + 1, length);
	key[length] = '\0';
	return pid_find(key, CALLED_BY_KEY, CALLED_BY_KEY, false, &place->pid, problem);
}

void peeps_places_close(struct peeps_place *places, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (places[i].fd >= 0)
			(void)close(places[i].fd);
		places[i].fd = -1;
	}
}
