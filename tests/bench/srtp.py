# SPDX-License-Identifier: BSD-3-Clause
"""P4: what SRTP costs, each suite: the engine, the whole path through hawse-media, and rtpengine for the same calls.

Three parts. (1) The engine alone, srtp_cycles: packets of 172 bytes of 8 legs in bursts, against the bare intel-ipsec-mb
loop in the same bursts ("raw") and against libsrtp2. (2) hawse-media as it is, on relay's devices: a plain relay, RTP to
SRTP, and SRTP to SRTP with other keys. P4 allows plain relay + 1.15 x raw, raw twice for SRTP to SRTP. (3) The same
calls through Hawse and through rtpengine over veth, RTP from the callers and SRTP from the callees: CPU time of the
relay's process for each packet that arrives.

No capture holds SRTP that can be played for ever: its indices may not come twice. So the SRTP that hawse-media takes is
what it has sent itself a moment before: the callee's leg makes SRTP of the capture's RTP, testpmd on the other core
sends it back over a memif as the callee's, and it leaves by the caller's leg for nowhere. What the way back costs is the
whole, less the whole when the same packets are relayed untouched, plus a plain relay.
"""
import base64
import json
import os
import re
import statistics
import subprocess
import time

from lib import capture, hawse, network, relays, report, rtpengine, system, testpmd
from transcode import Calls, mhz, per_packet

NEEDS = ["hawse-media", "session_loader", "rtp_pcap", "srtp_cycles", "transcode_load", "rtpengine",
         "dpdk-testpmd"]
SUITES = {  # number (abi/secure.h), bytes of key and salt
    "AES_CM_128_HMAC_SHA1_80": (1, 16, 14),
    "AES_256_CM_HMAC_SHA1_80": (5, 32, 14),
    "AEAD_AES_128_GCM": (7, 16, 12),
    "AEAD_AES_256_GCM": (8, 32, 12),
}
LEGS = 1  # 65,536 packets of it are in the capture, so that the next round goes on where the last one ended
SLICE = 0.2  # seconds: so short that real time on both cores does not starve others
SLICES = 5
BURST = 64
CALLS = 200
PEER = "rtpengine 10.5"


# ---- 1: the engine alone

def engine(run, options):
    """{suite: {burst: [row of each round]}}."""
    found = {}
    for _ in range(options.rounds or 3):
        system.quiet(run, 1)
        command = ["taskset", "-c", str(options.core), "chrt", "-f", "10", str(run.binaries["srtp_cycles"])]
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        for row in map(json.loads, out.splitlines()):
            found.setdefault(row["suite"], {}).setdefault(row["burst"], []).append(row)
    return found


def tell_engine(found, plain):
    for suite, bursts in found.items():
        for burst in (16, BURST):
            rows = bursts[burst]
            raw = [r["raw"] for r in rows]
            for way in ("protect", "unprotect"):
                report.compare("srtp", f"{suite} {way}, engine alone in bursts of {burst}", "cycles a packet",
                               [r[way] for r in rows], raw, "raw intel-ipsec-mb loop", None, "lower",
                               with_a_plain_relay=report.digits(plain + min(r[way] for r in rows)),
                               goal_with_it=report.digits(plain + 1.15 * min(raw)))
        report.compare("srtp", f"{suite} protect", "cycles a packet", [r["protect"] for r in rows],
                       [r["libsrtp2"] for r in rows], "libsrtp2 of Debian", None, "lower")


# ---- 2: the whole path

def write_flows(run):
    """Both flows of each call, the caller on the capture and the callee behind `echo`."""
    path = run.path("srtp.flows")
    with open(path, "w", encoding="ascii") as out:
        for i in range(LEGS):
            port, party = 1024 + 2 * i, 10000 + 2 * i
            out.write(f"10.98.1.1 {party} 10.64.0.1 {port} 10.98.3.1 {party}\n"
                      f"10.98.3.1 {party} 10.65.0.1 {port} 10.98.1.1 {party}\n")
    return path


