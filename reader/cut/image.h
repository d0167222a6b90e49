/* SPDX-License-Identifier: MIT */
/*
 * An image: the reader's private copy of one process's segment, as of one cut. Nothing in it can change under the
 * decoder, but nothing in it has been believed yet either: references, numbers and texts are as the target wrote them.
 */
#ifndef PEEPS_READER_IMAGE_H
#define PEEPS_READER_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layout/segment.h"
#include "reader/graph/graph.h"

struct peeps_marks;
struct peeps_problem;
struct peeps_target;

/* hot and identity words of one entity: those the cut shows, whether they came from the slot or from its shadow */
struct peeps_entity_view {
	uint64_t status;
	uint64_t body[PEEPS_BODY_WORDS];
	uint64_t kind;
	uint64_t identity;
	uint64_t name;
	uint64_t site;
	uint64_t created_ns;
	uint64_t creator;
	uint64_t scope;
	uint64_t blob;
	uint32_t index; /* of the slot */
	bool uncertain; /* in the write set of a thread that was given up on, or not proved in a passive look */
};

struct peeps_edge_view {
	uint64_t status;
	uint64_t src;
	uint64_t dst;
	uint64_t wait;
	uint64_t pending_since_ns;
	uint64_t last_change_ns;
	uint64_t origin;
	uint64_t details[PEEPS_DETAIL_WORDS];
	uint32_t index;
	bool uncertain;
};

/* A row that the cut shows: all of its words, in their order, but for born and died. */
struct peeps_scope_view {
	uint64_t identity;
	uint64_t kind;
	uint64_t name;
	uint64_t parent;
	uint64_t created_ns;
	uint64_t blob;
	uint32_t index;
};

struct peeps_membership_view {
	uint64_t scope;
	uint64_t member;
};

struct peeps_thread_view {
	uint64_t txn; /* before the cut's epoch (or a passive look) began */
	uint64_t write_set[PEEPS_WRITE_SET_MAX];
	uint64_t actor;
	uint64_t tid;
	uint64_t state;
	uint64_t order_violations;
	uint64_t entity;
	bool stuck; /* inside a section when the cut was taken, and given up on */
	bool settled; /* no section of it began or ended between txn and the last look: the image is its last word */
	bool exists;   /* the kernel knew the tid after the copy; only if names_read */
	char comm[32]; /* the kernel's name for it, if it was asked */
};

struct peeps_image {
	enum peeps_quality quality;
	uint64_t taken_at_unix_ns;
	uint64_t taken_at_monotonic_ns; /* the moment that ages are counted to */
	uint64_t cut_ns;
	uint64_t tick_ns;
	uint64_t tick_period_ns;
	uint32_t pid;    /* as this reader sees it */
	bool exited;     /* the process ended meanwhile, or before */
	bool dumped;     /* from a core file; a debugger writes one of a living process, too */
	bool names_read; /* peeps_image_read_names() was here */
	char cmdline[512];
	struct peeps_segment_header header; /* checked: reader/target/bounds.c */
	uint64_t counters[PEEPS_COUNTER_ROOM];

	/* Only slots that are live (entities), have a kind (edges), or are in the cut (rows): empty ones are left out
	 * while copying. */
	size_t entity_count;
	struct peeps_entity_view *entities;
	size_t edge_count;
	struct peeps_edge_view *edges;
	size_t scope_count;
	struct peeps_scope_view *scopes;
	size_t membership_count;
	struct peeps_membership_view *memberships;
	size_t thread_count; /* all up to the high-water mark: position = record number */
	struct peeps_thread_view *threads;
	size_t site_count; /* position = site id */
	struct peeps_site_row *sites;
	size_t schema_count;
	struct peeps_schema_row *schema;
	size_t text_bytes; /* granules * PEEPS_TEXT_GRANULE */
	unsigned char *text;

	size_t entity_room, edge_room, scope_room, membership_room, thread_room, site_room,
		schema_room, text_room; /* for reuse by the next cut */

	size_t note_count;
	char notes[16][256]; /* what the cut has to say of itself */
	bool notes_lost;

