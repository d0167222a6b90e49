/* SPDX-License-Identifier: MIT */
/* The cut, step by step: cut.c and cut_part.c are compiled in here with their steps, at which these tests play the target. */
#define PEEPS_FAULT_STEPS
#include "reader/cut/cut_part.c" // NOLINT(bugprone-suspicious-include): with steps
#include "reader/cut/cut.c"      // NOLINT(bugprone-suspicious-include): likewise

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "tests/support/fake_segment.h"
#include "tests/support/image_views.h"

struct fixture {
	struct fake_segment segment;
	struct fake_deadlock deadlock;
	struct peeps_target target;
	struct peeps_image image;
	struct peeps_problem problem;
};

/* What the target does at a step of the cut. Of this program's one thread. */
static void (*at_step)(struct fixture *fixture, unsigned int step);
static struct fixture *stepped;
static unsigned int flips;

void peeps_fault_step(unsigned int step)
{
	flips += step == PEEPS_STEP_CUT_FLIPPED;
	if (at_step)
		at_step(stepped, step);
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fake_segment_new(&fixture->segment);
	fake_deadlock(&fixture->segment, &fixture->deadlock);
	peeps_image_init(&fixture->image);
	assert_int_equal(peeps_attach_fd(&fixture->target, fixture->segment.fd, &fixture->problem),
			 0);
	stepped = fixture;
	at_step = NULL;
	flips = 0;
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	peeps_detach(&fixture->target);
	peeps_image_deinit(&fixture->image);
	fake_segment_free(&fixture->segment);
	free(fixture);
	return 0;
}

static int take(struct fixture *fixture, unsigned int flags)
{
	return peeps_cut(&fixture->target, &fixture->image, flags, &fixture->problem);
}

static size_t count_uncertain(const struct peeps_image *image)
{
	size_t count = 0;

	for (size_t i = 0; i < image->entity_count; i++)
		count += image->entities[i].uncertain;
	for (size_t i = 0; i < image->edge_count; i++)
		count += image->edges[i].uncertain;
	return count;
}

/* A section's first write to an entity in a new epoch. */
static void touch_entity(const struct fake_segment *segment, struct peeps_entity_slot *slot)
{
	memcpy(slot->shadow, &slot->status,
	       sizeof(slot->shadow)); // NOLINT: status and body lie together
	slot->epoch = segment->control->epoch;
}

static void touch_edge(const struct fake_segment *segment, struct peeps_edge_slot *slot)
{
	memcpy(slot->shadow, &slot->status, sizeof(slot->shadow)); // NOLINT: likewise
	memcpy(slot->details_shadow, slot->details, sizeof(slot->details));
	slot->epoch = segment->control->epoch;
}

/* --- nothing happens -------------------------------------------------------------------------------------------- */

static void cut__nothing_moves__is_exact_and_leaves_no_trace(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(take(f, 0), 0);
	assert_int_equal(f->image.quality, PEEPS_QUALITY_CUT);
	assert_int_equal(f->image.entity_count, 5);
	assert_int_equal(f->image.edge_count, 2);
	assert_int_equal(f->image.thread_count, 4);
	assert_int_equal(f->image.note_count, 0);
	assert_int_equal(f->image.shadow_answers, 0);
	assert_int_equal(f->image.tick_period_ns, FAKE_TICK_NS);
	assert_int_equal(count_uncertain(&f->image), 0);
	assert_int_equal(f->segment.control->epoch, PEEPS_FIRST_EPOCH + 1);
	assert_int_equal(f->segment.control->cut, 0);
	assert_int_equal(f->segment.control->reader_pid, 0);
	assert_true(f->image.threads[1].settled);
}

static void cut__free_and_retired_slots__are_left_out(void **state)
{
	struct fixture *f = *state;
	struct peeps_entity_slot *left = &f->segment.entities[f->deadlock.left];

	left->status = (left->status & ~PEEPS_STATUS_LIFE_MASK) | PEEPS_LIFE_RETIRED;
	f->segment.edges[f->deadlock.alpha_wait].status = 0;
	assert_int_equal(take(f, 0), 0);
	assert_int_equal(f->image.entity_count, 4);
	assert_int_equal(f->image.edge_count, 1);
	assert_int_equal(f->image.edges[0].index, f->deadlock.beta_wait);
}

static void cut__image_used_again__shows_only_the_new_cut(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(take(f, 0), 0);
	for (int i = 0; i < 5; i++)
		(void)fake_entity(&f->segment, PEEPS_KIND_MUTEX, NULL);
	fake_section(&f->segment, PEEPS_SECTION_EDGES)->high_water = 0;
	assert_int_equal(take(f, 0), 0);
	assert_int_equal(f->image.entity_count, 10);
	assert_int_equal(f->image.edge_count, 0);
}

