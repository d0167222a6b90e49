/* SPDX-License-Identifier: MIT */
/*
 * A cell that is filled once, by whoever needs it first, and read by all: who fills it, since when and from where, and who
 * waits for that.
 *
 * The value is a pointer of the program's own; NULL is one like any other. Initialization that fails leaves the cell empty,
 * and one of those who waited tries next. Once the cell is filled, a read is one load, and leaves no trace.
 *
 * Calls return 0 or -errno. Telemetry that is off, full or failed changes nothing else. In a forked child, a cell that
 * another thread was filling is empty.
 */
#ifndef PEEPS_ONCE_CELL_H
#define PEEPS_ONCE_CELL_H

#include <errno.h>
#include <stdint.h>

#include <peeps/atomic.h>

#include <peeps/api.h>
#ifdef PEEPS_DISABLE
#include <peeps/disabled.h>
#else
#include <peeps/hook.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct peeps_once_cell - all zero but for its hook: empty
 *
 * Nothing in it is for the program. It must not be copied or moved once it was used.
 */
struct peeps_once_cell {
	uint64_t word;
	void *value;
	const void *initializer; /* of the thread that fills it */
#ifndef PEEPS_DISABLE
	struct peeps_hook hook;
#endif
};

/* A constant expression, C and C++, any linkage. The name is a string literal; this is the entity's place. */
#ifdef PEEPS_DISABLE
#define PEEPS_ONCE_CELL_INIT(name) \
	{                          \
		0, 0, 0            \
	}
#else
#define PEEPS_ONCE_CELL_INIT(name)             \
	{                                      \
		0, 0, 0, PEEPS_HOOK_INIT(name) \
	}
#endif

#define PEEPS_ONCE_CELL_FILLED UINT64_C(2) /* the word, then for good */

/**
 * peeps_once_init - makes the value of a cell
 * @argument: as it was given to the call
 * @value:    where it goes
 *
 * Returns 0, or what that call is to return: then the cell stays empty.
 */
typedef int peeps_once_init(void *argument, void **value);

/**
 * peeps_once_cell_init - an empty cell; undo with peeps_once_cell_destroy()
 * @name: copied; need not be unique; NULL: named after the place of the call
 */
PEEPS_API void peeps_once_cell_init(struct peeps_once_cell *cell, const char *name);

/**
 * peeps_once_cell_get_or_init - the value, which @init makes if there is none yet
 * @value: gets it; untouched on failure
 *
 * While another thread makes it, the call waits; peeps_once_cell_try_get_or_init() does not.
 *
 * Returns 0; what @init returned; -EDEADLK from inside @init of the same cell, which would wait for itself;
 * -EAGAIN (try) or -ETIMEDOUT (timed) if another thread has not done yet.
 * Context: any thread. The wait is no cancellation point; @init may be one: the cell is empty then. It
 * must not be left by longjmp. Not async-signal-safe.
 * Telemetry: while @init runs, the actor holds the cell; one `needs` edge with op_kind oncecell_wait, only
 * if it has to wait.
 */
PEEPS_API int peeps_once_cell_get_or_init(struct peeps_once_cell *cell, peeps_once_init *init,
					  void *argument, void **value);
PEEPS_API int peeps_once_cell_try_get_or_init(struct peeps_once_cell *cell, peeps_once_init *init,
					      void *argument, void **value);
PEEPS_API int peeps_once_cell_timed_get_or_init(struct peeps_once_cell *cell, peeps_once_init *init,
						void *argument, uint64_t timeout_ns, void **value);

/**
 * peeps_once_cell_set - fill it with @value, if nobody did
 *
 * Returns 0; -EEXIST if it is filled; -EBUSY while somebody fills it.
 */
PEEPS_API int peeps_once_cell_set(struct peeps_once_cell *cell, void *value);

/**
 * peeps_once_cell_destroy - nobody uses it any more; it may be used anew
 * @value: gets what was in it, which is the caller's from now on, or NULL; may be NULL
 *
 * Returns 0, or -EBUSY while somebody fills it: then nothing happened.
 */
