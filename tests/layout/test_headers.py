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
'''
MAIN = r'''
#include <peeps/peeps.h>
struct peeps_mutex shared_by_both = PEEPS_MUTEX_INIT("shared by both");
extern int use_other(struct peeps_mutex *m);
int main(void) { return peeps_mutex_lock(&shared_by_both) + use_other(&shared_by_both); }
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
