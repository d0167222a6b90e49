/* SPDX-License-Identifier: MIT */
/* Threads that somebody waits for: also one that has recorded nothing yet has an entity then, which it takes over when it
 * does. */
#ifndef PEEPS_WRITER_AWAITED_H
#define PEEPS_WRITER_AWAITED_H

#include <pthread.h>
#include <stdint.h>

#include "writer/thread.h"

/* In a new segment: nobody is waited for. Process lock held. */
void awaited_init(void);

/**
 * awaited_begin - the calling thread is about to wait for @thread's end
 *
 * Returns the ref of its entity, for awaited_end(); 0 without room for one (counted). Makes a syscall for a thread that
 * has recorded something. Context: process lock not held.
 */
uint64_t awaited_begin(struct self *self, pthread_t thread);

/* The wait is over, and its operation. An entity that its thread never took over ends with the last who waits for it. */
void awaited_end(struct self *self, uint64_t entity);

/**
 * awaited_claim - the entity that was made for the calling thread, which registers
 * @word: the entity's first body word from now on
 *
 * Returns NULL if there is none. Context: process lock held.
 */
struct peeps_entity_slot *awaited_claim(struct self *self, uint64_t word);

#endif
