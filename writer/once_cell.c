/* SPDX-License-Identifier: MIT */
/*
 * The once cell: one word, on which those who wait for who fills it sleep. What is recorded of it is behind
 * writer/once_record.h; with PEEPS_DISABLE this file is the whole cell.
 */
#include <peeps/once_cell.h>

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "writer/deadline.h"
#include "writer/once_record.h"
#ifndef PEEPS_DISABLE
#include "writer/hook.h"
#include "writer/site.h"
#endif

/* The word: [1:0] state, [2] somebody sleeps until that changes, [63:32] while it is filled, the lineage of who does. */
#define EMPTY         UINT64_C(0)
#define FILLING       UINT64_C(1)
#define FILLED        PEEPS_ONCE_CELL_FILLED
#define STATE_MASK    UINT64_C(3)
#define AWAITED       UINT64_C(4)
#define LINEAGE_SHIFT 32

/* --- forks: in a child, who filled a cell may not be there --- */

static uint32_t lineage = 1;

static void begin_lineage(void)
{
	lineage++;
}

static void watch_forks(void)
{
	(void)pthread_atfork(NULL, NULL, begin_lineage);
}

static bool is_being_filled(uint64_t word)
{
	return (word & STATE_MASK) == FILLING && word >> LINEAGE_SHIFT == lineage;
}

/* --- sleeping on the word --- */

static uint32_t *futex_of(uint64_t *word)
{
	return (uint32_t *)word + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
}

