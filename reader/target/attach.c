/* SPDX-License-Identifier: MIT */
#include "reader/target/attach.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kcmp.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <peeps/atomic.h>
#include "reader/target/attach_file.h"
#include "reader/target/bounds.h"
#include "reader/clock.h"
#include "reader/target/kept.h"
#include "reader/target/proc.h"
#include "reader/problem.h"

#define LINK_TEXT      "/memfd:" PEEPS_SEGMENT_NAME " (deleted)"
#define SEALS_NEEDED   (F_SEAL_SHRINK | F_SEAL_GROW)
#define READY_PAUSES   10 /* in all, however many candidates there are */
#define READY_PAUSE_NS UINT64_C(5000000)
#define HINT_UNSEALED \
	"only segments made by the peeps library are read: a size that can change is not safe to map"
#define HINT_NOT_OURS   "only segments made by the peeps library are read"
#define HINT_NO_PROCESS "ps -e lists the processes there are"
#define HINT_NO_SEGMENT "was it built with peeps, and not started with PEEPS=0?"
#define HINT_PERMISSION "read it as the user it runs as, or as root"

static void target_clear(struct peeps_target *target)
{
	memset(target, 0, sizeof(*target));
	target->pidfd = -1;
	target->segment_fd = -1;
	target->proc_fd = -1;
}

/* --- one file -------------------------------------------------------------------------------------------------- */

/* The control page as mappings can begin: at a page of the machine's. */
static uint64_t control_map_offset(void)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	return PEEPS_CONTROL_OFFSET / page * page;
}

static size_t control_map_bytes(void)
{
	return (size_t)(PEEPS_CONTROL_OFFSET + PEEPS_PAGE_BYTES - control_map_offset());
}

static void unmap(struct peeps_target *target)
{
	if (target->control)
		(void)munmap((unsigned char *)target->control -
				     (PEEPS_CONTROL_OFFSET - control_map_offset()),
			     control_map_bytes());
	if (target->base)
		(void)munmap((void *)target->base, target->mapped_bytes);
	target->control = NULL;
	target->base = NULL;
}

/* Waits a moment, unless patience is at its end: what is called a segment may never become one. */
static bool pause_once(unsigned int *patience)
{
	if (*patience == 0)
		return false;
	(*patience)--;
	peeps_sleep_for_ns(READY_PAUSE_NS);
	return true;
}

/* A process that just starts seals its segment a moment after it has made it. Returns the seals, -1 if it has none. */
static int seals_await(int fd, unsigned int *patience)
{
	int seals;

	do {
		seals = fcntl(fd, F_GET_SEALS);
		if (seals < 0 || seals & F_SEAL_SEAL || (seals & SEALS_NEEDED) == SEALS_NEEDED)
			break;
	} while (pause_once(patience));
	return seals;
}

/* What cannot shrink cannot raise SIGBUS in us; hugetlbfs can, by running out of its pages. */
static int file_check(int fd, unsigned int *patience, uint64_t *bytes,
		      struct peeps_problem *problem)
{
	struct stat status;
	struct statfs filesystem;
	const int seals = seals_await(fd, patience);

	if (fstat(fd, &status) != 0 || fstatfs(fd, &filesystem) != 0)
		return peeps_problem_set(problem, PEEPS_PROBLEM_OTHER, -errno, "",
					 "its segment: %m");
	if (!S_ISREG(status.st_mode) || filesystem.f_type != TMPFS_MAGIC || seals < 0 ||
	    (seals & SEALS_NEEDED) != SEALS_NEEDED)
		return peeps_problem_set(
			problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG, HINT_UNSEALED,
			"what is called its segment is not sealed against shrinking");
	if (status.st_size < (off_t)PEEPS_SECTIONS_OFFSET ||
	    (uint64_t)status.st_size > PEEPS_SEGMENT_BYTES_MAX)
		return peeps_problem_set(
			problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG, HINT_NOT_OURS,
			"what is called its segment has a size that no segment has");
	*bytes = (uint64_t)status.st_size;
	return 0;
}

