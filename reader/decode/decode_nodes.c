/* SPDX-License-Identifier: MIT */
/* From entities to nodes: names, ids, attributes. */
#include "reader/decode/decoder.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "reader/graph/arena.h"
#include "reader/graph/text.h"

/* --- names and ids ---------------------------------------------------------------------------------------------- */

static const char *base_name(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash ? slash + 1 : file;
}

/* Both ends of a channel have its name; the id says which one it is. */
static const char *end_suffix(const struct peeps_schema_kind *kind)
{
	if (strcmp(kind->name, kind->prefix) == 0)
		return "";
	return peeps_text_ends_with(kind->name, "_tx")   ? ":tx"
	       : peeps_text_ends_with(kind->name, "_rx") ? ":rx"
							 : "";
}

/* `{prefix}:{proc_key}:`, made once a kind. */
static const char *stem_of(struct peeps_decoder *d, const struct peeps_schema_kind *kind)
{
	const char **stem = &d->stems[kind - d->schema.kinds];
	const char *prefix;

	if (*stem)
		return *stem;
	prefix = peeps_text_escape(d->arena, peeps_bytes_of(kind->prefix));
	if (prefix)
		*stem = peeps_arena_format(d->arena, "%s:%s:", prefix,
					   d->graph->processes[d->process].proc_key);
	return *stem;
}

static const char *make_id(struct peeps_decoder *d, const struct peeps_decoded_entity *entity,
			   const char *key, uint32_t ordinal)
{
	const char *stem = stem_of(d, entity->kind);

	return stem ? peeps_ids_make(d->ids, stem, key, ordinal, end_suffix(entity->kind),
				     entity->node)
		    : NULL;
}

/* By its tid; its name is the program's, else the kernel's. */
static void name_thread(struct peeps_decoder *d, struct peeps_node *node,
			const struct peeps_decoded_entity *entity,
			const struct peeps_entity_view *view)
{
	const uint64_t record = PEEPS_VIEW_FIELD(view, THREAD, RECORD);
	const struct peeps_thread_view *thread =
		record < d->image->thread_count ? &d->image->threads[record] : NULL;

	node->tid = (uint32_t)PEEPS_VIEW_FIELD(view, THREAD, TID);
	node->gone = entity->gone;
	node->asleep = !entity->gone &&
		       PEEPS_VIEW_FIELD(view, THREAD, ACTIVITY) == PEEPS_ACTIVITY_SLEEPING;
	node->name = peeps_texts_at(&d->texts, PEEPS_VIEW_FIELD(view, THREAD, NAME));
	if (!node->name && thread && thread->entity == view->identity && thread->comm[0] != '\0')
		node->name = peeps_text_mend(d->arena, peeps_bytes_of(thread->comm));
	if (!node->name && node->tid == 0)
		node->name =
			"unseen thread"; /* somebody waits for its end, and nothing else is known */
	if (!node->name)
		node->name = peeps_arena_format(d->arena, "thread-%" PRIu32, node->tid);
	node->id = make_id(
		d, entity,
		node->tid ? peeps_arena_format(d->arena, "%" PRIu32, node->tid) : "unseen", 0);
}

/* By its name, else by the place where it was made, else by its slot. */
static void name_other(struct peeps_decoder *d, struct peeps_node *node,
		       const struct peeps_decoded_entity *entity,
		       const struct peeps_entity_view *view)
{
	struct peeps_bytes bytes;
	const char *key;

	if (peeps_texts_find(&d->texts, view->name, &bytes)) {
		node->name = peeps_texts_at(&d->texts, view->name);
		key = peeps_text_needs_escape(bytes) ? peeps_text_escape(d->arena, bytes)
						     : node->name;
	} else if (node->source.file) {
		const char *base = base_name(node->source.file);

		node->name = peeps_arena_format(d->arena, "%s:%" PRIu32, base, node->source.line);
		key = peeps_arena_format(d->arena, "%s.%" PRIu32, base, node->source.line);
		key = key ? peeps_text_escape(d->arena, peeps_bytes_of(key)) : NULL;
	} else {
		node->name = peeps_arena_format(d->arena, "unnamed-%" PRIu32, view->index);
		key = node->name;
	}
	node->id = make_id(d, entity, key, (uint32_t)(view->kind >> 32));
}

/* --- nodes ------------------------------------------------------------------------------------------------------ */

