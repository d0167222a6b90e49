/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "reader/graph/graph.h"
#include "reader/look/processes.h"
#include "tests/support/fake_process.h"

/* In place of the C library's: so often the reader paused. */
static unsigned int pauses;

int nanosleep(const struct timespec *time, struct timespec *rest)
{
	(void)time;
	(void)rest;
	pauses++;
	return 0;
}

/* Copies what is known of a process; false if it is not among those that were found. */
static bool find(pid_t pid, struct peeps_found *copy, size_t *refused)
{
	struct peeps_processes processes;
	struct peeps_problem problem = { 0 };
	bool found = false;

	assert_int_equal(peeps_processes_find(&processes, &problem), 0);
	for (size_t i = 0; i < processes.count; i++) {
		if (i)
			assert_true(processes.found[i - 1].pid < processes.found[i].pid);
		if (processes.found[i].pid != pid)
			continue;
		found = true;
		*copy = processes.found[i];
	}
	if (refused)
		*refused = processes.refused;
	peeps_processes_free(&processes);
	return found;
}

/* --- bodies of children ------------------------------------------------------------------------------------------- */

static void without_segment(void *name)
{
	(void)prctl(PR_SET_NAME, name);
	fake_process_rest();
}

static void with_segment(void *change)
{
	void (*const change_segment)(struct fake_segment *) =
		(void (*)(struct fake_segment *))change;
	struct fake_segment segment;

	fake_segment_new(&segment);
	fake_segment_adopt(&segment);
	change_segment(&segment);
	fake_process_rest();
}

static void change_nothing(struct fake_segment *segment)
{
	(void)segment;
}

static void make_deadlock(struct fake_segment *segment)
{
	struct fake_deadlock deadlock;

	fake_deadlock(segment, &deadlock);
	segment->counters[PEEPS_COUNTER_DROPPED_EDGES] = 7;
	segment->counters[PEEPS_COUNTER_TRUNCATED_TEXT] = 100;
	segment->threads[fake_record_of(segment, deadlock.heartbeat)].state = PEEPS_THREAD_LEAVING;
}

static void change_major(struct fake_segment *segment)
{
	segment->header->layout_major = 2;
}

static void change_to_not_ready(struct fake_segment *segment)
{
	segment->header->magic = 0;
}

static void close_descriptor(struct fake_segment *segment)
{
	(void)close(segment->fd);
}

/* As one that acts for another user: the real id stays. */
static void act_for_nobody(struct fake_segment *segment)
{
	(void)segment;
	if (seteuid(65534) != 0 || prctl(PR_SET_DUMPABLE, 1) != 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) /* which that took away */
		abort();
}

static void *outlive(void *unused)
{
	(void)unused;
	fake_process_rest();
	return NULL;
}

static void leave_to_a_thread(struct fake_segment *segment)
{
	pthread_t thread;

	(void)segment;
	(void)pthread_create(&thread, NULL, outlive, NULL);
	pthread_exit(NULL);
}

static void with_unsealed_memfds(void *unused)
{
	(void)unused;
	for (int i = 0; i < 200; i++) {
		const int fd = memfd_create(PEEPS_SEGMENT_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);

		if (ftruncate(fd, 1 << 20) != 0)
			abort();
	}
	fake_process_rest();
}

