#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 90
# Is the other side there? Who stops its RTP while the other speaks is asked by OPTIONS: the call goes on when it answers, and
# ends when it knows of no call or when nobody speaks any more; or as the peer's policy says. From UDP to TLS and from TLS to
# UDP, on either side. alive.py has the scenarios; session timers are in dialogs.py.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/transports.sh"
. "$(dirname "$(realpath "$0")")/../../lib/duo.sh"
case_begin
authority ours
certificate hawse ours "DNS:hawse.example,IP:$HAWSE4"
certificate caller ours "IP:$CALLER4"
certificate callee ours "IP:$CALLEE4"
tls_listen hawse ours
SIP_KEYS="$SIP_KEYS
  media_timeout: 3"
duo alive.py
pass
