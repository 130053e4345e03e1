#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Junk from the caller's own address, but not its port: dropped once the address is learned; the call goes on unharmed.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_start
callee --script 'answer; play 250; expect-bye'
caller --script 'invite; expect 200; play 250; drain; expect-media 250; wait 0.5; bye'
sleep 1
for kind in rtp junk short rtcp stun; do
	in_ns caller "$HAWSE_BUILD/tests/lib/rtp_peer" --local "$CALLER4:4444" --to "$HAWSE4:20000-20099" \
		--kind $kind --rounds 5 --rate 4000 >"$DIR/impostor.json"
	check impostor '.received == 0' 'nothing comes back'
done
finish
check_scripts
check_media caller 250
check_media callee 250
pass
