#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Calls that say DTLS and never shake hands, and a flood of hellos.

dtls_flood.py legs LOCAL HAWSE CALLS         calls that offer UDP/TLS/RTP/SAVP from ports 31000, 31002, ...; says the ports of
                                             Hawse's in JSON on stdout, then "ready" on stderr, and stays silent until SIGTERM,
                                             then hangs up. $FINGERPRINT: of whoever will shake hands there
dtls_flood.py flood HAWSE PORTS ADDRESSES EACH PACKETS
                                             a ClientHello from each of EACH ports of each address (comma-separated), in turn
                                             to each of PORTS, until so many packets are sent; says in JSON how many sources
                                             sent them, and how many were answered
"""
import json
import os
import random
import re
import select
import signal
import socket
import struct
import sys
import time


def extension(kind, data):
    return struct.pack("!HH", kind, len(data)) + data


def client_hello():
    """DTLS 1.2 (RFC 6347) with use_srtp (RFC 5764), as a phone says it."""
    body = b"\xfe\xfd" + os.urandom(32) + b"\0\0" + struct.pack("!HHHH", 6, 0xC02B, 0xC02F, 0xC00A) + b"\x01\0"
    extensions = extension(10, b"\0\4\0\x1d\0\x17") + extension(11, b"\1\0") + extension(13, b"\0\x08\4\3\5\3\4\1\5\1")
    extensions += extension(14, b"\0\4\0\1\0\7\0") + extension(23, b"")
    body += struct.pack("!H", len(extensions)) + extensions
    handshake = b"\1" + len(body).to_bytes(3, "big") + b"\0\0" + b"\0\0\0" + len(body).to_bytes(3, "big") + body
    return b"\x16\xfe\xff\0\0" + b"\0" * 6 + struct.pack("!H", len(handshake)) + handshake


def legs(local, hawse, calls):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((local, 5060))
    fingerprint = os.environ.get("FINGERPRINT") or ":".join(f"{b:02X}" for b in os.urandom(32))
    ports, dialogs, want = {}, {}, int(calls)
    for n in range(want):
        body = (f"v=0\r\no=- 1 1 IN IP4 {local}\r\ns=-\r\nc=IN IP4 {local}\r\nt=0 0\r\nm=audio {31000 + 2 * n} UDP/TLS/RTP/SAVP 8\r\n"
                f"a=rtpmap:8 PCMA/8000\r\na=fingerprint:sha-256 {fingerprint}\r\na=setup:actpass\r\na=rtcp-mux\r\n")
        s.sendto((f"INVITE sip:+49{n}@{hawse} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bKi{n}\r\nMax-Forwards: 70\r\n"
                  f"From: <sip:x@{local}>;tag=t{n}\r\nTo: <sip:+49{n}@{hawse}>\r\nCall-ID: legs-{n}@{local}\r\nCSeq: 1 INVITE\r\n"
                  f"Contact: <sip:x@{local}>\r\nContent-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode(),
                 (hawse, 5060))
        time.sleep(0.02)
    ending = []
    signal.signal(signal.SIGTERM, lambda *_: ending.append(1))
    end, told = time.monotonic() + 15, False
    while not ending and (told or time.monotonic() < end):
        if len(ports) == want and not told:
            told = True
            print(json.dumps([ports[n] for n in range(want)]), flush=True)
            print("ready", file=sys.stderr, flush=True)
        if not select.select([s], [], [], 0.2)[0]:
            continue
        text = s.recv(65536).decode(errors="replace")
        call = re.search(r"^Call-ID: legs-(\d+)@", text, re.M | re.I)
        if not call:
            continue
        n = int(call.group(1))
        if text.startswith("SIP/2.0 200") and "INVITE" in re.search(r"^CSeq: (.*)$", text, re.M | re.I).group(1):
            to, target = re.search(r"^To: (.*)\r$", text, re.M).group(1), re.search(r"^Contact: <([^>]*)>", text, re.M).group(1)
            dialogs[n] = (to, target)
            ports[n] = int(re.search(r"^m=audio (\d+) UDP/TLS", text, re.M).group(1))
            request(s, local, hawse, n, dialogs[n], "ACK", 1)
        elif not text.startswith("SIP/2.0") and not text.startswith("ACK"):
            answer = [line for line in text.split("\r\n") if re.match(r"(Via|From|To|Call-ID|CSeq):", line, re.I)]
            s.sendto("\r\n".join(["SIP/2.0 200 OK"] + answer + ["Content-Length: 0", "", ""]).encode(), (hawse, 5060))
    for n, dialog in dialogs.items():
        request(s, local, hawse, n, dialog, "BYE", 2)
    return 0 if told else 1


def request(s, local, hawse, n, dialog, method, cseq):
    s.sendto((f"{method} {dialog[1]} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK{method}{n}\r\nMax-Forwards: 70\r\n"
              f"From: <sip:x@{local}>;tag=t{n}\r\nTo: {dialog[0]}\r\nCall-ID: legs-{n}@{local}\r\nCSeq: {cseq} {method}\r\n"
              f"Content-Length: 0\r\n\r\n").encode(), (hawse, 5060))


def flood(hawse, ports, addresses, each, packets):
    ports, addresses, each, packets = json.loads(ports), addresses.split(","), int(each), int(packets)
    sent, sources, answers = 0, set(), 0
    while sent < packets:
        for address in addresses:
            sockets = []
            for i in range(each):
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
                s.bind((address, 10000 + i))
                sockets.append(s)
                s.sendto(client_hello(), (hawse, random.choice(ports)))
                sources.add((address, 10000 + i))
                sent += 1
            time.sleep(0.02)
            for s in sockets:
                try:
                    s.recv(2048)
                    answers += 1
                except BlockingIOError:
                    pass
                s.close()
    print(json.dumps({"sent": sent, "sources": len(sources), "answers": answers}))
    return 0


if sys.argv[1:2] == ["legs"]:
    sys.exit(legs(*sys.argv[2:]))
if sys.argv[1:2] == ["flood"]:
    sys.exit(flood(*sys.argv[2:]))
print(__doc__, file=sys.stderr)
sys.exit(2)
