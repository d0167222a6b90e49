/* SPDX-License-Identifier: MIT */
/* From the headers of images to processes, and to keys that no two of them share. */
#include "reader/decode/decoder.h"

#include <errno.h>
#include <string.h>

#include "reader/graph/arena.h"

#define COVERAGE                                                                                              \
	"what the program does through peeps' wrappers (mutex, semaphore, channels), and what it registers; " \
	"nothing else of it"

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

static bool make_process(struct peeps_decoder *d)
{
	const struct peeps_segment_header *header = &d->image->header;
	struct peeps_process *process = &d->graph->processes[d->process];

	process->proc_key = peeps_proc_key(d->arena, header->process_name, header->pid);
	process->pid = d->image->pid;
	process->own_pid = header->pid;
	process->gone = d->image->exited && !d->image->dumped;
	process->dumped = d->image->dumped;
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
	return process->proc_key != NULL;
}

static bool started_before(const struct peeps_decoder *d, const struct peeps_decoder *other)
{
	const uint64_t ns = d->image->header.start_realtime_ns;
	const uint64_t other_ns = other->image->header.start_realtime_ns;

	return ns != other_ns ? ns < other_ns : d->process < other->process;
}

/* Processes of several namespaces may have one pid; of two with one key, the one that started later gets ".2". */
static const char *own_key(struct peeps_decoder *decoders, size_t count, struct peeps_decoder *d)
{
	const struct peeps_process *processes = d->graph->processes;
	const char *key = processes[d->process].proc_key;
	size_t before = 0;

	for (size_t i = 0; i < count; i++) {
		if (&decoders[i] == d || strcmp(processes[i].proc_key, key) != 0)
			continue;
		d->shares_key = true;
		before += started_before(&decoders[i], d);
	}
	return before ? peeps_arena_format(d->arena, "%s.%zu", key, before + 1) : key;
}

int peeps_decoder_make_processes(struct peeps_decoder *decoders, size_t count)
{
	struct peeps_graph *graph = decoders[0].graph;
	const char **keys = peeps_arena_take(graph->arena, count, sizeof(*keys));

	graph->processes = peeps_arena_take(graph->arena, count, sizeof(*graph->processes));
	if (!keys || !graph->processes)
		return -ENOMEM;
	graph->process_count = count;
	for (size_t i = 0; i < count; i++) {
		if (!make_process(&decoders[i]))
			return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++)
		keys[i] = own_key(decoders, count, &decoders[i]);
	for (size_t i = 0; i < count; i++)
		graph->processes[i].proc_key = keys[i];
	return 0;
}
