/* SPDX-License-Identifier: MIT */
/* Why a process cannot be looked at, or what it loses. In the order in which one thing needs the other. */
#include "reader/verbs/checkup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <peeps/atomic.h>
#include "layout/segment.h"
#include "reader/graph/arena.h"
#include "reader/target/attach.h"
#include "reader/clock.h"
#include "reader/target/kept.h"
#include "reader/format/print.h"
#include "reader/target/proc.h"
#include "reader/problem.h"
#include "reader/cut/tally.h"
#include "reader/look/users.h"

#define ENVIRON_BYTES   ((size_t)256 << 10)
#define LIMITS_BYTES    8192
#define LIBRARY         "/libpeeps.so"
#define PROGRAM_MAX     (UINT64_C(1) << 30) /* bytes of its file that are searched */
#define CHUNK_BYTES     ((size_t)1 << 20)
#define TICK_LATE_NS    UINT64_C(2000000000)
#define FULL_PERCENT    90
#define LARGER(name)    "start it with a larger PEEPS_CAPACITY=" name "=N"
#define TICKLESS_REMEDY "holds taken from now on have no time; nothing else is lost"

struct patient {
	struct peeps_checkup *checkup;
	pid_t pid;
	int proc_fd;
	char state;
	char status[PEEPS_PROC_STATUS_BYTES];
	bool has_library;
	bool is_secret; /* we may not see what is inside of it */
};

/* --- is it there, and whose is it? ------------------------------------------------------------------------------ */

static uint64_t status_number(const struct patient *patient, const char *name, unsigned int field)
{
	return peeps_proc_status_number(patient->status, name, field, 0);
}

static bool check_exists(struct patient *patient)
{
	struct peeps_proc_stat stat;

	patient->proc_fd = peeps_proc_open(patient->pid);
	if (patient->proc_fd < 0 || peeps_proc_stat_read(patient->proc_fd, "stat", &stat) != 0) {
		peeps_checkup_add(patient->checkup, PEEPS_VERDICT_BAD, "process",
				  "ps -e lists the processes there are", "there is no process %d",
				  (int)patient->pid);
		return false;
	}
	patient->state = stat.state;
	if (peeps_proc_read(patient->proc_fd, "status", patient->status, sizeof(patient->status)) <
	    0)
		patient->status[0] = '\0';
	return true;
}

static void check_who(struct patient *patient)
{
	char user[PEEPS_USER_BYTES], command[512];

	peeps_proc_command(patient->proc_fd, command, sizeof(command));
	peeps_checkup_add(patient->checkup, PEEPS_VERDICT_OK, "process", "", "%d, user %s: %s",
			  (int)patient->pid,
			  peeps_user_name(user, (uid_t)status_number(patient, "Uid", 1)),
			  *command ? command : "(no command: a kernel thread, or it has exited)");
}

/* Returns whether anything more can be learned of it. */
static bool check_state(struct patient *patient)
{
	if (status_number(patient, "Tgid", 0) != (uint64_t)patient->pid) {
		peeps_checkup_add(patient->checkup, PEEPS_VERDICT_BAD, "process",
				  "name the process it belongs to",
				  "%d is a thread of process %" PRIu64, (int)patient->pid,
				  status_number(patient, "Tgid", 0));
		return false;
	}
	if (patient->state == 'T' || patient->state == 't')
		peeps_checkup_add(patient->checkup, PEEPS_VERDICT_WARN, "process",
				  patient->state == 'T' ? "kill -CONT lets it go on"
							: "let its debugger go on",
				  "it is stopped: nothing in it goes on");
	return true;
}

