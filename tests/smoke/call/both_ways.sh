#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A call with media both ways, IPv4, and RTCP passed on.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_start
callee --script 'ring 180; wait 0.1; answer; rtcp 0.5; play 150; expect-bye'
caller --script 'invite; expect 180; expect 200; rtcp 0.5; play 150; drain; expect-media 150; wait 0.3; bye'
finish
check_scripts
check_media caller 150
check_media callee 150
check caller '.each[0].rtcp_received >= 4' "the callee's RTCP reached the caller"
check callee '.each[0].rtcp_received >= 4' "the caller's RTCP reached the callee"
eventually 5 'the ports are free again' no_port_in_use
pass
