/* SPDX-License-Identifier: MIT */
/*
 * Random bytes of a sound segment are changed: whatever they are, attach, cut, decode, the analysis and every format come
 * back, in time, without a bad access, and every string of the graph can be read. PEEPS_TEST_FLIPS: rounds; PEEPS_TEST_SEED: of another run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "reader/analysis/across.h"
#include "reader/analysis/analysis.h"
#include "reader/cut/cut.h"
#include "reader/decode/decode.h"
#include "reader/format/document.h"
#include "reader/format/format_text.h"
#include "reader/format/json.h"
#include "reader/verbs/verb_blocked.h"
#include "reader/look/subject.h"
#include "reader/verbs/verb_check.h"
#include "reader/verbs/verb_explain.h"
#include "tests/support/fake_segment.h"

#define FLIPS_DEFAULT 100000
#define CHANGES_MAX   6
#define ROUND_S_MAX   60 /* a reader that hangs is ended */

static uint64_t random_state;

static uint64_t draw(void)
{
	/* splitmix64 */
	uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint64_t number_from(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name); // NOLINT(concurrency-mt-unsafe): one thread

	return text ? strtoull(text, NULL, 0) : otherwise;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Bytes in use, so that most changes hit something that is read. */
static unsigned char *target_byte(const struct fake_segment *segment, const unsigned char *sound,
				  size_t *room)
{
	const struct peeps_section_entry *entries =
		((const struct peeps_segment_header *)sound)->sections;
	const uint64_t choice = draw() % (PEEPS_SECTION_END + 1);
	unsigned char *at;

	if (choice == 0) {
		at = segment->base;
		*room = sizeof(*segment->header);
	} else if (choice == PEEPS_SECTION_END) {
		at = (unsigned char *)segment->control;
		*room = sizeof(*segment->control);
	} else {
		at = segment->base + entries[choice - 1].offset;
		*room = entries[choice - 1].high_water * entries[choice - 1].stride;
	}
	return at;
}

/* A bit, a byte, or a word of a kind that finds mistakes. */
static void change_something(const struct fake_segment *segment, const unsigned char *sound)
{
	static const uint64_t words[] = { 0,
					  1,
					  0x7f,
					  0x80,
					  UINT16_MAX,
					  UINT32_MAX,
					  UINT64_MAX,
					  UINT64_C(1) << 63,
					  INT64_MAX,
					  UINT64_C(1) << 60,
					  UINT64_C(4) << 60 | UINT64_C(1) << 32 };
	const uint64_t value = draw();
	unsigned char *bytes;
	size_t room;

	bytes = target_byte(segment, sound, &room);
	if (room < sizeof(uint64_t))
		return;
	switch (value % 4) {
	case 0:
		bytes[draw() % room] ^= (unsigned char)(1u << (value >> 8) % 8);
		break;
	case 1:
		bytes[draw() % room] = (unsigned char)(value >> 8);
		break;
	case 2:
		memcpy(bytes + draw() % (room / 8) * 8,
		       &words[(value >> 8) % (sizeof(words) / sizeof(words[0]))], 8);
		break;
	default: { /* a word from elsewhere: references that lead somewhere */
		const uint64_t from = draw() % (room / 8) * 8;

		memmove(bytes + draw() % (room / 8) * 8, bytes + from, 8);
	}
	}
}

/* All but the high-water marks; else many rounds would end at attach. */
static void mend_header(const struct fake_segment *segment, const unsigned char *sound)
{
	struct peeps_segment_header header;

	memcpy(&header, sound, sizeof(header));
	for (size_t i = 0; i < PEEPS_SECTION_MAX; i++)
		header.sections[i].high_water = segment->header->sections[i].high_water;
	memcpy(segment->base, &header, sizeof(header));
}

static uint64_t read_text(const char *text)
{
	return text ? strlen(text) : 0;
}

static uint64_t read_attributes(const struct peeps_graph *graph,
				const struct peeps_attribute *attributes, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(attributes[k].name, attributes[i].name);
		sum += read_text(attributes[i].name);
		if (attributes[i].value.type == PEEPS_VALUE_TEXT)
			sum += read_text(attributes[i].value.as.text);
		else if (attributes[i].value.type == PEEPS_VALUE_NODE)
			sum += read_text(graph->nodes[attributes[i].value.as.node].id);
		else if (attributes[i].value.type == PEEPS_VALUE_UNSIGNED)
			assert_true(attributes[i].value.as.number <= INT64_MAX);
	}
	return sum;
}

