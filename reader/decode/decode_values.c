/* SPDX-License-Identifier: MIT */
/* From bits and the type that the schema gives them to a value that can be shown. */
#include "reader/decode/decoder.h"

#include <inttypes.h>

#include "reader/graph/arena.h"

static struct peeps_value number_value(struct peeps_decoder *d, uint64_t number)
{
	if (number > PEEPS_NUMBER_MAX) {
		d->damage.values++;
		return peeps_value_null();
	}
	return (struct peeps_value){ .type = PEEPS_VALUE_UNSIGNED, .as.number = number };
}

static struct peeps_value site_value(struct peeps_decoder *d, uint64_t site)
{
	const struct peeps_source source = peeps_sources_at(&d->sources, site);

	return peeps_value_text(
		source.file ? peeps_arena_format(d->arena, "%s:%" PRIu32, source.file, source.line)
			    : NULL);
}

static struct peeps_value enum_value(struct peeps_decoder *d, uint32_t type, uint64_t number)
{
	const char *name = number <= UINT32_MAX ? peeps_schema_name(&d->schema, PEEPS_SCHEMA_ENUM,
								    type, (uint32_t)number)
						: NULL;

	if (!name)
		d->damage.values++;
	return peeps_value_text(name && *name ? name : NULL);
}

static struct peeps_value optional_value(struct peeps_decoder *d, uint64_t bits)
{
	return bits == 0 ? peeps_value_null() : number_value(d, bits - 1);
}

struct peeps_value peeps_decoder_value(struct peeps_decoder *d, uint8_t type, uint64_t bits)
{
	uint64_t ns;

	switch (type) {
	case PEEPS_TYPE_COUNT:
	case PEEPS_TYPE_BITS:
	case PEEPS_TYPE_NS_DURATION:
		return number_value(d, bits);
	case PEEPS_TYPE_OPTIONAL_COUNT:
		return optional_value(d, bits);
	case PEEPS_TYPE_BOOL:
		return (struct peeps_value){ .type = PEEPS_VALUE_BOOL, .as.boolean = bits != 0 };
	case PEEPS_TYPE_US_DURATION:
		return number_value(
			d, __builtin_mul_overflow(bits, UINT64_C(1000), &ns) ? UINT64_MAX : ns);
	case PEEPS_TYPE_PTIME:
		ns = peeps_decoder_time(d, bits);
		return ns == PEEPS_NO_TIME ? peeps_value_null() : number_value(d, ns / 1000000);
	case PEEPS_TYPE_REF:
		return peeps_value_node(peeps_decoder_node(d, bits));
	case PEEPS_TYPE_SITE:
		return site_value(d, bits);
	case PEEPS_TYPE_TEXT:
		return peeps_value_text(peeps_texts_at(&d->texts, bits));
	default:
		return enum_value(d, type, bits);
	}
}