static int map(struct peeps_target *target, uint64_t bytes, struct peeps_problem *problem)
{
	void *base = mmap(NULL, bytes, PROT_READ, MAP_SHARED, target->segment_fd, 0);
	unsigned char *control;

	if (base == MAP_FAILED)
		return peeps_problem_set(problem, PEEPS_PROBLEM_OTHER, -errno, "",
					 "its segment cannot be mapped: %m");
	target->base = base;
	target->mapped_bytes = bytes;
	control = mmap(NULL, control_map_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED,
		       target->segment_fd, (off_t)control_map_offset());
	if (control != MAP_FAILED) /* else only passive looks */
		target->control = (struct peeps_control *)(control + (PEEPS_CONTROL_OFFSET -
								      control_map_offset()));
	return 0;
}

static void header_copy(struct peeps_segment_header *copy, const unsigned char *base)
{
	const uint64_t *words = (const uint64_t *)base;
	uint64_t *to = (uint64_t *)copy;

	/* Acquire: the magic is stored last. Pairs with its release. */
	to[0] = peeps_load_acquire(&words[0]);
	for (size_t i = 1; i < sizeof(*copy) / sizeof(*to); i++)
		to[i] = peeps_load_relaxed(&words[i]);
}

static int header_read(struct peeps_target *target, unsigned int *patience,
		       struct peeps_problem *problem)
{
	int r;

	do {
		header_copy(&target->header, target->base);
		r = peeps_bounds_check(&target->header, target->mapped_bytes, problem);
	} while (r == -EAGAIN && pause_once(patience));
	return r == -EAGAIN ? -ENOENT : r;
}

static int sealed_open(struct peeps_target *target, unsigned int *patience,
		       struct peeps_problem *problem)
{
	uint64_t bytes = 0;
	int r = file_check(target->segment_fd, patience, &bytes, problem);

	if (!r)
		r = map(target, bytes, problem);
	return r ? r : header_read(target, patience, problem);
}

/* The header only, for a start: kept_copy() does the rest, for one of all that a process may have. */
static int kept_open(struct peeps_target *target, unsigned int *patience,
		     struct peeps_problem *problem)
{
	struct peeps_segment_bytes from;
	int r;

	target->is_copy = true;
	do {
		r = peeps_file_check(&target->segment_fd, &from, problem);
		if (!r)
			r = peeps_file_header(&from, &target->header, problem);
	} while (r == -EAGAIN && pause_once(patience));
	return r == -EAGAIN ? -ENOENT : r;
}

/* Takes fd over, also on failure. */
static int segment_open(struct peeps_target *target, int fd, bool kept, unsigned int *patience,
			struct peeps_problem *problem)
{
	int r;

	target->segment_fd = fd;
	r = kept ? kept_open(target, patience, problem) : sealed_open(target, patience, problem);
	if (r) {
		unmap(target);
		(void)close(fd);
		target->segment_fd = -1;
	}
	return r;
}

/* Our own open file: the lock belongs to it, so another reader's descriptor will not do. The target may have put
 * something else in its place since its name was read. */
static int reopen(int directory, const char *path, bool kept)
{
	const int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	const int place = openat(directory, path, O_PATH | O_CLOEXEC);
	struct stat status;
	int fd = -EBADMSG;

	if (place < 0)
		return -errno;
	if (fstat(place, &status) == 0 && S_ISREG(status.st_mode))
		fd = peeps_proc_open_place(place, (kept ? O_RDONLY : O_RDWR) | flags);
	if (!kept && (fd == -EACCES || fd == -EPERM || fd == -EROFS))
		fd = peeps_proc_open_place(place, O_RDONLY | flags);
	(void)close(place);
	return fd;
}

/* --- looking for it -------------------------------------------------------------------------------------------- */

