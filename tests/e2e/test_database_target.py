#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A database that load made, as a target of every verb: what comes out of it is what went in.

usage: test_database_target.py PEEPS_READ DEADLOCK GOLDEN_FOLDER EXAMPLE...
"""
import glob
import json
import os
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

import tap
from target import PATIENCE_S, Answer, PeepsRead, Target

READ = PeepsRead(os.path.abspath(sys.argv[1]))
DEADLOCK = os.path.abspath(sys.argv[2])
GOLDENS = sorted(glob.glob(os.path.join(sys.argv[3], '*.msgpack')))
EXAMPLES = [os.path.abspath(path) for path in sys.argv[4:]]
VERBS = (('blocked',), ('blocked', '--tree'), ('blocked', '-J'), ('check',), ('check', '-J'), ('dump',), ('dump', '-f', 'dot'),
         ())
FINDING, USAGE, NO_FILE, BAD_FILE, PARTIAL = 1, 2, 3, 6, 7
MEMORY_BYTES = 1 << 30


def content(path):
    with open(path, 'rb') as file:
        return file.read()


def limit_memory():
    if 'sanitize' not in os.environ.get('PEEPS_TEST_BUILD', ''):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def without_origin(answer):
    """What is printed, but where it came from."""
    try:
        document = json.loads(answer.out)
    except ValueError:
        return [line for line in answer.out.splitlines() if not line.startswith('from ')]
    document.pop('origin', None)
    return document


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with

    def tearDown(self):
        self.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def load(self, database, *targets):
        answer = READ('load', self.path(database), *targets)
        self.assertEqual(answer.status, 0, answer)

    def expect_refused(self, status, word, *arguments, **options):
        answer = READ(*arguments, **options)
        self.assertEqual(answer.status, status, answer)
        self.assertIn(word, answer.err)
        self.assertLessEqual(len(answer.err.splitlines()), 3, answer)

    def expect_same(self, database, at, original):
        """To the byte, in both formats."""
        for form in ('msgpack', 'json'):
            wanted, got = self.path(f'wanted.{form}'), self.path(f'got.{form}')
            status = READ('dump', original, '-o', wanted).status
            self.assertIn(status, (0, PARTIAL))
            answer = READ('dump', self.path(database), '--at', at, '-o', got)
            self.assertEqual(answer.status, status, answer)
            self.assertEqual(content(got), content(wanted), (database, at, original))


class AsItWentIn(Folder):
    def test_golden__each_one__comes_out_as_it_went_in(self):
        self.load('all.db', *GOLDENS)
        for at, golden in enumerate(GOLDENS, 1):
            self.expect_same('all.db', at, golden)
            self.expect_same('all.db', at - len(GOLDENS) - 1, golden)

    def test_example__each_one__is_told_alike_by_every_verb(self):
        for example in EXAMPLES:
            with Target(example) as target:
                answer = READ.until(target.pid, lambda answer: 'pending' in answer.out, 'dump', '-f', 'json')
                self.assertIn('pending', answer.out)
                self.assertEqual(READ('dump', target.pid, '-o', self.path('one.msgpack')).status, 0)
            self.load('examples.db', self.path('one.msgpack'))
            self.expect_same('examples.db', -1, self.path('one.msgpack'))
            for verb in VERBS:
                of_file, of_database = READ(*verb, self.path('one.msgpack')), READ(*verb, self.path('examples.db'))
                self.assertEqual(of_database.status, of_file.status, of_database)
                self.assertEqual(without_origin(of_database), without_origin(of_file))

    def test_process__loaded_as_it_runs__is_what_check_finds(self):
        with Target(DEADLOCK) as target:
            self.assertEqual(READ.until(target.pid, lambda answer: answer.status == FINDING, 'check').status, FINDING)
            self.load('hang.db', target.pid)
        answer = READ('check', self.path('hang.db'))
        self.assertEqual(answer.status, FINDING, answer)
        self.assertIn('hang.db, snapshot 1 of 1, taken ', answer.out)
        document = READ.document(self.path('hang.db'))
        mutex = next(node['id'] for node in document['nodes'] if node['kind'] == 'mutex')
        answer = READ('explain', mutex, self.path('hang.db'))
        self.assertEqual(answer.status, 0, answer)
        self.assertIn(mutex, answer.out)

    def test_long_waits__are_found_when_it_is_read(self):
        golden = next(path for path in GOLDENS if 'starvation' in path)
        self.load('hang.db', golden)
        self.assertEqual(READ('check', self.path('hang.db')).status, 0)
        answer = READ('check', self.path('hang.db'), '--max-wait', '1ms', '-J')
        self.assertEqual(answer.status, FINDING, answer)
        self.assertIn('long_wait', answer.out)

    def test_copies__by_other_means__come_out_as_it_went_in(self):
        self.load('all.db', *GOLDENS)
        with sqlite3.connect(self.path('all.db')) as source:
            with sqlite3.connect(self.path('backup.db')) as copy:
                source.backup(copy)
            copy.close()
            source.execute('VACUUM INTO ?', (self.path('vacuumed.db'),))
            with sqlite3.connect(self.path('text.db')) as copy:
                copy.executescript('\n'.join(source.iterdump()))
                copy.execute('PRAGMA application_id = 0x70656570')
                copy.execute('PRAGMA user_version = ' + str(source.execute('PRAGMA user_version').fetchone()[0]))
            copy.close()
        source.close()
        with sqlite3.connect(self.path('all.db')) as database:
            database.execute('DELETE FROM snapshots WHERE id = 2')
        database.execute('VACUUM')
        database.close()
        self.load('copy.db', self.path('backup.db'))
        for name in ('backup.db', 'vacuumed.db', 'text.db', 'all.db', 'copy.db'):
            for at, golden in enumerate(GOLDENS, 1):
                if (name, at) != ('all.db', 2):
                    self.expect_same(name, at, golden)


class Which(Folder):
    def test_at__says_which_there_are(self):
        self.load('all.db', *GOLDENS)
        self.expect_refused(NO_FILE, f'it has {len(GOLDENS)}: from 1 to {len(GOLDENS)}', 'check', self.path('all.db'), '--at', 99)
        self.assertIn(f'snapshot {len(GOLDENS)} of {len(GOLDENS)}', READ('check', self.path('all.db')).out)
        self.assertIn(f'snapshot 2 of {len(GOLDENS)}', READ('check', self.path('all.db'), '--at', 2).out)
        origin = json.loads(READ('check', self.path('all.db'), '--at', -1, '-J').out)['origin']
        self.assertIn(GOLDENS[-1], origin)

    def test_several__of_which_one_is_a_database__are_refused(self):
        self.load('one.db', GOLDENS[0])
        self.expect_refused(USAGE, 'stands alone', 'check', self.path('one.db'), GOLDENS[0])
        self.assertEqual(READ('check', self.path('one.db'), self.path('one.db')).status, READ('check', GOLDENS[0]).status)

    def test_stdin__is_no_place_for_one(self):
        self.load('one.db', GOLDENS[0])
        for command in ('exec "$0" check - <"$1"', 'cat "$1" | "$0" check -'):
            result = subprocess.run(['sh', '-c', command, READ.path, self.path('one.db')], capture_output=True, timeout=20,
                                    check=False)
            self.assertEqual(result.returncode, BAD_FILE, Answer(result))
            self.assertIn('opened by its name', result.stderr.decode())


class Traces(Folder):
    def beside(self):
        return sorted(os.listdir(self.folder.name))

    def test_read__nobody_else_has_it__leaves_nothing_beside_it(self):
        self.load('one.db', GOLDENS[0])
        os.symlink('one.db', self.path('link.db'))
        before = content(self.path('one.db')), os.stat(self.path('one.db')).st_mtime_ns
        for name in ('one.db', 'link.db'):
            for verb in (*VERBS, ('query', 'blockers'), ('query', '-e', 'SELECT 1'), ('check', '--at', 9)):
                READ(*verb, self.path(name))
                self.assertEqual(self.beside(), ['link.db', 'one.db'], verb)
        READ('diff', self.path('one.db'), self.path('link.db'))
        self.assertEqual(self.beside(), ['link.db', 'one.db'])
        self.assertEqual((content(self.path('one.db')), os.stat(self.path('one.db')).st_mtime_ns), before)

    def test_read__after_who_may_not_remove_them__leaves_nothing_beside_it(self):
        self.load('one.db', GOLDENS[0])
        other = sqlite3.connect(f'file:{self.path("one.db")}?mode=ro', uri=True)
        self.assertEqual(other.execute('SELECT count(*) FROM snapshots').fetchone(), (1,))
        other.close()
        self.assertEqual(self.beside(), ['one.db', 'one.db-shm', 'one.db-wal'])
        READ('check', self.path('one.db'))
        self.assertEqual(self.beside(), ['one.db'])

    def test_read__full_disk__is_read_as_it_lies(self):
        """A file that may not grow is as good: what SQLite maps beside the database cannot be made."""
        self.load('one.db', GOLDENS[0])
        wanted = READ('check', self.path('one.db'))
        result = subprocess.run([READ.path, 'check', self.path('one.db')], capture_output=True, timeout=20, check=False,
                                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)))
        answer = Answer(result)
        self.assertEqual((answer.status, without_origin(answer)), (wanted.status, without_origin(wanted)), answer)
        READ('check', self.path('one.db'))
        self.assertEqual(self.beside(), ['one.db'])

    def test_read__others_have_it__keeps_what_is_theirs(self):
        self.load('one.db', GOLDENS[0])
        reader = sqlite3.connect(self.path('one.db'))
        self.assertEqual(reader.execute('SELECT count(*) FROM snapshots').fetchone(), (1,))
        READ('check', self.path('one.db'))
        self.assertEqual(self.beside(), ['one.db', 'one.db-shm', 'one.db-wal'])
        reader.execute("UPDATE snapshots SET origin = 'elsewhere'")
        reader.commit()
        before = content(self.path('one.db-wal'))
        self.assertIn('elsewhere', READ('check', self.path('one.db')).out)
        self.assertEqual(content(self.path('one.db-wal')), before)
        reader.close()

    def test_read__wal_of_one_that_was_killed__keeps_it(self):
        self.load('one.db', GOLDENS[0])
        writer = sqlite3.connect(self.path('one.db'))
        writer.execute("UPDATE snapshots SET origin = 'elsewhere'")
        writer.commit()
        for suffix in ('', '-wal'):
            shutil.copy(self.path('one.db' + suffix), self.path('left.db' + suffix))
        writer.close()
        before = content(self.path('left.db')), content(self.path('left.db-wal'))
        self.assertIn('elsewhere', READ('check', self.path('left.db')).out)
        self.assertEqual((content(self.path('left.db')), content(self.path('left.db-wal'))), before)


class Meanwhile(Folder):
    def test_written_to__by_load__is_read_as_it_was_at_one_moment(self):
        self.load('busy.db', *GOLDENS)
        loads = f'for i in 1 2 3 4 5 6 7 8; do "$0" load "$@" || exit; done'
        writer = subprocess.Popen(['sh', '-c', loads, READ.path, self.path('busy.db'), *GOLDENS], stdout=subprocess.DEVNULL)
        seen = []
        while True:
            is_over = writer.poll() is not None
            answer = READ('dump', self.path('busy.db'), '-f', 'msgpack', '-o', self.path('seen.msgpack'))
            self.assertIn(answer.status, (0, PARTIAL), answer)
            original = [golden for golden in GOLDENS if content(golden) == content(self.path('seen.msgpack'))]
            self.assertEqual(len(original), 1)
            seen += original
            if is_over:
                break
        self.assertEqual(writer.wait(PATIENCE_S), 0)
        self.assertEqual(seen[-1], GOLDENS[-1])


PAGE_BYTES = 512


class Pages:
    """The file, page by page: https://sqlite.org/fileformat2.html"""

    def __init__(self, path):
        self.path = path
        self.bytes = bytearray(content(path))

    def at(self, number):
        begin = (number - 1) * PAGE_BYTES
        return self.bytes[begin:begin + PAGE_BYTES]

    def put(self, number, page):
        begin = (number - 1) * PAGE_BYTES
        self.bytes[begin:begin + len(page)] = page

    def append(self, page):
        self.bytes += page
        return len(self.bytes) // PAGE_BYTES

    def first_child(self, number):
        page, header = self.at(number), 100 if number == 1 else 0
        cell = int.from_bytes(page[header + 12:header + 14], 'big')
        return int.from_bytes(page[cell:cell + 4], 'big')

    def first_leaf(self, number):
        while self.at(number)[100 if number == 1 else 0] in (2, 5):
            number = self.first_child(number)
        return number

    def first_cell(self, leaf):
        """Of an index: its length is in its first byte, or two."""
        page = self.at(leaf)
        begin = int.from_bytes(page[8:10], 'big')
        length = page[begin] + 1 if page[begin] < 128 else ((page[begin] & 127) << 7 | page[begin + 1]) + 2
        return page[begin:begin + length]

    def interior(self, kind, child, cells, offset=0):
        """A page of which each child is the same."""
        end, pointers, body = PAGE_BYTES, b'', b''
        for cell in cells:
            cell = child.to_bytes(4, 'big') + cell
            if end - len(cell) < offset + 12 + len(pointers) + 2 or len(pointers) > 100:
                break
            end -= len(cell)
            pointers += end.to_bytes(2, 'big')
            body = cell + body
        head = bytes([kind, 0, 0]) + (len(pointers) // 2).to_bytes(2, 'big') + end.to_bytes(2, 'big') + b'\0'
        head += child.to_bytes(4, 'big') + pointers
        return head + bytes(end - offset - len(head)) + body

    def lead_round(self, root, levels):
        """What is below a root is there again and again, and below that, and so on."""
        leaf = self.first_leaf(root)
        is_index = self.at(leaf)[100 if leaf == 1 else 0] == 0x0a
        cells = [bytes(self.first_cell(leaf))] * 100 if is_index else [bytes([key]) for key in range(1, 120)]
        child = self.append(self.at(leaf)) if leaf == root else leaf
        for _ in range(levels):
            child = self.append(self.interior(2 if is_index else 5, child, cells))
        if root == 1:
            self.put(1, self.bytes[:100] + self.interior(5, child, cells, 100))
        else:
            self.put(root, self.interior(2 if is_index else 5, child, cells))

    def write(self):
        self.bytes[28:32] = (len(self.bytes) // PAGE_BYTES).to_bytes(4, 'big')
        with open(self.path, 'wb') as file:
            file.write(self.bytes)


class Hostile(Folder):
    def setUp(self):
        super().setUp()
        self.load('base.db', *GOLDENS)
        database = sqlite3.connect(self.path('base.db'), isolation_level=None)
        for pragma in ('journal_mode = DELETE', f'page_size = {PAGE_BYTES}'):
            database.execute(f'PRAGMA {pragma}')
        database.execute('VACUUM')
        self.roots = dict(database.execute('SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0'))
        database.close()

    def copy(self):
        return shutil.copy(self.path('base.db'), self.path('hostile.db'))

    def expect_no_harm(self, answer):
        self.assertIn(answer.status, (0, 1, NO_FILE, BAD_FILE, PARTIAL), answer)
        self.assertEqual(bool(answer.err), answer.status in (NO_FILE, BAD_FILE), answer)

    def test_pages_that_lead_round_in_circles__are_refused(self):
        refused = set()
        for name, root in [('sqlite_schema', 1), *self.roots.items()]:
            for levels in (1, 12):
                pages = Pages(self.copy())
                pages.lead_round(root, levels)
                pages.write()
                for at in (1, 2, -1):
                    answer = READ('check', pages.path, '--at', at, preexec_fn=limit_memory)
                    self.expect_no_harm(answer)
                    refused |= {name} if answer.status == BAD_FILE else set()
        self.assertLessEqual({'sqlite_schema', 'snapshots', 'processes', 'entities', 'edges', 'scopes', 'entity_scope_links',
                              'findings'}, refused)

    def test_bytes_that_changed__do_no_harm(self):
        chance = random.Random(5)
        good = content(self.path('base.db'))
        for _ in range(150):
            data = bytearray(good)
            for _ in range(chance.choice((1, 2, 10, 100))):
                data[chance.randrange(len(data))] = chance.choice((0, 1, 5, 0x7f, 0x80, 0xff, chance.randrange(256)))
            with open(self.path('hostile.db'), 'wb') as file:
                file.write(data[:chance.choice((len(data), len(data), chance.randrange(len(data))))])
            if not os.path.getsize(self.path('hostile.db')) or data[:16] != good[:16]:
                continue
            self.expect_no_harm(READ('check', self.path('hostile.db'), '--at', chance.choice((1, 2, -1)), preexec_fn=limit_memory))

    def test_file__that_claims_terabytes__is_refused(self):
        path = self.copy()
        with open(path, 'r+b') as file:
            file.seek(28)
            file.write((0xfffffffe).to_bytes(4, 'big'))
            file.truncate(1 << 40)
        self.expect_no_harm(READ('check', path, preexec_fn=limit_memory))

    def test_other_databases__are_refused(self):
        with sqlite3.connect(self.path('other.db')) as database:
            database.execute('CREATE TABLE snapshots (id)')
        database.close()
        self.expect_refused(BAD_FILE, "some other program's", 'check', self.path('other.db'))
        with sqlite3.connect(self.path('later.db')) as database:
            database.execute('PRAGMA application_id = 0x70656570')
            database.execute('PRAGMA user_version = 77')
            database.execute('CREATE TABLE snapshots (id)')
        database.close()
        self.expect_refused(BAD_FILE, 'version 77', 'check', self.path('later.db'))


def suite():
    loader = unittest.TestLoader()
    return unittest.TestSuite(loader.loadTestsFromTestCase(case) for case in (AsItWentIn, Which, Traces, Meanwhile, Hostile))


if __name__ == '__main__':
    sys.exit(tap.run_suite(suite()))
