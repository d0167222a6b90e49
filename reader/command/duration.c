/* SPDX-License-Identifier: MIT */
#include "reader/command/duration.h"

#include <stddef.h>
#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Returns NULL unless digits begin there; else what follows them. */
static const char *parse_whole(const char *text, uint64_t *out)
{
	uint64_t number = 0;

	if (!is_digit(*text))
		return NULL;
	for (; is_digit(*text); text++) {
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(*text - '0'), &number))
			return NULL;
	}
	*out = number;
	return text;
}

/* Digits after the point, as out / of; those finer than any clock are passed over. */
static const char *parse_fraction(const char *text, uint64_t *out, uint64_t *of)
{
	if (!is_digit(*text))
		return NULL;
	for (; is_digit(*text); text++) {
		if (*of < 1000000000) {
			*out = 10 * *out + (uint64_t)(*text - '0');
			*of *= 10;
		}
	}
	return text;
}

static uint64_t unit_ns(const char *name)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{ "ns", 1 },
		{ "us", 1000 },
		{ "ms", 1000000 },
		{ "s", 1000000000 },
		{ "m", UINT64_C(60000000000) },
		{ "h", UINT64_C(3600000000000) },
		{ "d", UINT64_C(86400000000000) },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(name, units[i].name) == 0)
			return units[i].ns;
	}
	return 0;
}

bool peeps_duration_parse(const char *text, uint64_t *out_ns)
{
	uint64_t number, fraction = 0, fraction_of = 1, unit, ns;
	const char *rest = parse_whole(text, &number);

	if (rest && *rest == '.')
		rest = parse_fraction(rest + 1, &fraction, &fraction_of);
	unit = rest ? unit_ns(rest) : 0;
	if (unit == 0 || __builtin_mul_overflow(number, unit, &ns) ||
	    __builtin_add_overflow(ns, (uint64_t)((unsigned __int128)unit * fraction / fraction_of),
				   &ns))
		return false;
	*out_ns = ns;
	return true;
}
