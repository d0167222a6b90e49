/* SPDX-License-Identifier: MIT */
/* What holds of every oneshot, watch and broadcast, and of those of singles.c. */
#include "tests/stress/check.h"

#include <inttypes.h>
#include <string.h>

#include "tests/stress/scenes.h"

static unsigned int waits_at(const struct facts *facts, const struct single_fact *single)
{
	unsigned int count = 0;

	for (size_t i = 0; i < facts->wait_count; i++) {
		const struct wait_fact *wait = &facts->waits[i];

		if (!wait->uncertain && wait->resource >= 0 &&
		    (wait->kind == PEEPS_KIND_ONESHOT_RX || wait->kind == PEEPS_KIND_WATCH_RX) &&
		    &facts->singles[wait->resource] == single)
			count++;
	}
	return count;
}

/* --- oneshots ------------------------------------------------------------------------------------------------------- */

static void check_state(struct check *check, const struct facts *facts,
			const struct single_fact *oneshot)
{
	const bool sent = oneshot->state == PEEPS_ONESHOT_STATE_SENT ||
			  oneshot->state == PEEPS_ONESHOT_STATE_RECEIVED;
	const bool over = oneshot->state > PEEPS_ONESHOT_STATE_SENT;

	/* One that is being made has no owner yet. */
	if (oneshot->sender_holds > !oneshot->sender_closed)
		check_wrong(check, "%s: sender %s, and owned by %u", oneshot->name,
			    oneshot->sender_closed ? "spent" : "not spent", oneshot->sender_holds);
	if (sent && !oneshot->sender_closed)
		check_wrong(check, "%s is sent, and its sender is not spent", oneshot->name);
	if (oneshot->ended != over)
		check_wrong(check, "%s is in state %u, and %s", oneshot->name, oneshot->state,
			    oneshot->ended ? "over" : "not over");
	if (oneshot->state == PEEPS_ONESHOT_STATE_RECEIVED && waits_at(facts, oneshot))
		check_wrong(check, "%s was received, and is waited for", oneshot->name);
}

static void check_answers(struct check *check, const struct facts *facts,
			  const struct single_fact *oneshot, uint64_t number)
{
	const struct mutex_fact *answered = check_mutex(facts, ANSWERED_NAME);
	const struct mutex_fact *got = check_mutex(facts, GOT_NAME);

	if (oneshot->state == PEEPS_ONESHOT_STATE_RECEIVER_DROPPED &&
	    oneshot->close_cause != PEEPS_CLOSE_CAUSE_RECEIVER_GONE)
		check_wrong(check, "%s was dropped for cause %u", oneshot->name,
			    oneshot->close_cause);
	if (oneshot->state == PEEPS_ONESHOT_STATE_SENDER_DROPPED && !oneshot_is_dropped(number))
		check_wrong(check, "%s was dropped", oneshot->name);
	if (!answered || !got)
		return;
	if (answered->acquires > number + 1 || answered->acquires < number ||
	    (oneshot->sender_closed && answered->acquires != number + 1))
		check_wrong(check, "%s is in state %u after %" PRIu64 " answers", oneshot->name,
			    oneshot->state, answered->acquires);
	if (!oneshot->sender_closed && answered->acquires == number + 1 &&
	    answered->holder == FACTS_NOBODY)
		check_wrong(check, "%s was answered, and is in state %u", oneshot->name,
			    oneshot->state);
	if (got->acquires > number + 1 ||
	    (got->acquires == number + 1 && oneshot->state <= PEEPS_ONESHOT_STATE_SENT))
		check_wrong(check, "%s is in state %u, and %" PRIu64 " were received",
			    oneshot->name, oneshot->state, got->acquires);
}

/* --- watches -------------------------------------------------------------------------------------------------------- */

static void check_receivers(struct check *check, const struct single_fact *watch)
{
	/* A receiver that is being made is counted before its owner is shown. */
	if (watch->receiver_holds > watch->receiver_count)
		check_wrong(check, "%s: %" PRIu64 " receivers, %u of which are owned", watch->name,
			    watch->receiver_count, watch->receiver_holds);
	if (watch->receiver_closed != (watch->receiver_count == 0))
		check_wrong(check, "%s: %" PRIu64 " receivers, and it is %s", watch->name,
			    watch->receiver_count, watch->receiver_closed ? "closed" : "open");
	if (watch->ended != watch->sender_closed)
		check_wrong(check, "%s: over, and not closed, or the other way round", watch->name);
}

