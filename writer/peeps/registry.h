/* SPDX-License-Identifier: MIT */
/*
 * The registry: entities, operations and links of a program's own, for primitives that peeps has no wrapper
 * for. The wrappers are built on the same.
 *
 * Every call accepts the null reference, and a stale one, and then does nothing; every call that makes
 * something returns the null reference with telemetry off, full or failed (which is counted). So telemetry
 * never needs a branch in the program.
 *
 * One writer at a time: an entity, operation or link is written by one thread at a time, and something of
 * the program's own says which: usually the lock that the entity stands for. What lets another thread
 * proceed (the unlock, the wake-up) comes after the call that reports it; what another thread let us do (the
 * lock granted) before. Breaking this costs truth, never a crash.
 *
 * Context of all calls: any thread; not inside a signal handler (there they record nothing, or drop what
 * they would; counted). errno is left alone.
 */
#ifndef PEEPS_REGISTRY_H
#define PEEPS_REGISTRY_H

#include <stdint.h>

#include <peeps/layout.h>

#ifdef PEEPS_DISABLE
#include <peeps/disabled.h>
#include <peeps/site.h>

static inline struct peeps_ref peeps_entity_new(uint32_t kind, const char *name)
{
	const struct peeps_ref none = { 0 };

	(void)kind;
	(void)name;
	return none;
}

static inline struct peeps_ref peeps_entity_new_noted(uint32_t kind, const char *name,
						      const char *note)
{
	const struct peeps_ref none = { 0 };

	(void)kind;
	(void)name;
	(void)note;
	return none;
}

static inline struct peeps_ref peeps_entity_new_at(uint32_t kind, const char *name,
						   const char *note, struct peeps_site *site)
{
	const struct peeps_ref none = { 0 };

	(void)kind;
	(void)name;
	(void)note;
	(void)site;
	return none;
}

static inline void peeps_entity_set(struct peeps_ref entity, uint32_t attr, uint64_t value)
{
	(void)entity;
	(void)attr;
	(void)value;
}

static inline void peeps_entity_set_at(struct peeps_ref entity, uint32_t attr, uint64_t value,
				       struct peeps_site *site)
{
	(void)entity;
	(void)attr;
	(void)value;
	(void)site;
}

static inline void peeps_entity_end(struct peeps_ref entity)
{
	(void)entity;
}

static inline struct peeps_ref peeps_entity_foreign(const char *id)
{
	const struct peeps_ref none = { 0 };

	(void)id;
	return none;
}

static inline struct peeps_ref peeps_op_begin(struct peeps_ref actor, uint32_t op,
					      struct peeps_ref target, uint64_t details)
{
	const struct peeps_ref none = { 0 };

	(void)actor;
	(void)op;
	(void)target;
	(void)details;
	return none;
}

static inline struct peeps_ref peeps_op_begin_at(struct peeps_ref actor, uint32_t op,
						 struct peeps_ref target, uint64_t details,
						 struct peeps_site *site)
{
	const struct peeps_ref none = { 0 };

	(void)actor;
	(void)op;
	(void)target;
	(void)details;
	(void)site;
	return none;
}

static inline void peeps_op_detail(struct peeps_ref op, uint32_t detail, uint64_t value)
{
	(void)op;
	(void)detail;
	(void)value;
}

static inline void peeps_op_pend(struct peeps_ref op)
{
	(void)op;
}

static inline void peeps_op_poll(struct peeps_ref op)
{
	(void)op;
}

static inline void peeps_op_resume(struct peeps_ref op)
{
	(void)op;
}

static inline void peeps_op_end(struct peeps_ref op, uint32_t state)
{
	(void)op;
	(void)state;
}

static inline void peeps_op_fail(struct peeps_ref op, int error)
{
	(void)op;
	(void)error;
}

static inline struct peeps_ref peeps_link(uint32_t edge_kind, struct peeps_ref src,
					  struct peeps_ref dst)
{
	const struct peeps_ref none = { 0 };

	(void)edge_kind;
	(void)src;
	(void)dst;
	return none;
}

static inline struct peeps_ref peeps_link_at(uint32_t edge_kind, struct peeps_ref src,
					     struct peeps_ref dst, struct peeps_site *site)
{
	const struct peeps_ref none = { 0 };

	(void)edge_kind;
	(void)src;
	(void)dst;
	(void)site;
	return none;
}

static inline void peeps_unlink(struct peeps_ref link)
{
	(void)link;
}
#else

#include <peeps/api.h>
#include <peeps/site.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- entities --- */

/**
 * peeps_entity_new - an entity of a kind of kinds.def
 * @kind: PEEPS_KIND_*; not THREAD, TASK, FOREIGN, which have calls of their own
 * @name: copied; NULL or "": named after the place of the call
 * @note: copied, at most 4,000 bytes; shown as the attribute `note`; NULL = none
 *
 * Its attributes are 0 until set. End it with peeps_entity_end().
 */
