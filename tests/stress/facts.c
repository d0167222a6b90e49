/* SPDX-License-Identifier: MIT */
#include "tests/stress/facts.h"

#include <stdarg.h>
#include <stdio.h>

void facts_damaged(struct facts *facts, const char *format, ...)
{
	va_list arguments;

	if (*facts->damage)
		return;
	va_start(arguments, format);
	(void)vsnprintf(facts->damage, sizeof(facts->damage), format, arguments);
	va_end(arguments);
}

void facts_forget(struct facts *facts)
{
	facts->mutex_count = 0;
	facts->thread_count = 0;
	facts->wait_count = 0;
	facts->channel_count = 0;
	facts->single_count = 0;
	facts->bus_count = 0;
	facts->semaphore_count = 0;
	facts->permit_count = 0;
	facts->rwlock_count = 0;
	facts->read_count = 0;
	facts->notify_count = 0;
	facts->scope_count = 0;
	facts->membership_count = 0;
	facts->fingerprint = 0;
	facts->damage[0] = '\0';
}

void facts_bus_receiver(struct bus_fact *bus, uint64_t lag, uint64_t received, uint64_t missed,
			bool uncertain)
{
	bus->receivers++;
	if (lag > bus->most_behind)
		bus->most_behind = lag;
	bus->received += received;
	bus->missed += missed;
	bus->passed += bus->sent - lag;
	bus->uncertain |= uncertain;
}
