/* SPDX-License-Identifier: MIT */
/* What a target on the command line means: a process, by number or by name, or a file and what it is. */
#ifndef PEEPS_READER_PLACE_H
#define PEEPS_READER_PLACE_H

#include <stddef.h>
#include <sys/types.h>

struct peeps_problem;

enum peeps_place_kind {
	PEEPS_PLACE_PROCESS,
	PEEPS_PLACE_SNAPSHOT, /* the document, in msgpack or JSON, compressed or not */
	PEEPS_PLACE_SEGMENT,  /* a kept segment (PEEPS_DIR), or a copy of one */
	PEEPS_PLACE_CORE,     /* an ELF core file */
};

struct peeps_place {
	enum peeps_place_kind kind;
	pid_t pid;        /* of a process; else 0 */
	int fd;           /* of a file, open for reading at its begin; else -1 */
	const char *word; /* as it was written: borrowed */
};

/**
 * peeps_places_find - what each of the words means
 * @places: room for count; on success each may hold an open file, which peeps_places_close() closes
 *
 * A number is a PID. A word with a slash in it, and one that names a file, is a file, which is told by its first
 * bytes; "-" is standard input. Else it is the name of a process that can be looked at; if several have it, the problem
 * lists them. No place stands twice.
 * Returns 0 or -errno with the problem filled.
 */
int peeps_places_find(struct peeps_place *places, const char *const *words, size_t count,
		      struct peeps_problem *problem);
void peeps_places_close(struct peeps_place *places, size_t count);

#endif
