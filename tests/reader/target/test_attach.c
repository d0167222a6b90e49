/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reader/target/attach.h"
#include "tests/support/fake_process.h"

static void assert_refused(pid_t pid, int expected, int status, const char *why)
{
	struct peeps_target target;
	struct peeps_problem problem;
	const int r = peeps_attach(&target, pid, &problem);

	if (r == expected && problem.status == status && strstr(problem.why, why) &&
	    problem.what[0])
		return;
	fail_msg("attach returned %d, status %d: %s: %s", r, problem.status, problem.what,
		 problem.why);
}

static void assert_hint_names(pid_t pid, pid_t process)
{
	struct peeps_target target;
	struct peeps_problem problem;
	char wanted[32];

	(void)snprintf(wanted, sizeof(wanted), "process %d:", (int)process);
	assert_int_not_equal(peeps_attach(&target, pid, &problem), 0);
	assert_non_null(strstr(problem.hint, wanted));
}

static void assert_attached(pid_t pid)
{
	struct peeps_target target;
	struct peeps_problem problem;
	const int r = peeps_attach(&target, pid, &problem);

	if (r)
		fail_msg("attach returned %d: %s: %s", r, problem.what, problem.why);
	assert_int_equal(target.header.pid, pid);
	assert_non_null(target.control);
	peeps_detach(&target);
}

/* --- bodies of children ------------------------------------------------------------------------------------------- */

static void without_segment(void *unused)
{
	(void)unused;
	fake_process_rest();
}

static void with_segment(void *change)
{
	void (*const change_segment)(struct fake_segment *) =
		(void (*)(struct fake_segment *))change;
	struct fake_segment segment;

	fake_segment_new(&segment);
	fake_segment_adopt(&segment);
	if (change_segment)
		change_segment(&segment);
	fake_process_rest();
}

static void change_nothing(struct fake_segment *segment)
{
	(void)segment;
}

static void change_magic(struct fake_segment *segment)
{
	segment->header->magic = 0x1234;
}

static void change_major(struct fake_segment *segment)
{
	segment->header->layout_major = 2;
	segment->header->layout_minor = 0;
}

static void change_to_not_ready(struct fake_segment *segment)
{
	segment->header->magic = 0;
}

static void change_start_time(struct fake_segment *segment)
{
	segment->header->start_time_ticks--;
}

static void forget_start_time(struct fake_segment *segment)
{
	segment->header->start_time_ticks = 0;
}

static void close_descriptor(struct fake_segment *segment)
{
	(void)close(segment->fd);
}

/* Two more with the right name, before and behind: one of garbage, one of another process. */
static void add_strangers(struct fake_segment *segment)
{
	struct fake_segment stranger;

	(void)dup2(segment->fd, 100);
	(void)close(segment->fd);
	fake_segment_new(&stranger);
	fake_segment_new(&stranger);
	stranger.header->magic = 77;
	(void)dup2(stranger.fd, 200);
}

static void become_ready_soon(struct fake_segment *segment)
{
	segment->header->magic = 0;
	fake_process_ready();
	(void)usleep(15000);
	__atomic_store_n(&segment->header->magic, PEEPS_MAGIC, __ATOMIC_RELEASE);
	for (;;)
		(void)pause();
}

static void *keep_own_descriptors(void *barrier)
{
	(void)unshare(CLONE_FILES);
	fake_process_ready(); /* in this thread's table only: so the end of the pipe that waits is the other one */
	(void)pthread_barrier_wait(barrier);
	for (;;)
		(void)pause();
	return NULL;
}

static void leave_it_to_a_thread(struct fake_segment *segment)
{
	static pthread_barrier_t barrier;
	pthread_t keeper;

	(void)pthread_barrier_init(&barrier, NULL, 2);
	(void)pthread_create(&keeper, NULL, keep_own_descriptors, &barrier);
	(void)pthread_barrier_wait(&barrier);
	(void)munmap(segment->base, segment->bytes);
	(void)close(segment->fd);
}

static void with_unsealed_memfd(void *unused)
{
	const int fd = memfd_create(PEEPS_SEGMENT_NAME, MFD_CLOEXEC);

	(void)unused;
	(void)ftruncate(fd, 1 << 20);
	fake_process_rest();
}

static void start(struct fake_process *process, void (*change)(struct fake_segment *))
{
	fake_process_start(process, with_segment, (void *)change);
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void attach__no_such_process__is_esrch(void **state)
{
	struct fake_process process;

	(void)state;
	assert_refused(0, -ESRCH, 3, "no process");
	assert_refused(-5, -ESRCH, 3, "no process");
	fake_process_start(&process, without_segment, NULL);
	fake_process_end(&process);
	assert_refused(process.pid, -ESRCH, 3, "no process");
}

static void *report_tid(void *tid)
{
	*(_Atomic pid_t *)tid = (pid_t)syscall(SYS_gettid);
	for (;;)
		(void)pause();
	return NULL;
}

static void attach__thread__is_told_from_a_process(void **state)
{
	static _Atomic pid_t tid;
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, report_tid, (void *)&tid), 0);
	while (!tid)
		(void)sched_yield();
	assert_refused(tid, -ESRCH, 3, "is a thread");
	assert_hint_names(tid, getpid());
	(void)pthread_cancel(thread);
	(void)pthread_join(thread, NULL);
}

