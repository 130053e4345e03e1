# SPDX-License-Identifier: BSD-3-Clause
# What tests of TCP and TLS share; read after case.sh.
#
#     authority ours                                  # $DIR/ours.pem, $DIR/ours.key
#     certificate hawse ours DNS:hawse.example        # $DIR/hawse.pem, $DIR/hawse.key, issued by it
#     OFFICE_KEYS='transport: tcp' CARRIER_KEYS='transport: tls'
#     transports_config >"$DIR/hawse.yaml"            # listens on udp, tcp and tls
# shellcheck shell=bash

authority() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" \
		-keyout "$DIR/$1.key" -out "$DIR/$1.pem" >>"$DIR/openssl.log" 2>&1 || fail "openssl cannot make the authority $1"
	chmod 600 "$DIR/$1.key"
}

# certificate NAME AUTHORITY SUBJECT_ALT_NAME [SUBJECT]
certificate() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=${4:-$1}" \
		-keyout "$DIR/$1.key" -out "$DIR/$1.csr" >>"$DIR/openssl.log" 2>&1 &&
		printf 'subjectAltName=%s\n' "$3" |
		openssl x509 -req -in "$DIR/$1.csr" -CA "$DIR/$2.pem" -CAkey "$DIR/$2.key" -days 2 -extfile /dev/stdin \
			-out "$DIR/$1.pem" >>"$DIR/openssl.log" 2>&1 || fail "openssl cannot make the certificate $1"
	chmod 600 "$DIR/$1.key"
}

OFFICE_KEYS='' CARRIER_KEYS='' SIP_KEYS='' ROUTES=''
transports_config() {
	cat <<-END
		media:
		  public: {device: media0, address: [$HAWSE4, "$HAWSE6"], ports: $PORTS}
		dataplane: {workers: $WORKERS, poll: adaptive, sessions: $SESSIONS, memory: 256}
		sip:
		  listen: [udp:$HAWSE4, tcp:$HAWSE4, "udp:[$HAWSE6]:5060", "tcp:[$HAWSE6]:5060"$TLS_LISTEN]
		  $SIP_KEYS
		peers:
		  carrier: {kind: trunk, address: [$CARRIER]${CARRIER_KEYS:+, $CARRIER_KEYS}}
		  office: {kind: trunk, address: [$OFFICE]${OFFICE_KEYS:+, $OFFICE_KEYS}}
		routes: ${ROUTES:-}
		  - {from: office, number: "+", to: [carrier]}
		  - {from: carrier, to: [office]}
		stats: {listen: "127.0.0.1:9090", cdr: $DIR/cdr.jsonl}
		run: $DIR/run
	END
}

# Listens on TLS too, with this certificate: tls_listen NAME AUTHORITIES
TLS_LISTEN=''
tls_listen() {
	TLS_LISTEN=", tls:$HAWSE4, \"tls:[$HAWSE6]:5061\""
	SIP_KEYS="certificate: $DIR/$1.pem
		  key: $DIR/$1.key
		  authorities: $DIR/$2.pem"
	SIP_KEYS=$(sed 's/^\t*//' <<<"$SIP_KEYS")
}

# Writes the configuration anew and makes hawse-sip read it.
RELOADS=0
reload() {
	transports_config >"$CONFIG"
	RELOADS=$((RELOADS + 1))
	kill -HUP "$PID_sip"
	eventually 5 'the configuration is taken over' taken_over
}
taken_over() { [ "$(grep -c 'area=config msg="taken over' "$DIR/sip.log")" -ge $RELOADS ]; }

# A party's options: wire tcp, or wire tls NAME [AUTHORITIES]
wire() {
	case $1 in
	udp) ;;
	tcp) printf -- '--transport tcp' ;;
	tls) printf -- '--transport tls --certificate %s --key %s%s' "$DIR/$2.pem" "$DIR/$2.key" \
		"${3:+ --authorities $DIR/$3.pem}" ;;
	esac
}

port_of() {
	[ "$1" = tls ] && echo 5061 || echo 5060
}
