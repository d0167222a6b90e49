/* SPDX-License-Identifier: MIT */
/* What the slots say after each call. What the calls return is the business of tests/e2e/way/once_cell.c. */
#include "tests/writer/writer_test.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include <peeps/peeps.h>

static uint64_t me(void)
{
	return peeps_actor_self().bits;
}

static uint64_t word(const struct peeps_once_cell *cell, int number)
{
	assert_non_null(cell->hook.slot);
	return peeps_load_relaxed(&cell->hook.slot->body[number]);
}

static uint64_t state_of(const struct peeps_once_cell *cell)
{
	return word(cell, PEEPS_ONCE_CELL_STATE_WORD) & 0xff;
}

static uint64_t failures(const struct peeps_once_cell *cell)
{
	return word(cell, PEEPS_ONCE_CELL_FAILURES_WORD) >> PEEPS_ONCE_CELL_FAILURES_SHIFT;
}

static int look(void *argument, void **value)
{
	const struct peeps_once_cell *const cell = argument;

	assert_int_equal(state_of(cell), PEEPS_ONCE_CELL_STATE_INITIALIZING);
	assert_int_equal(word(cell, PEEPS_ONCE_CELL_HOLDER_WORD), me());
	assert_int_not_equal(word(cell, PEEPS_ONCE_CELL_HELD_SINCE_WORD), 0);
	assert_int_not_equal((uint32_t)word(cell, PEEPS_ONCE_CELL_HELD_SITE_WORD), 0);
	*value = argument;
	return 0;
}

static int look_and_fail(void *argument, void **value)
{
	(void)look(argument, value);
	return -EIO;
}

static void get_or_init__inside_and_after__holder_and_state(void **state)
{
	static struct peeps_once_cell cell = PEEPS_ONCE_CELL_INIT("static");
	void *value = NULL;

	(void)state;
	for (uint64_t round = 1; round <= 2; round++) {
		assert_int_equal(peeps_once_cell_get_or_init(&cell, look_and_fail, &cell, &value),
				 -EIO);
		assert_text(cell.hook.slot->name, "static");
		assert_int_equal(state_of(&cell), PEEPS_ONCE_CELL_STATE_EMPTY);
		assert_int_equal(word(&cell, PEEPS_ONCE_CELL_HOLDER_WORD), 0);
		assert_int_equal(failures(&cell), round);
	}
	assert_int_equal(peeps_once_cell_get_or_init(&cell, look, &cell, &value), 0);
	assert_ptr_equal(value, &cell);
	assert_int_equal(state_of(&cell), PEEPS_ONCE_CELL_STATE_INITIALIZED);
	assert_int_equal(word(&cell, PEEPS_ONCE_CELL_HOLDER_WORD), 0);
	assert_int_equal(word(&cell, PEEPS_ONCE_CELL_ATTEMPTS_WORD), 3);
	assert_int_equal(failures(&cell), 2);
}

static void get__filled__no_section(void **state)
{
	struct peeps_once_cell cell;
	void *value = NULL;
	uint64_t before;

	(void)state;
	peeps_once_cell_init(&cell, "filled");
	assert_int_equal(peeps_once_cell_set(&cell, &cell), 0);
	assert_int_equal(state_of(&cell), PEEPS_ONCE_CELL_STATE_INITIALIZED);
	before = peeps_load_relaxed(&peeps_tls.thread->txn);
	assert_int_equal(peeps_once_cell_get(&cell, &value), 0);
	assert_int_equal(peeps_once_cell_get_or_init(&cell, look, &cell, &value), 0);
	assert_int_equal(peeps_load_relaxed(&peeps_tls.thread->txn), before);
	assert_int_equal(peeps_once_cell_destroy(&cell, NULL), 0);
}

static void destroy__entity_is_retired(void **state)
{
	struct peeps_once_cell cell;
	const struct peeps_entity_slot *slot;

	(void)state;
	peeps_once_cell_init(&cell, NULL);
	slot = cell.hook.slot;
	assert_non_null(slot);
	assert_int_equal(slot->status & PEEPS_STATUS_LIFE_MASK, PEEPS_LIFE_LIVE);
	assert_int_equal(peeps_once_cell_destroy(&cell, NULL), 0);
	assert_int_equal(slot->status & PEEPS_STATUS_LIFE_MASK, PEEPS_LIFE_RETIRED);
}

struct contender {
	struct peeps_once_cell cell;
	uint64_t timeout_ns;
	uint64_t actor;
	int result;
	pthread_t thread;
};

static const struct peeps_edge_slot *wait_by(uint64_t actor, enum peeps_state state)
{
	for (uint64_t i = 0; i < segment_section(PEEPS_SECTION_EDGES)->high_water; i++) {
		const struct peeps_edge_slot *const slot = segment_row(PEEPS_SECTION_EDGES, i);
		const uint64_t status = peeps_load_relaxed(&slot->status);

		if ((status >> PEEPS_EDGE_OP_SHIFT & 0xff) == PEEPS_OP_ONCECELL_WAIT &&
		    (status >> PEEPS_EDGE_STATE_SHIFT & 0xff) == state && slot->src == actor)
			return slot;
	}
	return NULL;
}

static void *contend(void *argument)
{
	struct contender *const c = argument;
	void *value;

	__atomic_store_n(&c->actor, me(), __ATOMIC_RELEASE);
	c->result =
		peeps_once_cell_timed_get_or_init(&c->cell, look, &c->cell, c->timeout_ns, &value);
	return NULL;
}

/* The initialization, during which somebody waits for it. */
static int make_a_wait(void *argument, void **value)
{
	struct contender *const c = argument;
	const struct peeps_edge_slot *wait = NULL;

	assert_int_equal(pthread_create(&c->thread, NULL, contend, c), 0);
	while (!wait) {
		const uint64_t actor = __atomic_load_n(&c->actor, __ATOMIC_ACQUIRE);

		if (actor)
			wait = wait_by(actor, PEEPS_STATE_PENDING);
		(void)sched_yield();
		if (actor && !wait)
			wait = wait_by(actor, PEEPS_STATE_FAILED);
	}
	assert_int_equal(wait->dst, c->cell.hook.slot->identity);
	assert_int_equal(wait->details[PEEPS_DETAIL_ONCECELL_WAIT_UNTIL] != 0,
			 c->timeout_ns != PEEPS_ONCE_CELL_PATIENCE);
	if (c->timeout_ns == 1)
		assert_int_equal(pthread_join(c->thread, NULL), 0);
	*value = argument;
	return 0;
}

static void get_or_init__another_fills_it__operation_until_that_is_done(void **state)
{
	static const uint64_t timeouts_ns[] = { PEEPS_ONCE_CELL_PATIENCE, UINT64_C(30000000000),
						1 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct contender c = { .timeout_ns = timeouts_ns[i] };
		void *value;

		peeps_once_cell_init(&c.cell, "contended");
		assert_int_equal(peeps_once_cell_get_or_init(&c.cell, make_a_wait, &c, &value), 0);
		if (i < 2)
			assert_int_equal(pthread_join(c.thread, NULL), 0);
		assert_int_equal(c.result, i < 2 ? 0 : -ETIMEDOUT);
		assert_non_null(wait_by(c.actor, i < 2 ? PEEPS_STATE_DONE : PEEPS_STATE_FAILED));
		assert_int_equal(peeps_once_cell_destroy(&c.cell, NULL), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(get_or_init__inside_and_after__holder_and_state),
		cmocka_unit_test(get__filled__no_section),
		cmocka_unit_test(destroy__entity_is_retired),
		cmocka_unit_test(get_or_init__another_fills_it__operation_until_that_is_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
