/* SPDX-License-Identifier: MIT */
#include "reader/target/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <peeps/atomic.h>
#include "reader/cut/image.h"
#include "reader/target/attach.h"
#include "reader/target/bounds.h"

ssize_t peeps_proc_read(int directory, const char *path, char *text, size_t room)
{
	const int fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t got = 0;

	if (fd < 0)
		return -errno;
	while (length < room - 1) {
		got = read(fd, text + length, room - 1 - length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		length += (size_t)got;
	}
	if (got < 0)
		got = -errno;
	(void)close(fd);
	text[length] = '\0';
	return got < 0 ? got : (ssize_t)length;
}

int peeps_proc_open_place(int place, int flags)
{
	char path[32];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", place);
	fd = open(path, flags);
	return fd < 0 ? -errno : fd;
}

int peeps_proc_open(pid_t pid)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* The name in field 2 may hold anything: fields are counted from its end. */
int peeps_proc_stat_read(int directory, const char *path, struct peeps_proc_stat *stat)
{
	char text[1024];
	const char *field;
	const ssize_t length = peeps_proc_read(directory, path, text, sizeof(text));

	if (length < 0)
		return (int)length;
	field = strrchr(text, ')');
	if (!field || field[1] != ' ' || field[2] == '\0')
		return -ESRCH;
	*stat = (struct peeps_proc_stat){ .state = field[2] };
	for (int number = 3; (field = strchr(field + 1, ' ')); number++) {
		if (number == 9)
			stat->flags = strtoull(field + 1, NULL, 10);
		else if (number == 20)
			stat->thread_count = strtoull(field + 1, NULL, 10);
		else if (number == 22)
			stat->start_time_ticks = strtoull(field + 1, NULL, 10);
	}
	return 0;
}

uint64_t peeps_proc_status_number(const char *status, const char *name, unsigned int field,
				  uint64_t missing)
{
	const size_t length = strlen(name);
	const char *line = status;
	uint64_t number = missing;
	char *end;

	while (strncmp(line, name, length) != 0 || line[length] != ':') {
		line = strchr(line, '\n');
		if (!line)
			return missing;
		line++;
	}
	end = (char *)line + length + 1;
	for (unsigned int i = 0; i <= field; i++)
		number = strtoull(end, &end, 10);
	return number;
}

/* The last number of the status file's NSpid: the id in the innermost namespace. 0 = not known. */
static uint32_t namespaced_id(int directory, const char *path)
{
	char text[PEEPS_PROC_STATUS_BYTES];
	const char *line, *last;

	if (peeps_proc_read(directory, path, text, sizeof(text)) < 0)
		return 0;
	line = strstr(text, "\nNSpid:");
	if (!line)
		return 0;
	line += strlen("\nNSpid:");
	last = line + strcspn(line, "\n");
	while (last > line && last[-1] != '\t' && last[-1] != ' ')
		last--;
	return (uint32_t)strtoul(last, NULL, 10);
}

int peeps_proc_identify(int proc_fd, struct peeps_proc_identity *identity)
{
	struct peeps_proc_stat stat;

	if (peeps_proc_stat_read(proc_fd, "stat", &stat) < 0)
		return -ESRCH;
	*identity = (struct peeps_proc_identity){
		.own_pid = namespaced_id(proc_fd, "status"),
		.start_time_ticks = stat.start_time_ticks,
		.state = stat.state,
	};
	return 0;
}

/* Other threads vanish; the main one stays, as a zombie, while the process lives. */
static bool main_thread_left(const struct peeps_target *target)
{
	struct peeps_proc_stat stat;

	return peeps_proc_stat_read(target->proc_fd, "stat", &stat) < 0 || stat.state == 'Z' ||
	       stat.state == 'X';
}

bool peeps_proc_has_exited(const struct peeps_target *target)
{
	struct pollfd pidfd = { .fd = target->pidfd, .events = POLLIN };

	if (target->pidfd >= 0)
		return poll(&pidfd, 1, 0) > 0 && pidfd.revents & POLLIN;
	return main_thread_left(target);
}

/* Field 5 of a line of maps; 0 = of no file. */
static uint64_t maps_inode(const char *line)
{
	for (int field = 1; field < 5; field++) {
		line += strcspn(line, " ");
		line += strspn(line, " ");
	}
	return strtoull(line, NULL, 10);
}

int peeps_proc_maps_each(int proc_fd, bool (*each)(void *context, char *line), void *context)
{
	const int fd = openat(proc_fd, "maps", O_RDONLY | O_CLOEXEC);
	FILE *maps = fd < 0 ? NULL : fdopen(fd, "re");
	char *line = NULL;
	size_t room = 0;
	int r = -ENODATA;

	if (!maps) {
		r = -errno;
		if (fd >= 0)
			(void)close(fd);
		return r;
	}
	while (r != 1 && getline(&line, &room, maps) > 0) {
		line[strcspn(line, "\n")] = '\0';
		r = each(context, line);
	}
	free(line);
	(void)fclose(maps);
	return r;
}

static bool is_of_inode(void *context, char *line)
{
	const uint64_t *inode = context;

	return maps_inode(line) == *inode;
}

/* A program may close our descriptor: then its mappings tell. */
bool peeps_proc_has_mapped(int proc_fd, uint64_t inode)
{
	return peeps_proc_maps_each(proc_fd, is_of_inode, &inode) != 0;
}

int peeps_proc_check(const struct peeps_target *target)
{
	struct stat ours, theirs;

	if (target->proc_fd < 0)
		return 0;
	if (peeps_proc_has_exited(target))
		return -ESRCH;
	if (fstat(target->segment_fd, &ours) != 0)
		return 0;
	if (fstatat(target->proc_fd, target->link, &theirs, 0) == 0 &&
	    theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev)
		return 0;
	if (peeps_proc_has_mapped(target->proc_fd, (uint64_t)ours.st_ino))
		return 0;
	return peeps_proc_has_exited(target) ? -ESRCH : -ESTALE;
}

/*
 * The process's threads as the kernel lists them, by the ids that the process itself knows them by. One more read
 * for each, but only if it lives in another PID namespace.
 */
struct tid_pair {
	uint32_t own;
	uint32_t ours;
};

static bool same_namespace(const struct peeps_target *target)
{
	return target->header.pid == (uint32_t)target->pid;
}

static uint32_t own_tid(const struct peeps_target *target, uint32_t tid)
{
	char path[48];

	if (same_namespace(target))
		return tid;
	(void)snprintf(path, sizeof(path), "task/%" PRIu32 "/status", tid);
	return namespaced_id(target->proc_fd, path);
}

/* struct linux_dirent64, which glibc does not declare. */
struct directory_entry {
	uint64_t inode;
	int64_t offset;
	uint16_t length;
	uint8_t type;
	char name[];
};

/**
 * tasks_each - call back for every thread of the target, until it returns true
 *
 * By the system call, because readdir() allocates and this is also needed under the lock.
 * Returns whether a call returned true.
 */
static bool tasks_each(const struct peeps_target *target, bool (*each)(void *context, uint32_t tid),
		       void *context)
{
	_Alignas(struct directory_entry) char entries[4096];
	const int fd = openat(target->proc_fd, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool stop = false;
	long got;

	if (fd < 0)
		return false;
	while (!stop && (got = syscall(SYS_getdents64, fd, entries, sizeof(entries))) > 0) {
		const struct directory_entry *entry;

		for (long at = 0; at < got && !stop; at += entry->length) {
			entry = (const struct directory_entry *)(entries + at);
			if (entry->name[0] != '.')
				stop = each(context, (uint32_t)strtoul(entry->name, NULL, 10));
		}
	}
	(void)close(fd);
	return stop;
}

struct tid_search {
	const struct peeps_target *target;
	struct tid_pair pair;
};

static bool tid_matches(void *context, uint32_t tid)
{
	struct tid_search *search = context;

	search->pair.ours = tid;
	return own_tid(search->target, tid) == search->pair.own;
}

/* What we call the thread that the process calls so; 0 = there is none. */
static uint32_t our_tid(const struct peeps_target *target, uint64_t tid)
{
	struct tid_search search = { .target = target, .pair.own = (uint32_t)tid };

	if (target->proc_fd < 0 || tid == 0 || tid > INT32_MAX)
		return 0;
	if (same_namespace(target))
		return (uint32_t)tid;
	return tasks_each(target, tid_matches, &search) ? search.pair.ours : 0;
}

char peeps_proc_thread_state(const struct peeps_target *target, uint64_t tid)
{
	const uint32_t ours = our_tid(target, tid);
	struct peeps_proc_stat stat;
	char path[48];
	int r;

	if (ours == 0)
		return PEEPS_PROC_GONE;
	(void)snprintf(path, sizeof(path), "task/%" PRIu32 "/stat", ours);
	r = peeps_proc_stat_read(target->proc_fd, path, &stat);
	if (r == -ENOENT || r == -ESRCH)
		return PEEPS_PROC_GONE;
	return r < 0 ? 'R' : stat.state;
}

static bool comm_read(const struct peeps_target *target, uint32_t ours, char *name, size_t room)
{
	char path[48];
	ssize_t length;

	(void)snprintf(path, sizeof(path), "task/%" PRIu32 "/comm", ours);
	length = peeps_proc_read(target->proc_fd, path, name, room);
	if (length < 0)
		length = 0;
	if (length > 0 && name[length - 1] == '\n')
		length--;
	name[length] = '\0';
	return length > 0;
}

void peeps_proc_thread_name(const struct peeps_target *target, uint64_t tid, char *name,
			    size_t room)
{
	const uint32_t ours = our_tid(target, tid);

	name[0] = '\0';
	if (ours)
		(void)comm_read(target, ours, name, room);
}

struct tid_list {
	const struct peeps_target *target;
	struct tid_pair *pairs;
	size_t count;
	size_t room;
	bool failed;
};

static bool tid_list_add(void *context, uint32_t tid)
{
	struct tid_list *list = context;

	if (list->count == list->room) {
		const size_t room = list->room ? list->room * 2 : 64;
		struct tid_pair *pairs = reallocarray(list->pairs, room, sizeof(*pairs));

		if (!pairs) {
			list->failed = true;
			return true;
		}
		list->pairs = pairs;
		list->room = room;
	}
	list->pairs[list->count++] =
		(struct tid_pair){ .own = own_tid(list->target, tid), .ours = tid };
	return false;
}

static int tid_compare(const void *a, const void *b)
{
	const struct tid_pair *left = a, *right = b;

	return left->own < right->own ? -1 : left->own > right->own;
}

static const struct tid_pair *tid_find(const struct tid_list *list, uint64_t tid)
{
	const struct tid_pair key = { .own = (uint32_t)tid };

	if (tid == 0 || tid > UINT32_MAX || list->count == 0)
		return NULL;
	return bsearch(&key, list->pairs, list->count, sizeof(key), tid_compare);
}

/* The program's own name for a thread wins, so the kernel's need not be read. */
static bool is_named(const struct peeps_image *image, const struct peeps_thread_view *thread)
{
	const struct peeps_entity_view *entity;

	if (thread->entity == 0)
		return false;
	entity = peeps_image_entity(image, (uint32_t)(thread->entity & PEEPS_REF_INDEX_MASK));
	return entity && entity->body[PEEPS_THREAD_NAME_WORD] != 0;
}

static void thread_complete(const struct peeps_target *target, struct peeps_image *image,
			    const struct tid_list *list, size_t record)
{
	const struct peeps_thread *live =
		peeps_row(peeps_bounds_rows(target, PEEPS_SECTION_THREADS), record);
	struct peeps_thread_view *thread = &image->threads[record];
	const struct tid_pair *pair = tid_find(list, thread->tid);

	thread->exists = pair && !(pair->ours == (uint32_t)target->pid && main_thread_left(target));
	/* Acquire: after the kernel was asked. A thread that had gone by then began its last section before. */
	if (peeps_load_acquire(&live->txn) != thread->txn)
		thread->settled = false;
	if (thread->exists && !is_named(image, thread))
		(void)comm_read(target, pair->ours, thread->comm, sizeof(thread->comm));
}

void peeps_proc_command(int proc_fd, char *text, size_t room)
{
	ssize_t length = peeps_proc_read(proc_fd, "cmdline", text, room);

	if (length < 0)
		length = 0;
	while (length > 0 && text[length - 1] == '\0')
		length--;
	for (ssize_t i = 0; i < length; i++) {
		if (text[i] == '\0')
			text[i] = ' ';
	}
	text[length] = '\0';
}

/* Whoever asks why a process does nothing has the answer there. */
static void stop_note(const struct peeps_target *target, struct peeps_image *image)
{
	struct peeps_proc_identity identity;

	if (peeps_proc_identify(target->proc_fd, &identity) != 0)
		return;
	if (identity.state == 'T')
		peeps_image_note(
			image,
			"the process is stopped, by SIGSTOP or its like: nothing in it goes on");
	else if (identity.state == 't')
		peeps_image_note(image,
				 "the process is stopped by a debugger: nothing in it goes on");
}

int peeps_image_read_names(const struct peeps_target *target, struct peeps_image *image)
{
	struct tid_list list = { .target = target };
	struct peeps_problem unused;
	bool moved;

	if (target->proc_fd < 0)
		return 0;
	(void)tasks_each(target, tid_list_add, &list);
	if (list.failed) {
		free(list.pairs);
		return -ENOMEM;
	}
	/* thread_complete() looks at what each did until now. */
	moved = peeps_target_refresh(target, PEEPS_PART_THREADS, &unused) != 0;
	if (list.count > 1)
		qsort(list.pairs, list.count, sizeof(*list.pairs), tid_compare);
	for (size_t record = 0; record < image->thread_count; record++) {
		thread_complete(target, image, &list, record);
		image->threads[record].settled &= !moved;
	}
	peeps_proc_command(target->proc_fd, image->cmdline, sizeof(image->cmdline));
	stop_note(target, image);
	/* Of a process that is no more, nothing can be told from threads that are no more. */
	image->names_read = !image->exited && list.count > 0;
	free(list.pairs);
	return 0;
}