/* Until the cell is no longer being filled, as @word says it is. Returns 0 or ETIMEDOUT. */
static int sleep_on(struct peeps_once_cell *cell, uint64_t word, const struct timespec *deadline)
{
	const int saved_errno = errno;
	int result = 0;

	while (result == 0 && is_being_filled(word)) {
		if (!(word & AWAITED) &&
		    !__atomic_compare_exchange_n(&cell->word, &word, word | AWAITED, false,
						 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			continue;
		if (syscall(SYS_futex, futex_of(&cell->word), FUTEX_WAIT_BITSET_PRIVATE,
			    (uint32_t)(word | AWAITED), deadline, NULL,
			    FUTEX_BITSET_MATCH_ANY) != 0 &&
		    errno == ETIMEDOUT)
			result = ETIMEDOUT;
		word = peeps_load_relaxed(&cell->word);
	}
	errno = saved_errno;
	return is_being_filled(word) ? result : 0;
}

/* From here on the cell is another's, and may be gone: the wake-up is for the address alone. */
static void publish(struct peeps_once_cell *cell, uint64_t state)
{
	const int saved_errno = errno;
	uint32_t *const futex = futex_of(&cell->word);

	/* Release: the value before the word that says so. Pairs with peeps_once_cell_get(). */
	if (__atomic_exchange_n(&cell->word, state, __ATOMIC_ACQ_REL) & AWAITED)
		(void)syscall(SYS_futex, futex, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
	errno = saved_errno;
}

/* --- filling --- */

static const void *me(void)
{
	static __thread char here;

	return &here;
}

/* True: the caller fills it now. Else *@word says what is so. */
static bool take(struct peeps_once_cell *cell, uint64_t *word)
{
	*word = peeps_load_acquire(&cell->word);
	while ((*word & STATE_MASK) != FILLED && !is_being_filled(*word))
		/* Acquire: what was done by who did not succeed. Pairs with publish(). */
		if (__atomic_compare_exchange_n(&cell->word, word,
						FILLING | (uint64_t)lineage << LINEAGE_SHIFT, false,
						__ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE)) {
			__atomic_store_n(&cell->initializer, me(), __ATOMIC_RELAXED);
			return true;
		}
	return false;
}

struct filling {
	struct peeps_once_cell *cell;
	struct once_call *call;
};

static void give_up(void *argument)
{
	const struct filling *const filling = argument;

	__atomic_store_n(&filling->cell->initializer, NULL, __ATOMIC_RELAXED);
	once_record_end(filling->cell, filling->call, false);
	publish(filling->cell, EMPTY);
}

static void succeed(const struct filling *filling, void *value)
{
	struct peeps_once_cell *const cell = filling->cell;

	cell->value = value;
	__atomic_store_n(&cell->initializer, NULL, __ATOMIC_RELAXED);
	once_record_end(cell, filling->call, true);
	publish(cell, FILLED);
}

static int fill_it(struct filling *filling, peeps_once_init *init, void *argument, void **value)
{
	void *made = NULL;
	int result;

	once_record_begin(filling->cell, filling->call);
	pthread_cleanup_push(give_up, filling);
	result = init(argument, &made);
	pthread_cleanup_pop(0);
	if (result != 0) {
		give_up(filling);
		return result;
	}
	succeed(filling, made);
	*value = made;
	return 0;
}

static int wait_for_it(struct peeps_once_cell *cell, uint64_t word, uint64_t timeout_ns,
		       const struct timespec *deadline, struct once_call *call)
{
	const bool is_timed = timeout_ns != PEEPS_ONCE_CELL_PATIENCE;
	int result;

	once_record_wait(cell, call, is_timed ? &timeout_ns : NULL);
	result = sleep_on(cell, word, is_timed ? deadline : NULL);
	once_record_waited(call, result);
	return result;
}

static int fill(struct peeps_once_cell *cell, peeps_once_init *init, void *argument,
		uint64_t timeout_ns, void **value, struct once_call *call)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const struct timespec deadline = deadline_in(timeout_ns);
	struct filling filling = { cell, call };
	uint64_t word;

	(void)pthread_once(&once, watch_forks);
	once_record_prepare(cell, call);
	while (!take(cell, &word)) {
		if ((word & STATE_MASK) == FILLED) {
			*value = cell->value;
			return 0;
		}
		if (__atomic_load_n(&cell->initializer, __ATOMIC_RELAXED) == me())
			return -EDEADLK;
		if (timeout_ns == 0)
			return -EAGAIN;
		if (wait_for_it(cell, word, timeout_ns, &deadline, call) != 0)
			return -ETIMEDOUT;
	}
	return fill_it(&filling, init, argument, value);
}

static int set(struct peeps_once_cell *cell, void *value, struct once_call *call)
{
	struct filling filling = { cell, call };
	uint64_t word;

	once_record_prepare(cell, call);
	if (!take(cell, &word))
		return (word & STATE_MASK) == FILLED ? -EEXIST : -EBUSY;
	once_record_begin(cell, call);
	succeed(&filling, value);
	return 0;
}

/* --- as programs see it --- */

#undef peeps_once_cell_init
#undef peeps_once_cell_set
#undef peeps_once_cell_get
#undef peeps_once_cell_get_or_init
#undef peeps_once_cell_try_get_or_init
#undef peeps_once_cell_timed_get_or_init

#ifdef PEEPS_DISABLE

#define NOWHERE NULL

void peeps_once_cell_init(struct peeps_once_cell *cell, const char *name)
{
	(void)name;
	*cell = (struct peeps_once_cell){ 0 };
}

int peeps_once_cell_set(struct peeps_once_cell *cell, void *value)
{
	struct once_call call = {};

	return set(cell, value, &call);
}

int peeps_once_cell_fill(struct peeps_once_cell *cell, peeps_once_init *init, void *argument,
			 uint64_t timeout_ns, void **value)
{
	struct once_call call = {};

	return fill(cell, init, argument, timeout_ns, value, &call);
}

static void deinit(struct peeps_once_cell *cell)
{
	(void)cell;
}

#else

#define NOWHERE (&peeps_site_unknown)

void peeps_once_cell_init_at(struct peeps_once_cell *cell, const char *name,
			     struct peeps_site *site)
{
	*cell = (struct peeps_once_cell){ 0 };
	hook_open(&cell->hook, PEEPS_KIND_ONCE_CELL, name, site, 0, CALLER_STACK());
}

int peeps_once_cell_set_at(struct peeps_once_cell *cell, void *value, struct peeps_site *site)
{
	struct once_call call = { .site = site, .stack = CALLER_STACK() };

	return set(cell, value, &call);
}

int peeps_once_cell_fill_at(struct peeps_once_cell *cell, peeps_once_init *init, void *argument,
			    uint64_t timeout_ns, void **value, struct peeps_site *site)
{
	struct once_call call = { .site = site, .stack = CALLER_STACK() };

	return fill(cell, init, argument, timeout_ns, value, &call);
}

/* The plain symbols know no site. */

void peeps_once_cell_init(struct peeps_once_cell *cell, const char *name)
{
	peeps_once_cell_init_at(cell, name, &peeps_site_unknown);
}

int peeps_once_cell_set(struct peeps_once_cell *cell, void *value)
{
	return peeps_once_cell_set_at(cell, value, &peeps_site_unknown);
}

static void deinit(struct peeps_once_cell *cell)
{
	hook_close(&cell->hook, CALLER_STACK());
}

#endif

int peeps_once_cell_get(const struct peeps_once_cell *cell, void **value)
{
	return peeps_once_cell_get_inline(cell, value);
}

int peeps_once_cell_get_or_init(struct peeps_once_cell *cell, peeps_once_init *init, void *argument,
				void **value)
{
	return peeps_once_cell_get_or_init_inline(cell, init, argument, PEEPS_ONCE_CELL_PATIENCE,
						  value, NOWHERE);
}

int peeps_once_cell_try_get_or_init(struct peeps_once_cell *cell, peeps_once_init *init,
				    void *argument, void **value)
{
	return peeps_once_cell_get_or_init_inline(cell, init, argument, 0, value, NOWHERE);
}

int peeps_once_cell_timed_get_or_init(struct peeps_once_cell *cell, peeps_once_init *init,
				      void *argument, uint64_t timeout_ns, void **value)
{
	return peeps_once_cell_get_or_init_inline(cell, init, argument, timeout_ns, value, NOWHERE);
}

int peeps_once_cell_destroy(struct peeps_once_cell *cell, void **value)
{
	const int saved_errno = errno;

	if (is_being_filled(peeps_load_acquire(&cell->word)))
		return -EBUSY;
	if (value)
		*value = cell->value;
	cell->word = EMPTY;
	cell->value = NULL;
	deinit(cell);
	errno = saved_errno;
	return 0;
}
