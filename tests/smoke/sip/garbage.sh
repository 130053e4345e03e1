#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Junk, cut and wrong messages on the SIP port, from a peer and from a stranger: answered or dropped as they deserve,
# counted, and the next call works. Then every message of RFC 4475 and RFC 5118, by UDP and by TLS.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/transports.sh"
case_begin
authority ours
certificate hawse ours "DNS:hawse.example,IP:$HAWSE4"
tls_listen hawse ours
mkdir -p "$DIR/run"
transports_config >"$DIR/hawse.yaml"
hawse_start
for from in stranger caller; do
	in_ns $from /usr/bin/python3 "$HAWSE_ROOT/tests/lib/sip_junk.py" "$HAWSE4" 5060 >"$DIR/junk.json" || fail 'the junk sender failed'
done
all_alive
check junk '.answers.good[0] == 200' 'a good OPTIONS is answered 200'
check junk '.answers.version[0] == 505' 'SIP/7.0 is answered 505'
check junk '.answers["cseq method"][0] == 400' 'a CSeq of another method is answered 400'
check junk '.answers["unknown method"][0] | . == 405 or . == 501' 'an unknown method is answered 405 or 501'
in_ns caller /usr/bin/python3 - "$CALLER4" "$HAWSE4" "$HAWSE_ROOT/tests/unit/sip/torture" <<-'END' || fail 'a torture message was too much'
	import pathlib, socket, ssl, sys
	me, hawse, where = sys.argv[1:]
	udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	udp.bind((me, 5060))
	context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
	context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
	messages = sorted(pathlib.Path(where).glob("*.dat"))
	assert len(messages) > 50, len(messages)
	answers = 0
	for m in messages:
	    udp.sendto(m.read_bytes(), (hawse, 5060))
	    s = context.wrap_socket(socket.create_connection((hawse, 5061), 10, (me, 0)))
	    s.sendall(m.read_bytes())
	    s.settimeout(0.03)
	    try:
	        answers += s.recv(65535).startswith(b"SIP/2.0 ")
	    except (OSError, ssl.SSLError):
	        pass
	    s.close()
	assert answers > 15, answers
	print(answers, "answers by TLS")
END
all_alive
callee --script 'ring 180; answer; play 50; expect-bye'
caller --script 'invite; expect 200; play 50; drain; expect-media 50; wait 0.3; bye'
finish
check_scripts
check_media caller 50
check_media callee 50
pass
