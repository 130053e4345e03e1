#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 150
# Offer and answer inside calls, begun by either side, from UDP to TLS and from TLS to UDP, RTP both ways after each change:
# codec, payload type numbers, ptime, address and port, video added, refused, removed and used again, what nobody knows,
# refused re-INVITEs, glare, late offers, refreshes, and descriptions that are none. offers.py has the scenarios.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/transports.sh"
. "$(dirname "$(realpath "$0")")/../../lib/duo.sh"
case_begin
authority ours
certificate hawse ours "DNS:hawse.example,IP:$HAWSE4"
certificate caller ours "IP:$CALLER4"
certificate callee ours "IP:$CALLEE4"
tls_listen hawse ours
net_address caller eth0 10.99.1.22/16
net_address callee eth0 10.99.2.22/16
duo offers.py
pass
