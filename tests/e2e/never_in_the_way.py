#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the scenes of one theme: peeps must change nothing of what a program does.

usage: never_in_the_way.py THEME READER PROGRAM PLAIN_PROGRAM [SCENE...]

The results of each scene, compiled with PEEPS_DISABLE, are compared with those under telemetry while a reader cuts as
fast as it can, with PEEPS=0, with its segment kept in a PEEPS_DIR, and with room for one of everything. What the segment says of itself must fit: waits and
acquisitions recorded in the first case, losses counted in the last.
"""
import os
import re
import signal
import subprocess
import sys
import tempfile

import tap
from way_scenes import SCENES

TIMEOUT_S = 30
NO_ROOM = 'entities=1,edges=1,threads=1,text=64,sites=1'
LOSSES = re.compile(r'\b(?:dropped_\w+|overflow_threads|truncated_text)=(\d+)')


class Run:
    """One run of a scene: its output, and what its segment said."""

    def __init__(self, program, scene, environment, reader=None):
        env = dict(os.environ)
        for name in ('PEEPS', 'PEEPS_NAME', 'PEEPS_CAPACITY', 'PEEPS_DIR'):
            env.pop(name, None)
        env.update(environment)
        self.reader_says = ''
        self.reader_status = 0
        process = subprocess.Popen([program, scene], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, start_new_session=True)
        watcher = None
        try:
            if reader:
                watcher = subprocess.Popen([reader, str(process.pid)], stdout=subprocess.PIPE,
                                           stderr=subprocess.STDOUT)
                self.reader_says = watcher.stdout.readline().decode()  # the scene begins when it is attached
            out, err = process.communicate(b'\n', timeout=TIMEOUT_S)
            self.status = process.returncode
        except subprocess.TimeoutExpired:
            self.status = f'still running after {TIMEOUT_S} s'
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
        finally:
            if watcher:
                try:
                    self.reader_says += watcher.communicate(timeout=10)[0].decode(errors='replace')
                    self.reader_status = watcher.returncode
                except subprocess.TimeoutExpired:
                    watcher.kill()
                    self.reader_status = 'did not end with its target'
        self.out = out.decode(errors='backslashreplace')
        self.err = err.decode(errors='backslashreplace')
        self.pid = process.pid

    def telemetry(self):
        """{key: number} of the scene's own process, from its last report."""
        found = {}
        for line in self.err.splitlines():
            if line.startswith('telemetry ') and f' pid={self.pid} ' in line:
                found = {key: int(value) for key, value in re.findall(r'(\w+)=(\d+)', line)}
        return found

    def losses(self):
        return sum(int(number) for number in LOSSES.findall(
            ' '.join(line for line in self.err.splitlines() if f' pid={self.pid} ' in line)))


def expect_same(plain, run):
    differences = []
    if plain.status != run.status:
        differences.append(f'exit status {run.status}, without peeps {plain.status}')
    if plain.out != run.out:
        expected, got = plain.out.splitlines(), run.out.splitlines()
        for line in range(max(len(expected), len(got))):
            a = expected[line] if line < len(expected) else '(nothing)'
            b = got[line] if line < len(got) else '(nothing)'
            if a != b:
                differences.append(f'line {line + 1}: {b!r}, without peeps {a!r}')
                break
    if differences:
        raise AssertionError('\n'.join(differences + ['stderr:'] + run.err.splitlines()[-12:]))


def check_plain(plain, wants):
    if plain.status != wants.get('status', 0) or 'WRONG' in plain.out or 'telemetry' in plain.err:
        raise AssertionError(f'the scene itself fails: {plain.status}\n{plain.out}{plain.err}')
    if not plain.out:
        raise AssertionError('the scene has no result')


def check_observed(plain, run, wants):
    expect_same(plain, run)
    told = run.telemetry()
    if run.reader_status != 0:
        raise AssertionError(f'the reader: {run.reader_status}\n{run.reader_says}')
    if not wants.get('reported', True):
        return
    if told.get('own') != 1:
        raise AssertionError(f'no segment of its own: {run.err}')
    for key in wants.get('at_least_one', ('acquires', 'waits')):
        if told.get(key, 0) < 1:
            raise AssertionError(f'{key}: none recorded; {told}')
    if not wants.get('reader', True):
        return
    if not run.reader_says.startswith('attached'):
        raise AssertionError(f'the reader was not there: {run.reader_says}')
    cuts = int(re.search(r'cuts=(\d+)', run.reader_says).group(1))
    if told['epoch'] < 2 or cuts < 1:
        raise AssertionError(f'never cut while it ran: {told}, {run.reader_says}')


def check_kept(plain, run, wants):
    expect_same(plain, run)
    if run.reader_status != 0:
        raise AssertionError(f'the reader: {run.reader_status}\n{run.reader_says}')
    told = run.telemetry()
    if wants.get('reported', True) and (told.get('own'), told.get('kept')) != (1, wants.get('kept', 1)):
        raise AssertionError(f'kept: {told.get("kept")}; {run.err}')


def check_no_room(plain, run, wants):
    expect_same(plain, run)
    if wants.get('reported', True) and wants.get('losses', True) and run.losses() == 0:
        raise AssertionError(f'nothing counted as lost: {run.err}')


def main():
    theme, reader, program, plain_program, *chosen = sys.argv[1:]
    tests = []
    for scene, wants in SCENES[theme].items():
        if chosen and scene not in chosen:
            continue
        plain = {}

        def run_plain(scene=scene, wants=wants, plain=plain):
            plain['run'] = Run(plain_program, scene, {})
            check_plain(plain['run'], wants)

        def observed(scene=scene, wants=wants, plain=plain):
            watch = reader if wants.get('reader', True) else None
            check_observed(plain['run'], Run(program, scene, {}, watch), wants)

        def off(scene=scene, plain=plain):
            run = Run(program, scene, {'PEEPS': '0'})
            expect_same(plain['run'], run)
            if 'telemetry' in run.err:
                raise AssertionError(f'PEEPS=0, and yet: {run.err}')

        def kept(scene=scene, wants=wants, plain=plain):
            watch = reader if wants.get('reader', True) else None
            with tempfile.TemporaryDirectory(prefix='way-', dir='/dev/shm') as directory:
                check_kept(plain['run'], Run(program, scene, {'PEEPS_DIR': directory}, watch), wants)

        def no_room(scene=scene, wants=wants, plain=plain):
            check_no_room(plain['run'], Run(program, scene, {'PEEPS_CAPACITY': NO_ROOM}), wants)

        def garbage(scene=scene, wants=wants, plain=plain):
            for environment in wants['environments']:
                try:
                    expect_same(plain['run'], Run(program, scene, environment))
                except AssertionError as error:
                    raise AssertionError(f'{str(environment)[:200]}: {error}') from error

        tests += [(f'{theme}__{scene}_with_peeps_disabled__works', run_plain),
                  (f'{theme}__{scene}_while_a_reader_cuts__same_results', observed),
                  (f'{theme}__{scene}_with_peeps_0__same_results', off),
                  (f'{theme}__{scene}_with_its_segment_kept__same_results', kept),
                  (f'{theme}__{scene}_with_room_for_one__same_results_and_losses_counted', no_room)]
        if 'environments' in wants:
            tests.append((f'{theme}__{scene}_with_garbage_in_the_environment__same_results', garbage))
    return tap.run(tests)


if __name__ == '__main__':
    sys.exit(main())
