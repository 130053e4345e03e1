#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The callee speaks before it answers: 183 with SDP, and the caller hears it at once.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_start
callee --script 'progress; wait 0.02; play 100; wait 3; answer; play 50; expect-bye'
caller --script 'invite; expect 183; expect-media 90; expect 200; play 50; drain; wait 0.3; bye'
finish
check_scripts
check_media caller 150
check_media callee 50
check caller '.each[0].setup_ms > 2500' 'the early packets came before the answer'
pass
