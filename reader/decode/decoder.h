/* SPDX-License-Identifier: MIT */
/*
 * What the steps of decoding share: an image, what was made of it so far, and how references lead from one to the other.
 * Each image has a decoder of its own; all of them add to one graph.
 */
#ifndef PEEPS_READER_DECODER_H
#define PEEPS_READER_DECODER_H

#include <assert.h>

#include "reader/cut/image.h"
#include "reader/decode/schema.h"
#include "reader/graph/graph.h"
#include "reader/graph/ids.h"
#include "reader/graph/source.h"
#include "reader/graph/text.h"

#define PEEPS_NO_PLACE   SIZE_MAX
#define PEEPS_NUMBER_MAX ((uint64_t)INT64_MAX) /* of JSON integers */

/* What is known of image->entities[i]; same position. */
struct peeps_decoded_entity {
	const struct peeps_schema_kind *kind; /* NULL: damaged, left out */
	union {
		size_t peer; /* of a channel's end: position of the other one (of several, the first) + 1; 0 = none */
		uint64_t held; /* of a semaphore: permits, by its `holds` edges */
	} as;
	uint32_t node;
	bool kept;
	bool gone; /* a thread that has exited */
};

/* What was left out or left empty; each becomes a note. */
struct peeps_damage {
	uint64_t kinds;    /* entities of a kind that the schema does not have */
	uint64_t entities; /* that contradict themselves */
	uint64_t
		edges; /* with an end that is not there, or of a kind, operation or state that is none */
	uint64_t edge_kinds; /* edges of a kind of a later layout */
	uint64_t links;      /* and holds, likewise */
	uint64_t scopes;
	uint64_t memberships;
	uint64_t values; /* references, numbers and enums */
};

struct peeps_decoder {
	const struct peeps_image *image;
	unsigned int flags; /* enum peeps_decode_flags */
	struct peeps_graph *graph;
	struct peeps_arena *arena; /* the graph's */
	uint32_t process;          /* position in the graph's processes */
	bool shares_key;           /* another process has the same proc_key but for a suffix */
	struct peeps_schema schema;
	struct peeps_texts texts;
	struct peeps_sources sources;
	struct peeps_ids *ids; /* of all images */
	const char **stems;    /* of ids, by position in schema.kinds; NULL = not made yet */
	struct peeps_damage damage;

	struct peeps_decoded_entity *entities;
	uint32_t *places; /* by slot: position in image->entities + 1 */
	size_t slot_count;
	size_t *pending; /* positions kept, whose references are still to be followed */
	size_t pending_count;

	uint64_t *exited; /* references to holders whose slot has ended, or is another's; sorted */
	size_t exited_count;
	uint32_t exited_node; /* node of the first */
};

/* --- the steps, in their order ---------------------------------------------------------------------------------- */

/* Of all images. Returns 0 or -ENOMEM. */
int peeps_decoder_make_processes(struct peeps_decoder *decoders, size_t count);

/**
 * peeps_decoder_choose - which entities become nodes: all but exited threads that nothing refers to
 *
 * Also finds the holders of which only a stale reference is left, both ends of each channel, and what is held of
 * each semaphore. Returns 0 or -ENOMEM.
 */
int peeps_decoder_choose(struct peeps_decoder *d);

/**
 * peeps_decoder_number_nodes, _stubs - give each entity that is kept the number of its node
 * @count: of nodes that are numbered already; those of this image are added
 *
 * First the nodes of all images, then the stubs of all images.
 */
void peeps_decoder_number_nodes(struct peeps_decoder *d, uint32_t *count);
void peeps_decoder_number_stubs(struct peeps_decoder *d, uint32_t *count);

/* All but the stubs. Returns 0 or -ENOMEM. */
int peeps_decoder_make_nodes(struct peeps_decoder *d);

/**
 * peeps_decoder_join_stubs - the stubs of all images: each is the node whose id it names, or one of its own
 * @decoders: one for each process, in the graph's order
 * @first:    number of the first stub; from here on, those that stay have other numbers
 *
 * Returns 0 or -ENOMEM.
 */
int peeps_decoder_join_stubs(struct peeps_decoder *decoders, size_t count, uint32_t first);
bool peeps_decoder_is_stub(const struct peeps_decoder *d, size_t place);

/* The node of a stub that stays; @id: what it names, or NULL. */
void peeps_decoder_make_stub(struct peeps_decoder *d, size_t place, const char *id);

/* How many peeps_decoder_make_edges() will add, when all stubs are joined. */
size_t peeps_decoder_count_edges(const struct peeps_decoder *d);
void peeps_decoder_make_edges(struct peeps_decoder *d);
int peeps_decoder_make_scopes(struct peeps_decoder *d);

/* --- references ------------------------------------------------------------------------------------------------- */

static inline uint64_t peeps_ref_generation(uint64_t bits)
{
	/* In references and in status words alike. */
	return bits >> PEEPS_REF_GENERATION_SHIFT & PEEPS_REF_GENERATION_MASK;
}

static inline bool peeps_ref_is_entity(uint64_t ref)
{
	return ref >> PEEPS_REF_SPACE_SHIFT == PEEPS_SPACE_ENTITY;
}

/* The position of the entity that a reference means; PEEPS_NO_PLACE if it is none, stale, or nonsense. */
size_t peeps_decoder_place(const struct peeps_decoder *d, uint64_t ref);

/* Its node; PEEPS_NO_NODE likewise, and if it is not shown. */
uint32_t peeps_decoder_node(const struct peeps_decoder *d, uint64_t ref);

