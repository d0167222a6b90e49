/* SPDX-License-Identifier: MIT */
#include "writer/mpsc_lock.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A send has the lock for some 20 ns. */
#define PAUSES 32

/* The half of the word that the bits are in, which is all the kernel looks at. */
static uint32_t *futex_of(uint64_t *word)
{
	return (uint32_t *)word + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
}

void mpsc_lock_slow(uint64_t *word)
{
	const int saved_errno = errno;
	uint64_t before;

	for (int i = 0; i < PAUSES; i++) {
		mpsc_pause();
		if (!(peeps_load_relaxed(word) & MPSC_LOCKED) &&
		    !(__atomic_fetch_or(word, MPSC_LOCKED, __ATOMIC_ACQUIRE) & MPSC_LOCKED))
			return;
	}
	for (;;) {
		before = __atomic_fetch_or(word, MPSC_LOCKED | MPSC_AWAITED, __ATOMIC_ACQUIRE);
		if (!(before & MPSC_LOCKED))
			break;
		/* Whatever it returns, the word says what is so. */
		(void)syscall(SYS_futex, futex_of(word), FUTEX_WAIT_PRIVATE,
			      (uint32_t)(before | MPSC_LOCKED | MPSC_AWAITED), NULL, NULL, 0);
	}
	errno = saved_errno;
}

void mpsc_lock_wake(uint64_t *word)
{
	const int saved_errno = errno;

	(void)syscall(SYS_futex, futex_of(word), FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	errno = saved_errno;
}
