#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The public headers, as programs include them: every compiler there is, C11 and C++17, all warnings.

usage: test_headers.py SOURCE_ROOT LIBPEEPS
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT, LIBRARY = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
sys.path.insert(0, str(ROOT / 'tests' / 'e2e'))
import tap  # noqa: E402

WARNINGS = ['-Wall', '-Wextra', '-Wpedantic', '-Werror', '-Wshadow', '-Wundef']
LANGUAGES = {
    'c11': (('gcc', 'clang'), ['-std=c11', '-D_POSIX_C_SOURCE=200809L', '-Wstrict-prototypes', '-Wmissing-prototypes']),
    'gnu17': (('gcc', 'clang'), ['-std=gnu17']),
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


def link(compiler, objects, folder, with_library):
    arguments = [str(LIBRARY), f'-Wl,-rpath,{LIBRARY.parent}'] if with_library else []
    return subprocess.run([compiler, *objects, *arguments, '-lpthread', '-o', str(folder / 'program')],
                          capture_output=True, text=True, timeout=60, check=False)


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
                result = link(compiler, objects(disabled, disabled), folder, not disabled)
                assert result.returncode == 0, result.stderr
                ran = subprocess.run([str(folder / 'program')], timeout=20, check=False,
                                     env={**os.environ, 'ASAN_OPTIONS': 'verify_asan_link_order=0'})
                assert ran.returncode == 0, f'exit status {ran.returncode}'

        def mixed(compiler=compiler, objects=objects):
            for disable_main in (False, True):
                for with_library in (False, True):
                    result = link(compiler, objects(disable_main, not disable_main), folder, with_library)
                    assert result.returncode != 0, f'linked, main {"disabled" if disable_main else "enabled"}'
                    assert 'peeps' in result.stderr, result.stderr

        tests.append((f'peeps_disable__in_all_files_or_in_none_by_{compiler}__links_and_runs', unmixed))
        tests.append((f'peeps_disable__in_some_files_by_{compiler}__does_not_link', mixed))
    return tap.run(tests)


if __name__ == '__main__':
    sys.exit(main())
