#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/output.md names every key that -J prints, and what it says of each answer is so.

usage: test_output_docs.py PEEPS_READ MUTEX_LOCK_ORDER_INVERSION CHANNEL_FULL_STALL DOCS
"""
import json
import re
import sys
import tempfile
import unittest

import tap
from target import PeepsRead, Target

READ = PeepsRead(sys.argv[1])
INVERSION, STALL = sys.argv[2:4]
with open(sys.argv[4], encoding='utf-8') as docs:
    NAMED = set(re.findall(r'`([a-z_]+)`', docs.read()))
OF_EVERY_ANSWER = {'taken_at_unix_ns', 'skew_ns', 'quality', 'notes', 'origin', 'processes'}
AS_IN_THE_SNAPSHOT = {'attrs', 'details'}


def keys_of(value):
    if isinstance(value, list):
        return set().union(*map(keys_of, value))
    if not isinstance(value, dict):
        return set()
    return set(value).union(*(keys_of(below) for key, below in value.items() if key not in AS_IN_THE_SNAPSHOT))


class Docs(unittest.TestCase):
    def answers(self):
        """(verb, document), of programs in which all that can be is there."""
        with Target(INVERSION) as target:
            READ.until(target.pid, lambda answer: answer.status == 1, 'check')
            yield 'blocked', READ('blocked', '-J', target.pid)
            yield 'check', READ('check', '-J', target.pid)
            yield 'none', READ('-J', target.pid)
            yield 'explain', READ('explain', '-J', 'left', target.pid)
        with Target(STALL) as target:
            READ.until(target.pid, lambda answer: len(json.loads(answer.out)['waits']) == 2, 'blocked', '-J')
            yield 'explain', READ('explain', '-J', 'demo.work_queue', target.pid)
            yield 'explain', READ('explain', '-J', 'bounded_sender', target.pid)

    def test_docs__every_key_of_every_answer__is_named(self):
        further = {'blocked': {'waits'}, 'check': {'waits', 'findings', 'verdict'}, 'none': {'waits', 'findings', 'verdict'},
                   'explain': {'entity', 'scopes', 'links', 'holders', 'holds', 'waits', 'waiters', 'operations', 'findings'}}
        for verb, answer in self.answers():
            document = json.loads(answer.out)
            self.assertEqual(set(document), OF_EVERY_ANSWER | further[verb], answer)
            self.assertLessEqual(keys_of(document), NAMED, verb)
            self.assertIsNone(document['origin'])

    def test_docs__every_key_of_a_difference__is_named(self):
        with tempfile.TemporaryDirectory() as work, Target(INVERSION) as target:
            READ.until(target.pid, lambda answer: answer.status == 1, 'check')
            before = f'{work}/before.json'
            self.assertEqual(READ('dump', target.pid, '-o', before).status, 0)
            answer = READ('diff', '-J', before, target.pid)
        document = json.loads(answer.out)
        self.assertEqual(set(document), {'before', 'after', 'elapsed_ns', 'processes', 'tally', 'waits', 'holds', 'came',
                                         'went', 'counters', 'states', 'findings'}, answer)
        self.assertTrue(document['waits'] and document['holds'], answer)
        self.assertLessEqual(keys_of(document), NAMED)


if __name__ == '__main__':
    sys.exit(tap.run_suite(unittest.defaultTestLoader.loadTestsFromTestCase(Docs)))
