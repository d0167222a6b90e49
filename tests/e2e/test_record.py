#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Recording: real processes that come and go, and what is left when the recorder is stopped, killed, or out of room.

usage: test_record.py PEEPS_READ MUTEX_LOCK_ORDER_INVERSION CHANNEL_FULL_STALL ZSTD LIBPEEPS|-
"""
import json
import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

import tap
from target import PATIENCE_S, PeepsRead, Target

READ = PeepsRead(sys.argv[1])
DEADLOCK, STALL = sys.argv[2:4]
LIBRARY = sys.argv[5]
SUFFIXES = ['.msgpack', '.json'] + (['.msgpack.zst', '.json.zst'] if sys.argv[4] == 'true' else [])
KILLS = 25


def until(condition):
    """Whether it came true in time."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


class Recorder:
    """peeps-read record, running; ends with a `with`."""

    def __init__(self, *arguments, **options):
        self.process = subprocess.Popen([READ.path, 'record', '-J', *map(str, arguments)], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def end(self, number=signal.SIGINT):
        """(exit status, summary, notes)"""
        if number:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, json.loads(out) if out else None, err.decode()


class Recording(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.name = f'recorded-{os.getpid()}-{self.id().split("__")[-1][:12].lower()}'

    def path(self, name='series.msgpack'):
        return os.path.join(self.folder.name, name)

    def start(self, program=DEADLOCK):
        target = Target(program, env={'PEEPS_NAME': self.name})
        self.addCleanup(target.__exit__)
        return target

    def stop(self, target):
        target.process.kill()
        target.process.wait()

    def documents(self, path):
        """All snapshots of a series, as one reads them one by one."""
        first = json.loads(READ('dump', '-f', 'json', path, timeout=60).out)
        last, document, documents = first['sequence'], first, []
        while True:
            documents.insert(0, document)
            answer = READ('dump', '-f', 'json', '--at', document['sequence'] - 1, path) if document['sequence'] > 1 else None
            if not answer or answer.status:
                break
            document = json.loads(answer.out)
        self.assertEqual([document['sequence'] for document in documents], list(range(last + 1 - len(documents), last + 1)))
        return documents

    def wait_for_snapshots(self, path, last):
        """Until number `last` is in it; a file that is not there yet is no answer."""
        def there():
            answer = READ('dump', '-f', 'json', path)
            return answer.status == 0 and json.loads(answer.out)['sequence'] >= last
        self.assertTrue(until(there), f'no snapshot {last} of {path}: {READ("check", path)}')

    def test_record__nobody_came_but_another_has_loaded_meanwhile__leaves_what_he_loaded(self):
        target, path = self.start(), self.path('shared.db')
        with Recorder('nobody-is-called-so', '-i', '50ms', '-o', path) as recorder:
            self.assertTrue(until(lambda: os.path.exists(path) and os.path.getsize(path) > 0))
            self.assertEqual(READ('load', path, target.pid).status, 0)
            self.assertEqual(recorder.end()[0], 3)
        with sqlite3.connect(path) as database:
            self.assertEqual(database.execute('SELECT count(*) FROM snapshots').fetchone(), (1,))

    def test_record__what_is_no_file__is_left_alone(self):
        target, path = self.start(), self.path('pipe.db')
        os.mkfifo(path)
        self.assertNotEqual(READ('record', target.pid, '-t', '100ms', '-o', path).status, 0)
        self.assertTrue(os.path.exists(path))

    # --- what is in it ----------------------------------------------------------------------------------------------

    def test_record__each_format__has_a_snapshot_a_tick(self):
        target = self.start()
        for suffix in SUFFIXES:
            with self.subTest(suffix), Recorder(target.pid, '-i', '10ms', '-t', '300ms', '-o', self.path('s' + suffix)) as recorder:
                status, summary, _ = recorder.end(None)
                self.assertEqual((status, summary['ended_by']), (0, 'time'))
                self.assertEqual(summary['snapshots'] + summary['missed'], 30, summary)
                self.assertEqual(summary['processes'], [f'{self.name}-{target.pid}'])
                self.assertEqual(summary['bytes'], os.path.getsize(self.path('s' + suffix)))
                documents = self.documents(self.path('s' + suffix))
                self.assertEqual(len(documents), summary['snapshots'])
                times = [document['taken_at_unix_ns'] for document in documents]
                self.assertEqual(times, sorted(set(times)))

    def test_record__text__says_what_was_recorded(self):
        target = self.start()
        self.assertEqual(READ.until(target.pid, lambda answer: answer.status == 1, 'check').status, 1)
        answer = READ('record', target.pid, '-i', '20ms', '-t', '60ms', '-o', self.path())
        self.assertEqual(answer.status, 0, answer)
        self.assertRegex(answer.out, rf'\Arecorded [123] snapshots? of {self.name}-{target.pid} in [\d.]+ m?s into .*series\.msgpack '
                                     r'\([\d.]+ kB\); [012] missed, 0 dropped, 1 finding\n\Z')
        self.assertRegex(answer.err, r'\Aa snapshot every 20 ms into .*\nnote: deadlock since snapshot 1: .*\n\Z')
        answer = READ('record', target.pid, '-i', '20ms', '-t', '60ms', '-o', self.path())
        self.assertRegex(answer.out, r'\nit has \d snapshots now, the last is number \d\n\Z')

    def test_record__series_and_one_of_it__are_targets_of_all_verbs(self):
        target = self.start()
        with Recorder(target.pid, '-i', '10ms', '-o', self.path()) as recorder:
            self.wait_for_snapshots(self.path(), 5)
            self.assertEqual(recorder.end()[0], 0)
        count = len(self.documents(self.path()))
        self.assertEqual(READ('check', self.path()).status, 1)
        self.assertIn(f'snapshot 2 (of 1 to {count})', READ('check', '--at', '2', self.path()).out)
        self.assertIn(f'snapshot {count} (of 1 to {count})', READ(self.path()).out)
        self.assertIn(f'snapshot {count - 1} (of 1 to {count})', READ('blocked', '--at', '-2', self.path()).out)
        self.assertEqual(READ('explain', 'left', self.path()).status, 0)
        self.assertEqual(READ('dump', '--at', '3', self.path(), '-o', self.path('one.json')).status, 0)
        with open(self.path('one.json'), encoding='utf-8') as file:
            self.assertEqual(file.read(), READ('dump', '-J', '--at', '3', self.path()).out)
        self.assertIn('one.json, snapshot 3,', READ('blocked', self.path('one.json')).out)
        with open(self.path(), 'rb') as file:
            piped = subprocess.run([READ.path, 'check', '--at', '4', '-'], stdin=file, stdout=subprocess.PIPE, timeout=20, check=False)
        self.assertIn(b'from -, snapshot 4 (of 1 to ', piped.stdout)
        answer = READ('dump', '--at', count + 1, self.path())
        self.assertEqual((answer.status, answer.out), (3, ''), answer)
        self.assertIn(f'there are {count}, from 1 to {count}', answer.err)
        answer = READ('check', '--at', '1', target.pid)
        self.assertEqual((answer.status, answer.out), (2, ''), answer)

    def test_record__then_load__each_is_a_row(self):
        target = self.start()
        answer = READ('record', target.pid, '-i', '10ms', '-t', '100ms', '-o', self.path())
        self.assertEqual(answer.status, 0, answer)
        self.assertEqual(READ('load', self.path('all.db'), self.path()).status, 0)
        self.assertEqual(READ('load', self.path('one.db'), '--at', '2', self.path()).status, 0)
        sequences = [row[0] for row in sqlite3.connect(self.path('all.db')).execute('SELECT sequence FROM snapshots ORDER BY id')]
        self.assertEqual(sequences, [document['sequence'] for document in self.documents(self.path())])
        self.assertEqual(sqlite3.connect(self.path('one.db')).execute('SELECT sequence FROM snapshots').fetchall(), [(2,)])

    def test_record__database__has_a_row_each_and_goes_on(self):
        target = self.start()
        for _ in range(2):
            with Recorder(target.pid, '-i', '20ms', '-t', '100ms', '-o', self.path('r.db'), '--keep', '7') as recorder:
                status, summary, _ = recorder.end(None)
                self.assertEqual(status, 0)
        rows = [row[0] for row in sqlite3.connect(self.path('r.db')).execute('SELECT sequence FROM snapshots ORDER BY id')]
        self.assertEqual(rows, list(range(summary['last'] + 1 - len(rows), summary['last'] + 1)))
        self.assertEqual(len(rows), min(7, summary['last']))
        self.assertEqual(summary['first'] + summary['snapshots'] - 1, summary['last'])

    # --- bounds -----------------------------------------------------------------------------------------------------

    def test_record__bounds__drop_the_oldest_and_count_them(self):
        target = self.start()
        for bound in (['--keep', '6'], ['--max-size', '32K']):
            with self.subTest(bound), Recorder(target.pid, '-i', '5ms', '-o', self.path(bound[0] + '.msgpack'), *bound) as recorder:
                self.wait_for_snapshots(self.path(bound[0] + '.msgpack'), 20)
                status, summary, _ = recorder.end()
                self.assertEqual(status, 0)
                documents = self.documents(self.path(bound[0] + '.msgpack'))
                self.assertEqual(len(documents), summary['in_file'])
                self.assertEqual(documents[0]['sequence'], summary['dropped'] + 1)
                self.assertEqual(documents[-1]['sequence'], summary['snapshots'])
                self.assertLessEqual(summary['bytes'], 32768 if bound[0] == '--max-size' else 10 ** 9)
                self.assertLessEqual(summary['in_file'], 6)
        self.assertEqual(sorted(os.listdir(self.folder.name)), ['--keep.msgpack', '--max-size.msgpack'])

    def test_record__snapshot_larger_than_the_bound__says_so(self):
        target = self.start()
        self.assertEqual(READ.until(target.pid, lambda answer: answer.status == 1, 'check').status, 1)
        answer = READ('record', target.pid, '-i', '5ms', '-t', '1s', '--max-size', '1K', '-o', self.path())
        self.assertEqual((answer.status, answer.out), (8, ''), answer)
        self.assertIn('and all together may take 1024', answer.err)
        self.assertEqual(os.listdir(self.folder.name), [])

    def test_record__long__memory_stays(self):
        if LIBRARY == '-':
            self.skipTest('a sanitizer keeps what was freed')
        target = self.start()

        def memory():
            with open(f'/proc/{recorder.process.pid}/status', encoding='ascii') as file:
                return next(int(line.split()[1]) for line in file if line.startswith('VmRSS:'))

        with Recorder(target.pid, '-i', '1ms', '--keep', '1000', '-o', self.path()) as recorder:
            self.wait_for_snapshots(self.path(), 100)
            before = memory()
            self.wait_for_snapshots(self.path(), 1100)
            self.assertLess(memory(), before + 1024)
            self.assertEqual(recorder.end()[0], 0)

    # --- ends -------------------------------------------------------------------------------------------------------

    def test_record__each_signal__ends_it_in_order(self):
        target = self.start()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number), Recorder(target.pid, '-i', '1h', '-o', self.path(f'{number}.json')) as recorder:
                self.wait_for_snapshots(self.path(f'{number}.json'), 1)
                status, summary, _ = recorder.end(number)
                self.assertEqual((status, summary['ended_by'], summary['snapshots']), (0, 'stopped', 1))

    def test_record__killed_at_any_moment__keeps_what_was_there(self):
        target = self.start()
        seed = random.randrange(10 ** 6)
        print(f'# seed {seed}')
        moments = random.Random(seed)
        for suffix in SUFFIXES[::-1][:2]:
            path, last, kills = self.path('killed' + suffix), 0, 0
            while kills < KILLS or last <= 20:  # some have been dropped; a busy machine records few at a time
                self.assertLess(kills, 10 * KILLS, f'only {last} were recorded')
                kills += 1
                with Recorder(target.pid, '-i', '1ms', '--keep', '20', '-o', path) as recorder:
                    time.sleep(moments.random() * (0.1 + 0.01 * kills))
                    recorder.end(signal.SIGKILL)
                if not os.path.exists(path) or os.path.getsize(path) == 0:
                    continue
                answer = READ('dump', '-J', path)
                if answer.status == 6 and last == 0:
                    continue  # the very first one was not whole
                self.assertEqual(answer.status, 0, f'seed {seed}: {answer}')
                sequence = json.loads(answer.out)['sequence']
                self.assertGreaterEqual(sequence, last, f'seed {seed}')
                last = sequence
            with Recorder(target.pid, '-i', '10ms', '-t', '10ms', '-o', path) as recorder:
                status, summary, _ = recorder.end(None)
                self.assertEqual((status, summary['last']), (0, last + 1))
            self.documents(path)
            self.assertEqual([name for name in os.listdir(self.folder.name) if 'tmp' in name], [])

    def test_record__no_room_left__ends_and_keeps_what_was_there(self):
        target = self.start()
        READ('load', self.path('one.db'), target.pid)
        room = {'full.db': 12 * os.path.getsize(self.path('one.db'))}  # tables and indexes are big, empty as they are
        for name in ('full' + SUFFIXES[-1], 'full.msgpack', 'full.db'):
            bytes_max = room.get(name, 400000)
            with self.subTest(name):
                with Recorder(target.pid, '-i', '1ms', '-o', self.path(name),
                              preexec_fn=lambda bytes_max=bytes_max: resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, bytes_max))
                              ) as recorder:
                    status, summary, notes = recorder.end(None)
                self.assertEqual((status, summary['ended_by']), (8, 'failed'), notes)
                self.assertGreater(summary['snapshots'], 1)
                if name.endswith('.db'):
                    database = sqlite3.connect(self.path(name))
                    self.assertEqual(database.execute('SELECT count(*), max(sequence) FROM snapshots').fetchone(),
                                     (summary['snapshots'], summary['last']))
                    self.assertEqual(database.execute('PRAGMA integrity_check').fetchone(), ('ok',))
                else:
                    self.assertIn('File too large', notes)
                    self.assertEqual(json.loads(READ('dump', '-J', self.path(name)).out)['sequence'], summary['snapshots'])

    def test_record__nobody_came_but_others_loaded_something__keeps_that(self):
        target = Target(DEADLOCK, env={'PEEPS_NAME': self.name + '-else'})
        self.addCleanup(target.__exit__)
        READ.until(target.pid, lambda answer: answer.status == 1, 'check')
        with Recorder(self.name + '-none', '-i', '5ms', '-o', self.path('both.db')) as recorder:
            self.assertTrue(until(lambda: READ('load', self.path('both.db'), target.pid).status == 0
                                  if os.path.exists(self.path('both.db')) else False))
            recorder.end()
        self.assertEqual(READ('check', self.path('both.db')).status, 1)

    def test_record__nobody_reads_its_notes__goes_on(self):
        target = self.start()
        with Recorder(self.name, '-i', '5ms', '-o', self.path()) as recorder:
            recorder.process.stderr.close()
            self.wait_for_snapshots(self.path(), 3)
            self.stop(target)
            self.start()
            last = json.loads(READ('dump', '-J', self.path()).out)['sequence']
            self.wait_for_snapshots(self.path(), last + 3)
            recorder.process.send_signal(signal.SIGINT)
            self.assertEqual(recorder.process.wait(timeout=20), 0)

    # --- who is recorded --------------------------------------------------------------------------------------------

    def test_record__name_that_starts_later_and_again__is_followed(self):
        with Recorder(self.name, '-i', '5ms', '-o', self.path()) as recorder:
            first = self.start()
            self.wait_for_snapshots(self.path(), 2)
            self.assertTrue(until(lambda: READ('check', self.path()).status == 1))  # its deadlock is recorded
            self.stop(first)
            second, third = self.start(), self.start(STALL)

            def both():
                answer = READ('dump', '-J', self.path())
                return {process['pid'] for process in json.loads(answer.out)['processes']} == {second.pid, third.pid}
            self.assertTrue(until(both), READ('dump', self.path()))
            status, summary, notes = recorder.end()
        self.assertEqual(status, 0, notes)
        self.assertEqual(summary['processes'][0], f'{self.name}-{first.pid}')
        self.assertEqual(set(summary['processes'][1:]), {f'{self.name}-{second.pid}', f'{self.name}-{third.pid}'})
        self.assertGreater(summary['empty'] + summary['snapshots'], 3)
        for line in (f'{first.pid} ended', f'{second.pid} started', f'{third.pid} started'):
            self.assertIn(f'note: {self.name}-{line}\n', notes)
        self.assertEqual(notes.count('note: deadlock since snapshot'), 2, notes)  # one each
        for document in self.documents(self.path()):
            self.assertEqual(document['quality'], 'cut')
            self.assertTrue({process['pid'] for process in document['processes']} <= {first.pid, second.pid, third.pid})

    def test_record__two_pids__are_one_cut_and_it_ends_with_the_last(self):
        first, second = self.start(), self.start(STALL)
        with Recorder(first.pid, second.pid, first.pid, '-i', '5ms', '-o', self.path()) as recorder:
            self.wait_for_snapshots(self.path(), 2)
            self.stop(first)
            count = json.loads(READ('dump', '-J', self.path()).out)['sequence']
            self.wait_for_snapshots(self.path(), count + 3)
            self.stop(second)
            status, summary, notes = recorder.end(None)
        self.assertEqual((status, summary['ended_by']), (0, 'left'), notes)
        self.assertEqual(notes.count(' ended\n'), 2, notes)
        documents = self.documents(self.path())
        self.assertEqual({process['pid'] for process in documents[0]['processes']}, {first.pid, second.pid})
        self.assertEqual({process['pid'] for process in documents[-1]['processes']}, {second.pid})

    def test_record__becomes_another_program__is_recorded_no_more(self):
        if LIBRARY == '-':
            self.skipTest('the library wants a sanitizer that python3 has not')
        program = (f'import ctypes, os\nctypes.CDLL({LIBRARY!r}).peeps_thread_name(b"boss")\nprint("ready", flush=True)\ninput()\n'
                   'os.execvp("sleep", ["sleep", "60"])')
        with Target(sys.executable, '-c', program) as target, Recorder(target.pid, '-i', '5ms', '-o', self.path()) as recorder:
            self.wait_for_snapshots(self.path(), 2)
            target.process.stdin.write(b'\n')
            target.process.stdin.flush()
            status, summary, notes = recorder.end(None)
            self.assertIsNone(target.process.poll())
        self.assertEqual((status, summary['ended_by']), (0, 'left'), notes)
        self.assertIn(f'-{target.pid} can no longer be looked at: ', notes)
        self.documents(self.path())

    def test_record__never_there__says_so_and_leaves_no_file(self):
        for name in ('none.msgpack', 'none.db'):
            answer = READ('record', self.name, '-i', '10ms', '-t', '50ms', '-o', self.path(name))
            self.assertEqual((answer.status, answer.out), (3, ''), answer)
            self.assertIn('nothing was recorded', answer.err)
            self.assertIn(f'note: {self.name} is not there yet: it is waited for\n', answer.err)
        with Target('sleep', '60', ready=False) as sleep:
            answer = READ('record', sleep.pid, '-o', self.path())
            self.assertEqual(answer.status, 4, answer)
        answer = READ('record', sleep.pid, '-o', self.path())
        self.assertEqual(answer.status, 3, answer)
        self.assertEqual(os.listdir(self.folder.name), [])

    # --- what is refused --------------------------------------------------------------------------------------------

    def test_record__makes_no_sense__is_refused_before_anything(self):
        target = self.start()
        with open(self.path('notes.json'), 'w', encoding='utf-8') as file:
            file.write('{"name": "mine"}\n')
        with open(self.path('other.db'), 'w', encoding='utf-8') as file:
            file.write('not a database, but long enough to be looked at as if it were one; ' * 20)
        for arguments, status in [([target.pid], 2), ([target.pid, '-o', '-'], 2), ([target.pid, '-o', self.path('x.txt')], 2),
                                  ([target.pid, '-o', self.path('no/x.json')], 8), ([target.pid, '-o', self.path('notes.json')], 6),
                                  ([target.pid, '-o', self.path('other.db')], 6), (['./x.msgpack', '-o', self.path('x.json')], 2),
                                  (['-', '-o', self.path('x.json')], 2), ([target.pid, '-i', '0s', '-o', self.path('x.json')], 2)]:
            answer = READ('record', '-t', '1s', *arguments)
            self.assertEqual((answer.status, answer.out), (status, ''), f'{arguments}: {answer}')
            self.assertLessEqual(len(answer.err.splitlines()), 3, answer)
        with open(self.path('notes.json'), encoding='utf-8') as file:
            self.assertEqual(file.read(), '{"name": "mine"}\n')
        self.assertEqual(sorted(os.listdir(self.folder.name)), ['notes.json', 'other.db'])

    def test_record__another_records_into_it__is_refused(self):
        target = self.start()
        for name in ('busy.msgpack', 'busy.db'):
            with Recorder(target.pid, '-i', '5ms', '--keep', '2', '-o', self.path(name)) as recorder:
                self.assertTrue(until(lambda: os.path.exists(self.path(name)) and os.path.getsize(self.path(name)) > 0))
                answer = READ('record', target.pid, '-t', '1s', '-o', self.path(name))
                self.assertEqual((answer.status, answer.out), (8, ''), answer)
                self.assertIn('another peeps-read is recording into it', answer.err)
                self.assertEqual(recorder.end()[0], 0)
            self.assertEqual(READ('record', target.pid, '-t', '1ms', '-o', self.path(name)).status, 0)


if __name__ == '__main__':
    sys.exit(tap.run_suite(unittest.defaultTestLoader.loadTestsFromTestCase(Recording)))
