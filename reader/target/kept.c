/* SPDX-License-Identifier: MIT */
#include "reader/target/kept.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "reader/target/attach_file.h"
#include "reader/target/proc.h"
#include "reader/problem.h"

#define DELETED     " (deleted)"
#define BEGINNING_S 10 /* a file without a header that is younger may be about to get one */
#define HINT_DIRECTORY \
	"it should be a directory of yours with mode 0700, on a tmpfs such as /dev/shm"
#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define FILE_FLAGS      (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

const char *peeps_kept_directory(void)
{
	const char *path = secure_getenv("PEEPS_DIR"); // NOLINT(concurrency-mt-unsafe): one thread

	return path && *path ? path : NULL;
}

bool peeps_kept_is_name(const char *name)
{
	size_t length = strlen(name);

	if (length > strlen(DELETED) && strcmp(name + length - strlen(DELETED), DELETED) == 0)
		length -= strlen(DELETED);
	return length > strlen(PEEPS_KEPT_SUFFIX) &&
	       memcmp(name + length - strlen(PEEPS_KEPT_SUFFIX), PEEPS_KEPT_SUFFIX,
		      strlen(PEEPS_KEPT_SUFFIX)) == 0;
}

const char *peeps_kept_refusal(uint32_t compat_flags)
{
	static const char *const reasons[PEEPS_NOT_KEPT_END] = {
		[PEEPS_NOT_KEPT_PATH] = "its path is not absolute, or too long",
		[PEEPS_NOT_KEPT_MISSING] =
			"it cannot be opened, or is a symbolic link or no directory",
		[PEEPS_NOT_KEPT_NOT_TMPFS] =
			"it is not on a tmpfs, and a disk would stall the program",
		[PEEPS_NOT_KEPT_OWNER] = "it belongs to another user than the program runs as",
		[PEEPS_NOT_KEPT_MODE] = "others may look into it: its mode is not 0700",
		[PEEPS_NOT_KEPT_FILE] = "no file could be made in it",
		[PEEPS_NOT_KEPT_MEMORY] = "it is full",
	};
	const uint32_t reason =
		compat_flags >> PEEPS_COMPAT_NOT_KEPT_SHIFT & PEEPS_COMPAT_NOT_KEPT_MASK;

	if (reason == PEEPS_NOT_KEPT_NOT_WANTED)
		return NULL;
	return reason < PEEPS_NOT_KEPT_END ? reasons[reason]
					   : "for a reason unknown to this reader";
}

/* --- whose process lives ---------------------------------------------------------------------------------------- */

/* The writer locks its file when it makes it. The lock goes with the last descriptor: by exit, exec, or a program that
 * closes all it has. */
static bool is_locked(int fd)
{
	if (flock(fd, LOCK_SH | LOCK_NB) != 0)
		return errno == EWOULDBLOCK;
	(void)flock(fd, LOCK_UN);
	return false;
}

static int nibble_of(char digit)
{
	return digit >= '0' && digit <= '9'   ? digit - '0'
	       : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
					      : -1;
}

/* Of another boot, no process lives. One that could not read the boot id wrote zeroes. */
static bool is_of_this_boot(const uint8_t boot_id[16])
{
	static const uint8_t unknown[16];
	const int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	char text[64] = { 0 };
	uint8_t now[16] = { 0 };
	int nibbles = 0;

	if (fd < 0)
		return true;
	(void)!read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	for (const char *digit = text; *digit && nibbles < 32; digit++) {
		const int value = nibble_of(*digit);

		if (value < 0)
			continue;
		now[nibbles / 2] = (uint8_t)(now[nibbles / 2] << 4 | value);
		nibbles++;
	}
	return nibbles < 32 || memcmp(boot_id, unknown, 16) == 0 || memcmp(boot_id, now, 16) == 0;
}

static bool is_maker(const struct peeps_target *process, const struct peeps_segment_header *header,
		     int fd)
{
	struct peeps_proc_identity identity;
	struct stat status;

	return fstat(fd, &status) == 0 && peeps_proc_identify(process->proc_fd, &identity) == 0 &&
	       (identity.own_pid == 0 || identity.own_pid == header->pid) &&
	       (header->start_time_ticks == 0 ||
		header->start_time_ticks == identity.start_time_ticks) &&
	       !peeps_proc_has_exited(process) &&
	       peeps_proc_has_mapped(process->proc_fd, (uint64_t)status.st_ino);
}

