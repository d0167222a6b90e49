/* SPDX-License-Identifier: MIT */
/* Every call of a channel, every result: a table of standard cases, and errno as it was before. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/e2e/way/way.h"

#define ERRNO_BEFORE 4711
#define MS           UINT64_C(1000000)

/* The call's result; and that it left errno alone. */
#define SAY(call)                                                        \
	do {                                                             \
		int say_result;                                          \
		errno = ERRNO_BEFORE;                                    \
		say_result = (call);                                     \
		way_say("%s: %s = %d%s", kind, #call, say_result,        \
			errno == ERRNO_BEFORE ? "" : ", errno changed"); \
	} while (0)

/* A channel of longs, and what is next to be sent. */
struct channel {
	struct peeps_mpsc_tx *tx;
	struct peeps_mpsc_rx *rx;
};

static struct channel make(const char *name, size_t capacity)
{
	struct channel c = { NULL, NULL };

	if (peeps_mpsc_new(&c.tx, &c.rx, name, sizeof(long), capacity) != 0)
		way_wrong("no channel");
	return c;
}

static int put(struct channel *c, long item)
{
	return peeps_mpsc_send(c->tx, &item);
}

static int try_put(struct channel *c, long item)
{
	return peeps_mpsc_try_send(c->tx, &item);
}

static int put_for(struct channel *c, long item, uint64_t timeout_ns)
{
	return peeps_mpsc_timed_send(c->tx, &item, timeout_ns);
}

/* The item, or the error; an item must be untouched if there is none. */
static int item_or(int result, long item)
{
	if (result == 0)
		return (int)item;
	if (item != -9999)
		way_wrong("error %d, and yet an item", result);
	return result;
}

static int get(struct channel *c)
{
	long item = -9999;
	const int result = peeps_mpsc_recv(c->rx, &item);

	return item_or(result, item);
}

static int try_get(struct channel *c)
{
	long item = -9999;
	const int result = peeps_mpsc_try_recv(c->rx, &item);

	return item_or(result, item);
}

static int get_for(struct channel *c, uint64_t timeout_ns)
{
	long item = -9999;
	const int result = peeps_mpsc_timed_recv(c->rx, &item, timeout_ns);

	return item_or(result, item);
}

static void free_both(struct channel *c)
{
	peeps_mpsc_tx_free(c->tx);
	peeps_mpsc_rx_free(c->rx);
}

/* --- alone ------------------------------------------------------------------------------------ */

static void alone_with(const char *kind, size_t capacity)
{
	struct channel c = make(kind, capacity), *const p = &c;

	for (int round = 0; round < 2; round++) { /* the second goes the fast path */
		SAY(try_get(p));
		SAY(get_for(p, 0));
		SAY(get_for(p, 5 * MS));
		SAY(put(p, 1));
		SAY(try_put(p, 2));
		if (capacity != 0) {
			SAY(try_put(p, 3));
			SAY(put_for(p, 4, 0));
			SAY(put_for(p, 5, 5 * MS));
		}
		SAY(get(p));
		SAY(put_for(p, 6, 0));
		SAY(get_for(p, 5 * MS));
		SAY(try_get(p));
		SAY(try_get(p));
		peeps_mpsc_tx_moved(c.tx);
		peeps_mpsc_rx_moved(c.rx);
	}
	free_both(p);
	peeps_mpsc_tx_free(NULL);
	peeps_mpsc_rx_free(NULL);
}

static void impossible(void)
{
	const char *const kind = "impossible";
	struct channel c = { NULL, NULL };

	SAY(peeps_mpsc_new(&c.tx, &c.rx, kind, 0, 1));
	SAY(peeps_mpsc_new(&c.tx, &c.rx, kind, 0, 0));
	SAY(peeps_mpsc_new(&c.tx, &c.rx, kind, 8, SIZE_MAX / 8 + 1));
	SAY(peeps_mpsc_new(&c.tx, &c.rx, kind, SIZE_MAX, 1));
	SAY(peeps_mpsc_new(&c.tx, &c.rx, kind, SIZE_MAX / 2, 2));
	SAY(peeps_mpsc_new(&c.tx, &c.rx, kind, SIZE_MAX, 0));
	way_say("%s: handles %d %d", kind, c.tx != NULL, c.rx != NULL);
}

