#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Both sides fall silent but stay: both get BYE with a Reason after the media timeout. A held call is left alone.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
MEDIA_TIMEOUT=3
hawse_start
callee --calls 1 --script 'answer; play 50; expect-bye'
caller --script 'invite; expect 200; play 50; expect-bye'
finish
check_scripts
check callee '.each[0].reason | test("SIP|Q.850")' 'the callee got BYE with a Reason'
check caller '.each[0].reason | test("SIP|Q.850")' 'the caller got BYE with a Reason'
callee --script 'answer; play 50; expect-reinvite inactive; expect-bye'
caller --script 'invite; expect 200; play 50; drain; reinvite inactive; wait 7; bye'
finish
check_scripts
check callee '.each[0].reason == ""' 'the held call was ended by its caller only'
pass
