/* SPDX-License-Identifier: MIT */
/* What a program that is started here will find, and what this user may look at. Everything is tried, not looked up. */
#include "reader/verbs/checkup.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "layout/segment.h"
#include "reader/look/processes.h"
#include "reader/problem.h"
#include "reader/target/kept.h"

#define KERNEL "kernel"

static void check_memfd(struct peeps_checkup *checkup)
{
	const int fd = memfd_create("peeps-doctor", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0) {
		peeps_checkup_add(checkup, PEEPS_VERDICT_BAD, KERNEL,
				  "permit memfd_create() in the sandbox, or set PEEPS_DIR",
				  "memfd_create(): %m: programs cannot make a segment");
		return;
	}
	(void)close(fd);
	peeps_checkup_add(checkup, PEEPS_VERDICT_OK, KERNEL, "", "programs can make segments");
}

static void check_advice(struct peeps_checkup *checkup)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *memory = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return;
	if (madvise(memory, page, MADV_POPULATE_WRITE) != 0 ||
	    madvise(memory, page, MADV_WIPEONFORK) != 0)
		peeps_checkup_add(checkup, PEEPS_VERDICT_BAD, KERNEL, "Linux 5.14 or later has it",
				  "madvise(): %m: programs run without telemetry");
	(void)munmap(memory, page);
}

static void check_membarrier(struct peeps_checkup *checkup)
{
	const long commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

	if (commands >= 0 && commands & MEMBARRIER_CMD_GLOBAL_EXPEDITED)
		peeps_checkup_add(checkup, PEEPS_VERDICT_OK, KERNEL, "",
				  "membarrier() reaches other processes");
	else
		peeps_checkup_add(checkup, PEEPS_VERDICT_WARN, KERNEL,
				  "permit membarrier() in the sandbox; Linux 4.16 or later has it",
				  "no membarrier(): programs fence for themselves, at some "
				  "nanoseconds a lock");
}

static void check_pidfd(struct peeps_checkup *checkup)
{
	const long fd = syscall(SYS_pidfd_open, getpid(), 0);

	if (fd >= 0)
		(void)close((int)fd);
	else
		peeps_checkup_add(checkup, PEEPS_VERDICT_WARN, KERNEL, "Linux 5.3 or later has it",
				  "pidfd_open(): %m: that a process ends is seen late");
}

/* hidepid= among the options of the mount on /proc; only who else runs there is hidden. */
static void check_hidepid(struct peeps_checkup *checkup)
{
	FILE *const mounts = fopen("/proc/self/mounts", "re");
	char *line = NULL;
	size_t room = 0;
	const char *option = NULL;

	if (!mounts) {
		peeps_checkup_add(checkup, PEEPS_VERDICT_BAD, "/proc", "mount -t proc proc /proc",
				  "it cannot be read: %m");
		return;
	}
	while (!option && getline(&line, &room, mounts) > 0) {
		if (strncmp(line, "proc /proc proc ", strlen("proc /proc proc ")) == 0)
			option = strstr(line, "hidepid=");
	}
	if (option && strncmp(option, "hidepid=0", 9) != 0 &&
	    strncmp(option, "hidepid=off", 11) != 0)
		peeps_checkup_add(checkup, PEEPS_VERDICT_WARN, "/proc",
				  "be root, or of the group that the mount names with gid=",
				  "it hides other users' processes (%.*s)",
				  (int)strcspn(option, ", \n"), option);
	free(line);
	(void)fclose(mounts);
}

