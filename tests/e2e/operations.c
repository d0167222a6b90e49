/* SPDX-License-Identifier: MIT */
/*
 * Operations of the registry in every state, two of which are the same; one that begins on one thread and ends on another;
 * and a wait for a mutex, which ends when a line comes on standard input. Prints its PID, and then stays as it is.
 * test_operations.py says what must be seen.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <peeps/peeps.h>

static struct peeps_mutex door = PEEPS_MUTEX_INIT("door");
static struct peeps_ref moved; /* under the door */

static void *knock(void *unused)
{
	peeps_thread_name("guest");
	(void)peeps_mutex_lock(&door);
	(void)peeps_mutex_unlock(&door);
	peeps_op_end(moved, PEEPS_STATE_DONE);
	for (;;)
		(void)pause();
	return unused;
}

static struct peeps_ref wait_for(struct peeps_ref actor, struct peeps_ref bell)
{
	const struct peeps_ref op = peeps_op_begin(actor, PEEPS_OP_NOTIFY_WAIT, bell, 0);

	peeps_op_pend(op);
	return op;
}

int main(void)
{
	struct peeps_ref poller, before, bell;
	pthread_t guest;

	peeps_thread_name("main");
	poller = peeps_task_new("poller");
	before = peeps_task_enter(poller);
	bell = peeps_entity_new(PEEPS_KIND_NOTIFY, "bell");
	for (int twice = 0; twice < 2; twice++)
		(void)wait_for((struct peeps_ref){ 0 }, bell);
	(void)peeps_op_begin(poller, PEEPS_OP_RECV, bell, 0); /* begun, and not blocked */
	moved = wait_for(poller, bell);
	peeps_op_poll(moved);
	peeps_op_poll(moved);
	peeps_op_resume(moved);
	peeps_op_fail(wait_for(poller, bell), ETIMEDOUT);
	peeps_op_end(wait_for(poller, bell), PEEPS_STATE_CANCELLED);
	peeps_task_leave(before);
	(void)peeps_mutex_lock(&door);
	if (pthread_create(&guest, NULL, knock, NULL) != 0)
		return EXIT_FAILURE;
	(void)printf("%ld\n", (long)getpid());
	(void)fflush(stdout);
	(void)getchar();
	(void)peeps_mutex_unlock(&door);
	for (;;)
		(void)pause();
}
