#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The parties are behind routers: hawse-media takes the next hop from the kernel's routes.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin routed
hawse_start
callee --calls 5 --script 'ring 180; answer; play 100; expect-bye'
caller --calls 5 --script 'invite; expect 200; play 100; drain; expect-media 100; wait 0.3; bye'
finish
check_scripts
check_media caller 100
check_media callee 100
pass
