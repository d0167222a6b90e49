/* SPDX-License-Identifier: MIT */
/* What holds of every channel, and of those of channel.c. */
#include "tests/stress/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/stress/scenes.h"

static void check_length(struct check *check, const struct channel_fact *channel)
{
	if (channel->received + channel->discarded > channel->sent ||
	    channel->queue_len != channel->sent - channel->received - channel->discarded)
		check_wrong(check,
			    "%s: %" PRIu64 " sent, %" PRIu64 " received, %" PRIu64
			    " discarded, %" PRIu64 " queued",
			    channel->name, channel->sent, channel->received, channel->discarded,
			    channel->queue_len);
	if (channel->capacity && channel->queue_len > channel->capacity)
		check_wrong(check, "%s: %" PRIu64 " queued, room for %" PRIu64, channel->name,
			    channel->queue_len, channel->capacity);
	if (channel->queue_len > channel->high_watermark ||
	    (channel->capacity && channel->high_watermark > channel->capacity))
		check_wrong(check, "%s: %" PRIu64 " queued, high-water mark %" PRIu64,
			    channel->name, channel->queue_len, channel->high_watermark);
}

static void check_ends(struct check *check, const struct channel_fact *channel)
{
	const bool closed = channel->close_cause != PEEPS_CLOSE_CAUSE_NONE;

	if ((channel->sender_closed || channel->receiver_closed) && !closed)
		check_wrong(check, "%s is closed without a cause", channel->name);
	if (channel->receiver_holds > 1)
		check_wrong(check, "%s has %u receivers", channel->name, channel->receiver_holds);
}

/* --- jobs ----------------------------------------------------------------------------------------------------------- */

/* What is counted by a mutex that is held during each: at most the one of now is not done yet. */
static void check_count(struct check *check, const char *what, uint64_t count, uint64_t begun,
			uint64_t going_on)
{
	if (count > begun || count + going_on < begun)
		check_wrong(check,
			    "%" PRIu64 " %s, %" PRIu64 " begun, %" PRIu64 " of them going on",
			    count, what, begun, going_on);
}

static void check_jobs(struct check *check, const struct facts *facts,
		       const struct channel_fact *jobs)
{
	const struct mutex_fact *received = check_mutex(facts, JOBS_RECEIVED_NAME);
	uint64_t begun = 0, going_on = 0;
	char name[32];

	if (jobs->sender_count > (uint64_t)2 * JOBS_SENDERS ||
	    jobs->sender_holds > 2 * JOBS_SENDERS)
		check_wrong(check, "jobs has %" PRIu64 " senders, %u of which are owned",
			    jobs->sender_count, jobs->sender_holds);
	if (received)
		check_count(check, "received", jobs->received, received->acquires,
			    received->holder != FACTS_NOBODY);
	for (unsigned int i = 0; i < JOBS_SENDERS; i++) {
		const struct mutex_fact *sent;

		(void)snprintf(name, sizeof(name), JOBS_SENT_NAME "%u", i);
		sent = check_mutex(facts, name);
		if (!sent)
			return;
		begun += sent->acquires;
		going_on += sent->holder != FACTS_NOBODY;
	}
	check_count(check, "sent", jobs->sent, begun, going_on);
}

/* --- brief lives ---------------------------------------------------------------------------------------------------- */

static void check_closing(struct check *check, const struct channel_fact *closing)
{
	if (closing->capacity != CLOSING_CAPACITY || closing->sender_count > CLOSING_HANDLES)
		check_wrong(check, "%s: room for %" PRIu64 ", %" PRIu64 " senders", closing->name,
			    closing->capacity, closing->sender_count);
	if (closing->close_cause != PEEPS_CLOSE_CAUSE_NONE &&
	    closing->close_cause != PEEPS_CLOSE_CAUSE_RECEIVER_CLOSED)
		check_wrong(check, "%s is closed for cause %u", closing->name,
			    closing->close_cause);
	if (closing->discarded)
		check_wrong(check, "%s: %" PRIu64 " discarded", closing->name, closing->discarded);
}

static void check_brief(struct check *check, const struct channel_fact *brief)
{
	char name[CHURN_NAME_ROOM];
	uint64_t number = 0;

	(void)check_numbered(brief->name, "c-", &number);
	churn_name(name, BRIEF_PREFIX, number);
	if (strcmp(name, brief->name) != 0)
		check_wrong(check, "there is no channel of the name %s", brief->name);
	if (brief->capacity != brief_capacity(number) || brief->sent > brief_sent(number) ||
	    brief->sender_count > 1)
		check_wrong(check,
			    "%s: room for %" PRIu64 ", %" PRIu64 " sent, %" PRIu64 " senders",
			    brief->name, brief->capacity, brief->sent, brief->sender_count);
	if (brief->close_cause == PEEPS_CLOSE_CAUSE_NONE)
		return;
	if (brief->sent != brief_sent(number) || brief->received < brief_received(number) ||
	    brief->close_cause != brief_cause(number))
		check_wrong(check,
			    "%s is closed for cause %u: %" PRIu64 " sent, %" PRIu64 " received",
			    brief->name, brief->close_cause, brief->sent, brief->received);
	if (brief->discarded &&
	    (brief->close_cause != PEEPS_CLOSE_CAUSE_RECEIVER_GONE || brief->queue_len != 0))
		check_wrong(check, "%s: %" PRIu64 " discarded", brief->name, brief->discarded);
}

void check_channels(struct check *check, const struct facts *facts)
{
	const struct channel_fact *jobs = NULL, *closing = NULL, *brief = NULL;
	uint64_t number;

	for (size_t i = 0; i < facts->channel_count; i++) {
		const struct channel_fact *channel = &facts->channels[i];
		const struct channel_fact **part = NULL;

		if (channel->uncertain)
			continue;
		check_length(check, channel);
		check_ends(check, channel);
		if (strcmp(channel->name, JOBS_NAME) == 0)
			part = &jobs;
		else if (check_numbered(channel->name, CLOSING_NAME, &number))
			part = &closing;
		else if (check_numbered(channel->name, "c-", &number))
			part = &brief;
		if (part && *part)
			check_wrong(check, "both %s and %s are there", (*part)->name,
				    channel->name);
		if (part)
			*part = channel;
	}
	if (jobs)
		check_jobs(check, facts, jobs);
	if (closing)
		check_closing(check, closing);
	if (brief)
		check_brief(check, brief);
}
