#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The media link goes down for a moment and comes back: the call goes on, and the log says both.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_start
callee --script 'ring 180; answer; play 300; expect-bye'
caller --script 'invite; expect 200; play 300; drain; wait 0.3; bye'
talks() { [ "$(ctl show calls --json | jq '[.. | objects | select(.state? == "up")] | length')" -gt 0 ]; }
eventually 5 'the call is up' talks
sleep 1.5
ip -n "$NET-hawse" link set media0 down
sleep 0.5
ip -n "$NET-hawse" link set media0 up
finish
check_scripts
check caller '.each[0].received > 150 and .each[0].received < 300' 'media came before and after'
check callee '.each[0].received > 150 and .each[0].received < 300' 'media came before and after'
grep -q 'media0 is down' "$DIR/media.log" || fail 'the log does not say that the link went down'
grep -q 'media0 is up' "$DIR/media.log" || fail 'the log does not say that the link is back'
pass
