/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reader/look/place.h"
#include "reader/problem.h"
#include "tests/support/fake_process.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* --- a folder of files, which the tests run in -------------------------------------------------------------------- */

static char folder[] = "/tmp/peeps-place-XXXXXX";

static int setup(void **state)
{
	(void)state;
	return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1;
}

static void file_write(const char *name, const void *bytes, size_t length)
{
	const int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, length), length);
	(void)close(fd);
}

/* --- one word ----------------------------------------------------------------------------------------------------- */

static void assert_place(const char *word, struct peeps_place *place, enum peeps_place_kind kind)
{
	struct peeps_problem problem = { 0 };
	size_t count = 1;
	const int r = peeps_places_find(place, &word, &count, &problem);

	if (r)
		fail_msg("'%s' returned %d: %s: %s", word, r, problem.what, problem.why);
	assert_int_equal(count, 1);
	assert_ptr_equal(place->word, word);
	if (place->kind != kind)
		fail_msg("'%s' is of kind %d, not %d", word, place->kind, kind);
	assert_true((place->fd >= 0) ==
		    (kind != PEEPS_PLACE_PROCESS && kind != PEEPS_PLACE_DATABASE));
	assert_true((place->pid > 0) == (kind == PEEPS_PLACE_PROCESS));
}

static void assert_refused_word(const char *word, int status, const char *why)
{
	struct peeps_problem problem = { 0 };
	struct peeps_place place;
	size_t count = 1;
	const int r = peeps_places_find(&place, &word, &count, &problem);

	if (r >= 0 || problem.status != status || !strstr(problem.why, why) || !*problem.what ||
	    !*problem.hint)
		fail_msg("'%s' returned %d, status %d: %s: %s; %s", word, r, problem.status,
			 problem.what, problem.why, problem.hint);
}

/* --- bodies of children ------------------------------------------------------------------------------------------- */

struct identity {
	const char *process_name; /* NULL: without a segment */
	const char *comm;
};

static void run_as(void *context)
{
	const struct identity *identity = context;
	struct fake_segment segment;

	(void)prctl(PR_SET_NAME, identity->comm);
	if (identity->process_name) {
		fake_segment_new(&segment);
		fake_segment_adopt(&segment);
		(void)snprintf(segment.header->process_name, sizeof(segment.header->process_name),
			       "%s", identity->process_name);
	}
	fake_process_rest();
}

/* Names that nothing else on this machine has. */
static const char *unique(char name[static 32], const char *stem)
{
	(void)snprintf(name, 32, "%s.%d", stem, (int)getpid());
	return name;
}

/* --- numbers ------------------------------------------------------------------------------------------------------ */

static void place__number__is_a_pid_even_if_a_file_is_called_so(void **state)
{
	struct peeps_place place;

	(void)state;
	file_write("4711", "{}", 2);
	assert_place("4711", &place, PEEPS_PLACE_PROCESS);
	assert_int_equal(place.pid, 4711);
	assert_place("./4711", &place, PEEPS_PLACE_SNAPSHOT);
	peeps_places_close(&place, 1);
	assert_int_equal(place.fd, -1);
	(void)unlink("4711");
}

static void place__number_that_no_process_has__is_a_usage_error(void **state)
{
	static const char *const words[] = { "0", "00", "2147483648", "99999999999999999999" };

	(void)state;
	for (size_t i = 0; i < COUNT(words); i++)
		assert_refused_word(words[i], 2, words[i]);
	assert_refused_word("", 2, "empty");
}

/* --- files -------------------------------------------------------------------------------------------------------- */

#define BYTES(text) (text), sizeof(text) - 1
#define ELF(data, low, high) \
	"\x7f"               \
	"ELF\x02" data "\x01\0\0\0\0\0\0\0\0\0" low high "\x3e\0"

