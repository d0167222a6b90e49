/* SPDX-License-Identifier: MIT */
/* Four threads that lock, and make and destroy locks, as fast as they can until they are killed: `busy`. `busy MS` exits then. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <peeps/peeps.h>

static struct peeps_mutex locks[2] = { PEEPS_MUTEX_INIT("first"), PEEPS_MUTEX_INIT("second") };

static void *work(void *number)
{
	char name[16];

	(void)snprintf(name, sizeof(name), "worker-%d", *(const int *)number);
	peeps_thread_name(name);
	for (unsigned int i = 0;; i++) {
		struct peeps_mutex *const lock = &locks[i % 2];
		struct peeps_mutex own;

		(void)peeps_mutex_lock(lock);
		(void)peeps_mutex_unlock(lock);
		if (i % 64 == 0 && peeps_mutex_init(&own, "comes and goes", NULL) == 0) {
			(void)peeps_mutex_lock(&own);
			(void)peeps_mutex_unlock(&own);
			(void)peeps_mutex_destroy(&own);
		}
	}
	return NULL;
}

int main(int argc, char **argv)
{
	static const int numbers[] = { 0, 1, 2, 3 };
	pthread_t thread;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (pthread_create(&thread, NULL, work, (void *)&numbers[i]) != 0)
			return EXIT_FAILURE;
	}
	(void)printf("%ld\n", (long)getpid());
	(void)fflush(stdout);
	if (argc > 1) {
		(void)usleep((useconds_t)atoi(argv[1]) * 1000);
		return EXIT_SUCCESS;
	}
	for (;;)
		(void)pause();
}
