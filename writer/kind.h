/* SPDX-License-Identifier: MIT */
/* Kinds: those of kinds.def, and those that the program made. */
#ifndef PEEPS_WRITER_KIND_H
#define PEEPS_WRITER_KIND_H

#include <stdbool.h>
#include <stdint.h>

#include "layout/segment.h"
#include "writer/rest.h"

/* Whether programs make entities of it by peeps_entity_new(). Any context; so all but the last. */
bool kind_is_made_by_programs(uint32_t kind);

bool kind_is_actor(uint32_t kind);

/* enum peeps_visibility */
uint32_t kind_visibility(uint32_t kind);

/* The PEEPS_TYPE of a kind's attribute; 0 = it has no such attribute. */
uint32_t kind_attribute_type(uint32_t kind, uint32_t attr);

/* Give back the texts of an entity that was retired. Context: process lock held. */
void kind_give_texts(const struct peeps_entity_slot *slot, struct rest rest);

#endif
