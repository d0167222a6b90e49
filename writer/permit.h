/* SPDX-License-Identifier: MIT */
/*
 * What is recorded of a semaphore: who holds how many permits, and who waits for how many. With
 * PEEPS_DISABLE nothing, and every call below is empty.
 *
 * Order (docs/protocol.md, rule 2): permits are recorded as held after they were had, and as given back
 * before they are. So what is recorded to be out never exceeds what is out.
 */
#ifndef PEEPS_WRITER_PERMIT_H
#define PEEPS_WRITER_PERMIT_H

#include <stdbool.h>
#include <stdint.h>

#ifdef PEEPS_DISABLE

struct permits {
};

struct permit_call {
};

static inline bool permit_is_known(const struct permits *permits, struct permit_call *call)
{
	(void)permits;
	(void)call;
	return true;
}

static inline void permits_prepare(struct permits *permits, struct permit_call *call, uint32_t max,
				   uint32_t free_permits)
{
	(void)permits;
	(void)call;
	(void)max;
	(void)free_permits;
}

static inline void permits_look_up(struct permits *permits, struct permit_call *call)
{
	(void)permits;
	(void)call;
}

static inline bool permit_take_quick(const struct permit_call *call, uint32_t n)
{
	(void)call;
	(void)n;
	return true;
}

static inline void permits_taken(struct permits *permits, struct permit_call *call, uint32_t n)
{
	(void)permits;
	(void)call;
	(void)n;
}

static inline void permit_wait_begin(struct permits *permits, struct permit_call *call, uint32_t n,
				     uint32_t free_permits, const uint64_t *timeout_ns)
{
	(void)permits;
	(void)call;
	(void)n;
	(void)free_permits;
	(void)timeout_ns;
}

static inline void permit_wait_timed_out(struct permit_call *call)
{
	(void)call;
}

static inline void permit_wait_cancelled(struct permit_call *call)
{
	(void)call;
}

static inline bool permit_give_quick(const struct permits *permits, uint32_t n)
{
	(void)permits;
	(void)n;
	return true;
}

static inline void permits_given(struct permits *permits, struct permit_call *call, uint32_t n)
{
	(void)permits;
	(void)call;
	(void)n;
}

static inline bool permits_are_owed(const struct permits *permits)
{
	(void)permits;
	return false;
}

static inline void permits_forget(struct permits *permits)
{
	(void)permits;
}

#else

#include <peeps/hook.h>
#include <peeps/section.h>
#include "writer/hold.h"
#include "writer/operation.h"
#include "writer/process.h"

/* One actor's permits of one semaphore. Written by who runs as the actor; the list under the lock. */
struct permit {
	struct permit *next;
	uint64_t actor;
	struct hold hold;
};

/**
 * struct permits - in each semaphore
 * @serial:  no other semaphore's of this process, ever
 * @refused: the generation of the process in which there was no room for it; for good, because what was
 *           taken meanwhile is not known
 * @buckets: by actor, and all below: under the semaphore's lock
 * @idle:    permits of actors that are no more
 * @hand:    the bucket that is cleared of such next
 */
struct permits {
	struct peeps_hook hook;
	uint64_t serial;
	uint64_t refused;
	struct permit **buckets;
	uint32_t bucket_count;
	uint32_t count;
	uint32_t hand;
	struct permit *idle;
};

/**
 * struct permit_call - what is known of one call
 * @site:   NULL for a release
 * @stack:  CALLER_STACK() of the exported function
 * @is_off: there is nothing to record
 * @permit: the calling actor's; NULL = none could be had
 */
struct permit_call {
	struct peeps_site *site;
	uint64_t stack;
	bool is_off;
	bool is_exact;
	bool has_waited;
	struct permit *permit;
	uint64_t since_ns;
	struct operation operation;
};

/* Of the calling thread: where it found its permits. */
#define PERMIT_CACHE 8
struct permit_cached {
	uint64_t serial, actor;
	struct permit *permit;
};
extern __thread struct permit_cached permit_cache[PERMIT_CACHE];

void permits_init(struct permits *permits, const char *name, uint32_t max, struct peeps_site *site,
		  uint64_t stack);
void permits_deinit(struct permits *permits, uint64_t stack);

