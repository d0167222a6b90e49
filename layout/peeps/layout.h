/* SPDX-License-Identifier: MIT */
/*
 * The shared bytes that programs touch inline: the control page, thread records, entity and edge
 * slots, and the references that tie them together. The rest of the segment is in layout/segment.h.
 *
 * All words are uint64_t, touched only through <peeps/atomic.h>. All zeroes means "nothing here
 * yet". Offsets are pinned by layout.def; a change there is a new layout (docs/segment.md says what
 * to bump).
 */
#ifndef PEEPS_LAYOUT_H
#define PEEPS_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include <peeps/kinds.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PEEPS_LAYOUT_MAJOR 1
#define PEEPS_LAYOUT_MINOR 1

/* FNV-1a over every row of layout.def and kinds.def. tests/layout computes it anew: when that test
 * fails, the layout has changed. Each site carries it, so that code compiled against another layout
 * is refused. */
#define PEEPS_LAYOUT_HASH UINT64_C(0x6b5a767e8408f0c9)

#define PEEPS_CACHE_LINE 64
#define PEEPS_PAGE_BYTES 4096 /* of the layout's header and control pages, whatever the machine's */

/**
 * struct peeps_ref - names a slot, and which of its successive lives is meant
 * @bits: 0 = none; else [63] spare for the word it stands in, [62:60] space, [59:32] generation,
 *        [31:0] index
 *
 * A stale reference is recognized: its generation is no longer the slot's.
 */
struct peeps_ref {
	uint64_t bits;
};

enum peeps_space {
	PEEPS_SPACE_NONE = 0,
	PEEPS_SPACE_ENTITY = 1,
	PEEPS_SPACE_EDGE = 2,
	PEEPS_SPACE_SCOPE = 3,
	PEEPS_SPACE_TEXT = 4, /* index: granule of the text section */
};

#define PEEPS_REF_SPACE_SHIFT      60
#define PEEPS_REF_GENERATION_SHIFT 32
#define PEEPS_REF_GENERATION_MASK  UINT64_C(0x0fffffff)
#define PEEPS_REF_INDEX_MASK       UINT64_C(0xffffffff)

/* The spare bit, in a mutex's holder word: the holder has locked it more than once (recursive). */
#define PEEPS_HOLDER_DEEP (UINT64_C(1) << 63)

/**
 * struct peeps_control - the only page that readers write
 *
 * epoch and tick share a line because the fast path reads both.
 */
struct peeps_control {
	uint64_t epoch; /* readers: raised by one to begin a cut */
	/* the writer's tick: ptime of the last one; 0 = no tick yet, no honest stamp */
	uint64_t tick_ns;
	uint64_t tick_period_ns; /* the writer's tick: how old tick_ns may be */
	uint64_t reserved_line[5];
	uint64_t cut; /* readers: epoch of the cut that is being copied, else 0 */
	/* readers: CLOCK_MONOTONIC; past it the cut is lost, whoever held it */
	uint64_t cut_deadline_ns;
	/* readers: who cuts, in the reader's own PID namespace; for messages only */
	uint64_t reader_pid;
	uint64_t reserved[5];
};

#define PEEPS_WRITE_SET_MAX 3

/* The first word of a write set also counts it: slot offsets are multiples of a cache line. */
#define PEEPS_WRITE_SET_COUNT_MASK UINT64_C(63)

enum peeps_thread_state {
	PEEPS_THREAD_FREE = 0,
	PEEPS_THREAD_LIVE = 1,
	/* its destructors run, or ran: reused once the kernel no longer knows the tid */
	PEEPS_THREAD_LEAVING = 2,
};

/**
 * struct peeps_thread - a thread record, written by its thread alone
 *
 * Two lines, so that the prefetcher of one thread's line never pulls at another's.
 */
struct peeps_thread {
	uint64_t txn; /* odd = inside a section; never restarts */
	/* bytes from the control page to the slot; [0] | how many */
	uint64_t write_set[PEEPS_WRITE_SET_MAX];
	uint64_t stack; /* stack pointer of the section's frame; 0 = not known: taken to be alive */
	uint64_t actor; /* ref of the innermost actor of this thread */
	uint64_t tid;   /* as the process sees it */
	uint64_t state; /* enum peeps_thread_state */
	/* slots met with an epoch from the future: somebody wrote the control page */
	uint64_t order_violations;
	uint64_t fence_mode; /* 1 = membarrier was refused: sections fence for themselves */
	uint64_t entity;     /* ref of the thread's own entity */
	uint64_t reserved[5];
};

#define PEEPS_BODY_WORDS 6
#define PEEPS_HOT_WORDS  7 /* status and body: what a cut shows as of one moment */

/* status of an entity slot: [59:32] generation, [31:8] the kind's own bits, [7:0] enum peeps_life */
enum peeps_life { PEEPS_LIFE_FREE = 0, PEEPS_LIFE_LIVE = 1, PEEPS_LIFE_RETIRED = 2 };

#define PEEPS_STATUS_GENERATION_SHIFT 32
#define PEEPS_STATUS_LIFE_MASK        UINT64_C(0xff)
#define PEEPS_STATUS_KIND_BITS_MASK   UINT64_C(0xffffff00)