class Path(capture.Capture):
    """hawse-media between a capture and what the callees are: nothing, or with `echo` testpmd that sends all back.
    `suites`: the loader's."""

    def __init__(self, run, namespace, pcap, flows, suites, echo):
        memif = run.path("memif.sock")
        media = {"capture": {"device": capture.device([pcap]), "address": ["10.64.0.1"], "ports": "1024-65535"},
                 "echo": {"device": f"net_memif0,role=server,socket={memif},socket-abstract=no" if echo else "net_null0,no-rx=1",
                          "address": ["10.65.0.1"], "ports": "1024-65535"}}
        self.run, self.echo = run, None
        self.hawse = hawse.Hawse(run, media, namespace=namespace, sessions=1000, memory=768)
        self.pid = self.hawse.pid
        if echo:
            self.neighbour("hw-echo")
            self.echo = testpmd.Testpmd(run, [f"net_memif0,role=client,socket={memif},socket-abstract=no"], "5tswap",
                                        8192, 256, False, core=int(run.other_core))
        self.loader = hawse.Loader(self.hawse, ["--exact", flows, "--strict", "--srtp", suites], LEGS)
        self.hawse.loaders.append(self.loader)

    def neighbour(self, tap):
        """The kernel's side of a memif, which hawse-media takes for a card: where the callees are."""
        name = self.hawse.namespace
        system.sh("ip", "-n", name, "link", "set", tap, "up")
        system.sh("ip", "-n", name, "addr", "replace", "10.65.0.1/32", "dev", tap)
        system.sh("ip", "-n", name, "route", "replace", "10.98.3.0/24", "dev", tap)
        system.sh("ip", "-n", name, "neigh", "replace", "10.98.3.1", "lladdr", "02:98:00:00:00:03", "dev", tap, "nud",
                  "permanent")

    def real_time(self, on):
        """All who take part, and the one who looks at the clock."""
        for pid, priority in ((os.getpid(), 43), (self.loader.process.pid, 42), (self.pid, 40),
                              (self.echo.pid if self.echo else 0, 39)):
            if pid:
                system.sh("chrt", "-a", *(["-f", "-p", priority] if on else ["-o", "-p", 0]), pid)

    def slice(self):
        """CPU seconds of the worker for a packet of the capture, in a slice of real-time priority; or None when packets
        were lost on the way to testpmd and back. With many of them the count of the sequence numbers' wraps is lost too: so
        each slice has new keys."""
        self.real_time(True)
        try:
            self.loader.ask("rekey")
            time.sleep(0.03)
            first, lost = self.packets(), sum(self.drops().values())
            time.sleep(SLICE)
            last, lost = self.packets(), sum(self.drops().values()) - lost
        finally:
            self.real_time(False)
            time.sleep(0.2)
        sent = last[1] - first[1]
        if lost > sent / 200 or not sent:
            report.say(f"{lost} packets lost of {sent}")
            return None
        return (last[2] - first[2]) / (sent / (2 if self.echo else 1))

    def stop(self):
        if self.echo:
            self.echo.stop()
        super().stop()


def cycles(run, options, devices, suites, echo):
    """Cycles that a packet of the capture costs, with `echo` both its ways. None: too many were lost each time."""
    system.quiet(run, 1)
    run.hugepages(1024)
    side = Path(run, *devices, suites, echo)
    found = [side.slice() for _ in range(SLICES)]
    side.stop()
    # The least: whoever shares the machine, its caches and its clock makes it more.
    return min((mhz() * 1e6 * seconds for seconds in found if seconds), default=None)


def whole_path(run, options, raw):
    """Tells the figures of each suite; the plain relay's."""
    flows = write_flows(run)
    pcap = capture.write_pcap(run, flows, "srtp.pcap", LEGS * 65536, every=2)
    devices = run.namespace("path"), pcap, flows
    cases = {}
    for suite, (n, _, _) in SUITES.items():  # a plain relay beside each: the machine drifts
        cases |= {f"{suite} plain": ("0,0", False), f"{suite} out": (f"0,{n},0,0", False), f"{suite} left": (f"0,{n},0,0", True),
                  f"{suite} on": (f"{n},{n},0,{n}", True)}
    found = {name: [] for name in cases}
    for _ in range(min(options.rounds or 1, 3)):
        for name, how in cases.items():
            found[name].append(cycles(run, options, devices, *how))
            report.say(f"{name}: {found[name][-1] and report.digits(found[name][-1])} cycles")
    for suite in SUITES:
        plain = statistics.median(v for v in found[f"{suite} plain"] if v)
        on = [plain + whole - left for whole, left in zip(found[f"{suite} on"], found[f"{suite} left"]) if whole and left]
        for case, times, ours in (("RTP to SRTP", 1, found[f"{suite} out"]), ("SRTP to SRTP", 2, on)):
            bare = times * raw[suite]
            if not ours or None in ours:
                report.say(f"{suite}, {case}: not measured, others had testpmd's core all the time")
                continue
            report.compare("srtp", f"{suite}, {case}, the whole path", "cycles a packet", ours, [plain + bare],
                           "plain relay + raw intel-ipsec-mb loop", report.digits((plain + 1.15 * bare) / (plain + bare)),
                           "lower", plain=report.digits(plain), raw=report.digits(bare), mhz=mhz())
    return statistics.median(v for name, values in found.items() if name.endswith("plain") for v in values if v)


