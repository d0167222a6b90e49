/* SPDX-License-Identifier: MIT */
/* What a cut says, in the shape the invariants are written in; the same from an image and from a decoded graph. */
#ifndef PEEPS_TESTS_STRESS_FACTS_H
#define PEEPS_TESTS_STRESS_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reader/cut/image.h"
#include "reader/graph/graph.h"

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

/* Both ends of a channel, put together. */
struct channel_fact {
	char name[FACTS_NAME];
	uint64_t capacity; /* 0 = unbounded */
	uint64_t sent, received, discarded, queue_len, high_watermark;
	uint64_t sender_count;
	unsigned int close_cause;
	bool sender_closed, receiver_closed;
	unsigned int sender_holds, receiver_holds; /* handles that somebody owns */
	bool uncertain;
};

/* A oneshot, or a watch: both ends, put together. */
struct single_fact {
	char name[FACTS_NAME];
	uint32_t kind;                    /* of the sending end */
	unsigned int state;               /* of a oneshot */
	uint64_t changes, receiver_count; /* of a watch */
	unsigned int close_cause;
	bool sender_closed, receiver_closed;
	bool ended; /* it says since when */
	unsigned int sender_holds, receiver_holds;
	bool uncertain;
};

/* A broadcast's sending end, and its receiving ends put together. */
struct bus_fact {
	char name[FACTS_NAME];
	uint64_t capacity, sent, receiver_count;
	bool waits;
	bool uncertain;
	unsigned int receivers; /* that are there */
	uint64_t most_behind;   /* of all receivers */
	uint64_t received, missed,
		passed; /* by all of them together; passed: items before their places */
};

struct semaphore_fact {
	char name[FACTS_NAME];
	uint64_t max, anonymous_releases;
	int64_t unattributed;
	uint64_t held; /* by all */
	int64_t available;
	bool uncertain;
};

/* Of a semaphore. */
struct permit_fact {
	int actor;     /* position in threads */
	int semaphore; /* position in semaphores */
	uint64_t count;
	bool uncertain;
};

struct rwlock_fact {
	char name[FACTS_NAME];
	uint64_t anonymous_unlocks;
	int writer; /* position in threads */
	bool uncertain;
};

/* Of a rwlock. */
struct read_fact {
	int actor;  /* position in threads */
	int rwlock; /* position in rwlocks */
	uint64_t count;
	bool uncertain;
};

struct notify_fact {
	char name[FACTS_NAME];
	uint64_t notifies;
	uint64_t permits; /* stored */
	bool uncertain;
};

/* Somebody's place in a scope, by name. */
struct membership_fact {
	char scope[FACTS_NAME];
	char member[FACTS_NAME];
};

struct wait_fact {
	int actor;     /* position in threads */
	uint32_t kind; /* of the resource: PEEPS_KIND_*; 0 = it is not there */
	int resource;  /* position among those of its kind; of an end: in channels, or singles */
	bool uncertain;
};

struct facts {
	size_t mutex_count, thread_count, wait_count, channel_count, semaphore_count, permit_count;
	size_t rwlock_count, read_count, notify_count;
	size_t single_count, bus_count;
	size_t scope_count, membership_count;
	struct mutex_fact mutexes[FACTS_MAX];
	struct thread_fact threads[FACTS_MAX];
	struct wait_fact waits[FACTS_MAX]; /* pending ones */
	struct channel_fact channels[FACTS_MAX];
	struct single_fact singles[FACTS_MAX];
	struct bus_fact buses[FACTS_MAX];
	struct semaphore_fact semaphores[FACTS_MAX];
	struct permit_fact permits[FACTS_MAX];
	struct rwlock_fact rwlocks[FACTS_MAX];
	struct read_fact reads[FACTS_MAX];
	struct notify_fact notifies[FACTS_MAX];
	char scopes[FACTS_MAX][FACTS_NAME];
	struct membership_fact memberships[FACTS_MAX];
	uint64_t fingerprint; /* of an image: another one when a writer got anywhere */
	char damage[160];     /* empty, or what no cut may hold */
};

void facts_forget(struct facts *facts);

/* The first such is kept. */
void facts_damaged(struct facts *facts, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* One more receiver of a broadcast. */
void facts_bus_receiver(struct bus_fact *bus, uint64_t lag, uint64_t received, uint64_t missed,
			bool uncertain);

void facts_from_image(struct facts *facts, const struct peeps_image *image);
void facts_from_graph(struct facts *facts, const struct peeps_graph *graph, size_t image_notes);

#endif
