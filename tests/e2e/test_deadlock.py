#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""mutex-lock-order-inversion, from the deadlocked program to the answer.

usage: test_deadlock.py PEEPS_READ EXAMPLE
"""
import json
import os
import re
import signal
import sys
import unittest

import tap
from target import PeepsRead, Target

READ = PeepsRead(sys.argv[1])
EXAMPLE = sys.argv[2]


def is_deadlocked(answer):
    if answer.status != 0:
        return False
    document = json.loads(answer.out)
    return sum(edge['kind'] == 'needs' and edge['meta'].get('state') == 'pending' for edge in document['edges']) == 2


class Deadlock(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.target = Target(EXAMPLE)
        cls.pid = cls.target.pid
        answer = READ.until(cls.pid, is_deadlocked, 'dump', '-f', 'json')
        assert is_deadlocked(answer), f'no deadlock within 10 s: {answer}'
        cls.document = json.loads(answer.out)
        cls.nodes = {node['id']: node for node in cls.document['nodes']}
        cls.named = {(node['kind'], node['name']): node['id'] for node in cls.document['nodes']}

    @classmethod
    def tearDownClass(cls):
        cls.target.__exit__()

    def edges(self, kind):
        return {(edge['src'], edge['dst']): edge['meta'] for edge in self.document['edges'] if edge['kind'] == kind}

    def expect_source(self, source, text):
        path, line = source.rsplit(':', 1)
        self.assertTrue(os.path.isabs(path), source)
        with open(path, encoding='utf-8') as file:
            self.assertIn(text, file.read().splitlines()[int(line) - 1], source)

    def test_example__starts__prints_its_pid(self):
        self.assertEqual(self.target.said, str(self.pid))

    def test_dump__deadlock__quality_is_cut_and_one_process(self):
        self.assertEqual(self.document['schema'], 'peeps.snapshot/1')
        self.assertEqual(self.document['quality'], 'cut')
        self.assertEqual(self.document['notes'], [])
        process, = self.document['processes']
        self.assertEqual(process['pid'], self.pid)
        self.assertEqual(process['proc_key'], f'mutex-lock-order-inversion-{self.pid}')
        self.assertEqual(set(process['counters'].values()), {0})
        self.assertGreater(process['ptime_now_ns'], 0)

    def test_dump__deadlock__exact_set_of_nodes(self):
        self.assertEqual({node['kind'] for node in self.nodes.values()}, {'thread', 'mutex'})
        self.assertEqual(set(self.named), {('thread', 'alpha'), ('thread', 'beta'), ('thread', 'heartbeat'),
                                           ('mutex', 'left'), ('mutex', 'right'), ('mutex', 'pulse')})

    def test_dump__deadlock__both_waits_are_pending_needs(self):
        needs = self.edges('needs')
        alpha, beta = self.named['thread', 'alpha'], self.named['thread', 'beta']
        left, right = self.named['mutex', 'left'], self.named['mutex', 'right']
        self.assertEqual(set(needs), {(alpha, right), (beta, left)})
        for (_, mutex), meta in needs.items():
            self.assertEqual(meta['op_kind'], 'lock')
            self.assertEqual(meta['state'], 'pending')
            self.assertIsInstance(meta['pending_since_ptime_ms'], int)
            self.assertEqual(meta['krate'], 'examples')
            self.expect_source(meta['source'], 'peeps_mutex_lock(')
            self.assertEqual(self.nodes[mutex]['attrs']['waiters'], 1)

    def test_dump__deadlock__both_holds_say_since_when_and_where(self):
        holds = self.edges('holds')
        for mutex, thread in (('left', 'alpha'), ('right', 'beta')):
            meta = holds[self.named['mutex', mutex], self.named['thread', thread]]
            self.assertEqual(meta['role'], 'lock')
            self.assertEqual(meta['mode'], 'exclusive')
            self.assertEqual(meta['count'], 1)
            self.assertIsInstance(meta['held_since_ptime_ms'], int)
            self.expect_source(meta['source'], 'peeps_mutex_lock(')
            self.assertEqual(self.nodes[self.named['mutex', mutex]]['attrs']['holder'], self.named['thread', thread])

    def test_dump__deadlock__activity_of_each_thread(self):
        for name, activity in (('alpha', {'blocked'}), ('beta', {'blocked'}), ('heartbeat', {'running', 'sleeping'})):
            self.assertIn(self.nodes[self.named['thread', name]]['attrs']['activity'], activity)

    def test_dump__document__ids_are_unique_and_every_reference_is_a_node(self):
        document = self.document
        self.assertEqual(len(self.nodes), len(document['nodes']))
        keys = {process['proc_key'] for process in document['processes']}
        for node in document['nodes']:
            self.assertIn(node['process'], keys)
            self.assertRegex(node['id'], rf'^{node["kind"]}:[a-z0-9._-]+:[A-Za-z0-9._%~-]+$')
            self.assertRegex(node['site'] or '/x:1', r'^/.+:[0-9]+$')
            for name in ('holder', 'creator_task_id', 'current_task_id'):
                self.assertIn(node['attrs'].get(name), {None, *self.nodes})
        for edge in document['edges']:
            self.assertIn(edge['src'], self.nodes)
            self.assertIn(edge['dst'], self.nodes)
        for finding in document['findings']:
            for node in finding['nodes'] + finding['victims']:
                self.assertIn(node, self.nodes)
            for edge in finding['edges']:
                self.assertTrue(any(edge['src'] == other['src'] and edge['dst'] == other['dst'] and
                                    edge['kind'] == other['kind'] for other in document['edges']), edge)
        for key in ('scopes', 'memberships'):
            self.assertEqual(document[key], [])

    def test_dump__deadlock__one_certain_finding_without_the_heartbeat(self):
        finding, = self.document['findings']
        self.assertEqual(finding['kind'], 'deadlock')
        self.assertEqual(finding['certainty'], 'certain')
        self.assertEqual(set(finding['nodes']), {self.named['thread', 'alpha'], self.named['thread', 'beta'],
                                                 self.named['mutex', 'left'], self.named['mutex', 'right']})
        self.assertEqual(finding['victims'], [])
        self.assertEqual(len(finding['edges']), 4)

    def expect_sentences(self, text):
        """A step of the cycle each: actor, how long, resource with its place, holder, since when, locked where."""
        for waiter, mutex, holder in (('alpha', 'right', 'beta'), ('beta', 'left', 'alpha')):
            pattern = (rf'{waiter} has waited [\d.]+ (?:ms|s|m) for mutex "{mutex}" \((/\S+\.c:\d+)\), '
                       rf'held for [\d.]+ (?:ms|s|m) by {holder} \(locked at (/\S+\.c:\d+)\)')
            found = re.search(pattern, text)
            self.assertTrue(found, f'no sentence of {waiter} in:\n{text}')
            self.expect_source(found.group(1), f'PEEPS_MUTEX_INIT("{mutex}")')
            self.expect_source(found.group(2), 'peeps_mutex_lock(')
        self.assertNotIn('heartbeat', text)
        self.assertNotIn('pulse', text)

    def test_check__deadlock__exits_1_with_a_sentence_per_step(self):
        answer = READ('check', self.pid)
        self.assertEqual(answer.status, 1, answer)
        self.assertIn('deadlock (certain)', answer.out)
        self.expect_sentences(answer.out)
        self.assertEqual(answer.err, '')

    def test_check__deadlock_as_json__exits_1_with_the_same(self):
        answer = READ('check', '-J', self.pid)
        self.assertEqual(answer.status, 1, answer)
        document = json.loads(answer.out)
        self.assertEqual(document['verdict'], 'deadlock')
        self.expect_sentences('\n'.join(document['findings'][0]['steps']))

    def test_no_verb__deadlock__exits_1_with_who_is_blocked_and_the_verdict(self):
        answer = READ(self.pid)
        self.assertEqual(answer.status, 1, answer)
        self.assertRegex(answer.out, r'WAITED +ACTOR +OPERATION +RESOURCE')
        for actor, mutex, holder in (('alpha', 'right', 'beta'), ('beta', 'left', 'alpha')):
            self.assertRegex(answer.out, rf'(?m)^ *[\d.]+ m?s +{actor} +lock +mutex {mutex}.* {holder} ')
        self.expect_sentences(answer.out)

    def test_blocked_tree__deadlock__closes_the_circle(self):
        answer = READ('blocked', '--tree', self.pid)
        self.assertEqual(answer.status, 0, answer)
        self.assertIn('the circle closes', answer.out)
        for name in ('alpha', 'beta', '"left"', '"right"'):
            self.assertIn(name, answer.out)
        self.assertNotIn('heartbeat', answer.out)

    def test_blocked__min_beyond_every_wait__is_empty(self):
        answer = READ('blocked', '-J', '--min', '60m', self.pid)
        self.assertEqual(answer.status, 0, answer)
        self.assertEqual(json.loads(answer.out)['waits'], [])

    def test_dump__as_text__names_everything(self):
        answer = READ('dump', self.pid)
        self.assertEqual(answer.status, 0, answer)
        for name in ('alpha', 'beta', 'heartbeat', 'left', 'right', 'pulse', 'pending'):
            self.assertIn(name, answer.out)

    def test_check__target_is_stopped__answers_and_says_its_quality(self):
        os.kill(self.pid, signal.SIGSTOP)
        try:
            answer = READ('check', '-J', self.pid, timeout=5)
            self.assertIn(answer.status, (1, 7), answer)
            self.assertIn(json.loads(answer.out)['quality'], ('cut', 'quiescent', 'partial'))
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def test_check__many_readers_at_once__each_answers(self):
        import concurrent.futures
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: READ('check', self.pid), range(40)))
        for answer in answers:
            self.assertIn(answer.status, (1, 7), answer)
        self.assertGreater(sum(answer.status == 1 for answer in answers), 20)


class Ordered(unittest.TestCase):
    def test_check__locks_in_one_order__exits_0_again_and_again(self):
        with Target(EXAMPLE, '--ordered') as target:
            for _ in range(50):
                answer = READ('check', target.pid)
                self.assertEqual(answer.status, 0, answer)
                self.assertIn('no deadlock', answer.out)
            document = READ.document(target.pid)
            self.assertEqual({node['kind'] for node in document['nodes']}, {'thread', 'mutex'})
            self.assertEqual(document['findings'], [])


if __name__ == '__main__':
    loader = unittest.TestLoader()
    sys.exit(tap.run_suite(unittest.TestSuite(
        loader.loadTestsFromTestCase(case) for case in (Deadlock, Ordered))))
