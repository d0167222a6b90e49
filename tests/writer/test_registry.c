/* SPDX-License-Identifier: MIT */
/* What the slot of an entity of the program's own says after each call. Scarce: 64 entities, 4 KiB of text. */
#include "tests/writer/writer_test.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <peeps/peeps.h>
#include "writer/entity.h"
#include "writer/site.h"
#include "writer/text.h"
#include "writer/update.h"

static const struct peeps_ref none;

static struct peeps_entity_slot *slot_of(struct peeps_ref entity)
{
	assert_int_not_equal(entity.bits, 0);
	assert_non_null(entity_find(entity.bits));
	return entity_find(entity.bits);
}

static uint64_t word(struct peeps_ref entity, int number)
{
	return slot_of(entity)->body[number];
}

static uint64_t holder(struct peeps_ref lock)
{
	return word(lock, PEEPS_MUTEX_HOLDER_WORD);
}

static void peeps_entity_new__named_and_noted__slot_says_all_of_it(void **state)
{
	const uint64_t before = segment_ptime_ns();
	const struct peeps_ref entity = peeps_entity_new_noted(PEEPS_KIND_MUTEX, "one", "a note");
	const int line = __LINE__ - 1;
	const struct peeps_entity_slot *const slot = slot_of(entity);
	const struct peeps_site_row *row;

	(void)state;
	assert_int_equal(entity_kind(slot), PEEPS_KIND_MUTEX);
	assert_int_equal(slot->identity, entity.bits);
	assert_text(slot->name, "one");
	assert_text(slot->blob, "a note");
	assert_int_equal(slot->creator, peeps_actor_self().bits);
	assert_true(slot->created_ns >= before);
	row = segment_row(PEEPS_SECTION_SITES, slot->site);
	assert_int_equal(row->line, line);
	for (int i = 0; i < PEEPS_BODY_WORDS; i++)
		assert_int_equal(slot->body[i], 0);
	peeps_entity_end(entity);
	assert_null(entity_find(entity.bits));
}

static void peeps_entity_new__no_name__is_named_after_the_place(void **state)
{
	static const char *const names[] = { NULL, "" };
	static struct peeps_site here = { .file = "folder/lock.c",
					  .line = 12,
					  .layout_hash = PEEPS_LAYOUT_HASH };

	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct peeps_ref entity =
			peeps_entity_new_at(PEEPS_KIND_NOTIFY, names[i], NULL, &here);

		assert_text(slot_of(entity)->name, "lock.c.12");
		assert_int_equal(slot_of(entity)->blob, 0);
		peeps_entity_end(entity);
	}
}

static void peeps_entity_new__kind_that_is_none_or_has_calls_of_its_own__null(void **state)
{
	static const uint32_t kinds[] = { PEEPS_KIND_NONE,
					  PEEPS_KIND_THREAD,
					  PEEPS_KIND_TASK,
					  PEEPS_KIND_FOREIGN,
					  999,
					  0xffffffff,
					  PEEPS_KIND_MUTEX | 1u << 16 };

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		assert_int_equal(peeps_entity_new(kinds[i], "odd").bits, 0);
}

static void peeps_entity_new__place_of_another_layout__null(void **state)
{
	static struct peeps_site other = { .file = "other.c",
					   .layout_hash = PEEPS_LAYOUT_HASH + 1 };
	struct peeps_ref entity;

	(void)state;
	assert_int_equal(peeps_entity_new_at(PEEPS_KIND_MUTEX, "other", NULL, &other).bits, 0);
	entity = peeps_entity_new(PEEPS_KIND_MUTEX, "ours");
	peeps_entity_set_at(entity, PEEPS_ATTR_MUTEX_ACQUIRES, 3, &other);
	assert_int_equal(word(entity, PEEPS_MUTEX_ACQUIRES_WORD), 0);
	peeps_entity_end(entity);
}

