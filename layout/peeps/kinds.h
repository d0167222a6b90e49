/* SPDX-License-Identifier: MIT */
/* kinds.def as C: numbers of kinds, operations, states, edges and counters, and where each field of
 * a body lies. */
#ifndef PEEPS_KINDS_H
#define PEEPS_KINDS_H

#ifdef __cplusplus
extern "C" {
#endif

enum peeps_kind {
	PEEPS_KIND_NONE = 0,
#define PEEPS_KIND(symbol, number, name, prefix, role) PEEPS_KIND_##symbol = (number),
#include <peeps/kinds.def>
	PEEPS_KIND_FIRST_OF_PROGRAM = 1024,
};

enum peeps_role {
#define PEEPS_ROLE(symbol, number, meaning) PEEPS_ROLE_##symbol = (number),
#include <peeps/kinds.def>
};

/* Of an entity: how far it is shown. */
enum peeps_visibility {
	PEEPS_VISIBILITY_SHOWN = 0,
	/* Of interest to who wrote it: counted, and not listed, in the table of who waits, unless it is
	 * asked for or part of a finding. Snapshots have it, with the attribute visibility. */
	PEEPS_VISIBILITY_INTERNAL = 1,
};

enum peeps_op {
#define PEEPS_OP(symbol, number, name) PEEPS_OP_##symbol = (number),
#include <peeps/kinds.def>
};

enum peeps_state {
#define PEEPS_STATE(symbol, number, name) PEEPS_STATE_##symbol = (number),
#include <peeps/kinds.def>
};

enum peeps_edge_kind {
#define PEEPS_EDGE(symbol, number, name) PEEPS_EDGE_##symbol = (number),
#include <peeps/kinds.def>
};

enum peeps_counter {
#define PEEPS_COUNTER(symbol, number, name) PEEPS_COUNTER_##symbol = (number),
#include <peeps/kinds.def>
	PEEPS_COUNTER_ROOM = 64, /* words in the counters section */
};

enum peeps_field_type {
#define PEEPS_TYPE(symbol, number, stored, shown) PEEPS_TYPE_##symbol = (number),
#include <peeps/kinds.def>
	PEEPS_TYPE_ENUM_FIRST = 64,
	PEEPS_TYPE_ENUM_FIRST_OF_PROGRAM = 192,
};

enum peeps_discipline {
#define PEEPS_DISCIPLINE(symbol, number, meaning) PEEPS_DISCIPLINE_##symbol = (number),
#include <peeps/kinds.def>
};

/* The word number of fields that live in the kind's own bits of the status word. */
#define PEEPS_FIELD_WORD_STATUS_WORD 6
#define PEEPS_FIELD_WORD_0           0
#define PEEPS_FIELD_WORD_1           1
#define PEEPS_FIELD_WORD_2           2
#define PEEPS_FIELD_WORD_3           3
#define PEEPS_FIELD_WORD_4           4
#define PEEPS_FIELD_WORD_5           5

/* PEEPS_MUTEX_HOLDER_WORD, PEEPS_MUTEX_HOLDER_SHIFT, PEEPS_MUTEX_HOLDER_BITS, ... */
enum peeps_field_place {
#define PEEPS_FIELD(kind, symbol, word, shift, bits, type, discipline, attribute) \
	PEEPS_##kind##_##symbol##_WORD = PEEPS_FIELD_WORD_##word,                 \
	PEEPS_##kind##_##symbol##_SHIFT = (shift), PEEPS_##kind##_##symbol##_BITS = (bits),
#include <peeps/kinds.def>
};

/* PEEPS_ATTR_MUTEX_HOLDER, ...: the same place in one number, for peeps_entity_set():
 * [31:20] kind, [19:16] word, [15:8] shift, [7:0] bits. */
enum peeps_attr {
#define PEEPS_FIELD(kind, symbol, word, shift, bits, type, discipline, attribute) \
	PEEPS_ATTR_##kind##_##symbol =                                            \
		PEEPS_KIND_##kind << 20 | PEEPS_FIELD_WORD_##word << 16 | (shift) << 8 | (bits),
#include <peeps/kinds.def>
};

/* PEEPS_DETAIL_LOCK_UNTIL, ...: numbers of details words */
enum peeps_detail {
#define PEEPS_DETAIL(op, symbol, word, type, name) PEEPS_DETAIL_##op##_##symbol = (word),
#include <peeps/kinds.def>
};

/* PEEPS_MUTEX_TYPE_RECURSIVE, PEEPS_ACTIVITY_SLEEPING, ... */
enum peeps_enum_value {
#define PEEPS_ENUM(list, symbol, number, name) PEEPS_##list##_##symbol = (number),
#include <peeps/kinds.def>
};

#ifdef __cplusplus
}
#endif

#endif
