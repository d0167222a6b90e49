/* SPDX-License-Identifier: MIT */
/*
 * The steps of decoding, in their order: the process, which entities are shown, nodes, edges, scopes, and what was
 * damaged.
 * Bounded by the image's size: no step looks at anything but its rows, and none twice over the other.
 */
#include "reader/decode.h"

#include <inttypes.h>
#include <stdlib.h>
#include <errno.h>
#include <string.h>

#include "reader/arena.h"
#include "reader/decoder.h"

#define ARENA_LIMIT_BYTES (UINT64_C(2) << 30)
#define COVERAGE                                                                                                  \
	"what the program does through peeps' wrappers (mutex, semaphore, mpsc channel), and what it registers; " \
	"nothing else of it"

/* --- the process ------------------------------------------------------------------------------------------------ */

static void add_counters(struct peeps_decoder *d, struct peeps_process *process)
{
	process->counters =
		peeps_arena_take(d->arena, PEEPS_COUNTER_ROOM, sizeof(*process->counters));
	if (!process->counters)
		return;
	for (uint32_t number = 0; number < PEEPS_COUNTER_ROOM; number++) {
		const char *name = peeps_schema_name(&d->schema, PEEPS_SCHEMA_COUNTER, 0, number);
		const uint64_t value = d->image->counters[number];

		if (name)
			process->counters[process->counter_count++] = (struct peeps_counter_value){
				.name = name,
				.value = value <= PEEPS_NUMBER_MAX ? value : PEEPS_NUMBER_MAX
			};
	}
}

static uint32_t count_threads(const struct peeps_image *image)
{
	uint32_t count = 0;

	for (size_t i = 0; i < image->thread_count; i++)
		count += image->threads[i].state == PEEPS_THREAD_LIVE &&
			 (!image->names_read || image->threads[i].exists);
	return count;
}

static int make_process(struct peeps_decoder *d)
{
	const struct peeps_segment_header *header = &d->image->header;
	struct peeps_process *process = peeps_arena_take(d->arena, 1, sizeof(*process));

	if (!process)
		return -ENOMEM;
	d->graph->processes = process;
	d->graph->process_count = 1;
	process->proc_key = peeps_proc_key(d->arena, header->process_name, header->pid);
	process->pid = d->image->pid;
	process->own_pid = header->pid;
	process->gone = d->image->exited && !d->image->dumped;
	process->name = peeps_text_mend(d->arena, peeps_bytes_of(header->process_name));
	process->cmdline = peeps_text_mend(d->arena, peeps_bytes_of(d->image->cmdline));
	process->start_time_ticks =
		header->start_time_ticks <= PEEPS_NUMBER_MAX ? header->start_time_ticks : 0;
	if (d->image->taken_at_monotonic_ns > header->start_monotonic_ns)
		process->ptime_now_ns =
			d->image->taken_at_monotonic_ns - header->start_monotonic_ns;
	process->coverage = COVERAGE;
	process->thread_count = count_threads(d->image);
	add_counters(d, process);
	return process->proc_key ? 0 : -ENOMEM;
}

/* --- notes ------------------------------------------------------------------------------------------------------ */

#define DAMAGE_NOTES_MAX 14

static void add_note(struct peeps_decoder *d, const char *note)
{
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

static int make_notes(struct peeps_decoder *d)
{
	/* One more for those of the cut that were lost. */
	d->graph->notes = peeps_arena_take(d->arena, d->image->note_count + 1 + DAMAGE_NOTES_MAX,
					   sizeof(*d->graph->notes));
	if (!d->graph->notes)
		return -ENOMEM;
	for (size_t i = 0; i < d->image->note_count; i++)
		add_note(d, peeps_text_mend(d->arena, peeps_bytes_of(d->image->notes[i])));
	if (d->image->notes_lost)
		add_note(d, "there was more to note than there is room for");
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
	add_damage_note(d, d->ids.doubles, "name is not unique; its id has a suffix (~dup)",
			"names are not unique; their ids have suffixes (~dup)");
	return 0;
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
	peeps_ids_deinit(&d->ids);
	peeps_sources_deinit(&d->sources);
	peeps_texts_deinit(&d->texts);
	free(d->entities);
	free(d->places);
	free(d->pending);
	free(d->exited);
}

static int decode(struct peeps_decoder *d)
{
	int r = decoder_init(d);

	if (!r)
		r = make_process(d);
	if (!r)
		r = peeps_decoder_choose(d);
	if (!r)
		r = peeps_decoder_make_nodes(d);
	if (!r)
		r = peeps_decoder_make_edges(d);
	if (!r)
		r = peeps_decoder_make_scopes(d);
	if (!r)
		r = make_notes(d);
	return peeps_arena_failed(d->arena) ? -ENOMEM : r;
}

int peeps_decode(const struct peeps_image *image, unsigned int flags, struct peeps_graph **graph)
{
	struct peeps_decoder d = { .image = image,
				   .flags = flags,
				   .graph = peeps_graph_new(ARENA_LIMIT_BYTES) };
	int r;

	if (!d.graph)
		return -ENOMEM;
	d.arena = d.graph->arena;
	d.graph->quality = image->quality;
	d.graph->taken_at_unix_ns = image->taken_at_unix_ns;
	d.graph->cut_ns = image->cut_ns;
	r = decode(&d);
	decoder_deinit(&d);
	if (r) {
		peeps_graph_free(d.graph);
		return r;
	}
	*graph = d.graph;
	return 0;
}
