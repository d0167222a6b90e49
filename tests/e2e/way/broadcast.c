/* SPDX-License-Identifier: MIT */
/* Every call of a broadcast, every result: a table of standard cases, and errno as it was before. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/e2e/way/way.h"

#define ERRNO_BEFORE 4711
#define MS           UINT64_C(1000000)
#define UNTOUCHED    (-9999L)
#define CAPACITY     3

/* The call's result; and that it left errno alone. */
#define SAY(call)                                                        \
	do {                                                             \
		int say_result;                                          \
		errno = ERRNO_BEFORE;                                    \
		say_result = (call);                                     \
		way_say("%s: %s = %d%s", kind, #call, say_result,        \
			errno == ERRNO_BEFORE ? "" : ", errno changed"); \
	} while (0)

/* A broadcast of longs. */
struct channel {
	struct peeps_broadcast_tx *tx;
	struct peeps_broadcast_rx *rx;
};

static struct channel make(const char *name, enum peeps_broadcast_when_full when_full)
{
	struct channel c = { NULL, NULL };

	if (peeps_broadcast_new(&c.tx, &c.rx, name, sizeof(long), CAPACITY, when_full) != 0)
		way_wrong("no broadcast");
	return c;
}

static int put(const struct channel *c, long item)
{
	return peeps_broadcast_send(c->tx, &item);
}

static int try_put(const struct channel *c, long item)
{
	return peeps_broadcast_try_send(c->tx, &item);
}

static int put_for(const struct channel *c, long item, uint64_t timeout_ns)
{
	return peeps_broadcast_timed_send(c->tx, &item, timeout_ns);
}

/* The item, or the error, with how many were missed; an item must be untouched if there is none. */
static int item_or(int result, long item, uint64_t missed)
{
	if (result == 0)
		return (int)item;
	if (item != UNTOUCHED)
		way_wrong("error %d, and yet an item", result);
	return result == -EOVERFLOW ? result * 1000 - (int)missed : result;
}

static int get(struct peeps_broadcast_rx *rx)
{
	uint64_t missed = 0;
	long item = UNTOUCHED;
	const int result = peeps_broadcast_recv(rx, &item, &missed);

	return item_or(result, item, missed);
}

static int try_get(struct peeps_broadcast_rx *rx)
{
	uint64_t missed = 0;
	long item = UNTOUCHED;
	const int result = peeps_broadcast_try_recv(rx, &item, &missed);

	return item_or(result, item, missed);
}

static int get_for(struct peeps_broadcast_rx *rx, uint64_t timeout_ns)
{
	uint64_t missed = 0;
	long item = UNTOUCHED;
	const int result = peeps_broadcast_timed_recv(rx, &item, &missed, timeout_ns);

	return item_or(result, item, missed);
}

static void free_both(const struct channel *c)
{
	peeps_broadcast_tx_free(c->tx);
	peeps_broadcast_rx_free(c->rx);
}

/* --- alone ------------------------------------------------------------------------------------ */

static void alone(void)
{
	const char *const kind = "alone";
	const struct channel c = make(kind, PEEPS_BROADCAST_LOSSY), *const p = &c;

	for (int round = 0; round < 2; round++) { /* the second goes the fast path */
		SAY(try_get(c.rx));
		SAY(get_for(c.rx, 0));
		SAY(get_for(c.rx, 5 * MS));
		SAY(put(p, 1));
		SAY(try_put(p, 2));
		SAY(put_for(p, 3, 0));
		SAY(get(c.rx));
		SAY(put(p, 4));
		SAY(put(p, 5)); /* and 2 is gone */
		SAY(put(p, 6)); /* and 3 */
		SAY(get(c.rx));
		SAY(get_for(c.rx, 5 * MS));
		SAY(try_get(c.rx));
		SAY(get(c.rx));
		SAY(try_get(c.rx));
		SAY(peeps_broadcast_try_recv(c.rx, NULL, NULL));
		peeps_broadcast_tx_moved(c.tx);
		peeps_broadcast_rx_moved(c.rx);
	}
	free_both(p);
	peeps_broadcast_tx_free(NULL);
	peeps_broadcast_rx_free(NULL);
}

static void back_pressure(void)
{
	const char *const kind = "back pressure";
	const struct channel c = make(kind, PEEPS_BROADCAST_WAIT), *const p = &c;
	struct peeps_broadcast_rx *const other = peeps_broadcast_rx_clone(c.rx);

	SAY(put(p, 1));
	SAY(put(p, 2));
	SAY(put(p, 3));
	SAY(try_put(p, 4));
	SAY(put_for(p, 4, 0));
	SAY(put_for(p, 4, 5 * MS));
	SAY(get(c.rx));
	SAY(try_put(p, 4)); /* the other one is behind still */
	SAY(get(other));
	SAY(try_put(p, 4));
	SAY(try_put(p, 5));
	peeps_broadcast_rx_free(other);
	SAY(try_put(p, 5)); /* and so is the first one */
	SAY(get(c.rx));
	SAY(try_put(p, 5));
	SAY(get(c.rx));
	SAY(get(c.rx));
	SAY(get(c.rx));
	SAY(try_get(c.rx));
	free_both(p);
}

