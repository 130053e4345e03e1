#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The other way round: the carrier calls the office, and the called side ends the call.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_start
peer callee caller uas --local "$CALLER4" --script 'answer; play 50; drain; expect-media 50; wait 0.3; bye'
peer caller callee uac --local "$CALLEE4" --remote "$HAWSE4" --to 4940 --script 'invite; expect 200; play 50; expect-bye'
finish
check_scripts
check_media caller 50
check_media callee 50
pass
