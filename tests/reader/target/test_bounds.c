/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "reader/target/attach.h"
#include "reader/target/bounds.h"
#include "tests/support/fake_segment.h"

/* One hostile header a row: what is changed, and what the reader must say. */
struct hostile {
	const char *name;
	void (*change)(struct peeps_segment_header *header);
	int expected;
	const char *why; /* part of it */
};

static struct peeps_section_entry *entry(struct peeps_segment_header *header,
					 enum peeps_section_id id)
{
	return &header->sections[id - 1];
}

static void add_stranger(struct peeps_segment_header *header, uint64_t offset, uint64_t capacity)
{
	header->sections[header->section_count++] = (struct peeps_section_entry){
		.id = 77, .stride = 8, .offset = offset, .capacity = capacity
	};
}

static void swap_first_and_last(struct peeps_segment_header *header)
{
	const struct peeps_section_entry first = header->sections[0];
	const uint32_t last = header->section_count - 1;

	header->sections[0] = header->sections[last];
	header->sections[last] = first;
}

#define CHANGE(name, statement)                          \
	static void name(struct peeps_segment_header *h) \
	{                                                \
		statement;                               \
	}

CHANGE(not_ready, h->magic = 0)
CHANGE(other_magic, h->magic ^= 1)
CHANGE(other_end, h->magic = __builtin_bswap64(h->magic))
CHANGE(other_major, h->layout_major = 9; h->layout_minor = 0)
CHANGE(incompat, h->incompat_flags = 0x80)
CHANGE(compat, h->compat_flags = UINT32_MAX)
CHANGE(newer_minor, h->layout_minor = 7; h->layout_hash ^= 1)
CHANGE(newer_major, h->layout_major = 2; h->layout_minor = 3; h->layout_hash ^= 1)
CHANGE(other_hash, h->layout_hash ^= 1)
CHANGE(other_order, h->byte_order = 0x04030201)
CHANGE(other_size, h->segment_bytes += 4096)
CHANGE(huge_size, h->segment_bytes = UINT64_MAX)
CHANGE(control_elsewhere, h->control_offset = 0)
CHANGE(control_beyond, h->control_offset = UINT64_MAX - 4095)
CHANGE(fence_unknown, h->fence_mode = 2)
CHANGE(name_endless, memset(h->process_name, 'a', sizeof(h->process_name)))
CHANGE(too_many, h->section_count = PEEPS_SECTION_MAX + 1)
CHANGE(all_count, h->section_count = UINT32_MAX)
CHANGE(none, h->section_count = 0)
CHANGE(one_less, h->section_count--)
CHANGE(twice, entry(h, PEEPS_SECTION_TEXT)->id = PEEPS_SECTION_EDGES;
       entry(h, PEEPS_SECTION_TEXT)->stride = 192; entry(h, PEEPS_SECTION_TEXT)->capacity = 1)
CHANGE(meaningless, entry(h, PEEPS_SECTION_TEXT)->id = 0)
CHANGE(stride_zero, entry(h, PEEPS_SECTION_ENTITIES)->stride = 0)
CHANGE(stride_less, entry(h, PEEPS_SECTION_ENTITIES)->stride = 184)
CHANGE(stride_uneven, entry(h, PEEPS_SECTION_ENTITIES)->stride += 8)
CHANGE(stride_odd, entry(h, PEEPS_SECTION_SITES)->stride += 4)
CHANGE(stride_longer, entry(h, PEEPS_SECTION_ENTITIES)->stride += 64;
       entry(h, PEEPS_SECTION_ENTITIES)->capacity /= 2; entry(h, PEEPS_SECTION_SITES)->stride += 8;
       entry(h, PEEPS_SECTION_SITES)->capacity /= 2)
CHANGE(words_longer, entry(h, PEEPS_SECTION_COUNTERS)->stride = 16;
       entry(h, PEEPS_SECTION_COUNTERS)->capacity /= 2)
CHANGE(within_page, entry(h, PEEPS_SECTION_EDGES)->offset += 64)
CHANGE(over_header, entry(h, PEEPS_SECTION_COUNTERS)->offset = 0)
CHANGE(over_control, entry(h, PEEPS_SECTION_COUNTERS)->offset = PEEPS_CONTROL_OFFSET)
CHANGE(over_another,
       entry(h, PEEPS_SECTION_EDGES)->offset = entry(h, PEEPS_SECTION_ENTITIES)->offset)
