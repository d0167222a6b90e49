/* SPDX-License-Identifier: MIT */
/*
 * Entities, operations and scopes that come and go by the million, each with a name, a place and a note that
 * nobody had before: neither the process nor its segment grows by it.
 */
#include <dirent.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <peeps/peeps.h>
#include "layout/segment.h"
#include "tests/stress/tap.h"

#define CYCLES       UINT64_C(10000000)
#define CYCLES_SHORT UINT64_C(300000)
#define WARM_UP      UINT64_C(100000) /* more places than the table has room for */
#define SLACK_BYTES  ((int64_t)256 << 10)
/* With the tick, some thousand strings that were given back may wait for it. */
#define SLACK_TICK_BYTES ((int64_t)2 << 20)

static const struct peeps_segment_header *header;
static char descriptor_path[64];

static void find_mapping(void)
{
	FILE *const maps = fopen("/proc/self/maps", "r");
	char line[512];

	/* The first one: what is not reserved yet is mapped with other flags. */
	while (maps && !header && fgets(line, sizeof(line), maps))
		if (strstr(line, "/memfd:" PEEPS_SEGMENT_NAME " "))
			header = (const void *)(uintptr_t)strtoull(line, NULL, 16); // NOLINT
	if (maps)
		(void)fclose(maps);
}

static void find_descriptor(void)
{
	DIR *const folder = opendir("/proc/self/fd");
	struct dirent *entry;
	char target[64];

	while (folder && (entry = readdir(folder)) != NULL) {
		char path[sizeof(descriptor_path)];
		ssize_t length;

		if (snprintf(path, sizeof(path), "/proc/self/fd/%.10s", entry->d_name) < 0)
			continue;
		length = readlink(path, target, sizeof(target) - 1);
		target[length > 0 ? length : 0] = '\0';
		if (strncmp(target, "/memfd:" PEEPS_SEGMENT_NAME " ",
			    strlen("/memfd:" PEEPS_SEGMENT_NAME " ")) == 0)
			memcpy(descriptor_path, path, sizeof(path));
	}
	if (folder)
		(void)closedir(folder);
}

/* What may not grow. */
struct size {
	int64_t resident_bytes;
	int64_t segment_bytes; /* that have pages */
	uint64_t marks[PEEPS_SECTION_END];
};

static uint64_t counted(enum peeps_counter counter)
{
	const struct peeps_section_entry *const counters =
		&header->sections[PEEPS_SECTION_COUNTERS - 1];

	return ((const uint64_t *)((const char *)header + counters->offset))[counter];
}

static int64_t resident_bytes(void)
{
	FILE *const statm = fopen("/proc/self/statm", "r");
	long pages = -1;

	if (!statm || fscanf(statm, "%*d %ld", &pages) != 1) // NOLINT
		pages = -1;
	if (statm)
		(void)fclose(statm);
	return pages * sysconf(_SC_PAGESIZE);
}

static struct size measure(void)
{
	struct size size = { .resident_bytes = resident_bytes(), .segment_bytes = -1 };
	struct stat status;

	if (stat(descriptor_path, &status) == 0)
		size.segment_bytes = (int64_t)status.st_blocks * 512;
	for (int id = 1; id < PEEPS_SECTION_END; id++)
		size.marks[id] = header->sections[id - 1].high_water;
	return size;
}

static void cycle(uint64_t number)
{
	char name[40], function[40], note[256];
	struct peeps_site place = { .file = __FILE__,
				    .root = PEEPS_SOURCE_ROOT,
				    .function = function,
				    .line = number,
				    .layout_hash = PEEPS_LAYOUT_HASH };
	const int note_length = 16 + (int)(number % 200);
	struct peeps_ref entity, op;
	struct peeps_scope scope;

	(void)snprintf(name, sizeof(name), "entity-%llu", (unsigned long long)number);
	(void)snprintf(function, sizeof(function), "function_%llu", (unsigned long long)number);
	(void)snprintf(note, sizeof(note), "%0*llu", note_length, (unsigned long long)number);
	entity = peeps_entity_new_at(PEEPS_KIND_MUTEX, name, note, &place);
	op = peeps_op_begin_at((struct peeps_ref){ 0 }, PEEPS_OP_LOCK, entity, 0, &place);
	peeps_op_end(op, PEEPS_STATE_DONE);
	scope = peeps_scope_new(PEEPS_SCOPE_KIND_CONNECTION, function);
	peeps_scope_add(scope, entity);
	peeps_entity_end(entity);
	peeps_scope_end(scope);
}

