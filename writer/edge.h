/* SPDX-License-Identifier: MIT */
/* Edge slots: what operations, holds and links are written into. */
#ifndef PEEPS_WRITER_EDGE_H
#define PEEPS_WRITER_EDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "layout/segment.h"
#include "writer/rest.h"
#include "writer/thread.h"

/* Process lock held. Returns false without memory. */
bool edges_init(void);

/**
 * edge_take - a slot that no cut looks at
 *
 * Whoever takes it writes it a new life (edge_next_life()) in its first section. Returns NULL without room
 * (not counted: a thread has slots of its own). Context: process lock not held.
 */
struct peeps_edge_slot *edge_take(void);

/* The same. Context: process lock held. */
struct peeps_edge_slot *edge_take_locked(void);

/* Give it back. @rest: of the section that ended what it showed. Context: process lock not held. */
void edge_give(struct peeps_edge_slot *slot, struct rest rest);

/* The same. Context: process lock held. */
void edge_give_locked(struct peeps_edge_slot *slot, struct rest rest);

/**
 * edge_retire - what the slot shows is no more, in a section of its own; and give it back
 *
 * Returns false, with nothing done, if a broken-into section forbids it; counted. Context: process lock
 * held.
 */
bool edge_retire(struct peeps_edge_slot *slot, struct self *self);

struct peeps_edge_slot *edge_at(uint32_t index);
uint32_t edge_index(const struct peeps_edge_slot *slot);

/* The generation, in its place in the status word, that the slot's next life is to have. */
uint64_t edge_next_life(const struct peeps_edge_slot *slot);

/* The generation of its present life, likewise. */
uint64_t edge_life(const struct peeps_edge_slot *slot);

/* The reference that names this slot's present life, and back; NULL if that is over, or never was. */
uint64_t edge_ref(const struct peeps_edge_slot *slot);
struct peeps_edge_slot *edge_find(uint64_t ref);

/* Inside a section that touched the slot: nothing is here any more, though its life goes on. */
void edge_write_nothing(struct peeps_edge_slot *slot);

#endif
