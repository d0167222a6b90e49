/* SPDX-License-Identifier: MIT */
#include "writer/permit.h"

#include <errno.h>

#include "writer/entity.h"
#include "writer/hook.h"
#include "writer/memory.h"
#include "writer/segment.h"
#include "writer/site.h"
#include "writer/thread.h"
#include "writer/update.h"
#include "writer/waited.h"

#define BUCKETS_AT_FIRST 8

/* Buckets cleared of actors that are no more, when another one comes, and when there is no room for it. */
#define SWEEP_USUALLY 1
#define SWEEP_AT_NEED 64

__thread struct permit_cached permit_cache[PERMIT_CACHE];

/* --- who records ---------------------------------------------------------------------------- */

/*
 * The calling thread; or, where nothing of it can be recorded, nobody: then its permits are unattributed, but
 * not forgotten, for what is available must always be true. NULL: telemetry is off.
 * Unlike self_enter_or_nobody() also for who is inside already, with the process lock perhaps: what is written
 * for nobody here takes no lock but the semaphore's.
 */
static struct self *enter(struct self *nobody, uint64_t stack)
{
	struct self *const self = self_enter(stack);

	if (self || !process_is_on())
		return self;
	*nobody = (struct self){ .stack = stack };
	return nobody;
}

/* --- the semaphore's entity ------------------------------------------------------------------ */

static int64_t unattributed_of(const struct peeps_entity_slot *slot)
{
	return (int64_t)peeps_load_relaxed(&slot->body[PEEPS_SEMAPHORE_UNATTRIBUTED_WORD]);
}

static void write_unattributed(struct peeps_entity_slot *slot, int64_t more)
{
	peeps_store_relaxed(&slot->body[PEEPS_SEMAPHORE_UNATTRIBUTED_WORD],
			    (uint64_t)(unattributed_of(slot) + more));
}

bool permits_are_owed(const struct permits *permits)
{
	return hook_is_tied(&permits->hook) && unattributed_of(permits->hook.slot) < 0;
}

/* What is out already, of whom it is not known: in a forked child, what was out in its parent. */
static bool tie(struct permits *permits, uint32_t max, uint32_t out, struct peeps_site *site,
		struct self *self)
{
	const uint64_t body[PEEPS_BODY_WORDS] = {
		[PEEPS_SEMAPHORE_MAX_WORD] = max,
		[PEEPS_SEMAPHORE_UNATTRIBUTED_WORD] = out,
	};

	if (hook_tie_as(&permits->hook, PEEPS_KIND_SEMAPHORE, body, site, self))
		return true;
	peeps_store_relaxed(&permits->refused, peeps_process.generation);
	return false;
}

static uint64_t next_serial(void)
{
	static uint64_t serials;

	return __atomic_add_fetch(&serials, 1, __ATOMIC_RELAXED);
}

void permits_init(struct permits *permits, const char *name, uint32_t max, struct peeps_site *site,
		  uint64_t stack)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(stack);
	struct peeps_site *const place = site_is_like_us(site) ? site : NULL;

	*permits = (struct permits){
		.serial = next_serial(),
	};
	hook_init(&permits->hook, name, place, 0, self);
	if (self) {
		(void)tie(permits, max, 0, &peeps_site_unknown, self);
		self_leave(self);
	}
	errno = saved_errno;
}

void permits_prepare(struct permits *permits, struct permit_call *call, uint32_t max,
		     uint32_t free_permits)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(call->stack);

	if (self) {
		(void)site_id(call->site);
		if (!permits_are_unseen(permits))
			(void)tie(permits, max, max - free_permits, call->site, self);
		self_leave(self);
	}
	call->is_off = !process_is_on() || !hook_is_tied(&permits->hook);
	errno = saved_errno;
}

/* --- whose permits; lock held ----------------------------------------------------------------- */

static uint32_t count_of(const struct permit *permit)
{
	return hold_is_made(&permit->hold) ? hold_count(&permit->hold) : 0;
}

static struct permit **bucket_of(const struct permits *permits, uint64_t actor)
{
	return &permits->buckets[(actor ^ actor >> 16) & (permits->bucket_count - 1)];
}

static void remember(const struct permits *permits, struct permit *permit)
{
	permit_cache[permits->serial % PERMIT_CACHE] = (struct permit_cached){
		.serial = permits->serial,
		.actor = permit->actor,
		.permit = permit,
	};
}

static struct permit *find(const struct permits *permits, uint64_t actor)
{
	struct permit *permit = permits->buckets ? *bucket_of(permits, actor) : NULL;

