#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Least cost by the price lists of two trunks; new prices by a reload turn the calls, none lost; a list with a bad line is
# refused by file and line, and the old one stays. Emergencies go their own way, whatever the lists and limits say.
# limit: 90
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
mkdir -p "$DIR/run"
cat >"$DIR/hawse.yaml" <<END
media:
  public: {device: media0, address: $HAWSE4, ports: $PORTS}
dataplane: {poll: adaptive, memory: 256}
sip: {listen: [udp:$HAWSE4]}
peers:
  a: {kind: trunk, address: $CALLEE4, rates: $DIR/a.csv}
  b: {kind: trunk, address: $STRANGER4, rates: $DIR/b.csv}
  office: {kind: trunk, address: $CALLER4, limits: {calls: 1}}
routes:
  - {from: office, number: "+", order: cost, max_rate: 0.5, to: [a, b]}
  - {number: "112", emergency: yes, to: [b]}
stats: {cdr: $DIR/cdr.jsonl}
run: $DIR/run
END
printf 'prefix,rate\n1,0.02\n1555,0.01\n44,0.9\n' >"$DIR/a.csv"
printf 'prefix,rate\n1,0.015\n44,0.9\n' >"$DIR/b.csv"
hawse_configure
start_media
start_sip
call_lands_at() { # PARTY NUMBER
	local address=$CALLEE4
	[ "$1" = callee ] || address=$STRANGER4
	peer callee "$1" uas --local "$address" --script 'ring 180; answer; expect-bye'
	caller --to "$2" --script 'invite; expect 200; wait 0.1; bye'
	finish
	check_scripts
	check callee '.calls == 1' "$2 goes to the $1"
}
call_lands_at callee +15550001
call_lands_at stranger +12120001
caller --to +4420 --script 'invite; expect 404'
finish caller
check caller '.failed == 0' 'what is too dear has no route'

# A call stays up over all that follows, and holds the only place.
peer callee callee uas --local "$CALLEE4" --script 'ring 180; answer; play 200; drain; expect-bye'
caller --to +15550002 --script 'invite; expect 200; play 200; drain; expect-media 200; wait 0.3; bye'
eventually 5 'the call is up' sh -c "ip netns exec $NET-hawse $HAWSE_BUILD/stats/hawsectl -r $DIR/run show peers --json a |
	jq -e '.peers[0].out == 1'"
peer e-callee stranger uas --local "$STRANGER4" --script 'answer; expect-bye'
peer e-caller caller uac --local "$CALLER4:5090" --rtp 40000 --remote "$HAWSE4" --to 112 --script 'invite; expect 200; wait 0.1; bye'
finish e-caller
hang_up e-callee
check e-caller '.failed == 0' 'the emergency call passes the limit'
printf 'prefix,rate\n1,0.001\n1x,0.01\n' >"$DIR/b.csv"
kill -HUP "$PID_sip"
eventually 5 'the bad line is named' grep -q "not taken over: $DIR/b.csv:3: prefix: expected" "$DIR/sip.log"
printf 'prefix,rate\n1,0.02\n1555,0.001\n' >"$DIR/b.csv"
kill -HUP "$PID_sip"
eventually 5 'the new prices are taken over' grep -q 'taken over (SIGHUP' "$DIR/sip.log"
finish
check_scripts
check_media caller 200
call_lands_at stranger +15550003
pass
