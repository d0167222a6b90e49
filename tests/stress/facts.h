/* SPDX-License-Identifier: MIT */
/* What a cut says, in the shape the invariants are written in; the same from an image and from a decoded graph. */
#ifndef PEEPS_TESTS_STRESS_FACTS_H
#define PEEPS_TESTS_STRESS_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reader/graph.h"
#include "reader/image.h"

#define FACTS_MAX      512
#define FACTS_NAME     96
#define FACTS_NOBODY   (-1) /* none */
#define FACTS_DANGLING (-2) /* a reference to what is not in the cut */

struct mutex_fact {
	char name[FACTS_NAME];
	unsigned int type;
	uint64_t acquires;
	uint64_t contended;
	int holder;  /* position in threads */
	int creator; /* likewise */
	bool uncertain;
};

struct thread_fact {
	char name[FACTS_NAME]; /* empty: it was not named */
	bool uncertain;
};

struct wait_fact {
	int actor;    /* position in threads */
	int resource; /* position in mutexes */
	bool uncertain;
};

struct facts {
	size_t mutex_count, thread_count, wait_count;
	struct mutex_fact mutexes[FACTS_MAX];
	struct thread_fact threads[FACTS_MAX];
	struct wait_fact waits[FACTS_MAX]; /* pending ones */
	uint64_t fingerprint;              /* of an image: another one when a writer got anywhere */
	char damage[160];                  /* empty, or what no cut may hold */
};

void facts_from_image(struct facts *facts, const struct peeps_image *image);
void facts_from_graph(struct facts *facts, const struct peeps_graph *graph, size_t image_notes);

#endif
