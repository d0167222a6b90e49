/* SPDX-License-Identifier: MIT */
#include "tests/writer/writer_test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int descriptor(void)
{
	return peeps_segment.descriptor;
}

static void segment_create__start__header_says_what_it_is(void **state)
{
	const struct peeps_segment_header *const header = peeps_segment.header;
	static const uint8_t zeroes[16];
	struct timespec now;

	(void)state;
	assert_int_equal(header->magic, PEEPS_MAGIC);
	assert_int_equal(header->layout_major, PEEPS_LAYOUT_MAJOR);
	assert_int_equal(header->layout_minor, PEEPS_LAYOUT_MINOR);
	assert_int_equal(header->layout_hash, PEEPS_LAYOUT_HASH);
	assert_int_equal(header->byte_order, PEEPS_BYTE_ORDER);
	assert_int_equal(header->compat_flags, 0);
	assert_int_equal(header->incompat_flags, 0);
	assert_int_equal(header->pid, getpid());
	assert_int_equal(header->control_offset, PEEPS_CONTROL_OFFSET);
	assert_string_equal(header->process_name, program_invocation_short_name);
	assert_memory_not_equal(header->segment_id, zeroes, 16);
	assert_memory_not_equal(header->boot_id, zeroes, 16);
	assert_int_not_equal(header->start_time_ticks, 0);
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	assert_true(header->start_monotonic_ns / 1000000000 <= (uint64_t)now.tv_sec);
	(void)clock_gettime(CLOCK_REALTIME, &now);
	assert_true((uint64_t)now.tv_sec - header->start_realtime_ns / 1000000000 < 60);
	assert_int_equal(peeps_segment.control->epoch, PEEPS_FIRST_EPOCH);
	assert_int_equal(peeps_segment.control->cut, 0);
}

static void segment_create__sections__lie_in_order_at_pages_and_inside(void **state)
{
	const struct peeps_segment_header *const header = peeps_segment.header;
	uint64_t end = PEEPS_SECTIONS_OFFSET;
	struct stat status;

	(void)state;
	assert_int_equal(header->section_count, PEEPS_SECTION_END - 1);
	for (uint32_t i = 0; i < header->section_count; i++) {
		const struct peeps_section_entry *const entry = &header->sections[i];

		assert_int_equal(entry->id, i + 1);
		assert_int_equal(entry->offset % PEEPS_PAGE_BYTES, 0);
		assert_true(entry->offset >= end);
		assert_true(entry->high_water <= entry->capacity);
		end = entry->offset + entry->capacity * entry->stride;
	}
	assert_true(end <= header->segment_bytes);
	assert_int_equal(fstat(descriptor(), &status), 0);
	assert_int_equal(status.st_size, header->segment_bytes);
}

