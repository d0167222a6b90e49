#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Many threads wait for one mutex: what a person sees of that, and what a program does.

usage: test_blocked_together.py PEEPS_READ WAITERS
"""
import json
import sys
import unittest

import tap
from target import PeepsRead, Target

READ = PeepsRead(sys.argv[1])
WAITERS = sys.argv[2]
COUNT = 200


def all_wait(answer):
    waits = json.loads(answer.out)['waits']
    return len(waits) == COUNT and all(wait['holders'][0]['sleeping'] for wait in waits)


class Together(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.target = Target(WAITERS, str(COUNT))
        cls.pid = cls.target.pid
        answer = READ.until(cls.pid, all_wait, 'blocked', '-J')
        assert all_wait(answer), f'not all wait within 10 s: {answer}'
        cls.waits = json.loads(answer.out)

    @classmethod
    def tearDownClass(cls):
        cls.target.__exit__()

    def test_blocked__200_wait_for_one_mutex__are_two_rows(self):
        answer = READ('blocked', self.pid)
        self.assertEqual(answer.status, 0, answer)
        rows = answer.out.splitlines()[3:]
        self.assertEqual(len(rows), 2, answer)
        self.assertRegex(answer.out, r'(?m)^ *[\d.]+ m?s +patient +lock \(59 min \d\d s left\) +mutex gate \(waiters\.c:\d+\) +'
                                     r'main \(locked 3 times, sleeping\) ')
        self.assertRegex(answer.out, rf'(?m)^ *[\d.]+ m?s +worker \(\d+\) and {COUNT - 2} others +lock +mutex gate ')

    def test_blocked__no_such_column__prints_nothing_but_the_error(self):
        answer = READ('blocked', '--columns', 'waited,colour', self.pid)
        self.assertEqual((answer.status, answer.out), (2, ''), answer)
        self.assertIn("'colour'", answer.err)
        answer = READ('blocked', '--columns', 'at,actor', '--sort=-actor', self.pid)
        self.assertEqual(answer.status, 0, answer)
        self.assertRegex(answer.out, r'(?m)^AT +ACTOR\n/.*waiters\.c:\d+ +worker \(\d+\) and .* others\n/.*waiters\.c:\d+ +patient$')

    def test_blocked_all__200_wait_for_one_mutex__are_a_row_each(self):
        answer = READ('blocked', '--all', self.pid)
        self.assertEqual(len(answer.out.splitlines()[3:]), COUNT, answer)

    def test_blocked_tree__200_wait_for_one_mutex__is_short(self):
        answer = READ('blocked', '--tree', self.pid)
        self.assertLess(len(answer.out.splitlines()), 12, answer)
        self.assertIn(f'and {COUNT - 4} more for the same', answer.out)
        self.assertRegex(answer.out, r'patient has waited [\d.]+ m?s \(times out in 59 min \d\d s\) for mutex "gate"')
        answer = READ('blocked', '--tree', '--all', self.pid)
        self.assertEqual(answer.out.count('has waited'), COUNT, answer)

    def test_blocked_json__200_wait_for_one_mutex__lists_each_with_its_process(self):
        process, = self.waits['processes']
        self.assertEqual(process['pid'], self.pid)
        self.assertEqual({wait['process'] for wait in self.waits['waits']}, {process['proc_key']})
        self.assertEqual({wait['pid'] for wait in self.waits['waits']}, {self.pid})
        self.assertEqual({wait['holders'][0]['count'] for wait in self.waits['waits']}, {3})
        timed, = [wait for wait in self.waits['waits'] if wait['times_out_in_ns'] is not None]
        self.assertEqual(timed['actor_name'], 'patient')

    def test_check__200_wait_too_long__says_it_once_and_of_the_timed_one_when_it_gives_up(self):
        answer = READ.until(self.pid, lambda answer: answer.out.count('long wait') == 2, 'check', '--max-wait', '1ms')
        self.assertEqual(answer.status, 1)
        self.assertEqual(answer.out.count('long wait'), 2)
        self.assertIn(f'\n  and {COUNT - 2} others wait so long for the same\n', answer.out)
        self.assertRegex(answer.out, r'patient has waited [\d.]+ m?s \(times out in 59 min \d\d s\) for mutex "gate" '
                                     r'\(waiters\.c:\d+\), held for .* by main \(locked 3 times\)')
        self.assertEqual(len(json.loads(READ('check', '-J', '--max-wait', '1ms', self.pid).out)['findings']), COUNT)


if __name__ == '__main__':
    sys.exit(tap.run_suite(unittest.defaultTestLoader.loadTestsFromTestCase(Together)))
