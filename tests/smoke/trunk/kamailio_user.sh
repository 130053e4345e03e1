#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 90
# Kamailio, as Debian has it, is a user of ours: it registers with its uac module, answers our challenges to its calls, and
# gets calls to its number.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/phones.sh"
command -v kamailio >/dev/null || fail 'kamailio is not installed: apt-get install kamailio'
case_begin
phones_config
mkdir -p "$DIR/kamailio"
cat >"$DIR/kamailio/version" <<-END
	table_name(string) table_version(int)
	uacreg:5
END
head -n 1 /usr/share/kamailio/dbtext/kamailio/uacreg >"$DIR/kamailio/uacreg"
ha1=$(printf 'alice:pbx.example:secret' | md5sum | cut -d' ' -f1)
echo "1:a1:alice:local.example:alice:pbx.example:pbx.example:alice:secret:$ha1:sip\\:$HAWSE4:60:0:0:$CALLER4\\:5060:udp\\:$CALLER4\\:5060" >>"$DIR/kamailio/uacreg"
cat >"$DIR/kamailio.cfg" <<-END
	debug=1
	log_stderror=yes
	children=2
	auto_aliases=no
	listen=udp:$CALLER4:5060
	loadmodule "tm.so"
	loadmodule "tmx.so"
	loadmodule "sl.so"
	loadmodule "rr.so"
	loadmodule "pv.so"
	loadmodule "maxfwd.so"
	loadmodule "textops.so"
	loadmodule "siputils.so"
	loadmodule "db_text.so"
	loadmodule "uac.so"
	modparam("uac", "reg_db_url", "text://$DIR/kamailio")
	modparam("uac", "reg_contact_addr", "$CALLER4:5060")
	modparam("uac", "reg_timer_interval", 1)
	modparam("uac", "reg_retry_interval", 2)
	request_route {
		if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
		if (has_totag()) {
			if (loose_route()) { t_relay(); exit; }
			if (is_method("ACK") && t_check_trans()) { t_relay(); }
			exit;
		}
		if (is_method("CANCEL")) { if (t_check_trans()) { t_relay(); } exit; }
		t_check_trans();
		record_route();
		if (\$si == "$HAWSE4") { \$du = "sip:$CALLER4:5070"; t_relay(); exit; }
		\$du = "sip:$HAWSE4:5060";
		\$fu = "sip:alice@pbx.example";
		t_on_failure("CHALLENGED");
		t_relay();
	}
	failure_route[CHALLENGED] {
		if (t_check_status("401|407")) {
			\$avp(realm) = "pbx.example";
			\$avp(user) = "alice";
			\$avp(password) = "secret";
			if (uac_auth()) { t_on_failure("REFUSED"); t_relay(); }
		}
	}
	failure_route[REFUSED] { exit; }
END
sed -i 's/loadmodule "uac.so"/&\nmodparam("uac", "auth_realm_avp", "$avp(realm)")\nmodparam("uac", "auth_username_avp", "$avp(user)")\nmodparam("uac", "auth_password_avp", "$avp(password)")/' "$DIR/kamailio.cfg"
hawse_start
start "$DIR/kamailio.log" ip netns exec "$NET-caller" kamailio -DD -E -f "$DIR/kamailio.cfg" -Y "$DIR/kamailio" -w "$DIR/kamailio" -m 32 -M 8
registered() { ctl show registrations alice --json | jq -e '(.phones // []) | length == 1'; }
eventually 15 'Kamailio registers as alice' registered

# A call to alice's number comes to it, and to the phone behind it.
peer callee caller uas --local "$CALLER4:5070" --script 'ring 180; answer; play 30; expect-bye'
peer caller callee uac --local "$CALLEE4" --remote "$HAWSE4" --to +4930100 \
	--script 'invite; expect 200; play 30; drain; expect-media 30; wait 0.2; bye'
finish
check_scripts
check_media caller 30
check_media callee 30

# A call of a phone behind it is challenged, and goes out with alice's number.
peer callee callee uas --local "$CALLEE4" --script 'ring 180; answer; play 30; expect-bye'
peer caller caller uac --local "$CALLER4:5070" --remote "$CALLER4:5060" --to +4940555 \
	--script 'invite; expect 200; play 30; drain; expect-media 30; wait 0.2; bye'
finish
check_scripts
check_media caller 30
check_media callee 30
recorded() { [ "$(jq -s '[.[] | select(.status == 200)] | length' "$DIR/cdr.jsonl")" = 4 ]; }
eventually 5 'both calls have their CDRs' recorded
jq -es 'any(.[]; .leg == "b" and .peer == "carrier" and .from == "+4930100")' "$DIR/cdr.jsonl" >/dev/null ||
	fail "the carrier is told alice's number"
pass
