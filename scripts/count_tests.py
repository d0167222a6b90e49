#!/usr/bin/env python3
"""Counts the results of one `meson test`, each TAP sub-test on its own.

usage: count_tests.py BUILD_DIR EXPECTED_PROGRAMS MESON_STATUS

Prints `PASSED FAILED SKIPPED` on stdout; what failed or was skipped, by name, on stderr.

Neither of meson's two logs is enough. The JUnit log has the sub-tests, but shows no failure when a program
crashes, times out or stops early after sub-tests that passed. The JSON log has the programs' results, but no
sub-tests. They are joined by name: a program that failed counts as failed at least once.
"""
import json
import pathlib
import re
import re
import sys
import xml.etree.ElementTree as ElementTree


def read_subtests(build_dir):
    """{JUnit suite name: [(sub-test name, passed|failed|skipped)]}"""
    path = build_dir / 'meson-logs' / 'testlog.junit.xml'
    if not path.exists():
        return {}
    suites = {}
    # What tests print stands in it as it is, and XML has no control characters.
    text = re.sub(rb'[\x00-\x08\x0b\x0c\x0e-\x1f]', b'?', path.read_bytes())
    for suite in ElementTree.fromstring(text).iter('testsuite'):
        rows = suites.setdefault(suite.get('name'), [])
        for case in suite.iter('testcase'):
            if case.find('skipped') is not None:
                outcome = 'skipped'
            elif case.find('failure') is not None or case.find('error') is not None:
                outcome = 'failed'
            else:
                outcome = 'passed'
            rows.append((case.get('name'), outcome))
    return suites


def read_programs(build_dir):
    path = build_dir / 'meson-logs' / 'testlog.json'
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(errors='replace').splitlines() if line.strip()]


def count_program(program, subtests):
    """[(name, outcome)] of one program"""
    result, status, stdout = program['result'], program['returncode'], program['stdout'] or ''
    bad = result not in ('OK', 'EXPECTEDFAIL', 'SKIP')

    if result in ('EXPECTEDFAIL', 'UNEXPECTEDPASS') or not subtests:
        # meson takes a TAP program that printed nothing for a skipped one; a real one says 1..0, or exits with 77.
        if result == 'SKIP' and status == 0 and not re.search(r'^1\.\.0\b', stdout, re.MULTILINE):
            return [('ran no test', 'failed')]
        return [(result.lower(), 'failed' if bad else 'skipped' if result == 'SKIP' else 'passed')]

    # cmocka 1.1.5 prints `not ok 3 # SKIP` for skip(), which meson takes for a failure.
    skips = set(re.findall(r'^not ok (\d+)[^\n#]*# SKIP', stdout, re.MULTILINE))
    rows = []
    for name, outcome in subtests:
        if outcome == 'failed' and name.split(' ')[0] in skips:
            outcome = 'skipped-by-cmocka'
        rows.append((name, outcome))
    outcomes = [outcome for _, outcome in rows]

    killed = result in ('TIMEOUT', 'INTERRUPT') or status < 0
    unexplained = bad and 'failed' not in outcomes
    if unexplained and result == 'FAIL' and status == 0 and 'skipped-by-cmocka' in outcomes:
        unexplained = False
    if killed or unexplained:
        rows.append((f'the program itself: {result}, exit status {status}', 'failed'))
    return [(name, outcome.split('-')[0]) for name, outcome in rows]


def print_end_of_stdout(program):
    print(f"  stdout of {program['name']}, its last 40 lines:", file=sys.stderr)
    for line in (program['stdout'] or '').splitlines()[-40:]:
        print(f'    {line}', file=sys.stderr)


def main():
    build_dir = pathlib.Path(sys.argv[1])
    expected, meson_status = int(sys.argv[2]), int(sys.argv[3])
    info = json.loads((build_dir / 'meson-info' / 'intro-projectinfo.json').read_text())
    project = info['descriptive_name']
    subtests = read_subtests(build_dir)
    programs = read_programs(build_dir)

    rows = []
    for program in programs:
        found = subtests.get(f"{project}.{program['name']}", [])
        counted = count_program(program, found)
        rows += [(f"{program['name']}: {name}", outcome) for name, outcome in counted]
        if found and any(outcome == 'failed' for _, outcome in counted):
            print_end_of_stdout(program)  # where cmocka says why; --print-errorlogs shows only stderr of TAP programs
    for _ in range(expected - len(programs)):
        rows.append(('a program that meson lists left no result', 'failed'))

    counts = {'passed': 0, 'failed': 0, 'skipped': 0}
    for name, outcome in rows:
        counts[outcome] += 1
        if outcome != 'passed':
            print(f'  {outcome}: {name}', file=sys.stderr)
    if meson_status != 0 and counts['failed'] == 0 and not any(p['result'] == 'FAIL' for p in programs):
        print(f'  failed: meson test itself, exit status {meson_status}', file=sys.stderr)
        counts['failed'] += 1
    print(counts['passed'], counts['failed'], counts['skipped'])


if __name__ == '__main__':
    main()
