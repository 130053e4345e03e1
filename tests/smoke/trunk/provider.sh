#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 100
# Kamailio, as Debian has it, is a provider that we register at: digest on REGISTER, on the INVITE of a call to it and on
# the BYE; calls to our account come by our Contact. It goes away and comes back: we register again. And Kamailio as a
# user of ours, by its uac module.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/phones.sh"
command -v kamailio >/dev/null || fail 'kamailio is not installed: apt-get install kamailio'
case_begin
CARRIER_MORE=", register: {user: acc1, password: topsecret, domain: prov.example, number: \"+4930100\", expires: 60, retry: 1}"
phones_config
mkdir -p "$DIR/kamailio"
provider_start() {
	cat >"$DIR/kamailio.cfg" <<-END
		debug=0
		log_stderror=yes
		children=1
		auto_aliases=no
		listen=udp:$CALLEE4:5060
		alias="prov.example"
		loadmodule "tm.so"
		loadmodule "tmx.so"
		loadmodule "sl.so"
		loadmodule "rr.so"
		loadmodule "pv.so"
		loadmodule "maxfwd.so"
		loadmodule "textops.so"
		loadmodule "siputils.so"
		loadmodule "usrloc.so"
		loadmodule "registrar.so"
		loadmodule "auth.so"
		loadmodule "uac.so"
		modparam("auth", "nonce_expire", 30)
		modparam("usrloc", "db_mode", 0)
		modparam("uac", "reg_contact_addr", "$CALLEE4:5060")
		modparam("uac", "reg_db_url", "text://$DIR/kamailio")
		modparam("uac", "restore_mode", "none")
		modparam("uac", "reg_timer_interval", 2)
		request_route {
			if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
			if (is_method("REGISTER")) {
				if (!pv_www_authenticate("prov.example", "topsecret", "0")) { www_challenge("prov.example", "0"); exit; }
				save("location");
				exit;
			}
			if (is_method("ACK") && !has_totag()) { t_check_trans(); exit; }
			if (has_totag()) {
				if (\$si == "$HAWSE4" && is_method("BYE")) {
					if (!pv_proxy_authenticate("prov.example", "topsecret", "0")) { proxy_challenge("prov.example", "0"); exit; }
				}
				if (loose_route()) { t_relay(); exit; }
				if (is_method("ACK") && t_check_trans()) { t_relay(); }
				exit;
			}
			if (is_method("CANCEL")) { if (t_check_trans()) { t_relay(); } exit; }
			record_route();
			if (\$si == "$HAWSE4") {
				if (!pv_proxy_authenticate("prov.example", "topsecret", "0")) { proxy_challenge("prov.example", "0"); exit; }
				\$du = "sip:$CALLEE4:5070";
				t_relay();
				exit;
			}
			if (!lookup("location")) { sl_send_reply("404", "Not Here"); exit; }
			t_relay();
		}
	END
	start "$DIR/kamailio.log" ip netns exec "$NET-callee" kamailio -DD -E -f "$DIR/kamailio.cfg" -Y "$DIR/kamailio" \
		-w "$DIR/kamailio" -m 32 -M 8
	PROVIDER=$STARTED_PID
	eventually 10 'Kamailio listens' provider_listens
}
provider_listens() { [ "$(in_ns callee ss -Hlun 'sport = :5060' | wc -l)" -gt 0 ]; }
state() { ctl show registrations --json | jq -e ".trunks[0].state == \"$1\"" >/dev/null; }
mkdir -p "$DIR/kamailio"
provider_start
hawse_start
eventually 10 'we are registered' state registered
# A call to it, by a phone of ours.
phone caller alice --user alice --password secret register
peer callee callee uas --local "$CALLEE4:5070" --script 'ring 180; answer; wait 0.2; expect-bye'
phone_start stranger bob --user bob --password geheim register
phone_finish bob
cat >"$DIR/auth.xml" <<-END
	<?xml version="1.0"?><scenario name="bob calls">
	<send retrans="500"><![CDATA[
	INVITE sip:+4940555@pbx.example SIP/2.0
	Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
	From: <sip:bob@pbx.example>;tag=[call_number]
	To: <sip:+4940555@pbx.example>
	Call-ID: [call_id]
	CSeq: 1 INVITE
	Contact: <sip:bob@[local_ip]:[local_port]>
	Max-Forwards: 70
	Content-Type: application/sdp
	Content-Length: [len]

	v=0
	o=- 1 1 IN IP4 [local_ip]
	s=-
	c=IN IP4 [media_ip]
	t=0 0
	m=audio [media_port] RTP/AVP 8
	]]></send>
	<recv response="401" auth="true"/>
	<send><![CDATA[
	ACK sip:+4940555@pbx.example SIP/2.0
	[last_Via:]
	[last_From:]
	[last_To:]
	[last_Call-ID:]
	CSeq: 1 ACK
	Max-Forwards: 70
	Content-Length: 0

	]]></send>
	<send retrans="500"><![CDATA[
	INVITE sip:+4940555@pbx.example SIP/2.0
	Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
	From: <sip:bob@pbx.example>;tag=[call_number]
	To: <sip:+4940555@pbx.example>
	Call-ID: [call_id]
	CSeq: 2 INVITE
	[authentication username=bob password=geheim]
	Contact: <sip:bob@[local_ip]:[local_port]>
	Max-Forwards: 70
	Content-Type: application/sdp
	Content-Length: [len]

	v=0
	o=- 1 1 IN IP4 [local_ip]
	s=-
	c=IN IP4 [media_ip]
	t=0 0
	m=audio [media_port] RTP/AVP 8
	]]></send>
	<recv response="100" optional="true"/>
	<recv response="180" optional="true"/>
	<recv response="200" rrs="true"/>
	<send><![CDATA[
	ACK [next_url] SIP/2.0
	Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
	[last_From:]
	[last_To:]
	[last_Call-ID:]
	CSeq: 2 ACK
	Max-Forwards: 70
	Content-Length: 0

	]]></send>
	<pause milliseconds="500"/>
	<send retrans="500"><![CDATA[
	BYE [next_url] SIP/2.0
	Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
	[last_From:]
	[last_To:]
	[last_Call-ID:]
	CSeq: 3 BYE
	Max-Forwards: 70
	Content-Length: 0

	]]></send>
	<recv response="200"/>
	</scenario>
