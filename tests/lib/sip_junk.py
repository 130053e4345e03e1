#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Sends wrong SIP to HOST PORT: every prefix of a good message, every message with one octet changed, and messages that
are wrong in known ways, whose answers it checks. sip_junk.py HOST PORT"""
import json
import random
import socket
import sys
import time

host, port = sys.argv[1], int(sys.argv[2])
s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
s.connect((host, port))
me = s.getsockname()
counter = 0


def message(method="OPTIONS", version="SIP/2.0", cseq=None, length="0", body="", drop=(), extra=""):
    global counter
    counter += 1
    headers = [
        ("Via", f"SIP/2.0/UDP {me[0]}:{me[1]};branch=z9hG4bKjunk{me[1]}x{counter};rport"),
        ("From", f"<sip:a@{me[0]}>;tag=t{counter}"), ("To", f"<sip:+49@{host}>"),
        ("Call-ID", f"junk-{me[1]}-{counter}"), ("CSeq", cseq or f"1 {method}"), ("Max-Forwards", "70"),
        ("Contact", f"<sip:a@{me[0]}:{me[1]}>"), ("Content-Length", length),
    ]
    text = f"{method} sip:+49@{host} {version}\r\n"
    text += "".join(f"{k}: {v}\r\n" for k, v in headers if k not in drop)
    return (text + extra + "\r\n" + body).encode()


def answers(seconds):
    """Status codes that come within that time."""
    codes, end = [], time.monotonic() + seconds
    while True:
        s.settimeout(max(0.01, end - time.monotonic()))
        try:
            data = s.recv(65535)
        except (TimeoutError, ConnectionRefusedError):
            if time.monotonic() >= end:
                return codes
            continue
        if data.startswith(b"SIP/2.0 "):
            codes.append(int(data[8:11]))
        if time.monotonic() >= end:
            return codes


def send(data):
    try:
        s.send(data)
    except ConnectionRefusedError:
        pass
    time.sleep(0.0003)


random.seed(11)
good = message("INVITE", body="v=0\r\n", length="5")
for n in range(0, len(good), 3):
    send(good[:n])
for n in range(0, len(good), 2):
    send(good[:n] + bytes([random.randrange(256)]) + good[n + 1:])
for _ in range(500):
    send(random.randbytes(random.randrange(1, 1400)))
send(b"\r\n\r\n" * 50)
send(message(extra="X: " + "y" * 60000 + "\r\n"))
send(message(extra="".join(f"Via: SIP/2.0/UDP h{i}\r\n" for i in range(500))))
send(message(length="-1"))
send(message(length="99999"))
send(message(cseq="99999999999 OPTIONS"))
send(message(drop=("Call-ID",)))
send(message(drop=("From", "To", "Via", "CSeq")))
answers(0.5)

seen = {}
for name, data in {
    "good": message(), "version": message(version="SIP/7.0"), "cseq method": message(cseq="1 INVITE"),
    "unknown method": message("NONSENSE"), "required extension": message(extra="Require: nonsense\r\n"),
}.items():
    send(data)
    seen[name] = answers(0.5)
print(json.dumps({"answers": seen}))
