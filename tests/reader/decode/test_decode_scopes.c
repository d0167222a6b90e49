/* SPDX-License-Identifier: MIT */
/* Scopes, and who is in them. The segment is a town. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "tests/reader/decode_fixture.h"

#define BOOT     "scope:" FAKE_PROC_KEY ":user:boot"
#define WORKER   "task:" FAKE_PROC_KEY ":worker"
#define GATE     "semaphore:" FAKE_PROC_KEY ":gate"
#define ONE_LIFE (UINT64_C(1) << PEEPS_REF_GENERATION_SHIFT)

static const struct peeps_graph_scope *scope_by_id(const struct fixture *f, const char *id)
{
	for (size_t i = 0; i < f->graph->scope_count; i++) {
		if (strcmp(f->graph->scopes[i].id, id) == 0)
			return &f->graph->scopes[i];
	}
	return NULL;
}

static bool is_in(const struct fixture *f, const char *node, const char *scope)
{
	for (size_t i = 0; i < f->graph->membership_count; i++) {
		const struct peeps_membership *membership = &f->graph->memberships[i];

		if (strcmp(f->graph->nodes[membership->node].id, node) == 0 &&
		    strcmp(f->graph->scopes[membership->scope].id, scope) == 0)
			return true;
	}
	return false;
}

static void scope__has_its_members(void **state)
{
	struct fixture *f = *state;
	const struct peeps_graph_scope *boot;

	decode(f);
	assert_int_equal(f->graph->note_count, 0);
	assert_int_equal(f->graph->scope_count, 1);
	boot = scope_by_id(f, BOOT);
	assert_non_null(boot);
	assert_string_equal(boot->name, "boot");
	assert_string_equal(boot->kind, "user");
	assert_int_equal(boot->created_ns, 6000000 + f->town.boot);
	assert_int_equal(f->graph->membership_count, 2);
	assert_true(is_in(f, WORKER, BOOT));
	assert_true(is_in(f, GATE, BOOT));
}

static void scope__each_kind_and_name__makes_an_id(void **state)
{
	struct fixture *f = *state;
	const uint64_t user = PEEPS_SCOPE_KIND_USER;
	uint32_t link;

	link = fake_scope(&f->segment, PEEPS_SCOPE_KIND_CONNECTION, "conn 3");
	(void)fake_scope(&f->segment, user | UINT64_C(2) << 32, "boot");
	(void)fake_scope(&f->segment, PEEPS_SCOPE_KIND_PROCESS, "boot");
	(void)fake_scope(&f->segment, user, NULL);
	(void)fake_scope(&f->segment, user, "boot");
	(void)fake_member(&f->segment, link, f->town.gate);
	decode(f);
	assert_int_equal(f->graph->scope_count, 6);
	assert_string_equal(scope_by_id(f, "scope:" FAKE_PROC_KEY ":connection:conn%203")->name,
			    "conn 3");
	assert_non_null(scope_by_id(f, BOOT "~2"));
	assert_non_null(scope_by_id(f, "scope:" FAKE_PROC_KEY ":process:boot"));
	assert_non_null(scope_by_id(f, "scope:" FAKE_PROC_KEY ":user:unnamed-4"));
	assert_true(is_in(f, GATE, "scope:" FAKE_PROC_KEY ":connection:conn%203"));
	for (size_t i = 0; i < f->graph->scope_count; i++) {
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(f->graph->scopes[i].id, f->graph->scopes[k].id);
	}
	assert_noted(f, "1 name is not unique");
}

struct damage {
	const char *name;
	size_t word; /* of the row */
	uint64_t value;
};

static void scope__damaged__is_left_out_and_noted(void **state)
{
	struct fixture *f = *state;
	struct peeps_scope_row *row = &f->segment.scopes[f->town.boot];
	const struct peeps_scope_row sound = *row;
	const struct damage rows[] = {
		{ "another's identity", 2, sound.identity + 1 },
		{ "an entity's identity", 2, fake_ref(&f->segment, f->deadlock.alpha) },
		{ "no identity", 2, 0 },
		{ "no kind", 3, PEEPS_SCOPE_KIND_NONE },
		{ "an unknown kind", 3, 77 },
		{ "an unknown kind beyond those with a stem", 3, 0xffff },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		((uint64_t *)row)[rows[i].word] = rows[i].value;
		decode(f);
		if (f->graph->scope_count != 0 || f->graph->membership_count != 0)
			fail_msg("%s", rows[i].name);
		assert_noted(f, "1 scope contradicts itself");
		*row = sound;
	}
}

static void membership__of_what_is_gone__goes_with_it(void **state)
{
	struct fixture *f = *state;
	struct peeps_membership_row *rows = f->segment.memberships;

	rows[f->town.worker_in_boot].member += ONE_LIFE;
	decode(f);
	assert_int_equal(f->graph->membership_count, 1);
	assert_true(is_in(f, GATE, BOOT));
	assert_int_equal(f->graph->note_count, 0);

	rows[f->town.gate_in_boot].scope += ONE_LIFE;
	decode(f);
	assert_int_equal(f->graph->membership_count, 0);
	assert_int_equal(f->graph->note_count, 0);

	rows[f->town.gate_in_boot].scope += 1 - ONE_LIFE; /* a row that never was one */
	decode(f);
	assert_int_equal(f->graph->membership_count, 0);
	assert_int_equal(f->graph->note_count, 0);
}

static void membership__of_an_exited_thread__does_not_keep_it(void **state)
{
	struct fixture *f = *state;
	const uint32_t gone = fake_thread(&f->segment, 4799, "gone");

	(void)fake_member(&f->segment, f->town.boot, gone);
	decode(f);
	assert_true(is_in(f, "thread:" FAKE_PROC_KEY ":4799", BOOT));
	f->segment.threads[fake_record_of(&f->segment, gone)].state = PEEPS_THREAD_LEAVING;
	decode(f);
	assert_int_equal(f->graph->membership_count, 2);
	assert_int_equal(f->graph->note_count, 0);
}

static void membership__damaged__is_left_out_and_noted(void **state)
{
	struct fixture *f = *state;
	struct peeps_membership_row *row = &f->segment.memberships[f->town.worker_in_boot];
	const struct peeps_membership_row sound = *row;
	const struct damage rows[] = {
		{ "no scope", 2, 0 },
		{ "scope is an entity", 2, sound.member },
		{ "scope beyond the section", 2, sound.scope | UINT32_MAX },
		{ "scope that never lived", 2, sound.scope - ONE_LIFE },
		{ "no member", 3, 0 },
		{ "member is a scope", 3, sound.scope },
		{ "member beyond the section", 3, sound.member | UINT32_MAX },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		((uint64_t *)row)[rows[i].word] = rows[i].value;
		decode(f);
		if (f->graph->membership_count != 1)
			fail_msg("%s", rows[i].name);
		assert_true(is_in(f, GATE, BOOT));
		assert_noted(f, "1 membership is of");
		*row = sound;
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_town, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(scope__has_its_members),
		TEST(scope__each_kind_and_name__makes_an_id),
		TEST(scope__damaged__is_left_out_and_noted),
		TEST(membership__of_what_is_gone__goes_with_it),
		TEST(membership__of_an_exited_thread__does_not_keep_it),
		TEST(membership__damaged__is_left_out_and_noted),
	};

	return cmocka_run_group_tests_name("decode_scopes", tests, NULL, NULL);
}
