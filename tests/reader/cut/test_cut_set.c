/* SPDX-License-Identifier: MIT */
/* A cut of several segments, step by step: compiled in here with its steps, at which these tests play the targets. */
#define PEEPS_FAULT_STEPS
#include "reader/cut/barrier.h"

static bool counted_barrier(uint32_t fence_mode);
#define peeps_barrier_process counted_barrier
#include "reader/cut/cut_part.c" // NOLINT(bugprone-suspicious-include): with steps
#include "reader/cut/cut.c"      // NOLINT(bugprone-suspicious-include): likewise
#undef peeps_barrier_process

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "tests/support/fake_segment.h"

#define SEGMENTS 3

struct fixture {
	struct fake_segment segments[SEGMENTS];
	struct fake_deadlock deadlocks[SEGMENTS];
	struct peeps_target targets[SEGMENTS];
	struct peeps_image images[SEGMENTS];
	struct peeps_problem problem;
	uint64_t skew_ns;
};

/* Of this program's one thread. */
static struct fixture *stepped;
static void (*at_step)(struct fixture *f, unsigned int step);
static unsigned int steps[128]; /* how often each was taken */
static unsigned int barriers, barriers_in_time;
static bool barriers_are_refused, barrier_is_theirs;
static uint64_t epochs_before[SEGMENTS];

void peeps_fault_step(unsigned int step)
{
	steps[step]++;
	if (at_step)
		at_step(stepped, step);
}

static uint64_t epoch_of(const struct fixture *f, size_t segment)
{
	return peeps_load_relaxed(&f->segments[segment].control->epoch);
}

static bool is_flipped(const struct fixture *f, size_t segment)
{
	return epoch_of(f, segment) > epochs_before[segment];
}

static bool counted_barrier(uint32_t fence_mode)
{
	bool flipped = true;

	for (size_t i = 0; i < SEGMENTS; i++)
		flipped &= is_flipped(stepped, i);
	barriers++;
	barrier_is_theirs = fence_mode;
	barriers_in_time += flipped;
	return fence_mode || (!barriers_are_refused && peeps_barrier_process(fence_mode));
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	for (size_t i = 0; i < SEGMENTS; i++) {
		fake_segment_new(&f->segments[i]);
		fake_deadlock(&f->segments[i], &f->deadlocks[i]);
		peeps_image_init(&f->images[i]);
		assert_int_equal(peeps_attach_fd(&f->targets[i], f->segments[i].fd, &f->problem),
				 0);
		epochs_before[i] = epoch_of(f, i);
	}
	stepped = f;
	at_step = NULL;
	memset(steps, 0, sizeof(steps));
	barriers = barriers_in_time = 0;
	barriers_are_refused = false;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < SEGMENTS; i++) {
		peeps_detach(&f->targets[i]);
		peeps_image_deinit(&f->images[i]);
		fake_segment_free(&f->segments[i]);
	}
	free(f);
	return 0;
}

static int take(struct fixture *f)
{
	return peeps_cut_set(f->targets, f->images, SEGMENTS, 0, &f->skew_ns, &f->problem);
}

static void assert_noted(const struct peeps_image *image, const char *part)
{
	for (size_t i = 0; i < image->note_count; i++) {
		if (strstr(image->notes[i], part))
			return;
	}
	fail_msg("no note says: %s", part);
}

/* Nothing is left of a reader: no announcement, no lock. */
static void assert_left_alone(const struct fixture *f)
{
	for (size_t i = 0; i < SEGMENTS; i++) {
		struct peeps_target other;
		struct peeps_problem problem;
		struct peeps_cut_part part = { .target = &other };

		assert_int_equal(f->segments[i].control->cut, 0);
		assert_int_equal(f->segments[i].control->reader_pid, 0);
		assert_int_equal(peeps_attach_fd(&other, f->segments[i].fd, &problem), 0);
		assert_int_equal(lock_set(part.target, F_WRLCK), 0);
		peeps_detach(&other);
	}
}

