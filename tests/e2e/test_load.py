#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""load: snapshots into a database, whole or not at all, whatever happens meanwhile.

usage: test_load.py PEEPS_READ MUTEX_LOCK_ORDER_INVERSION DATABASE_DOCS
"""
import json
import os
import pty
import random
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import tap
from target import PeepsRead, Target

READ = PeepsRead(os.path.abspath(sys.argv[1]))
EXAMPLE, DOCS = sys.argv[2:4]
LINE = re.compile(r'snapshot (\d+): (.*), (20\d\d-\d\d-\d\dT[\d:.]+Z), (\d+) entit(?:y|ies), (\d+) edges?, (\d+) findings?(.*)')
APPLICATION, VERSION = 0x70656570, 1
NOBODY = 65534


def document(node_count, name='orders'):
    """A snapshot of one process: threads that each hold a mutex, and wait for the next one's."""
    key = f'{name}-4711'
    nodes, edges = [], []
    for i in range(node_count // 2):
        nodes.append({'id': f'thread:{key}:{i}', 'kind': 'thread', 'process': key, 'name': f'worker-{i}',
                      'role': 'actor', 'attrs': {'name': f'worker-{i}', 'tid': i, 'text': 'x' * 100}})
        nodes.append({'id': f'mutex:{key}:m{i}', 'kind': 'mutex', 'process': key, 'name': f'm{i}', 'role': 'resource',
                      'attrs': {'name': f'm{i}'}})
        edges.append({'src': f'mutex:{key}:m{i}', 'dst': f'thread:{key}:{i}', 'kind': 'holds', 'meta': {'role': 'lock'}})
    return {'schema': 'peeps.snapshot/1', 'taken_at_unix_ns': 1777636800250000000, 'cut_ns': 1, 'skew_ns': 0,
            'quality': 'cut', 'notes': [], 'processes': [{'proc_key': key, 'pid': 4711, 'name': name, 'cmdline': name,
                                                          'start_time': 1, 'ptime_now_ns': 5, 'coverage': 'all',
                                                          'counters': {}}],
            'nodes': nodes, 'edges': edges, 'scopes': [], 'memberships': [], 'findings': []}


def rows(path, sql, *values):
    database = sqlite3.connect(path)
    try:
        return database.execute(sql, values).fetchall()
    finally:
        database.close()


def content(path):
    with open(path, 'rb') as file:
        return file.read()


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.path = os.path.join(self.folder, 'hang.db')

    def file(self, name, what):
        path = os.path.join(self.folder, name)
        with open(path, 'w', encoding='utf-8') as file:
            json.dump(what, file)
        return path

    def two(self, node_count=4):
        """A file named twice would be one target."""
        return self.file('one.json', document(node_count)), self.file('two.json', document(node_count))

    def expect_problem(self, answer, status, *words):
        """Three lines at most, and nothing on stdout."""
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.out, '', answer)
        self.assertLessEqual(len(answer.err.splitlines()), 3, answer)
        for word in words:
            self.assertIn(word, answer.err)

    def expect_untouched(self, path, status, *words):
        """It is refused, and not a byte of it or beside it is another."""
        before, beside = content(path), set(os.listdir(self.folder))
        self.expect_problem(READ('load', path, self.file('small.json', document(4))), status, *words)
        self.assertEqual(content(path), before)
        self.assertEqual(set(os.listdir(self.folder)) - {'small.json'}, beside - {'small.json'})

    def expect_whole(self, path=None):
        """{snapshot: (entities, edges)}, of a database in which all agrees."""
        path = path or self.path
        self.assertEqual(rows(path, 'PRAGMA integrity_check'), [('ok',)])
        self.assertEqual(rows(path, 'PRAGMA foreign_key_check'), [])
        return {row[0]: row[1:] for row in rows(path, '''
            SELECT id, (SELECT count(*) FROM entities WHERE snapshot_id = s.id),
                       (SELECT count(*) FROM edges WHERE snapshot_id = s.id) FROM snapshots s''')}


