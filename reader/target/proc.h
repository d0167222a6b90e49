/* SPDX-License-Identifier: MIT */
/* What /proc says of the target: who it is, whether it still is, and what its threads do. */
#ifndef PEEPS_READER_PROC_H
#define PEEPS_READER_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct peeps_image;
struct peeps_target;

#define PEEPS_PROC_GONE '\0' /* state of a thread that the kernel does not know */

#define PEEPS_PROC_STATUS_BYTES 8192 /* room for a status file */

/* Of a stat file. */
struct peeps_proc_stat {
	char state;
	uint64_t flags; /* the kernel's PF_* */
	uint64_t thread_count;
	uint64_t start_time_ticks;
};

struct peeps_proc_identity {
	uint32_t own_pid; /* in the innermost PID namespace it is in; 0 = not known */
	uint64_t start_time_ticks;
	char state;
};

/**
 * peeps_proc_read - up to room - 1 bytes of a small file, and a NUL
 *
 * Returns the length, or -errno with an unknown text.
 */
ssize_t peeps_proc_read(int directory, const char *path, char *text, size_t room);

/**
 * peeps_proc_open_place - open what a descriptor made with O_PATH stands for
 * @place: borrowed
 * @flags: of open()
 *
 * What a name or a link leads to may be another thing by the time it is opened; and to open a device may alone wake what
 * is behind it, such as a watchdog. A place can be looked at without being opened, and stays what it is.
 * Returns a descriptor, or -errno.
 */
int peeps_proc_open_place(int place, int flags);

/**
 * peeps_proc_open - /proc/PID, as a directory: as long as that can be read, it is the same process
 *
 * Returns a descriptor for the caller to close, or -1 with errno.
 */
int peeps_proc_open(pid_t pid);

/**
 * peeps_proc_stat_read - the stat file of a process, or of a thread (path "task/TID/stat")
 *
 * Returns 0; -ESRCH it has gone, or the file makes no sense; another -errno of reading it.
 * Context: allocates nothing.
 */
int peeps_proc_stat_read(int directory, const char *path, struct peeps_proc_stat *stat);

/* A number in the text of a status file: field 1 of "Uid" is the effective one. @missing if it is not there. */
uint64_t peeps_proc_status_number(const char *status, const char *name, unsigned int field,
				  uint64_t missing);

/**
 * peeps_proc_maps_each - call back for every line of a process's mappings, without its newline, until that returns true
 * @line: may be written to; of this call only
 *
 * Returns 1 if a call returned true, 0 if none did; -ENODATA the process has no memory of its own (any more);
 * another -errno of reading them.
 */
int peeps_proc_maps_each(int proc_fd, bool (*each)(void *context, char *line), void *context);

/* A process's command line, its words apart by a blank; empty if there is none to read. */
void peeps_proc_command(int proc_fd, char *text, size_t room);

/**
 * peeps_proc_identify - who a process is, by its /proc/PID
 *
 * Returns 0; -ESRCH it has gone.
 */
int peeps_proc_identify(int proc_fd, struct peeps_proc_identity *identity);

/* Whether the whole process has exited; its main thread alone may leave before. */
bool peeps_proc_has_exited(const struct peeps_target *target);

/* Whether the process has a file of that inode mapped. True if its mappings cannot be read (the main thread has left):
 * that is no proof of anything. */
bool peeps_proc_has_mapped(int proc_fd, uint64_t inode);

/**
 * peeps_proc_check - whether the process is still the one that was attached
 *
 * Returns 0; -ESRCH it has exited; -ESTALE it runs another program, or has unmapped its segment. 0 without a process.
 */
int peeps_proc_check(const struct peeps_target *target);

/**
 * peeps_proc_thread_state - the kernel's letter for a thread of the target
 * @tid: as the process sees it
 *
 * PEEPS_PROC_GONE if there is no such thread, or no process to ask; 'R' if the kernel would not say.
 * Context: allocates nothing, so that it may be asked under the lock.
 */
char peeps_proc_thread_state(const struct peeps_target *target, uint64_t tid);

/* The kernel's name of a thread; empty if there is none. */
void peeps_proc_thread_name(const struct peeps_target *target, uint64_t tid, char *name,
			    size_t room);

/**
 * peeps_image_read_names - complete an image by what only the kernel knows
 *
 * The process's command line; of each thread whether it still exists, whether it has done anything since the cut
 * (settled), and, unless the program named it, its name. Costs some microseconds a thread, so cuts do not do it.
 * Returns 0; -ENOMEM. Without a process, nothing is filled.
 */
int peeps_image_read_names(const struct peeps_target *target, struct peeps_image *image);

#endif
