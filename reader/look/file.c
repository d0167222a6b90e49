/* SPDX-License-Identifier: MIT */
#include "reader/look/file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layout/segment.h"
#include "reader/target/proc.h"
#include "reader/problem.h"

#define HEAD_BYTES  256 /* a document may begin with blanks */
#define CHUNK_BYTES ((size_t)1 << 20)
#define HINT_FILES \
	"a target file is a snapshot (dump -o FILE.msgpack), a database (load FILE.db), a kept segment, or a core file"

/* Says what path is not. */
static int is_none_of_ours(const char *path, struct peeps_problem *problem, const char *hint,
			   const char *what)
{
	(void)snprintf(problem->what, sizeof(problem->what), "cannot read '%.128s'", path);
	return peeps_problem_set(problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG, hint, "%s", what);
}

static int file_failed(const char *path, int error, struct peeps_problem *problem)
{
	(void)snprintf(problem->what, sizeof(problem->what), "cannot read '%.128s'", path);
	errno = error;
	if (error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG || error == ELOOP)
		return peeps_problem_set(
			problem, PEEPS_PROBLEM_NO_PROCESS, -error,
			"a word with a slash is a file; without one it may be a process's name",
			"%m");
	if (error == EACCES || error == EPERM)
		return peeps_problem_set(problem, PEEPS_PROBLEM_PERMISSION, -error,
					 "read it as a user who may", "%m");
	return peeps_problem_set(problem, PEEPS_PROBLEM_OTHER, -error, HINT_FILES, "%m");
}

/* --- by the first bytes ----------------------------------------------------------------------------------------- */

struct head {
	unsigned char bytes[HEAD_BYTES];
	size_t length;
};

static bool begins_with(const struct head *head, const void *bytes, size_t length)
{
	return head->length >= length && memcmp(head->bytes, bytes, length) == 0;
}

static bool is_segment(const struct head *head)
{
	const uint64_t magic = PEEPS_MAGIC, of_other_order = __builtin_bswap64(PEEPS_MAGIC);

	return begins_with(head, &magic, sizeof(magic)) ||
	       begins_with(head, &of_other_order, sizeof(of_other_order));
}

static bool is_json(const struct head *head)
{
	size_t at = 0;

	while (at < head->length && memchr(" \t\r\n", head->bytes[at], 4))
		at++;
	return at < head->length && head->bytes[at] == '{';
}

/* fixmap, map 16, map 32 */
static bool is_msgpack_map(const struct head *head)
{
	return (head->bytes[0] & 0xf0) == 0x80 || head->bytes[0] == 0xde || head->bytes[0] == 0xdf;
}

static int elf_tell(const struct head *head, const char *path, enum peeps_place_kind *kind,
		    struct peeps_problem *problem)
{
	const size_t at = offsetof(Elf64_Ehdr, e_type); /* as in 32-bit ones */
	unsigned int type;

	if (head->length < at + 2)
		return is_none_of_ours(path, problem, HINT_FILES, "it is a cut off ELF file");
	type = head->bytes[EI_DATA] == ELFDATA2MSB ? head->bytes[at] << 8U | head->bytes[at + 1]
						   : head->bytes[at + 1] << 8U | head->bytes[at];
	if (type == ET_CORE) {
		*kind = PEEPS_PLACE_CORE;
		return 0;
	}
	if (type == ET_EXEC || type == ET_DYN)
		return is_none_of_ours(path, problem,
				       "start it, and name the process: by its PID, or its name "
				       "without a slash",
				       "it is a program or a library, not a process");
	return is_none_of_ours(path, problem, HINT_FILES, "it is an ELF file, but no core file");
}

static int tell(const struct head *head, const char *path, enum peeps_place_kind *kind,
		struct peeps_problem *problem)
{
	static const unsigned char zstd[] = { 0x28, 0xb5, 0x2f, 0xfd };
	static const char sqlite[16] = "SQLite format 3";
	static const uint64_t zeroes;

	if (head->length == 0)
		return is_none_of_ours(path, problem, HINT_FILES, "it is empty");
	if (begins_with(head, ELFMAG, SELFMAG))
		return elf_tell(head, path, kind, problem);
	if (is_segment(head))
		*kind = PEEPS_PLACE_SEGMENT;
	else if (begins_with(head, zstd, sizeof(zstd)) || is_json(head) || is_msgpack_map(head))
		*kind = PEEPS_PLACE_SNAPSHOT;
	else if (begins_with(head, sqlite, sizeof(sqlite)))
		*kind = PEEPS_PLACE_DATABASE;
	else if (begins_with(head, &zeroes, sizeof(zeroes)))
		return is_none_of_ours(
			path, problem, HINT_FILES,
			"it begins with zeroes, like a segment that never got ready");
	else
		return is_none_of_ours(path, problem, HINT_FILES,
				       "it does not begin like anything that is read here");
	return 0;
}

/* --- what can be read only once --------------------------------------------------------------------------------- */

