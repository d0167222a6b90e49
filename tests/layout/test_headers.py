#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The public headers, as programs include them: every compiler there is, C11 to C++20, all warnings.

usage: test_headers.py SOURCE_ROOT LIBPEEPS LIBPEEPS_DISABLED [sanitized]
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT, LIBRARY, LIBRARY_DISABLED = pathlib.Path(sys.argv[1]), *(pathlib.Path(path).resolve() for path in sys.argv[2:4])
SANITIZED = 'sanitized' in sys.argv[4:]
sys.path.insert(0, str(ROOT / 'tests' / 'e2e'))
import tap  # noqa: E402

WARNINGS = ['-Wall', '-Wextra', '-Wpedantic', '-Werror', '-Wshadow', '-Wundef']
LANGUAGES = {
    'c11': (('gcc', 'clang'), ['-std=c11', '-D_POSIX_C_SOURCE=200809L', '-Wstrict-prototypes', '-Wmissing-prototypes']),
    'gnu17': (('gcc', 'clang'), ['-std=gnu17']),
    'c++11': (('g++', 'clang++'), ['-std=c++11']),
    'c++17': (('g++', 'clang++'), ['-std=c++17']),
    'c++20': (('g++', 'clang++'), ['-std=c++20']),
}

USE = r'''
#include <peeps/peeps.h>
#include <time.h>
static struct peeps_mutex fixed = PEEPS_MUTEX_INIT("fixed");
extern struct peeps_mutex visible;
struct peeps_mutex visible = PEEPS_MUTEX_INIT("visible");
extern int use(struct peeps_mutex *m, const struct timespec *when);
int use(struct peeps_mutex *m, const struct timespec *when)
{
	int sum = peeps_mutex_init(m, "named", 0);
	sum += peeps_mutex_lock(m) + peeps_mutex_unlock(m);
	sum += peeps_mutex_trylock(m) + peeps_mutex_timedlock(m, when);
	sum += peeps_mutex_lock(&fixed) + peeps_mutex_unlock(&fixed);
	peeps_thread_name("me");
	return sum + peeps_mutex_destroy(m);
}
extern void use_registry(const char *name);
void use_registry(const char *name)
{
	const struct peeps_ref me = peeps_actor_self();
	const struct peeps_ref lock = peeps_entity_new(PEEPS_KIND_MUTEX, name);
	const struct peeps_ref noted = peeps_entity_new_noted(PEEPS_KIND_RWLOCK, name, "note");
	const struct peeps_ref foreign = peeps_entity_foreign("request:other-1:a");
	const struct peeps_ref op = peeps_op_begin(me, PEEPS_OP_LOCK, lock, 0);
	const struct peeps_ref link = peeps_link(PEEPS_EDGE_HOLDS, noted, me);
	const struct peeps_scope scope = peeps_scope_new(PEEPS_SCOPE_KIND_USER, name);
	peeps_entity_set(lock, PEEPS_ATTR_MUTEX_HOLDER, me.bits);
	peeps_op_detail(op, PEEPS_DETAIL_LOCK_UNTIL, 1);
	peeps_op_pend(op);
	peeps_op_poll(op);
	peeps_op_resume(op);
	if (name)
		peeps_op_end(op, PEEPS_STATE_DONE);
	else
		peeps_op_fail(op, 1);
	peeps_unlink(link);
	peeps_scope_add(scope, lock);
	peeps_scope_end(scope);
	peeps_entity_end(foreign);
	peeps_entity_end(noted);
	peeps_entity_end(lock);
}
extern int use_notify(const char *name);
int use_notify(const char *name)
{
	struct peeps_notify *n;
	int sum = peeps_notify_new(&n, name);
	peeps_notify_one(n);
	peeps_notify_all(n);
	sum += peeps_notify_wait(n) + peeps_notify_try_wait(n) + peeps_notify_timed_wait(n, 1);
	peeps_notify_free(n);
	return sum;
}
extern int use_task(const char *name);
int use_task(const char *name)
{
	const struct peeps_ref task = peeps_task_new(name);
	const struct peeps_ref before = peeps_task_enter(task);
	const int slept = peeps_sleep_ns(1000);
	peeps_task_leave(before);
	peeps_task_end(task);
	return slept;
}
extern int use_sem(struct peeps_sem *s);
int use_sem(struct peeps_sem *s)
{
	int sum = s ? 0 : peeps_sem_new(&s, "sem", 3);
	sum += peeps_sem_acquire(s, 2) + peeps_sem_try_acquire(s, 1) + peeps_sem_timed_acquire(s, 1, 5);
	sum += peeps_sem_release(s, 4);
	peeps_sem_free(s);
	return sum;
}
extern int use_mpsc(size_t capacity);
int use_mpsc(size_t capacity)
{
	struct peeps_mpsc_tx *tx, *other;
	struct peeps_mpsc_rx *rx;
	int item = 0;
	int sum = peeps_mpsc_new(&tx, &rx, "mpsc", sizeof(item), capacity);
	other = peeps_mpsc_tx_clone(tx);
	peeps_mpsc_tx_moved(other);
	peeps_mpsc_rx_moved(rx);
	sum += peeps_mpsc_send(tx, &item) + peeps_mpsc_try_send(other, &item) + peeps_mpsc_timed_send(tx, &item, 1);
	sum += peeps_mpsc_recv(rx, &item) + peeps_mpsc_try_recv(rx, &item) + peeps_mpsc_timed_recv(rx, &item, 1);
	peeps_mpsc_tx_close(tx);
	peeps_mpsc_rx_close(rx);
	peeps_mpsc_tx_free(other);
	peeps_mpsc_tx_free(tx);
	peeps_mpsc_rx_free(rx);
	return sum;
}
extern int use_oneshot(void);
int use_oneshot(void)
{
	struct peeps_oneshot_tx *tx;
	struct peeps_oneshot_rx *rx;
	int item = 0;
	int sum = peeps_oneshot_new(&tx, &rx, "oneshot", sizeof(item));
	peeps_oneshot_tx_moved(tx);
	peeps_oneshot_rx_moved(rx);
	sum += peeps_oneshot_tx_is_closed(tx) + (item ? 0 : peeps_oneshot_send(tx, &item));
	if (item)
		peeps_oneshot_tx_free(tx);
	sum += peeps_oneshot_recv(rx, &item) + peeps_oneshot_try_recv(rx, &item) + peeps_oneshot_timed_recv(rx, &item, 1);
	peeps_oneshot_rx_close(rx);
	peeps_oneshot_rx_free(rx);
	return sum;
}
static int add_one(void *value, void *context)
{
	(void)context;
	return ++*(int *)value;
}
extern int use_watch(void);
int use_watch(void)
{
	struct peeps_watch_tx *tx;
	struct peeps_watch_rx *rx, *clone, *late;
	int item = 0;
	int sum = peeps_watch_new(&tx, &rx, "watch", sizeof(item), &item);
	clone = peeps_watch_rx_clone(rx);
	late = peeps_watch_subscribe(tx);
	peeps_watch_tx_moved(tx);
	peeps_watch_rx_moved(clone);
	sum += peeps_watch_send(tx, &item) + peeps_watch_replace(tx, &item) + peeps_watch_modify(tx, add_one, 0);
	sum += peeps_watch_tx_is_closed(tx) + peeps_watch_has_changed(rx);
	sum += peeps_watch_changed(rx, &item) + peeps_watch_timed_changed(clone, &item, 1);
	sum += (int)(peeps_watch_borrow(late, &item) + peeps_watch_borrow_and_update(late, &item) + peeps_watch_tx_borrow(tx, &item));
	peeps_watch_tx_free(tx);
	peeps_watch_rx_free(rx);
	peeps_watch_rx_free(clone);
	peeps_watch_rx_free(late);
	return sum;
}
extern int use_broadcast(void);
int use_broadcast(void)
{
	struct peeps_broadcast_tx *tx, *clone;
	struct peeps_broadcast_rx *rx, *late, *other;
	uint64_t missed = 0;
	int item = 0;
	int sum = peeps_broadcast_new(&tx, &rx, "broadcast", sizeof(item), 4, PEEPS_BROADCAST_LOSSY);
	clone = peeps_broadcast_tx_clone(tx);
	late = peeps_broadcast_subscribe(tx);
	other = peeps_broadcast_rx_clone(rx);
	peeps_broadcast_tx_moved(clone);
	peeps_broadcast_rx_moved(late);
	sum += peeps_broadcast_send(tx, &item) + peeps_broadcast_try_send(clone, &item);
	sum += peeps_broadcast_timed_send(tx, &item, 1) + peeps_broadcast_recv(rx, &item, &missed);
	sum += peeps_broadcast_try_recv(late, &item, 0) + peeps_broadcast_timed_recv(other, &item, &missed, 1);
	peeps_broadcast_tx_free(clone);
	peeps_broadcast_tx_free(tx);
	peeps_broadcast_rx_free(late);
	peeps_broadcast_rx_free(other);
	peeps_broadcast_rx_free(rx);
	return sum;
}
'''
# Where C++ has places that C has not. Of the wrappers, whatever can be: each runs, and what it returns is added up.
USE_CXX = r'''
#include <pthread.h>
#include <stdint.h>
#include <string>
#include <utility>
#include <vector>

struct peeps_mutex at_global_scope = PEEPS_MUTEX_INIT("at global scope");
static struct peeps_rwlock rwlock_at_global_scope = PEEPS_RWLOCK_INIT("rwlock at global scope");

namespace outer {
namespace {
struct peeps_mutex unnamed = PEEPS_MUTEX_INIT("in an unnamed namespace");
}

struct Holder {
	static struct peeps_mutex shared;
	struct peeps_mutex own;
	struct peeps_ref entity;

	explicit Holder(const std::string &name) : own(), entity(peeps_entity_new(PEEPS_KIND_NOTIFY, name.c_str()))
	{
		(void)peeps_mutex_init(&own, name.c_str(), nullptr);
	}
	~Holder()
	{
		peeps_entity_end(entity);
		(void)peeps_mutex_destroy(&own);
	}
	Holder(const Holder &) = delete;
	Holder &operator=(const Holder &) = delete;
};
struct peeps_mutex Holder::shared = PEEPS_MUTEX_INIT("a static member");

struct Lock { /* before main, and after it */
	Lock() { (void)peeps_mutex_lock(&unnamed); }
	~Lock() { (void)peeps_mutex_unlock(&unnamed); }
};
const Lock early;

template <typename Item, size_t capacity> struct Channel {
	struct peeps_mpsc_tx *tx;
	struct peeps_mpsc_rx *rx;

	Channel() : tx(), rx() { (void)peeps_mpsc_new(&tx, &rx, "channel", sizeof(Item), capacity); }
	~Channel()
	{
		peeps_mpsc_tx_free(tx);
		peeps_mpsc_rx_free(rx);
	}
	Channel(const Channel &) = delete;
	Channel &operator=(const Channel &) = delete;
	int move(Item item)
	{
		Item got = Item();
		const int sum = peeps_mpsc_send(tx, &item) + peeps_mpsc_recv(rx, &got);

		return got == item ? sum : 1;
	}
};

template <typename Mutex, typename Body> int locked(Mutex &mutex, Body body)
{
	const int sum = peeps_mutex_lock(&mutex) + body();

	return sum + peeps_mutex_unlock(&mutex);
}

inline int in_an_inline_function()
{
	static struct peeps_mutex local = PEEPS_MUTEX_INIT("a static of an inline function");

	return peeps_mutex_trylock(&local) + peeps_mutex_unlock(&local);
}

int rwlock()
{
	int sum = peeps_rwlock_rdlock(&rwlock_at_global_scope) + peeps_rwlock_unlock(&rwlock_at_global_scope);

	sum += peeps_rwlock_trywrlock(&rwlock_at_global_scope) + peeps_rwlock_unlock(&rwlock_at_global_scope);
	return sum;
}

int semaphore()
{
	struct peeps_sem *sem = nullptr;
	const int sum = peeps_sem_new(&sem, "sem", 2) + peeps_sem_acquire(sem, 2) + peeps_sem_release(sem, 2);

	peeps_sem_free(sem);
	return sum;
}

void kinds()
{
	static const char *const values[] = { "", "open", "shut" };
	const struct peeps_kind_attribute attributes[] = { { "state", peeps_enum_new(values, 3), 0 },
							   { "peer", PEEPS_TYPE_TEXT, 0 } };
	const struct peeps_kind_def def = { "gate", nullptr, PEEPS_ROLE_RESOURCE, PEEPS_VISIBILITY_INTERNAL, attributes, 2 };
	uint32_t attrs[2];
	const struct peeps_ref gate = peeps_entity_new(peeps_kind_new(&def, attrs), "gate");

	peeps_entity_set(gate, attrs[0], 2);
	peeps_entity_set_text(gate, attrs[1], "peer");
	peeps_op_detail(peeps_op_begin(peeps_actor_self(), PEEPS_OP_LOCK, gate, 0), PEEPS_DETAIL_LOCK_UNTIL,
			peeps_ptime_ns() + 1);
}
} // namespace outer

int main()
{
	const auto task = [](const char *name) {
		const struct peeps_ref self = peeps_task_new(name), before = peeps_task_enter(self);
		const struct peeps_scope scope = peeps_scope_new(PEEPS_SCOPE_KIND_USER, name);

		peeps_scope_add(scope, self);
		peeps_scope_end(scope);
		peeps_task_leave(before);
		peeps_task_end(self);
		return peeps_sleep_ns(1);
	};
	outer::Holder holder("a member");
	outer::Channel<uint64_t, 1> numbers;
	outer::Channel<char, 0> letters;
	int sum = outer::locked(holder.own, [] { return 0; }) + outer::locked(outer::Holder::shared, [&] {
		return outer::locked(at_global_scope, [&task] { return task("a task"); });
	});
	void *(*const thread)(void *) = [](void *nothing) -> void * {
		peeps_thread_name("a thread");
		return nothing;
	};
	pthread_t id;

	outer::kinds();
	sum += outer::in_an_inline_function() + outer::rwlock() + outer::semaphore() + numbers.move(1) + letters.move('a');
	return sum + pthread_create(&id, nullptr, thread, nullptr) + pthread_join(id, nullptr);
}
'''
MAIN = r'''
#include <peeps/peeps.h>
struct peeps_mutex shared_by_both = PEEPS_MUTEX_INIT("shared by both");
extern int use_other(struct peeps_mutex *m);
int main(void)
{
	const struct peeps_ref entity = peeps_entity_new(PEEPS_KIND_MUTEX, "entity");
	const struct peeps_scope scope = peeps_scope_new(PEEPS_SCOPE_KIND_USER, "scope");
	peeps_scope_add(scope, entity);
	peeps_scope_end(scope);
	peeps_entity_end(entity);
	return peeps_mutex_lock(&shared_by_both) + use_other(&shared_by_both);
}
'''
OTHER = r'''
#include <peeps/peeps.h>
extern int use_other(struct peeps_mutex *m);
int use_other(struct peeps_mutex *m) { return peeps_mutex_unlock(m); }
'''


