#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A new certificate on SIGHUP: a call over TLS that is up goes on over its connection, new connections get the new
# one; a file that is wrong is refused with its name, and the old one stays.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/transports.sh"
case_begin
authority ours
certificate hawse ours DNS:hawse.example first
certificate other ours DNS:hawse.example second
certificate caller ours "IP:$CALLER4"
tls_listen hawse ours
OFFICE_KEYS='transport: tls'
mkdir -p "$DIR/run"
transports_config >"$DIR/hawse.yaml"
hawse_start

shown() {
	in_ns stranger openssl s_client -connect "$HAWSE4:5061" </dev/null 2>/dev/null | openssl x509 -noout -subject
}
[[ $(shown) == *first ]] || fail "the first certificate is shown, not $(shown)"

callee --script 'ring 180; answer; play 200; expect-reinvite sendonly; expect-bye'
peer caller caller uac --local "$CALLER4:5061" --remote "$HAWSE4:5061" $(wire tls caller ours) \
	--script 'invite; expect 200; play 200; wait 3; drain; expect-media 200; reinvite sendonly; wait 0.1; bye'
sleep 0.5
cp "$DIR/other.pem" "$DIR/hawse.pem"
cp "$DIR/other.key" "$DIR/hawse.key"
kill -HUP "$PID_sip"
RELOADS=1
eventually 5 'the certificate is taken over' taken_over
[[ $(shown) == *second ]] || fail "the second certificate is shown, not $(shown)"

echo nonsense >"$DIR/hawse.pem"
kill -HUP "$PID_sip"
eventually 5 'a broken file is refused by name' grep -q "not taken over: $DIR/hawse.pem" "$DIR/sip.log"
[[ $(shown) == *second ]] || fail 'the second certificate stays'
finish
check_scripts
check_media caller 200
check_media callee 200
check caller '.opened == 1 and .connections_lost == 0' 'the call kept its connection'
pass
