/* SPDX-License-Identifier: MIT */
/* A passive look: passive.c is compiled in here with its steps, at which these tests play the target. */
#define PEEPS_FAULT_STEPS
#include "reader/cut/passive.c" // NOLINT(bugprone-suspicious-include): with steps

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "reader/cut/cut.h"
#include "tests/support/fake_segment.h"
#include "tests/support/image_views.h"

struct fixture {
	struct fake_segment segment;
	struct fake_deadlock deadlock;
	struct peeps_target target;
	struct peeps_image image;
	struct peeps_problem problem;
};

/* What the target does at a step of the look. Of this program's one thread. */
static void (*at_step)(struct fixture *fixture, unsigned int step);
static struct fixture *stepped;

void peeps_fault_step(unsigned int step)
{
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

static void look(struct fixture *f)
{
	assert_int_equal(peeps_cut(&f->target, &f->image, PEEPS_CUT_PASSIVE, &f->problem), 0);
}

static struct peeps_thread *record_of(const struct fixture *f, uint32_t thread)
{
	return &f->segment.threads[fake_record_of(&f->segment, thread)];
}

static void look__nothing_moves__is_quiescent_and_writes_nothing(void **state)
{
	struct fixture *f = *state;

	look(f);
	assert_int_equal(f->image.quality, PEEPS_QUALITY_QUIESCENT);
	assert_int_equal(f->image.entity_count, 5);
	assert_int_equal(f->image.edge_count, 2);
	for (size_t i = 0; i < f->image.entity_count; i++)
		assert_false(f->image.entities[i].uncertain);
	assert_false(edge_of(&f->image, f->deadlock.alpha_wait)->uncertain);
	assert_int_equal(f->segment.control->epoch, PEEPS_FIRST_EPOCH);
	assert_int_equal(f->segment.control->cut, 0);
	assert_int_equal(f->segment.control->cut_deadline_ns, 0);
}

/* What a later epoch has written over is gone for a passive look: the slot itself is what there is. */
static void look__slot_of_any_epoch__is_read_as_it_is(void **state)
{
	struct fixture *f = *state;

	f->segment.entities[f->deadlock.left].epoch = UINT64_C(1) << 50;
	look(f);
	assert_int_equal(f->image.quality, PEEPS_QUALITY_QUIESCENT);
	assert_int_equal(f->image.shadow_answers, 0);
	assert_int_equal(f->image.entity_count, 5);
}

static void look__a_thread_inside_a_section__only_what_others_wrote_is_proved(void **state)
{
	struct fixture *f = *state;

	record_of(f, f->deadlock.beta)->txn = 3;
	record_of(f, f->deadlock.beta)->write_set[0] =
		fake_write_set_of(&f->segment, &f->segment.edges[f->deadlock.beta_wait]) | 1;
	look(f);
	assert_int_equal(f->image.quality, PEEPS_QUALITY_PASSIVE);
	assert_false(entity_of(&f->image, f->deadlock.alpha)->uncertain);
	assert_false(entity_of(&f->image, f->deadlock.heartbeat)->uncertain);
	assert_false(entity_of(&f->image, f->deadlock.left)
			     ->uncertain); /* held by alpha, who stood still */
	assert_false(edge_of(&f->image, f->deadlock.alpha_wait)->uncertain);
	assert_true(entity_of(&f->image, f->deadlock.beta)->uncertain);
	assert_true(entity_of(&f->image, f->deadlock.right)->uncertain);
	assert_true(edge_of(&f->image, f->deadlock.beta_wait)->uncertain);
}

static void look__a_thread_moves__a_free_mutex_is_uncertain(void **state)
{
	struct fixture *f = *state;
	const uint32_t idle = fake_entity(&f->segment, PEEPS_KIND_MUTEX, "idle");

	record_of(f, f->deadlock.heartbeat)->txn = 3;
	record_of(f, f->deadlock.heartbeat)->write_set[0] =
		fake_write_set_of(&f->segment, &f->segment.entities[f->deadlock.heartbeat]) | 1;
	look(f);
	assert_true(entity_of(&f->image, idle)->uncertain);
	assert_true(entity_of(&f->image, f->deadlock.heartbeat)->uncertain);
	assert_false(entity_of(&f->image, f->deadlock.left)->uncertain);
}

/* An edge in another thread's write set changes hands just now, whatever its origin says. */
static void look__edge_in_anothers_write_set__is_uncertain(void **state)
{
	struct fixture *f = *state;

	record_of(f, f->deadlock.beta)->txn = 3;
	record_of(f, f->deadlock.beta)->write_set[0] =
		fake_write_set_of(&f->segment, &f->segment.edges[f->deadlock.alpha_wait]) | 1;
	look(f);
	assert_true(edge_of(&f->image, f->deadlock.alpha_wait)->uncertain);
}

static void look__write_set_is_nonsense__all_is_uncertain(void **state)
{
	struct fixture *f = *state;

	record_of(f, f->deadlock.beta)->txn = 3;
	record_of(f, f->deadlock.beta)->write_set[0] = PEEPS_WRITE_SET_COUNT_MASK;
	look(f);
	assert_true(entity_of(&f->image, f->deadlock.left)->uncertain);
	assert_true(entity_of(&f->image, f->deadlock.heartbeat)->uncertain);
	assert_true(edge_of(&f->image, f->deadlock.alpha_wait)->uncertain);
}

static unsigned int looks;

/* In the last try: beta's section of before has ended, and this is the next one. */
static void write_anothers_edge(struct fixture *f, unsigned int step)
{
	if (step != PEEPS_STEP_LOOK_SCANNED || ++looks < LOOK_TRIES)
		return;
	record_of(f, f->deadlock.beta)->txn = 5;
	record_of(f, f->deadlock.beta)->write_set[0] =
		fake_write_set_of(&f->segment, &f->segment.edges[f->deadlock.alpha_wait]) | 1;
}

/* The section began after the scan, and stands still, half done, for as long as we look. */
static void look__edge_that_another_began_to_write_meanwhile__is_uncertain(void **state)
{
	struct fixture *f = *state;

	record_of(f, f->deadlock.beta)->txn = 3;
	record_of(f, f->deadlock.beta)->write_set[0] =
		fake_write_set_of(&f->segment, &f->segment.edges[f->deadlock.beta_wait]) | 1;
	at_step = write_anothers_edge;
	looks = 0;
	look(f);
	assert_int_equal(f->image.quality, PEEPS_QUALITY_PASSIVE);
	assert_true(edge_of(&f->image, f->deadlock.alpha_wait)->uncertain);
	assert_false(entity_of(&f->image, f->deadlock.left)->uncertain);
}

static void look__holder_that_is_none__is_uncertain(void **state)
{
	struct fixture *f = *state;
	uint64_t *holder = &f->segment.entities[f->deadlock.left].body[PEEPS_MUTEX_HOLDER_WORD];
	const uint64_t words[] = { UINT64_MAX, 1, fake_ref(&f->segment, f->deadlock.right),
				   fake_ref(&f->segment, f->deadlock.alpha) + (UINT64_C(1) << 32) };

	record_of(f, f->deadlock.beta)->txn = 3;
	record_of(f, f->deadlock.beta)->write_set[0] =
		fake_write_set_of(&f->segment, &f->segment.edges[f->deadlock.beta_wait]) | 1;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		*holder = words[i];
		look(f);
		assert_true(entity_of(&f->image, f->deadlock.left)->uncertain);
	}
}