static void alone(void)
{
	alone_with("two places", 2);
	alone_with("unbounded", 0);
	impossible();
}

/* Through the plain symbols, as bindings and function pointers call them. */
static void plain_symbols(void)
{
	const char *const kind = "plain symbols";
	struct peeps_mpsc_tx *tx, *other;
	struct peeps_mpsc_rx *rx;
	long item = 1;

	for (int round = 0; round < 2; round++) {
		SAY((peeps_mpsc_new)(&tx, &rx, NULL, sizeof(item), 2));
		other = (peeps_mpsc_tx_clone)(tx);
		(peeps_mpsc_tx_moved)(other);
		(peeps_mpsc_rx_moved)(rx);
		SAY((peeps_mpsc_send)(tx, &item));
		SAY((peeps_mpsc_try_send)(other, &item));
		SAY((peeps_mpsc_timed_send)(other, &item, MS));
		SAY((peeps_mpsc_recv)(rx, &item));
		SAY((peeps_mpsc_try_recv)(rx, &item));
		SAY((peeps_mpsc_timed_recv)(rx, &item, MS));
		(peeps_mpsc_tx_close)(tx);
		(peeps_mpsc_rx_close)(rx);
		(peeps_mpsc_tx_free)(tx);
		(peeps_mpsc_tx_free)(other);
		(peeps_mpsc_rx_free)(rx);
	}
}

static void sizes(void)
{
	static const size_t all[] = { 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 100, 4079, 4080, 9999 };
	static unsigned char in[10000], out[10000];

	for (size_t s = 0; s < sizeof(all) / sizeof(all[0]); s++) {
		for (size_t capacity = 0; capacity < 4; capacity++) {
			struct channel c = { NULL, NULL };
			int wrong = 0;

			wrong += peeps_mpsc_new(&c.tx, &c.rx, "sizes", all[s], capacity) != 0;
			for (int i = 0; i < 30; i++) {
				for (size_t byte = 0; byte < all[s]; byte++)
					in[byte] = (unsigned char)(byte * 3 + (size_t)i);
				out[all[s]] = 0xa5;
				wrong += peeps_mpsc_send(c.tx, in) != 0;
				wrong += peeps_mpsc_recv(c.rx, out) != 0;
				wrong += memcmp(in, out, all[s]) != 0;
				wrong += out[all[s]] != 0xa5;
			}
			free_both(&c);
			way_say("items of %zu, capacity %zu: wrong %d", all[s], capacity, wrong);
		}
	}
}

/* --- closed ----------------------------------------------------------------------------------- */

enum closer { BY_SENDER, BY_RECEIVER, BY_LAST_SENDER, BY_TWO };

static void close_it(struct channel *c, enum closer closer)
{
	switch (closer) {
	case BY_SENDER:
		peeps_mpsc_tx_close(c->tx);
		break;
	case BY_RECEIVER:
		peeps_mpsc_rx_close(c->rx);
		break;
	case BY_LAST_SENDER:
		peeps_mpsc_tx_free(c->tx);
		c->tx = NULL;
		break;
	case BY_TWO:
		peeps_mpsc_rx_close(c->rx);
		peeps_mpsc_tx_close(c->tx);
		peeps_mpsc_rx_close(c->rx);
		break;
	}
}

static void closed(void)
{
	static const char *const names[] = { "by a sender", "by the receiver", "by the last sender",
					     "by both" };

	for (enum closer closer = BY_SENDER; closer <= BY_TWO; closer++) {
		for (size_t capacity = 0; capacity <= 3; capacity += 3) {
			const char *const kind = names[closer];
			struct channel c = make(kind, capacity), *const p = &c;

			for (long i = 0; i < 3; i++)
				SAY(put(p, i));
			close_it(p, closer);
			if (c.tx) {
				struct peeps_mpsc_tx *const late = peeps_mpsc_tx_clone(c.tx);
				const long item = 7;

				SAY(put(p, 8));
				SAY(try_put(p, 8));
				SAY(put_for(p, 8, MS));
				SAY(peeps_mpsc_send(late, &item));
				peeps_mpsc_tx_free(late);
			}
			SAY(get(p));
			SAY(try_get(p));
			SAY(get_for(p, MS));
			SAY(get(p));
			SAY(try_get(p));
			SAY(get_for(p, MS));
			free_both(p);
		}
	}
}

