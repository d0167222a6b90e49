#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""home-made-lock: a primitive of the program's own gets the answer that a mutex gets.

usage: test_home_made_lock.py PEEPS_READ EXAMPLE
"""
import json
import os
import re
import sys
import unittest

import tap
from target import PeepsRead, Target

READ = PeepsRead(sys.argv[1])
EXAMPLE = sys.argv[2]
CYCLE = (('alice', 'attic', 'bob'), ('bob', 'cellar', 'alice'))


class Deadlock(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        target = Target(EXAMPLE)
        cls.addClassCleanup(target.__exit__)
        cls.pid = target.pid
        answer = READ.until(cls.pid, lambda answer: answer.status == 1, 'check')
        assert answer.status == 1, f'no deadlock within 10 s: {answer}'
        cls.document = READ.document(cls.pid)
        cls.named = {(node['kind'], node['name']): node for node in cls.document['nodes']}

    def node_id(self, kind, name):
        return self.named[kind, name]['id']

    def expect_source(self, source, text):
        path, line = source.rsplit(':', 1)
        self.assertTrue(os.path.isabs(path), source)
        with open(path, encoding='utf-8') as file:
            self.assertIn(text, file.read().splitlines()[int(line) - 1], source)

    def test_check__deadlock__exits_1_certain_with_a_sentence_per_step(self):
        answer = READ('check', self.pid)
        self.assertEqual(answer.status, 1, answer)
        self.assertIn('deadlock (certain)', answer.out)
        for waiter, lock, holder in CYCLE:
            pattern = (rf'{waiter} has waited [\d.]+ (?:ms|s|m) for mutex "{lock}" \((/\S+\.c:\d+)\), '
                       rf'held for [\d.]+ (?:ms|s|m) by {holder} \(locked at (/\S+\.c:\d+)\)')
            found = re.search(pattern, answer.out)
            self.assertTrue(found, f'no sentence of {waiter} in:\n{answer.out}')
            self.expect_source(found.group(1), f'LOCK_INIT(&{lock}')
            self.expect_source(found.group(2), 'lock_take(first)')
        self.assertEqual(answer.err, '')

    def test_no_verb__deadlock__exits_1_and_names_both_locks(self):
        answer = READ(self.pid)
        self.assertEqual(answer.status, 1, answer)
        for waiter, lock, holder in CYCLE:
            self.assertRegex(answer.out, rf'(?m)^ *[\d.]+ m?s +{waiter} +lock +mutex {lock}.* {holder} ')

    def test_dump__deadlock__each_wait_is_a_pending_needs_with_its_polls_and_place(self):
        needs = {(edge['src'], edge['dst']): edge['meta'] for edge in self.document['edges'] if edge['kind'] == 'needs'}
        self.assertEqual(set(needs), {(self.node_id('thread', waiter), self.node_id('mutex', lock))
                                      for waiter, lock, _ in CYCLE})
        for meta in needs.values():
            self.assertEqual(meta['op_kind'], 'lock')
            self.assertEqual(meta['state'], 'pending')
            self.assertGreaterEqual(meta['poll_count'], 1)
            self.assertGreaterEqual(meta['last_change_ptime_ms'], meta['pending_since_ptime_ms'])
            self.expect_source(meta['source'], 'lock_take(second)')

    def test_dump__deadlock__each_lock_says_who_holds_it(self):
        for _, lock, holder in CYCLE:
            attributes = self.named['mutex', lock]['attrs']
            self.assertEqual(attributes['holder'], self.node_id('thread', holder))
            self.assertEqual(attributes['acquires'], 1)
            self.assertIsNotNone(attributes['held_since_ptime_ms'])

    def test_check__deadlock_as_json__names_both_locks(self):
        answer = READ('check', '-J', self.pid)
        self.assertEqual(answer.status, 1, answer)
        document = json.loads(answer.out)
        self.assertEqual(document['verdict'], 'deadlock')
        finding, = document['findings']
        self.assertEqual(finding['certainty'], 'certain')


class Ordered(unittest.TestCase):
    def test_check__locks_in_one_order__exits_0_again_and_again(self):
        with Target(EXAMPLE, '--ordered') as target:
            for _ in range(50):
                answer = READ('check', '--max-wait', '10s', target.pid)
                self.assertEqual(answer.status, 0, answer)
                self.assertIn('no deadlock', answer.out)
            self.assertEqual(READ.document(target.pid)['findings'], [])

    def test_example__without_telemetry__runs_all_the_same(self):
        with Target(EXAMPLE, '--ordered', env={'PEEPS': '0'}) as target:
            self.assertEqual(target.said, str(target.pid))
            self.assertEqual(READ('check', target.pid).status, 4)


if __name__ == '__main__':
    loader = unittest.TestLoader()
    sys.exit(tap.run_suite(unittest.TestSuite(
        loader.loadTestsFromTestCase(case) for case in (Deadlock, Ordered))))
