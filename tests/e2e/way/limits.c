/* SPDX-License-Identifier: MIT */
/* Limits, exhausted memory, sandboxes: what the program has left is the program's. */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/e2e/way/way.h"

static struct peeps_mutex locks[3] = {
	PEEPS_MUTEX_INIT("lock 0"),
	PEEPS_MUTEX_INIT("lock 1"),
	PEEPS_MUTEX_INIT("lock 2"),
};
static long counters[3];

static void *work(void *failures)
{
	struct peeps_mutex m;
	long count[1] = { 0 };

	*(int *)failures += way_work(locks, 3, counters, 600);
	*(int *)failures += peeps_mutex_init(&m, "of a thread", NULL) ||
			    way_work(&m, 1, count, 10) || peeps_mutex_destroy(&m);
	peeps_thread_name("a thread of the work");
	return NULL;
}

static int work_in_threads(void)
{
	pthread_attr_t attributes;
	int failures[3] = { 0 };
	pthread_t threads[3];
	int sum = 0;

	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setstacksize(&attributes, (size_t)64 << 10);
	for (int i = 0; i < 3; i++)
		sum += pthread_create(&threads[i], &attributes, work, &failures[i]);
	for (int i = 0; i < 3; i++)
		sum += pthread_join(threads[i], NULL) + failures[i];
	return sum;
}

static struct peeps_mutex many[4000];

static int many_mutexes(void)
{
	long count[1] = { 0 };
	int failures = 0;

	for (int i = 0; i < 4000; i++) {
		char name[300];

		(void)snprintf(name, sizeof(name), "one of many, %d %0*d", i, i % 200, i);
		failures +=
			peeps_mutex_init(&many[i], name, NULL) || way_work(&many[i], 1, count, 2);
	}
	for (int i = 0; i < 4000; i += 2)
		failures += peeps_mutex_destroy(&many[i]);
	return failures;
}

static int child_work(void)
{
	const pid_t child = fork();
	int status = -1;

	if (child == 0)
		_exit(work_in_threads() + many_mutexes());
	(void)waitpid(child, &status, 0);
	return status;
}

static void plain_work(void)
{
	way_say("threads %d", work_in_threads());
	way_say("mutexes %d", many_mutexes());
	way_say("child %d", child_work());
}

/* The scene once more, in a process that starts under the limit. */
static void run_limited(const char *what, const char *scene, int resource, rlim_t soft)
{
	char *const arguments[] = { (char *)way_self(), (char *)scene, NULL };
	const pid_t child = fork();
	struct rlimit limit;

	if (child == 0) {
		(void)getrlimit(resource, &limit);
		limit.rlim_cur = soft;
		if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < soft)
			limit.rlim_cur = limit.rlim_max;
		(void)close_range(3, ~0u, 0);
		if (setrlimit(resource, &limit) != 0)
			_exit(96);
		(void)execv(way_self(), arguments);
		_exit(127);
	}
	way_say_child(what, child);
}

static void open_files(void)
{
	const int first = open("/dev/null", O_RDONLY | O_CLOEXEC);
	const int second = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct rlimit limit;

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	way_say("first %d, second %d, errno %d", first, second, second < 0 ? errno : 0);
	if (limit.rlim_cur <= 10) {
		int last = second;

		for (int i = 0; i < 20; i++) {
			const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

			last = fd > last ? fd : last;
		}
		way_say("last %d", last);
	}
	way_say("threads %d, mutexes %d", work_in_threads(), many_mutexes());
}

static void few_descriptors(void)
{
	static const rlim_t limits[] = { 3, 4, 5, 10, 11, 16, 40, 64, 1000, 1001, 1024 };

	way_say("threads %d", work_in_threads());
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		way_say("limit %d", (int)limits[i]);
		run_limited("with few descriptors", "open_files", RLIMIT_NOFILE, limits[i]);
	}
}

static volatile sig_atomic_t too_large;

static void on_too_large(int signal)
{
	(void)signal;
	too_large++;
}