static bool process_see(int fd, const struct peeps_segment_header *header,
			struct peeps_target *process)
{
	if (header->pid == 0 || header->pid > INT32_MAX)
		return false;
	process->pid = (pid_t)header->pid;
	process->proc_fd = peeps_proc_open(process->pid);
	if (process->proc_fd < 0)
		return false;
	process->pidfd = (int)syscall(SYS_pidfd_open, process->pid, 0);
	if (is_maker(process, header, fd))
		return true;
	if (process->pidfd >= 0)
		(void)close(process->pidfd);
	(void)close(process->proc_fd);
	process->pidfd = -1;
	process->proc_fd = -1;
	return false;
}

bool peeps_kept_process(int fd, const struct peeps_segment_header *header,
			struct peeps_target *process)
{
	const bool locked = is_locked(fd);
	const bool seen = is_of_this_boot(header->boot_id) && process_see(fd, header, process);

	return locked || seen;
}

/* --- the directory ---------------------------------------------------------------------------------------------- */

static int directory_check(int fd, struct peeps_problem *problem)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return peeps_problem_set(problem, PEEPS_PROBLEM_OTHER, -errno, "", "%m");
	if (geteuid() != 0 && status.st_uid != geteuid())
		return peeps_problem_set(problem, PEEPS_PROBLEM_PERMISSION, -EACCES, HINT_DIRECTORY,
					 "it belongs to another user (%u)", status.st_uid);
	if (status.st_mode & (S_IWGRP | S_IWOTH))
		return peeps_problem_set(problem, PEEPS_PROBLEM_PERMISSION, -EACCES, HINT_DIRECTORY,
					 "others than its owner may write in it");
	return 0;
}

int peeps_kept_directory_open(const char *path, struct peeps_problem *problem)
{
	const int fd = open(path, DIRECTORY_FLAGS);
	int r;

	if (fd < 0) {
		const bool refused = errno == EACCES || errno == EPERM;

		r = peeps_problem_set(problem,
				      refused ? PEEPS_PROBLEM_PERMISSION : PEEPS_PROBLEM_NO_PROCESS,
				      -errno, HINT_DIRECTORY, "%m");
	} else {
		r = directory_check(fd, problem);
	}
	if (r == 0)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	(void)snprintf(problem->what, sizeof(problem->what), "cannot look into the directory %s",
		       path);
	return r;
}

/* A process that was killed before its segment was ready left no more than a name: "bank-4711-1f0c92ab.peeps". */
static uint32_t pid_in_name(const char *name)
{
	const char *end = strrchr(name, '-');
	const char *digits = end;

	while (digits && digits > name && digits[-1] >= '0' && digits[-1] <= '9')
		digits--;
	return digits && digits > name && digits[-1] == '-' ? (uint32_t)strtoul(digits, NULL, 10)
							    : 0;
}

static enum peeps_kept_state unready_state(int fd, const struct stat *status, const char *name)
{
	const uint32_t pid = pid_in_name(name);
	char path[32];

	if (pid == 0 || status->st_uid != geteuid())
		return PEEPS_KEPT_OTHER;
	(void)snprintf(path, sizeof(path), "/proc/%u", pid);
	/* The lock last: while we try it, a writer that has just made the file would be refused it, and go without. */
	if (time(NULL) - status->st_mtime < BEGINNING_S || access(path, F_OK) == 0 || is_locked(fd))
		return PEEPS_KEPT_LIVE;
	return PEEPS_KEPT_STALE;
}

static enum peeps_kept_state ready_state(int fd, const struct peeps_segment_header *header)
{
	struct peeps_target process = { .pidfd = -1, .segment_fd = -1, .proc_fd = -1 };
	const bool lives = peeps_kept_process(fd, header, &process);

	peeps_detach(&process);
	return lives ? PEEPS_KEPT_LIVE : PEEPS_KEPT_STALE;
}

static void look_into(struct peeps_kept *kept, int fd, const struct stat *status)
{
	struct peeps_segment_bytes from;
	struct peeps_segment_header header;
	struct peeps_problem unused;
	int r;

	/* Cut off before it got its size: its maker was killed, or is at it. */
	if (S_ISREG(status->st_mode) && status->st_size == 0) {
		kept->state = unready_state(fd, status, kept->name);
		return;
	}
	r = peeps_file_check(&fd, &from, &unused);
	if (!r)
		r = peeps_file_header(&from, &header, &unused);
	if (r == -EAGAIN)
		kept->state = unready_state(fd, status, kept->name);
	if (r)
		return;
	kept->state = ready_state(fd, &header);
	kept->pid = header.pid;
	kept->start_realtime_ns = header.start_realtime_ns;
	memcpy(kept->process_name, header.process_name, sizeof(kept->process_name));
}

