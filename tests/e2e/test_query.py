#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Questions and SQL, asked of processes, snapshots and databases.

usage: test_query.py PEEPS_READ EXAMPLE
"""
import csv
import glob
import io
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import unittest

import tap
from target import PeepsRead, Target

READ = PeepsRead(sys.argv[1])
EXAMPLE = sys.argv[2]

ENDLESS = 'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) '
# One call of one function, which nothing ends: 20 MB are sought at each place of 60 MB.
STUBBORN = "SELECT instr(hex(zeroblob(30000000)), hex(zeroblob(10000000)) || '1')"
BLOCKED = {('alpha', 'right', 'beta'), ('beta', 'left', 'alpha')}


def bytes_of(path):
    with open(path, 'rb') as file:
        return file.read()


class Scratch(unittest.TestCase):
    """A deadlock, once running, once as a snapshot, and three times in a database."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix='peeps-query-')
        cls.target = Target(EXAMPLE)
        cls.pid = cls.target.pid
        READ.until(cls.pid, lambda answer: answer.status == 1, 'check')
        cls.snapshot = cls.path('hang.json')
        cls.database = cls.path('hang.db')
        assert READ('dump', cls.pid, '-o', cls.snapshot).status == 0
        for _ in range(3):
            answer = READ('load', cls.database, cls.pid)
            assert answer.status == 0, answer

    @classmethod
    def tearDownClass(cls):
        cls.target.__exit__()
        cls.folder.cleanup()

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder.name, name)

    def rows(self, *arguments, **options):
        answer = READ('query', *arguments, '-J', **options)
        self.assertEqual((answer.status, answer.err), (0, ''), answer)
        return json.loads(answer.out)['rows']

    def copy(self, name):
        """Of the database, at rest, for a test to spoil."""
        copy = self.path(name)
        with sqlite3.connect(self.database) as source, sqlite3.connect(copy) as into:
            source.backup(into)
        with sqlite3.connect(copy) as into:
            into.execute('PRAGMA journal_mode = DELETE')
        into.close()
        source.close()
        return copy

    def expect_error(self, answer, status, *said):
        lines = answer.err.splitlines()
        self.assertEqual(answer.status, status, answer)
        self.assertIn(len(lines), (2, 3), answer)
        self.assertTrue(all(line.startswith(('peeps-read: ', 'hint: ')) for line in lines), answer)
        for text in said:
            self.assertIn(text, answer.err)


