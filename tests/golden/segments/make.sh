#!/usr/bin/env bash
# Saves segments of real programs as golden files of the present layout. Run from the source root, once a minor version:
#
#	tests/golden/segments/make.sh BUILD_DIR [NAME...]
#
# Files of layouts before are never made anew: they are what readers have to go on reading.
set -euo pipefail

build=$1
shift
names=("$@")
[ ${#names[@]} -gt 0 ] || names=(one_of_each_1_1 singles)
scratch=$(mktemp -d)
pid=
trap 'kill -KILL $pid 2>/dev/null || true; rm -rf "$scratch"' EXIT

for name in "${names[@]}"; do
	source=examples/$name.c
	[ -f "$source" ] || source=tests/golden/segments/${name%_1_1}.c # more of each than in 1.0
	[ -f "$source" ] || source=tests/e2e/$name.c
	# The paths in a golden file are nobody's.
	gcc -O1 -D_GNU_SOURCE -DPEEPS_SOURCE_ROOT='"/src/peeps"' -DPEEPS_MODULE='"golden"' -Iwriter -Ilayout \
		"$source" -o "$scratch/$name" -L"$build/writer" -Wl,-rpath,"$(realpath "$build/writer")" -lpeeps -pthread
	PEEPS_NAME=golden PEEPS_CAPACITY=entities=64,edges=48,threads=12,sites=48,scopes=8,memberships=16,text=8K \
		"$scratch/$name" >"$scratch/output" &
	pid=$!
	sleep 1 # until all have come to where they stay
	for link in /proc/$pid/fd/*; do
		if [ "$(readlink "$link")" = '/memfd:peeps (deleted)' ]; then
			cat "$link" >"tests/golden/segments/$name.peeps"
		fi
	done
	kill -KILL $pid
	wait $pid 2>/dev/null || true
	ls -l "tests/golden/segments/$name.peeps"
done