class Loading(Case):
    def test_load__a_process__says_what_it_loaded_and_leaves_one_file(self):
        with Target(EXAMPLE) as target:
            READ.until(target.pid, lambda answer: answer.status == 1, 'check')
            answer = READ('load', self.path, target.pid)
        self.assertEqual((answer.status, answer.err), (0, ''), answer)
        self.assertRegex(answer.out, r'\Asnapshot 1: mutex-lock-order-inversion-\d+, \S+Z, 6 entities, \d+ edges, 1 finding\n\Z')
        self.assertEqual(os.listdir(self.folder), ['hang.db'])
        self.assertEqual([count for count, _ in self.expect_whole().values()], [6])
        self.assertEqual(rows(self.path, 'SELECT kind, certainty FROM findings'), [('deadlock', 'certain')])

    def test_load__new_database__has_marks_and_wal(self):
        READ('load', self.path, self.file('a.json', document(4)))
        for pragma, value in (('application_id', APPLICATION), ('user_version', VERSION), ('journal_mode', 'wal')):
            self.assertEqual(rows(self.path, f'PRAGMA {pragma}'), [(value,)])

    def test_load__again__appends(self):
        small, large = self.file('small.json', document(4)), self.file('large.json', document(6))
        self.assertEqual(READ('load', self.path, small).status, 0)
        answer = READ('load', self.path, small, large)
        self.assertEqual([(row[0], row[3:]) for row in LINE.findall(answer.out)],
                         [('2', ('4', '2', '0', f', from {small}')), ('3', ('6', '3', '0', f', from {large}'))], answer)
        self.assertEqual(self.expect_whole(), {1: (4, 2), 2: (4, 2), 3: (6, 3)})
        self.assertEqual(rows(self.path, 'SELECT origin FROM snapshots'), [(small,), (small,), (large,)])

    def test_load__json__the_same_for_programs(self):
        two = self.two()
        answer = READ('load', '-J', self.path, *two)
        said = json.loads(answer.out)
        self.assertEqual(answer.status, 0, answer)
        self.assertEqual(said['database'], self.path)
        self.assertEqual(said['snapshots'], [
            {'id': number, 'sequence': None, 'taken_at_unix_ns': 1777636800250000000, 'quality': 'cut', 'origin': origin,
             'processes': ['orders-4711'], 'entities': 4, 'edges': 2, 'scopes': 0, 'memberships': 0, 'findings': 0}
            for number, origin in enumerate(two, 1)])

    def test_load__four_processes__one_line_names_three(self):
        first = document(4)
        for i in range(3):
            first['processes'].append(dict(first['processes'][0], proc_key=f'other-{i}'))
        answer = READ('load', self.path, self.file('a.json', first))
        self.assertIn('snapshot 1: orders-4711, other-0, other-1 and 1 more, ', answer.out)

    def test_load__hostile_names__no_terminal_obeys_them(self):
        hostile = json.loads(json.dumps(document(4)).replace('orders-4711', 'a\\u001b[2J\\u009b\\nb'))
        hostile['nodes'][0]['attrs']['text'] = 'a\x1b\x7f\x85"\\ \U0001f600'
        answer = READ('load', self.path, self.file('a\x1b[31m.json', hostile))
        self.assertEqual(answer.status, 0, answer)
        self.assertEqual(len(answer.out.splitlines()), 1, answer)
        self.assertIsNone(re.search(r'[\x00-\x09\x0b-\x1f\x7f-\x9f]', answer.out), repr(answer.out))
        self.assertEqual(rows(self.path, "SELECT json_extract(attrs_json, '$.text') FROM entities LIMIT 1"),
                         [('a\x1b\x7f\x85"\\ \U0001f600',)])
        self.assertEqual(rows(self.path, 'SELECT proc_key FROM processes'), [('a\x1b[2J\x9b\nb',)])

    def test_load__name_that_means_something_to_sqlite__is_a_file(self):
        small = self.file('small.json', document(4))
        for name in (':memory:', 'file:x.db?mode=memory', 'a b#%41?.db'):
            answer = READ('load', name, small, cwd=self.folder)
            self.assertEqual(answer.status, 0, answer)
            self.assertEqual(self.expect_whole(os.path.join(self.folder, name)), {1: (4, 2)})

    def test_load__empty_file__becomes_a_database(self):
        with open(self.path, 'wb'):
            pass
        self.assertEqual(READ('load', self.path, self.file('a.json', document(4))).status, 0)
        self.assertEqual(self.expect_whole(), {1: (4, 2)})

    def test_load__users_own_things_and_analyze__are_left_alone(self):
        small = self.file('small.json', document(4))
        READ('load', self.path, small)
        database = sqlite3.connect(self.path)
        database.executescript('''ANALYZE; CREATE TABLE mine (x); CREATE VIEW v AS SELECT * FROM nodes;
            CREATE TRIGGER t AFTER INSERT ON snapshots BEGIN SELECT RAISE(ABORT, 'no'); END;''')
        database.close()
        self.assertEqual(READ('load', self.path, small).status, 0)
        self.assertEqual(rows(self.path, 'SELECT count(*) FROM mine'), [(0,)])

    def test_load__deleted_snapshot__takes_its_rows_along_and_its_number_is_not_given_again(self):
        small = self.file('small.json', document(4))
        READ('load', self.path, *self.two())
        database = sqlite3.connect(self.path)
        database.executescript('PRAGMA foreign_keys = ON; DELETE FROM snapshots WHERE id = 2')
        database.close()
        READ('load', self.path, small)
        self.assertEqual(self.expect_whole(), {1: (4, 2), 3: (4, 2)})
        self.assertEqual(rows(self.path, 'SELECT count(*) FROM entities'), [(8,)])

    def test_load__four_at_once_into_a_new_one__all_are_there(self):
        two = self.two(200)
        loads = [READ.start('load', self.path, *two) for _ in range(4)]
        for load in loads:
            out, err = load.communicate(timeout=60)
            self.assertEqual(load.returncode, 0, (out, err))
        self.assertEqual(set(self.expect_whole().values()), {(200, 100)})
        self.assertEqual(len(self.expect_whole()), 8)
        self.assertEqual(set(os.listdir(self.folder)), {'one.json', 'two.json', 'hang.db'})