def installed_headers(folder):
    """As `ninja install` lays them out: what a program gets, and nothing more."""
    target = folder / 'include' / 'peeps'
    target.mkdir(parents=True)
    for part in ('layout', 'writer'):
        listed = re.findall(r"'peeps/([\w.]+)'", (ROOT / part / 'meson.build').read_text())
        for name in listed:
            shutil.copy(ROOT / part / 'peeps' / name, target / name)
        left_out = {path.name for path in (ROOT / part / 'peeps').iterdir()} - set(listed)
        assert not left_out, f'{part}/meson.build does not install {left_out}'
    return folder / 'include'


def compile_(compiler, arguments, text, suffix, folder):
    """The object, or with -fsyntax-only none."""
    source = folder / f'source-{abs(hash((text, tuple(arguments), compiler)))}{suffix}'
    source.write_text(text)
    result = subprocess.run([compiler, *arguments, '-c', str(source), '-o', f'{source}.o'],
                            capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, f'{compiler} {" ".join(arguments)}\n{result.stderr}'
    return f'{source}.o'


def link(compiler, objects, folder, library):
    arguments = [str(library), f'-Wl,-rpath,{library.parent}'] if library else []
    return subprocess.run([compiler, *objects, *arguments, '-lpthread', '-o', str(folder / 'program')],
                          capture_output=True, text=True, timeout=60, check=False)


def expect_run(folder):
    ran = subprocess.run([str(folder / 'program')], timeout=20, check=False,
                         env={**os.environ, 'ASAN_OPTIONS': 'verify_asan_link_order=0'})
    assert ran.returncode == 0, f'exit status {ran.returncode}'


def main():
    scratch = tempfile.TemporaryDirectory()
    folder = pathlib.Path(scratch.name)
    include = installed_headers(folder)
    tests = []
    for language, (compilers, arguments) in LANGUAGES.items():
        suffix = '.cpp' if '++' in language else '.c'
        for compiler in filter(shutil.which, compilers):
            for disabled in (False, True):
                given = [*arguments, *WARNINGS, f'-I{include}', '-O2'] + (['-DPEEPS_DISABLE'] if disabled else [])

                def compiles(compiler=compiler, given=given, suffix=suffix):
                    compile_(compiler, given, USE, suffix, folder)

                def each_alone(compiler=compiler, given=given, suffix=suffix):
                    for header in sorted((include / 'peeps').glob('*.h')):
                        compile_(compiler, [*given, '-Wno-unused', '-fsyntax-only'], f'#include <peeps/{header.name}>\n' * 2 +
                                 'extern int nothing; int nothing;\n', suffix, folder)

                def runs(compiler=compiler, given=given, include=include, disabled=disabled):
                    # Of the two definitions of peeps_tls, a program has one.
                    other = 'hook.h' if disabled else 'disabled.h'
                    headers = ''.join(f'#include <peeps/{path.name}>\n' for path in sorted((include / 'peeps').glob('*.h'))
                                      if path.name != other)
                    result = link(compiler, [compile_(compiler, given, headers + USE_CXX, '.cpp', folder)], folder,
                                  LIBRARY_DISABLED if disabled else LIBRARY)
                    assert result.returncode == 0, result.stderr
                    expect_run(folder)

                # A sanitizer's archive needs the sanitizer of its compiler: the other builds link it.
                if suffix == '.cpp' and not (disabled and SANITIZED):
                    tests.append((f'every_header__in_the_places_that_only_c++_has_{language}_by_{compiler}'
                                  f'{"_with_peeps_disable" if disabled else ""}__runs', runs))
                name = f'{language}_by_{compiler}{"_with_peeps_disable" if disabled else ""}'
                tests.append((f'public_headers__{name}__no_warning', compiles))
                tests.append((f'public_headers__{name}_each_alone__no_warning', each_alone))

    for compiler in filter(shutil.which, ('gcc', 'clang')):
        for disabled in (False, True):
            def example(compiler=compiler, disabled=disabled):
                compile_(compiler, ['-std=gnu11', *WARNINGS, f'-I{include}', '-O2'] + (['-DPEEPS_DISABLE'] if disabled else []),
                         (ROOT / 'examples' / 'home-made-lock.c').read_text(), '.c', folder)

            tests.append((f'home_made_lock_by_{compiler}{"_with_peeps_disable" if disabled else ""}__no_warning', example))

        def objects(disable_main, disable_other, compiler=compiler):
            given = [f'-I{include}', '-O2', '-fPIE']
            return [compile_(compiler, given + (['-DPEEPS_DISABLE'] if disabled else []), text, '.c', folder)
                    for text, disabled in ((MAIN, disable_main), (OTHER, disable_other))]

        def unmixed(compiler=compiler, objects=objects):
            for disabled in (False, True):
                result = link(compiler, objects(disabled, disabled), folder, None if disabled else LIBRARY)
                assert result.returncode == 0, result.stderr
                expect_run(folder)

        def mixed(compiler=compiler, objects=objects):
            for disable_main in (False, True):
                for with_library in (False, True):
                    result = link(compiler, objects(disable_main, not disable_main), folder, LIBRARY if with_library else None)
                    assert result.returncode != 0, f'linked, main {"disabled" if disable_main else "enabled"}'
                    assert 'peeps' in result.stderr, result.stderr

        tests.append((f'peeps_disable__in_all_files_or_in_none_by_{compiler}__links_and_runs', unmixed))
        tests.append((f'peeps_disable__in_some_files_by_{compiler}__does_not_link', mixed))
    return tap.run(tests)


if __name__ == '__main__':
    sys.exit(main())
