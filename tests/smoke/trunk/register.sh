#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Phones register by UDP, TCP, TLS, WebSocket and secure WebSocket, and are called on the flow that they made. kill -9 of
# hawse-sip: the phone on UDP is called as if nothing had been. Unregistering makes the call 480, an unknown number 404.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/transports.sh"
. "$(dirname "$(realpath "$0")")/../../lib/phones.sh"
case_begin
authority ours
certificate hawse ours "DNS:pbx.example"
ACCESS=', digest: [sha-256, md5]'
LISTEN_MORE=", tls:$HAWSE4, ws:$HAWSE4, wss:$HAWSE4"
SIP_MORE="  certificate: $DIR/hawse.pem
  key: $DIR/hawse.key"
phones_config
hawse_start

# The carrier calls alice's number: call STATUS
call() {
	peer caller callee uac --local "$CALLEE4" --remote "$HAWSE4" --to +4930100 \
		--script "invite; expect $1$([ "$1" = 200 ] && echo '; wait 0.2; bye')"
	finish caller
	check caller '.failed == 0 and .missing == 0' "the carrier's call ends by $1 ($2)"
}

call 480 'nobody is registered'
for transport in udp tcp tls ws wss; do
	phone_start caller phone --transport $transport --user alice --password secret register 300 answer 25 unregister
	eventually 8 "alice registers by $transport" has_line "$DIR/phone.json" '"register"'
	ctl show registrations --json >"$DIR/shown.json"
	check shown '.phones | length == 1' "one phone is shown ($transport)"
	check shown ".phones[0].user == \"alice\" and (.phones[0].from | startswith(\"$(tr a-z A-Z <<<$transport) $CALLER4\"))" 'its flow is shown'
	call 200 "$transport"
	phone_finish phone
	phone_says phone '.[0].status == 200 and .[0].statuses == [401, 200] and .[0].algorithm == "SHA-256"' 'challenged once, by SHA-256'
	phone_says phone '.[1].invite | startswith("sip:alice@")' 'its Contact was called'
	phone_says phone '.[1].ack and .[1].bye' 'the call came to its end'
	phone_says phone '.[2].status == 200 and .[2].contact == ""' 'nothing is bound any more'
done
call 480 'unregistered'

phone_start caller phone --user alice --password secret register 300 wait 3 answer 25 again 1
eventually 5 'alice registers' has_line "$DIR/phone.json" '"register"'
kill -KILL "$PID_sip"
wait "$PID_sip" 2>/dev/null
start_sip
eventually 5 'wait is over' has_line "$DIR/phone.json" '"wait"'
ctl show registrations alice --json >"$DIR/shown.json"
check shown '.phones | length == 1' 'registered still, after kill -9'
call 200 'after kill -9'
phone_finish phone
phone_says phone '.[2].ack and .[2].bye' 'and it rang'
phone_says phone '.[3].statuses == [200]' 'a nonce of the process before is stale, and no failure'
curl -s --max-time 5 --fail-with-body http://127.0.0.1:1 >/dev/null 2>&1
in_ns hawse curl -s http://127.0.0.1:9090/metrics >"$DIR/metrics"
grep -q '^hawse.*registrations 1$' "$DIR/metrics" || fail "no gauge of registrations: $(grep -i registration "$DIR/metrics" | head -5)"
pass
