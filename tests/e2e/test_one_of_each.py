#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""All that is said of each lock, of permits, and of what is notified: had by somebody, and waited for by another.

usage: test_one_of_each.py PEEPS_READ PROGRAM
"""
import json
import sys
import unittest

import tap
from snapshot import NOTIFY_ATTRIBUTES, RWLOCK_ATTRIBUTES, SEMAPHORE_ATTRIBUTES, Expectations, Snapshot
from target import PeepsRead, Target

READ = PeepsRead(sys.argv[1])
PROGRAM = sys.argv[2]

MUTEX_ATTRIBUTES = {'name', 'created_at_ns', 'creator_task_id', 'mutex_type', 'robust', 'holder', 'held_since_ptime_ms',
                    'acquires', 'contended', 'wait_total_ns', 'wait_max_ns', 'waiters'}

WAITS = {('locks', 'lock', 'door'), ('writes', 'lock', 'table'), ('reads-a-book', 'lock', 'book'),
         ('acquires', 'acquire', 'gate'), ('awaits', 'notify_wait', 'filled'), ('is-notified', 'notify_wait', 'ready'),
         ('is-never-notified', 'notify_wait', 'never')}


def is_still(answer):
    snapshot = Snapshot.of(answer)
    return (snapshot is not None and snapshot.pending() == WAITS and snapshot.activity('reads') == 'sleeping'
            and snapshot.activity('main') == 'sleeping' and snapshot.attrs('notify', 'ready')['notifies'] == 2)


class OneOfEach(unittest.TestCase, Expectations):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.target = Target(PROGRAM)
        cls.pid = cls.target.pid
        answer = READ.until(cls.pid, is_still, 'dump', '-f', 'json')
        assert is_still(answer), f'not all wait within 10 s: {answer}'
        cls.snapshot = Snapshot.of(answer)

    @classmethod
    def tearDownClass(cls):
        cls.target.__exit__()

    def thread(self, name):
        return self.snapshot.named['thread', name]

    def expect_attrs(self, kind, name, names, **expected):
        """All attributes of that kind, and of these the values; those of clocks and times are whatever they are, but there."""
        attrs = self.snapshot.attrs(kind, name)
        self.assertEqual(set(attrs), names)
        self.assertEqual({key: attrs[key] for key in expected}, expected)
        self.assertEqual(attrs['name'], name)
        self.assertIsInstance(attrs['created_at_ns'], int)
        self.assertEqual(attrs['creator_task_id'], self.thread('main') if name != 'store' else self.thread('awaits'))

    def ask(self, question):
        answer = READ('query', question, '-J', self.pid)
        self.assertIn(answer.status, (0, 1), answer)
        return json.loads(answer.out)['rows']

    def rows(self, question, *names):
        return [tuple(row[name] for name in names) for row in self.ask(question)]

    # --- attributes

    def test_dump__mutex__has_each_attribute(self):
        self.expect_attrs('mutex', 'door', MUTEX_ATTRIBUTES, mutex_type='normal', robust=False, holder=self.thread('main'), acquires=1,
                          contended=0, wait_total_ns=0, wait_max_ns=0, waiters=1)
        self.assertIsInstance(self.snapshot.attrs('mutex', 'door')['held_since_ptime_ms'], int)
        self.expect_attrs('mutex', 'store', MUTEX_ATTRIBUTES, holder=None, held_since_ptime_ms=None, acquires=1, waiters=0)

    def test_dump__rwlock__has_each_attribute(self):
        self.expect_attrs('rwlock', 'table', RWLOCK_ATTRIBUTES, prefers='readers', writer=None, written_since_ptime_ms=None,
                          readers=2, read_waiters=0, write_waiters=1, anonymous_unlocks=0, contended=0, wait_max_ns=0,
                          wait_total_ns=0)
        self.expect_attrs('rwlock', 'book', RWLOCK_ATTRIBUTES, writer=self.thread('main'), readers=0, read_waiters=1,
                          write_waiters=0, acquires=1)
        self.assertIsInstance(self.snapshot.attrs('rwlock', 'book')['written_since_ptime_ms'], int)

    def test_dump__semaphore__has_each_attribute(self):
        self.expect_attrs('semaphore', 'gate', SEMAPHORE_ATTRIBUTES, max=3, available=1, waiters=1, anonymous_releases=0,
                          unattributed_out=0, unattributed_back=0, contended=0, wait_max_ns=0, wait_total_ns=0)

    def test_dump__condition__has_each_attribute(self):
        self.expect_attrs('notify', 'filled', NOTIFY_ATTRIBUTES, flavor='condvar', permits_stored=None, notifies=1,
                          broadcasts=0, last_notifier=self.thread('main'), waits=0, waiters=1, wait_max_ns=0,
                          wait_total_ns=0)

    def test_dump__notify__has_each_attribute(self):
        self.expect_attrs('notify', 'never', NOTIFY_ATTRIBUTES, flavor='notify', permits_stored=0, notifies=0, broadcasts=0,
                          last_notifier=None, last_notified_ptime_ms=None, waits=0, waiters=1, wait_max_ns=0,
                          wait_total_ns=0)
        self.expect_attrs('notify', 'stored', NOTIFY_ATTRIBUTES, flavor='notify', permits_stored=1, notifies=1, waiters=0,
                          last_notifier=self.thread('main'))
        self.expect_attrs('notify', 'ready', NOTIFY_ATTRIBUTES, flavor='notify', permits_stored=0, notifies=2, waiters=1,
                          last_notifier=self.thread('main'))
        self.assertIsInstance(self.snapshot.attrs('notify', 'ready')['last_notified_ptime_ms'], int)

    def test_dump__holds__are_had_by_whom_they_say(self):
        self.assertEqual({(*self.snapshot.called(edge)[0], self.snapshot.called(edge)[1][1], edge['meta']['role'],
                           edge['meta']['mode'], edge['meta']['count']) for edge in self.snapshot.edges('holds')},
                         {('mutex', 'door', 'main', 'lock', 'exclusive', 1), ('rwlock', 'table', 'main', 'lock', 'read', 1),
                          ('rwlock', 'table', 'reads', 'lock', 'read', 1), ('rwlock', 'book', 'main', 'lock', 'exclusive', 1),
                          ('semaphore', 'gate', 'main', 'permit', None, 2)})

    # --- words

    def test_blocked__never_notified__says_so(self):
        self.assertRegex(READ('blocked', '--tree', self.pid).out,
                         r'is-never-notified has waited [\d.]+ m?s for notify "never" \(never notified, ')

    def test_blocked__notified_before__says_how_often_and_by_whom(self):
        self.assertRegex(READ('blocked', '--tree', self.pid).out,
                         r'is-notified has waited [\d.]+ m?s \(times out in .*\) for notify "ready" '
                         r'\(notified 2 times, last [\d.]+ m?s ago by main, .*\), not notified since')

    # --- questions

    def test_blockers__readers_and_conditions__each_wait_once(self):
        self.assertEqual(sorted(self.rows('blockers', 'waiter', 'kind', 'resource', 'others')),
                         [('acquires', 'semaphore', 'gate', 0), ('awaits', 'notify', 'filled', None),
                          ('is-never-notified', 'notify', 'never', None), ('is-notified', 'notify', 'ready', None),
                          ('locks', 'mutex', 'door', 0), ('reads-a-book', 'rwlock', 'book', 0),
                          ('writes', 'rwlock', 'table', 1)])

    def test_holders__readers__each_has_a_row(self):
        self.assertEqual(sorted(self.rows('holders', 'resource', 'holder', 'mode', 'waiters')),
                         [('book', 'main', 'exclusive', 1), ('door', 'main', 'exclusive', 1), ('gate', 'main', None, 1),
                          ('table', 'main', 'read', 1), ('table', 'reads', 'read', 1)])

    def test_longest_held__readers__each_has_a_row(self):
        rows = self.rows('longest-held', 'resource', 'holder', 'mode', 'waiters')
        self.assertEqual(sorted(rows, key=str),
                         [('book', 'main', 'exclusive', 1), ('door', 'main', 'exclusive', 1), ('gate', 'main', None, 1),
                          ('table', 'main', 'read', 1), ('table', 'reads', 'read', 1)])

    def test_lock_contention__readers__one_row_a_lock(self):
        self.assertEqual(sorted(self.rows('lock-contention', 'lock', 'kind', 'waiters', 'others')),
                         [('book', 'rwlock', 1, 0), ('door', 'mutex', 1, 0), ('table', 'rwlock', 1, 1)])

    def test_wait_chains__conditions__nobody_holds_them(self):
        rows = {row['waiter']: row for row in self.ask('wait-chains')}
        self.assertEqual(rows['is-never-notified']['path'], 'is-never-notified -notify_wait-> never')
        self.assertEqual(rows['is-never-notified']['root_is'], 'notified by anybody')
        self.assertEqual(rows['awaits']['root_is'], 'notified by anybody')
        self.assertEqual(rows['locks']['path'], 'locks -lock-> door, held by main')
        self.assertIn(rows['writes']['path'], ('writes -lock-> table, held by main', 'writes -lock-> table, held by reads'))
        self.assertEqual(set(rows), {'locks', 'writes', 'reads-a-book', 'acquires', 'awaits', 'is-notified',
                                     'is-never-notified'})


if __name__ == '__main__':
    sys.exit(tap.run_suite(unittest.TestLoader().loadTestsFromTestCase(OneOfEach)))
