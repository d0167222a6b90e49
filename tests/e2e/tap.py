# SPDX-License-Identifier: MIT
"""Runs tests and prints TAP for meson."""
import sys
import traceback
import unittest


def report(number, name, failure):
    print(f'{"not ok" if failure else "ok"} {number} - {name}')
    for line in failure.splitlines():
        print('# ' + ''.join(c if c.isprintable() or c == '\t' else ascii(c)[1:-1] for c in line))
    sys.stdout.flush()


def run(tests):
    """[(name, function)], a failure is an exception. Returns an exit status."""
    failed = 0
    print(f'1..{len(tests)}')
    for number, (name, test) in enumerate(tests, 1):
        failure = ''
        try:
            test()
        except AssertionError as error:
            failure = str(error) or traceback.format_exc()
        except Exception:  # pylint: disable=broad-except
            failure = traceback.format_exc()
        failed += bool(failure)
        report(number, name, failure)
    return 1 if failed else 0


class _Result(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.number = 0

    def _report(self, test, failure):
        self.number += 1
        report(self.number, getattr(test, 'tap_name', test.id().split('.')[-1].removeprefix('test_')), failure)

    def addSuccess(self, test):
        super().addSuccess(test)
        self._report(test, '')

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._report(test, self._exc_info_to_string(err, test))

    def addError(self, test, err):
        super().addError(test, err)
        self._report(test, self._exc_info_to_string(err, test))

    def startTest(self, test):
        super().startTest(test)
        self.parts = []

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err:
            self.parts.append(f'{subtest}\n{self._exc_info_to_string(err, test)}')

    def stopTest(self, test):
        super().stopTest(test)
        if self.parts:  # then nothing else was reported of the test
            self._report(test, '\n'.join(self.parts))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.number += 1
        print(f'ok {self.number} - {test.id().split(".")[-1].removeprefix("test_")} # SKIP {reason}', flush=True)


def run_suite(suite):
    """A unittest suite. Returns an exit status."""
    print(f'1..{suite.countTestCases()}', flush=True)
    result = _Result()
    suite.run(result)
    return 0 if result.wasSuccessful() else 1