	while (permit && permit->actor != actor)
		permit = permit->next;
	return permit && hold_is_made(&permit->hold) ? permit : NULL;
}

/* Permits of actors that are no more, and hold none, serve others: nothing grows with actors that come and
 * go. What an actor still holds at its end stays on show. */
static void sweep(struct permits *permits, uint32_t buckets)
{
	for (uint32_t i = 0; i < buckets && i < permits->bucket_count; i++) {
		struct permit **at =
			&permits->buckets[permits->hand++ & (permits->bucket_count - 1)];

		while (*at) {
			struct permit *const permit = *at;

			if (count_of(permit) != 0 || entity_find(permit->actor)) {
				at = &permit->next;
				continue;
			}
			*at = permit->next;
			permit->next = permits->idle;
			permits->idle = permit;
			permits->count--;
		}
	}
}

static void *take_memory(size_t bytes)
{
	sigset_t mask;
	void *memory;

	process_lock(&mask);
	memory = memory_take(bytes);
	process_unlock(&mask);
	return memory;
}

static void give_memory(void *memory, size_t bytes)
{
	sigset_t mask;

	process_lock(&mask);
	memory_give(memory, bytes);
	process_unlock(&mask);
}

/* Returns false without memory; with buckets there are, it goes on with those. */
static bool make_room(struct permits *permits)
{
	const uint32_t old_count = permits->bucket_count;
	struct permit **const old = permits->buckets;
	struct permit **fresh;

	if (old && permits->count < 2 * old_count)
		return true;
	fresh = take_memory((old ? 2 * old_count : BUCKETS_AT_FIRST) * sizeof(struct permit *));
	if (!fresh)
		return old != NULL;
	permits->buckets = fresh;
	permits->bucket_count = old ? 2 * old_count : BUCKETS_AT_FIRST;
	for (uint32_t i = 0; i < old_count; i++)
		while (old[i]) {
			struct permit *const permit = old[i];

			old[i] = permit->next;
			permit->next = *bucket_of(permits, permit->actor);
			*bucket_of(permits, permit->actor) = permit;
		}
	if (old)
		give_memory(old, old_count * sizeof(struct permit *));
	return true;
}

/* An idle permit with a hold, if any has one; else any; else a new one. */
static struct permit *take_permit(struct permits *permits)
{
	struct permit **at = &permits->idle;
	struct permit *permit;

	while (*at && (*at)->next && !hold_is_made(&(*at)->hold))
		at = &(*at)->next;
	permit = *at;
	if (!permit)
		return take_memory(sizeof(struct permit));
	*at = permit->next;
	return permit;
}

/* The hold of somebody who is no more, and holds nothing, becomes the actor's. */
static bool hand_over(struct hold *hold, struct self *self, uint64_t actor, uint64_t site)
{
	const void *const slots[1] = { hold->slot };
	struct update update;

	if (!update_begin(&update, self, slots, 1))
		return false;
	peeps_edge_touch(hold->slot, update.epoch, update.record);
	hold_write_owner(hold, actor, PEEPS_HOLD_MODE_NONE, 0, false, site);
	update_end(&update);
	return true;
}

static bool show(struct permits *permits, struct permit *permit, struct self *self,
		 struct peeps_site *site)
{
	const struct hold_new hold = {
		.resource = entity_ref(permits->hook.slot),
		.actor = self_actor(self),
		.role = PEEPS_HOLD_ROLE_PERMIT,
		.site = site_id(site),
	};

	if (hold_is_made(&permit->hold))
		return hand_over(&permit->hold, self, hold.actor, hold.site);
	return hold_make(&permit->hold, self, &hold);
}

/* The calling actor's. Returns NULL without room for it, or in a handler that may not. */
static struct permit *make(struct permits *permits, struct self *self, struct peeps_site *site)
{
	struct permit *permit;

	if (!make_room(permits))
		return NULL;
	sweep(permits, SWEEP_USUALLY);
	permit = take_permit(permits);
	if (!permit)
		return NULL;
	permit->actor = self_actor(self);
	if (!show(permits, permit, self, site)) {
		permit->next = permits->idle;
		permits->idle = permit;
		sweep(permits, SWEEP_AT_NEED); /* for the next one that comes */
		return NULL;
	}
	permit->next = *bucket_of(permits, permit->actor);
	*bucket_of(permits, permit->actor) = permit;
	permits->count++;
	return permit;
}

void permits_look_up(struct permits *permits, struct permit_call *call)
{
	const int saved_errno = errno;
	struct self *const self = call->is_off ? NULL : self_enter(call->stack);

	if (self) {
		call->since_ns = hold_stamp(&call->is_exact);
		call->permit = find(permits, self_actor(self));
		if (!call->permit)
			call->permit = make(permits, self, call->site);
		if (call->permit)
			remember(permits, call->permit);
		self_leave(self);
	}
	errno = saved_errno;
}

