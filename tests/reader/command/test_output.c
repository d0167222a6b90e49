/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "reader/command/output.h"
#include "reader/format/zst.h"

static char folder[64];

static int enter_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/peeps-test-output.XXXXXX");
	return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int leave_folder(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return chdir("/") == 0 ? system(command) : -1;
}

static int file_count(void)
{
	DIR *directory = opendir(".");
	int count = 0;

	while (readdir(directory))
		count++;
	(void)closedir(directory);
	return count - 2;
}

static void assert_content(const char *path, const char *wanted)
{
	char got[64] = "";
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	(void)fread(got, 1, sizeof(got) - 1, file);
	(void)fclose(file);
	assert_string_equal(got, wanted);
}

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	(void)fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void output__committed__has_its_name_and_the_rights_of_umask(void **state)
{
	struct peeps_problem problem;
	struct peeps_output output;
	struct stat status;

	(void)state;
	(void)umask(027);
	assert_int_equal(peeps_output_open(&output, "answer", &problem), 0);
	(void)fputs("new", output.stream);
	assert_int_equal(access("answer", F_OK), -1); /* not before it is whole */
	assert_int_equal(peeps_output_commit(&output, &problem), 0);
	assert_content("answer", "new");
	assert_int_equal(stat("answer", &status), 0);
	assert_int_equal(status.st_mode & 0777, 0640);
	assert_int_equal(file_count(), 1);
}

static void output__abandoned__leaves_the_file_before(void **state)
{
	struct peeps_problem problem;
	struct peeps_output output;

	(void)state;
	put("answer", "old");
	assert_int_equal(peeps_output_open(&output, "answer", &problem), 0);
	(void)fputs("new", output.stream);
	peeps_output_abandon(&output);
	assert_content("answer", "old");
	assert_int_equal(file_count(), 1);
}

/* In a child, whose stdout is /dev/full. Never opened by that name: were the code wrong, it would replace the device. */
static int commit_to_full_disk(int writes, bool buffered, bool compressed)
{
	const pid_t child = fork();
	int status = -1;

	assert_true(child >= 0);
	if (child == 0) {
		struct peeps_problem problem = { .status = 0 };
		struct peeps_output output;

		if (dup2(open("/dev/full", O_WRONLY), STDOUT_FILENO) < 0 ||
		    peeps_output_open(&output, "-", &problem) != 0)
			_exit(100);
		if (compressed && peeps_output_compress(&output, &problem) != 0)
			_exit(102);
		if (!buffered)
			setbuf(output.stream,
			       NULL); /* the last flush has nothing to do, so it finds nothing wrong */
		for (int i = 0; i < writes; i++)
			(void)fputs("lost ", output.stream);
		if (peeps_output_commit(&output, &problem) == 0)
			_exit(0);
		_exit(strcmp(problem.what, "cannot write to standard output") == 0 ? problem.status
										   : 101);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void output__disk_is_full__is_an_error_however_late_it_shows(void **state)
{
	(void)state;
	for (int compressed = 0; compressed <= peeps_zst_is_built_in(); compressed++) {
		assert_int_equal(commit_to_full_disk(1, true, compressed), 8);
		assert_int_equal(commit_to_full_disk(100000, true, compressed), 8);
		assert_int_equal(commit_to_full_disk(1, false, compressed), 8);
	}
}

static void output__no_regular_file__is_written_to_and_not_replaced(void **state)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_output output;
	struct stat status;
	char got[8] = "";
	int reader;

	(void)state;
	assert_int_equal(mkfifo("pipe", 0600), 0);
	reader = open("pipe", O_RDONLY | O_NONBLOCK);
	assert_true(reader >= 0);
	assert_int_equal(peeps_output_open(&output, "pipe", &problem), 0);
	(void)fputs("new", output.stream);
	assert_int_equal(peeps_output_commit(&output, &problem), 0);
	assert_int_equal(stat("pipe", &status), 0);
	assert_true(S_ISFIFO(status.st_mode));
	assert_int_equal(read(reader, got, sizeof(got) - 1), 3);
	assert_string_equal(got, "new");
	(void)close(reader);
	assert_int_equal(file_count(), 1);
}

static void output__symbolic_link__its_file_is_replaced(void **state)
{
	struct peeps_problem problem;
	struct peeps_output output;
	struct stat status;

	(void)state;
	put("file", "old");
	assert_int_equal(symlink("file", "link"), 0);
	assert_int_equal(peeps_output_open(&output, "link", &problem), 0);
	(void)fputs("new", output.stream);
	assert_int_equal(peeps_output_commit(&output, &problem), 0);
	assert_content("file", "new");
	assert_int_equal(lstat("link", &status), 0);
	assert_true(S_ISLNK(status.st_mode));
}

static void output__no_such_folder__says_so(void **state)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_output output;

	(void)state;
	assert_int_equal(peeps_output_open(&output, "missing/answer", &problem), -ENOENT);
	assert_int_equal(problem.status, 8);
	assert_non_null(strstr(problem.what, "missing/answer"));
}

