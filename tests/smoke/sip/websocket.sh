#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# SIP over WebSocket and secure WebSocket (RFC 7118): OPTIONS, a call to a UDP party, and that party's BYE on the same
# connection, though Via and Contact name a host that does not exist.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/transports.sh"
case_begin
authority ours
certificate hawse ours DNS:hawse.example
tls_listen hawse ours
TLS_LISTEN=", ws:$HAWSE4, wss:$HAWSE4"
mkdir -p "$DIR/run"
transports_config >"$DIR/hawse.yaml"
hawse_start
for scheme in ws wss; do
	[ $scheme = ws ] && port=80 || port=443
	callee --script 'ring 180; answer; wait 0.3; bye'
	in_ns caller /usr/bin/python3 "$HAWSE_ROOT/tests/lib/ws_phone.py" $scheme "$HAWSE4" $port +15550002 "$CALLER4" 4000 \
		>"$DIR/phone.json" 2>"$DIR/phone.log" || fail "the phone failed by $scheme: $(tail -n 3 "$DIR/phone.log")"
	finish callee
	check callee '.failed == 0 and .missing == 0' 'the callee is content'
	check phone '.upgrade | startswith("HTTP/1.1 101")' 'the upgrade'
	check phone '.protocol == "sip"' 'its subprotocol'
	check phone '.options == [200]' 'OPTIONS is answered 200'
	check phone ".via | test(\"^SIP/2.0/$(tr a-z A-Z <<<$scheme) df7jal23ls0d.invalid;.*received=$CALLER4\")" 'its Via comes back with received'
	check phone '.invite == [100, 180, 200]' 'the call is answered'
	check phone ".contact | test(\"<sip:.*$HAWSE4:$port;transport=ws>\")" 'the Contact says WebSocket'
	check phone '.bye == "BYE"' "the callee's BYE comes over the same connection"
	check phone ".bye_via | startswith(\"SIP/2.0/$(tr a-z A-Z <<<$scheme) $HAWSE4\")" 'with our Via'
done
pass
