/* SPDX-License-Identifier: MIT */
/*
 * usage: messenger FD POSITION   one of MESSENGERS processes in a circle, each of which sends numbered messages to the
 * next until the stage (FD) says stop
 *
 * A message is its number in the sender's row of the stage. Recorded are `sent`, before a message can be seen, and
 * `received`, after one was.
 */
#include "tests/stress/messenger.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <peeps/peeps.h>

static void record(struct peeps_ref count, uint64_t number)
{
	peeps_entity_set(count, PEEPS_ATTR_MUTEX_WAIT_TOTAL, number);
}

int main(int argc, char **argv)
{
	struct peeps_ref sent, received;
	uint64_t *own, *peer;
	uint64_t seen = 0;
	struct stage *stage;
	size_t position;

	if (argc < 3)
		return 2;
	stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE, MAP_SHARED,
		     (int)strtol(argv[1], NULL, 10), 0);
	if (stage == MAP_FAILED)
		return 2;
	position = strtoul(argv[2], NULL, 10) % MESSENGERS;
	own = &stage->threads[position].rounds;
	peer = &stage->threads[(position + MESSENGERS - 1) % MESSENGERS].rounds;
	sent = peeps_entity_new(PEEPS_KIND_MUTEX, "sent");
	received = peeps_entity_new(PEEPS_KIND_MUTEX, "received");
	for (uint64_t number = 1; !peeps_load_relaxed(&stage->stop); number++) {
		const uint64_t message = peeps_load_acquire(peer);

		if (message != seen)
			record(received, message);
		seen = message;
		record(sent, number);
		peeps_store_release(own, number);
	}
	return 0;
}
