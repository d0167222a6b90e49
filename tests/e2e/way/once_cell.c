/* SPDX-License-Identifier: MIT */
/* Everything that a once cell does, and errno as it was before. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/e2e/way/way.h"

#define ERRNO_BEFORE 4711
#define LONG_NS      UINT64_C(20000000000)
#define SHORT_NS     UINT64_C(20000000)

#define SAY(call)                                                        \
	do {                                                             \
		int say_result;                                          \
		errno = ERRNO_BEFORE;                                    \
		say_result = (call);                                     \
		way_say("%s = %d%s", #call, say_result,                  \
			errno == ERRNO_BEFORE ? "" : ", errno changed"); \
	} while (0)

static struct peeps_once_cell still = PEEPS_ONCE_CELL_INIT("static");

static char thing, other_thing;

static const char *name_of(const void *value)
{
	return value == &thing ? "thing" : value == &other_thing ? "other" : value ? "?" : "none";
}

static int make(void *count, void **value)
{
	++*(int *)count;
	*value = &thing;
	errno = ERRNO_BEFORE;
	return 0;
}

static int fail(void *count, void **value)
{
	(void)value;
	++*(int *)count;
	return -EIO;
}

static void results_of(struct peeps_once_cell *cell)
{
	void *value = &other_thing;
	int made = 0, failed = 0;

	SAY(peeps_once_cell_get(cell, &value));
	SAY(peeps_once_cell_get_or_init(cell, fail, &failed, &value));
	SAY(peeps_once_cell_try_get_or_init(cell, fail, &failed, &value));
	SAY(peeps_once_cell_timed_get_or_init(cell, fail, &failed, SHORT_NS, &value));
	SAY(peeps_once_cell_get(cell, &value));
	way_say("value %s, failed %d", name_of(value), failed);
	SAY(peeps_once_cell_get_or_init(cell, make, &made, &value));
	way_say("value %s, made %d", name_of(value), made);
	value = NULL;
	SAY(peeps_once_cell_get_or_init(cell, fail, &failed, &value));
	SAY(peeps_once_cell_try_get_or_init(cell, fail, &failed, &value));
	SAY(peeps_once_cell_timed_get_or_init(cell, fail, &failed, 0, &value));
	SAY(peeps_once_cell_get(cell, &value));
	SAY(peeps_once_cell_set(cell, &other_thing));
	way_say("value %s, made %d, failed %d", name_of(value), made, failed);
	value = NULL;
	SAY(peeps_once_cell_destroy(cell, &value));
	way_say("had %s", name_of(value));
}

static void results(void)
{
	struct peeps_once_cell cell;
	void *value = &thing;

	for (int round = 0; round < 2; round++)
		results_of(&still);
	peeps_once_cell_init(&cell, "cell");
	results_of(&cell);
	peeps_once_cell_init(&cell, NULL);
	SAY(peeps_once_cell_set(&cell, NULL));
	SAY(peeps_once_cell_get(&cell, &value));
	way_say("value %s", name_of(value));
	SAY(peeps_once_cell_destroy(&cell, NULL));
	SAY(peeps_once_cell_get(&cell, &value));
	SAY(peeps_once_cell_destroy(&cell, NULL));
}

/* From inside the initialization. */
static int recurse(void *argument, void **value)
{
	struct peeps_once_cell *const cell = argument;
	int count = 0;

	SAY(peeps_once_cell_get_or_init(cell, make, &count, value));
	SAY(peeps_once_cell_try_get_or_init(cell, make, &count, value));
	SAY(peeps_once_cell_timed_get_or_init(cell, make, &count, LONG_NS, value));
	SAY(peeps_once_cell_get(cell, value));
	SAY(peeps_once_cell_set(cell, &other_thing));
	SAY(peeps_once_cell_destroy(cell, NULL));
	*value = &other_thing;
	return 0;
}

static void recursive(void)
{
	struct peeps_once_cell cell;
	void *value = NULL;

	peeps_once_cell_init(&cell, "recursive");
	SAY(peeps_once_cell_get_or_init(&cell, recurse, &cell, &value));
	way_say("value %s", name_of(value));
	SAY(peeps_once_cell_destroy(&cell, NULL));
}

/* One that takes its time, as it is told to. */
struct slow {
	struct peeps_once_cell cell;
	sem_t begun, go_on;
	int result; /* of the initialization */
	int tries;
};

