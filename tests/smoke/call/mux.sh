#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# RTP and RTCP on one port (RFC 5761), offered by the caller and taken by the callee.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_start
callee --mux --script 'answer; rtcp 0.5; play 100; expect-bye'
caller --mux --script 'invite; expect 200; rtcp 0.5; play 100; drain; expect-media 100; wait 0.3; bye'
finish
check_scripts
check_media caller 100
check_media callee 100
check caller '.each[0].rtcp_received >= 3' "the callee's RTCP came"
check callee '.each[0].rtcp_received >= 3' "the caller's RTCP came"
pass
