/* SPDX-License-Identifier: MIT */
/*
 * event-loop - one thread, several tasks, and each waits for several things at once
 *
 * A run loop such as event-driven programs and schedulers of coroutines have: what a task waits for are file
 * descriptors, and when one is ready, the loop lets the task go on. To show that, tell the registry:
 *
 *	peeps_kind_new(), peeps_entity_new()	what there is to wait for
 *	peeps_op_begin()	a task begins to wait for it; any of its operations will do to let it go on
 *	peeps_op_pend()		it has tried, and cannot go on
 *	peeps_op_poll()		it has tried again, in vain
 *	peeps_op_resume()	what it waited for is there
 *	peeps_op_end()		and it is done with it
 *
 * A guest orders two dishes at once, and rings for each; then he waits for the meal, or for closing time. The
 * kitchen waits for the bell, or for closing time. But a bell that rings twice before anybody looks has rung once:
 * the kitchen, which cooks a dish per ring, waits for a second ring that was lost, with the meal half done, and
 * the guest for the meal. A clock ticks on. Prints its PID and runs until it is killed.
 *
 *	event-loop             the lost event
 *	event-loop --draining  the kitchen takes all orders when the bell rings: the same program without the mistake
 */
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <peeps/peeps.h>

#define MILLISECOND   1000000L
#define HOUR          3600L /* s */
#define DISHES        2     /* of a meal */
#define WAITS_MAX     2     /* of a task */
#define CLOSING_HOURS 8

/* --- the loop --- */

struct source { /* what can be waited for */
	int fd;
	struct peeps_ref entity;
};

struct wait {
	struct source *source;
	struct peeps_ref op; /* null: not waited for at the moment */
};

struct task {
	struct peeps_ref actor;
	struct wait waits[WAITS_MAX];
	void (*go_on)(struct task *task, struct source *ready);
};

static void begin_at(struct task *task, struct wait *wait, struct source *source,
		     struct peeps_site *site)
{
	wait->source = source;
	wait->op = peeps_op_begin_at(task->actor, PEEPS_OP_NOTIFY_WAIT, source->entity, 0, site);
	peeps_op_pend(wait->op);
}

/* So that the place shown is the task's, not a line of the loop's. */
#define begin(task, wait, source) begin_at((task), (wait), (source), PEEPS_HERE)

/* Look without waiting: ready, or one more poll in vain. */
static void look(struct task *task, struct wait *wait)
{
	struct pollfd poll_fd = { .fd = wait->source->fd, .events = POLLIN };
	struct peeps_ref before;

	if (poll(&poll_fd, 1, 0) != 1) {
		peeps_op_poll(wait->op);
		return;
	}
	peeps_op_resume(wait->op);
	before = peeps_task_enter(task->actor);
	task->go_on(task, wait->source);
	peeps_task_leave(before);
	peeps_op_pend(wait->op);
}

static void run(struct task *const *tasks, size_t count)
{
	struct pollfd fds[8 * WAITS_MAX];

	for (;;) {
		nfds_t fd_count = 0;

		for (size_t i = 0; i < count; i++) {
			for (size_t w = 0; w < WAITS_MAX && tasks[i]->waits[w].source; w++)
				fds[fd_count++] =
					(struct pollfd){ .fd = tasks[i]->waits[w].source->fd,
							 .events = POLLIN };
		}
		(void)poll(fds, fd_count, -1);
		for (size_t i = 0; i < count; i++) {
			for (size_t w = 0; w < WAITS_MAX && tasks[i]->waits[w].source; w++)
				look(tasks[i], &tasks[i]->waits[w]);
		}
	}
}

/* --- things to wait for, each of a kind of its own --- */

static uint32_t bell_kind, timer_kind, rings_attribute, interval_attribute;

static void make_kinds(void)
{
	static const struct peeps_kind_attribute of_bell = { "rings", PEEPS_TYPE_COUNT, 0 };
	static const struct peeps_kind_attribute of_timer = { "interval_ns", PEEPS_TYPE_NS_DURATION,
							      0 };
	static const struct peeps_kind_def bell = {
		.name = "bell",
		.role = PEEPS_ROLE_RESOURCE,
		.attributes = &of_bell,
		.attribute_count = 1,
	};
	static const struct peeps_kind_def timer = {
		.name = "timer",
		.role = PEEPS_ROLE_RESOURCE,
		.visibility = PEEPS_VISIBILITY_INTERNAL, /* waits for time are no news */
		.attributes = &of_timer,
		.attribute_count = 1,
	};

	bell_kind = peeps_kind_new(&bell, &rings_attribute);
	timer_kind = peeps_kind_new(&timer, &interval_attribute);
}

