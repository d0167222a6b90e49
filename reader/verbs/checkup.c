/* SPDX-License-Identifier: MIT */
#include "reader/verbs/checkup.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layout/segment.h"
#include "reader/graph/arena.h"

int peeps_checkup_init(struct peeps_checkup *checkup)
{
	*checkup = (struct peeps_checkup){ .arena = peeps_arena_new(0) };
	return checkup->arena ? 0 : -ENOMEM;
}

void peeps_checkup_deinit(struct peeps_checkup *checkup)
{
	free(checkup->symptoms);
	peeps_arena_free(checkup->arena);
}

void peeps_checkup_add(struct peeps_checkup *checkup, enum peeps_verdict verdict, const char *about,
		       const char *remedy, const char *format, ...)
{
	struct peeps_symptom *symptoms =
		reallocarray(checkup->symptoms, checkup->count + 1, sizeof(checkup->symptoms[0]));
	char what[1024];
	va_list arguments;

	if (!symptoms) {
		checkup->failed = true;
		return;
	}
	checkup->symptoms = symptoms;
	va_start(arguments, format);
	(void)vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	symptoms[checkup->count] =
		(struct peeps_symptom){ .pid = checkup->pid,
					.verdict = verdict,
					.about = about,
					.what = peeps_arena_format(checkup->arena, "%s", what),
					.remedy = remedy };
	if (symptoms[checkup->count].what)
		checkup->count++;
	else
		checkup->failed = true;
}

enum peeps_verdict peeps_checkup_worst(const struct peeps_checkup *checkup)
{
	enum peeps_verdict worst = PEEPS_VERDICT_OK;

	for (size_t i = 0; i < checkup->count; i++) {
		if (checkup->symptoms[i].verdict > worst)
			worst = checkup->symptoms[i].verdict;
	}
	return worst;
}

/* --- the environment -------------------------------------------------------------------------------------------- */

#define REMEDY_CAPACITY \
	"PEEPS_CAPACITY=entities=65536,edges=65536,threads=4096,sites=16384,scopes=16384,memberships=65536,text=64M"

/* "entities=65536": returns what is wrong with it, NULL if nothing is. */
static const char *capacity_fault(const char *item, size_t length)
{
	static const char *const names[] = { "entities", "edges",       "threads", "sites",
					     "scopes",   "memberships", "text" };
	const size_t name = strcspn(item, "=,");
	const char *number = item + name + 1;
	size_t digits;

	if (name >= length)
		return "has no number";
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i]) != name || strncmp(names[i], item, name) != 0)
			continue;
		digits = strspn(number, "0123456789");
		if (digits && strchr("KMG", number[digits]) && number[digits])
			digits++;
		else if (digits == 0)
			return "is no number";
		return number + digits == item + length ? NULL : "is no number";
	}
	return "is nothing that has a capacity";
}

static void check_capacity(struct peeps_checkup *checkup, const char *text)
{
	bool sound = true;

	for (const char *item = text; *item;) {
		const size_t length = strcspn(item, ",");
		const char *fault = capacity_fault(item, length);

		if (fault)
			peeps_checkup_add(checkup, PEEPS_VERDICT_WARN, "PEEPS_CAPACITY",
					  REMEDY_CAPACITY, "'%.*s' %s: ignored",
					  length > 200 ? 200 : (int)length, item, fault);
		sound &= !fault;
		item += length + (item[length] == ',');
	}
	if (sound)
		peeps_checkup_add(checkup, PEEPS_VERDICT_OK, "PEEPS_CAPACITY", "", "%.400s", text);
}

void peeps_checkup_environment(struct peeps_checkup *checkup,
			       const char *(*value)(const void *context, const char *name),
			       const void *context)
{
	const char *wanted = value(context, "PEEPS");
	const char *name = value(context, "PEEPS_NAME");
	const char *capacity = value(context, "PEEPS_CAPACITY");

	if (wanted && strcmp(wanted, "0") == 0)
		peeps_checkup_add(checkup, PEEPS_VERDICT_BAD, "PEEPS",
				  "start the program without PEEPS=0",
				  "it is 0: telemetry is switched off");
	else if (wanted && strcmp(wanted, "1") != 0)
		peeps_checkup_add(checkup, PEEPS_VERDICT_WARN, "PEEPS", "PEEPS=0 switches off",
				  "'%.200s' means nothing: telemetry is on", wanted);
	if (name && strlen(name) >= PEEPS_PROCESS_NAME_BYTES)
		peeps_checkup_add(checkup, PEEPS_VERDICT_WARN, "PEEPS_NAME", "take a shorter one",
				  "'%.200s' is cut off after %d bytes", name,
				  PEEPS_PROCESS_NAME_BYTES - 1);
	else if (name && *name)
		peeps_checkup_add(checkup, PEEPS_VERDICT_OK, "PEEPS_NAME", "", "'%s'", name);
	if (capacity && *capacity)
		check_capacity(checkup, capacity);
}