/* The receiver goes first: with what is queued, and senders stay. */
static void receiver_gone(void)
{
	const char *const kind = "receiver gone";

	for (size_t capacity = 0; capacity <= 3; capacity += 3) {
		struct channel c = make(kind, capacity), *const p = &c;
		struct peeps_mpsc_tx *other;

		for (long i = 0; i < 3; i++)
			SAY(put(p, i));
		peeps_mpsc_rx_free(c.rx);
		SAY(put(p, 3));
		SAY(try_put(p, 3));
		SAY(put_for(p, 3, MS));
		other = peeps_mpsc_tx_clone(c.tx);
		peeps_mpsc_tx_close(c.tx);
		peeps_mpsc_tx_free(c.tx);
		c.tx = other;
		SAY(put(p, 3));
		peeps_mpsc_tx_free(other);
	}
}

/* --- waits ------------------------------------------------------------------------------------ */

/* A call that waits in a thread of its own, until the main one has done something about it. */
struct waiter {
	pthread_t thread;
	struct channel c;
	uint64_t timeout_ns; /* 0 = none */
	long item;
	int result, count;
	bool sends, errno_changed;
};

static void *wait_for_it(void *argument)
{
	struct waiter *const w = argument;

	errno = ERRNO_BEFORE;
	if (w->sends)
		w->result = w->timeout_ns ? put_for(&w->c, w->item, w->timeout_ns)
					  : put(&w->c, w->item);
	else
		w->result = w->timeout_ns ? get_for(&w->c, w->timeout_ns) : get(&w->c);
	w->errno_changed = errno != ERRNO_BEFORE;
	return NULL;
}

static void start(struct waiter *w)
{
	if (pthread_create(&w->thread, NULL, wait_for_it, w) != 0)
		way_wrong("no thread");
}

static void say_end(const char *kind, struct waiter *w)
{
	void *result;

	(void)pthread_join(w->thread, &result);
	way_say("%s: %s: %d%s%s", kind, w->sends ? "send" : "recv", w->result,
		result == PTHREAD_CANCELED ? ", cancelled" : "",
		w->errno_changed ? ", errno changed" : "");
}

static void fill(struct channel *c, long capacity)
{
	for (long i = 0; i < capacity; i++)
		if (put(c, 100 + i) != 0)
			way_wrong("not sent");
}

static void waits_and(const char *kind, bool sends, uint64_t timeout_ns, size_t capacity,
		      void (*then)(struct channel *c))
{
	struct channel c = make(kind, capacity);
	struct waiter w = {
		.c = c, .sends = sends, .timeout_ns = timeout_ns, .item = 55, .result = -9999
	};

	if (sends) {
		fill(&c, (long)capacity);
		w.c.tx = peeps_mpsc_tx_clone(c.tx);
	}
	start(&w);
	way_sleep_ms(30); /* it waits, most likely; the result is the same if not */
	then(&c);
	say_end(kind, &w);
	if (sends)
		peeps_mpsc_tx_free(w.c.tx);
	free_both(&c);
}

static void put_77(struct channel *c)
{
	way_say("put %d", put(c, 77));
}

static void get_one(struct channel *c)
{
	way_say("got %d", get(c));
}

static void nothing(struct channel *c)
{
	(void)c;
}

static void free_tx(struct channel *c)
{
	peeps_mpsc_tx_free(c->tx);
	c->tx = NULL;
}

static void free_rx(struct channel *c)
{
	peeps_mpsc_rx_free(c->rx);
	c->rx = NULL;
}

static void close_tx(struct channel *c)
{
	peeps_mpsc_tx_close(c->tx);
}

static void close_rx(struct channel *c)
{
	peeps_mpsc_rx_close(c->rx);
}

static void waits(void)
{
	for (size_t capacity = 0; capacity < 3; capacity++) {
		waits_and("empty, then an item", false, 0, capacity, put_77);
		waits_and("empty, then in time", false, 20000 * MS, capacity, put_77);
		waits_and("empty, not in time", false, 10 * MS, capacity, nothing);
		waits_and("empty, last sender freed", false, 0, capacity, free_tx);
		waits_and("empty, last sender freed in time", false, 20000 * MS, capacity, free_tx);
		waits_and("empty, closed by sender", false, 0, capacity, close_tx);
	}
	for (size_t capacity = 1; capacity < 3; capacity++) {
		waits_and("full, then room", true, 0, capacity, get_one);
		waits_and("full, then in time", true, 20000 * MS, capacity, get_one);
		waits_and("full, not in time", true, 10 * MS, capacity, nothing);
		waits_and("full, receiver freed", true, 0, capacity, free_rx);
		waits_and("full, receiver freed in time", true, 20000 * MS, capacity, free_rx);
		waits_and("full, closed by receiver", true, 0, capacity, close_rx);
		waits_and("full, closed by another sender", true, 0, capacity, close_tx);
	}
}