/* What /proc/PID/fd asks for is the right to trace it, to read. */
static void check_rights(struct patient *patient)
{
	const uid_t uid = (uid_t)status_number(patient, "Uid", 1);
	const int fd = openat(patient->proc_fd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat owner;
	char user[PEEPS_USER_BYTES];

	if (fd >= 0) {
		(void)close(fd);
		peeps_checkup_add(patient->checkup, PEEPS_VERDICT_OK, "rights", "",
				  "this user may look at it");
		return;
	}
	patient->is_secret = true;
	if (errno != EACCES && errno != EPERM) {
		peeps_checkup_add(patient->checkup, PEEPS_VERDICT_BAD, "rights", "",
				  "its descriptors: %m");
	} else if (uid != geteuid()) {
		peeps_checkup_add(patient->checkup, PEEPS_VERDICT_BAD, "rights",
				  geteuid() == 0 ? "give this root CAP_SYS_PTRACE, or be its user"
						 : "be its user, or root",
				  "it is not this user's, but %s's", peeps_user_name(user, uid));
	} else if (fstatat(patient->proc_fd, "environ", &owner, 0) == 0 && owner.st_uid != uid) {
		peeps_checkup_add(
			patient->checkup, PEEPS_VERDICT_BAD, "rights",
			"be root; or let it not change its user, nor be set-user-id, nor call "
			"prctl(PR_SET_DUMPABLE, 0)",
			"it is not dumpable: closed to its own user");
	} else {
		peeps_checkup_add(
			patient->checkup, PEEPS_VERDICT_BAD, "rights",
			"run peeps-read with the same capabilities, in the same namespace",
			"it has rights that this user lacks");
	}
}

/* --- is it built with peeps, and was it told not to? ------------------------------------------------------------ */

static bool is_library(void *context, char *line)
{
	char *const path = strstr(line, LIBRARY) ? strchr(line, '/') : NULL;

	if (path)
		(void)snprintf(context, PATH_MAX, "%s", path);
	return path;
}

static void check_library(struct patient *patient)
{
	char path[PATH_MAX];
	const int r = peeps_proc_maps_each(patient->proc_fd, is_library, path);

	patient->has_library = r == 1;
	if (r == 1)
		peeps_checkup_add(patient->checkup, PEEPS_VERDICT_OK, "library", "", "%s", path);
	else if (r == 0)
		peeps_checkup_add(patient->checkup, PEEPS_VERDICT_WARN, "library",
				  "link it with pkg-config --libs peeps, without PEEPS_DISABLE",
				  "it has no libpeeps.so");
}

struct environment {
	const char *text;
	size_t length;
};

static const char *variable_of(const void *context, const char *name)
{
	const struct environment *environment = context;
	const size_t name_length = strlen(name);

	for (size_t at = 0; at < environment->length;) {
		const char *entry = environment->text + at;

		if (strncmp(entry, name, name_length) == 0 && entry[name_length] == '=')
			return entry + name_length + 1;
		at += strlen(entry) + 1;
	}
	return NULL;
}

/* As it was when the program began: libpeeps reads it then. */
static void check_environment(struct patient *patient)
{
	char *text = malloc(ENVIRON_BYTES);
	ssize_t length =
		text ? peeps_proc_read(patient->proc_fd, "environ", text, ENVIRON_BYTES) : -1;

	if (length > 0) {
		const struct environment environment = { .text = text, .length = (size_t)length };

		peeps_checkup_environment(patient->checkup, variable_of, &environment);
	}
	free(text);
}

/* --- why there is no segment -------------------------------------------------------------------------------------- */

/* Soft limit of a line of /proc/PID/limits; UINT64_MAX: none. */
static uint64_t limit_of(const char *limits, const char *name)
{
	const char *line = strstr(limits, name);
	char *end;
	uint64_t limit;

	if (!line)
		return UINT64_MAX;
	line += strlen(name);
	limit = strtoull(line, &end, 10);
	return end == line ? UINT64_MAX : limit;
}

static void check_limits(struct patient *patient)
{
	static const struct {
		const char *line, *option;
	} limits[] = {
		{ "Max file size", "-f" },
		{ "Max address space", "-v" },
		{ "Max data size", "-d" },
	};
	char text[LIMITS_BYTES];

	if (peeps_proc_read(patient->proc_fd, "limits", text, sizeof(text)) < 0)
		return;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		const uint64_t limit = limit_of(text, limits[i].line);

		if (limit != UINT64_MAX)
			peeps_checkup_add(
				patient->checkup, PEEPS_VERDICT_WARN, "limits",
				"raise it (ulimit, systemd's Limit...=), or ask for less with PEEPS_CAPACITY",
				"%s is %" PRIu64 " MiB (ulimit %s): a segment takes some 100 MiB "
				"of file, and wants 16 times as much of address space and data",
				limits[i].line, limit >> 20, limits[i].option);
	}
}