	/* For the stress test: how the cut answered. */
	uint64_t shadow_answers; /* slots answered from their shadow */
	uint64_t
		future_epochs; /* slots of an epoch that has not begun: somebody wrote against the rules */
};

#define PEEPS_IMAGE_ANY_EPOCH UINT64_MAX /* passive: what the slots hold, whatever their epoch */

void peeps_image_init(struct peeps_image *image);
void peeps_image_deinit(struct peeps_image *image);

/* The view of the entity in that slot; NULL if the image has none. */
struct peeps_entity_view *peeps_image_entity(const struct peeps_image *image, uint32_t slot);

/**
 * peeps_image_note - add a sentence to the image's notes; beyond the room for them they are lost, and that is noted
 */
void peeps_image_note(struct peeps_image *image, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * peeps_image_begin - forget the cut before, and make room for one of this target
 * @marks: how much there is to copy; room is made for somewhat more
 *
 * Returns 0; -ENOMEM; -EBADMSG the marks claim more than the target's memory, or than a reader takes.
 */
int peeps_image_begin(struct peeps_image *image, const struct peeps_target *target,
		      const struct peeps_marks *marks, struct peeps_problem *problem);

/**
 * peeps_image_check_marks - whether a reader takes as much as the marks claim
 * @memory_bytes: what the segment's file really has
 *
 * Returns 0 or -EBADMSG.
 */
int peeps_image_check_marks(const struct peeps_target *target, const struct peeps_marks *marks,
			    uint64_t memory_bytes, struct peeps_problem *problem);

/* What a target's file has, in bytes; UINT64_MAX if that does not matter: of a private copy, which was checked. */
uint64_t peeps_image_memory_of(const struct peeps_target *target);

/* Whether there is room to copy that much: the target may have grown since peeps_image_begin(). */
bool peeps_image_has_room(const struct peeps_image *image, const struct peeps_marks *marks);

/**
 * peeps_image_copy_entities, _edges - copy the slots that are in use
 * @cut_epoch:   slots written after it are answered from their shadow
 * @deadline_ns: CLOCK_MONOTONIC
 *
 * Returns 0, or -ETIME past the deadline. Context: allocates nothing.
 */
int peeps_image_copy_entities(struct peeps_image *image, const struct peeps_target *target,
			      const struct peeps_marks *marks, uint64_t cut_epoch,
			      uint64_t deadline_ns);
int peeps_image_copy_edges(struct peeps_image *image, const struct peeps_target *target,
			   const struct peeps_marks *marks, uint64_t cut_epoch,
			   uint64_t deadline_ns);

/**
 * peeps_image_copy_rows - copy the scopes and memberships that the cut shows
 *
 * As they stand for PEEPS_IMAGE_ANY_EPOCH. Likewise.
 */
int peeps_image_copy_rows(struct peeps_image *image, const struct peeps_target *target,
			  const struct peeps_marks *marks, uint64_t cut_epoch,
			  uint64_t deadline_ns);

/* What is immutable, statistic, or rests until the cut is over: sites, schema, text, counters, the tick. */
void peeps_image_copy_rest(struct peeps_image *image, const struct peeps_target *target,
			   const struct peeps_marks *marks);

/* A thread's record but for its txn; image->thread_count counts it in. */
void peeps_image_copy_thread(struct peeps_image *image, const struct peeps_target *target,
			     size_t record);

/**
 * peeps_image_doubt - mark the slots of a thread's write set as uncertain
 *
 * Returns how many slots it names; -1 if it makes no sense: then everything is uncertain.
 */
int peeps_image_doubt(struct peeps_image *image, const struct peeps_target *target,
		      const struct peeps_marks *marks,
		      const uint64_t write_set[PEEPS_WRITE_SET_MAX]);
void peeps_image_doubt_all(struct peeps_image *image);

/**
 * peeps_image_note_stuck - for each thread that was given up on, mark what it was writing and say so in a note
 *
 * Makes the image `partial` if there is one.
 */
void peeps_image_note_stuck(struct peeps_image *image, const struct peeps_target *target,
			    const struct peeps_marks *marks);

#endif