/* --- a section of the new epoch comes between --------------------------------------------------------------------- */

static void write_after_flip(struct fixture *f, unsigned int step)
{
	struct peeps_entity_slot *left = &f->segment.entities[f->deadlock.left];
	struct peeps_edge_slot *wait = &f->segment.edges[f->deadlock.alpha_wait];

	if (step != PEEPS_STEP_CUT_FENCED)
		return;
	f->segment.threads[1].txn += 2;
	touch_entity(&f->segment, left);
	left->body[PEEPS_MUTEX_HOLDER_WORD] = 0;
	touch_edge(&f->segment, wait);
	wait->status = (wait->status & ~PEEPS_EDGE_BYTE_MASK) | PEEPS_STATE_DONE;
	wait->details[0] = 99;
}

static void cut__written_after_the_flip__shows_what_was_before(void **state)
{
	struct fixture *f = *state;

	at_step = write_after_flip;
	assert_int_equal(take(f, 0), 0);
	assert_int_equal(f->image.quality, PEEPS_QUALITY_CUT);
	assert_int_equal(f->image.shadow_answers, 2);
	assert_int_equal(entity_of(&f->image, f->deadlock.left)->body[PEEPS_MUTEX_HOLDER_WORD],
			 fake_ref(&f->segment, f->deadlock.alpha));
	assert_int_equal(edge_of(&f->image, f->deadlock.alpha_wait)->status & PEEPS_EDGE_BYTE_MASK,
			 PEEPS_STATE_PENDING);
	assert_int_equal(edge_of(&f->image, f->deadlock.alpha_wait)->details[0], 0);
	assert_false(f->image.threads[1].settled);
	assert_true(f->image.threads[2].settled);

	at_step = NULL;
	assert_int_equal(take(f, 0), 0);
	assert_int_equal(f->image.shadow_answers, 0);
	assert_int_equal(entity_of(&f->image, f->deadlock.left)->body[PEEPS_MUTEX_HOLDER_WORD], 0);
	assert_int_equal(edge_of(&f->image, f->deadlock.alpha_wait)->details[0], 99);
}

static void create_after_flip(struct fixture *f, unsigned int step)
{
	if (step == PEEPS_STEP_CUT_FENCED)
		(void)fake_entity(&f->segment, PEEPS_KIND_MUTEX, "younger than the cut");
}

static void cut__entity_made_after_the_flip__is_not_in_it(void **state)
{
	struct fixture *f = *state;

	at_step = create_after_flip;
	assert_int_equal(take(f, 0), 0);
	/* Its epoch is the new one, and its shadow says: free. */
	assert_int_equal(f->image.entity_count, 5);
	at_step = NULL;
	assert_int_equal(take(f, 0), 0);
	assert_int_equal(f->image.entity_count, 6);
}

static void retire_after_flip(struct fixture *f, unsigned int step)
{
	struct peeps_entity_slot *left = &f->segment.entities[f->deadlock.left];

	if (step != PEEPS_STEP_CUT_FENCED)
		return;
	touch_entity(&f->segment, left);
	left->status = (left->status & ~PEEPS_STATUS_LIFE_MASK) | PEEPS_LIFE_RETIRED;
}

static void cut__entity_retired_after_the_flip__is_still_in_it(void **state)
{
	struct fixture *f = *state;

	at_step = retire_after_flip;
	assert_int_equal(take(f, 0), 0);
	assert_int_equal(f->image.entity_count, 5);
	assert_true(entity_of(&f->image, f->deadlock.left)->name != 0);
}

static void slot__epoch_from_the_future__is_uncertain(void **state)
{
	struct fixture *f = *state;

	f->segment.entities[f->deadlock.left].epoch = UINT64_C(1) << 60;
	f->segment.entities[f->deadlock.left].shadow[0] =
		f->segment.entities[f->deadlock.left].status;
	assert_int_equal(take(f, 0), 0);
	assert_int_equal(f->image.quality, PEEPS_QUALITY_PARTIAL);
	assert_true(entity_of(&f->image, f->deadlock.left)->uncertain);
	assert_true(is_noted(&f->image, "somebody else writes"));
}

