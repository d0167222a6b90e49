/* SPDX-License-Identifier: MIT */
#include "tests/writer/writer_test.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <urcu/urcu-bp.h>

#include "writer/intern.h"

static const struct rest nobody_looks = { .over = true };

static void put(struct interned *string, struct rest rest)
{
	sigset_t mask;

	process_lock(&mask);
	intern_put(string, rest);
	process_unlock(&mask);
}

static struct interned *get(const char *text)
{
	struct interned *const string = intern_get(text, strlen(text));

	assert_non_null(string);
	return string;
}

static void intern_get__same_bytes_twice__same_string(void **state)
{
	struct interned *const first = get("one and the same"), *const second =
									get("one and the same");

	(void)state;
	assert_ptr_equal(first, second);
	assert_text(first->text, "one and the same");
	assert_string_equal(first->bytes, "one and the same");
	assert_ptr_equal(intern_of(first->bytes), first);
	put(first, nobody_looks);
	put(second, nobody_looks);
}

static void intern_get__prefix_of_another__another_string(void **state)
{
	struct interned *const whole = intern_get("prefixed", 8), *const part =
									  intern_get("prefixed", 6);

	(void)state;
	assert_ptr_not_equal(whole, part);
	assert_text(part->text, "prefix");
	put(whole, nobody_looks);
	put(part, nobody_looks);
}

static void intern_get__bytes_that_are_no_text__kept_as_they_are(void **state)
{
	struct interned *const string = intern_get("a\0b\xff", 4);

	(void)state;
	assert_int_equal(text_head_at(string->text)->length, 4);
	assert_memory_equal(text_at(string->text), "a\0b\xff", 4);
	put(string, nobody_looks);
}

static void intern_get__longer_than_the_longest__cut_and_counted(void **state)
{
	static char text[PEEPS_TEXT_MAX_BYTES + 100];
	const uint64_t truncated = counted(PEEPS_COUNTER_TRUNCATED_TEXT);
	struct interned *longest, *longer;

	(void)state;
	memset(text, 'x', sizeof(text));
	longest = intern_get(text, PEEPS_TEXT_MAX_BYTES);
	assert_int_equal(counted(PEEPS_COUNTER_TRUNCATED_TEXT), truncated);
	longer = intern_get(text, sizeof(text));
	assert_int_equal(counted(PEEPS_COUNTER_TRUNCATED_TEXT), truncated + 1);
	assert_ptr_equal(longest, longer);
	assert_int_equal(text_head_at(longest->text)->length, PEEPS_TEXT_MAX_BYTES);
	put(longest, nobody_looks);
	put(longer, nobody_looks);
}

static void intern_put__last_use__text_serves_another(void **state)
{
	struct interned *const string = get("short life");
	const uint64_t ref = string->text;
	struct interned *other;

	(void)state;
	put(string, nobody_looks);
	other = get("short loan");
	assert_int_equal(other->text & PEEPS_REF_INDEX_MASK, ref & PEEPS_REF_INDEX_MASK);
	assert_int_not_equal(other->text, ref);
	put(other, nobody_looks);
}

static void intern_put__one_of_two_uses__string_stays(void **state)
{
	struct interned *const string = get("used twice");

	(void)state;
	intern_share(string);
	put(string, nobody_looks);
	assert_ptr_equal(get("used twice"), string);
	assert_text(string->text, "used twice");
	put(string, nobody_looks);
	put(string, nobody_looks);
}

/* A cut may show an entity of that name, though the last use of it was none. */
static void intern_put__an_earlier_use_was_looked_at__text_rests(void **state)
{
	struct interned *const string = get("looked at once");
	const uint64_t index = string->text & PEEPS_REF_INDEX_MASK;
	struct interned *other;

	(void)state;
	intern_share(string);
	(void)start_cut();
	put(string, (struct rest){ .epoch = peeps_segment.control->epoch });
	put(string, nobody_looks);
	other = get("quite another.");
	assert_int_not_equal(other->text & PEEPS_REF_INDEX_MASK, index);
	stop_cut();
	put(other, nobody_looks);
}

static uint32_t next_ordinal(struct interned *string)
{
	uint32_t ordinal;
	sigset_t mask;

	process_lock(&mask);
	ordinal = intern_next_ordinal(string);
	process_unlock(&mask);
	return ordinal;
}

