/* SPDX-License-Identifier: MIT */
/* Kept segments: files, of which passive.c (compiled in here with its steps) looks at a private copy. */
#define PEEPS_FAULT_STEPS
#include "reader/cut/passive.c" // NOLINT(bugprone-suspicious-include): with steps

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reader/cut/cut.h"
#include "reader/target/kept.h"
#include "reader/target/private_copy.h"
#include "tests/support/fake_process.h"
#include "tests/support/fake_segment.h"
#include "tests/support/image_views.h"

struct fixture {
	char directory[64];
	char path[128];
	int directory_fd;
	struct fake_segment segment; /* what the file is written from */
	struct fake_deadlock deadlock;
	struct peeps_target target;
	struct peeps_image image;
	struct peeps_problem problem;
};

/* What the target does at a step of the look. */
static void (*at_step)(struct fixture *fixture, unsigned int step);
static struct fixture *stepped;

void peeps_fault_step(unsigned int step)
{
	if (at_step)
		at_step(stepped, step);
}

/* In the place of libc's. */
static size_t locks_tried;

int flock(int fd, int operation)
{
	locks_tried++;
	return (int)syscall(SYS_flock, fd, operation);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	(void)snprintf(f->directory, sizeof(f->directory), "/dev/shm/test-kept-reader-XXXXXX");
	if (!mkdtemp(f->directory))
		return -1;
	(void)snprintf(f->path, sizeof(f->path), "%s/fake-4711-00000000.peeps", f->directory);
	f->directory_fd = open(f->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fake_segment_new(&f->segment);
	fake_deadlock(&f->segment, &f->deadlock);
	f->segment.header->pid = INT32_MAX; /* nobody */
	f->segment.header->start_realtime_ns = UINT64_C(1700000000000000000);
	f->segment.control->tick_ns = UINT64_C(700000000);
	peeps_image_init(&f->image);
	stepped = f;
	at_step = NULL;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	char command[128];

	peeps_image_deinit(&f->image);
	fake_segment_free(&f->segment);
	(void)close(f->directory_fd);
	(void)snprintf(command, sizeof(command), "rm -rf %s", f->directory);
	free(f);
	return system(command);
}

static void write_segment(const struct fake_segment *segment, const char *path)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, segment->base, segment->bytes), segment->bytes);
	(void)close(fd);
}