/* --- holds, links, rows ------------------------------------------------------------------------------------------- */

/* Heartbeat is in a section that writes itself; alpha, beta and what only they may write stand still. */
static void move_heartbeat(struct fixture *f)
{
	record_of(f, f->deadlock.heartbeat)->txn = 3;
	record_of(f, f->deadlock.heartbeat)->write_set[0] =
		fake_write_set_of(&f->segment, &f->segment.entities[f->deadlock.heartbeat]) | 1;
}

static void look__a_thread_moves__a_hold_is_proved_if_only_its_holder_changes_it(void **state)
{
	struct fixture *f = *state;
	const uint32_t gate = fake_semaphore(&f->segment, "gate", 9);
	const uint32_t task = fake_task(&f->segment, "task", f->deadlock.alpha);
	const struct {
		const char *name;
		uint32_t edge;
		bool uncertain;
	} rows[] = {
		{ "permits of one that stands still",
		  fake_holding(&f->segment, gate, f->deadlock.alpha, PEEPS_HOLD_ROLE_PERMIT, 0, 1),
		  false },
		{ "a lock of one that stands still",
		  fake_holding(&f->segment, gate, f->deadlock.beta, PEEPS_HOLD_ROLE_LOCK, 0, 1),
		  false },
		{ "permits of one that moves",
		  fake_holding(&f->segment, gate, f->deadlock.heartbeat, PEEPS_HOLD_ROLE_PERMIT, 0,
			       1),
		  true },
		{ "permits of a task",
		  fake_holding(&f->segment, gate, task, PEEPS_HOLD_ROLE_PERMIT, 0, 1), true },
		{ "a sender, which another may take over",
		  fake_holding(&f->segment, gate, f->deadlock.alpha, PEEPS_HOLD_ROLE_SENDER, 0, 1),
		  true },
		{ "a receiver, likewise",
		  fake_holding(&f->segment, gate, f->deadlock.alpha, PEEPS_HOLD_ROLE_RECEIVER, 0,
			       1),
		  true },
		{ "a link, which anybody makes",
		  fake_link(&f->segment, PEEPS_EDGE_CHANNEL_LINK, gate, f->deadlock.left), true },
	};

	look(f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_false(edge_of(&f->image, rows[i].edge)->uncertain);
	move_heartbeat(f);
	look(f);
	assert_int_equal(f->image.quality, PEEPS_QUALITY_PASSIVE);
	assert_true(entity_of(&f->image, gate)->uncertain);
	assert_true(entity_of(&f->image, task)->uncertain);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (edge_of(&f->image, rows[i].edge)->uncertain != rows[i].uncertain)
			fail_msg("%s", rows[i].name);
	}
}

