#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The caller takes another RTP port in a re-INVITE, and the callee another in a re-INVITE of its own: media follows.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_start
callee --script 'answer; play 50; expect-reinvite sendrecv; wait 0.04; play 100; drain; wait 0.5; move; reinvite sendrecv; play 100; expect-bye'
caller --script 'invite; expect 200; play 50; drain; wait 0.3; move; reinvite sendrecv; play 100; drain; wait 1; play 100; drain; wait 0.7; bye'
finish
check_scripts
check_media caller 250
check_media callee 250
pass
