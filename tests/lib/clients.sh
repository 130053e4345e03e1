# SPDX-License-Identifier: BSD-3-Clause
# Debian's baresip and linphone as parties; read after case.sh and transports.sh.
#
#     baresip_start caller udp                # a phone in that namespace, by udp, tcp or tls
#     linphone_start callee tls               # answers by itself
#     baresip_say caller dial sip:+4930@10.99.0.1
#     linphone_say callee 'call sip:+4930@10.99.0.1'
#
# LINPHONE_ENCRYPTION=srtp or dtls has linphone insist on it; for baresip it is an account parameter, ';mediaenc=srtp-mand' or
# ';mediaenc=dtls_srtp'.
# Both send a tone or a file and keep what they hear in $DIR/PARTY-heard.wav.
# shellcheck shell=bash

# Both ask the kernel which address they would go out by.
client_route() {
	ip -n "$NET-$1" route replace default via "$HAWSE4"
}

# What they say: half a minute of a tone, 8 kHz.
tone() {
	[ -e "$DIR/tone.wav" ] || sox -n -r 8000 -c 1 -b 16 "$DIR/tone.wav" synth 30 sine 440 vol 0.5 || fail 'no tone'
}

client_address() {
	[ "$1" = caller ] && echo "$CALLER4" || echo "$CALLEE4"
}

baresip_config() { # PARTY TRANSPORT
	local address
	address=$(client_address "$1")
	cat <<-END
		sip_listen $address:5060
		${TLS_LISTEN:+sip_certificate $DIR/$1-both.pem}
		${TLS_LISTEN:+sip_cafile $DIR/ours.pem}
		sip_verify_server yes
		call_max_calls 8
		audio_source aufile,$DIR/tone.wav
		audio_player aubridge,$1
		audio_alert aubridge,alert
		rtp_ports 40000-40100
		module_path /usr/lib/baresip/modules
		module g711.so
		module aubridge.so
		module aufile.so
		module srtp.so
		module dtls_srtp.so
		module_tmp uuid.so
		module_tmp account.so
		module_app menu.so
		module ctrl_tcp.so
		ctrl_tcp_listen 127.0.0.1:4444
	END
}

baresip_start() { # PARTY TRANSPORT [ACCOUNT PARAMETERS]
	local home=$DIR/baresip-$1 address
	tone
	address=$(client_address "$1")
	client_route "$1"
	mkdir -p "$home"
	[ ! -e "$DIR/$1.key" ] || cat "$DIR/$1.pem" "$DIR/$1.key" >"$DIR/$1-both.pem"
	baresip_config "$1" "$2" >"$home/config"
	printf '<sip:%s@%s;transport=%s>;regint=0;answermode=%s;audio_codecs=PCMA/8000/1,PCMU/8000/1%s\n' \
		"$1" "$address" "$2" "${ANSWER:-auto}" "${3:-}" >"$home/accounts"
	: >"$home/contacts"
	start "$DIR/baresip-$1.log" ip netns exec "$NET-$1" baresip -4 -f "$home" -s
	eval "BARESIP_$1=$STARTED_PID"
	eventually 10 "baresip of the $1 is ready" grep -q 'baresip is ready' "$DIR/baresip-$1.log"
}

# A command of its menu, by ctrl_tcp's netstrings.
baresip_say() { # PARTY COMMAND [PARAMETERS]
	in_ns "$1" /usr/bin/python3 - "$2" "${3:-}" "${BARESIP_PORT:-4444}" <<-'END'
		import json, socket, sys
		said = json.dumps({"command": sys.argv[1], "params": sys.argv[2], "token": "x"}).encode()
		s = socket.create_connection(("127.0.0.1", int(sys.argv[3])), 5)
		s.sendall(b"%d:%s," % (len(said), said))
		s.settimeout(5)
		got = b""
		while b'"response"' not in got:
		    piece = s.recv(65536)
		    if not piece:
		        break
		    got += piece
		print(got.decode(errors="replace"))
	END
}

linphone_config() { # PARTY TRANSPORT
	local udp=5060 tcp=0 tls=0
	[ "$2" != tcp ] || tcp=5060
	[ "$2" != tls ] || tls=5061 # it calls by TLS; it cannot be called by it without a registration
	cat <<-END
		[sip]
		sip_port=$udp
		sip_tcp_port=$tcp
		sip_tls_port=$tls
		root_ca=$DIR/ours.pem
		client_cert_chain=$DIR/$1.pem
		client_cert_key=$DIR/$1.key
		contact="$1" <sip:$1@$(client_address "$1")>
		use_ipv6=0
		verify_server_certs=1
		verify_server_cn=0
		default_proxy=-1
		media_encryption=${LINPHONE_ENCRYPTION:-none}
		media_encryption_mandatory=$([ "${LINPHONE_ENCRYPTION:-none}" = none ] && echo 0 || echo 1)
		[rtp]
		audio_rtp_port=7078
		[sound]
		playback_dev_id=
		[net]
		stun_server=
	END
}

linphone_start() { # PARTY TRANSPORT [auto]
	local home=$DIR/linphone-$1
	tone
	client_route "$1"
	mkdir -p "$home/.local/share/linphone" "$home/.config/linphone"
	linphone_config "$1" "$2" >"$home/rc"
	mkfifo "$home/in"
	: >"$DIR/linphone-$1.log"
	(
		exec 9<>"$home/in"
		HOME=$home exec ip netns exec "$NET-$1" linphonec -c "$home/rc" ${3:+-a} -d 5 -l "$home/debug.log" \
			<"$home/in" >>"$DIR/linphone-$1.log" 2>&1
	) &
	STARTED+=("$!")
	eventually 10 "linphone of the $1 is ready" linphone_listens "$1"
	linphone_say "$1" 'soundcard use files'
	linphone_say "$1" "play $DIR/tone.wav"
	linphone_say "$1" "record $DIR/$1-heard.wav"
}
linphone_listens() { [ "$(in_ns "$1" ss -Hlntu | grep -cE ':506[01] ')" -gt 0 ]; }
linphone_say() { printf '%s\n' "$2" >"$DIR/linphone-$1/in"; }
baresip_stop() {
	baresip_say "$1" quit >>"$DIR/said.log" 2>&1
	eventually 5 "baresip of the $1 ends" baresip_gone "$1"
	mv "$DIR/baresip-$1.log" "$DIR/baresip-$1-$((++CLIENTS)).log"
}
baresip_gone() { local p=BARESIP_$1; ! alive "${!p}"; }
linphone_stop() {
	linphone_say "$1" quit
	eventually 8 "linphone of the $1 ends" linphone_gone "$1"
	mv "$DIR/linphone-$1" "$DIR/linphone-$1-$((++CLIENTS))"
}
linphone_gone() { ! linphone_listens "$1"; }
CLIENTS=0
