/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <msgpack.h>
#include <yajl_tree.h>

#include "reader/format/document.h"
#include "tests/reader/graph_builder.h"

static void document_json__small_graph__is_exactly_the_document(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t thread = graph_thread(graph, 4712, "worker-1");
	const uint32_t mutex = graph_mutex(graph, "accounts", "/src/bank.c", 42);
	char *text;

	(void)state;
	(void)graph_hold(graph, mutex, thread, 7500 * MS + 999999);
	(void)graph_wait(graph, thread, mutex, 7700 * MS);
	graph_analyse(graph, 0);
	graph->finding_count = 0; /* a test of their own */
	text = printed(peeps_document_write_json, graph);
	assert_string_equal(
		text,
		"{\"schema\":\"peeps.snapshot/1\",\"taken_at_unix_ns\":1777636800250000000,\"cut_ns\":12000,\"skew_ns\":0,"
		"\"quality\":\"cut\",\"notes\":[],"
		"\"processes\":[{\"proc_key\":\"orders-4711\",\"pid\":4711,\"name\":\"orders\","
		"\"cmdline\":\"./orders --serve\",\"start_time\":77,\"ptime_now_ns\":20000000000,"
		"\"coverage\":\"mutexes of peeps\",\"counters\":{\"dropped_edges\":0,\"torn\":0},"
		"\"own_pid\":4711,\"threads\":1,\"gone\":false}],"
		"\"nodes\":["
		"{\"id\":\"thread:orders-4711:4712\",\"kind\":\"thread\",\"process\":\"orders-4711\","
		"\"name\":\"worker-1\",\"site\":null,\"attrs\":{\"activity\":\"blocked\"},"
		"\"role\":\"actor\",\"tid\":4712,\"exited\":false,\"sleeping\":false,\"function\":null,\"krate\":null},"
		"{\"id\":\"mutex:orders-4711:accounts\",\"kind\":\"mutex\",\"process\":\"orders-4711\","
		"\"name\":\"accounts\",\"site\":\"/src/bank.c:42\","
		"\"attrs\":{\"mutex_type\":\"normal\",\"waiters\":1},"
		"\"role\":\"resource\",\"function\":null,\"krate\":null}],"
		"\"edges\":["
		"{\"src\":\"mutex:orders-4711:accounts\",\"dst\":\"thread:orders-4711:4712\",\"kind\":\"holds\","
		"\"meta\":{\"role\":\"lock\",\"mode\":\"exclusive\",\"count\":1,\"held_since_ptime_ms\":7500,"
		"\"held_accuracy_ms\":100,\"source\":\"/src/bank.c:88\",\"krate\":\"bank\",\"function\":null,"
		"\"held_since_ptime_ns\":7500999999,\"held_accuracy_ns\":100000000,\"wait_sequence\":0,\"slot\":0}},"
		"{\"src\":\"thread:orders-4711:4712\",\"dst\":\"mutex:orders-4711:accounts\",\"kind\":\"needs\","
		"\"meta\":{\"op_kind\":\"lock\",\"state\":\"pending\",\"pending_since_ptime_ms\":7700,"
		"\"last_change_ptime_ms\":7700,\"source\":\"/src/bank.c:90\",\"krate\":null,\"poll_count\":1,"
		"\"wait_sequence\":3,\"slot\":5,\"details\":{},\"function\":null,"
		"\"pending_since_ptime_ns\":7700000000,\"last_change_ptime_ns\":7700000000,\"blocks\":true}}],"
		"\"scopes\":[],\"memberships\":[],\"findings\":[]}\n");
	free(text);
	peeps_graph_free(graph);
}

static yajl_val parsed(const struct peeps_graph *graph)
{
	char *text = printed(peeps_document_write_json, graph);
	char error[256];
	yajl_val document = yajl_tree_parse(text, error, sizeof(error));

	if (!document)
		fail_msg("%s", error);
	free(text);
	return document;
}

/* What stands at a path such as "edges.0.meta.source"; NULL if nothing does. */
static yajl_val at(yajl_val value, const char *path)
{
	char words[128], *rest = words;

	(void)snprintf(words, sizeof(words), "%s", path);
	for (char *word = strsep(&rest, "."); word && value; word = strsep(&rest, ".")) {
		if (YAJL_IS_ARRAY(value)) {
			const size_t position = strtoul(word, NULL, 10);

			value = position < YAJL_GET_ARRAY(value)->len
					? YAJL_GET_ARRAY(value)->values[position]
					: NULL;
		} else {
			value = yajl_tree_get(value, (const char *[]){ word, NULL }, yajl_t_any);
		}
	}
	return value;
}

static void assert_text(yajl_val document, const char *path, const char *wanted)
{
	const char *text = YAJL_GET_STRING(at(document, path));

	if (!text)
		fail_msg("no text at %s", path);
	assert_string_equal(text, wanted);
}