static void intern_next_ordinal__name_comes_and_goes__no_number_twice(void **state)
{
	struct interned *string = get("jobs");
	bool seen[100] = { false };

	(void)state;
	assert_int_equal(next_ordinal(string), 0);
	assert_int_equal(next_ordinal(string), 2);
	assert_int_equal(next_ordinal(string), 3);
	put(string, nobody_looks);
	string = get("jobs"); /* the first one of that name again; ~N are not */
	assert_int_equal(next_ordinal(string), 0);
	for (int i = 0; i < 20; i++) {
		const uint32_t ordinal = next_ordinal(string);

		assert_true(ordinal > 3);
		assert_true(ordinal < 100);
		assert_false(seen[ordinal]);
		seen[ordinal] = true;
	}
	put(string, nobody_looks);
}

static void *get_and_put(void *argument)
{
	struct interned *const kept = argument;

	for (int i = 0; i < 20000; i++) {
		char text[32];
		struct interned *string;

		(void)snprintf(text, sizeof(text), "shared %d", i % 10);
		string = intern_get(text, strlen(text));
		if (strcmp(string->bytes, text) != 0)
			return argument;
		put(string, nobody_looks);
		if (i % 1000 == 0)
			intern_reclaim();
		if (intern_get(kept->bytes, kept->length) != kept)
			return argument;
		put(kept, nobody_looks);
	}
	return NULL;
}

static void intern__threads_add_and_remove_the_same__each_finds_what_it_asked_for(void **state)
{
	struct interned *const kept = get("kept all the time");
	pthread_t threads[4];
	void *wrong;

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, get_and_put, kept), 0);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], &wrong), 0);
		assert_null(wrong);
	}
	assert_int_equal(kept->uses, 1);
	put(kept, nobody_looks);
}

static void intern_reclaim_backlog__some_and_many__only_many_are_reclaimed(void **state)
{
	const struct interned **gone = strings_come_and_go(100);

	(void)state;
	intern_reclaim_backlog();
	assert_false(are_reclaimed(gone));
	intern_reclaim();
	assert_true(are_reclaimed(gone));
	gone = strings_come_and_go(STRINGS_MAX);
	intern_reclaim_backlog();
	assert_true(are_reclaimed(gone));
}

struct reclaiming {
	sem_t reads, may_end;
};

static void *read_on(void *argument)
{
	struct reclaiming *const r = argument;

	urcu_bp_read_lock();
	(void)sem_post(&r->reads);
	while (sem_wait(&r->may_end) != 0)
		;
	/* Long enough for a grace period to begin to wait for us with poll(). */
	(void)usleep(100000);
	urcu_bp_read_unlock();
	return NULL;
}

static void *reclaim_with_cancellation_pending(void *argument)
{
	struct reclaiming *const r = argument;

	(void)pthread_cancel(pthread_self());
	(void)sem_post(&r->may_end);
	intern_reclaim();
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	return argument;
}

/* Nothing that ends is a cancellation point; and a grace period left half-way would be the last. */
static void intern_reclaim__cancellation_is_pending__none_of_its_business(void **state)
{
	struct reclaiming r;
	pthread_t reader, reclaimer;
	void *result;

	(void)state;
	(void)sem_init(&r.reads, 0, 0);
	(void)sem_init(&r.may_end, 0, 0);
	for (int i = 0; i < 64; i++) {
		char text[32];

		(void)snprintf(text, sizeof(text), "to be reclaimed %d", i);
		put(get(text), nobody_looks);
	}
	assert_int_equal(pthread_create(&reader, NULL, read_on, &r), 0);
	while (sem_wait(&r.reads) != 0)
		;
	assert_int_equal(pthread_create(&reclaimer, NULL, reclaim_with_cancellation_pending, &r),
			 0);
	assert_int_equal(pthread_join(reclaimer, &result), 0);
	assert_int_equal(pthread_join(reader, NULL), 0);
	assert_ptr_equal(result, &r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(intern_get__same_bytes_twice__same_string),
		cmocka_unit_test(intern_get__prefix_of_another__another_string),
		cmocka_unit_test(intern_get__bytes_that_are_no_text__kept_as_they_are),
		cmocka_unit_test(intern_get__longer_than_the_longest__cut_and_counted),
		cmocka_unit_test(intern_put__last_use__text_serves_another),
		cmocka_unit_test(intern_put__one_of_two_uses__string_stays),
		cmocka_unit_test(intern_put__an_earlier_use_was_looked_at__text_rests),
		cmocka_unit_test(intern_next_ordinal__name_comes_and_goes__no_number_twice),
		cmocka_unit_test(intern_reclaim_backlog__some_and_many__only_many_are_reclaimed),
		cmocka_unit_test(
			intern__threads_add_and_remove_the_same__each_finds_what_it_asked_for),
		cmocka_unit_test(intern_reclaim__cancellation_is_pending__none_of_its_business),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
