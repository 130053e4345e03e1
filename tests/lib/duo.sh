# SPDX-License-Identifier: BSD-3-Clause
# Scenarios of tests/lib/duo.py against a Hawse with the configuration of transports.sh; read after that.
# shellcheck shell=bash

# duo FILE: the scenarios in tests/smoke/sip/FILE. They ask for keys of the peers, and go on when those are taken over.
DUO_PEERS=''
duo() {
	local scenarios taken=0
	mkdir -p "$DIR/run"
	transports_config | duo_peers >"$DIR/hawse.yaml"
	hawse_start
	DIR=$DIR NET=$NET HAWSE4=$HAWSE4 HAWSE6=$HAWSE6 CALLER4=$CALLER4 CALLEE4=$CALLEE4 STRANGER4=$STRANGER4 \
		/usr/bin/python3 "$HAWSE_ROOT/tests/smoke/sip/$1" >"$DIR/said.txt" 2>&1 &
	scenarios=$!
	STARTED+=("$scenarios")
	while alive $scenarios; do
		[ -e "$DIR/want" ] || {
			sleep 0.05
			continue
		}
		{ read -r OFFICE_KEYS; read -r CARRIER_KEYS; read -r DUO_PEERS; } <"$DIR/want"
		rm "$DIR/want"
		transports_config | duo_peers >"$CONFIG"
		RELOADS=$((RELOADS + 1))
		kill -HUP "$PID_sip"
		eventually 5 'the configuration is taken over' taken_over
		taken=$((taken + 1))
		touch "$DIR/have-$taken"
	done
	wait $scenarios || {
		tail -n 200 "$DIR/said.txt"
		fail "a scenario failed: $(grep -m 1 -A 3 -E '^FAILED|^Traceback' "$DIR/said.txt" | tail -n 1)"
	}
	echo "$(grep -c '^ok' "$DIR/said.txt") scenarios"
	eventually 5 'the ports are free again' no_port_in_use
}
# $DUO_PEERS: one more peer, before the others.
duo_peers() { sed "s|^peers:|&${DUO_PEERS:+\\n  $DUO_PEERS}|"; }
