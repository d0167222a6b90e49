#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The validation queries of seeds 000 to 003, as they are written there, on what the examples look like when they are loaded.

A query is the file seeds_sql/SEED-NUMBER.sql, and what each must give in each scenario stands in EXPECTED. What nobody
records yet gives nothing: whoever builds it takes its line out of NOT_YET, and says in EXPECTED what is right instead.

usage: test_seeds_sql.py PEEPS_READ FOLDER_OF_SQL EXAMPLE...
"""
import os
import sqlite3
import sys
import tempfile
import unittest

import tap
from snapshot import Snapshot
from target import PeepsRead, Target

READ = PeepsRead(sys.argv[1])
FOLDER = sys.argv[2]
EXAMPLES = {os.path.basename(path): path for path in sys.argv[3:]}

# Kinds that nothing makes yet, so that what asks for them must be empty.
NOT_YET = {'roam_channel_tx', 'roam_channel_rx', 'request', 'response'}

# What each example must have come to before it is looked at: its pending operations.
SCENARIOS = {
    'channel-full-stall': {('bounded_sender', 'send', 'demo.work_queue'), ('blocked_receiver', 'recv', 'demo.idle_queue')},
    'semaphore-starvation': {('permit_waiter', 'acquire', 'demo.api_gate')},
    'channel-cycle': {('ping', 'send', 'to_pong'), ('pong', 'send', 'to_ping')},
    'mutex-lock-order-inversion': {('alpha', 'lock', 'right'), ('beta', 'lock', 'left')},
    'oneshot-sender-lost-in-map': {('caller', 'recv', 'demo.answer.42')},
    'singles': {('viewer-0', 'recv', 'config'), ('viewer-1', 'recv', 'config')},
}


def channels(*names):
    """What 000 to 003 say of a process with just these channels."""
    return {
        '000-roam-channels-1': [(0,)],
        '000-roam-channels-2': [],
        '001-tokio-channels-1': [('mpsc_rx', len(names)), ('mpsc_tx', len(names))] if names else [],
        '001-tokio-channels-2': [(len(names),)],
        '002-mpsc-channels-2': [(f'mpsc:{{key}}:{name}:tx', f'mpsc:{{key}}:{name}:rx') for name in names],
        '003-rpc-requests-1': [],
        '003-rpc-requests-2': [(0,)],
    }


# {scenario: {query: rows}}; {key} is the process's proc_key. Rows are compared as a set unless the query is in ORDERED.
EXPECTED = {
    'channel-full-stall': {
        **channels('demo.work_queue', 'demo.idle_queue'),
        '002-mpsc-channels-1': [('mpsc:{key}:demo.work_queue', 16, 16), ('mpsc:{key}:demo.idle_queue', 0, 4)],
    },
    'channel-cycle': {**channels('to_ping', 'to_pong', 'pulse'), '002-mpsc-channels-1': None},  # pulse goes on
    'semaphore-starvation': {**channels(), '002-mpsc-channels-1': []},
    'mutex-lock-order-inversion': {**channels(), '002-mpsc-channels-1': []},
    'oneshot-sender-lost-in-map': {
        **channels('demo.questions'),
        '001-tokio-channels-1': [('mpsc_rx', 1), ('mpsc_tx', 1), ('oneshot_rx', 1), ('oneshot_tx', 1)],
        '001-tokio-channels-2': [(2,)],
        '002-mpsc-channels-1': [('mpsc:{key}:demo.questions', 0, 64)],
    },
    'singles': {
        **channels(),
        '001-tokio-channels-1': [('oneshot_rx', 5), ('oneshot_tx', 5), ('watch_rx', 1), ('watch_tx', 1)],
        '001-tokio-channels-2': [(6,)],
        '002-mpsc-channels-1': [],
    },
}
ORDERED = {'002-mpsc-channels-1'}


def queries():
    """{name: SQL}, of every file."""
    found = {}
    for file in sorted(os.listdir(FOLDER)):
        with open(os.path.join(FOLDER, file), encoding='ascii') as sql:
            found[file.removesuffix('.sql')] = sql.read()
    return found


def filled_in(rows, key):
    return [tuple(cell.replace('{key}', key) if isinstance(cell, str) else cell for cell in row) for row in rows]


class Seeds(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """All scenarios in one database, so that a query that forgets its snapshot is found out."""
        cls.folder = tempfile.TemporaryDirectory()
        path = os.path.join(cls.folder.name, 'seeds.db')
        cls.loaded = {}
        for name, pending in SCENARIOS.items():
            with Target(EXAMPLES[name]) as target:
                def is_there(answer, pending=pending):
                    snapshot = Snapshot.of(answer)
                    return snapshot is not None and pending <= snapshot.pending()
                answer = READ.until(target.pid, is_there, 'dump', '-f', 'json')
                assert is_there(answer), f'{name} has not come to it: {answer}'
                answer = READ('load', path, target.pid)
                assert answer.status == 0, answer
                cls.loaded[name] = (len(cls.loaded) + 1, f'{name[:32].rstrip("-")}-{target.pid}')
        cls.database = sqlite3.connect(path)

    @classmethod
    def tearDownClass(cls):
        cls.database.close()
        cls.folder.cleanup()

    def ask(self, sql, scenario):
        return self.database.execute(sql, (self.loaded[scenario][0],)).fetchall()

    def test_queries__of_every_seed__are_all_here(self):
        self.assertEqual(set(queries()), set(EXPECTED['channel-full-stall']))
        for expected in EXPECTED.values():
            self.assertEqual(set(expected), set(queries()))

    def test_queries__every_scenario__right_rows(self):
        for scenario, expected in EXPECTED.items():
            for name, sql in queries().items():
                with self.subTest(scenario=scenario, query=name):
                    got, wanted = self.ask(sql, scenario), expected[name]
                    if wanted is None:
                        continue
                    wanted = filled_in(wanted, self.loaded[scenario][1])
                    if name in ORDERED:
                        self.assertEqual(got, wanted)
                    else:
                        self.assertEqual(sorted(got), sorted(wanted))

    def test_002_1__full_queues_of_a_cycle__before_the_other(self):
        """What changes all the time is not compared, but the order is, and the two that are full."""
        key = self.loaded['channel-cycle'][1]
        rows = self.ask(queries()['002-mpsc-channels-1'], 'channel-cycle')
        self.assertEqual(set(rows[:2]), {(f'mpsc:{key}:to_ping', 4, 4), (f'mpsc:{key}:to_pong', 4, 4)})
        self.assertEqual(rows[2][0], f'mpsc:{key}:pulse')
        self.assertEqual(len(rows), 3)

    def test_nodes__kinds_of_the_future__are_not_there_yet(self):
        """If this fails, something is recorded now: what the queries say of it belongs into EXPECTED."""
        there = {kind for kind, in self.database.execute('SELECT DISTINCT kind FROM nodes')}
        self.assertEqual(there & NOT_YET, set())
        self.assertLessEqual({'mpsc', 'mpsc_tx', 'mpsc_rx', 'thread', 'mutex', 'semaphore'}, there)

    def test_nodes__old_spelling__says_what_the_ends_say(self):
        rows = self.database.execute("""
            SELECT m.id, m.attrs_json = tx.attrs_json, m.process = tx.process, m.name = tx.name
            FROM nodes m LEFT JOIN entities tx ON tx.snapshot_id = m.snapshot_id AND tx.id = m.id || ':tx'
            WHERE m.kind = 'mpsc'""").fetchall()
        self.assertEqual(len(rows), 6)
        self.assertEqual({row[1:] for row in rows}, {(1, 1, 1)})


if __name__ == '__main__':
    sys.exit(tap.run_suite(unittest.defaultTestLoader.loadTestsFromTestCase(Seeds)))