/**
 * struct peeps_entity_slot - an actor or a resource
 *
 * Line 1 is what changes, line 2 what line 1 was at the last cut, line 3 what never changes during
 * a life; a slot rests before its next life until no cut can still be looking at the one before.
 */
struct peeps_entity_slot {
	/* of the last section that wrote here; never goes back, not even between lives */
	uint64_t epoch;
	uint64_t status;
	uint64_t body[PEEPS_BODY_WORDS]; /* by kind: kinds.def */
	uint64_t shadow[PEEPS_HOT_WORDS];
	uint64_t shadow_reserved;
	uint64_t kind; /* [15:0] kind, [31:16] visibility, [63:32] ordinal: 0 or N of the id's ~N */
	uint64_t identity;   /* the entity's own ref: what this line says holds for that life */
	uint64_t name;       /* text ref */
	uint64_t site;       /* where it was made, or declared; 0 = not known */
	uint64_t created_ns; /* ptime */
	uint64_t creator;    /* ref of the actor */
	uint64_t scope;      /* ref */
	uint64_t blob;       /* text ref: further attributes */
};

#define PEEPS_DETAIL_WORDS 3

/* status of an edge slot: [59:32] generation, [23:16] edge kind (NONE: no link any more), [15:8]
 * op_kind, [7:0] state; [31:24] of an operation: PEEPS_OPERATION_*, of a hold: [31:28] mode,
 * [27:24] role (PEEPS_HOLD_MODE_*, PEEPS_HOLD_ROLE_*) */
#define PEEPS_EDGE_STATE_SHIFT 0
#define PEEPS_EDGE_OP_SHIFT    8
#define PEEPS_EDGE_KIND_SHIFT  16
#define PEEPS_EDGE_MODE_SHIFT  24
#define PEEPS_EDGE_BYTE_MASK   UINT64_C(0xff)
#define PEEPS_HOLD_ROLE_SHIFT  24
#define PEEPS_HOLD_MODE_SHIFT  28
#define PEEPS_HOLD_NIBBLE_MASK UINT64_C(0xf)

/* The operation keeps its thread: all such of one actor have to end before it goes on. Of the others,
 * which an actor polls, any one will do. */
#define PEEPS_OPERATION_BLOCKS UINT64_C(1)

/* Of later minor versions: who does not know one of these does not know what could end the wait. */
#define PEEPS_OPERATION_FLAGS_NEEDED UINT64_C(0xf0)

/* wait: [63:32] wait sequence: which of the slot's waits (or holds) this is, [31:0] poll_count; of a
 * hold: how much is held, 0 = nothing now, and the edge is not shown. A hold's pending_since_ns is since
 * when it is held (0 = no honest stamp) */
#define PEEPS_EDGE_WAIT_SEQUENCE_SHIFT 32
#define PEEPS_EDGE_POLL_COUNT_MASK     UINT64_C(0xffffffff)

/* origin: [31:0] site, [51:32] thread record of the writer, [63:52] why it failed (errno); of a hold:
 * PEEPS_HOLD_EXACT */
#define PEEPS_EDGE_SITE_MASK    UINT64_C(0xffffffff)
#define PEEPS_EDGE_THREAD_SHIFT 32
#define PEEPS_EDGE_THREAD_MASK  UINT64_C(0xfffff)
#define PEEPS_EDGE_REASON_SHIFT 52
#define PEEPS_HOLD_EXACT        UINT64_C(1) /* since when: the clock's own stamp, not the tick's */

/**
 * struct peeps_edge_slot - one operation in flight, or the last one that was; or a link
 *
 * The details explain this wait, so they are part of the cut: copied and restored like the hot
 * words.
 */
struct peeps_edge_slot {
	uint64_t epoch;
	uint64_t status;
	uint64_t src;
	uint64_t dst;
	uint64_t wait;
	uint64_t pending_since_ns; /* ptime; 0 = never pending */
	uint64_t last_change_ns;   /* ptime */
	uint64_t origin;
	uint64_t shadow[PEEPS_HOT_WORDS];
	uint64_t shadow_reserved;
	uint64_t details[PEEPS_DETAIL_WORDS]; /* by op_kind */
	uint64_t details_shadow[PEEPS_DETAIL_WORDS];
	uint64_t reserved[2];
};

#ifdef __cplusplus
#define PEEPS_STATIC_ASSERT(condition, message) static_assert(condition, message)
#else
#define PEEPS_STATIC_ASSERT(condition, message) _Static_assert(condition, message)
#endif

#define PEEPS_LAYOUT_INLINE(type, field, offset, size, element, unit, meaning) \
	PEEPS_STATIC_ASSERT(offsetof(struct type, field) == (offset),          \
			    "layout: " #type "." #field);                      \
	PEEPS_STATIC_ASSERT(sizeof(((struct type *)0)->field) == (size),       \
			    "layout: size of " #type "." #field);
#define PEEPS_LAYOUT_INLINE_SIZE(type, size) \
	PEEPS_STATIC_ASSERT(sizeof(struct type) == (size), "layout: size of " #type);
#include <peeps/layout.def>
PEEPS_STATIC_ASSERT(__GCC_ATOMIC_LLONG_LOCK_FREE == 2,
		    "a hidden lock would not be shared between processes");

#ifdef __cplusplus
}
#endif

#endif
