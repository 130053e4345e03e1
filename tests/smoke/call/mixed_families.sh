#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# An IPv6 caller and an IPv4 callee.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_start
callee --script 'ring 180; answer; play 100; expect-bye'
caller6 --script 'invite; expect 200; play 100; drain; expect-media 100; wait 0.3; bye'
finish
check_scripts
check_media caller 100
check_media callee 100
pass
