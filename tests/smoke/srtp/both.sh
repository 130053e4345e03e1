#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# SRTP on both sides with other suites and keys, one with an MKI. The sequence numbers wrap during the call, both ways:
# no packet is lost or fails to authenticate before, at or after it.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
suites='AEAD_AES_256_GCM, AEAD_AES_128_GCM, AES_256_CM_HMAC_SHA1_80, AES_CM_128_HMAC_SHA1_80, AES_CM_128_HMAC_SHA1_32'
mkdir -p "$DIR/run"
hawse_config | sed "s/{kind: trunk,/{kind: trunk, srtp: sdes, suites: [$suites],/" >"$DIR/hawse.yaml"
hawse_start
callee --srtp AEAD_AES_128_GCM --interval 0.01 --first-seq 65400 \
	--script 'answer; expect-secure 1; play 300; expect-bye'
caller --srtp AES_CM_128_HMAC_SHA1_80 --srtp-mode mki --interval 0.01 --first-seq 65400 \
	--script 'invite; expect 200; expect-secure 1; play 300; drain; expect-media 300; wait 0.7; bye'
finish
check_scripts
check_media caller 300
check_media callee 300
check caller '.each[0].unauthentic == 0' 'the caller reads all that comes'
check callee '.each[0].unauthentic == 0' 'the callee reads all that comes'
pass
