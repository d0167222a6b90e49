/* SPDX-License-Identifier: MIT */
/*
 * Cuts of a process that lives: its threads write sections as docs/protocol.md says, without the writer's code, and
 * stop, sleep, vanish or exec inside and outside of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <peeps/atomic.h>
#include "reader/cut/cut.h"
#include "reader/decode/decode.h"
#include "reader/target/proc.h"
#include "tests/support/fake_process.h"

#define CUTS 20000

struct live {
	struct fake_segment segment;
	uint32_t thread; /* its record is 1 */
	uint32_t left, right;
};

static struct live live; /* the child's */

/* --- a writer of one thread and two mutexes ------------------------------------------------------------------------- */

static uint64_t begin(struct peeps_thread *record)
{
	peeps_increment_release(&record->txn);
	peeps_store_relaxed(&record->write_set[0],
			    fake_write_set_of(&live.segment, &live.segment.entities[live.left]) |
				    2);
	peeps_store_relaxed(&record->write_set[1],
			    fake_write_set_of(&live.segment, &live.segment.entities[live.right]));
	peeps_barrier_compiler(); /* A */
	return peeps_load_acquire(&live.segment.control->epoch);
}

static void touch(struct peeps_entity_slot *slot, uint64_t epoch)
{
	const uint64_t *hot = &slot->status;

	if (peeps_load_relaxed(&slot->epoch) == epoch)
		return;
	peeps_fence_release(); /* F */
	for (int i = 0; i < PEEPS_HOT_WORDS; i++)
		peeps_store_relaxed(&slot->shadow[i], peeps_load_relaxed(&hot[i]));
	peeps_store_release(&slot->epoch, epoch); /* B */
	peeps_fence_release();                    /* D */
}

/* Both mutexes always have the same number: whoever sees two sees half a section. */
static void write_both(uint64_t number)
{
	struct peeps_thread *record = &live.segment.threads[1];
	struct peeps_entity_slot *left = &live.segment.entities[live.left];
	struct peeps_entity_slot *right = &live.segment.entities[live.right];
	const uint64_t epoch = begin(record);

	touch(left, epoch);
	touch(right, epoch);
	peeps_store_relaxed(&left->body[PEEPS_MUTEX_ACQUIRES_WORD], number);
	peeps_store_relaxed(&right->body[PEEPS_MUTEX_ACQUIRES_WORD], number);
	peeps_increment_release(&record->txn);
}

static void prepare(void)
{
	fake_segment_new(&live.segment);
	fake_segment_adopt(&live.segment);
	live.thread = fake_thread(&live.segment, (uint32_t)getpid(), NULL);
	live.left = fake_entity(&live.segment, PEEPS_KIND_MUTEX, "left");
	live.right = fake_entity(&live.segment, PEEPS_KIND_MUTEX, "right");
	(void)syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0);
}

/* --- children ------------------------------------------------------------------------------------------------------- */

static void write_for_ever(void *unused)
{
	(void)unused;
	prepare();
	fake_process_ready();
	for (uint64_t number = 1;; number++)
		write_both(number);
}

#define ROWS FAKE_MEMBERSHIPS

/* Ends rows and uses them again at once. Both words of a row are always the same number. */
static void use_rows_again(void *unused)
{
	struct peeps_membership_row *rows;

	(void)unused;
	prepare();
	rows = live.segment.memberships;
	fake_section(&live.segment, PEEPS_SECTION_MEMBERSHIPS)->high_water = ROWS;
	fake_process_ready();
	for (uint64_t number = 1;; number++) {
		struct peeps_membership_row *row = &rows[number % ROWS];
		uint64_t epoch = begin(&live.segment.threads[1]);

		peeps_store_relaxed(&row->died, epoch);
		peeps_increment_release(&live.segment.threads[1].txn);

		peeps_store_release(&row->born, 0);
		peeps_fence_release(); /* before the words of the next life */
		peeps_store_relaxed(&row->died, 0);
		peeps_store_relaxed(&row->scope, number);
		peeps_store_relaxed(&row->member, number);
		epoch = begin(&live.segment.threads[1]);
		peeps_store_release(&row->born, epoch);
		peeps_increment_release(&live.segment.threads[1].txn);
	}
}

static void stop_inside(void *unused)
{
	(void)unused;
	prepare();
	(void)begin(&live.segment.threads[1]);
	(void)prctl(PR_SET_NAME, "worker-2");
	fake_process_ready();
	(void)raise(SIGSTOP);
	for (;;)
		(void)pause();
}

static void sleep_inside(void *unused)
{
	(void)unused;
	prepare();
	(void)begin(&live.segment.threads[1]);
	fake_process_rest();
}