static void peeps_entity_new__plain_symbol__knows_no_place(void **state)
{
	const struct peeps_ref entity = (peeps_entity_new)(PEEPS_KIND_MUTEX, "plain");
	const struct peeps_ref noted = (peeps_entity_new_noted)(PEEPS_KIND_MUTEX, NULL, "note");

	(void)state;
	assert_int_equal(slot_of(entity)->site, 0);
	assert_text(slot_of(noted)->name, "unknown.0");
	assert_text(slot_of(noted)->blob, "note");
	(peeps_entity_set)(entity, PEEPS_ATTR_MUTEX_ACQUIRES, 5);
	assert_int_equal(word(entity, PEEPS_MUTEX_ACQUIRES_WORD), 5);
	peeps_entity_end(entity);
	peeps_entity_end(noted);
}

static void peeps_entity_new__note_beyond_the_longest__is_cut_and_counted(void **state)
{
	static char note[PEEPS_TEXT_MAX_BYTES + 100];
	const uint64_t truncated = counted(PEEPS_COUNTER_TRUNCATED_TEXT);
	const uint64_t dropped = counted(PEEPS_COUNTER_DROPPED_TEXT);
	struct peeps_ref entity;

	(void)state;
	memset(note, 'x', sizeof(note) - 1);
	entity = peeps_entity_new_noted(PEEPS_KIND_MUTEX, "long", note);
	assert_int_equal(counted(PEEPS_COUNTER_TRUNCATED_TEXT), truncated + 1);
	/* Text is full of it, or has no room for it: then the entity goes without. */
	if (counted(PEEPS_COUNTER_DROPPED_TEXT) > dropped)
		assert_int_equal(slot_of(entity)->blob, 0);
	else
		assert_int_equal(text_head_at(slot_of(entity)->blob)->length, PEEPS_TEXT_MAX_BYTES);
	peeps_entity_end(entity);
}

static void peeps_entity_new__full__null_and_counted_and_nothing_leaks(void **state)
{
	const uint64_t dropped = counted(PEEPS_COUNTER_DROPPED_ENTITIES);
	struct peeps_ref all[64];
	int count = 0;

	(void)state;
	while ((all[count] = peeps_entity_new(PEEPS_KIND_MUTEX, "many")).bits)
		assert_true(++count < 64);
	assert_true(count > 32);
	for (int i = 0; i < 1000; i++) /* their notes would fill the text, were they kept */
		assert_int_equal(peeps_entity_new_noted(PEEPS_KIND_MUTEX, "more", "note").bits, 0);
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_ENTITIES), dropped + 1001);
	peeps_entity_set(all[count], PEEPS_ATTR_MUTEX_ACQUIRES, 1);
	peeps_entity_end(all[count]);
	while (count-- > 0)
		peeps_entity_end(all[count]);
	all[0] = peeps_entity_new_noted(PEEPS_KIND_MUTEX, "again", "note");
	assert_text(slot_of(all[0])->blob, "note");
	peeps_entity_end(all[0]);
}

static void peeps_entity_set__each_place__changes_its_bits_alone(void **state)
{
	const struct peeps_ref entity = peeps_entity_new(PEEPS_KIND_MUTEX, "bits");
	const struct peeps_entity_slot *const slot = slot_of(entity);
	const uint64_t status = slot->status;

	(void)state;
	peeps_entity_set(entity, PEEPS_ATTR_MUTEX_WAIT_TOTAL, UINT64_MAX);
	assert_int_equal(word(entity, PEEPS_MUTEX_WAIT_TOTAL_WORD), UINT64_MAX);
	peeps_entity_set(entity, PEEPS_ATTR_MUTEX_CONTENDED, UINT64_MAX);
	assert_int_equal(word(entity, PEEPS_MUTEX_CONTENDED_WORD), UINT32_MAX);
	peeps_entity_set(entity, PEEPS_ATTR_MUTEX_WAIT_MAX, UINT64_C(0x700000003));
	peeps_entity_set(entity, PEEPS_ATTR_MUTEX_CONTENDED, 2);
	assert_int_equal(word(entity, PEEPS_MUTEX_CONTENDED_WORD), UINT64_C(0x300000002));
	peeps_entity_set(entity, PEEPS_ATTR_MUTEX_TYPE, PEEPS_MUTEX_TYPE_ERRORCHECK);
	assert_int_equal(slot->status,
			 status | PEEPS_MUTEX_TYPE_ERRORCHECK << PEEPS_MUTEX_TYPE_SHIFT);
	peeps_entity_set(entity, PEEPS_ATTR_MUTEX_TYPE, 0);
	assert_int_equal(slot->status, status);
	peeps_entity_end(entity);
}

