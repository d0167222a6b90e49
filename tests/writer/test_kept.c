/* SPDX-License-Identifier: MIT */
/*
 * PEEPS_DIR is read when a program starts, so this one runs itself with it: `inside HOW` reports by its exit status what
 * became of its segment, and then ends in one way or another.
 */
#include "tests/writer/writer_test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "writer/kept.h"

#define SHM "/dev/shm"

/* What `inside` says: 64 = telemetry is off, 32 = kept, else why not. */
#define OFF  64
#define KEPT 32

static char room[64]; /* on a tmpfs, ours, 0700; empty when a test begins */
static char self_path[4096];

static int outcome(void)
{
	const uint32_t flags = process_is_on() ? peeps_segment.header->compat_flags : 0;

	if (!process_is_on())
		return OFF;
	return (int)(flags >> PEEPS_COMPAT_NOT_KEPT_SHIFT & PEEPS_COMPAT_NOT_KEPT_MASK) |
	       (flags & PEEPS_COMPAT_KEPT ? KEPT : 0);
}

static const char *first_file(const char *directory)
{
	static char path[512];
	DIR *const stream = opendir(directory);
	const struct dirent *entry;

	path[0] = '\0';
	assert_non_null(stream);
	while ((entry = readdir(stream)))
		if (entry->d_name[0] != '.')
			(void)snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
	(void)closedir(stream);
	return path;
}

static int count_files(const char *directory)
{
	DIR *const stream = opendir(directory);
	const struct dirent *entry;
	int count = 0;

	assert_non_null(stream);
	while ((entry = readdir(stream)))
		count += entry->d_name[0] != '.';
	(void)closedir(stream);
	return count;
}

/* --- inside ------------------------------------------------------------------------------------------------------ */

/* A child's first wrapper makes its segment: two files then, and one when the child has left by exit(). */
static void fork_a_child(const char *directory)
{
	const pid_t child = fork();
	int status;

	if (child == 0) {
		process_start_once();
		if (outcome() != KEPT || count_files(directory) != 2)
			_exit(1);
		exit(0);
	}
	if (waitpid(child, &status, 0) != child || status != 0 || count_files(directory) != 1)
		_exit(99);
}

/* A child that never makes one has nothing to remove. */
static void fork_a_silent_child(const char *directory)
{
	const pid_t child = fork();

	if (child == 0)
		exit(0);
	if (waitpid(child, NULL, 0) != child || count_files(directory) != 1)
		_exit(99);
}

static int inside(const char *how)
{
	const char *const directory = getenv("PEEPS_DIR");
	const int code = outcome();

	if (strcmp(how, "fork") == 0)
		fork_a_child(directory);
	else if (strcmp(how, "silent fork") == 0)
		fork_a_silent_child(directory);
	else if (strcmp(how, "_exit") == 0)
		_exit(code);
	else if (strcmp(how, "kill") == 0 || strcmp(how, "umask") == 0)
		(void)raise(SIGKILL);
	else if (strcmp(how, "exec") == 0)
		(void)execl("/bin/true", "true", NULL);
	else if (strcmp(how, "chroot") == 0 && (chroot("/proc") != 0 || chdir("/") != 0))
		_exit(98);
	else if (strcmp(how, "another of that name") == 0) {
		const char *const path = first_file(directory);

		if (unlink(path) != 0 || close(open(path, O_CREAT | O_WRONLY, 0600)) != 0)
			_exit(98);
	}
	return code;
}

/* --- outside ----------------------------------------------------------------------------------------------------- */