/* Claims 2^20 entities, in a file without memory. */
static void with_huge_hole(void *unused)
{
	const uint64_t rows = UINT64_C(1) << 20;
	struct fake_segment segment;
	struct peeps_section_entry *last;
	const int fd = memfd_create(PEEPS_SEGMENT_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	(void)unused;
	fake_segment_new(&segment);
	fake_segment_adopt(&segment);
	last = fake_section(&segment, PEEPS_SECTION_ENTITIES);
	last->offset = segment.bytes;
	last->capacity = last->high_water = rows;
	segment.header->segment_bytes = segment.bytes + rows * sizeof(struct peeps_entity_slot);
	if (write(fd, segment.base, segment.bytes) != (ssize_t)segment.bytes ||
	    ftruncate(fd, (off_t)segment.header->segment_bytes) != 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0)
		abort();
	fake_segment_free(&segment);
	fake_process_rest();
}

static void start(struct fake_process *process, void (*change)(struct fake_segment *))
{
	fake_process_start(process, with_segment, (void *)change);
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void processes__with_a_segment__is_found_with_what_it_says(void **state)
{
	struct fake_process process;
	struct peeps_found found;
	char key[64];

	(void)state;
	start(&process, make_deadlock);
	assert_true(find(process.pid, &found, NULL));
	(void)snprintf(key, sizeof(key), "fake-app-%d", (int)process.pid);
	assert_int_equal(found.problem.status, 0);
	assert_string_equal(found.process_name, FAKE_NAME);
	assert_string_equal(found.proc_key, key);
	assert_int_equal(found.uid, geteuid());
	assert_string_equal(found.names.program, "test_processes");
	assert_non_null(strstr(found.names.command, "test_processes"));
	assert_int_equal(found.layout_major, PEEPS_LAYOUT_MAJOR);
	assert_int_equal(found.tally.threads, 2);
	assert_int_equal(found.tally.entities, 5);
	assert_int_equal(found.tally.blocked, 2);
	assert_true(found.tally.oldest_wait_ns < UINT64_C(3600000000000));
	assert_int_equal(found.tally.lost, 7);
	fake_process_end(&process);
	assert_false(find(process.pid, &found, NULL));
}

static void processes__nothing_waits__has_no_oldest_wait(void **state)
{
	struct fake_process process;
	struct peeps_found found;

	(void)state;
	start(&process, change_nothing);
	assert_true(find(process.pid, &found, NULL));
	assert_int_equal(found.tally.blocked, 0);
	assert_true(found.tally.oldest_wait_ns == PEEPS_NO_TIME);
	fake_process_end(&process);
}

static void processes__without_a_segment__is_not_found(void **state)
{
	struct fake_process process;
	struct peeps_found found;

	(void)state;
	fake_process_start(&process, without_segment, "no-segment");
	assert_false(find(process.pid, &found, NULL));
	fake_process_end(&process);
	start(&process, change_to_not_ready);
	assert_false(find(process.pid, &found, NULL));
	fake_process_end(&process);
}

static void processes__only_its_parents_segment__is_not_found(void **state)
{
	struct fake_process process;
	struct fake_segment segment;
	struct peeps_found found;

	(void)state;
	fake_segment_new(&segment);
	fake_segment_adopt(&segment);
	fake_process_start(&process, without_segment, "child");
	assert_false(find(process.pid, &found, NULL));
	assert_true(find(getpid(), &found, NULL));
	fake_process_end(&process);
	fake_segment_free(&segment);
}

static void processes__another_layout__is_found_with_what_is_wrong(void **state)
{
	struct fake_process process;
	struct peeps_found found;

	(void)state;
	start(&process, change_major);
	assert_true(find(process.pid, &found, NULL));
	assert_int_equal(found.problem.status, 6);
	assert_non_null(strstr(found.problem.why, "layout 2"));
	assert_string_equal(found.process_name, "");
	fake_process_end(&process);
}

/* What the files have that a process calls segments. */
static uint64_t memory_of(pid_t pid)
{
	uint64_t bytes = 0;

	for (int fd = 0; fd < 64; fd++) {
		char path[64];
		bool kept;
		struct stat status;

		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
		if (peeps_attach_is_link(AT_FDCWD, path, &kept) && stat(path, &status) == 0)
			bytes += (uint64_t)status.st_blocks * 512;
	}
	return bytes;
}

/* Reading a hole gives it memory. */
static void processes__a_hole_for_a_segment__is_found_and_not_read(void **state)
{
	struct fake_process process;
	struct peeps_found found;
	uint64_t before;

	(void)state;
	fake_process_start(&process, with_huge_hole, NULL);
	before = memory_of(process.pid);
	assert_true(before > 0);
	assert_true(find(process.pid, &found, NULL));
	assert_int_equal(memory_of(process.pid), before);
	assert_int_equal(found.problem.status, 6);
	assert_non_null(strstr(found.problem.why, "has memory for"));
	fake_process_end(&process);
}

static void processes__many_that_never_get_ready__are_not_waited_for(void **state)
{
	struct fake_process process;
	struct peeps_found found;

	(void)state;
	fake_process_start(&process, with_unsealed_memfds, NULL);
	pauses = 0;
	assert_true(find(process.pid, &found, NULL));
	assert_int_equal(found.problem.status, 6);
	assert_int_equal(pauses, 0);
	fake_process_end(&process);
}

static void attach__many_that_never_get_ready__waits_for_all_as_long_as_for_one(void **state)
{
	struct fake_process process;
	struct peeps_target target;
	struct peeps_problem problem;

	(void)state;
	fake_process_start(&process, with_unsealed_memfds, NULL);
	pauses = 0;
	assert_int_equal(peeps_attach(&target, process.pid, &problem), -EBADMSG);
	assert_int_equal(pauses, 10);
	fake_process_end(&process);
}

static void processes__descriptor_closed__is_found_by_its_mapping(void **state)
{
	struct fake_process process;
	struct peeps_found found;
	size_t refused = 0;

	(void)state;
	start(&process, close_descriptor);
	/* Opening what is mapped takes a capability; that it is there can be seen without. */
	if (find(process.pid, &found, &refused))
		assert_int_equal(found.problem.status, 0);
	else
		assert_true(refused > 0);
	fake_process_end(&process);
}

static void processes__main_thread_left__is_found(void **state)
{
	struct fake_process process;
	struct peeps_found found;

	(void)state;
	start(&process, leave_to_a_thread);
	for (int i = 0; i < 200; i++) { /* until it has left */
		assert_true(find(process.pid, &found, NULL));
		if (found.state == 'Z')
			break;
		(void)usleep(10000);
	}
	assert_int_equal(found.state, 'Z');
	assert_string_equal(found.process_name, FAKE_NAME);
	fake_process_end(&process);
}

static void processes__acting_for_another_user__is_that_users(void **state)
{
	struct fake_process process;
	struct peeps_found found;

	(void)state;
	if (geteuid() != 0)
		return;
	start(&process, act_for_nobody);
	assert_true(find(process.pid, &found, NULL));
	assert_int_equal(found.uid, 65534);
	fake_process_end(&process);
}

/* In a child that is somebody else, who answers by its exit status. */
static int found_by_nobody(pid_t pid)
{
	const pid_t child = fork();
	int status = 0;

	if (child == 0) {
		struct peeps_processes processes;
		struct peeps_problem problem = { 0 };

		if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0 ||
		    peeps_processes_find(&processes, &problem) != 0)
			_exit(99);
		for (size_t i = 0; i < processes.count; i++) {
			if (processes.found[i].pid == pid)
				_exit(98);
		}
		_exit(processes.refused > 0);
	}
	(void)waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void processes__of_another_user__are_counted(void **state)
{
	struct fake_process process;

	(void)state;
	if (geteuid() != 0)
		return;
	start(&process, change_nothing);
	assert_int_equal(found_by_nobody(process.pid), 1);
	fake_process_end(&process);
}

static void processes__whatever_comes_of_it__leaks_no_descriptor(void **state)
{
	struct fake_process process;
	struct peeps_found found;
	int before, after;

	(void)state;
	start(&process, change_major);
	before = dup(0);
	(void)close(before);
	(void)find(process.pid, &found, NULL);
	after = dup(0);
	(void)close(after);
	assert_int_equal(before, after);
	fake_process_end(&process);
}

static void called__by_the_kernels_name__is_counted(void **state)
{
	struct fake_process first, second;
	pid_t pids[1];
	char name[16];

	(void)state;
	(void)snprintf(name, sizeof(name), "call)%d (", (int)getpid());
	fake_process_start(&first, without_segment, name);
	assert_int_equal(peeps_processes_called(name, pids, 1), 1);
	assert_int_equal(pids[0], first.pid);
	fake_process_start(&second, without_segment, name);
	assert_int_equal(peeps_processes_called(name, pids, 1), 2);
	fake_process_end(&first);
	fake_process_end(&second);
	assert_int_equal(peeps_processes_called(name, pids, 1), 0);
	assert_int_equal(peeps_processes_called("", pids, 1), 0);
}

static void is_called__names__match_whole_and_by_case(void **state)
{
	const struct peeps_process_names names = { .comm = "worker-1",
						   .program = "bankd",
						   .command = "/opt/bin/bank --x /usr/bin/other" };
	static const struct {
		const char *name;
		bool expected;
	} rows[] = {
		{ "worker-1", true }, { "bankd", true },   { "bank", true },
		{ "Bankd", false },   { "worker", false }, { "", false },
		{ "--x", false },     { "other", false },  { "/opt/bin/bank", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (peeps_process_is_called(&names, rows[i].name) != rows[i].expected)
			fail_msg("'%s'", rows[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(processes__with_a_segment__is_found_with_what_it_says),
		cmocka_unit_test(processes__nothing_waits__has_no_oldest_wait),
		cmocka_unit_test(processes__without_a_segment__is_not_found),
		cmocka_unit_test(processes__only_its_parents_segment__is_not_found),
		cmocka_unit_test(processes__another_layout__is_found_with_what_is_wrong),
		cmocka_unit_test(processes__a_hole_for_a_segment__is_found_and_not_read),
		cmocka_unit_test(processes__many_that_never_get_ready__are_not_waited_for),
		cmocka_unit_test(
			attach__many_that_never_get_ready__waits_for_all_as_long_as_for_one),
		cmocka_unit_test(processes__descriptor_closed__is_found_by_its_mapping),
		cmocka_unit_test(processes__main_thread_left__is_found),
		cmocka_unit_test(processes__acting_for_another_user__is_that_users),
		cmocka_unit_test(processes__of_another_user__are_counted),
		cmocka_unit_test(processes__whatever_comes_of_it__leaks_no_descriptor),
		cmocka_unit_test(called__by_the_kernels_name__is_counted),
		cmocka_unit_test(is_called__names__match_whole_and_by_case),
	};

	return cmocka_run_group_tests_name("processes", tests, NULL, NULL);
}
