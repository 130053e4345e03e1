#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 90
# RFC 3261 18.1.1: an INVITE above 1,300 octets for a UDP peer goes by TCP, with the Via of TCP; a short one by UDP; a
# long one by UDP after all when nobody listens on TCP there.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/transports.sh"
case_begin
mkdir -p "$DIR/run"
transports_config >"$DIR/hawse.yaml"
hawse_start
long="Subject: $(printf 'x%.0s' {1..1000})"
capture callee eth0 'port 5060'

# It listens on TCP only: the long INVITE comes there.
peer callee callee uas --local "$CALLEE4:5060" --transport tcp --script 'ring 180; answer; play 30; expect-bye'
caller --header "$long" --script 'invite; expect 200; play 30; drain; expect-media 30; wait 0.2; bye'
finish
check_scripts
check_media caller 30
check_media callee 30
check callee '.accepted == 1' 'the INVITE came by TCP'

# The same one again, but nobody is there on TCP.
callee --script 'ring 180; answer; play 30; expect-bye'
caller --header "$long" --script 'invite; expect 200; play 30; drain; expect-media 30; wait 0.2; bye'
finish
check_scripts
check_media caller 30

# Short: UDP, though somebody listens on TCP.
callee --script 'ring 180; answer; play 30; expect-bye'
caller --script 'invite; expect 200; play 30; drain; expect-media 30; wait 0.2; bye'
finish
check_scripts
stop_capture callee
tcpdump -r "$DIR/callee.pcap" -A 2>/dev/null >"$DIR/callee.txt"
grep -a -A1 '^.*INVITE sip:' "$DIR/callee.txt" | grep -aq "Via: SIP/2.0/TCP $HAWSE4;branch=" || fail 'the long INVITE has a Via of TCP'
[ "$(grep -ac "Via: SIP/2.0/UDP $HAWSE4;branch=" "$DIR/callee.txt")" -gt 2 ] || fail 'the other INVITEs have a Via of UDP'
curl=$(in_ns hawse curl -s http://127.0.0.1:9090/metrics)
grep -q '^hawse_sip_requests_by_tcp_for_length_total.* [1-9]' <<<"$curl" || fail 'requests by TCP for their length are counted'
pass