static void place__file__is_told_by_its_first_bytes(void **state)
{
	static const uint64_t magic = PEEPS_MAGIC, swapped = __builtin_bswap64(PEEPS_MAGIC);
	static const struct {
		const char *name;
		const void *bytes;
		size_t length;
		enum peeps_place_kind kind;
	} rows[] = {
		{ "fixmap", BYTES("\x8a\xa6schema"), PEEPS_PLACE_SNAPSHOT },
		{ "map16", BYTES("\xde\0\x0a\xa6schema"), PEEPS_PLACE_SNAPSHOT },
		{ "map32", BYTES("\xdf\0\0\0\x0a\xa6schema"), PEEPS_PLACE_SNAPSHOT },
		{ "json", BYTES("{\"schema\": 1}"), PEEPS_PLACE_SNAPSHOT },
		{ "json after blanks", BYTES(" \t\r\n {"), PEEPS_PLACE_SNAPSHOT },
		{ "zstd", BYTES("\x28\xb5\x2f\xfd\x04"), PEEPS_PLACE_SNAPSHOT },
		{ "segment", &magic, sizeof(magic), PEEPS_PLACE_SEGMENT },
		{ "segment of another order", &swapped, sizeof(swapped), PEEPS_PLACE_SEGMENT },
		{ "core", BYTES(ELF("\x01", "\x04", "\0")), PEEPS_PLACE_CORE },
		{ "core of another order", BYTES(ELF("\x02", "\0", "\x04")), PEEPS_PLACE_CORE },
	};
	struct peeps_place place;
	char head[8];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const size_t length = rows[i].length < sizeof(head) ? rows[i].length : sizeof(head);

		file_write(rows[i].name, rows[i].bytes, rows[i].length);
		assert_place(rows[i].name, &place, rows[i].kind);
		assert_int_equal(read(place.fd, head, length), length); /* at its begin */
		assert_memory_equal(head, rows[i].bytes, length);
		peeps_places_close(&place, 1);
		(void)unlink(rows[i].name);
	}
}

#define SQLITE_HEAD "SQLite format 3", 16 /* with its NUL */

/* SQLite opens it by its name, as often as it likes; none of ours may be closed meanwhile. */
static void place__database__is_kept_by_its_name(void **state)
{
	const char *const words[] = { "db", "./db", "link" };
	struct peeps_problem problem = { 0 };
	struct peeps_place place, places[COUNT(words)];
	size_t count = COUNT(words);

	(void)state;
	file_write("db", SQLITE_HEAD);
	file_write("half", "SQLite format 3 ", 16);
	assert_int_equal(symlink("db", "link"), 0);
	for (size_t i = 0; i < COUNT(words); i++)
		assert_place(words[i], &place, PEEPS_PLACE_DATABASE);
	assert_int_equal(peeps_places_find(places, words, &count, &problem), 0);
	assert_int_equal(count, 1); /* all of them are one */
	assert_refused_word("./half", 6, "does not begin like");
	(void)unlink("link");
	(void)unlink("half");
	(void)unlink("db");
}

static void place__file_of_others__says_what_it_is(void **state)
{
	static const struct {
		const char *name;
		const void *bytes;
		size_t length;
		const char *why;
	} rows[] = {
		{ "./empty", "", 0, "empty" },
		{ "./text", BYTES("hello"), "does not begin like" },
		{ "./array", BYTES("[{}]"), "does not begin like" },
		{ "./blanks", BYTES("    "), "does not begin like" },
		{ "./zeroes", BYTES("\0\0\0\0\0\0\0\0\0"), "zeroes" },
		{ "./short zeroes", BYTES("\0\0\0"), "does not begin like" },
		{ "./half a magic", BYTES("\x01\x0a\x50\x45"), "does not begin like" },
		{ "./program", BYTES(ELF("\x01", "\x03", "\0")), "program" },
		{ "./static program", BYTES(ELF("\x01", "\x02", "\0")), "program" },
		{ "./object", BYTES(ELF("\x01", "\x01", "\0")), "no core" },
		/* 0x0400: a core only if its bytes are read the wrong way round */
		{ "./no core", BYTES(ELF("\x01", "\0", "\x04")), "no core" },
		{ "./cut off",
		  BYTES("\x7f"
			"ELF\x02"),
		  "cut off" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		file_write(rows[i].name, rows[i].bytes, rows[i].length);
		assert_refused_word(rows[i].name, 6, rows[i].why);
		(void)unlink(rows[i].name);
	}
	assert_refused_word("./", 6, "folder");
	assert_refused_word("/dev/zero", 6, "device");
	assert_refused_word("./nothing", 3, "No such file");
	assert_refused_word("/dev/null/x", 3, "Not a directory");
}

static void place__file_without_rights__is_a_permission_error(void **state)
{
	(void)state;
	file_write("closed", "{}", 2);
	assert_int_equal(chmod("closed", 0), 0);
	if (geteuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	assert_refused_word("./closed", 5, "Permission denied");
	(void)seteuid(getuid());
	(void)unlink("closed");
}

/* More than a pipe holds, and than one chunk of the copy. */
#define PIPED_BYTES (((size_t)1 << 20) + 12345)

static void *pipe_feed(void *path)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);
	char *bytes = malloc(PIPED_BYTES);

	memset(bytes, 'x', PIPED_BYTES);
	bytes[0] = '{';
	bytes[PIPED_BYTES - 1] = '}';
	for (size_t done = 0; done < PIPED_BYTES;) {
		const ssize_t put = write(fd, bytes + done, PIPED_BYTES - done);

		if (put <= 0)
			break;
		done += (size_t)put;
	}
	free(bytes);
	(void)close(fd);
	return NULL;
}

