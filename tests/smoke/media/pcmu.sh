#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# PCMU instead of PCMA: what the SDP says is what is relayed.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_start
callee --codecs '0 8' --script 'answer; play 50; expect-bye'
caller --codecs '0 8' --script 'invite; expect 200; play 50; drain; expect-media 50; wait 0.3; bye'
finish
check_scripts
check_media caller 50
check_media callee 50
pass
