/* SPDX-License-Identifier: MIT */
#include "tests/writer/writer_test.h"

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <peeps/peeps.h>

static struct peeps_mutex m = PEEPS_MUTEX_INIT("kept across fork");

static int status_of(pid_t child)
{
	int status = -1;

	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, __WALL), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void process_start_once__constructor__on_before_main(void **state)
{
	(void)state;
	assert_true(process_is_on());
	assert_int_equal(*peeps_process.word, peeps_process.generation);
}

/* The checks that failed, as bits. */
static int check_child(uint64_t parents_generation, const uint8_t parents_id[16])
{
	int bad = 0;

	if (*peeps_process.word != 0 || process_is_on() || peeps_process.state != PROCESS_UNSTARTED)
		bad |= 1;
	if (peeps_hook_ready(&m.hook))
		bad |= 2;
	(void)peeps_mutex_lock(&m);
	if (!process_is_on() || peeps_process.generation == parents_generation)
		bad |= 4;
	if (peeps_segment.header->pid != (uint32_t)getpid() ||
	    memcmp(peeps_segment.header->segment_id, parents_id, 16) == 0)
		bad |= 8;
	if (!peeps_hook_ready(&m.hook) || m.hook.slot->body[PEEPS_MUTEX_ACQUIRES_WORD] != 1)
		bad |= 16;
	if (memcmp(text_at(m.hook.slot->name), "kept across fork", 16) != 0)
		bad |= 32;
	(void)peeps_mutex_unlock(&m);
	return bad;
}

static void fork__wrapper_used_in_parent__child_ties_it_anew_in_its_own_segment(void **state)
{
	uint64_t acquires;
	uint8_t id[16];

	(void)state;
	for (int i = 0; i < 3; i++) {
		(void)peeps_mutex_lock(&m);
		(void)peeps_mutex_unlock(&m);
	}
	acquires = m.hook.slot->body[PEEPS_MUTEX_ACQUIRES_WORD];
	memcpy(id, peeps_segment.header->segment_id, 16);
	for (int i = 0; i < 2; i++) {
		const pid_t child = fork();

		if (child == 0)
			_exit(check_child(peeps_process.generation, id));
		assert_int_equal(status_of(child), 0);
	}
	assert_int_equal(m.hook.slot->body[PEEPS_MUTEX_ACQUIRES_WORD], acquires);
	assert_true(peeps_hook_ready(&m.hook));
}

static int check_orphan(void)
{
	const uint64_t acquires = m.hook.slot->body[PEEPS_MUTEX_ACQUIRES_WORD];
	int bad = 0;

	if (process_is_on() || peeps_hook_ready(&m.hook) || self_enter(CALLER_STACK()))
		bad |= 1;
	if (peeps_mutex_lock(&m) != 0 || peeps_mutex_unlock(&m) != 0)
		bad |= 2;
	if (m.hook.slot->body[PEEPS_MUTEX_ACQUIRES_WORD] != acquires)
		bad |= 4; /* the parent's slot */
	return bad;
}

static void child_without_fork_handlers__any_wrapper__telemetry_is_off(void **state)
{
	pid_t child;

	(void)state;
	(void)peeps_mutex_lock(&m);
	(void)peeps_mutex_unlock(&m);
	child = _Fork();
	if (child == 0)
		_exit(check_orphan());
	assert_int_equal(status_of(child), 0);
	child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
	if (child == 0)
		_exit(check_orphan());
	assert_int_equal(status_of(child), 0);
}

static void process_lock__held__every_signal_is_blocked_and_restored(void **state)
{
	sigset_t before, inside, mask, after;

	(void)state;
	(void)pthread_sigmask(SIG_SETMASK, NULL, &before);
	process_lock(&mask);
	(void)pthread_sigmask(SIG_SETMASK, NULL, &inside);
	assert_int_equal(sigismember(&inside, SIGTERM), 1);
	assert_int_equal(sigismember(&inside, SIGRTMAX), 1);
	process_unlock(&mask);
	(void)pthread_sigmask(SIG_SETMASK, NULL, &after);
	assert_memory_equal(&before, &after, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(process_start_once__constructor__on_before_main),
		cmocka_unit_test(
			fork__wrapper_used_in_parent__child_ties_it_anew_in_its_own_segment),
		cmocka_unit_test(child_without_fork_handlers__any_wrapper__telemetry_is_off),
		cmocka_unit_test(process_lock__held__every_signal_is_blocked_and_restored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