static void place__pipe__is_read_to_its_end_first(void **state)
{
	struct peeps_place place;
	struct stat status;
	pthread_t feeder;
	char last = 0;

	(void)state;
	assert_int_equal(mkfifo("pipe", 0600), 0);
	assert_int_equal(pthread_create(&feeder, NULL, pipe_feed, "pipe"), 0);
	assert_place("./pipe", &place, PEEPS_PLACE_SNAPSHOT);
	(void)pthread_join(feeder, NULL);
	assert_int_equal(fstat(place.fd, &status), 0);
	assert_int_equal(status.st_size, PIPED_BYTES);
	assert_int_equal(pread(place.fd, &last, 1, PIPED_BYTES - 1), 1);
	assert_int_equal(last, '}');
	assert_int_equal(lseek(place.fd, 0, SEEK_CUR), 0);
	peeps_places_close(&place, 1);
	(void)unlink("pipe");
}

/* Nobody will ever write into it. */
static void place__pipe_called_like_a_process__is_not_waited_for(void **state)
{
	(void)state;
	assert_int_equal(mkfifo("quiet-pipe", 0600), 0);
	(void)alarm(20);
	assert_refused_word("quiet-pipe", 3, "no process is called");
	(void)alarm(0);
	(void)unlink("quiet-pipe");
}

static void with_stdin_of(const char *bytes, size_t length, void (*check)(void))
{
	const int own = dup(STDIN_FILENO);
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], bytes, length), length);
	(void)close(ends[1]);
	assert_true(dup2(ends[0], STDIN_FILENO) >= 0);
	(void)close(ends[0]);
	check();
	(void)dup2(own, STDIN_FILENO);
	(void)close(own);
}

static void check_is_snapshot(void)
{
	struct peeps_place place;
	char text[8] = { 0 };

	assert_place("-", &place, PEEPS_PLACE_SNAPSHOT);
	assert_int_equal(read(place.fd, text, sizeof(text)), 3);
	assert_string_equal(text, "{ }");
	peeps_places_close(&place, 1);
}

static void check_is_empty(void)
{
	assert_refused_word("-", 6, "empty");
}

static void check_is_no_place_for_a_database(void)
{
	assert_refused_word("-", 6, "opened by its name");
}

static void place__dash__is_standard_input(void **state)
{
	(void)state;
	with_stdin_of("{ }", 3, check_is_snapshot);
	with_stdin_of("", 0, check_is_empty);
	with_stdin_of(SQLITE_HEAD, check_is_no_place_for_a_database);
}

/* --- names -------------------------------------------------------------------------------------------------------- */

