#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`ps`: the processes that can be looked at, and what is said of those that cannot.

usage: test_ps.py PEEPS_READ EXAMPLE
"""
import json
import os
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
NAME = f'ps.{os.getpid()}'

# Called a segment, and only the first words of one: layout 99.
IMPOSTOR = r'''
import fcntl, os, struct, time
fd = os.memfd_create('peeps', os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
os.write(fd, struct.pack('<QII', 0x0a53504545500a01, 99, 0))
os.ftruncate(fd, 65536)
fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
print('ready', flush=True)
time.sleep(60)
'''


def listed(*arguments, **options):
    """{pid: object}"""
    answer = READ('ps', '-J', *arguments, **options)
    assert answer.status == 0, answer
    return {row['pid']: row for row in json.loads(answer.out)}


class Ps(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.target = Target(EXAMPLE, env={'PEEPS_NAME': NAME})
        cls.pid = cls.target.pid
        READ.until(cls.pid, lambda answer: answer.status == 1, 'check')

    @classmethod
    def tearDownClass(cls):
        cls.target.__exit__()

    def line_of(self, answer, pid):
        lines = [line for line in answer.out.splitlines() if line.split()[0] == str(pid)]
        self.assertEqual(len(lines), 1, answer)
        return lines[0]

    def test_ps__a_deadlocked_program__is_counted(self):
        row = listed()[self.pid]
        self.assertEqual(row['name'], NAME)
        self.assertEqual(row['proc_key'], f'{NAME}-{self.pid}')
        self.assertEqual((row['threads'], row['entities'], row['blocked'], row['lost']), (3, 6, 2, 0))
        self.assertEqual((row['state'], row['problem'], row['file']), ('running', None, None))
        self.assertEqual(row['uid'], os.geteuid())
        self.assertEqual((row['layout_major'], row['layout_minor']), (1, 1))
        self.assertGreater(row['oldest_wait_ns'], 0)
        self.assertGreaterEqual(row['age_ns'] + 20000000, row['oldest_wait_ns'])  # the kernel starts in ticks of 10 ms
        self.assertEqual(row['command'], EXAMPLE)

    def test_ps__without_any_argument__is_the_same_table(self):
        answer, same = READ('ps'), READ()
        for table in (answer, same):
            self.assertEqual(table.status, 0, table)
            self.assertEqual(table.out.split()[:4], ['PID', 'USER', 'NAME', 'THREADS'])
            self.assertIn(f' {NAME} ', self.line_of(table, self.pid))
            self.assertIn(' running ', self.line_of(table, self.pid))

    def test_ps__columns_and_sort__are_obeyed(self):
        answer = READ('ps', '--columns', 'name,pid', '--sort', '-pid')
        self.assertEqual(answer.status, 0, answer)
        self.assertEqual(answer.out.split()[:2], ['NAME', 'PID'])
        pids = [int(line.split()[-1]) for line in answer.out.splitlines()[1:]]
        self.assertIn(self.pid, pids)
        self.assertEqual(pids, sorted(pids, reverse=True))
        self.assertEqual(READ('ps', '--columns', 'nonsense').status, 2)

    def test_ps__narrow__leaves_out_what_is_needed_least(self):
        answer = READ('ps', env=dict(os.environ, COLUMNS='80'))
        self.assertEqual(answer.out.split()[:3], ['PID', 'NAME', 'THREADS'])
        self.assertLessEqual(max(map(len, answer.out.splitlines())), 80)
        answer = READ('ps', '--columns', 'pid,user', env=dict(os.environ, COLUMNS='80'))
        self.assertEqual(answer.out.split()[:2], ['PID', 'USER'])

    def test_ps__nothing_waits__has_no_oldest_wait(self):
        with Target(EXAMPLE, 'healthy') as target:
            self.assertIn(listed()[target.pid]['state'], ('running',))

    def test_ps__a_hostile_name__is_escaped(self):
        name = '\x1b[31mred\n\u202e'
        with Target(EXAMPLE, env={'PEEPS_NAME': name}) as target:
            answer = READ('ps')
            self.assertNotIn('\x1b', answer.out)
            self.assertIn(r'\x1b[31mred\n\u{202e}', self.line_of(answer, target.pid))
            self.assertEqual(listed()[target.pid]['name'], name)
        with Target(EXAMPLE, env={'PEEPS_NAME': b'\xff\xfe'}) as target:
            self.assertEqual(listed()[target.pid]['name'], '\ufffd\ufffd')

    def test_ps__a_stopped_process__says_so(self):
        with Target(EXAMPLE) as target:
            os.kill(target.pid, signal.SIGSTOP)
            os.waitpid(target.pid, os.WUNTRACED)
            self.assertEqual(listed()[target.pid]['state'], 'stopped')

    def test_ps__another_layout__is_listed_with_both_numbers(self):
        with Target(sys.executable, '-c', IMPOSTOR) as target:
            row = listed()[target.pid]
            self.assertEqual(row['state'], 'unreadable')
            self.assertIn('layout 99', row['problem'])
            self.assertIn('this reader knows 1.', row['problem'])
            self.assertIsNone(row['threads'])
            line = self.line_of(READ('ps'), target.pid)
            self.assertIn('unreadable', line)
            self.assertIn('99', line)

    def test_ps__a_program_that_lost_something__says_how_much(self):
        with Target(EXAMPLE, env={'PEEPS_CAPACITY': 'entities=4'}) as target:
            answer = READ.until('ps', lambda answer: ' lost' in self.line_of(answer, target.pid))
            self.assertIn(' lost', self.line_of(answer, target.pid))
            self.assertGreater(listed()[target.pid]['lost'], 0)

    def test_ps__of_a_process__writes_nothing_to_it(self):
        for number in os.listdir(f'/proc/{self.pid}/fd'):
            path = f'/proc/{self.pid}/fd/{number}'
            if os.readlink(path).startswith('/memfd:peeps'):
                break
        segment = os.open(path, os.O_RDONLY)

        def control():
            words = os.pread(segment, 128, 4096)
            return words[:8] + words[64:]  # all but the tick, which is the program's own
        before = control()
        for _ in range(5):
            READ('ps')
        self.assertEqual(control(), before)
        READ('check', self.pid)
        self.assertNotEqual(control(), before)  # a cut does
        os.close(segment)

    def test_ps__dead_process_with_a_kept_segment__is_listed_as_dead(self):
        if not os.access('/dev/shm', os.W_OK):
            self.skipTest('needs a tmpfs')
        with tempfile.TemporaryDirectory(dir='/dev/shm') as folder:
            env = {'PEEPS_DIR': folder, 'PEEPS_NAME': f'{NAME}.kept'}
            with Target(EXAMPLE, env=env) as target:
                self.assertEqual(listed(env={**os.environ, **env})[target.pid]['state'], 'running')
                self.assertEqual(listed()[target.pid]['name'], f'{NAME}.kept')  # found without PEEPS_DIR, too
            row = listed(env={**os.environ, **env})[target.pid]
            self.assertEqual((row['state'], row['name']), ('dead', f'{NAME}.kept'))
            self.assertTrue(os.path.exists(row['file']))
            self.assertEqual(set(row), set(listed()[self.pid]))
            self.assertNotIn(target.pid, listed())
            answer = READ('ps', env={**os.environ, **env})
            self.assertIn(' dead ', self.line_of(answer, target.pid))
            self.assertIn('gc', answer.err)

    @unittest.skipUnless(os.getuid() == 0 and shutil.which('setpriv'), 'needs root and setpriv, to be somebody else')
    def test_ps__as_another_user__counts_what_may_not_be_looked_at(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            copy = shutil.copy(READ.path, folder)
            answer = Answer(subprocess.run(['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', copy],
                                           capture_output=True, timeout=20, check=False))
        self.assertEqual(answer.status, 0, answer)
        self.assertIn('may not be looked at', answer.err)
        self.assertIn('hint: root', answer.err)
        self.assertNotIn(NAME, answer.out)
        self.assertEqual(answer.out.split()[:2], ['PID', 'USER'])

    @unittest.skipUnless(shutil.which('strace'), 'needs strace')
    def test_ps__traced__opens_no_socket(self):
        with tempfile.NamedTemporaryFile() as trace:
            subprocess.run(['strace', '-f', '-o', trace.name, READ.path, 'ps'], capture_output=True, timeout=60,
                           check=True, env=dict(os.environ, ASAN_OPTIONS='detect_leaks=0'))  # they are looked for by ptrace
            calls = trace.read().decode(errors='replace')
        self.assertIn('exit_group', calls)
        for call in ('socket(', 'connect(', 'ptrace(', 'kill('):
            self.assertNotIn(call, calls)


if __name__ == '__main__':
    sys.exit(tap.run_suite(unittest.TestLoader().loadTestsFromTestCase(Ps)))