static void check_sandbox(struct patient *patient)
{
	if (status_number(patient, "Seccomp", 0) != 0)
		peeps_checkup_add(patient->checkup, PEEPS_VERDICT_WARN, "sandbox",
				  "permit memfd_create(), membarrier() and madvise() in it",
				  "it runs under seccomp, which may have refused it a segment");
}

/* Whoever could be looked at and has no segment: what may have kept it from having one. */
static void check_why_not(struct patient *patient, const struct peeps_problem *problem)
{
	const char *remedy = peeps_arena_format(patient->checkup->arena, "%s", problem->hint);

	peeps_checkup_add(patient->checkup, PEEPS_VERDICT_BAD, "segment", remedy ? remedy : "",
			  "%s", problem->why);
	if (problem->status != PEEPS_PROBLEM_NO_SEGMENT || !patient->has_library)
		return;
	check_limits(patient);
	check_sandbox(patient);
}

/* --- what its segment lacks --------------------------------------------------------------------------------------- */

static void check_header(struct patient *patient, const struct peeps_target *target)
{
	const struct peeps_segment_header *header = &target->header;
	const char *refusal;

	peeps_checkup_add(patient->checkup, PEEPS_VERDICT_OK, "segment", "",
			  "'%s', layout %" PRIu32 ".%" PRIu32 ", %" PRIu64 " MiB at most",
			  header->process_name, header->layout_major, header->layout_minor,
			  header->segment_bytes >> 20);
	if (header->fence_mode)
		peeps_checkup_add(patient->checkup, PEEPS_VERDICT_WARN, "segment",
				  "permit membarrier() in its sandbox; Linux 4.16 or later has it",
				  "membarrier() was refused to it: it fences for itself, at some "
				  "nanoseconds a lock");
	refusal = peeps_kept_refusal(header->compat_flags);
	if (refusal)
		peeps_checkup_add(patient->checkup, PEEPS_VERDICT_WARN, "PEEPS_DIR",
				  "a directory of its user's on a tmpfs, mode 0700",
				  "it is not used, the segment goes with the process: %s", refusal);
	if (target->is_copy)
		peeps_checkup_add(patient->checkup, PEEPS_VERDICT_OK, "PEEPS_DIR", "",
				  "its segment is kept in a file: read in passing, never written");
	else if (!target->control)
		peeps_checkup_add(patient->checkup, PEEPS_VERDICT_WARN, "segment",
				  "be its user, or root",
				  "it may only be read: no snapshot of it is one moment");
	if (strncmp(target->link, "fd/", 3) != 0)
		peeps_checkup_add(
			patient->checkup, PEEPS_VERDICT_WARN, "descriptors",
			"let it not close descriptors that are not its own",
			"it closed ours: the segment was found at %s, where only some may "
			"look",
			target->link);
}

/* "entities: 12 of 65536" */
static void check_room(struct patient *patient, const struct peeps_target *target,
		       const struct peeps_tally *tally)
{
	static const struct {
		enum peeps_section_id section;
		const char *name, *remedy;
	} rooms[] = {
		{ PEEPS_SECTION_ENTITIES, "entities", LARGER("entities") },
		{ PEEPS_SECTION_EDGES, "edges", LARGER("edges") },
		{ PEEPS_SECTION_THREADS, "threads", LARGER("threads") },
		{ PEEPS_SECTION_SITES, "sites", LARGER("sites") },
		{ PEEPS_SECTION_SCOPES, "scopes", LARGER("scopes") },
		{ PEEPS_SECTION_MEMBERSHIPS, "memberships", LARGER("memberships") },
		{ PEEPS_SECTION_TEXT, "text", LARGER("text") },
	};
	char text[512] = "";
	size_t length = 0;

	for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
		const uint64_t rows = tally->marks.rows[rooms[i].section];
		const uint64_t capacity =
			peeps_bounds_section(&target->header, rooms[i].section)->capacity;
		const uint64_t percent = capacity ? rows * 100 / capacity : 0;

		length += (size_t)snprintf(text + length, sizeof(text) - length,
					   "%s%s %" PRIu64 " %%", i ? ", " : "", rooms[i].name,
					   percent);
		if (percent >= FULL_PERCENT)
			peeps_checkup_add(patient->checkup, PEEPS_VERDICT_WARN, "room",
					  rooms[i].remedy,
					  "%s: %" PRIu64 " of %" PRIu64 " rows were in use at once",
					  rooms[i].name, rows, capacity);
	}
	peeps_checkup_add(patient->checkup, PEEPS_VERDICT_OK, "room", "",
			  "in use at most, so far: %s", text);
}

