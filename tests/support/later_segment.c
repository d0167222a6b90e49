/* SPDX-License-Identifier: MIT */
#include "tests/support/later_segment.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "layout/segment.h"

#define UNKNOWN_SECTION 77
#define UNKNOWN_ROWS    100
#define UNKNOWN_STRIDE  40
#define NEW_BYTE        0xff

static void need(bool fine, const char *what)
{
	if (fine)
		return;
	perror(what);
	abort();
}

static int memfd_of(uint64_t bytes, unsigned char **base)
{
	const int fd = memfd_create(PEEPS_SEGMENT_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	need(fd >= 0 && ftruncate(fd, (off_t)bytes) == 0, "memfd");
	need(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0, "F_ADD_SEALS");
	*base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	need(*base != MAP_FAILED, "mmap");
	return fd;
}

int segment_memfd(const void *bytes, size_t count)
{
	unsigned char *base;
	const int fd = memfd_of(count, &base);

	memcpy(base, bytes, count);
	need(munmap(base, count) == 0, "munmap");
	return fd;
}

static uint64_t page_round(uint64_t bytes)
{
	return (bytes + PEEPS_PAGE_BYTES - 1) / PEEPS_PAGE_BYTES * PEEPS_PAGE_BYTES;
}

static uint32_t longer(uint32_t section, uint32_t stride)
{
	switch (section) {
	case PEEPS_SECTION_COUNTERS:
	case PEEPS_SECTION_TEXT:
		return stride;
	case PEEPS_SECTION_ENTITIES:
	case PEEPS_SECTION_EDGES:
	case PEEPS_SECTION_THREADS:
		return stride + PEEPS_CACHE_LINE;
	default:
		return stride + 8 * section;
	}
}

/* The table of the later segment: last section first, a stranger before them all. Returns its size. */
static uint64_t lay_out(const struct peeps_segment_header *old, struct peeps_segment_header *later)
{
	uint64_t offset = PEEPS_SECTIONS_OFFSET;

	later->section_count = old->section_count + 1;
	later->sections[0] = (struct peeps_section_entry){ .id = UNKNOWN_SECTION,
							   .stride = UNKNOWN_STRIDE,
							   .offset = offset,
							   .capacity = UNKNOWN_ROWS,
							   .high_water = UNKNOWN_ROWS };
	offset += page_round((uint64_t)UNKNOWN_ROWS * UNKNOWN_STRIDE);
	for (uint32_t i = 0; i < old->section_count; i++) {
		struct peeps_section_entry *entry = &later->sections[i + 1];

		*entry = old->sections[old->section_count - 1 - i];
		entry->stride = longer(entry->id, entry->stride);
		entry->offset = offset;
		memset(entry->reserved, NEW_BYTE, sizeof(entry->reserved));
		offset += page_round(entry->capacity * entry->stride);
	}
	return offset;
}

static void copy_section(unsigned char *to, const struct peeps_section_entry *entry,
			 const unsigned char *from, const struct peeps_section_entry *old)
{
	for (uint64_t row = 0; row < old->capacity; row++) {
		unsigned char *place = to + entry->offset + row * entry->stride;

		memcpy(place, from + old->offset + row * old->stride, old->stride);
		memset(place + old->stride, NEW_BYTE, entry->stride - old->stride);
	}
}

static const struct peeps_section_entry *entry_of(const struct peeps_segment_header *header,
						  uint32_t section)
{
	for (uint32_t i = 0; i < header->section_count; i++) {
		if (header->sections[i].id == section)
			return &header->sections[i];
	}
	abort();
}

/* Slots are elsewhere now. What a thread wrote last matters only while it writes, and here none does. */
static void forget_write_sets(unsigned char *to, const struct peeps_section_entry *threads)
{
	for (uint64_t row = 0; row < threads->capacity; row++) {
		struct peeps_thread *thread =
			(void *)(to + threads->offset + row * threads->stride);

		need(thread->txn % 2 == 0, "a thread inside a section");
		memset(thread->write_set, 0, sizeof(thread->write_set));
	}
}

int later_segment_memfd(const void *bytes)
{
	const unsigned char *from = bytes;
	struct peeps_segment_header old, later;
	unsigned char *to;
	int fd;

	memcpy(&old, from, sizeof(old));
	later = old;
	later.layout_minor = PEEPS_LAYOUT_MINOR + 1;
	later.layout_hash = ~old.layout_hash;
	later.compat_flags = UINT32_MAX;
	memset(later.reserved, NEW_BYTE, sizeof(later.reserved));
	later.segment_bytes = lay_out(&old, &later);
	fd = memfd_of(later.segment_bytes, &to);
	memcpy(to, &later, sizeof(later));
	memcpy(to + PEEPS_CONTROL_OFFSET, from + PEEPS_CONTROL_OFFSET, PEEPS_PAGE_BYTES);
	memset(to + later.sections[0].offset, NEW_BYTE, UNKNOWN_ROWS * UNKNOWN_STRIDE);
	for (uint32_t i = 0; i < old.section_count; i++)
		copy_section(to, &later.sections[old.section_count - i], from, &old.sections[i]);
	forget_write_sets(to, entry_of(&later, PEEPS_SECTION_THREADS));
	need(munmap(to, later.segment_bytes) == 0, "munmap");
	return fd;
}
