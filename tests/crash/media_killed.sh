#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# kill -9 of hawse-media: hawse-sip lives, refuses calls with 503 meanwhile, attaches to the next one, and calls work.
. "$(dirname "$(realpath "$0")")/../lib/case.sh"
case_begin
hawse_start
callee --calls 5 --script 'answer; play 50; drain; wait 0.3; vanish'
caller --calls 5 --script 'invite; expect 200; play 50; drain; wait 0.3; vanish'
finish
kill -KILL "$PID_media"
wait "$PID_media" 2>/dev/null
sleep 0.5
alive "$PID_sip" || fail 'hawse-sip died with hawse-media'
caller --script 'invite; expect 503'
finish caller
check caller '.failed == 0 and .each[0].final == 503' 'without media a call is refused with 503'
start_media
attached() { [ "$(grep -c 'attached to hawse-media' "$DIR/sip.log")" = 2 ]; }
eventually 5 'hawse-sip attaches again' attached
callee --calls 5 --script 'answer; play 100; expect-bye'
caller --calls 5 --script 'invite; expect 200; play 100; drain; expect-media 100; wait 0.3; bye'
finish
check_scripts
check_media caller 100
check_media callee 100
pass