static void write_a_file(void)
{
	static const char bytes[8192];
	const int fd = memfd_create("of the program", MFD_CLOEXEC);
	struct stat status;

	(void)signal(SIGXFSZ, on_too_large);
	way_say("threads %d, mutexes %d", work_in_threads(), many_mutexes());
	way_say("signals %d", (int)too_large);
	way_say("write %d", (int)pwrite(fd, bytes, 4000, 0));
	way_say("write %d", (int)pwrite(fd, bytes, 8192, 0));
	way_say("write %d", (int)pwrite(fd, bytes, 10, 4096));
	way_say("signals %d", (int)too_large);
	(void)fstat(fd, &status);
	way_say("size %ld", (long)status.st_size);
	way_say("child %d", child_work());
	way_say("signals %d", (int)too_large);
}

static void small_files(void)
{
	struct rlimit limit;

	way_say("threads %d", work_in_threads());
	run_limited("small files from the start", "write_a_file", RLIMIT_FSIZE, 4096);
	run_limited("no files from the start", "plain_work", RLIMIT_FSIZE, 0);
	(void)getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = 4096;
	way_say("setrlimit %d", setrlimit(RLIMIT_FSIZE, &limit));
	write_a_file();
}

static void small_address_space(void)
{
	static const rlim_t megabytes[] = { 24, 64, 128, 300, 1000, 4000 };

	way_say("threads %d", work_in_threads());
	for (size_t i = 0; i < sizeof(megabytes) / sizeof(megabytes[0]); i++)
		run_limited("small address space", "plain_work", RLIMIT_AS, megabytes[i] << 20);
	run_limited("small data", "plain_work", RLIMIT_DATA, (rlim_t)16 << 20);
}