static void compare(const struct size *before, const struct size *after, int64_t slack_bytes)
{
	static const char *const sections[PEEPS_SECTION_END] = {
		"",      "counters", "schema", "threads",     "entities",
		"edges", "sites",    "scopes", "memberships", "text"
	};
	static const struct {
		enum peeps_counter counter;
		const char *name;
	} losses[] = { { PEEPS_COUNTER_DROPPED_ENTITIES, "entities" },
		       { PEEPS_COUNTER_DROPPED_EDGES, "edges" },
		       { PEEPS_COUNTER_DROPPED_TEXT, "text" },
		       { PEEPS_COUNTER_DROPPED_SCOPES, "scopes" },
		       { PEEPS_COUNTER_DROPPED_MEMBERSHIPS, "memberships" } };

	tap_diag("resident %lld KiB, then %lld KiB", (long long)before->resident_bytes / 1024,
		 (long long)after->resident_bytes / 1024);
	(void)tap_ok(before->resident_bytes > 0 &&
			     after->resident_bytes <= before->resident_bytes + slack_bytes,
		     "cycles__resident_memory__does_not_grow");
	(void)tap_ok(before->segment_bytes > 0 && after->segment_bytes == before->segment_bytes,
		     "cycles__pages_of_the_segment__are_the_same (%lld KiB)",
		     (long long)after->segment_bytes / 1024);
	for (int id = 1; id < PEEPS_SECTION_END; id++)
		(void)tap_ok(after->marks[id] == before->marks[id] && after->marks[id] > 0,
			     "cycles__mark_of_%s__is_the_same (%llu)", sections[id],
			     (unsigned long long)after->marks[id]);
	for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++)
		(void)tap_ok(counted(losses[i].counter) == 0, "cycles__%s__none_is_dropped",
			     losses[i].name);
	(void)tap_ok(counted(PEEPS_COUNTER_DROPPED_SITES) > 0,
		     "cycles__places_beyond_the_table__are_counted");
}

static void run(uint64_t first, uint64_t count, int64_t slack_bytes)
{
	struct timespec start, end;
	struct size before, after;
	double seconds;

	for (uint64_t number = first; number < first + WARM_UP; number++)
		cycle(number);
	before = measure();
	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	for (uint64_t number = first + WARM_UP; number < first + WARM_UP + count; number++)
		cycle(number);
	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	after = measure();
	seconds = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
	tap_diag("%llu cycles, %.0f a second", (unsigned long long)count, (double)count / seconds);
	compare(&before, &after, slack_bytes);
}

static void *be_second(void *unused)
{
	(void)peeps_actor_self();
	return unused;
}

int main(void)
{
	const char *const length = getenv("PEEPS_STRESS");
	const uint64_t cycles = length && strcmp(length, "short") == 0 ? CYCLES_SHORT : CYCLES;
	pthread_t thread;

	find_mapping();
	find_descriptor();
	if (!tap_ok(header && descriptor_path[0], "cycles__segment__is_there"))
		return tap_done();
	run(0, cycles, SLACK_BYTES);
	/* A second thread brings the tick, which reclaims from then on. */
	if (!tap_ok(pthread_create(&thread, NULL, be_second, NULL) == 0,
		    "cycles__second_thread__is_there"))
		return tap_done();
	(void)pthread_join(thread, NULL);
	run(WARM_UP + cycles, cycles / 8, SLACK_TICK_BYTES);
	return tap_done();
}