static void plain_symbols(void)
{
	const char *const kind = "plain symbols";
	struct channel c = { NULL, NULL };
	struct peeps_broadcast_tx *clone;
	struct peeps_broadcast_rx *late, *other;
	long item = 3;

	SAY((peeps_broadcast_new)(&c.tx, &c.rx, kind, sizeof(item), 2, PEEPS_BROADCAST_WAIT));
	clone = (peeps_broadcast_tx_clone)(c.tx);
	late = (peeps_broadcast_subscribe)(c.tx);
	other = (peeps_broadcast_rx_clone)(c.rx);
	way_say("%s: %d %d %d", kind, clone != NULL, late != NULL, other != NULL);
	(peeps_broadcast_tx_moved)(clone);
	(peeps_broadcast_rx_moved)(late);
	SAY((peeps_broadcast_send)(clone, &item));
	SAY((peeps_broadcast_timed_send)(c.tx, &item, MS));
	item = 0;
	SAY((peeps_broadcast_recv)(late, &item, NULL));
	SAY((int)item);
	SAY((peeps_broadcast_timed_recv)(other, &item, NULL, MS));
	peeps_broadcast_tx_free(clone);
	peeps_broadcast_rx_free(late);
	peeps_broadcast_rx_free(other);
	free_both(&c);
}

static void impossible(void)
{
	const char *const kind = "impossible";
	struct channel c = { NULL, NULL };

	SAY(peeps_broadcast_new(&c.tx, &c.rx, kind, 0, 1, PEEPS_BROADCAST_LOSSY));
	SAY(peeps_broadcast_new(&c.tx, &c.rx, kind, 1, 0, PEEPS_BROADCAST_LOSSY));
	SAY(peeps_broadcast_new(&c.tx, &c.rx, kind, 1, 1, (enum peeps_broadcast_when_full)2));
	SAY(peeps_broadcast_new(&c.tx, &c.rx, kind, 8, SIZE_MAX / 8 + 1, PEEPS_BROADCAST_LOSSY));
	SAY(peeps_broadcast_new(&c.tx, &c.rx, kind, SIZE_MAX, 1, PEEPS_BROADCAST_LOSSY));
	way_say("%s: handles %d %d", kind, c.tx != NULL, c.rx != NULL);
}

/* One side goes. */
static void ends(void)
{
	const char *kind = "senders gone";
	struct channel c = make(kind, PEEPS_BROADCAST_LOSSY), *const p = &c;
	struct peeps_broadcast_tx *const clone = peeps_broadcast_tx_clone(c.tx);
	struct peeps_broadcast_rx *late;

	SAY(put(p, 1));
	peeps_broadcast_tx_free(c.tx);
	SAY(try_get(c.rx));
	SAY(try_get(c.rx));
	c.tx = clone;
	SAY(put(p, 2));
	peeps_broadcast_tx_free(c.tx);
	SAY(get(c.rx));
	SAY(get(c.rx));
	SAY(try_get(c.rx));
	SAY(get_for(c.rx, 5 * MS));
	peeps_broadcast_rx_free(c.rx);

	kind = "receivers gone";
	c = make(kind, PEEPS_BROADCAST_WAIT);
	peeps_broadcast_rx_free(c.rx);
	SAY(put(p, 1));
	SAY(try_put(p, 1));
	SAY(put_for(p, 1, 5 * MS));
	late = peeps_broadcast_subscribe(c.tx);
	SAY(put(p, 2));
	SAY(get(late));
	peeps_broadcast_rx_free(late);
	peeps_broadcast_tx_free(c.tx);
}

/* --- waits ------------------------------------------------------------------------------------ */

struct other {
	struct channel c;
	bool sends;
	int result;
};

static void *use(void *argument)
{
	struct other *const o = argument;

	if (o->sends)
		peeps_broadcast_tx_moved(o->c.tx);
	else
		peeps_broadcast_rx_moved(o->c.rx);
	o->result = o->sends ? put(&o->c, 99) : get(o->c.rx);
	return NULL;
}

static pthread_t start(void *(*body)(void *), void *argument)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, body, argument) != 0)
		way_wrong("no thread");
	return thread;
}

