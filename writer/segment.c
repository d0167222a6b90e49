/* SPDX-License-Identifier: MIT */
#include "writer/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <peeps/atomic.h>
#include "writer/capacity.h"
#include "writer/kept.h"
#include "writer/schema.h"

#define DESCRIPTOR_MIN 10 /* shells and programs count on those below */

/* 1.7 us a page, perhaps while the program holds a lock: enough for some hundred slots, little
 * enough for that. */
#define RESERVE_CHUNK_BYTES ((uint64_t)32 << 10)

struct segment peeps_segment = { .descriptor = -1 };

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t segment_ptime_ns(void)
{
	const uint64_t ptime_ns = clock_ns(CLOCK_MONOTONIC) - peeps_segment.start_monotonic_ns;

	return ptime_ns ? ptime_ns : 1;
}

uint64_t segment_ptime_on(clockid_t clock, const struct timespec *when)
{
	const uint64_t now_ns = clock_ns(clock);
	uint64_t then_ns;

	if (when->tv_sec < 0 || when->tv_nsec < 0 ||
	    __builtin_mul_overflow((uint64_t)when->tv_sec, UINT64_C(1000000000), &then_ns) ||
	    __builtin_add_overflow(then_ns, (uint64_t)when->tv_nsec, &then_ns))
		then_ns = when->tv_sec < 0 ? 0 : INT64_MAX;
	return segment_ptime_ns() + (then_ns > now_ns ? then_ns - now_ns : 0);
}

uint64_t segment_ptime_of(const struct timespec *realtime)
{
	return segment_ptime_on(CLOCK_REALTIME, realtime);
}

void segment_count(enum peeps_counter counter)
{
	uint64_t *const word = segment_row(PEEPS_SECTION_COUNTERS, counter);

	(void)__atomic_fetch_add(word, 1, __ATOMIC_RELAXED);
}

static uint64_t page_round(uint64_t bytes)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) / page * page;
}

/* The section table of a segment with these capacities. Returns the segment's size in bytes. */
static uint64_t lay_out(struct peeps_section_entry *sections, const struct capacity *capacity)
{
	uint64_t offset = page_round(PEEPS_SECTIONS_OFFSET);

	for (uint32_t id = 1; id < PEEPS_SECTION_END; id++) {
		struct peeps_section_entry *const entry = &sections[id - 1];

		entry->id = id;
		entry->stride = peeps_section_stride(id);
		entry->offset = offset;
		entry->capacity = capacity->rows[id];
		offset += page_round(entry->capacity * entry->stride);
	}
	return offset;
}

/* Our number must not be one that the program expects to get next, or to count up to: -1 rather than
 * that, where numbers are few. */
static int move_high(int fd)
{
	struct rlimit limit;
	int high = 1000;
	int moved;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur <= (rlim_t)high)
		high = (int)limit.rlim_cur / 2;
	if (high < DESCRIPTOR_MIN)
		high = DESCRIPTOR_MIN;
	moved = fcntl(fd, F_DUPFD_CLOEXEC, high);
	(void)close(fd);
	return moved;
}

static bool limit_permits(__rlimit_resource_t resource, uint64_t bytes)
{
	struct rlimit limit;

	return getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
	       limit.rlim_cur >= bytes;
}

/* ftruncate beyond the file size limit is a signal; and what a limit leaves of address space, or of
 * private memory, is the program's own to spend. */
static bool limits_permit(uint64_t bytes)
{
	return limit_permits(RLIMIT_FSIZE, bytes) && limit_permits(RLIMIT_AS, 16 * bytes) &&
	       limit_permits(RLIMIT_DATA, 16 * bytes);
}

/* Takes fd over, also on failure. */
static bool set_size(int fd, uint64_t bytes, int seals)
{
	struct stat status;

	fd = fd < 0 ? -1 : move_high(fd);
	if (fd < 0)
		return false;
	if (ftruncate(fd, (off_t)bytes) != 0 || (seals && fcntl(fd, F_ADD_SEALS, seals) != 0) ||
	    fstat(fd, &status) != 0) {
		(void)close(fd);
		return false;
	}
	peeps_segment.descriptor = fd;
	peeps_segment.inode = (uint64_t)status.st_ino;
	peeps_segment.device = (uint64_t)status.st_dev;
	return true;
}

static bool open_sealed(uint64_t bytes)
{
	return set_size(memfd_create(PEEPS_SEGMENT_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING), bytes,
			F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
}

/* The parent's place, if there was one: pointers into it then still point into a segment. */
static bool map(uint64_t bytes)
{
	void *const place = peeps_segment.bytes == bytes ? peeps_segment.base : NULL;
	void *const base = mmap(place, bytes, PROT_READ | PROT_WRITE,
				MAP_SHARED | (place ? MAP_FIXED : 0), peeps_segment.descriptor, 0);

	if (base == MAP_FAILED)
		return false;
	/* Or a core dump of the program would touch all of it, and write it: 95 MB, of which it needs 0.5. */
	(void)madvise(base, bytes, MADV_DONTDUMP);
	peeps_segment.base = base;
	peeps_segment.bytes = bytes;
	peeps_segment.header = base;
	peeps_segment.control =
		(struct peeps_control *)((unsigned char *)base + PEEPS_CONTROL_OFFSET);
	memset(peeps_segment.reserved, 0, sizeof(peeps_segment.reserved));
	return true;
}

static ssize_t read_file(const char *path, char *buffer, size_t room)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return -1;
	length = read(fd, buffer, room - 1);
	(void)close(fd);
	if (length >= 0)
		buffer[length] = '\0';
	return length;
}

