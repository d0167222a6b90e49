/* SPDX-License-Identifier: MIT */
/* Every call of a oneshot, every result: a table of standard cases, and errno as it was before. */
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
		say_result = (call);                                     \
		way_say("%s: %s = %d%s", kind, #call, say_result,        \
			errno == ERRNO_BEFORE ? "" : ", errno changed"); \
	} while (0)

/* A oneshot of a long. */
struct channel {
	struct peeps_oneshot_tx *tx;
	struct peeps_oneshot_rx *rx;
};

static struct channel make(const char *name)
{
	struct channel c = { NULL, NULL };

	if (peeps_oneshot_new(&c.tx, &c.rx, name, sizeof(long)) != 0)
		way_wrong("no oneshot");
	return c;
}

static int put(struct channel *c, long item)
{
	return peeps_oneshot_send(c->tx, &item);
}

/* The item, or the error; an item must be untouched if there is none. */
static int item_or(int result, long item)
{
	if (result == 0)
		return (int)item;
	if (item != UNTOUCHED)
		way_wrong("error %d, and yet an item", result);
	return result;
}

static int get(struct channel *c)
{
	long item = UNTOUCHED;
	const int result = peeps_oneshot_recv(c->rx, &item);

	return item_or(result, item);
}

static int try_get(struct channel *c)
{
	long item = UNTOUCHED;
	const int result = peeps_oneshot_try_recv(c->rx, &item);

	return item_or(result, item);
}

static int get_for(struct channel *c, uint64_t timeout_ns)
{
	long item = UNTOUCHED;
	const int result = peeps_oneshot_timed_recv(c->rx, &item, timeout_ns);

	return item_or(result, item);
}

/* --- alone ------------------------------------------------------------------------------------ */

static void alone(void)
{
	const char *const kind = "alone";
	struct channel c = make(kind), *const p = &c;

	SAY(try_get(p));
	SAY(get_for(p, 0));
	SAY(get_for(p, 5 * MS));
	SAY(peeps_oneshot_tx_is_closed(c.tx));
	peeps_oneshot_tx_moved(c.tx);
	peeps_oneshot_rx_moved(c.rx);
	SAY(put(p, 1));
	SAY(get(p));
	SAY(try_get(p));
	SAY(get(p));
	SAY(get_for(p, 5 * MS));
	peeps_oneshot_rx_free(c.rx);
	peeps_oneshot_tx_free(NULL);
	peeps_oneshot_rx_free(NULL);
}

static void plain_symbols(void)
{
	const char *const kind = "plain symbols";
	struct channel c = { NULL, NULL };
	long item = 3;

	SAY((peeps_oneshot_new)(&c.tx, &c.rx, kind, sizeof(item)));
	(peeps_oneshot_tx_moved)(c.tx);
	(peeps_oneshot_rx_moved)(c.rx);
	SAY((peeps_oneshot_send)(c.tx, &item));
	item = 0;
	SAY((peeps_oneshot_timed_recv)(c.rx, &item, MS));
	SAY((int)item);
	SAY((peeps_oneshot_recv)(c.rx, &item));
	peeps_oneshot_rx_free(c.rx);
}

/* From nothing to some pages, at whatever alignment the sizes give. */
static void sizes(void)
{
	static const size_t sizes[] = { 0, 1, 3, 8, 15, 16, 17, 255, 4096, 70000 };
	const char *const kind = "sizes";

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unsigned char *const sent = malloc(sizes[i] + 1), *const got = malloc(sizes[i] + 1);
		struct channel c;

		memset(sent, (int)i + 1, sizes[i] + 1);
		memset(got, 0xee, sizes[i] + 1);
		SAY(peeps_oneshot_new(&c.tx, &c.rx, kind, sizes[i]));
		SAY(peeps_oneshot_send(c.tx, sizes[i] ? sent : NULL));
		SAY(peeps_oneshot_recv(c.rx, sizes[i] ? got : NULL));
		way_say("%zu bytes: %s, %s", sizes[i],
			memcmp(sent, got, sizes[i]) == 0 ? "equal" : "different",
			got[sizes[i]] == 0xee ? "no more" : "more");
		peeps_oneshot_rx_free(c.rx);
		free(got);
		free(sent);
	}
	{
		struct channel c = { NULL, NULL };

		SAY(peeps_oneshot_new(&c.tx, &c.rx, kind, SIZE_MAX));
		way_say("handles %d %d", c.tx != NULL, c.rx != NULL);
	}
}

