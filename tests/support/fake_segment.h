/* SPDX-License-Identifier: MIT */
/*
 * A small segment made by hand from the layout headers, in a sealed memfd of this process, without the writer: so that
 * the reader's tests say what the layout means, not what the writer happens to do.
 */
#ifndef PEEPS_TESTS_FAKE_SEGMENT_H
#define PEEPS_TESTS_FAKE_SEGMENT_H

#include <stddef.h>
#include <stdint.h>

#include "layout/segment.h"

#define FAKE_THREADS     8
#define FAKE_ENTITIES    32
#define FAKE_EDGES       24
#define FAKE_SITES       8
#define FAKE_SCOPES      8
#define FAKE_MEMBERSHIPS 16
#define FAKE_TEXT        96 /* granules */

#define FAKE_NAME     "Fake App"
#define FAKE_PROC_KEY "fake-app-4711"
#define FAKE_PID      4711
#define FAKE_TICK_NS  UINT64_C(100000000)
#define FAKE_START_NS UINT64_C(1000000000) /* before now */

struct fake_segment {
	int fd;
	unsigned char *base;
	size_t bytes;
	struct peeps_segment_header *header;
	struct peeps_control *control;
	uint64_t *counters;
	struct peeps_schema_row *schema;
	struct peeps_thread *threads;
	struct peeps_entity_slot *entities;
	struct peeps_edge_slot *edges;
	struct peeps_site_row *sites;
	struct peeps_scope_row *scopes;
	struct peeps_membership_row *memberships;
	unsigned char *text;
};

/* Aborts the test program on failure. Free with fake_segment_free(). */
void fake_segment_new(struct fake_segment *segment);
void fake_segment_free(struct fake_segment *segment);

struct peeps_section_entry *fake_section(const struct fake_segment *segment,
					 enum peeps_section_id id);

/* Each adds a row at its section's mark and raises that. */
uint64_t fake_text(struct fake_segment *segment, const char *text, size_t length);
uint64_t fake_name(struct fake_segment *segment, const char *text);
uint64_t fake_site(struct fake_segment *segment, const char *file, const char *root, uint32_t line);

/* A live entity of generation 1. Returns its slot's index. */
uint32_t fake_entity(struct fake_segment *segment, uint32_t kind, const char *name);
uint64_t fake_ref(const struct fake_segment *segment, uint32_t entity);

/* A thread of its own record. Returns its entity's index. */
uint32_t fake_thread(struct fake_segment *segment, uint32_t tid, const char *name);
uint32_t fake_record_of(const struct fake_segment *segment, uint32_t thread);

/* A task that a thread is inside of; suspended if that is FAKE_NO_THREAD. */
#define FAKE_NO_THREAD UINT32_MAX
uint32_t fake_task(struct fake_segment *segment, const char *name, uint32_t thread);

uint32_t fake_semaphore(struct fake_segment *segment, const char *name, uint64_t max);

/* Nothing sent yet, one sender. */
struct fake_channel {
	uint32_t tx, rx;
};
struct fake_channel fake_channel(struct fake_segment *segment, const char *name, uint64_t capacity);

void fake_note(struct fake_segment *segment, uint32_t entity, const char *note);

/* A mutex's own words. */
void fake_hold(struct fake_segment *segment, uint32_t mutex, uint32_t thread, uint64_t since_ns,
	       uint64_t site);
/* A pending lock operation. Returns its slot's index. */
uint32_t fake_wait(struct fake_segment *segment, uint32_t thread, uint32_t mutex, uint64_t since_ns,
		   uint64_t site);

/* An edge slot. All return its index. */
uint32_t fake_operation(struct fake_segment *segment, uint32_t actor, enum peeps_op op,
			uint32_t target, uint64_t since_ns);
uint32_t fake_holding(struct fake_segment *segment, uint32_t resource, uint32_t actor,
		      uint64_t role, uint64_t mode, uint32_t count);
uint32_t fake_link(struct fake_segment *segment, enum peeps_edge_kind kind, uint32_t src,
		   uint32_t dst);

/* Rows, born in the present epoch. Both return the row's index. */
uint32_t fake_scope(struct fake_segment *segment, uint64_t kind, const char *name);
uint32_t fake_member(struct fake_segment *segment, uint32_t scope, uint32_t entity);

/* What the write set of a section that writes this slot says. */
uint64_t fake_write_set_of(const struct fake_segment *segment, const void *slot);

/*
 * The segment of examples/mutex-lock-order-inversion: alpha (4712) holds left and waits for right, beta (4713) the other
 * way round, and a heartbeat (4714) that sleeps.
 */
struct fake_deadlock {
	uint32_t alpha, beta, heartbeat, left, right; /* entities */
	uint32_t alpha_wait, beta_wait;               /* edges */
	uint64_t site_lock, site_wait;
};
void fake_deadlock(struct fake_segment *segment, struct fake_deadlock *deadlock);

/*
 * Beside the deadlock's: `worker` runs on alpha's thread and `idler` on none. gate has three permits: worker holds two,
 * beta waits for another two. jobs holds 3 of 4: worker owns tx, heartbeat rx. worker asked another process, and holds
 * a lock of the program's own. worker and gate are in the scope `boot`; gate has a note.
 */
struct fake_town {
	struct fake_deadlock deadlock;
	struct fake_channel jobs;
	uint32_t worker, idler, gate, request, response, own; /* entities */
	uint32_t gate_hold, gate_wait, tx_hold, rx_hold, rpc_link, own_hold, rpc_wait; /* edges */
	uint32_t boot, worker_in_boot, gate_in_boot;                                   /* rows */
};
void fake_town(struct fake_segment *segment, struct fake_town *town);

#endif
