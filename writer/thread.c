/* SPDX-License-Identifier: MIT */
#include "writer/thread.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <peeps/thread.h>
#include "writer/awaited.h"
#include "writer/entity.h"
#include "writer/intern.h"
#include "writer/memory.h"
#include "writer/operation.h"
#include "writer/process.h"
#include "writer/reads.h"
#include "writer/segment.h"
#include "writer/tick.h"
#include "writer/update.h"

/* Exited threads that are remembered, so that what they still hold has a name, before their records
 * are used again. */
#define LEAVING_KEPT  32
#define LEAVING_TRIES 4
#define NONE          UINT32_MAX

static const uint64_t no_generation; /* 0: matches no hook */
static struct peeps_thread no_record = { .txn = 1 };
static struct peeps_edge_slot no_slot; /* of no lock */
static struct peeps_read no_read = { .slot = &no_slot };

#define NOBODY                                                                       \
	{                                                                            \
		.thread = &no_record, .generation = &no_generation, .read = &no_read \
	}

__thread struct peeps_tls peeps_tls __attribute__((tls_model("initial-exec"))) = NOBODY;
static __thread struct self own;

/* Under the process lock. Record 0 is shared by threads that found no other. */
static struct thread_edges *edges; /* by record */
static struct thread_reads *reads; /* by record */
static uint32_t *next;             /* by record */
static pthread_t *handles;         /* by record: its thread's */
static uint64_t used;
static uint32_t leaving_head, leaving_tail;
static uint32_t leaving_count;
static uint64_t registered;

bool threads_init(void)
{
	const uint64_t capacity = segment_section(PEEPS_SECTION_THREADS)->capacity;
	struct peeps_thread *shared;

	if (!edges)
		edges = memory_reserve(capacity * sizeof(*edges));
	if (!reads)
		reads = memory_reserve(capacity * sizeof(*reads));
	if (!next)
		next = memory_reserve(capacity * sizeof(*next));
	if (!handles)
		handles = memory_reserve(capacity * sizeof(*handles));
	if (!edges || !reads || !next || !handles || !segment_reserve(PEEPS_SECTION_THREADS, 1))
		return false;
	memset(edges, 0, used * sizeof(*edges));
	for (uint64_t i = 0; i < used; i++)
		if (reads[i].count != 0)
			reads[i] = (struct thread_reads){ 0 };
	awaited_init();
	used = 1;
	leaving_head = NONE;
	leaving_tail = NONE;
	leaving_count = 0;
	registered = 0;
	shared = segment_row(PEEPS_SECTION_THREADS, 0);
	shared->fence_mode = peeps_segment.header->fence_mode;
	segment_raise(PEEPS_SECTION_THREADS, 1);
	return true;
}

struct thread_edges *thread_edges_of(const struct self *self)
{
	return self->record ? &edges[self->record_index] : NULL;
}

struct thread_reads *thread_reads_of(const struct self *self)
{
	return self->record ? &reads[self->record_index] : NULL;
}

struct thread_reads *thread_reads_at(uint32_t index)
{
	return index < peeps_load_relaxed(&used) ? &reads[index] : NULL;
}

bool stack_is_gone(uint64_t stack, uint64_t caller_stack)
{
	stack_t other;

	if (caller_stack < stack)
		return false;
	/* A handler on a stack of its own cannot tell by the address, unless that frame was on it
	 * too. */
	return sigaltstack(NULL, &other) != 0 || !(other.ss_flags & SS_ONSTACK) ||
	       (stack >= (uint64_t)(uintptr_t)other.ss_sp &&
		stack <= (uint64_t)(uintptr_t)other.ss_sp + other.ss_size);
}

bool self_is_amid(void)
{
	if (own.stack != 0)
		return true;
	if (own.generation != peeps_process.generation || !own.record)
		return false;
	for (int place = 0; place < edges[own.record_index].count; place++)
		if (edges[own.record_index].stacks[place] != 0)
			return true;
	return peeps_section_is_open(own.record);
}