/* Many wait for room, or the end; whoever is woken sees to the others. */
static void waits_of_many(void)
{
	const char *const kind = "many wait";
	struct waiter w[6];
	struct channel c = make(kind, 1);
	int got[7], sum = 0;

	fill(&c, 1);
	for (int i = 0; i < 6; i++) {
		w[i] = (struct waiter){ .c = c, .sends = true, .item = 1 << i };
		w[i].timeout_ns = i % 2 == 0 ? 0 : 20000 * MS;
		start(&w[i]);
	}
	way_sleep_ms(30);
	for (int i = 0; i < 7; i++) {
		got[i] = get(&c);
		sum += got[i];
	}
	way_say("%s: first %d, sum %d", kind, got[0], sum);
	for (int i = 0; i < 6; i++)
		say_end(kind, &w[i]);
	fill(&c, 1);
	for (int i = 0; i < 6; i++)
		start(&w[i]);
	way_sleep_ms(30);
	free_rx(&c);
	for (int i = 0; i < 6; i++)
		say_end(kind, &w[i]);
	free_both(&c);
}

/* --- cancelled -------------------------------------------------------------------------------- */

static void cancelled_as(const char *kind, bool sends, uint64_t timeout_ns)
{
	struct channel c = make(kind, 1);
	struct waiter w = { .c = c, .sends = sends, .timeout_ns = timeout_ns, .result = -7777 };
	struct waiter next = { .c = c, .sends = sends, .item = 8, .result = -7777 };

	if (sends)
		fill(&c, 1);
	start(&w);
	way_sleep_ms(20);
	if (sends)
		start(&next); /* it waits behind the one that is cancelled */
	way_sleep_ms(20);
	(void)pthread_cancel(w.thread);
	say_end(kind, &w);
	if (!sends)
		start(&next);
	way_say("%s: %d", kind, sends ? get(&c) : put(&c, 9));
	say_end(kind, &next);
	way_say("%s: %d", kind, sends ? get(&c) : try_get(&c));
	free_both(&c);
}

/* Cancelled and given room at the same time: whoever comes first, the next one is not forgotten. */
static void cancelled_and_woken(void)
{
	int left_behind = 0;

	for (int i = 0; i < way_scaled(200); i++) {
		struct channel c = make("cancelled and woken", 1);
		struct waiter w = { .c = c, .sends = true, .item = 1, .result = -7777 };
		struct waiter next = { .c = c, .sends = true, .item = 2, .result = -7777 };
		int got = 0;

		fill(&c, 1);
		start(&w);
		start(&next);
		if (i % 4 == 0)
			way_sleep_ms(1);
		(void)get(&c);
		(void)pthread_cancel(w.thread);
		(void)pthread_join(w.thread, NULL);
		got = get(&c);
		if (got == 1)
			got = get(&c);
		(void)pthread_join(next.thread, NULL);
		left_behind += got != 2 || next.result != 0;
		free_both(&c);
	}
	way_say("left behind: %d", left_behind);
}

static void cancelled(void)
{
	cancelled_as("cancelled in recv", false, 0);
	cancelled_as("cancelled in timed recv", false, 20000 * MS);
	cancelled_as("cancelled in send", true, 0);
	cancelled_as("cancelled in timed send", true, 20000 * MS);
	cancelled_and_woken();
}

/* --- signal handlers -------------------------------------------------------------------------- */

static struct channel of_handlers;
static int handled, handler_failures;

static void handle(int number)
{
	const int saved_errno = errno;
	const long item = number;
	long got;

	handler_failures += peeps_mpsc_try_send(of_handlers.tx, &item) != 0;
	handler_failures += peeps_mpsc_try_recv(of_handlers.rx, &got) != 0 || got != number;
	(void)__atomic_add_fetch(&handled, 1, __ATOMIC_RELEASE); /* failures first */
	errno = saved_errno;
}

