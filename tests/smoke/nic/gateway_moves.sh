#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The default gateway is changed while calls run: they go on by the new one, and no packet is lost.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin routed
hawse_start
net_address net hawse 10.99.0.253/24
callee --calls 5 --script 'ring 180; answer; play 250; expect-bye'
caller --calls 5 --script 'invite; expect 200; play 250; drain; expect-media 250; wait 0.3; bye'
talks() { [ "$(ctl show calls --json | jq '[.. | objects | select(.state? == "up")] | length')" -gt 0 ]; }
eventually 5 'the call is up' talks
sleep 1.5
ip -n "$NET-hawse" route replace default via 10.99.0.253
finish
check_scripts
check_media caller 250
check_media callee 250
in_ns hawse curl -s http://127.0.0.1:9090/metrics >"$DIR/metrics"
awk '/^hawse_media_next_hop_changes_total/ {n += $2} END {exit !(n >= 10)}' "$DIR/metrics" ||
	fail 'the legs were not given the new next hop'
pass