class Targets(Scratch):
    def expect_blocked(self, *targets, **options):
        rows = self.rows('blockers', *targets, **options)
        self.assertEqual({(row['waiter'], row['resource'], row['held_by']) for row in rows}, BLOCKED)

    def test_each_kind_of_target__gives_the_same_answer(self):
        self.expect_blocked(self.pid)
        self.expect_blocked(self.snapshot)
        self.expect_blocked(self.database)
        self.expect_blocked(self.snapshot, self.pid)

    def test_a_pipe__is_a_target(self):
        with subprocess.Popen(['cat', self.snapshot], stdout=subprocess.PIPE) as cat:
            answer = subprocess.run([READ.path, 'query', 'blockers', '-', '-J'], stdin=cat.stdout, capture_output=True,
                                    check=False, timeout=60)
        self.assertEqual(answer.returncode, 0, answer)
        self.assertEqual(len(json.loads(answer.stdout)['rows']), 2)

    def test_several_targets__are_snapshots_in_their_order(self):
        rows = self.rows(self.snapshot, self.pid, '-e', 'SELECT id, origin IS NULL AS live FROM snapshots ORDER BY id')
        self.assertEqual(rows, [{'id': 1, 'live': 0}, {'id': 2, 'live': 1}])

    def test_text__says_of_what_it_is(self):
        answer = READ('query', 'blockers', self.pid)
        self.assertEqual(answer.status, 0, answer)
        self.assertRegex(answer.out.splitlines()[0], rf'^\S+ \(pid {self.pid}\): 3 threads, quality cut, 20')
        answer = READ('query', 'blockers', self.database)
        self.assertIn(f'from {self.database}, taken ', answer.out.splitlines()[1])
        self.assertEqual(answer.out.splitlines()[2], 'snapshot 3 of 3')
        answer = READ('query', self.database, '-e', 'SELECT count(*) FROM snapshots')
        self.assertRegex(answer.out.splitlines()[0], r'^3 snapshots, 20.*Z to 20.*Z')
        answer = READ('query', self.database, '-e', 'SELECT ?1, :before')
        self.assertRegex(answer.out, r'compared with snapshot 2, 20')
        answer = READ('query', self.snapshot, '-e', 'SELECT ?1, :before')
        self.assertIn('no snapshot before it', answer.out)

    def test_at__is_the_snapshot_that_is_asked_about(self):
        asked = 'SELECT ?1 AS one, :before AS before'
        for at, one, before in ((1, 1, None), (2, 2, 1), (-1, 3, 2), (-3, 1, None)):
            self.assertEqual(self.rows(self.database, '--at', at, '-e', asked), [{'one': one, 'before': before}])
        self.expect_error(READ('query', self.database, '--at', 4, '-e', asked), 3, 'no snapshot 4', 'there are 3: from 1 to 3')

    def test_options_that_change_nothing__are_refused(self):
        self.expect_error(READ('query', self.database, '--at', 1, '-e', 'SELECT 1'), 2, '--at', '?1')
        self.expect_error(READ('query', self.database, '--min', '1s', '-e', 'SELECT 1'), 2, '--min', ':min_ns')
        self.assertEqual(self.rows(self.database, '--min', '1.5s', '-e', 'SELECT :min_ns AS ns'), [{'ns': 1500000000}])

    def test_snapshots_that_are_no_cut__say_so(self):
        with open(self.snapshot, encoding='utf-8') as file:
            document = json.load(file)
        for quality, status in (('partial', 7), ('passive', 0)):
            document.update(quality=quality, notes=['something was amiss'])
            document['processes'][0]['counters'] = {'dropped_edges': 3}
            path = self.path(f'{quality}.json')
            with open(path, 'w', encoding='utf-8') as file:
                json.dump(document, file)
            answer = READ('query', 'blockers', path)
            self.assertEqual(answer.status, status, answer)
            self.assertIn(f'quality {quality}', answer.out)
            self.assertIn('note: something was amiss', answer.out)
            self.assertEqual(json.loads(READ('query', 'blockers', path, '-J').out)['notes'], ['something was amiss'])
        answer = READ('query', path, self.snapshot, '-e', 'SELECT 1')
        self.assertIn('\n\nnote: 1 of them may be of no single moment', answer.out)
        self.assertIn('\nnote: in 1 of them not everything could be recorded', answer.out)

    def test_wrong_targets__are_refused(self):
        for path, content, status in (('empty', b'', 6), ('text', b'SELECT 1', 6), ('json', b'{}', 6),
                                      ('zeroes', bytes(9000), 6), ('sqlite', b'SQLite format 3\0', 6)):
            with open(self.path(path), 'wb') as file:
                file.write(content)
            self.expect_error(READ('query', 'blockers', self.path(path)), status)
        self.expect_error(READ('query', 'blockers', self.path('nowhere')), 3)
        self.expect_error(READ('query', 'blockers', '4194304'), 3)


