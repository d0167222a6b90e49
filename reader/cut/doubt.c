/* SPDX-License-Identifier: MIT */
/* What an image does not prove: the slots that a thread was writing when it was given up on. */
#include "reader/cut/image.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "reader/graph/text.h"
#include "reader/target/attach.h"
#include "reader/target/bounds.h"
#include "reader/target/proc.h"

#define NAME_BYTES 80 /* in a note, with what is around it */

static int edge_compare(const void *key, const void *member)
{
	const uint32_t index = *(const uint32_t *)key;
	const struct peeps_edge_view *view = member;

	return index < view->index ? -1 : index > view->index;
}

/* Whether an offset is really where a row below the section's mark begins. */
static bool row_at(const struct peeps_target *target, const struct peeps_marks *marks,
		   enum peeps_section_id section, uint64_t offset, uint32_t *row)
{
	const struct peeps_section_entry *entry = peeps_bounds_section(&target->header, section);

	if (offset < entry->offset || (offset - entry->offset) % entry->stride != 0 ||
	    (offset - entry->offset) / entry->stride >= marks->rows[section])
		return false;
	*row = (uint32_t)((offset - entry->offset) / entry->stride);
	return true;
}

static bool doubt_slot(struct peeps_image *image, const struct peeps_target *target,
		       const struct peeps_marks *marks, uint64_t offset)
{
	uint32_t row;

	if (row_at(target, marks, PEEPS_SECTION_ENTITIES, offset, &row)) {
		struct peeps_entity_view *entity = peeps_image_entity(image, row);

		if (entity) /* else the cut shows nothing there */
			entity->uncertain = true;
		return true;
	}
	if (row_at(target, marks, PEEPS_SECTION_EDGES, offset, &row)) {
		struct peeps_edge_view *edge =
			image->edge_count ? bsearch(&row, image->edges, image->edge_count,
						    sizeof(*image->edges), edge_compare)
					  : NULL;

		if (edge)
			edge->uncertain = true;
		return true;
	}
	/* A row is there or not; there is nothing to mark. */
	return row_at(target, marks, PEEPS_SECTION_SCOPES, offset, &row) ||
	       row_at(target, marks, PEEPS_SECTION_MEMBERSHIPS, offset, &row);
}

int peeps_image_doubt(struct peeps_image *image, const struct peeps_target *target,
		      const struct peeps_marks *marks,
		      const uint64_t write_set[PEEPS_WRITE_SET_MAX])
{
	const uint64_t count = write_set[0] & PEEPS_WRITE_SET_COUNT_MASK;
	/* None: of a section that writes only rows, which are there or not. */
	bool sound = count <= PEEPS_WRITE_SET_MAX && (count > 0 || write_set[0] == 0);

	for (uint64_t i = 0; sound && i < count; i++) {
		uint64_t offset = i ? write_set[i] : write_set[0] & ~PEEPS_WRITE_SET_COUNT_MASK;

		sound = !__builtin_add_overflow(offset, target->header.control_offset, &offset) &&
			doubt_slot(image, target, marks, offset);
	}
	if (!sound) {
		peeps_image_doubt_all(image);
		return -1;
	}
	return (int)count;
}

void peeps_image_doubt_all(struct peeps_image *image)
{
	for (size_t i = 0; i < image->entity_count; i++)
		image->entities[i].uncertain = true;
	for (size_t i = 0; i < image->edge_count; i++)
		image->edges[i].uncertain = true;
}

static const char *state_in_words(char state)
{
	switch (state) {
	case 'T':
	case 't':
		return "is stopped";
	case 'S':
		return "sleeps";
	case PEEPS_PROC_GONE:
	case 'Z':
	case 'X':
		return "ended";
	default:
		return "did not get on";
	}
}

/* As the program calls it, else as the kernel does. */
static void name_thread(struct peeps_image *image, const struct peeps_target *target,
			struct peeps_thread_view *thread, char name[static NAME_BYTES])
{
	const struct peeps_entity_view *entity =
		thread->entity ? peeps_image_entity(
					 image, (uint32_t)(thread->entity & PEEPS_REF_INDEX_MASK))
			       : NULL;
	struct peeps_texts texts = { .bytes = image->text,
				     .granule_count = image->text_bytes / PEEPS_TEXT_GRANULE };
	struct peeps_bytes bytes;

	name[0] = '\0';
	if (!image->exited)
		peeps_proc_thread_name(target, thread->tid, thread->comm, sizeof(thread->comm));
	if (entity && (entity->kind & 0xffff) == PEEPS_KIND_THREAD &&
	    peeps_texts_find(&texts, entity->body[PEEPS_THREAD_NAME_WORD], &bytes))
		(void)snprintf(name, NAME_BYTES, " (%.*s)", (int)bytes.length, bytes.start);
	else if (*thread->comm)
		(void)snprintf(name, NAME_BYTES, " (%s)", thread->comm);
}

static void note_stuck(struct peeps_image *image, const struct peeps_target *target,
		       const struct peeps_marks *marks, struct peeps_thread_view *thread)
{
	const char *words = image->exited
				    ? "ended"
				    : state_in_words(peeps_proc_thread_state(target, thread->tid));
	const int slots = peeps_image_doubt(image, target, marks, thread->write_set);
	char name[NAME_BYTES];

	name_thread(image, target, thread, name);
	if (slots < 0)
		peeps_image_note(image,
				 "thread %" PRIu64
				 "%s %s inside an update and does not say which: all is uncertain",
				 thread->tid, name, words);
	else if (slots == 0)
		peeps_image_note(image, "thread %" PRIu64 "%s %s inside an update of no slot",
				 thread->tid, name, words);
	else
		peeps_image_note(
			image,
			"thread %" PRIu64
			"%s %s inside an update; %d slot%s it was writing %s left uncertain",
			thread->tid, name, words, slots, slots == 1 ? "" : "s",
			slots == 1 ? "is" : "are");
}

void peeps_image_note_stuck(struct peeps_image *image, const struct peeps_target *target,
			    const struct peeps_marks *marks)
{
	for (size_t record = 0; record < image->thread_count; record++) {
		if (!image->threads[record].stuck)
			continue;
		note_stuck(image, target, marks, &image->threads[record]);
		image->quality = PEEPS_QUALITY_PARTIAL;
	}
}
