#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 120
# A peer by name: NAPTR, SRV and A say where it is, by UDP, TCP and TLS; the second target takes the call when the first does not answer, is
# not there, or says 503; what the name resolves to may call, and what it resolved to once may not for ever.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/transports.sh"
case_begin
cat >"$DIR/zone" <<END
carrier.example 5 NAPTR 10 10 s SIP+D2U _sip._udp.carrier.example
_sip._udp.carrier.example 5 SRV 10 0 5060 one.carrier.example
_sip._udp.carrier.example 5 SRV 20 0 5060 two.carrier.example
one.carrier.example 5 A $STRANGER4
two.carrier.example 5 A $CALLEE4
END
start "$DIR/dns.log" ip netns exec "$NET-hawse" /usr/bin/python3 "$HAWSE_ROOT/tests/lib/dns_server.py" \
	127.0.0.1:5353 "$DIR/zone" "$DIR/questions"
wait_ready "$DIR/dns.log" "$STARTED_PID" 20 || fail 'the name server did not start'
authority ours
certificate hawse ours "DNS:hawse.example,IP:$HAWSE4"
certificate callee ours DNS:secure.example
certificate other ours DNS:one.secure.example
certificate caller ours "IP:$CALLER4"
tls_listen hawse ours
CARRIER=carrier.example
SIP_KEYS="$SIP_KEYS
  nameservers: 127.0.0.1:5353"
mkdir -p "$DIR/run"
transports_config >"$DIR/hawse.yaml"
hawse_start
resolved() { grep -q "carrier: carrier.example is .*$1" "$DIR/sip.log"; }
resolved_to() { grep -q "$1" "$DIR/sip.log"; }
eventually 5 'the name is resolved' resolved "UDP $STRANGER4:5060, UDP $CALLEE4:5060"

# The first is there and says 503: the caller hears nothing of it.
peer first stranger uas --local "$STRANGER4" --script 'reject 503'
callee --script 'ring 180; answer; play 30; expect-bye'
caller --script 'invite; expect 180; expect 200; play 30; drain; expect-media 30; wait 0.2; bye'
finish caller callee first
check_scripts
check first '.calls == 1' 'the first was asked'
check_media caller 30
check_media callee 30
check caller '.each[0].codes == [100, 180, 200]' 'the caller hears of the second only'

# From then on the second is asked first.
callee --script 'ring 180; answer; expect-bye'
caller --script 'invite; expect 200; wait 0.2; bye'
finish
check_scripts
check caller '.each[0].setup_ms < 3500' 'without waiting for the other'

# The second may call: it is the peer. A stranger may not.
peer callee caller uas --local "$CALLER4" --script 'ring 180; answer; expect-bye'
peer caller callee uac --local "$CALLEE4" --remote "$HAWSE4" --script 'invite; expect 200; wait 0.2; bye'
finish
check_scripts

# By TCP, the first refusing connections: at once to the second.
cat >"$DIR/zone" <<END
carrier.example 5 NAPTR 10 10 s SIP+D2T _sip._tcp.carrier.example
_sip._tcp.carrier.example 5 SRV 10 0 5070 one.carrier.example
_sip._tcp.carrier.example 5 SRV 20 0 5060 two.carrier.example
one.carrier.example 5 A $CALLEE4
two.carrier.example 5 A $CALLEE4
END
CARRIER="other.example, carrier.example"
sed -i 's/^carrier.example/other.example/' "$DIR/zone"
reload
eventually 5 'the new name is resolved' grep -q "other.example is TCP $CALLEE4:5070, TCP $CALLEE4:5060" "$DIR/sip.log"
peer callee callee uas --local "$CALLEE4:5060" --transport tcp --script 'ring 180; answer; play 30; expect-bye'
caller --script 'invite; expect 200; play 30; drain; expect-media 30; wait 0.2; bye'
finish
check_scripts
check_media callee 30
check caller '.each[0].setup_ms < 3500' 'a refused connection costs no time'

# By TLS, as NAPTR says: the first has a certificate of another name, the second refuses, the third takes the call. Its name is
# that of the peer, whatever its SRV target is called (RFC 5922). And it may call, over TLS.
cat >"$DIR/zone" <<END
secure.example 5 NAPTR 10 10 s SIPS+D2T _sips._tcp.secure.example
secure.example 5 NAPTR 20 10 s SIP+D2U _sip._udp.secure.example
_sips._tcp.secure.example 5 SRV 10 0 5061 one.secure.example
_sips._tcp.secure.example 5 SRV 20 0 5071 two.secure.example
_sips._tcp.secure.example 5 SRV 30 0 5061 two.secure.example
_sip._udp.secure.example 5 SRV 10 0 5060 one.secure.example
one.secure.example 5 A $STRANGER4
two.secure.example 5 A $CALLEE4
END
CARRIER=secure.example
reload
eventually 5 'the secure name is resolved' resolved_to "secure.example is TLS $STRANGER4:5061, TLS $CALLEE4:5071, TLS $CALLEE4:5061"
# shellcheck disable=SC2046
peer first stranger uas --local "$STRANGER4:5061" $(wire tls other ours) --script 'answer; expect-bye'
# shellcheck disable=SC2046
peer callee callee uas --local "$CALLEE4:5061" $(wire tls callee ours) --script 'ring 180; answer; play 30; expect-bye'
caller --script 'invite; expect 200; play 30; drain; expect-media 30; wait 0.2; bye'
finish
hang_up first
check_scripts
check first '.calls == 0' 'who has another name gets no call'
check_media caller 30
check_media callee 30
check caller '.each[0].setup_ms < 3500' 'neither costs time'
# shellcheck disable=SC2046
peer callee caller uas --local "$CALLER4" --script 'ring 180; answer; play 30; expect-bye'
# shellcheck disable=SC2046
peer caller callee uac --local "$CALLEE4:5061" --remote "$HAWSE4:5061" $(wire tls callee ours) \
	--script 'invite; expect 200; play 30; drain; expect-media 30; wait 0.2; bye'
finish
check_scripts
check_media callee 30

# Silence: a target that takes everything and says nothing is left after 4 s.
start "$DIR/sink.log" ip netns exec "$NET-stranger" /usr/bin/python3 -c "
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('$STRANGER4', 5099))
print('sink: ready', file=sys.stderr, flush=True)
while True:
    s.recv(65536)"
wait_ready "$DIR/sink.log" "$STARTED_PID" 20 || fail 'the sink did not start'
cat >"$DIR/zone" <<END
_sip._udp.silent.example 5 SRV 10 0 5099 one.silent.example
_sip._udp.silent.example 5 SRV 20 0 5060 two.silent.example
one.silent.example 5 A $STRANGER4
two.silent.example 5 A $CALLEE4
END
CARRIER=silent.example CARRIER_KEYS='transport: udp'
reload
eventually 5 'the silent name is resolved' grep -q "silent.example is UDP $STRANGER4:5099" "$DIR/sip.log"
callee --script 'ring 180; answer; expect-bye'
caller --script 'invite; expect 200; wait 0.2; bye'
finish
check_scripts
check caller '.each[0].setup_ms > 3500 and .each[0].setup_ms < 15000' 'after 4 s'
pass
