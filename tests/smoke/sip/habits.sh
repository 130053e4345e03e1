#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 120
# What phones and gateways write that no RFC asks for, and what RFC 2543 still allowed: calls go through all the same.
# habits.py has the scenarios.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/transports.sh"
. "$(dirname "$(realpath "$0")")/../../lib/duo.sh"
case_begin
authority ours
certificate hawse ours "DNS:hawse.example,IP:$HAWSE4"
certificate caller ours "IP:$CALLER4"
certificate callee ours "IP:$CALLEE4"
tls_listen hawse ours
duo habits.py
pass
