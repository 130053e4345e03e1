#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# sipp with SRTP on the office's side, plain sipp on the carrier's. Debian's sipp 3.6.1 was built without SRTP, so it plays
# packets that were encrypted before, under the key that its SDP says, and what it receives is read from a capture by the
# key that Hawse's SDP says, by an implementation that is neither Hawse's nor libsrtp2.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_start
speech "$DIR/caller.al" 'Good morning. Nobody but Hawse can read this.'
speech "$DIR/callee.al" 'Good morning, caller. I can hear you well, in clear.'
key=$(head -c 30 /dev/urandom | base64 -w 0)
srtp_pcap() { /usr/bin/python3 "$HAWSE_ROOT/tests/lib/srtp_pcap.py" "$@"; }
srtp_pcap make "$key" "$DIR/caller.al" "$DIR/caller.srtp.pcap" || fail 'no SRTP to play'
cp "$HAWSE_ROOT/tests/lib/sipp/callee.xml" "$DIR"
sed -e 's|m=audio \[rtpstream_audio_port\] RTP/AVP|m=audio [media_port] RTP/SAVP|' \
	-e "s|^\( *\)a=ptime:20|&\n\1a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:$key|" \
	-e 's|rtp_stream="caller.al,1,8,PCMA/8000"|play_pcap_audio="caller.srtp.pcap"|' \
	"$HAWSE_ROOT/tests/lib/sipp/caller.xml" >"$DIR/caller.xml"
capture callee eth0 'udp and not port 5060'
capture caller eth0 'udp and not port 5060'
cd "$DIR" || exit 1
ip netns exec "$NET-callee" sipp -sf callee.xml -i "$CALLEE4" -mi "$CALLEE4" -p 5060 -mp 30000 -m 1 -nostdin -timeout 30 >callee.out 2>&1 &
callee_pid=$!
STARTED+=("$callee_pid")
sleep 0.3
in_ns caller sipp -sf caller.xml -i "$CALLER4" -mi "$CALLER4" -p 5060 -mp 30000 -s +4930222 -d 5000 -m 1 -nostdin -timeout 30 \
	-trace_msg -message_file "$DIR/messages" "$HAWSE4:5060" >caller.out 2>&1 || {
	tail -n 30 caller.out
	fail 'the caller of sipp failed'
}
wait "$callee_pid" || {
	tail -n 30 callee.out
	fail 'the callee of sipp failed'
}
stop_capture callee
stop_capture caller
theirs=$(grep -o 'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:[A-Za-z0-9+/=]*' messages | sed 's/.*inline://' | grep -vF "$key" | head -n 1)
[ -n "$theirs" ] || fail "the 200 has no key of Hawse's own"
srtp_pcap read "$theirs" "$HAWSE4" "$DIR/caller.pcap" "$DIR/heard.al" >"$DIR/heard.json" || fail 'the capture cannot be read'
check heard '.packets > 100 and .unauthentic == 0 and .lost == 0' 'everything that comes authenticates under the key of the SDP'
size=$(stat -c %s callee.al)
cmp -n $((size / 160 * 160)) heard.al callee.al || fail 'the caller hears something else'
mkdir callee
rtp_pcap streams callee.pcap --payload callee | jq -s '{streams: .}' >callee_rtp.json
check callee_rtp "[.streams[] | select(.destination == \"$CALLEE4\")] | length == 1 and all(.[]; .lost + .doubled == 0 and .packets > 100)" \
	'the callee gets every packet, as plain RTP'
n=$(jq "[.streams[].destination] | index(\"$CALLEE4\")" callee_rtp.json)
size=$(stat -c %s caller.al)
cmp -n $((size / 160 * 160)) "callee/$n.raw" caller.al || fail 'the callee hears something else'
pass