static void segment_create__memfd__is_sealed_high_and_closed_on_exec(void **state)
{
	const int seals = fcntl(descriptor(), F_GET_SEALS);

	(void)state;
	assert_true(descriptor() >= 10);
	assert_int_equal(fcntl(descriptor(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(seals, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	assert_int_equal(ftruncate(descriptor(), 4096), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(descriptor(), (off_t)peeps_segment.bytes + 4096), -1);
	assert_int_equal(errno, EPERM);
}

/* "stat" of a file is its memory: what nobody reserved has none. */
static uint64_t resident_bytes(void)
{
	struct stat status;

	assert_int_equal(fstat(descriptor(), &status), 0);
	return (uint64_t)status.st_blocks * 512;
}

static void segment_reserve__more_rows__have_memory_before_they_are_written(void **state)
{
	const uint64_t before = resident_bytes();
	const uint64_t rows = 4096; /* of 64 bytes */

	(void)state;
	assert_true(before < (uint64_t)2 << 20);
	assert_true(segment_reserve(PEEPS_SECTION_SCOPES, rows));
	assert_true(resident_bytes() >= before + rows * sizeof(struct peeps_scope_row));
	assert_true(peeps_segment.reserved[PEEPS_SECTION_SCOPES] >=
		    rows * sizeof(struct peeps_scope_row));
	/* again: nothing to do */
	assert_true(segment_reserve(PEEPS_SECTION_SCOPES, rows));
	assert_true(segment_reserve(PEEPS_SECTION_SCOPES, 1));
	/* all there is, and not a byte of the section behind it */
	assert_true(segment_reserve(PEEPS_SECTION_SCOPES,
				    segment_section(PEEPS_SECTION_SCOPES)->capacity));
	assert_true(peeps_segment.reserved[PEEPS_SECTION_SCOPES] <=
		    segment_section(PEEPS_SECTION_MEMBERSHIPS)->offset -
			    segment_section(PEEPS_SECTION_SCOPES)->offset);
}

/* Of the segment's mappings, what a core dump would write. */
static uint64_t dumped_bytes(void)
{
	FILE *const maps = fopen("/proc/self/smaps", "re");
	uint64_t sum = 0, size = 0;
	char line[512];
	bool ours = false;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		unsigned long start, end;

		if (sscanf(line, "%lx-%lx ", &start, &end) == 2) {
			ours = strstr(line, "/memfd:" PEEPS_SEGMENT_NAME " ") != NULL;
			size = end - start;
		} else if (ours && strncmp(line, "VmFlags:", 8) == 0 && !strstr(line, " dd")) {
			sum += size;
		}
	}
	(void)fclose(maps);
	return sum;
}

static void segment_reserve__core_dump__has_what_was_reserved_and_no_more(void **state)
{
	uint64_t expected = PEEPS_SECTIONS_OFFSET;

	(void)state;
	assert_true(segment_reserve(PEEPS_SECTION_EDGES, 1000));
	for (uint32_t id = 1; id < PEEPS_SECTION_END; id++)
		expected += peeps_segment.reserved[id];
	assert_int_equal(dumped_bytes(), expected);
}

static void segment_reserve__a_descriptor_that_is_the_programs_by_now__file_is_left_alone(
	void **state)
{
	const int saved = fcntl(descriptor(), F_DUPFD_CLOEXEC, 500);
	const int file = memfd_create("of the program", MFD_CLOEXEC);
	struct stat status;

	(void)state;
	assert_int_equal(dup3(file, descriptor(), O_CLOEXEC), descriptor());
	assert_true(segment_reserve(PEEPS_SECTION_MEMBERSHIPS, 60000));
	assert_int_equal(fstat(file, &status), 0);
	assert_int_equal(status.st_size, 0);
	assert_int_equal(status.st_blocks, 0);
	/* and a child does not close it */
	{
		const int number = descriptor();

		segment_close_inherited();
		assert_int_equal(fcntl(number, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
		peeps_segment.descriptor = number;
	}
	(void)dup3(saved, descriptor(), O_CLOEXEC);
	(void)close(saved);
	(void)close(file);
}

static void segment_raise__lower_and_higher__only_rises(void **state)
{
	const uint64_t *const mark = &segment_section(PEEPS_SECTION_MEMBERSHIPS)->high_water;

	(void)state;
	segment_raise(PEEPS_SECTION_MEMBERSHIPS, 7);
	assert_int_equal(*mark, 7);
	segment_raise(PEEPS_SECTION_MEMBERSHIPS, 3);
	assert_int_equal(*mark, 7);
	segment_raise(PEEPS_SECTION_MEMBERSHIPS, 8);
	assert_int_equal(*mark, 8);
}

static void segment_ptime_ns__two_calls__never_zero_never_back(void **state)
{
	uint64_t last = segment_ptime_ns();

	(void)state;
	assert_int_not_equal(last, 0);
	for (int i = 0; i < 1000; i++) {
		const uint64_t now = segment_ptime_ns();

		assert_true(now >= last);
		last = now;
	}
}

static void segment_count__a_counter__only_that_one_rises(void **state)
{
	const uint64_t torn = counted(PEEPS_COUNTER_TORN),
		       text = counted(PEEPS_COUNTER_DROPPED_TEXT);

	(void)state;
	segment_count(PEEPS_COUNTER_TORN);
	segment_count(PEEPS_COUNTER_TORN);
	assert_int_equal(counted(PEEPS_COUNTER_TORN), torn + 2);
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_TEXT), text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segment_create__start__header_says_what_it_is),
		cmocka_unit_test(segment_create__sections__lie_in_order_at_pages_and_inside),
		cmocka_unit_test(segment_create__memfd__is_sealed_high_and_closed_on_exec),
		cmocka_unit_test(segment_reserve__more_rows__have_memory_before_they_are_written),
		cmocka_unit_test(segment_reserve__core_dump__has_what_was_reserved_and_no_more),
		cmocka_unit_test(
			segment_reserve__a_descriptor_that_is_the_programs_by_now__file_is_left_alone),
		cmocka_unit_test(segment_raise__lower_and_higher__only_rises),
		cmocka_unit_test(segment_ptime_ns__two_calls__never_zero_never_back),
		cmocka_unit_test(segment_count__a_counter__only_that_one_rises),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
