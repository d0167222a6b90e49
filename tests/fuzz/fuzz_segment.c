/* SPDX-License-Identifier: MIT */
/*
 * A golden segment with some bytes changed, from attach to every format. Segments are large and mostly zero, so what is
 * fuzzed is the changes:
 *
 *	byte 0      which golden segment
 *	byte 1      PASSED_*
 *	then, again and again:
 *	byte 0      which section (0: the header's page, END: the control page)
 *	bytes 1, 2  where in what it has in use, in units of 4 bytes
 *	byte 3      [3:0] bytes that follow: 0 = a byte that stands for a word (below); [7:4] where in the 4 bytes
 *
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reader/analysis/analysis.h"
#include "reader/cut/cut.h"
#include "reader/decode/decode.h"
#include "reader/graph/graph.h"
#include "reader/target/attach.h"
#include "reader/target/bounds.h"
#include "tests/fuzz/golden.h"
#include "tests/fuzz/show.h"

#define PASSED_HEADER \
	1 /* the header is as it was but for the marks: bounds has nothing to refuse */
#define PASSED_HISTORY 2

#define UNIT_BYTES 4
#define CHANGE_MAX 20 /* bytes, with what they are moved by within a unit */

static const char *const names[] = { "mutex-lock-order-inversion", "channel-full-stall",
				     "one_of_each" };
#define NAME_COUNT (sizeof(names) / sizeof(names[0]))

/* Words that find mistakes. */
static const uint64_t words[] = { 0,
				  1,
				  0x7f,
				  UINT16_MAX,
				  UINT32_MAX,
				  UINT64_MAX,
				  INT64_MAX,
				  UINT64_C(1) << 63,
				  UINT64_C(1) << 60,
				  UINT64_C(4) << 60 | UINT64_C(1) << 32 };
#define WORD_COUNT (sizeof(words) / sizeof(words[0]))

static struct bytes bases[NAME_COUNT];

/* The page that a change is in, and how much of it is in use. */
static unsigned char *place_of(unsigned char *bytes, const struct bytes *base, uint8_t section,
			       size_t *room)
{
	const struct peeps_segment_header *header = (const void *)base->start;
	const struct peeps_section_entry *entry;

	section %= PEEPS_SECTION_END + 1;
	if (section == 0) {
		*room = sizeof(*header);
		return bytes;
	}
	if (section == PEEPS_SECTION_END) {
		*room = sizeof(struct peeps_control);
		return bytes + PEEPS_CONTROL_OFFSET;
	}
	entry = &header->sections[section - 1];
	*room = entry->high_water * entry->stride;
	return bytes + entry->offset;
}

/* Returns how much of the data it took; 0 = it is no more. */
static size_t change(unsigned char *bytes, const struct bytes *base, const uint8_t *data,
		     size_t size)
{
	const size_t head = 4;
	size_t room, at, count;
	unsigned char *place;

	if (size <= head)
		return 0;
	place = place_of(bytes, base, data[0], &room);
	count = data[3] & 15;
	if (count > size - head)
		count = size - head;
	if (room >= 2 * CHANGE_MAX) {
		at = (data[1] | (size_t)data[2] << 8) * UNIT_BYTES % (room - CHANGE_MAX) +
		     (data[3] >> 4) % UNIT_BYTES;
		if (count > 0)
			memcpy(place + at, data + head, count);
		else
			memcpy(place + at / 8 * 8, &words[data[head] % WORD_COUNT],
			       sizeof(words[0]));
	}
	return head + (count ? count : 1);
}

static void header_mend(unsigned char *bytes, const struct bytes *base)
{
	struct peeps_segment_header header;
	const struct peeps_segment_header *changed = (const void *)bytes;

	memcpy(&header, base->start, sizeof(header));
	for (size_t i = 0; i < PEEPS_SECTION_MAX; i++)
		header.sections[i].high_water = changed->sections[i].high_water;
	memcpy(bytes, &header, sizeof(header));
}

/* A copy in memory of our own, where every byte too far is noticed. */
static void read_all(const unsigned char *bytes, size_t count, unsigned int flags)
{
	const struct peeps_analysis_options wishes = { .max_wait_ns = 1 };
	struct peeps_target target = {
		.pidfd = -1, .segment_fd = -1, .proc_fd = -1, .base = bytes, .mapped_bytes = count
	};
	struct peeps_problem problem = { .status = 0 };
	struct peeps_graph *graph = NULL;
	struct peeps_image image;

	memcpy(&target.header, bytes, sizeof(target.header));
	if (peeps_bounds_check(&target.header, count, &problem) != 0) {
		need(problem.status != 0 && problem.why[0] != '\0', "a refusal without a reason");
		return;
	}
	peeps_image_init(&image);
	if (peeps_cut(&target, &image, PEEPS_CUT_PASSIVE, &problem) == 0) {
		need(peeps_decode(&image, flags, &graph) == 0, "peeps_decode");
		need(peeps_analyse(graph, &wishes) == 0, "peeps_analyse");
		fuzz_show(graph);
		peeps_graph_free(graph);
	}
	peeps_image_deinit(&image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bytes *base;
	unsigned char *bytes;
	size_t taken;

	if (size < 2)
		return 0;
	for (size_t i = 0; i < NAME_COUNT && !bases[i].start; i++)
		bases[i] = golden_read(names[i]);
	base = &bases[data[0] % NAME_COUNT];
	bytes = malloc(base->count);
	need(bytes != NULL, "malloc");
	memcpy(bytes, base->start, base->count);
	for (size_t at = 2; (taken = change(bytes, base, data + at, size - at)) > 0; at += taken)
		;
	if (data[1] & PASSED_HEADER)
		header_mend(bytes, base);
	read_all(bytes, base->count, data[1] & PASSED_HISTORY ? PEEPS_DECODE_HISTORY : 0);
	free(bytes);
	return 0;
}