static uint64_t read_source(const struct peeps_source *source)
{
	return read_text(source->file) + read_text(source->function) + read_text(source->module);
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void check_ids(const struct peeps_graph *graph)
{
	/* Every entity, every edge's holder that has exited, every scope. */
	const char *ids[2 * FAKE_ENTITIES + FAKE_EDGES + FAKE_SCOPES];
	size_t count = 0;

	assert_true(graph->node_count + graph->scope_count <= sizeof(ids) / sizeof(ids[0]));
	for (size_t i = 0; i < graph->node_count; i++)
		ids[count++] = graph->nodes[i].id;
	for (size_t i = 0; i < graph->scope_count; i++)
		ids[count++] = graph->scopes[i].id;
	qsort(ids, count, sizeof(ids[0]), compare_ids);
	for (size_t i = 1; i < count; i++)
		assert_string_not_equal(ids[i - 1], ids[i]);
}

static uint64_t read_graph(const struct peeps_graph *graph)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < graph->note_count; i++)
		sum += read_text(graph->notes[i]);
	for (size_t i = 0; i < graph->node_count; i++) {
		const struct peeps_node *node = &graph->nodes[i];

		assert_true(node->id && node->name && node->kind &&
			    node->process < graph->process_count);
		sum += read_text(node->id) + read_text(node->name) + read_text(node->kind) +
		       read_source(&node->source);
		sum += read_attributes(graph, node->attributes, node->attribute_count);
	}
	for (size_t i = 0; i < graph->edge_count; i++) {
		const struct peeps_edge *edge = &graph->edges[i];

		assert_true(edge->src < graph->node_count && edge->dst < graph->node_count);
		assert_true(edge->op == PEEPS_OP_NONE || (edge->op_kind && edge->state_name));
		assert_true(edge->kind == PEEPS_EDGE_NEEDS || edge->op == PEEPS_OP_NONE);
		assert_true((edge->role_number != 0) == (edge->role != NULL));
		assert_true((edge->mode_number != 0) == (edge->mode != NULL));
		sum += read_text(edge->op_kind) + read_text(edge->state_name) +
		       read_source(&edge->source);
		sum += read_text(edge->role) + read_text(edge->mode);
		sum += read_attributes(graph, edge->details, edge->detail_count);
	}
	for (size_t i = 0; i < graph->scope_count; i++) {
		const struct peeps_graph_scope *scope = &graph->scopes[i];

		assert_true(scope->id && scope->name && scope->kind &&
			    scope->process < graph->process_count);
		sum += read_text(scope->id) + read_text(scope->name) + read_text(scope->kind);
	}
	for (size_t i = 0; i < graph->membership_count; i++)
		assert_true(graph->memberships[i].node < graph->node_count &&
			    graph->memberships[i].scope < graph->scope_count);
	for (size_t i = 0; i < graph->processes[0].counter_count; i++)
		sum += read_text(graph->processes[0].counters[i].name);
	sum += read_text(graph->processes[0].proc_key) + read_text(graph->processes[0].name);
	check_ids(graph);
	return sum;
}

/* What came of the rounds, so that a test of nothing is noticed. */
struct outcome {
	uint64_t attached, cut, decoded, texts, findings, printed, joined;
};

#define EXPLAINED_MAX 3 /* of a graph: enough for each role */

