#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A name server for tests: answers from a file that is read again for each question.

dns_server.py ADDRESS:PORT ZONE LOG

A line of ZONE is "NAME TTL TYPE VALUE": A and AAAA an address, SRV "PRIORITY WEIGHT PORT TARGET", NAPTR
"ORDER PREFERENCE FLAGS SERVICE REPLACEMENT". Each question is written to LOG.
"""
import ipaddress
import socket
import struct
import sys

TYPES = {"A": 1, "AAAA": 28, "SRV": 33, "NAPTR": 35}


def name_bytes(name):
    out = b""
    for label in name.rstrip(".").split("."):
        if label:
            out += bytes([len(label)]) + label.encode()
    return out + b"\0"


def text(s):
    return bytes([len(s)]) + s.encode()


def value_bytes(kind, fields):
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(fields[0]).packed
    if kind == "SRV":
        return struct.pack("!HHH", *map(int, fields[:3])) + name_bytes(fields[3])
    return struct.pack("!HH", *map(int, fields[:2])) + text(fields[2]) + text(fields[3]) + text("") + name_bytes(fields[4])


def read_zone(path):
    zone = {}
    for line in open(path):
        fields = line.split()
        if len(fields) > 3 and not line.startswith("#"):
            name, ttl, kind = fields[0].lower(), int(fields[1]), fields[2]
            zone.setdefault((name, TYPES[kind]), []).append((ttl, value_bytes(kind, fields[3:])))
    return zone


def question(data):
    labels, at = [], 12
    while data[at]:
        labels.append(data[at + 1 : at + 1 + data[at]].decode())
        at += 1 + data[at]
    return ".".join(labels).lower(), struct.unpack("!H", data[at + 1 : at + 3])[0], at + 5


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((host, int(port)))
    log = open(sys.argv[3], "w", buffering=1)
    print("dns_server: ready", file=sys.stderr, flush=True)
    while True:
        data, source = sock.recvfrom(4096)
        name, kind, end = question(data)
        print(name, kind, file=log)
        zone = read_zone(sys.argv[2])
        records = zone.get((name, kind), [])
        known = any(n == name for n, _ in zone)
        flags = 0x8580 | (0 if known else 3)
        answer = data[:2] + struct.pack("!HHHHH", flags, 1, len(records), 0, 0) + data[12:end]
        for ttl, value in records:
            answer += b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, ttl, len(value)) + value
        sock.sendto(answer, source)


main()
