#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 200
# From INVITE to BYE, from UDP to TLS and from TLS to UDP, by either side: forks and 199, P-Early-Media, session timers, an
# ACK that never comes, CANCEL and BYE that cross, requests inside a call, transfers carried out here and passed on,
# Replaces, identities and privacy by policy. And what befalls it at its edges: messages too long for UDP, lost and doubled
# ones, loops, parties that ring for ever, forged Vias, answers that are none, IPv6. dialogs.py and edges.py have the
# scenarios.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/transports.sh"
. "$(dirname "$(realpath "$0")")/../../lib/duo.sh"
case_begin
authority ours
certificate hawse ours "DNS:hawse.example,IP:$HAWSE4"
certificate caller ours "IP:$CALLER4"
certificate callee ours "IP:$CALLEE4"
export SIX=fd00:99:2::6
certificate six ours "IP:$SIX"
net_address callee eth0 $SIX/32
tls_listen hawse ours
SIP_KEYS="$SIP_KEYS
  media_timeout: 60 # longer than an ACK is waited for
  ring_timeout: 20"
# A third party for transfers and one with IPv6, by numbers of their own.
DUO_PEERS="third: {kind: trunk, address: $STRANGER4}\n  six: {kind: trunk, address: \"$SIX\", transport: tls}"
ROUTES='
  - {from: any, number: "+1555999", to: [third]}
  - {from: any, number: "+1555666", to: [six]}
  - {from: third, to: [office]}
  - {from: six, to: [office]}'
duo dialogs.py
pass