# ---- 3: against rtpengine

def key_of(suite, number):
    """As tests/bench/srtp_keys.h has it."""
    _, key, salt = SUITES[suite]
    return bytes([1 + number % 100] * key + [101 + number % 100] * salt)


class Secured(Calls):
    """Callers with RTP, callees with SRTP of the suite; None: RTP too."""

    def __init__(self, run, net, suite):
        self.suite = suite
        super().__init__(run, net, "PCMU", CALLS)
        self.codecs = "1:0,1:0"
        self.more = ["--srtp", f"0,{SUITES[suite][0]}"] if suite else []


class Ours(Secured):
    name = "hawse"

    def begin(self):
        media = {"public": {"device": "m0", "address": [network.RELAY], "ports": relays.PORTS}}
        self.hawse = hawse.Hawse(self.run, media, namespace=self.net.dut, poll="adaptive", nice=0)
        self.process = self.hawse.process
        self.hawse.load(self.calls, self.flows, both=True, caller=network.CALLER, callee=network.CALLEE,
                        srtp=f"0,{SUITES[self.suite][0]}" if self.suite else None)

    def end(self):
        self.hawse.stop()


def sdp(address, crypto=""):
    ip, port = address
    return (f"v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/{'SAVP' if crypto else 'AVP'} 0\r\na=rtpmap:0 PCMU/8000\r\n{crypto}a=sendrecv\r\n")


class Peer(Secured):
    name = "rtpengine"

    def answer_of(self, offer, i):
        """The callee's answer: the suite, by the tag that it has in the offer."""
        if not self.suite:
            return sdp(network.callee(i))
        tag = re.search(rb"a=crypto:(\d+) " + self.suite.encode() + rb" ", offer)
        if not tag:
            raise SystemExit(f"rtpengine does not offer {self.suite}")
        key = base64.b64encode(key_of(self.suite, i)).decode()
        return sdp(network.callee(i), f"a=crypto:{tag[1].decode()} {self.suite} inline:{key}\r\n")

    def begin(self):
        self.process, control = rtpengine.start(self.run, self.net.dut, network.RELAY, core=self.run.core, nice=0)
        flows = []
        for i in range(self.calls):
            a, b = network.caller(i), network.callee(i)
            common = {"call-id": f"call-{self.suite}-{i}", "from-tag": "a", "ICE": "remove", "DTLS": "off",
                      "replace": ["origin", "session-connection"]}
            offer = control.request(command="offer", sdp=sdp(a),
                                    **{"transport-protocol": "RTP/SAVP" if self.suite else "RTP/AVP"}, **common)
            answer = control.request(command="answer", sdp=self.answer_of(offer["sdp"], i), **{"to-tag": "b"}, **common)
            to_a, to_b = rtpengine.sdp_media(answer["sdp"]), rtpengine.sdp_media(offer["sdp"])
            flows += [(a, to_a, b), (b, to_b, a)]
        network.write_flows(self.flows, flows)

    def end(self):
        self.run.stop(self.process)


def against_rtpengine(run, options, net):
    for suite in (None, *SUITES):
        found = {"hawse": [], "rtpengine": []}
        for _ in range(min(options.rounds or 1, 3)):
            for side in (Ours, Peer):
                system.quiet(run, 1)
                with side(run, net, suite) as relay:
                    found[side.name].append(relay.measure(min(options.seconds or 1.5, 4)))
                r = found[side.name][-1]
                report.say(f"{side.name}, {suite or 'RTP'}: sent {r['sent']}, received {r['received']}, CPU {r['cpu_s']} s")
        report.compare("srtp", f"{'RTP and ' + suite if suite else 'plain'}, {CALLS} calls both ways over veth",
                       "us of CPU a packet", *([per_packet(r) for r in found[name]] for name in ("hawse", "rtpengine")),
                       PEER, None, "lower",
                       arrived={name: [report.digits(sum(r["received"]) / sum(r["sent"])) for r in rows]
                                for name, rows in found.items()})


def main(run, options):
    found = engine(run, options)
    plain = whole_path(run, options, {suite: min(r["raw"] for r in rows[BURST]) for suite, rows in found.items()})
    tell_engine(found, plain)
    against_rtpengine(run, options, network.Network(run))
