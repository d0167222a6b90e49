/* SPDX-License-Identifier: MIT */
/*
 * So many pairs of lock and unlock, and nothing else that depends on their number: for counting instructions.
 *
 * usage: fast_path_count raw|peeps PAIRS
 *
 * Exits with 77 if this machine or process does not take the fast path (no membarrier: fence mode).
 */
#include <peeps/peeps.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t raw = PTHREAD_MUTEX_INITIALIZER;
static struct peeps_mutex mutex = PEEPS_MUTEX_INIT("bench.counted");

static void *end_at_once(void *unused)
{
	return unused;
}

/* From now on pthread locks as in a program with threads. This one never met the segment, so that no tick runs. */
static void have_had_a_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, end_at_once, NULL) != 0 ||
	    pthread_join(thread, NULL) != 0)
		exit(2);
}

static void pairs_raw(unsigned long count)
{
	for (unsigned long i = 0; i < count; i++) {
		(void)pthread_mutex_lock(&raw);
		(void)pthread_mutex_unlock(&raw);
	}
}

static void pairs_peeps(unsigned long count)
{
	for (unsigned long i = 0; i < count; i++) {
		(void)peeps_mutex_lock(&mutex);
		(void)peeps_mutex_unlock(&mutex);
	}
}

/* What the inline code asks of the thread and of the mutex, once both are known. */
static bool takes_the_fast_path(void)
{
	return !peeps_section_is_open(peeps_tls.thread) && peeps_hook_ready(&mutex.hook);
}

int main(int argc, char **argv)
{
	const bool ours = argc > 1 && strcmp(argv[1], "peeps") == 0;
	const unsigned long count = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;

	if (count == 0 || (!ours && strcmp(argv[1], "raw") != 0))
		return 2;
	have_had_a_thread();
	pairs_raw(1);
	pairs_peeps(1);
	if (!takes_the_fast_path())
		return 77;
	if (ours)
		pairs_peeps(count);
	else
		pairs_raw(count);
	return 0;
}