CHANGE(into_another, entry(h, PEEPS_SECTION_THREADS)->capacity = 33)
CHANGE(beyond_end, entry(h, PEEPS_SECTION_TEXT)->capacity = 129)
CHANGE(offset_beyond, entry(h, PEEPS_SECTION_TEXT)->offset = h->segment_bytes)
CHANGE(offset_wraps, entry(h, PEEPS_SECTION_TEXT)->offset = UINT64_MAX - 4095)
CHANGE(bytes_wrap, entry(h, PEEPS_SECTION_ENTITIES)->capacity = UINT64_MAX / 192 + 2)
CHANGE(capacity_all, entry(h, PEEPS_SECTION_ENTITIES)->capacity = UINT64_MAX)
CHANGE(stranger_sound, add_stranger(h, h->segment_bytes, 0))
CHANGE(stranger_beyond, add_stranger(h, h->segment_bytes, 1))
CHANGE(stranger_over_entities, add_stranger(h, entry(h, PEEPS_SECTION_ENTITIES)->offset, 1))
CHANGE(reordered, swap_first_and_last(h))
CHANGE(empty_section, entry(h, PEEPS_SECTION_SCOPES)->capacity = 0)
CHANGE(mark_beyond, entry(h, PEEPS_SECTION_EDGES)->high_water = UINT64_MAX)

static const struct hostile rows[] = {
	{ "not ready", not_ready, -EAGAIN, "not ready" },
	{ "other magic", other_magic, -EBADMSG, "does not begin" },
	{ "other end of the word", other_end, -EPROTONOSUPPORT, "byte order" },
	{ "other major", other_major, -EPROTONOSUPPORT, "layout 9.0, and this reader knows 1.x" },
	{ "newer major", newer_major, -EPROTONOSUPPORT, "layout 2.3, and this reader knows 1.x" },
	{ "unknown incompatible feature", incompat, -EPROTONOSUPPORT,
	  "0x80, and this reader knows 0x0" },
	{ "unknown compatible feature", compat, 0, NULL },
	{ "newer minor", newer_minor, 0, NULL },
	{ "other hash", other_hash, -EPROTONOSUPPORT, " of its own (" },
	{ "other byte order", other_order, -EBADMSG, "byte order" },
	{ "another size than the file's", other_size, -EBADMSG, "size" },
	{ "huge size", huge_size, -EBADMSG, "size" },
	{ "control page over the header", control_elsewhere, -EBADMSG, "control page" },
	{ "control page beyond the end", control_beyond, -EBADMSG, "control page" },
	{ "unknown fence mode", fence_unknown, -EBADMSG, "fence mode" },
	{ "process name without end", name_endless, -EBADMSG, "no end" },
	{ "one section too many", too_many, -EBADMSG, "more sections" },
	{ "all the sections there can be", all_count, -EBADMSG, "more sections" },
	{ "no sections", none, -EBADMSG, "is missing" },
	{ "last section missing", one_less, -EBADMSG, "(text) is missing" },
	{ "a section twice", twice, -EBADMSG, "(edges) is there twice" },
	{ "section 0", meaningless, -EBADMSG, "no meaning" },
	{ "stride zero", stride_zero, -EBADMSG, "(entities) has rows of another size" },
	{ "stride less", stride_less, -EBADMSG, "(entities) has rows of another size" },
	{ "slots not in cache lines", stride_uneven, -EBADMSG,
	  "(entities) has rows of another size" },
	{ "rows not in words", stride_odd, -EBADMSG, "(sites) has rows of another size" },
	{ "longer rows", stride_longer, 0, NULL },
	{ "longer words", words_longer, -EBADMSG, "(counters) has rows of another size" },
	{ "begins within a page", within_page, -EBADMSG, "(edges) begins within a page" },
	{ "over the header", over_header, -EBADMSG, "(counters) overlaps the header" },
	{ "over the control page", over_control, -EBADMSG, "(counters) overlaps the header" },
	{ "over another section", over_another, -EBADMSG, "(edges) overlaps another" },
	{ "runs into another section", into_another, -EBADMSG, "overlaps another" },
	{ "runs beyond the end", beyond_end, -EBADMSG, "(text) reaches beyond the end" },
	{ "lies beyond the end", offset_beyond, -EBADMSG, "(text) reaches beyond the end" },
	{ "offset wraps around", offset_wraps, -EBADMSG, "(text) reaches beyond the end" },
	{ "size wraps around", bytes_wrap, -EBADMSG, "(entities) reaches beyond the end" },
	{ "capacity is all ones", capacity_all, -EBADMSG, "(entities) reaches beyond the end" },
	{ "unknown section, sound", stranger_sound, 0, NULL },
	{ "unknown section, beyond the end", stranger_beyond, -EBADMSG,
	  "unknown) reaches beyond the end" },
	{ "unknown section, over entities", stranger_over_entities, -EBADMSG,
	  "unknown) overlaps another" },
	{ "sections in another order", reordered, 0, NULL },
	{ "section without rows", empty_section, 0, NULL },
	{ "mark beyond the capacity", mark_beyond, 0, NULL },
};

