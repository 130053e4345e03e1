#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The caller is gone without a word: its media stops, and after the media timeout the callee gets BYE with a Reason, and
# no port stays in use.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
MEDIA_TIMEOUT=3
hawse_start
callee --script 'answer; play 1000; expect-bye'
caller --script 'invite; expect 200; play 50; drain; wait 0.5; vanish'
finish
check_scripts
check callee '.each[0].reason != "" and .each[0].bye_seen' 'the callee got BYE with a Reason'
check callee '.each[0].length_ms > 3000 and .each[0].length_ms < 13000' 'it came after the media timeout'
eventually 45 'the ports are free again' no_port_in_use
pass
