#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Responses go where the request came from, never where a forged Via says (RFC 3581).
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_start
capture stranger eth0 'udp'
in_ns caller /usr/bin/python3 - "$CALLER4" "$HAWSE4" "$STRANGER4" <<-'END' || fail "no answer came to the packet's source"
	import socket, sys
	me, hawse, victim = sys.argv[1:]
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.bind((me, 5099))
	s.settimeout(3)
	for n, via in enumerate([f"{victim}:5060", f"{me}:5060;received={victim}", f"{me};maddr={victim};rport=5060"]):
	    s.sendto((f"OPTIONS sip:x@{hawse} SIP/2.0\r\nVia: SIP/2.0/UDP {via};branch=z9hG4bKforged{n}\r\n"
	              f"From: <sip:a@{me}>;tag=1\r\nTo: <sip:x@{hawse}>\r\nCall-ID: forged{n}\r\nCSeq: 1 OPTIONS\r\n"
	              "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n").encode(), (hawse, 5060))
	    answer, source = s.recvfrom(65535)
	    assert answer.startswith(b"SIP/2.0 "), answer
	    assert source == (hawse, 5060), source
END
stop_capture stranger
[ "$(tcpdump -r "$DIR/stranger.pcap" 2>/dev/null | wc -l)" -eq 0 ] || fail 'somebody else got a packet'
pass