static void cut__order_violations__are_noted(void **state)
{
	struct fixture *f = *state;

	f->segment.threads[2].order_violations = 1;
	assert_int_equal(take(f, 0), 0);
	assert_int_equal(f->image.quality, PEEPS_QUALITY_PARTIAL);
	assert_true(is_noted(&f->image, "somebody else writes"));
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static uint32_t boot, alpha_in_boot; /* rows of the tests below */

static void change_rows_after_flip(struct fixture *f, unsigned int step)
{
	if (step != PEEPS_STEP_CUT_FENCED)
		return;
	f->segment.scopes[boot].died = f->segment.control->epoch;
	f->segment.memberships[alpha_in_boot].died = f->segment.control->epoch;
	(void)fake_member(&f->segment, fake_scope(&f->segment, PEEPS_SCOPE_KIND_USER, "younger"),
			  f->deadlock.beta);
}

static void cut__rows_born_or_ended_after_the_flip__are_as_they_were_before(void **state)
{
	struct fixture *f = *state;

	boot = fake_scope(&f->segment, PEEPS_SCOPE_KIND_USER, "boot");
	alpha_in_boot = fake_member(&f->segment, boot, f->deadlock.alpha);
	at_step = change_rows_after_flip;
	assert_int_equal(take(f, 0), 0);
	assert_int_equal(f->image.scope_count, 1);
	assert_int_equal(f->image.scopes[0].index, boot);
	assert_int_equal(f->image.scopes[0].kind, PEEPS_SCOPE_KIND_USER);
	assert_int_equal(f->image.scopes[0].identity, f->segment.scopes[boot].identity);
	assert_int_equal(f->image.scopes[0].created_ns, f->segment.scopes[boot].created_ns);
	assert_int_equal(f->image.membership_count, 1);
	assert_int_equal(f->image.memberships[0].scope, f->segment.scopes[boot].identity);
	assert_int_equal(f->image.memberships[0].member, fake_ref(&f->segment, f->deadlock.alpha));

	at_step = NULL;
	assert_int_equal(take(f, 0), 0);
	assert_int_equal(f->image.scope_count, 1);
	assert_int_equal(f->image.scopes[0].index, boot + 1);
	assert_int_equal(f->image.membership_count, 1);
	assert_int_equal(f->image.memberships[0].member, fake_ref(&f->segment, f->deadlock.beta));
}

static void cut__rows_between_two_lives__are_not_there(void **state)
{
	struct fixture *f = *state;

	boot = fake_scope(&f->segment, PEEPS_SCOPE_KIND_USER, "boot");
	alpha_in_boot = fake_member(&f->segment, boot, f->deadlock.alpha);
	f->segment.scopes[boot].born = 0;
	f->segment.memberships[alpha_in_boot].born = 0;
	for (unsigned int flags = 0; flags <= PEEPS_CUT_PASSIVE; flags++) {
		assert_int_equal(take(f, flags), 0);
		assert_int_equal(f->image.scope_count, 0);
		assert_int_equal(f->image.membership_count, 0);
	}
}

static void cut__thread_vanished_while_it_made_a_row__leaves_nothing_uncertain(void **state)
{
	struct fixture *f = *state;

	boot = fake_scope(&f->segment, PEEPS_SCOPE_KIND_USER, "boot");
	alpha_in_boot = fake_member(&f->segment, boot, f->deadlock.alpha);
	f->segment.threads[1].txn = 3;
	f->segment.threads[1].write_set[0] =
		fake_write_set_of(&f->segment, &f->segment.scopes[boot]) | 2;
	f->segment.threads[1].write_set[1] =
		fake_write_set_of(&f->segment, &f->segment.memberships[alpha_in_boot]);
	assert_int_equal(take(f, 0), 0);
	assert_int_equal(f->image.quality, PEEPS_QUALITY_PARTIAL);
	assert_int_equal(count_uncertain(&f->image), 0);
	assert_int_equal(f->image.scope_count, 1);

	memset(f->segment.threads[1].write_set, 0, sizeof(f->segment.threads[1].write_set));
	assert_int_equal(take(f, 0), 0);
	assert_int_equal(f->image.quality, PEEPS_QUALITY_PARTIAL);
	assert_int_equal(count_uncertain(&f->image), 0);
	assert_true(is_noted(&f->image, "thread 4712 (alpha) ended inside an update of no slot"));
}

/* --- the grace period --------------------------------------------------------------------------------------------- */

static void cut__thread_vanished_inside_a_section__its_slots_are_uncertain(void **state)
{
	struct fixture *f = *state;
	struct peeps_thread *alpha = &f->segment.threads[1];

	alpha->txn = 3;
	alpha->write_set[0] =
		fake_write_set_of(&f->segment, &f->segment.entities[f->deadlock.left]) | 2;
	alpha->write_set[1] =
		fake_write_set_of(&f->segment, &f->segment.edges[f->deadlock.alpha_wait]);
	assert_int_equal(take(f, 0), 0);
	assert_int_equal(f->image.quality, PEEPS_QUALITY_PARTIAL);
	assert_true(f->image.threads[1].stuck);
	assert_true(entity_of(&f->image, f->deadlock.left)->uncertain);
	assert_true(edge_of(&f->image, f->deadlock.alpha_wait)->uncertain);
	assert_int_equal(count_uncertain(&f->image), 2);
	assert_true(is_noted(
		&f->image,
		"thread 4712 (alpha) ended inside an update; 2 slots it was writing are left uncertain"));
}

struct write_set {
	const char *name;
	uint64_t words[PEEPS_WRITE_SET_MAX];
};

static void cut__senseless_write_set__makes_all_uncertain(void **state)
{
	struct fixture *f = *state;
	const uint64_t left =
		fake_write_set_of(&f->segment, &f->segment.entities[f->deadlock.left]);
	const uint64_t free_entity =
		fake_write_set_of(&f->segment, &f->segment.entities[FAKE_ENTITIES - 1]);
	const uint64_t site = fake_write_set_of(&f->segment, &f->segment.sites[0]);
	const struct write_set rows[] = {
		{ "no slots, and yet one", { left } },
		{ "four slots", { left | 4, left, left } },
		{ "63 slots", { left | 63, left, left } },
		{ "not the start of a slot", { (left + 64) | 1 } },
		{ "beyond the mark", { free_entity | 1 } },
		{ "another section", { site | 1 } },
		{ "before the control page", { (0 - UINT64_C(4096)) | 1 } },
		{ "beyond all", { (UINT64_MAX & ~PEEPS_WRITE_SET_COUNT_MASK) | 1 } },
		{ "the second beyond all", { left | 2, UINT64_MAX } },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peeps_thread *alpha = &f->segment.threads[1];

		alpha->txn = 3;
		memcpy(alpha->write_set, rows[i].words, sizeof(alpha->write_set));
		assert_int_equal(take(f, 0), 0);
		if (count_uncertain(&f->image) != 7 || !is_noted(&f->image, "all is uncertain"))
			fail_msg("%s", rows[i].name);
	}
}

static void end_sections(struct fixture *f, unsigned int step)
{
	if (step == PEEPS_STEP_CUT_FENCED)
		f->segment.threads[1].txn++;
}

static void cut__section_that_ended_meanwhile__is_in_it(void **state)
{
	struct fixture *f = *state;

	f->segment.threads[1].txn = 3;
	at_step = end_sections;
	assert_int_equal(take(f, 0), 0);
	assert_int_equal(f->image.quality, PEEPS_QUALITY_CUT);
	assert_false(f->image.threads[1].stuck);
	assert_false(f->image.threads[1].settled);
}

/* --- a cut is lost ------------------------------------------------------------------------------------------------ */

static unsigned int losses;

static void lose(struct fixture *f, unsigned int step)
{
	if (step != PEEPS_STEP_CUT_COPIED || losses == 0)
		return;
	losses--;
	f->segment.control->epoch++;
}

static void lose_the_deadline(struct fixture *f, unsigned int step)
{
	if (step != PEEPS_STEP_CUT_COPIED || losses == 0)
		return;
	losses--;
	f->segment.control->cut_deadline_ns++;
}

static void lose_the_announcement(struct fixture *f, unsigned int step)
{
	if (step != PEEPS_STEP_CUT_COPIED || losses == 0)
		return;
	losses--;
	f->segment.control->cut = 0;
}

static void lose_the_flip(struct fixture *f, unsigned int step)
{
	if (step != PEEPS_STEP_CUT_ANNOUNCED || losses == 0)
		return;
	losses--;
	f->segment.control->epoch++;
}

static void cut__epoch_taken_by_somebody_else__is_taken_again(void **state)
{
	struct fixture *f = *state;

	at_step = lose_the_flip;
	losses = 1;
	assert_int_equal(take(f, 0), 0);
	assert_int_equal(flips, 1);
	assert_int_equal(f->image.quality, PEEPS_QUALITY_CUT);
	assert_int_equal(f->segment.control->epoch, PEEPS_FIRST_EPOCH + 2);
	assert_int_equal(f->segment.control->cut, 0);
	assert_int_equal(f->segment.control->reader_pid, 0);
}

static void cut__lost__is_taken_again(void **state)
{
	void (*const ways[])(struct fixture *, unsigned int) = { lose, lose_the_deadline,
								 lose_the_announcement };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		at_step = ways[i];
		losses = 2;
		flips = 0;
		assert_int_equal(take(f, 0), 0);
		assert_int_equal(flips, 3);
		assert_int_equal(f->image.quality, PEEPS_QUALITY_CUT);
		assert_int_equal(f->segment.control->cut, 0);
	}
}

