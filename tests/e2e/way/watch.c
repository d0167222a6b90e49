/* SPDX-License-Identifier: MIT */
/* Every call of a watch, every result: a table of standard cases, and errno as it was before. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/e2e/way/way.h"

#define ERRNO_BEFORE 4711
#define MS           UINT64_C(1000000)
#define UNTOUCHED    (-9999L)

/* The call's result; and that it left errno alone. */
#define SAY(call)                                                        \
	do {                                                             \
		int say_result;                                          \
		errno = ERRNO_BEFORE;                                    \
		say_result = (int)(call);                                \
		way_say("%s: %s = %d%s", kind, #call, say_result,        \
			errno == ERRNO_BEFORE ? "" : ", errno changed"); \
	} while (0)

/* A watched long. */
struct channel {
	struct peeps_watch_tx *tx;
	struct peeps_watch_rx *rx;
};

static struct channel make(const char *name, long initial)
{
	struct channel c = { NULL, NULL };

	if (peeps_watch_new(&c.tx, &c.rx, name, sizeof(long), &initial) != 0)
		way_wrong("no watch");
	return c;
}

static int put(const struct channel *c, long value)
{
	return peeps_watch_send(c->tx, &value);
}

static int replace(const struct channel *c, long value)
{
	return peeps_watch_replace(c->tx, &value);
}

/* The value, or the error; a value must be untouched if there is an error. */
static int value_or(int result, long value)
{
	if (result == 0)
		return (int)value;
	if (value != UNTOUCHED)
		way_wrong("error %d, and yet a value", result);
	return result;
}

static int changed(struct peeps_watch_rx *rx)
{
	long value = UNTOUCHED;
	const int result = peeps_watch_changed(rx, &value);

	return value_or(result, value);
}

static int changed_for(struct peeps_watch_rx *rx, uint64_t timeout_ns)
{
	long value = UNTOUCHED;
	const int result = peeps_watch_timed_changed(rx, &value, timeout_ns);

	return value_or(result, value);
}

/* The value, and after how many changes it is, in one number. */
static int borrowed(const struct peeps_watch_rx *rx)
{
	long value = UNTOUCHED;
	const uint64_t changes = peeps_watch_borrow(rx, &value);

	return (int)(changes * 1000 + (uint64_t)value);
}

static int borrowed_and_seen(struct peeps_watch_rx *rx)
{
	long value = UNTOUCHED;
	const uint64_t changes = peeps_watch_borrow_and_update(rx, &value);

	return (int)(changes * 1000 + (uint64_t)value);
}

static int borrowed_by_sender(const struct peeps_watch_tx *tx)
{
	long value = UNTOUCHED;
	const uint64_t changes = peeps_watch_tx_borrow(tx, &value);

	return (int)(changes * 1000 + (uint64_t)value);
}

static int add(void *value, void *context)
{
	*(long *)value += *(long *)context;
	return *(long *)context != 0;
}

static int modified(const struct channel *c, long by)
{
	return peeps_watch_modify(c->tx, add, &by);
}

static void free_both(const struct channel *c)
{
	peeps_watch_tx_free(c->tx);
	peeps_watch_rx_free(c->rx);
}

/* --- alone ------------------------------------------------------------------------------------ */

static void alone(void)
{
	const char *const kind = "alone";
	const struct channel c = make(kind, 5), *const p = &c;

	for (int round = 0; round < 2; round++) { /* the second goes the fast path */
		SAY(peeps_watch_has_changed(c.rx));
		SAY(borrowed(c.rx));
		SAY(changed_for(c.rx, 0));
		SAY(changed_for(c.rx, 5 * MS));
		SAY(put(p, 6));
		SAY(peeps_watch_has_changed(c.rx));
		SAY(borrowed(c.rx));
		SAY(peeps_watch_has_changed(c.rx));
		SAY(changed(c.rx));
		SAY(peeps_watch_has_changed(c.rx));
		SAY(put(p, 7));
		SAY(put(p, 8));
		SAY(changed_for(c.rx, 5 * MS));
		SAY(changed_for(c.rx, 0));
		SAY(modified(p, 0));
		SAY(peeps_watch_has_changed(c.rx));
		SAY(modified(p, 10));
		SAY(borrowed_and_seen(c.rx));
		SAY(peeps_watch_has_changed(c.rx));
		SAY(replace(p, 9));
		SAY(peeps_watch_changed(c.rx, NULL));
		SAY(borrowed_by_sender(c.tx));
		peeps_watch_tx_moved(c.tx);
		peeps_watch_rx_moved(c.rx);
	}
	free_both(p);
	peeps_watch_tx_free(NULL);
	peeps_watch_rx_free(NULL);
}

