/* SPDX-License-Identifier: MIT */
/*
 * The steps of decoding, in their order: the processes, which entities are shown, nodes, edges, scopes, and what was
 * damaged. Each step is done for all images before the next.
 * Bounded by the image's size: no step looks at anything but its rows, and none twice over the other.
 */
#include "reader/decode/decode.h"

#include <inttypes.h>
#include <stdlib.h>
#include <errno.h>

#include "reader/decode/decoder.h"
#include "reader/graph/arena.h"

#define ARENA_LIMIT_BYTES (UINT64_C(2) << 30)

struct set {
	struct peeps_graph *graph;
	struct peeps_decoder *decoders; /* by process */
	size_t count;
	struct peeps_ids ids;
};

/* Returns 0 or -ENOMEM. */
static int each(struct set *set, int (*step)(struct peeps_decoder *d))
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < set->count; i++)
		r = step(&set->decoders[i]);
	return r;
}

/* --- notes ------------------------------------------------------------------------------------------------------ */

#define NOTES_MAX 15 /* of one process, beside those of its cut */

/* Of several processes, it says of which one it is. */
static void add_note(struct peeps_decoder *d, const char *note)
{
	const struct peeps_graph *graph = d->graph;

	if (note && graph->process_count > 1)
		note = peeps_arena_format(d->arena, "%s: %s", graph->processes[d->process].proc_key,
					  note);
	if (note)
		d->graph->notes[d->graph->note_count++] = note;
}

static void add_damage_note(struct peeps_decoder *d, uint64_t count, const char *one,
			    const char *many)
{
	if (count)
		add_note(d, peeps_arena_format(d->arena, "%" PRIu64 " %s", count,
					       count == 1 ? one : many));
}

static void make_notes(struct peeps_decoder *d, enum peeps_quality best)
{
	if (d->image->quality != best)
		add_note(d, peeps_arena_format(d->arena, "its quality is %s",
					       peeps_quality_name(d->image->quality)));
	for (size_t i = 0; i < d->image->note_count; i++)
		add_note(d, peeps_text_mend(d->arena, peeps_bytes_of(d->image->notes[i])));
	if (d->image->notes_lost)
		add_note(d, "there was more to note than there is room for");
	if (d->image->header.layout_minor > PEEPS_LAYOUT_MINOR)
		add_note(d, peeps_arena_format(
				    d->arena,
				    "its segment has layout %d.%" PRIu32
				    ", and this reader knows %d.%d: what is new may be missing",
				    PEEPS_LAYOUT_MAJOR, d->image->header.layout_minor,
				    PEEPS_LAYOUT_MAJOR, PEEPS_LAYOUT_MINOR));
	add_damage_note(
		d, d->schema.unknown,
		"row of the segment's schema is of a later layout; what it describes is left out",
		"rows of the segment's schema are of a later layout; what they describe is left out");
	add_damage_note(d, d->damage.edge_kinds,
			"edge is of a kind that this reader does not know, and is left out",
			"edges are of kinds that this reader does not know, and are left out");
	add_damage_note(d, d->texts.unknown,
			"text is of a format that this reader does not know, and is left empty",
			"texts are of formats that this reader does not know, and are left empty");
	add_damage_note(d, d->schema.damaged,
			"row of the segment's schema makes no sense and is left out",
			"rows of the segment's schema make no sense and are left out");
	add_damage_note(
		d, d->damage.kinds,
		"entity is of a kind that the segment's schema does not name, and is left out",
		"entities are of kinds that the segment's schema does not name, and are left out");
	add_damage_note(d, d->damage.entities, "entity contradicts itself and is left out",
			"entities contradict themselves and are left out");
	add_damage_note(d, d->damage.edges,
			"operation has an end or a state that does not exist, and is left out",
			"operations have an end or a state that does not exist, and are left out");
	add_damage_note(d, d->damage.links,
			"hold or link has an end that does not exist, and is left out",
			"holds or links have an end that does not exist, and are left out");
	add_damage_note(d, d->damage.scopes,
			"scope contradicts itself, or is of no known kind, and is left out",
			"scopes contradict themselves, or are of no known kind, and are left out");
	add_damage_note(
		d, d->damage.memberships,
		"membership is of a scope or a member that makes no sense, and is left out",
		"memberships are of scopes or members that make no sense, and are left out");
	add_damage_note(d, d->damage.values, "value makes no sense and is left empty",
			"values make no sense and are left empty");
	add_damage_note(d, d->texts.damaged, "text is damaged and left empty",
			"texts are damaged and left empty");
	add_damage_note(d, d->sources.damaged, "place in the source is not in the segment",
			"places in the source are not in the segment");
}

