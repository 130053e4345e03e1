# SPDX-License-Identifier: BSD-3-Clause
# Shared by deploy/quickstart and tests/run: packages, the build, processes that end with the script.
# Sourced by bash with HAWSE_ROOT set to the top of the tree.
# shellcheck shell=bash

say() {
	printf '%s\n' "$*"
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

need_root() {
	[ "$(id -u)" -eq 0 ] || die "needs root (network namespaces, AF_XDP): run it with sudo"
}

# The packages of the given sections of deploy/packages.txt.
package_names() {
	local section line want=" $* " command
	while IFS= read -r line; do
		command=${line#* \?}
		if [ "$command" != "$line" ]; then
			! command -v "$command" >/dev/null || continue
			line=${line%% *}
		fi
		case $line in
		'# section: '*) section=${line#'# section: '} ;;
		'#'* | '') ;;
		*) case $want in *" $section "*) echo "$line" ;; esac ;;
		esac
	done <"$HAWSE_ROOT/deploy/packages.txt"
}

# Installs what is missing of the given sections; asks apt for nothing when all is there.
install_packages() {
	local name missing=()
	for name in $(package_names "$@"); do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] ||
			missing+=("$name")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	need_root
	say "installing ${#missing[@]} Debian packages: ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -q >/dev/null || die "apt-get update failed: is the network there?"
	apt-get install -y -q --no-install-recommends "${missing[@]}" >/tmp/hawse-apt.$$ 2>&1 || {
		tail -n 20 /tmp/hawse-apt.$$
		die "apt-get install failed; the whole output is in /tmp/hawse-apt.$$"
	}
	rm -f /tmp/hawse-apt.$$
}

# build DIR OPTIONS... -- TARGETS...: configures DIR once (or again when the options changed) and builds.
build() {
	local dir=$1 options=() stamp log=$1/hawse-build.log
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	[ $# -eq 0 ] || shift
	stamp="${CC:-cc} ${options[*]}"
	if [ ! -f "$dir/build.ninja" ] || [ "$(cat "$dir/.hawse-options" 2>/dev/null)" != "$stamp" ]; then
		rm -rf "$dir"
		mkdir -p "$dir"
		meson setup "${options[@]}" "$dir" "$HAWSE_ROOT" >"$log" 2>&1 || {
			tail -n 30 "$log"
			die "meson setup failed"
		}
		echo "$stamp" >"$dir/.hawse-options"
	fi
	ninja -C "$dir" "$@" >"$log" 2>&1 || {
		grep -A 20 '^FAILED' "$log" | head -n 60 || tail -n 30 "$log"
		die "the build in $dir failed; the whole output is in $log"
	}
}

# Processes started by this script, ended in reverse order by stop_all.
STARTED=()

# start LOG PROGRAM...: in the background; its process id is in $STARTED_PID. Not a shell function: that would give the
# process id of a shell in between (`ip netns exec` is good, it becomes the program).
start() {
	local log=$1
	shift
	# In a session of its own: Ctrl-C is for the script, which then ends everything in order.
	setsid "$@" >>"$log" 2>&1 </dev/null &
	STARTED_PID=$!
	STARTED+=("$STARTED_PID")
}

# wait_ready LOG PID SECONDS: until the process says "ready".
wait_ready() {
	local end=$((SECONDS + $3))
	until grep -qw ready "$1" 2>/dev/null; do
		kill -0 "$2" 2>/dev/null || return 1
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}

# Ends one process: TERM, and KILL after five seconds.
stop_one() {
	local pid=$1 i
	kill "$pid" 2>/dev/null || return 0
	for ((i = 0; i < 50; i++)); do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	return 0
}

stop_all() {
	local i
	for ((i = ${#STARTED[@]} - 1; i >= 0; i--)); do
		stop_one "${STARTED[i]}"
	done
	STARTED=()
}