static void plain_symbols(void)
{
	const char *const kind = "plain symbols";
	struct channel c = { NULL, NULL };
	struct peeps_watch_rx *clone, *late;
	long value = 3;

	SAY((peeps_watch_new)(&c.tx, &c.rx, kind, sizeof(value), &value));
	clone = (peeps_watch_rx_clone)(c.rx);
	late = (peeps_watch_subscribe)(c.tx);
	way_say("%s: %d %d", kind, clone != NULL, late != NULL);
	(peeps_watch_tx_moved)(c.tx);
	(peeps_watch_rx_moved)(clone);
	value = 4;
	SAY((peeps_watch_send)(c.tx, &value));
	value = 0;
	SAY((peeps_watch_timed_changed)(clone, &value, MS));
	SAY((int)value);
	SAY((peeps_watch_changed)(late, &value));
	peeps_watch_rx_free(late);
	peeps_watch_rx_free(clone);
	free_both(&c);
}

static void sizes(void)
{
	static const size_t sizes[] = { 1, 3, 8, 15, 16, 17, 255, 4096, 70000 };
	const char *const kind = "sizes";
	struct channel c = { NULL, NULL };
	char none = 0;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unsigned char *const sent = malloc(sizes[i] + 1), *const got = malloc(sizes[i] + 1);

		memset(sent, (int)i + 1, sizes[i] + 1);
		memset(got, 0xee, sizes[i] + 1);
		SAY(peeps_watch_new(&c.tx, &c.rx, kind, sizes[i], sent));
		SAY(peeps_watch_borrow(c.rx, got));
		way_say("%zu bytes: %s", sizes[i],
			memcmp(sent, got, sizes[i]) == 0 ? "equal" : "different");
		memset(sent, 0x77, sizes[i] + 1);
		SAY(peeps_watch_send(c.tx, sent));
		SAY(peeps_watch_changed(c.rx, got));
		way_say("%zu bytes: %s, %s", sizes[i],
			memcmp(sent, got, sizes[i]) == 0 ? "equal" : "different",
			got[sizes[i]] == 0xee ? "no more" : "more");
		free_both(&c);
		free(got);
		free(sent);
	}
	c = (struct channel){ NULL, NULL };
	SAY(peeps_watch_new(&c.tx, &c.rx, kind, 0, &none));
	SAY(peeps_watch_new(&c.tx, &c.rx, kind, SIZE_MAX, &none));
	way_say("handles %d %d", c.tx != NULL, c.rx != NULL);
}

/* --- receivers come and go -------------------------------------------------------------------- */

static void receivers(void)
{
	const char *const kind = "receivers";
	const struct channel c = make(kind, 1), *const p = &c;
	struct peeps_watch_rx *clone, *late;

	SAY(put(p, 2));
	clone = peeps_watch_rx_clone(c.rx);
	late = peeps_watch_subscribe(c.tx);
	SAY(peeps_watch_has_changed(clone));
	SAY(peeps_watch_has_changed(late));
	SAY(changed(clone));
	SAY(peeps_watch_has_changed(c.rx));
	peeps_watch_rx_free(c.rx);
	SAY(peeps_watch_tx_is_closed(c.tx));
	peeps_watch_rx_free(clone);
	peeps_watch_rx_free(late);
	SAY(peeps_watch_tx_is_closed(c.tx));
	SAY(put(p, 3));
	SAY(borrowed_by_sender(c.tx));
	SAY(replace(p, 4));
	late = peeps_watch_subscribe(c.tx);
	SAY(peeps_watch_tx_is_closed(c.tx));
	SAY(borrowed(late));
	SAY(peeps_watch_has_changed(late));
	SAY(put(p, 5));
	peeps_watch_tx_free(c.tx);
	clone = peeps_watch_rx_clone(late);
	SAY(peeps_watch_has_changed(late));
	SAY(changed(late)); /* what was sent last is there, though nobody sends any more */
	SAY(peeps_watch_has_changed(late));
	SAY(changed(late));
	SAY(changed_for(late, 5 * MS));
	SAY(borrowed(late));
	SAY(changed(clone));
	peeps_watch_rx_free(late);
	peeps_watch_rx_free(clone);
}