/* --- one end goes ----------------------------------------------------------------------------- */

static void ends(void)
{
	const char *kind = "sender freed";
	struct channel c = make(kind), *const p = &c;

	peeps_oneshot_tx_free(c.tx);
	SAY(try_get(p));
	SAY(get(p));
	peeps_oneshot_rx_free(c.rx);

	kind = "receiver freed";
	c = make(kind);
	peeps_oneshot_rx_free(c.rx);
	SAY(peeps_oneshot_tx_is_closed(c.tx));
	SAY(put(p, 1));

	kind = "receiver freed, sender too";
	c = make(kind);
	peeps_oneshot_rx_free(c.rx);
	peeps_oneshot_tx_free(c.tx);

	kind = "closed";
	c = make(kind);
	peeps_oneshot_rx_close(c.rx);
	peeps_oneshot_rx_close(c.rx);
	SAY(try_get(p));
	SAY(get(p));
	SAY(peeps_oneshot_tx_is_closed(c.tx));
	SAY(put(p, 1));
	SAY(get(p));
	peeps_oneshot_rx_free(c.rx);

	kind = "sent, then closed";
	c = make(kind);
	SAY(put(p, 5));
	peeps_oneshot_rx_close(c.rx);
	SAY(get(p));
	peeps_oneshot_rx_free(c.rx);

	kind = "sent, never received";
	c = make(kind);
	SAY(put(p, 5));
	peeps_oneshot_rx_free(c.rx);
}

/* What a program must not do, and is told where it can be seen. */
static void misuse(void)
{
	const char *const kind = "misuse";
	struct channel c = make(kind), *const p = &c;

	SAY(put(p, 1));
	SAY(put(p, 2));
	peeps_oneshot_tx_free(c.tx);
	peeps_oneshot_tx_moved(c.tx);
	SAY(get(p));
	SAY(put(p, 3));
	peeps_oneshot_rx_free(c.rx);

	c = make(kind);
	peeps_oneshot_rx_free(c.rx);
	SAY(try_get(p));
	SAY(get(p));
	peeps_oneshot_rx_close(c.rx);
	peeps_oneshot_rx_moved(c.rx);
	peeps_oneshot_rx_free(c.rx);
	SAY(put(p, 1));
}

/* --- waits ------------------------------------------------------------------------------------ */

struct receiver {
	struct channel c;
	int result;
	uint64_t timeout_ns;
};

static void *receive(void *argument)
{
	struct receiver *const r = argument;

	peeps_oneshot_rx_moved(r->c.rx);
	r->result = r->timeout_ns ? get_for(&r->c, r->timeout_ns) : get(&r->c);
	return NULL;
}

static pthread_t start(void *(*body)(void *), void *argument)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, body, argument) != 0)
		way_wrong("no thread");
	return thread;
}

/* Long enough that the other thread most likely sleeps; whether it does makes no difference. */
static void waits(void)
{
	struct receiver r;
	pthread_t thread;

	for (int how = 0; how < 5; how++) {
		r = (struct receiver){ .c = make("waits"),
				       .timeout_ns = how == 4 ? 20 * MS : how * 60000 * MS };
		thread = start(receive, &r);
		way_sleep_ms(5);
		if (how < 2)
			way_say("sent: %d", put(&r.c, 7 + how));
		else if (how == 2)
			peeps_oneshot_tx_free(r.c.tx);
		else if (how == 3)
			peeps_oneshot_rx_close(r.c.rx);
		(void)pthread_join(thread, NULL);
		way_say("received %d: %d", how, r.result);
		if (how >= 3)
			peeps_oneshot_tx_free(r.c.tx);
		peeps_oneshot_rx_free(r.c.rx);
	}
}

/* A receiver freed under one that waits ends the wait. */
static void freed_amid(void)
{
	struct receiver r = { .c = make("freed amid") };
	const pthread_t thread = start(receive, &r);

	way_sleep_ms(50);
	peeps_oneshot_rx_free(r.c.rx);
	(void)pthread_join(thread, NULL);
	way_say("received: %d", r.result);
	way_say("sent: %d", put(&r.c, 1));
}