static void print_texts(const struct peeps_graph *graph, FILE *out)
{
	const struct peeps_blocked_view together = { .all = false }, apart = { .all = true };

	assert_int_equal(peeps_format_text(graph, out), 0);
	assert_int_equal(peeps_blocked_table(graph, &together, out, NULL), 0);
	assert_int_equal(peeps_blocked_table(graph, &apart, out, NULL), 0);
	assert_int_equal(peeps_blocked_tree(graph, &together, out), 0);
	for (uint32_t i = 0; i < graph->node_count && i < EXPLAINED_MAX; i++)
		assert_int_equal(peeps_explain_text(graph, &(struct peeps_subject){ .number = i },
						    false, out),
				 0);
	assert_int_equal(peeps_check_text(graph, &(struct peeps_check_view){ .all = false }, out),
			 0);
}

static void print_documents(const struct peeps_graph *graph, FILE *out)
{
	struct peeps_json json;

	assert_int_equal(peeps_document_write_json(graph, out), 0);
	assert_int_equal(peeps_json_open(&json, out), 0);
	peeps_json_map(&json);
	assert_int_equal(peeps_blocked_json(graph, 0, &json), 0);
	peeps_check_json(graph, &json);
	peeps_json_map_end(&json);
	assert_int_equal(peeps_json_close(&json), 0);
}

/* Returns how long it is: lines that no terminal obeys. */
static uint64_t print_with(void (*print)(const struct peeps_graph *graph, FILE *out),
			   const struct peeps_graph *graph)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	assert_non_null(out);
	print(graph, out);
	assert_int_equal(fclose(out), 0);
	for (size_t i = 0; i < length; i++)
		assert_true((unsigned char)text[i] >= ' ' || text[i] == '\n');
	free(text);
	return length;
}

#define ROUNDS_PER_PRINT 5 /* it takes longer than all the rest; no divisor of other turns */

static void analyse_and_print(struct peeps_graph *graph, uint64_t round, struct outcome *outcome)
{
	const struct peeps_analysis_options options = { .max_wait_ns = 1 };

	assert_int_equal(peeps_analyse(graph, &options), 0);
	outcome->findings += graph->finding_count;
	if (round % ROUNDS_PER_PRINT == 0)
		outcome->printed +=
			print_with(print_texts, graph) + print_with(print_documents, graph);
}

/* A sound process, which holds a lock and waits for one of the hostile one. */
static void make_neighbour(struct fake_segment *segment, struct peeps_image *image)
{
	struct peeps_problem problem;
	struct peeps_target target;
	uint32_t thread, gate;

	fake_segment_new(segment);
	segment->header->pid = 9;
	thread = fake_thread(segment, 9, "neighbour");
	gate = fake_entity(segment, PEEPS_KIND_MUTEX, "gate");
	fake_hold(segment, gate, thread, 1, 0);
	(void)fake_wait(segment, thread,
			fake_entity(segment, PEEPS_KIND_FOREIGN, "mutex:" FAKE_PROC_KEY ":left"), 1,
			0);
	peeps_image_init(image);
	assert_int_equal(peeps_attach_fd(&target, segment->fd, &problem), 0);
	assert_int_equal(peeps_cut(&target, image, 0, &problem), 0);
	peeps_detach(&target);
}

static void decode_beside(const struct peeps_image *neighbour, const struct peeps_image *image,
			  uint64_t round, struct outcome *outcome)
{
	/* Only read, so that both may have what the images have. */
	const struct peeps_image images[] = { round % 2 ? *neighbour : *image,
					      round % 2 ? *image : *neighbour };
	struct peeps_sightings sightings;
	struct peeps_graph *graph = NULL;

	assert_int_equal(peeps_decode_set(images, 2, 0, &graph), 0);
	assert_int_equal(graph->process_count, 2);
	analyse_and_print(graph, round, outcome);
	outcome->joined += peeps_across_asks_again(graph);
	assert_int_equal(peeps_sightings_init(&sightings, graph, true), 0);
	assert_int_equal(peeps_across_confirm(graph, &sightings), 0);
	peeps_sightings_deinit(&sightings);
	outcome->texts += read_graph(graph);
	peeps_graph_free(graph);
}

