#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 200
# From INVITE to BYE, from UDP to TLS and from TLS to UDP, by either side: forks and 199, P-Early-Media, session timers, an
# ACK that never comes, CANCEL and BYE that cross, requests inside a call, transfers carried out here and passed on,
# Replaces, identities and privacy by policy. dialogs.py has the scenarios.
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
  media_timeout: 60" # longer than an ACK is waited for
# A third party for transfers, by a number of its own.
DUO_PEERS="third: {kind: trunk, address: $STRANGER4}"
ROUTES='
  - {from: office, number: "+1555999", to: [third]}
  - {from: carrier, number: "+1555999", to: [third]}'
duo dialogs.py
pass
