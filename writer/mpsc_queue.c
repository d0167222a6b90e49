/* SPDX-License-Identifier: MIT */
#include "writer/mpsc_queue.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

/* What a block of a chain is made for: it and malloc's own word are a page. */
#define CHAIN_BLOCK_BYTES (4096 - sizeof(struct mpsc_block) - 2 * sizeof(size_t))

static struct mpsc_block *make_block(size_t bytes)
{
	size_t all;

	if (__builtin_add_overflow(bytes, sizeof(struct mpsc_block), &all))
		return NULL;
	return malloc(all);
}

static void go_to(struct mpsc_side *side, struct mpsc_block *block, size_t bytes)
{
	side->block = block;
	side->at = block->items;
	side->end = block->items + bytes;
}

int mpsc_queue_init(struct mpsc_queue *queue, struct mpsc_side *put, struct mpsc_side *take,
		    size_t item_size, size_t capacity)
{
	size_t count = capacity;
	struct mpsc_block *block;

	*queue = (struct mpsc_queue){ .item_size = item_size, .is_ring = capacity != 0 };
	if (!queue->is_ring)
		count = item_size < CHAIN_BLOCK_BYTES ? CHAIN_BLOCK_BYTES / item_size : 1;
	if (__builtin_mul_overflow(item_size, count, &queue->block_bytes))
		return -ENOMEM;
	block = make_block(queue->block_bytes);
	if (!block)
		return -ENOMEM;
	block->next = queue->is_ring ? block : NULL;
	go_to(put, block, queue->block_bytes);
	go_to(take, block, queue->block_bytes);
	return 0;
}

void mpsc_queue_deinit(struct mpsc_queue *queue, const struct mpsc_side *take)
{
	struct mpsc_block *block = take->block, *next;

	if (queue->is_ring)
		block->next = NULL;
	for (; block; block = next) {
		next = block->next;
		free(block);
	}
	free(queue->spare);
}

bool mpsc_queue_grow(struct mpsc_queue *queue, struct mpsc_side *put)
{
	struct mpsc_block *next = put->block->next;

	if (!queue->is_ring) {
		/* Acquire: the receiver is done reading it. Pairs with give_back(). */
		next = __atomic_exchange_n(&queue->spare, NULL, __ATOMIC_ACQUIRE);
		if (!next)
			next = make_block(queue->block_bytes);
		if (!next)
			return false;
		next->next = NULL;
		/* The receiver looks at it only after it has seen an item of the next block, which the channel
		 * publishes with release. */
		put->block->next = next;
	}
	go_to(put, next, queue->block_bytes);
	return true;
}

static void give_back(struct mpsc_queue *queue, struct mpsc_block *block)
{
	struct mpsc_block *none = NULL;

	/* Release: what was read from it, before it is written again. Pairs with mpsc_queue_grow(). */
	if (!__atomic_compare_exchange_n(&queue->spare, &none, block, false, __ATOMIC_RELEASE,
					 __ATOMIC_RELAXED))
		free(block);
}

void mpsc_queue_follow(struct mpsc_queue *queue, struct mpsc_side *take)
{
	struct mpsc_block *const old = take->block;

	go_to(take, old->next, queue->block_bytes);
	if (!queue->is_ring)
		give_back(queue, old);
}