static void document_json__deadlock__is_a_finding_with_its_evidence(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	yajl_val document;

	(void)state;
	(void)graph_wait(graph, 4, 2, 9 * S);
	graph_analyse(graph, 0);
	document = parsed(graph);
	assert_text(document, "findings.0.kind", "deadlock");
	assert_text(document, "findings.0.certainty", "certain");
	assert_text(document, "findings.0.sentence", graph->findings[0].sentence);
	assert_text(document, "findings.0.steps.1", graph->findings[0].steps[1]);
	assert_text(document, "findings.0.nodes.0", "thread:orders-4711:4712");
	assert_text(document, "findings.0.edges.1.src", "mutex:orders-4711:ledger");
	assert_text(document, "findings.0.edges.1.dst", "thread:orders-4711:4713");
	assert_text(document, "findings.0.edges.1.kind", "holds");
	assert_int_equal(YAJL_GET_INTEGER(at(document, "findings.0.edges.1.index")), 1);
	assert_text(document, "findings.0.victims.0", "thread:orders-4711:4714");
	yajl_tree_free(document);
	peeps_graph_free(graph);
}

static void document_json__hostile_texts__come_back_as_they_were(void **state)
{
	static const char *const texts[] = { "two\nlines\t\"quoted\" \\ \x01\x1b[31m\x7f",
					     "caf\xc3\xa9 \xe2\x80\xae", "" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct peeps_graph *graph = graph_new();
		const uint32_t thread = graph_thread(graph, 1, texts[i]);
		yajl_val document;
		char site[64];

		(void)snprintf(site, sizeof(site), "%s:7", texts[i]);
		graph->nodes[thread].source = (struct peeps_source){ .file = texts[i], .line = 7 };
		graph->processes[0].cmdline = texts[i];
		graph_note(graph, texts[i]);
		graph_attribute(
			graph, thread, "creator",
			(struct peeps_value){ .type = PEEPS_VALUE_TEXT, .as.text = texts[i] });
		document = parsed(graph);
		assert_text(document, "nodes.0.name", texts[i]);
		assert_text(document, "nodes.0.attrs.creator", texts[i]);
		assert_text(document, "processes.0.cmdline", texts[i]);
		assert_text(document, "notes.0", texts[i]);
		assert_text(document, "nodes.0.site", site);
		yajl_tree_free(document);
		peeps_graph_free(graph);
	}
}

