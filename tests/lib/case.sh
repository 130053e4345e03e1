# SPDX-License-Identifier: BSD-3-Clause
# What every smoke and crash test begins with:
#
#     . "$(dirname "$(realpath "$0")")/../../lib/case.sh"
#     case_begin            # or: case_begin two, case_begin routed (see net.sh)
#     hawse_start
#     callee --script 'ring 180; answer; play 100; expect-bye'
#     caller --script 'invite; expect 200; play 100; drain; wait 0.5; bye'
#     finish
#     check callee '.failed == 0' 'the callee is content'
#     pass
#
# Needs HAWSE_BUILD, the build directory. Logs and captures stay in $DIR when the test fails.
# shellcheck shell=bash
set -u
set -o pipefail

HAWSE_ROOT=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
HAWSE_BUILD=${HAWSE_BUILD:-$HAWSE_ROOT/build}
. "$HAWSE_ROOT/deploy/lib.sh"
case_name=$(basename "$0" .sh)
NET=hw$$
. "$HAWSE_ROOT/tests/lib/net.sh"

DIR='' PASSED='' FAILED=''
declare -A PEER_PID

fail() {
	FAILED=$*
	exit 1
}

# Where packets may have gone: what Hawse dropped, and what devices, queues and sockets could not hold. Zeroes are left out.
explain() {
	local party device
	printf -- '--- drops and losses\n'
	timeout 5 "$HAWSE_BUILD/stats/hawsectl" -r "$DIR/run" show drops 2>/dev/null | grep -E '[1-9]' | head -n 30
	for party in hawse caller callee stranger net; do
		[ -e "/run/netns/$NET-$party" ] || continue
		in_ns "$party" sh -c 'grep -H . /sys/class/net/*/statistics/*_dropped /sys/class/net/*/statistics/*_errors' 2>/dev/null |
			grep -v ':0$' | sed "s|^/sys/class/net/|$party |"
		for device in $(ip -n "$NET-$party" -o link show type veth 2>/dev/null | awk -F'[ :@]+' '{print $2}'); do
			in_ns "$party" ethtool -S "$device" 2>/dev/null | grep -iE 'drop|err' | grep -v ': 0$' | sed "s|^|$party $device |"
		done
		in_ns "$party" awk -v p="$party" '/^Udp:/ {if (!n++) split($0, k); else for (i = 2; i <= NF; i++)
			if (k[i] ~ /Err/ && $i > 0) print p, "udp", k[i], $i}' /proc/net/snmp
	done
	awk '{d += strtonum("0x" $2); s += strtonum("0x" $3)} END {print "kernel backlog: dropped", d, "squeezed", s}' \
		/proc/net/softnet_stat 2>/dev/null
	cat /proc/loadavg
}

case_end() {
	local code=$?
	trap - EXIT
	[ -n "$PASSED" ] || explain >"$DIR/losses.txt" 2>/dev/null
	stop_all 2>/dev/null
	net_down 2>/dev/null
	if [ -n "$PASSED" ] && [ $code -eq 0 ] && [ -z "${KEEP:-}" ]; then
		rm -rf "$DIR"
		exit 0
	fi
	for log in "$DIR"/media.log "$DIR"/sip.log "$DIR"/stats.log; do
		[ -s "$log" ] || continue
		printf -- '--- %s\n' "$log"
		tail -n 15 "$log"
	done
	[ ! -s "$DIR/losses.txt" ] || cat "$DIR/losses.txt"
	printf 'everything is kept in %s\n' "$DIR"
	[ -z "$FAILED" ] || printf 'FAILED: %s\n' "$FAILED"
	[ $code -ne 0 ] || [ -z "$PASSED" ] || exit 0
	exit $((code ? code : 1))
}

# case_begin [SHAPE]: a directory, the namespaces, and their removal however the test ends.
case_begin() {
	need_root
	DIR=$(mktemp -d "${HAWSE_KEEP:-/tmp}/hawse-$case_name.XXXXXX")
	trap case_end EXIT
	trap 'exit 130' INT TERM
	net_up "${1:-one}" || fail "cannot make the namespaces"
}

