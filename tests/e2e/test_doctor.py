#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`doctor`: what is wrong with a set-up or a process, and how to mend it.

usage: test_doctor.py PEEPS_READ EXAMPLE
"""
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import tap
from target import Answer, PeepsRead, Target

READ = PeepsRead(os.path.abspath(sys.argv[1]))
EXAMPLE = os.path.abspath(sys.argv[2])


class Doctor(unittest.TestCase):
    def examine(self, *targets, **options):
        """(exit status, {about: [(verdict, what)]})"""
        answer = READ('doctor', '-J', *targets, **options)
        self.assertIn(answer.status, (0, 1), answer)
        document = json.loads(answer.out)
        self.assertEqual(answer.status, int(document['verdict'] == 'bad'), answer)
        found = {}
        for check in document['checks']:
            if check['verdict'] != 'ok':
                self.assertTrue(check['remedy'], check)
            found.setdefault(check['about'], []).append((check['verdict'], check['what']))
        return answer.status, found

    def expect(self, found, about, verdict, *words):
        texts = [what for level, what in found.get(about, []) if level == verdict]
        self.assertTrue(any(all(word in what for word in words) for what in texts), found)

    # -- the set-up

    def test_doctor__of_this_machine__finds_nothing_bad(self):
        status, found = self.examine()
        self.assertEqual(status, 0, found)
        self.expect(found, 'reader', 'ok', 'layout 1')
        self.expect(found, 'kernel', 'ok', 'segments')
        self.assertIn('processes', found)

    def test_doctor__of_an_environment__says_what_is_ignored(self):
        status, found = self.examine(env={**os.environ, 'PEEPS': '0'})
        self.assertEqual(status, 1)
        self.expect(found, 'PEEPS', 'bad', 'off')
        for value, word in (('entites=5', 'entites=5'), ('entities', 'no number'), ('text=64X', 'no number'),
                            ('entities=5,edges=', 'edges=')):
            with self.subTest(value=value):
                status, found = self.examine(env={**os.environ, 'PEEPS_CAPACITY': value})
                self.assertEqual(status, 0)
                self.expect(found, 'PEEPS_CAPACITY', 'warn', word)
        _, found = self.examine(env={**os.environ, 'PEEPS_CAPACITY': 'entities=1000000,text=64M', 'PEEPS': '1'})
        self.assertEqual([verdict for verdict, _ in found['PEEPS_CAPACITY']], ['ok'])
        self.assertNotIn('PEEPS', found)
        _, found = self.examine(env={**os.environ, 'PEEPS_NAME': 'x' * 40, 'PEEPS': 'no'})
        self.expect(found, 'PEEPS_NAME', 'warn', '39')
        self.expect(found, 'PEEPS', 'warn', 'on')

    def test_doctor__of_peeps_dir__knows_its_rules(self):
        if not os.access('/dev/shm', os.W_OK):
            self.skipTest('needs a tmpfs')
        with tempfile.TemporaryDirectory(dir='/dev/shm') as folder:
            rows = [(folder, 0o700, 'ok', folder), (folder, 0o755, 'bad', '0700'), (folder, 0o777, 'bad', 'write'),
                    (f'{folder}/later', 0o700, 'ok', 'not there'), ('/proc', 0o700, 'bad', '')]
            for path, mode, verdict, word in rows:
                with self.subTest(path=path, mode=mode):
                    os.chmod(folder, mode)
                    _, found = self.examine(env={**os.environ, 'PEEPS_DIR': path})
                    self.expect(found, 'PEEPS_DIR', verdict, word)
            os.chmod(folder, 0o700)

    # -- a process

    def test_doctor__of_a_healthy_process__finds_nothing_bad(self):
        with Target(EXAMPLE) as target:
            status, found = self.examine(target.pid)
            self.assertEqual(status, 0, found)
            for about in ('process', 'rights', 'library', 'segment', 'room', 'lost', 'threads', 'tick'):
                self.assertEqual([verdict for verdict, _ in found[about]], ['ok'], found)

    def test_doctor__of_two_processes__tells_them_apart(self):
        with Target(EXAMPLE) as one, Target(EXAMPLE) as two:
            answer = READ('doctor', '-J', one.pid, two.pid)
            self.assertEqual({check['pid'] for check in json.loads(answer.out)['checks']}, {one.pid, two.pid})

    def test_doctor__of_nobody__is_bad(self):
        process = subprocess.Popen(['true'])
        process.wait()
        status, found = self.examine(process.pid)
        self.assertEqual(status, 1)
        self.expect(found, 'process', 'bad', 'no process')

    def test_doctor__of_a_program_without_peeps__says_so_by_pid_and_by_name(self):
        with tempfile.TemporaryDirectory() as folder:
            sleep = shutil.copy(shutil.which('sleep'), f'{folder}/slp{os.getpid()}')
            with Target(sleep, '60', ready=False) as target:
                for word in (target.pid, os.path.basename(sleep)):
                    status, found = self.examine(word)
                    self.assertEqual(status, 1)
                    self.expect(found, 'library', 'warn', 'libpeeps')
                    self.expect(found, 'segment', 'bad', 'no peeps segment')

    def test_doctor__of_a_program_that_was_switched_off__says_by_what(self):
        with Target(EXAMPLE, env={'PEEPS': '0'}) as target:
            status, found = self.examine(target.pid)
            self.assertEqual(status, 1)
            self.expect(found, 'PEEPS', 'bad', 'off')
            self.expect(found, 'library', 'ok', 'libpeeps.so')

    def test_doctor__of_a_program_with_a_limit__says_which(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        process = subprocess.Popen([EXAMPLE], stdout=subprocess.PIPE, preexec_fn=limit)
        try:
            process.stdout.readline()
            status, found = self.examine(process.pid)
            self.assertEqual(status, 1)
            self.expect(found, 'limits', 'warn', 'Max file size', '1 MiB')
        finally:
            process.kill()
            process.communicate()

    def test_doctor__of_a_full_segment__names_the_capacity_that_mends_it(self):
        with Target(EXAMPLE, env={'PEEPS_CAPACITY': 'entities=4,bogus=1'}) as target:
            READ.until(target.pid, lambda answer: answer.status == 1, 'doctor')
            answer = READ('doctor', target.pid)
            self.assertEqual(answer.status, 1, answer)
            self.assertIn('bad   lost: ', answer.out)
            self.assertIn('mend: start it with a larger PEEPS_CAPACITY=entities=N', answer.out)
            self.assertIn('4 of 4 rows', answer.out)
            self.assertIn("'bogus=1'", answer.out)

    def test_doctor__of_a_stopped_process__says_so(self):
        with Target(EXAMPLE) as target:
            os.kill(target.pid, signal.SIGSTOP)
            os.waitpid(target.pid, os.WUNTRACED)
            _, found = self.examine(target.pid)
            self.expect(found, 'process', 'warn', 'stopped')

    def test_doctor__of_a_process_that_could_not_keep_its_segment__says_why(self):
        with tempfile.TemporaryDirectory(dir='/dev/shm' if os.access('/dev/shm', os.W_OK) else None) as folder:
            os.chmod(folder, 0o755)
            with Target(EXAMPLE, env={'PEEPS_DIR': folder}) as target:
                _, found = self.examine(target.pid)
                self.expect(found, 'PEEPS_DIR', 'warn', 'not used')

    def test_doctor__of_a_hostile_environment__is_escaped(self):
        with Target(EXAMPLE, env={'PEEPS_NAME': '\x1b[31m\n', 'PEEPS_CAPACITY': '\x1b[32m=\n'}) as target:
            answer = READ('doctor', target.pid)
            self.assertNotIn('\x1b', answer.out)
            self.assertEqual([line for line in answer.out.splitlines()
                              if line.split()[0] not in ('ok', 'warn', 'bad', 'mend:')], [])

    @unittest.skipUnless(os.getuid() == 0 and shutil.which('setpriv'), 'needs root and setpriv, to be somebody else')
    def test_doctor__of_another_users_process__says_whose_it_is(self):
        with Target(EXAMPLE) as target, tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            copy = shutil.copy(READ.path, folder)
            answer = Answer(subprocess.run(['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', copy,
                                            'doctor', str(target.pid)], capture_output=True, timeout=20, check=False))
        self.assertEqual(answer.status, 1, answer)
        self.assertIn("bad   rights: it is not this user's, but root's", answer.out)

    @unittest.skipUnless(os.getuid() == 0 and shutil.which('setpriv'), 'needs root and setpriv, to be somebody else')
    def test_doctor__of_a_process_that_is_not_dumpable__says_so(self):
        # Python drops root, which makes it undumpable, and waits.
        code = 'import os, time; os.setresuid(65534, 65534, 65534); print(flush=True); time.sleep(60)'
        with Target(sys.executable, '-c', code) as target, tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            copy = shutil.copy(READ.path, folder)
            answer = Answer(subprocess.run(['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', copy,
                                            'doctor', str(target.pid)], capture_output=True, timeout=20, check=False))
        self.assertEqual(answer.status, 1, answer)
        self.assertIn('not dumpable', answer.out)

    def test_doctor__of_a_file__is_a_usage_error(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(b'{}')
            file.flush()
            self.assertEqual(READ('doctor', file.name).status, 2)


if __name__ == '__main__':
    sys.exit(tap.run_suite(unittest.TestLoader().loadTestsFromTestCase(Doctor)))