static int make_slowly(void *argument, void **value)
{
	struct slow *const slow = argument;

	slow->tries++;
	(void)sem_post(&slow->begun);
	while (sem_wait(&slow->go_on) != 0)
		;
	*value = &thing;
	return slow->result;
}

static void *fill(void *argument)
{
	struct slow *const slow = argument;
	void *value = NULL;

	return (void *)(intptr_t)peeps_once_cell_get_or_init(&slow->cell, make_slowly, slow,
							     &value);
}

struct waiter {
	struct slow *slow;
	int made, result;
	void *value;
	pthread_t thread;
};

static void *wait_for_it(void *argument)
{
	struct waiter *const w = argument;

	w->result = peeps_once_cell_timed_get_or_init(&w->slow->cell, make, &w->made, LONG_NS,
						      &w->value);
	return NULL;
}

#define WAITERS 4

static void waits_for(int result)
{
	struct waiter waiters[WAITERS] = { { 0 } };
	struct slow slow = { .result = result };
	int made = 0, good = 0, count = 0;
	void *value = NULL, *filled;
	pthread_t filler;

	(void)sem_init(&slow.begun, 0, 0);
	(void)sem_init(&slow.go_on, 0, 0);
	peeps_once_cell_init(&slow.cell, "slow");
	(void)pthread_create(&filler, NULL, fill, &slow);
	(void)sem_wait(&slow.begun);
	SAY(peeps_once_cell_get(&slow.cell, &value));
	SAY(peeps_once_cell_try_get_or_init(&slow.cell, make, &count, &value));
	SAY(peeps_once_cell_timed_get_or_init(&slow.cell, make, &count, SHORT_NS, &value));
	SAY(peeps_once_cell_set(&slow.cell, &other_thing));
	SAY(peeps_once_cell_destroy(&slow.cell, NULL));
	for (int i = 0; i < WAITERS; i++) {
		waiters[i].slow = &slow;
		(void)pthread_create(&waiters[i].thread, NULL, wait_for_it, &waiters[i]);
	}
	way_sleep_ms(20);
	(void)sem_post(&slow.go_on);
	(void)pthread_join(filler, &filled);
	for (int i = 0; i < WAITERS; i++) {
		(void)pthread_join(waiters[i].thread, NULL);
		made += waiters[i].made;
		good += waiters[i].result == 0 && waiters[i].value == &thing;
	}
	way_say("filler %d, by waiters %d, good %d", (int)(intptr_t)filled, made, good);
	SAY(peeps_once_cell_destroy(&slow.cell, &value));
	way_say("had %s", name_of(value));
}

static void waits(void)
{
	waits_for(0);
	waits_for(-EIO); /* one of those who wait does it */
}

/* Who is cancelled while he fills it leaves it empty. */
static void cancelled(void)
{
	struct waiter waiter = { 0 };
	struct slow slow = { 0 };
	pthread_t filler;
	void *result;

	(void)sem_init(&slow.begun, 0, 0);
	(void)sem_init(&slow.go_on, 0, 0);
	peeps_once_cell_init(&slow.cell, "cancelled");
	(void)pthread_create(&filler, NULL, fill, &slow);
	(void)sem_wait(&slow.begun);
	waiter.slow = &slow;
	(void)pthread_create(&waiter.thread, NULL, wait_for_it, &waiter);
	way_sleep_ms(20);
	(void)pthread_cancel(filler);
	(void)pthread_join(filler, &result);
	(void)pthread_join(waiter.thread, NULL);
	way_say("cancelled %d, then %d by the waiter: %d", result == PTHREAD_CANCELED, waiter.made,
		waiter.result);
	SAY(peeps_once_cell_destroy(&slow.cell, NULL));
}

