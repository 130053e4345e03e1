#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A stranger sends RTP, RTCP, STUN and junk to every media port, before the parties speak and while they do. Nothing of it
# is relayed or answered, no learned address moves, and it is counted.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_start
capture callee eth0 "udp and not port 5060"
callee --calls 4 --script 'answer; wait 3; play 200; expect-bye'
caller --calls 4 --script 'invite; expect 200; wait 3; play 200; drain; expect-media 200; wait 0.5; bye'
sleep 0.7
before=$(drops_total)
for kind in rtp rtcp stun junk rtp; do
	stranger --to "$HAWSE4:20000-20999" --kind $kind --rounds 2 --rate 4000 >"$DIR/stranger.json"
	check stranger '.received == 0' 'nothing comes back to the stranger'
done
finish
check_scripts
check_media caller 200
check_media callee 200
stop_capture callee
rtp_pcap streams "$DIR/callee.pcap" | jq -s '{streams: .}' >"$DIR/rtp.json"
check rtp 'all(.streams[]; .ssrc != "000057a4")' "no packet of the stranger reached the callee"
[ "$(drops_total)" -gt $((before + 1000)) ] || fail "the stranger's packets are not counted: $before, then $(drops_total)"
ctl show drops >"$DIR/drops.txt"
grep -q 'Dropped by the XDP program' "$DIR/drops.txt" || {
	cat "$DIR/drops.txt"
	fail 'packets to ports that no call has reached the worker'
}
pass
