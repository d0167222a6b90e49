/* SPDX-License-Identifier: MIT */
/*
 * Everything that a program can name has a name that terminals would obey, that reorders what stands behind it, that
 * breaks lines, or that is no UTF-8. Prints its PID and stays as it is: two threads in a deadlock, a third that waits for
 * permits, a fourth for room in a channel. test_hostile_names.py says what must not be seen.
 */
#define NASTY                                                                                   \
	"nasty\x1b[31m\x1b]0;title\x07\r\n\t\b\x7f"                                             \
	"\xc2\x9b"                                                                              \
	"31m\xe2\x80\xae"                          /* C1 CSI; right-to-left override */         \
	"\xe2\x80\xa8\xef\xbb\xbf\xf3\xa0\x81\x81" /* line separator, byte order mark, a tag */ \
	"\xff\xfe\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80 \\x1b %s %n end"
#define PEEPS_MODULE NASTY

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <peeps/peeps.h>

static struct peeps_mutex left = PEEPS_MUTEX_INIT("left " NASTY);
static struct peeps_mutex right = PEEPS_MUTEX_INIT("right " NASTY);
static struct peeps_sem *gate;
static struct peeps_mpsc_tx *tx;
static pthread_barrier_t both;

/* Where the calls stand, as a file of such a name, as far as compilers put up with it. */
#line 1 "/src/nasty\x1b[31m\x7f\xc2\x9b.c"

static void *lock_left(void *unused)
{
	peeps_thread_name("lefty " NASTY);
	(void)peeps_mutex_lock(&left);
	(void)pthread_barrier_wait(&both);
	(void)peeps_mutex_lock(&right);
	return unused;
}

static void *lock_right(void *unused)
{
	peeps_thread_name("righty " NASTY);
	(void)peeps_mutex_lock(&right);
	(void)pthread_barrier_wait(&both);
	(void)peeps_mutex_lock(&left);
	return unused;
}

static void *acquire(void *unused)
{
	const struct peeps_ref task = peeps_task_new("task " NASTY);

	(void)peeps_task_enter(task);
	(void)peeps_sem_acquire(gate, 1);
	return unused;
}

static void *send(void *unused)
{
	const int item = 0;

	(void)pthread_setname_np(pthread_self(), "k\x1b[31m\n\xc2\x9b\xff");
	for (;;)
		(void)peeps_mpsc_send(tx, &item);
	return unused;
}

static void describe(void)
{
	const struct peeps_scope scope = peeps_scope_new(PEEPS_SCOPE_KIND_USER, "scope " NASTY);
	const struct peeps_ref bell =
		peeps_entity_new_noted(PEEPS_KIND_NOTIFY, "bell " NASTY, "note " NASTY);
	const struct peeps_ref op =
		peeps_op_begin((struct peeps_ref){ 0 }, PEEPS_OP_NOTIFY_WAIT, bell, 0);
	const struct peeps_ref foreign = peeps_entity_foreign("request:nasty-1:" NASTY);

	peeps_scope_add(scope, bell);
	peeps_op_fail(op, ETIMEDOUT);
	peeps_op_pend(peeps_op_begin((struct peeps_ref){ 0 }, PEEPS_OP_RPC_WAIT, foreign, 0));
	(void)peeps_entity_new(PEEPS_KIND_REQUEST, NASTY);
}

int main(void)
{
	static void *(*const bodies[])(void *) = { lock_left, lock_right, acquire, send };
	struct peeps_mpsc_rx *rx;
	pthread_t thread;

	if (pthread_barrier_init(&both, NULL, 2) != 0 ||
	    peeps_sem_new(&gate, "gate " NASTY, 1) != 0 ||
	    peeps_mpsc_new(&tx, &rx, "queue " NASTY, sizeof(int), 1) != 0)
		return EXIT_FAILURE;
	(void)peeps_sem_acquire(gate, 1);
	describe();
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		if (pthread_create(&thread, NULL, bodies[i], NULL) != 0)
			return EXIT_FAILURE;
	}
	(void)printf("%ld\n", (long)getpid());
	(void)fflush(stdout);
	for (;;)
		(void)pause();
}
