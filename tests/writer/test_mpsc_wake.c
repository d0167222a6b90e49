/* SPDX-License-Identifier: MIT */
/*
 * Nobody is left asleep: at the senders' lock, and at a channel that many use
 * in every way at once, until it closes. A lost wake-up hangs the test, and the
 * watchdog ends it. tests/model/wake.pml has the interleavings; this, the code.
 */
#include "tests/writer/writer_test.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <peeps/peeps.h>

#include "writer/mpsc_channel.h"

#define WATCHDOG_S 40

/* Every thread has a sequence of its own, the same in every run. */
static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* --- the lock alone
 * ------------------------------------------------------------------------- */

#define LOCKERS     4
#define LOCK_ROUNDS 20000

static struct {
	uint64_t word;
	uint64_t count; /* under it */
	uint64_t inside, violations;
} locked;

static void hold_it(uint32_t *random)
{
	if (__atomic_fetch_add(&locked.inside, 1, __ATOMIC_RELAXED) != 0)
		(void)__atomic_fetch_add(&locked.violations, 1, __ATOMIC_RELAXED);
	/* Long enough, now and then, for the others to go to sleep. */
	for (uint32_t i = next_random(random) % 8 == 0 ? 400 : 0; i > 0; i--)
		mpsc_pause();
	locked.count++;
	(void)__atomic_fetch_sub(&locked.inside, 1, __ATOMIC_RELAXED);
}

static void *lock_and_unlock(void *argument)
{
	uint32_t random = (uint32_t)(uintptr_t)argument;

	for (int i = 0; i < LOCK_ROUNDS; i++) {
		mpsc_lock(&locked.word);
		hold_it(&random);
		if (next_random(&random) % 2 == 0)
			mpsc_unlock(&locked.word);
		else
			mpsc_unlocked(
				&locked.word,
				mpsc_unlock_with(&locked.word, locked.count << MPSC_TAIL_SHIFT));
	}
	return NULL;
}

static void mpsc_lock__many_and_long_holds__one_at_a_time_and_all_come_through(void **state)
{
	pthread_t threads[LOCKERS];

	(void)state;
	(void)alarm(WATCHDOG_S);
	for (uintptr_t i = 0; i < LOCKERS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, lock_and_unlock, (void *)(i + 1)), 0);
	for (int i = 0; i < LOCKERS; i++)
		(void)pthread_join(threads[i], NULL);
	(void)alarm(0);
	assert_int_equal(locked.violations, 0);
	assert_int_equal(locked.count, LOCKERS * LOCK_ROUNDS);
	assert_int_equal(locked.word & (MPSC_LOCKED | MPSC_AWAITED), 0);
}

/* AWAITED left behind would cost the unlocks to come a call each, to wake nobody. */
static void mpsc_unlock__awaited__both_bits_are_cleared_and_no_other(void **state)
{
	const uint64_t others = UINT64_C(5) << MPSC_TAIL_SHIFT | MPSC_CLOSED | MPSC_RECEIVER_SLEEPS;
	uint64_t word = others;

	(void)state;
	mpsc_lock(&word);
	assert_int_equal(word, others | MPSC_LOCKED);
	word |= MPSC_AWAITED;
	mpsc_unlock(&word);
	assert_int_equal(word, others);
}

/* --- a channel in every way at once
 * --------------------------------------------------------- */

#define SENDERS 6
#define CANCELS 12 /* in each round */

/* What ends a round. */
enum end { SENDERS_GO, SENDER_CLOSES, RECEIVER_CLOSES, RECEIVER_GOES, ENDS };

struct round;

/* @accepted: items, over all threads that were this sender, each cancelled in
 * its turn */
struct sender {
	struct round *round;
	struct peeps_mpsc_tx *tx;
	pthread_t thread;
	uint64_t number, accepted, timed_out;
	uint32_t random;
	bool leaves;
};

struct round {
	struct peeps_mpsc_rx *rx;
	struct sender senders[SENDERS];
	uint64_t received, out_of_order, other_results, cancelled;
	enum end end;
	bool is_slow, ends;
};

static int send_somehow(struct sender *s, const uint64_t *item)
{
	const uint32_t random = next_random(&s->random);
	int result;

	switch (random % 4) {
	case 0:
		return peeps_mpsc_timed_send(s->tx, item, 1000 + random % 64 * 1000);
	case 1:
		result = peeps_mpsc_try_send(s->tx, item);
		if (result == -EAGAIN)
			(void)sched_yield();
		return result;
	default:
		return peeps_mpsc_send(s->tx, item);
	}
}

/* A cancellation is noticed in a wait, and nowhere else: what is accepted is
 * counted. */
