/* SPDX-License-Identifier: MIT */
/*
 * A channel whose every receiver gets every item that is sent while it is there, and that a reader can look at: how far
 * behind each receiver is, who waits at which end, and who could end that (seeds/001).
 *
 * It keeps the last so many items. What is done when a receiver is that far behind is chosen when it is made: either
 * the oldest item goes, and that receiver is told how many it has missed; or senders wait for the slowest receiver.
 *
 * Handles: senders may be cloned, and one may be used by several threads at once; receivers are made as needed, and each
 * is used by one thread at a time. Who makes a handle owns it, until another says peeps_broadcast_tx_moved() or
 * _rx_moved(), as with peeps/mpsc.h. A reader sees one sending end, and a receiving end for each receiver, which is
 * numbered: its id ends in ~2:rx, ~3:rx and so on.
 *
 * Misuse: a receiver freed while a thread waits at it ends the wait with -EPIPE, and is counted (misused_channels).
 *
 * A forked child has a copy of its own. As with a mutex, what another thread was doing with it at the moment of
 * the fork stays half done there.
 *
 * With PEEPS_DISABLE the same without telemetry, from libpeeps-disabled.
 */
#ifndef PEEPS_BROADCAST_H
#define PEEPS_BROADCAST_H

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

struct peeps_broadcast_tx;
struct peeps_broadcast_rx;

enum peeps_broadcast_when_full {
	PEEPS_BROADCAST_LOSSY = 0, /* receivers that are behind miss the oldest */
	PEEPS_BROADCAST_WAIT = 1,  /* senders wait for the slowest receiver */
};

/**
 * peeps_broadcast_new - an empty channel with one sender and one receiver, both owned by the calling actor
 * @name:      copied; NULL or "": named after the place of the call
 * @item_size: bytes of an item, at least 1
 * @capacity:  items that it keeps, at least 1
 * @when_full: PEEPS_BROADCAST_LOSSY or PEEPS_BROADCAST_WAIT
 *
 * Returns 0 with both handles, each to be freed; -EINVAL; -ENOMEM.
 */
PEEPS_API int peeps_broadcast_new(struct peeps_broadcast_tx **tx, struct peeps_broadcast_rx **rx,
				  const char *name, size_t item_size, size_t capacity,
				  enum peeps_broadcast_when_full when_full);

/* Another sender, owned by the calling actor; NULL without memory. */
PEEPS_API struct peeps_broadcast_tx *peeps_broadcast_tx_clone(struct peeps_broadcast_tx *tx);

/* Another receiver, likewise: of what is sent from now on; of a receiver: of what that one has not received yet. */
PEEPS_API struct peeps_broadcast_rx *peeps_broadcast_subscribe(struct peeps_broadcast_tx *tx);
PEEPS_API struct peeps_broadcast_rx *peeps_broadcast_rx_clone(struct peeps_broadcast_rx *rx);

/**
 * peeps_broadcast_send - send one item to all receivers, waiting for the slowest if the channel was made so
 * @item: item_size bytes, copied before the call returns
 *
 * Returns 0; -EPIPE if there is no receiver, or none any more during the wait (nothing was sent).
 * Context: any thread; a cancellation point while it waits. Not async-signal-safe.
 * Telemetry: one `needs` edge of op send, only if it has to wait.
 */
PEEPS_API int peeps_broadcast_send(struct peeps_broadcast_tx *tx, const void *item);
PEEPS_API int peeps_broadcast_try_send(struct peeps_broadcast_tx *tx,
				       const void *item); /* -EAGAIN */

/* The same, but -ETIMEDOUT after @timeout_ns (CLOCK_MONOTONIC) of waiting. */
PEEPS_API int peeps_broadcast_timed_send(struct peeps_broadcast_tx *tx, const void *item,
					 uint64_t timeout_ns);

/**
 * peeps_broadcast_recv - take the next item, waiting while there is none
 * @item:   room for item_size bytes, untouched on failure
 * @missed: how many, with -EOVERFLOW, else untouched; or NULL
 *
 * Returns 0; -EOVERFLOW if items went that this receiver had not received: the next call takes the oldest that is
 * there; -EPIPE if all senders are gone and all was received.
 * Context: one thread at a time; a cancellation point while it waits. Not async-signal-safe.
 * Telemetry: one `needs` edge of op recv, only if it has to wait.
 */