/* In the child nobody fills it any more; one that is filled is filled there, too. */
static void forked(void)
{
	struct slow slow = { 0 };
	void *value = NULL;
	pthread_t filler;
	int made = 0;
	pid_t child;

	(void)sem_init(&slow.begun, 0, 0);
	(void)sem_init(&slow.go_on, 0, 0);
	peeps_once_cell_init(&slow.cell, "forked");
	SAY(peeps_once_cell_set(&still, &other_thing));
	(void)pthread_create(&filler, NULL, fill, &slow);
	(void)sem_wait(&slow.begun);
	child = fork();
	if (child == 0) {
		SAY(peeps_once_cell_get(&slow.cell, &value));
		SAY(peeps_once_cell_get_or_init(&slow.cell, make, &made, &value));
		way_say("child: value %s", name_of(value));
		SAY(peeps_once_cell_get(&still, &value));
		way_say("child: value %s", name_of(value));
		_exit(0);
	}
	way_say_child("child", child);
	(void)sem_post(&slow.go_on);
	(void)pthread_join(filler, NULL);
	SAY(peeps_once_cell_get(&slow.cell, &value));
	SAY(peeps_once_cell_destroy(&slow.cell, NULL));
}

static void plain_symbols(void)
{
	struct peeps_once_cell cell;
	int results[7], made = 0, i = 0;
	void *value = NULL;

	for (int round = 0; round < 2; round++) {
		i = 0;
		(peeps_once_cell_init)(&cell, "plain");
		results[i++] = (peeps_once_cell_get)(&cell, &value);
		results[i++] = (peeps_once_cell_timed_get_or_init)(&cell, fail, &made, 1, &value);
		results[i++] = (peeps_once_cell_try_get_or_init)(&cell, fail, &made, &value);
		results[i++] = (peeps_once_cell_get_or_init)(&cell, make, &made, &value);
		results[i++] = (peeps_once_cell_set)(&cell, &other_thing);
		results[i++] = (peeps_once_cell_get)(&cell, &value);
		results[i++] = (peeps_once_cell_destroy)(&cell, &value);
		for (int j = 0; j < i; j++)
			way_say("%d: %d", j, results[j]);
	}
}

/* Many for few cells, over and over, of which some fail; each value is made once and seen whole. */
#define CELLS  3
#define RACERS 8
static struct {
	struct peeps_once_cell cell;
	int attempts, made;
	long first, second;
} races[CELLS];
static pthread_barrier_t round_begun, round_over;

static int make_or_fail(void *argument, void **value)
{
	__typeof__(&races[0]) race = argument;

	if (__atomic_fetch_add(&race->attempts, 1, __ATOMIC_RELAXED) % 3 == 0)
		return -EIO;
	race->made++;
	race->first++;
	race->second++;
	*value = race;
	return 0;
}

static void *race(void *rounds)
{
	for (intptr_t i = 0; i < (intptr_t)rounds; i++) {
		(void)pthread_barrier_wait(&round_begun);
		for (int c = 0; c < CELLS; c++) {
			void *value = NULL;
			int result;

			while ((result = peeps_once_cell_get_or_init(&races[c].cell, make_or_fail,
								     &races[c], &value)) != 0)
				if (result != -EIO)
					way_wrong("get_or_init");
			if (value != &races[c] || races[c].first != races[c].second)
				way_wrong("half a value");
		}
		(void)pthread_barrier_wait(&round_over);
	}
	return NULL;
}

static void contention(void)
{
	const int rounds = way_scaled(300);
	pthread_t threads[RACERS];
	int failed = 0;

	(void)pthread_barrier_init(&round_begun, NULL, RACERS + 1);
	(void)pthread_barrier_init(&round_over, NULL, RACERS + 1);
	for (int c = 0; c < CELLS; c++)
		peeps_once_cell_init(&races[c].cell, "race");
	for (int i = 0; i < RACERS; i++)
		(void)pthread_create(&threads[i], NULL, race, (void *)(intptr_t)rounds);
	for (int i = 0; i < rounds; i++) {
		(void)pthread_barrier_wait(&round_begun);
		(void)pthread_barrier_wait(&round_over);
		for (int c = 0; c < CELLS; c++) {
			failed += races[c].made != i + 1;
			failed += peeps_once_cell_destroy(&races[c].cell, NULL) != 0;
			peeps_once_cell_init(&races[c].cell, "race");
		}
	}
	for (int i = 0; i < RACERS; i++)
		(void)pthread_join(threads[i], NULL);
	way_say("rounds %d, failed %d", rounds, failed);
}

WAY_MAIN({ "results", results }, { "recursive", recursive }, { "waits", waits },
	 { "cancelled", cancelled }, { "forked", forked }, { "plain_symbols", plain_symbols },
	 { "contention", contention })