struct search {
	struct peeps_target *target; /* pid, pidfd and proc_fd are set */
	struct peeps_proc_identity identity;
	struct peeps_target found;    /* the best so far; segment_fd < 0: none */
	struct peeps_problem problem; /* of a candidate that was none; status 0: no candidate */
	int error;
	unsigned int patience; /* so often we may still wait for a segment that is being made */
	bool others;           /* segments of other processes: a parent's */
	bool refused;          /* somewhere we were not let in */
};

static bool is_own(const struct search *search, const struct peeps_segment_header *header)
{
	const uint32_t pid =
		search->identity.own_pid ? search->identity.own_pid : (uint32_t)search->target->pid;

	/* A program that could not read its start time wrote 0. */
	return header->pid == pid &&
	       (header->start_time_ticks == 0 ||
		header->start_time_ticks == search->identity.start_time_ticks);
}

static void candidate_keep(struct search *search, struct peeps_target *candidate)
{
	const bool better =
		search->found.segment_fd < 0 ||
		search->found.header.start_monotonic_ns < candidate->header.start_monotonic_ns;
	struct peeps_target *loser = better ? &search->found : candidate;

	if (loser->segment_fd >= 0) {
		unmap(loser);
		(void)close(loser->segment_fd);
	}
	if (better)
		search->found = *candidate;
}

bool peeps_attach_is_link(int proc_fd, const char *path, bool *kept)
{
	char text[PATH_MAX];
	const ssize_t length = readlinkat(proc_fd, path, text, sizeof(text) - 1);

	if (length <= 0)
		return false;
	text[length] = '\0';
	*kept = peeps_kept_is_name(text);
	return *kept || strcmp(text, LINK_TEXT) == 0;
}

static void candidate_try(struct search *search, const char *path, bool kept)
{
	struct peeps_target candidate;
	struct peeps_problem problem = { 0 };
	int fd, r;

	target_clear(&candidate);
	fd = reopen(search->target->proc_fd, path, kept);
	if (fd < 0) {
		search->refused |= fd == -EACCES || fd == -EPERM;
		return;
	}
	(void)snprintf(candidate.link, sizeof(candidate.link), "%s", path);
	r = segment_open(&candidate, fd, kept, &search->patience, &problem);
	if (r) {
		/* Any file may be called like a kept segment. */
		if (!kept || r == -EPROTONOSUPPORT || r == -ENOENT) {
			search->problem = problem;
			search->error = r;
		}
		return;
	}
	if (is_own(search, &candidate.header)) {
		candidate_keep(search, &candidate);
		return;
	}
	search->others = true;
	unmap(&candidate);
	(void)close(candidate.segment_fd);
}

