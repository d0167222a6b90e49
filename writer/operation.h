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

bool operations_init(void);

/**
 * struct operation - one in flight; slot NULL = not recorded
 */
struct operation {
	struct peeps_edge_slot *slot;
	uint32_t index;
	/* in the thread's edges; -1 for a thread without a record: the slot goes back to the pool */
	int place;
	uint64_t since_ns;
};

/**
 * operation_pend - the calling actor is about to wait
 * @target: ref of the resource
 * @site:   id
 */
void operation_pend(struct operation *operation, struct self *self, enum peeps_op op,
		    uint64_t target, uint64_t site);

/* Write its end into the slot: inside a section that declares it, and touched it. @reason: errno if
 * it failed. */
void operation_write_end(const struct operation *operation, enum peeps_state state, uint64_t now_ns,
			 uint64_t reason);

/* The same in a section of its own. */
void operation_end(struct operation *operation, struct self *self, enum peeps_state state,
		   uint64_t now_ns, uint64_t reason);

/* After the end was written: the slot may be used for another one. */
void operation_release(struct operation *operation, struct self *self, struct rest rest);

#endif