static void peeps_entity_set__attribute_of_another_kind_or_of_none__is_ignored(void **state)
{
	static const uint32_t attrs[] = { PEEPS_ATTR_SEMAPHORE_MAX,
					  PEEPS_ATTR_THREAD_TID,
					  0,
					  UINT32_MAX,
					  PEEPS_ATTR_MUTEX_ACQUIRES | 0xff,
					  PEEPS_ATTR_MUTEX_ACQUIRES | 7 << 16,
					  PEEPS_KIND_MUTEX << 20 | 6 << 16 | 0 << 8 | 8,
					  PEEPS_KIND_MUTEX << 20 | 6 << 16 | 32 << 8 | 28 };
	const struct peeps_ref entity = peeps_entity_new(PEEPS_KIND_MUTEX, "unchanged");
	const struct peeps_entity_slot before = *slot_of(entity);
	const struct peeps_ref me = peeps_actor_self();
	const struct peeps_entity_slot mine = *slot_of(me);

	(void)state;
	for (size_t i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++)
		peeps_entity_set(entity, attrs[i], 0x55);
	peeps_entity_set(me, PEEPS_ATTR_THREAD_CURRENT_TASK, 0x55);
	assert_memory_equal(slot_of(entity), &before, sizeof(before));
	assert_memory_equal(slot_of(me), &mine, sizeof(mine));
	peeps_entity_end(entity);
}

static void peeps_entity_set__mutex_holder__since_when_where_and_how_often(void **state)
{
	const struct peeps_ref lock = peeps_entity_new(PEEPS_KIND_MUTEX, "mine");
	const struct peeps_ref me = peeps_actor_self();
	const struct peeps_site_row *row;

	(void)state;
	for (uint64_t round = 1; round <= 3; round++) {
		const uint64_t before = segment_ptime_ns();
		int line;

		peeps_entity_set(lock, PEEPS_ATTR_MUTEX_HOLDER, me.bits), line = __LINE__;
		assert_int_equal(holder(lock), me.bits);
		assert_true(word(lock, PEEPS_MUTEX_HELD_SINCE_WORD) >=
			    before); /* no tick yet: the clock's own */
		assert_int_equal(word(lock, PEEPS_MUTEX_HELD_SINCE_EXACT_WORD) >> 63, 1);
		row = segment_row(PEEPS_SECTION_SITES,
				  (uint32_t)word(lock, PEEPS_MUTEX_HELD_SITE_WORD));
		assert_int_equal(row->line, line);
		assert_int_equal(word(lock, PEEPS_MUTEX_ACQUIRES_WORD), round);
		peeps_entity_set(lock, PEEPS_ATTR_MUTEX_HOLDER, 0);
		assert_int_equal(holder(lock), 0);
		peeps_entity_set(lock, PEEPS_ATTR_MUTEX_HOLDER, 0);
		assert_int_equal(word(lock, PEEPS_MUTEX_ACQUIRES_WORD), round);
	}
	peeps_entity_end(lock);
}

static void peeps_entity_set__holder_of_a_recursive_lock__is_deeper_and_back(void **state)
{
	const struct peeps_ref lock = peeps_entity_new(PEEPS_KIND_MUTEX, "recursive");
	const struct peeps_ref me = peeps_actor_self();
	uint64_t since;

	(void)state;
	peeps_entity_set(lock, PEEPS_ATTR_MUTEX_TYPE, PEEPS_MUTEX_TYPE_RECURSIVE);
	peeps_entity_set(lock, PEEPS_ATTR_MUTEX_HOLDER, me.bits);
	since = word(lock, PEEPS_MUTEX_HELD_SINCE_WORD);
	peeps_entity_set(lock, PEEPS_ATTR_MUTEX_HOLDER, me.bits);
	assert_int_equal(holder(lock), me.bits | PEEPS_HOLDER_DEEP);
	assert_int_equal(word(lock, PEEPS_MUTEX_HELD_SINCE_WORD), since);
	peeps_entity_set(lock, PEEPS_ATTR_MUTEX_HOLDER, 0);
	assert_int_equal(holder(lock), me.bits);
	peeps_entity_set(lock, PEEPS_ATTR_MUTEX_HOLDER, 0);
	assert_int_equal(holder(lock), 0);
	peeps_entity_end(lock);
}

