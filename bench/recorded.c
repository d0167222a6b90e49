/* SPDX-License-Identifier: MIT */
/*
 * A program that is recorded (bench/recording): so many mutexes, and a thread that locks and unlocks one after the other.
 * For each line on standard input it works for 200 ms, and prints how many pairs that were, and the ns of processor time
 * that they took: others may want the processors, too. Ends with its input.
 *
 * usage: recorded MUTEXES
 */
#include <peeps/peeps.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUND_NS    UINT64_C(200000000)
#define BATCH       1024
#define MUTEXES_MAX 1000000
#define NAME_BYTES  64

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static struct peeps_mutex *make(size_t count)
{
	struct peeps_mutex *mutexes = calloc(count, sizeof(*mutexes));
	char name[NAME_BYTES];

	for (size_t i = 0; mutexes && i < count; i++) {
		(void)snprintf(name, sizeof(name), "orders.lock-%05zu", i);
		(void)peeps_mutex_init(&mutexes[i], name, NULL);
		(void)peeps_mutex_lock(&mutexes[i]); /* it is recorded from then on */
		(void)peeps_mutex_unlock(&mutexes[i]);
	}
	return mutexes;
}

static uint64_t work(struct peeps_mutex *mutexes, size_t count)
{
	const uint64_t end_ns = clock_ns(CLOCK_MONOTONIC) + ROUND_NS;
	uint64_t pairs = 0;

	while (clock_ns(CLOCK_MONOTONIC) < end_ns) {
		for (size_t i = 0; i < BATCH; i++, pairs++) {
			struct peeps_mutex *const mutex = &mutexes[pairs % count];

			(void)peeps_mutex_lock(mutex);
			(void)peeps_mutex_unlock(mutex);
		}
	}
	return pairs;
}

int main(int argc, char **argv)
{
	const size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	struct peeps_mutex *mutexes;
	char line[16];

	if (count == 0 || count > MUTEXES_MAX)
		return EXIT_FAILURE;
	mutexes = make(count);
	if (!mutexes)
		return EXIT_FAILURE;
	(void)printf("ready\n");
	(void)fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		const uint64_t begun_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		const uint64_t pairs = work(mutexes, count);

		(void)printf("%" PRIu64 " %" PRIu64 "\n", pairs,
			     clock_ns(CLOCK_THREAD_CPUTIME_ID) - begun_ns);
		(void)fflush(stdout);
	}
	free(mutexes);
	return EXIT_SUCCESS;
}
