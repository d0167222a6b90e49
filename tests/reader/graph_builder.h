/* SPDX-License-Identifier: MIT */
/*
 * Graphs by hand. A new one has one process, `orders-4711`, seen for 20 s, in a snapshot of quality `cut` of
 * 2026-05-01 12:00. Texts are borrowed. Without memory, the test ends.
 */
#ifndef PEEPS_TESTS_GRAPH_BUILDER_H
#define PEEPS_TESTS_GRAPH_BUILDER_H

#include <stdio.h>

#include "reader/analysis/analysis.h"
#include "reader/graph/graph.h"

#define MS UINT64_C(1000000)
#define S  (1000 * MS)

struct peeps_graph *graph_new(void);

/* One more process, `{name}-{pid}`. Returns its position; nodes are moved into it by hand. */
uint32_t graph_process(struct peeps_graph *graph, const char *name, uint32_t pid);

/* Both ends of one channel: nodes. */
struct graph_channel {
	uint32_t tx, rx;
};

/* Returns the node's position; the node may move when another is added. */
uint32_t graph_thread(struct peeps_graph *graph, uint32_t tid, const char *name);
uint32_t graph_task(struct peeps_graph *graph, const char *name); /* suspended */
uint32_t graph_mutex(struct peeps_graph *graph, const char *name, const char *file, uint32_t line);
uint32_t graph_semaphore(struct peeps_graph *graph, const char *name, uint64_t available,
			 uint64_t max);
/* Linked, open, without handles. */
struct graph_channel graph_channel(struct peeps_graph *graph, const char *name, uint64_t length,
				   uint64_t capacity);

/* The same of a oneshot, in state "empty", and of a watch; woken_at_ns: of its last change that met waiting receivers,
 * 0 = none has. */
struct graph_channel graph_oneshot(struct peeps_graph *graph, const char *name);
struct graph_channel graph_watch(struct peeps_graph *graph, const char *name, uint64_t woken_at_ns);

/* The same of a broadcast, whose receiver is so far behind. */
struct graph_channel graph_broadcast(struct peeps_graph *graph, const char *name, uint64_t lag);

/* The innermost task of this thread from now on. */
void graph_enter(struct peeps_graph *graph, uint32_t thread, uint32_t task);
void graph_sleep(struct peeps_graph *graph, uint32_t actor, uint64_t until_ms);

/* A pending operation that blocks its actor, begun at since_ns. Returns the edge's position. */
uint32_t graph_operation(struct peeps_graph *graph, uint32_t actor, uint32_t op,
			 const char *op_kind, uint32_t resource, uint64_t since_ns);
uint32_t graph_wait(struct peeps_graph *graph, uint32_t actor, uint32_t resource,
		    uint64_t since_ns); /* a lock */
uint32_t graph_acquire(struct peeps_graph *graph, uint32_t actor, uint32_t semaphore,
		       uint64_t permits, uint64_t since_ns);
uint32_t graph_send(struct peeps_graph *graph, uint32_t actor, struct graph_channel channel,
		    uint64_t since_ns);
uint32_t graph_recv(struct peeps_graph *graph, uint32_t actor, struct graph_channel channel,
		    uint64_t since_ns);

/* Holds, stamped by a tick of 100 ms. Handles are held since 1 s, and a sender is counted; modes: PEEPS_HOLD_MODE_*. */
uint32_t graph_hold(struct peeps_graph *graph, uint32_t resource, uint32_t actor,
		    uint64_t since_ns);
uint32_t graph_permits(struct peeps_graph *graph, uint32_t semaphore, uint32_t actor,
		       uint64_t count, uint64_t since_ns);
uint32_t graph_receiver(struct peeps_graph *graph, struct graph_channel channel, uint32_t actor,
			uint32_t mode);
uint32_t graph_sender(struct peeps_graph *graph, struct graph_channel channel, uint32_t actor,
		      uint32_t mode);
/* Structural: no operation. */
uint32_t graph_link(struct peeps_graph *graph, enum peeps_edge_kind kind, uint32_t src,
		    uint32_t dst);

/* `scope:orders-4711:connection:{name}`, 5 s old. Returns its position. */
uint32_t graph_scope(struct peeps_graph *graph, const char *name);
void graph_member(struct peeps_graph *graph, uint32_t node, uint32_t scope);

void graph_number(struct peeps_graph *graph, uint32_t node, const char *name, uint64_t number);
void graph_bool(struct peeps_graph *graph, uint32_t node, const char *name, bool yes);
void graph_channel_number(struct peeps_graph *graph, struct graph_channel channel, const char *name,
			  uint64_t number);
/* The pending operation gives up then. */
void graph_until(struct peeps_graph *graph, uint32_t edge, uint64_t until_ms);
void graph_attribute(struct peeps_graph *graph, uint32_t node, const char *name,
		     struct peeps_value value);
/* What could not be recorded, and nothing else. */
void graph_lost(struct peeps_graph *graph, const char *counter, uint64_t count);
void graph_note(struct peeps_graph *graph, const char *note);

/* worker-1 and worker-2 lock accounts and ledger in opposite order; idle waits for nothing. Not analysed yet. */
struct peeps_graph *graph_deadlocked(void);

void graph_analyse(struct peeps_graph *graph, uint64_t max_wait_ns);

typedef int print_fn(const struct peeps_graph *graph, FILE *out);

/* What print writes, as a string to free. */
char *printed(print_fn *print, const struct peeps_graph *graph);

/* A cmocka assertion: print writes just that. */
void assert_printed(print_fn *print, const struct peeps_graph *graph, const char *wanted);

#endif
