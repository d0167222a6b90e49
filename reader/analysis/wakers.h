/* SPDX-License-Identifier: MIT */
/*
 * Who could end a wait. The rules are here and nowhere else: the reduction, the list of what is blocked and every
 * sentence ask here.
 *
 *   lock on a resource                   all who hold it have to let go
 *   ... of a rwlock, to read             its writer; where writers come first, also all who read while one waits for it
 *   acquire on a semaphore               holders of enough permits
 *   send on a channel's sending end      the owner of the receiver; to be certain, nor may any sender close it
 *   recv on a channel's receiving end    the owner of any sender
 *   send and recv on a broadcast         not followed: one sending end has many others
 *   oncecell_wait on a once cell         who fills it
 *   join of an actor                     the actor: it ends when it can go on
 *   an actor inside which a task runs    the innermost task; no edge says so
 *   notify_wait on a condition           anybody, also threads that never used the library: nobody is known to be left out
 *   anything else                        something outside of the graph
 *
 * A wait that something outside could end, or that is about to end by itself (releases are reported early,
 * acquisitions late), needs nobody: it is waiting, not stuck.
 */
#ifndef PEEPS_READER_WAKERS_H
#define PEEPS_READER_WAKERS_H

#include "reader/graph/edge_index.h"
#include "reader/graph/graph.h"

#define PEEPS_NO_EDGE UINT32_MAX

/* Details of an operation. */
#define PEEPS_DETAIL_UNTIL    "until_ptime_ms" /* when it will time out: then no actor is needed */
#define PEEPS_DETAIL_PERMITS  "permits"        /* how many it asks for */
#define PEEPS_DETAIL_NOTIFIES "notifies"
#define PEEPS_DETAIL_MODE     "mode" /* in which it asks for a rwlock */

enum peeps_belief {
	PEEPS_BELIEVE_PROVED, /* whatever is not proved counts as able to progress: who is stuck now, is for certain */
	PEEPS_BELIEVE_ALL, /* facts are taken as they are, and who seems to own a handle as its owner */
};

/**
 * struct peeps_holding - what is known of all who hold a resource, together
 * @weight:    permits, handles, or else how many holds there are
 * @proved:    every hold, and every holder
 * @owned:     every holder lives and is known to have his: of handles, he said so and shares it with nobody; of permits,
 *             he has given some back himself before
 * @passes_on: a robust lock of a dead holder: the kernel hands it to the next one
 * @read_only: of a rwlock: nobody writes it
 */
struct peeps_holding {
	uint64_t weight;
	bool proved;
	bool owned;
	bool passes_on;
	bool read_only;
};

/* Who waits, with no end to it, to write a rwlock that lets writers come first. */
enum peeps_barred { PEEPS_BARRED_NOT, PEEPS_BARRED_PERHAPS, PEEPS_BARRED_PROVED };

/* The task that keeps an actor: a thread that has entered it, or a task inside which it was entered. */
struct peeps_inside {
	uint32_t task; /* PEEPS_NO_NODE = none */
	bool proved;
};

struct peeps_wakers {
	const struct peeps_graph *graph;
	struct peeps_edge_index holds;   /* by resource */
	struct peeps_edge_index held_by; /* the same by holder */
	struct peeps_holding *holding;   /* by resource */
	uint32_t *link; /* by end of a channel: its one channel_link; else PEEPS_NO_EDGE */
	struct peeps_inside *inside; /* by actor */
	uint8_t *barred;             /* by resource: enum peeps_barred; whom new readers wait for */
};

/**
 * peeps_wakers_init - find out, in time linear in nodes and edges
 *
 * Returns 0 or -ENOMEM.
 */
int peeps_wakers_init(struct peeps_wakers *wakers, const struct peeps_graph *graph);
void peeps_wakers_deinit(struct peeps_wakers *wakers);

/**
 * peeps_wakers_across - the resource whose holders could end a wait for this one, and the other way round
 *
 * The other end of a channel; of anything else, itself. PEEPS_NO_NODE = the other end is not known.
 */
uint32_t peeps_wakers_across(const struct peeps_wakers *wakers, uint32_t resource);

/**
 * peeps_wakers_at - the `holds` edges of those who could end a wait for this resource
 */
const uint32_t *peeps_wakers_at(const struct peeps_wakers *wakers, uint32_t resource,
				size_t *count);

/**
 * peeps_wakers_weight - what a holder brings when it lets go: permits, or 1
 */
uint64_t peeps_wakers_weight(const struct peeps_wakers *wakers, const struct peeps_edge *hold);

/**
 * peeps_wakers_may_close - whether this is a sender, whose owner could end the other senders' waits, too, by closing
 *
 * That is no way out that a program in order takes, so it counts only against what is proved.
 */
bool peeps_wakers_may_close(const struct peeps_wakers *wakers, const struct peeps_edge *hold);

/**
 * peeps_wakers_blind - whether threads that are not recorded may have changed what this wait rests on
 *
 * Such a thread can have taken over a channel's handle, or ended an operation of the registry. What a semaphore's permits
 * and a mutex's holder are worth is known without it.
 */
bool peeps_wakers_blind(const struct peeps_wakers *wakers, const struct peeps_edge *wait);

/**
 * peeps_wakers_need - how much weight has to come together to end a wait
 * @own: weight of what the waiting actor holds of that resource itself
 *
 * 0 = it can end without any actor of this graph.
 */
uint64_t peeps_wakers_need(const struct peeps_wakers *wakers, const struct peeps_edge *wait,
			   uint64_t own, enum peeps_belief belief);

/* Attributes of a kind that they have to be of; false if there is none such. */
bool peeps_number_attribute(const struct peeps_node *node, const char *name, uint64_t *number);
bool peeps_is_true(const struct peeps_node *node, const char *name);
uint32_t peeps_node_attribute(const struct peeps_node *node, const char *name); /* PEEPS_NO_NODE */

/* What an operation asks for; 0 = not known. */
uint64_t peeps_permits_asked(const struct peeps_edge *wait);

/* How a rwlock is asked for; and one that is read. */
bool peeps_asks_to_read(const struct peeps_edge *wait);
bool peeps_asks_to_write(const struct peeps_edge *wait);
bool peeps_is_read_hold(const struct peeps_edge *edge);

/* How often a condition had been notified when a wait for it began; false if that is not known. */
bool peeps_notifies_before(const struct peeps_edge *wait, uint64_t *notifies);

/* Whether an operation gives up by itself, and when (ptime; 0 = that is not known). */
bool peeps_times_out(const struct peeps_edge *wait, uint64_t *until_ms);

/* A channel that takes no more. */
bool peeps_channel_is_closed(const struct peeps_node *end);

#endif
