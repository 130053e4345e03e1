#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# kill -9 of hawse-media under twenty calls with SRTP on both sides, other keys and suites on each: every call goes on
# by its resume records. No index of SRTP or SRTCP is used a second time, nothing fails to authenticate afterwards, and
# the media are back soon.
# limit: 90
. "$(dirname "$(realpath "$0")")/../lib/case.sh"
case_begin
suites='AEAD_AES_256_GCM, AEAD_AES_128_GCM, AES_256_CM_HMAC_SHA1_80, AES_CM_128_HMAC_SHA1_80, AES_CM_128_HMAC_SHA1_32'
mkdir -p "$DIR/run"
hawse_config | sed "s/{kind: trunk,/{kind: trunk, srtp: sdes, suites: [$suites],/" >"$DIR/hawse.yaml"
hawse_start
capture callee eth0 'udp and not port 5060'
callee --calls 20 --srtp AES_CM_128_HMAC_SHA1_80 --script 'answer; expect-secure 1; rtcp 0.1; play 500; drain; expect-bye'
caller --calls 20 --rate 40 --srtp AEAD_AES_128_GCM \
	--script 'invite; expect 200; expect-secure 1; rtcp 0.1; play 500; drain; wait 1; bye'
up() { [ "$(ctl show calls --json | jq '[.. | objects | select(.state? == "up")] | length')" = 20 ]; }
eventually 10 'all calls are up' up
sleep 1
kill -KILL "$PID_media"
wait "$PID_media" 2>/dev/null
start_media
finish
stop_capture callee
check_scripts
rtp_pcap streams "$DIR/callee.pcap" | jq -s --arg h "$HAWSE4" '[.[] | select(.source == $h)]' >"$DIR/wire.json"
rtp_pcap srtcp "$DIR/callee.pcap" 10 | jq -s --arg h "$HAWSE4" '[.[] | select(.source == $h)]' >"$DIR/srtcp.json"
check wire 'length == 20 and all(.[]; .packets > 300)' 'SRTP went to the carrier in every call'
check wire 'all(.[]; .doubled == 0)' 'no SRTP index is used twice'
check srtcp 'length == 20 and all(.[]; .packets > 30 and .again == 0)' 'no SRTCP index is used twice'
for name in caller callee; do
	check "$name" 'all(.each[]; .received > 350 and .unauthentic == 0)' "$name reads everything that comes, before and after"
	check "$name" '.doubled + .crossed + .corrupt + .foreign + .wrong_source == 0' "$name hears nothing wrong"
done
gap=$(jq '[.[].max_gap_ms] | sort | .[length / 2 | floor]' "$DIR/wire.json")
printf 'media were away for %s ms (median of 20 calls), %s ms at most\n' "$gap" "$(jq '[.[].max_gap_ms] | max' "$DIR/wire.json")"
jq -n --argjson gap "$gap" '{gap: $gap}' >"$DIR/gap.json"
check gap '.gap < 2000' 'the media are back soon'
eventually 10 'no port is in use' no_port_in_use
pass