static void peeps_entity_end__null_stale_twice_or_no_entity__is_harmless(void **state)
{
	const struct peeps_ref first = peeps_entity_new(PEEPS_KIND_MUTEX, "first");
	struct peeps_ref second;

	(void)state;
	peeps_entity_end(first);
	second = peeps_entity_new(PEEPS_KIND_MUTEX, "second");
	assert_int_equal(first.bits & PEEPS_REF_INDEX_MASK, second.bits & PEEPS_REF_INDEX_MASK);
	peeps_entity_end(first);
	peeps_entity_set(first, PEEPS_ATTR_MUTEX_ACQUIRES, 9);
	peeps_entity_set(none, PEEPS_ATTR_MUTEX_ACQUIRES, 9);
	peeps_entity_end(none);
	peeps_entity_end((struct peeps_ref){ UINT64_MAX });
	peeps_entity_end(peeps_actor_self()); /* has no end that a program may tell */
	assert_non_null(entity_find(peeps_actor_self().bits));
	assert_int_equal(word(second, PEEPS_MUTEX_ACQUIRES_WORD), 0);
	peeps_entity_end(second);
}

static void peeps_entity_foreign__same_id__same_stub_until_as_many_ends(void **state)
{
	const struct peeps_ref stub = peeps_entity_foreign("request:orders-4711:a");
	const struct peeps_ref other = peeps_entity_foreign("request:orders-4711:b");
	struct peeps_ref again;

	(void)state;
	assert_int_not_equal(stub.bits, other.bits);
	assert_int_equal(entity_kind(slot_of(stub)), PEEPS_KIND_FOREIGN);
	assert_text(slot_of(stub)->name, "request:orders-4711:a");
	assert_int_equal(peeps_entity_foreign("request:orders-4711:a").bits, stub.bits);
	assert_int_equal(peeps_entity_foreign("request:orders-4711:a").bits, stub.bits);
	peeps_entity_end(stub);
	peeps_entity_end(stub);
	assert_non_null(entity_find(stub.bits));
	peeps_entity_end(stub);
	assert_null(entity_find(stub.bits));
	peeps_entity_end(stub);
	again = peeps_entity_foreign("request:orders-4711:a");
	assert_int_not_equal(again.bits, stub.bits);
	peeps_entity_end(stub);
	assert_non_null(entity_find(again.bits));
	assert_non_null(entity_find(other.bits));
	peeps_entity_end(again);
	peeps_entity_end(other);
	assert_int_equal(peeps_entity_foreign(NULL).bits, 0);
	assert_int_equal(peeps_entity_foreign("").bits, 0);
}

static void registry__inside_the_library__nothing_is_recorded_and_that_is_counted(void **state)
{
	const struct peeps_ref entity = peeps_entity_new(PEEPS_KIND_MUTEX, "outer");
	const uint64_t nested = counted(PEEPS_COUNTER_DROPPED_NESTED);
	struct self *const self = enter();

	(void)state;
	assert_int_equal(peeps_entity_new(PEEPS_KIND_MUTEX, "inner").bits, 0);
	assert_int_equal(peeps_entity_foreign("inner").bits, 0);
	peeps_entity_set(entity, PEEPS_ATTR_MUTEX_ACQUIRES, 1);
	peeps_entity_end(entity);
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_NESTED), nested + 4);
	self_leave(self);
	assert_int_equal(word(entity, PEEPS_MUTEX_ACQUIRES_WORD), 0);
	peeps_entity_end(entity);
}

