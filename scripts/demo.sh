#!/usr/bin/env bash
# Builds peeps, starts a program that deadlocks, and looks at it from outside.
# Exits 0 if the deadlock was found.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh

example=build/examples/mutex-lock-order-inversion
peeps_read=build/reader/peeps-read
give_up_after_s=10

pid=
scratch=$(mktemp -d)

clean_up()
{
	if [ -n "$pid" ]; then
		# Deadlocked as it is, it need not get to a handler for SIGTERM.
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	fi
	rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail()
{
	echo "demo: $1" >&2
	tail -n 20 "$scratch"/* >&2
	exit 1
}

need_packages "${packages_to_build[@]}"

mkdir -p build
log=build/demo-build.log
: >"$log"
echo "building (log: $log)"
if [ ! -f build/build.ninja ]; then
	run_logged "$log" meson setup build --buildtype=debugoptimized
fi
run_logged "$log" ninja -C build "${peeps_read#build/}" "${example#build/}"

"$example" >"$scratch/example-output" 2>&1 &
pid=$!
echo "started $example, PID $pid"

deadline=$((SECONDS + give_up_after_s))
while :; do
	status=0
	"$peeps_read" check "$pid" >"$scratch/check-output" 2>&1 || status=$?
	if [ "$status" -eq 1 ]; then
		break
	fi
	kill -0 "$pid" 2>/dev/null || fail "the example ended by itself"
	[ "$SECONDS" -lt "$deadline" ] ||
		fail "no deadlock found in $give_up_after_s s; last exit status of peeps-read check: $status"
	sleep 0.1
done

printf '\n$ %s %s\n' "$peeps_read" "$pid"
status=0
"$peeps_read" "$pid" || status=$?
[ "$status" -eq 1 ] || fail "peeps-read exited with $status, not with 1 for a finding"
