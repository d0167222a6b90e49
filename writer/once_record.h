/* SPDX-License-Identifier: MIT */
/*
 * What is recorded of a once cell: who fills it, and who waits for that. With PEEPS_DISABLE nothing, and every call below is
 * empty.
 *
 * Order (docs/protocol.md, rule 2): that it is being filled is recorded after the right to do so was had, that it is filled
 * or empty before the right is given up. Whoever fills it is the slot's one writer.
 */
#ifndef PEEPS_WRITER_ONCE_RECORD_H
#define PEEPS_WRITER_ONCE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include <peeps/once_cell.h>

#ifdef PEEPS_DISABLE

struct once_call {
};

static inline void once_record_prepare(struct peeps_once_cell *cell, struct once_call *call)
{
	(void)cell;
	(void)call;
}

static inline void once_record_begin(struct peeps_once_cell *cell, struct once_call *call)
{
	(void)cell;
	(void)call;
}

static inline void once_record_end(struct peeps_once_cell *cell, struct once_call *call,
				   bool is_filled)
{
	(void)cell;
	(void)call;
	(void)is_filled;
}

static inline void once_record_wait(struct peeps_once_cell *cell, struct once_call *call,
				    const uint64_t *timeout_ns)
{
	(void)cell;
	(void)call;
	(void)timeout_ns;
}

static inline void once_record_waited(struct once_call *call, int result)
{
	(void)call;
	(void)result;
}

#else

#include "writer/operation.h"

/**
 * struct once_call - one call of the program's
 * @stack: its CALLER_STACK()
 * @wait:  slot NULL = none is recorded
 */
struct once_call {
	struct peeps_site *site;
	uint64_t stack;
	struct operation wait;
};

/* Before anything else: the cell has an entity. */
void once_record_prepare(struct peeps_once_cell *cell, struct once_call *call);

/* The caller fills it; it is over, and the caller still has the right to. */
void once_record_begin(struct peeps_once_cell *cell, struct once_call *call);
void once_record_end(struct peeps_once_cell *cell, struct once_call *call, bool is_filled);

/* The caller is about to wait (@timeout_ns NULL: with no end to it); it has, with 0 or an errno. */
void once_record_wait(struct peeps_once_cell *cell, struct once_call *call,
		      const uint64_t *timeout_ns);
void once_record_waited(struct once_call *call, int result);

#endif
#endif
