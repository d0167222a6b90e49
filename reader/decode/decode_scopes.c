/* SPDX-License-Identifier: MIT */
/* From rows to scopes, and to who is in them. */
#include "reader/decode/decoder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "reader/graph/arena.h"
#include "reader/target/bounds.h"

#define STEMS 16 /* kinds whose stems are made once; there are fewer */

struct place {
	uint32_t position;   /* in graph->scopes + 1; 0 = none */
	uint32_t generation; /* of the row's present life */
};

struct scopes {
	struct peeps_decoder *d;
	const char *stems[STEMS]; /* `scope:{proc_key}:{kind}:` */
	struct place *places;     /* by row */
	size_t row_count;
};

/* --- scopes ----------------------------------------------------------------------------------------------------- */

static bool is_scope_ref(uint64_t ref)
{
	return ref >> PEEPS_REF_SPACE_SHIFT == PEEPS_SPACE_SCOPE;
}

/* The name of its kind; NULL if the row contradicts itself, or the schema does not know the kind. */
static const char *kind_of(const struct peeps_decoder *d, const struct peeps_scope_view *view)
{
	const uint32_t number = view->kind & 0xffff;

	if (!is_scope_ref(view->identity) ||
	    (view->identity & PEEPS_REF_INDEX_MASK) != view->index ||
	    number == PEEPS_SCOPE_KIND_NONE)
		return NULL;
	return peeps_schema_name(&d->schema, PEEPS_SCHEMA_ENUM, PEEPS_TYPE_ENUM_SCOPE_KIND, number);
}

static const char *make_stem(const struct peeps_decoder *d, const char *kind)
{
	const char *escaped = peeps_text_escape(d->arena, peeps_bytes_of(kind));

	return escaped ? peeps_arena_format(d->arena, "scope:%s:%s:",
					    d->graph->processes[d->process].proc_key, escaped)
		       : NULL;
}

static const char *stem_of(struct scopes *scopes, uint32_t number, const char *kind)
{
	if (number >= STEMS)
		return make_stem(scopes->d, kind);
	if (!scopes->stems[number])
		scopes->stems[number] = make_stem(scopes->d, kind);
	return scopes->stems[number];
}

static void make_scope(struct scopes *scopes, const struct peeps_scope_view *view, const char *kind)
{
	struct peeps_decoder *d = scopes->d;
	struct peeps_graph_scope *scope = &d->graph->scopes[d->graph->scope_count++];
	const char *stem = stem_of(scopes, view->kind & 0xffff, kind);
	struct peeps_bytes bytes;
	const char *key;

	scope->process = d->process;
	scope->kind = kind;
	scope->created_ns = peeps_decoder_time(d, view->created_ns);
	if (peeps_texts_find(&d->texts, view->name, &bytes)) {
		scope->name = peeps_texts_at(&d->texts, view->name);
		key = peeps_text_escape(d->arena, bytes);
	} else {
		scope->name = peeps_arena_format(d->arena, "unnamed-%" PRIu32, view->index);
		key = scope->name;
	}
	if (stem)
		scope->id = peeps_ids_make(d->ids, stem, key, (uint32_t)(view->kind >> 32), "",
					   PEEPS_NO_NODE);
}

static int make_scopes(struct scopes *scopes)
{
	struct peeps_decoder *d = scopes->d;
	const struct peeps_image *image = d->image;

	if (image->scope_count > 0) /* they are in the order of their rows */
		scopes->row_count = (size_t)image->scopes[image->scope_count - 1].index + 1;
	scopes->places = calloc(scopes->row_count + 1, sizeof(*scopes->places));
	if (!scopes->places)
		return -ENOMEM;
	for (size_t i = 0; i < image->scope_count; i++) {
		const struct peeps_scope_view *view = &image->scopes[i];
		const char *kind = kind_of(d, view);

		if (!kind) {
			d->damage.scopes++;
			continue;
		}
		make_scope(scopes, view, kind);
		scopes->places[view->index] = (struct place){
			.position = (uint32_t)d->graph->scope_count,
			.generation = (uint32_t)peeps_ref_generation(view->identity),
		};
	}
	return 0;
}

/* --- memberships ------------------------------------------------------------------------------------------------ */

enum found { FOUND, GONE, NONSENSE };

static enum found find_scope(const struct scopes *scopes, uint64_t ref, uint32_t *scope)
{
	const struct peeps_segment_header *header = &scopes->d->image->header;
	const uint64_t row = ref & PEEPS_REF_INDEX_MASK;
	const struct place *place = row < scopes->row_count ? &scopes->places[row] : NULL;

	if (!is_scope_ref(ref) || peeps_ref_generation(ref) == 0 ||
	    row >= peeps_bounds_section(header, PEEPS_SECTION_SCOPES)->capacity)
		return NONSENSE;
	if (!place || place->position == 0 || place->generation != peeps_ref_generation(ref))
		return GONE;
	*scope = place->position - 1;
	return FOUND;
}

static enum found find_member(const struct peeps_decoder *d, uint64_t ref, uint32_t *node)
{
	*node = peeps_decoder_node(d, ref);
	if (*node != PEEPS_NO_NODE)
		return FOUND;
	/* An exited thread that only a scope remembers is not shown. */
	return peeps_decoder_is_stale(d, ref) || peeps_decoder_place(d, ref) != PEEPS_NO_PLACE
		       ? GONE
		       : NONSENSE;
}

static void make_memberships(const struct scopes *scopes)
{
	struct peeps_decoder *d = scopes->d;
	struct peeps_graph *graph = d->graph;

	for (size_t i = 0; i < d->image->membership_count; i++) {
		const struct peeps_membership_view *view = &d->image->memberships[i];
		struct peeps_membership *membership = &graph->memberships[graph->membership_count];
		const enum found scope = find_scope(scopes, view->scope, &membership->scope);
		const enum found member = find_member(d, view->member, &membership->node);

		graph->membership_count += scope == FOUND && member == FOUND;
		d->damage.memberships += scope == NONSENSE || member == NONSENSE;
	}
}

int peeps_decoder_make_scopes(struct peeps_decoder *d)
{
	struct scopes scopes = { .d = d };
	int r = make_scopes(&scopes);

	if (!r)
		make_memberships(&scopes);
	free(scopes.places);
	return r;
}
