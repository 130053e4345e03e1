# SPDX-License-Identifier: BSD-3-Clause
# Phones for tests/smoke/trunk: the users' file, the configuration with an access peer, phone.py, baresip.
# shellcheck shell=bash

ACCESS=', digest: md5' CARRIER_MORE='' SIP_MORE='' LISTEN_MORE=''
phones_config() {
	mkdir -p "$DIR/run"
	cat >"$DIR/users.yaml" <<-END
		alice: {password: "secret", number: "+4930100", caller: "Alice A"}
		bob: {password: "geheim", number: "+4930101"}
	END
	chmod 600 "$DIR/users.yaml"
	cat >"$DIR/hawse.yaml" <<-END
		media:
		  public: {device: media0, address: [$HAWSE4, "$HAWSE6"], ports: 20000-20999}
		dataplane: {sessions: 1000, memory: 256}
		sip:
		  listen: [udp:$HAWSE4, tcp:$HAWSE4$LISTEN_MORE]
		$SIP_MORE
		peers:
		  carrier: {kind: trunk, address: $CALLEE4$CARRIER_MORE}
		  office: {kind: access, domain: [pbx.example, $HAWSE4], users: $DIR/users.yaml$ACCESS}
		routes:
		  - {from: office, number: "+", to: [carrier]}
		  - {from: office, to: [office]}
		  - {from: carrier, to: [office]}
		stats: {listen: "127.0.0.1:9090", cdr: $DIR/cdr.jsonl}
		run: $DIR/run
	END
}

# phone NAMESPACE NAME ARGUMENTS...: phone.py, its lines of JSON in $DIR/NAME.json.
phone() {
	local ns=$1 name=$2
	shift 2
	in_ns "$ns" /usr/bin/python3 "$HAWSE_ROOT/tests/lib/phone.py" --server "$HAWSE4" --domain pbx.example "$@" \
		>"$DIR/$name.json" 2>"$DIR/$name.log" || fail "the phone failed: $(tail -n 3 "$DIR/$name.log")"
}

# phone_start: the same in the background.
phone_start() {
	local ns=$1 name=$2
	shift 2
	: >"$DIR/$name.json"
	in_ns "$ns" /usr/bin/python3 "$HAWSE_ROOT/tests/lib/phone.py" --server "$HAWSE4" --domain pbx.example "$@" \
		>"$DIR/$name.json" 2>"$DIR/$name.log" &
	PHONE_PID[$name]=$!
}
declare -A PHONE_PID
phone_finish() { wait "${PHONE_PID[$1]}" || fail "the phone failed: $(tail -n 3 "$DIR/$1.log")"; }

has_line() { grep -q "$2" "$1"; }
# phone_says NAME FILTER TEXT: of all its lines, as one array.
phone_says() {
	jq -es "$2" "$DIR/$1.json" >/dev/null || fail "$3: $(cat "$DIR/$1.json")"
}

# baresip_start NAMESPACE NAME IP USER PASSWORD [TRANSPORT]
baresip_start() {
	local ns=$1 name=$2 ip=$3 user=$4 password=$5 transport=${6:-udp}
	mkdir -p "$DIR/$name"
	cat >"$DIR/$name/config" <<-END
		sip_listen $ip:0
		audio_player aubridge,$name
		audio_source aubridge,$name
		module_path /usr/lib/baresip/modules
		module g711.so
		module aubridge.so
		module_app account.so
		module_app menu.so
		module_tmp uuid.so
		module httpd.so
		http_listen 127.0.0.1:8000
		rtp_ports 30000-30100
	END
	printf '<sip:%s@pbx.example;transport=%s>;auth_pass=%s;outbound="sip:%s;transport=%s";answermode=auto;regint=60\n' \
		"$user" "$transport" "$password" "$HAWSE4" "$transport" >"$DIR/$name/accounts"
	: >"$DIR/$name/contacts"
	(exec ip netns exec "$NET-$ns" baresip -f "$DIR/$name" -v </dev/null >"$DIR/$name.log" 2>&1) &
	PHONE_PID[$name]=$!
}
