/* SPDX-License-Identifier: MIT */
/*
 * A value that one side changes and others watch, which a reader can look at: how often it has changed, how many watch
 * it, who waits for a change, and who could make one (seeds/001).
 *
 * There is one value, the last one: who is slow misses what came between, and never holds the sender up. Each receiver
 * knows which change it has seen last.
 *
 * Handles: the one sender may be used by several threads at once; receivers are made as needed, and each is used by one
 * thread at a time. Who makes a handle owns it, until another says peeps_watch_tx_moved() or _rx_moved(), as with
 * peeps/mpsc.h.
 *
 * A reader sees one sending and one receiving end; all receivers' owners hold the latter.
 *
 * Misuse: a sender used after it was freed is seen as long as there is a receiver: -EINVAL, or nothing done. A receiver
 * freed while a thread waits at it ends the wait with -EPIPE. Both are counted (misused_channels).
 *
 * A forked child has a copy of its own. As with a mutex, what another thread was doing with it at the moment of
 * the fork stays half done there.
 *
 * With PEEPS_DISABLE the same without telemetry, from libpeeps-disabled.
 */
#ifndef PEEPS_WATCH_H
#define PEEPS_WATCH_H

#include <stddef.h>
#include <stdint.h>

#include <peeps/api.h>
#ifdef PEEPS_DISABLE
#include <peeps/disabled.h>
#else
#include <peeps/site.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct peeps_watch_tx;
struct peeps_watch_rx;

/**
 * peeps_watch_new - a value with a sender and one receiver, which has seen it, both owned by the calling actor
 * @name:      copied; NULL or "": named after the place of the call
 * @item_size: bytes of the value, at least 1
 * @initial:   copied
 *
 * Returns 0 with both handles, each to be freed; -EINVAL; -ENOMEM.
 */
PEEPS_API int peeps_watch_new(struct peeps_watch_tx **tx, struct peeps_watch_rx **rx,
			      const char *name, size_t item_size, const void *initial);

/* Another receiver, owned by the calling actor; NULL without memory. It has seen what @rx has seen; of a
 * sender: the value as it is. There may have been none before. */
PEEPS_API struct peeps_watch_rx *peeps_watch_rx_clone(struct peeps_watch_rx *rx);
PEEPS_API struct peeps_watch_rx *peeps_watch_subscribe(struct peeps_watch_tx *tx);

/**
 * peeps_watch_send - change the value, and wake who waits for that
 * @item: item_size bytes, copied before the call returns. That it is the same again makes no difference
 *
 * Returns 0; -EPIPE if there is no receiver, and then the value is what it was; -EINVAL of a freed sender.
 * Context: any thread; never waits. Not async-signal-safe.
 */
PEEPS_API int peeps_watch_send(struct peeps_watch_tx *tx, const void *item);

/* The same, whether there is a receiver or not: who subscribes later finds it. 0; -EINVAL. */
PEEPS_API int peeps_watch_replace(struct peeps_watch_tx *tx, const void *item);

/**
 * peeps_watch_modify - change the value where it lies
 * @modify: called with the value and @context; returns 0 if it has left it as it was, and then nobody is told.
 *          Nobody else sees the value meanwhile, so it is brief; it must not use the watch, and must return
 *
 * Returns 0 if it was left as it was, 1 if it was changed; -EINVAL of a freed sender.
 */
PEEPS_API int peeps_watch_modify(struct peeps_watch_tx *tx,
				 int (*modify)(void *value, void *context), void *context);

/* Whether there is no receiver. 0 or 1. */
PEEPS_API int peeps_watch_tx_is_closed(const struct peeps_watch_tx *tx);

/**
 * peeps_watch_borrow - copy the value as it is
 * @item: room for item_size bytes
 *
 * Returns how many changes it is after. It counts as seen only by _borrow_and_update(). Never waits.
 */