static void install(int flags)
{
	struct sigaction action = { .sa_handler = handle, .sa_flags = flags };

	(void)sigaction(SIGUSR1, &action, NULL);
}

static void interrupted_as(const char *kind, bool sends, uint64_t timeout_ns)
{
	struct channel c = make(kind, 1);
	struct waiter w = {
		.c = c, .sends = sends, .timeout_ns = timeout_ns, .item = 5, .result = -7777
	};

	if (sends)
		fill(&c, 1);
	__atomic_store_n(&handled, 0, __ATOMIC_RELEASE);
	start(&w);
	for (int i = 0; i < 3; i++) {
		way_sleep_ms(10);
		(void)pthread_kill(w.thread, SIGUSR1);
		while (__atomic_load_n(&handled, __ATOMIC_ACQUIRE) <= i)
			way_sleep_ms(1);
	}
	way_say("%s: %d", kind, sends ? get(&c) : put(&c, 4));
	say_end(kind, &w);
	way_say("%s: handled %d, failures %d", kind, handled, handler_failures);
	free_both(&c);
}

/* Handlers that break into sends and receives of a thread, on another channel than theirs. */
static void *busy(void *argument)
{
	struct channel *const c = argument;
	long failures = 0;

	for (int i = 0; i < way_scaled(100000); i++)
		failures += put(c, i) != 0 || get(c) != i;
	return (void *)failures;
}

static void handlers(void)
{
	struct channel c = make("broken into", 3);
	pthread_t thread;
	void *failures;

	of_handlers = make("of handlers", 4);
	for (int restart = 0; restart < 2; restart++) {
		install(restart ? SA_RESTART : 0);
		interrupted_as("interrupted recv", false, 0);
		interrupted_as("interrupted timed recv", false, 20000 * MS);
		interrupted_as("interrupted send", true, 0);
		interrupted_as("interrupted timed send", true, 20000 * MS);
	}
	(void)pthread_create(&thread, NULL, busy, &c);
	for (int i = 0; i < 200; i++) {
		__atomic_store_n(&handled, 0, __ATOMIC_RELEASE);
		if (pthread_kill(thread, SIGUSR1) != 0)
			break;
		for (int ms = 0; !__atomic_load_n(&handled, __ATOMIC_ACQUIRE) && ms < 20; ms++)
			(void)usleep(50);
	}
	(void)pthread_join(thread, &failures);
	way_say("broken into: failures %ld, of handlers %d", (long)(intptr_t)failures,
		handler_failures);
	free_both(&c);
	free_both(&of_handlers);
}

/* --- memory ----------------------------------------------------------------------------------- */

/* A sanitizer's allocator ends the program instead. */
#if defined(__SANITIZE_ADDRESS__)
#define MAY_RUN_OUT 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MAY_RUN_OUT 0
#endif
#endif
#ifndef MAY_RUN_OUT
#define MAY_RUN_OUT 1
#endif

#define LARGE (2 << 20)

static void run_out_of_memory(void)
{
	const char *const kind = "no memory";
	static unsigned char item[LARGE], got[LARGE];
	const struct rlimit none = { .rlim_cur = 1, .rlim_max = RLIM_INFINITY };
	struct rlimit before;
	struct channel c;

	memset(item, 7, sizeof(item));
	SAY(peeps_mpsc_new(&c.tx, &c.rx, kind, sizeof(item), 0));
	SAY(peeps_mpsc_send(c.tx, item));
	(void)getrlimit(RLIMIT_AS, &before);
	(void)setrlimit(RLIMIT_AS, &none);
	for (int i = 0; i < 2; i++) {
		SAY(peeps_mpsc_send(c.tx, item));
		SAY(peeps_mpsc_try_send(c.tx, item));
		SAY(peeps_mpsc_timed_send(c.tx, item, MS));
	}
	(void)setrlimit(RLIMIT_AS, &before);
	item[1] = 8;
	SAY(peeps_mpsc_send(c.tx, item));
	SAY(peeps_mpsc_recv(c.rx, got));
	way_say("%s: %d %d", kind, got[1], got[LARGE - 1]);
	SAY(peeps_mpsc_recv(c.rx, got));
	way_say("%s: %d %d", kind, got[1], got[LARGE - 1]);
	SAY(peeps_mpsc_try_recv(c.rx, got));
	free_both(&c);
}

