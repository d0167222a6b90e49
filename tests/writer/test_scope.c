/* SPDX-License-Identifier: MIT */
/* Scopes, and who is in them. Very scarce: 4 scopes, 6 memberships. */
#include "tests/writer/writer_test.h"

#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <peeps/peeps.h>
#include "writer/entity.h"
#include "writer/update.h"

#define SCOPES      4
#define MEMBERSHIPS 6

static struct peeps_scope_row *row_of(struct peeps_scope scope)
{
	assert_int_equal(scope.bits >> PEEPS_REF_SPACE_SHIFT, PEEPS_SPACE_SCOPE);
	return segment_row(PEEPS_SECTION_SCOPES, scope.bits & PEEPS_REF_INDEX_MASK);
}

/* In a cut of epoch @e0, as docs/protocol.md says. */
static bool is_in_cut(uint64_t born, uint64_t died, uint64_t e0)
{
	return born != 0 && born <= e0 && (died == 0 || died > e0);
}

static bool is_open(struct peeps_scope scope, uint64_t e0)
{
	const struct peeps_scope_row *const row = row_of(scope);

	return row->identity == scope.bits && is_in_cut(row->born, row->died, e0);
}

static int members(struct peeps_scope scope, struct peeps_ref member, uint64_t e0)
{
	const struct peeps_membership_row *const rows = segment_row(PEEPS_SECTION_MEMBERSHIPS, 0);
	int count = 0;

	for (uint64_t i = 0; i < segment_section(PEEPS_SECTION_MEMBERSHIPS)->high_water; i++)
		count += rows[i].scope == scope.bits &&
			 (member.bits == 0 || rows[i].member == member.bits) &&
			 is_in_cut(rows[i].born, rows[i].died, e0);
	return count;
}

static int members_now(struct peeps_scope scope)
{
	return members(scope, (struct peeps_ref){ 0 }, peeps_segment.control->epoch);
}

static struct peeps_ref entity(void)
{
	return peeps_entity_new(PEEPS_KIND_MUTEX, "member");
}

static void peeps_scope_new__named__row_says_all_of_it(void **state)
{
	const uint64_t before = segment_ptime_ns();
	const struct peeps_scope scope = peeps_scope_new(PEEPS_SCOPE_KIND_CONNECTION, "conn");
	const struct peeps_scope same = peeps_scope_new(PEEPS_SCOPE_KIND_CONNECTION, "conn");
	const struct peeps_scope_row *const row = row_of(scope);

	(void)state;
	assert_int_equal(row->identity, scope.bits);
	assert_int_equal(row->kind, PEEPS_SCOPE_KIND_CONNECTION);
	assert_text(row->name, "conn");
	assert_true(row->created_ns >= before);
	assert_int_equal(row->born, peeps_segment.control->epoch);
	assert_int_equal(row->died, 0);
	assert_int_equal(row_of(same)->kind,
			 PEEPS_SCOPE_KIND_CONNECTION | UINT64_C(2) << 32); /* conn~2 */
	peeps_scope_end(scope);
	peeps_scope_end(same);
	assert_int_equal(row->died, peeps_segment.control->epoch);
	assert_int_equal(entity_find(scope.bits), NULL);
}

static void peeps_scope_add__again__is_in_it_once(void **state)
{
	const struct peeps_scope scope = peeps_scope_new(PEEPS_SCOPE_KIND_USER, "s");
	const struct peeps_ref one = entity(), other = entity();

	(void)state;
	peeps_scope_add(scope, one);
	peeps_scope_add(scope, other);
	peeps_scope_add(scope, one);
	assert_int_equal(members_now(scope), 2);
	assert_int_equal(members(scope, one, peeps_segment.control->epoch), 1);
	peeps_scope_end(scope);
	assert_int_equal(members_now(scope), 0);
	peeps_entity_end(one);
	peeps_entity_end(other);
}

static void peeps_entity_end__member_of_several__leaves_them_all_and_nobody_else_does(void **state)
{
	struct peeps_scope scopes[3];
	const struct peeps_ref leaver = entity(), stayer = entity();

	(void)state;
	for (int i = 0; i < 3; i++) {
		scopes[i] = peeps_scope_new(PEEPS_SCOPE_KIND_USER, "s");
		peeps_scope_add(scopes[i], leaver);
		peeps_scope_add(scopes[i], stayer);
	}
	peeps_scope_end(scopes[1]); /* out of the middle of both chains */
	peeps_entity_end(leaver);
	for (int i = 0; i < 3; i += 2) {
		assert_int_equal(members(scopes[i], leaver, peeps_segment.control->epoch), 0);
		assert_int_equal(members(scopes[i], stayer, peeps_segment.control->epoch), 1);
		peeps_scope_add(scopes[i], leaver); /* it is no more */
		assert_int_equal(members_now(scopes[i]), 1);
	}
	peeps_entity_end(stayer);
	for (int i = 0; i < 3; i++)
		peeps_scope_end(scopes[i]);
}

