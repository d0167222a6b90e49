/* SPDX-License-Identifier: MIT */
/*
 * What the record of any channel's ends is made of: where a call comes from, whose a handle is, and the waits
 * at an end. Compiled twice: with PEEPS_DISABLE none of it takes room, and nothing is done.
 */
#ifndef PEEPS_WRITER_ENDPOINT_H
#define PEEPS_WRITER_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include <peeps/kinds.h>

#ifdef PEEPS_DISABLE

struct endpoint_call {
};
struct endpoint_owner {
};
struct endpoint_wait {
};

/* clang-format off */
#define ENDPOINT_CALL(the_site) (&(const struct endpoint_call){})
static inline void endpoint_left(struct endpoint_owner *owner, const struct endpoint_call *call) { (void)owner, (void)call; }
static inline void endpoint_failed(struct endpoint_wait *wait, int error, const struct endpoint_call *call) { (void)wait, (void)error, (void)call; }
static inline void endpoint_cancelled(struct endpoint_wait *wait, const struct endpoint_call *call) { (void)wait, (void)call; }
static inline void endpoint_misused(void) { }
/* clang-format on */

#else

#include <peeps/hook.h>
#include "writer/hold.h"
#include "writer/operation.h"
#include "writer/process.h"
#include "writer/rest.h"
#include "writer/thread.h"

/* Where in the program a call comes from. */
struct endpoint_call {
	struct peeps_site *site;
	uint64_t stack; /* CALLER_STACK() */
};

/* In an exported function. */
#define ENDPOINT_CALL(the_site) \
	(&(const struct endpoint_call){ .site = (the_site), .stack = CALLER_STACK() })

/* The call's place, if anything that it says may be looked at: another layout's may not. */
struct peeps_site *endpoint_site(const struct endpoint_call *call);

/**
 * struct recording - a stretch of recording, if there is one
 * @self: NULL = nothing can be recorded
 *
 * A thread of which nothing can be recorded handles items and ends all the same: as nobody, so that what is
 * counted stays true, and what is over goes.
 */
struct recording {
	struct self *self;
	struct self nobody;
	const struct endpoint_call *call;
	int saved_errno;
};

/* Returns whether anything can be recorded; to be ended with recording_leave() in any case. */
bool recording_enter(struct recording *recording, const struct endpoint_call *call);
void recording_leave(const struct recording *recording);

/* The calling thread and the place made known: what takes longest, before any lock of the channel's. */
void endpoint_prepare_slow(const struct endpoint_call *call);

static inline void endpoint_prepare(const struct peeps_hook *hook, const struct endpoint_call *call)
{
	if (peeps_unlikely(!peeps_hook_ready(hook)))
		endpoint_prepare_slow(call);
}

/* --- whose a handle is ------------------------------------------------------------------------ */

#define ENDPOINT_ANYBODY UINT64_MAX

/**
 * struct endpoint_owner - whose a handle is; the channel says under which lock
 * @hold:       shows it
 * @settled:    the actor whose use of the handle has nothing new to say; 0 = nobody's, ENDPOINT_ANYBODY = it is
 *              shared
 * @actor:      whom the hold stands for
 * @mode:       PEEPS_HOLD_MODE_*
 * @generation: of the process in which that was written, or found no room; another one = not yet
 */
struct endpoint_owner {
	struct hold hold;
	uint64_t settled;
	uint64_t actor;
	uint64_t mode;
	uint64_t generation;
};

/* What a handle is one of: the slot of its end, and PEEPS_HOLD_ROLE_SENDER or _RECEIVER. */
struct endpoint {
	struct peeps_entity_slot *slot;
	uint64_t role;
};

/* The calling actor made the handle. */
void endpoint_created(struct endpoint_owner *owner, struct endpoint end,
		      const struct recording *recording);

/* The same, shown in a slot that was taken for it; NULL = there was no room. */
void endpoint_created_in(struct endpoint_owner *owner, struct endpoint end,
			 struct peeps_edge_slot *slot, const struct recording *recording);

/* The calling actor uses it. */
void endpoint_settle_slow(struct endpoint_owner *owner, struct endpoint end,
			  const struct recording *recording);

static inline void endpoint_settle(struct endpoint_owner *owner, struct endpoint end,
				   const struct recording *recording)
{
	if (owner->settled != self_actor(recording->self) ||
	    owner->generation != peeps_process.generation)
		endpoint_settle_slow(owner, end, recording);
}

/* The calling actor says that it is its own from now on. */
void endpoint_moved(struct endpoint_owner *owner, struct endpoint end,
		    const struct recording *recording);

/* The handle is freed. */
void endpoint_left(struct endpoint_owner *owner, const struct endpoint_call *call);

/* This use of the handle says nothing new of its owner, and the thread may go the short way. */
static inline bool endpoint_is_quick(const struct peeps_hook *hook,
				     const struct endpoint_owner *owner)
{
	return peeps_likely(peeps_hook_ready(hook) && !peeps_section_is_open(peeps_tls.thread) &&
			    (owner->settled == peeps_load_relaxed(&peeps_tls.thread->actor) ||
			     owner->settled == ENDPOINT_ANYBODY));
}

/* --- waits at an end -------------------------------------------------------------------------- */

struct endpoint_wait {
	struct operation operation;
};

/**
 * endpoint_pend - the calling actor is about to wait at an end
 * @op:          PEEPS_OP_SEND or PEEPS_OP_RECV
 * @occupancy:   details, as kinds.def has them (number + 1; 0 = does not apply)
 * @deadline_ns: CLOCK_MONOTONIC; UINT64_MAX = none
 *
 * It ends with an endpoint_update, or with one of the two below.
 */
void endpoint_pend(struct endpoint_wait *wait, enum peeps_op op,
		   const struct peeps_entity_slot *end, uint64_t occupancy, uint64_t capacity,
		   uint64_t deadline_ns, const struct recording *recording);
void endpoint_failed(struct endpoint_wait *wait, int error, const struct endpoint_call *call);
void endpoint_cancelled(struct endpoint_wait *wait, const struct endpoint_call *call);

/* The section of what happens at an end, and of the wait that it ended. */
struct endpoint_update {
	struct update update;
	struct operation *operation; /* NULL = none ends here */
	struct rest rest;
};

/**
 * endpoint_update_begin - enter a section that writes these ends, and ends the wait
 * @slots: of entities or edges, at most two; they are the caller's to touch. Room for a third
 * @wait:  NULL = there was none
 *
 * Returns false if that is not possible now; then the wait has ended all the same.
 */
bool endpoint_update_begin(struct endpoint_update *item, const void **slots, unsigned int count,
			   struct endpoint_wait *wait, struct self *self);
void endpoint_update_end(struct endpoint_update *item, struct self *self);

/* The end has no place in the segment any more; the wait has. */
void endpoint_end_wait_alone(struct endpoint_wait *wait, struct self *self);

/* The program used a handle that is spent, or freed one at which somebody waits: counted. */
void endpoint_misused(void);

#endif
#endif
