/* SPDX-License-Identifier: MIT */
/* A sleep that is seen: the actor's activity says so. */
#include <peeps/task.h>

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "writer/entity.h"
#include "writer/process.h"
#include "writer/segment.h"
#include "writer/thread.h"
#include "writer/update.h"

#define NS_IN_S       UINT64_C(1000000000)
#define ACTIVITY_MASK ((UINT64_C(1) << PEEPS_THREAD_ACTIVITY_BITS) - 1)

/**
 * struct sleep - one that goes on
 * @actor:      0 = not recorded
 * @generation: of the process that @actor is in: a signal handler may fork
 * @stack:      CALLER_STACK() of who sleeps
 */
struct sleep {
	uint64_t actor, generation;
	uint64_t stack;
};

static int activity_word(bool is_thread)
{
	return is_thread ? PEEPS_THREAD_ACTIVITY_WORD : PEEPS_TASK_ACTIVITY_WORD;
}

static int until_word(bool is_thread)
{
	return is_thread ? PEEPS_THREAD_SLEEP_UNTIL_WORD : PEEPS_TASK_SLEEP_UNTIL_WORD;
}

/* Of the calling thread, or of the task that it runs as. */
static void write_activity(struct self *self, uint64_t actor, uint64_t activity, uint64_t until_ns)
{
	struct peeps_entity_slot *const slot = entity_find(actor);
	const bool is_thread = slot == self->entity;
	const int shift = is_thread ? PEEPS_THREAD_ACTIVITY_SHIFT : PEEPS_TASK_ACTIVITY_SHIFT;
	const void *const slots[1] = { slot };
	struct update update;
	uint64_t *word;

	if (!slot || !update_begin(&update, self, slots, 1))
		return;
	peeps_entity_touch(slot, update.epoch, update.record);
	word = &slot->body[activity_word(is_thread)];
	peeps_store_relaxed(word, (peeps_load_relaxed(word) & ~(ACTIVITY_MASK << shift)) |
					  activity << shift);
	peeps_store_relaxed(&slot->body[until_word(is_thread)], until_ns);
	update_end(&update);
}

static uint64_t after(uint64_t ns)
{
	const uint64_t now_ns = segment_ptime_ns();

	return ns > UINT64_MAX - now_ns ? UINT64_MAX : now_ns + ns;
}

static void begin(struct sleep *sleep, uint64_t ns)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(sleep->stack);

	if (self) {
		sleep->actor = self_actor(self);
		sleep->generation = peeps_process.generation;
		write_activity(self, sleep->actor, PEEPS_ACTIVITY_SLEEPING, after(ns));
		self_leave(self);
	}
	errno = saved_errno;
}

static void end(void *argument)
{
	const struct sleep *const sleep = argument;
	const int saved_errno = errno;
	struct self *self;

	if (sleep->actor && sleep->generation == peeps_process.generation &&
	    (self = self_enter_known(sleep->stack)) != NULL) {
		write_activity(self, sleep->actor, PEEPS_ACTIVITY_RUNNING, 0);
		self_leave(self);
	}
	errno = saved_errno;
}

int peeps_sleep_ns(uint64_t ns)
{
	const struct timespec time = { (time_t)(ns / NS_IN_S), (long)(ns % NS_IN_S) };
	struct sleep sleep = { .stack = CALLER_STACK() };
	int result;

	begin(&sleep, ns);
	pthread_cleanup_push(end, &sleep);
	result = clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
	pthread_cleanup_pop(1);
	return -result;
}