/* What a program must not do, and is told where it can be seen. */
static void misuse(void)
{
	const char *const kind = "misuse";
	const struct channel c = make(kind, 1), *const p = &c;

	peeps_watch_tx_free(c.tx);
	SAY(put(p, 2));
	SAY(replace(p, 2));
	SAY(modified(p, 2));
	SAY(peeps_watch_subscribe(c.tx) == NULL);
	peeps_watch_tx_moved(c.tx);
	peeps_watch_tx_free(c.tx);
	SAY(borrowed(c.rx));
	peeps_watch_rx_free(c.rx);
}

/* --- waits ------------------------------------------------------------------------------------ */

struct receiver {
	struct peeps_watch_rx *rx;
	int result;
	uint64_t timeout_ns;
};

static void *receive(void *argument)
{
	struct receiver *const r = argument;

	peeps_watch_rx_moved(r->rx);
	r->result = r->timeout_ns ? changed_for(r->rx, r->timeout_ns) : changed(r->rx);
	return NULL;
}

static pthread_t start(void *(*body)(void *), void *argument)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, body, argument) != 0)
		way_wrong("no thread");
	return thread;
}

/* Long enough that the others most likely sleep; whether they do makes no difference. */
static void waits(void)
{
	for (int how = 0; how < 4; how++) {
		const struct channel c = make("waits", 1);
		struct receiver r[5];
		pthread_t threads[5];

		for (int i = 0; i < 5; i++) {
			r[i] = (struct receiver){
				.rx = i ? peeps_watch_rx_clone(c.rx) : c.rx,
				.timeout_ns = how == 3 ? 20 * MS
					      : i % 2  ? 60000 * MS
						       : 0,
			};
			threads[i] = start(receive, &r[i]);
		}
		way_sleep_ms(5);
		if (how == 0)
			way_say("sent: %d", put(&c, 7));
		else if (how == 1)
			way_say("modified: %d", modified(&c, 7));
		else if (how == 2)
			peeps_watch_tx_free(c.tx);
		for (int i = 0; i < 5; i++) {
			(void)pthread_join(threads[i], NULL);
			way_say("%d, receiver %d: %d", how, i, r[i].result);
			peeps_watch_rx_free(r[i].rx);
		}
		if (how != 2)
			peeps_watch_tx_free(c.tx);
	}
}

/* A receiver freed under one that waits ends the wait; the others go on. */
static void freed_amid(void)
{
	const struct channel c = make("freed amid", 1);
	struct receiver freed = { .rx = c.rx }, other = { .rx = peeps_watch_rx_clone(c.rx) };
	const pthread_t first = start(receive, &freed), second = start(receive, &other);

	way_sleep_ms(50);
	peeps_watch_rx_free(c.rx);
	(void)pthread_join(first, NULL);
	way_say("freed: %d", freed.result);
	way_say("sent: %d", put(&c, 2));
	(void)pthread_join(second, NULL);
	way_say("other: %d", other.result);
	peeps_watch_rx_free(other.rx);
	peeps_watch_tx_free(c.tx);
}

static void cancelled(void)
{
	const struct channel c = make("cancelled", 1);
	struct receiver r = { .rx = c.rx };
	const pthread_t thread = start(receive, &r);
	void *result;

	way_sleep_ms(20);
	(void)pthread_cancel(thread);
	(void)pthread_join(thread, &result);
	way_say("cancelled: %d", result == PTHREAD_CANCELED);
	way_say("sent: %d", put(&c, 8));
	way_say("received: %d", changed(c.rx));
	free_both(&c);
}