static void cut__lost_every_time__is_a_passive_look_and_eagain(void **state)
{
	struct fixture *f = *state;

	at_step = lose;
	losses = UINT32_MAX;
	assert_int_equal(take(f, 0), -EAGAIN);
	assert_int_equal(f->problem.status, 7);
	assert_int_equal(f->image.quality, PEEPS_QUALITY_QUIESCENT);
	assert_int_equal(f->image.entity_count, 5);
	assert_true(is_noted(&f->image, "no cut could be completed"));
}

static void grow_a_lot(struct fixture *f, unsigned int step)
{
	if (step != PEEPS_STEP_CUT_FLIPPED || losses == 0)
		return;
	losses--;
	f->image.entity_room = 1; /* as if room had been made for fewer */
}

static void cut__target_outgrew_the_room__is_taken_again_with_more(void **state)
{
	struct fixture *f = *state;

	at_step = grow_a_lot;
	losses = 1;
	assert_int_equal(take(f, 0), 0);
	assert_int_equal(flips, 2);
	assert_int_equal(f->image.quality, PEEPS_QUALITY_CUT);
	assert_int_equal(f->image.entity_count, 5);
	assert_int_equal(f->segment.control->cut, 0);
}

static void cut__epoch_beyond_reason__is_refused(void **state)
{
	struct fixture *f = *state;

	f->segment.control->epoch = UINT64_MAX;
	assert_int_equal(take(f, 0), -EBADMSG);
	assert_int_equal(f->problem.status, 6);
	assert_int_equal(f->segment.control->epoch, UINT64_MAX);
}