static void *be_a_member(void *argument)
{
	peeps_scope_add(*(struct peeps_scope *)argument, peeps_actor_self());
	return NULL;
}

static void peeps_scope_add__threads__leave_when_their_records_are_used_again(void **state)
{
	struct peeps_scope scope = peeps_scope_new(PEEPS_SCOPE_KIND_USER, "threads");
	int most = 0;

	(void)state;
	for (int i = 0; i < 20; i++) { /* of 6 records */
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, be_a_member, &scope), 0);
		(void)pthread_join(thread, NULL);
		most = members_now(scope) > most ? members_now(scope) : most;
	}
	assert_true(most >= 2);
	assert_true(most <= MEMBERSHIPS);
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_MEMBERSHIPS), 0);
	peeps_scope_end(scope);
}

static void peeps_scope__while_a_cut_looks__the_cut_keeps_what_was(void **state)
{
	const struct peeps_scope scope = peeps_scope_new(PEEPS_SCOPE_KIND_USER, "seen");
	const struct peeps_ref member = entity(), late = entity();
	struct peeps_scope next;
	uint64_t e0;

	(void)state;
	peeps_scope_add(scope, member);
	e0 = start_cut();
	peeps_scope_add(scope, late);
	assert_int_equal(members(scope, late, e0), 0);
	assert_int_equal(members(scope, late, e0 + 1), 1);
	next = peeps_scope_new(PEEPS_SCOPE_KIND_USER, "unseen");
	assert_false(is_open(next, e0));
	assert_true(is_open(next, e0 + 1));
	peeps_scope_end(scope);
	peeps_entity_end(member);
	/* What rests is not written over. */
	for (int i = 0; i < 3 * MEMBERSHIPS; i++) {
		const struct peeps_scope short_one =
			peeps_scope_new(PEEPS_SCOPE_KIND_USER, "short");

		peeps_scope_add(short_one, late);
		peeps_scope_end(short_one);
	}
	assert_true(is_open(scope, e0));
	assert_int_equal(members(scope, member, e0), 1);
	assert_false(is_open(scope, e0 + 1));
	assert_int_equal(members(scope, member, e0 + 1), 0);
	stop_cut();
	peeps_scope_end(next);
	peeps_entity_end(late);
}

static void peeps_scope__null_or_stale__is_harmless(void **state)
{
	const struct peeps_scope none = { 0 }, wild = { UINT64_MAX };
	const struct peeps_scope over = peeps_scope_new(PEEPS_SCOPE_KIND_USER, "over");
	const struct peeps_ref member = entity();
	struct peeps_scope next[SCOPES];

	(void)state;
	peeps_scope_end(over);
	peeps_scope_end(over);
	peeps_scope_end(none);
	peeps_scope_end(wild);
	peeps_scope_end((struct peeps_scope){ member.bits });
	peeps_scope_add(over, member);
	peeps_scope_add(none, member);
	peeps_scope_add(wild, member);
	for (int i = 0; i < SCOPES; i++) {
		next[i] = peeps_scope_new(PEEPS_SCOPE_KIND_USER, "next");
		for (int j = 0; j < i; j++)
			assert_ptr_not_equal(row_of(next[i]), row_of(next[j]));
	}
	peeps_scope_add(over, member);
	peeps_scope_end(over);
	for (int i = 0; i < SCOPES; i++) {
		assert_true(is_open(next[i], peeps_segment.control->epoch));
		peeps_scope_add(next[i], (struct peeps_ref){ 0 });
		peeps_scope_add(next[i], (struct peeps_ref){ next[i].bits });
		assert_int_equal(members_now(next[i]), 0);
		peeps_scope_end(next[i]);
	}
	peeps_entity_end(member);
}

