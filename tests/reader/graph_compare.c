/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/reader/graph_compare.h"

static char where[64];

#define AT(...) ((void)snprintf(where, sizeof(where), __VA_ARGS__))

#define SAME_NUMBER(member)                                               \
	do {                                                              \
		if (got->member != wanted->member)                        \
			fail_msg("%s." #member ": %llu, not %llu", where, \
				 (unsigned long long)got->member,         \
				 (unsigned long long)wanted->member);     \
	} while (0)

#define SAME_TEXT(member)                                                      \
	do {                                                                   \
		if (!got->member != !wanted->member ||                         \
		    (got->member && strcmp(got->member, wanted->member) != 0)) \
			fail_msg("%s." #member ": '%s', not '%s'", where,      \
				 got->member ? got->member : "(none)",         \
				 wanted->member ? wanted->member : "(none)");  \
	} while (0)

static void same_source(const struct peeps_source *got, const struct peeps_source *wanted)
{
	SAME_TEXT(file);
	SAME_TEXT(function);
	SAME_TEXT(module);
	SAME_NUMBER(line);
	SAME_NUMBER(as_compiled);
}

static void same_attribute(const struct peeps_attribute *got, const struct peeps_attribute *wanted)
{
	SAME_TEXT(name);
	SAME_NUMBER(value.type);
	switch (wanted->value.type) {
	case PEEPS_VALUE_NULL:
		break;
	case PEEPS_VALUE_BOOL:
		SAME_NUMBER(value.as.boolean);
		break;
	case PEEPS_VALUE_UNSIGNED:
		SAME_NUMBER(value.as.number);
		break;
	case PEEPS_VALUE_REAL:
		assert_memory_equal(&got->value.as.real, &wanted->value.as.real, sizeof(double));
		break;
	case PEEPS_VALUE_TEXT:
		SAME_TEXT(value.as.text);
		break;
	case PEEPS_VALUE_NODE:
		SAME_NUMBER(value.as.node);
		break;
	}
}

static void same_process(const struct peeps_process *got, const struct peeps_process *wanted)
{
	SAME_TEXT(proc_key);
	SAME_NUMBER(pid);
	SAME_NUMBER(own_pid);
	SAME_TEXT(name);
	SAME_TEXT(cmdline);
	SAME_NUMBER(start_time_ticks);
	SAME_NUMBER(ptime_now_ns);
	SAME_TEXT(coverage);
	SAME_NUMBER(thread_count);
	SAME_NUMBER(counter_count);
	for (size_t i = 0; i < wanted->counter_count; i++) {
		SAME_TEXT(counters[i].name);
		SAME_NUMBER(counters[i].value);
	}
}

static void same_node(const struct peeps_node *got, const struct peeps_node *wanted)
{
	SAME_TEXT(id);
	SAME_TEXT(name);
	SAME_TEXT(kind);
	SAME_NUMBER(kind_number);
	SAME_NUMBER(role);
	SAME_NUMBER(process);
	same_source(&got->source, &wanted->source);
	SAME_NUMBER(created_ns);
	SAME_NUMBER(gone);
	SAME_NUMBER(asleep);
	SAME_NUMBER(uncertain);
	SAME_NUMBER(tid);
	SAME_NUMBER(attribute_count);
	for (size_t i = 0; i < wanted->attribute_count; i++)
		same_attribute(&got->attributes[i], &wanted->attributes[i]);
}

static void same_edge(const struct peeps_edge *got, const struct peeps_edge *wanted)
{
	SAME_NUMBER(kind);
	SAME_NUMBER(src);
	SAME_NUMBER(dst);
	SAME_NUMBER(op);
	SAME_TEXT(op_kind);
	SAME_NUMBER(state);
	SAME_TEXT(state_name);
	SAME_NUMBER(uncertain);
	SAME_NUMBER(pending_since_ns);
	SAME_NUMBER(last_change_ns);
	SAME_NUMBER(poll_count);
	SAME_NUMBER(wait_sequence);
	SAME_NUMBER(slot);
	SAME_NUMBER(reason);
	SAME_NUMBER(blocks);
	same_source(&got->source, &wanted->source);
	SAME_NUMBER(role_number);
	SAME_NUMBER(mode_number);
	SAME_TEXT(role);
	SAME_TEXT(mode);
	SAME_NUMBER(held_since_ns);
	SAME_NUMBER(held_accuracy_ns);
	SAME_NUMBER(detail_count);
	for (size_t i = 0; i < wanted->detail_count; i++)
		same_attribute(&got->details[i], &wanted->details[i]);
	if (wanted->kind == PEEPS_EDGE_HOLDS)
		SAME_NUMBER(count);
}

static void same_scope(const struct peeps_graph_scope *got, const struct peeps_graph_scope *wanted)
{
	SAME_TEXT(id);
	SAME_TEXT(name);
	SAME_TEXT(kind);
	SAME_NUMBER(process);
	SAME_NUMBER(created_ns);
}

static void same_finding(const struct peeps_finding *got, const struct peeps_finding *wanted)
{
	SAME_NUMBER(kind);
	SAME_NUMBER(certain);
	SAME_TEXT(sentence);
	SAME_NUMBER(step_count);
	for (size_t i = 0; i < wanted->step_count; i++)
		SAME_TEXT(steps[i]);
	SAME_NUMBER(node_count);
	for (size_t i = 0; i < wanted->node_count; i++)
		SAME_NUMBER(nodes[i]);
	SAME_NUMBER(edge_count);
	for (size_t i = 0; i < wanted->edge_count; i++)
		SAME_NUMBER(edges[i]);
	SAME_NUMBER(victim_count);
	for (size_t i = 0; i < wanted->victim_count; i++)
		SAME_NUMBER(victims[i]);
}

void assert_same_findings(const struct peeps_graph *got, const struct peeps_graph *wanted)
{
	AT("graph");
	SAME_NUMBER(finding_count);
	for (size_t i = 0; i < wanted->finding_count; i++) {
		AT("findings[%zu]", i);
		same_finding(&got->findings[i], &wanted->findings[i]);
	}
}

#define SAME_ROWS(rows, count, same_row)                               \
	do {                                                           \
		AT("graph");                                           \
		SAME_NUMBER(count);                                    \
		for (size_t row = 0; row < wanted->count; row++) {     \
			AT(#rows "[%zu]", row);                        \
			same_row(&got->rows[row], &wanted->rows[row]); \
		}                                                      \
	} while (0)

void assert_same_graph(const struct peeps_graph *got, const struct peeps_graph *wanted)
{
	AT("graph");
	SAME_NUMBER(quality);
	SAME_NUMBER(taken_at_unix_ns);
	SAME_NUMBER(cut_ns);
	SAME_NUMBER(skew_ns);
	SAME_NUMBER(note_count);
	for (size_t i = 0; i < wanted->note_count; i++)
		SAME_TEXT(notes[i]);
	SAME_ROWS(processes, process_count, same_process);
	SAME_ROWS(nodes, node_count, same_node);
	SAME_ROWS(edges, edge_count, same_edge);
	SAME_ROWS(scopes, scope_count, same_scope);
	AT("graph");
	SAME_NUMBER(membership_count);
	for (size_t i = 0; i < wanted->membership_count; i++) {
		SAME_NUMBER(memberships[i].node);
		SAME_NUMBER(memberships[i].scope);
	}
	assert_same_findings(got, wanted);
}
