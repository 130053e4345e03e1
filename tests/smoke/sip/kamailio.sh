#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 100
# Kamailio, as Debian has it, is the trunk: a proxy that puts itself into the route, by TCP and by TLS with certificates
# of both sides. Requests inside the call go by its route; its calls come in over the same connection.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/transports.sh"
for program in kamailio openssl; do
	command -v $program >/dev/null || fail "$program is not installed: apt-get install kamailio kamailio-tls-modules openssl"
done
case_begin
authority ours
certificate hawse ours "DNS:hawse.example,IP:$HAWSE4"
certificate kamailio ours DNS:carrier.example
tls_listen hawse ours
CARRIER="\"$CALLEE4:5061\""
CARRIER_KEYS="transport: tls, tls: {name: carrier.example, authorities: $DIR/ours.pem}"
mkdir -p "$DIR/run" "$DIR/kamailio"
transports_config >"$DIR/hawse.yaml"
hawse_start

kamailio_config() { # TRANSPORT PORT
	cat <<-END
		debug=0
		log_stderror=yes
		children=2
		enable_tls=yes
		auto_aliases=no
		listen=tcp:$CALLEE4:5060
		listen=tls:$CALLEE4:5061
		listen=udp:$CALLEE4:5062
		loadmodule "tm.so"
		loadmodule "tmx.so"
		loadmodule "sl.so"
		loadmodule "rr.so"
		loadmodule "pv.so"
		loadmodule "maxfwd.so"
		loadmodule "textops.so"
		loadmodule "siputils.so"
		loadmodule "tls.so"
		modparam("tls", "private_key", "$DIR/kamailio.key")
		modparam("tls", "certificate", "$DIR/kamailio.pem")
		modparam("tls", "ca_list", "$DIR/ours.pem")
		modparam("tls", "verify_certificate", 1)
		modparam("tls", "require_certificate", 1)
		modparam("tls", "tls_method", "TLSv1.2+")
		modparam("rr", "enable_double_rr", 1)
		request_route {
			if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
			if (has_totag()) {
				if (loose_route()) { t_relay(); exit; }
				if (\$ru =~ "$HAWSE4") { t_relay(); exit; }
				if (is_method("ACK") && t_check_trans()) { t_relay(); }
				exit;
			}
			if (is_method("CANCEL")) { if (t_check_trans()) { t_relay(); } exit; }
			t_check_trans();
			record_route();
			if (\$si == "$HAWSE4") { \$du = "sip:$CALLEE4:5070"; }
			else { \$du = "sip:$HAWSE4:$2;transport=$1"; }
			t_relay();
		}
	END
}
proxy_start() {
	kamailio_config "$@" >"$DIR/kamailio.cfg"
	start "$DIR/kamailio.log" ip netns exec "$NET-callee" kamailio -DD -E -f "$DIR/kamailio.cfg" -Y "$DIR/kamailio" \
		-w "$DIR/kamailio" -m 32 -M 8
	eventually 10 'Kamailio listens' proxy_listens
}
proxy_listens() { [ "$(in_ns callee ss -Hltn 'sport = :5061' | wc -l)" -gt 0 ]; }

through() { # TITLE
	# Out: to the callee behind Kamailio; BYE of the caller goes by Kamailio's route.
	peer callee callee uas --local "$CALLEE4:5070" --script 'ring 180; wait 0.2; answer; play 50; expect-reinvite sendonly; expect-bye'
	caller --script 'invite; expect 180; expect 200; play 50; drain; expect-media 50; wait 0.1; reinvite sendonly; wait 0.2; bye'
	finish
	echo "$1, out"
	check_scripts
	check_media caller 50
	check_media callee 50
	# In: a caller behind Kamailio.
	peer callee caller uas --local "$CALLER4" --script 'ring 180; wait 0.2; answer; play 50; drain; expect-media 50; wait 0.2; bye'
	peer caller callee uac --local "$CALLEE4:5071" --remote "$CALLEE4:5062" \
		--script 'invite; expect 180; expect 200; play 50; drain; expect-bye'
	finish
	echo "$1, in"
	check_scripts
	check_media caller 50
	check_media callee 50
	# CANCEL, and a failure.
	peer callee callee uas --local "$CALLEE4:5070" --script 'ring 180; expect-cancel'
	caller --script 'invite; expect 180; cancel; expect 487'
	finish
	check_scripts
	peer callee callee uas --local "$CALLEE4:5070" --script 'ring 180; wait 0.2; reject 486'
	caller --script 'invite; expect 180; expect 486'
	finish
	check_scripts
}

proxy_start tls 5061
through TLS
CARRIER="\"$CALLEE4:5060\"" CARRIER_KEYS='transport: tcp'
reload
kill "$STARTED_PID"
eventually 10 'Kamailio ends' eval '! proxy_listens'
proxy_start tcp 5060
through TCP
eventually 5 'the ports are free again' no_port_in_use
pass
