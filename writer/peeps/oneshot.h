/* SPDX-License-Identifier: MIT */
/*
 * A channel for one item, from one sender to one receiver, that a reader can look at: whether the item was sent,
 * received or lost, who waits for it, and who owns the sender (seeds/001).
 *
 * Handles: sending uses the sender up; the receiver is freed. Each is used by one thread at a time, in any
 * thread. Who makes a oneshot owns both, until another says peeps_oneshot_tx_moved() or _rx_moved(), as with
 * peeps/mpsc.h: that is how "who could wake me" has an answer. A sender that is put aside, into a table or a
 * queue, is its last owner's still.
 *
 * Misuse: a second send, or any other use of a sender that is spent, is seen as long as the receiver is not freed:
 * -EINVAL, or nothing done. A receiver freed while a thread waits at it ends the wait with -EPIPE. Both are
 * counted (misused_channels). What is used after both ends are gone is memory that was given back.
 *
 * A forked child has a copy of its own. As with a mutex, what another thread was doing with it at the moment of
 * the fork stays half done there.
 *
 * With PEEPS_DISABLE the same without telemetry, from libpeeps-disabled.
 */
#ifndef PEEPS_ONESHOT_H
#define PEEPS_ONESHOT_H

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

struct peeps_oneshot_tx;
struct peeps_oneshot_rx;

/**
 * peeps_oneshot_new - an empty oneshot, both ends owned by the calling actor
 * @name:      copied; NULL or "": named after the place of the call
 * @item_size: bytes of the item; 0 is fine: then it only says that it has happened
 *
 * Returns 0 with both handles, the sender to be sent with or freed, the receiver to be freed; -ENOMEM.
 */
PEEPS_API int peeps_oneshot_new(struct peeps_oneshot_tx **tx, struct peeps_oneshot_rx **rx,
				const char *name, size_t item_size);

/**
 * peeps_oneshot_send - put the item there; the sender is gone afterwards, whatever is returned
 * @item: item_size bytes, copied; unused if that is 0
 *
 * Returns 0; -EPIPE if the receiver was closed or freed (the item goes nowhere); -EINVAL if the sender was
 * spent already.
 * Context: any thread; never waits. Not async-signal-safe.
 */
PEEPS_API int peeps_oneshot_send(struct peeps_oneshot_tx *tx, const void *item);

/* Whether the receiver was closed or freed: then nobody wants the item any more. 0 or 1. */
PEEPS_API int peeps_oneshot_tx_is_closed(const struct peeps_oneshot_tx *tx);

/**
 * peeps_oneshot_recv - take the item, waiting while it was not sent
 * @item: room for item_size bytes, untouched on failure
 *
 * Returns 0; -EPIPE if it can never come: the sender was freed without sending, the receiver was closed before
 * it was sent, or it was received already.
 * Context: one thread at a time; a cancellation point while it waits. Not async-signal-safe.
 * Telemetry: one `needs` edge of op recv, only if it has to wait.
 */
PEEPS_API int peeps_oneshot_recv(struct peeps_oneshot_rx *rx, void *item);
PEEPS_API int peeps_oneshot_try_recv(struct peeps_oneshot_rx *rx, void *item); /* -EAGAIN */

/* The same, but -ETIMEDOUT after @timeout_ns (CLOCK_MONOTONIC) of waiting. */
PEEPS_API int peeps_oneshot_timed_recv(struct peeps_oneshot_rx *rx, void *item,
				       uint64_t timeout_ns);

/* Want the item no more. What was sent before can still be received. Again is fine. */
PEEPS_API void peeps_oneshot_rx_close(struct peeps_oneshot_rx *rx);

/* The calling actor owns the handle from now on. Who had it uses it no more. */
PEEPS_API void peeps_oneshot_tx_moved(struct peeps_oneshot_tx *tx);
PEEPS_API void peeps_oneshot_rx_moved(struct peeps_oneshot_rx *rx);

/* Nobody may use the handle any more; NULL is fine. The sender, of one that will not send: wakes the receiver.
 * With the receiver an item that was not received is thrown away. */
PEEPS_API void peeps_oneshot_tx_free(struct peeps_oneshot_tx *tx);
PEEPS_API void peeps_oneshot_rx_free(struct peeps_oneshot_rx *rx);

#ifndef PEEPS_DISABLE
PEEPS_API int peeps_oneshot_new_at(struct peeps_oneshot_tx **tx, struct peeps_oneshot_rx **rx,
				   const char *name, size_t item_size, struct peeps_site *site);
PEEPS_API int peeps_oneshot_recv_at(struct peeps_oneshot_rx *rx, void *item,
				    struct peeps_site *site);
PEEPS_API int peeps_oneshot_timed_recv_at(struct peeps_oneshot_rx *rx, void *item,
					  uint64_t timeout_ns, struct peeps_site *site);
PEEPS_API void peeps_oneshot_tx_moved_at(struct peeps_oneshot_tx *tx, struct peeps_site *site);
PEEPS_API void peeps_oneshot_rx_moved_at(struct peeps_oneshot_rx *rx, struct peeps_site *site);

#define peeps_oneshot_new(tx, rx, name, item_size) \
	peeps_oneshot_new_at((tx), (rx), (name), (item_size), PEEPS_HERE)
#define peeps_oneshot_recv(rx, item) peeps_oneshot_recv_at((rx), (item), PEEPS_HERE)
#define peeps_oneshot_timed_recv(rx, item, timeout_ns) \
	peeps_oneshot_timed_recv_at((rx), (item), (timeout_ns), PEEPS_HERE)
#define peeps_oneshot_tx_moved(tx) peeps_oneshot_tx_moved_at((tx), PEEPS_HERE)
#define peeps_oneshot_rx_moved(rx) peeps_oneshot_rx_moved_at((rx), PEEPS_HERE)
#endif

#ifdef __cplusplus
}
#endif

#endif
