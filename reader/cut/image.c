/* SPDX-License-Identifier: MIT */
#include "reader/cut/image.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "reader/problem.h"
#include "reader/target/bounds.h"

#define NOTE_MAX \
	(sizeof(((struct peeps_image *)0)->notes) / sizeof(((struct peeps_image *)0)->notes[0]))
#define IMAGE_BYTES_MAX (UINT64_C(2) << 30)
#define CHECKED_BYTES \
	(UINT64_C(16) << 20) /* marks that claim more must have the memory to show for it */

void peeps_image_init(struct peeps_image *image)
{
	memset(image, 0, sizeof(*image));
}

void peeps_image_deinit(struct peeps_image *image)
{
	free(image->entities);
	free(image->edges);
	free(image->scopes);
	free(image->memberships);
	free(image->threads);
	free(image->sites);
	free(image->schema);
	free(image->text);
	memset(image, 0, sizeof(*image));
}

void peeps_image_note(struct peeps_image *image, const char *format, ...)
{
	va_list arguments;

	if (image->note_count == NOTE_MAX) {
		image->notes_lost = true;
		return;
	}
	va_start(arguments, format);
	// NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it was started a line above
	(void)vsnprintf(image->notes[image->note_count], sizeof(image->notes[0]), format,
			arguments);
	va_end(arguments);
	image->note_count++;
}

/* --- room ------------------------------------------------------------------------------------------------------ */

static const enum peeps_section_id copied_sections[] = {
	PEEPS_SECTION_COUNTERS, PEEPS_SECTION_SCHEMA,      PEEPS_SECTION_THREADS,
	PEEPS_SECTION_ENTITIES, PEEPS_SECTION_EDGES,       PEEPS_SECTION_SITES,
	PEEPS_SECTION_SCOPES,   PEEPS_SECTION_MEMBERSHIPS, PEEPS_SECTION_TEXT,
};
#define COPIED_COUNT (sizeof(copied_sections) / sizeof(copied_sections[0]))

static uint64_t marked_bytes(const struct peeps_target *target, const struct peeps_marks *marks)
{
	uint64_t bytes = 0;

	/* Rows and strides are within the segment, so nothing overflows. */
	for (size_t i = 0; i < COPIED_COUNT; i++)
		bytes += marks->rows[copied_sections[i]] *
			 peeps_bounds_section(&target->header, copied_sections[i])->stride;
	return bytes;
}

/* A sparse file costs a hostile target nothing, but copying it, and reading its holes, would cost us. */
int peeps_image_check_marks(const struct peeps_target *target, const struct peeps_marks *marks,
			    uint64_t memory_bytes, struct peeps_problem *problem)
{
	const uint64_t bytes = marked_bytes(target, marks);

	if (bytes <= CHECKED_BYTES)
		return 0;
	if (bytes > IMAGE_BYTES_MAX)
		return peeps_problem_set(problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG, "",
					 "its segment claims %" PRIu64
					 " MiB, more than this reader copies",
					 bytes >> 20);
	if (memory_bytes < bytes)
		return peeps_problem_set(problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG, "",
					 "its segment claims %" PRIu64
					 " MiB, but has memory for %" PRIu64 " MiB",
					 bytes >> 20, memory_bytes >> 20);
	return 0;
}

uint64_t peeps_image_memory_of(const struct peeps_target *target)
{
	struct stat status;

	if (target->is_copy || fstat(target->segment_fd, &status) != 0)
		return UINT64_MAX;
	return (uint64_t)status.st_blocks * 512;
}

static size_t with_slack(size_t rows)
{
	return rows + rows / 8 + 64;
}

/* The old contents are not needed. */
static int grow(void *array, size_t *room, size_t row_bytes, size_t needed)
{
	void **memory = array;
	size_t rows = with_slack(needed);
	void *fresh;

	if (needed <= *room)
		return 0;
	free(*memory);
	*memory = NULL;
	*room = 0;
	fresh = reallocarray(NULL, rows, row_bytes);
	if (!fresh)
		return -ENOMEM;
	*memory = fresh;
	*room = rows;
	return 0;
}

