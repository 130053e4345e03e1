#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# An INVITE without SDP: the offer is in the 200, the answer in the ACK.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_start
callee --script 'ring 180; answer; play 100; expect-bye'
caller --script 'invite nosdp; expect 200; wait 0.02; play 100; drain; expect-media 100; wait 0.3; bye'
finish
check_scripts
check_media caller 100
check_media callee 100
pass
