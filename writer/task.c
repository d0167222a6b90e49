/* SPDX-License-Identifier: MIT */
/* Tasks: which of them a thread runs as. */
#include "writer/task.h"

#include <errno.h>

#include <peeps/task.h>
#include "writer/entity.h"
#include "writer/hook.h"
#include "writer/process.h"
#include "writer/segment.h"
#include "writer/site.h"
#include "writer/tick.h"
#include "writer/update.h"

#define KIND_MASK UINT64_C(0xffff)

uint64_t task_thread_of(const struct self *self)
{
	return entity_ref(self->entity);
}

static bool is_task(const struct peeps_entity_slot *slot)
{
	return (peeps_load_relaxed(&slot->kind) & KIND_MASK) == PEEPS_KIND_TASK;
}

static struct peeps_entity_slot *find_task(uint64_t ref)
{
	struct peeps_entity_slot *const slot = entity_find(ref);

	return slot && is_task(slot) ? slot : NULL;
}

/* Also of a task that has just ended: what it locked may be unlocked after it. */
bool task_is_here(const struct self *self, uint64_t actor)
{
	const uint64_t me = task_thread_of(self);
	const struct peeps_entity_slot *slot;

	if (actor == me)
		return true;
	if (actor >> PEEPS_REF_SPACE_SHIFT != PEEPS_SPACE_ENTITY ||
	    (actor & PEEPS_REF_INDEX_MASK) >=
		    peeps_load_relaxed(&segment_section(PEEPS_SECTION_ENTITIES)->high_water))
		return false;
	slot = segment_row(PEEPS_SECTION_ENTITIES, actor & PEEPS_REF_INDEX_MASK);
	return entity_ref(slot) == actor && is_task(slot) &&
	       peeps_load_relaxed(&slot->body[PEEPS_TASK_THREAD_WORD]) == me;
}

/* A thread that has not ended. One that has may have left a task without a word. */
static bool is_alive(uint64_t thread)
{
	const struct peeps_entity_slot *const slot = entity_find(thread);
	const struct peeps_thread *record;
	uint64_t word;

	if (!slot)
		return false;
	word = peeps_load_relaxed(&slot->body[PEEPS_THREAD_RECORD_WORD]);
	record = segment_row(PEEPS_SECTION_THREADS,
			     word >> PEEPS_THREAD_RECORD_SHIFT &
				     ((UINT64_C(1) << PEEPS_THREAD_RECORD_BITS) - 1));
	return peeps_load_relaxed(&record->state) != PEEPS_THREAD_LEAVING;
}

static bool is_inside_elsewhere(const struct peeps_entity_slot *task, uint64_t me)
{
	const uint64_t thread = peeps_load_relaxed(&task->body[PEEPS_TASK_THREAD_WORD]);

	return peeps_load_relaxed(&task->body[PEEPS_TASK_ACTIVITY_WORD]) !=
		       PEEPS_ACTIVITY_SUSPENDED &&
	       thread != me && is_alive(thread);
}

static void set_actor(struct self *self, uint64_t actor)
{
	if (self->record)
		peeps_store_relaxed(&self->record->actor, actor);
	else
		self->actor = actor;
}

static void write_entered(struct peeps_entity_slot *task, uint64_t me)
{
	peeps_store_relaxed(&task->body[PEEPS_TASK_THREAD_WORD], me);
	peeps_store_relaxed(&task->body[PEEPS_TASK_ACTIVITY_WORD], PEEPS_ACTIVITY_RUNNING);
}

/* The thread runs as @to from now on, NULL = as itself; @from, NULL = none, is suspended. One section. */
static void change(struct self *self, struct peeps_entity_slot *from, struct peeps_entity_slot *to)
{
	const uint64_t me = task_thread_of(self);
	const uint64_t actor = to ? entity_ref(to) : me;
	const void *slots[PEEPS_WRITE_SET_MAX] = { self->entity };
	struct update update;
	unsigned int count = 1;

	if (from)
		slots[count++] = from;
	if (to)
		slots[count++] = to;
	if (!update_begin(&update, self, slots, count))
		return;
	peeps_entity_touch(self->entity, update.epoch, update.record);
	peeps_store_relaxed(&self->entity->body[PEEPS_THREAD_CURRENT_TASK_WORD], to ? actor : 0);
	if (from) {
		peeps_entity_touch(from, update.epoch, update.record);
		peeps_store_relaxed(&from->body[PEEPS_TASK_ACTIVITY_WORD],
				    PEEPS_ACTIVITY_SUSPENDED);
	}
	if (to) {
		peeps_entity_touch(to, update.epoch, update.record);
		write_entered(to, me);
	}
	set_actor(self, actor);
	update_end(&update);
}

static uint64_t enter(struct self *self, uint64_t ref)
{
	const uint64_t before = self_actor(self);
	struct peeps_entity_slot *const task = find_task(ref);

	if (task && ref != before && !is_inside_elsewhere(task, task_thread_of(self)))
		change(self, NULL, task);
	return before;
}

/* The task before is written too: it may have been entered once more, and left, further in. */
static void leave(struct self *self, uint64_t before)
{
	const uint64_t left = self_actor(self);
	struct peeps_entity_slot *const to = find_task(before);
	struct peeps_entity_slot *const from = task_is_here(self, left) ? find_task(left) : NULL;

	if (left != (to ? before : task_thread_of(self)))
		change(self, from, to);
}

struct peeps_ref peeps_task_new_at(const char *name, struct peeps_site *site)
{
	static const uint64_t body[PEEPS_BODY_WORDS] = {
		[PEEPS_TASK_ACTIVITY_WORD] = PEEPS_ACTIVITY_SUSPENDED,
	};
	struct peeps_hook hook = { .name = name };
	const int saved_errno = errno;
	struct self *const self = self_enter(CALLER_STACK());
	struct peeps_ref task = { 0 };

	if (self) {
		if (site_is_like_us(site) && hook_tie_as(&hook, PEEPS_KIND_TASK, body, site, self))
			task.bits = entity_ref(hook.slot);
		self_leave(self);
	}
	errno = saved_errno;
	return task;
}

struct peeps_ref peeps_task_enter(struct peeps_ref task)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(CALLER_STACK());
	struct peeps_ref before = { 0 };

	if (self) {
		before.bits = enter(self, task.bits);
		self_leave(self);
	}
	errno = saved_errno;
	return before;
}

void peeps_task_leave(struct peeps_ref before)
{
	const int saved_errno = errno;
	struct self *const self = self_enter_known(CALLER_STACK());

	if (self) {
		leave(self, before.bits);
		self_leave(self);
	}
	errno = saved_errno;
}

void peeps_task_end(struct peeps_ref task)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(CALLER_STACK());
	struct peeps_entity_slot *slot;
	sigset_t mask;

	if (self) {
		if (self_actor(self) == task.bits)
			leave(self, 0);
		process_lock(&mask);
		slot = find_task(task.bits);
		if (slot)
			entity_retire(self, slot);
		process_unlock(&mask);
		tick_or_reclaim();
		self_leave(self);
	}
	errno = saved_errno;
}

/* The plain symbol knows no site. */
#undef peeps_task_new

struct peeps_ref peeps_task_new(const char *name)
{
	return peeps_task_new_at(name, &peeps_site_unknown);
}
