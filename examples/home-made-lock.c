/* SPDX-License-Identifier: MIT */
/*
 * home-made-lock - a lock of your own, shown like a mutex
 *
 * peeps has no wrapper for your primitive? Report to the registry what it does, as the lock below does, which
 * spins a little and then sleeps on a futex. The five calls that matter, in the order of the page:
 *
 *	peeps_entity_new()	there is a lock (peeps_entity_end(): there is none any more)
 *	peeps_op_begin()	somebody wants it
 *	peeps_op_pend()		and has to wait, from here on: before it sleeps
 *	peeps_op_end()		and has it, or gave up
 *	peeps_entity_set()	this actor holds it now; nobody does: before anybody else can have it
 *
 * None of them fails: with telemetry off they do nothing, and the lock is the same lock.
 *
 * alice and bob each take one of two such locks, and then want the other's. Prints its PID and runs until it is
 * killed; ask `peeps-read PID` meanwhile.
 *
 *	home-made-lock             the deadlock
 *	home-made-lock --ordered   both take the locks in one order: the same program without the mistake
 */
#include <linux/futex.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <peeps/peeps.h>

#define SPINS 100

struct lock {
	uint32_t word; /* 0 = free, 1 = taken, 2 = taken, and somebody may sleep */
	struct peeps_ref entity;
};

#define LOCK_INIT(lock, name) ((lock)->entity = peeps_entity_new(PEEPS_KIND_MUTEX, (name)))

static bool lock_try(struct lock *lock)
{
	uint32_t free_word = 0;

	return __atomic_compare_exchange_n(&lock->word, &free_word, 1, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

static void lock_wait(struct lock *lock, struct peeps_site *site)
{
	const struct peeps_ref me = peeps_actor_self();
	const struct peeps_ref op = peeps_op_begin_at(me, PEEPS_OP_LOCK, lock->entity, 0, site);

	peeps_op_pend(op);
	while (__atomic_exchange_n(&lock->word, 2, __ATOMIC_ACQUIRE) != 0) {
		(void)syscall(SYS_futex, &lock->word, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
		peeps_op_poll(op);
	}
	peeps_op_end(op, PEEPS_STATE_DONE);
}

static void lock_take_at(struct lock *lock, struct peeps_site *site)
{
	bool taken = false;

	for (int spin = 0; spin < SPINS && !taken; spin++)
		taken = lock_try(lock);
	if (!taken)
		lock_wait(lock, site);
	peeps_entity_set_at(lock->entity, PEEPS_ATTR_MUTEX_HOLDER, peeps_actor_self().bits, site);
}

/* So that the place shown is the caller's, not a line of ours. */
#define lock_take(lock) lock_take_at((lock), PEEPS_HERE)

static void lock_give(struct lock *lock)
{
	peeps_entity_set(lock->entity, PEEPS_ATTR_MUTEX_HOLDER, 0);
	if (__atomic_exchange_n(&lock->word, 0, __ATOMIC_RELEASE) == 2)
		(void)syscall(SYS_futex, &lock->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* --- the program --- */

static struct lock cellar, attic;
static pthread_barrier_t both_hold_one; /* before either asks for its second */
static bool ordered;

static void visit(struct lock *first, struct lock *second)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	for (;;) {
		lock_take(first);
		if (!ordered)
			(void)pthread_barrier_wait(&both_hold_one);
		lock_take(second);
		(void)nanosleep(&pause, NULL);
		lock_give(second);
		lock_give(first);
		(void)nanosleep(&pause, NULL); /* the lock is not fair */
	}
}

static void *alice(void *unused)
{
	peeps_thread_name("alice");
	visit(&cellar, &attic);
	return unused;
}

static void *bob(void *unused)
{
	peeps_thread_name("bob");
	visit(ordered ? &cellar : &attic, ordered ? &attic : &cellar);
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t threads[2];

	ordered = argc > 1 && strcmp(argv[1], "--ordered") == 0;
	LOCK_INIT(&cellar, "cellar");
	LOCK_INIT(&attic, "attic");
	(void)pthread_barrier_init(&both_hold_one, NULL, 2);
	(void)printf("%ld\n", (long)getpid());
	(void)fflush(stdout);
	if (pthread_create(&threads[0], NULL, alice, NULL) != 0 ||
	    pthread_create(&threads[1], NULL, bob, NULL) != 0) {
		(void)fprintf(stderr, "no thread\n");
		return EXIT_FAILURE;
	}
	(void)pthread_join(threads[0], NULL);
	peeps_entity_end(cellar.entity);
	peeps_entity_end(attic.entity);
	return EXIT_SUCCESS;
}