static int run_as(const char *program, const char *directory, const char *how)
{
	const pid_t child = fork();
	int status;

	if (child == 0) {
		if (directory)
			(void)setenv("PEEPS_DIR", directory, 1);
		/* a sanitizer's search for leaks wants /proc, and its own rights */
		(void)setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
		if (strcmp(how, "umask") == 0)
			(void)umask(0777);
		(void)execl(program, program, "inside", how, NULL);
		_exit(97);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int run(const char *directory, const char *how)
{
	return run_as(self_path, directory, how);
}

static int make_room(void **state)
{
	(void)state;
	(void)snprintf(room, sizeof(room), SHM "/test-kept-XXXXXX");
	return mkdtemp(room) ? 0 : -1;
}

static int clear_room(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf %s", room);
	return system(command);
}

static const char *in_room(const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", room, name);
	return path;
}

/* --- tests ------------------------------------------------------------------------------------------------------- */

static void kept__sound_directory__file_of_ours_alone(void **state)
{
	const char *path;
	struct stat status;
	int fd;

	(void)state;
	assert_int_equal(run(room, "_exit"), KEPT);
	path = first_file(room);
	assert_int_equal(count_files(room), 1);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode, S_IFREG | 0600);
	assert_int_equal(status.st_uid, geteuid());
	/* sparse: what nobody reserved has no memory */
	assert_true(status.st_blocks * 512 < status.st_size / 10);
	fd = open(path, O_RDONLY);
	assert_int_equal(flock(fd, LOCK_SH | LOCK_NB), 0); /* its maker is no more */
	(void)close(fd);
	assert_non_null(strstr(path, "/test_writer_kept-"));
	assert_string_equal(path + strlen(path) - 6, ".peeps");
}

static void kept__umask__mode_is_0600_all_the_same(void **state)
{
	struct stat status;

	(void)state;
	assert_int_equal(run(room, "umask"), -SIGKILL);
	assert_int_equal(stat(first_file(room), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
}

static void kept__ends__only_exit_removes_the_file(void **state)
{
	static const struct {
		const char *how;
		int expected, left;
	} rows[] = {
		{ "exit", KEPT, 0 },
		{ "_exit", KEPT, 1 },
		{ "kill", -SIGKILL, 1 },
		{ "exec", 0, 1 },
		{ "fork", KEPT, 0 },
		{ "silent fork", KEPT, 0 },
		{ "another of that name", KEPT, 1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const int r = run(room, rows[i].how);

		if (r != rows[i].expected || count_files(room) != rows[i].left)
			fail_msg("%s: %d, and %d files are left", rows[i].how, r,
				 count_files(room));
		(void)clear_room(state);
		assert_int_equal(mkdir(room, 0700), 0);
	}
}

static void kept__chroot__exit_finds_nothing_and_does_no_harm(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(run(room, "chroot"), KEPT);
	assert_int_equal(count_files(room), 1);
}

static void kept__last_component_missing__is_made_for_us_alone(void **state)
{
	struct stat status;

	(void)state;
	assert_int_equal(run(in_room("new"), "exit"), KEPT);
	assert_int_equal(stat(in_room("new"), &status), 0);
	assert_int_equal(status.st_mode, S_IFDIR | 0700);
	assert_int_equal(run(in_room("slashes///"), "exit"), KEPT);
	assert_int_equal(stat(in_room("slashes"), &status), 0);
}

static void kept__unsound_directory__a_memfd_and_the_reason(void **state)
{
	static char long_path[6000];
	int file;

	(void)state;
	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[0] = '/';
	assert_int_equal(run("", "exit"), PEEPS_NOT_KEPT_NOT_WANTED);
	assert_int_equal(run(NULL, "exit"), PEEPS_NOT_KEPT_NOT_WANTED);
	assert_int_equal(run("dev/shm", "exit"), PEEPS_NOT_KEPT_PATH);
	assert_int_equal(run("/", "exit"), PEEPS_NOT_KEPT_PATH);
	assert_int_equal(run(long_path, "exit"), PEEPS_NOT_KEPT_PATH);
	assert_int_equal(run(in_room("no/tree"), "exit"), PEEPS_NOT_KEPT_MISSING);
	assert_int_equal(access(in_room("no"), F_OK), -1);

	file = open(in_room("file"), O_CREAT | O_WRONLY | O_CLOEXEC, 0700);
	(void)close(file);
	assert_int_equal(run(in_room("file"), "exit"), PEEPS_NOT_KEPT_MISSING);
	assert_int_equal(symlink(room, in_room("link")), 0);
	assert_int_equal(run(in_room("link"), "exit"), PEEPS_NOT_KEPT_MISSING);

	for (int bit = 0; bit < 6; bit++) {
		assert_int_equal(mkdir(in_room("open"), 0700), 0);
		assert_int_equal(chmod(in_room("open"), 0700 | 1 << bit), 0);
		assert_int_equal(run(in_room("open"), "exit"), PEEPS_NOT_KEPT_MODE);
		assert_int_equal(rmdir(in_room("open")), 0);
	}
	assert_int_equal(mkdir(in_room("read-only"), 0500), 0);
	assert_int_equal(run(in_room("read-only"), "exit"), PEEPS_NOT_KEPT_MODE);
}

static void kept__somebody_elses_directory__is_not_used(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir(in_room("theirs"), 0700), 0);
	assert_int_equal(chown(in_room("theirs"), 65534, 65534), 0);
	assert_int_equal(run(in_room("theirs"), "exit"), PEEPS_NOT_KEPT_OWNER);
	assert_int_equal(count_files(in_room("theirs")), 0);
}

static void kept__disk__is_not_used_and_gets_no_directory(void **state)
{
	char directory[] = "./on-a-disk-XXXXXX", missing[4200], path[4096];
	struct statfs filesystem;

	(void)state;
	assert_non_null(mkdtemp(directory));
	assert_non_null(realpath(directory, path));
	assert_int_equal(statfs(path, &filesystem), 0);
	if (filesystem.f_type == TMPFS_MAGIC) {
		(void)rmdir(directory);
		skip(); /* builds on a tmpfs, and where would a disk be? */
	}
	(void)snprintf(missing, sizeof(missing), "%s/missing", path);
	assert_int_equal(run(path, "exit"), PEEPS_NOT_KEPT_NOT_TMPFS);
	assert_int_equal(run(missing, "exit"), PEEPS_NOT_KEPT_MISSING);
	assert_int_equal(access(missing, F_OK), -1);
	assert_int_equal(rmdir(directory), 0);
}

/* Without the right to mount, nothing can be made full. */
static bool mount_small(const char *options)
{
	return geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", room, "tmpfs", 0, options) == 0;
}

static void kept__full_tmpfs__a_memfd_and_nothing_is_left(void **state)
{
	static const struct {
		const char *options;
		int expected;
	} rows[] = {
		{ "size=4k,mode=0700", PEEPS_NOT_KEPT_MEMORY },  /* not even the header */
		{ "size=64k,mode=0700", PEEPS_NOT_KEPT_MEMORY }, /* not the tables */
		{ "nr_inodes=1,mode=0700", PEEPS_NOT_KEPT_FILE },
		{ "size=1m,mode=0700", KEPT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int r, left;

		if (!mount_small(rows[i].options))
			skip();
		r = run(room, "exit");
		left = count_files(room);
		(void)umount(room);
		if (r != rows[i].expected || left != 0)
			fail_msg("%s: %d, and %d files are left", rows[i].options, r, left);
	}
}

/* Whoever runs a set-user-ID program must not choose where it writes. */
static void kept__set_user_id__does_not_look_at_peeps_dir(void **state)
{
	char command[9000];
	const char *const copy = "./test_kept_setuid";
	int r;

	(void)state;
	if (geteuid() != 0)
		skip();
	(void)snprintf(command, sizeof(command), "cp '%s' %s && chown 65534 %s && chmod 4755 %s",
		       self_path, copy, copy, copy);
	assert_int_equal(system(command), 0);
	r = run_as(copy, room, "_exit");
	(void)unlink(copy);
	assert_int_equal(r, PEEPS_NOT_KEPT_NOT_WANTED);
	assert_int_equal(count_files(room), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define IN_A_ROOM(test) cmocka_unit_test_setup_teardown(test, make_room, clear_room)
		IN_A_ROOM(kept__sound_directory__file_of_ours_alone),
		IN_A_ROOM(kept__umask__mode_is_0600_all_the_same),
		IN_A_ROOM(kept__ends__only_exit_removes_the_file),
		IN_A_ROOM(kept__chroot__exit_finds_nothing_and_does_no_harm),
		IN_A_ROOM(kept__last_component_missing__is_made_for_us_alone),
		IN_A_ROOM(kept__unsound_directory__a_memfd_and_the_reason),
		IN_A_ROOM(kept__somebody_elses_directory__is_not_used),
		IN_A_ROOM(kept__disk__is_not_used_and_gets_no_directory),
		IN_A_ROOM(kept__full_tmpfs__a_memfd_and_nothing_is_left),
		IN_A_ROOM(kept__set_user_id__does_not_look_at_peeps_dir),
	};
	const ssize_t length = readlink("/proc/self/exe", self_path, sizeof(self_path) - 1);

	if (length < 0)
		return 96;
	self_path[length] = '\0';
	if (argc == 3 && strcmp(argv[1], "inside") == 0)
		return inside(argv[2]);
	return cmocka_run_group_tests_name("kept", tests, NULL, NULL);
}