/* What zstd makes of a file, to its end. */
static size_t decompressed(const char *path, char *out, size_t room)
{
	unsigned char packed[65536];
	const unsigned char *at = packed;
	FILE *file = fopen(path, "r");
	struct peeps_unzst *unzst;
	size_t count, made, length = 0;

	assert_non_null(file);
	count = fread(packed, 1, sizeof(packed), file);
	(void)fclose(file);
	assert_true(peeps_unzst_is_ours(packed, count));
	assert_int_equal(peeps_unzst_new(&unzst), 0);
	do {
		assert_int_equal(peeps_unzst_run(unzst, &at, &count, (unsigned char *)out + length,
						 room - length, &made),
				 0);
		length += made;
	} while (made || count);
	assert_true(peeps_unzst_is_complete(unzst));
	peeps_unzst_free(unzst);
	return length;
}

static void output__compressed__has_its_name_once_it_is_whole(void **state)
{
	static char wanted[1000000], got[sizeof(wanted) + 1];
	struct peeps_problem problem = { .status = 0 };
	struct peeps_output output;

	(void)state;
	assert_int_equal(peeps_output_open(&output, "answer", &problem), 0);
	if (!peeps_zst_is_built_in()) {
		assert_int_equal(peeps_output_compress(&output, &problem), -EPROTONOSUPPORT);
		assert_int_equal(problem.status, 2);
		assert_int_equal(file_count(), 0);
		return;
	}
	for (size_t i = 0; i < sizeof(wanted); i++)
		wanted[i] = (char)('a' + i * i % 23);
	assert_int_equal(peeps_output_compress(&output, &problem), 0);
	assert_int_equal(fwrite(wanted, 1, sizeof(wanted), output.stream), sizeof(wanted));
	assert_int_equal(access("answer", F_OK), -1);
	assert_int_equal(peeps_output_commit(&output, &problem), 0);
	assert_int_equal(decompressed("answer", got, sizeof(got)), sizeof(wanted));
	assert_memory_equal(got, wanted, sizeof(wanted));
	assert_int_equal(file_count(), 1);
}

static void output__compressed_and_abandoned__leaves_nothing(void **state)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_output output;

	(void)state;
	assert_int_equal(peeps_output_open(&output, "answer", &problem), 0);
	if (peeps_zst_is_built_in())
		assert_int_equal(peeps_output_compress(&output, &problem), 0);
	(void)fputs("lost", output.stream);
	peeps_output_abandon(&output);
	assert_int_equal(file_count(), 0);
}

static void output__error_of_the_writer__is_the_one_that_is_told(void **state)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_output output;
	const int full = open("/dev/full", O_WRONLY);

	(void)state;
	assert_int_equal(peeps_output_open(&output, "answer", &problem), 0);
	assert_true(dup2(full, fileno(output.stream)) >= 0);
	(void)close(full);
	setbuf(output.stream, NULL);
	assert_int_equal(fputc('x', output.stream), EOF);
	output.error = errno;
	assert_int_equal(peeps_output_commit(&output, &problem), -ENOSPC);
	assert_string_equal(problem.why, "No space left on device");
	assert_int_equal(file_count(), 0);
}

static void output__ended_by_a_signal__leaves_no_file(void **state)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };

	(void)state;
	put("answer", "old");
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		int status;
		const pid_t child = fork();

		if (child == 0) {
			struct peeps_problem problem;
			struct peeps_output output;

			(void)signal(numbers[i], SIG_DFL);
			if (peeps_output_open(&output, "answer", &problem) == 0 &&
			    file_count() == 2)
				(void)raise(numbers[i]);
			_exit(0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), numbers[i]);
		assert_int_equal(file_count(), 1);
		assert_content("answer", "old");
	}
	assert_int_equal(unlink("answer"), 0);
}

static void output__ignored_signal__is_ignored_still(void **state)
{
	struct peeps_problem problem;
	struct peeps_output output;

	(void)state;
	assert_true(signal(SIGHUP, SIG_IGN) != SIG_ERR);
	assert_int_equal(peeps_output_open(&output, "answer", &problem), 0);
	assert_int_equal(raise(SIGHUP), 0);
	(void)fputs("new", output.stream);
	assert_int_equal(peeps_output_commit(&output, &problem), 0);
	assert_content("answer", "new");
	assert_true(signal(SIGHUP, SIG_DFL) == SIG_IGN);
	assert_int_equal(unlink("answer"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_folder, leave_folder)
		TEST(output__committed__has_its_name_and_the_rights_of_umask),
		TEST(output__abandoned__leaves_the_file_before),
		TEST(output__disk_is_full__is_an_error_however_late_it_shows),
		TEST(output__no_regular_file__is_written_to_and_not_replaced),
		TEST(output__symbolic_link__its_file_is_replaced),
		TEST(output__no_such_folder__says_so),
		TEST(output__compressed__has_its_name_once_it_is_whole),
		TEST(output__compressed_and_abandoned__leaves_nothing),
		TEST(output__error_of_the_writer__is_the_one_that_is_told),
		TEST(output__ended_by_a_signal__leaves_no_file),
		TEST(output__ignored_signal__is_ignored_still),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