static void document_json__what_a_terminal_would_obey__is_escaped(void **state)
{
	static const struct {
		const char *text, *json;
	} rows[] = {
		{ "\x7f", "\"\\u007F\"" },
		{ "\xc2\x9b", "\"\\u009B\"" },
		{ "a\x7f\xc2\x80z", "\"a\\u007F\\u0080z\"" },
		{ "\xc2\xa0", "\"\xc2\xa0\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peeps_graph *graph = graph_new();
		char *document;

		graph_note(graph, rows[i].text);
		document = printed(peeps_document_write_json, graph);
		assert_non_null(strstr(document, rows[i].json));
		free(document);
		peeps_graph_free(graph);
	}
}

static void document_json__each_type_of_value__is_exact_or_null(void **state)
{
	static const struct {
		struct peeps_value value;
		const char *json;
	} rows[] = {
		{ { .type = PEEPS_VALUE_NULL }, "null" },
		{ { .type = PEEPS_VALUE_BOOL, .as.boolean = true }, "true" },
		{ { .type = PEEPS_VALUE_UNSIGNED, .as.number = 0 }, "0" },
		{ { .type = PEEPS_VALUE_UNSIGNED, .as.number = INT64_MAX }, "9223372036854775807" },
		{ { .type = PEEPS_VALUE_UNSIGNED, .as.number = UINT64_C(1) << 63 }, "null" },
		{ { .type = PEEPS_VALUE_REAL, .as.real = 0.9375 }, "0.9375" },
		{ { .type = PEEPS_VALUE_REAL, .as.real = NAN }, "null" },
		{ { .type = PEEPS_VALUE_TEXT, .as.text = "t" }, "\"t\"" },
		{ { .type = PEEPS_VALUE_NODE, .as.node = 0 }, "\"thread:orders-4711:1\"" },
		{ { .type = PEEPS_VALUE_NODE, .as.node = PEEPS_NO_NODE }, "null" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peeps_graph *graph = graph_new();
		char wanted[128];
		char *text;

		graph_attribute(graph, graph_thread(graph, 1, "t"), "x", rows[i].value);
		text = printed(peeps_document_write_json, graph);
		(void)snprintf(wanted, sizeof(wanted), "\"x\":%s}", rows[i].json);
		if (!strstr(text, wanted))
			fail_msg("%s is not in %s", wanted, text);
		free(text);
		peeps_graph_free(graph);
	}
}

static void document_json__what_is_not_known__is_null_or_left_out(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	struct peeps_edge *hold = &graph->edges[0], *wait = &graph->edges[2];
	yajl_val document;

	(void)state;
	document = parsed(graph);
	assert_null(at(document, "edges.0.meta.uncertain"));
	assert_null(at(document, "edges.2.meta.uncertain"));
	assert_null(at(document, "edges.2.meta.source_as_compiled"));
	assert_null(at(document, "edges.2.meta.errno"));
	yajl_tree_free(document);

	hold->held_since_ns = PEEPS_NO_TIME;
	hold->source.file = NULL;
	hold->uncertain = true;
	wait->pending_since_ns = PEEPS_NO_TIME;
	wait->source.as_compiled = true;
	wait->uncertain = true;
	wait->reason = ETIMEDOUT;
	document = parsed(graph);
	assert_true(YAJL_IS_NULL(at(document, "edges.0.meta.held_since_ptime_ms")));
	assert_true(YAJL_IS_NULL(at(document, "edges.0.meta.held_accuracy_ms")));
	assert_true(YAJL_IS_NULL(at(document, "edges.0.meta.source")));
	assert_true(YAJL_IS_TRUE(at(document, "edges.0.meta.uncertain")));
	assert_true(YAJL_IS_NULL(at(document, "edges.2.meta.pending_since_ptime_ms")));
	assert_true(YAJL_IS_TRUE(at(document, "edges.2.meta.source_as_compiled")));
	assert_true(YAJL_IS_TRUE(at(document, "edges.2.meta.uncertain")));
	assert_int_equal(YAJL_GET_INTEGER(at(document, "edges.2.meta.errno")), ETIMEDOUT);
	yajl_tree_free(document);
	peeps_graph_free(graph);
}

static void document_json__links_have_no_operation__and_say_nothing_of_one(void **state)
{
	static const char *const only_of_others[] = { "op_kind", "state", "pending_since_ptime_ms",
						      "details", "role",  "held_since_ptime_ms" };
	struct peeps_graph *graph = graph_deadlocked();
	yajl_val document;

	(void)state;
	graph->edges[0].kind = PEEPS_EDGE_CHANNEL_LINK;
	graph->edges[2].op = PEEPS_OP_NONE; /* the structural one of a link */
	graph->edges[2].state = PEEPS_STATE_NONE;
	document = parsed(graph);
	assert_text(document, "edges.0.kind", "channel_link");
	assert_text(document, "edges.2.kind", "needs");
	for (size_t i = 0; i < sizeof(only_of_others) / sizeof(only_of_others[0]); i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "edges.0.meta.%s", only_of_others[i]);
		assert_null(at(document, path));
		path[strlen("edges.")] = '2';
		assert_null(at(document, path));
	}
	assert_text(document, "edges.0.meta.source", "/src/bank.c:88");
	yajl_tree_free(document);
	peeps_graph_free(graph);
}

static void document_json__scopes__have_members_and_are_no_nodes(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	struct peeps_graph_scope scopes[] = {
		{ .id = "scope:orders-4711:user:boot",
		  .name = "boot",
		  .kind = "user",
		  .created_ns = 7 },
		{ .id = "scope:orders-4711:user:x%22",
		  .name = "x\"",
		  .kind = "us\ner",
		  .created_ns = PEEPS_NO_TIME },
	};
	struct peeps_membership memberships[] = { { .node = 1, .scope = 1 } };
	yajl_val document;
	char *text;

	(void)state;
	graph->scopes = scopes;
	graph->scope_count = 2;
	graph->memberships = memberships;
	graph->membership_count = 1;
	text = printed(peeps_document_write_json, graph);
	assert_non_null(strstr(
		text,
		"\"scopes\":[{\"id\":\"scope:orders-4711:user:boot\",\"kind\":\"user\",\"process\":\"orders-4711\","
		"\"name\":\"boot\",\"attrs\":{\"created_at_ns\":7}},"));
	assert_non_null(strstr(text, "\"memberships\":[{\"entity\":\"thread:orders-4711:4713\","
				     "\"scope\":\"scope:orders-4711:user:x%22\"}],"));
	free(text);
	document = parsed(graph);
	assert_text(document, "scopes.1.name", "x\"");
	assert_text(document, "scopes.1.kind", "us\ner");
	assert_true(YAJL_IS_NULL(at(document, "scopes.1.attrs.created_at_ns")));
	yajl_tree_free(document);
	peeps_graph_free(graph);
}

static void document__writes_fail__says_so(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	setbuf(full, NULL);
	assert_int_equal(peeps_document_write_json(graph, full), -ENOSPC);
	assert_int_equal(peeps_document_write_msgpack(graph, full), -ENOSPC);
	(void)fclose(full);
	peeps_graph_free(graph);
}

/* Whether msgpack says what JSON says, value by value. */
static void assert_same_value(const msgpack_object *packed, yajl_val json)
{
	const char *text;

	switch (packed->type) {
	case MSGPACK_OBJECT_NIL:
		assert_true(YAJL_IS_NULL(json));
		break;
	case MSGPACK_OBJECT_BOOLEAN:
		assert_true(packed->via.boolean ? YAJL_IS_TRUE(json) : YAJL_IS_FALSE(json));
		break;
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
		assert_true(YAJL_IS_INTEGER(json));
		assert_int_equal(YAJL_GET_INTEGER(json), packed->via.u64);
		break;
	case MSGPACK_OBJECT_FLOAT64:
		assert_true(YAJL_IS_DOUBLE(json) && YAJL_GET_DOUBLE(json) == packed->via.f64);
		break;
	case MSGPACK_OBJECT_STR:
		text = YAJL_GET_STRING(json);
		if (!text) {
			fail_msg("a text is none in JSON");
			return;
		}
		assert_int_equal(strlen(text), packed->via.str.size);
		assert_memory_equal(text, packed->via.str.ptr, packed->via.str.size);
		break;
	case MSGPACK_OBJECT_ARRAY:
		assert_true(YAJL_IS_ARRAY(json));
		assert_int_equal(YAJL_GET_ARRAY(json)->len, packed->via.array.size);
		for (uint32_t i = 0; i < packed->via.array.size; i++)
			assert_same_value(&packed->via.array.ptr[i],
					  YAJL_GET_ARRAY(json)->values[i]);
		break;
	case MSGPACK_OBJECT_MAP:
		assert_true(YAJL_IS_OBJECT(json));
		assert_int_equal(YAJL_GET_OBJECT(json)->len, packed->via.map.size);
		for (uint32_t i = 0; i < packed->via.map.size; i++) {
			const msgpack_object *key = &packed->via.map.ptr[i].key;

			assert_int_equal(strlen(YAJL_GET_OBJECT(json)->keys[i]), key->via.str.size);
			assert_memory_equal(YAJL_GET_OBJECT(json)->keys[i], key->via.str.ptr,
					    key->via.str.size);
			assert_same_value(&packed->via.map.ptr[i].val,
					  YAJL_GET_OBJECT(json)->values[i]);
		}
		break;
	default:
		fail_msg("a value of type %d", packed->type);
	}
}

static void document_msgpack__each_value__is_what_the_json_says(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	char *bytes = NULL;
	size_t length = 0, used = 0;
	FILE *out = open_memstream(&bytes, &length);
	msgpack_unpacked unpacked;
	yajl_val json;

	(void)state;
	graph_attribute(graph, 0, "real",
			(struct peeps_value){ .type = PEEPS_VALUE_REAL, .as.real = 0.1 });
	graph_number(graph, 0, "greatest", INT64_MAX);
	graph_number(graph, 0, "beyond", UINT64_MAX);
	graph->nodes[0].name = "two\nlines \x01 caf\xc3\xa9";
	graph->edges[0].uncertain = true;
	graph->edges[2].reason = ETIMEDOUT;
	graph->edges[2].source.as_compiled = true;
	graph->nodes[2].uncertain = true;
	graph->nodes[2].source.as_compiled = true;
	graph_analyse(graph, 1);
	json = parsed(graph);
	assert_int_equal(peeps_document_write_msgpack(graph, out), 0);
	assert_int_equal(fclose(out), 0);
	msgpack_unpacked_init(&unpacked);
	assert_int_equal(msgpack_unpack_next(&unpacked, bytes, length, &used),
			 MSGPACK_UNPACK_SUCCESS);
	assert_int_equal(used, length);
	assert_same_value(&unpacked.data, json);
	msgpack_unpacked_destroy(&unpacked);
	yajl_tree_free(json);
	free(bytes);
	peeps_graph_free(graph);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(document_json__small_graph__is_exactly_the_document),
		cmocka_unit_test(document_json__deadlock__is_a_finding_with_its_evidence),
		cmocka_unit_test(document_json__hostile_texts__come_back_as_they_were),
		cmocka_unit_test(document_json__what_a_terminal_would_obey__is_escaped),
		cmocka_unit_test(document_json__each_type_of_value__is_exact_or_null),
		cmocka_unit_test(document_json__what_is_not_known__is_null_or_left_out),
		cmocka_unit_test(document_json__links_have_no_operation__and_say_nothing_of_one),
		cmocka_unit_test(document_json__scopes__have_members_and_are_no_nodes),
		cmocka_unit_test(document_msgpack__each_value__is_what_the_json_says),
		cmocka_unit_test(document__writes_fail__says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
