#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A call over IPv6, SIP and media.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
CARRIER="\"$CALLEE6\""
hawse_start
callee6 --script 'ring 180; answer; rtcp 0.5; play 100; expect-bye'
caller6 --script 'invite; expect 200; rtcp 0.5; play 100; drain; expect-media 100; wait 0.3; bye'
finish
check_scripts
check_media caller 100
check_media callee 100
check callee ".each[0].sources == .each[0].announced and (.each[0].sources[0] | startswith(\"[$HAWSE6]:\"))" \
	"the media comes from Hawse's IPv6 address"
check caller '.each[0].rtcp_received >= 3' 'RTCP came through'
pass
