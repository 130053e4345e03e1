#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Nothing of one side leaks to the other: no address, tag, Call-ID, Via or User-Agent of the caller in what the callee
# gets, and the other way round.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_start
capture callee eth0 'udp port 5060'
capture caller eth0 'udp port 5060'
callee --script 'ring 180; answer; play 20; expect-bye'
caller --from alice-secret --header 'User-Agent: SecretPhone/1.0' --script 'invite; expect 200; play 20; drain; bye'
finish
check_scripts
stop_capture callee
stop_capture caller
call_id=$(jq -r '.each[0].call_id' "$DIR/caller.json")
other_id=$(jq -r '.each[0].call_id' "$DIR/callee.json")
[ "$call_id" != "$other_id" ] || fail 'both legs have one Call-ID'
for secret in "$CALLER4" "$call_id" "${call_id%@*}" SecretPhone; do
	! grep -aqF -- "$secret" "$DIR/callee.pcap" || fail "the callee can read '$secret'"
done
for secret in "$CALLEE4" "$other_id"; do
	! grep -aqF -- "$secret" "$DIR/caller.pcap" || fail "the caller can read '$secret'"
done
pass