/* --- other readers ------------------------------------------------------------------------------------------------ */

static void cut__another_reader_has_the_lock__is_a_passive_look_naming_it(void **state)
{
	struct fixture *f = *state;
	struct peeps_target other;
	struct peeps_cut_part theirs = { .target = &other };

	assert_int_equal(peeps_attach_fd(&other, f->segment.fd, &f->problem), 0);
	assert_int_equal(peeps_cut_part_lock(&theirs), 0);
	f->segment.control->reader_pid = 31337;
	assert_int_equal(take(f, 0), 0);
	assert_int_equal(flips, 0);
	assert_int_equal(f->image.quality, PEEPS_QUALITY_QUIESCENT);
	assert_true(is_noted(&f->image, "another reader (process 31337)"));
	peeps_detach(&other);
	assert_int_equal(take(f, 0), 0);
	assert_int_equal(f->image.quality, PEEPS_QUALITY_CUT);
}

static void cut__page_not_writable__is_a_passive_look(void **state)
{
	struct fixture *f = *state;
	struct peeps_control *control = f->target.control;

	f->target.control = NULL;
	assert_int_equal(take(f, 0), 0);
	assert_int_equal(f->image.quality, PEEPS_QUALITY_QUIESCENT);
	assert_true(is_noted(&f->image, "may not be written"));
	f->target.control = control;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(cut__nothing_moves__is_exact_and_leaves_no_trace),
		TEST(cut__free_and_retired_slots__are_left_out),
		TEST(cut__image_used_again__shows_only_the_new_cut),
		TEST(cut__written_after_the_flip__shows_what_was_before),
		TEST(cut__entity_made_after_the_flip__is_not_in_it),
		TEST(cut__entity_retired_after_the_flip__is_still_in_it),
		TEST(slot__epoch_from_the_future__is_uncertain),
		TEST(cut__order_violations__are_noted),
		TEST(cut__rows_born_or_ended_after_the_flip__are_as_they_were_before),
		TEST(cut__rows_between_two_lives__are_not_there),
		TEST(cut__thread_vanished_while_it_made_a_row__leaves_nothing_uncertain),
		TEST(cut__thread_vanished_inside_a_section__its_slots_are_uncertain),
		TEST(cut__senseless_write_set__makes_all_uncertain),
		TEST(cut__section_that_ended_meanwhile__is_in_it),
		TEST(cut__epoch_taken_by_somebody_else__is_taken_again),
		TEST(cut__lost__is_taken_again),
		TEST(cut__lost_every_time__is_a_passive_look_and_eagain),
		TEST(cut__target_outgrew_the_room__is_taken_again_with_more),
		TEST(cut__epoch_beyond_reason__is_refused),
		TEST(cut__another_reader_has_the_lock__is_a_passive_look_naming_it),
		TEST(cut__page_not_writable__is_a_passive_look),
	};

	return cmocka_run_group_tests_name("cut", tests, NULL, NULL);
}
