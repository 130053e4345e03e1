#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# SRTP on both sides with other suites and keys: 70,000 packets pass the wrap of the sequence numbers, and none is lost
# or fails to authenticate. One side has an MKI.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
suites='AEAD_AES_256_GCM, AEAD_AES_128_GCM, AES_256_CM_HMAC_SHA1_80, AES_CM_128_HMAC_SHA1_80, AES_CM_128_HMAC_SHA1_32'
mkdir -p "$DIR/run"
hawse_config | sed "s/{kind: trunk,/{kind: trunk, srtp: sdes, suites: [$suites],/" >"$DIR/hawse.yaml"
hawse_start
callee --srtp AEAD_AES_128_GCM --script 'answer; expect-secure 1; play 100; expect-media 60000; expect-bye'
caller --srtp AES_CM_128_HMAC_SHA1_80 --srtp-mode mki --interval 0.0001 --step-timeout 60 \
	--script 'invite; expect 200; expect-secure 1; play 70000; drain; wait 0.5; bye'
finish
check_scripts
check caller '.each[0].received >= 100 and .each[0].unauthentic == 0' 'the caller reads what comes'
check callee '.each[0].unauthentic + .each[0].corrupt == 0' 'every packet that comes is authentic, over the wrap'
check callee '.each[0].received > 65600' 'they come on both sides of the wrap'
pass