void permits_forget(struct permits *permits)
{
	permits->serial = next_serial(); /* what threads have found of it is found no more */
	permits->buckets = NULL;
	permits->bucket_count = 0;
	permits->count = 0;
	permits->hand = 0;
	permits->idle = NULL;
}

void permits_deinit(struct permits *permits, uint64_t stack)
{
	const int saved_errno = errno;
	struct self nobody;
	struct self *const self = self_enter_or_nobody(&nobody, stack);

	if (self)
		for (uint32_t i = 0; i <= permits->bucket_count; i++) {
			struct permit **const list =
				i < permits->bucket_count ? &permits->buckets[i] : &permits->idle;

			while (*list) {
				struct permit *const permit = *list;

				*list = permit->next;
				hold_end(&permit->hold, self);
				give_memory(permit, sizeof(*permit));
			}
		}
	if (self && permits->buckets)
		give_memory(permits->buckets, permits->bucket_count * sizeof(struct permit *));
	hook_deinit(&permits->hook, self);
	if (self)
		self_leave(self);
	errno = saved_errno;
}

/* --- taken and given; lock held --------------------------------------------------------------- */

/**
 * struct change - what one section writes
 * @hold:         NULL = no hold changes
 * @less, @more:  of it, in this order
 * @unattributed: more of it
 * @anonymous:    more of them
 * @operation:    the wait that is over; NULL = none
 * @waited_ns:    with @has_waited
 */
struct change {
	struct hold *hold;
	uint32_t less, more;
	bool returns; /* its holder gives it back itself */
	int64_t unattributed;
	uint64_t anonymous;
	struct operation *operation;
	bool has_waited;
	uint64_t waited_ns;
	uint64_t since_ns;
	bool is_exact;
	uint64_t site;
};

static unsigned int slots_of(const struct change *change, struct peeps_entity_slot *semaphore,
			     const void **slots)
{
	unsigned int count = 0;

	if (change->hold)
		slots[count++] = change->hold->slot;
	if (change->unattributed || change->has_waited)
		slots[count++] = semaphore;
	if (change->operation)
		slots[count++] = change->operation->slot;
	return count;
}

static void write_semaphore(const struct change *change, struct peeps_entity_slot *slot)
{
	uint64_t *const body = slot->body;

	write_unattributed(slot, change->unattributed);
	peeps_store_relaxed(&body[PEEPS_SEMAPHORE_ANONYMOUS_RELEASES_WORD],
			    peeps_load_relaxed(&body[PEEPS_SEMAPHORE_ANONYMOUS_RELEASES_WORD]) +
				    change->anonymous);
	if (change->has_waited)
		write_waited(&body[PEEPS_SEMAPHORE_CONTENDED_WORD],
			     &body[PEEPS_SEMAPHORE_WAIT_TOTAL_WORD], change->waited_ns);
}

static void write_hold(const struct change *change)
{
	if (change->less)
		hold_write_less(change->hold, change->less);
	if (change->returns)
		hold_write_mode(change->hold, PEEPS_HOLD_MODE_RETURNS);
	if (change->more)
		hold_write_more(change->hold, change->more, change->since_ns, change->is_exact,
				change->site);
}

static void record(const struct change *change, struct peeps_entity_slot *semaphore,
		   struct self *self)
{
	const void *slots[PEEPS_WRITE_SET_MAX];
	const unsigned int count = slots_of(change, semaphore, slots);
	struct update update;
	struct rest rest;

	if (count == 0 || !update_begin(&update, self, slots, count))
		return;
	rest = rest_begin(update.epoch);
	if (change->hold) {
		peeps_edge_touch(change->hold->slot, update.epoch, update.record);
		write_hold(change);
	}
	if (change->unattributed || change->has_waited) {
		peeps_entity_touch(semaphore, update.epoch, update.record);
		write_semaphore(change, semaphore);
	}
	if (change->operation) {
		peeps_edge_touch(change->operation->slot, update.epoch, update.record);
		operation_write_end(change->operation, PEEPS_STATE_DONE, change->since_ns, 0);
	}
	update_end(&update);
	if (change->operation)
		operation_release(change->operation, self, rest);
}

/* Without a hold to show them in, they are unattributed. If others have given back more than was out of
 * sight, it was first of all what this actor had: else a semaphore that some acquire and others release
 * would be shown with ever more permits held. */