static int grow_all(struct peeps_image *image, const struct peeps_marks *marks)
{
	const uint64_t *rows = marks->rows;

	if (grow(&image->entities, &image->entity_room, sizeof(*image->entities),
		 rows[PEEPS_SECTION_ENTITIES]) ||
	    grow(&image->edges, &image->edge_room, sizeof(*image->edges),
		 rows[PEEPS_SECTION_EDGES]) ||
	    grow(&image->scopes, &image->scope_room, sizeof(*image->scopes),
		 rows[PEEPS_SECTION_SCOPES]) ||
	    grow(&image->memberships, &image->membership_room, sizeof(*image->memberships),
		 rows[PEEPS_SECTION_MEMBERSHIPS]) ||
	    grow(&image->threads, &image->thread_room, sizeof(*image->threads),
		 rows[PEEPS_SECTION_THREADS]) ||
	    grow(&image->sites, &image->site_room, sizeof(*image->sites),
		 rows[PEEPS_SECTION_SITES]) ||
	    grow(&image->schema, &image->schema_room, sizeof(*image->schema),
		 rows[PEEPS_SECTION_SCHEMA]) ||
	    grow(&image->text, &image->text_room, PEEPS_TEXT_GRANULE, rows[PEEPS_SECTION_TEXT]))
		return -ENOMEM;
	return 0;
}

bool peeps_image_has_room(const struct peeps_image *image, const struct peeps_marks *marks)
{
	const uint64_t *rows = marks->rows;

	return rows[PEEPS_SECTION_ENTITIES] <= image->entity_room &&
	       rows[PEEPS_SECTION_EDGES] <= image->edge_room &&
	       rows[PEEPS_SECTION_SCOPES] <= image->scope_room &&
	       rows[PEEPS_SECTION_MEMBERSHIPS] <= image->membership_room &&
	       rows[PEEPS_SECTION_THREADS] <= image->thread_room &&
	       rows[PEEPS_SECTION_SITES] <= image->site_room &&
	       rows[PEEPS_SECTION_SCHEMA] <= image->schema_room &&
	       rows[PEEPS_SECTION_TEXT] <= image->text_room;
}

/* What is to be copied, faulted in before the lock is taken; it is only quicker so, hence no error. */
static void pages_prepare(const struct peeps_target *target, const struct peeps_marks *marks)
{
	for (size_t i = 0; i < COPIED_COUNT; i++) {
		const struct peeps_section_entry *entry =
			peeps_bounds_section(&target->header, copied_sections[i]);
		const uint64_t bytes = marks->rows[copied_sections[i]] * entry->stride;

		if (bytes > PEEPS_PAGE_BYTES)
			(void)madvise((void *)(target->base + entry->offset), bytes,
				      MADV_POPULATE_READ);
	}
}

static void forget(struct peeps_image *image, const struct peeps_target *target)
{
	/* The schema never changes during a segment's life, so it need not be copied again. */
	if (memcmp(&image->header, &target->header, sizeof(image->header)) != 0)
		image->schema_count = 0;
	image->header = target->header;
	image->pid = (uint32_t)target->pid;
	image->exited = false;
	image->dumped = target->is_over && target->segment_fd < 0;
	image->names_read = false;
	image->cmdline[0] = '\0';
	image->entity_count = 0;
	image->edge_count = 0;
	image->scope_count = 0;
	image->membership_count = 0;
	image->thread_count = 0;
	image->site_count = 0;
	image->text_bytes = 0;
	image->note_count = 0;
	image->notes_lost = false;
	image->shadow_answers = 0;
	image->future_epochs = 0;
	image->cut_ns = 0;
	image->quality = PEEPS_QUALITY_PASSIVE;
}

int peeps_image_begin(struct peeps_image *image, const struct peeps_target *target,
		      const struct peeps_marks *marks, struct peeps_problem *problem)
{
	int r;

	forget(image, target);
	if (marks->clamped)
		peeps_image_note(image,
				 "%" PRIu32
				 " of the segment's sections claim more rows than they have",
				 marks->clamped);
	if (peeps_image_has_room(image, marks))
		return 0;
	r = peeps_image_check_marks(target, marks, peeps_image_memory_of(target), problem);
	if (r)
		return r;
	image->schema_count = 0;
	if (grow_all(image, marks))
		return peeps_problem_set(problem, PEEPS_PROBLEM_OTHER, -ENOMEM, "",
					 "there is not enough memory");
	pages_prepare(target, marks);
	return 0;
}

static int entity_compare(const void *key, const void *member)
{
	const uint32_t index = *(const uint32_t *)key;
	const struct peeps_entity_view *view = member;

	return index < view->index ? -1 : index > view->index;
}

struct peeps_entity_view *peeps_image_entity(const struct peeps_image *image, uint32_t slot)
{
	if (image->entity_count == 0)
		return NULL;
	return bsearch(&slot, image->entities, image->entity_count, sizeof(*image->entities),
		       entity_compare);
}