static int attach(struct fixture *f)
{
	const int fd = open(f->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	const int r = peeps_attach_file(&f->target, fd, f->path, &f->problem);

	(void)close(fd);
	return r;
}

static void attach_written(struct fixture *f)
{
	write_segment(&f->segment, f->path);
	if (attach(f) != 0)
		fail_msg("%s: %s", f->problem.what, f->problem.why);
}

static void assert_refused(struct fixture *f, const char *name, int expected, int status,
			   const char *why)
{
	const int r = attach(f);

	if (r != expected || f->problem.status != status || !strstr(f->problem.why, why) ||
	    !strstr(f->problem.what, f->path))
		fail_msg("%s: %d, status %d: %s: %s", name, r, f->problem.status, f->problem.what,
			 f->problem.why);
}

/* --- a process that is no more ------------------------------------------------------------------------------------ */

static void attach_file__process_is_no_more__exact_and_dated_back(void **state)
{
	struct fixture *f = *state;

	attach_written(f);
	assert_true(f->target.is_over);
	assert_null(f->target.control);
	assert_int_equal(f->target.pid, INT32_MAX);
	assert_int_equal(peeps_cut(&f->target, &f->image, 0, &f->problem), 0);
	assert_int_equal(f->image.quality, PEEPS_QUALITY_QUIESCENT);
	assert_true(f->image.exited);
	assert_int_equal(f->image.entity_count, 5);
	assert_int_equal(f->image.edge_count, 2);
	assert_false(edge_of(&f->image, f->deadlock.alpha_wait)->uncertain);
	/* the tick is later than the last wait */
	assert_int_equal(f->image.taken_at_unix_ns, UINT64_C(1700000000700000000));
	assert_int_equal(f->image.taken_at_monotonic_ns,
			 f->segment.header->start_monotonic_ns + UINT64_C(700000000));
	assert_true(is_noted(&f->image, "no more"));
	assert_true(is_noted(&f->image, "2023-11-14T22:13:20.700Z"));
	peeps_detach(&f->target);
}

static void attach_file__no_tick__dated_by_the_last_stamp_that_can_be(void **state)
{
	struct fixture *f = *state;

	f->segment.control->tick_ns = 0;
	f->segment.entities[f->deadlock.left].created_ns = UINT64_MAX; /* garbage */
	attach_written(f);
	assert_int_equal(peeps_cut(&f->target, &f->image, 0, &f->problem), 0);
	assert_int_equal(f->image.taken_at_unix_ns, UINT64_C(1700000000510000000));
	peeps_detach(&f->target);
}

static void attach_file__died_inside_an_update__partial_and_the_thread_is_named(void **state)
{
	struct fixture *f = *state;
	struct peeps_thread *record =
		&f->segment.threads[fake_record_of(&f->segment, f->deadlock.beta)];

	record->txn = 3;
	record->write_set[0] =
		fake_write_set_of(&f->segment, &f->segment.edges[f->deadlock.beta_wait]) | 1;
	attach_written(f);
	assert_int_equal(peeps_cut(&f->target, &f->image, 0, &f->problem), 0);
	assert_int_equal(f->image.quality, PEEPS_QUALITY_PARTIAL);
	assert_true(is_noted(&f->image, "thread 4713 (beta) ended inside an update"));
	assert_true(edge_of(&f->image, f->deadlock.beta_wait)->uncertain);
	assert_false(edge_of(&f->image, f->deadlock.alpha_wait)->uncertain);
	peeps_detach(&f->target);
}

/* --- what is refused ---------------------------------------------------------------------------------------------- */

static void attach_file__unsound_file__says_why(void **state)
{
	struct fixture *f = *state;

	write_segment(&f->segment, f->path);
	assert_int_equal(chmod(f->path, 0620), 0);
	assert_refused(f, "group may write", -EACCES, 5, "others than its owner");
	assert_int_equal(chmod(f->path, 0602), 0);
	assert_refused(f, "others may write", -EACCES, 5, "others than its owner");
	assert_int_equal(chmod(f->path, 0644), 0);
	assert_int_equal(truncate(f->path, (off_t)f->segment.bytes - 1), 0);
	assert_refused(f, "cut off", -EBADMSG, 6, "another size");
	assert_int_equal(truncate(f->path, 100), 0);
	assert_refused(f, "too short", -EBADMSG, 6, "a size that no segment has");
	assert_int_equal(truncate(f->path, 0), 0);
	assert_refused(f, "empty", -EBADMSG, 6, "a size that no segment has");
	assert_int_equal(truncate(f->path, (off_t)PEEPS_SEGMENT_BYTES_MAX + 1), 0);
	assert_refused(f, "too long", -EBADMSG, 6, "a size that no segment has");
	assert_int_equal(truncate(f->path, 1 << 20), 0);
	assert_refused(f, "never ready", -ENOENT, 4, "not ready");

	f->segment.header->layout_major = 9;
	write_segment(&f->segment, f->path);
	assert_refused(f, "other major", -EPROTONOSUPPORT, 6, "layout 9");
	f->segment.header->magic = 5;
	write_segment(&f->segment, f->path);
	assert_refused(f, "garbage", -EBADMSG, 6, "does not begin like one");

	(void)unlink(f->path);
	assert_int_equal(mkdir(f->path, 0700), 0);
	assert_refused(f, "directory", -EBADMSG, 6, "no regular file");
	(void)rmdir(f->path);
	assert_int_equal(mkfifo(f->path, 0600), 0);
	assert_refused(f, "pipe", -EBADMSG, 6, "no regular file");
}

static void attach_file__somebody_elses__only_root_reads_it(void **state)
{
	struct fixture *f = *state;

	if (geteuid() != 0)
		return;
	write_segment(&f->segment, f->path);
	assert_int_equal(chmod(f->directory, 0755), 0);
	assert_int_equal(chmod(f->path, 0644), 0);
	assert_int_equal(chown(f->path, 65533, 65533), 0);
	assert_int_equal(attach(f), 0);
	peeps_detach(&f->target);
	assert_int_equal(seteuid(65534), 0);
	assert_refused(f, "another user's", -EACCES, 5, "belongs to another user");
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(chown(f->path, 0, 0), 0);
	assert_int_equal(seteuid(65534), 0);
	assert_int_equal(attach(f), 0);
	assert_int_equal(seteuid(0), 0);
	peeps_detach(&f->target);
}

/* A sparse file costs who made it nothing. The text section is the last one. */
static void claim(struct fixture *f, uint64_t mib)
{
	struct peeps_section_entry *text = fake_section(&f->segment, PEEPS_SECTION_TEXT);

	text->capacity = (mib << 20) / PEEPS_TEXT_GRANULE;
	text->high_water = text->capacity;
	f->segment.header->segment_bytes = text->offset + (mib << 20);
	write_segment(&f->segment, f->path);
	assert_int_equal(truncate(f->path, (off_t)f->segment.header->segment_bytes), 0);
}

static void attach_file__claims_more_than_it_has__is_refused(void **state)
{
	struct fixture *f = *state;

	claim(f, 17);
	assert_refused(f, "17 MiB", -EBADMSG, 6, "but has memory for 0 MiB");
	claim(f, 3000);
	assert_refused(f, "3000 MiB", -EBADMSG, 6, "more than this reader copies");
	claim(f, 1);
	assert_int_equal(attach(f), 0);
	peeps_detach(&f->target);
}

static void shrink(struct fixture *f, unsigned int step)
{
	if (step == PEEPS_STEP_LOOK_SCANNED)
		(void)truncate(f->path, 3 * PEEPS_PAGE_BYTES);
}

static size_t count_descriptors(void)
{
	size_t count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* --- what is copied ----------------------------------------------------------------------------------------------- */

struct watched {
	const struct fake_segment *segment;
	uint64_t beyond; /* bytes read that lie in a section, but beyond its mark */
};

static int watched_read(const struct peeps_segment_bytes *from, void *to, size_t bytes,
			uint64_t offset, struct peeps_problem *problem)
{
	struct watched *watched = (struct watched *)from->context;

	(void)problem;
	for (uint32_t id = 1; id < PEEPS_SECTION_END; id++) {
		const struct peeps_section_entry *entry = fake_section(watched->segment, id);
		const uint64_t end = entry->offset + entry->high_water * entry->stride;

		if (offset >= entry->offset && offset + bytes > end &&
		    offset < entry->offset + entry->capacity * entry->stride)
			watched->beyond += offset + bytes - end;
	}
	memcpy(to, watched->segment->base + offset, bytes);
	return 0;
}

static void private_copy__rows_beyond_the_marks__are_not_read(void **state)
{
	struct fixture *f = *state;
	struct watched watched = { .segment = &f->segment };
	const struct peeps_segment_bytes from = { .read = watched_read,
						  .context = &watched,
						  .bytes = f->segment.bytes,
						  .memory_bytes = f->segment.bytes };
	struct peeps_target target = { .pidfd = -1, .segment_fd = -1, .proc_fd = -1 };
	const struct peeps_entity_slot *slots;

	assert_int_equal(peeps_private_copy_new(&target, &from, &f->problem), 0);
	assert_int_equal(watched.beyond, 0);
	slots = peeps_row(peeps_bounds_rows(&target, PEEPS_SECTION_ENTITIES), 0);
	assert_memory_equal(slots, f->segment.entities,
			    fake_section(&f->segment, PEEPS_SECTION_ENTITIES)->high_water *
				    sizeof(*slots));
	assert_int_equal(mprotect((void *)target.base, 1, PROT_NONE), 0); /* it is our own */
	peeps_detach(&target);
}

/* --- a process that lives ----------------------------------------------------------------------------------------- */

static struct fake_segment shared; /* its header and slots are those in the file */

static void map_shared(const char *path)
{
	const int fd = open(path, O_RDWR | O_CLOEXEC);
	unsigned char *base;
	struct stat status;

	if (fstat(fd, &status) != 0)
		abort();
	base = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		abort();
	shared.base = base;
	shared.bytes = (size_t)status.st_size;
	shared.header = (struct peeps_segment_header *)base;
	shared.threads =
		(struct peeps_thread *)(base +
					fake_section(&shared, PEEPS_SECTION_THREADS)->offset);
	shared.edges =
		(struct peeps_edge_slot *)(base +
					   fake_section(&shared, PEEPS_SECTION_EDGES)->offset);
	shared.fd = fd;
}

static void unmap_shared(void)
{
	(void)munmap(shared.base, shared.bytes);
	(void)close(shared.fd);
}

static void live(void *path)
{
	map_shared(path);
	fake_segment_adopt(&shared);
	fake_process_rest();
}

static void live_without_descriptor(void *path)
{
	map_shared(path);
	fake_segment_adopt(&shared);
	(void)close(shared.fd);
	fake_process_rest();
}

/* As after exec: the same process, which has nothing of the segment any more. */
static void live_without_mapping(void *path)
{
	map_shared(path);
	fake_segment_adopt(&shared);
	unmap_shared();
	fake_process_rest();
}

static void attach__other_file_of_such_a_name__is_no_segment(void **state)
{
	struct fixture *f = *state;
	struct fake_process process;

	f->segment.header->magic = 5;
	write_segment(&f->segment, f->path);
	f->segment.header->magic = PEEPS_MAGIC; /* the child has this one, too: its parent's */
	fake_process_start(&process, live, f->path);
	assert_int_equal(peeps_attach(&f->target, process.pid, &f->problem), -ENOENT);
	assert_int_equal(f->problem.status, 4);
	fake_process_end(&process);
}

static void attach__live_process__found_by_pid_and_by_file(void **state)
{
	struct fixture *f = *state;
	struct fake_process process;

	write_segment(&f->segment, f->path);
	fake_process_start(&process, live, f->path);
	for (int by_pid = 0; by_pid < 2; by_pid++) {
		const int r =
			by_pid ? peeps_attach(&f->target, process.pid, &f->problem) : attach(f);

		if (r)
			fail_msg("%d: %s: %s", by_pid, f->problem.what, f->problem.why);
		assert_int_equal(f->target.pid, process.pid);
		assert_true(f->target.is_copy);
		assert_false(f->target.is_over);
		assert_null(f->target.control);
		assert_int_equal(peeps_cut(&f->target, &f->image, 0, &f->problem), 0);
		assert_int_equal(f->image.quality, PEEPS_QUALITY_QUIESCENT);
		assert_false(f->image.exited);
		assert_true(is_noted(&f->image, "only read"));
		/* and when it is killed meanwhile */
		if (by_pid) {
			fake_process_end(&process);
			assert_int_equal(peeps_cut(&f->target, &f->image, 0, &f->problem), 0);
			assert_true(f->image.exited);
		}
		peeps_detach(&f->target);
	}
	assert_int_equal(attach(f), 0);
	assert_true(f->target.is_over);
	peeps_detach(&f->target);
}

/* A pipe stands for a device, which only root can make: opening a watchdog starts it. */
static void attach__no_regular_file_of_such_a_name__is_not_even_opened(void **state)
{
	struct fixture *f = *state;
	struct inotify_event event;
	int opened, pipe_fd;

	assert_int_equal(mkfifo(f->path, 0600), 0);
	pipe_fd = open(f->path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	assert_true(pipe_fd >= 0);
	opened = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	assert_true(inotify_add_watch(opened, f->path, IN_OPEN) >= 0);
	assert_true(peeps_attach(&f->target, getpid(), &f->problem) < 0);
	assert_int_equal(read(opened, &event, sizeof(event)), -1);
	(void)close(opened);
	(void)close(pipe_fd);
}

/* Not as root, who may look into map_files. Returns what attaching says. */
static int attach_unprivileged(struct fixture *f)
{
	struct fake_process process;
	int r;

	if (setgid(65534) != 0 || setuid(65534) != 0 || prctl(PR_SET_DUMPABLE, 1) != 0)
		return 99;
	fake_process_start(&process, live_without_descriptor, f->path);
	r = peeps_attach(&f->target, process.pid, &f->problem);
	if (r == 0 && !f->target.is_copy)
		r = 98;
	fake_process_end(&process);
	return -r;
}

static void attach__descriptor_closed__found_by_the_path_of_its_mapping(void **state)
{
	struct fixture *f = *state;
	pid_t child;
	int status;

	if (geteuid() != 0)
		return; /* who cannot stop being root */
	write_segment(&f->segment, f->path);
	assert_int_equal(chown(f->path, 65534, 65534), 0);
	assert_int_equal(chown(f->directory, 65534, 65534), 0);
	child = fork();
	if (child == 0)
		_exit(attach_unprivileged(f));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void move(struct fixture *f, unsigned int step)
{
	if (step != PEEPS_STEP_LOOK_SCANNED)
		return;
	shared.threads[fake_record_of(&f->segment, f->deadlock.beta)].txn += 2;
	shared.edges[f->deadlock.beta_wait].wait += UINT64_C(1) << PEEPS_EDGE_WAIT_SEQUENCE_SHIFT;
}

static void attach_file__a_thread_moves_while_we_look__what_it_wrote_is_uncertain(void **state)
{
	struct fixture *f = *state;
	struct fake_process process;

	write_segment(&f->segment, f->path);
	fake_process_start(&process, live, f->path);
	map_shared(f->path);
	assert_int_equal(attach(f), 0);
	at_step = move;
	assert_int_equal(peeps_cut(&f->target, &f->image, 0, &f->problem), 0);
	assert_int_equal(f->image.quality, PEEPS_QUALITY_PASSIVE);
	assert_true(edge_of(&f->image, f->deadlock.beta_wait)->uncertain);
	assert_false(edge_of(&f->image, f->deadlock.alpha_wait)->uncertain);
	/* what it did since the last look is seen, too; and what was counted as lost */
	at_step = NULL;
	*(uint64_t *)(shared.base + fake_section(&shared, PEEPS_SECTION_COUNTERS)->offset) = 77;
	assert_int_equal(peeps_cut(&f->target, &f->image, 0, &f->problem), 0);
	assert_int_equal(f->image.quality, PEEPS_QUALITY_QUIESCENT);
	assert_false(edge_of(&f->image, f->deadlock.beta_wait)->uncertain);
	assert_int_equal(f->image.counters[0], 77);
	for (size_t i = 0; i < f->image.edge_count; i++) {
		if (f->image.edges[i].index == f->deadlock.beta_wait)
			assert_int_equal(f->image.edges[i].wait,
					 shared.edges[f->deadlock.beta_wait].wait);
	}
	peeps_detach(&f->target);
	unmap_shared();
	fake_process_end(&process);
}

static void grow(struct fixture *f, unsigned int step)
{
	(void)f;
	if (step == PEEPS_STEP_LOOK_SCANNED)
		fake_section(&shared, PEEPS_SECTION_SITES)->high_water++;
}

static void attach_file__a_mark_rises_while_we_look__is_not_quiescent(void **state)
{
	struct fixture *f = *state;
	struct fake_process process;

	write_segment(&f->segment, f->path);
	fake_process_start(&process, live, f->path);
	map_shared(f->path);
	assert_int_equal(attach(f), 0);
	at_step = grow;
	assert_int_equal(peeps_cut(&f->target, &f->image, 0, &f->problem), 0);
	assert_int_equal(f->image.quality, PEEPS_QUALITY_PASSIVE);
	peeps_detach(&f->target);
	unmap_shared();
	fake_process_end(&process);
}

static void attach_file__shrinks_while_we_look__is_an_error(void **state)
{
	struct fixture *f = *state;
	const size_t before = count_descriptors();
	struct fake_process process;

	write_segment(&f->segment, f->path);
	fake_process_start(&process, live, f->path);
	assert_int_equal(attach(f), 0);
	at_step = shrink;
	assert_int_equal(peeps_cut(&f->target, &f->image, 0, &f->problem), -EBADMSG);
	assert_int_equal(f->problem.status, 6);
	assert_non_null(strstr(f->problem.why, "shorter"));
	peeps_detach(&f->target);
	fake_process_end(&process);
	assert_int_equal(count_descriptors(), before);
}

/* --- the directory ------------------------------------------------------------------------------------------------ */

static enum peeps_kept_state state_of(struct fixture *f, const char *name)
{
	enum peeps_kept_state state = PEEPS_KEPT_OTHER;
	struct peeps_kept *list = NULL;
	size_t count = 0;
	bool found = false;

	assert_int_equal(peeps_kept_list(f->directory_fd, &list, &count), 0);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(list[i].name, name) == 0) {
			state = list[i].state;
			found = true;
		}
	}
	free(list);
	assert_true(found);
	return state;
}

#define FAKE_FILE "fake-4711-00000000.peeps"

static void kept_list__whose_process_lives__is_live(void **state)
{
	static const struct {
		const char *name;
		void (*body)(void *path);
		enum peeps_kept_state expected;
	} rows[] = {
		{ "mapped and open", live, PEEPS_KEPT_LIVE },
		{ "only mapped", live_without_descriptor, PEEPS_KEPT_LIVE },
		{ "neither: another program", live_without_mapping, PEEPS_KEPT_STALE },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fake_process process;

		write_segment(&f->segment, f->path);
		fake_process_start(&process, rows[i].body, f->path);
		if (state_of(f, FAKE_FILE) != rows[i].expected)
			fail_msg("%s", rows[i].name);
		fake_process_end(&process);
		if (state_of(f, FAKE_FILE) != PEEPS_KEPT_STALE)
			fail_msg("%s, ended", rows[i].name);
	}
}

static void change_boot(void *path)
{
	map_shared(path);
	fake_segment_adopt(&shared);
	memset(shared.header->boot_id, 7, 16);
	fake_process_rest();
}

static void change_start(void *path)
{
	map_shared(path);
	fake_segment_adopt(&shared);
	shared.header->start_time_ticks--;
	fake_process_rest();
}

static void kept_list__of_another_boot_or_an_earlier_process__is_stale(void **state)
{
	struct fixture *f = *state;
	struct fake_process process;

	write_segment(&f->segment, f->path);
	fake_process_start(&process, change_boot, f->path);
	assert_int_equal(state_of(f, FAKE_FILE), PEEPS_KEPT_STALE);
	fake_process_end(&process);
	write_segment(&f->segment, f->path);
	fake_process_start(&process, change_start, f->path);
	assert_int_equal(state_of(f, FAKE_FILE), PEEPS_KEPT_STALE);
	fake_process_end(&process);
}

/* Of a process in another PID namespace nothing is seen but this. */
static void kept_list__locked__is_live_whoever_that_is(void **state)
{
	struct fixture *f = *state;
	int fd;

	write_segment(&f->segment, f->path);
	fd = open(f->path, O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(state_of(f, FAKE_FILE), PEEPS_KEPT_LIVE);
	assert_int_equal(attach(f), 0);
	assert_false(f->target.is_over);
	assert_int_equal(f->target.proc_fd, -1);
	assert_int_equal(peeps_cut(&f->target, &f->image, 0, &f->problem), 0);
	assert_false(f->image.exited);
	peeps_detach(&f->target);
	(void)close(fd);
	assert_int_equal(state_of(f, FAKE_FILE), PEEPS_KEPT_STALE);
}

static void touch(struct fixture *f, const char *name, int64_t age_s)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = time(NULL) - age_s } };
	const int fd = openat(f->directory_fd, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(futimens(fd, times), 0);
	(void)close(fd);
}

/* Its writer may be about to lock it, and keeps nothing where it cannot. */
static void kept_list__just_made__lock_is_not_tried(void **state)
{
	struct fixture *f = *state;

	touch(f, "young-2147483647-00.peeps", 0);
	locks_tried = 0;
	assert_int_equal(state_of(f, "young-2147483647-00.peeps"), PEEPS_KEPT_LIVE);
	assert_int_equal(locks_tried, 0);
	touch(f, "young-2147483647-00.peeps", 100);
	assert_int_equal(state_of(f, "young-2147483647-00.peeps"), PEEPS_KEPT_STALE);
	assert_true(locks_tried > 0);
}

static void kept_list__what_is_no_segment__is_other(void **state)
{
	struct fixture *f = *state;
	char name[64], path[160];
	struct peeps_kept *list = NULL;
	size_t count = 0;

	(void)snprintf(name, sizeof(name), "alive-%d-00.peeps", (int)getpid());
	touch(f, name, 100);
	assert_int_equal(state_of(f, name), PEEPS_KEPT_LIVE);
	touch(f, "young-2147483647-00.peeps", 0);
	assert_int_equal(state_of(f, "young-2147483647-00.peeps"), PEEPS_KEPT_LIVE);
	touch(f, "old-2147483647-00.peeps", 100);
	assert_int_equal(state_of(f, "old-2147483647-00.peeps"), PEEPS_KEPT_STALE);
	touch(f, "of-no-process.peeps", 100);
	assert_int_equal(state_of(f, "of-no-process.peeps"), PEEPS_KEPT_OTHER);

	(void)snprintf(path, sizeof(path), "%s/link.peeps", f->directory);
	write_segment(&f->segment, f->path);
	assert_int_equal(symlink(f->path, path), 0);
	assert_int_equal(state_of(f, "link.peeps"), PEEPS_KEPT_OTHER);
	assert_int_equal(chmod(f->path, 0660), 0);
	assert_int_equal(state_of(f, FAKE_FILE), PEEPS_KEPT_OTHER);
	f->segment.header->layout_major = 3;
	write_segment(&f->segment, f->path);
	assert_int_equal(chmod(f->path, 0600), 0);
	assert_int_equal(state_of(f, FAKE_FILE), PEEPS_KEPT_OTHER);

	touch(f, "peeps", 100);
	touch(f, ".peeps", 100);
	touch(f, "x.peeps.old", 100);
	assert_int_equal(peeps_kept_list(f->directory_fd, &list, &count), 0);
	assert_int_equal(count, 6);
	for (size_t i = 1; i < count; i++)
		assert_true(strcmp(list[i - 1].name, list[i].name) < 0);
	free(list);
}

static struct peeps_kept only_one(struct fixture *f)
{
	struct peeps_kept *list = NULL, kept;
	size_t count = 0;

	assert_int_equal(peeps_kept_list(f->directory_fd, &list, &count), 0);
	assert_int_equal(count, 1);
	kept = list[0];
	free(list);
	return kept;
}

static void kept_remove__stale_and_the_same__is_removed(void **state)
{
	struct fixture *f = *state;
	struct peeps_kept kept;
	int fd;

	write_segment(&f->segment, f->path);
	kept = only_one(f);
	assert_int_equal(kept.state, PEEPS_KEPT_STALE);
	assert_int_equal(kept.pid, INT32_MAX);
	assert_string_equal(kept.process_name, FAKE_NAME);
	fd = peeps_kept_open(f->directory_fd, &kept);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0); /* somebody's after all */
	assert_int_equal(peeps_kept_remove(f->directory_fd, &kept), -EBUSY);
	(void)flock(fd, LOCK_UN);
	/* another file of that name, while the first one is open: not the same inode */
	(void)unlink(f->path);
	write_segment(&f->segment, f->path);
	assert_int_equal(peeps_kept_remove(f->directory_fd, &kept), -ENOENT);
	assert_int_equal(peeps_kept_open(f->directory_fd, &kept), -ENOENT);
	assert_int_equal(access(f->path, F_OK), 0);
	(void)close(fd);
	kept = only_one(f);
	assert_int_equal(peeps_kept_remove(f->directory_fd, &kept), 0);
	assert_int_equal(access(f->path, F_OK), -1);
	assert_int_equal(peeps_kept_remove(f->directory_fd, &kept), -ENOENT);
}