static void attach__zombie__has_exited(void **state)
{
	struct fake_process process;
	siginfo_t info;

	(void)state;
	start(&process, change_nothing);
	(void)kill(process.pid, SIGKILL);
	(void)waitid(P_PID, (id_t)process.pid, &info, WEXITED | WNOWAIT);
	assert_refused(process.pid, -ESRCH, 3, "exited");
	fake_process_end(&process);
}

static void attach__process_without_segment__is_enoent(void **state)
{
	struct fake_process process;

	(void)state;
	fake_process_start(&process, without_segment, NULL);
	assert_refused(process.pid, -ENOENT, 4, "no peeps segment");
	fake_process_end(&process);
}

struct refusal {
	const char *name;
	void (*change)(struct fake_segment *segment);
	int expected, status;
	const char *why;
};

static void attach__unsound_segment__says_why(void **state)
{
	static const struct refusal rows[] = {
		{ "garbage", change_magic, -EBADMSG, 6, "does not begin like one" },
		{ "other major", change_major, -EPROTONOSUPPORT, 6,
		  "layout 2.0, and this reader knows 1.x" },
		{ "never ready", change_to_not_ready, -ENOENT, 4, "not ready" },
		{ "of an earlier process of this pid", change_start_time, -ENOENT, 4, "parent's" },
	};
	struct fake_process process;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		start(&process, rows[i].change);
		assert_refused(process.pid, rows[i].expected, rows[i].status, rows[i].why);
		fake_process_end(&process);
	}
}

static void attach__unsealed_memfd__is_refused(void **state)
{
	struct fake_process process;

	(void)state;
	fake_process_start(&process, with_unsealed_memfd, NULL);
	assert_refused(process.pid, -EBADMSG, 6, "not sealed");
	fake_process_end(&process);
}

static void attach__segment__is_found(void **state)
{
	void (*const changes[])(struct fake_segment *) = { change_nothing, forget_start_time,
							   add_strangers, leave_it_to_a_thread };
	struct fake_process process;

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		start(&process, changes[i]);
		assert_attached(process.pid);
		fake_process_end(&process);
	}
}

static void attach__segment_not_ready_yet__waits_a_moment(void **state)
{
	struct fake_process process;

	(void)state;
	start(&process, become_ready_soon);
	assert_attached(process.pid);
	fake_process_end(&process);
}

static void attach__descriptor_closed__is_found_by_its_mapping(void **state)
{
	struct fake_process process;

	(void)state;
	if (geteuid() != 0)
		return; /* map_files needs a capability */
	start(&process, close_descriptor);
	assert_attached(process.pid);
	fake_process_end(&process);
}

static void attach__forked_child__does_not_have_its_parents_segment(void **state)
{
	struct fake_segment segment;
	struct fake_process process;

	(void)state;
	fake_segment_new(&segment);
	fake_segment_adopt(&segment);
	fake_process_start(&process, without_segment, NULL);
	assert_refused(process.pid, -ENOENT, 4, "only its parent's");
	fake_process_end(&process);
	start(&process, change_nothing);
	assert_attached(process.pid);
	fake_process_end(&process);
	fake_segment_free(&segment);
}

static void attach__name_with_parentheses__is_parsed(void **state)
{
	struct fake_process process;

	(void)state;
	(void)prctl(PR_SET_NAME, "a) R (b) 1 2");
	start(&process, change_nothing);
	assert_attached(process.pid);
	fake_process_end(&process);
}

static size_t count_descriptors(void)
{
	size_t count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void attach__whatever_comes_of_it__leaks_no_descriptor(void **state)
{
	void (*const changes[])(struct fake_segment *) = { change_nothing, change_magic,
							   change_start_time, add_strangers };
	struct fake_process process;
	struct peeps_target target;
	struct peeps_problem problem;

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		size_t before;

		start(&process, changes[i]);
		before = count_descriptors();
		if (peeps_attach(&target, process.pid, &problem) == 0)
			peeps_detach(&target);
		assert_int_equal(count_descriptors(), before);
		fake_process_end(&process);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attach__no_such_process__is_esrch),
		cmocka_unit_test(attach__thread__is_told_from_a_process),
		cmocka_unit_test(attach__zombie__has_exited),
		cmocka_unit_test(attach__process_without_segment__is_enoent),
		cmocka_unit_test(attach__unsound_segment__says_why),
		cmocka_unit_test(attach__unsealed_memfd__is_refused),
		cmocka_unit_test(attach__segment__is_found),
		cmocka_unit_test(attach__segment_not_ready_yet__waits_a_moment),
		cmocka_unit_test(attach__descriptor_closed__is_found_by_its_mapping),
		cmocka_unit_test(attach__forked_child__does_not_have_its_parents_segment),
		cmocka_unit_test(attach__name_with_parentheses__is_parsed),
		cmocka_unit_test(attach__whatever_comes_of_it__leaks_no_descriptor),
	};

	return cmocka_run_group_tests_name("attach", tests, NULL, NULL);
}
