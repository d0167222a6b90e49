/* SPDX-License-Identifier: MIT */
/* Every OS thread as an actor: its record, its entity, and what it keeps for its operations. */
#ifndef PEEPS_WRITER_THREAD_H
#define PEEPS_WRITER_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "layout/segment.h"
#include <peeps/atomic.h>
#include <peeps/hook.h>

/**
 * struct self - what the library knows of the calling thread
 * @stack:      where the program called us from, while we are where it is not re-entrant; else 0. A
 *              signal handler, or an allocator built on our wrappers, that comes here meanwhile
 *              goes unrecorded
 * @generation: of the segment that the rest belongs to; another one = nothing here is valid
 * @record:     NULL for a thread that found no record: it shares record 0 (writer/update.h)
 * @entity:     the thread's own
 * @actor:      ref of that
 */
struct self {
	uint64_t stack;
	uint64_t met; /* entries that found the thread inside, since it came in */
	uint64_t generation;
	struct peeps_thread *record;
	uint32_t record_index;
	struct peeps_entity_slot *entity;
	uint64_t actor;
};

/* The stack pointer of the program's frame that called the exported function this stands in. Frames
 * of handlers that break into that call lie below it. */
#define CALLER_STACK() ((uint64_t)(uintptr_t)__builtin_dwarf_cfa())

/* Make room for records: at the start, and in a forked child. Process lock held. Returns false
 * without memory. */
bool threads_init(void);

/**
 * self_enter - the calling thread, registered, for one stretch of recording; undo with self_leave()
 * @caller_stack: CALLER_STACK() of the exported function
 *
 * Returns NULL if nothing can be recorded now: telemetry off, in a child without fork handlers,
 * re-entered, or full (the latter two are counted). Starts telemetry in a forked child. Makes
 * syscalls the first time in a thread. Context: any thread; process lock not held.
 */
struct self *self_enter(uint64_t caller_stack);

/**
 * self_enter_or_nobody - the same for what has to be true whoever does it: how much there is, and what is over
 *
 * A thread that was refused an entity writes as *@nobody, who is no actor and waits for nothing
 * (self_is_somebody()). Returns NULL where nothing can be written either.
 */
struct self *self_enter_or_nobody(struct self *nobody, uint64_t caller_stack);

static inline bool self_is_somebody(const struct self *self)
{
	return self->entity != NULL;
}

/* The same for calls that only undo what this thread recorded: NULL if it never recorded anything. */
struct self *self_enter_known(uint64_t caller_stack);

void self_leave(struct self *self);

/* A frame at @stack can no longer be there when the program calls us from @caller_stack: it was
 * left by siglongjmp. */
bool stack_is_gone(uint64_t stack, uint64_t caller_stack);

/* While the calling thread forks, and holds the process lock: what it calls meanwhile goes
 * unrecorded. Returns what self_resume() wants. */
uint64_t self_suspend(void);
void self_resume(uint64_t stack);

/* The calling thread is in the middle of something: a section, a wait, a call of ours that a signal handler broke into. */
bool self_is_amid(void);

/* See to it that thread_leaving() runs when the calling thread ends. The main thread needs that though
 * it may never register: the tick must end with it. */
void thread_watch_leaving(void);

/**
 * thread_find - the ref of the entity of another thread, which has not ended
 *
 * A handle may have been another thread's before, so the kernel is asked whether that one is still there. Returns 0 for one
 * that has recorded nothing, or shares a record. Context: process lock held; as long as the threads are many.
 */
uint64_t thread_find(pthread_t thread);

/* In a forked child: the thread that forked starts anew. */
void self_forget(void);

/* The TSD destructor. Wrappers may still be used by destructors that run after it. */
void thread_leaving(void *unused);

/* The innermost actor that the calling thread runs as. */
static inline uint64_t self_actor(const struct self *self)
{
	return self->record ? peeps_load_relaxed(&self->record->actor) : self->actor;
}

/* What thread record @index keeps: edge slots for its operations. Written by that thread alone. */
#define THREAD_EDGES 4
struct thread_edges {
	uint32_t slots[THREAD_EDGES]; /* taken from the pool as needed; [0, count) */
	uint64_t stacks
		[THREAD_EDGES]; /* where the operation in flight was called from; 0 = none is */
	uint8_t count;
	/* used most recently: the oldest finished one is used next, so that history lasts */
	uint8_t last;
};

struct thread_edges *thread_edges_of(const struct self *self);

/* Likewise: its slots for rwlocks that it reads (writer/reads.h). What is in them outlives the thread with what it still
 * held, and is the next one's that has the record. */
struct thread_reads {
	struct peeps_read reads[PEEPS_READS_MAX]; /* [0, count) have a slot */
	uint32_t count; /* raised with release: other threads look for a task's */
	uint32_t last;  /* taken most recently */
};

/* NULL for a thread without a record. */
struct thread_reads *thread_reads_of(const struct self *self);

/* Of record @index; NULL beyond the last one that was ever used. */
struct thread_reads *thread_reads_at(uint32_t index);

#endif
