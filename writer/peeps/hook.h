/* SPDX-License-Identifier: MIT */
/* What ties a wrapper in the program's memory to its entity in the segment, and a thread to its
 * record. */
#ifndef PEEPS_HOOK_H
#define PEEPS_HOOK_H

#include <peeps/api.h>
#include <peeps/atomic.h>
#include <peeps/layout.h>
#include <peeps/site.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct peeps_hook - a wrapper's tie to its entity; all zero but for name and site = not tied yet
 * @slot:       valid while generation is that of the process
 * @generation: written last, with release; 0 = never tied
 * @name:       of the entity; with site == &peeps_site_in_name it is
 *              "name\0file\0line\0root\0module\0"
 * @site:       where the wrapper was made; NULL = where it is first used
 * @traits:     the kind's own bits of the status word, e.g. a mutex's type
 *
 * In a child, or with telemetry off, the process's generation is another one, and the wrapper takes
 * the slow path, which ties it anew from name and site or leaves it.
 */
struct peeps_hook {
	struct peeps_entity_slot *slot;
	uint64_t generation;
	const char *name;
	struct peeps_site *site;
	uint64_t traits;
};

/* Marks a static initializer: its place stands behind its name, since constant expressions cannot
 * make a site. */
extern PEEPS_API struct peeps_site peeps_site_in_name;

#define PEEPS_STRING_OF(token)    #token
#define PEEPS_STRING_AFTER(token) PEEPS_STRING_OF(token)
#define PEEPS_HOOK_INIT(literal)                                                          \
	{                                                                                 \
		0, 0,                                                                     \
			literal "\0" __FILE__                                             \
				"\0" PEEPS_STRING_AFTER(__LINE__) "\0" PEEPS_SOURCE_ROOT  \
								  "\0" PEEPS_MODULE "\0", \
			&peeps_site_in_name, 0                                            \
	}

/* Locks that one thread can be seen to read at once. */
#define PEEPS_READS_MAX 64

/**
 * struct peeps_read - a thread's slot for a rwlock that it reads, or read last
 * @slot: its `holds` edge, which counts 0 while the lock is not read
 * @left: acquisitions until the lock is told of them
 * @lot:  how many that will be then
 */
struct peeps_read {
	struct peeps_edge_slot *slot;
	uint32_t left;
	uint32_t lot;
};

/**
 * struct peeps_tls - what the fast paths need of their thread, on one line
 * @thread:     its record; before it has one, and for threads that must not take the fast path
 *              (fence mode, records exhausted), a record that is for ever inside a section
 * @control:    the segment's control page
 * @generation: the word in the page that every kind of child finds wiped to 0
 * @read:       the one that it used last; before that, one of no lock
 */
struct peeps_tls {
	struct peeps_thread *thread;
	struct peeps_control *control;
	const uint64_t *generation;
	struct peeps_read *read;
};

extern PEEPS_API __thread struct peeps_tls peeps_tls __attribute__((tls_model("initial-exec")));

/* A tied hook holds the process's generation plus one, so that neither zeroed memory nor a child's
 * wiped word match. */
PEEPS_INLINE int peeps_hook_ready(const struct peeps_hook *hook)
{
	/* Acquire: the slot before the generation. Pairs with the release in writer/hook.c. */
	return peeps_load_acquire(&hook->generation) ==
	       peeps_load_relaxed(peeps_tls.generation) + 1;
}

#ifdef __cplusplus
}
#endif

#endif
