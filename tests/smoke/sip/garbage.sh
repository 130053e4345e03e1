#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Junk, cut and wrong messages on the SIP port, from a peer and from a stranger: answered or dropped as they deserve,
# counted, and the next call works.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_start
for from in stranger caller; do
	in_ns $from /usr/bin/python3 "$HAWSE_ROOT/tests/lib/sip_junk.py" "$HAWSE4" 5060 >"$DIR/junk.json" || fail 'the junk sender failed'
done
all_alive
check junk '.answers.good[0] == 200' 'a good OPTIONS is answered 200'
check junk '.answers.version[0] == 505' 'SIP/7.0 is answered 505'
check junk '.answers["cseq method"][0] == 400' 'a CSeq of another method is answered 400'
check junk '.answers["unknown method"][0] | . == 405 or . == 501' 'an unknown method is answered 405 or 501'
callee --script 'ring 180; answer; play 50; expect-bye'
caller --script 'invite; expect 200; play 50; drain; expect-media 50; wait 0.3; bye'
finish
check_scripts
check_media caller 50
check_media callee 50
pass