END
sed -i 's/^\t//' "$DIR/auth.xml"
in_ns stranger timeout 20 sipp -sf "$DIR/auth.xml" -i "$STRANGER4" -p 5066 -m 1 -nostdin -s +4940555 "$HAWSE4" \
	>"$DIR/sipp.log" 2>&1 || fail "sipp as bob: $(grep -i 'unexpected\|error' "$DIR/sipp.log" | head -3)"
finish callee
check callee '.failed == 0 and .missing == 0' 'the call went out, with credentials for INVITE and BYE'
# A call to our account at the provider rings the number of the trunk.
phone_start caller alice --user alice --password secret register 300 answer 25
eventually 5 'alice registers' has_line "$DIR/alice.json" '"register"'
peer caller callee uac --local "$CALLEE4:5071" --remote "$CALLEE4:5060" --to acc1 --script 'invite; expect 200; wait 0.2; bye'
finish caller
check caller '.failed == 0 and .missing == 0' 'a call to our account comes by our Contact'
phone_finish alice
phone_says alice '.[1].ack and .[1].bye' 'and rings alice'
# It forgets us, and its password changes for a while.
kill "$PROVIDER"
eventually 10 'Kamailio ends' eval '! provider_listens'
sed -i 's/expires: 60/expires: 61/' "$CONFIG"
ctl config reload >/dev/null
eventually 40 'the failure is seen' state failed
provider_start
eventually 40 'we are registered again' state registered
metric() { in_ns hawse curl -s http://127.0.0.1:9090/metrics | grep "$1"; }
eventually 10 'the metrics say so' metric 'trunk_registrations{state="registered"} 1'
# The operator disables it: it is told, and sends us nothing more, until it is enabled again.
ctl trunk disable carrier >/dev/null || fail 'trunk disable'
eventually 4 'the registration is taken back' state disabled
peer caller callee uac --local "$CALLEE4:5071" --remote "$CALLEE4:5060" --to acc1 --script 'invite; expect 404'
finish caller
check caller '.failed == 0' 'Kamailio has forgotten us'
ctl trunk enable carrier >/dev/null || fail 'trunk enable'
eventually 10 'and we are registered again' state registered
pass