/* Returns a descriptor, or -errno: it has gone. */
static int kept_look(int directory, const char *name, struct peeps_kept *kept)
{
	const int fd = openat(directory, name, FILE_FLAGS);
	struct stat status;

	*kept = (struct peeps_kept){ .state = PEEPS_KEPT_OTHER };
	(void)snprintf(kept->name, sizeof(kept->name), "%s", name);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) != 0)
		return fd;
	kept->memory_bytes = (uint64_t)status.st_blocks * 512;
	kept->device = (uint64_t)status.st_dev;
	kept->inode = (uint64_t)status.st_ino;
	look_into(kept, fd, &status);
	return fd;
}

static int kept_compare(const void *a, const void *b)
{
	const struct peeps_kept *left = a, *right = b;

	return strcmp(left->name, right->name);
}

struct listing {
	struct peeps_kept *list;
	size_t count, room;
};

static int listing_add(struct listing *listing, int directory, const char *name)
{
	int fd;

	if (listing->count == listing->room) {
		const size_t room = listing->room ? listing->room * 2 : 16;
		struct peeps_kept *list = reallocarray(listing->list, room, sizeof(*list));

		if (!list)
			return -ENOMEM;
		listing->list = list;
		listing->room = room;
	}
	fd = kept_look(directory, name, &listing->list[listing->count]);
	if (fd >= 0)
		(void)close(fd);
	listing->count += fd != -ENOENT;
	return 0;
}

int peeps_kept_list(int directory, struct peeps_kept **list, size_t *count)
{
	struct listing listing = { .list = NULL };
	const int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int r = 0;

	if (!stream) {
		r = -errno;
		if (fd >= 0)
			(void)close(fd);
		return r;
	}
	while (r == 0 &&
	       (entry = readdir(stream))) { // NOLINT(concurrency-mt-unsafe): a stream of our own
		if (peeps_kept_is_name(entry->d_name))
			r = listing_add(&listing, directory, entry->d_name);
	}
	(void)closedir(stream);
	if (r) {
		free(listing.list);
		return r;
	}
	if (listing.count > 1)
		qsort(listing.list, listing.count, sizeof(*listing.list), kept_compare);
	*list = listing.list;
	*count = listing.count;
	return 0;
}

/* A kept segment's file is called PROC_KEY-ID.peeps. */
static bool is_called(const struct peeps_kept *kept, const char *name)
{
	const size_t length = strlen(name);

	return strcmp(kept->process_name, name) == 0 ||
	       (strncmp(kept->name, name, length) == 0 && kept->name[length] == '-' &&
		!strchr(kept->name + length + 1, '-'));
}

static const struct peeps_kept *latest_dead(const struct peeps_kept *list, size_t count,
					    uint32_t pid, const char *name)
{
	const struct peeps_kept *latest = NULL;

	for (size_t i = 0; i < count; i++) {
		if (list[i].state == PEEPS_KEPT_STALE && (pid == 0 || list[i].pid == pid) &&
		    (!name || is_called(&list[i], name)) &&
		    (!latest || list[i].start_realtime_ns > latest->start_realtime_ns))
			latest = &list[i];
	}
	return latest;
}

bool peeps_kept_find_dead(uint32_t pid, const char *name, char *path, size_t room)
{
	const char *directory = peeps_kept_directory();
	struct peeps_problem unused;
	const int fd = directory ? peeps_kept_directory_open(directory, &unused) : -1;
	const struct peeps_kept *latest;
	struct peeps_kept *list = NULL;
	size_t count = 0;

	if (fd < 0)
		return false;
	(void)peeps_kept_list(fd, &list, &count);
	(void)close(fd);
	latest = latest_dead(list, count, pid, name);
	if (latest)
		(void)snprintf(path, room, "%s/%s", directory, latest->name);
	free(list);
	return latest != NULL;
}

int peeps_kept_open(int directory, const struct peeps_kept *kept)
{
	const int fd = openat(directory, kept->name, FILE_FLAGS);
	struct stat status;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) == 0 && (uint64_t)status.st_ino == kept->inode &&
	    (uint64_t)status.st_dev == kept->device)
		return fd;
	(void)close(fd);
	return -ENOENT;
}

int peeps_kept_remove(int directory, const struct peeps_kept *kept)
{
	struct peeps_kept now;
	const int fd = kept_look(directory, kept->name, &now);
	int r = 0;

	if (fd < 0)
		return fd;
	/* By name, because there is no other way; but nobody but the owner can give that name to another file. */
	if (now.inode != kept->inode || now.device != kept->device)
		r = -ENOENT;
	else if (now.state != PEEPS_KEPT_STALE)
		r = -EBUSY;
	else if (unlinkat(directory, kept->name, 0) != 0)
		r = -errno;
	(void)close(fd);
	return r;
}
