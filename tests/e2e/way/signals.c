/* SPDX-License-Identifier: MIT */
/* Signal handlers that lock, at any instruction of ours; that jump away; that run on stacks of their own. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/e2e/way/way.h"

static struct peeps_mutex mains[3] = {
	PEEPS_MUTEX_INIT("of main 0"),
	PEEPS_MUTEX_INIT("of main 1"),
	PEEPS_MUTEX_INIT("of main 2"),
};
static struct peeps_mutex handlers = PEEPS_MUTEX_INIT("of the handler");
static struct peeps_mutex both = PEEPS_MUTEX_INIT("of both");
static long counters[3];
static volatile sig_atomic_t handled, wrong_results, errno_changed;
static long handlers_count, both_count;

static void start_timer(long us)
{
	const struct itimerval often = { .it_interval = { .tv_usec = us },
					 .it_value = { .tv_usec = us ? us : 0 } };

	(void)setitimer(ITIMER_REAL, &often, NULL);
}

static void install(void (*handler)(int), int flags)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	action.sa_flags = flags | SA_RESTART;
	(void)sigaction(SIGALRM, &action, NULL);
}

/* Only main takes the signal: a thread made here has blocked it from its first instruction. */
static void create_deaf(pthread_t *thread, void *(*body)(void *))
{
	sigset_t alarm_only, before;

	(void)sigemptyset(&alarm_only);
	(void)sigaddset(&alarm_only, SIGALRM);
	(void)pthread_sigmask(SIG_BLOCK, &alarm_only, &before);
	(void)pthread_create(thread, NULL, body, NULL);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void try_and_unlock(int signal)
{
	int tried;

	(void)signal;
	errno = 4711;
	tried = peeps_mutex_trylock(&handlers);
	if (tried == 0) {
		handlers_count++;
		if (peeps_mutex_unlock(&handlers) != 0)
			wrong_results++;
	} else {
		wrong_results++; /* nobody else ever takes it for longer than a handler runs */
	}
	tried = peeps_mutex_trylock(&both);
	if (tried == 0) {
		both_count++;
		if (peeps_mutex_unlock(&both) != 0)
			wrong_results++;
	} else if (tried != EBUSY) {
		wrong_results++;
	}
	if (errno != 4711)
		errno_changed++;
	handled++;
}

static void *lock_both(void *unused)
{
	for (int i = 0; i < 30000; i++) {
		(void)peeps_mutex_lock(&both);
		both_count++;
		(void)peeps_mutex_unlock(&both);
	}
	return unused;
}

static long own_rounds;

static void until_handled(int signals)
{
	while (handled < signals) {
		struct peeps_mutex fresh;

		(void)way_work(mains, 3, counters, 30);
		(void)peeps_mutex_init(&fresh, "made amid signals", NULL);
		(void)peeps_mutex_lock(&fresh);
		(void)peeps_mutex_unlock(&fresh);
		(void)peeps_mutex_destroy(&fresh);
		own_rounds++;
	}
}

static void say_handled(const char *what)
{
	way_say("%s: wrong %d, errno changed %d, handler's count %s", what, (int)wrong_results,
		(int)errno_changed, handlers_count == handled ? "right" : "wrong");
	way_say("main's counts %s", counters[0] == own_rounds * 10 &&
						    counters[1] == own_rounds * 10 &&
						    counters[2] == own_rounds * 10
					    ? "right"
					    : "wrong");
}

static void trylock(void)
{
	pthread_t thread;

	install(try_and_unlock, 0);
	create_deaf(&thread, lock_both);
	start_timer(50);
	until_handled(way_scaled(4000));
	start_timer(0);
	(void)pthread_join(thread, NULL);
	say_handled("trylock");
}

static void on_another_stack(void)
{
	static char memory[65536];
	const stack_t other = { .ss_sp = memory, .ss_size = sizeof(memory) };

	(void)sigaltstack(&other, NULL);
	install(try_and_unlock, SA_ONSTACK);
	start_timer(50);
	until_handled(way_scaled(2000));
	start_timer(0);
	say_handled("on another stack");
}

/* Handlers in handlers. */
static void nested_handler(int signal)
{
	if (handled % 2 == 0 && signal == SIGALRM)
		(void)raise(SIGUSR1);
	try_and_unlock(signal);
}

static void nested(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = nested_handler;
	action.sa_flags = SA_NODEFER;
	(void)sigaction(SIGUSR1, &action, NULL);
	install(nested_handler, 0);
	start_timer(60);
	until_handled(way_scaled(3000));
	start_timer(0);
	say_handled("nested");
}

/* First uses of everything, in handlers: sites, names, entities, the thread itself. */
static struct peeps_mutex firsts[64];

static void first_use(int signal)
{
	const int at = handled % 64;

	(void)signal;
	if (handled < 64)
		memset(&firsts[at], 0, sizeof(firsts[at]));
	if (peeps_mutex_trylock(&firsts[at]) != 0 || peeps_mutex_unlock(&firsts[at]) != 0)
		wrong_results++;
	if (peeps_mutex_trylock(&firsts[at]) != 0 || peeps_mutex_unlock(&firsts[at]) != 0)
		wrong_results++;
	handled++;
}

static void first_uses(void)
{
	install(first_use, 0);
	(void)raise(SIGALRM); /* the first wrapper of this thread */
	start_timer(100);
	until_handled(200);
	start_timer(0);
	way_say("wrong %d", (int)wrong_results);
	WAY_SAY2("lock, unlock", peeps_mutex_lock(&firsts[5]), peeps_mutex_unlock(&firsts[5]));
}

/* Out of wherever the signal comes: also out of our slow paths. What it was about is never used again. */
static sigjmp_buf again;
static volatile sig_atomic_t jumping, jumps;

static void jump_away(int signal)
{
	(void)signal;
	if (!jumping)
		return;
	jumps++;
	siglongjmp(again, 1);
}

static void siglongjmp_away(void)
{
	const int wanted = way_scaled(3000);
	static struct peeps_mutex *volatile m;
	static char name[64];

	install(jump_away, 0);
	start_timer(70);
	(void)sigsetjmp(again, 1);
	jumping = 1;
	while (jumps < wanted) {
		jumping = 0;
		m = calloc(1, sizeof(*m)); /* a fresh one: the last may be left in any state */
		(void)snprintf(name, sizeof(name), "abandoned, number %d", (int)jumps % 500);
		jumping = 1;
		(void)peeps_mutex_init(m, name, NULL);
		(void)peeps_mutex_lock(m);
		(void)peeps_mutex_trylock(m);
		(void)peeps_mutex_unlock(m);
		(void)peeps_mutex_destroy(m);
	}
	jumping = 0;
	start_timer(0);
	way_say("jumped enough");
	WAY_SAY2("lock, unlock", peeps_mutex_lock(&both), peeps_mutex_unlock(&both));
	way_say("work %d", way_work(mains, 3, counters, 300));
}

/* Out of a wait, on a lock that its holder keeps. */
static pthread_barrier_t held, done;

static void *hold_both(void *unused)
{
	(void)peeps_mutex_lock(&both);
	(void)pthread_barrier_wait(&held);
	(void)pthread_barrier_wait(&done);
	(void)peeps_mutex_unlock(&both);
	return unused;
}

static void siglongjmp_from_a_wait(void)
{
	pthread_t thread;

	(void)pthread_barrier_init(&held, NULL, 2);
	(void)pthread_barrier_init(&done, NULL, 2);
	create_deaf(&thread, hold_both);
	(void)pthread_barrier_wait(&held);
	install(jump_away, 0);
	start_timer(500);
	(void)sigsetjmp(again, 1);
	jumping = 1;
	while (jumps < 100)
		(void)peeps_mutex_lock(&both);
	jumping = 0;
	start_timer(0);
	(void)pthread_barrier_wait(&done);
	(void)pthread_join(thread, NULL);
	way_say("jumped enough");
	WAY_SAY2("lock, unlock", peeps_mutex_lock(&both), peeps_mutex_unlock(&both));
	way_say("work %d", way_work(mains, 3, counters, 300));
}

/* Signals of the process go to a thread of the program, which waits for them: to none of ours. */
static void *wait_for_signals(void *received)
{
	sigset_t set;
	int signal;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	(void)sigaddset(&set, SIGRTMIN);
	for (int i = 0; i < 200; i++) {
		(void)sigwait(&set, &signal);
		(void)way_work(mains, 3, counters, 6);
		__atomic_fetch_add((int *)received, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

static void sigwaited(void)
{
	int received = 0;
	pthread_t thread;
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	(void)sigaddset(&set, SIGRTMIN);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	(void)way_work(mains, 3, counters, 6);
	(void)pthread_create(&thread, NULL, wait_for_signals, &received);
	for (int i = 0; i < 200; i++) {
		(void)way_work(mains, 3, counters, 6);
		(void)kill(getpid(), i % 2 ? SIGUSR1 : SIGRTMIN);
		while (__atomic_load_n(&received, __ATOMIC_SEQ_CST) <= i)
			(void)sched_yield();
	}
	(void)pthread_join(thread, NULL);
	way_say("received %d", received);
}

/* The mask of each thread is what it was, whatever path the locks took. */
static void masks(void)
{
	sigset_t set, now;
	struct peeps_mutex m;
	int blocked = 0;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR2);
	(void)sigaddset(&set, SIGRTMIN + 3);
	(void)pthread_sigmask(SIG_SETMASK, &set, NULL);
	(void)peeps_mutex_init(&m, "masks", NULL);
	(void)way_work(&m, 1, counters, 10);
	(void)peeps_mutex_destroy(&m);
	peeps_thread_name("masked");
	way_say_child("child", ({
			      const pid_t child = fork();

			      if (child == 0)
				      _exit(way_work(mains, 3, counters, 10));
			      child;
		      }));
	(void)pthread_sigmask(SIG_SETMASK, NULL, &now);
	for (int signal = 1; signal <= SIGRTMAX; signal++)
		blocked += sigismember(&now, signal) == 1;
	way_say("blocked %d, those %d %d", blocked, sigismember(&now, SIGUSR2),
		sigismember(&now, SIGRTMIN + 3));
}

WAY_MAIN({ "trylock", trylock }, { "on_another_stack", on_another_stack }, { "nested", nested },
	 { "first_uses", first_uses }, { "siglongjmp_away", siglongjmp_away },
	 { "siglongjmp_from_a_wait", siglongjmp_from_a_wait }, { "sigwaited", sigwaited },
	 { "masks", masks })