/* Field 22 of /proc/self/stat; the command in field 2 may hold anything, so count from its end. 0 =
 * not known. */
static uint64_t own_start_time_ticks(void)
{
	char text[1024];
	const char *field;

	if (read_file("/proc/self/stat", text, sizeof(text)) <= 0)
		return 0;
	field = strrchr(text, ')');
	for (int number = 2; field && number < 22; number++)
		field = strchr(field + 1, ' ');
	return field ? strtoull(field + 1, NULL, 10) : 0;
}

static void read_boot_id(uint8_t boot_id[16])
{
	char text[64];
	int nibbles = 0;

	if (read_file("/proc/sys/kernel/random/boot_id", text, sizeof(text)) <= 0)
		return;
	for (const char *digit = text; *digit && nibbles < 32; digit++) {
		const int value = *digit >= '0' && *digit <= '9'   ? *digit - '0'
				  : *digit >= 'a' && *digit <= 'f' ? *digit - 'a' + 10
								   : -1;

		if (value < 0)
			continue;
		boot_id[nibbles / 2] = (uint8_t)(boot_id[nibbles / 2] << 4 | value);
		nibbles++;
	}
}

/* Read once in a lineage: a child that starts telemetry late may have scrubbed its environment. */
static void write_process_name(char name[PEEPS_PROCESS_NAME_BYTES])
{
	static char once[PEEPS_PROCESS_NAME_BYTES];
	const char *const given = *once ? once : secure_getenv("PEEPS_NAME");

	(void)snprintf(name, PEEPS_PROCESS_NAME_BYTES, "%s",
		       given && *given ? given : program_invocation_short_name);
	memcpy(once, name, sizeof(once));
}

static void draw_segment_id(uint8_t segment_id[16])
{
	if (getrandom(segment_id, 16, GRND_NONBLOCK) < 0)
		memcpy(segment_id, (const void *)getauxval(AT_RANDOM), 16); // NOLINT
}

/* What does not follow from the process or the capacity. */
struct traits {
	uint8_t segment_id[16];
	char process_name[PEEPS_PROCESS_NAME_BYTES];
	uint32_t fence_mode;
	uint32_t compat_flags;
};

static void write_header(uint64_t bytes, const struct traits *traits)
{
	struct peeps_segment_header *const header = peeps_segment.header;

	header->layout_major = PEEPS_LAYOUT_MAJOR;
	header->layout_minor = PEEPS_LAYOUT_MINOR;
	header->compat_flags = traits->compat_flags;
	header->layout_hash = PEEPS_LAYOUT_HASH;
	header->byte_order = PEEPS_BYTE_ORDER;
	header->section_count = PEEPS_SECTION_END - 1;
	header->segment_bytes = bytes;
	memcpy(header->segment_id, traits->segment_id, sizeof(header->segment_id));
	read_boot_id(header->boot_id);
	header->pid = (uint32_t)getpid();
	header->fence_mode = traits->fence_mode;
	header->start_time_ticks = own_start_time_ticks();
	header->start_monotonic_ns = clock_ns(CLOCK_MONOTONIC);
	header->start_realtime_ns = clock_ns(CLOCK_REALTIME);
	header->control_offset = PEEPS_CONTROL_OFFSET;
	memcpy(header->process_name, traits->process_name, sizeof(header->process_name));
	peeps_segment.start_monotonic_ns = header->start_monotonic_ns;
}

/* Pages that will be written, and dumped. On the mapping, not on the descriptor, whose number may be the program's by
 * now. A full tmpfs answers EFAULT. */
static bool populate(unsigned char *from, uint64_t bytes)
{
	if (madvise(from, bytes, MADV_POPULATE_WRITE) != 0)
		return false;
	(void)madvise(from, bytes, MADV_DODUMP);
	return true;
}

