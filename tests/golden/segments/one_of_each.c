/* SPDX-License-Identifier: MIT */
/*
 * One of each thing that layout 1.0 can say: a recursive mutex held twice, a rwlock that is read, and asked for to write,
 * and one that is written, a condition that is waited for, permits held and waited for, a channel with
 * items in it, a task put aside and one that sleeps, scopes, a note, a foreign entity behind a link, an entity and a
 * lock of the program's own, and operations in every state. Prints its PID, and stays as it is.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <peeps/peeps.h>

#define HOUR_NS UINT64_C(3600000000000)

static struct peeps_mutex nested;
static struct peeps_mutex told_lock = PEEPS_MUTEX_INIT("told lock");
static struct peeps_cond told = PEEPS_COND_INIT("told");
static struct peeps_rwlock config = PEEPS_RWLOCK_INIT("config");
static struct peeps_rwlock routes = PEEPS_RWLOCK_INIT("routes");
static struct peeps_sem *gate;
static struct peeps_mpsc_tx *tx;
static struct peeps_mpsc_rx *rx;
static pthread_barrier_t ready;

static void *waiter(void *unused)
{
	peeps_thread_name("waiter");
	(void)pthread_barrier_wait(&ready);
	(void)peeps_sem_acquire(gate, 2);
	return unused;
}

static void *scribe(void *unused)
{
	peeps_thread_name("scribe");
	(void)peeps_rwlock_wrlock(&routes);
	(void)pthread_barrier_wait(&ready);
	(void)peeps_rwlock_wrlock(&config);
	return unused;
}

static void *listener(void *unused)
{
	peeps_thread_name("listener");
	(void)peeps_rwlock_rdlock(&config);
	(void)peeps_rwlock_rdlock(&config);
	(void)peeps_cond_signal(&told);
	(void)peeps_mutex_lock(&told_lock);
	(void)pthread_barrier_wait(&ready);
	(void)peeps_cond_wait(&told, &told_lock);
	return unused;
}

static void *sleeper(void *unused)
{
	const struct peeps_ref task = peeps_task_new("nap");

	peeps_thread_name("sleeper \xff\x1b[31m"); /* what no terminal should obey */
	(void)peeps_task_enter(task);
	peeps_mpsc_rx_moved(rx);
	(void)pthread_barrier_wait(&ready);
	(void)peeps_sleep_ns(HOUR_NS);
	return unused;
}

static void use_wrappers(void)
{
	pthread_mutexattr_t recursive;

	(void)pthread_mutexattr_init(&recursive);
	(void)pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
	(void)peeps_mutex_init(&nested, "nested", &recursive);
	(void)peeps_mutex_lock(&nested);
	(void)peeps_mutex_lock(&nested);
	(void)peeps_sem_acquire(gate, 2);
	peeps_mpsc_tx_moved(tx);
	for (int item = 0; item < 3; item++)
		(void)peeps_mpsc_send(tx, &item);
	(void)peeps_mpsc_recv(rx, &(int){ 0 });
}

static struct peeps_ref wait_for(struct peeps_ref bell)
{
	const struct peeps_ref op =
		peeps_op_begin((struct peeps_ref){ 0 }, PEEPS_OP_NOTIFY_WAIT, bell, 0);

	peeps_op_pend(op);
	return op;
}

static void use_registry(void)
{
	const struct peeps_ref bell =
		peeps_entity_new_noted(PEEPS_KIND_NOTIFY, "bell", "rung by hand");
	const struct peeps_ref own = peeps_entity_new(PEEPS_KIND_RWLOCK, "own lock");
	const struct peeps_ref request = peeps_entity_new(PEEPS_KIND_REQUEST, "conn_1:7");
	const struct peeps_ref aside = peeps_task_new("aside");
	const struct peeps_scope boot = peeps_scope_new(PEEPS_SCOPE_KIND_USER, "boot");

	(void)peeps_link(PEEPS_EDGE_HOLDS, own, peeps_actor_self());
	(void)peeps_link(PEEPS_EDGE_RPC_LINK, request,
			 peeps_entity_foreign("response:other-1:conn_1:7"));
	peeps_scope_add(boot, bell);
	peeps_scope_add(boot, aside);
	(void)peeps_op_begin((struct peeps_ref){ 0 }, PEEPS_OP_RECV, bell, 0); /* active */
	peeps_op_end(wait_for(bell), PEEPS_STATE_DONE);
	peeps_op_end(wait_for(bell), PEEPS_STATE_CANCELLED);
	peeps_op_fail(wait_for(bell), ETIMEDOUT);
	peeps_op_poll(wait_for(bell)); /* stays pending */
}

int main(void)
{
	pthread_t thread;

	peeps_thread_name("main");
	if (peeps_sem_new(&gate, "gate", 3) != 0 ||
	    peeps_mpsc_new(&tx, &rx, "jobs", sizeof(int), 4) != 0 ||
	    pthread_barrier_init(&ready, NULL, 5) != 0)
		return EXIT_FAILURE;
	use_wrappers();
	use_registry();
	if (pthread_create(&thread, NULL, waiter, NULL) != 0 ||
	    pthread_create(&thread, NULL, scribe, NULL) != 0 ||
	    pthread_create(&thread, NULL, listener, NULL) != 0 ||
	    pthread_create(&thread, NULL, sleeper, NULL) != 0)
		return EXIT_FAILURE;
	(void)pthread_barrier_wait(&ready);
	(void)printf("%ld\n", (long)getpid());
	(void)fflush(stdout);
	for (;;)
		(void)pause();
}
