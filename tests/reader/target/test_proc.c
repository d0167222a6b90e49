/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "reader/target/proc.h"

/* A file of that text; its path holds for this process. */
static int file_of(const char *text, char path[static 32])
{
	const int fd = memfd_create("proc", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

static int stat_of(const char *text, struct peeps_proc_stat *stat)
{
	char path[32];
	const int fd = file_of(text, path);
	const int r = peeps_proc_stat_read(-1, path, stat);

	(void)close(fd);
	return r;
}

static void stat__of_a_name_like_other_fields__is_read_behind_it(void **state)
{
	struct peeps_proc_stat stat;

	(void)state;
	assert_int_equal(stat_of("4711 (a) Z 1 (b) S 4 5 6 7 8 2097152 10 11 12 13 14 15 16 17 18 "
				 "19 20 21 2222 23\n",
				 &stat),
			 0);
	assert_int_equal(stat.state, 'S');
	assert_int_equal(stat.flags, 2097152);
	assert_int_equal(stat.thread_count, 20);
	assert_int_equal(stat.start_time_ticks, 2222);
}

static void stat__cut_off__is_as_far_as_it_goes_or_gone(void **state)
{
	struct peeps_proc_stat stat;

	(void)state;
	assert_int_equal(stat_of("4711 (a) R 4", &stat), 0);
	assert_int_equal(stat.state, 'R');
	assert_int_equal(stat.start_time_ticks, 0);
	assert_int_equal(stat_of("", &stat), -ESRCH);
	assert_int_equal(stat_of("4711 (a", &stat), -ESRCH);
	assert_int_equal(stat_of("4711 (a) ", &stat), -ESRCH);
	assert_int_equal(peeps_proc_stat_read(-1, "/nowhere", &stat), -ENOENT);
}

static void status_number__by_name_and_field__is_that_or_what_stands_for_missing(void **state)
{
	static const char status[] = "Tgid:\t4711\nUid:\t1000\t1001\t1002\t1003\nThreads:\t5\n";

	(void)state;
	assert_int_equal(peeps_proc_status_number(status, "Tgid", 0, 77), 4711);
	assert_int_equal(peeps_proc_status_number(status, "Uid", 1, 77), 1001);
	assert_int_equal(peeps_proc_status_number(status, "Threads", 0, 77), 5);
	assert_int_equal(peeps_proc_status_number(status, "Thread", 0, 77), 77);
	assert_int_equal(peeps_proc_status_number(status, "gid", 0, 77), 77);
	assert_int_equal(peeps_proc_status_number("", "Uid", 0, 77), 77);
}

static bool is_any(void *lines, char *line)
{
	(*(size_t *)lines)++;
	assert_non_null(strchr(line, '-'));
	assert_null(strchr(line, '\n'));
	return true;
}

static bool is_nothing(void *lines, char *line)
{
	(void)line;
	(*(size_t *)lines)++;
	return false;
}

static void maps__of_this_process__end_where_they_are_told_to(void **state)
{
	const int proc_fd = peeps_proc_open(getpid());
	size_t first = 0, all = 0;

	(void)state;
	assert_true(proc_fd >= 0);
	assert_int_equal(peeps_proc_maps_each(proc_fd, is_any, &first), 1);
	assert_int_equal(peeps_proc_maps_each(proc_fd, is_nothing, &all), 0);
	assert_int_equal(first, 1);
	assert_true(all > 1);
	(void)close(proc_fd);
}

static void maps__that_are_not_there__are_an_error(void **state)
{
	size_t lines = 0;

	(void)state;
	assert_int_equal(peeps_proc_maps_each(-1, is_nothing, &lines), -EBADF);
	assert_int_equal(peeps_proc_open(0), -1);
	assert_int_equal(lines, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stat__of_a_name_like_other_fields__is_read_behind_it),
		cmocka_unit_test(stat__cut_off__is_as_far_as_it_goes_or_gone),
		cmocka_unit_test(
			status_number__by_name_and_field__is_that_or_what_stands_for_missing),
		cmocka_unit_test(maps__of_this_process__end_where_they_are_told_to),
		cmocka_unit_test(maps__that_are_not_there__are_an_error),
	};

	return cmocka_run_group_tests_name("proc", tests, NULL, NULL);
}
