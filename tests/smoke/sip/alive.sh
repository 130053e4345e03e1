#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 90
# Is the other side there? Session timers: 422, and refreshes by the caller of which the callee hears nothing. A side that
# stops its RTP while the other speaks is asked, and the call goes on; one that is gone is not waited for; both by policy.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/transports.sh"
case_begin
mkdir -p "$DIR/run"
SIP_KEYS='media_timeout: 2'
transports_config >"$DIR/hawse.yaml"
hawse_start

caller --header 'Supported: timer' --header 'Session-Expires: 60' --script 'invite; expect 422'
finish
check caller '.failed == 0' 'too short a session is refused'
callee --early --script 'answer; play 30; expect-bye'
caller --early --header 'Session-Expires: 600' --script 'invite; expect 200; play 30; refresh; drain; refresh; bye'
finish
check_scripts
check_media caller 30
check_media callee 30
check callee '.each[0].refreshes == 0 and .each[0].updates == 0 and .each[0].reinvites == 0' 'the callee heard nothing of it'

# Muted on either side for longer than the timeout.
callee --script 'answer; play 30; expect-bye'
caller --script 'invite; expect 200; play 250; drain; bye'
finish
check_scripts
check_media callee 250
check callee '.each[0].reason == ""' 'the caller ended it himself'
callee --script 'answer; play 250; drain; bye'
caller --script 'invite; expect 200; play 30; expect-bye'
finish
check_scripts
check_media caller 250
check caller '.each[0].reason == ""' 'the callee ended it himself'

CARRIER_KEYS='silence: end'
reload
callee --script 'answer; play 30; expect-bye'
caller --script 'invite; expect 200; play 400; expect-bye'
finish
check_scripts
check caller '.each[0].reason | test("Q.850;cause=102")' 'by policy silence is the end'
eventually 5 'the ports are free again' no_port_in_use
pass