static void *send_until_the_end(void *argument)
{
	struct sender *const s = argument;
	int result = 0;

	while (result != -EPIPE && !__atomic_load_n(&s->leaves, __ATOMIC_RELAXED)) {
		const uint64_t item = s->number << 32 | s->accepted;

		result = send_somehow(s, &item);
		s->accepted += result == 0;
		s->timed_out += result == -ETIMEDOUT;
		if (result != 0 && result != -EAGAIN && result != -ETIMEDOUT && result != -EPIPE)
			(void)__atomic_fetch_add(&s->round->other_results, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static int receive_somehow(struct round *r, uint64_t *item, uint32_t *random)
{
	const uint32_t number = next_random(random);

	if (r->is_slow && number % 16 == 0)
		(void)usleep(number % 128);
	return number % 4 == 0 ? peeps_mpsc_timed_recv(r->rx, item, 1000 + number % 64 * 1000)
			       : peeps_mpsc_recv(r->rx, item);
}

/* Behind it the senders fall asleep: only the close can wake them. */
static bool goes(const struct round *r)
{
	if (!__atomic_load_n(&r->ends, __ATOMIC_RELAXED) || r->end != RECEIVER_GOES)
		return false;
	(void)usleep(2000);
	return true;
}

static void *receive_until_the_end(void *argument)
{
	struct round *const r = argument;
	uint64_t next[SENDERS] = { 0 }, item;
	uint32_t random = 1;
	int result = 0;

	while (result != -EPIPE && !goes(r)) {
		if (__atomic_load_n(&r->ends, __ATOMIC_RELAXED) && r->end == RECEIVER_CLOSES)
			peeps_mpsc_rx_close(r->rx);
		result = receive_somehow(r, &item, &random);
		if (result == 0) {
			r->received++;
			r->out_of_order += next[item >> 32]++ != (uint32_t)item;
		}
		r->other_results += result != 0 && result != -ETIMEDOUT && result != -EPIPE;
	}
	peeps_mpsc_rx_free(r->rx);
	return NULL;
}

static void start_sender(struct sender *s)
{
	s->leaves = false;
	assert_int_equal(pthread_create(&s->thread, NULL, send_until_the_end, s), 0);
}

/* One after the other is cancelled, in a wait if it comes to one, and another
 * thread goes on in its place. */
static void cancel_some(struct round *r)
{
	for (int i = 0; i < CANCELS; i++) {
		struct sender *const s = &r->senders[i % SENDERS];
		void *result;

		(void)usleep(2000);
		(void)pthread_cancel(s->thread);
		__atomic_store_n(&s->leaves, true, __ATOMIC_RELAXED);
		(void)pthread_join(s->thread, &result);
		r->cancelled += result == PTHREAD_CANCELED;
		start_sender(s);
	}
}

static void end_round(struct round *r)
{
	__atomic_store_n(&r->ends, true, __ATOMIC_RELAXED);
	if (r->end == SENDER_CLOSES)
		peeps_mpsc_tx_close(r->senders[0].tx);
	for (int i = 0; i < SENDERS; i++) {
		if (r->end == SENDERS_GO)
			__atomic_store_n(&r->senders[i].leaves, true, __ATOMIC_RELAXED);
		(void)pthread_join(r->senders[i].thread, NULL);
	}
}

static void assert_all_accounted_for(const struct round *r, const struct mpsc *c)
{
	uint64_t accepted = 0;

	for (int i = 0; i < SENDERS; i++)
		accepted += r->senders[i].accepted;
	assert_int_equal(r->out_of_order, 0);
	assert_int_equal(r->other_results, 0);
	assert_int_equal(c->send.sent, accepted);
	assert_int_equal(accepted, r->received + c->send.discarded);
	assert_int_equal(c->sleep.senders, 0);
	assert_int_equal(c->tail & (MPSC_LOCKED | MPSC_AWAITED), 0);
}

/* That there were any is likely, not certain: it is said, not asserted. */
static void say(const struct round *r, size_t capacity)
{
	uint64_t timed_out = 0;

	for (int i = 0; i < SENDERS; i++)
		timed_out += r->senders[i].timed_out;
	print_message("# capacity %zu: received %" PRIu64 ", timed out %" PRIu64
		      ", cancelled %" PRIu64 "\n",
		      capacity, r->received, timed_out, r->cancelled);
}

static void run_round(size_t capacity, bool is_slow, enum end end)
{
	struct round r = { .end = end, .is_slow = is_slow };
	struct peeps_mpsc_tx *last;
	pthread_t receiver;

	assert_int_equal(peeps_mpsc_new(&last, &r.rx, "in every way", sizeof(uint64_t), capacity),
			 0);
	assert_int_equal(pthread_create(&receiver, NULL, receive_until_the_end, &r), 0);
	for (uint64_t i = 0; i < SENDERS; i++) {
		r.senders[i] = (struct sender){ .round = &r,
						.tx = peeps_mpsc_tx_clone(last),
						.number = i,
						.random = (uint32_t)i + 1 };
		assert_non_null(r.senders[i].tx);
		start_sender(&r.senders[i]);
	}
	cancel_some(&r);
	end_round(&r);
	for (int i = 0; i < SENDERS; i++)
		peeps_mpsc_tx_free(r.senders[i].tx);
	if (end == SENDERS_GO)
		peeps_mpsc_tx_close(last);
	(void)pthread_join(receiver, NULL);
	say(&r, capacity);
	assert_all_accounted_for(&r, last->channel);
	peeps_mpsc_tx_free(last);
}

static void peeps_mpsc__used_in_every_way_until_it_closes__all_come_to_their_end(void **state)
{
	static const size_t capacities[] = { 1, 64 };

	(void)state;
	for (int i = 0; i < 2; i++)
		for (int is_slow = 0; is_slow < 2; is_slow++)
			for (enum end end = SENDERS_GO; end < ENDS; end++) {
				(void)alarm(WATCHDOG_S);
				run_round(capacities[i], is_slow, end);
			}
	(void)alarm(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mpsc_unlock__awaited__both_bits_are_cleared_and_no_other),
		cmocka_unit_test(
			mpsc_lock__many_and_long_holds__one_at_a_time_and_all_come_through),
		cmocka_unit_test(
			peeps_mpsc__used_in_every_way_until_it_closes__all_come_to_their_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
