#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Two workers are configured and the interface has one queue: it is said in a line, and calls go on by one worker.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
QUEUES=1 WORKERS=2
case_begin
hawse_start
grep -q 'level=warning.*2 workers are configured, but media0 has transmit queues for 1' "$DIR/media.log" ||
	fail 'it is not said that a worker got no queue'
grep -q 'ready: 1 worker (one worker' "$DIR/media.log" || fail 'it did not go on with one worker'
ctl show workers | grep -q 'steering: one worker on 1 interface; proved on 1 of 1' || fail 'hawsectl does not show it'
callee --script 'ring 180; answer; play 50; expect-bye'
caller --script 'invite; expect 200; play 50; drain; expect-media 50; wait 0.5; bye'
finish
check_scripts
check_media caller 50
check_media callee 50
pass