static void place__name__is_what_peeps_calls_it_before_what_the_kernel_does(void **state)
{
	char name[32];
	const struct identity by_peeps = { unique(name, "Na me"), "other" };
	const struct identity by_kernel = { "quite another", name };
	struct fake_process first, second;
	struct peeps_place place;

	(void)state;
	fake_process_start(&second, run_as, (void *)&by_kernel);
	assert_place(name, &place, PEEPS_PLACE_PROCESS);
	assert_int_equal(place.pid, second.pid);
	fake_process_start(&first, run_as, (void *)&by_peeps);
	assert_place(name, &place, PEEPS_PLACE_PROCESS);
	assert_int_equal(place.pid, first.pid);
	name[0] = 'n';
	assert_refused_word(name, 3, name);
	fake_process_end(&first);
	fake_process_end(&second);
}

static void place__proc_key__is_a_name(void **state)
{
	const struct identity identity = { "The Bank", "bank" };
	struct fake_process process;
	struct peeps_place place;
	char key[64];

	(void)state;
	fake_process_start(&process, run_as, (void *)&identity);
	(void)snprintf(key, sizeof(key), "the-bank-%d", (int)process.pid);
	assert_place(key, &place, PEEPS_PLACE_PROCESS);
	assert_int_equal(place.pid, process.pid);
	fake_process_end(&process);
	assert_refused_word(key, 3, key);
}

static void place__name_of_several__lists_them(void **state)
{
	char name[32], both[64];
	const struct identity identity = { unique(name, "several"), "several" };
	struct fake_process first, second;

	(void)state;
	fake_process_start(&first, run_as, (void *)&identity);
	fake_process_start(&second, run_as, (void *)&identity);
	(void)snprintf(both, sizeof(both), "is 2 processes: %d, %d",
		       (int)(first.pid < second.pid ? first.pid : second.pid),
		       (int)(first.pid < second.pid ? second.pid : first.pid));
	assert_refused_word(name, 2, both);
	fake_process_end(&first);
	fake_process_end(&second);
}

static void place__name_of_many__lists_some(void **state)
{
	char name[32];
	const struct identity identity = { unique(name, "many"), "many" };
	struct fake_process processes[40];

	(void)state;
	for (size_t i = 0; i < COUNT(processes); i++)
		fake_process_start(&processes[i], run_as, (void *)&identity);
	assert_refused_word(name, 2, " more");
	for (size_t i = 0; i < COUNT(processes); i++)
		fake_process_end(&processes[i]);
}

static void place__name_without_a_segment__says_so(void **state)
{
	char name[32];
	const struct identity identity = { NULL, unique(name, "bare") };
	struct fake_process first, second;
	struct peeps_problem problem = { 0 };
	struct peeps_place place;
	const char *word = name;
	size_t count = 1;

	(void)state;
	name[15] = '\0'; /* the kernel's names are not longer */
	fake_process_start(&first, run_as, (void *)&identity);
	assert_refused_word(name, 4, "no peeps segment");
	assert_int_equal(peeps_places_find_any(&place, &word, &count, &problem), 0);
	assert_int_equal(place.pid, first.pid);
	fake_process_start(&second, run_as, (void *)&identity);
	assert_refused_word(name, 4, "2 processes of that name");
	fake_process_end(&first);
	fake_process_end(&second);
	assert_refused_word(name, 3, "no process is called");
}

static void place__name_that_is_also_a_file__is_the_file_only_if_it_is_one_of_ours(void **state)
{
	char name[32];
	const struct identity identity = { unique(name, "both"), "both" };
	struct fake_process process;
	struct peeps_place place;

	(void)state;
	fake_process_start(&process, run_as, (void *)&identity);
	file_write(name, BYTES(ELF("\x01", "\x03", "\0")));
	assert_place(name, &place, PEEPS_PLACE_PROCESS);
	file_write(name, "{}", 2);
	assert_place(name, &place, PEEPS_PLACE_SNAPSHOT);
	peeps_places_close(&place, 1);
	fake_process_end(&process);
	file_write(name, "hello", 5);
	assert_refused_word(name, 6, "does not begin like");
	(void)unlink(name);
}

/* --- several words ------------------------------------------------------------------------------------------------ */

