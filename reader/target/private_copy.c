/* SPDX-License-Identifier: MIT */
#include "reader/target/private_copy.h"

#include <errno.h>
#include <sys/mman.h>

#include <peeps/atomic.h>
#include "reader/cut/image.h"
#include "reader/problem.h"
#include "reader/target/bounds.h"

/* The live marks, into the copy's header, where peeps_bounds_marks() looks for them: of the header in the file nothing
 * else is believed after the first time. */
static int marks_copy(const struct peeps_target *target, const struct peeps_segment_bytes *from,
		      struct peeps_problem *problem)
{
	struct peeps_segment_header *copy = (struct peeps_segment_header *)target->base;
	struct peeps_segment_header now;
	struct peeps_marks marks;
	int r = from->read(from, &now, sizeof(now), 0, problem);

	if (r)
		return r;
	for (uint32_t i = 0; i < target->header.section_count; i++)
		copy->sections[i].high_water = now.sections[i].high_water;
	peeps_bounds_marks(target, &marks);
	return peeps_image_check_marks(target, &marks, from->memory_bytes, problem);
}

static int rows_copy(const struct peeps_target *target, const struct peeps_segment_bytes *from,
		     const struct peeps_marks *marks, enum peeps_section_id id,
		     struct peeps_problem *problem)
{
	const struct peeps_section_entry *entry = peeps_bounds_section(&target->header, id);

	return from->read(from, (void *)peeps_bounds_rows(target, id).first,
			  marks->rows[id] * entry->stride, entry->offset, problem);
}

static int rest_copy(const struct peeps_target *target, const struct peeps_segment_bytes *from,
		     const struct peeps_marks *marks, struct peeps_problem *problem)
{
	static const enum peeps_section_id rest[] = {
		PEEPS_SECTION_COUNTERS, PEEPS_SECTION_SCHEMA,      PEEPS_SECTION_SITES,
		PEEPS_SECTION_SCOPES,   PEEPS_SECTION_MEMBERSHIPS, PEEPS_SECTION_TEXT,
	};
	int r = from->read(from, (void *)(target->base + PEEPS_CONTROL_OFFSET),
			   sizeof(struct peeps_control), PEEPS_CONTROL_OFFSET, problem);

	for (size_t i = 0; r == 0 && i < sizeof(rest) / sizeof(rest[0]); i++)
		r = rows_copy(target, from, marks, rest[i], problem);
	return r;
}

int peeps_private_copy_again(const struct peeps_target *target,
			     const struct peeps_segment_bytes *from, unsigned int parts,
			     struct peeps_problem *problem)
{
	struct peeps_marks marks;
	int r = parts & PEEPS_PART_MARKS ? marks_copy(target, from, problem) : 0;

	peeps_bounds_marks(target, &marks);
	if (r == 0 && parts & PEEPS_PART_THREADS)
		r = rows_copy(target, from, &marks, PEEPS_SECTION_THREADS, problem);
	if (r == 0 && parts & PEEPS_PART_SLOTS)
		r = rows_copy(target, from, &marks, PEEPS_SECTION_ENTITIES, problem);
	if (r == 0 && parts & PEEPS_PART_SLOTS)
		r = rows_copy(target, from, &marks, PEEPS_SECTION_EDGES, problem);
	if (r == 0 && parts & PEEPS_PART_REST)
		r = rest_copy(target, from, &marks, problem);
	return r;
}

static int map(struct peeps_target *target, uint64_t bytes, struct peeps_problem *problem)
{
	void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED)
		return peeps_problem_set(problem, PEEPS_PROBLEM_OTHER, -errno, "",
					 "there is no room for a copy of its segment: %m");
	target->base = base;
	target->mapped_bytes = bytes;
	target->is_copy = true;
	return 0;
}

int peeps_private_copy_new(struct peeps_target *target, const struct peeps_segment_bytes *from,
			   struct peeps_problem *problem)
{
	struct peeps_target copy = *target;
	int r = from->read(from, &copy.header, sizeof(copy.header), 0, problem);

	if (!r)
		r = peeps_bounds_check(&copy.header, from->bytes, problem);
	if (!r)
		r = map(&copy, from->bytes, problem);
	if (r)
		return r;
	r = peeps_private_copy_again(&copy, from, PEEPS_PART_ALL, problem);
	if (r) {
		(void)munmap((void *)copy.base, copy.mapped_bytes);
		return r;
	}
	*target = copy;
	return 0;
}
