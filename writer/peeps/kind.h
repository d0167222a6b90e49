/* SPDX-License-Identifier: MIT */
/*
 * Kinds of a program's own, with attributes of their own: what an entity of the registry is called and what it
 * shows, where no kind of peeps fits. A reader needs to know nothing of them: they travel in the segment.
 *
 *	static const char *const phases[] = { "", "asking", "waiting" };
 *	const struct peeps_kind_attribute attributes[] = {
 *		{ "requests", PEEPS_TYPE_COUNT, 0 },
 *		{ "idle_since_ptime_ms", PEEPS_TYPE_PTIME, 0 },
 *		{ "phase", peeps_enum_new(phases, 3), 0 },
 *	};
 *	const struct peeps_kind_def def = { "session", NULL, PEEPS_ROLE_RESOURCE, PEEPS_VISIBILITY_SHOWN,
 *					    attributes, 3 };
 *	uint32_t attrs[3], kind = peeps_kind_new(&def, attrs);
 *
 *	session = peeps_entity_new(kind, "alice");
 *	peeps_entity_set(session, attrs[0], 1);
 *
 * A kind lasts as long as the program, and its children know it, too. Kind 0 and attribute 0, which is what comes
 * back where there is no telemetry or no room, are accepted everywhere, and are none.
 *
 * Context of all calls: as those of the registry.
 */
#ifndef PEEPS_KIND_H
#define PEEPS_KIND_H

#include <stddef.h>
#include <stdint.h>

#include <peeps/layout.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct peeps_kind_attribute - one that every entity of a kind has; 0 until it is set
 * @name: of lower case letters, digits and '_', at most 31; not name, note, visibility, created_at_ns or
 *        creator_task_id. Say the unit: readers show a duration where it ends in _ns, a time in _ptime_ms
 * @type: what the value means, and how it is shown:
 *        PEEPS_TYPE_COUNT           a number
 *        PEEPS_TYPE_OPTIONAL_COUNT  a number, set one greater than it is; 0 = null
 *        PEEPS_TYPE_NS_DURATION     ns
 *        PEEPS_TYPE_PTIME           a time, as peeps_ptime_ns() tells it; shown in ms; 0 = null
 *        PEEPS_TYPE_BOOL            0 or 1; true or false
 *        PEEPS_TYPE_BITS            bits, shown as a number
 *        PEEPS_TYPE_REF             the bits of a reference to an entity, shown as its id; 0 = null
 *        PEEPS_TYPE_TEXT            set by peeps_entity_set_text() alone
 *        or what peeps_enum_new() returned: a number of that list, shown by its name
 * @bits: what it takes of the 6 x 64 that an entity has; 0 = 1 of a BOOL, 8 of a list's number, else 64. A REF and
 *        a TEXT take 64. An attribute does not straddle two words
 */
struct peeps_kind_attribute {
	const char *name;
	uint32_t type;
	uint32_t bits;
};

/**
 * struct peeps_kind_def - what a kind is
 * @name:   of lower case letters, digits, '_' and '-', at most 31; none of kinds.def
 * @prefix: of its entities' ids: likewise, at most 15; NULL = the name
 * @role:   PEEPS_ROLE_RESOURCE (can be waited on), PEEPS_ROLE_ACTOR (can wait), PEEPS_ROLE_OTHER
 * @visibility: PEEPS_VISIBILITY_*, of each of its entities
 */
struct peeps_kind_def {
	const char *name;
	const char *prefix;
	uint32_t role;
	uint32_t visibility;
	const struct peeps_kind_attribute *attributes;
	size_t attribute_count;
};

#ifdef PEEPS_DISABLE
#include <peeps/disabled.h>

static inline uint32_t peeps_kind_new(const struct peeps_kind_def *def, uint32_t *attrs)
{
	size_t i;

	for (i = 0; i < def->attribute_count; i++)
		attrs[i] = 0;
	return 0;
}

static inline uint32_t peeps_enum_new(const char *const *values, size_t count)
{
	(void)values;
	(void)count;
	return 0;
}

static inline void peeps_entity_set_text(struct peeps_ref entity, uint32_t attr, const char *text)
{
	(void)entity;
	(void)attr;
	(void)text;
}

static inline uint64_t peeps_ptime_ns(void)
{
	return 0;
}
#else

#include <peeps/api.h>

/**
 * peeps_kind_new - a kind, for peeps_entity_new()
 * @attrs: as many as it has attributes: their numbers, for peeps_entity_set()
 *
 * The same definition again is the same kind, so that nobody need remember whether it was made.
 * Returns 0, and all @attrs 0, with telemetry off, without room (1,024 kinds, attributes and list values together), if
 * the definition breaks a rule above, or if another kind has the name. Entities of kind
 * 0 are none; they count in dropped_entities.
 */
PEEPS_API uint32_t peeps_kind_new(const struct peeps_kind_def *def, uint32_t *attrs);

/**
 * peeps_enum_new - a list of values, as the type of attributes
 * @values: what the numbers from 0 on are called: printable ASCII, at most 31; "" for 0 alone: null
 * @count:  1 to 256
 *
 * The same list again is the same type. Returns 0 as peeps_kind_new() does, or if there are 64 lists.
 */
PEEPS_API uint32_t peeps_enum_new(const char *const *values, size_t count);

/**
 * peeps_entity_set_text - set an attribute of type TEXT
 * @text: copied, at most 4,000 bytes; NULL = none
 */
PEEPS_API void peeps_entity_set_text(struct peeps_ref entity, uint32_t attr, const char *text);

/* Now, as attributes and details of type PTIME take it; a time later by as many ns is so much more. 0 with telemetry
 * off. */
PEEPS_API uint64_t peeps_ptime_ns(void);
#endif

#ifdef __cplusplus
}
#endif

#endif