PEEPS_API int peeps_once_cell_destroy(struct peeps_once_cell *cell, void **value);

/* Returns 0, or -EAGAIN if it is not filled. */
PEEPS_API int peeps_once_cell_get(const struct peeps_once_cell *cell, void **value);

PEEPS_INLINE int peeps_once_cell_get_inline(const struct peeps_once_cell *cell, void **value)
{
	/* Acquire: the value, and what was done to make it. Pairs with the release in writer/once_cell.c. */
	if (peeps_load_acquire(&cell->word) != PEEPS_ONCE_CELL_FILLED)
		return -EAGAIN;
	*value = cell->value;
	return 0;
}

#define PEEPS_ONCE_CELL_PATIENCE UINT64_MAX /* to wait for ever; 0 = not at all */

/* Out of line: all that is not reading a filled cell. */
#ifdef PEEPS_DISABLE
PEEPS_API int peeps_once_cell_fill(struct peeps_once_cell *cell, peeps_once_init *init,
				   void *argument, uint64_t timeout_ns, void **value);
#define PEEPS_ONCE_CELL_FILL(cell, init, argument, timeout_ns, value, site) \
	((void)(site), peeps_once_cell_fill((cell), (init), (argument), (timeout_ns), (value)))
#define PEEPS_ONCE_CELL_HERE ((void *)0)
#define PEEPS_ONCE_CELL_SITE void
#else
PEEPS_API void peeps_once_cell_init_at(struct peeps_once_cell *cell, const char *name,
				       struct peeps_site *site);
PEEPS_API int peeps_once_cell_set_at(struct peeps_once_cell *cell, void *value,
				     struct peeps_site *site);
PEEPS_API int peeps_once_cell_fill_at(struct peeps_once_cell *cell, peeps_once_init *init,
				      void *argument, uint64_t timeout_ns, void **value,
				      struct peeps_site *site);
#define PEEPS_ONCE_CELL_FILL(cell, init, argument, timeout_ns, value, site) \
	peeps_once_cell_fill_at((cell), (init), (argument), (timeout_ns), (value), (site))
#define PEEPS_ONCE_CELL_HERE PEEPS_HERE
#define PEEPS_ONCE_CELL_SITE struct peeps_site

#define peeps_once_cell_init(cell, name) peeps_once_cell_init_at((cell), (name), PEEPS_HERE)
#define peeps_once_cell_set(cell, value) peeps_once_cell_set_at((cell), (value), PEEPS_HERE)
#endif

/* @timeout_ns counts from the call. */
PEEPS_INLINE int peeps_once_cell_get_or_init_inline(struct peeps_once_cell *cell,
						    peeps_once_init *init, void *argument,
						    uint64_t timeout_ns, void **value,
						    PEEPS_ONCE_CELL_SITE *site)
{
	if (peeps_likely(peeps_once_cell_get_inline(cell, value) == 0))
		return 0;
	return PEEPS_ONCE_CELL_FILL(cell, init, argument, timeout_ns, value, site);
}

#define peeps_once_cell_get(cell, value) peeps_once_cell_get_inline((cell), (value))
#define peeps_once_cell_get_or_init(cell, init, argument, value)                                 \
	peeps_once_cell_get_or_init_inline((cell), (init), (argument), PEEPS_ONCE_CELL_PATIENCE, \
					   (value), PEEPS_ONCE_CELL_HERE)
#define peeps_once_cell_try_get_or_init(cell, init, argument, value)               \
	peeps_once_cell_get_or_init_inline((cell), (init), (argument), 0, (value), \
					   PEEPS_ONCE_CELL_HERE)
#define peeps_once_cell_timed_get_or_init(cell, init, argument, timeout_ns, value)            \
	peeps_once_cell_get_or_init_inline((cell), (init), (argument), (timeout_ns), (value), \
					   PEEPS_ONCE_CELL_HERE)

#ifdef __cplusplus
}
#endif

#endif