/* In a forked child: a thread that is not there may have been relinking the lists. Their memory is not given
 * back. Context: nobody else has the semaphore's lock. */
void permits_forget(struct permits *permits);

/* Nothing is recorded of it in this process. */
static inline bool permits_are_unseen(const struct permits *permits)
{
	return peeps_load_acquire(&peeps_process.state) == PROCESS_OFF ||
	       peeps_load_relaxed(&permits->refused) == peeps_process.generation;
}

static inline struct permit *permit_in_cache(const struct permits *permits)
{
	const struct permit_cached *const cached = &permit_cache[permits->serial % PERMIT_CACHE];

	return peeps_hook_ready(&permits->hook) && cached->serial == permits->serial &&
			       cached->actor == peeps_load_relaxed(&peeps_tls.thread->actor)
		       ? cached->permit
		       : NULL;
}

/* What an acquisition has to know beforehand is at hand; else it calls the next two. */
static inline bool permit_is_known(const struct permits *permits, struct permit_call *call)
{
	call->permit = permit_in_cache(permits);
	if (peeps_likely(call->permit && peeps_load_relaxed(&call->site->id) != 0)) {
		/* Before the permits are asked for: a hold is never shown shorter than it is. */
		call->since_ns = peeps_load_relaxed(&peeps_tls.control->tick_ns);
		if (peeps_unlikely(call->since_ns == 0))
			call->since_ns = hold_stamp(&call->is_exact);
		return true;
	}
	call->is_off = permits_are_unseen(permits);
	return call->is_off;
}

/* Tie it, in a forked child; know the site. Context: the semaphore's lock not held. */
void permits_prepare(struct permits *permits, struct permit_call *call, uint32_t max,
		     uint32_t free_permits);

/* Find the calling actor's permit, or make it. Context: the semaphore's lock held, as for all below but the
 * quick ones and the waits. */
void permits_look_up(struct permits *permits, struct permit_call *call);

/* Record @n permits more, with no more than the actor's own right to its hold. Returns false where that does
 * not do. */
static inline bool permit_take_quick(struct permit_call *call, uint32_t n)
{
	struct peeps_thread *const thread = peeps_tls.thread;
	struct permit *const permit = call->permit;
	uint64_t epoch;

	if (peeps_unlikely(!permit || peeps_section_is_open(thread)))
		return call->is_off;
	epoch = peeps_section_begin(thread, peeps_tls.control, permit->hold.slot);
	peeps_edge_touch(permit->hold.slot, epoch, thread);
	hold_write_more(&permit->hold, n, call->since_ns, call->is_exact, call->site->id);
	peeps_section_end(thread);
	return true;
}

/* The calling actor has got @n permits: without a wait, or after the one that began. */
void permits_taken(struct permits *permits, struct permit_call *call, uint32_t n);

/* @timeout_ns NULL: it waits for as long as it takes. */
void permit_wait_begin(struct permits *permits, struct permit_call *call, uint32_t n,
		       uint32_t free_permits, const uint64_t *timeout_ns);
void permit_wait_timed_out(struct permit_call *call);
void permit_wait_cancelled(struct permit_call *call);

/* Record @n permits less, as permit_take_quick() does. */
static inline bool permit_give_quick(const struct permits *permits, uint32_t n)
{
	struct peeps_thread *const thread = peeps_tls.thread;
	struct permit *const permit = permit_in_cache(permits);
	uint64_t epoch;

	if (peeps_unlikely(!permit))
		return permits_are_unseen(permits);
	/* The first time it says that this holder does: in the library. */
	if (peeps_unlikely(hold_count(&permit->hold) < n || peeps_section_is_open(thread) ||
			   hold_mode(&permit->hold) != PEEPS_HOLD_MODE_RETURNS))
		return false;
	epoch = peeps_section_begin(thread, peeps_tls.control, permit->hold.slot);
	peeps_edge_touch(permit->hold.slot, epoch, thread);
	hold_write_less(&permit->hold, n);
	peeps_section_end(thread);
	return true;
}

/* The calling actor gives @n permits back: its own, or if it has not that many, others'. */
void permits_given(struct permits *permits, struct permit_call *call, uint32_t n);

/* More has been given back by others than is out of sight: who acquires next may have to settle that. */
bool permits_are_owed(const struct permits *permits);

#endif
#endif
