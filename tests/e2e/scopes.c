/* SPDX-License-Identifier: MIT */
/*
 * A scope of each kind, with members: a connection whose task waits, two scopes of one name, one that ended, one without
 * members, and a thread's and a task's own. Prints its PID and stays as it is. test_scopes.py says what must be seen.
 */
#include <stdio.h>
#include <unistd.h>

#include <peeps/peeps.h>

static struct peeps_ref make_session(void)
{
	static const char *const phases[] = { "", "greeting", "asking" };
	const struct peeps_kind_attribute attributes[] = {
		{ "phase", peeps_enum_new(phases, 3), 0 },
		{ "peer", PEEPS_TYPE_TEXT, 0 },
		{ "owner", PEEPS_TYPE_REF, 0 },
		{ "since_ptime_ms", PEEPS_TYPE_PTIME, 0 },
		{ "encrypted", PEEPS_TYPE_BOOL, 0 },
		{ "limit", PEEPS_TYPE_OPTIONAL_COUNT, 40 },
		{ "quota", PEEPS_TYPE_OPTIONAL_COUNT, 16 },
	};
	const struct peeps_kind_def def = {
		.name = "session",
		.prefix = "sess",
		.role = PEEPS_ROLE_RESOURCE,
		.attributes = attributes,
		.attribute_count = sizeof(attributes) / sizeof(attributes[0]),
	};
	uint32_t attrs[sizeof(attributes) / sizeof(attributes[0])];
	const struct peeps_ref session =
		peeps_entity_new_noted(peeps_kind_new(&def, attrs), "alice", "came by night");

	peeps_entity_set(session, attrs[0], 2);
	peeps_entity_set_text(session, attrs[1], "10.0.0.1:4711");
	peeps_entity_set(session, attrs[2], peeps_actor_self().bits);
	peeps_entity_set(session, attrs[3], peeps_ptime_ns());
	peeps_entity_set(session, attrs[4], 1);
	peeps_entity_set(session, attrs[5], 0 + 1);
	return session;
}

int main(void)
{
	const struct peeps_scope connection =
		peeps_scope_new(PEEPS_SCOPE_KIND_CONNECTION, "conn_3");
	const struct peeps_scope process = peeps_scope_new(PEEPS_SCOPE_KIND_PROCESS, "shop");
	const struct peeps_scope thread = peeps_scope_new(PEEPS_SCOPE_KIND_THREAD, "main");
	const struct peeps_scope own_task = peeps_scope_new(PEEPS_SCOPE_KIND_TASK, "asker");
	const struct peeps_scope group = peeps_scope_new(PEEPS_SCOPE_KIND_USER, "group");
	const struct peeps_scope group_too = peeps_scope_new(PEEPS_SCOPE_KIND_USER, "group");
	const struct peeps_scope over = peeps_scope_new(PEEPS_SCOPE_KIND_USER, "over");
	const struct peeps_ref asker = peeps_task_new("asker");
	struct peeps_ref session, gone;

	peeps_thread_name("main");
	session = make_session();
	gone = peeps_entity_new(PEEPS_KIND_NOTIFY, "gone");
	peeps_op_pend(peeps_op_begin(asker, PEEPS_OP_NOTIFY_WAIT, session, 0));
	peeps_scope_add(connection, session);
	peeps_scope_add(connection, session);
	peeps_scope_add(connection, asker);
	peeps_scope_add(connection, gone);
	peeps_scope_add(process, session);
	peeps_scope_add(thread, peeps_actor_self());
	peeps_scope_add(own_task, asker);
	peeps_scope_add(group, session);
	peeps_scope_add(group_too, asker);
	peeps_scope_add(over, session);
	peeps_entity_end(gone);
	peeps_scope_end(over);
	(void)peeps_scope_new(PEEPS_SCOPE_KIND_USER, "empty");
	(void)printf("%ld\n", (long)getpid());
	(void)fflush(stdout);
	for (;;)
		(void)pause();
}