static void check_processes(struct peeps_checkup *checkup)
{
	struct peeps_processes processes;
	struct peeps_problem problem = { 0 };
	size_t unreadable = 0;

	if (peeps_processes_find(&processes, &problem) != 0) {
		peeps_checkup_add(checkup, PEEPS_VERDICT_BAD, "processes",
				  "mount -t proc proc /proc", "they cannot be listed: %s",
				  problem.why);
		return;
	}
	for (size_t i = 0; i < processes.count; i++)
		unreadable += processes.found[i].problem.status != 0;
	peeps_checkup_add(checkup, PEEPS_VERDICT_OK, "processes", "", "%zu can be looked at",
			  processes.count - unreadable);
	if (unreadable)
		peeps_checkup_add(checkup, PEEPS_VERDICT_WARN, "processes",
				  "peeps-read ps says why",
				  "%zu with a segment that this reader cannot read", unreadable);
	if (processes.refused)
		peeps_checkup_add(checkup, PEEPS_VERDICT_WARN, "processes",
				  geteuid() == 0 ? "give this root CAP_SYS_PTRACE"
						 : "be the user they run as, or root",
				  "%zu may not be looked at by this user", processes.refused);
	peeps_processes_free(&processes);
}

#define KEPT        "PEEPS_DIR"
#define REMEDY_KEPT "a directory of yours on a tmpfs, mode 0700: mkdir -m 700 /dev/shm/peeps"

static void check_kept_list(struct peeps_checkup *checkup, int directory, const char *path)
{
	struct peeps_kept *kept = NULL;
	size_t count = 0, dead = 0;

	if (peeps_kept_list(directory, &kept, &count) != 0)
		count = 0;
	for (size_t i = 0; i < count; i++)
		dead += kept[i].state == PEEPS_KEPT_STALE;
	free(kept);
	peeps_checkup_add(checkup, PEEPS_VERDICT_OK, KEPT, "", "%.200s keeps %zu segment%s", path,
			  count, count == 1 ? "" : "s");
	if (dead)
		peeps_checkup_add(checkup, PEEPS_VERDICT_WARN, KEPT, "peeps-read gc removes them",
				  "%zu of them are of processes that are no more", dead);
}

static void check_kept(struct peeps_checkup *checkup)
{
	const char *const path = peeps_kept_directory();
	struct peeps_problem problem = { 0 };
	struct statfs filesystem;
	struct stat status;
	int directory;

	if (!path)
		return;
	directory = peeps_kept_directory_open(path, &problem);
	if (directory == -ENOENT) {
		peeps_checkup_add(checkup, PEEPS_VERDICT_OK, KEPT, "",
				  "%.200s is not there: on a tmpfs, the first program makes it",
				  path);
		return;
	}
	if (directory < 0) {
		peeps_checkup_add(checkup, PEEPS_VERDICT_BAD, KEPT, REMEDY_KEPT, "%.200s: %s", path,
				  problem.why);
		return;
	}
	if (path[0] != '/' || fstatfs(directory, &filesystem) != 0 ||
	    filesystem.f_type != TMPFS_MAGIC)
		peeps_checkup_add(checkup, PEEPS_VERDICT_BAD, KEPT, REMEDY_KEPT,
				  "%.200s %s: programs keep nothing there", path,
				  path[0] == '/' ? "is not on a tmpfs"
						 : "is no path from the root");
	else if (fstat(directory, &status) != 0 || (status.st_mode & 0777) != 0700)
		peeps_checkup_add(checkup, PEEPS_VERDICT_BAD, KEPT, REMEDY_KEPT,
				  "%.200s has not mode 0700: programs keep nothing there", path);
	check_kept_list(checkup, directory, path);
	(void)close(directory);
}

static const char *own_variable(const void *context, const char *name)
{
	(void)context;
	return getenv(name); // NOLINT(concurrency-mt-unsafe): peeps-read has one thread
}

void peeps_checkup_here(struct peeps_checkup *checkup)
{
	peeps_checkup_add(checkup, PEEPS_VERDICT_OK, "reader", "",
			  "reads segments of layout %d (%016" PRIx64 ")", PEEPS_LAYOUT_MAJOR,
			  PEEPS_LAYOUT_HASH);
	check_memfd(checkup);
	check_advice(checkup);
	check_membarrier(checkup);
	check_pidfd(checkup);
	check_hidepid(checkup);
	peeps_checkup_environment(checkup, own_variable, NULL);
	check_kept(checkup);
	check_processes(checkup);
}
