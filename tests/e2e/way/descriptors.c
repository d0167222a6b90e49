/* SPDX-License-Identifier: MIT */
/* The program's descriptors and files are its own: their numbers, their contents, their sizes. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/e2e/way/way.h"

#define FILES      1100 /* beyond the number that the segment's descriptor has */
#define FILE_BYTES 3000

static struct peeps_mutex locks[4] = {
	PEEPS_MUTEX_INIT("lock 0"),
	PEEPS_MUTEX_INIT("lock 1"),
	PEEPS_MUTEX_INIT("lock 2"),
	PEEPS_MUTEX_INIT("lock 3"),
};
static long counters[4];

/* Much that needs pages, sites, names and threads: all of it after the descriptor is gone. */
static void *work(void *failures)
{
	*(int *)failures += way_work(locks, 4, counters, 200);
	return NULL;
}

static int work_hard(int mutexes)
{
	struct peeps_mutex *const made = calloc((size_t)mutexes, sizeof(*made));
	pthread_t threads[4];
	int failures[4] = { 0 };
	int sum = 0;

	for (int i = 0; i < mutexes; i++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "made after all was closed, number %d", i);
		sum += peeps_mutex_init(&made[i], name, NULL) || peeps_mutex_lock(&made[i]) ||
		       peeps_mutex_unlock(&made[i]);
	}
	for (int i = 0; i < 4; i++)
		sum += pthread_create(&threads[i], NULL, work, &failures[i]);
	for (int i = 0; i < 4; i++)
		sum += pthread_join(threads[i], NULL) + failures[i];
	for (int i = 0; i < mutexes; i++)
		sum += peeps_mutex_destroy(&made[i]);
	free(made);
	return sum;
}