# hawse_config FILE: the usual configuration. Tests set these before, or write a file of their own.
PORTS=20000-20999 SESSIONS=10000 STRANGERS=refuse MEDIA_TIMEOUT=30 WORKERS=1 CORES='' GRACE=30 QUARANTINE=5
CARRIER="\"$CALLEE4\", \"$CALLEE6\"" OFFICE="\"$CALLER4\", \"$CALLER6\""
hawse_config() {
	cat <<-END
		media:
		  public: {device: media0, address: [$HAWSE4, "$HAWSE6"], ports: $PORTS}
		dataplane: {workers: $WORKERS, ${CORES:+cores: [$CORES], }poll: adaptive, sessions: $SESSIONS,
		  memory: 256, grace: $GRACE, quarantine: $QUARANTINE}
		sip:
		  listen: [udp:$HAWSE4, "udp:[$HAWSE6]:5060"]
		  strangers: $STRANGERS
		  media_timeout: $MEDIA_TIMEOUT
		peers:
		  carrier: {kind: trunk, address: [$CARRIER]}
		  office: {kind: trunk, address: [$OFFICE]}
		routes:
		  - {from: office, number: "+", to: [carrier]}
		  - {from: carrier, to: [office]}
		stats: {listen: "127.0.0.1:9090", cdr: $DIR/cdr.jsonl}
		run: $DIR/run
	END
}

CONFIG=
hawse_configure() {
	mkdir -p "$DIR/run"
	CONFIG=$DIR/hawse.yaml
	[ -e "$CONFIG" ] || hawse_config >"$CONFIG"
}

# start_process NAME BINARY: in Hawse's namespace, until it is ready; its process id is in PID_NAME.
PID_media='' PID_sip='' PID_stats='' STARTS=0
start_process() {
	local name=$1 binary=$2
	[ ! -e "$DIR/$name.log" ] || mv "$DIR/$name.log" "$DIR/$name-$((++STARTS)).log"
	: >"$DIR/$name.log"
	start "$DIR/$name.log" ip netns exec "$NET-hawse" "$HAWSE_BUILD/$binary" -c "$CONFIG"
	eval "PID_$name=$STARTED_PID"
	wait_ready "$DIR/$name.log" "$STARTED_PID" 40 || fail "hawse-$name did not get ready"
}

start_media() { start_process media dataplane/hawse-media; }
start_sip() { start_process sip controlplane/hawse-sip; }
start_stats() { start_process stats stats/hawse-stats; }

hawse_start() {
	hawse_configure
	start_media
	start_sip
	start_stats
}

ctl() {
	in_ns hawse "$HAWSE_BUILD/stats/hawsectl" -r "$DIR/run" "$@"
}

# peer NAME PARTY ROLE ARGUMENTS...: a sip_peer in the background, its report in $DIR/NAME.json.
peer() {
	local name=$1 party=$2 role=$3
	shift 3
	: >"$DIR/$name.log" # or the last one's word would do
	ip netns exec "$NET-$party" "$HAWSE_BUILD/tests/lib/sip_peer" "$role" "$@" \
		>"$DIR/$name.json" 2>"$DIR/$name.log" </dev/null &
	PEER_PID[$name]=$!
	STARTED+=("$!")
	wait_ready "$DIR/$name.log" "$!" 20 || {
		cat "$DIR/$name.log"
		fail "the $name did not start"
	}
}

callee() { peer callee callee uas --local "$CALLEE4" "$@"; }
caller() { peer caller caller uac --local "$CALLER4" --remote "$HAWSE4" "$@"; }
callee6() { peer callee callee uas --local "[$CALLEE6]:5060" "$@"; }
caller6() { peer caller caller uac --local "[$CALLER6]:5060" --remote "[$HAWSE6]:5060" "$@"; }

