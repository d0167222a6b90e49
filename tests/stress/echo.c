/* SPDX-License-Identifier: MIT */
/*
 * echo: one calls and waits for the answer, another waits for the call and answers. So there are as many calls as answers, or
 * one more; and what is stored of either has not been answered, or not been heard (check_echo.c).
 */
#include "tests/stress/scenes.h"
#include "tests/stress/target.h"

#include <errno.h>
#include <stddef.h>

#include <peeps/notify.h>

#define BRIEF_NS 50000

static struct peeps_notify *call, *answer;

static bool hear(struct peeps_notify *what)
{
	int result;

	do
		result = peeps_notify_timed_wait(what, target_random() % BRIEF_NS);
	while (result == -ETIMEDOUT && !target_stops());
	return result == 0;
}

static void run_caller(void *unused)
{
	bool is_answered = true;

	(void)unused;
	target_ready();
	while (is_answered && !target_stops()) {
		peeps_notify_one(call);
		is_answered = hear(answer);
		target_round();
	}
	/* Who waits for ever is to see that it is over. */
	if (is_answered)
		peeps_notify_one(call);
}

static void run_answerer(void *unused)
{
	(void)unused;
	target_ready();
	while (!target_stops()) {
		if (target_random() % 8 ? hear(call) : peeps_notify_wait(call) == 0)
			peeps_notify_one(answer);
	}
}

void echo_start(void)
{
	(void)peeps_notify_new(&call, CALL_NAME);
	target_gap();
	(void)peeps_notify_new(&answer, ANSWER_NAME);
	(void)target_thread("caller", run_caller, NULL);
	(void)target_thread("answerer", run_answerer, NULL);
}
