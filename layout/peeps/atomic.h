/* SPDX-License-Identifier: MIT */
/* The only way shared words are touched: 64-bit loads, stores and fences that C and C++ both
 * compile. */
#ifndef PEEPS_ATOMIC_H
#define PEEPS_ATOMIC_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PEEPS_INLINE              static inline __attribute__((always_inline, unused))
#define peeps_likely(condition)   __builtin_expect(!!(condition), 1)
#define peeps_unlikely(condition) __builtin_expect(!!(condition), 0)

PEEPS_INLINE uint64_t peeps_load_relaxed(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

PEEPS_INLINE uint64_t peeps_load_acquire(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

PEEPS_INLINE void peeps_store_relaxed(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
}

PEEPS_INLINE void peeps_store_release(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

PEEPS_INLINE void peeps_fence_acquire(void)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
}

PEEPS_INLINE void peeps_fence_release(void)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

PEEPS_INLINE void peeps_fence_full(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Orders this thread against its own signal handlers, and the compiler; costs no instruction. */
PEEPS_INLINE void peeps_barrier_compiler(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/**
 * peeps_increment_release - add one to a word that only this thread and its signal handlers write
 *
 * No handler can come between the load and the store: one instruction where the machine has it (no
 * lock prefix, so no cost), else an atomic add. Release: what was stored before is visible before
 * the new value.
 */
PEEPS_INLINE void peeps_increment_release(uint64_t *word)
{
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
	/* Every store of x86 is a release; the clobber keeps the compiler to it. */
	__asm__ volatile("addq $1, %0" : "+m"(*word) : : "memory", "cc");
#else
	(void)__atomic_fetch_add(word, 1, __ATOMIC_RELEASE);
	peeps_barrier_compiler();
#endif
}

#ifdef __cplusplus
}
#endif

#endif