# Waits for the given peers, by default for both parties: the caller as long as it takes, and a callee that still waits
# for a call 30 s later is told to give up.
finish() {
	local name i
	[ $# -gt 0 ] || set -- caller callee
	for name in "$@"; do
		[ -n "${PEER_PID[$name]:-}" ] || continue
		for ((i = 0; i < 150; i++)); do
			[ "$name" = callee ] && alive "${PEER_PID[$name]}" || break
			sleep 0.2
		done
		[ "$name" != callee ] || kill -INT "${PEER_PID[$name]}" 2>/dev/null
		wait "${PEER_PID[$name]}"
		unset "PEER_PID[$name]"
	done
}

# Ends a peer that would wait for ever, and takes its report.
hang_up() {
	kill -INT "${PEER_PID[$1]}" 2>/dev/null
	wait "${PEER_PID[$1]}"
	unset "PEER_PID[$1]"
}

# check FILE CONDITION WHAT: a jq condition on $DIR/FILE.json.
check() {
	local file=$DIR/$1.json
	jq -e "$2" "$file" >/dev/null 2>"$DIR/jq.err" && return
	jq -c 'del(.each), (.each // [])[:2][]' "$file" 2>/dev/null | head -c 3000
	cat "$DIR/jq.err"
	fail "$3 ($1: $2)"
}

# Both peers did what their scripts say.
check_scripts() {
	check caller '.failed == 0 and .missing == 0' 'every script of the caller ran to its end'
	check callee '.failed == 0 and .missing == 0' 'every script of the callee ran to its end'
}

# check_media NAME PACKETS: every call of that peer received exactly so many packets, each once, in order and unchanged,
# from the address that the SDP told.
check_media() {
	check "$1" "all(.each[]; .received == $2)" "$1 received $2 packets in every call"
	check "$1" '.lost + .doubled + .reordered + .crossed + .corrupt + .foreign + .wrong_source == 0' \
		"$1 received nothing lost, doubled, out of order, changed or from elsewhere"
}

# eventually SECONDS WHAT COMMAND...: until the command succeeds. SECONDS is what an idle machine may take; a loaded one
# gets twice that and ten more, for waiting long costs only a test that fails.
eventually() {
	local end=$((SECONDS + 2 * $1 + 10)) what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || fail "$what"
		sleep 0.2
	done
}

# Waits until Hawse has let go of every call and every port.
ports_in_use() { ctl show ports --json | jq "$PORTS_USED"; }
PORTS_USED='[.. | objects | .used? // empty] | add // 0'
no_port_in_use() { [ "$(ports_in_use)" = 0 ]; }

# The sum of all drops that hawsectl shows.
drops_total() { ctl show drops --json | jq '[.. | objects | (.count? // .packets? // .value? // empty)] | add // 0'; }

# capture PARTY DEVICE FILTER: into $DIR/PARTY.pcap until the test ends or stop_capture PARTY.
declare -A CAPTURE_PID
capture() {
	ip netns exec "$NET-$1" tcpdump -i "$2" -U -B 8192 --immediate-mode -w "$DIR/$1.pcap" "$3" \
		>"$DIR/$1.tcpdump" 2>&1 </dev/null &
	CAPTURE_PID[$1]=$!
	STARTED+=("$!")
	eventually 10 "tcpdump starts in $1" grep -q 'listening on' "$DIR/$1.tcpdump"
}

stop_capture() {
	sleep 0.3
	kill -INT "${CAPTURE_PID[$1]}"
	wait "${CAPTURE_PID[$1]}"
}

rtp_pcap() { /usr/bin/python3 "$HAWSE_ROOT/tests/lib/rtp_pcap.py" "$@"; }

stranger() {
	in_ns stranger "$HAWSE_BUILD/tests/lib/rtp_peer" --local "$STRANGER4:4000" "$@"
}

# speech FILE TEXT: spoken, as A-law at 8 kHz without a header.
speech() {
	espeak-ng -v en-gb -s 150 -w "$1.wav" "$2" && sox "$1.wav" -r 8000 -c 1 -t raw -e a-law "$1" || fail 'no speech'
}

resident_kib() { awk '/^VmRSS/ {print $2}' "/proc/$1/status"; }

alive() { kill -0 "$1" 2>/dev/null; }

all_alive() {
	alive "$PID_media" || fail 'hawse-media is gone'
	alive "$PID_sip" || fail 'hawse-sip is gone'
	[ -z "${PID_stats:-}" ] || alive "$PID_stats" || fail 'hawse-stats is gone'
}

pass() {
	all_alive
	if grep -qE 'ERROR: AddressSanitizer|runtime error:' "$DIR"/*.log; then
		fail 'a sanitizer complained'
	fi
	PASSED=1
	exit 0
}
