# SPDX-License-Identifier: BSD-3-Clause
# What deploy/quickstart --browser does otherwise: the web phone over HTTPS, a secure WebSocket for its SIP, and a trunk
# that answers, greets and echoes. Sourced by deploy/quickstart, whose functions and variables it uses.
# shellcheck shell=bash disable=SC2154

PAGE_PORT=8443 WSS_PORT=7443
GREETING='Welcome to Hawse. Your browser has called a telephone. Say something after this sentence, and you will hear yourself.'

browser_page() { # builds the web phone
	say '   the web phone, by vite (the first time npm fetches what it is made of)'
	"$HAWSE_ROOT/deploy/webphone/build" >"$DIR/npm.log" 2>&1 || {
		tail -n 20 "$DIR/npm.log"
		give_up 'the web phone cannot be built: does npm reach its registry?'
	}
}

# The address that the browser sees, and the device that has it.
browser_network() {
	phones_at=$metrics_at phones_device=metrics
	if [ -n "$interface" ]; then
		phones_device=$interface
		phones_at=$(address_of "$interface")
		[ -n "$phones_at" ] || give_up "$interface has no IPv4 address: is the name right? (ip -br addr)"
		is_apart "$phones_at" || give_up "the trunk lives in 10.99.0.0/16, and $interface is there ($phones_at), too"
		phones_at=${phones_at%/*}
	else
		ethtool -K "$outside" tx off >/dev/null
		# The browser may speak from any address of this machine.
		ip -n "$NET-hawse" route add default via "${metrics_at%.*}.$((${metrics_at##*.} - 1))"
	fi
	url="https://$phones_at:$PAGE_PORT/"
}

browser_config() {
	local password device=media0
	[ -z "$interface" ] || device=$outside
	password=$(head -c 12 /dev/urandom | base64 | tr '+/' '-_')
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=$phones_at" \
		-addext "subjectAltName=IP:$phones_at" -keyout "$DIR/key.pem" -out "$DIR/cert.pem" 2>/dev/null ||
		give_up 'openssl cannot make a certificate'
	chmod 600 "$DIR/key.pem"
	cp -r "$HAWSE_ROOT/deploy/webphone/dist" "$DIR/page"
	jq -n --arg s "wss://$phones_at:$WSS_PORT" --arg p "$password" \
		'{server: $s, domain: "hawse.test", user: "alice", password: $p, name: "Alice", number: "+4930222"}' >"$DIR/page/config.json"
	(umask 077 && printf 'alice: {password: "%s"}\n' "$password" >"$DIR/users.yaml")
	cat >"$DIR/hawse.yaml" <<-END
		media:
		  lab: {device: $device, address: $HAWSE4, ports: 20000-20999}
		  phones: {device: $phones_device, address: $phones_at, ports: 20000-20999}
		dataplane: {workers: 1, poll: adaptive, sessions: 1000, memory: 256}
		sip:
		  listen: [udp:$HAWSE4, "wss:$phones_at:$WSS_PORT"]
		  certificate: $DIR/cert.pem
		  key: $DIR/key.pem
		peers:
		  trunk: {kind: trunk, address: $CALLEE4, media: lab}
		  browsers: {kind: webrtc, domain: hawse.test, users: $DIR/users.yaml, media: phones}
		routes:
		  - {from: browsers, to: [trunk]}
		  - {from: trunk, to: [browsers]}
		stats: {listen: "$metrics_at:9090", cdr: $DIR/cdr.jsonl, page: {listen: "$phones_at:$PAGE_PORT", directory: $DIR/page}}
		run: $DIR/run
	END
}

browser_trunk() {
	speak "$DIR/greeting.al" en-us "$GREETING"
	: >"$DIR/trunk.log"
	start "$DIR/trunk.log" ip netns exec "$NET-callee" /usr/bin/python3 "$HAWSE_ROOT/tests/lib/echo_trunk.py" \
		--local "$CALLEE4" --say "$DIR/greeting.al"
	wait_ready "$DIR/trunk.log" "$STARTED_PID" 10 || give_up 'the trunk did not start'
	say "   the trunk, at $CALLEE4, answers every number"
}

# Headless Chromium, with a tone as its microphone, does what a person would.
browser_call() {
	local drive=$HAWSE_ROOT/tests/smoke/webrtc seconds
	[ -d "$drive/node_modules/playwright-core" ] || npm --prefix "$drive" install --no-save >>"$DIR/npm.log" 2>&1 ||
		give_up 'npm cannot install what drives the browser'
	sox -n -r 48000 -c 1 -b 16 "$DIR/tone.wav" synth 30 sine 1000 vol 0.6 || give_up 'no tone'
	seconds=$(($(stat -c %s "$DIR/greeting.al") / 8000 - 2))
	say "   Chromium opens $url and calls +4930222"
	env HOME="$DIR" RAW_MICROPHONE=1 node "$drive/browser.mjs" "$url" "$DIR/tone.wav" call +4930222 up wait 1 hear \
		wait "$seconds" hear shot "$DIR/phone.png" hang-up ended >"$DIR/browser.json" 2>"$DIR/browser.log" || {
		head -c 3000 "$DIR/browser.json" "$DIR/browser.log"
		give_up 'the browser failed'
	}
	sleep 0.5
	jq -r '"   the browser: DTLS \(.figures.dtls), ICE \(.figures.ice), \(.figures.received) packets received, " +
		"\(.figures.lost) lost, \(.figures.sent) sent; first it heard \(.hearings[0].hertz) Hz, then \(.hearings[1].hertz) Hz"' \
		"$DIR/browser.json"
}

saw() { jq -e "$1" "$DIR/browser.json"; }

browser_judge() {
	must 'the page is served with a policy of what it may do' bash -c \
		"curl -skI '$url' | grep -qi '^content-security-policy:.*script-src .self.'"
	must 'the page has no errors' saw '.ok and .errors == [] and all(.log[]; test("Content.Security.Policy|Refused to") | not)'
	must 'the browser hears the greeting' saw '.hearings[0] | .level > -70 and (.hertz < 900 or .hertz > 1100)'
	must 'and then itself' saw '.hearings[1] | .level > -70 and .hertz > 960 and .hertz < 1040'
	must 'media are encrypted by DTLS-SRTP' saw '.figures.dtls == "connected" and .figures.received > 200 and .figures.lost < 10'
	must 'one line of CDR for each leg, the browser'"'"'s with SRTP' jq -s -e \
		'([.[].leg] | sort) == ["a", "b"] and all(.[]; .status == 200 and .received.packets > 200) and
		any(.[]; .srtp // "" | test("AES"))' "$DIR/cdr.jsonl"
	must 'the metrics answer' curl -sf "http://$metrics_at:9090/metrics"
	must 'the page is not on the port of the metrics, nor they on its' bash -c \
		"! curl -skf '${url}metrics' && ! curl -sf 'http://$metrics_at:9090/config.json'"
	must 'all three processes live' kill -0 "$media_pid" "$sip_pid" "$stats_pid"
}

browser_tell() {
	local where='on this machine'
	[ -z "$interface" ] || where="on another machine of $interface's network (not on this one: its media would not pass the interface)"
	step "Open $url in a browser $where"
	say '   1. Its certificate is of its own making: the browser warns, and you go on ("Advanced", "Proceed").'
	say "      Firefox wants the same once for the phone's own connection: https://$phones_at:$WSS_PORT/"
	say '   2. The page signs in by itself and shows "Ready". A number is there already: press Call and allow the microphone.'
	say '   3. A trunk answers and greets you; after that you hear yourself, half a second later. The key 1 repeats the greeting.'
	say ''
	say "   calls:     tail -f $DIR/trunk.log"
}