static void check_changes(struct check *check, const struct facts *facts,
			  const struct single_fact *watch)
{
	const struct mutex_fact *changing = check_mutex(facts, WATCH_CHANGING_NAME);
	uint64_t *last = &check->last_acquires[WATCH_LAST];
	char name[32];

	if (watch->changes < *last)
		check_wrong(check, "%s has changed %" PRIu64 " times, before that %" PRIu64,
			    watch->name, watch->changes, *last);
	*last = watch->changes;
	if (watch->receiver_count > (uint64_t)2 * WATCH_VIEWERS)
		check_wrong(check, "%s has %" PRIu64 " receivers", watch->name,
			    watch->receiver_count);
	if (changing && (watch->changes > changing->acquires ||
			 watch->changes + (changing->holder != FACTS_NOBODY) < changing->acquires))
		check_wrong(check, "%s has changed %" PRIu64 " times, %" PRIu64 " were begun",
			    watch->name, watch->changes, changing->acquires);
	for (unsigned int i = 0; i < WATCH_VIEWERS; i++) {
		const struct mutex_fact *seen;

		(void)snprintf(name, sizeof(name), WATCH_SEEN_NAME "%u", i);
		seen = check_mutex(facts, name);
		if (seen && seen->acquires > watch->changes)
			check_wrong(check,
				    "%s has changed %" PRIu64 " times, and was seen %" PRIu64
				    " times",
				    watch->name, watch->changes, seen->acquires);
	}
}

/* --- broadcasts ----------------------------------------------------------------------------------------------------- */

static uint64_t locked(const struct facts *facts, const char *prefix, uint64_t bus, unsigned int i,
		       bool *known)
{
	const struct mutex_fact *mutex;
	char name[48];

	(void)snprintf(name, sizeof(name), "%s%u-%u", prefix, (unsigned int)bus, i);
	mutex = check_mutex(facts, name);
	*known &= mutex != NULL;
	return mutex ? mutex->acquires : 0;
}

/* Its receivers were there from the beginning: what lies before their places they have received or missed. */
static void check_bus(struct check *check, const struct facts *facts, const struct bus_fact *bus,
		      uint64_t number)
{
	uint64_t begun, got = 0;
	bool known = true;

	if (bus->receivers == BUS_RECEIVERS && bus->passed != bus->received + bus->missed)
		check_wrong(check,
			    "%s: %" PRIu64 " passed, %" PRIu64 " received, %" PRIu64 " missed",
			    bus->name, bus->passed, bus->received, bus->missed);
	if (bus->waits && (bus->most_behind > bus->capacity || bus->missed))
		check_wrong(check, "%s: %" PRIu64 " behind, %" PRIu64 " missed", bus->name,
			    bus->most_behind, bus->missed);
	if (bus->most_behind > bus->sent || bus->receivers > BUS_RECEIVERS)
		check_wrong(check, "%s: %" PRIu64 " sent, and a receiver %" PRIu64 " behind",
			    bus->name, bus->sent, bus->most_behind);
	begun = locked(facts, BUS_SENT_NAME, number, 0, &known);
	if (known && (bus->sent > begun || bus->sent + 1 < begun))
		check_wrong(check, "%s: %" PRIu64 " sent, %" PRIu64 " begun", bus->name, bus->sent,
			    begun);
	for (unsigned int i = 0; i < BUS_RECEIVERS; i++)
		got += locked(facts, BUS_GOT_NAME, number, i, &known);
	if (known && bus->receivers == BUS_RECEIVERS &&
	    (got > bus->received || got + BUS_RECEIVERS < bus->received))
		check_wrong(check, "%s: %" PRIu64 " received, %" PRIu64 " got", bus->name,
			    bus->received, got);
}

void check_singles(struct check *check, const struct facts *facts)
{
	const struct single_fact *oneshot = NULL;
	uint64_t number;

	for (size_t i = 0; i < facts->bus_count; i++) {
		if (!facts->buses[i].uncertain &&
		    check_numbered(facts->buses[i].name, BUS_NAME, &number))
			check_bus(check, facts, &facts->buses[i], number);
	}
	for (size_t i = 0; i < facts->single_count; i++) {
		const struct single_fact *single = &facts->singles[i];

		if (single->uncertain)
			continue;
		if (single->kind == PEEPS_KIND_WATCH_TX) {
			check_receivers(check, single);
			if (strcmp(single->name, WATCH_NAME) == 0)
				check_changes(check, facts, single);
			continue;
		}
		check_state(check, facts, single);
		if (!check_numbered(single->name, ONESHOT_NAME, &number))
			continue;
		if (oneshot)
			check_wrong(check, "both %s and %s are there", oneshot->name, single->name);
		oneshot = single;
		check_answers(check, facts, single, number);
	}
}
