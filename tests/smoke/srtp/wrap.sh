#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# 70,000 packets of one call each way, SRTP on both sides with other suites: more than there are sequence numbers, so the
# roll-over counter moves by itself, and none is lost, refused or unreadable. 3,500 packets a second.
# limit: 110
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
mkdir -p "$DIR/run"
hawse_config | sed "s/{kind: trunk,/{kind: trunk, srtp: sdes,/" >"$DIR/hawse.yaml"
hawse_start
# A codec that nobody knows, so that its rate is nobody's flood.
callee --codecs '96 101' --sdp 'a=rtpmap:96 x-lab/8000|a=rtpmap:101 telephone-event/8000|a=ptime:20' --srtp AEAD_AES_128_GCM --interval 0.000286 --script 'answer; expect-secure 1; play 70000; drain; expect-bye'
caller --codecs '96 101' --sdp 'a=rtpmap:96 x-lab/8000|a=rtpmap:101 telephone-event/8000|a=ptime:20' --srtp AES_CM_128_HMAC_SHA1_80 --interval 0.000286 \
	--script 'invite; expect 200; expect-secure 1; play 70000; drain; wait 1; bye'
finish caller
finish callee
check_scripts
for name in caller callee; do
	check "$name" '.each[0].unauthentic == 0 and .doubled + .corrupt + .foreign + .crossed == 0' "$name reads all that comes"
	check "$name" '.each[0].received >= 69900' "$name receives them all, but what a socket may lose under load"
done
refused() { ctl show drops --json | jq '[.drops[] | select(.reason | test("srtp")) | .count] | add // 0'; }
[ "$(refused)" = 0 ] || fail 'SRTP was refused'
pass
