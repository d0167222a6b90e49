/* SPDX-License-Identifier: MIT */
#define _LGPL_SOURCE /* read sides inline: 1 ns a pair instead of 12 */
#include "writer/intern.h"

#include <pthread.h>
#include <string.h>
#include <urcu/urcu-bp.h>

#include "layout/segment.h"
#include "writer/memory.h"
#include "writer/process.h"
#include "writer/segment.h"
#include "writer/text.h"

#define BUCKETS_MIN     UINT64_C(1024)
#define RECLAIM_BATCH   64
#define RECLAIM_BACKLOG 4096
#define BUCKETS_MAX     UINT64_C(65536)

struct key {
	const char *bytes;
	size_t length;
};

static struct cds_lfht *table; /* read under RCU, changed under the process lock */
static struct interned *removed;
static uint64_t removed_count; /* both under the process lock */
static uint32_t
	ordinal_floor; /* greatest ordinal of any string that was removed: no ~N comes twice */

static uint64_t hash_of(const char *bytes, size_t length)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 32;
}

static int matches(struct cds_lfht_node *node, const void *key)
{
	const struct interned *const string = caa_container_of(node, struct interned, node);
	const struct key *const wanted = key;

	return string->length == wanted->length &&
	       memcmp(string->bytes, wanted->bytes, wanted->length) == 0;
}

static uint64_t buckets(void)
{
	const uint64_t want = segment_section(PEEPS_SECTION_ENTITIES)->capacity / 16;
	uint64_t count = BUCKETS_MIN;

	while (count < want && count < BUCKETS_MAX)
		count *= 2;
	return count;
}

/* In a forked child the entities are gone, the hooks and sites are not. */
static void move_to_new_segment(void)
{
	const struct rest nobody_looks = { .over = true };
	struct cds_lfht_iter iter;
	struct interned *string;

	urcu_bp_read_lock();
	cds_lfht_for_each_entry(table, &iter, string, node) {
		string->uses -= string->lives;
		string->lives = 0;
		string->text = 0;
		string->stub = 0;
		if (string->uses > 0) {
			string->text = text_put(string->bytes, string->length);
			continue;
		}
		string->uses = 1;
		intern_put(string, nobody_looks);
	}
	urcu_bp_read_unlock();
}

bool intern_init(void)
{
	if (table) {
		move_to_new_segment();
		return true;
	}
	/* Of one size for ever: resizing would start a worker thread in somebody else's process. */
	table = cds_lfht_new_flavor(buckets(), buckets(), buckets(), 0, &urcu_bp_flavor, NULL);
	return table != NULL;
}

/* With signals blocked: a handler that left by siglongjmp would leave a reader behind, whom every grace
 * period then waits for. */
static struct interned *find_and_use(const struct key *key, uint64_t hash)
{
	struct cds_lfht_iter iter;
	struct cds_lfht_node *node;
	struct interned *string = NULL;
	uint64_t uses;

