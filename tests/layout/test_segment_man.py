#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""peeps-segment(5): says every member of every struct of the layout, and every row of the table of kinds.

usage: test_segment_man.py SOURCE_ROOT GENERATOR
"""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../e2e'))
import tap  # noqa: E402


def structs(text):
    """{struct: [member]}, from a header as people read it: comments away, one declarator a statement."""
    text = re.sub(r'/\*.*?\*/', '', text, flags=re.S)
    found = {}
    for name, body in re.findall(r'^struct (\w+) \{(.*?)^\};', text, flags=re.S | re.M):
        members = [re.search(r'(\w+)\s*(\[\w+\])?$', part.strip()) for part in body.split(';') if part.strip()]
        found[name] = [member.group(1) for member in members]
    return found


def tables(page):
    """{struct: [field]}, from the page."""
    found = {}
    name = None
    in_rows = False
    for line in page.splitlines():
        heading = re.match(r'struct (\w+), \d+ bytes\.$', line)
        field = re.match(r':\[ \*(.*)\*$', line)
        if heading:
            name = heading.group(1)
            found[name] = []
        elif line.startswith('# '):
            name = None
        elif line.startswith(']['):
            in_rows = False
        elif line.startswith('|['):
            in_rows = True
        elif name and field and in_rows:
            found[name].append(field.group(1).replace('\\', ''))
    return found


def main():
    root, generator = sys.argv[1:]
    page = subprocess.run([generator], capture_output=True, text=True, check=True).stdout
    plain = page.replace('\\', '')

    def members():
        said = tables(page)
        meant = {}
        for header in ('layout/peeps/layout.h', 'layout/segment.h'):
            with open(os.path.join(root, header), encoding='utf-8') as file:
                meant.update(structs(file.read()))
        assert len(meant) >= 12, meant.keys()
        assert said == meant, {name: (said.get(name), meant.get(name)) for name in said.keys() | meant.keys()
                               if said.get(name) != meant.get(name)}

    def names():
        with open(os.path.join(root, 'layout/peeps/kinds.def'), encoding='utf-8') as file:
            rows = re.findall(r'^PEEPS_\w+\((.*?)\)', file.read(), flags=re.M)
        cells = set(re.findall(r'^[|:]\[ (.*)$', plain, flags=re.M))
        wanted = {name for row in rows for name in re.findall(r'"([^"]*)"', row)} - {''}
        assert len(wanted) > 100
        missing = {name for name in wanted if name not in cells}
        assert not missing, missing

    def no_unit_forgotten():
        rows = re.findall(r'^:\[ \*(\S+)\*\n:\[(.*)$', page, flags=re.M)
        assert len(rows) > 80
        assert not [name for name, meaning in rows if not meaning.strip()]

    def formatted():
        scdoc = shutil.which('scdoc')
        assert scdoc
        made = subprocess.run([scdoc], input=page, capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stderr
        assert 'incompat_flags' in made.stdout

    tests = [
        ('page__members_of_the_headers__are_all_said_in_their_order', members),
        ('page__names_of_the_table_of_kinds__are_all_said', names),
        ('page__fields__all_have_a_meaning', no_unit_forgotten),
    ]
    if shutil.which('scdoc'):
        tests.append(('page__read_by_scdoc__is_sound', formatted))
    return tap.run(tests)


if __name__ == '__main__':
    sys.exit(main())