/* Runs on inside a section for a while, as if there was little time for it. */
static void dawdle_inside(void *unused)
{
	(void)unused;
	prepare();
	(void)begin(&live.segment.threads[1]);
	fake_process_ready();
	for (int i = 0; i < 150; i++) {
		struct timespec now, end;

		(void)clock_gettime(CLOCK_MONOTONIC, &end);
		do
			(void)clock_gettime(CLOCK_MONOTONIC, &now);
		while (now.tv_sec == end.tv_sec && now.tv_nsec - end.tv_nsec < 1000000);
	}
	live.segment.entities[live.left].body[PEEPS_MUTEX_ACQUIRES_WORD] = 555;
	peeps_increment_release(&live.segment.threads[1].txn);
	for (;;)
		(void)pause();
}

static void spin_inside(void *unused)
{
	(void)unused;
	prepare();
	(void)begin(&live.segment.threads[1]);
	fake_process_ready();
	for (;;)
		;
}

static void rest(void *unused)
{
	(void)unused;
	prepare();
	(void)prctl(PR_SET_NAME, "resting one");
	fake_process_rest();
}

static void exec_another(void *unused)
{
	static char *const words[] = { (char *)"sleep", (char *)"100", NULL };

	(void)unused;
	prepare();
	fake_process_ready();
	(void)raise(SIGSTOP);
	(void)execv("/bin/sleep", words);
}

static void *hold_and_vanish(void *unused)
{
	(void)unused;
	live.thread = fake_thread(&live.segment, (uint32_t)syscall(SYS_gettid), NULL);
	fake_hold(&live.segment, live.left, live.thread, 1000, 0);
	return NULL;
}

static void lose_a_holder(void *unused)
{
	pthread_t thread;

	(void)unused;
	prepare();
	(void)pthread_create(&thread, NULL, hold_and_vanish, NULL);
	(void)pthread_join(thread, NULL);
	fake_process_rest();
}

/* --- tests ---------------------------------------------------------------------------------------------------------- */

struct fixture {
	struct fake_process process;
	struct peeps_target target;
	struct peeps_image image;
	struct peeps_problem problem;
};

static void attach(struct fixture *f)
{
	int r;

	peeps_image_init(&f->image);
	r = peeps_attach(&f->target, f->process.pid, &f->problem);
	if (r)
		fail_msg("attach returned %d: %s", r, f->problem.why);
}

static void start(struct fixture *f, void (*body)(void *))
{
	fake_process_start(&f->process, body, NULL);
	attach(f);
}