/* Every entry of a directory below /proc/PID that is a link to a segment. */
static void directory_search(struct search *search, const char *directory)
{
	const int fd =
		openat(search->target->proc_fd, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!stream) {
		search->refused |= errno == EACCES || errno == EPERM;
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	while ((entry = readdir(stream))) { // NOLINT(concurrency-mt-unsafe): a stream of our own
		char path[sizeof(search->target->link)];
		const int length = snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		bool kept;

		if (length < (int)sizeof(path) && entry->d_name[0] != '.' &&
		    peeps_attach_is_link(search->target->proc_fd, path, &kept))
			candidate_try(search, path, kept);
	}
	(void)closedir(stream);
}

/* Most threads share the process's descriptors; the kernel can compare the tables without listing them. */
static bool shares_descriptors(const struct search *search, pid_t tid)
{
	return syscall(SYS_kcmp, search->target->pid, tid, KCMP_FILES, 0, 0) == 0;
}

static void threads_search(struct search *search)
{
	const int fd = openat(search->target->proc_fd, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!stream) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	while ((entry = readdir(stream))) { // NOLINT(concurrency-mt-unsafe): a stream of our own
		const long tid = strtol(entry->d_name, NULL, 10);
		char path[48];

		if (tid <= 0 || tid == search->target->pid ||
		    shares_descriptors(search, (pid_t)tid))
			continue;
		(void)snprintf(path, sizeof(path), "task/%ld/fd", tid);
		directory_search(search, path);
	}
	(void)closedir(stream);
}

static bool mapping_try(void *context, char *line)
{
	struct search *search = context;
	const char *path = strchr(line, '/');
	char below_root[PATH_MAX];

	if (path && peeps_kept_is_name(path) &&
	    snprintf(below_root, sizeof(below_root), "root%s", path) < (int)sizeof(below_root))
		candidate_try(search, below_root, true);
	return search->found.segment_fd >= 0;
}

/* A kept segment has a path, which says enough where map_files may not be looked into, and every descriptor is closed. */
static void maps_search(struct search *search)
{
	(void)peeps_proc_maps_each(search->target->proc_fd, mapping_try, search);
}

static int search_failed(const struct search *search, struct peeps_problem *problem)
{
	struct peeps_proc_identity identity;

	if (peeps_proc_identify(search->target->proc_fd, &identity) != 0)
		return peeps_problem_set(problem, PEEPS_PROBLEM_NO_PROCESS, -ESRCH, HINT_NO_PROCESS,
					 "it has just exited");
	if (peeps_proc_has_exited(search->target))
		return peeps_problem_set(problem, PEEPS_PROBLEM_NO_PROCESS, -ESRCH, HINT_NO_PROCESS,
					 "it has exited (its parent has not collected it yet)");
	if (search->problem.status) {
		*problem = search->problem;
		return search->error;
	}
	if (search->others)
		return peeps_problem_set(
			problem, PEEPS_PROBLEM_NO_SEGMENT, -ENOENT,
			"a forked child gets one of its own with its first peeps call",
			"it has no peeps segment of its own, only its parent's");
	if (search->refused)
		return peeps_problem_set(problem, PEEPS_PROBLEM_PERMISSION, -EACCES,
					 HINT_PERMISSION, "its descriptors may not be looked at");
	return peeps_problem_set(problem, PEEPS_PROBLEM_NO_SEGMENT, -ENOENT, HINT_NO_SEGMENT,
				 "it has no peeps segment");
}

/* Its other candidates cost no more than their headers. */
static int kept_copy(struct peeps_target *target, struct peeps_problem *problem)
{
	struct peeps_segment_bytes from;
	const int r = peeps_file_check(&target->segment_fd, &from, problem);

	return r ? r : peeps_private_copy_new(target, &from, problem);
}

static int segment_search(struct peeps_target *target, unsigned int patience,
			  struct peeps_problem *problem)
{
	struct search search = { .target = target, .patience = patience };

	target_clear(&search.found);
	if (peeps_proc_identify(target->proc_fd, &search.identity) != 0)
		return peeps_problem_set(problem, PEEPS_PROBLEM_NO_PROCESS, -ESRCH, HINT_NO_PROCESS,
					 "it has just exited");
	directory_search(&search, "fd");
	if (search.found.segment_fd < 0)
		threads_search(&search);
	if (search.found.segment_fd < 0)
		directory_search(&search, "map_files");
	if (search.found.segment_fd < 0)
		maps_search(&search);
	if (search.found.segment_fd < 0)
		return search_failed(&search, problem);
	search.found.pid = target->pid;
	search.found.pidfd = target->pidfd;
	search.found.proc_fd = target->proc_fd;
	*target = search.found;
	return target->is_copy ? kept_copy(target, problem) : 0;
}

/* --- the process ----------------------------------------------------------------------------------------------- */

static int no_process(pid_t pid, struct peeps_problem *problem)
{
	const int r = peeps_problem_set(problem, PEEPS_PROBLEM_NO_PROCESS, -ESRCH, HINT_NO_PROCESS,
					"there is no process %d", (int)pid);
	char path[200];

	if (pid > 0 && peeps_kept_find_dead((uint32_t)pid, NULL, path, sizeof(path)))
		(void)snprintf(problem->hint, sizeof(problem->hint),
			       "it left its segment: peeps-read %s", path);
	return r;
}

static int is_thread(const struct peeps_target *target, struct peeps_problem *problem)
{
	char status[4096], hint[64] = "name the process it belongs to";
	const char *line = NULL;

	if (peeps_proc_read(target->proc_fd, "status", status, sizeof(status)) > 0)
		line = strstr(status, "\nTgid:");
	if (line)
		(void)snprintf(hint, sizeof(hint), "it belongs to process %lu: name that",
			       strtoul(line + strlen("\nTgid:"), NULL, 10));
	return peeps_problem_set(problem, PEEPS_PROBLEM_NO_PROCESS, -ESRCH, hint,
				 "%d is a thread, not a process", (int)target->pid);
}

static int process_open(struct peeps_target *target, struct peeps_problem *problem)
{
	target->proc_fd = peeps_proc_open(target->pid);
	if (target->proc_fd < 0) {
		if (errno == ENOENT || errno == ESRCH)
			return no_process(target->pid, problem);
		return peeps_problem_set(
			problem,
			errno == EACCES || errno == EPERM ? PEEPS_PROBLEM_PERMISSION
							  : PEEPS_PROBLEM_OTHER,
			-errno, errno == EACCES || errno == EPERM ? HINT_PERMISSION : "",
			"/proc/%d: %m", (int)target->pid);
	}
	/* After proc_fd: as long as that can be read, both are the same process. A kernel without pidfds has none. */
	target->pidfd = (int)syscall(SYS_pidfd_open, target->pid, 0);
	if (target->pidfd >= 0)
		return 0;
	if (errno == ESRCH)
		return no_process(target->pid, problem);
	if (errno == EINVAL || errno == ENOENT) /* which one depends on the kernel */
		return is_thread(target, problem);
	return 0;
}

static int attach(struct peeps_target *target, pid_t pid, unsigned int patience,
		  struct peeps_problem *problem)
{
	struct peeps_target attached;
	int r;

	memset(problem, 0, sizeof(*problem));
	target_clear(&attached);
	attached.pid = pid;
	r = pid > 0 ? process_open(&attached, problem) : no_process(pid, problem);
	if (!r)
		r = segment_search(&attached, patience, problem);
	if (r) {
		(void)snprintf(problem->what, sizeof(problem->what), "cannot attach to process %d",
			       (int)pid);
		peeps_detach(&attached);
		return r;
	}
	*target = attached;
	return 0;
}

int peeps_attach(struct peeps_target *target, pid_t pid, struct peeps_problem *problem)
{
	return attach(target, pid, READY_PAUSES, problem);
}

int peeps_attach_at_once(struct peeps_target *target, pid_t pid, struct peeps_problem *problem)
{
	return attach(target, pid, 0, problem);
}

int peeps_attach_fd(struct peeps_target *target, int fd, struct peeps_problem *problem)
{
	struct peeps_target attached;
	unsigned int patience = READY_PAUSES;
	char path[32];
	int own, r;

	memset(problem, 0, sizeof(*problem));
	target_clear(&attached);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = reopen(AT_FDCWD, path, false);
	if (own < 0)
		own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	r = own < 0 ? peeps_problem_set(problem, PEEPS_PROBLEM_OTHER, -errno, "", "%m")
		    : segment_open(&attached, own, false, &patience, problem);
	if (r) {
		(void)snprintf(problem->what, sizeof(problem->what), "cannot read this segment");
		return r;
	}
	*target = attached;
	return 0;
}

void peeps_detach(struct peeps_target *target)
{
	unmap(target);
	if (target->segment_fd >= 0)
		(void)close(target->segment_fd);
	if (target->proc_fd >= 0)
		(void)close(target->proc_fd);
	if (target->pidfd >= 0)
		(void)close(target->pidfd);
	target_clear(target);
}