/* As an inline path leaves the thread when a signal comes. */
static void registry__handler_broke_into_a_section__only_what_that_writes_is_left_alone(
	void **state)
{
	const struct peeps_ref busy = peeps_entity_new(PEEPS_KIND_MUTEX, "busy");
	const struct peeps_ref free_one = peeps_entity_new(PEEPS_KIND_MUTEX, "free");
	struct self *const self = enter();
	const uint64_t nested = counted(PEEPS_COUNTER_DROPPED_NESTED);
	struct peeps_entity_slot *const slot = slot_of(busy);
	struct peeps_ref made;

	(void)state;
	self_leave(self);
	(void)peeps_section_begin(self->record, peeps_segment.control, slot);
	self->record->stack = UINT64_MAX / 2; /* a frame above all of ours */
	peeps_entity_set(busy, PEEPS_ATTR_MUTEX_ACQUIRES, 1);
	peeps_entity_end(busy);
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_NESTED), nested + 2);
	peeps_entity_set(free_one, PEEPS_ATTR_MUTEX_ACQUIRES, 1);
	made = peeps_entity_new(PEEPS_KIND_MUTEX, "made");
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_NESTED), nested + 2);
	peeps_section_end(self->record);
	assert_int_equal(word(busy, PEEPS_MUTEX_ACQUIRES_WORD), 0);
	assert_int_equal(word(free_one, PEEPS_MUTEX_ACQUIRES_WORD), 1);
	assert_text(slot_of(made)->name, "made");
	peeps_entity_end(made);
	peeps_entity_end(free_one);
	peeps_entity_end(busy);
	assert_null(entity_find(busy.bits));
}

/* Of a section that leaves a handler no room to declare anything. */
static void peeps_entity_new__handler_has_no_room__note_is_given_back(void **state)
{
	const struct peeps_ref busy = peeps_entity_new(PEEPS_KIND_MUTEX, "busy");
	const uint64_t dropped = counted(PEEPS_COUNTER_DROPPED_TEXT);
	struct self *const self = enter();

	(void)state;
	self_leave(self);
	(void)peeps_section_begin(self->record, peeps_segment.control, slot_of(busy));
	self->record->write_set[0] |= PEEPS_WRITE_SET_MAX;
	self->record->stack = UINT64_MAX / 2; /* a frame above all of ours */
	for (int i = 0; i < 1000; i++)
		assert_int_equal(peeps_entity_new_noted(PEEPS_KIND_MUTEX, "none", "note").bits, 0);
	peeps_section_end(self->record);
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_TEXT), dropped);
	peeps_entity_end(busy);
}

static void registry__any_call__leaves_errno_alone(void **state)
{
	struct peeps_ref entity;

	(void)state;
	errno = ENOTTY;
	entity = peeps_entity_new(PEEPS_KIND_MUTEX, "errno");
	peeps_entity_set(entity, PEEPS_ATTR_MUTEX_ACQUIRES, 1);
	peeps_entity_end(entity);
	peeps_entity_end(peeps_entity_foreign("errno"));
	assert_int_equal(errno, ENOTTY);
}

/* The checks that failed, as bits. */
static int check_child(struct peeps_ref parents, struct peeps_ref parents_stub)
{
	const struct peeps_ref stub = peeps_entity_foreign("of the parent");
	const struct peeps_ref entity = peeps_entity_new(PEEPS_KIND_MUTEX, "child's");
	int bad = 0;

	peeps_entity_set(parents, PEEPS_ATTR_MUTEX_ACQUIRES, 77);
	peeps_entity_end(parents);
	peeps_entity_end(parents_stub);
	if (entity_find(parents.bits) || entity_find(parents_stub.bits))
		bad |= 1;
	if (!entity_find(entity.bits) ||
	    entity_find(entity.bits)->body[PEEPS_MUTEX_ACQUIRES_WORD] != 0)
		bad |= 2;
	if (!entity_find(stub.bits) ||
	    memcmp(text_at(entity_find(stub.bits)->name), "of the parent", 13) != 0)
		bad |= 4;
	peeps_entity_end(stub);
	if (entity_find(stub.bits)) /* its uses are the child's own */
		bad |= 8;
	return bad;
}

