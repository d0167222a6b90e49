/* SPDX-License-Identifier: MIT */
#include "reader/format/sink.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "reader/graph/graph.h"

void peeps_sink_value(struct peeps_sink *sink, const struct peeps_graph *graph,
		      const struct peeps_value *value)
{
	switch (value->type) {
	case PEEPS_VALUE_NULL:
		break;
	case PEEPS_VALUE_BOOL:
		peeps_sink_bool(sink, value->as.boolean);
		return;
	case PEEPS_VALUE_UNSIGNED:
		peeps_sink_number(sink, value->as.number);
		return;
	case PEEPS_VALUE_REAL:
		if (!isfinite(value->as.real))
			break;
		sink->type->real(sink, value->as.real);
		return;
	case PEEPS_VALUE_TEXT:
		peeps_sink_text(sink, value->as.text);
		return;
	case PEEPS_VALUE_NODE:
		peeps_sink_text(sink, value->as.node == PEEPS_NO_NODE
					      ? NULL
					      : graph->nodes[value->as.node].id);
		return;
	}
	sink->type->null(sink);
}

#define PLACE_BYTES_MAX 1024 /* of the usual ones, which need no memory of their own */
#define LINE_BYTES      sizeof(":4294967295")

/* ":42", backwards from the end of the room for it. Not by printf: there is one in every edge and node. */
static const char *line_text(char room[static LINE_BYTES], uint32_t line)
{
	char *at = room + LINE_BYTES;

	do {
		*--at = (char)('0' + line % 10);
		line /= 10;
	} while (line);
	*--at = ':';
	return at;
}

void peeps_sink_source(struct peeps_sink *sink, const struct peeps_source *source)
{
	char usual[PLACE_BYTES_MAX], line_room[LINE_BYTES];
	const char *line = line_text(line_room, source->line);
	const size_t line_length = (size_t)(line_room + LINE_BYTES - line);
	const size_t file_length = source->file ? strlen(source->file) : 0;
	char *text = usual;

	if (!source->file) {
		sink->type->null(sink);
		return;
	}
	if (file_length + line_length > sizeof(usual)) {
		text = malloc(file_length + line_length);
		if (!text) {
			peeps_sink_fail(sink, ENOMEM);
			return;
		}
	}
	memcpy(text, source->file, file_length);
	memcpy(text + file_length, line, line_length);
	sink->type->text(sink, text, file_length + line_length);
	if (text != usual)
		free(text);
}
