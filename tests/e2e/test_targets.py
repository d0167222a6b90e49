#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a word on the command line means: a process by number or name, a file of any kind, standard input.

usage: test_targets.py PEEPS_READ EXAMPLE
"""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import tap
from target import Answer, PeepsRead, Target

READ = PeepsRead(os.path.abspath(sys.argv[1]))
EXAMPLE = os.path.abspath(sys.argv[2])
NAME = f'target.{os.getpid()}'  # nobody else's on this machine


class Targets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.target = Target(EXAMPLE, env={'PEEPS_NAME': NAME})
        cls.pid = cls.target.pid

    @classmethod
    def tearDownClass(cls):
        cls.target.__exit__()
        cls.scratch.cleanup()

    def expect_error(self, answer, status, *words):
        self.assertEqual(answer.status, status, answer)
        lines = answer.err.splitlines()
        self.assertLessEqual(len(lines), 3, answer)
        self.assertTrue(lines[0].startswith('peeps-read: '), answer)
        self.assertTrue(lines[-1].startswith('hint: '), answer)
        for word in words:
            self.assertIn(word, answer.err)

    def expect_pid(self, *arguments, **options):
        answer = READ('dump', '-f', 'json', *arguments, **options)
        self.assertEqual(answer.status, 0, answer)
        self.assertIn(f'"pid":{self.pid},', answer.out.replace(' ', ''))

    def scratch_file(self, name, content):
        path = os.path.join(self.scratch.name, name)
        with open(path, 'wb') as file:
            file.write(content)
        return path

    # -- names

    def test_name__as_peeps_calls_it__is_the_process(self):
        self.expect_pid(NAME)
        self.expect_pid(f'{NAME}-{self.pid}')

    def test_name__named_twice__is_one_process(self):
        self.expect_pid(NAME, str(self.pid), f'{NAME}-{self.pid}')

    def test_name__of_two__lists_both(self):
        with Target(EXAMPLE, env={'PEEPS_NAME': f'{NAME}.two'}) as one, \
             Target(EXAMPLE, env={'PEEPS_NAME': f'{NAME}.two'}) as two:
            answer = READ('check', f'{NAME}.two')
            self.expect_error(answer, 2, 'is 2 processes', str(one.pid), str(two.pid),
                              f'peeps-read {min(one.pid, two.pid)} {max(one.pid, two.pid)}')

    def test_name__of_nobody__exits_3(self):
        for name in ('no.such.process', NAME.upper(), NAME[:-1], '\x1b[31mred\x1b[0m', 'x' * 5000, '\xff'):
            with self.subTest(name=name):
                answer = READ('check', name)
                self.expect_error(answer, 3)
                self.assertNotIn('\x1b', answer.err)

    def test_name__of_a_program_without_a_segment__exits_4(self):
        sleep = os.path.join(self.scratch.name, f'slp{os.getpid()}')
        shutil.copy(shutil.which('sleep'), sleep)
        with Target(sleep, '60', ready=False) as target:
            answer = READ.until(os.path.basename(sleep), lambda answer: answer.status == 4, 'check')
            self.expect_error(answer, 4, str(target.pid), 'no peeps segment')

    def test_name__that_would_obey_a_terminal__is_escaped(self):
        with Target(EXAMPLE, env={'PEEPS_NAME': '\x1b[31m\n'}):
            self.assertEqual(READ('check', '\x1b[31m\n').status in (0, 1), True)
            self.assertNotIn('\x1b', READ('check', '\x1b[31m\n').out)

    def test_name__of_a_program_in_its_own_folder__is_the_process(self):
        copy = os.path.join(self.scratch.name, f'own.{os.getpid()}')
        shutil.copy(EXAMPLE, copy)
        library = os.path.join(os.path.dirname(EXAMPLE), '../writer')
        with Target(copy, env={'LD_LIBRARY_PATH': library}) as target:
            answer = READ('dump', '-f', 'json', os.path.basename(copy), cwd=self.scratch.name)
            self.assertIn(f'"pid":{target.pid},', answer.out.replace(' ', ''), answer)
            self.expect_error(READ('check', f'./{os.path.basename(copy)}', cwd=self.scratch.name), 6, 'program')

    @unittest.skipUnless(os.getuid() == 0 and shutil.which('setpriv'), 'needs root and setpriv, to be somebody else')
    def test_name__of_another_users_process__exits_5_or_3(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            copy = shutil.copy(READ.path, folder)
            command = os.path.basename(EXAMPLE)[:15]  # what the kernel calls it, which everybody may see
            nobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', copy, 'check']
            by_name = Answer(subprocess.run([*nobody, NAME], capture_output=True, timeout=20, check=False))
            self.expect_error(by_name, 3, 'may not be')
            by_kernel = Answer(subprocess.run([*nobody, command], capture_output=True, timeout=20, check=False))
            self.assertIn(by_kernel.status, (4, 5), by_kernel)  # 4: others on this machine are called so, too
            self.expect_error(by_kernel, by_kernel.status)

    # -- files

    def test_file__none_of_ours__says_what_it_is(self):
        rows = [(b'', 6, 'empty'), (b'hello', 6, 'does not begin'), (b'\0' * 9, 6, 'zeroes'), (b'\x7fELF', 6, 'cut off')]
        for number, (content, status, word) in enumerate(rows):
            with self.subTest(content=content):
                self.expect_error(READ('check', self.scratch_file(f'file{number}', content)), status, word)
        self.expect_error(READ('check', self.scratch.name), 6, 'folder')
        self.expect_error(READ('check', EXAMPLE), 6, 'program', 'start it')
        self.expect_error(READ('check', '/nonexistent/file'), 3)
        self.expect_error(READ('check', '/dev/zero'), 6, 'device')

    def test_file__with_a_hostile_name__is_escaped(self):
        answer = READ('check', self.scratch_file('\x1b[31m\n', b'hello'))
        self.expect_error(answer, 6)
        self.assertNotIn('\x1b', answer.err)

    def test_stdin__nothing_that_is_read_here__says_so(self):
        for content, word in ((b'', 'empty'), (b'hello', 'does not begin'), (b'hello' * 1000000, 'does not begin')):
            with self.subTest(length=len(content)):
                result = subprocess.run([READ.path, 'check', '-'], input=content, capture_output=True, timeout=20,
                                        check=False)
                self.expect_error(Answer(result), 6, word, 'standard input')

    def test_stdin__closed__says_so(self):
        result = subprocess.run(['sh', '-c', 'exec "$0" check - <&-', READ.path], capture_output=True, timeout=20,
                                check=False)
        self.expect_error(Answer(result), 3, 'standard input', 'closed')

    def test_number__that_is_also_a_file__is_the_process(self):
        self.scratch_file(str(self.pid), b'hello')
        self.expect_pid(str(self.pid), cwd=self.scratch.name)
        self.expect_error(READ('check', f'./{self.pid}', cwd=self.scratch.name), 6, 'does not begin')


if __name__ == '__main__':
    sys.exit(tap.run_suite(unittest.TestLoader().loadTestsFromTestCase(Targets)))
