/* SPDX-License-Identifier: MIT */
/*
 * One thread, and sections of every kind: inline ones, the library's (a recursive mutex), and those of two slots (a lock
 * that had to be waited for). Where the tests of faults stop it, or make it jump away, it is easy to say what must be seen.
 */
#include "tests/stress/fault.h"
#include "tests/stress/scenes.h"
#include "tests/stress/target.h"

#include <setjmp.h>
#include <signal.h>
#include <unistd.h>

#include <peeps/mutex.h>

static struct peeps_mutex outer, inner, deep, shared;
static pthread_mutexattr_t errorcheck, recursive;
static sigjmp_buf place;

static __attribute__((noinline)) void round_trip(void)
{
	(void)peeps_mutex_lock(&outer);
	(void)peeps_mutex_lock(&inner);
	(void)peeps_mutex_unlock(&inner);
	(void)peeps_mutex_unlock(&outer);
	(void)peeps_mutex_lock(&deep);
	(void)peeps_mutex_lock(&deep);
	(void)peeps_mutex_unlock(&deep);
	(void)peeps_mutex_unlock(&deep);
	(void)peeps_mutex_lock(&shared);
	(void)peeps_mutex_unlock(&shared);
}

static void jump(int signal)
{
	(void)signal;
	siglongjmp(place, 1);
}

/* What a jump left locked is unlocked; pthread itself knows what is not ours. */
static void let_go(void)
{
	(void)peeps_mutex_unlock(&inner);
	(void)peeps_mutex_unlock(&outer);
	while (peeps_mutex_unlock(&deep) == 0)
		;
	(void)peeps_mutex_unlock(&shared);
}

static __attribute__((noinline)) void go_on(void)
{
	while (!target_stops()) {
		round_trip();
		target_round();
	}
}

/* With frames below those that were left: by its address, none of them can be told to be gone. */
static __attribute__((noinline)) void go_on_below(void)
{
	volatile char room[4096];

	room[0] = 0;
	let_go();
	go_on();
	room[1] = room[0];
}

static void run(void *unused)
{
	struct sigaction action = { .sa_handler = jump };

	(void)unused;
	(void)sigaction(SIGUSR1, &action, NULL);
	round_trip();
	target_ready();
	fault_volunteer(true);
	if (sigsetjmp(place, 1) != 0) {
		if (target_plays("below"))
			go_on_below();
		let_go();
	}
	go_on();
}

/* So that the thread has to wait now and then. */
static void run_beside(void *unused)
{
	(void)unused;
	target_ready();
	while (!target_stops()) {
		(void)peeps_mutex_lock(&shared);
		(void)usleep(20);
		(void)peeps_mutex_unlock(&shared);
		(void)usleep(20);
	}
}

void solo_start(void)
{
	(void)pthread_mutexattr_init(&errorcheck);
	(void)pthread_mutexattr_settype(&errorcheck, PTHREAD_MUTEX_ERRORCHECK);
	(void)pthread_mutexattr_init(&recursive);
	(void)pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
	(void)peeps_mutex_init(&outer, "solo-outer", &errorcheck);
	(void)peeps_mutex_init(&inner, "solo-inner", &errorcheck);
	(void)peeps_mutex_init(&deep, "solo-deep", &recursive);
	(void)peeps_mutex_init(&shared, "solo-shared", &errorcheck);
	(void)target_thread("solo", run, NULL);
	(void)target_thread("beside", run_beside, NULL);
}
