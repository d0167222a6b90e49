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

#define FAKE_THREADS  8
#define FAKE_ENTITIES 16
#define FAKE_EDGES    8
#define FAKE_SITES    8
#define FAKE_TEXT     64 /* granules */

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

void fake_hold(struct fake_segment *segment, uint32_t mutex, uint32_t thread, uint64_t since_ns,
	       uint64_t site);
/* A pending lock operation. Returns its slot's index. */
uint32_t fake_wait(struct fake_segment *segment, uint32_t thread, uint32_t mutex, uint64_t since_ns,
		   uint64_t site);

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

#endif
