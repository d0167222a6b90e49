/* SPDX-License-Identifier: MIT */
/*
 * waiters COUNT [NAME] - so many threads wait for one mutex, one of them for an hour at most
 *
 * main holds it three times over, for it is recursive, and sleeps. It is called NAME, or "gate". Prints its PID once all have been started, and runs
 * until it is killed.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <peeps/peeps.h>

static struct peeps_mutex gate;

static void *wait_for_ever(void *unused)
{
	peeps_thread_name("worker");
	(void)peeps_mutex_lock(&gate);
	return unused;
}

static void *wait_an_hour(void *unused)
{
	struct timespec until;

	peeps_thread_name("patient");
	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 3600;
	(void)peeps_mutex_timedlock(&gate, &until);
	return unused;
}

static void start(pthread_attr_t *attr, void *(*run)(void *))
{
	pthread_t thread;

	if (pthread_create(&thread, attr, run, NULL) != 0) {
		perror("pthread_create");
		exit(1);
	}
}

int main(int argc, char **argv)
{
	const long count = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
	pthread_mutexattr_t type;
	pthread_attr_t attr;

	peeps_thread_name("main");
	(void)pthread_mutexattr_init(&type);
	(void)pthread_mutexattr_settype(&type, PTHREAD_MUTEX_RECURSIVE);
	(void)peeps_mutex_init(&gate, argc > 2 ? argv[2] : "gate", &type);
	for (int i = 0; i < 3; i++)
		(void)peeps_mutex_lock(&gate);

	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, 256 << 10);
	start(&attr, wait_an_hour);
	for (long i = 1; i < count; i++)
		start(&attr, wait_for_ever);
	printf("%d\n", (int)getpid());
	(void)fflush(stdout);
	peeps_sleep_ns(UINT64_C(3600000000000));
	return 0;
}