static void plan_taken(struct change *change, const struct permits *permits, uint32_t n)
{
	const int64_t owed = -unattributed_of(permits->hook.slot);

	if (!change->hold) {
		change->unattributed = n;
		return;
	}
	change->more = n;
	if (owed <= 0)
		return;
	change->less = hold_count(change->hold) < n ? hold_count(change->hold) : n;
	if (owed < change->less)
		change->less = (uint32_t)owed;
	change->unattributed = change->less;
}

/* After a wait the clock was read anyway. */
static void plan_waited(struct change *change, struct permit_call *call, const struct self *self)
{
	change->since_ns = segment_ptime_ns();
	change->is_exact = true;
	change->has_waited = true;
	change->waited_ns = change->since_ns - call->operation.since_ns;
	if (call->operation.slot && self_is_somebody(self))
		change->operation = &call->operation;
}

void permits_taken(struct permits *permits, struct permit_call *call, uint32_t n)
{
	const int saved_errno = errno;
	struct change change = { .is_exact = call->is_exact, .since_ns = call->since_ns };
	struct self nobody;
	struct self *const self = call->is_off ? NULL : enter(&nobody, call->stack);
	struct permit *permit;

	if (self && hook_is_tied(&permits->hook)) {
		/* Nobody may be somebody who has the process lock: a handler of fork. */
		change.site = call->site && self_is_somebody(self) ? site_id(call->site) : 0;
		permit = call->permit || !self_is_somebody(self) ? call->permit
								 : find(permits, self_actor(self));
		change.hold = permit ? &permit->hold : NULL;
		plan_taken(&change, permits, n);
		if (call->has_waited)
			plan_waited(&change, call, self);
		record(&change, permits->hook.slot, self);
	}
	if (self)
		self_leave(self);
	errno = saved_errno;
}

void permits_given(struct permits *permits, struct permit_call *call, uint32_t n)
{
	const int saved_errno = errno;
	struct change change = { 0 };
	struct self nobody;
	struct self *const self = enter(&nobody, call->stack);
	struct permit *permit;

	if (self && hook_is_tied(&permits->hook)) {
		permit = self_is_somebody(self) ? find(permits, self_actor(self)) : NULL;
		if (permit && count_of(permit) > 0) {
			remember(permits, permit);
			change.hold = &permit->hold;
			change.less = count_of(permit) < n ? count_of(permit) : n;
			change.returns = true;
		}
		change.anonymous = n - change.less;
		change.unattributed = -(int64_t)change.anonymous;
		record(&change, permits->hook.slot, self);
	}
	if (self)
		self_leave(self);
	errno = saved_errno;
}

/* --- waits; lock not held ---------------------------------------------------------------------- */

static uint64_t until(const uint64_t *timeout_ns)
{
	uint64_t when_ns;

	if (!timeout_ns)
		return 0;
	return __builtin_add_overflow(segment_ptime_ns(), *timeout_ns, &when_ns) ? UINT64_MAX
										 : when_ns;
}

void permit_wait_begin(struct permits *permits, struct permit_call *call, uint32_t n,
		       uint32_t free_permits, const uint64_t *timeout_ns)
{
	const int saved_errno = errno;
	struct self *const self = call->is_off ? NULL : self_enter(call->stack);

	if (self && hook_is_tied(&permits->hook)) {
		const struct operation_new wait = {
			.op = PEEPS_OP_ACQUIRE,
			.target = entity_ref(permits->hook.slot),
			.site = site_id(call->site),
			.details = { [PEEPS_DETAIL_ACQUIRE_PERMITS] = (uint64_t)n + 1,
				     [PEEPS_DETAIL_ACQUIRE_AVAILABLE] = (uint64_t)free_permits + 1,
				     [PEEPS_DETAIL_ACQUIRE_UNTIL] = until(timeout_ns) },
		};

		operation_pend(&call->operation, self, &wait);
		call->has_waited = true;
	}
	if (self)
		self_leave(self);
	errno = saved_errno;
}

static void wait_end(struct permit_call *call, enum peeps_state state, uint64_t reason)
{
	const int saved_errno = errno;
	struct self *const self = call->operation.slot ? self_enter(call->stack) : NULL;

	if (self) {
		operation_end(&call->operation, self, state, segment_ptime_ns(), reason);
		self_leave(self);
	}
	errno = saved_errno;
}

void permit_wait_timed_out(struct permit_call *call)
{
	wait_end(call, PEEPS_STATE_FAILED, ETIMEDOUT);
}

void permit_wait_cancelled(struct permit_call *call)
{
	wait_end(call, PEEPS_STATE_CANCELLED, 0);
}