static void read_segment(const struct fake_segment *segment, const struct peeps_image *neighbour,
			 struct peeps_image *image, uint64_t round, struct outcome *outcome)
{
	struct peeps_problem problem;
	struct peeps_target target;
	struct peeps_graph *graph = NULL;
	int r;

	if (peeps_attach_fd(&target, segment->fd, &problem) != 0) {
		assert_true(problem.status >= 3 && problem.why[0] && problem.what[0]);
		return;
	}
	outcome->attached++;
	if (round % 2)
		image->schema_count =
			0; /* as if it was another target: the schema is copied again */
	r = peeps_cut(&target, image, round % 8 == 0 ? PEEPS_CUT_PASSIVE : 0, &problem);
	assert_int_not_equal(r, -ENOMEM);
	if (r == 0 || r == -EAGAIN) {
		outcome->cut += r == 0;
		assert_int_equal(peeps_decode(image, round % 4 ? 0 : PEEPS_DECODE_HISTORY, &graph),
				 0);
		outcome->decoded++;
		outcome->texts += read_graph(graph);
		analyse_and_print(graph, round, outcome);
		outcome->texts += read_graph(graph);
		peeps_graph_free(graph);
		if (round % 8 < 2)
			decode_beside(neighbour, image, round, outcome);
	}
	peeps_detach(&target);
}

static void segment__of_random_bytes__never_harms_the_reader(void **state)
{
	const uint64_t flips = number_from("PEEPS_TEST_FLIPS", FLIPS_DEFAULT);
	const uint64_t seed = number_from("PEEPS_TEST_SEED", now_ns());
	struct outcome outcome = { 0 };
	struct fake_segment segment, beside;
	struct fake_town town;
	struct peeps_image image, neighbour;
	unsigned char *sound;

	(void)state;
	print_message("# PEEPS_TEST_SEED=%llu PEEPS_TEST_FLIPS=%llu\n", (unsigned long long)seed,
		      (unsigned long long)flips);
	fake_segment_new(&segment);
	fake_town(&segment, &town);
	peeps_image_init(&image);
	make_neighbour(&beside, &neighbour);
	sound = malloc(segment.bytes);
	assert_non_null(sound);
	memcpy(sound, segment.base, segment.bytes);
	for (uint64_t round = 0; round < flips; round++) {
		(void)alarm(ROUND_S_MAX);
		random_state =
			seed + round; /* each round can be had alone: seed + round, one flip */
		for (uint64_t i = 0, changes = 1 + draw() % CHANGES_MAX; i < changes; i++)
			change_something(&segment, sound);
		if (draw() % 4)
			mend_header(&segment, sound);
		read_segment(&segment, &neighbour, &image, round, &outcome);
		memcpy(segment.base, sound, segment.bytes);
	}
	print_message(
		"# attached %llu, cut %llu, decoded %llu, bytes of text %llu, findings %llu, printed %llu\n",
		(unsigned long long)outcome.attached, (unsigned long long)outcome.cut,
		(unsigned long long)outcome.decoded, (unsigned long long)outcome.texts,
		(unsigned long long)outcome.findings, (unsigned long long)outcome.printed);
	assert_true(outcome.cut > flips / 2);
	assert_true(outcome.findings > flips / 2 &&
		    outcome.printed > 1000 * (flips / ROUNDS_PER_PRINT));
	assert_true(outcome.joined > flips / 16);
	free(sound);
	peeps_image_deinit(&image);
	peeps_image_deinit(&neighbour);
	fake_segment_free(&segment);
	fake_segment_free(&beside);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(
		segment__of_random_bytes__never_harms_the_reader) };

	return cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
}
