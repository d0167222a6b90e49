/* SPDX-License-Identifier: MIT */
/*
 * The senders' lock: two bits of the tail word, so that publishing an item also gives the lock back, by the
 * same instruction. A send is two atomic instructions, where a pthread mutex beside the word makes it three
 * and two calls (26 ns; 12 ns with this).
 *
 * Why it is one: LOCKED is set by who finds it unset, by one atomic or; that one alone clears it, by the
 * exchange that publishes or by the and of mpsc_unlock(). What the holder before did is seen: its release,
 * and this acquire; ors between them keep the release sequence.
 * Why nobody sleeps for ever: who sleeps has set AWAITED in a word that was LOCKED, and the kernel lets it sleep
 * only if the word is still that, both bits set. Every way of clearing LOCKED clears AWAITED with it, and
 * learns that it was set: then one is woken. It may not have been the only one, so it takes the lock with
 * AWAITED, whether others sleep or not, and wakes the next one. (That the other bits come back to what they
 * were makes no difference: both bits set is all that sleep needs.)
 * What others do to the word meanwhile (the receiver's SLEEPS) is an or, too, and each clearing learns of it.
 */
#ifndef PEEPS_WRITER_MPSC_LOCK_H
#define PEEPS_WRITER_MPSC_LOCK_H

#include <stdint.h>

#include <peeps/atomic.h>

/* Bits of the word; the owner of the word knows of the others. */
#define MPSC_LOCKED  UINT64_C(4)
#define MPSC_AWAITED UINT64_C(8) /* somebody may sleep until it is unlocked */

void mpsc_lock_slow(uint64_t *word);
void mpsc_lock_wake(uint64_t *word);

/* Not a cancellation point, as a mutex is none. */
static inline void mpsc_lock(uint64_t *word)
{
	if (peeps_unlikely(__atomic_fetch_or(word, MPSC_LOCKED, __ATOMIC_ACQUIRE) & MPSC_LOCKED))
		mpsc_lock_slow(word);
}

/* @before: the word as it was when LOCKED and AWAITED were cleared. Touches the word's address, but not the word:
 * it may be gone by now. */
static inline void mpsc_unlocked(uint64_t *word, uint64_t before)
{
	if (peeps_unlikely(before & MPSC_AWAITED))
		mpsc_lock_wake(word);
}

static inline void mpsc_unlock(uint64_t *word)
{
	mpsc_unlocked(word,
		      __atomic_fetch_and(word, ~(MPSC_LOCKED | MPSC_AWAITED), __ATOMIC_RELEASE));
}

/* The holder stores all of the word, without LOCKED and AWAITED. Returns it as it was: its other bits are the
 * caller's to act upon, after mpsc_unlocked(). */
static inline uint64_t mpsc_unlock_with(uint64_t *word, uint64_t value)
{
	return __atomic_exchange_n(word, value, __ATOMIC_ACQ_REL);
}

/* Some 15 to 50 ns in which nothing is done, least of all to a line that another processor writes. */
static inline void mpsc_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb" : : : "memory");
#endif
}

#endif