static void growth(void)
{
	struct channel c = make("growing", 0);
	const int count = way_scaled(200000);
	int wrong = 0;

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < count; i++)
			wrong += put(&c, i) != 0;
		for (int i = 0; i < count; i++)
			wrong += try_get(&c) != i;
		wrong += try_get(&c) != -EAGAIN;
	}
	for (int i = 0; i < count; i++)
		wrong += put(&c, i) != 0; /* freed with the receiver */
	free_both(&c);
	way_say("growing: wrong %d", wrong);
	if (MAY_RUN_OUT)
		run_out_of_memory();
}

/* --- many senders ----------------------------------------------------------------------------- */

#define SENDERS 4

struct sender {
	struct peeps_mpsc_tx *tx;
	long number, count, failures;
	int way; /* of sending */
};

static void *send_all(void *argument)
{
	struct sender *const s = argument;

	if (s->number % 2 == 0)
		peeps_mpsc_tx_moved(s->tx);
	for (long i = 0; i < s->count; i++) {
		const long item = s->number * 1000000 + i;
		int result = -EAGAIN;

		if (s->way == 0)
			result = peeps_mpsc_send(s->tx, &item);
		while (s->way == 1 && (result = peeps_mpsc_try_send(s->tx, &item)) == -EAGAIN)
			(void)sched_yield();
		while (s->way == 2 && result != 0 && (result == -EAGAIN || result == -ETIMEDOUT))
			result = peeps_mpsc_timed_send(s->tx, &item, MS);
		s->failures += result != 0;
	}
	peeps_mpsc_tx_free(s->tx);
	return NULL;
}

static long take_all(struct channel *c, int way, const long *count)
{
	long next[SENDERS] = { 0 }, wrong = 0, item;
	int result;

	for (;;) {
		result = way == 1   ? peeps_mpsc_try_recv(c->rx, &item)
			 : way == 2 ? peeps_mpsc_timed_recv(c->rx, &item, MS)
				    : peeps_mpsc_recv(c->rx, &item);
		if (result == -EAGAIN)
			(void)sched_yield();
		if (result == -EAGAIN || result == -ETIMEDOUT)
			continue;
		if (result != 0)
			break;
		/* Each sender's own order; nothing twice, nothing missing. */
		wrong += item / 1000000 >= SENDERS || next[item / 1000000]++ != item % 1000000;
	}
	wrong += result != -EPIPE;
	for (int i = 0; i < SENDERS; i++)
		wrong += next[i] != *count;
	return wrong;
}

static void many_senders(void)
{
	static const size_t capacities[] = { 0, 1, 7, 64 };
	const long count = way_scaled(5000);

	for (int capacity = 0; capacity < 4; capacity++) {
		for (int way = 0; way < 9; way++) {
			struct channel c = make("many senders", capacities[capacity]);
			struct sender senders[SENDERS];
			pthread_t threads[SENDERS];
			long wrong, failures = 0;

			for (int i = 0; i < SENDERS; i++) {
				senders[i] = (struct sender){ .tx = peeps_mpsc_tx_clone(c.tx),
							      .number = i,
							      .count = count,
							      .way = way % 3 };
				(void)pthread_create(&threads[i], NULL, send_all, &senders[i]);
			}
			peeps_mpsc_tx_free(c.tx);
			wrong = take_all(&c, way / 3, &count);
			for (int i = 0; i < SENDERS; i++) {
				(void)pthread_join(threads[i], NULL);
				failures += senders[i].failures;
			}
			peeps_mpsc_rx_free(c.rx);
			way_say("capacity %zu, way %d: wrong %ld, failures %ld",
				capacities[capacity], way, wrong, failures);
		}
	}
}

/* --- handles come and go ---------------------------------------------------------------------- */

/* One handle, used by all of them at once; each clones it, uses and frees the clone. */
static void *clone_and_free(void *argument)
{
	struct peeps_mpsc_tx *const shared = argument;
	long sent = 0;

	for (int i = 0; i < way_scaled(2000); i++) {
		struct peeps_mpsc_tx *const clone = peeps_mpsc_tx_clone(shared);
		const long item = i;

		if (!clone)
			way_wrong("no clone");
		sent += peeps_mpsc_send(clone, &item) == 0;
		sent += peeps_mpsc_send(shared, &item) == 0;
		peeps_mpsc_tx_free(clone);
	}
	return (void *)sent;
}

