/* SPDX-License-Identifier: MIT */
#include "tests/writer/writer_test.h"

#include <string.h>
#include <sys/mman.h>

#include "writer/entity.h"
#include "writer/hook.h"

static struct peeps_site here = {
	.file = "dir/here.c", .function = "f", .line = 5, .layout_hash = PEEPS_LAYOUT_HASH
};
static struct peeps_site first_use = {
	.file = "dir/first.c", .function = "g", .line = 6, .layout_hash = PEEPS_LAYOUT_HASH
};

static bool tie(struct peeps_hook *hook)
{
	struct self *const self = enter();
	const bool tied = hook_tie(hook, PEEPS_KIND_MUTEX, &first_use, self);

	self_leave(self);
	return tied;
}

static void init(struct peeps_hook *hook, const char *name, uint64_t traits)
{
	struct self *const self = enter();

	hook_init(hook, name, &here, traits, self);
	self_leave(self);
}

static void deinit(struct peeps_hook *hook)
{
	struct self *const self = enter();

	hook_deinit(hook, self);
	self_leave(self);
}

static void hook_tie__made_by_init__entity_has_its_name_and_site(void **state)
{
	struct peeps_hook hook;

	(void)state;
	init(&hook, "by init", 0);
	assert_false(hook_is_tied(&hook));
	assert_false(peeps_hook_ready(&hook));
	assert_true(tie(&hook));
	assert_true(hook_is_tied(&hook));
	assert_true(peeps_hook_ready(&hook));
	assert_text(hook.slot->name, "by init");
	assert_int_equal(hook.slot->site, here.id);
	deinit(&hook);
	assert_false(hook_is_tied(&hook));
}

/* A plugin's places go with it, and a mutex that it made for its host does not. */
static void hook_tie__place_was_unloaded_since__entity_has_it_still(void **state)
{
	struct peeps_site *const unloaded =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct self *const self = enter();
	struct peeps_hook hook;
	const struct peeps_site_row *row;

	(void)state;
	assert_ptr_not_equal(unloaded, MAP_FAILED);
	*unloaded = here;
	unloaded->line = 77;
	unloaded->id = 0;
	hook_init(&hook, NULL, unloaded, 0, self);
	self_leave(self);
	assert_int_equal(munmap(unloaded, 4096), 0);
	assert_true(tie(&hook));
	row = segment_row(PEEPS_SECTION_SITES, hook.slot->site);
	assert_text(row->file, "dir/here.c");
	assert_int_equal(row->line, 77);
	deinit(&hook);
}

static void hook_tie__static_initializer__place_behind_its_name(void **state)
{
	static struct peeps_hook hook = PEEPS_HOOK_INIT("static");
	const struct peeps_site_row *row;

	(void)state;
	assert_true(tie(&hook));
	assert_text(hook.slot->name, "static");
	row = segment_row(PEEPS_SECTION_SITES, hook.slot->site);
	assert_text(row->file, __FILE__);
	assert_int_not_equal(row->line, 0);
	assert_int_equal(row->function, 0);
	deinit(&hook);
	assert_true(tie(&hook)); /* its name is the program's: it still stands */
	assert_text(hook.slot->name, "static");
	deinit(&hook);
}

static void hook_tie__no_name__named_after_its_place(void **state)
{
	struct peeps_hook hook, zeroed = { 0 };

	(void)state;
	init(&hook, "", 0);
	assert_true(tie(&hook));
	assert_text(hook.slot->name, "here.c.5");
	deinit(&hook);
	/* never initialised at all: after its first use */
	assert_true(tie(&zeroed));
	assert_text(zeroed.slot->name, "first.c.6");
	assert_int_equal(zeroed.slot->site, first_use.id);
	deinit(&zeroed);
}

static void hook_tie__twice__one_entity(void **state)
{
	struct peeps_entity_slot *slot;
	struct peeps_hook hook;

	(void)state;
	init(&hook, "twice", 0);
	assert_true(tie(&hook));
	slot = hook.slot;
	assert_true(tie(&hook));
	assert_ptr_equal(hook.slot, slot);
	deinit(&hook);
}

static void hook_tie__shared_by_processes__never(void **state)
{
	struct peeps_hook hook;

	(void)state;
	init(&hook, "shared", HOOK_SHARED);
	assert_null(hook.name);
	assert_false(tie(&hook));
	assert_int_equal(hook.generation, 0);
	deinit(&hook);
}

static void hook_tie__slow__tied_but_not_ready(void **state)
{
	struct peeps_hook hook;

	(void)state;
	init(&hook, "slow", HOOK_SLOW);
	assert_true(tie(&hook));
	assert_true(hook_is_tied(&hook));
	assert_false(peeps_hook_ready(&hook));
	deinit(&hook);
}

static void hook_tie__no_room__remembered_until_there_is(void **state)
{
	struct peeps_hook hooks[64], late;
	int count = 0;
	uint64_t dropped;

	(void)state;
	for (;; count++) {
		assert_true(count < 64);
		init(&hooks[count], NULL, 0);
		if (!tie(&hooks[count]))
			break;
	}
	dropped = counted(PEEPS_COUNTER_DROPPED_ENTITIES);
	assert_false(tie(&hooks[count]));
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_ENTITIES), dropped); /* not asked again */
	init(&late, "late", 0);
	deinit(&hooks[0]);
	assert_true(tie(&hooks[count]));
	assert_false(tie(&late));
	while (count > 0)
		deinit(&hooks[count--]);
	assert_true(tie(&late));
	deinit(&late);
}

static void hook_deinit__twice__nothing_more_happens(void **state)
{
	struct interned *const name = intern_get("held by the test", 16);
	struct peeps_hook hook;

	(void)state;
	init(&hook, "held by the test", 0);
	assert_int_equal(name->uses, 2);
	deinit(&hook);
	deinit(&hook);
	assert_int_equal(name->uses, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hook_tie__made_by_init__entity_has_its_name_and_site),
		cmocka_unit_test(hook_tie__place_was_unloaded_since__entity_has_it_still),
		cmocka_unit_test(hook_tie__static_initializer__place_behind_its_name),
		cmocka_unit_test(hook_tie__no_name__named_after_its_place),
		cmocka_unit_test(hook_tie__twice__one_entity),
		cmocka_unit_test(hook_tie__shared_by_processes__never),
		cmocka_unit_test(hook_tie__slow__tied_but_not_ready),
		cmocka_unit_test(hook_tie__no_room__remembered_until_there_is),
		cmocka_unit_test(hook_deinit__twice__nothing_more_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
