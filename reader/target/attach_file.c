/* SPDX-License-Identifier: MIT */
/*
 * Kept segments are read with pread, never mapped: a named file cannot be sealed, and one that shrinks under a mapping
 * is a SIGBUS. docs/adr/0007-kept-segments-are-read-passively.md
 */
#include "reader/target/attach_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reader/clock.h"
#include "reader/problem.h"
#include "reader/target/bounds.h"
#include "reader/target/kept.h"

#define READY_TRIES    10
#define READY_PAUSE_NS UINT64_C(5000000)

static int file_read(const struct peeps_segment_bytes *from, void *to, size_t bytes,
		     uint64_t offset, struct peeps_problem *problem)
{
	const int fd = *(const int *)from->context;
	unsigned char *place = to;

	while (bytes > 0) {
		const ssize_t got = pread(fd, place, bytes, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return peeps_problem_set(problem, PEEPS_PROBLEM_OTHER, -errno, "",
						 "it cannot be read: %m");
		if (got == 0)
			return peeps_problem_set(problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG, "",
						 "it has become shorter while it was read");
		place += got;
		offset += (uint64_t)got;
		bytes -= (size_t)got;
	}
	return 0;
}

static int trust_check(const struct stat *status, struct peeps_problem *problem)
{
	const uid_t self = geteuid();

	if (!S_ISREG(status->st_mode))
		return peeps_problem_set(problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG, "",
					 "it is no regular file");
	if (self != 0 && status->st_uid != self && status->st_uid != 0)
		return peeps_problem_set(problem, PEEPS_PROBLEM_PERMISSION, -EACCES,
					 "read it as its owner, or as root",
					 "it belongs to another user (%u)", status->st_uid);
	if (status->st_mode & (S_IWGRP | S_IWOTH))
		return peeps_problem_set(problem, PEEPS_PROBLEM_PERMISSION, -EACCES,
					 "chmod go-w, if you trust what is in it",
					 "others than its owner may write it");
	return 0;
}

int peeps_file_check(const int *fd, struct peeps_segment_bytes *from, struct peeps_problem *problem)
{
	struct stat status;
	int r;

	if (fstat(*fd, &status) != 0)
		return peeps_problem_set(problem, PEEPS_PROBLEM_OTHER, -EBADF, "", "%m");
	r = trust_check(&status, problem);
	if (r)
		return r;
	if (status.st_size < (off_t)PEEPS_SECTIONS_OFFSET ||
	    (uint64_t)status.st_size > PEEPS_SEGMENT_BYTES_MAX)
		return peeps_problem_set(problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG,
					 "only segments made by the peeps library are read",
					 "it has a size that no segment has");
	*from = (struct peeps_segment_bytes){ .read = file_read,
					      .context = fd,
					      .bytes = (uint64_t)status.st_size,
					      .memory_bytes = (uint64_t)status.st_blocks * 512 };
	return 0;
}

int peeps_file_header(const struct peeps_segment_bytes *from, struct peeps_segment_header *header,
		      struct peeps_problem *problem)
{
	// NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): whoever could not fill from does not call
	const int r = from->read(from, header, sizeof(*header), 0, problem);

	return r ? r : peeps_bounds_check(header, from->bytes, problem);
}

/* A process that just starts writes the magic a moment after it has made the file. */
int peeps_file_await_header(const int *fd, struct peeps_segment_header *header,
			    struct peeps_problem *problem)
{
	struct peeps_segment_bytes from;
	int r = -EAGAIN;

	for (int i = 0; r == -EAGAIN && i < READY_TRIES; i++) {
		if (i)
			peeps_sleep_for_ns(READY_PAUSE_NS);
		r = peeps_file_check(fd, &from, problem);
		if (!r)
			r = peeps_file_header(&from, header, problem);
	}
	return r == -EAGAIN ? -ENOENT : r;
}

static int file_attach(struct peeps_target *target, struct peeps_problem *problem)
{
	struct peeps_segment_bytes from;
	int r = peeps_file_await_header(&target->segment_fd, &target->header, problem);

	if (r)
		return r;
	/* Before the copy: of a process that is no more by now, nothing moves under it. */
	target->is_over = !peeps_kept_process(target->segment_fd, &target->header, target);
	if (target->proc_fd < 0)
		target->pid = (pid_t)target->header.pid;
	r = peeps_file_check(&target->segment_fd, &from, problem);
	return r ? r : peeps_private_copy_new(target, &from, problem);
}

int peeps_attach_file(struct peeps_target *target, int fd, const char *name,
		      struct peeps_problem *problem)
{
	struct peeps_target attached = { .pidfd = -1, .proc_fd = -1 };
	int r;

	memset(problem, 0, sizeof(*problem));
	attached.segment_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	r = attached.segment_fd < 0
		    ? peeps_problem_set(problem, PEEPS_PROBLEM_OTHER, -errno, "", "%m")
		    : file_attach(&attached, problem);
	if (r) {
		(void)snprintf(problem->what, sizeof(problem->what), "cannot read the segment %s",
			       name);
		peeps_detach(&attached);
		return r;
	}
	*target = attached;
	return 0;
}

int peeps_target_refresh(const struct peeps_target *target, unsigned int parts,
			 struct peeps_problem *problem)
{
	struct peeps_segment_bytes from;
	int r;

	if (!target->is_copy || target->is_over)
		return 0;
	r = peeps_file_check(&target->segment_fd, &from, problem);
	return r ? r : peeps_private_copy_again(target, &from, parts, problem);
}