class Refused(Case):
    def test_load__wrong_target__no_database_is_left(self):
        for target, status in (('/no/such/file', 3), ('no-such-process-at-all', 3), (self.file('bad.json', {'schema': 1}), 6)):
            self.expect_problem(READ('load', self.path, target), status)
            self.assertFalse(os.path.exists(self.path), target)

    def test_load__file_that_is_no_database__untouched(self):
        for text in (b'hello\n', b'x' * 100000, b'SQLite format 3\0' + b'\xff' * 9000, b'\0'):
            with open(self.path, 'wb') as file:
                file.write(text)
            self.expect_untouched(self.path, 6, 'hang.db')

    def make(self, script):
        if os.path.exists(self.path):
            os.unlink(self.path)
        database = sqlite3.connect(self.path)
        database.executescript(script)
        database.close()

    def test_load__another_programs_database__untouched(self):
        self.make('CREATE TABLE bookmarks (url TEXT); INSERT INTO bookmarks VALUES (1)')
        self.expect_untouched(self.path, 6, "some other program's")
        self.make('PRAGMA application_id = 7')
        self.expect_untouched(self.path, 6, "some other program's")

    def test_load__another_version__both_are_named(self):
        self.make(f'PRAGMA application_id = {APPLICATION}; PRAGMA user_version = 77; CREATE TABLE snapshots (id)')
        self.expect_untouched(self.path, 6, 'version 77', str(VERSION))

    def test_load__right_version_and_other_tables__untouched(self):
        self.make(f'PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}; CREATE TABLE snapshots (id)')
        self.expect_untouched(self.path, 6, "'snapshots'")

    def test_load__one_thing_of_it_changed__is_named(self):
        small = self.file('small.json', document(4))
        for script, name in (('DROP INDEX edges_by_dst', 'edges_by_dst'),
                             ('ALTER TABLE findings ADD COLUMN more TEXT', 'findings'),
                             ('DROP VIEW nodes; CREATE VIEW nodes AS SELECT * FROM entities', 'nodes'),
                             ('ALTER TABLE scopes RENAME COLUMN name TO called', 'scopes')):
            with self.subTest(script=script):
                if os.path.exists(self.path):
                    os.unlink(self.path)
                READ('load', self.path, small)
                database = sqlite3.connect(self.path)
                database.executescript('PRAGMA journal_mode = DELETE;' + script)
                database.close()
                self.expect_untouched(self.path, 6, f"'{name}'")

    def test_load__what_is_no_file__is_refused(self):
        small = self.file('small.json', document(4))
        os.mkfifo(self.path)
        self.expect_problem(READ('load', self.path, small), 6, 'no file')
        self.expect_problem(READ('load', self.folder, small), 6, 'folder')
        self.expect_problem(READ('load', '/dev/null', small), 6, 'no file')
        self.expect_problem(READ('load', '-', small, cwd=self.folder), 2, 'standard output')
        self.expect_problem(READ('load', small, small), 6)
        self.expect_problem(READ('load', '', small, cwd=self.folder), 6)

    def test_load__no_such_folder__is_3(self):
        self.expect_problem(READ('load', os.path.join(self.folder, 'no', 'x.db'), self.file('a.json', document(4))), 3,
                            'No such file or directory')

    def test_load__may_not_write__is_5_and_nothing_is_lost(self):
        small = self.file('small.json', document(4))
        os.chmod(self.folder, 0o755)
        READ('load', self.path, small)
        options = {} if os.getuid() else {'user': NOBODY}
        try:
            READ('version', **options)
        except PermissionError:
            self.skipTest('nobody may not run peeps-read here')
        os.chmod(self.path, 0o444)
        os.chmod(self.folder, 0o555)
        try:
            for path in (self.path, os.path.join(self.folder, 'new.db')):
                self.expect_problem(READ('load', path, small, **options), 5, 'Permission denied')
            os.chmod(self.folder, 0o777)
            self.expect_problem(READ('load', self.path, small, **options), 5, 'Permission denied')
        finally:
            os.chmod(self.folder, 0o755)
        self.assertEqual(self.expect_whole(), {1: (4, 2)})


