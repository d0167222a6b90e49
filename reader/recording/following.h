/* SPDX-License-Identifier: MIT */
/* Which processes a recording looks at: those that were named by their PID, and all that have a name, as they come and go. */
#ifndef PEEPS_READER_FOLLOWING_H
#define PEEPS_READER_FOLLOWING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "reader/look/place.h"
#include "reader/recording/known.h"
#include "reader/target/attach.h"

#define PEEPS_FOLLOWED_MAX 64 /* in one cut */

struct peeps_followed {
	pid_t pid;
	int proc_fd;    /* /proc/PID: as long as that can be read, it is the same process */
	char label[96]; /* what it is called: its proc_key, else its PID */
};

/* Something that is worth a line. label is of a process's making. */
typedef void peeps_following_fn(void *context, const char *label, const char *what);

struct peeps_following {
	peeps_following_fn *tell; /* NULL: nobody wants to know */
	void *context;
	size_t name_count, count;
	const char *names[PEEPS_FOLLOWED_MAX];
	struct peeps_followed followed[PEEPS_FOLLOWED_MAX];
	struct peeps_known known;
	uint64_t scan_after_ns; /* CLOCK_MONOTONIC: not before that are names looked for again */
	bool has_scanned;       /* once: what it finds from now on has just begun */
	bool told_of_more;      /* than there is room for */
	pid_t refused
		[PEEPS_FOLLOWED_MAX]; /* what has the name, and cannot be looked at: told once */
	size_t refused_count;
};

/**
 * peeps_following_init - undo with peeps_following_deinit()
 * @words: borrowed. A number is a PID: it has to be there, and to be one that can be looked at. Any other is a name
 *
 * Returns 0 or -errno with the problem filled.
 */
int peeps_following_init(struct peeps_following *following, const char *const *words, size_t count,
			 struct peeps_problem *problem);
void peeps_following_deinit(struct peeps_following *following);

/**
 * peeps_following_update - forget who has ended, and find who has begun
 *
 * Who has just begun is seen at once; who was there already, and gets the name or a segment only now, within
 * PEEPS_KNOWN_FOR_NS. /proc is searched for no more than a twentieth of the time: if that takes long, less often.
 */
void peeps_following_update(struct peeps_following *following);

/**
 * peeps_following_forget - forget who cannot be looked at, after a look has failed
 *
 * Returns how many were forgotten.
 */
size_t peeps_following_forget(struct peeps_following *following);

/* Whether there will never be any. */
bool peeps_following_is_over(const struct peeps_following *following);

/* As places to look at: room for all. */
void peeps_following_places(const struct peeps_following *following,
			    struct peeps_place places[static PEEPS_FOLLOWED_MAX]);

#endif
