#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A carrier that agreed to SRTP and sends in clear, or with another key than it said: nothing of it reaches the office, each
# reason is counted, and what is right before and after gets through.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
suites='AEAD_AES_256_GCM, AEAD_AES_128_GCM, AES_256_CM_HMAC_SHA1_80, AES_CM_128_HMAC_SHA1_80, AES_CM_128_HMAC_SHA1_32'
mkdir -p "$DIR/run"
hawse_config | sed "s/carrier: {kind: trunk,/carrier: {kind: trunk, srtp: sdes, suites: [$suites],/" >"$DIR/hawse.yaml"
hawse_start
dropped() { ctl show drops --json | jq -e "[.. | objects | select(tostring | test(\"$1\"))] | length > 0"; }
callee --srtp AES_CM_128_HMAC_SHA1_80 --script 'answer; play 50; drain; plain 1; play 50; drain; plain 0; play 50; expect-bye'
caller --script 'invite; expect 200; play 150; drain; wait 0.7; bye'
finish
check_scripts
check caller '.each[0].received == 100 and .each[0].corrupt == 0' 'what came in clear is not there'
eventually 3 'RTP in clear is counted' dropped srtp_plain

callee --srtp AES_CM_128_HMAC_SHA1_80 --srtp-mode wrong --script 'answer; play 50; drain; expect-bye'
caller --script 'invite; expect 200; play 50; drain; wait 0.5; bye'
finish
check_scripts
check caller '.each[0].received == 0' 'nothing of the wrong key is there'
check_media callee 50
eventually 3 'what does not authenticate is counted' dropped srtp_auth_failed
pass