	urcu_bp_read_lock();
	cds_lfht_lookup(table, hash, matches, key, &iter);
	node = cds_lfht_iter_get_node(&iter);
	if (node) {
		string = caa_container_of(node, struct interned, node);
		uses = peeps_load_relaxed(&string->uses);
		do {
			if (uses == 0)
				string = NULL; /* on its way out: make it anew */
		} while (string &&
			 !__atomic_compare_exchange_n(&string->uses, &uses, uses + 1, true,
						      __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	}
	urcu_bp_read_unlock();
	return string;
}

static struct interned *add(const struct key *key, uint64_t hash)
{
	struct interned *const string = memory_take(sizeof(*string) + key->length + 1);

	if (!string)
		return NULL;
	cds_lfht_node_init(&string->node);
	string->hash = hash;
	string->uses = 1;
	string->length = key->length;
	memcpy(string->bytes, key->bytes, key->length);
	string->text = text_put(key->bytes, key->length);
	urcu_bp_read_lock();
	cds_lfht_add(table, hash, &string->node);
	urcu_bp_read_unlock();
	return string;
}

struct interned *intern_peek(const char *bytes, size_t length)
{
	const struct key key = {
		.bytes = bytes,
		.length = length > PEEPS_TEXT_MAX_BYTES ? PEEPS_TEXT_MAX_BYTES : length,
	};
	struct cds_lfht_iter iter;
	struct cds_lfht_node *node;

	urcu_bp_read_lock();
	cds_lfht_lookup(table, hash_of(key.bytes, key.length), matches, &key, &iter);
	node = cds_lfht_iter_get_node(&iter);
	urcu_bp_read_unlock();
	return node ? caa_container_of(node, struct interned, node) : NULL;
}

static struct interned *get_locked(const struct key *key, uint64_t hash)
{
	struct interned *const string = find_and_use(key, hash);

	return string ? string : add(key, hash);
}

static struct key key_of(const char *bytes, size_t length)
{
	if (length > PEEPS_TEXT_MAX_BYTES) {
		length = PEEPS_TEXT_MAX_BYTES;
		segment_count(PEEPS_COUNTER_TRUNCATED_TEXT);
	}
	return (struct key){ .bytes = bytes, .length = length };
}

struct interned *intern_get(const char *bytes, size_t length)
{
	const struct key key = key_of(bytes, length);
	const uint64_t hash = hash_of(key.bytes, key.length);
	struct interned *string;
	sigset_t mask;

	signals_block(&mask);
	string = find_and_use(&key, hash);
	signals_restore(&mask);
	if (string)
		return string;
	process_lock(&mask);
	string = get_locked(&key, hash); /* somebody else may have been first */
	process_unlock(&mask);
	return string;
}

struct interned *intern_get_locked(const char *bytes, size_t length)
{
	const struct key key = key_of(bytes, length);

	return get_locked(&key, hash_of(key.bytes, key.length));
}

void intern_share(struct interned *string)
{
	(void)__atomic_fetch_add(&string->uses, 1, __ATOMIC_RELAXED);
}

void intern_put(struct interned *string, struct rest rest)
{
	/* The last use need not be the last that a cut can see. */
	if (!rest.over && rest.epoch > string->rested_epoch)
		string->rested_epoch = rest.epoch;
	if (__atomic_sub_fetch(&string->uses, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	urcu_bp_read_lock();
	(void)cds_lfht_del(table, &string->node);
	urcu_bp_read_unlock();
	text_give(string->text, (struct rest){ .epoch = string->rested_epoch,
					       .over = string->rested_epoch == 0 });
	if (string->ordinal > ordinal_floor)
		ordinal_floor = string->ordinal;
	string->next_removed = removed;
	removed = string;
	peeps_store_relaxed(&removed_count, removed_count + 1);
}

struct interned *intern_of(const char *bytes)
{
	return (struct interned *)(bytes - offsetof(struct interned, bytes));
}

uint32_t intern_next_ordinal(struct interned *string)
{
	const uint32_t ordinal = string->ordinal;

	if (ordinal == 0) {
		string->ordinal = 1;
		return 0;
	}
	string->ordinal = (ordinal > ordinal_floor ? ordinal : ordinal_floor) + 1;
	return string->ordinal;
}

static void reclaim(uint64_t enough)
{
	struct interned *batch = NULL;
	int cancel_state;
	sigset_t mask;

	if (peeps_load_relaxed(&removed_count) < enough)
		return;
	process_lock(&mask);
	if (removed_count >= enough) {
		batch = removed;
		removed = NULL;
		peeps_store_relaxed(&removed_count, 0);
	}
	process_unlock(&mask);
	if (!batch)
		return;
	/* Whoever found one of them before it was removed is done with it after this. It may poll(), and who is
	 * cancelled there leaves liburcu's lock behind: every later grace period would wait for it. */
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	urcu_bp_synchronize_rcu();
	(void)pthread_setcancelstate(cancel_state, NULL);
	process_lock(&mask);
	while (batch) {
		struct interned *const next = batch->next_removed;

		memory_give(batch, sizeof(*batch) + batch->length + 1);
		batch = next;
	}
	process_unlock(&mask);
}

void intern_reclaim(void)
{
	reclaim(RECLAIM_BATCH);
}

void intern_reclaim_backlog(void)
{
	reclaim(RECLAIM_BACKLOG);
}
