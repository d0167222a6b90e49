#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What is left of a process: kept segments (PEEPS_DIR) and core files.

usage: test_kept.py PEEPS_READ MUTEX_LOCK_ORDER_INVERSION BUSY [core] [sanitized]

With `core`, core files are read, too: peeps-read was built with libelf.
"""
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import tap
from target import PeepsRead, Target

READ = PeepsRead(sys.argv[1])
EXAMPLE, BUSY = sys.argv[2:4]
READS_CORES = 'core' in sys.argv[4:]
CORE_PATTERN = pathlib.Path('/proc/sys/kernel/core_pattern').read_text(encoding='utf-8').strip()
GDB = shutil.which('gdb')


def is_deadlocked(answer):
    return answer.status == 1 and 'deadlock (certain)' in answer.out


def kill(target, number=signal.SIGKILL):
    os.kill(target.pid, number)
    target.process.wait(timeout=60)


def without_age(text):
    """What does not change with the moment when it is read."""
    return re.sub(r', taken .* ago$', '', text, flags=re.MULTILINE)


class Kept(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix='test-kept-', dir='/dev/shm'))
        self.addCleanup(shutil.rmtree, self.directory)
        self.work = pathlib.Path(tempfile.mkdtemp(prefix='test-kept-', dir='.')).resolve()
        self.addCleanup(shutil.rmtree, self.work)

    def start(self, *command, **options):
        target = Target(*command, env={'PEEPS_DIR': str(self.directory)}, **options)
        self.addCleanup(target.__exit__)
        return target

    def start_deadlock(self):
        target = self.start(EXAMPLE)
        answer = READ.until(target.pid, is_deadlocked, 'check')
        self.assertTrue(is_deadlocked(answer), answer)
        return target

    def files(self):
        return sorted(self.directory.glob('*.peeps'))

    def gc(self, *options):
        answer = READ('gc', *options, env={**os.environ, 'PEEPS_DIR': str(self.directory)})
        self.assertEqual(answer.status, 0, answer)
        return answer.out

    def expect_deadlock(self, answer, pid, state=', no more'):
        self.assertEqual(answer.status, 1, answer)
        self.assertIn(f'mutex-lock-order-inversion (pid {pid}{state}): 3 threads, quality quiescent', answer.out)
        self.assertRegex(answer.out, r'beta +lock +mutex left .* alpha')
        self.assertRegex(answer.out, r'alpha +lock +mutex right .* beta')
        self.assertIn('deadlock (certain): 2 threads wait for each other', answer.out)
        self.assertEqual(answer.err, '')

    # --- kept segments

    def test_process__lives__found_by_pid_and_by_file(self):
        target = self.start_deadlock()
        file, = self.files()
        self.assertRegex(file.name, rf'^mutex-lock-order-inversion-{target.pid}-[0-9a-f]{{8}}\.peeps$')
        for word in (target.pid, file):
            answer = READ(word)
            self.assertTrue(is_deadlocked(answer), answer)
            self.assertIn(f'(pid {target.pid}): 3 threads, quality ', answer.out)
            self.assertRegex(answer.out, 'quality (quiescent|passive)')
            self.assertIn('a kept segment is only read', answer.out)

    def test_process__killed__its_deadlock_is_certain_and_grows_no_older(self):
        target = self.start_deadlock()
        kill(target)
        file, = self.files()
        first = READ(file)
        self.expect_deadlock(first, target.pid)
        self.assertIn('what it left when it last moved, at ', first.out)
        time.sleep(0.3)
        self.assertEqual(without_age(READ(file).out), without_age(first.out))
        document = READ.document(file)
        self.assertEqual(document['quality'], 'quiescent')
        self.assertEqual({node['name'] for node in document['nodes']},
                         {'alpha', 'beta', 'heartbeat', 'left', 'right', 'pulse'})
        answer = READ('check', target.pid, env={**os.environ, 'PEEPS_DIR': str(self.directory)})
        self.assertEqual(answer.status, 3, answer)
        self.assertIn(f'\nhint: it left its segment: peeps-read {file}\n', answer.err)
        name = f'mutex-lock-order-inversion-{target.pid}'
        for words in ([name], ['explain', f'mutex:{name}:left']):
            answer = READ(*words, env={**os.environ, 'PEEPS_DIR': str(self.directory)})
            self.assertEqual(answer.status, 3, answer)
            self.assertIn(f'\nhint: it is no more, and left its segment: peeps-read {file}\n', answer.err)
        answer = READ(name[:-1], env={**os.environ, 'PEEPS_DIR': str(self.directory)})
        self.assertNotIn('left its segment', answer.err)

    def test_segment__through_a_pipe__is_read_like_the_file(self):
        target = self.start_deadlock()
        kill(target)
        file, = self.files()
        result = subprocess.run([READ.path, '-'], input=file.read_bytes(), capture_output=True,
                                timeout=60, check=False)
        self.assertEqual((result.returncode, result.stderr), (1, b''))
        self.assertIn(b'deadlock (certain)', result.stdout)
        self.assertNotIn('it left', READ('check', target.pid).err)

    def test_file__copied_elsewhere__is_read_all_the_same(self):
        target = self.start_deadlock()
        kill(target)
        file, = self.files()
        subprocess.run(['cp', '--sparse=always', file, self.work / 'copy'], check=True)
        self.expect_deadlock(READ(self.work / 'copy'), target.pid)
        os.chmod(self.work / 'copy', 0o666)
        self.assertEqual(READ(self.work / 'copy').status, 5)

    def test_busy_process__killed__whole_but_for_threads_that_are_named(self):
        qualities = set()
        for _ in range(20):
            with self.start(BUSY) as target:
                time.sleep(0.02)
                kill(target)
            file, = self.files()
            answer = READ('dump', '-f', 'json', file)
            self.assertIn(answer.status, (0, 7), answer)
            document = json.loads(answer.out)
            qualities.add(document['quality'])
            stuck = [note for note in document['notes'] if 'ended inside an update' in note]
            self.assertEqual(document['quality'], 'partial' if stuck else 'quiescent', document['notes'])
            self.assertEqual(answer.status, 7 if stuck else 0)
            for note in stuck:
                self.assertRegex(note, r'^thread \d+ \(worker-[0-3]\) ended inside an update')
            ids = {node['id'] for node in document['nodes']}
            for edge in document['edges']:
                self.assertLessEqual({edge['src'], edge['dst']}, ids)
            self.assertIn(READ('check', file).status, (0, 7))
            file.unlink()
        print('# qualities:', *sorted(qualities))

    def test_process__ends_well__leaves_nothing(self):
        target = self.start(BUSY, '30')
        self.assertEqual(target.process.wait(timeout=60), 0)
        self.assertEqual(self.files(), [])

    # --- gc

    def test_gc__live_and_dead__only_the_dead_goes(self):
        dead, live = self.start(BUSY), self.start(BUSY)
        kill(dead)
        dead_file, = self.directory.glob(f'*-{dead.pid}-*')
        live_file, = self.directory.glob(f'*-{live.pid}-*')
        for name in ('a.peeps', 'notes.txt'):
            (self.directory / name).write_text('not a segment\n')

        said = self.gc('--dry-run')
        self.assertIn(f'would remove {dead_file.name}: busy (pid {dead.pid}), begun ', said)
        self.assertIn('1 segment to remove, ', said)
        self.assertTrue(dead_file.exists())
        document = json.loads(self.gc('-J', '--dry-run'))
        self.assertEqual({row['file']: (row['state'], row['removed'], row['pid']) for row in document['segments']},
                         {dead_file.name: ('stale', False, dead.pid), live_file.name: ('live', False, live.pid),
                          'a.peeps': ('other', False, None)})

        said = self.gc()
        self.assertRegex(said, rf'^removed {dead_file.name}: busy \(pid {dead.pid}\), begun \S+Z, \d+ KiB\n')
        self.assertIn(': 1 segment removed, ', said)
        self.assertIn('1 of live processes left alone; 1 other file left alone', said)
        self.assertEqual({path.name for path in self.directory.iterdir()}, {live_file.name, 'a.peeps', 'notes.txt'})
        self.assertIn(READ('dump', live.pid).status, (0, 7))
        kill(live)
        self.assertTrue(json.loads(self.gc('--json'))['segments'][1]['removed'])
        self.assertEqual(self.files(), [self.directory / 'a.peeps'])

    def test_gc__no_directory__says_what_to_do(self):
        environment = {key: value for key, value in os.environ.items() if key != 'PEEPS_DIR'}
        answer = READ('gc', env=environment)
        self.assertEqual(answer.status, 2, answer)
        self.assertIn('hint: PEEPS_DIR=', answer.err)
        answer = READ('gc', env={**environment, 'PEEPS_DIR': '/dev/shm/there is none'})
        self.assertEqual(answer.status, 3, answer)
        self.assertIn('hint: ', answer.err)
        os.chmod(self.directory, 0o777)
        answer = READ('gc', env={**environment, 'PEEPS_DIR': str(self.directory)})
        self.assertEqual(answer.status, 5, answer)

    # --- core files

    def abort(self, target):
        """Its core file, written by the kernel."""
        resource.prlimit(target.pid, resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        kill(target, signal.SIGABRT)
        files = list(self.work.glob('*core*'))
        self.assertEqual(len(files), 1, f'core_pattern is {CORE_PATTERN!r}')
        return files[0]

    def start_here(self, **environment):
        target = Target('/bin/sh', '-c', f'cd {self.work} && exec {os.path.abspath(EXAMPLE)}', env=environment)
        self.addCleanup(target.__exit__)
        answer = READ.until(target.pid, is_deadlocked, 'check')
        self.assertTrue(is_deadlocked(answer), answer)
        return target

    @unittest.skipUnless(READS_CORES, 'built without libelf')
    @unittest.skipIf('|' in CORE_PATTERN or '/' in CORE_PATTERN, 'core files go elsewhere on this machine')
    def test_core__of_an_abort__has_the_deadlock(self):
        target = self.start_here()
        file = self.abort(target)
        answer = READ(file)
        self.expect_deadlock(answer, target.pid, state='')
        self.assertIn('note: from a core file: the process as it was when it last moved, at ', answer.out)
        # cut off where the segment is, wherever that is: an error, or all that was needed
        os.truncate(file, file.stat().st_size // 2)
        answer = READ(file)
        self.assertIn(answer.status, (1, 6), answer)

    @unittest.skipUnless(READS_CORES, 'built without libelf')
    @unittest.skipIf('|' in CORE_PATTERN or '/' in CORE_PATTERN, 'core files go elsewhere on this machine')
    def test_core__of_a_process_that_kept_its_segment__leads_to_that(self):
        target = self.start_here(PEEPS_DIR=str(self.directory))
        core = self.abort(target)
        file, = self.files()
        answer = READ(core)
        self.assertEqual(answer.status, 6, answer)
        self.assertIn('was not dumped', answer.err)
        hint = re.search(r'^hint: .* peeps-read (\S+)$', answer.err, re.MULTILINE)
        self.assertEqual(hint.group(1), str(file), answer)
        self.expect_deadlock(READ(file), target.pid)

    @unittest.skipUnless(READS_CORES, 'built without libelf')
    @unittest.skipUnless(GDB, 'gdb is not installed')
    @unittest.skipIf('sanitized' in sys.argv, "a sanitizer's mappings take gdb minutes")
    def test_core__by_gdb_of_a_living_process__has_the_deadlock(self):
        target = self.start_here()
        file = self.work / 'core'
        subprocess.run([GDB, '-nx', '-batch', '-p', str(target.pid), '-ex', f'generate-core-file {file}'],
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       env={**os.environ, 'DEBUGINFOD_URLS': ''}, timeout=60, check=False)
        self.assertTrue(file.exists(), 'gdb wrote none')
        answer = READ(file)
        self.assertTrue(is_deadlocked(answer), answer)

    @unittest.skipIf(READS_CORES, 'built with libelf')
    def test_core__built_without_libelf__says_so(self):
        program = bytearray(pathlib.Path('/bin/true').read_bytes())
        program[16] = 4  # ET_CORE
        (self.work / 'core').write_bytes(program)
        answer = READ(self.work / 'core')
        self.assertEqual(answer.status, 6, answer)
        self.assertIn('without libelf', answer.err)


if __name__ == '__main__':
    sys.exit(tap.run_suite(unittest.defaultTestLoader.loadTestsFromTestCase(Kept)))