static void header__hostile__is_refused_by_name(void **state)
{
	struct fake_segment segment;
	bool failed = false;

	(void)state;
	fake_segment_new(&segment);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peeps_segment_header header = *segment.header;
		struct peeps_problem problem = { 0 };
		int r;

		rows[i].change(&header);
		r = peeps_bounds_check(&header, segment.bytes, &problem);
		if (r == rows[i].expected && (!rows[i].why || strstr(problem.why, rows[i].why)))
			continue;
		print_error("%s: returned %d (expected %d), why: %s\n", rows[i].name, r,
			    rows[i].expected, problem.why);
		failed = true;
	}
	fake_segment_free(&segment);
	assert_false(failed);
}

static void header__file_of_impossible_size__is_refused(void **state)
{
	const uint64_t sizes[] = { 0, 4096, 8191, PEEPS_SEGMENT_BYTES_MAX + 4096, UINT64_MAX };
	struct fake_segment segment;

	(void)state;
	fake_segment_new(&segment);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct peeps_segment_header header = *segment.header;
		struct peeps_problem problem = { 0 };

		header.segment_bytes = sizes[i];
		assert_int_equal(peeps_bounds_check(&header, sizes[i], &problem), -EBADMSG);
		assert_int_equal(problem.status, 6);
	}
	fake_segment_free(&segment);
}

static void marks__beyond_the_capacity__are_clamped_and_counted(void **state)
{
	struct fake_segment segment;
	struct peeps_target target;
	struct peeps_problem problem;
	struct peeps_marks marks;

	(void)state;
	fake_segment_new(&segment);
	assert_int_equal(peeps_attach_fd(&target, segment.fd, &problem), 0);
	fake_section(&segment, PEEPS_SECTION_EDGES)->high_water = UINT64_MAX;
	fake_section(&segment, PEEPS_SECTION_TEXT)->high_water = FAKE_TEXT;
	peeps_bounds_marks(&target, &marks);
	assert_int_equal(marks.rows[PEEPS_SECTION_EDGES], FAKE_EDGES);
	assert_int_equal(marks.rows[PEEPS_SECTION_TEXT], FAKE_TEXT);
	assert_int_equal(marks.clamped, 1);
	peeps_detach(&target);
	fake_segment_free(&segment);
}

/* The table may change after it was checked: only the checked copy says where a section lies. */
static void sections__moved_after_the_check__are_not_followed(void **state)
{
	struct fake_segment segment;
	struct peeps_target target;
	struct peeps_problem problem;

	(void)state;
	fake_segment_new(&segment);
	assert_int_equal(peeps_attach_fd(&target, segment.fd, &problem), 0);
	fake_section(&segment, PEEPS_SECTION_EDGES)->offset = UINT64_MAX;
	fake_section(&segment, PEEPS_SECTION_EDGES)->capacity = UINT64_MAX;
	assert_ptr_equal(peeps_bounds_rows(&target, PEEPS_SECTION_EDGES).first,
			 target.base + ((unsigned char *)segment.edges - segment.base));
	peeps_detach(&target);
	fake_segment_free(&segment);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header__hostile__is_refused_by_name),
		cmocka_unit_test(header__file_of_impossible_size__is_refused),
		cmocka_unit_test(marks__beyond_the_capacity__are_clamped_and_counted),
		cmocka_unit_test(sections__moved_after_the_check__are_not_followed),
	};

	return cmocka_run_group_tests_name("bounds", tests, NULL, NULL);
}