static void end(struct fixture *f)
{
	peeps_detach(&f->target);
	peeps_image_deinit(&f->image);
	fake_process_end(&f->process);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t acquires_of(const struct peeps_image *image, size_t position)
{
	assert_true(position < image->entity_count);
	return image->entities[position].body[PEEPS_MUTEX_ACQUIRES_WORD];
}

static void cut__of_a_busy_writer__is_never_half_a_section(void **state)
{
	uint64_t shadows = 0, last = 0;
	struct fixture f;

	(void)state;
	start(&f, write_for_ever);
	for (int i = 0; i < CUTS; i++) {
		assert_int_equal(peeps_cut(&f.target, &f.image, 0, &f.problem), 0);
		assert_int_equal(f.image.quality, PEEPS_QUALITY_CUT);
		assert_int_equal(f.image.entity_count, 3);
		if (acquires_of(&f.image, 1) != acquires_of(&f.image, 2) ||
		    acquires_of(&f.image, 1) < last)
			fail_msg("cut %d: %llu, %llu", i,
				 (unsigned long long)acquires_of(&f.image, 1),
				 (unsigned long long)acquires_of(&f.image, 2));
		last = acquires_of(&f.image, 1);
		shadows += f.image.shadow_answers;
	}
	assert_true(last > 0 && shadows > 0);
	end(&f);
}

static void look__at_a_busy_writer__proves_nothing_of_it(void **state)
{
	struct fixture f;
	int passive = 0;

	(void)state;
	start(&f, write_for_ever);
	/* As long as it takes until the writer has the processor while we look. */
	for (int i = 0; i < 2000 || (passive == 0 && i < 2000000); i++) {
		assert_int_equal(peeps_cut(&f.target, &f.image, PEEPS_CUT_PASSIVE, &f.problem), 0);
		if (f.image.quality == PEEPS_QUALITY_QUIESCENT) {
			assert_int_equal(acquires_of(&f.image, 1), acquires_of(&f.image, 2));
			continue;
		}
		assert_int_equal(f.image.quality, PEEPS_QUALITY_PASSIVE);
		assert_true(f.image.entities[1].uncertain && f.image.entities[2].uncertain);
		passive++;
	}
	assert_true(passive > 0);
	end(&f);
}

static void row__used_again_while_it_is_copied__is_never_half_of_each(void **state)
{
	uint64_t seen = 0;
	struct fixture f;

	(void)state;
	start(&f, use_rows_again);
	for (int i = 0; i < CUTS; i++) {
		assert_int_equal(
			peeps_cut(&f.target, &f.image, i % 2 ? PEEPS_CUT_PASSIVE : 0, &f.problem),
			0);
		for (size_t row = 0; row < f.image.membership_count; row++) {
			const struct peeps_membership_view *view = &f.image.memberships[row];

			if (view->scope != view->member)
				fail_msg("cut %d: %llu, %llu", i, (unsigned long long)view->scope,
					 (unsigned long long)view->member);
		}
		seen += f.image.membership_count;
	}
	assert_true(seen > 0);
	end(&f);
}

static void cut__thread_stopped_inside_a_section__is_partial_at_once(void **state)
{
	struct fixture f;
	uint64_t began;

	(void)state;
	start(&f, stop_inside);
	(void)waitpid(f.process.pid, NULL, WUNTRACED);
	began = now_ms();
	assert_int_equal(peeps_cut(&f.target, &f.image, 0, &f.problem), 0);
	assert_true(now_ms() - began < 300);
	assert_int_equal(f.image.quality, PEEPS_QUALITY_PARTIAL);
	assert_false(f.image.entities[0].uncertain);
	assert_true(f.image.entities[1].uncertain && f.image.entities[2].uncertain);
	assert_int_equal(f.image.note_count, 1);
	assert_non_null(
		strstr(f.image.notes[0], "(worker-2) is stopped inside an update; 2 slots"));
	end(&f);
}

static void cut__thread_sleeping_inside_a_section__is_partial_soon(void **state)
{
	struct fixture f;
	uint64_t began;

	(void)state;
	start(&f, sleep_inside);
	began = now_ms();
	assert_int_equal(peeps_cut(&f.target, &f.image, 0, &f.problem), 0);
	assert_true(now_ms() - began < 500);
	assert_int_equal(f.image.quality, PEEPS_QUALITY_PARTIAL);
	assert_non_null(strstr(f.image.notes[0], "sleeps inside an update"));
	end(&f);
}

static void cut__thread_slow_inside_a_section__is_waited_for(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, dawdle_inside);
	assert_int_equal(peeps_cut(&f.target, &f.image, 0, &f.problem), 0);
	assert_int_equal(f.image.quality, PEEPS_QUALITY_CUT);
	assert_int_equal(acquires_of(&f.image, 1), 555);
	end(&f);
}

static void cut__thread_spinning_inside_a_section__is_given_up_on(void **state)
{
	struct fixture f;
	uint64_t took;

	(void)state;
	start(&f, spin_inside);
	took = now_ms();
	assert_int_equal(peeps_cut(&f.target, &f.image, 0, &f.problem), 0);
	took = now_ms() - took;
	assert_true(took >= 900 && took < 1900);
	assert_int_equal(f.image.quality, PEEPS_QUALITY_PARTIAL);
	assert_non_null(strstr(f.image.notes[0], "did not get on inside an update"));
	end(&f);
}

static void kill_and_leave_zombie(struct fixture *f)
{
	siginfo_t info;

	(void)kill(f->process.pid, SIGKILL);
	(void)waitid(P_PID, (id_t)f->process.pid, &info, WEXITED | WNOWAIT);
}

static void cut__process_died__shows_what_it_left(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, rest);
	kill_and_leave_zombie(&f);
	assert_int_equal(peeps_cut(&f.target, &f.image, 0, &f.problem), 0);
	assert_true(f.image.exited);
	assert_int_equal(f.image.quality, PEEPS_QUALITY_CUT);
	assert_int_equal(f.image.entity_count, 3);
	assert_int_equal(peeps_cut(&f.target, &f.image, PEEPS_CUT_PASSIVE, &f.problem), 0);
	assert_true(f.image.exited);
	assert_int_equal(f.image.quality, PEEPS_QUALITY_QUIESCENT);
	end(&f);
}

static void cut__process_died_inside_a_section__is_partial_at_once(void **state)
{
	struct fixture f;
	uint64_t began;

	(void)state;
	start(&f, spin_inside);
	kill_and_leave_zombie(&f);
	began = now_ms();
	for (unsigned int flags = 0; flags <= PEEPS_CUT_PASSIVE; flags++) {
		assert_int_equal(peeps_cut(&f.target, &f.image, flags, &f.problem), 0);
		assert_true(f.image.exited);
		assert_int_equal(f.image.quality, PEEPS_QUALITY_PARTIAL);
		assert_false(f.image.entities[0].uncertain);
		assert_true(f.image.entities[1].uncertain && f.image.entities[2].uncertain);
		assert_non_null(strstr(f.image.notes[0], "ended inside an update"));
	}
	assert_true(now_ms() - began < 300);
	end(&f);
}

