#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The snapshot document: what it promises in docs/snapshot.schema.json, in every format, and back again.

usage: test_document.py PEEPS_READ SCHEMA WITH_ZSTD EXAMPLE...
"""
import copy
import json
import os
import re
import resource
import signal
import sys
import tempfile
import unittest

import jsonschema
import msgpack

import tap
from target import PeepsRead, Target

READ = PeepsRead(sys.argv[1])
with open(sys.argv[2], encoding='utf-8') as schema_file:
    SCHEMA = jsonschema.Draft7Validator(json.load(schema_file))
WITH_ZSTD = sys.argv[3] == 'true'
HEALTHY = {'channel-cycle': '--in-turns', 'channel-full-stall': '--receiving', 'event-loop': '--draining',
           'condvar-lost-wakeup': '--look-again', 'home-made-lock': '--ordered',
           'join-deadlock': '--unlock-first', 'once-cell-cycle': '--one-way',
           'mutex-lock-order-inversion': '--ordered', 'rwlock-upgrade': '--drop-first',
           'oneshot-sender-lost-in-map': '--in-place', 'semaphore-starvation': '--sharing',
           'task-hand-over': '--storing'}
VERBS = (('dump',), ('blocked',), ('blocked', '--tree'), ('blocked', '-J'), ('check',), ('check', '-J'), ())
BAD_FILE = 6
OUTPUT_ERROR = 8


def content(path):
    with open(path, 'rb') as file:
        return file.read()


class Folder(unittest.TestCase):
    """Dumps of one program, in a folder of its own."""
    command = ()
    awaited = ''  # what is in the JSON once the program has got to where it stays

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        with Target(*self.command) as target:
            answer = READ.until(target.pid, lambda answer: self.awaited in answer.out, 'dump', '-f', 'json')
            self.assertIn(self.awaited, answer.out)
            self.dump(target.pid, 'a.msgpack')
        self.dump(self.path('a.msgpack'), 'a.json')

    def tearDown(self):
        self.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def dump(self, target, name, *arguments):
        answer = READ('dump', *arguments, '-o', self.path(name), target)
        self.assertEqual(answer.status, 0, answer)
        self.assertEqual(answer.err, '')

    def document(self, name='a.json'):
        return json.loads(content(self.path(name)))


def without_origin(answer):
    """But for which file it was, and how long ago."""
    return re.sub(r'^from .*\n|"origin":"[^"]*",?', '', answer, flags=re.MULTILINE)


class Every(Folder):
    """Of each example."""

    def runTest(self):
        with self.subTest('valid'):
            errors = [f'{list(error.path)}: {error.message}' for error in SCHEMA.iter_errors(self.document())]
            self.assertEqual(errors, [])
        with self.subTest('msgpack and JSON are the same to others'):
            self.assertEqual(msgpack.unpackb(content(self.path('a.msgpack'))), self.document())
        with self.subTest('comes back byte by byte'):
            for source in ('a.msgpack', 'a.json'):
                for form in ('msgpack', 'json'):
                    self.dump(self.path(source), f'b.{form}')
                    self.assertEqual(content(self.path(f'b.{form}')), content(self.path(f'a.{form}')),
                                     f'{source} as {form}')
        with self.subTest('every verb shows the same of either'):
            for verb in VERBS:
                answers = [READ(*verb, self.path(f'a.{form}')) for form in ('msgpack', 'json')]
                self.assertIn(answers[0].status, (0, 1), answers[0])
                self.assertEqual(*(without_origin(str(answer)) for answer in answers))

    @property
    def tap_name(self):
        return 'document__' + '_'.join(os.path.basename(word) for word in self.command) + '__keeps_its_promises'


def every(command, awaited):
    case = Every()
    case.command, case.awaited = command, awaited
    return case


class One(Folder):
    """What is the same for all of them."""
    awaited = '"kind":"deadlock"'

    def test_schema__of_one_key_less__is_violated(self):
        self.assertTrue(SCHEMA.is_valid(self.document()))
        for path in ((), ('processes', 0), ('nodes', 0), ('nodes', 0, 'attrs'), ('edges', 0), ('edges', 0, 'meta'),
                     ('findings', 0), ('findings', 0, 'edges', 0)):
            part = self.at(self.document(), path)
            for key in part:
                document = copy.deepcopy(self.document())
                del self.at(document, path)[key]
                if key in ('op_kind', 'tid', 'sleep_until_ptime_ms', 'current_task_id'):
                    continue  # then it is an edge without an operation; a thread need not have all of them
                self.assertFalse(SCHEMA.is_valid(document), f'{path}: {key}')

    @staticmethod
    def at(part, path):
        for step in path:
            part = part[step]
        return part

    def test_dump__many_keys_in_another_order_and_some_unknown__is_the_same(self):
        def turned(part):
            if isinstance(part, dict):
                return {**{key: turned(value) for key, value in reversed(part.items())}, 'not known to anybody': [1, {}]}
            return [turned(value) for value in part] if isinstance(part, list) else part

        document = turned(self.document())
        for node in document['nodes'] + document['scopes']:
            del node['attrs']['not known to anybody']  # it would be an attribute
            node['attrs'] = dict(reversed(node['attrs'].items()))
        for edge in document['edges']:
            if 'details' in edge['meta']:
                edge['meta']['details'] = dict(list(reversed(edge['meta']['details'].items()))[1:])
        for process in document['processes']:
            del process['counters']['not known to anybody']
            process['counters'] = dict(reversed(process['counters'].items()))
        with open(self.path('c.msgpack'), 'wb') as file:
            file.write(msgpack.packb(document))
        with open(self.path('c.json'), 'w', encoding='utf-8') as file:
            json.dump(document, file, indent=4)
        for source in ('c.msgpack', 'c.json'):
            self.dump(self.path(source), 'd.json')
            self.assertEqual(self.document('d.json'), self.document())

    def test_check__of_a_file__exits_as_of_the_process(self):
        answer = READ('check', self.path('a.msgpack'))
        self.assertEqual(answer.status, 1, answer)
        self.assertIn('deadlock (certain)', answer.out)

    def test_check__max_wait_on_a_file__finds_more(self):
        document = self.document()
        document['findings'] = []
        with open(self.path('none.json'), 'w', encoding='utf-8') as file:
            json.dump(document, file)
        self.assertEqual(READ('check', self.path('none.json')).status, 0)
        answer = READ('check', '--max-wait', '1ns', self.path('none.json'))
        self.assertEqual(answer.status, 1, answer)
        self.assertIn('long wait', answer.out)

    def test_dump__zst__is_smaller_and_the_same_unless_built_without(self):
        if not WITH_ZSTD:
            answer = READ('dump', '-o', self.path('x.json.zst'), self.path('a.json'))
            self.assertEqual(answer.status, 2, answer)
            self.assertFalse(os.path.exists(self.path('x.json.zst')))
            return
        for form in ('msgpack', 'json'):
            self.dump(self.path('a.msgpack'), f'a.{form}.zst')
            packed = content(self.path(f'a.{form}.zst'))
            self.assertEqual(packed[:4], b'\x28\xb5\x2f\xfd')
            self.assertLess(len(packed), len(content(self.path(f'a.{form}'))) / 2)
            self.dump(self.path(f'a.{form}.zst'), f'b.{form}')
            self.assertEqual(content(self.path(f'b.{form}')), content(self.path(f'a.{form}')))

    def test_dump__msgpack_on_a_terminal__is_refused(self):
        terminal, stdout = os.openpty()
        answer = READ('dump', '-f', 'msgpack', self.path('a.json'), stdout=stdout)
        os.close(stdout)
        os.close(terminal)
        self.assertEqual(answer.status, 2, answer)
        self.assertIn('msgpack is not for a terminal', answer.err)
        self.assertIn('hint: ', answer.err)

    def test_dump__no_room__exits_8_and_leaves_nothing(self):
        def little_room():
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # as a shell leaves it
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

        before = set(os.listdir(self.folder.name))
        for name in ('x.msgpack', 'x.json', 'x.txt', *(['x.json.zst'] if WITH_ZSTD else [])):
            answer = READ('dump', '-o', self.path(name), self.path('a.json'), preexec_fn=little_room)
            self.assertEqual(answer.status, OUTPUT_ERROR, answer)
            self.assertIn('File too large', answer.err)
            self.assertEqual(set(os.listdir(self.folder.name)), before)
        for form in ('msgpack', 'json'):
            with open('/dev/full', 'wb') as full:  # not by -o: were the code wrong, it would replace the device
                answer = READ('dump', '-f', form, self.path('a.json'), stdout=full)
            self.assertEqual(answer.status, OUTPUT_ERROR, answer)
            self.assertIn('No space left on device', answer.err)

    def test_any_verb__unsound_file__exits_6_in_three_lines(self):
        whole = content(self.path('a.msgpack'))
        for name, data in (('cut', whole[:-1]), ('more', whole + b'\0'), ('lie', b'\xdd\x10\0\0\0'), ('empty', b''),
                           ('text', b'deadlock (certain)\n'), ('json', content(self.path('a.json'))[:-9]),
                           ('other', json.dumps({**self.document(), 'schema': 'peeps.snapshot/2'}).encode()),
                           ('escape', json.dumps({**self.document(), 'memberships': [
                               {'entity': '\x1b[2J', 'scope': ''}]}).encode())):
            with open(self.path(name), 'wb') as file:
                file.write(data)
            for verb in ('dump', 'blocked', 'check'):
                answer = READ(verb, self.path(name))
                self.assertEqual(answer.status, BAD_FILE, answer)
                self.assertEqual(answer.out, '')
                self.assertIn(name, answer.err)
                self.assertLessEqual(answer.err.count('\n'), 3, answer)
                self.assertNotIn('\x1b', answer.err)


def suite():
    loader = unittest.TestLoader()
    tests = []
    for example in sys.argv[4:]:
        name = os.path.basename(example)
        tests.append(every((example,), '"pending"'))
        tests.append(every((example, HEALTHY[name]), ''))
        if name == 'mutex-lock-order-inversion':
            One.command = (example,)
    tests.append(loader.loadTestsFromTestCase(One))
    return unittest.TestSuite(tests)


if __name__ == '__main__':
    sys.exit(tap.run_suite(suite()))
