#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""stream_junk.py HOST TCP_PORT TLS_PORT: what comes to a SIP server's streams and should not, each on a connection of its
own; prints a JSON object of what became of each."""
import json
import socket
import sys

HOST, TCP, TLS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


def connect(port):
    s = socket.create_connection((HOST, port), 5)
    s.settimeout(5)
    return s


def options(n):
    me = "10.99.1.2"
    return (
        f"OPTIONS sip:{HOST} SIP/2.0\r\nVia: SIP/2.0/TCP {me};branch=z9hG4bKjunk{n}\r\nMax-Forwards: 70\r\n"
        f"From: <sip:a@{me}>;tag=t{n}\r\nTo: <sip:b@{HOST}>\r\nCall-ID: junk-{n}\r\nCSeq: {n} OPTIONS\r\n"
        "Content-Length: 0\r\n\r\n"
    ).encode()


def statuses(s, count):
    data, found = b"", []
    while len(found) < count:
        more = s.recv(65536)
        if not more:
            break
        data += more
        found = [int(p.split(b" ", 1)[0]) for p in data.split(b"SIP/2.0 ")[1:]]
        found = found[: data.count(b"\r\n\r\n")]
    return found


def fate(port, data):
    s = connect(port)
    try:
        s.sendall(data)
        while s.recv(65536):
            pass
    except socket.timeout:
        return "open"
    except OSError:
        return "closed"
    return "closed"


def main():
    out = {}
    s = connect(TCP)
    s.sendall(b"\r\n\r\n")
    out["pong"] = s.recv(16).decode()
    s.sendall(options(1))
    out["options"] = statuses(s, 1)[0]
    s.sendall(options(2) + options(3) + b"\r\n" + options(4))
    out["pipelined"] = statuses(s, 3)
    head = options(5).split(b"Content-Length")[0]
    out["length"] = fate(TCP, head + b"Content-Length: 99999999999999999999\r\n\r\n")
    out["garbage"] = fate(TCP, bytes(range(256)) * 300)
    out["endless"] = fate(TCP, b"OPTIONS sip:x SIP/2.0\r\nX: " + b"y" * 200000)
    out["http"] = fate(TCP, b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n" + b"z" * 140000)
    out["tls_garbage"] = fate(TLS, b"\x16\x03\x01\x00\x05hello" + b"x" * 5000)
    print(json.dumps(out))


main()