class Databases(Scratch):
    def test_asked_in_place__it_is_not_changed(self):
        path = self.copy('rest.db')
        before = bytes_of(path), os.stat(path).st_mtime_ns, set(os.listdir(self.folder.name))
        for asked in (('blockers', path), (path, '-e', 'SELECT 1'), (path, '-e', 'DELETE FROM edges'),
                      (path, '-e', ENDLESS + 'SELECT count(*) FROM c', '--timeout', '50ms')):
            READ('query', *asked)
        self.assertEqual((bytes_of(path), os.stat(path).st_mtime_ns, set(os.listdir(self.folder.name))), before)

    def test_whoever_writes_to_it__is_not_waited_for_nor_seen(self):
        writer = sqlite3.connect(self.database, isolation_level=None)
        writer.execute('BEGIN IMMEDIATE')
        writer.execute('DELETE FROM edges')
        self.assertEqual(len(self.rows('blockers', self.database)), 2)
        writer.execute('ROLLBACK')
        writer.close()

    def test_damaged_databases__are_refused_or_answered(self):
        path = self.copy('damaged.db')
        sound = bytes_of(path)
        for at in range(100, len(sound), max(1, len(sound) // 60)):
            with open(path, 'wb') as file:
                file.write(sound[:at] + bytes(b ^ 0xff for b in sound[at:at + 200]) + sound[at + 200:])
            answer = READ('query', 'blockers', path)
            self.assertIn(answer.status, (0, 6, 7), answer)
            if answer.status == 6:
                self.expect_error(answer, 6)
        for length in range(0, len(sound), max(1, len(sound) // 20)):
            with open(path, 'wb') as file:
                file.write(sound[:length])
            answer = READ('query', 'blockers', path)
            self.assertIn(answer.status, (0, 6), answer)

    def test_databases_of_others__are_refused(self):
        path = self.path('other.db')
        with sqlite3.connect(path) as other:
            other.execute('CREATE TABLE t (a)')
        other.close()
        self.expect_error(READ('query', 'blockers', path), 6)

    def test_a_hostile_schema__does_no_harm(self):
        for number, schema in enumerate((
                "DROP VIEW nodes; CREATE VIEW nodes AS SELECT load_extension('/tmp/peeps-never') AS id",
                f'DROP VIEW nodes; CREATE VIEW nodes AS {ENDLESS} SELECT x AS id FROM c',
                f'DROP TABLE snapshots; CREATE VIEW snapshots AS {ENDLESS} SELECT x AS id FROM c',
                'DROP TABLE findings; CREATE VIEW findings AS SELECT * FROM pragma_wal_checkpoint')):
            path = self.copy(f'hostile{number}.db')
            with sqlite3.connect(path) as hostile:
                hostile.executescript('PRAGMA foreign_keys = OFF;' + schema)
            hostile.close()
            for table in ('nodes', 'snapshots', 'findings'):
                answer = READ('query', path, '-e', f'SELECT count(*) FROM {table}', '--timeout', '200ms')
                self.assertIn(answer.status, (0, 2, 6, 8), answer)
                if answer.status:
                    self.expect_error(answer, answer.status)

    def test_hostile_texts__are_escaped(self):
        path = self.copy('texts.db')
        with sqlite3.connect(path) as hostile:
            hostile.execute("UPDATE entities SET name = char(27) || '[2J' || char(10) || char(155) || 'x'")
        hostile.close()
        for form in ('text', 'json', 'csv'):
            answer = READ('query', path, '-f', form, '-e', 'SELECT name FROM entities')
            self.assertEqual(answer.status, 0, answer)
            self.assertNotRegex(answer.out.replace('\n', ''), '[\x00-\x1f\x7f-\x9f]')
        self.assertEqual({row['name'] for row in self.rows(path, '-e', 'SELECT name FROM entities')},
                         {'\x1b[2J\n\x9bx'})


class Bounds(Scratch):
    def test_statements_that_do_more_than_read__are_refused(self):
        for sql in ('DELETE FROM edges', "ATTACH '/tmp/peeps-never.db' AS x", "VACUUM INTO '/tmp/peeps-never.db'",
                    'CREATE TEMP TABLE t (a)', 'PRAGMA journal_mode = DELETE', "SELECT load_extension('x')",
                    'SELECT 1; DELETE FROM edges', 'BEGIN', "SELECT writefile('/tmp/peeps-never.db', 'x')"):
            for target in (self.database, self.snapshot):
                with self.subTest(sql=sql):
                    self.expect_error(READ('query', target, '-e', sql), 2, 'this SQL cannot be asked')
        self.assertEqual(glob.glob('/tmp/peeps-never*'), [])

    def test_too_long__is_stopped(self):
        answer = READ('query', self.database, '-e', ENDLESS + 'SELECT count(*) FROM c', '--timeout', '100ms')
        self.expect_error(answer, 8, 'more than 100 ms', '--timeout')
        # Loading an answer's first rows is no answer.
        answer = READ('query', self.database, '-e', ENDLESS + 'SELECT x FROM c', '--timeout', '100ms', '-J')
        self.assertEqual(answer.status, 8)
        with self.assertRaises(ValueError):
            json.loads(answer.out)

    def test_what_does_not_look_at_the_clock__is_stopped_and_leaves_nothing(self):
        before = set(os.listdir(self.folder.name))
        blocked = [signal.SIG_BLOCK, {signal.SIGALRM}]
        answer = READ('query', self.database, '-e', STUBBORN, '--timeout', '100ms', '-o', self.path('never.json'),
                      preexec_fn=lambda: signal.pthread_sigmask(*blocked))
        self.expect_error(answer, 8, '--timeout')
        READ('check', self.database)  # removes what SQLite had beside it when it was ended, as whoever reads it next does
        self.assertEqual(set(os.listdir(self.folder.name)), before)

    def test_whoever_reads_slowly__gets_all_of_it(self):
        sql = ENDLESS + 'SELECT x FROM c LIMIT 50000'
        asked = subprocess.Popen([READ.path, 'query', self.database, '-e', sql, '-f', 'csv', '--timeout', '1s'],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with self.assertRaises(subprocess.TimeoutExpired):
            asked.wait(timeout=3)  # the pipe is full
        out, err = asked.communicate(timeout=60)
        self.assertEqual((asked.returncode, out.count(b'\n'), err), (0, 50001, b''))

    def test_too_much_memory__is_stopped(self):
        sql = ENDLESS + 'SELECT hex(zeroblob(10000000)) || x AS y FROM (SELECT x FROM c LIMIT 100) ORDER BY y'
        self.expect_error(READ('query', self.database, '-e', sql, '--timeout', '5m', timeout=300), 8, '1024 MiB of memory')

    def test_too_long_values__are_stopped(self):
        self.expect_error(READ('query', self.database, '-e', 'SELECT zeroblob(100000000)'), 8, 'longer than is allowed')

    def test_rows__end_where_they_are_to_and_it_is_said(self):
        sql = ENDLESS + 'SELECT x FROM c LIMIT 2000'
        answer = READ('query', self.database, '-e', sql)
        self.assertIn('the first 1000 rows', answer.out)
        self.assertEqual(len(self.rows(self.database, '-e', sql)), 2000)
        answer = READ('query', self.database, '-e', sql, '--max-rows', '10', '-f', 'csv')
        self.assertEqual((answer.status, answer.out.count('\n')), (0, 11))
        self.assertIn('there are more', answer.err)
        answer = json.loads(READ('query', self.database, '-e', sql, '--max-rows', '10', '-J').out)
        self.assertEqual((len(answer['rows']), answer['more']), (10, True))
        answer = READ('query', self.database, '-e', 'SELECT 1 WHERE 0')
        self.assertIn('(no rows)', answer.out)

    def test_a_reader_that_goes__ends_it(self):
        asked = READ.start('query', self.database, '-e', ENDLESS + 'SELECT x FROM c', '-f', 'csv')
        asked.stdout.read(100)
        asked.stdout.close()
        self.assertNotEqual(asked.wait(timeout=20), 0)
        asked.stderr.close()

    def test_where_it_is_wrong__is_said(self):
        self.expect_error(READ('query', self.database, '-e', 'SELECT nmae FROM edges'), 2, 'no such column: nmae',
                          'at: nmae FROM edges', 'pragma_table_info')
        self.expect_error(READ('query', self.database, '-e', 'SELECT * FROM egdes'), 2, 'no such table: egdes',
                          'entity_scope_links')
        self.expect_error(READ('query', self.database, '-e', 'SELECT :nope'), 2, ':nope', '?1', ':before', ':min_ns')


class Formats(Scratch):
    SQL = ("SELECT 9007199254740993 AS big, -1 AS less, 0.1 AS real, NULL AS none, '' AS empty, 'a,\"b' AS text, "
           "x'00ff' AS blob, 1 AS id, 2 AS id")

    def test_json__is_exact(self):
        answer = READ('query', self.snapshot, '-e', self.SQL, '-J')
        document = json.loads(answer.out)
        self.assertEqual(document['columns'], ['big', 'less', 'real', 'none', 'empty', 'text', 'blob', 'id', 'id_2'])
        self.assertEqual(document['rows'], [{'big': 9007199254740993, 'less': -1, 'real': 0.1, 'none': None,
                                             'empty': '', 'text': 'a,"b', 'blob': "x'00ff'", 'id': 1, 'id_2': 2}])
        self.assertEqual((document['question'], document['snapshot'], document['before'], document['more']),
                         (None, 1, None, False))
        self.assertEqual(document['quality'], 'cut')
        self.assertEqual(document['processes'][0]['pid'], self.pid)
        self.assertEqual(json.loads(READ('query', 'blockers', self.snapshot, '-f', 'json').out)['question'], 'blockers')

    def test_csv__is_read_by_others(self):
        answer = READ('query', self.snapshot, '-e', self.SQL, '-f', 'csv')
        self.assertEqual(list(csv.reader(io.StringIO(answer.out)))[1:],
                         [['9007199254740993', '-1', '0.10000000000000001', '', '', 'a,"b', "x'00ff'", '1', '2']])
        self.assertIn(',,"",', answer.out)

    def test_files__are_as_they_are_called_and_whole(self):
        for name, begin in (('a.csv', b'waiter,'), ('a.json', b'{"question":"blockers"'), ('a.txt', b'')):
            path = self.path(name)
            self.assertEqual(READ('query', 'blockers', self.snapshot, '-o', path).status, 0)
            self.assertTrue(bytes_of(path).startswith(begin), name)
            kept = bytes_of(path)
            # What fails leaves what was there.
            self.assertEqual(READ('query', self.snapshot, '-e', 'SELECT nope', '-o', path).status, 2)
            self.assertEqual(bytes_of(path), kept)

    def test_a_full_disk__leaves_what_was_there(self):
        path = self.path('kept.csv')
        with open(path, 'w', encoding='utf-8') as file:
            file.write('kept')
        before = set(os.listdir(self.folder.name))
        answer = READ('query', self.snapshot, '-e', ENDLESS + 'SELECT x FROM c LIMIT 1000000', '-o', path,
                      preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000)))
        self.expect_error(answer, 8, 'cannot write to')
        self.assertEqual(bytes_of(path), b'kept')
        self.assertEqual(set(os.listdir(self.folder.name)), before)
        for form in ('text', 'json', 'csv'):
            self.expect_error(READ('query', 'blockers', self.snapshot, '-f', form, '-o', '/dev/full'), 8)

    def test_the_questions__are_listed_and_shown(self):
        names = [question['name'] for question in json.loads(READ('query', '-J').out)['questions']]
        self.assertIn('blockers', names)
        listed = READ('query').out
        for name in names:
            self.assertRegex(listed, rf'(?m)^{name}  +\S')
            shown = READ('query', '--show', name)
            self.assertEqual(shown.status, 0, shown)
            # What is shown can be asked as one's own, and gives the same.
            mine = self.rows(self.snapshot, '-e', shown.out)
            self.assertEqual(mine, self.rows(name, self.snapshot), name)


if __name__ == '__main__':
    sys.exit(tap.run_suite(unittest.TestSuite(
        unittest.defaultTestLoader.loadTestsFromTestCase(case) for case in (Targets, Databases, Bounds, Formats))))
