#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# --check accepts a good file, and names file, line and key of what is wrong in a bad one; every program says the same.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/transports.sh"
case_begin
mkdir -p "$DIR/run"
hawse_config >"$DIR/hawse.yaml"
programs=(dataplane/hawse-media controlplane/hawse-sip)
for program in "${programs[@]}"; do
	in_ns hawse "$HAWSE_BUILD/$program" -c "$DIR/hawse.yaml" --check >"$DIR/out" 2>&1 || {
		cat "$DIR/out"
		fail "$program refuses a good file"
	}
done
# The files that they name are looked at, so there are some.
authority carrier-authorities
certificate certificate carrier-authorities DNS:hawse.example
cp "$DIR/certificate.key" "$DIR/key.pem"
echo 'alice: {password: "not so secret", number: "+49301234"}' >"$DIR/users.yaml"
chmod 600 "$DIR/users.yaml"
mkdir "$DIR/prompts" && sox -n -r 8000 -c 1 -b 16 "$DIR/prompts/waiting.wav" synth 1 sine 440
for example in "$HAWSE_ROOT"/deploy/examples/*.yaml; do
	sed "s#/etc/hawse/#$DIR/#" "$example" >"$DIR/example.yaml"
	for program in "${programs[@]}"; do
		in_ns hawse "$HAWSE_BUILD/$program" -c "$DIR/example.yaml" --check >"$DIR/out" 2>&1 || {
			cat "$DIR/out"
			fail "$example is refused by $program"
		}
	done
done
# systemd finds nothing wrong with the units.
if command -v systemd-analyze >/dev/null; then
	for unit in "$HAWSE_ROOT"/deploy/systemd/*.service; do
		sed "s#/usr/sbin/hawse-[a-z]*#/bin/true#" "$unit" >"$DIR/$(basename "$unit")"
	done
	systemd-analyze verify --man=no "$DIR"/*.service >"$DIR/out" 2>&1
	! grep -E 'hawse-[a-z]+\.service:' "$DIR/out" || fail 'systemd complains about a unit'
fi
chmod 644 "$DIR/key.pem"
sed "s#/etc/hawse/#$DIR/#" "$HAWSE_ROOT/deploy/examples/secure-trunk.yaml" >"$DIR/example.yaml"
in_ns hawse "$HAWSE_BUILD/controlplane/hawse-sip" -c "$DIR/example.yaml" --check >"$DIR/out" 2>&1 && fail 'a key that all can read is taken'
grep -q "key.pem.*chmod o=" "$DIR/out" || fail 'the key that all can read is named'
refused() { # LINE KEY SED_EXPRESSION: the changed file is refused at that line, for that key
	sed "$3" "$DIR/hawse.yaml" >"$DIR/bad.yaml"
	cmp -s "$DIR/hawse.yaml" "$DIR/bad.yaml" && fail "the test changes nothing: $3"
	for program in "${programs[@]}"; do
		if in_ns hawse "$HAWSE_BUILD/$program" -c "$DIR/bad.yaml" --check >"$DIR/out" 2>&1; then
			fail "$program accepts $3"
		fi
		grep -qF "bad.yaml:$1: " "$DIR/out" && grep -qF "$2" "$DIR/out" || {
			cat "$DIR/out"
			fail "$program does not name line $1 and $2"
		}
	done
}
refused 2 media.public.ports 's/ports: [0-9-]*/ports: 20000/'
refused 2 media.public.address "s/$HAWSE4, /nonsense, /"
refused 2 speed 's/ports: 20000/speed: fast, ports: 20000/'
refused 3 dataplane.workers 's/workers: 1/workers: 0/'
refused 3 dataplane.poll 's/adaptive/sometimes/'
refused 6 sip.listen "s/udp:$HAWSE4/smoke:$HAWSE4/"
refused 10 kind 's/carrier: {kind: trunk/carrier: {kind: trunkk/'
refused 13 nobody 's/to: \[carrier\]/to: [nobody]/'
for program in "${programs[@]}"; do
	! "$HAWSE_BUILD/$program" -c "$DIR/absent.yaml" --check >"$DIR/out" 2>&1 || fail 'a missing file is accepted'
	grep -q 'absent.yaml' "$DIR/out" || fail "$program does not name the missing file"
done
PASSED=1