PEEPS_API struct peeps_ref peeps_entity_new(uint32_t kind, const char *name);
PEEPS_API struct peeps_ref peeps_entity_new_noted(uint32_t kind, const char *name,
						  const char *note);
PEEPS_API struct peeps_ref peeps_entity_new_at(uint32_t kind, const char *name, const char *note,
					       struct peeps_site *site);

/**
 * peeps_entity_set - set an attribute, in a section of its own
 * @attr:  PEEPS_ATTR_{KIND}_{FIELD}, of the entity's own kind; any other is ignored
 * @value: cut to the attribute's bits; references as their bits
 *
 * PEEPS_ATTR_MUTEX_HOLDER means a lock taken or, with 0, given back: since when, where and how often are
 * recorded with it.
 */
PEEPS_API void peeps_entity_set(struct peeps_ref entity, uint32_t attr, uint64_t value);
PEEPS_API void peeps_entity_set_at(struct peeps_ref entity, uint32_t attr, uint64_t value,
				   struct peeps_site *site);

/* It is no more, and leaves its scopes. Operations and links on it should have ended before. */
PEEPS_API void peeps_entity_end(struct peeps_ref entity);

/**
 * peeps_entity_foreign - a stub for an entity of another process
 * @id: as that process's snapshot shows it, e.g. "request:orders-4711:conn_3:42"
 *
 * The same id gives the same stub; as many peeps_entity_end() end it.
 */
PEEPS_API struct peeps_ref peeps_entity_foreign(const char *id);

/* --- operations --- */

/**
 * peeps_op_begin - an actor begins an operation on a resource (or, of op JOIN, on an actor)
 * @actor:   the null reference: the calling one
 * @op:      PEEPS_OP_*
 * @details: the first word of the operation's details (kinds.def), as it is stored; 0 = none
 *
 * Returns the operation, active, which ends with peeps_op_end() or peeps_op_fail(), on any thread. Two of
 * the same are two.
 */
PEEPS_API struct peeps_ref peeps_op_begin(struct peeps_ref actor, uint32_t op,
					  struct peeps_ref target, uint64_t details);
PEEPS_API struct peeps_ref peeps_op_begin_at(struct peeps_ref actor, uint32_t op,
					     struct peeps_ref target, uint64_t details,
					     struct peeps_site *site);

/**
 * peeps_op_detail - another word of its details
 * @detail: PEEPS_DETAIL_{OP}_{NAME}
 * @value:  a number of the details is shown one less than @value, 0 as null; times are ptime in ns
 */
PEEPS_API void peeps_op_detail(struct peeps_ref op, uint32_t detail, uint64_t value);

/* It cannot go on: pending since now, and one poll more. */
PEEPS_API void peeps_op_pend(struct peeps_ref op);

/* Tried again, and still pending since when it was: one poll more. */
PEEPS_API void peeps_op_poll(struct peeps_ref op);

/* It goes on: active. */
PEEPS_API void peeps_op_resume(struct peeps_ref op);

/* It is over: PEEPS_STATE_DONE, FAILED or CANCELLED. */
PEEPS_API void peeps_op_end(struct peeps_ref op, uint32_t state);

/* It failed; @error is an errno value, up to 4,095. */
PEEPS_API void peeps_op_fail(struct peeps_ref op, int error);

/* --- links --- */

/**
 * peeps_link - a relation that is no operation
 * @edge_kind: PEEPS_EDGE_CHANNEL_LINK (tx, rx), PEEPS_EDGE_RPC_LINK (request, response), or
 *             PEEPS_EDGE_HOLDS (resource, actor; from now on), of role lock
 */
PEEPS_API struct peeps_ref peeps_link(uint32_t edge_kind, struct peeps_ref src,
				      struct peeps_ref dst);
PEEPS_API struct peeps_ref peeps_link_at(uint32_t edge_kind, struct peeps_ref src,
					 struct peeps_ref dst, struct peeps_site *site);
PEEPS_API void peeps_unlink(struct peeps_ref link);

#define peeps_entity_new(kind, name) peeps_entity_new_at((kind), (name), NULL, PEEPS_HERE)
#define peeps_entity_new_noted(kind, name, note) \
	peeps_entity_new_at((kind), (name), (note), PEEPS_HERE)
#define peeps_entity_set(entity, attr, value) \
	peeps_entity_set_at((entity), (attr), (value), PEEPS_HERE)
#define peeps_op_begin(actor, op, target, details) \
	peeps_op_begin_at((actor), (op), (target), (details), PEEPS_HERE)
#define peeps_link(edge_kind, src, dst) peeps_link_at((edge_kind), (src), (dst), PEEPS_HERE)

#ifdef __cplusplus
}
#endif

#endif
#endif