static void say_next_number(const char *when)
{
	const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int pair[2] = { -1, -1 };

	way_say("%s: open() returns %d", when, fd);
	way_say("pipe %d", pipe2(pair, O_CLOEXEC));
	WAY_SAY2("pipe's ends", pair[0], pair[1]);
	(void)close(fd);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void numbers(void)
{
	pid_t child;

	say_next_number("at the start");
	way_say("work %d", work_hard(50));
	say_next_number("after work");
	child = fork();
	if (child == 0) {
		say_next_number("in a child");
		way_say("work %d", work_hard(50));
		say_next_number("in a child after work");
		_exit(0);
	}
	way_say_child("child", child);
	/* 10 to 999, all of them. */
	for (int fd = 3; fd < 900; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			way_wrong("descriptor %d is open", fd);
}

static void fill(unsigned char *bytes, int seed)
{
	for (int i = 0; i < FILE_BYTES; i++)
		bytes[i] = (unsigned char)(seed * 31 + i);
}

/* Files of the program's own under every number there may have been, ours with them. */
static void write_files(int *files, int count)
{
	unsigned char bytes[FILE_BYTES];

	for (int i = 0; i < count; i++) {
		files[i] = memfd_create("of the program", MFD_CLOEXEC);
		if (files[i] < 0) {
			way_say("no file %d, errno %d", i, errno);
			continue;
		}
		fill(bytes, i);
		if (write(files[i], bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes))
			way_wrong("write");
	}
	WAY_SAY2("first and last number", files[0], files[count - 1]);
}

static void check_files(const int *files, int count)
{
	unsigned char expected[FILE_BYTES], got[FILE_BYTES + 1];
	int bad = 0;

	for (int i = 0; i < count; i++) {
		struct stat status;

		fill(expected, i);
		bad += fstat(files[i], &status) != 0 || status.st_size != FILE_BYTES ||
		       status.st_blocks > 8 || pread(files[i], got, sizeof(got), 0) != FILE_BYTES ||
		       memcmp(expected, got, FILE_BYTES) != 0;
	}
	way_say("files that are not as they were written: %d", bad);
}

static void closed(void)
{
	const int count = way_scaled(FILES);
	int *const files = calloc((size_t)count, sizeof(*files));
	pid_t child;

	way_say("work %d", work_hard(20));
	(void)close_range(3, ~0u, 0);
	write_files(files, count);
	way_say("work %d", work_hard(3000));
	check_files(files, count);
	child = fork();
	if (child == 0) {
		way_say("work %d", work_hard(2000));
		check_files(files, count);
		way_report();
		_exit(0);
	}
	way_say_child("child", child);
	check_files(files, count);
	/* The child closes all, and opens files of its own before it first locks. */
	child = fork();
	if (child == 0) {
		(void)close_range(3, ~0u, 0);
		write_files(files, count);
		way_say("work %d", work_hard(500));
		check_files(files, count);
		child = fork();
		if (child == 0) {
			way_say("work %d", work_hard(500));
			check_files(files, count);
			_exit(1);
		}
		way_say_child("grandchild", child);
		check_files(files, count);
		_exit(0);
	}
	way_say_child("child", child);
	check_files(files, count);
	free(files);
}

/* Every number that is open is made another one's: a file's, shared and mapped by the program. */
static void replaced(void)
{
	const int file = memfd_create("of the program", MFD_CLOEXEC);
	unsigned char bytes[FILE_BYTES];
	struct stat status;
	unsigned char *map;

	fill(bytes, 1);
	(void)write(file, bytes, sizeof(bytes));
	for (int fd = 900; fd < 1100; fd++)
		if (dup2(file, fd) != fd)
			way_say("dup2 onto %d: errno %d", fd, errno);
	map = mmap(NULL, FILE_BYTES, PROT_READ, MAP_SHARED, 1000, 0);
	way_say("work %d", work_hard(3000));
	check_files(&file, 0);
	way_say("fstat %d", fstat(1000, &status));
	way_say("size %ld, blocks %s", (long)status.st_size,
		status.st_blocks > 8 ? "too many" : "few");
	way_say("contents %s", memcmp(map, bytes, FILE_BYTES) == 0 ? "as written" : "changed");
	for (int i = 0; i < 2; i++) {
		const pid_t child = fork();

		if (child == 0) {
			way_say("work %d, 1000 is %s", work_hard(100),
				fcntl(1000, F_GETFD) < 0 ? "gone" : "there");
			_exit(0);
		}
		way_say_child("child", child);
	}
	way_say("fstat %d", fstat(1000, &status));
	way_say("size %ld, blocks %s", (long)status.st_size,
		status.st_blocks > 8 ? "too many" : "few");
}

/* As daemons do, one number after the other, twice. */
static void daemon_like(void)
{
	way_say("work %d", work_hard(20));
	for (int fd = 3; fd < 2000; fd++)
		(void)close(fd);
	way_say("work %d", work_hard(100));
	for (int round = 0; round < 2; round++) {
		const pid_t child = fork();

		if (child == 0) {
			(void)setsid();
			for (int fd = 3; fd < 2000; fd++)
				(void)close(fd);
			say_next_number("in the daemon");
			way_say("work %d", work_hard(100));
			for (int fd = 3; fd < 2000; fd++)
				(void)close(fd);
			way_say("work %d", work_hard(100));
			_exit(0);
		}
		way_say_child("daemon", child);
	}
}

/* stdin, too, may be closed when the program starts: its number is the program's, not ours. */
static void low_numbers(void)
{
	char *const arguments[] = { (char *)way_self(), (char *)"low_numbers_inside", NULL };
	pid_t child = fork();

	if (child == 0) {
		(void)close(STDIN_FILENO);
		(void)close_range(3, ~0u, 0);
		(void)execv(way_self(), arguments);
		_exit(127);
	}
	way_say_child("with stdin closed", child);
	(void)work_hard(10);
}

static void low_numbers_inside(void)
{
	say_next_number("with stdin closed");
	way_say("work %d", work_hard(10));
	say_next_number("with stdin closed, after work");
}

WAY_MAIN({ "numbers", numbers }, { "closed", closed }, { "replaced", replaced },
	 { "daemon_like", daemon_like }, { "low_numbers", low_numbers },
	 { "low_numbers_inside", low_numbers_inside })
