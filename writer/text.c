/* SPDX-License-Identifier: MIT */
#include "writer/text.h"

#include <string.h>

#include "layout/segment.h"
#include "writer/memory.h"
#include "writer/segment.h"

#define CLASS_COUNT 8 /* 1, 2, 4, ... 128 granules */
#define NONE        UINT32_MAX

_Static_assert(PEEPS_TEXT_MAX_BYTES + sizeof(struct peeps_text_head) <=
		       (PEEPS_TEXT_GRANULE << (CLASS_COUNT - 1)),
	       "the longest text fits the largest class");

/* A text's first granule, in private memory. */
struct granule {
	uint32_t next;
	uint32_t generation;
	uint64_t rested_epoch;
	uint8_t size_class;
};

/* Under the process lock. */
static struct granule *granules;
static uint64_t used;
static uint32_t free_heads[CLASS_COUNT];
static uint32_t resting_head, resting_tail;

bool text_init(void)
{
	if (!granules)
		granules = memory_reserve(segment_section(PEEPS_SECTION_TEXT)->capacity *
					  sizeof(*granules));
	used = 0;
	for (int class = 0; class < CLASS_COUNT; class ++)
		free_heads[class] = NONE;
	resting_head = NONE;
	resting_tail = NONE;
	return granules != NULL;
}

static void wake_rested(void)
{
	while (resting_head != NONE && rest_is_over(granules[resting_head].rested_epoch)) {
		const uint32_t index = resting_head;
		const uint8_t class = granules[index].size_class;

		resting_head = granules[index].next;
		if (resting_head == NONE)
			resting_tail = NONE;
		granules[index].next = free_heads[class];
		free_heads[class] = index;
	}
}

static uint32_t take_fresh(uint8_t class)
{
	const uint64_t end = used + (UINT64_C(1) << class);
	const uint32_t index = (uint32_t)used;

	if (end > segment_section(PEEPS_SECTION_TEXT)->capacity ||
	    !segment_reserve(PEEPS_SECTION_TEXT, end))
		return NONE;
	segment_raise(PEEPS_SECTION_TEXT, end);
	used = end;
	granules[index].size_class = class;
	return index;
}

static uint32_t take(uint8_t class)
{
	uint32_t index;

	if (free_heads[class] == NONE)
		wake_rested();
	index = free_heads[class];
	if (index == NONE)
		return take_fresh(class);
	free_heads[class] = granules[index].next;
	return index;
}

uint64_t text_put(const char *bytes, size_t length)
{
	const size_t whole = length + sizeof(struct peeps_text_head);
	uint8_t class = 0;
	struct peeps_text_head *head;
	uint32_t index;

	while (((size_t)PEEPS_TEXT_GRANULE << class) < whole)
		class ++;
	index = take(class);
	if (index == NONE) {
		segment_count(PEEPS_COUNTER_DROPPED_TEXT);
		return 0;
	}
	granules[index].generation =
		(granules[index].generation + 1) & (uint32_t)PEEPS_REF_GENERATION_MASK;
	if (granules[index].generation == 0)
		granules[index].generation = 1;
	head = segment_row(PEEPS_SECTION_TEXT, index);
	*head = (struct peeps_text_head){ .length = (uint16_t)length,
					  .format = PEEPS_TEXT_FORMAT_TEXT,
					  .generation = granules[index].generation };
	memcpy(head + 1, bytes, length);
	return (uint64_t)PEEPS_SPACE_TEXT << PEEPS_REF_SPACE_SHIFT |
	       (uint64_t)granules[index].generation << PEEPS_REF_GENERATION_SHIFT | index;
}

void text_give(uint64_t ref, struct rest rest)
{
	const uint32_t index = (uint32_t)(ref & PEEPS_REF_INDEX_MASK);

	if (ref == 0)
		return;
	if (rest.over) {
		granules[index].next = free_heads[granules[index].size_class];
		free_heads[granules[index].size_class] = index;
		return;
	}
	granules[index].rested_epoch = rest.epoch;
	granules[index].next = NONE;
	if (resting_tail == NONE)
		resting_head = index;
	else
		granules[resting_tail].next = index;
	resting_tail = index;
}