PEEPS_API int peeps_broadcast_recv(struct peeps_broadcast_rx *rx, void *item, uint64_t *missed);
PEEPS_API int peeps_broadcast_try_recv(struct peeps_broadcast_rx *rx, void *item,
				       uint64_t *missed); /* -EAGAIN */
PEEPS_API int peeps_broadcast_timed_recv(struct peeps_broadcast_rx *rx, void *item,
					 uint64_t *missed, uint64_t timeout_ns);

/* The calling actor owns the handle from now on. Who had it uses it no more. */
PEEPS_API void peeps_broadcast_tx_moved(struct peeps_broadcast_tx *tx);
PEEPS_API void peeps_broadcast_rx_moved(struct peeps_broadcast_rx *rx);

/* Nobody may use the handle any more; NULL is fine. After the last sender, receivers take what is there, and then get
 * -EPIPE. Senders do not wait for a receiver that is gone; without any they get -EPIPE. */
PEEPS_API void peeps_broadcast_tx_free(struct peeps_broadcast_tx *tx);
PEEPS_API void peeps_broadcast_rx_free(struct peeps_broadcast_rx *rx);

#ifndef PEEPS_DISABLE
PEEPS_API int peeps_broadcast_new_at(struct peeps_broadcast_tx **tx, struct peeps_broadcast_rx **rx,
				     const char *name, size_t item_size, size_t capacity,
				     enum peeps_broadcast_when_full when_full,
				     struct peeps_site *site);
PEEPS_API struct peeps_broadcast_tx *peeps_broadcast_tx_clone_at(struct peeps_broadcast_tx *tx,
								 struct peeps_site *site);
PEEPS_API struct peeps_broadcast_rx *peeps_broadcast_subscribe_at(struct peeps_broadcast_tx *tx,
								  struct peeps_site *site);
PEEPS_API struct peeps_broadcast_rx *peeps_broadcast_rx_clone_at(struct peeps_broadcast_rx *rx,
								 struct peeps_site *site);
PEEPS_API int peeps_broadcast_send_at(struct peeps_broadcast_tx *tx, const void *item,
				      struct peeps_site *site);
PEEPS_API int peeps_broadcast_timed_send_at(struct peeps_broadcast_tx *tx, const void *item,
					    uint64_t timeout_ns, struct peeps_site *site);
PEEPS_API int peeps_broadcast_recv_at(struct peeps_broadcast_rx *rx, void *item, uint64_t *missed,
				      struct peeps_site *site);
PEEPS_API int peeps_broadcast_timed_recv_at(struct peeps_broadcast_rx *rx, void *item,
					    uint64_t *missed, uint64_t timeout_ns,
					    struct peeps_site *site);
PEEPS_API void peeps_broadcast_tx_moved_at(struct peeps_broadcast_tx *tx, struct peeps_site *site);
PEEPS_API void peeps_broadcast_rx_moved_at(struct peeps_broadcast_rx *rx, struct peeps_site *site);

#define peeps_broadcast_new(tx, rx, name, item_size, capacity, when_full) \
	peeps_broadcast_new_at((tx), (rx), (name), (item_size), (capacity), (when_full), PEEPS_HERE)
#define peeps_broadcast_tx_clone(tx)   peeps_broadcast_tx_clone_at((tx), PEEPS_HERE)
#define peeps_broadcast_subscribe(tx)  peeps_broadcast_subscribe_at((tx), PEEPS_HERE)
#define peeps_broadcast_rx_clone(rx)   peeps_broadcast_rx_clone_at((rx), PEEPS_HERE)
#define peeps_broadcast_send(tx, item) peeps_broadcast_send_at((tx), (item), PEEPS_HERE)
#define peeps_broadcast_timed_send(tx, item, timeout_ns) \
	peeps_broadcast_timed_send_at((tx), (item), (timeout_ns), PEEPS_HERE)
#define peeps_broadcast_recv(rx, item, missed) \
	peeps_broadcast_recv_at((rx), (item), (missed), PEEPS_HERE)
#define peeps_broadcast_timed_recv(rx, item, missed, timeout_ns) \
	peeps_broadcast_timed_recv_at((rx), (item), (missed), (timeout_ns), PEEPS_HERE)
#define peeps_broadcast_tx_moved(tx) peeps_broadcast_tx_moved_at((tx), PEEPS_HERE)
#define peeps_broadcast_rx_moved(rx) peeps_broadcast_rx_moved_at((rx), PEEPS_HERE)
#endif

#ifdef __cplusplus
}
#endif

#endif