static void kept_directory_open__unsound__says_why(void **state)
{
	struct fixture *f = *state;
	char path[160];
	int fd;

	fd = peeps_kept_directory_open(f->directory, &f->problem);
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(chmod(f->directory, 0720), 0);
	assert_int_equal(peeps_kept_directory_open(f->directory, &f->problem), -EACCES);
	assert_int_equal(f->problem.status, 5);
	assert_int_equal(chmod(f->directory, 0702), 0);
	assert_int_equal(peeps_kept_directory_open(f->directory, &f->problem), -EACCES);
	assert_int_equal(chmod(f->directory, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/missing", f->directory);
	assert_int_equal(peeps_kept_directory_open(path, &f->problem), -ENOENT);
	assert_int_equal(f->problem.status, 3);
	assert_int_equal(symlink(f->directory, path), 0);
	assert_true(peeps_kept_directory_open(path, &f->problem) < 0);
	if (geteuid() == 0) {
		assert_int_equal(seteuid(65534), 0);
		assert_int_equal(peeps_kept_directory_open("/dev/shm", &f->problem), -EACCES);
		assert_int_equal(seteuid(0), 0);
	}
}

static void kept_is_name__names_and_links__by_their_end(void **state)
{
	(void)state;
	assert_true(peeps_kept_is_name("a.peeps"));
	assert_true(peeps_kept_is_name("/dev/shm/p/a-1-2.peeps (deleted)"));
	assert_false(peeps_kept_is_name(".peeps"));
	assert_false(peeps_kept_is_name("peeps"));
	assert_false(peeps_kept_is_name("/memfd:peeps (deleted)"));
	assert_false(peeps_kept_is_name(" (deleted)"));
	assert_false(peeps_kept_is_name(""));
	assert_null(peeps_kept_refusal(PEEPS_COMPAT_KEPT));
	for (uint32_t why = 1; why < 16; why++)
		assert_non_null(peeps_kept_refusal(why << PEEPS_COMPAT_NOT_KEPT_SHIFT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
		WITH_FILE(attach_file__process_is_no_more__exact_and_dated_back),
		WITH_FILE(attach_file__no_tick__dated_by_the_last_stamp_that_can_be),
		WITH_FILE(attach_file__died_inside_an_update__partial_and_the_thread_is_named),
		WITH_FILE(attach_file__unsound_file__says_why),
		WITH_FILE(attach_file__somebody_elses__only_root_reads_it),
		WITH_FILE(attach_file__claims_more_than_it_has__is_refused),
		WITH_FILE(private_copy__rows_beyond_the_marks__are_not_read),
		WITH_FILE(attach__live_process__found_by_pid_and_by_file),
		WITH_FILE(attach__other_file_of_such_a_name__is_no_segment),
		WITH_FILE(attach__no_regular_file_of_such_a_name__is_not_even_opened),
		WITH_FILE(attach__descriptor_closed__found_by_the_path_of_its_mapping),
		WITH_FILE(attach_file__a_thread_moves_while_we_look__what_it_wrote_is_uncertain),
		WITH_FILE(attach_file__a_mark_rises_while_we_look__is_not_quiescent),
		WITH_FILE(attach_file__shrinks_while_we_look__is_an_error),
		WITH_FILE(kept_list__whose_process_lives__is_live),
		WITH_FILE(kept_list__of_another_boot_or_an_earlier_process__is_stale),
		WITH_FILE(kept_list__locked__is_live_whoever_that_is),
		WITH_FILE(kept_list__just_made__lock_is_not_tried),
		WITH_FILE(kept_list__what_is_no_segment__is_other),
		WITH_FILE(kept_remove__stale_and_the_same__is_removed),
		WITH_FILE(kept_directory_open__unsound__says_why),
		WITH_FILE(kept_is_name__names_and_links__by_their_end),
	};

	return cmocka_run_group_tests_name("kept", tests, NULL, NULL);
}