static void places__in_their_order__none_twice(void **state)
{
	static const char *const words[] = { "7", "./b", "5", "7", "./a", "././b", "007" };
	struct peeps_place places[COUNT(words)];
	struct peeps_problem problem = { 0 };
	size_t count = COUNT(words);

	(void)state;
	file_write("a", "{}", 2);
	file_write("b", "{}", 2);
	assert_int_equal(peeps_places_find(places, words, &count, &problem), 0);
	assert_int_equal(count, 4);
	for (size_t i = 0; i < count; i++)
		assert_ptr_equal(places[i].word, words[i < 3 ? i : 4]);
	peeps_places_close(places, count);
	(void)unlink("a");
	(void)unlink("b");
}

static void places__one_of_them_bad__leave_no_file_open(void **state)
{
	static const char *const words[] = { "./a", "./nothing" };
	struct peeps_place places[COUNT(words)];
	struct peeps_problem problem = { 0 };
	size_t count = COUNT(words);
	const int before = dup(0);
	int after;

	(void)state;
	(void)close(before);
	file_write("a", "{}", 2);
	assert_int_equal(peeps_places_find(places, words, &count, &problem), -ENOENT);
	assert_int_equal(count, 1); /* the one at fault */
	after = dup(0);
	(void)close(after);
	assert_int_equal(before, after);
	(void)unlink("a");
}

/* --- ids ---------------------------------------------------------------------------------------------------------- */

static void place_of_id__its_second_part__is_the_process(void **state)
{
	const struct identity identity = { "The Bank", "bank" };
	struct fake_process process;
	struct peeps_place place;
	struct peeps_problem problem = { 0 };
	char id[64];

	(void)state;
	fake_process_start(&process, run_as, (void *)&identity);
	(void)snprintf(id, sizeof(id), "mpsc:the-bank-%d:jobs:tx", (int)process.pid);
	assert_int_equal(peeps_place_of_id(&place, id, &problem), 0);
	assert_int_equal(place.kind, PEEPS_PLACE_PROCESS);
	assert_int_equal(place.pid, process.pid);
	fake_process_end(&process);
	assert_int_equal(peeps_place_of_id(&place, id, &problem), -ESRCH);
	assert_int_equal(problem.status, 3);
}

static void place_of_id__no_id__is_a_usage_error(void **state)
{
	static const char *const ids[] = { "", "mutex", "mutex:", "mutex::x", ":" };
	struct peeps_place place;
	char long_id[1024];

	(void)state;
	for (size_t i = 0; i <= COUNT(ids); i++) {
		struct peeps_problem problem = { 0 };

		memset(long_id, 'a', sizeof(long_id) - 1);
		memcpy(long_id, "x:", 2);
		long_id[sizeof(long_id) - 1] = '\0';
		assert_int_equal(
			peeps_place_of_id(&place, i < COUNT(ids) ? ids[i] : long_id, &problem),
			-EINVAL);
		assert_int_equal(problem.status, 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(place__number__is_a_pid_even_if_a_file_is_called_so),
		cmocka_unit_test(place__number_that_no_process_has__is_a_usage_error),
		cmocka_unit_test(place__file__is_told_by_its_first_bytes),
		cmocka_unit_test(place__database__is_kept_by_its_name),
		cmocka_unit_test(place__file_of_others__says_what_it_is),
		cmocka_unit_test(place__file_without_rights__is_a_permission_error),
		cmocka_unit_test(place__pipe__is_read_to_its_end_first),
		cmocka_unit_test(place__pipe_called_like_a_process__is_not_waited_for),
		cmocka_unit_test(place__dash__is_standard_input),
		cmocka_unit_test(place__name__is_what_peeps_calls_it_before_what_the_kernel_does),
		cmocka_unit_test(place__proc_key__is_a_name),
		cmocka_unit_test(place__name_of_several__lists_them),
		cmocka_unit_test(place__name_of_many__lists_some),
		cmocka_unit_test(place__name_without_a_segment__says_so),
		cmocka_unit_test(
			place__name_that_is_also_a_file__is_the_file_only_if_it_is_one_of_ours),
		cmocka_unit_test(places__in_their_order__none_twice),
		cmocka_unit_test(places__one_of_them_bad__leave_no_file_open),
		cmocka_unit_test(place_of_id__its_second_part__is_the_process),
		cmocka_unit_test(place_of_id__no_id__is_a_usage_error),
	};

	return cmocka_run_group_tests_name("place", tests, setup, teardown);
}
