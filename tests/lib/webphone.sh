# SPDX-License-Identifier: BSD-3-Clause
# A browser with the web phone, for tests in tests/smoke/webrtc. Source it after case.sh.
# shellcheck shell=bash

WEBRTC=$HAWSE_ROOT/tests/smoke/webrtc

# Builds the page and fetches what drives the browser, once a tree.
webphone_ready() {
	install_packages webphone browser
	(
		exec 8>"$HAWSE_ROOT/deploy/webphone/.lock"
		flock 8
		"$HAWSE_ROOT/deploy/webphone/build" >"$DIR/npm.log" 2>&1 || exit 1
		[ -d "$WEBRTC/node_modules/playwright-core" ] ||
			npm --prefix "$WEBRTC" install --no-save >>"$DIR/npm.log" 2>&1
	) || {
		tail -n 20 "$DIR/npm.log"
		fail 'the web phone cannot be built'
	}
	sox -n -r 48000 -c 1 -b 16 "$DIR/tone.wav" synth 30 sine 1000 vol 0.6 || fail 'no tone'
}

webphone_config() {
	mkdir -p "$DIR/run" "$DIR/page"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=hawse.test \
		-addext "subjectAltName=DNS:hawse.test,IP:$HAWSE4" -keyout "$DIR/key.pem" -out "$DIR/cert.pem" 2>/dev/null ||
		fail 'no certificate'
	chmod 600 "$DIR/key.pem"
	cp -r "$HAWSE_ROOT/deploy/webphone/dist/." "$DIR/page/"
	jq -n --arg s "wss://$HAWSE4" '{server: $s, domain: "hawse.test", user: "alice", password: "correct horse", name: "Alice"}' \
		>"$DIR/page/config.json"
	printf 'alice: {password: correct horse}\n' >"$DIR/users.yaml"
	chmod 600 "$DIR/users.yaml"
	cat >"$DIR/hawse.yaml" <<-END
		media:
		  public: {device: media0, address: [$HAWSE4, "$HAWSE6"], ports: 20000-20999}
		dataplane: {workers: 1, poll: adaptive, sessions: 1000, memory: 256}
		sip:
		  listen: [udp:$HAWSE4, wss:$HAWSE4]
		  certificate: $DIR/cert.pem
		  key: $DIR/key.pem
		peers:
		  trunk: {kind: trunk, address: $CALLEE4}
		  browsers: {kind: webrtc, domain: hawse.test, users: $DIR/users.yaml}
		routes:
		  - {from: browsers, number: "+", to: [trunk]}
		  - {from: trunk, to: [browsers]}
		stats: {listen: "127.0.0.1:9090", cdr: $DIR/cdr.jsonl, page: {listen: "$HAWSE4:8443", directory: $DIR/page}}
		run: $DIR/run
	END
}

# browser NAME STEPS...: as a person at the caller's machine (or BROWSER_AT), signed in as the page says or as $ACCOUNT; the report in $DIR/NAME.json.
browser() {
	local name=$1
	shift
	in_ns "${BROWSER_AT:-caller}" env HOME="$DIR" node "$WEBRTC/browser.mjs" "https://$HAWSE4:8443/" "$DIR/tone.wav" "$@" \
		>"$DIR/$name.json" 2>"$DIR/$name.log" || {
		cat "$DIR/$name.json" "$DIR/$name.log" | head -c 3000
		fail "the browser failed ($name)"
	}
}

browser_in_background() {
	local name=$1
	shift
	ip netns exec "$NET-${BROWSER_AT:-caller}" env HOME="$DIR" node "$WEBRTC/browser.mjs" "https://$HAWSE4:8443/" "$DIR/tone.wav" "$@" \
		>"$DIR/$name.json" 2>"$DIR/$name.log" </dev/null &
	PEER_PID[$name]=$!
	STARTED+=("$!")
}

browser_ends() {
	wait "${PEER_PID[$1]}" || {
		cat "$DIR/$1.json" "$DIR/$1.log" | head -c 3000
		fail "the browser failed ($1)"
	}
}

registered() { ctl show registrations --json | grep -q alice; }

party() {
	local name=$1
	shift
	: >"$DIR/$name.log"
	ip netns exec "$NET-callee" /usr/bin/python3 "$HAWSE_ROOT/tests/lib/voice_party.py" "$@" \
		>"$DIR/$name.json" 2>"$DIR/$name.log" </dev/null &
	PEER_PID[$name]=$!
	STARTED+=("$!")
	wait_ready "$DIR/$name.log" "$!" 10 || fail "the $name did not start"
}

party_ends() {
	wait "${PEER_PID[$1]}" || fail "the $1 failed: $(tail -n 3 "$DIR/$1.log")"
}