static void cancelled(void)
{
	struct receiver r = { .c = make("cancelled") };
	const pthread_t thread = start(receive, &r);
	void *result;

	way_sleep_ms(20);
	(void)pthread_cancel(thread);
	(void)pthread_join(thread, &result);
	way_say("cancelled: %d", result == PTHREAD_CANCELED);
	way_say("sent: %d", put(&r.c, 8));
	way_say("received: %d", get(&r.c));
	peeps_oneshot_rx_free(r.c.rx);
}

/* --- many ------------------------------------------------------------------------------------- */

#define CALLS 20000

static struct peeps_mpsc_tx *requests_tx;
static struct peeps_mpsc_rx *requests_rx;

struct request {
	long number;
	struct peeps_oneshot_tx *answer;
};

/* Answers, or drops the sender, or sends a moment late: by the number. */
static void *answer_all(void *unused)
{
	struct request request;

	peeps_mpsc_rx_moved(requests_rx);
	while (peeps_mpsc_recv(requests_rx, &request) == 0) {
		const long answer = 2 * request.number;

		peeps_oneshot_tx_moved(request.answer);
		if (request.number % 7 == 0)
			peeps_oneshot_tx_free(request.answer);
		else
			(void)peeps_oneshot_send(request.answer, &answer);
	}
	return unused;
}

/* As a server's clients would: each answer is the right one, whoever is first. */
static void calls(void)
{
	long right = 0, dropped = 0, late = 0;
	const int count = way_scaled(CALLS);
	pthread_t thread;

	if (peeps_mpsc_new(&requests_tx, &requests_rx, "requests", sizeof(struct request), 8) != 0)
		way_wrong("no channel");
	thread = start(answer_all, NULL);
	for (long i = 0; i < count; i++) {
		struct channel c = make("call");
		const struct request request = { i, c.tx };
		int answer;

		(void)peeps_mpsc_send(requests_tx, &request);
		if (i % 5 == 0)
			peeps_oneshot_rx_close(c.rx);
		answer = get(&c);
		right += answer == 2 * i;
		dropped += answer == -EPIPE && i % 7 == 0;
		late += answer == -EPIPE && i % 5 == 0 && i % 7 != 0;
		if (answer != 2 * i && answer != -EPIPE)
			way_wrong("call %ld: %d", i, answer);
		if (answer == -EPIPE && i % 5 != 0 && i % 7 != 0)
			way_wrong("call %ld: nothing", i);
		peeps_oneshot_rx_free(c.rx);
	}
	peeps_mpsc_tx_free(requests_tx);
	(void)pthread_join(thread, NULL);
	peeps_mpsc_rx_free(requests_rx);
	/* What was closed may have been answered before. */
	way_say("calls: %d, right or late %ld", count, right + late + dropped);
}

/* A send and the receiver's end at the same time: whoever frees last frees once. */
static void *free_receiver(void *argument)
{
	peeps_oneshot_rx_free(argument);
	return NULL;
}

static void races(void)
{
	const int count = way_scaled(1000);

	for (int i = 0; i < count; i++) {
		struct channel c = make("races");
		const pthread_t thread = start(free_receiver, c.rx);
		const int result = put(&c, i);

		if (result != 0 && result != -EPIPE)
			way_wrong("sent: %d", result);
		(void)pthread_join(thread, NULL);
	}
	way_say("races: %d", count);
}

/* --- fork ------------------------------------------------------------------------------------- */

static void forked(void)
{
	struct channel sent = make("sent before"), empty = make("empty");
	pid_t child;

	way_say("sent: %d", put(&sent, 9));
	child = fork();
	if (child == 0) {
		way_say("child received: %d", get(&sent));
		way_say("child sent: %d", put(&empty, 10));
		way_say("child received: %d", get(&empty));
		peeps_oneshot_rx_free(sent.rx);
		peeps_oneshot_rx_free(empty.rx);
		_exit(0);
	}
	way_say_child("child", child);
	way_say("received: %d", get(&sent));
	way_say("received: %d", try_get(&empty));
	peeps_oneshot_tx_free(empty.tx);
	peeps_oneshot_rx_free(empty.rx);
	peeps_oneshot_rx_free(sent.rx);
}

WAY_MAIN({ "alone", alone }, { "plain_symbols", plain_symbols }, { "sizes", sizes },
	 { "ends", ends }, { "misuse", misuse }, { "waits", waits }, { "freed_amid", freed_amid },
	 { "cancelled", cancelled }, { "calls", calls }, { "races", races }, { "forked", forked })