static void peeps_scope__full__dropped_and_counted(void **state)
{
	const uint64_t scopes_dropped = counted(PEEPS_COUNTER_DROPPED_SCOPES);
	const uint64_t memberships_dropped = counted(PEEPS_COUNTER_DROPPED_MEMBERSHIPS);
	struct peeps_scope scopes[SCOPES];
	struct peeps_ref all[MEMBERSHIPS + 1];

	(void)state;
	for (int i = 0; i < SCOPES; i++)
		scopes[i] = peeps_scope_new(PEEPS_SCOPE_KIND_USER, "many");
	assert_int_equal(peeps_scope_new(PEEPS_SCOPE_KIND_USER, "one more").bits, 0);
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_SCOPES), scopes_dropped + 1);
	for (int i = 0; i <= MEMBERSHIPS; i++) {
		all[i] = entity();
		peeps_scope_add(scopes[0], all[i]);
	}
	assert_int_equal(members_now(scopes[0]), MEMBERSHIPS);
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_MEMBERSHIPS), memberships_dropped + 1);
	peeps_entity_end(all[2]);
	peeps_scope_add(scopes[0], all[MEMBERSHIPS]);
	assert_int_equal(members_now(scopes[0]), MEMBERSHIPS);
	for (int i = 0; i < SCOPES; i++)
		peeps_scope_end(scopes[i]);
	for (int i = 0; i <= MEMBERSHIPS; i++)
		peeps_entity_end(all[i]);
}

/* As an inline path leaves the thread when a signal comes: rows without a shadow are nobody's slots. */
static void peeps_scope__handler_broke_into_a_section__is_recorded(void **state)
{
	const struct peeps_ref member = entity();
	struct self *const self = enter();
	struct peeps_scope scope;

	(void)state;
	self_leave(self);
	(void)peeps_section_begin(self->record, peeps_segment.control, entity_find(member.bits));
	self->record->stack = UINT64_MAX / 2; /* a frame above all of ours */
	scope = peeps_scope_new(PEEPS_SCOPE_KIND_USER, "of a handler");
	peeps_scope_add(scope, member);
	assert_int_equal(self->record->write_set[0] & PEEPS_WRITE_SET_COUNT_MASK, 1);
	assert_int_equal(self->record->write_set[0] & ~PEEPS_WRITE_SET_COUNT_MASK,
			 peeps_slot_offset(peeps_segment.control, entity_find(member.bits)));
	peeps_section_end(self->record);
	assert_int_equal(members_now(scope), 1);
	peeps_scope_end(scope);
	peeps_entity_end(member);
}

static int check_child(struct peeps_scope parents, struct peeps_ref parents_member)
{
	const struct peeps_scope scope = peeps_scope_new(PEEPS_SCOPE_KIND_USER, "child's");
	struct peeps_ref all[8];
	int bad = 0;

	peeps_scope_add(parents, parents_member);
	peeps_scope_end(parents);
	if (!is_open(scope, peeps_segment.control->epoch))
		bad |= 1;
	/* Among them the index that the parent's member has, which is in no scope here yet. */
	for (int i = 0; i < MEMBERSHIPS; i++) {
		all[i] = entity();
		peeps_scope_add(scope, all[i]);
		if (members(scope, all[i], peeps_segment.control->epoch) != 1)
			bad |= 2;
	}
	for (int i = 0; i < MEMBERSHIPS; i++)
		peeps_entity_end(all[i]);
	if (members_now(scope) != 0)
		bad |= 4;
	peeps_scope_end(scope);
	return bad;
}

static void peeps_scope__in_a_forked_child__starts_empty(void **state)
{
	const struct peeps_scope scope = peeps_scope_new(PEEPS_SCOPE_KIND_USER, "parent's");
	const struct peeps_ref member = entity();
	int status = -1;
	pid_t child;

	(void)state;
	peeps_scope_add(scope, member);
	child = fork();
	if (child == 0)
		_exit(check_child(scope, member));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(members_now(scope), 1);
	peeps_scope_end(scope);
	peeps_entity_end(member);
}

static void peeps_scope__any_call__leaves_errno_alone(void **state)
{
	struct peeps_scope scope;

	(void)state;
	errno = ENOTTY;
	scope = peeps_scope_new(PEEPS_SCOPE_KIND_USER, NULL);
	peeps_scope_add(scope, peeps_actor_self());
	peeps_scope_end(scope);
	assert_int_equal(errno, ENOTTY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peeps_scope_new__named__row_says_all_of_it),
		cmocka_unit_test(peeps_scope_add__again__is_in_it_once),
		cmocka_unit_test(
			peeps_entity_end__member_of_several__leaves_them_all_and_nobody_else_does),
		cmocka_unit_test(peeps_scope__in_a_forked_child__starts_empty),
		cmocka_unit_test(peeps_scope_add__threads__leave_when_their_records_are_used_again),
		cmocka_unit_test(peeps_scope__while_a_cut_looks__the_cut_keeps_what_was),
		cmocka_unit_test(peeps_scope__null_or_stale__is_harmless),
		cmocka_unit_test(peeps_scope__full__dropped_and_counted),
		cmocka_unit_test(peeps_scope__handler_broke_into_a_section__is_recorded),
		cmocka_unit_test(peeps_scope__any_call__leaves_errno_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
