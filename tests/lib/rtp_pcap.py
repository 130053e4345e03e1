#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Reads a capture of tcpdump: RTP streams with an account of every sequence number, or the SIP messages as a ladder.

rtp_pcap.py streams FILE [--payload DIRECTORY]   one JSON object a stream, a line each; RTP payloads of stream n into
                                                 DIRECTORY/n.raw, in the order of their sequence numbers
rtp_pcap.py srtcp FILE TAG                       one JSON object a stream of SRTCP whose tags have so many bytes, the index
                                                 before it: how many packets, and how many indices came again
rtp_pcap.py ladder FILE NAME=ADDRESS...          the SIP messages between the named parties, drawn as a ladder

Ethernet and Linux cooked captures, IPv4 and IPv6, no fragments. Only the standard library.
"""
import json
import os
import socket
import struct
import sys


def packets(path):
    """(time, link type, bytes) of every whole packet of a classic pcap file."""
    with open(path, "rb") as f:
        head = f.read(24)
        if len(head) < 24:
            return
        order = "<" if head[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
        fraction = 1e9 if head[:4] in (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d") else 1e6
        link = struct.unpack(order + "I", head[20:24])[0]
        while True:
            record = f.read(16)
            if len(record) < 16:
                return
            seconds, part, size, _ = struct.unpack(order + "IIII", record)
            data = f.read(size)
            if len(data) < size:
                return
            yield seconds + part / fraction, link, data


def udp(link, data):
    """(source, source port, destination, destination port, payload), or None."""
    offset = {1: 14, 113: 16, 276: 20, 101: 0}.get(link)
    if offset is None or len(data) < offset + 20:
        return None
    data = data[offset:]
    version = data[0] >> 4
    if version == 4:
        start, protocol, family = (data[0] & 15) * 4, data[9], socket.AF_INET
        source, destination = data[12:16], data[16:20]
        if struct.unpack("!H", data[6:8])[0] & 0x1FFF:
            return None
    elif version == 6 and len(data) >= 40:
        start, protocol, family = 40, data[6], socket.AF_INET6
        source, destination = data[8:24], data[24:40]
    else:
        return None
    if protocol != 17 or len(data) < start + 8:
        return None
    sport, dport, length = struct.unpack("!HHH", data[start:start + 6])
    payload = data[start + 8:start + length]
    return socket.inet_ntop(family, source), sport, socket.inet_ntop(family, destination), dport, payload


def is_rtp(payload):
    return len(payload) >= 12 and payload[0] >> 6 == 2 and not 192 <= payload[1] <= 223


def rtp_payload(packet):
    start = 12 + 4 * (packet[0] & 15)
    if packet[0] & 0x10 and len(packet) >= start + 4:
        start += 4 + 4 * struct.unpack("!H", packet[start + 2:start + 4])[0]
    end = len(packet) - (packet[-1] if packet[0] & 0x20 else 0)
    return packet[start:end]


class Stream:
    def __init__(self, key, payload_type, time):
        self.key, self.payload_type = key, payload_type
        self.first, self.last, self.gap = time, time, 0.0
        self.by_number, self.highest = {}, None
        self.packets = self.doubled = self.reordered = 0

    def add(self, time, packet):
        seq = struct.unpack("!H", packet[2:4])[0]
        if self.highest is None:
            number = seq
        else:  # the number nearest to the highest so far, so that 65535 goes on with 65536
            number = self.highest + ((seq - self.highest + 0x8000) & 0xFFFF) - 0x8000
        self.packets += 1
        self.gap = max(self.gap, time - self.last)
        self.last = time
        if number in self.by_number:
            self.doubled += 1
            return
        if self.highest is not None and number < self.highest:
            self.reordered += 1
        self.highest = number if self.highest is None else max(self.highest, number)
        self.by_number[number] = rtp_payload(packet)

    def report(self):
        source, sport, destination, dport, ssrc = self.key
        lowest = min(self.by_number)
        return {
            "source": source, "source_port": sport, "destination": destination, "destination_port": dport,
            "ssrc": f"{ssrc:08x}", "payload_type": self.payload_type, "packets": self.packets,
            "first_seq": lowest & 0xFFFF, "last_seq": self.highest & 0xFFFF,
            "lost": self.highest - lowest + 1 - len(self.by_number), "doubled": self.doubled,
            "reordered": self.reordered, "seconds": round(self.last - self.first, 3),
            "max_gap_ms": round(self.gap * 1000, 1),
        }


def streams(path, directory):
    found = {}
    for time, link, data in packets(path):
        u = udp(link, data)
        if not u or not is_rtp(u[4]):
            continue
        key = u[:4] + (struct.unpack("!I", u[4][8:12])[0],)
        if key not in found:
            found[key] = Stream(key, u[4][1] & 0x7F, time)
        found[key].add(time, u[4])
    for n, stream in enumerate(found.values()):
        print(json.dumps(stream.report()))
        if directory:
            with open(os.path.join(directory, f"{n}.raw"), "wb") as f:
                for number in sorted(stream.by_number):
                    f.write(stream.by_number[number])


def srtcp(path, tag):
    found = {}
    for _, link, data in packets(path):
        u = udp(link, data)
        if not u or len(u[4]) < 12 + tag or u[4][0] >> 6 != 2 or not 192 <= u[4][1] <= 223:
            continue
        key = u[:4] + (struct.unpack("!I", u[4][4:8])[0],)
        index = struct.unpack("!I", u[4][-4 - tag:len(u[4]) - tag])[0] & 0x7FFFFFFF
        found.setdefault(key, []).append(index)
    for key, indices in found.items():
        print(json.dumps({"source": key[0], "destination": key[2], "ssrc": f"{key[4]:08x}", "packets": len(indices),
                          "again": len(indices) - len(set(indices))}))


def sip_title(payload):
    """What stands on the arrow, or None when it is not SIP."""
    try:
        text = payload.decode("utf-8", "replace")
    except ValueError:
        return None
    line, _, rest = text.partition("\r\n")
    words = line.split(" ", 2)
    if len(words) < 3 or not (words[0] == "SIP/2.0" or words[2] == "SIP/2.0"):
        return None
    sdp = " +SDP" if "\r\n\r\nv=0" in rest else ""
    if words[0] != "SIP/2.0":
        return words[0] + sdp
    method = next((h.split()[-1] for h in rest.split("\r\n") if h.lower().startswith("cseq:")), "")
    return f"{words[1]} {words[2]} ({method}){sdp}"


def arrow(title, left, right, columns, width):
    """One line of the ladder: from column `left` to column `right`."""
    line = [" "] * (width * (columns - 1) + 1)
    for column in range(columns):
        line[column * width] = "|"
    low, high = sorted((left, right))
    start, end = low * width + 1, high * width
    body = f" {title} "[: end - start - 2]
    text = body.center(end - start - 1, "-")
    text = text + ">" if right > left else "<" + text
    line[start:end] = text
    return "".join(line)


def ladder(path, names):
    parties = [n.split("=", 1) for n in names]
    column = {a: i for i, (_, addresses) in enumerate(parties) for a in addresses.split(",")}
    width, begin, lines = 34, None, []
    for time, link, data in packets(path):
        u = udp(link, data)
        title = u and sip_title(u[4])
        if not title or u[0] not in column or u[2] not in column:
            continue
        begin = time if begin is None else begin
        lines.append(f"{time - begin:8.3f}  " + arrow(title, column[u[0]], column[u[2]], len(parties), width))
    if not lines:
        return 1
    print(" " * 10 + "".join(name.ljust(width) for name, _ in parties).rstrip())
    print("\n".join(lines))
    return 0


def main(arguments):
    if len(arguments) >= 2 and arguments[0] == "streams":
        directory = arguments[3] if arguments[2:3] == ["--payload"] else None
        streams(arguments[1], directory)
        return 0
    if len(arguments) == 3 and arguments[0] == "srtcp":
        srtcp(arguments[1], int(arguments[2]))
        return 0
    if len(arguments) >= 4 and arguments[0] == "ladder":
        return ladder(arguments[1], arguments[2:])
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