static void assert_quality(const struct fixture *f, enum peeps_quality first,
			   enum peeps_quality second, enum peeps_quality third)
{
	assert_int_equal(f->images[0].quality, first);
	assert_int_equal(f->images[1].quality, second);
	assert_int_equal(f->images[2].quality, third);
	for (size_t i = 0; i < SEGMENTS; i++)
		assert_int_equal(f->images[i].entity_count, 5);
}

#define ALL_CUT PEEPS_QUALITY_CUT, PEEPS_QUALITY_CUT, PEEPS_QUALITY_CUT

/* --- the steps, in their order ---------------------------------------------------------------------------------- */

static void set__nothing_moves__each_is_exact_and_left_alone(void **state)
{
	struct fixture *f = *state;
	uint64_t first_ns = UINT64_MAX, last_ns = 0;

	assert_int_equal(take(f), 0);
	assert_quality(f, ALL_CUT);
	for (size_t i = 0; i < SEGMENTS; i++) {
		const uint64_t taken_ns = f->images[i].taken_at_monotonic_ns;

		assert_int_equal(epoch_of(f, i), epochs_before[i] + 1);
		assert_int_equal(f->images[i].note_count, 0);
		first_ns = taken_ns < first_ns ? taken_ns : first_ns;
		last_ns = taken_ns > last_ns ? taken_ns : last_ns;
	}
	assert_true(last_ns > first_ns);
	assert_int_equal(f->skew_ns, last_ns - first_ns);
	assert_left_alone(f);
}

static void set__of_one__has_no_skew(void **state)
{
	struct fixture *f = *state;

	f->skew_ns = 1;
	assert_int_equal(peeps_cut_set(f->targets, f->images, 1, 0, &f->skew_ns, &f->problem), 0);
	assert_int_equal(f->skew_ns, 0);
	assert_int_equal(f->images[0].quality, PEEPS_QUALITY_CUT);
}

static void set__one_membarrier__when_all_epochs_have_begun(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(take(f), 0);
	assert_int_equal(barriers, 1);
	assert_int_equal(barriers_in_time, 1);
}

static void set__all_fence_for_themselves__needs_no_membarrier(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < SEGMENTS; i++)
		f->targets[i].header.fence_mode = 1;
	assert_int_equal(take(f), 0);
	assert_quality(f, ALL_CUT);
	assert_true(barrier_is_theirs);
	f->targets[1].header.fence_mode = 0;
	assert_int_equal(take(f), 0);
	assert_quality(f, ALL_CUT);
	assert_false(barrier_is_theirs);
}

static void end_sections(struct fixture *f, unsigned int step)
{
	/* Before the first wait: each has to be looked at again. */
	for (size_t i = 0; step == PEEPS_STEP_CUT_FENCED && i < SEGMENTS; i++)
		f->segments[i].threads[1].txn++;
	if (step == PEEPS_STEP_CUT_COPYING)
		assert_int_equal(steps[PEEPS_STEP_CUT_WAITED], SEGMENTS);
}

static void set__sections_open_in_each__all_are_waited_for_before_the_first_copy(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < SEGMENTS; i++)
		f->segments[i].threads[1].txn = 3;
	at_step = end_sections;
	assert_int_equal(take(f), 0);
	assert_quality(f, ALL_CUT);
	for (size_t i = 0; i < SEGMENTS; i++) {
		assert_int_equal(f->images[i].thread_count, 4);
		assert_false(f->images[i].threads[1].stuck);
		assert_false(f->images[i].threads[1].settled);
	}
}

static void set__section_of_one_never_ends__only_that_one_is_partial(void **state)
{
	struct fixture *f = *state;

	f->segments[1].threads[1].txn = 3;
	f->segments[1].threads[1].write_set[0] =
		fake_write_set_of(&f->segments[1], &f->segments[1].entities[0]) | 1;
	assert_int_equal(take(f), 0);
	assert_quality(f, PEEPS_QUALITY_CUT, PEEPS_QUALITY_PARTIAL, PEEPS_QUALITY_CUT);
}

