/* SPDX-License-Identifier: MIT */
/*
 * A program whose allocator is built on our mutex: every malloc() of its own, of libc's and of ours goes through it. With
 * room for fork: the allocator's lock is taken around it, as malloc's own is.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/e2e/way/way.h"

#define ARENA_BYTES ((size_t)256 << 20)
#define CLASSES     24

static struct peeps_mutex heap_lock = PEEPS_MUTEX_INIT("heap");
static struct peeps_mutex cache_lock = PEEPS_MUTEX_INIT("heap's free lists");
static char arena[ARENA_BYTES] __attribute__((aligned(64)));
static size_t arena_used;
static void *free_lists[CLASSES];
static long allocations, frees;

struct head {
	size_t bytes; /* room behind the head */
	size_t unused;
};

static int class_of(size_t bytes)
{
	int class = 0;

	while (class < CLASSES - 1 && ((size_t)32 << class) < bytes)
		class ++;
	return class;
}

static void *take(size_t bytes, size_t alignment)
{
	const int class = class_of(bytes);
	const size_t room = (size_t)32 << class;
	char *block = NULL;

	(void)peeps_mutex_lock(&cache_lock);
	allocations++;
	if (alignment <= 16 && free_lists[class]) {
		block = free_lists[class];
		memcpy(&free_lists[class], block, sizeof(void *));
	}
	(void)peeps_mutex_unlock(&cache_lock);
	if (block)
		return block;
	(void)peeps_mutex_lock(&heap_lock);
	if (arena_used + room + 2 * alignment + sizeof(struct head) <= ARENA_BYTES) {
		block = arena + arena_used + sizeof(struct head);
		block += (alignment - (uintptr_t)block % alignment) % alignment;
		((struct head *)(void *)block)[-1].bytes = room;
		arena_used = (size_t)(block + room - arena);
	}
	(void)peeps_mutex_unlock(&heap_lock);
	if (!block)
		errno = ENOMEM;
	return block;
}

void *malloc(size_t bytes)
{
	return take(bytes, 16);
}

void free(void *block)
{
	if (!block)
		return;
	(void)peeps_mutex_lock(&cache_lock);
	frees++;
	memcpy(block, &free_lists[class_of(((struct head *)block)[-1].bytes)], sizeof(void *));
	free_lists[class_of(((struct head *)block)[-1].bytes)] = block;
	(void)peeps_mutex_unlock(&cache_lock);
}

void *calloc(size_t count, size_t bytes)
{
	void *const block = take(count * bytes, 16);

	return block ? memset(block, 0, count * bytes) : NULL;
}

void *realloc(void *block, size_t bytes)
{
	void *const other = take(bytes, 16);
	size_t old;

	if (!block || !other)
		return other;
	old = ((struct head *)block)[-1].bytes;
	memcpy(other, block, old < bytes ? old : bytes);
	free(block);
	return other;
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
	return take(bytes, alignment < 16 ? 16 : alignment);
}

void *memalign(size_t alignment, size_t bytes)
{
	return aligned_alloc(alignment, bytes);
}

int posix_memalign(void **block, size_t alignment, size_t bytes)
{
	*block = aligned_alloc(alignment, bytes);
	return *block ? 0 : ENOMEM;
}

static void before_fork(void)
{
	(void)peeps_mutex_lock(&cache_lock);
	(void)peeps_mutex_lock(&heap_lock);
}

static void after_fork(void)
{
	(void)peeps_mutex_unlock(&heap_lock);
	(void)peeps_mutex_unlock(&cache_lock);
}

__attribute__((constructor)) static void construct(void)
{
	(void)pthread_atfork(before_fork, after_fork, after_fork);
}

/* Fills what it gets, and finds it so later: no two have the same block. */
static void *churn(void *argument)
{
	const int seed = *(int *)argument;
	unsigned char *blocks[64] = { NULL };
	size_t sizes[64];
	int bad = 0;

	for (int i = 0; i < 4000; i++) {
		const int at = i * 7 % 64;

		for (size_t b = 0; blocks[at] && b < sizes[at]; b++)
			bad += blocks[at][b] != (unsigned char)(seed + at);
		free(blocks[at]);
		sizes[at] = (size_t)(i * 37 % 500 + 1);
		blocks[at] = i % 5 ? malloc(sizes[at]) : calloc(sizes[at], 1);
		memset(blocks[at], (unsigned char)(seed + at), sizes[at]);
	}
	for (int at = 0; at < 64; at++)
		free(blocks[at]);
	*(int *)argument = bad;
	return NULL;
}

static int churn_in_threads(int count)
{
	pthread_t threads[8];
	int seeds[8];
	int bad = 0;

	for (int i = 0; i < count; i++) {
		seeds[i] = i * 100;
		bad += pthread_create(&threads[i], NULL, churn, &seeds[i]);
	}
	for (int i = 0; i < count; i++)
		bad += pthread_join(threads[i], NULL) + seeds[i];
	return bad;
}

static void threads(void)
{
	for (int i = 0; i < way_scaled(5); i++)
		way_say("bad %d", churn_in_threads(4));
	way_say("allocations %s", allocations > 50000 && frees > 50000 ? "many" : "few");
}

static void first_thread_alone(void)
{
	char *text = NULL;
	size_t length = 0;
	FILE *const stream = open_memstream(&text, &length);

	for (int i = 0; i < 10000; i++)
		(void)fprintf(stream, "%d ", i);
	(void)fclose(stream);
	way_say("length %zu", length);
	free(text);
	way_say("bad %d", churn_in_threads(1));
}

static void *mutexes_in_a_thread(void *failures)
{
	for (int i = 0; i < 300; i++) {
		struct peeps_mutex *const m = malloc(sizeof(*m));
		char name[64];

		(void)snprintf(name, sizeof(name), "allocated, number %d", i);
		*(int *)failures += peeps_mutex_init(m, name, NULL) || peeps_mutex_lock(m) ||
				    peeps_mutex_unlock(m) || peeps_mutex_destroy(m);
		free(m);
	}
	return NULL;
}

static void mutexes(void)
{
	int failures[4] = { 0 };
	pthread_t threads_[4];

	for (int i = 0; i < 4; i++)
		(void)pthread_create(&threads_[i], NULL, mutexes_in_a_thread, &failures[i]);
	for (int i = 0; i < 4; i++)
		failures[0] += pthread_join(threads_[i], NULL) + (i ? failures[i] : 0);
	way_say("failures %d", failures[0]);
}

static uint64_t stop;

static void *churn_for_ever(void *bad)
{
	while (!peeps_load_relaxed(&stop)) {
		int seed = 5;

		(void)churn(&seed);
		*(int *)bad += seed;
	}
	return NULL;
}

static void forks(void)
{
	int bad[3] = { 0 };
	pthread_t threads_[3];

	for (int i = 0; i < 3; i++)
		(void)pthread_create(&threads_[i], NULL, churn_for_ever, &bad[i]);
	for (int i = 0; i < way_scaled(30); i++) {
		const pid_t child = fork();

		if (child == 0)
			_exit(churn_in_threads(i % 3));
		way_say_child("child", child);
	}
	peeps_store_relaxed(&stop, 1);
	for (int i = 0; i < 3; i++)
		bad[0] += pthread_join(threads_[i], NULL) + (i ? bad[i] : 0);
	way_say("bad %d", bad[0]);
}

WAY_MAIN({ "first_thread_alone", first_thread_alone }, { "threads", threads },
	 { "mutexes", mutexes }, { "forks", forks })