uint64_t self_suspend(void)
{
	const uint64_t stack = own.stack;

	own.stack = UINT64_MAX; /* above any caller's: whatever calls us comes from inside */
	return stack;
}

void self_resume(uint64_t stack)
{
	own.stack = stack;
}

static bool main_is_watched; /* set once in a process, by its main thread */

void thread_watch_leaving(void)
{
	if (gettid() == getpid())
		main_is_watched = true;
	/* Any value but NULL: it makes the destructor run. */
	(void)pthread_setspecific(peeps_process.leaving_key, &own);
}

void self_forget(void)
{
	own = (struct self){ 0 };
	reads_forget();
	peeps_tls = (struct peeps_tls)NOBODY;
}

static struct peeps_thread *record_at(uint32_t index)
{
	return segment_row(PEEPS_SECTION_THREADS, index);
}

static bool kernel_knows(uint64_t tid)
{
	return syscall(SYS_tgkill, peeps_segment.header->pid, tid, 0) == 0 || errno != ESRCH;
}

/* The thread of this record is gone, and so is whatever it was in the middle of. */
static void bury(struct self *self, uint32_t index, uint64_t tid)
{
	struct peeps_thread *const record = record_at(index);

	if (peeps_section_is_open(record)) {
		segment_count(PEEPS_COUNTER_TORN);
		peeps_increment_release(&record->txn);
	}
	memset(edges[index].stacks, 0, sizeof(edges[index].stacks));
	self->record = record;
	self->record_index = index;
	peeps_store_relaxed(&record->stack, 0);
	/* Before our first section here: a reader that waits for it asks the kernel whether this thread is alive. */
	peeps_store_relaxed(&record->tid, tid);
	if (peeps_load_relaxed(&record->entity)) {
		const uint64_t entity = peeps_load_relaxed(&record->entity) & PEEPS_REF_INDEX_MASK;

		peeps_store_relaxed(&record->entity, 0);
		entity_retire(self, segment_row(PEEPS_SECTION_ENTITIES, entity));
	}
}

uint64_t thread_find(pthread_t thread)
{
	for (uint32_t index = 1; index < used; index++) {
		const struct peeps_thread *const record = record_at(index);

		if (pthread_equal(handles[index], thread) && peeps_load_relaxed(&record->entity) &&
		    kernel_knows(peeps_load_relaxed(&record->tid)))
			return peeps_load_relaxed(&record->entity);
	}
	return 0;
}

static void add_leaving(uint32_t index)
{
	next[index] = NONE;
	if (leaving_tail == NONE)
		leaving_head = index;
	else
		next[leaving_tail] = index;
	leaving_tail = index;
	leaving_count++;
}

static uint32_t take_leaving(void)
{
	const uint32_t index = leaving_head;

	leaving_head = next[index];
	if (leaving_head == NONE)
		leaving_tail = NONE;
	leaving_count--;
	return index;
}

/* The record that was left longest ago, or one of the next: a thread may be long about its last
 * destructors. */
static bool take_left(struct self *self, uint64_t tid)
{
	for (int tries = 0; tries < LEAVING_TRIES && leaving_head != NONE; tries++) {
		const uint32_t index = take_leaving();
		const uint64_t old_tid = peeps_load_relaxed(&record_at(index)->tid);

		/* A tid that is ours now is its no more. */
		if (old_tid == tid || !kernel_knows(old_tid)) {
			bury(self, index, tid);
			return true;
		}
		add_leaving(index);
	}
	return false;
}

static bool take_fresh(struct self *self, uint64_t tid)
{
	const uint32_t index = (uint32_t)used;

	if (used == segment_section(PEEPS_SECTION_THREADS)->capacity ||
	    !segment_reserve(PEEPS_SECTION_THREADS, used + 1))
		return false;
	/* The mark before the thread's first section: a reader that could see what it wrote also
	 * waits for it. */
	segment_raise(PEEPS_SECTION_THREADS, used + 1);
	used++;
	self->record = record_at(index);
	self->record_index = index;
	peeps_store_relaxed(&self->record->fence_mode, peeps_segment.header->fence_mode);
	peeps_store_relaxed(&self->record->tid, tid); /* before its first section, as in bury() */
	return true;
}