/* --- many ------------------------------------------------------------------------------------- */

#define CHANGES   30000
#define RECEIVERS 4

/* The two halves are always the same: nobody sees one that is half written. */
struct pair {
	long first;
	char between[200];
	long second;
};

static void *see_all(void *argument)
{
	struct peeps_watch_rx *const rx = argument;
	struct pair pair = { 0 };
	uint64_t before = 0;
	long last = 0;

	peeps_watch_rx_moved(rx);
	while (peeps_watch_changed(rx, &pair) == 0) {
		if (pair.first != pair.second)
			way_wrong("halves: %ld %ld", pair.first, pair.second);
		if (pair.first <= last)
			way_wrong("backwards: %ld after %ld", pair.first, last);
		last = pair.first;
		if (last % 3 == 0) {
			const uint64_t changes = peeps_watch_borrow_and_update(rx, &pair);

			if (changes < before || (long)changes != pair.first)
				way_wrong("version %lu of %ld", (unsigned long)changes, pair.first);
			before = changes;
			last = pair.first;
		}
	}
	peeps_watch_rx_free(rx);
	return (void *)last;
}

/* Each sees ever later ones, and the last one. */
static void changes(void)
{
	struct pair pair = { 0 };
	struct channel c = { NULL, NULL };
	const int count = way_scaled(CHANGES);
	pthread_t threads[RECEIVERS];

	if (peeps_watch_new(&c.tx, &c.rx, "changes", sizeof(pair), &pair) != 0)
		way_wrong("no watch");
	for (int i = 0; i < RECEIVERS; i++)
		threads[i] = start(see_all, peeps_watch_rx_clone(c.rx));
	peeps_watch_rx_free(c.rx);
	for (long i = 1; i <= count; i++) {
		pair.first = pair.second = i;
		if (peeps_watch_send(c.tx, &pair) != 0)
			way_wrong("not sent");
		if (i % 100 == 0)
			way_sleep_ms(0);
	}
	peeps_watch_tx_free(c.tx);
	for (int i = 0; i < RECEIVERS; i++) {
		void *last;

		(void)pthread_join(threads[i], &last);
		way_say("receiver %d: %s", i,
			(long)last == count ? "the last one" : "not the last one");
	}
}

static void *free_receiver(void *argument)
{
	peeps_watch_rx_free(argument);
	return NULL;
}

/* The ends go at the same time: whoever frees last frees once. */
static void races(void)
{
	const int count = way_scaled(1000);

	for (int i = 0; i < count; i++) {
		const struct channel c = make("races", 1);
		const pthread_t thread = start(free_receiver, c.rx);
		const int result = put(&c, i);

		if (result != 0 && result != -EPIPE)
			way_wrong("sent: %d", result);
		peeps_watch_tx_free(c.tx);
		(void)pthread_join(thread, NULL);
	}
	way_say("races: %d", count);
}

/* --- fork ------------------------------------------------------------------------------------- */

static void forked(void)
{
	const struct channel c = make("forked", 1);
	pid_t child;

	way_say("sent: %d", put(&c, 2));
	child = fork();
	if (child == 0) {
		way_say("child saw: %d", changed(c.rx));
		way_say("child sent: %d", put(&c, 3));
		way_say("child saw: %d", changed(c.rx));
		free_both(&c);
		_exit(0);
	}
	way_say_child("child", child);
	way_say("saw: %d", changed(c.rx));
	way_say("has changed: %d", peeps_watch_has_changed(c.rx));
	free_both(&c);
}

WAY_MAIN({ "alone", alone }, { "plain_symbols", plain_symbols }, { "sizes", sizes },
	 { "receivers", receivers }, { "misuse", misuse }, { "waits", waits },
	 { "freed_amid", freed_amid }, { "cancelled", cancelled }, { "changes", changes },
	 { "races", races }, { "forked", forked })