/* Up to room bytes; fewer only at the end. Returns how many, or -errno. */
static ssize_t read_whole(int fd, void *buffer, size_t room)
{
	size_t length = 0;

	while (length < room) {
		const ssize_t got = read(fd, (char *)buffer + length, room - length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		length += (size_t)got;
	}
	return (ssize_t)length;
}

static int write_whole(int fd, const void *buffer, size_t length)
{
	size_t done = 0;

	while (done < length) {
		const ssize_t put = write(fd, (const char *)buffer + done, length - done);

		if (put < 0 && errno != EINTR)
			return -errno;
		if (put > 0)
			done += (size_t)put;
	}
	return 0;
}

/* Returns 0, -EFBIG if there is more than we take, or another -errno. */
static int copy_rest(int from, int to, uint64_t done)
{
	char *buffer = malloc(CHUNK_BYTES);
	ssize_t got = 0;
	int r = buffer ? 0 : -ENOMEM;

	while (r == 0) {
		got = read_whole(from, buffer, CHUNK_BYTES);
		if (got <= 0)
			break;
		done += (uint64_t)got;
		r = done > PEEPS_FILE_PIPED_BYTES_MAX ? -EFBIG
						      : write_whole(to, buffer, (size_t)got);
	}
	free(buffer);
	return got < 0 ? (int)got : r;
}

/* Its first bytes were read already: all of it, in memory. Returns a descriptor, or -errno. */
static int pipe_copy(int fd, const struct head *head)
{
	const int copy = memfd_create("peeps-read", MFD_CLOEXEC);
	int r;

	if (copy < 0)
		return -errno;
	r = fchmod(copy, S_IRUSR | S_IWUSR) == 0
		    ? 0
		    : -errno; /* ours alone, as a kept segment has to be */
	if (!r)
		r = write_whole(copy, head->bytes, head->length);
	if (!r)
		r = copy_rest(fd, copy, head->length);
	if (!r && lseek(copy, 0, SEEK_SET) < 0)
		r = -errno;
	if (r) {
		(void)close(copy);
		return r;
	}
	return copy;
}

/* --- the file --------------------------------------------------------------------------------------------------- */

static int type_check(mode_t mode, const char *path, struct peeps_problem *problem)
{
	if (S_ISREG(mode) || S_ISFIFO(mode))
		return 0;
	if (S_ISDIR(mode))
		return is_none_of_ours(path, problem, HINT_FILES, "it is a folder");
	if (S_ISCHR(mode) || S_ISBLK(mode))
		return is_none_of_ours(path, problem, HINT_FILES,
				       "it is a device, such as a terminal");
	return is_none_of_ours(path, problem, HINT_FILES, "it is no file that can be read");
}

/* Returns 0 or -errno. */
static int head_read(struct head *head, int fd, mode_t mode)
{
	ssize_t got = S_ISREG(mode) ? pread(fd, head->bytes, sizeof(head->bytes), 0)
				    : read_whole(fd, head->bytes, sizeof(head->bytes));

	if (got < 0)
		return S_ISREG(mode) ? -errno : (int)got;
	head->length = (size_t)got;
	return 0;
}

/* Takes fd over, also on failure. */
static int file_take(struct peeps_file *file, int fd, const char *path, bool is_named,
		     struct peeps_problem *problem)
{
	struct head head;
	struct stat status;
	int r = fstat(fd, &status) == 0 ? type_check(status.st_mode, path, problem)
					: file_failed(path, errno, problem);

	if (!r) {
		r = head_read(&head, fd, status.st_mode);
		r = r ? file_failed(path, -r, problem) : tell(&head, path, &file->kind, problem);
	}
	if (!r && file->kind == PEEPS_PLACE_DATABASE && !(is_named && S_ISREG(status.st_mode)))
		r = is_none_of_ours(path, problem, "name the file itself",
				    "it is a database, and that is opened by its name");
	if (!r && !S_ISREG(status.st_mode)) {
		const int copy = pipe_copy(fd, &head);

		(void)close(fd);
		if (copy < 0)
			return copy == -EFBIG
				       ? is_none_of_ours(path, problem, "write it to a file first",
							 "more than 4 GiB come out of it")
				       : file_failed(path, -copy, problem);
		fd = copy;
	}
	if (r) {
		(void)close(fd);
		return r;
	}
	file->fd = fd;
	return 0;
}

/* Returns a descriptor, or -errno with the problem filled. */
static int path_open(const char *path, struct peeps_problem *problem)
{
	/* Before it is opened: that alone may wake, or wait for, what is behind a device. */
	const int place = open(path, O_PATH | O_CLOEXEC);
	struct stat status;
	int r;

	if (place < 0)
		return file_failed(path, errno, problem);
	r = fstat(place, &status) == 0 ? type_check(status.st_mode, path, problem)
				       : file_failed(path, errno, problem);
	if (r == 0) {
		r = peeps_proc_open_place(place, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (r < 0)
			r = file_failed(path, -r, problem);
	}
	(void)close(place);
	return r;
}

int peeps_file_open(struct peeps_file *file, const char *path, struct peeps_problem *problem)
{
	const int fd = path_open(path, problem);

	return fd < 0 ? fd : file_take(file, fd, path, true, problem);
}

int peeps_file_open_stdin(struct peeps_file *file, struct peeps_problem *problem)
{
	const int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);

	if (fd < 0 && errno == EBADF) {
		(void)snprintf(problem->what, sizeof(problem->what),
			       "cannot read 'standard input'");
		return peeps_problem_set(problem, PEEPS_PROBLEM_NO_PROCESS, -EBADF, HINT_FILES,
					 "it is closed");
	}
	if (fd >= 0 && lseek(fd, 0, SEEK_SET) < 0 && errno != ESPIPE) {
		(void)close(fd);
		return file_failed("standard input", errno, problem);
	}
	return fd < 0 ? file_failed("standard input", errno, problem)
		      : file_take(file, fd, "standard input", false, problem);
}