PEEPS_API uint64_t peeps_watch_borrow(const struct peeps_watch_rx *rx, void *item);
PEEPS_API uint64_t peeps_watch_borrow_and_update(struct peeps_watch_rx *rx, void *item);
PEEPS_API uint64_t peeps_watch_tx_borrow(const struct peeps_watch_tx *tx, void *item);

/**
 * peeps_watch_changed - wait until the value is another one than this receiver has seen, and see it
 * @item: room for item_size bytes, untouched on failure; NULL: it is not wanted
 *
 * Returns 0; -EPIPE if the sender is gone and all was seen.
 * Context: one thread at a time; a cancellation point while it waits. Not async-signal-safe.
 * Telemetry: one `needs` edge of op recv, only if it has to wait.
 */
PEEPS_API int peeps_watch_changed(struct peeps_watch_rx *rx, void *item);

/* The same, but -ETIMEDOUT after @timeout_ns (CLOCK_MONOTONIC) of waiting. */
PEEPS_API int peeps_watch_timed_changed(struct peeps_watch_rx *rx, void *item, uint64_t timeout_ns);

/* Whether peeps_watch_changed() would not wait: 1; 0; -EPIPE as there. Sees nothing, takes no lock. */
PEEPS_API int peeps_watch_has_changed(const struct peeps_watch_rx *rx);

/* The calling actor owns the handle from now on. Who had it uses it no more. */
PEEPS_API void peeps_watch_tx_moved(struct peeps_watch_tx *tx);
PEEPS_API void peeps_watch_rx_moved(struct peeps_watch_rx *rx);

/* Nobody may use the handle any more; NULL is fine. With the sender no more changes come: who waits gets -EPIPE. */
PEEPS_API void peeps_watch_tx_free(struct peeps_watch_tx *tx);
PEEPS_API void peeps_watch_rx_free(struct peeps_watch_rx *rx);

#ifndef PEEPS_DISABLE
PEEPS_API int peeps_watch_new_at(struct peeps_watch_tx **tx, struct peeps_watch_rx **rx,
				 const char *name, size_t item_size, const void *initial,
				 struct peeps_site *site);
PEEPS_API struct peeps_watch_rx *peeps_watch_rx_clone_at(struct peeps_watch_rx *rx,
							 struct peeps_site *site);
PEEPS_API struct peeps_watch_rx *peeps_watch_subscribe_at(struct peeps_watch_tx *tx,
							  struct peeps_site *site);
PEEPS_API int peeps_watch_changed_at(struct peeps_watch_rx *rx, void *item,
				     struct peeps_site *site);
PEEPS_API int peeps_watch_timed_changed_at(struct peeps_watch_rx *rx, void *item,
					   uint64_t timeout_ns, struct peeps_site *site);
PEEPS_API void peeps_watch_tx_moved_at(struct peeps_watch_tx *tx, struct peeps_site *site);
PEEPS_API void peeps_watch_rx_moved_at(struct peeps_watch_rx *rx, struct peeps_site *site);

#define peeps_watch_new(tx, rx, name, item_size, initial) \
	peeps_watch_new_at((tx), (rx), (name), (item_size), (initial), PEEPS_HERE)
#define peeps_watch_rx_clone(rx)      peeps_watch_rx_clone_at((rx), PEEPS_HERE)
#define peeps_watch_subscribe(tx)     peeps_watch_subscribe_at((tx), PEEPS_HERE)
#define peeps_watch_changed(rx, item) peeps_watch_changed_at((rx), (item), PEEPS_HERE)
#define peeps_watch_timed_changed(rx, item, timeout_ns) \
	peeps_watch_timed_changed_at((rx), (item), (timeout_ns), PEEPS_HERE)
#define peeps_watch_tx_moved(tx) peeps_watch_tx_moved_at((tx), PEEPS_HERE)
#define peeps_watch_rx_moved(rx) peeps_watch_rx_moved_at((rx), PEEPS_HERE)
#endif

#ifdef __cplusplus
}
#endif

#endif