static void check(int fd)
{
	if (fd < 0) {
		perror("event-loop");
		exit(EXIT_FAILURE);
	}
}

static struct source make_bell(const char *name)
{
	const struct source bell = { eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
				     peeps_entity_new(bell_kind, name) };

	check(bell.fd);
	return bell;
}

static struct source make_timer(const char *name, time_t s, long ns)
{
	const struct itimerspec time = { { s, ns }, { s, ns } };
	const struct source timer = { timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC),
				      peeps_entity_new(timer_kind, name) };

	check(timer.fd);
	check(timerfd_settime(timer.fd, 0, &time, NULL));
	peeps_entity_set(timer.entity, interval_attribute, (uint64_t)s * 1000000000 + (uint64_t)ns);
	return timer;
}

static void ring(struct source *bell, uint64_t *rings)
{
	const uint64_t once = 1;

	peeps_entity_set(bell->entity, rings_attribute, ++*rings);
	(void)!write(bell->fd, &once, sizeof(once));
}

/* However often it rang. */
static void hear(const struct source *source)
{
	uint64_t times;

	(void)!read(source->fd, &times, sizeof(times));
}

/* --- the program --- */

static struct source orders, meal, closing, tick;
static struct task guest, kitchen, time_piece;
static uint64_t order_rings, meal_rings;
static unsigned int orders_queued, dishes_done;
static struct peeps_ref cooking; /* the meal that is half done */
static bool draining;

static void order(void)
{
	for (int dish = 0; dish < DISHES; dish++) {
		orders_queued++;
		ring(&orders, &order_rings);
	}
}

static void guest_goes_on(struct task *task, struct source *ready)
{
	(void)task;
	hear(ready);
	if (ready == &closing)
		exit(EXIT_SUCCESS);
	order();
}

static void cook(void)
{
	if (dishes_done == 0) /* under way, and nobody waits for it: active */
		cooking = peeps_op_begin(kitchen.actor, PEEPS_OP_SEND, meal.entity, 0);
	orders_queued--;
	if (++dishes_done < DISHES)
		return;
	dishes_done = 0;
	peeps_op_end(cooking, PEEPS_STATE_DONE);
	ring(&meal, &meal_rings);
}

static void kitchen_goes_on(struct task *task, struct source *ready)
{
	(void)task;
	hear(ready);
	if (ready == &closing)
		exit(EXIT_SUCCESS);
	do
		cook();
	while (draining && orders_queued);
}

static void time_goes_on(struct task *task, struct source *ready)
{
	(void)task;
	hear(ready);
}

int main(int argc, char **argv)
{
	static struct task *const tasks[] = { &guest, &kitchen, &time_piece };

	draining = argc > 1 && strcmp(argv[1], "--draining") == 0;
	peeps_thread_name("loop");
	make_kinds();
	orders = make_bell("orders");
	meal = make_bell("meal");
	closing = make_timer("closing", CLOSING_HOURS * HOUR, 0);
	tick = make_timer("tick", 0, 10 * MILLISECOND);
	guest = (struct task){ .actor = peeps_task_new("guest"), .go_on = guest_goes_on };
	kitchen = (struct task){ .actor = peeps_task_new("kitchen"), .go_on = kitchen_goes_on };
	time_piece = (struct task){ .actor = peeps_task_new("clock"), .go_on = time_goes_on };
	begin(&guest, &guest.waits[0], &meal);
	begin(&guest, &guest.waits[1], &closing);
	begin(&kitchen, &kitchen.waits[0], &orders);
	begin(&kitchen, &kitchen.waits[1], &closing);
	begin(&time_piece, &time_piece.waits[0], &tick);
	order();
	(void)printf("%ld\n", (long)getpid());
	(void)fflush(stdout);
	run(tasks, sizeof(tasks) / sizeof(tasks[0]));
}
