/* SPDX-License-Identifier: MIT */
#include "writer/memory.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define CLASS_COUNT        14 /* 64 bytes << class: up to 512 KiB */
#define CLASS_BYTES(class) ((size_t)64 << (class))
#define CHUNK_BYTES        ((size_t)256 << 10)

struct free_block {
	struct free_block *next;
};

/* Under the process lock. A forked child inherits it whole: the fork handler holds the lock. */
static struct free_block *free_blocks[CLASS_COUNT];
static unsigned char *chunk;
static size_t chunk_left;

void *memory_reserve(size_t bytes)
{
	void *const memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static int class_of(size_t bytes)
{
	int class = 0;

	while (class < CLASS_COUNT && CLASS_BYTES(class) < bytes)
		class ++;
	return class;
}

void *memory_take(size_t bytes)
{
	const int class = class_of(bytes);
	struct free_block *block;

	if (class == CLASS_COUNT)
		return NULL;
	block = free_blocks[class];
	if (block) {
		free_blocks[class] = block->next;
		memset(block, 0, CLASS_BYTES(class));
		return block;
	}
	if (chunk_left < CLASS_BYTES(class)) {
		const size_t want =
			CLASS_BYTES(class) > CHUNK_BYTES ? CLASS_BYTES(class) : CHUNK_BYTES;
		unsigned char *const fresh = memory_reserve(want);

		if (!fresh)
			return NULL;
		chunk = fresh;
		chunk_left = want;
	}
	block = (struct free_block *)chunk;
	chunk += CLASS_BYTES(class);
	chunk_left -= CLASS_BYTES(class);
	return block;
}

void memory_give(void *memory, size_t bytes)
{
	struct free_block *const block = memory;
	const int class = class_of(bytes);

	block->next = free_blocks[class];
	free_blocks[class] = block;
}
