# shellcheck shell=bash
# Shared by demo.sh and test.sh, which source it. Package names are Debian 12's.

# shellcheck disable=SC2034 # used by those who source this
packages_to_build=(gcc g++ meson ninja-build pkg-config liburcu-dev libyajl-dev libmsgpack-dev libzstd-dev libsqlite3-dev libelf-dev libcmocka-dev python3)
# shellcheck disable=SC2034
packages_to_test=(scdoc clang libclang-rt-14-dev spin valgrind strace gdb graphviz man-db zsh fish python3-msgpack python3-jsonschema)

# need_packages NAME... - installs those that are missing; touches nothing, the network neither, if none is.
# Returns 1, having said what to do, when they cannot be installed.
need_packages()
{
	local package missing=() as_root=()

	if ! command -v dpkg-query >/dev/null; then
		echo "note: not a Debian system; expecting what Debian calls: $*" >&2
		return 0
	fi
	for package in "$@"; do
		# One line per architecture; a package that was never seen is an error.
		dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
			missing+=("$package")
	done
	if [ ${#missing[@]} -eq 0 ]; then
		return 0
	fi

	if [ "$(id -u)" -ne 0 ]; then
		# Without a terminal nobody can answer sudo's question for a password.
		if ! command -v sudo >/dev/null || ! { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
			echo "error: these packages are missing: ${missing[*]}" >&2
			echo "  and installing them needs root or sudo" >&2
			echo "hint: as root: apt-get update && apt-get install ${missing[*]}" >&2
			return 1
		fi
		as_root=(sudo)
	fi
	as_root+=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120)

	echo "installing missing packages: ${missing[*]}"
	if ! "${as_root[@]}" update </dev/null ||
		! "${as_root[@]}" install -y --no-install-recommends "${missing[@]}" </dev/null; then
		echo "error: could not install: ${missing[*]}" >&2
		echo "hint: as root: apt-get update && apt-get install ${missing[*]}" >&2
		return 1
	fi
}

# run_logged LOG COMMAND... - the command's output goes to the end of LOG, and is shown only if it fails.
run_logged()
{
	local log=$1 status=0
	shift

	echo "\$ $*" >>"$log"
	"$@" >>"$log" 2>&1 </dev/null || status=$?
	if [ "$status" -ne 0 ]; then
		echo "error: exit status $status from: $*" >&2
		echo "the end of $log:" >&2
		tail -n 60 "$log" >&2
	fi
	return "$status"
}
