/* SPDX-License-Identifier: MIT */
/* kinds.def as the rows that travel in a segment. */
#ifndef PEEPS_LAYOUT_SCHEMA_H
#define PEEPS_LAYOUT_SCHEMA_H

#include "layout/segment.h"

/* The type numbers of ENUM lists, by the list's name. */
#define PEEPS_SCHEMA_LIST_ACTIVITY        PEEPS_TYPE_ENUM_ACTIVITY
#define PEEPS_SCHEMA_LIST_MUTEX_TYPE      PEEPS_TYPE_ENUM_MUTEX_TYPE
#define PEEPS_SCHEMA_LIST_CLOSE_CAUSE     PEEPS_TYPE_ENUM_CLOSE_CAUSE
#define PEEPS_SCHEMA_LIST_HOLD_ROLE       PEEPS_TYPE_ENUM_HOLD_ROLE
#define PEEPS_SCHEMA_LIST_HOLD_MODE       PEEPS_TYPE_ENUM_HOLD_MODE
#define PEEPS_SCHEMA_LIST_SCOPE_KIND      PEEPS_TYPE_ENUM_SCOPE_KIND
#define PEEPS_SCHEMA_LIST_RWLOCK_PREFERS  PEEPS_TYPE_ENUM_RWLOCK_PREFERS
#define PEEPS_SCHEMA_LIST_NOTIFY_FLAVOR   PEEPS_TYPE_ENUM_NOTIFY_FLAVOR
#define PEEPS_SCHEMA_LIST_ONESHOT_STATE   PEEPS_TYPE_ENUM_ONESHOT_STATE
#define PEEPS_SCHEMA_LIST_ONCE_CELL_STATE PEEPS_TYPE_ENUM_ONCE_CELL_STATE

/* The numbers of fields, in the order of kinds.def. */
enum peeps_schema_field_number {
#define PEEPS_FIELD(kind, symbol, word, shift, bits, type, discipline, attribute) \
	PEEPS_SCHEMA_FIELD_##kind##_##symbol,
#include <peeps/kinds.def>
};

enum peeps_schema_detail_number {
#define PEEPS_DETAIL(op, symbol, word, type, name) PEEPS_SCHEMA_DETAIL_##op##_##symbol,
#include <peeps/kinds.def>
};

static const struct peeps_schema_row peeps_schema_built_in[] = {
#define PEEPS_KIND(symbol, number_, name_, prefix_, role_) \
	{ .list = PEEPS_SCHEMA_KIND,                       \
	  .role = PEEPS_ROLE_##role_,                      \
	  .number = (number_),                             \
	  .name = name_,                                   \
	  .prefix = prefix_ },
#define PEEPS_FIELD(kind, symbol, word_, shift_, bits_, type_, discipline_, attribute) \
	{ .list = PEEPS_SCHEMA_FIELD,                                                  \
	  .word = PEEPS_FIELD_WORD_##word_,                                            \
	  .shift = (shift_),                                                           \
	  .bits = (bits_),                                                             \
	  .type = PEEPS_TYPE_##type_,                                                  \
	  .discipline = PEEPS_DISCIPLINE_##discipline_,                                \
	  .number = PEEPS_SCHEMA_FIELD_##kind##_##symbol,                              \
	  .owner = PEEPS_KIND_##kind,                                                  \
	  .name = attribute },
#define PEEPS_OP(symbol, number_, name_) \
	{ .list = PEEPS_SCHEMA_OP, .number = (number_), .name = name_ },
#define PEEPS_DETAIL(op, symbol, word_, type_, name_)    \
	{ .list = PEEPS_SCHEMA_DETAIL,                   \
	  .word = (word_),                               \
	  .bits = 64,                                    \
	  .type = PEEPS_TYPE_##type_,                    \
	  .number = PEEPS_SCHEMA_DETAIL_##op##_##symbol, \
	  .owner = PEEPS_OP_##op,                        \
	  .name = name_ },
#define PEEPS_STATE(symbol, number_, name_) \
	{ .list = PEEPS_SCHEMA_STATE, .number = (number_), .name = name_ },
#define PEEPS_EDGE(symbol, number_, name_) \
	{ .list = PEEPS_SCHEMA_EDGE, .number = (number_), .name = name_ },
#define PEEPS_ENUM(list_, symbol, number_, name_) \
	{ .list = PEEPS_SCHEMA_ENUM,              \
	  .number = (number_),                    \
	  .owner = PEEPS_SCHEMA_LIST_##list_,     \
	  .name = name_ },
#define PEEPS_COUNTER(symbol, number_, name_) \
	{ .list = PEEPS_SCHEMA_COUNTER, .number = (number_), .name = name_ },
#include <peeps/kinds.def>
};

#endif
