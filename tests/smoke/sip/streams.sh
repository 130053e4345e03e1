#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 90
# What a stream may do: messages in pieces of any size, several at once, junk, nothing at all; a connection lost in the
# middle of a call, and while it rings. Each time the next call works.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/transports.sh"
case_begin
authority ours
certificate hawse ours DNS:hawse.example
tls_listen hawse ours
OFFICE_KEYS='transport: tcp' CARRIER_KEYS='transport: tcp'
mkdir -p "$DIR/run"
transports_config >"$DIR/hawse.yaml"
hawse_start

tcp_callee() {
	peer callee callee uas --local "$CALLEE4" --transport tcp --script "$1"
}
tcp_caller() {
	local script=$1
	shift
	peer caller caller uac --local "$CALLER4" --remote "$HAWSE4" --transport tcp --script "$script" "$@"
}

# Pieces of 1, 7 and 100 octets.
for split in 7 100; do
	peer callee callee uas --local "$CALLEE4" --transport tcp --split $split --script 'ring 180; answer; play 20; expect-bye'
	tcp_caller 'invite; expect 200; play 20; drain; expect-media 20; wait 0.2; bye' --split $split
	finish
	check_scripts
	check_media caller 20
done

# Many calls on one connection.
peer callee callee uas --local "$CALLEE4" --transport tcp --calls 20 --script 'ring 180; answer; play 20; expect-bye'
tcp_caller 'invite; expect 200; play 20; drain; expect-media 20; wait 0.2; bye' --calls 20
finish
check_scripts
check_media caller 20
check_media callee 20
check caller '.opened == 1' 'all calls of the caller on one connection'
check callee '.accepted == 1' 'all calls to the callee on one connection (RFC 5923)'

# The caller loses its connection while it rings and comes back on another: the 200 finds it where it listens.
tcp_callee 'ring 180; wait 1; answer; play 20; expect-bye'
tcp_caller 'invite; expect 180; hang-up; expect 200; play 20; drain; expect-media 20; wait 0.2; bye'
finish
check_scripts
check_media caller 20

# Both lose theirs in the middle of a call: BYE goes by new ones.
tcp_callee 'ring 180; answer; play 20; drain; hang-up; expect-bye'
tcp_caller 'invite; expect 200; play 20; drain; hang-up; wait 0.5; bye'
finish
check_scripts

# Junk, and silence, on each transport.
in_ns caller /usr/bin/python3 "$HAWSE_ROOT/tests/lib/stream_junk.py" "$HAWSE4" 5060 5061 >"$DIR/junk.json" || fail 'the sender of junk failed'
check junk '.pong == "\r\n"' 'two CRLFs are answered by one (RFC 5626)'
check junk '.garbage == "closed" and .endless == "closed" and .length == "closed"' 'what cannot be framed ends its connection'
check junk '.options == 200' 'OPTIONS is answered'
check junk '.pipelined == [200, 200, 200]' 'three requests in one segment get three answers'
check junk '.http == "closed" and .tls_garbage == "closed"' 'other protocols end their connection'
all_alive
tcp_callee 'ring 180; answer; play 20; expect-bye'
tcp_caller 'invite; expect 200; play 20; drain; expect-media 20; wait 0.2; bye'
finish
check_scripts
check_media caller 20
metrics=$(in_ns hawse curl -s http://127.0.0.1:9090/metrics)
grep -q '^hawse_sip_connections_ended_total{[^}]*reason="unframed"[^}]*} [1-9]' <<<"$metrics" || fail 'ended connections are counted'
pass