class Interrupted(Case):
    def test_load__second_target_is_damaged__the_first_stays_and_is_said(self):
        small = self.file('small.json', document(4))
        broken = self.file('broken.json', document(4))
        os.truncate(broken, 900)
        answer = READ('load', self.path, small, broken, small)
        self.assertEqual(answer.status, 6, answer)
        self.assertEqual(len(LINE.findall(answer.out)), 1, answer)
        self.assertIn('broken.json', answer.err)
        self.assertEqual(self.expect_whole(), {1: (4, 2)})
        self.assertEqual(len(json.loads(READ('load', '-J', self.path, small, broken).out)['snapshots']), 1)

    def test_load__nobody_reads_what_it_says__is_8_and_all_is_loaded(self):
        two = self.two()
        with open('/dev/full', 'wb') as full:
            for option in ([], ['-J']):
                answer = READ('load', *option, self.path, *two, stdout=full)
                self.assertEqual(answer.status, 8, answer)
                self.assertIn('No space left', answer.err)
                self.assertIn('what was loaded is in', answer.err)
        ours, theirs = os.pipe()
        os.close(ours)
        answer = READ('load', self.path, *two, stdout=theirs)
        os.close(theirs)
        self.assertEqual(answer.status, 8, answer)
        self.assertEqual(len(self.expect_whole()), 6)

    def test_load__another_program_writes__is_8_and_says_so(self):
        small = self.file('small.json', document(4))
        READ('load', self.path, small)
        other = sqlite3.connect(self.path, isolation_level=None)
        other.execute('BEGIN IMMEDIATE')
        self.expect_problem(READ('load', self.path, small), 8, 'locked', 'another program is writing to it')
        other.execute('ROLLBACK')
        other.close()
        self.assertEqual(READ('load', self.path, small).status, 0)
        self.assertEqual(len(self.expect_whole()), 2)

    def test_load__another_program_reads__does_not_wait_for_it(self):
        small = self.file('small.json', document(4))
        READ('load', self.path, small)
        other = sqlite3.connect(self.path, isolation_level=None)
        other.execute('BEGIN')
        self.assertEqual(other.execute('SELECT count(*) FROM snapshots').fetchall(), [(1,)])
        self.assertEqual(READ('load', self.path, small).status, 0)
        self.assertEqual(other.execute('SELECT count(*) FROM snapshots').fetchall(), [(1,)])
        other.execute('COMMIT')
        self.assertEqual(other.execute('SELECT count(*) FROM snapshots').fetchall(), [(2,)])
        other.close()

    def expect_full(self, answer, *words):
        self.assertEqual(answer.status, 8, answer)
        self.assertEqual(LINE.findall(answer.out), [], answer)
        self.assertTrue(any(word in answer.err for word in words), answer)
        self.assertIn('nothing of this snapshot was added', answer.err)

    def test_load__file_may_not_grow__what_was_there_stays(self):
        READ('load', self.path, self.file('small.json', document(4)))
        limit = os.path.getsize(self.path) + 100000

        def bound():
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        large = self.file('large.json', document(20000))
        self.expect_full(READ('load', self.path, large, preexec_fn=bound), 'a file that may not grow')
        self.assertEqual(self.expect_whole(), {1: (4, 2)})
        self.assertEqual(READ('load', self.path, large).status, 0)
        self.assertEqual(self.expect_whole(), {1: (4, 2), 2: (20000, 10000)})

    def test_load__disk_is_full__what_was_there_stays(self):
        disk = os.path.join(self.folder, 'disk')
        os.mkdir(disk)
        if shutil.which('mount') is None or subprocess.run(
                ['mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk], stderr=subprocess.DEVNULL, check=False).returncode:
            self.skipTest('may not mount')
        self.addCleanup(subprocess.run, ['umount', disk], check=True)
        path = os.path.join(disk, 'hang.db')
        READ('load', path, self.file('small.json', document(4)))
        self.expect_full(READ('load', path, self.file('large.json', document(20000))), 'full')
        self.assertEqual(self.expect_whole(path), {1: (4, 2)})
        self.assertEqual(os.listdir(disk), ['hang.db'])

    def test_load__interrupted__takes_back_what_it_began_and_leaves_nothing_beside_it(self):
        READ('load', self.path, self.file('small.json', document(4)))
        many = [self.file(f'{i}.json', document(8000)) for i in range(30)]
        for number in (signal.SIGINT, signal.SIGTERM):
            load = subprocess.Popen([READ.path, 'load', self.path, *many], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
            self.assertRegex(load.stdout.readline().decode(), LINE)
            load.send_signal(number)
            load.communicate(timeout=60)
            self.assertEqual(load.returncode, -number)
            self.assertLess(len(self.expect_whole()), 31)
            self.assertEqual([name for name in os.listdir(self.folder) if not name.endswith('.json')], ['hang.db'])

    def test_load__killed_at_any_moment__every_snapshot_is_whole(self):
        many = document(4000)
        sources = [self.file(f'{i}.json', many) for i in range(6)]
        seed = random.randrange(1 << 32)
        chance = random.Random(seed)
        print(f'# seed {seed}')
        said = 0
        for _ in range(15):
            load = READ.start('load', self.path, *sources)
            time.sleep(chance.uniform(0, 0.6))
            load.send_signal(signal.SIGKILL)
            out, _ = load.communicate()
            said += len(LINE.findall(out.decode()))
            if os.path.exists(self.path):
                there = self.expect_whole() if rows(self.path, 'SELECT count(*) FROM sqlite_schema') != [(0,)] else {}
                self.assertLessEqual(set(there.values()), {(4000, 2000)})
                self.assertGreaterEqual(len(there), said)
        answer = READ('load', self.path, sources[0])
        self.assertEqual(answer.status, 0, answer)
        self.assertEqual([name for name in os.listdir(self.folder) if not name.endswith('.json')], ['hang.db'])
        self.assertEqual(set(self.expect_whole().values()), {(4000, 2000)})


class Progress(Case):
    def load_for_long(self, stderr):
        """It waits for another writer first: so it takes longer than what needs no words. Returns its exit status."""
        small, large = self.file('small.json', document(4)), self.file('large.json', document(20000))
        READ('load', self.path, small)
        other = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        other.execute('BEGIN IMMEDIATE')
        end = threading.Timer(1.5, lambda: other.execute('ROLLBACK'))
        end.start()
        done = subprocess.run([READ.path, 'load', self.path, large], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=stderr, env={**os.environ, 'TERM': 'xterm'}, timeout=60, check=False)
        end.join()
        other.close()
        self.assertEqual(done.returncode, 0)
        self.assertEqual(len(LINE.findall(done.stdout.decode())), 1, done.stdout)

    def test_load__terminal__is_told_how_far_it_is_and_then_no_more(self):
        ours, theirs = pty.openpty()
        self.load_for_long(theirs)
        told = os.read(ours, 65536).decode()
        os.close(ours)
        os.close(theirs)
        self.assertRegex(told, r'snapshot 1: \d+ of 30002 rows \(\d+ %\)')
        self.assertTrue(told.endswith('\r\x1b[K'), repr(told))

    def test_load__interrupted_amid_a_snapshot__nothing_of_it_is_there(self):
        READ('load', self.path, self.file('small.json', document(4)))
        large = self.file('large.json', document(60000))
        other = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        other.execute('BEGIN IMMEDIATE')
        end = threading.Timer(1.5, lambda: other.execute('ROLLBACK'))
        end.start()
        ours, theirs = pty.openpty()
        load = subprocess.Popen([READ.path, 'load', self.path, large], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=theirs, env={**os.environ, 'TERM': 'xterm'})
        self.assertIn(b'of 90002 rows', os.read(ours, 65536))
        load.send_signal(signal.SIGINT)
        self.assertEqual(load.communicate(timeout=60)[0], b'')
        os.close(ours)
        os.close(theirs)
        end.join()
        other.close()
        self.assertEqual(load.returncode, -signal.SIGINT)
        self.assertEqual(self.expect_whole(), {1: (4, 2)})

    def test_load__pipe__is_told_nothing(self):
        with tempfile.TemporaryFile() as stderr:
            self.load_for_long(stderr)
            stderr.seek(0)
            self.assertEqual(stderr.read(), b'')


class Docs(Case):
    def test_docs__every_table_and_column__is_there_and_no_other(self):
        READ('load', self.path, self.file('small.json', document(4)))
        with open(DOCS, encoding='utf-8') as file:
            sections = re.split(r'(?m)^### ', file.read())[1:]
        said = {}
        for section in sections:
            title, body = section.split('\n', 1)
            said[title.strip('` ')] = re.findall(r'(?m)^\| `(\w+)` \|', re.split(r'(?m)^#', body)[0])
        tables = rows(self.path, "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'")
        there = {name: [row[1] for row in rows(self.path, f'PRAGMA table_info({name})')] for name, in tables}
        self.assertEqual(said, there)


if __name__ == '__main__':
    loader = unittest.TestLoader()
    sys.exit(tap.run_suite(unittest.TestSuite(
        loader.loadTestsFromTestCase(case) for case in (Loading, Refused, Interrupted, Progress, Docs))))
