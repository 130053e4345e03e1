#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 90
# Mutual TLS: a peer with a name is known by its certificate alone, in both directions; who shows another one, one
# of another authority, or none, is refused, and so is a callee that cannot prove its name.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/transports.sh"
case_begin
authority ours
authority theirs
certificate hawse ours DNS:hawse.example
certificate carrier theirs 'URI:sip:carrier.example'
certificate forged ours 'DNS:carrier.example'
certificate office theirs DNS:office.example
tls_listen hawse ours
# Where the carrier is, but not where it sends from: only its certificate says who calls.
CARRIER="\"$CALLEE4:5061\""
CARRIER_KEYS="transport: tls, tls: {name: carrier.example, authorities: $DIR/theirs.pem}"
mkdir -p "$DIR/run"
transports_config >"$DIR/hawse.yaml"
hawse_start

tls_callee() {
	peer callee callee uas --local "$CALLEE4:5061" $(wire tls "$1" "${2:-}") --script "${3:-ring 180; answer; play 50; expect-bye}"
}
tls_caller() { # PARTY ADDRESS WIRE SCRIPT
	peer caller "$1" uac --local "$2:5061" --remote "$HAWSE4:5061" $3 --script "$4"
}

# To the carrier: each shows its certificate to the other.
tls_callee carrier ours
caller --script 'invite; expect 180; expect 200; play 50; drain; expect-media 50; wait 0.2; bye'
finish
check_scripts
check_media caller 50
check_media callee 50
check callee '.shown | test("CN=hawse|CN = hawse")' 'Hawse has shown its own certificate'

# From the carrier, and from wherever: the stranger's address is nobody's.
peer callee caller uas --local "$CALLER4:5060" --script 'ring 180; answer; expect-bye'
tls_caller stranger "$STRANGER4" "$(wire tls carrier ours)" 'invite; expect 200; wait 0.2; bye'
finish
check_scripts

# Its address alone is not enough: no certificate, or UDP.
tls_caller callee "$CALLEE4" '--transport tls' 'invite; expect 403'
finish caller
check caller '.failed == 0' 'without a certificate it is a stranger'
peer caller callee uac --local "$CALLEE4:5060" --remote "$HAWSE4" --script 'invite; expect 403'
finish caller
check caller '.failed == 0' 'by UDP it is a stranger'

# The right name, but another authority vouches for it than may.
tls_caller callee "$CALLEE4" "$(wire tls forged)" 'invite; expect 403'
finish caller
check caller '.failed == 0' 'a certificate of another authority says nothing about the carrier'
# The right authority, but another name.
tls_caller callee "$CALLEE4" "$(wire tls office)" 'invite; expect 403'
finish caller
check caller '.failed == 0' 'another name is not the carrier'
# An authority that nobody knows: TLS fails already.
authority nobody
certificate unknown nobody DNS:carrier.example
tls_caller callee "$CALLEE4" "$(wire tls unknown)" 'invite; expect 403'
finish caller
check caller '.failed == 1' 'a certificate of no known authority ends the handshake'
check caller '.connections_failed + .connections_lost > 0' 'the connection was ended'

# A callee that cannot prove its name gets no INVITE.
for who in forged office; do
	tls_callee $who '' 'ring 180; answer'
	caller --script 'invite; expect 503'
	finish caller
	hang_up callee
	check caller '.failed == 0' "a callee that shows $who is not called"
	check callee '.calls == 0' "a callee that shows $who has not seen the INVITE"
done
grep -q 'carrier: TLS.*certificate' "$DIR/sip.log" || fail 'the log says why'
pass
