#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The caller puts the call on hold and takes it back; the callee sees both, and media flows again afterwards.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_start
callee --script 'ring 180; answer; play 50; expect-reinvite sendonly; expect-reinvite sendrecv; wait 0.2; play 100; expect-bye'
caller --script 'invite; expect 200; play 50; drain; wait 0.3; reinvite sendonly; wait 1; reinvite sendrecv; play 100; drain; wait 0.7; bye'
finish
check_scripts
check_media caller 150
check_media callee 150
check callee '.each[0].reinvites == 2 and .each[0].remote_version >= 2' 'the callee saw two re-INVITEs'
pass
