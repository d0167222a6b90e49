/* SPDX-License-Identifier: MIT */
#include "reader/format/print.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "reader/graph/arena.h"
#include "reader/graph/graph.h"

#define US     UINT64_C(1000)
#define MS     (1000 * US)
#define S      (1000 * MS)
#define MINUTE (60 * S)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* Down to what differences a duration of this size is told. */
static uint64_t grain_of(uint64_t ns)
{
	if (ns < MS)
		return US;
	if (ns < S)
		return MS;
	if (ns < MINUTE)
		return S / 10;
	if (ns < HOUR)
		return S;
	if (ns < DAY)
		return MINUTE;
	return HOUR;
}

/* ns is a multiple of grain, but for durations that are cut to the units of their size. */
static void write_duration(char *out, uint64_t ns, uint64_t grain)
{
	const size_t size = PEEPS_DURATION_BYTES;

	if (ns >= DAY)
		(void)snprintf(out, size, "%" PRIu64 " d %02" PRIu64 " h", ns / DAY,
			       ns % DAY / HOUR);
	else if (ns >= HOUR)
		(void)snprintf(out, size, "%" PRIu64 " h %02" PRIu64 " min", ns / HOUR,
			       ns % HOUR / MINUTE);
	else if (ns >= MINUTE)
		(void)snprintf(out, size, "%" PRIu64 " min %02" PRIu64 " s", ns / MINUTE,
			       ns % MINUTE / S);
	else if (grain >= S)
		(void)snprintf(out, size, "%" PRIu64 " s", ns / S);
	else if (grain >= S / 10)
		(void)snprintf(out, size, "%" PRIu64 ".%" PRIu64 " s", ns / S, ns % S / (S / 10));
	else if (grain >= MS)
		(void)snprintf(out, size, "%" PRIu64 " ms", ns / MS);
	else
		(void)snprintf(out, size, "%" PRIu64 " µs", ns / US);
}

const char *peeps_duration_floor(char out[static PEEPS_DURATION_BYTES], uint64_t ns)
{
	if (ns == PEEPS_NO_TIME)
		(void)snprintf(out, PEEPS_DURATION_BYTES, "?");
	else
		write_duration(out, ns, grain_of(ns));
	return out;
}

static uint64_t round_up(uint64_t ns, uint64_t grain)
{
	const uint64_t over = ns % grain;

	return over && ns <= UINT64_MAX - grain ? ns + (grain - over) : ns;
}

const char *peeps_duration_ceil(char out[static PEEPS_DURATION_BYTES], uint64_t ns,
				uint64_t accuracy_ns)
{
	static const uint64_t grains[] = { US, MS, S / 10, S, MINUTE, HOUR };
	uint64_t grain = grain_of(ns);

	if (ns == PEEPS_NO_TIME)
		return peeps_duration_floor(out, ns);

	for (size_t i = 0; i < sizeof(grains) / sizeof(grains[0]) && grain < accuracy_ns; i++) {
		if (grains[i] > grain)
			grain = grains[i];
	}
	ns = round_up(ns, grain);
	/* 59.96 s became one minute, which is told in seconds. */
	if (grain_of(ns) > grain)
		grain = grain_of(ns);
	write_duration(out, ns, grain);
	return out;
}

const char *peeps_count(char out[static PEEPS_COUNT_BYTES], uint64_t count)
{
	char digits[PEEPS_COUNT_BYTES];
	const size_t length = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, count);
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			out[used++] = ',';
		out[used++] = digits[i];
	}
	out[used] = '\0';
	return out;
}