static void handles(void)
{
	struct channel c = make("handles", 8);
	pthread_t threads[3];
	long sent = 0, got = 0;

	for (int i = 0; i < 3; i++)
		(void)pthread_create(&threads[i], NULL, clone_and_free, c.tx);
	while (got < 3L * 2 * way_scaled(2000))
		got += get(&c) >= 0;
	for (int i = 0; i < 3; i++) {
		void *result;

		(void)pthread_join(threads[i], &result);
		sent += (long)(intptr_t)result;
	}
	way_say("handles: missing %ld", sent - got);
	way_say("handles: %d", try_get(&c));
	free_both(&c);
}

static void *free_handle(void *tx)
{
	peeps_mpsc_tx_free((struct peeps_mpsc_tx *)tx);
	return NULL;
}

static void *send_until_closed(void *argument)
{
	struct waiter *const w = argument;

	while ((w->result = put(&w->c, 1)) == 0)
		w->count++;
	peeps_mpsc_tx_free(w->c.tx);
	return NULL;
}

/* Both sides go at the same moment: the last to go frees the channel, whoever that is. */
static void ends_at_once(void)
{
	int wrong = 0;

	for (int i = 0; i < way_scaled(1000); i++) {
		struct channel c = make("ends at once", (size_t)i % 3);
		struct waiter w = { .c = { .tx = peeps_mpsc_tx_clone(c.tx) } };
		pthread_t other;

		(void)pthread_create(&w.thread, NULL, send_until_closed, &w);
		(void)pthread_create(&other, NULL, free_handle, c.tx);
		if (i % 2 == 0)
			wrong += get(&c) != 1;
		free_rx(&c);
		(void)pthread_join(w.thread, NULL);
		(void)pthread_join(other, NULL);
		wrong += w.result != -EPIPE;
	}
	way_say("ends at once: wrong %d", wrong);
}

/* What was sent when it closed can be received, and nothing else. */
static void closed_at_once(void)
{
	int wrong = 0;

	for (int i = 0; i < way_scaled(1000); i++) {
		struct channel c = make("closed at once", (size_t)i % 5);
		struct waiter w = { .c = { .tx = peeps_mpsc_tx_clone(c.tx) } };
		int got = 0;

		(void)pthread_create(&w.thread, NULL, send_until_closed, &w);
		for (int taken = 0; taken < i % 7; taken++)
			got += get(&c) == 1;
		if (i % 2 == 0)
			close_rx(&c);
		else
			close_tx(&c);
		while (get(&c) == 1)
			got++;
		(void)pthread_join(w.thread, NULL);
		wrong += got != w.count || w.result != -EPIPE;
		free_both(&c);
	}
	way_say("closed at once: wrong %d", wrong);
}

static void races(void)
{
	handles();
	ends_at_once();
	closed_at_once();
}

/* --- children --------------------------------------------------------------------------------- */

static void go_on_in_child(struct channel *c)
{
	const char *const kind = "child";

	SAY(get(c));
	SAY(put(c, 3));
	SAY(try_put(c, 4));
	SAY(get(c));
	SAY(get(c));
	SAY(get_for(c, 5 * MS));
	waits_and("in a child", false, 0, 1, put_77);
	free_both(c);
	_exit(0);
}

static void forked(void)
{
	const char *const kind = "parent";
	struct channel c = make(kind, 2), *const p = &c;
	pid_t child;

	SAY(put(p, 1));
	SAY(put(p, 2));
	child = fork();
	if (child == 0)
		go_on_in_child(p);
	way_say_child("child", child);
	SAY(try_put(p, 3));
	SAY(get(p));
	SAY(get(p));
	SAY(try_get(p));
	free_both(p);
}

WAY_MAIN({ "alone", alone }, { "plain_symbols", plain_symbols }, { "sizes", sizes },
	 { "closed", closed }, { "receiver_gone", receiver_gone }, { "waits", waits },
	 { "waits_of_many", waits_of_many }, { "cancelled", cancelled }, { "handlers", handlers },
	 { "growth", growth }, { "many_senders", many_senders }, { "races", races },
	 { "forked", forked })
