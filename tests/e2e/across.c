/* SPDX-License-Identifier: MIT */
/*
 * usage: across OWN PEER
 *
 * Holds a lock of its own, "OWN", and waits for the lock "PEER" of the process PEER-PID, whose PID comes as a line on
 * standard input; PID 0 means nobody's. Prints its PID first, and "waiting" when it waits. With each line "again" it
 * gives up and waits anew; with another one it gives up, and prints "over". test_across.py says what must be seen.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <peeps/peeps.h>

static void hold(const char *name)
{
	const struct peeps_ref lock = peeps_entity_new(PEEPS_KIND_MUTEX, name);

	peeps_entity_set(lock, PEEPS_ATTR_MUTEX_HOLDER, peeps_actor_self().bits);
}

static struct peeps_ref wait_for(const char *peer, long pid)
{
	struct peeps_ref op;
	char id[128];

	(void)snprintf(id, sizeof(id), "mutex:%s-%ld:%s", peer, pid, peer);
	op = peeps_op_begin((struct peeps_ref){ 0 }, PEEPS_OP_LOCK, peeps_entity_foreign(id), 0);
	peeps_op_pend(op);
	return op;
}

static void say(const char *what)
{
	(void)puts(what);
	(void)fflush(stdout);
}

int main(int argc, char **argv)
{
	struct peeps_ref op;
	char line[32];
	long peer_pid;

	if (argc < 3)
		return EXIT_FAILURE;
	peeps_thread_name(argv[1]);
	hold(argv[1]);
	(void)printf("%ld\n", (long)getpid());
	(void)fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return EXIT_FAILURE;
	peer_pid = strtol(line, NULL, 10);
	do {
		op = wait_for(argv[2], peer_pid);
		say("waiting");
		if (!fgets(line, sizeof(line), stdin))
			break;
		peeps_op_end(op, PEEPS_STATE_CANCELLED);
	} while (strcmp(line, "again\n") == 0);
	say("over");
	for (;;)
		(void)pause();
}
