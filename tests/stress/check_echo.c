/* SPDX-License-Identifier: MIT */
/* What holds of every notify, and of those of echo.c. */
#include "tests/stress/check.h"

#include <inttypes.h>
#include <string.h>

#include "tests/stress/scenes.h"

static const struct notify_fact *named(const struct facts *facts, const char *name)
{
	for (size_t i = 0; i < facts->notify_count; i++)
		if (strcmp(facts->notifies[i].name, name) == 0)
			return &facts->notifies[i];
	return NULL;
}

static void check_both(struct check *check, const struct notify_fact *call,
		       const struct notify_fact *answer)
{
	const uint64_t unanswered = call->notifies - answer->notifies;

	if (unanswered > 1)
		check_wrong(check, "%" PRIu64 " calls, %" PRIu64 " answers", call->notifies,
			    answer->notifies);
	else if (call->permits > unanswered || answer->permits > 1 - unanswered)
		check_wrong(check,
			    "%" PRIu64 " calls, %" PRIu64 " stored; %" PRIu64 " answers, %" PRIu64
			    " stored",
			    call->notifies, call->permits, answer->notifies, answer->permits);
}

void check_echo(struct check *check, const struct facts *facts)
{
	const struct notify_fact *const call = named(facts, CALL_NAME);
	const struct notify_fact *const answer = named(facts, ANSWER_NAME);

	for (size_t i = 0; i < facts->notify_count; i++)
		if (facts->notifies[i].permits > 1 && !facts->notifies[i].uncertain)
			check_wrong(check, "%s stores %" PRIu64, facts->notifies[i].name,
				    facts->notifies[i].permits);
	if (call && answer && !call->uncertain && !answer->uncertain)
		check_both(check, call, answer);
}