const char *peeps_time_utc(char out[static PEEPS_TIME_BYTES], uint64_t unix_ns)
{
	const time_t seconds = (time_t)(unix_ns / S);
	struct tm tm;
	size_t length;

	if (!gmtime_r(&seconds, &tm))
		memset(&tm, 0, sizeof(tm));
	length = strftime(out, PEEPS_TIME_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(out + length, PEEPS_TIME_BYTES - length, ".%03uZ",
		       (unsigned int)(unix_ns % S / MS));
	return out;
}

/* The next code point; -1 and one byte if it is no UTF-8. *text moves on. */
static int32_t next_code_point(const char **text)
{
	const unsigned char *p = (const unsigned char *)*text;
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	unsigned int more;
	uint32_t code;

	(*text)++;
	if (p[0] < 0x80)
		return p[0];
	more = p[0] >= 0xf0 && p[0] < 0xf8   ? 3
	       : p[0] >= 0xe0 && p[0] < 0xf0 ? 2
	       : p[0] >= 0xc0 && p[0] < 0xe0 ? 1
					     : 0;
	if (more == 0)
		return -1;
	code = p[0] & (0x3fU >> more);
	for (unsigned int i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return -1; /* the terminating zero, too */
		code = code << 6 | (p[i] & 0x3f);
	}
	if (code < least[more] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return -1;
	*text += more;
	return (int32_t)code;
}

struct range {
	int32_t first, last;
};

static bool in_ranges(const struct range *ranges, size_t count, int32_t code)
{
	for (size_t i = 0; i < count; i++) {
		if (code >= ranges[i].first && code <= ranges[i].last)
			return true;
	}
	return false;
}
#define IN_RANGES(ranges, code) in_ranges(ranges, sizeof(ranges) / sizeof((ranges)[0]), code)

/* Beyond ASCII: what a terminal may obey, what reorders text, and what is not seen. */
static const struct range deceptive[] = {
	{ 0x0080, 0x009f },   /* C1 controls */
	{ 0x00ad, 0x00ad },   /* soft hyphen */
	{ 0x061c, 0x061c },   /* Arabic letter mark */
	{ 0x180e, 0x180e },   /* Mongolian vowel separator */
	{ 0x200b, 0x200b },   /* zero width space; its joiners are part of scripts */
	{ 0x200e, 0x200f },   /* direction marks */
	{ 0x2028, 0x202e },   /* line and paragraph separators, embeddings and overrides */
	{ 0x2060, 0x206f },   /* word joiner, invisible operators, isolates */
	{ 0xfeff, 0xfeff },   /* byte order mark */
	{ 0xfff9, 0xfffb },   /* interlinear annotation */
	{ 0xe0000, 0xe0fff }, /* tags */
};

static const struct range narrow[] = {
	{ 0x0300, 0x036f }, { 0x200c, 0x200d }, { 0x20d0, 0x20ff },
	{ 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f },
};

static const struct range wide[] = {
	{ 0x1100, 0x115f },   { 0x2e80, 0x303e },   { 0x3041, 0xa4cf },   { 0xac00, 0xd7a3 },
	{ 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },   { 0xffe0, 0xffe6 },
	{ 0x1f300, 0x1f64f }, { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
};

#define ESCAPE_BYTES 16

/* One character of *text as it is shown; *text moves on. Returns how many bytes went to out. */
static size_t escape_next(const char **text, char out[static ESCAPE_BYTES])
{
	static const char named[] = "\aa\bb\tt\nn\vv\ff\rr\\\\";
	const char *begin = *text;
	const int32_t code = next_code_point(text);
	int length;

	if (code < 0) {
		length =
			snprintf(out, ESCAPE_BYTES, "\\x%02x", (unsigned int)(unsigned char)*begin);
	} else if (code < 0x80) {
		for (size_t i = 0; i + 1 < sizeof(named); i += 2) {
			if (named[i] == (char)code) {
				out[0] = '\\';
				out[1] = named[i + 1];
				return 2;
			}
		}
		if (code >= 0x20 && code != 0x7f) {
			out[0] = (char)code;
			return 1;
		}
		length = snprintf(out, ESCAPE_BYTES, "\\x%02x", (unsigned int)code);
	} else if (IN_RANGES(deceptive, code)) {
		length = snprintf(out, ESCAPE_BYTES, "\\u{%x}", (unsigned int)code);
	} else {
		length = (int)(*text - begin);
		memcpy(out, begin, (size_t)length);
	}
	return (size_t)length;
}

char *peeps_escape(struct peeps_arena *arena, const char *text)
{
	char piece[ESCAPE_BYTES];
	size_t length = 0;
	char *copy, *end;

	for (const char *p = text; *p;)
		length += escape_next(&p, piece);
	copy = peeps_arena_take(arena, length + 1, 1);
	if (!copy)
		return NULL;
	end = copy;
	for (const char *p = text; *p;) {
		const size_t bytes = escape_next(&p, piece);

		memcpy(end, piece, bytes);
		end += bytes;
	}
	*end = '\0';
	return copy;
}

void peeps_escape_to(FILE *out, const char *text)
{
	char piece[ESCAPE_BYTES];

	while (*text) {
		const size_t bytes = escape_next(&text, piece);

		(void)fwrite_unlocked(piece, 1, bytes, out);
	}
}

static size_t columns_of(int32_t code)
{
	if (code < 0x300)
		return 1;
	if (IN_RANGES(narrow, code))
		return 0;
	return IN_RANGES(wide, code) ? 2 : 1;
}

size_t peeps_columns(const char *text)
{
	size_t columns = 0;

	while (*text)
		columns += columns_of(next_code_point(&text));
	return columns;
}

/* The columns of the next character, or of a whole escape, which means nothing in halves. */
static size_t next_unit(const char **text)
{
	const char *begin = *text;
	size_t bytes = 2;

	if (*begin != '\\')
		return columns_of(next_code_point(text));
	if (begin[1] == 'x')
		bytes = 4;
	else if (begin[1] == 'u')
		bytes = strcspn(begin, "}") + 1;
	bytes = strnlen(begin, bytes);
	*text += bytes;
	return bytes;
}

const char *peeps_elide(struct peeps_arena *arena, const char *text, size_t columns_max)
{
	const size_t columns = peeps_columns(text);
	const size_t head_columns = columns_max / 2;
	const size_t tail_columns = columns_max - head_columns - 1;
	const char *head_end = text, *tail;
	size_t seen = 0;

	if (columns <= columns_max)
		return text;

	for (const char *next = text; *next; head_end = next) {
		const size_t width = next_unit(&next);

		if (seen + width > head_columns)
			break;
		seen += width;
	}
	for (tail = head_end; seen + tail_columns < columns;)
		seen += next_unit(&tail);
	return peeps_arena_format(arena, "%.*s…%s", (int)(head_end - text), text, tail);
}

const char *peeps_elide_begin(struct peeps_arena *arena, const char *text, size_t columns_max)
{
	size_t columns = peeps_columns(text);

	if (columns <= columns_max)
		return text;
	while (columns + 1 > columns_max && *text)
		columns -= next_unit(&text);
	return peeps_arena_format(arena, "…%s", text);
}