static void add_note_of_doubles(struct peeps_graph *graph, uint64_t doubles)
{
	const char *note = peeps_arena_format(
		graph->arena, "%" PRIu64 " %s", doubles,
		doubles == 1 ? "name is not unique; its id has a suffix (~dup)"
			     : "names are not unique; their ids have suffixes (~dup)");

	if (note && doubles)
		graph->notes[graph->note_count++] = note;
}

static int make_all_notes(struct set *set)
{
	enum peeps_quality best = PEEPS_QUALITY_PASSIVE;
	size_t room = 1;

	for (size_t i = 0; i < set->count; i++) {
		const struct peeps_image *image = set->decoders[i].image;

		/* One more for those of the cut that were lost. */
		room += image->note_count + 1 + NOTES_MAX;
		if (image->quality < best)
			best = image->quality;
	}
	set->graph->notes = peeps_arena_take(set->graph->arena, room, sizeof(*set->graph->notes));
	if (!set->graph->notes)
		return -ENOMEM;
	for (size_t i = 0; i < set->count; i++)
		make_notes(&set->decoders[i], best);
	add_note_of_doubles(set->graph, set->ids.doubles);
	return 0;
}

/* --- nodes, edges, scopes --------------------------------------------------------------------------------------- */

/* How many scopes and memberships there will be at most. */
static size_t count_scopes(const struct set *set, size_t *memberships)
{
	size_t scopes = 0;

	*memberships = 0;
	for (size_t i = 0; i < set->count; i++) {
		scopes += set->decoders[i].image->scope_count;
		*memberships += set->decoders[i].image->membership_count;
	}
	return scopes;
}

static int make_nodes(struct set *set)
{
	struct peeps_graph *graph = set->graph;
	uint32_t count = 0, first_stub;
	size_t memberships;
	int r;

	for (size_t i = 0; i < set->count; i++)
		peeps_decoder_number_nodes(&set->decoders[i], &count);
	first_stub = count;
	for (size_t i = 0; i < set->count; i++)
		peeps_decoder_number_stubs(&set->decoders[i], &count);
	graph->node_count = count;
	graph->nodes = peeps_arena_take(graph->arena, count, sizeof(*graph->nodes));
	if (!graph->nodes ||
	    peeps_ids_init(&set->ids, graph->arena, count + count_scopes(set, &memberships)) != 0)
		return -ENOMEM;
	r = each(set, peeps_decoder_make_nodes);
	return r ? r : peeps_decoder_join_stubs(set->decoders, set->count, first_stub);
}

static int make_edges(struct set *set)
{
	struct peeps_graph *graph = set->graph;
	size_t count = 0;

	for (size_t i = 0; i < set->count; i++)
		count += peeps_decoder_count_edges(&set->decoders[i]);
	graph->edges = peeps_arena_take(graph->arena, count, sizeof(*graph->edges));
	if (!graph->edges)
		return -ENOMEM;
	for (size_t i = 0; i < set->count; i++)
		peeps_decoder_make_edges(&set->decoders[i]);
	return 0;
}

static int make_scopes(struct set *set)
{
	struct peeps_graph *graph = set->graph;
	size_t memberships;
	const size_t scopes = count_scopes(set, &memberships);

	graph->scopes = peeps_arena_take(graph->arena, scopes, sizeof(*graph->scopes));
	graph->memberships =
		peeps_arena_take(graph->arena, memberships, sizeof(*graph->memberships));
	if (!graph->scopes || !graph->memberships)
		return -ENOMEM;
	return each(set, peeps_decoder_make_scopes);
}

