#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The callee puts the call on hold (inactive) and takes it back.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_start
callee --script 'answer; play 50; drain; wait 0.3; reinvite inactive; wait 1; reinvite sendrecv; wait 0.2; play 100; expect-bye'
caller --script 'invite; expect 200; play 50; expect-reinvite inactive; expect-reinvite sendrecv; wait 0.2; play 100; drain; wait 0.7; bye'
finish
check_scripts
check_media caller 150
check_media callee 150
check caller '.each[0].reinvites == 2' 'the caller saw two re-INVITEs'
pass