static void write_in_the_last_after_the_first_flip(struct fixture *f, unsigned int step)
{
	if (step != PEEPS_STEP_CUT_FLIPPED || steps[step] != 1)
		return;
	/* Announced all of them, before the first flip. */
	for (size_t i = 0; i < SEGMENTS; i++) {
		struct peeps_entity_slot *left = &f->segments[i].entities[f->deadlocks[i].left];

		assert_int_equal(f->segments[i].control->cut, epochs_before[i] + 1);
		if (is_flipped(f, i)) {
			memcpy(left->shadow, &left->status,
			       sizeof(left->shadow)); // NOLINT: status and body lie together
			left->epoch = epoch_of(f, i);
		}
		left->body[PEEPS_MUTEX_ACQUIRES_WORD] = 77;
	}
}

static void set__written_between_two_flips__is_in_the_later_only(void **state)
{
	struct fixture *f = *state;
	size_t later = 0;

	at_step = write_in_the_last_after_the_first_flip;
	assert_int_equal(take(f), 0);
	for (size_t i = 0; i < SEGMENTS; i++) {
		const struct peeps_entity_view *left =
			peeps_image_entity(&f->images[i], f->deadlocks[i].left);

		assert_non_null(left);
		later += left->body[PEEPS_MUTEX_ACQUIRES_WORD] == 77;
	}
	assert_int_equal(later, SEGMENTS - 1);
}

/* --- locks -------------------------------------------------------------------------------------------------------- */

static size_t locked_first;

static void remember_the_first(struct fixture *f, unsigned int step)
{
	if (step != PEEPS_STEP_CUT_LOCKED || steps[step] != 1)
		return;
	for (size_t i = 0; i < SEGMENTS; i++) {
		if (f->segments[i].control->reader_pid)
			locked_first = i;
	}
}

/* Two readers that name the processes differently wait for each other's locks otherwise. */
static void set__in_whatever_order__locks_in_the_same(void **state)
{
	struct fixture *f = *state;
	struct peeps_target turned[SEGMENTS] = { f->targets[2], f->targets[1], f->targets[0] };
	size_t first;

	at_step = remember_the_first;
	assert_int_equal(take(f), 0);
	first = locked_first;
	steps[PEEPS_STEP_CUT_LOCKED] = 0;
	assert_int_equal(peeps_cut_set(turned, f->images, SEGMENTS, 0, &f->skew_ns, &f->problem),
			 0);
	assert_int_equal(locked_first, first);
}

static void set__lock_of_one_refused__the_others_are_cut(void **state)
{
	struct fixture *f = *state;
	struct peeps_target other;
	struct peeps_cut_part theirs = { .target = &other };

	assert_int_equal(peeps_attach_fd(&other, f->segments[1].fd, &f->problem), 0);
	assert_int_equal(peeps_cut_part_lock(&theirs), 0);
	f->segments[1].control->reader_pid = 31337;
	assert_int_equal(take(f), 0);
	assert_quality(f, PEEPS_QUALITY_CUT, PEEPS_QUALITY_QUIESCENT, PEEPS_QUALITY_CUT);
	assert_noted(&f->images[1], "another reader (process 31337)");
	assert_int_equal(f->images[0].note_count, 0);
	assert_int_equal(epoch_of(f, 1), epochs_before[1]);
	peeps_detach(&other);
	f->segments[1].control->reader_pid = 0;
	assert_left_alone(f);
}

static void set__page_of_one_not_writable__the_others_are_cut(void **state)
{
	struct fixture *f = *state;
	struct peeps_control *control = f->targets[2].control;

	f->targets[2].control = NULL;
	assert_int_equal(take(f), 0);
	f->targets[2].control = control;
	assert_quality(f, PEEPS_QUALITY_CUT, PEEPS_QUALITY_CUT, PEEPS_QUALITY_QUIESCENT);
	assert_noted(&f->images[2], "may not be written");
	assert_left_alone(f);
}