/* Long enough that the other most likely sleeps; whether it does makes no difference. */
static void waits(void)
{
	for (int how = 0; how < 4; how++) {
		struct other o = { .c = make("waits", PEEPS_BROADCAST_WAIT), .sends = how >= 2 };
		pthread_t thread;

		for (long i = 0; o.sends && i < CAPACITY; i++)
			(void)put(&o.c, i);
		thread = start(use, &o);
		way_sleep_ms(20);
		if (how == 0)
			way_say("sent: %d", put(&o.c, 7));
		else if (how == 1)
			peeps_broadcast_tx_free(o.c.tx);
		else if (how == 2)
			way_say("received: %d", get(o.c.rx));
		else
			peeps_broadcast_rx_free(o.c.rx);
		(void)pthread_join(thread, NULL);
		way_say("%d: %d", how, o.result);
		if (how != 1)
			peeps_broadcast_tx_free(o.c.tx);
		if (how != 3)
			peeps_broadcast_rx_free(o.c.rx);
	}
}

/* A receiver freed under one that waits ends the wait. */
static void freed_amid(void)
{
	struct other o = { .c = make("freed amid", PEEPS_BROADCAST_LOSSY) };
	const pthread_t thread = start(use, &o);

	way_sleep_ms(50);
	peeps_broadcast_rx_free(o.c.rx);
	(void)pthread_join(thread, NULL);
	way_say("received: %d", o.result);
	way_say("sent: %d", put(&o.c, 1));
	peeps_broadcast_tx_free(o.c.tx);
}

static void cancelled(void)
{
	for (int sends = 0; sends < 2; sends++) {
		struct other o = { .c = make("cancelled", PEEPS_BROADCAST_WAIT), .sends = sends };
		pthread_t thread;
		void *result;

		for (long i = 0; sends && i < CAPACITY; i++)
			(void)put(&o.c, i);
		thread = start(use, &o);
		way_sleep_ms(20);
		(void)pthread_cancel(thread);
		(void)pthread_join(thread, &result);
		way_say("cancelled: %d", result == PTHREAD_CANCELED);
		if (!sends)
			way_say("sent: %d", put(&o.c, 8));
		way_say("received: %d", get(o.c.rx));
		free_both(&o.c);
	}
}

/* --- many ------------------------------------------------------------------------------------- */

#define ITEMS     20000
#define RECEIVERS 3

struct reader {
	struct peeps_broadcast_rx *rx;
	long received, missed;
};

static void *receive_all(void *argument)
{
	struct reader *const me = argument;
	uint64_t missed;
	long item, last = -1;
	int result;

	peeps_broadcast_rx_moved(me->rx);
	while ((result = peeps_broadcast_recv(me->rx, &item, &missed)) != -EPIPE) {
		if (result == -EOVERFLOW) {
			me->missed += (long)missed;
			last += (long)missed;
			continue;
		}
		if (item != ++last)
			way_wrong("%ld instead of %ld", item, last);
		me->received++;
	}
	peeps_broadcast_rx_free(me->rx);
	return NULL;
}

static void many(enum peeps_broadcast_when_full when_full)
{
	const struct channel c = make("many", when_full);
	const int count = way_scaled(ITEMS);
	struct reader readers[RECEIVERS];
	pthread_t threads[RECEIVERS];

	for (int i = 0; i < RECEIVERS; i++) {
		readers[i] = (struct reader){ .rx = peeps_broadcast_rx_clone(c.rx) };
		threads[i] = start(receive_all, &readers[i]);
	}
	peeps_broadcast_rx_free(c.rx);
	for (long i = 0; i < count; i++)
		if (put(&c, i) != 0)
			way_wrong("not sent");
	peeps_broadcast_tx_free(c.tx);
	for (int i = 0; i < RECEIVERS; i++) {
		(void)pthread_join(threads[i], NULL);
		way_say("receiver %d: %ld received or missed", i,
			readers[i].received + readers[i].missed);
		if (when_full == PEEPS_BROADCAST_WAIT && readers[i].missed)
			way_wrong("%ld missed", readers[i].missed);
	}
}

static void many_lossy(void)
{
	many(PEEPS_BROADCAST_LOSSY);
}

static void many_waiting(void)
{
	many(PEEPS_BROADCAST_WAIT);
}

static void forked(void)
{
	const struct channel c = make("forked", PEEPS_BROADCAST_LOSSY);
	pid_t child;

	way_say("sent: %d", put(&c, 2));
	child = fork();
	if (child == 0) {
		way_say("child received: %d", get(c.rx));
		way_say("child sent: %d", put(&c, 3));
		way_say("child received: %d", get(c.rx));
		free_both(&c);
		_exit(0);
	}
	way_say_child("child", child);
	way_say("received: %d", get(c.rx));
	way_say("received: %d", try_get(c.rx));
	free_both(&c);
}

WAY_MAIN({ "alone", alone }, { "back_pressure", back_pressure }, { "plain_symbols", plain_symbols },
	 { "impossible", impossible }, { "ends", ends }, { "waits", waits },
	 { "freed_amid", freed_amid }, { "cancelled", cancelled }, { "many_lossy", many_lossy },
	 { "many_waiting", many_waiting }, { "forked", forked })
