#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Hold as RFC 2543 did it, c=0.0.0.0: the callee is told to hold, and nothing is sent to 0.0.0.0.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_start
callee --script 'answer; play 50; expect-reinvite hold; expect-reinvite sendrecv; wait 0.2; play 50; expect-bye'
caller --script 'invite; expect 200; play 50; drain; wait 0.3; reinvite zero; wait 1; reinvite sendrecv; play 50; drain; wait 0.5; bye'
finish
check_scripts
check_media caller 100
check_media callee 100
pass