static void check_losses(struct patient *patient, const struct peeps_tally *tally)
{
	static const struct {
		enum peeps_counter counter;
		enum peeps_verdict verdict;
		const char *what, *remedy;
	} losses[] = {
		{ PEEPS_COUNTER_DROPPED_ENTITIES, PEEPS_VERDICT_BAD,
		  "locks, channels, tasks or threads are missing", LARGER("entities") },
		{ PEEPS_COUNTER_DROPPED_EDGES, PEEPS_VERDICT_BAD, "waits or holds are missing",
		  LARGER("edges") },
		{ PEEPS_COUNTER_DROPPED_THREADS, PEEPS_VERDICT_BAD,
		  "threads of which nothing is recorded", LARGER("threads") },
		{ PEEPS_COUNTER_OVERFLOW_THREADS, PEEPS_VERDICT_WARN,
		  "threads that share one record, under one lock", LARGER("threads") },
		{ PEEPS_COUNTER_DROPPED_TEXT, PEEPS_VERDICT_WARN, "names or notes are missing",
		  LARGER("text") },
		{ PEEPS_COUNTER_TRUNCATED_TEXT, PEEPS_VERDICT_WARN, "names or notes were cut off",
		  "take names of less than 4000 bytes" },
		{ PEEPS_COUNTER_DROPPED_SITES, PEEPS_VERDICT_WARN,
		  "places in the source are missing", LARGER("sites") },
		{ PEEPS_COUNTER_DROPPED_SCOPES, PEEPS_VERDICT_WARN, "scopes are missing",
		  LARGER("scopes") },
		{ PEEPS_COUNTER_DROPPED_MEMBERSHIPS, PEEPS_VERDICT_WARN,
		  "memberships in scopes are missing", LARGER("memberships") },
		{ PEEPS_COUNTER_DROPPED_NESTED, PEEPS_VERDICT_WARN,
		  "updates by signal handlers are missing",
		  "use no peeps primitives in signal handlers" },
		{ PEEPS_COUNTER_TORN, PEEPS_VERDICT_WARN,
		  "updates were left by siglongjmp(), or by a thread that vanished",
		  "do not jump out of peeps calls" },
	};
	bool any = false;

	for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
		const uint64_t count = tally->counters[losses[i].counter];

		if (count)
			peeps_checkup_add(patient->checkup, losses[i].verdict, "lost",
					  losses[i].remedy, "%s (%" PRIu64 ")", losses[i].what,
					  count);
		any |= count;
	}
	if (!any)
		peeps_checkup_add(patient->checkup, PEEPS_VERDICT_OK, "lost", "", "nothing");
	if (tally->counters[PEEPS_COUNTER_MISUSED_CHANNELS])
		peeps_checkup_add(patient->checkup, PEEPS_VERDICT_WARN, "misuse",
				  "look for a second send, or a free that comes too early",
				  "a channel's handle was used when it was spent, or freed while "
				  "somebody waited at it (%" PRIu64 ")",
				  tally->counters[PEEPS_COUNTER_MISUSED_CHANNELS]);
	if (tally->order_violations)
		peeps_checkup_add(patient->checkup, PEEPS_VERDICT_BAD, "segment",
				  "end whatever else writes to it: only peeps-read may",
				  "its control page was written against the rules (%" PRIu64
				  " times)",
				  tally->order_violations);
}

static void check_threads(struct patient *patient, const struct peeps_tally *tally)
{
	peeps_checkup_add(patient->checkup, PEEPS_VERDICT_OK, "threads", "",
			  "%" PRIu64 " of %" PRIu64 " have used peeps (one may be peeps's own)",
			  tally->threads, status_number(patient, "Threads", 0));
}