/* Threads that ended without running destructors. Only when there is no record left, and not at
 * every thread then. */
static bool take_vanished(struct self *self, uint64_t tid)
{
	static uint64_t looked_at_ns;
	const uint64_t now_ns = segment_ptime_ns();

	if (looked_at_ns <= now_ns && now_ns - looked_at_ns < UINT64_C(1000000000) && looked_at_ns)
		return false;
	looked_at_ns = now_ns;
	for (uint32_t index = 1; index < used; index++) {
		if (peeps_load_relaxed(&record_at(index)->state) != PEEPS_THREAD_LIVE ||
		    kernel_knows(peeps_load_relaxed(&record_at(index)->tid)))
			continue;
		bury(self, index, tid);
		return true;
	}
	return false;
}

static void take_record(struct self *self, uint64_t tid)
{
	self->record = NULL;
	self->record_index = 0;
	if (leaving_count > LEAVING_KEPT && take_left(self, tid))
		return;
	if (take_fresh(self, tid) || take_left(self, tid) || take_vanished(self, tid))
		return;
	segment_count(PEEPS_COUNTER_OVERFLOW_THREADS);
}

static void make_actor(struct self *self, uint64_t tid)
{
	const struct entity_new thread = {
		.kind = PEEPS_KIND_THREAD,
		.body = { tid | (uint64_t)self->record_index << PEEPS_THREAD_RECORD_SHIFT },
	};

	self->entity = awaited_claim(self, thread.body[0]);
	if (!self->entity)
		self->entity = entity_make(self, &thread);
	self->actor = self->entity ? entity_ref(self->entity) : 0;
	if (!self->record)
		return;
	handles[self->record_index] = pthread_self();
	peeps_store_relaxed(&self->record->actor, self->actor);
	peeps_store_relaxed(&self->record->entity, self->actor);
	if (self->entity) {
		peeps_store_relaxed(&self->record->state, PEEPS_THREAD_LIVE);
		return;
	}
	/* Nothing will be recorded of this thread; the record serves another one after it. */
	peeps_store_relaxed(&self->record->state, PEEPS_THREAD_LEAVING);
	add_leaving(self->record_index);
	self->record = NULL;
}

/* The inline paths are for threads with a record, in processes whose sections need no fence. */
static void open_fast_path(const struct self *self)
{
	if (!self->record || !self->entity || peeps_load_relaxed(&self->record->fence_mode))
		return;
	peeps_tls.thread = self->record;
	peeps_tls.control = peeps_segment.control;
	peeps_tls.generation = peeps_process.word;
}

static bool is_main(uint64_t tid)
{
	return tid == peeps_segment.header->pid;
}

static void self_register(struct self *self)
{
	const uint64_t tid = (uint64_t)gettid();
	uint64_t count;
	sigset_t mask;

	process_lock(&mask);
	take_record(self, tid);
	make_actor(self, tid);
	if (!self->entity)
		segment_count(PEEPS_COUNTER_DROPPED_THREADS);
	count = ++registered;
	process_unlock(&mask);
	self->generation = peeps_process.generation;
	open_fast_path(self);
	thread_watch_leaving();
	/* Without word of the main thread's end, the tick could keep the process alive. */
	if (main_is_watched && (count > 1 || !is_main(tid)))
		tick_start();
}

/* Calls by which a handler may find the thread inside the library; more come from a program that left
 * it by siglongjmp and went on below that frame. */
#define PATIENCE 4096

/* A wrapper that came into the library before has not left it, though the program is back where it
 * called from. */
static bool is_inside(struct self *self, uint64_t caller_stack)
{
	if (self->stack == 0)
		return false;
	if (!stack_is_gone(self->stack, caller_stack) &&
	    (self->stack == UINT64_MAX || ++self->met <= PATIENCE))
		return true;
	segment_count(PEEPS_COUNTER_TORN);
	return false;
}

