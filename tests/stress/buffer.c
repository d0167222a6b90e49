/* SPDX-License-Identifier: MIT */
/*
 * What a processor's store buffer can do to the protocol, made likely: stores that miss every cache hold up the stores
 * of the two sections behind them, while these have loaded the epoch long ago. The sections are written by hand, because
 * a lock's own atomic instruction would empty the buffer. The second slot never gets ahead of the first.
 */
#include "tests/stress/scenes.h"
#include "tests/stress/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <peeps/mutex.h>

#define COLD_BYTES ((size_t)64 << 20)

static struct peeps_mutex slots[BUFFER_SLOTS];
static unsigned char *cold;

static void count(const struct peeps_mutex *m, uint64_t to)
{
	struct peeps_thread *const thread = peeps_tls.thread;
	struct peeps_entity_slot *const slot = m->hook.slot;
	const uint64_t epoch = peeps_section_begin(thread, peeps_tls.control, slot);

	peeps_entity_touch(slot, epoch, thread);
	peeps_store_relaxed(&slot->body[PEEPS_MUTEX_ACQUIRES_WORD], to);
	peeps_section_end(thread);
}

static void run(void *unused)
{
	(void)unused;
	for (int i = 0; i < BUFFER_SLOTS; i++) {
		(void)peeps_mutex_lock(&slots[i]); /* now this thread has the right to the slot */
		count(&slots[i], 1);
	}
	target_ready();
	for (uint64_t number = 2; !target_stops(); number++) {
		uint64_t place = target_random();

		for (int i = 0; i < BUFFER_COLD;
		     i++, place = place * UINT64_C(6364136223846793005) + 1)
			*(volatile unsigned char *)&cold[(place >> 20) % COLD_BYTES] =
				(unsigned char)number;
		for (int i = 0; i < BUFFER_SLOTS; i++)
			count(&slots[i], number);
		target_round();
	}
}

void buffer_start(void)
{
	char name[16];

	cold = malloc(COLD_BYTES);
	target_must(cold != NULL, "there is memory");
	memset(cold, 1, COLD_BYTES);
	(void)peeps_mutex_init(&slots[0], "buffer-0", NULL);
	target_gap();
	for (int i = 1; i < BUFFER_SLOTS; i++) {
		(void)snprintf(name, sizeof(name), "buffer-%d", i);
		(void)peeps_mutex_init(&slots[i], name, NULL);
	}
	(void)target_thread("buffer", run, NULL);
}
