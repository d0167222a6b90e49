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
	PEEPS_PLACE_DATABASE, /* of SQLite: word is its path, by which it is opened */
};

struct peeps_place {
	enum peeps_place_kind kind;
	pid_t pid;        /* of a process; else 0 */
	int fd;           /* of a file but a database, open for reading at its begin; else -1 */
	const char *word; /* as it was written: borrowed */
};

/**
 * peeps_places_find - what each of the words means
 * @places: room for *count; on success each may hold an open file, which peeps_places_close() closes
 * @count:  of words; on success of places, which are in the order of the words, none twice; on failure position of the
 *          word that is at fault
 *
 * A number is a PID, whether or not there is such a process. "-" is standard input, and a word with a slash in it a
 * file, which is told by its first bytes (reader/look/file.h); so is one that names a file of ours. Else it is the name of a
 * process that can be looked at: what peeps calls it, its proc_key, or what the kernel calls it or its program, the
 * first of these that anything has. If several have it, the problem lists them.
 * Returns 0 or -errno with the problem filled.
 */
int peeps_places_find(struct peeps_place *places, const char *const *words, size_t *count,
		      struct peeps_problem *problem);

/* The same; a name may also be that of a process that cannot be looked at. */
int peeps_places_find_any(struct peeps_place *places, const char *const *words, size_t *count,
			  struct peeps_problem *problem);
void peeps_places_close(struct peeps_place *places, size_t count);

/**
 * peeps_place_of_id - the process that an id is of, by its second part: "mutex:bank-4711:accounts"
 * @place: word is the id: borrowed
 *
 * Returns 0 or -errno with the problem filled.
 */
int peeps_place_of_id(struct peeps_place *place, const char *id, struct peeps_problem *problem);

#endif
