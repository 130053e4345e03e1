#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# 100 calls at once with media both ways for 30 s: no packet lost or doubled.
# alone
# limit: 120
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_start
callee --calls 100 --script 'ring 180; answer; rtcp 5; play 1500; expect-bye'
caller --calls 100 --rate 47 --script 'invite; expect 200; rtcp 5; play 1500; drain; expect-media 1500; wait 0.7; bye'
finish
check_scripts
check_media caller 1500
check_media callee 1500
jq -c '{sent, received, latency_us}' "$DIR/caller.json" "$DIR/callee.json"
eventually 10 'the ports are free again' no_port_in_use
pass
