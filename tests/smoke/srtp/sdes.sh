#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The carrier speaks SRTP with keys in the SDP, the office does not: each suite, RTP and RTCP both ways, hold and a new
# key from the carrier's side. libsrtp2 in the test peer is the judge.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
suites='AEAD_AES_256_GCM, AEAD_AES_128_GCM, AES_256_CM_HMAC_SHA1_80, AES_CM_128_HMAC_SHA1_80, AES_CM_128_HMAC_SHA1_32'
mkdir -p "$DIR/run"
hawse_config | sed "s/carrier: {kind: trunk,/carrier: {kind: trunk, srtp: sdes, suites: [$suites],/" >"$DIR/hawse.yaml"
hawse_start
for suite in AES_CM_128_HMAC_SHA1_80 AES_CM_128_HMAC_SHA1_32 AES_256_CM_HMAC_SHA1_80 AEAD_AES_128_GCM AEAD_AES_256_GCM; do
	callee --srtp $suite --script 'ring 180; answer; expect-secure 1; rtcp 0.2; play 100; expect-bye'
	caller --script 'invite; expect 200; rtcp 0.2; play 100; drain; expect-media 100; wait 0.5; bye'
	finish
	check_scripts
	check_media caller 100
	check_media callee 100
	check callee '.each[0].unauthentic == 0 and .each[0].rtcp_received > 2' "every packet of $suite authenticates"
	check caller '.each[0].rtcp_received > 2' 'RTCP comes out in clear'
done

# Hold and resume with the same key: the roll-over counter stays. Then another key.
callee --srtp AES_CM_128_HMAC_SHA1_80 --script 'answer; play 50; drain; reinvite sendonly; wait 0.3; reinvite sendrecv;
	play 50; drain; rekey; reinvite sendrecv; play 50; drain; wait 0.3; bye'
caller --script 'invite; expect 200; play 200; expect-bye'
finish
check_scripts
check caller '.each[0].received == 150 and .each[0].lost + .each[0].corrupt == 0' 'hold and a new key lose nothing'
check callee '.each[0].unauthentic == 0' 'our key has not changed'
pass