static void registry__references_of_the_parent__mean_nothing_in_a_child(void **state)
{
	const struct peeps_ref entity = peeps_entity_new(PEEPS_KIND_MUTEX, "parent's");
	const struct peeps_ref stub = peeps_entity_foreign("of the parent");
	struct peeps_mutex namesake; /* keeps the string, and so what else is known of it */
	int status = -1;
	pid_t child;

	(void)state;
	(void)peeps_mutex_init(&namesake, "of the parent", NULL);
	(void)peeps_entity_foreign("of the parent");
	child = fork();
	if (child == 0)
		_exit(check_child(entity, stub));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(word(entity, PEEPS_MUTEX_ACQUIRES_WORD), 0);
	(void)peeps_mutex_destroy(&namesake);
	peeps_entity_end(stub);
	assert_non_null(entity_find(stub.bits));
	peeps_entity_end(stub);
	peeps_entity_end(entity);
}

struct ends {
	struct peeps_ref entity;
	pthread_barrier_t *start;
};

static void *end_it(void *argument)
{
	struct ends *const ends = argument;

	(void)pthread_barrier_wait(ends->start);
	peeps_entity_end(ends->entity);
	return NULL;
}

static void peeps_entity_end__by_two_threads_at_once__ends_once(void **state)
{
	(void)state;
	for (int round = 0; round < 200; round++) {
		pthread_barrier_t start;
		struct ends ends = { peeps_entity_new(PEEPS_KIND_MUTEX, "twice"), &start };
		struct peeps_ref first, second;
		pthread_t thread;

		(void)pthread_barrier_init(&start, NULL, 2);
		assert_int_equal(pthread_create(&thread, NULL, end_it, &ends), 0);
		(void)end_it(&ends);
		(void)pthread_join(thread, NULL);
		(void)pthread_barrier_destroy(&start);
		/* Had its slot been given back twice, it would now be handed out twice. */
		first = peeps_entity_new(PEEPS_KIND_MUTEX, "a");
		second = peeps_entity_new(PEEPS_KIND_MUTEX, "b");
		assert_int_not_equal(first.bits & PEEPS_REF_INDEX_MASK,
				     second.bits & PEEPS_REF_INDEX_MASK);
		peeps_entity_end(first);
		peeps_entity_end(second);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peeps_entity_new__named_and_noted__slot_says_all_of_it),
		cmocka_unit_test(peeps_entity_new__no_name__is_named_after_the_place),
		cmocka_unit_test(peeps_entity_new__kind_that_is_none_or_has_calls_of_its_own__null),
		cmocka_unit_test(peeps_entity_new__place_of_another_layout__null),
		cmocka_unit_test(peeps_entity_new__plain_symbol__knows_no_place),
		cmocka_unit_test(peeps_entity_set__each_place__changes_its_bits_alone),
		cmocka_unit_test(
			peeps_entity_set__attribute_of_another_kind_or_of_none__is_ignored),
		cmocka_unit_test(peeps_entity_set__mutex_holder__since_when_where_and_how_often),
		cmocka_unit_test(peeps_entity_set__holder_of_a_recursive_lock__is_deeper_and_back),
		cmocka_unit_test(peeps_entity_end__null_stale_twice_or_no_entity__is_harmless),
		cmocka_unit_test(peeps_entity_foreign__same_id__same_stub_until_as_many_ends),
		cmocka_unit_test(
			registry__inside_the_library__nothing_is_recorded_and_that_is_counted),
		cmocka_unit_test(
			registry__handler_broke_into_a_section__only_what_that_writes_is_left_alone),
		cmocka_unit_test(peeps_entity_new__handler_has_no_room__note_is_given_back),
		cmocka_unit_test(registry__any_call__leaves_errno_alone),
		cmocka_unit_test(registry__references_of_the_parent__mean_nothing_in_a_child),
		cmocka_unit_test(peeps_entity_new__full__null_and_counted_and_nothing_leaks),
		cmocka_unit_test(peeps_entity_new__note_beyond_the_longest__is_cut_and_counted),
		cmocka_unit_test(peeps_entity_end__by_two_threads_at_once__ends_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