/* What every node has, whatever its kind. */
static struct peeps_node *begin_node(struct peeps_decoder *d, size_t place)
{
	const struct peeps_entity_view *view = &d->image->entities[place];
	const struct peeps_decoded_entity *entity = &d->entities[place];
	struct peeps_node *node = &d->graph->nodes[entity->node];

	node->kind = entity->kind->name;
	node->kind_number = entity->kind->number;
	node->role = entity->kind->role;
	node->process = d->process;
	node->source = peeps_sources_at(&d->sources, view->site);
	node->created_ns = peeps_decoder_time(d, view->created_ns);
	node->uncertain = view->uncertain;
	return node;
}

static void make_node(struct peeps_decoder *d, size_t place)
{
	const struct peeps_entity_view *view = &d->image->entities[place];
	const struct peeps_decoded_entity *entity = &d->entities[place];
	struct peeps_node *node = begin_node(d, place);

	switch (node->kind_number) {
	case PEEPS_KIND_THREAD:
		name_thread(d, node, entity, view);
		break;
	case PEEPS_KIND_TASK:
		node->asleep = PEEPS_VIEW_FIELD(view, TASK, ACTIVITY) == PEEPS_ACTIVITY_SLEEPING &&
			       !peeps_decoder_task_is_left(d, view);
		/* fall through */
	default:
		name_other(d, node, entity, view);
	}
	peeps_decoder_add_attributes(d, node, place);
}

static void exited_attribute(struct peeps_node *node, const char *name, struct peeps_value value)
{
	node->attributes[node->attribute_count++] =
		(struct peeps_attribute){ .name = name, .value = value };
}

/* An actor of which nothing is left but that it still holds something. It may have been a task, too. */
static void make_exited_node(struct peeps_decoder *d, uint32_t number, uint64_t ref)
{
	struct peeps_node *node = &d->graph->nodes[number];
	const char *id = peeps_arena_format(d->arena, "thread:%s:exited-%" PRIu64 ".%" PRIu64,
					    d->graph->processes[d->process].proc_key,
					    ref & PEEPS_REF_INDEX_MASK, peeps_ref_generation(ref));

	node->id = peeps_ids_issue(d->ids, id, number);
	node->process = d->process;
	node->name = "exited thread";
	node->kind = "thread";
	node->kind_number = PEEPS_KIND_THREAD;
	node->role = PEEPS_ROLE_ACTOR;
	node->created_ns = PEEPS_NO_TIME;
	node->gone = true;
	node->attributes = peeps_arena_take(d->arena, 4, sizeof(*node->attributes));
	if (!node->attributes)
		return;
	exited_attribute(node, "name", peeps_value_text(node->name));
	exited_attribute(node, "created_at_ns", peeps_value_null());
	exited_attribute(node, "creator_task_id", peeps_value_null());
	exited_attribute(node, "activity", peeps_value_text("exited"));
}

/* Its name is its id, as that process's snapshot shows it. */
void peeps_decoder_make_stub(struct peeps_decoder *d, size_t place, const char *id)
{
	const struct peeps_decoded_entity *entity = &d->entities[place];
	struct peeps_node *node = begin_node(d, place);

	if (id) {
		node->name = id;
		node->id = peeps_ids_issue(d->ids, id, entity->node);
	} else {
		name_other(d, node, entity, &d->image->entities[place]);
	}
	peeps_decoder_add_attributes(d, node, place);
}

void peeps_decoder_number_nodes(struct peeps_decoder *d, uint32_t *count)
{
	for (size_t i = 0; i < d->image->entity_count; i++) {
		if (d->entities[i].kept && !peeps_decoder_is_stub(d, i))
			d->entities[i].node = (*count)++;
	}
	d->exited_node = *count;
	*count += (uint32_t)d->exited_count;
}

void peeps_decoder_number_stubs(struct peeps_decoder *d, uint32_t *count)
{
	for (size_t i = 0; i < d->image->entity_count; i++) {
		if (peeps_decoder_is_stub(d, i))
			d->entities[i].node = (*count)++;
	}
}

int peeps_decoder_make_nodes(struct peeps_decoder *d)
{
	d->stems = peeps_arena_take(d->arena, d->schema.kind_count, sizeof(*d->stems));
	if (!d->stems)
		return -ENOMEM;
	for (size_t i = 0; i < d->image->entity_count; i++) {
		if (d->entities[i].kept && !peeps_decoder_is_stub(d, i))
			make_node(d, i);
	}
	for (size_t i = 0; i < d->exited_count; i++)
		make_exited_node(d, d->exited_node + (uint32_t)i, d->exited[i]);
	return 0;
}
