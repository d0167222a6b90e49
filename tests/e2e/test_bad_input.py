#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What peeps-read says when there is nothing good to say: exit status, three lines at most, and a hint.

usage: test_bad_input.py PEEPS_READ EXAMPLE WORKER
"""
import ctypes
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import tap
from target import PeepsRead, Target

READ = PeepsRead(sys.argv[1])
EXAMPLE, WORKER = sys.argv[2:4]

# A process of its own that is "called its segment": argv[1] a file with the bytes, argv[2] whether to seal it.
IMPOSTOR = r'''
import ctypes, fcntl, os, sys, time
libc = ctypes.CDLL(None, use_errno=True)
data = open(sys.argv[1], 'rb').read()
fd = os.memfd_create('peeps', os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
# its own pid and start time, where the header has them: else it is taken for a parent's
if len(data) >= 96:
    start = int(open('/proc/self/stat').read().rpartition(')')[2].split()[19])
    data = data[:80] + os.getpid().to_bytes(4, 'little') + data[84:88] + start.to_bytes(8, 'little') + data[96:]
os.write(fd, data)
size = int(sys.argv[3])
if size:
    os.ftruncate(fd, size)
if sys.argv[2] == 'sealed':
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
print('ready', flush=True)
time.sleep(60)
'''


def segment_of(pid):
    """The bytes of a live process's segment."""
    for number in os.listdir(f'/proc/{pid}/fd'):
        path = f'/proc/{pid}/fd/{number}'
        if os.readlink(path).startswith('/memfd:peeps'):
            with open(path, 'rb') as file:
                return file.read()
    raise AssertionError(f'{pid} has no segment')


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        # Little of everything: a segment of some 200 KiB instead of 100 MiB.
        cls.target = Target(EXAMPLE, env={
            'PEEPS_CAPACITY': 'entities=64,edges=64,threads=16,text=16K,sites=64,scopes=1,memberships=1'})
        cls.pid = cls.target.pid
        READ.until(cls.pid, lambda answer: answer.status == 1, 'check')
        cls.good = segment_of(cls.pid)

    @classmethod
    def tearDownClass(cls):
        cls.target.__exit__()
        cls.scratch.cleanup()

    def expect_error(self, answer, status):
        self.assertEqual(answer.status, status, answer)
        lines = answer.err.splitlines()
        self.assertLessEqual(len(lines), 3, answer)
        self.assertTrue(lines and lines[0].startswith('peeps-read: '), answer)
        self.assertTrue(any(line.startswith('hint: ') for line in lines), f'no hint: {answer}')

    # -- usage: 2

    def test_command_line__nonsense__exits_2(self):
        for arguments in (['-5'], ['0'], ['dump', '-f', 'xml', '1'], ['--nope', '1'],
                          ['blocked', '--min', '5', '1'], ['blocked', '--min', '-5s', '1'], ['check', '--max-wait'],
                          ['check', '--max-wait', 'long', '1'], ['99999999999999999999'], ['dump'], ['', '1'],
                          ['check', '--tree', '1']):
            with self.subTest(arguments=arguments):
                answer = READ(*arguments)
                self.expect_error(answer, 2)
                self.assertEqual(answer.out, '')
                self.assertNotIn('\x1b', answer.err)

    def test_help_and_version__asked_for__exit_0(self):
        for arguments in (['help'], ['--help'], ['help', 'check'], ['version'], ['--version']):
            with self.subTest(arguments=arguments):
                answer = READ(*arguments)
                self.assertEqual(answer.status, 0, answer)
                self.assertTrue(answer.out)
                self.assertEqual(answer.err, '')

    # -- no process: 3

    def test_pid__of_nobody__exits_3(self):
        process = subprocess.Popen(['true'])
        process.wait()
        for pid in (process.pid, 4194304, 2147483647):
            self.expect_error(READ('check', pid), 3)

    def test_pid__killed_but_not_waited_for__exits_3_or_4(self):
        process = subprocess.Popen(['sleep', '60'])
        process.kill()
        time.sleep(0.05)
        answer = READ('check', process.pid)
        self.expect_error(answer, answer.status)
        self.assertIn(answer.status, (3, 4), answer)
        process.wait()

    # -- no segment: 4

    def test_pid__of_a_program_without_peeps__exits_4(self):
        with Target('sleep', '60', ready=False) as target:
            self.expect_error(READ('check', target.pid), 4)

    def test_pid__of_a_program_with_peeps_0__exits_4(self):
        with Target(EXAMPLE, env={'PEEPS': '0'}) as target:
            self.expect_error(READ('check', target.pid), 4)

    def test_pid__of_a_kernel_thread__exits_4_or_5(self):
        if not os.path.exists('/proc/2/stat'):
            return
        answer = READ('check', 2)
        self.expect_error(answer, answer.status)
        self.assertIn(answer.status, (3, 4, 5), answer)

    # -- another user's: 5

    @unittest.skipUnless(os.getuid() == 0 and shutil.which('setpriv'), 'needs root and setpriv, to be somebody else')
    def test_pid__of_another_user__exits_5(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            copy = shutil.copy(READ.path, folder)  # the build folder may be closed to others
            result = subprocess.run(['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', copy, 'check',
                                     str(self.pid)], capture_output=True, timeout=20, check=False)
        from target import Answer
        self.expect_error(Answer(result), 5)

    # -- not a segment, or one that lies: 6

    def impostor(self, name, data, sealed=True, size=0):
        path = os.path.join(self.scratch.name, 'bytes')
        with open(path, 'wb') as file:
            file.write(data)
        with Target(sys.executable, '-c', IMPOSTOR, path, 'sealed' if sealed else 'open', str(size)) as target:
            return READ('dump', '-f', 'json', target.pid)

    def patched(self, offset, value, size=4):
        return self.good[:offset] + value.to_bytes(size, 'little') + self.good[offset + size:]

    def test_segment__of_our_own_copied__is_readable(self):
        answer = self.impostor('the same bytes', self.good)
        self.assertIn(answer.status, (0, 7), answer)

    def test_segment__of_another_major_layout__is_refused_with_both_numbers(self):
        answer = self.impostor('major 2', self.patched(8, 2))
        self.expect_error(answer, 6)
        self.assertRegex(answer.err, r'its segment has layout 2\.\d, and this reader knows 1\.x')

    def test_segment__of_a_later_minor_layout__is_read_and_noted(self):
        later = self.patched(12, 77)
        answer = self.impostor('minor 77', later[:24] + bytes(8) + later[32:])
        self.assertIn(answer.status, (0, 7), answer)
        self.assertIn('its segment has layout 1.77, and this reader knows 1.', answer.out)
        self.assertIn('what is new may be missing', '\n'.join(json.loads(answer.out)['notes']))

    def test_segment__garbage_or_hostile__exits_6(self):
        section = 256
        rows = {
            'another layout': self.patched(8, 99),
            'an incompatible feature': self.patched(20, 1 << 30),
            'another byte order': self.patched(32, 0x04030201),
            'no sections': self.patched(36, 0),
            'too many sections': self.patched(36, 4000000000),
            'a size beyond the file': self.patched(40, 1 << 39, 8),
            'a size of nothing': self.patched(40, 0, 8),
            'a control page outside': self.patched(112, 1 << 50, 8),
            'a section outside': self.patched(section + 8, 1 << 50, 8),
            'a section that ends outside': self.patched(section + 16, 1 << 50, 8),
            'a section whose size wraps around': self.patched(section + 16, (1 << 61) + 1, 8),
            'a stride of nothing': self.patched(section + 4, 0),
            'a stride of another struct': self.patched(section + 3 * 64 + 4, 64),
            'a section twice': self.patched(section, 2),
            'sections that overlap': self.patched(section + 64 + 8, 8192, 8),
        }
        for name, data in rows.items():
            with self.subTest(name):
                self.expect_error(self.impostor(name, data), 6)

    def test_segment__not_ready_for_ever__exits_with_an_error(self):
        answer = self.impostor('magic is 0', self.patched(0, 0, 8))
        self.expect_error(answer, answer.status)
        self.assertIn(answer.status, (4, 6), answer)

    def test_segment__too_short_for_a_header__exits_with_an_error(self):
        for length in (0, 1, 8, 79, 1000, 4096, 8191):
            with self.subTest(length=length):
                answer = self.impostor('short', self.good[:length])
                self.expect_error(answer, answer.status)
                self.assertIn(answer.status, (4, 6), answer)

    def test_segment__cut_off_in_its_sections__exits_6(self):
        for length in (8192, 20000, len(self.good) - 4096):
            with self.subTest(length=length):
                self.expect_error(self.impostor('truncated', self.good[:length]), 6)

    def test_segment__not_sealed__exits_6(self):
        self.expect_error(self.impostor('unsealed', self.good, sealed=False), 6)

    def test_segment__random_bytes__exits_with_an_error(self):
        generator = random.Random(4711)
        for size in (100, 5000, 100000):
            with self.subTest(size=size):
                answer = self.impostor('random', generator.randbytes(size))
                self.expect_error(answer, answer.status)
                self.assertIn(answer.status, (4, 6), answer)

    def test_segment__rows_full_of_garbage__answers_or_exits_6(self):
        generator = random.Random(4712)
        for _ in range(15):
            data = bytearray(self.good)
            for _ in range(generator.choice((10, 1000, 20000))):
                data[generator.randrange(8192, len(data))] = generator.randrange(256)
            answer = self.impostor('flipped', bytes(data))
            self.assertIn(answer.status, (0, 6, 7), answer)
            if answer.status == 0:
                import json
                document = json.loads(answer.out)
                ids = [node['id'] for node in document['nodes']]
                self.assertEqual(len(ids), len(set(ids)))
                self.assertTrue(all(edge['src'] in ids and edge['dst'] in ids for edge in document['edges']))

    # -- output: 8

    def test_output__full_disk__exits_8(self):
        with open('/dev/full', 'wb') as full:
            self.expect_error(READ('dump', '-f', 'json', self.pid, stdout=full), 8)
        self.expect_error(READ('dump', '-f', 'json', '-o', '/dev/full', self.pid), 8)
        with open('/dev/full', 'wb') as full:
            self.expect_error(READ('help', stdout=full), 8)

    def test_output__closed_pipe__exits_8(self):
        reading, writing = os.pipe()
        os.close(reading)
        answer = READ('dump', '-f', 'json', self.pid, stdout=writing,
                      preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN))
        os.close(writing)
        self.assertEqual(answer.status, 8, answer)

    def test_output__unwritable_file__exits_8_and_leaves_nothing(self):
        for path in ('/nonexistent/folder/x.json', '/proc/version', self.scratch.name):
            with self.subTest(path=path):
                self.expect_error(READ('dump', '-o', path, self.pid), 8)
        self.assertEqual([name for name in os.listdir(self.scratch.name) if name != 'bytes'], [])

    def test_output__to_a_file__is_whole_and_chosen_by_suffix(self):
        path = os.path.join(self.scratch.name, 'x.json')
        answer = READ('dump', '-o', path, self.pid)
        self.assertEqual(answer.status, 0, answer)
        self.assertEqual(answer.out, '')
        with open(path, encoding='utf-8') as file:
            import json
            self.assertEqual(json.load(file)['schema'], 'peeps.snapshot/1')
        os.unlink(path)
        self.assertEqual([name for name in os.listdir(self.scratch.name) if name != 'bytes'], [])

    # -- targets that do not hold still

    def test_target__killed_while_it_is_looked_at__answers_or_exits_3(self):
        generator = random.Random(4713)
        for _ in range(40):
            with Target(EXAMPLE) as target:
                reader = subprocess.Popen([READ.path, 'check', str(target.pid)], stdout=subprocess.DEVNULL,
                                          stderr=subprocess.PIPE)
                time.sleep(generator.random() * 0.004)
                target.process.kill()
                _, err = reader.communicate(timeout=10)
                self.assertIn(reader.returncode, (0, 1, 3, 4, 7), err)
                self.assertLessEqual(len(err.splitlines()), 3, err)

    def test_target__just_started__answers_or_says_that_there_is_nothing_yet(self):
        for _ in range(40):
            with Target(EXAMPLE, ready=False) as target:
                answer = READ('check', target.pid)
                self.assertIn(answer.status, (0, 1, 3, 4, 5, 7), answer)

    def test_target__stopped_amid_its_work__answers(self):
        with Target(WORKER, 'churn', ready=False) as target:
            target.process.stdin.write(b'\n')
            target.process.stdin.flush()
            READ.until(target.pid, lambda answer: answer.status == 0, 'dump')
            for _ in range(10):
                os.kill(target.pid, signal.SIGSTOP)
                answer = READ('dump', '-f', 'json', target.pid)
                self.assertIn(answer.status, (0, 7), answer)
                os.kill(target.pid, signal.SIGCONT)
                time.sleep(0.01)

    def test_target__its_main_thread_left__answers(self):
        with Target(WORKER, 'main_sleeps_for_ever', ready=False) as target:
            target.process.stdin.write(b'\n')
            target.process.stdin.flush()
            self.assertEqual(target.process.stdout.readline(), b'ready\n')
            time.sleep(0.05)  # until it has left
            answer = READ('dump', target.pid)
            self.assertEqual(answer.status, 0, answer)
            self.assertIn('lock 0', answer.out)

    def test_target__closed_all_its_descriptors__answers(self):
        with Target(WORKER, 'closed_for_ever', ready=False) as target:
            target.process.stdin.write(b'\n')
            target.process.stdin.flush()
            self.assertEqual(target.process.stdout.readline(), b'ready\n')
            answer = READ('dump', target.pid)
            self.assertEqual(answer.status, 0, answer)
            self.assertIn('lock 0', answer.out)

    def test_target__a_forked_child_before_its_first_lock__is_not_taken_for_its_parent(self):
        with Target(WORKER, 'child_waits', ready=False) as target:
            target.process.stdin.write(b'\n')
            target.process.stdin.flush()
            child = int(target.process.stdout.readline())
            self.expect_error(READ('dump', child), 4)
            self.assertEqual(READ('dump', target.pid).status, 0)

    # -- and by what means

    @unittest.skipUnless(shutil.which('strace'), 'needs strace')
    def test_reader__traced__opens_no_socket_and_starts_nothing(self):
        for arguments in (['check'], ['dump', '-f', 'json'], ['blocked', '--tree'], []):
            trace = os.path.join(self.scratch.name, 'bytes')
            result = subprocess.run(['strace', '-f', '-o', trace, READ.path, *arguments, str(self.pid)],
                                    capture_output=True, timeout=60, check=False)
            with open(trace, encoding='utf-8', errors='replace') as file:
                calls = file.read()
            self.assertIn(result.returncode, (0, 1), result)
            self.assertIn('exit_group', calls)
            for call in ('socket(', 'socketpair(', 'connect(', 'fork(', 'ptrace(', 'kill('):
                self.assertNotIn(call, calls)


if __name__ == '__main__':
    sys.exit(tap.run_suite(unittest.TestLoader().loadTestsFromTestCase(BadInput)))
