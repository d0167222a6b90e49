/* SPDX-License-Identifier: MIT */
#include "tests/e2e/way/way.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "layout/segment.h"

static char self_path[4096];

static void write_line(int fd, const char *format, va_list arguments)
{
	char line[512];
	int length = vsnprintf(line, sizeof(line) - 1, format, arguments);

	if (length < 0 || (size_t)length > sizeof(line) - 2)
		length = sizeof(line) - 2;
	line[length++] = '\n';
	if (write(fd, line, (size_t)length) != length)
		_exit(99);
}

void way_say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_line(STDOUT_FILENO, format, arguments);
	va_end(arguments);
}

void way_wrong(const char *format, ...)
{
	char line[400];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	way_say("WRONG: %s", line);
}

const char *way_self(void)
{
	return self_path;
}

void way_sleep_ms(long ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
}

void way_say_child(const char *what, pid_t child)
{
	int status = 0;
	pid_t got;

	if (child < 0) {
		way_say("%s: no child, errno %d", what, errno);
		return;
	}
	do
		got = waitpid(child, &status, __WALL);
	while (got < 0 && errno == EINTR);
	if (got != child)
		way_say("%s: waitpid failed, errno %d", what, errno);
	else if (WIFEXITED(status))
		way_say("%s: exit status %d", what, WEXITSTATUS(status));
	else
		way_say("%s: signal %d", what, WTERMSIG(status));
}

int way_work(struct peeps_mutex *mutexes, int count, long *counters, int rounds)
{
	int failures = 0;

	for (int i = 0; i < rounds; i++) {
		struct peeps_mutex *const m = &mutexes[i % count];

		failures += peeps_mutex_lock(m) != 0;
		counters[i % count]++;
		if (i % 16 == 0)
			(void)sched_yield(); /* so that others have to wait */
		failures += peeps_mutex_unlock(m) != 0;
	}
	return failures;
}

int way_scaled(int count)
{
	const char *const divisor = getenv("WAY_DIVISOR");
	const int by = divisor ? atoi(divisor) : 1;

	return by > 1 ? (count + by - 1) / by : count;
}

/* By the mapping, not the descriptor: the program may have closed that. A line is read without stdio, which allocates. */
const void *way_segment(void)
{
	static char maps[1 << 20];
	const int fd = open("/proc/thread-self/maps", O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t got;
	const char *line;
	const void *base = NULL;

	if (fd < 0)
		return NULL;
	while (length < sizeof(maps) - 1 &&
	       (got = read(fd, maps + length, sizeof(maps) - 1 - length)) > 0)
		length += (size_t)got;
	(void)close(fd);
	maps[length] = '\0';
	line = strstr(maps, "/memfd:" PEEPS_SEGMENT_NAME " ");
	if (!line)
		line = strstr(maps, PEEPS_KEPT_SUFFIX "\n");
	if (!line)
		line = strstr(maps, PEEPS_KEPT_SUFFIX " (deleted)\n");
	if (!line)
		return NULL;
	while (line > maps && line[-1] != '\n')
		line--;
	base = (const void *)strtoull(line, NULL, 16); // NOLINT
	return peeps_load_acquire(base) == PEEPS_MAGIC ? base : NULL;
}

static const struct peeps_section_entry *section(const struct peeps_segment_header *header,
						 enum peeps_section_id id)
{
	return &header->sections[id - 1];
}

static uint64_t count_edges_ever(const struct peeps_segment_header *header)
{
	const struct peeps_section_entry *const edges = section(header, PEEPS_SECTION_EDGES);
	uint64_t waits = 0;

	for (uint64_t i = 0; i < peeps_load_acquire(&edges->high_water); i++) {
		const struct peeps_edge_slot *const slot =
			(const void *)((const char *)header + edges->offset + i * edges->stride);

		waits += peeps_load_relaxed(&slot->wait) >> PEEPS_EDGE_WAIT_SEQUENCE_SHIFT;
	}
	return waits;
}

static uint64_t count_acquires(const struct peeps_segment_header *header)
{
	const struct peeps_section_entry *const entities = section(header, PEEPS_SECTION_ENTITIES);
	uint64_t acquires = 0;

	for (uint64_t i = 0; i < peeps_load_acquire(&entities->high_water); i++) {
		const struct peeps_entity_slot *const slot =
			(const void *)((const char *)header + entities->offset +
				       i * entities->stride);

		if ((peeps_load_relaxed(&slot->kind) & 0xffff) == PEEPS_KIND_MUTEX)
			acquires += peeps_load_relaxed(&slot->body[PEEPS_MUTEX_ACQUIRES_WORD]);
	}
	return acquires;
}

void way_report(void)
{
	static const char *const counter_names[] = {
#define PEEPS_COUNTER(symbol, number, name) [number] = name,
#include <peeps/kinds.def>
	};
	const struct peeps_segment_header *const header = way_segment();
	const uint64_t *counters;
	char line[1024];
	int length;

	if (!header)
		return;
	counters = (const void *)((const char *)header +
				  section(header, PEEPS_SECTION_COUNTERS)->offset);
	length = snprintf(line, sizeof(line),
			  "telemetry own=%d pid=%d entities=%" PRIu64 " threads=%" PRIu64
			  " edges=%" PRIu64 " sites=%" PRIu64 " waits=%" PRIu64 " acquires=%" PRIu64
			  " epoch=%" PRIu64 " kept=%d",
			  header->pid == (uint32_t)getpid(), (int)getpid(),
			  section(header, PEEPS_SECTION_ENTITIES)->high_water,
			  section(header, PEEPS_SECTION_THREADS)->high_water,
			  section(header, PEEPS_SECTION_EDGES)->high_water,
			  section(header, PEEPS_SECTION_SITES)->high_water,
			  count_edges_ever(header), count_acquires(header),
			  peeps_load_relaxed((const uint64_t *)((const char *)header +
								header->control_offset)),
			  (header->compat_flags & PEEPS_COMPAT_KEPT) != 0);
	for (size_t i = 0; i < sizeof(counter_names) / sizeof(counter_names[0]); i++)
		length += snprintf(line + length, sizeof(line) - (size_t)length, " %s=%" PRIu64,
				   counter_names[i], peeps_load_relaxed(&counters[i]));
	line[length++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)length) != length)
		_exit(98);
}

int way_slot_holder_known(const struct peeps_mutex *m)
{
#ifdef PEEPS_DISABLE
	(void)m;
	return -1;
#else
	if (!peeps_hook_ready(&m->hook))
		return -1;
	return peeps_load_relaxed(&m->hook.slot->body[PEEPS_MUTEX_HOLDER_WORD]) != 0;
#endif
}

int way_main(int argc, char **argv, const struct way_scene *scenes, size_t count)
{
	const ssize_t length = readlink("/proc/self/exe", self_path, sizeof(self_path) - 1);
	const char *const wanted = argc > 1 ? argv[1] : "";
	char go;

	if (length < 0)
		return 97;
	self_path[length] = '\0';
	for (size_t i = 0; i < count; i++) {
		if (strcmp(scenes[i].name, wanted) != 0)
			continue;
		while (read(STDIN_FILENO, &go, 1) < 0 && errno == EINTR)
			;
		scenes[i].run();
		way_report();
		return 0;
	}
	(void)fprintf(stderr, "no scene '%s'; there are:\n", wanted);
	for (size_t i = 0; i < count; i++)
		(void)fprintf(stderr, "  %s\n", scenes[i].name);
	return 2;
}
