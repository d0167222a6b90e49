#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The plain symbols: there is one for each function that the headers declare, and Python uses them through ctypes.

usage: test_ctypes.py PEEPS_READ LIBPEEPS PROGRAM HEADERS
"""
import pathlib
import re
import subprocess
import sys
import unittest

import tap
from snapshot import Expectations, Snapshot
from target import PeepsRead, Target

READ = PeepsRead(sys.argv[1])
LIBRARY, PROGRAM = sys.argv[2:4]
HEADERS = sorted(pathlib.Path(sys.argv[4]).glob('*.h'))


def as_compiled(text):
    """Without comments, and without what is only for programs with PEEPS_DISABLE: another library has that."""
    text = re.sub(r'/\*.*?\*/', ' ', text, flags=re.DOTALL)
    return re.sub(r'(?m)^#ifdef PEEPS_DISABLE\n(?s:.*?)^#(else|endif)', r'#\1', text)


class Symbols(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        text = ''.join(as_compiled(path.read_text()) for path in HEADERS)
        listed = subprocess.run(['nm', '-D', '--defined-only', LIBRARY], capture_output=True, text=True, check=True).stdout
        cls.exported = {line.split()[-1].split('@')[0] for line in listed.splitlines()}
        cls.declared = set(re.findall(r'PEEPS_API [^;(]*?\b(peeps_\w+)\s*\(', text))
        cls.macros = set(re.findall(r'(?m)^#define (peeps_\w+)\(', text))

    def test_nm__each_function_that_a_header_declares__is_exported(self):
        self.assertGreater(len(self.declared), 80)
        self.assertEqual(self.declared - self.exported, set())

    def test_nm__each_call_that_is_a_macro__has_a_plain_symbol(self):
        self.assertGreater(len(self.macros), 30)
        self.assertEqual(self.macros - self.exported, set())

    def test_nm__nothing_else__is_exported(self):
        objects = {'peeps_tls', 'peeps_site_in_name', 'peeps_site_unknown'}
        self.assertEqual({name for name in self.exported if not name.startswith('_')} - self.declared, objects)


class Python(unittest.TestCase, Expectations):
    @classmethod
    def setUpClass(cls):
        cls.target = Target(sys.executable, PROGRAM, LIBRARY)
        answer = READ.until(cls.target.pid, cls.is_settled, 'dump', '-f', 'json')
        assert cls.is_settled(answer), f'not settled within 10 s: {answer}'
        cls.snapshot = Snapshot.of(answer)

    @classmethod
    def tearDownClass(cls):
        cls.target.__exit__()

    @staticmethod
    def is_settled(answer):
        snapshot = Snapshot.of(answer)
        return snapshot is not None and snapshot.pending() == {
            ('alpha', 'lock', 'right'), ('beta', 'lock', 'left'), ('job', 'recv', 'dishes'),
            ('python', 'notify_wait', 'alice')}

    def test_check__two_python_threads_in_a_deadlock__is_found(self):
        answer = READ('check', self.target.pid)
        self.assertEqual(answer.status, 1, answer)
        self.assertIn('deadlock (certain): 2 threads wait for each other', answer.out)
        self.assertRegex(answer.out, r'alpha has waited .* for mutex "right"')
        self.assertRegex(answer.out, r'beta has waited .* for mutex "left"')

    def test_dump__what_python_holds__is_shown(self):
        self.expect_whole(self.snapshot)
        held = {(self.snapshot.called(edge), edge['meta']['role'], edge['meta']['count'])
                for edge in self.snapshot.edges('holds')}
        self.assertIn(((('rwlock', 'map'), ('thread', 'worker')), 'lock', 1), held)
        self.assertIn(((('semaphore', 'tables'), ('thread', 'worker')), 'permit', 2), held)
        self.assertIn(((('mpsc_rx', 'dishes'), ('thread', 'worker')), 'receiver', 1), held)
        self.assertEqual(self.snapshot.attrs('semaphore', 'tables')['available'], 1)
        self.assertEqual(self.snapshot.attrs('mpsc_rx', 'dishes')['recv_total'], 3)

    def test_dump__call_through_a_plain_symbol__has_no_place(self):
        for edge in self.snapshot.operations():
            self.assertIsNone(edge['meta']['source'])

    def test_dump__entity_of_a_kind_of_pythons_own__says_what_it_is(self):
        attrs = self.snapshot.attrs('session', 'alice')
        self.assertEqual((attrs['users'], attrs['note'], attrs['visibility']), (3, 'of Python', 'internal'))
        wait, = (edge for edge in self.snapshot.state('pending') if self.snapshot.called(edge)[1] == ('session', 'alice'))
        self.assertEqual(wait['meta']['poll_count'], 2)

    def test_explain__scope_that_python_made__lists_its_member(self):
        scope, = self.snapshot.document['scopes']
        answer = READ('explain', scope['id'], self.target.pid)
        self.assertEqual(answer.status, 0, answer)
        self.assertIn(self.snapshot.named['session', 'alice'], answer.out)


class Ordered(unittest.TestCase):
    def test_check__python_threads_in_order__is_no_deadlock(self):
        with Target(sys.executable, PROGRAM, LIBRARY, '--ordered') as target:
            answer = READ('check', target.pid)
            self.assertEqual(answer.status, 0, answer)


if __name__ == '__main__':
    loader = unittest.TestLoader()
    sys.exit(tap.run_suite(unittest.TestSuite(
        loader.loadTestsFromTestCase(case) for case in (Symbols, Python, Ordered))))