/* Whether a reference is sound, but what it named has ended. */
bool peeps_decoder_is_stale(const struct peeps_decoder *d, uint64_t ref);

/* Whether the thread that a task's words say is inside it has exited, and left it without a word. */
bool peeps_decoder_task_is_left(const struct peeps_decoder *d,
				const struct peeps_entity_view *task);

/* The actor that a holder's reference means, as a node, be it an exited one; PEEPS_NO_NODE if it is none. */
uint32_t peeps_decoder_holder(const struct peeps_decoder *d, uint64_t ref);

/* A mutex, or a rwlock, whose words say of its writer what a mutex's say of its holder. */
bool peeps_decoder_is_lock(const struct peeps_decoder *d, size_t place);

/**
 * struct peeps_pairing - kinds of ends of a channel of which one names the other
 * @word: of the one that names
 * @many: several may name one
 */
struct peeps_pairing {
	uint32_t names, named;
	unsigned int word;
	bool many;
};

/* That in which ends of this kind name others; NULL if they do not. */
const struct peeps_pairing *peeps_decoder_pairing(uint32_t kind);

/* --- words ------------------------------------------------------------------------------------------------------ */

static inline uint64_t peeps_word_bits(uint64_t word, unsigned int shift, unsigned int bits)
{
	return word >> shift & (bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1);
}

static inline uint64_t peeps_view_bits(const struct peeps_entity_view *view, unsigned int word,
				       unsigned int shift, unsigned int bits)
{
	return peeps_word_bits(word == PEEPS_FIELD_WORD_STATUS_WORD ? view->status
								    : view->body[word],
			       shift, bits);
}

/* A field of kinds.def: PEEPS_VIEW_FIELD(view, MUTEX, HOLDER). */
#define PEEPS_VIEW_FIELD(view, kind, symbol)                                                     \
	peeps_view_bits((view), PEEPS_##kind##_##symbol##_WORD, PEEPS_##kind##_##symbol##_SHIFT, \
			PEEPS_##kind##_##symbol##_BITS)

#define PEEPS_SAME_FIELD(symbol)                                                               \
	static_assert(PEEPS_MUTEX_##symbol##_WORD == PEEPS_RWLOCK_##symbol##_WORD &&           \
			      PEEPS_MUTEX_##symbol##_SHIFT == PEEPS_RWLOCK_##symbol##_SHIFT && \
			      PEEPS_MUTEX_##symbol##_BITS == PEEPS_RWLOCK_##symbol##_BITS,     \
		      "a rwlock's writer is a mutex's holder: " #symbol);
PEEPS_SAME_FIELD(HOLDER)
PEEPS_SAME_FIELD(HELD_SINCE)
PEEPS_SAME_FIELD(HELD_SITE)
PEEPS_SAME_FIELD(HELD_SINCE_EXACT)
PEEPS_SAME_FIELD(ACQUIRES)
#undef PEEPS_SAME_FIELD

static inline uint64_t peeps_view_holder(const struct peeps_entity_view *lock)
{
	return PEEPS_VIEW_FIELD(lock, MUTEX, HOLDER) & ~PEEPS_HOLDER_DEEP;
}

/* Whether a thread runs it, or sleeps in it. */
static inline bool peeps_view_task_is_inside(const struct peeps_entity_view *task)
{
	return PEEPS_VIEW_FIELD(task, TASK, ACTIVITY) != PEEPS_ACTIVITY_SUSPENDED;
}

/* A ptime, or PEEPS_NO_TIME for 0 and for what no clock says. */
uint64_t peeps_decoder_time(struct peeps_decoder *d, uint64_t time_ns);

/* --- values ----------------------------------------------------------------------------------------------------- */

static inline struct peeps_value peeps_value_null(void)
{
	return (struct peeps_value){ .type = PEEPS_VALUE_NULL };
}

static inline struct peeps_value peeps_value_text(const char *text)
{
	return text ? (struct peeps_value){ .type = PEEPS_VALUE_TEXT, .as.text = text }
		    : peeps_value_null();
}

static inline struct peeps_value peeps_value_node(uint32_t node)
{
	return node == PEEPS_NO_NODE
		       ? peeps_value_null()
		       : (struct peeps_value){ .type = PEEPS_VALUE_NODE, .as.node = node };
}

/* What bits of a type (enum peeps_field_type) are shown as; null, and counted, if they make no sense. */
struct peeps_value peeps_decoder_value(struct peeps_decoder *d, uint8_t type, uint64_t bits);

static inline struct peeps_value peeps_value_bool(bool boolean)
{
	return (struct peeps_value){ .type = PEEPS_VALUE_BOOL, .as.boolean = boolean };
}

/* Whether values that contradict each other mean damage, and not just that they are of different moments. */
static inline bool peeps_decoder_is_exact(const struct peeps_decoder *d)
{
	return d->image->quality == PEEPS_QUALITY_CUT ||
	       d->image->quality == PEEPS_QUALITY_QUIESCENT;
}

/* The attributes of a node that is otherwise made. */
void peeps_decoder_add_attributes(struct peeps_decoder *d, struct peeps_node *node, size_t place);

/* --- edges ------------------------------------------------------------------------------------------------------ */

struct peeps_edge_parts {
	uint32_t kind, op, state;
	size_t src, dst; /* positions; of a hold, dst is PEEPS_NO_PLACE if the holder has exited */
};

/* Returns 1 if the edge is shown, 0 if it is over, or its actor is, -1 if it is damaged. */
int peeps_decoder_edge_parts(const struct peeps_decoder *d, const struct peeps_edge_view *view,
			     struct peeps_edge_parts *parts);

#endif
