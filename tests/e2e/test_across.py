#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Two processes that wait for each other's locks: what each of them says, and what both of them together mean.

usage: test_across.py PEEPS_READ ACROSS
"""
import json
import sys
import time
import unittest

import tap
from snapshot import Snapshot
from target import PATIENCE_S, PeepsRead, Target

READ = PeepsRead(sys.argv[1])
PROGRAM = sys.argv[2]


class Process(Target):
    def __init__(self, own, peer):
        super().__init__(PROGRAM, own, peer, env={'PEEPS_NAME': own})
        self.own = own
        self.lock = f'mutex:{own}-{self.pid}:{own}'

    def tell(self, line, answer):
        self.process.stdin.write(f'{line}\n'.encode())
        self.process.stdin.flush()
        said = self.process.stdout.readline().decode().strip()
        assert said == answer, said


def dump(*pids):
    answer = READ('dump', '-f', 'json', *pids)
    assert answer.status == 0, answer
    return Snapshot.of(answer)


class Across(unittest.TestCase):
    def setUp(self):
        self.left, self.right = Process('left', 'right'), Process('right', 'left')
        self.addCleanup(self.left.__exit__)
        self.addCleanup(self.right.__exit__)
        self.pids = self.left.pid, self.right.pid

    def wait(self, left_for, right_for):
        self.left.tell(left_for, 'waiting')
        self.right.tell(right_for, 'waiting')

    def wait_for_each_other(self):
        self.wait(self.right.pid, self.left.pid)

    def test_check__wait_for_each_other__is_a_certain_deadlock_of_both(self):
        self.wait_for_each_other()
        for pids in (self.pids, self.pids[::-1]):
            answer = READ('check', *pids)
            self.assertEqual(answer.status, 1, answer)
            self.assertIn('deadlock (certain)', answer.out)
            for name in ('left', 'right'):
                self.assertIn(name, answer.out)
            self.assertEqual(answer.err, '')

    def test_check__one_of_two_that_wait_for_each_other__names_the_other(self):
        self.wait_for_each_other()
        for process, other in (self.left, self.right), (self.right, self.left):
            answer = READ('check', process.pid)
            self.assertEqual(answer.status, 0, answer)
            self.assertIn('no deadlock', answer.out)
            self.assertIn(f'another process, which was not looked at: {other.own}-{other.pid}', answer.out)
            self.assertNotIn('can still be woken', answer.out)
            wait, = json.loads(READ('blocked', '-J', process.pid).out)['waits']
            self.assertIs(wait['foreign'], True)
            self.assertIn('another process', READ('blocked', process.pid).out)

    def test_dump__both__ends_are_joined_and_belong_to_their_processes(self):
        self.wait_for_each_other()
        snapshot = dump(*self.pids)
        self.assertEqual([process['proc_key'] for process in snapshot.document['processes']],
                         [f'left-{self.left.pid}', f'right-{self.right.pid}'])
        self.assertEqual(snapshot.document['quality'], 'cut')
        self.assertIsInstance(snapshot.document['skew_ns'], int)
        self.assertNotIn('foreign', {node['kind'] for node in snapshot.nodes.values()})
        waits = {(snapshot.called(edge)[0][1], edge['dst']) for edge in snapshot.state('pending')}
        self.assertEqual(waits, {('left', self.right.lock), ('right', self.left.lock)})
        for process in (self.left, self.right):
            self.assertEqual(snapshot.nodes[process.lock]['process'], f'{process.own}-{process.pid}')
        finding, = snapshot.document['findings']
        self.assertEqual((finding['kind'], finding['certainty']), ('deadlock', 'certain'))
        self.assertEqual({snapshot.nodes[node]['process'] for node in finding['nodes']},
                         {f'left-{self.left.pid}', f'right-{self.right.pid}'})

    def test_dump__one__has_an_unresolved_end(self):
        self.wait_for_each_other()
        snapshot = dump(self.left.pid)
        self.assertEqual(snapshot.nodes[self.right.lock]['kind'], 'foreign')
        self.assertEqual(snapshot.nodes[self.right.lock]['process'], f'left-{self.left.pid}')
        self.assertEqual(snapshot.document['findings'], [])

    def test_check__only_one_waits_for_the_other__is_no_deadlock(self):
        self.wait(self.right.pid, 0)
        answer = READ('check', *self.pids)
        self.assertEqual(answer.status, 0, answer)
        snapshot = dump(*self.pids)
        self.assertEqual([node['name'] for node in snapshot.nodes.values() if node['kind'] == 'foreign'],
                         ['mutex:left-0:left'])

    def test_check_confirm__deadlock_that_lasts__is_found(self):
        self.wait_for_each_other()
        answer = READ('check', '--confirm', 3, '--every', '50ms', *self.pids)
        self.assertEqual(answer.status, 1, answer)
        self.assertIn('deadlock (certain)', answer.out)

    def test_check_confirm__deadlock_that_is_resolved__is_not_found_and_ends_early(self):
        self.wait_for_each_other()
        read = READ.start('check', '--confirm', 1000, '--every', '200ms', *self.pids)
        time.sleep(0.5)
        self.assertIsNone(read.poll())
        self.left.tell('enough', 'over')
        out, err = read.communicate(timeout=PATIENCE_S)
        self.assertEqual((read.returncode, err), (0, b''), out)
        self.assertIn(b'no deadlock', out)

    def test_check_confirm__waits_that_come_again__are_not_one_deadlock(self):
        self.wait_for_each_other()
        read = READ.start('check', '--confirm', 4, '--every', '300ms', *self.pids)
        while read.poll() is None:
            self.left.tell('again', 'waiting')
            time.sleep(0.01)
        out, err = read.communicate()
        self.assertEqual((read.returncode, err), (0, b''), out)

    def test_check__one_of_them_has_no_segment__names_it_and_says_nothing_else(self):
        bare = Target('sleep', '60', ready=False)
        self.addCleanup(bare.__exit__)
        answer = READ('check', self.left.pid, bare.pid)
        self.assertEqual(answer.status, 4, answer)
        self.assertIn(str(bare.pid), answer.err)
        self.assertEqual(answer.out, '')


if __name__ == '__main__':
    sys.exit(tap.run_suite(unittest.defaultTestLoader.loadTestsFromTestCase(Across)))