static bool fill(uint64_t bytes, const struct capacity *capacity, const struct traits *traits)
{
	/* Header and control page: without them there is no segment, and no later write to them may
	 * fail. */
	if (!populate(peeps_segment.base, page_round(PEEPS_SECTIONS_OFFSET)))
		return false;
	write_header(bytes, traits);
	(void)lay_out(peeps_segment.header->sections, capacity);
	peeps_store_relaxed(&peeps_segment.control->epoch, PEEPS_FIRST_EPOCH);
	if (!segment_reserve(PEEPS_SECTION_COUNTERS, capacity->rows[PEEPS_SECTION_COUNTERS]) ||
	    !segment_reserve(PEEPS_SECTION_SCHEMA, schema_rows()))
		return false;
	segment_raise(PEEPS_SECTION_COUNTERS, capacity->rows[PEEPS_SECTION_COUNTERS]);
	segment_raise(PEEPS_SECTION_SCHEMA, schema_write(segment_row(PEEPS_SECTION_SCHEMA, 0)));
	return true;
}

/* Of the present segment; a forked child has its parent's count. */
static uint64_t segments_made;
static uint64_t first_generation;

/* Far from those that slots of segments before had: multiples of an odd number. */
static void draw_first_generation(void)
{
	first_generation = (1 + segments_made++ * UINT64_C(0x9e3779b)) & PEEPS_REF_GENERATION_MASK;
	if (first_generation == 0)
		first_generation = 1;
}

static bool open_kept(uint64_t bytes, const struct traits *traits, enum peeps_not_kept *refused)
{
	const int fd = kept_open(traits->process_name, traits->segment_id, refused);

	if (fd < 0)
		return false;
	if (set_size(fd, bytes, 0))
		return true;
	*refused = PEEPS_NOT_KEPT_FILE;
	kept_remove();
	return false;
}

static bool map_and_fill(uint64_t bytes, const struct capacity *capacity,
			 const struct traits *traits)
{
	if (map(bytes) && fill(bytes, capacity, traits))
		return true;
	segment_discard();
	return false;
}

bool segment_create(uint32_t fence_mode, enum peeps_not_kept *refused)
{
	struct traits traits = { .fence_mode = fence_mode };
	struct capacity capacity;
	struct peeps_section_entry sections[PEEPS_SECTION_MAX] = { 0 };
	uint64_t bytes;

	draw_first_generation();
	capacity_read(&capacity);
	bytes = lay_out(sections, &capacity);
	if (!limits_permit(bytes))
		return false;
	draw_segment_id(traits.segment_id);
	write_process_name(traits.process_name);
	if (*refused == PEEPS_NOT_KEPT_NOT_WANTED && kept_is_wanted()) {
		traits.compat_flags = PEEPS_COMPAT_KEPT;
		if (open_kept(bytes, &traits, refused)) {
			if (map_and_fill(bytes, &capacity, &traits))
				return true;
			*refused = PEEPS_NOT_KEPT_MEMORY;
		}
	}
	traits.compat_flags = (uint32_t)*refused << PEEPS_COMPAT_NOT_KEPT_SHIFT;
	return open_sealed(bytes) && map_and_fill(bytes, &capacity, &traits);
}

void segment_discard(void)
{
	if (peeps_segment.base)
		(void)segment_abandon();
	segment_close_inherited();
	kept_remove();
}

void segment_publish(void)
{
	/* Release: the whole header before the magic. Pairs with the reader's acquire of the magic. */
	peeps_store_release(&peeps_segment.header->magic, PEEPS_MAGIC);
}

bool segment_abandon(void)
{
	return mmap(peeps_segment.base, peeps_segment.bytes, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) != MAP_FAILED;
}

void segment_close_inherited(void)
{
	struct stat status;

	if (peeps_segment.descriptor >= 0 && fstat(peeps_segment.descriptor, &status) == 0 &&
	    (uint64_t)status.st_ino == peeps_segment.inode &&
	    (uint64_t)status.st_dev == peeps_segment.device)
		(void)close(peeps_segment.descriptor);
	peeps_segment.descriptor = -1;
}

bool segment_reserve(enum peeps_section_id section, uint64_t rows)
{
	const struct peeps_section_entry *const entry = segment_section(section);
	const uint64_t need = rows * entry->stride;
	const uint64_t whole = page_round(entry->capacity * entry->stride);
	uint64_t target;

	if (need <= peeps_segment.reserved[section])
		return true;
	target = page_round(need);
	if (target < peeps_segment.reserved[section] + RESERVE_CHUNK_BYTES)
		target = peeps_segment.reserved[section] + RESERVE_CHUNK_BYTES;
	if (target > whole)
		target = whole;
	if (!populate(peeps_segment.base + entry->offset + peeps_segment.reserved[section],
		      target - peeps_segment.reserved[section]))
		return false;
	peeps_segment.reserved[section] = target;
	return true;
}

uint64_t segment_next_generation(uint64_t generation)
{
	if (generation == 0)
		return first_generation;
	return generation == PEEPS_REF_GENERATION_MASK ? 1 : generation + 1;
}

void segment_raise(enum peeps_section_id section, uint64_t rows)
{
	uint64_t *const mark = &segment_section(section)->high_water;
	uint64_t old = peeps_load_relaxed(mark);

	while (old < rows && !__atomic_compare_exchange_n(mark, &old, rows, false, __ATOMIC_RELEASE,
							  __ATOMIC_RELAXED))
		;
}
