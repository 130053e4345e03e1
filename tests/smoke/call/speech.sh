#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A real call: sipp speaks to sipp, both ways. The callee's side sees every RTP packet, from the relay's address only,
# and hears exactly what the caller said.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_start
speech "$DIR/caller.al" 'Good morning. This is the caller, speaking through Hawse.'
speech "$DIR/callee.al" 'Good morning, caller. This is the callee. I can hear you well.'
cp "$HAWSE_ROOT"/tests/lib/sipp/*.xml "$DIR"
capture callee eth0 'udp and not port 5060'
capture caller eth0 'udp and not port 5060'

cd "$DIR" || exit 1
ip netns exec "$NET-callee" sipp -sf callee.xml -i $CALLEE4 -mi $CALLEE4 -p 5060 -mp 30000 -m 1 -nostdin \
	-timeout 30 >callee.out 2>&1 &
callee_pid=$!
STARTED+=("$callee_pid")
sleep 0.3
in_ns caller sipp -sf caller.xml -i $CALLER4 -mi $CALLER4 -p 5060 -mp 30000 -s +4930222 -d 6000 -m 1 -nostdin \
	-timeout 30 $HAWSE4:5060 >caller.out 2>&1 || { tail -n 30 caller.out; fail 'the caller of sipp failed'; }
wait "$callee_pid" || { tail -n 30 callee.out; fail 'the callee of sipp failed'; }
stop_capture callee
stop_capture caller

for side in callee caller; do
	mkdir "$DIR/$side"
	rtp_pcap streams "$DIR/$side.pcap" --payload "$DIR/$side" | jq -s '{streams: .}' >"$DIR/${side}_rtp.json"
done
check callee_rtp "[.streams[] | select(.destination == \"$CALLEE4\")] | length == 1 and
	all(.[]; .source == \"$HAWSE4\" and .lost + .doubled + .reordered == 0 and .first_seq == 0 and .packets > 100)" \
	"the callee's side holds every RTP packet, from the relay"
check callee_rtp "all(.streams[]; .source != \"$CALLER4\" and .destination != \"$CALLER4\")" \
	'nothing goes between the parties directly'
check caller_rtp "[.streams[] | select(.destination == \"$CALLER4\")] | length == 1 and
	all(.[]; .source == \"$HAWSE4\" and .lost + .doubled + .reordered == 0 and .packets > 100)" \
	"the caller's side holds every RTP packet, from the relay"
n=$(jq "[.streams[].destination] | index(\"$CALLEE4\")" "$DIR/callee_rtp.json")
size=$(stat -c %s "$DIR/caller.al")
cmp -n $((size / 160 * 160)) "$DIR/callee/$n.raw" "$DIR/caller.al" || fail 'the callee heard something else'
pass
