/* SPDX-License-Identifier: MIT */
#include "writer/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define NAME_BYTES      80
#define NAME_MAX_BYTES  32 /* of the process's name in it */
#define DIRECTORY_FLAGS (O_PATH | O_DIRECTORY | O_CLOEXEC)

/* Under the process lock. parent and last are the two parts of PEEPS_DIR, empty if there is none that we can use. */
static struct {
	bool asked;
	bool wanted;
	char parent[PATH_MAX];
	char last[NAME_MAX + 1];
} directory;

/* What this process made. No descriptor: by the time it exits, that number may be the program's. */
static struct {
	pid_t pid; /* 0 = nothing; a child by vfork() that calls exit() is not the one that made it */
	char name[NAME_BYTES];
	dev_t device;
	ino_t inode;
} made;

/* "/dev/shm/peeps/" is "/dev/shm" and "peeps". */
static void split(const char *path)
{
	size_t end = strlen(path);
	size_t begin;

	while (end > 1 && path[end - 1] == '/')
		end--;
	begin = end;
	while (begin > 0 && path[begin - 1] != '/')
		begin--;
	if (path[0] != '/' || begin >= sizeof(directory.parent) || begin == end ||
	    end - begin >= sizeof(directory.last))
		return;
	memcpy(directory.parent, path, begin);
	memcpy(directory.last, path + begin, end - begin);
}

bool kept_is_wanted(void)
{
	if (!directory.asked) {
		const char *const path = secure_getenv("PEEPS_DIR");

		directory.asked = true;
		directory.wanted = path && *path;
		if (directory.wanted)
			split(path);
	}
	return directory.wanted;
}

static bool is_on_tmpfs(int fd)
{
	struct statfs filesystem;

	return fstatfs(fd, &filesystem) == 0 && filesystem.f_type == TMPFS_MAGIC;
}

/* The last component is made, but nothing on a disk, and no path: a mistyped one should not become a tree. */
static int open_last(int parent)
{
	const int fd = openat(parent, directory.last, DIRECTORY_FLAGS | O_NOFOLLOW);

	if (fd >= 0 || errno != ENOENT || !is_on_tmpfs(parent) ||
	    (mkdirat(parent, directory.last, 0700) != 0 && errno != EEXIST))
		return fd;
	return openat(parent, directory.last, DIRECTORY_FLAGS | O_NOFOLLOW);
}

/* Returns a descriptor, or -1. */
static int open_directory(void)
{
	const int parent = *directory.parent ? open(directory.parent, DIRECTORY_FLAGS) : -1;
	int fd;

	if (parent < 0)
		return -1;
	fd = open_last(parent);
	(void)close(parent);
	return fd;
}

static enum peeps_not_kept check_directory(int fd)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return PEEPS_NOT_KEPT_MISSING;
	if (!is_on_tmpfs(fd))
		return PEEPS_NOT_KEPT_NOT_TMPFS;
	if (status.st_uid != geteuid())
		return PEEPS_NOT_KEPT_OWNER;
	if ((status.st_mode & 0777) != 0700)
		return PEEPS_NOT_KEPT_MODE;
	return PEEPS_NOT_KEPT_NOT_WANTED;
}

static char sanitized(char byte)
{
	if (byte >= 'A' && byte <= 'Z')
		return (char)(byte - 'A' + 'a');
	if ((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '_' ||
	    byte == '.')
		return byte;
	return '-';
}

static void make_name(char name[NAME_BYTES], const char *process_name, pid_t pid,
		      const uint8_t segment_id[16])
{
	char safe[NAME_MAX_BYTES + 1] = { 0 };

	for (int i = 0; i < NAME_MAX_BYTES && process_name[i]; i++)
		safe[i] = sanitized(process_name[i]);
	if (safe[0] == '.') /* not a hidden file */
		safe[0] = '-';
	(void)snprintf(name, NAME_BYTES, "%s-%d-%02x%02x%02x%02x" PEEPS_KEPT_SUFFIX, safe, (int)pid,
		       segment_id[0], segment_id[1], segment_id[2], segment_id[3]);
}

static int open_file(int at, const char *name)
{
	const int fd = openat(at, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat status;

	if (fd < 0)
		return -1;
	/* The mode whatever the umask is. The lock says that we live to who cannot see our process: it goes with the
	 * last descriptor of this open file. */
	if (fchmod(fd, 0600) != 0 || flock(fd, LOCK_EX | LOCK_NB) != 0 || fstat(fd, &status) != 0) {
		(void)unlinkat(at, name, 0);
		(void)close(fd);
		return -1;
	}
	made.device = status.st_dev;
	made.inode = status.st_ino;
	return fd;
}

int kept_open(const char process_name[PEEPS_PROCESS_NAME_BYTES], const uint8_t segment_id[16],
	      enum peeps_not_kept *refused)
{
	const int at = open_directory();
	const pid_t pid = getpid();
	int fd = -1;

	if (at < 0) {
		*refused = *directory.parent ? PEEPS_NOT_KEPT_MISSING : PEEPS_NOT_KEPT_PATH;
		return -1;
	}
	*refused = check_directory(at);
	if (*refused == PEEPS_NOT_KEPT_NOT_WANTED) {
		make_name(made.name, process_name, pid, segment_id);
		fd = open_file(at, made.name);
		if (fd < 0)
			*refused = PEEPS_NOT_KEPT_FILE;
		else
			made.pid = pid;
	}
	(void)close(at);
	return fd;
}

void kept_remove(void)
{
	struct stat status;
	int at;

	if (made.pid == 0 || made.pid != getpid())
		return;
	made.pid = 0;
	at = open_directory();
	if (at < 0)
		return;
	/* Its place may be another's by now: a program may have changed its root. */
	if (fstatat(at, made.name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	    status.st_dev == made.device && status.st_ino == made.inode)
		(void)unlinkat(at, made.name, 0);
	(void)close(at);
}

void kept_forget(void)
{
	made.pid = 0;
}
