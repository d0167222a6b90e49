/* SPDX-License-Identifier: MIT */
/* Scopes: contexts that entities belong to (a connection, a request's lifetime, a subsystem). Membership
 * only: a scope is never an end of an edge, which its type sees to. */
#ifndef PEEPS_SCOPE_H
#define PEEPS_SCOPE_H

#include <stdint.h>

#include <peeps/layout.h>

#ifdef __cplusplus
extern "C" {
#endif

struct peeps_scope {
	uint64_t bits; /* 0 = none, accepted everywhere */
};

#ifdef PEEPS_DISABLE
#include <peeps/disabled.h>

static inline struct peeps_scope peeps_scope_new(uint32_t kind, const char *name)
{
	const struct peeps_scope none = { 0 };

	(void)kind;
	(void)name;
	return none;
}

static inline void peeps_scope_add(struct peeps_scope scope, struct peeps_ref member)
{
	(void)scope;
	(void)member;
}

static inline void peeps_scope_end(struct peeps_scope scope)
{
	(void)scope;
}
#else

#include <peeps/api.h>

/**
 * peeps_scope_new - open a scope
 * @kind: PEEPS_SCOPE_KIND_*
 * @name: copied; with the kind it makes the id
 *
 * Returns the null scope with telemetry off or full (counted).
 * Context of all three: any thread, several at once; not async-signal-safe.
 */
PEEPS_API struct peeps_scope peeps_scope_new(uint32_t kind, const char *name);

/* An entity is in it from now on, until either ends. Once is enough. */
PEEPS_API void peeps_scope_add(struct peeps_scope scope, struct peeps_ref member);

PEEPS_API void peeps_scope_end(struct peeps_scope scope);
#endif

#ifdef __cplusplus
}
#endif

#endif