static void look__at_rows__shows_those_that_have_not_ended(void **state)
{
	struct fixture *f = *state;
	const uint32_t boot = fake_scope(&f->segment, PEEPS_SCOPE_KIND_USER, "boot");
	const uint32_t over = fake_scope(&f->segment, PEEPS_SCOPE_KIND_USER, "over");
	const uint32_t alpha = fake_member(&f->segment, boot, f->deadlock.alpha);
	const uint32_t beta = fake_member(&f->segment, boot, f->deadlock.beta);

	f->segment.scopes[boot].born = UINT64_C(1) << 50; /* whatever its epoch */
	f->segment.scopes[over].died = UINT64_C(1) << 50;
	f->segment.memberships[alpha].died = 1;
	(void)beta;
	look(f);
	assert_int_equal(f->image.scope_count, 1);
	assert_int_equal(f->image.scopes[0].index, boot);
	assert_int_equal(f->image.membership_count, 1);
	assert_int_equal(f->image.memberships[0].member, fake_ref(&f->segment, f->deadlock.beta));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(look__nothing_moves__is_quiescent_and_writes_nothing),
		TEST(look__slot_of_any_epoch__is_read_as_it_is),
		TEST(look__a_thread_inside_a_section__only_what_others_wrote_is_proved),
		TEST(look__a_thread_moves__a_free_mutex_is_uncertain),
		TEST(look__edge_in_anothers_write_set__is_uncertain),
		TEST(look__write_set_is_nonsense__all_is_uncertain),
		TEST(look__edge_that_another_began_to_write_meanwhile__is_uncertain),
		TEST(look__holder_that_is_none__is_uncertain),
		TEST(look__a_thread_moves__a_hold_is_proved_if_only_its_holder_changes_it),
		TEST(look__at_rows__shows_those_that_have_not_ended),
	};

	return cmocka_run_group_tests_name("passive", tests, NULL, NULL);
}
