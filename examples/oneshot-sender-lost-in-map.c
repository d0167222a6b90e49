/* SPDX-License-Identifier: MIT */
/*
 * oneshot-sender-lost-in-map - an answer that nobody is ever given
 *
 * caller asks a question, number 42, and waits for the answer at a oneshot. router keeps the senders of those who wait
 * in a map by the number of their question, and files this one under 43. The answer to 42 comes, nobody is found who
 * wants it, and it is thrown away. Nobody waits for anybody else, nothing is closed: the sender lives in router's map
 * for ever. Prints its PID and runs until it is killed.
 *
 *	oneshot-sender-lost-in-map              the sender under the wrong number
 *	oneshot-sender-lost-in-map --in-place   each under its own, one question after the other: the same without the
 *	                                        mistake
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <peeps/peeps.h>

#define MILLISECOND UINT64_C(1000000)
#define MAP_ROOM    64
#define FIRST       42

struct question {
	unsigned int number;
	struct peeps_oneshot_tx *answer;
};

static struct peeps_mpsc_tx *questions_tx;
static struct peeps_mpsc_rx *questions_rx;
static struct peeps_oneshot_tx *waiting[MAP_ROOM]; /* router's: by the number of the question */
static bool in_place;

static void die(const char *what)
{
	(void)fprintf(stderr, "%s\n", what);
	exit(EXIT_FAILURE);
}

static void file(const struct question *question)
{
	const unsigned int place = in_place ? question->number : question->number + 1;

	peeps_oneshot_tx_moved(question->answer); /* caller made it: from now on it is in our map */
	waiting[place % MAP_ROOM] = question->answer;
}

/* An answer has come from where answers come from. */
static void pass_on_answer(unsigned int number)
{
	struct peeps_oneshot_tx *const answer = waiting[number % MAP_ROOM];

	if (!answer)
		return; /* nobody wants it any more, it seems */
	waiting[number % MAP_ROOM] = NULL;
	(void)peeps_oneshot_send(answer, &number);
}

static void *router(void *unused)
{
	struct question question;

	peeps_thread_name("router");
	peeps_mpsc_rx_moved(questions_rx);
	for (;;) {
		if (peeps_mpsc_try_recv(questions_rx, &question) == 0) {
			file(&question);
			pass_on_answer(question.number);
		}
		(void)peeps_sleep_ns(MILLISECOND);
	}
	return unused;
}

static unsigned int ask(unsigned int number)
{
	struct question question = { .number = number };
	struct peeps_oneshot_rx *answer_rx;
	unsigned int answer = 0;
	char name[32];

	(void)snprintf(name, sizeof(name), "demo.answer.%u", number);
	if (peeps_oneshot_new(&question.answer, &answer_rx, name, sizeof(answer)) != 0)
		die("no memory");
	peeps_oneshot_rx_moved(answer_rx); /* we keep it */
	(void)peeps_mpsc_send(questions_tx, &question);
	(void)peeps_oneshot_recv(answer_rx, &answer);
	peeps_oneshot_rx_free(answer_rx);
	return answer;
}

static void *caller(void *unused)
{
	peeps_thread_name("caller");
	peeps_mpsc_tx_moved(questions_tx);
	for (unsigned int number = FIRST;; number++) {
		if (ask(number) != number)
			die("the answer to another question");
	}
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	in_place = argc > 1 && strcmp(argv[1], "--in-place") == 0;
	if (peeps_mpsc_new(&questions_tx, &questions_rx, "demo.questions", sizeof(struct question),
			   MAP_ROOM) != 0)
		die("no memory");
	peeps_thread_name("main");
	(void)printf("%ld\n", (long)getpid());
	(void)fflush(stdout);
	if (pthread_create(&thread, NULL, router, NULL) != 0 ||
	    pthread_create(&thread, NULL, caller, NULL) != 0)
		die("no thread");
	for (;;)
		(void)peeps_sleep_ns(3600 * 1000 * MILLISECOND);
}
