#!/usr/bin/env bash
# Builds and tests peeps in several configurations. The last line is `N passed, N failed`, over all of them.
#
# usage: scripts/test.sh [CONFIGURATION...]     (default: all of the table below)
#
# PEEPS_TEST_BUILD_DIR  where the builds go, one directory per configuration (default: build-test)
set -euo pipefail
build_root=$(realpath -m -- "${PEEPS_TEST_BUILD_DIR:-$(dirname "${BASH_SOURCE[0]}")/../build-test}")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh

# name | compiler | arguments of meson setup | suites (all: no filter) | environment of the tests
# A stress test keeps itself to a few seconds under PEEPS_STRESS=short.
configurations=(
	'gcc   | gcc g++       | --buildtype=debugoptimized | all             |'
	'clang | clang clang++ | --buildtype=debugoptimized | unit e2e stress fuzz | PEEPS_STRESS=short'
	'asan  | gcc g++       | --native-file=dev.ini      | unit e2e        | PEEPS_STRESS=short'
)

passed=0
failed=0
skipped=0

# count PASSED FAILED SKIPPED - adds to the sums, and says so for the configuration
count()
{
	passed=$((passed + $1))
	failed=$((failed + $2))
	skipped=$((skipped + $3))
	echo "== $name: $1 passed, $2 failed, $3 skipped in $((SECONDS - started)) s"
}

# Sets up $dir unless it already is what the table asks for; a native file is read at set-up only.
set_up()
{
	local wanted
	wanted=$(echo "$PWD" "$compilers" "$setup_args" && cat dev.ini)

	if [ -f "$dir/peeps-setup" ] && [ -f "$dir/build.ninja" ] &&
		[ "$(cat "$dir/peeps-setup")" = "$wanted" ]; then
		: >"$log"
		run_logged "$log" ninja -C "$dir" build.ninja # sets up again if a meson.build changed
		return
	fi
	if [ -f "$dir/peeps-setup" ]; then
		rm -rf "$dir" # made by us, for another set-up
	fi
	mkdir -p "$dir"
	: >"$log"
	# shellcheck disable=SC2086 # several words
	run_logged "$log" env CC="${compilers% *}" CXX="${compilers#* }" meson setup "$dir" $setup_args || return 1
	echo "$wanted" >"$dir/peeps-setup"
}

run_configuration()
{
	local name compilers setup_args suites environment dir log started=$SECONDS suite
	local filter=() programs status=0 counts
	IFS='|' read -r name compilers setup_args suites environment <<<"$1"
	read -r name <<<"$name"
	read -r compilers <<<"$compilers"
	read -r setup_args <<<"$setup_args"
	read -r suites <<<"$suites"
	dir=$build_root/$name
	log=$dir/peeps-build.log

	echo "== $name: $compilers, $setup_args"
	if ! set_up; then
		count 0 1 0
		return
	fi
	for suite in $suites; do
		[ "$suite" = all ] || filter+=(--suite "$suite")
	done
	if ! programs=$(meson test -C "$dir" --no-rebuild --list "${filter[@]}"); then
		if [[ $programs == No*' tests defined.' ]]; then
			echo "no tests in: $suites"
			count 0 0 0
		else
			echo "$programs" >&2
			count 0 1 0
		fi
		return
	fi
	programs=$(wc -l <<<"$programs")
	if ! run_logged "$log" ninja -C "$dir"; then
		count 0 1 0
		return
	fi
	echo "== $name: built in $((SECONDS - started)) s"

	rm -f "$dir"/meson-logs/testlog.*
	# shellcheck disable=SC2086 # several words
	env $environment meson test -C "$dir" --no-rebuild --print-errorlogs "${filter[@]}" || status=$?
	counts=$(python3 scripts/count_tests.py "$dir" "$programs" "$status") || counts='0 1 0'
	# shellcheck disable=SC2086 # three numbers
	count $counts
}

select_configurations()
{
	local wanted row known found

	for wanted in "$@"; do
		known=
		found=
		for row in "${configurations[@]}"; do
			known+=" ${row%% *}"
			if [ "${row%% *}" = "$wanted" ]; then
				selected+=("$row")
				found=yes
			fi
		done
		if [ -z "$found" ]; then
			echo "error: no configuration named '$wanted'; there are:$known" >&2
			return 2
		fi
	done
}

selected=()
if [ $# -eq 0 ]; then
	selected=("${configurations[@]}")
else
	select_configurations "$@"
fi
trap 'exit 130' INT # meson survives it; half a sum would look like a whole one
trap 'exit 143' TERM

if need_packages "${packages_to_build[@]}" "${packages_to_test[@]}"; then
	for row in "${selected[@]}"; do
		run_configuration "$row"
	done
else
	failed=1
fi

echo "$skipped skipped, ${SECONDS} s in all"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