static void cut__process_runs_another_program__is_esrch(void **state)
{
	struct fixture f;
	int r = 0;

	(void)state;
	start(&f, exec_another);
	(void)waitpid(f.process.pid, NULL, WUNTRACED);
	assert_int_equal(peeps_cut(&f.target, &f.image, 0, &f.problem), 0);
	(void)kill(f.process.pid, SIGCONT);
	for (int i = 0; i < 500 && r == 0; i++) {
		(void)usleep(10000);
		r = peeps_cut(&f.target, &f.image, 0, &f.problem);
	}
	assert_int_equal(r, -ESRCH);
	assert_int_equal(f.problem.status, 3);
	end(&f);
}

static void names__read__are_the_kernels(void **state)
{
	struct peeps_graph *graph;
	struct fixture f;

	(void)state;
	start(&f, rest);
	assert_int_equal(peeps_cut(&f.target, &f.image, 0, &f.problem), 0);
	assert_int_equal(peeps_image_read_names(&f.target, &f.image), 0);
	assert_true(f.image.names_read);
	assert_true(f.image.threads[1].exists);
	assert_true(f.image.threads[1].settled);
	assert_string_equal(f.image.threads[1].comm, "resting one");
	assert_non_null(strstr(f.image.cmdline, "test_live"));
	assert_int_equal(peeps_decode(&f.image, 0, &graph), 0);
	assert_string_equal(graph->nodes[0].name, "resting one");
	assert_int_equal(graph->processes[0].pid, f.process.pid);
	assert_int_equal(graph->processes[0].thread_count, 1);
	peeps_graph_free(graph);
	end(&f);
}

static void names__thread_vanished_while_holding__is_gone(void **state)
{
	const struct peeps_value *holder = NULL;
	struct peeps_graph *graph;
	struct fixture f;

	(void)state;
	start(&f, lose_a_holder);
	assert_int_equal(peeps_cut(&f.target, &f.image, 0, &f.problem), 0);
	assert_int_equal(peeps_image_read_names(&f.target, &f.image), 0);
	assert_false(f.image.threads[2].exists);
	assert_int_equal(peeps_decode(&f.image, 0, &graph), 0);
	for (size_t i = 0; i < graph->node_count && !holder; i++)
		holder = peeps_graph_attribute(&graph->nodes[i], "holder");
	if (!holder)
		abort();
	assert_int_equal(holder->type, PEEPS_VALUE_NODE);
	assert_true(graph->nodes[holder->as.node].gone);
	peeps_graph_free(graph);
	end(&f);
}

/* Its pid and tids are not what we call it. */
static void cut__process_in_another_pid_namespace__is_understood(void **state)
{
	struct fixture f;

	(void)state;
	if (geteuid() != 0)
		return;
	fake_process_start_apart(&f.process, sleep_inside, NULL);
	attach(&f);
	assert_int_equal(f.target.header.pid, 1);
	assert_int_equal(peeps_cut(&f.target, &f.image, 0, &f.problem), 0);
	assert_int_equal(f.image.quality, PEEPS_QUALITY_PARTIAL);
	assert_non_null(strstr(f.image.notes[0], "thread 1 (test_live) sleeps inside an update"));
	assert_int_equal(peeps_image_read_names(&f.target, &f.image), 0);
	assert_true(f.image.threads[1].exists);
	assert_string_equal(f.image.threads[1].comm, "test_live");
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut__of_a_busy_writer__is_never_half_a_section),
		cmocka_unit_test(look__at_a_busy_writer__proves_nothing_of_it),
		cmocka_unit_test(row__used_again_while_it_is_copied__is_never_half_of_each),
		cmocka_unit_test(cut__thread_stopped_inside_a_section__is_partial_at_once),
		cmocka_unit_test(cut__thread_sleeping_inside_a_section__is_partial_soon),
		cmocka_unit_test(cut__thread_slow_inside_a_section__is_waited_for),
		cmocka_unit_test(cut__thread_spinning_inside_a_section__is_given_up_on),
		cmocka_unit_test(cut__process_died__shows_what_it_left),
		cmocka_unit_test(cut__process_died_inside_a_section__is_partial_at_once),
		cmocka_unit_test(cut__process_runs_another_program__is_esrch),
		cmocka_unit_test(cut__process_in_another_pid_namespace__is_understood),
		cmocka_unit_test(names__read__are_the_kernels),
		cmocka_unit_test(names__thread_vanished_while_holding__is_gone),
	};

	return cmocka_run_group_tests_name("live", tests, NULL, NULL);
}
