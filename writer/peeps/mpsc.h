/* SPDX-License-Identifier: MIT */
/*
 * A channel from many senders to one receiver, bounded or not, that a reader can look at: how full it is,
 * who waits at which end, and who owns the other (seeds/002).
 *
 * Handles: a sender may be cloned, and one handle may be used by several threads at once; the receiver by
 * one at a time. The actor that makes a handle owns it, until another says peeps_mpsc_tx_moved() or
 * peeps_mpsc_rx_moved(): that is how "who could wake me" has an answer. Where that was never said, it is
 * shown who made the handle (creator), or that others use it, too (shared), and a deadlock that rests on it
 * is only possible, never certain. So call it also where the creator keeps an end.
 *
 * Closing: a channel closes when its last sender is freed, when a sender or the receiver closes it, or when
 * the receiver is freed. A closed channel takes no more; what is queued can still be received, until
 * peeps_mpsc_recv() says -EPIPE.
 *
 * A forked child has a copy of its own. As with a mutex, what another thread was doing with it at the moment of
 * the fork stays half done there: a child may use a channel that only the forking thread sent to.
 *
 * With PEEPS_DISABLE the same channel without telemetry, from libpeeps-disabled.
 */
#ifndef PEEPS_MPSC_H
#define PEEPS_MPSC_H

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

struct peeps_mpsc_tx;
struct peeps_mpsc_rx;

/**
 * peeps_mpsc_new - an empty channel with one sender, both ends owned by the calling actor
 * @name:      copied; NULL or "": named after the place of the call
 * @item_size: bytes of an item, at least 1
 * @capacity:  items; 0 = unbounded
 *
 * Returns 0 with both handles, each to be freed; -EINVAL; -ENOMEM.
 */
PEEPS_API int peeps_mpsc_new(struct peeps_mpsc_tx **tx, struct peeps_mpsc_rx **rx, const char *name,
			     size_t item_size, size_t capacity);

/* Another sender, owned by the calling actor; NULL without memory. */
PEEPS_API struct peeps_mpsc_tx *peeps_mpsc_tx_clone(struct peeps_mpsc_tx *tx);

/**
 * peeps_mpsc_send - put one item at the tail, waiting while the channel is full
 * @item: item_size bytes, copied before the call returns
 *
 * Returns 0; -EPIPE if the channel is closed, or closes during the wait (nothing was queued); -ENOMEM of an
 * unbounded one.
 * Context: any thread; a cancellation point while it waits. Not async-signal-safe.
 * Telemetry: one `needs` edge of op send, only if it has to wait. (seeds/002)
 */
PEEPS_API int peeps_mpsc_send(struct peeps_mpsc_tx *tx, const void *item);

/* The same without waiting: -EAGAIN if it is full. */
PEEPS_API int peeps_mpsc_try_send(struct peeps_mpsc_tx *tx, const void *item);

/* The same, but -ETIMEDOUT after @timeout_ns (CLOCK_MONOTONIC) of waiting. */
PEEPS_API int peeps_mpsc_timed_send(struct peeps_mpsc_tx *tx, const void *item,
				    uint64_t timeout_ns);

/**
 * peeps_mpsc_recv - take the item at the head, waiting while there is none
 * @item: room for item_size bytes, untouched on failure
 *
 * Returns 0; -EPIPE if the channel is closed and drained.
 * Context: one thread at a time; a cancellation point while it waits. Not async-signal-safe.
 * Telemetry: one `needs` edge of op recv, only if it has to wait.
 */
PEEPS_API int peeps_mpsc_recv(struct peeps_mpsc_rx *rx, void *item);
PEEPS_API int peeps_mpsc_try_recv(struct peeps_mpsc_rx *rx, void *item); /* -EAGAIN */
PEEPS_API int peeps_mpsc_timed_recv(struct peeps_mpsc_rx *rx, void *item, uint64_t timeout_ns);

/* Take no more items, from whatever sender; waiting senders get -EPIPE. Again is fine. */
PEEPS_API void peeps_mpsc_tx_close(struct peeps_mpsc_tx *tx);
PEEPS_API void peeps_mpsc_rx_close(struct peeps_mpsc_rx *rx);

/* The calling actor owns the handle from now on. Who had it uses it no more. */
PEEPS_API void peeps_mpsc_tx_moved(struct peeps_mpsc_tx *tx);
PEEPS_API void peeps_mpsc_rx_moved(struct peeps_mpsc_rx *rx);

/* Nobody may use the handle any more; NULL is fine. The last sender closes the channel and wakes the
 * receiver. The receiver closes it and discards what is queued; waiting senders get -EPIPE. */
PEEPS_API void peeps_mpsc_tx_free(struct peeps_mpsc_tx *tx);
PEEPS_API void peeps_mpsc_rx_free(struct peeps_mpsc_rx *rx);

#ifndef PEEPS_DISABLE
PEEPS_API int peeps_mpsc_new_at(struct peeps_mpsc_tx **tx, struct peeps_mpsc_rx **rx,
				const char *name, size_t item_size, size_t capacity,
				struct peeps_site *site);
PEEPS_API struct peeps_mpsc_tx *peeps_mpsc_tx_clone_at(struct peeps_mpsc_tx *tx,
						       struct peeps_site *site);
PEEPS_API int peeps_mpsc_send_at(struct peeps_mpsc_tx *tx, const void *item,
				 struct peeps_site *site);
PEEPS_API int peeps_mpsc_timed_send_at(struct peeps_mpsc_tx *tx, const void *item,
				       uint64_t timeout_ns, struct peeps_site *site);
PEEPS_API int peeps_mpsc_recv_at(struct peeps_mpsc_rx *rx, void *item, struct peeps_site *site);
PEEPS_API int peeps_mpsc_timed_recv_at(struct peeps_mpsc_rx *rx, void *item, uint64_t timeout_ns,
				       struct peeps_site *site);
PEEPS_API void peeps_mpsc_tx_moved_at(struct peeps_mpsc_tx *tx, struct peeps_site *site);
PEEPS_API void peeps_mpsc_rx_moved_at(struct peeps_mpsc_rx *rx, struct peeps_site *site);

#define peeps_mpsc_new(tx, rx, name, item_size, capacity) \
	peeps_mpsc_new_at((tx), (rx), (name), (item_size), (capacity), PEEPS_HERE)
#define peeps_mpsc_tx_clone(tx)   peeps_mpsc_tx_clone_at((tx), PEEPS_HERE)
#define peeps_mpsc_send(tx, item) peeps_mpsc_send_at((tx), (item), PEEPS_HERE)
#define peeps_mpsc_timed_send(tx, item, timeout_ns) \
	peeps_mpsc_timed_send_at((tx), (item), (timeout_ns), PEEPS_HERE)
#define peeps_mpsc_recv(rx, item) peeps_mpsc_recv_at((rx), (item), PEEPS_HERE)
#define peeps_mpsc_timed_recv(rx, item, timeout_ns) \
	peeps_mpsc_timed_recv_at((rx), (item), (timeout_ns), PEEPS_HERE)
#define peeps_mpsc_tx_moved(tx) peeps_mpsc_tx_moved_at((tx), PEEPS_HERE)
#define peeps_mpsc_rx_moved(rx) peeps_mpsc_rx_moved_at((rx), PEEPS_HERE)
#endif

#ifdef __cplusplus
}
#endif

#endif