/* --- a cut is lost ------------------------------------------------------------------------------------------------ */

static unsigned int losses;

static void lose_one(struct fixture *f, unsigned int step)
{
	if (step != PEEPS_STEP_CUT_COPIED || losses == 0 || !is_flipped(f, 1))
		return;
	if (f->segments[1].control->cut != 0)
		f->segments[1].control->epoch++;
	losses--;
}

static void set__lost_by_one__is_taken_again_as_a_whole(void **state)
{
	struct fixture *f = *state;

	at_step = lose_one;
	losses = 1;
	assert_int_equal(take(f), 0);
	assert_quality(f, ALL_CUT);
	assert_int_equal(steps[PEEPS_STEP_CUT_FLIPPED], 2 * SEGMENTS);
	assert_int_equal(epoch_of(f, 0), epochs_before[0] + 2);
	assert_int_equal(epoch_of(f, 2), epochs_before[2] + 2);
	assert_left_alone(f);
}

static void set__lost_by_one_every_time__the_others_are_one_cut(void **state)
{
	struct fixture *f = *state;
	const char *named = "cannot take a snapshot of process";

	at_step = lose_one;
	losses = UINT32_MAX;
	f->targets[1].pid = 4242;
	assert_int_equal(take(f), -EAGAIN);
	assert_quality(f, PEEPS_QUALITY_CUT, PEEPS_QUALITY_QUIESCENT, PEEPS_QUALITY_CUT);
	assert_noted(&f->images[1], "no cut could be completed");
	assert_int_equal(f->problem.status, PEEPS_PROBLEM_NO_CUT);
	assert_memory_equal(f->problem.what, named, strlen(named));
	assert_non_null(strstr(f->problem.what, "4242"));
	assert_left_alone(f);
}

static void set__membarrier_refused__only_who_fences_himself_is_cut(void **state)
{
	struct fixture *f = *state;

	barriers_are_refused = true;
	f->targets[0].header.fence_mode = 1;
	assert_int_equal(take(f), 0);
	assert_quality(f, PEEPS_QUALITY_CUT, PEEPS_QUALITY_QUIESCENT, PEEPS_QUALITY_QUIESCENT);
	assert_noted(&f->images[1], "membarrier is refused");
	assert_noted(&f->images[2], "membarrier is refused");
	assert_left_alone(f);
}

static void set__epoch_of_one_beyond_reason__is_refused_and_left_alone(void **state)
{
	struct fixture *f = *state;

	f->segments[2].control->epoch = UINT64_MAX;
	f->targets[2].pid = 4242;
	assert_int_equal(take(f), -EBADMSG);
	assert_int_equal(f->problem.status, PEEPS_PROBLEM_BAD_SEGMENT);
	assert_non_null(strstr(f->problem.what, "4242"));
	assert_int_equal(epoch_of(f, 0), epochs_before[0]);
	assert_left_alone(f);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(set__nothing_moves__each_is_exact_and_left_alone),
		TEST(set__of_one__has_no_skew),
		TEST(set__one_membarrier__when_all_epochs_have_begun),
		TEST(set__all_fence_for_themselves__needs_no_membarrier),
		TEST(set__sections_open_in_each__all_are_waited_for_before_the_first_copy),
		TEST(set__section_of_one_never_ends__only_that_one_is_partial),
		TEST(set__written_between_two_flips__is_in_the_later_only),
		TEST(set__in_whatever_order__locks_in_the_same),
		TEST(set__lock_of_one_refused__the_others_are_cut),
		TEST(set__page_of_one_not_writable__the_others_are_cut),
		TEST(set__lost_by_one__is_taken_again_as_a_whole),
		TEST(set__lost_by_one_every_time__the_others_are_one_cut),
		TEST(set__membarrier_refused__only_who_fences_himself_is_cut),
		TEST(set__epoch_of_one_beyond_reason__is_refused_and_left_alone),
	};

	return cmocka_run_group_tests_name("cut_set", tests, NULL, NULL);
}
