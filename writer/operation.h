/* SPDX-License-Identifier: MIT */
/* Operations that have to wait: an edge from the calling actor to a resource, from before it blocks
 * until after. */
#ifndef PEEPS_WRITER_OPERATION_H
#define PEEPS_WRITER_OPERATION_H

#include <stdbool.h>
#include <stdint.h>

#include <peeps/kinds.h>
#include "writer/rest.h"
#include "writer/thread.h"
#include "writer/update.h"

/**
 * struct operation - one in flight; slot NULL = not recorded
 */
struct operation {
	struct peeps_edge_slot *slot;
	/* in the thread's edges; -1 for a thread without a record: the slot goes back to the pool */
	int place;
	uint64_t since_ns;
};

/**
 * struct operation_new - what the calling actor is about to wait for
 * @target:  ref of the resource
 * @site:    id
 * @details: by op, as kinds.def says
 * @polls:   how often it was tried, this time included; 0 = once
 */
struct operation_new {
	enum peeps_op op;
	uint64_t target;
	uint64_t site;
	uint64_t details[PEEPS_DETAIL_WORDS];
	uint32_t polls;
};

/* Record it, stamped with the clock. Without room: dropped and counted. */
void operation_pend(struct operation *operation, struct self *self,
		    const struct operation_new *new);

/* The same in two steps, for who writes more in that section: take a slot and stamp it with the clock, then write its
 * beginning, inside a section that declares the slot, and touched it. False: without room, and counted. */
bool operation_choose(struct operation *operation, struct self *self);
void operation_write_begin(const struct operation *operation, const struct self *self,
			   const struct operation_new *new);

/* Write its end into the slot: inside a section that declares it, and touched it. @reason: errno if
 * it failed. */
void operation_write_end(const struct operation *operation, enum peeps_state state, uint64_t now_ns,
			 uint64_t reason);

/* The same in a section of its own. */
void operation_end(struct operation *operation, struct self *self, enum peeps_state state,
		   uint64_t now_ns, uint64_t reason);

/**
 * operations_left - end the waits that this thread has left by siglongjmp: they would else be shown as
 * pending for ever
 * @frame: a stack pointer; that frame is known to be gone, and all below it; 0 = none is
 */
void operations_left(struct self *self, uint64_t frame);

/* After the end was written: the slot may be used for another one. */
void operation_release(struct operation *operation, struct self *self, struct rest rest);

#endif