struct self *self_enter(uint64_t caller_stack)
{
	const uint64_t left = own.stack;

	if (peeps_unlikely(!process_is_on())) {
		if (peeps_load_acquire(&peeps_process.state) == PROCESS_UNSTARTED)
			process_start_once();
		if (!process_is_on())
			return NULL;
	}
	if (peeps_unlikely(is_inside(&own, caller_stack))) {
		segment_count(PEEPS_COUNTER_DROPPED_NESTED);
		return NULL;
	}
	own.stack = caller_stack;
	own.met = 0;
	peeps_barrier_compiler();
	if (peeps_unlikely(own.generation != peeps_process.generation))
		self_register(&own);
	if (peeps_likely(own.entity != NULL)) {
		if (peeps_unlikely(left != 0)) {
			update_left(&own, left);
			operations_left(&own, left);
		}
		return &own;
	}
	self_leave(&own);
	return NULL;
}

struct self *self_enter_or_nobody(struct self *nobody, uint64_t caller_stack)
{
	struct self *const self = self_enter(caller_stack);

	/* Who is inside already may have the process lock. */
	if (self || !process_is_on() || own.stack != 0)
		return self;
	*nobody = (struct self){ .stack = caller_stack };
	return nobody;
}

struct self *self_enter_known(uint64_t caller_stack)
{
	if (!process_is_on() || own.generation != peeps_process.generation || !own.entity)
		return NULL;
	return self_enter(caller_stack);
}

void self_leave(struct self *self)
{
	peeps_barrier_compiler();
	self->stack = 0;
}

/* Without a record nobody else will retire the entity. What the thread still holds is then held by
 * one that exited. */
static void leave_overflow(struct self *self)
{
	sigset_t mask;

	process_lock(&mask);
	entity_retire(self, self->entity);
	process_unlock(&mask);
	self->entity = NULL;
	self->actor = 0;
}

void thread_leaving(void *unused)
{
	struct self *self;
	sigset_t mask;

	(void)unused;
	/* Not in a child that never saw our fork handlers: its tick is its parent's. */
	if (gettid() == getpid() &&
	    (process_is_on() || peeps_load_relaxed(&peeps_process.state) == PROCESS_UNSTARTED))
		tick_stop();
	self = self_enter_known(CALLER_STACK());
	if (!self)
		return;
	if (!self->record) {
		leave_overflow(self);
	} else if (peeps_load_relaxed(&self->record->state) == PEEPS_THREAD_LIVE) {
		process_lock(&mask);
		peeps_store_relaxed(&self->record->state, PEEPS_THREAD_LEAVING);
		add_leaving(self->record_index);
		process_unlock(&mask);
	}
	self_leave(self);
}

static void set_name(struct self *self, struct interned *name)
{
	struct peeps_entity_slot *const slot = self->entity;
	const void *const slots[1] = { slot };
	struct rest rest = { .over = true };
	struct update update;
	struct interned *old;
	sigset_t mask;

	process_lock(&mask);
	if (update_begin(&update, self, slots, 1)) {
		rest = rest_begin(update.epoch);
		peeps_entity_touch(slot, update.epoch, update.record);
		peeps_store_relaxed(&slot->body[PEEPS_THREAD_NAME_WORD], name ? name->text : 0);
		update_end(&update);
		old = entity_rename(slot, name);
	} else {
		old = name;
	}
	if (old)
		intern_put(old, rest);
	process_unlock(&mask);
}

void peeps_thread_name(const char *name)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(CALLER_STACK());

	if (self) {
		set_name(self, name && *name ? intern_get(name, strlen(name)) : NULL);
		self_leave(self);
	}
	errno = saved_errno;
}

struct peeps_ref peeps_actor_self(void)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(CALLER_STACK());
	struct peeps_ref ref = { 0 };

	if (self) {
		ref.bits = self_actor(self);
		self_leave(self);
	}
	errno = saved_errno;
	return ref;
}