/* Ten times a second, from its second thread on. */
static void check_tick(struct patient *patient, const struct peeps_target *target)
{
	const struct peeps_control *control =
		(const struct peeps_control *)(target->base + PEEPS_CONTROL_OFFSET);
	const uint64_t tick_ns = peeps_load_relaxed(&control->tick_ns);
	const uint64_t now_ns = peeps_clock_monotonic_ns() - target->header.start_monotonic_ns;
	char age[PEEPS_DURATION_BYTES];

	if (tick_ns == 0)
		peeps_checkup_add(patient->checkup, PEEPS_VERDICT_OK, "tick", "",
				  "not started: it comes with the second thread");
	else if (now_ns > tick_ns && now_ns - tick_ns > TICK_LATE_NS && patient->state != 'T' &&
		 patient->state != 't')
		peeps_checkup_add(patient->checkup, PEEPS_VERDICT_WARN, "tick", TICKLESS_REMEDY,
				  "the last one was %s ago: its thread has ended, or gets no time",
				  peeps_duration_floor(age, now_ns - tick_ns));
	else
		peeps_checkup_add(patient->checkup, PEEPS_VERDICT_OK, "tick", "", "it goes on");
}

/* Every place in code that was compiled with these headers holds that number: one that does not was compiled with
 * others. Returns 1, 0, or -1 if that cannot be known. */
static int program_holds(const struct patient *patient, uint64_t number)
{
	const int fd = openat(patient->proc_fd, "exe", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	unsigned char *chunk = malloc(CHUNK_BYTES);
	int holds = fd < 0 || !chunk ? -1 : 0;

	for (uint64_t at = 0; holds == 0; at += CHUNK_BYTES - sizeof(number)) {
		const ssize_t got = pread(fd, chunk, CHUNK_BYTES, (off_t)at);

		if (got < 0 || at > PROGRAM_MAX)
			holds = -1;
		else if (memmem(chunk, (size_t)got, &number, sizeof(number)))
			holds = 1;
		else if ((size_t)got < CHUNK_BYTES)
			break;
	}
	free(chunk);
	if (fd >= 0)
		(void)close(fd);
	return holds;
}

/* A call from code that was compiled with another layout is done, and not recorded. */
static void check_use(struct patient *patient, const struct peeps_target *target,
		      const struct peeps_tally *tally)
{
	if (tally->entities)
		return;
	if (program_holds(patient, target->header.layout_hash) == 0)
		peeps_checkup_add(patient->checkup, PEEPS_VERDICT_WARN, "program",
				  "rebuild it with the headers of the libpeeps.so it runs with",
				  "it has recorded nothing, and its file was not compiled with "
				  "layout %016" PRIx64 " (code of its libraries may have been)",
				  target->header.layout_hash);
	else
		peeps_checkup_add(patient->checkup, PEEPS_VERDICT_OK, "program", "",
				  "it has not used peeps yet");
}

static void check_segment(struct patient *patient, const struct peeps_target *target)
{
	struct peeps_problem problem = { 0 };
	struct peeps_tally tally;

	check_header(patient, target);
	if (peeps_tally(target, &tally, &problem) != 0) {
		peeps_checkup_add(patient->checkup, PEEPS_VERDICT_BAD, "segment", "", "%s",
				  problem.why);
		return;
	}
	check_use(patient, target, &tally);
	check_room(patient, target, &tally);
	check_losses(patient, &tally);
	check_threads(patient, &tally);
	check_tick(patient, target);
}

void peeps_checkup_process(struct peeps_checkup *checkup, pid_t pid)
{
	struct patient patient = { .checkup = checkup, .pid = pid, .proc_fd = -1 };
	struct peeps_problem problem;
	struct peeps_target target;

	checkup->pid = pid;
	if (check_exists(&patient)) {
		check_who(&patient);
		if (check_state(&patient)) {
			check_rights(&patient);
			if (!patient.is_secret) {
				check_library(&patient);
				check_environment(&patient);
			}
			if (peeps_attach(&target, pid, &problem) == 0) {
				check_segment(&patient, &target);
				peeps_detach(&target);
			} else if (!patient.is_secret) {
				check_why_not(&patient, &problem);
			}
		}
	}
	if (patient.proc_fd >= 0)
		(void)close(patient.proc_fd);
	checkup->pid = 0;
}
