/* SPDX-License-Identifier: MIT */
/* What the tests of the writer have in common: cmocka, and a look into the segment of this very process. */
#ifndef PEEPS_TESTS_WRITER_TEST_H
#define PEEPS_TESTS_WRITER_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "layout/segment.h"
#include "writer/intern.h"
#include "writer/process.h"
#include "writer/segment.h"
#include "writer/thread.h"

static inline uint64_t counted(enum peeps_counter counter)
{
	return *(uint64_t *)segment_row(PEEPS_SECTION_COUNTERS, counter);
}

static inline struct peeps_entity_slot *entity_at(uint64_t ref)
{
	return segment_row(PEEPS_SECTION_ENTITIES, ref & PEEPS_REF_INDEX_MASK);
}

/* The bytes of a text in the segment. */
static inline const char *text_at(uint64_t ref)
{
	const struct peeps_text_head *const head =
		segment_row(PEEPS_SECTION_TEXT, ref & PEEPS_REF_INDEX_MASK);

	return (const char *)(head + 1);
}

static inline struct peeps_text_head *text_head_at(uint64_t ref)
{
	return segment_row(PEEPS_SECTION_TEXT, ref & PEEPS_REF_INDEX_MASK);
}

static inline void assert_text(uint64_t ref, const char *expected)
{
	const size_t length = __builtin_strlen(expected);

	assert_int_not_equal(ref, 0);
	assert_int_equal(text_head_at(ref)->length, length);
	assert_int_equal(text_head_at(ref)->generation,
			 ref >> PEEPS_REF_GENERATION_SHIFT & PEEPS_REF_GENERATION_MASK);
	assert_memory_equal(text_at(ref), expected, length);
}

/* As a reader would that begins a cut: returns the epoch before. Ends with stop_cut(). */
static inline uint64_t start_cut(void)
{
	struct peeps_control *const control = peeps_segment.control;
	const uint64_t before = control->epoch;

	control->cut_deadline_ns = UINT64_MAX / 2;
	control->cut = before + 1;
	control->epoch = before + 1;
	return before;
}

static inline void stop_cut(void)
{
	peeps_segment.control->cut = 0;
}

/* Strings that come and go, and whether their memory has been given back since. At most STRINGS_MAX. */
#define STRINGS_MAX 5000
static inline const struct interned **strings_come_and_go(int count)
{
	static const struct interned *gone[STRINGS_MAX + 1];
	char text[32];
	sigset_t mask;

	for (int i = 0; i < count; i++) {
		(void)snprintf(text, sizeof(text), "comes and goes %d", i);
		gone[i] = intern_get(text, __builtin_strlen(text));
	}
	process_lock(&mask);
	for (int i = 0; i < count; i++)
		intern_put((struct interned *)(uintptr_t)gone[i], (struct rest){ .over = true });
	process_unlock(&mask);
	gone[count] = NULL;
	return gone;
}

/* Memory that was given back is taken first; that of others may be among it. */
static inline bool are_reclaimed(const struct interned **gone)
{
	static int looks;
	char text[32];

	for (int i = 0; i < 100; i++) {
		const struct interned *next;

		(void)snprintf(text, sizeof(text), "comes and stays %d", looks++);
		next = intern_get(text, __builtin_strlen(text));
		for (const struct interned **one = gone; *one; one++)
			if (*one == next)
				return true;
	}
	return false;
}

/* The calling thread, for calls that want one. */
static inline struct self *enter(void)
{
	struct self *const self = self_enter(CALLER_STACK());

	assert_non_null(self);
	return self;
}

#endif