/* The limit comes when we are there, and leaves a little for the program. */
static void no_more_memory(void)
{
	struct rlimit limit;
	char text[256];
	long pages;
	const int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	const ssize_t length = read(fd, text, sizeof(text) - 1);

	(void)close(fd);
	text[length > 0 ? length : 0] = '\0';
	pages = strtol(text, NULL, 10);
	(void)getrlimit(RLIMIT_AS, &limit);
	limit.rlim_cur = ((rlim_t)pages << 12) + ((rlim_t)3 << 20);
	way_say("setrlimit %d", setrlimit(RLIMIT_AS, &limit));
	way_say("mutexes %d", many_mutexes());
	for (int i = 0; i < 20; i++)
		if (mmap(NULL, (size_t)1 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
		    MAP_FAILED)
			break;
	way_say("mutexes %d", many_mutexes());
	way_say("work %d", way_work(locks, 3, counters, 300));
}

/* A full tmpfs, or memory cgroup, as madvise() tells of it: ours calls this one. */
static uint64_t populates_left = UINT64_MAX;
static int populate_error;

int madvise(void *address, size_t length, int advice)
{
	if (advice == MADV_POPULATE_WRITE) {
		if (peeps_load_relaxed(&populates_left) == 0) {
			errno = populate_error;
			return -1;
		}
		if (populates_left != UINT64_MAX)
			__atomic_fetch_sub(&populates_left, 1, __ATOMIC_RELAXED);
	}
	return (int)syscall(SYS_madvise, address, length, advice);
}

static void full_tmpfs(void)
{
	static const int errors[] = { EFAULT, ENOMEM, EINVAL };

	for (size_t e = 0; e < sizeof(errors) / sizeof(errors[0]); e++) {
		populate_error = errors[e];
		for (uint64_t left = 0; left < 14; left++) {
			const pid_t child = fork();

			if (child == 0) {
				/* From some step of its start on, there is no memory for its segment. */
				populates_left = left;
				_exit(work_in_threads() + many_mutexes() + (child_work() != 0));
			}
			way_say_child("child", child);
		}
	}
	populates_left = 2;
	way_say("threads %d", work_in_threads());
	way_say("mutexes %d", many_mutexes());
	populates_left = 0;
	way_say("threads %d", work_in_threads());
	way_say("child %d", child_work());
}

static void locked_memory(void)
{
	way_say("threads %d", work_in_threads());
	way_say("mlockall %d", mlockall(MCL_CURRENT | MCL_FUTURE));
	way_say("threads %d", work_in_threads());
	way_say("mutexes %d", many_mutexes());
	way_say("child %d", child_work());
	way_say("munlockall %d", munlockall());
}

/*
 * A sandbox that kills at the first system call that a program of threads has no need of. What ours may call after the
 * start is listed in docs; anything more is a regression.
 */
#define ALLOW(name)                                            \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static int enter_sandbox(void)
{
	static struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		/* what any program of threads calls */
		ALLOW(read),
		ALLOW(write),
		ALLOW(futex),
		ALLOW(mmap),
		ALLOW(munmap),
		ALLOW(mprotect),
		ALLOW(madvise),
		ALLOW(brk),
		ALLOW(clone),
		ALLOW(clone3),
		ALLOW(exit),
		ALLOW(exit_group),
		ALLOW(set_robust_list),
		ALLOW(rseq),
		ALLOW(rt_sigprocmask),
		ALLOW(rt_sigaction),
		ALLOW(rt_sigreturn),
		ALLOW(gettid),
		ALLOW(getpid),
		ALLOW(tgkill),
		ALLOW(sched_yield),
		ALLOW(wait4),
		ALLOW(clock_nanosleep),
		ALLOW(nanosleep),
		ALLOW(getrandom),
		ALLOW(prlimit64),
#ifndef PEEPS_DISABLE
		/* and ours: */
		ALLOW(membarrier), /* liburcu's grace periods */
		ALLOW(poll),       /* the same, where a thread inside one was preempted: rare */
		ALLOW(newfstatat),
		ALLOW(close), /* a forked child closes its parent's segment */
		ALLOW(prctl), /* PR_GET_SECCOMP, in a forked child: is there a sandbox that was not there before? */
		ALLOW(sigaltstack), /* only where a section of ours was left by siglongjmp, or may have been */
#endif
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	const struct sock_fprog program = { .len = sizeof(filter) / sizeof(filter[0]),
					    .filter = filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return errno;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 ? 0 : errno;
}

static void sandboxed_work(void)
{
	for (int round = 0; round < 60; round++)
		if (work_in_threads() != 0)
			way_wrong("work");
	way_say("mutexes %d", many_mutexes());
	way_say("mutexes %d", many_mutexes());
}

static void sandbox(void)
{
	const pid_t child = fork();

	if (child == 0) {
		/* A child comes to its segment before it enters the sandbox. */
		WAY_SAY2("work, sandbox", work_in_threads(), enter_sandbox());
		sandboxed_work();
		_exit(0);
	}
	way_say_child("sandboxed child", child);
	way_say("threads %d", work_in_threads());
	way_report();
	way_say("sandbox %d", enter_sandbox());
	sandboxed_work();
	_exit(0); /* the report calls more than the sandbox permits */
}

/* Children of a sandboxed program: their first lock must not try for a segment, which takes more than that. */
static void sandbox_then_fork(void)
{
	way_say("threads %d", work_in_threads());
	way_report();
	way_say("sandbox %d", enter_sandbox());
	for (int i = 0; i < 3; i++) {
		const pid_t child = fork();

		if (child == 0) {
			way_say("child: work %d", work_in_threads());
			way_say("child: mutexes %d", many_mutexes());
			_exit(i);
		}
		way_say_child("child", child);
	}
	way_say("threads %d", work_in_threads());
	_exit(0);
}

/* From the first instruction of main, with nothing of peeps used yet. */
static void sandbox_at_once(void)
{
	way_say("sandbox %d", enter_sandbox());
	sandboxed_work();
	_exit(0);
}

static void nice_and_idle(void)
{
	(void)setpriority(PRIO_PROCESS, 0, 19);
	(void)prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	way_say("threads %d", work_in_threads());
	way_say("mutexes %d", many_mutexes());
}

WAY_MAIN({ "plain_work", plain_work }, { "open_files", open_files },
	 { "few_descriptors", few_descriptors }, { "write_a_file", write_a_file },
	 { "small_files", small_files }, { "small_address_space", small_address_space },
	 { "no_more_memory", no_more_memory }, { "full_tmpfs", full_tmpfs },
	 { "locked_memory", locked_memory }, { "sandbox", sandbox },
	 { "sandbox_then_fork", sandbox_then_fork }, { "sandbox_at_once", sandbox_at_once },
	 { "nice_and_idle", nice_and_idle })