/* --- all of it -------------------------------------------------------------------------------------------------- */

static int decoder_init(struct peeps_decoder *d)
{
	const struct peeps_image *image = d->image;
	int r = peeps_schema_read(&d->schema, d->arena, image->schema, image->schema_count);

	if (!r)
		r = peeps_texts_init(&d->texts, d->arena, image->text, image->text_bytes);
	if (!r)
		r = peeps_sources_init(&d->sources, d->arena, &d->texts, image->sites,
				       image->site_count);
	return r;
}

static void decoder_deinit(struct peeps_decoder *d)
{
	peeps_sources_deinit(&d->sources);
	peeps_texts_deinit(&d->texts);
	free(d->entities);
	free(d->places);
	free(d->pending);
	free(d->exited);
}

static int decode(struct set *set)
{
	int r = each(set, decoder_init);

	if (!r)
		r = peeps_decoder_make_processes(set->decoders, set->count);
	if (!r)
		r = each(set, peeps_decoder_choose);
	if (!r)
		r = make_nodes(set);
	if (!r)
		r = make_edges(set);
	if (!r)
		r = make_scopes(set);
	if (!r)
		r = make_all_notes(set);
	if (peeps_arena_is_full(set->graph->arena))
		return -EFBIG;
	return peeps_arena_failed(set->graph->arena) ? -ENOMEM : r;
}

/*
 * The image whose moment is the graph's: the earliest of those that live; what is dead was so at any moment since, and
 * of that alone the latest tells.
 */
static bool is_rather(const struct peeps_image *image, const struct peeps_image *other)
{
	if (image->exited != other->exited)
		return other->exited;
	return image->exited ? image->taken_at_unix_ns > other->taken_at_unix_ns
			     : image->taken_at_monotonic_ns < other->taken_at_monotonic_ns;
}

/* When it was taken, how long that took from the first of the living to the last, and what it is worth. */
static void describe(struct peeps_graph *graph, const struct peeps_image *images, size_t count)
{
	const struct peeps_image *first = &images[0];
	uint64_t end_ns;

	for (size_t i = 0; i < count; i++) {
		if (is_rather(&images[i], first))
			first = &images[i];
		if (images[i].quality > graph->quality)
			graph->quality = images[i].quality;
	}
	end_ns = first->taken_at_monotonic_ns + first->cut_ns;
	for (size_t i = 0; i < count; i++) {
		const uint64_t image_end_ns = images[i].taken_at_monotonic_ns + images[i].cut_ns;

		if (!images[i].exited && image_end_ns > end_ns)
			end_ns = image_end_ns;
	}
	graph->taken_at_unix_ns = first->taken_at_unix_ns;
	graph->cut_ns = end_ns - first->taken_at_monotonic_ns;
}

static void begin(struct set *set, const struct peeps_image *images, unsigned int flags)
{
	for (size_t i = 0; i < set->count; i++) {
		set->decoders[i] = (struct peeps_decoder){
			.image = &images[i],
			.flags = flags,
			.graph = set->graph,
			.arena = set->graph->arena,
			.process = (uint32_t)i,
			.ids = &set->ids,
		};
	}
}

int peeps_decode_set(const struct peeps_image *images, size_t count, unsigned int flags,
		     struct peeps_graph **graph)
{
	struct set set = { .graph = peeps_graph_new(ARENA_LIMIT_BYTES),
			   .decoders = calloc(count + 1, sizeof(*set.decoders)),
			   .count = count };
	int r = -ENOMEM;

	if (set.graph && set.decoders) {
		begin(&set, images, flags);
		describe(set.graph, images, count);
		r = decode(&set);
		for (size_t i = 0; i < count; i++)
			decoder_deinit(&set.decoders[i]);
		peeps_ids_deinit(&set.ids);
	}
	free(set.decoders);
	if (r)
		peeps_graph_free(set.graph);
	else
		*graph = set.graph;
	return r;
}
