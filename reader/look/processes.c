/* SPDX-License-Identifier: MIT */
/*
 * Most processes have no segment, and there may be thousands: what tells them apart has to be cheap. The links of the
 * first descriptors first, then the mappings, for a program may have closed our descriptor, or hold it in the table of
 * one thread.
 */
#include "reader/look/processes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reader/clock.h"
#include "reader/graph/arena.h"
#include "reader/graph/ids.h"
#include "reader/problem.h"
#include "reader/target/kept.h"
#include "reader/target/proc.h"

#define LINKS_MAX     4096 /* beyond that many, reading the mappings is the quicker way */
#define MAPPED_NAME   "/memfd:" PEEPS_SEGMENT_NAME " (deleted)"
#define KERNEL_THREAD UINT64_C(0x00200000) /* PF_KTHREAD */

enum sight {
	SIGHT_NOTHING,
	SIGHT_SEGMENT,
	SIGHT_REFUSED,
	SIGHT_BLANK, /* it has no memory of its own */
};

/* --- walking /proc ---------------------------------------------------------------------------------------------- */

/* Calls back for every process, until that returns false. */
static int processes_each(bool (*each)(void *context, pid_t pid, int proc_fd), void *context)
{
	DIR *const proc = opendir("/proc");
	const struct dirent *entry;
	bool go_on = true;

	if (!proc)
		return -errno;
	while (go_on && (entry = readdir(proc))) { // NOLINT(concurrency-mt-unsafe): our own stream
		const long pid = strtol(entry->d_name, NULL, 10);
		int fd;

		if (pid <= 0 || pid > INT_MAX)
			continue;
		fd = openat(dirfd(proc), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			continue; /* it has gone */
		go_on = each(context, (pid_t)pid, fd);
		(void)close(fd);
	}
	(void)closedir(proc);
	return 0;
}

/* --- is there a segment? ---------------------------------------------------------------------------------------- */

static enum sight sight_of_error(int error)
{
	return error == EACCES || error == EPERM ? SIGHT_REFUSED : SIGHT_NOTHING;
}

static enum sight descriptors_search(int proc_fd)
{
	const int fd = openat(proc_fd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	enum sight sight = SIGHT_NOTHING;

	if (!stream) {
		sight = sight_of_error(errno);
		if (fd >= 0)
			(void)close(fd);
		return sight;
	}
	for (int links = 0; sight == SIGHT_NOTHING && links < LINKS_MAX; links++) {
		char path[32];
		bool kept;

		entry = readdir(stream); // NOLINT(concurrency-mt-unsafe): a stream of our own
		if (!entry)
			break;
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "fd/%.20s", entry->d_name);
		if (peeps_attach_is_link(proc_fd, path, &kept))
			sight = SIGHT_SEGMENT;
	}
	(void)closedir(stream);
	return sight;
}

/* Kept in a file, or not. */
static bool is_mapped_segment(void *unused, char *line)
{
	const char *path = strchr(line, '/');

	(void)unused;
	return path && (strcmp(path, MAPPED_NAME) == 0 || peeps_kept_is_name(path));
}

static enum sight mappings_search(int proc_fd)
{
	const int r = peeps_proc_maps_each(proc_fd, is_mapped_segment, NULL);

	if (r == -ENODATA)
		return SIGHT_BLANK;
	return r == 1 ? SIGHT_SEGMENT : sight_of_error(-r);
}

/* Kernel threads and those that have exited show their descriptors to nobody, and have none. */
static bool is_a_program(int proc_fd)
{
	struct peeps_proc_stat stat;

	return peeps_proc_stat_read(proc_fd, "stat", &stat) == 0 && stat.state != 'Z' &&
	       stat.state != 'X' && !(stat.flags & KERNEL_THREAD);
}

/* Its other threads run on, and only they have descriptors and mappings still. */
static bool main_thread_left(int proc_fd)
{
	struct peeps_proc_stat stat;

	return peeps_proc_stat_read(proc_fd, "stat", &stat) == 0 && stat.state == 'Z' &&
	       stat.thread_count > 1;
}

static enum sight segment_search(int proc_fd)
{
	enum sight sight = descriptors_search(proc_fd);

	if (sight == SIGHT_NOTHING)
		sight = mappings_search(proc_fd);
	if (sight == SIGHT_BLANK) /* then attaching looks further */
		return main_thread_left(proc_fd) ? SIGHT_SEGMENT : SIGHT_NOTHING;
	return sight == SIGHT_REFUSED && !is_a_program(proc_fd) ? SIGHT_NOTHING : sight;
}

/* --- who is it? ------------------------------------------------------------------------------------------------- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void program_read(int proc_fd, char *program, size_t room)
{
	static const char deleted[] = " (deleted)";
	char path[PATH_MAX];
	const ssize_t length = readlinkat(proc_fd, "exe", path, sizeof(path) - 1);
	size_t end;

	program[0] = '\0';
	if (length <= 0)
		return;
	end = (size_t)length;
	path[end] = '\0';
	if (end > strlen(deleted) && strcmp(path + end - strlen(deleted), deleted) == 0)
		path[end - strlen(deleted)] = '\0';
	(void)snprintf(program, room, "%.*s", (int)room - 1, base_name(path));
}

static void comm_read(int proc_fd, char *comm, size_t room)
{
	ssize_t length = peeps_proc_read(proc_fd, "comm", comm, room);

	if (length > 0 && comm[length - 1] == '\n')
		length--;
	comm[length < 0 ? 0 : length] = '\0';
}

static void names_read(int proc_fd, struct peeps_process_names *names)
{
	comm_read(proc_fd, names->comm, sizeof(names->comm));
	program_read(proc_fd, names->program, sizeof(names->program));
	peeps_proc_command(proc_fd, names->command, sizeof(names->command));
}

bool peeps_process_is_called(const struct peeps_process_names *names, const char *name)
{
	const size_t first_word = strcspn(names->command, " ");
	char word[PEEPS_COMMAND_BYTES];

	if (!*name)
		return false;
	(void)snprintf(word, sizeof(word), "%.*s", (int)first_word, names->command);
	return strcmp(names->comm, name) == 0 || strcmp(names->program, name) == 0 ||
	       strcmp(base_name(word), name) == 0;
}

static uid_t effective_uid(int proc_fd)
{
	char status[PEEPS_PROC_STATUS_BYTES];

	if (peeps_proc_read(proc_fd, "status", status, sizeof(status)) < 0)
		return (uid_t)-1;
	return (uid_t)peeps_proc_status_number(status, "Uid", 1, (uid_t)-1);
}

static uint64_t age_of(uint64_t start_time_ticks)
{
	const uint64_t tick_ns = UINT64_C(1000000000) / (uint64_t)sysconf(_SC_CLK_TCK);
	const uint64_t now_ns = peeps_clock_ns(CLOCK_BOOTTIME);
	uint64_t start_ns;

	if (__builtin_mul_overflow(start_time_ticks, tick_ns, &start_ns) || start_ns > now_ns)
		return 0;
	return now_ns - start_ns;
}

static void kernel_facts_read(struct peeps_found *found, int proc_fd)
{
	struct peeps_proc_identity identity;

	found->uid = effective_uid(proc_fd);
	names_read(proc_fd, &found->names);
	if (peeps_proc_identify(proc_fd, &identity) != 0)
		return;
	found->state = identity.state;
	found->age_ns = age_of(identity.start_time_ticks);
}

/* --- what does its segment say? --------------------------------------------------------------------------------- */

static void proc_key_make(struct peeps_found *found, uint32_t own_pid)
{
	struct peeps_arena *arena = peeps_arena_new(0);
	const char *key = arena ? peeps_proc_key(arena, found->process_name, own_pid) : NULL;

	(void)snprintf(found->proc_key, sizeof(found->proc_key), "%s", key ? key : "");
	peeps_arena_free(arena);
}

/* Returns whether it has a segment of its own; one that cannot be read counts. */
static bool segment_look(struct peeps_found *found, struct peeps_processes *processes)
{
	struct peeps_target target;

	if (peeps_attach_at_once(&target, found->pid, &found->problem) != 0) {
		processes->refused += found->problem.status == PEEPS_PROBLEM_PERMISSION;
		return found->problem.status == PEEPS_PROBLEM_BAD_SEGMENT;
	}
	memcpy(found->process_name, target.header.process_name, sizeof(found->process_name));
	found->layout_major = target.header.layout_major;
	found->layout_minor = target.header.layout_minor;
	proc_key_make(found, target.header.pid);
	(void)peeps_tally(&target, &found->tally, &found->problem);
	peeps_detach(&target);
	return true;
}

struct finding {
	struct peeps_processes *processes;
	peeps_processes_wanted_fn *wanted; /* NULL: all are */
	void *context;
	size_t room;
	bool failed;
};

static struct peeps_found *found_add(struct finding *finding)
{
	struct peeps_processes *processes = finding->processes;

	if (processes->count == finding->room) {
		const size_t room = finding->room ? finding->room * 2 : 16;
		struct peeps_found *found =
			reallocarray(processes->found, room, sizeof(processes->found[0]));

		if (!found) {
			finding->failed = true;
			return NULL;
		}
		processes->found = found;
		finding->room = room;
	}
	memset(&processes->found[processes->count], 0, sizeof(processes->found[0]));
	return &processes->found[processes->count++];
}

static bool process_try(void *context, pid_t pid, int proc_fd)
{
	struct finding *finding = context;
	struct peeps_found *found;
	enum sight sight;

	if (finding->wanted && !finding->wanted(finding->context, pid))
		return true;
	sight = segment_search(proc_fd);
	finding->processes->refused += sight == SIGHT_REFUSED;
	if (sight != SIGHT_SEGMENT)
		return true;
	found = found_add(finding);
	if (!found)
		return false;
	found->pid = pid;
	if (segment_look(found, finding->processes))
		kernel_facts_read(found, proc_fd);
	else
		finding->processes->count--;
	return true;
}

static int found_compare(const void *a, const void *b)
{
	const struct peeps_found *left = a, *right = b;

	return left->pid < right->pid ? -1 : left->pid > right->pid;
}

int peeps_processes_find(struct peeps_processes *processes, struct peeps_problem *problem)
{
	return peeps_processes_find_some(processes, NULL, NULL, problem);
}

int peeps_processes_find_some(struct peeps_processes *processes, peeps_processes_wanted_fn *wanted,
			      void *context, struct peeps_problem *problem)
{
	struct finding finding = { .processes = processes, .wanted = wanted, .context = context };
	int r;

	memset(processes, 0, sizeof(*processes));
	r = processes_each(process_try, &finding);
	if (r) {
		(void)snprintf(problem->what, sizeof(problem->what), "cannot list processes");
		errno = -r;
		return peeps_problem_set(problem, PEEPS_PROBLEM_OTHER, r,
					 "mount -t proc proc /proc", "/proc: %m");
	}
	if (finding.failed) {
		peeps_processes_free(processes);
		return -ENOMEM;
	}
	if (processes->count > 1)
		qsort(processes->found, processes->count, sizeof(processes->found[0]),
		      found_compare);
	return 0;
}

void peeps_processes_free(struct peeps_processes *processes)
{
	free(processes->found);
	memset(processes, 0, sizeof(*processes));
}

/* --- by name ---------------------------------------------------------------------------------------------------- */

struct naming {
	const char *name;
	pid_t *pids;
	size_t room;
	size_t count;
};

static bool name_try(void *context, pid_t pid, int proc_fd)
{
	struct naming *naming = context;
	struct peeps_process_names names;

	names_read(proc_fd, &names);
	if (pid == getpid() || !peeps_process_is_called(&names, naming->name))
		return true;
	if (naming->count < naming->room)
		naming->pids[naming->count] = pid;
	naming->count++;
	return true;
}

size_t peeps_processes_called(const char *name, pid_t *pids, size_t room)
{
	struct naming naming = { .name = name, .pids = pids, .room = room };

	(void)processes_each(name_try, &naming);
	return naming.count;
}
