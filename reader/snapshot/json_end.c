/* SPDX-License-Identifier: MIT */
#include "reader/snapshot/json_end.h"

static void step_in_text(struct peeps_json_end *end, unsigned char byte)
{
	if (end->escaped)
		end->escaped = false;
	else if (byte == '\\')
		end->escaped = true;
	else if (byte == '"')
		end->in_text = false;
}

size_t peeps_json_end_find(struct peeps_json_end *end, const unsigned char *bytes, size_t count,
			   bool *over)
{
	*over = false;
	for (size_t i = 0; i < count; i++) {
		if (end->in_text) {
			step_in_text(end, bytes[i]);
		} else if (bytes[i] == '"') {
			end->in_text = true;
		} else if (bytes[i] == '{' || bytes[i] == '[') {
			end->depth++;
		} else if ((bytes[i] == '}' || bytes[i] == ']') && --end->depth == 0) {
			*over = true;
			return i + 1;
		}
	}
	return count;
}
