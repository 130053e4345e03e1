# SPDX-License-Identifier: BSD-3-Clause
"""P5: what transcoding costs: against the bare codec loop, against rtpengine, and to calls that are not transcoded.

Four parts. (1) G.711 A to u in the forwarding stage: relay's captures, with and without it, in turn. (2) A whole
transcoder against the bare loop of its codecs (transcode_cycles). (3) The same calls through Hawse and through
rtpengine over veth, each party sending its codec's packets: CPU time of the relay's process for each packet that
arrives. (4) What a packet of an untouched call takes at 5,000 a second, while the transcoder is full and while it is
idle, in turn.
"""
import json
import re
import statistics
import subprocess
import time

from lib import capture, hawse, network, relays, report, rtpengine, system

NEEDS = ["hawse-media", "session_loader", "rtp_load", "rtp_pcap", "transcode_cycles", "transcode_load", "rtpengine"]
GOALS = {"G722": 1.20, "opus": 1.05, "G729": 1.05}
CODECS = {"PCMU": (1, 0), "G722": (3, 9), "opus": (4, 111), "G729": (5, 18), "AMR-WB": (18, 97)}
RTPMAP = {"PCMU": "PCMU/8000", "G722": "G722/8000", "opus": "opus/48000/2", "G729": "G729/8000", "AMR-WB": "AMR-WB/16000"}
PEER = "rtpengine 10.5"
CALLS = {"G722": 200, "opus": 60, "G729": 60, "AMR-WB": 30}


def mhz():
    found = [float(v) for v in re.findall(r"cpu MHz\s*:\s*([\d.]+)", open("/proc/cpuinfo", encoding="ascii").read())]
    return max(found) if found else 1000.0


# ---- 1: in the forwarding stage

def companding(run, options):
    sessions = 1000
    run.hugepages(1024)
    flows = capture.write_flows(run.path("flows"), sessions)
    pcap = capture.write_pcap(run, flows, "a.pcap", 2 * sessions)
    cases = {"plain": [], "companded": ["--codecs", "2:8,1:8"]}
    found = {name: [] for name in cases}
    for _ in range(options.rounds or 3):
        for name, more in cases.items():
            system.quiet(run, 1)
            side = capture.Capture(run, [pcap], flows, sessions, more=more)
            found[name].append(1e9 / max(1.0, capture.rate(side, options.seconds or 1.8)["per_cpu"]))
            if name == "companded" and not side.loader.ask("counters").get("media_companded_packets_total"):
                report.say("nothing was companded")
            side.stop()
    cycles = (statistics.median(found["companded"]) - statistics.median(found["plain"])) * mhz() / 1000
    report.compare("transcode", "G.711 A to u in the forwarding stage, 1,000 sessions", "ns a packet", found["companded"],
                   found["plain"], "plain relay", None, "lower", more_cycles=report.digits(cycles), goal_cycles=30,
                   mhz=mhz())


# ---- 2: against the bare loop

def cycles(run, options):
    command = ["taskset", "-c", str(options.core), str(run.binaries["transcode_cycles"]), str(options.rounds or 3)]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    pairs = {}
    for row in map(json.loads, out.splitlines()):
        pairs.setdefault((row["from"], row["to"]), []).append(row)
    for (a, b), rows in pairs.items():
        whole, bare = [r["whole_ns"] / 1000 for r in rows], [r["bare_ns"] / 1000 for r in rows]
        goal = GOALS.get(b, GOALS.get(a))
        report.compare("transcode", f"{a} to {b}, whole transcoder, 20 ms", "us a packet", whole, bare, "bare codec loop",
                       goal, "lower", channels_a_core=int(20000 / statistics.median(whole)), pcm_rate=rows[0]["rate"],
                       made=rows[0]["made"])


# ---- 3: against rtpengine

class Calls:
    """A running relay with transcoded calls up."""

    more = ()  # options of transcode_load

    def __init__(self, run, net, codec, calls):
        self.run, self.net, self.codec, self.calls = run, net, codec, calls
        self.flows = run.path("transcode.flows")
        (a, ta), (b, tb) = CODECS["PCMU"], CODECS[codec]
        self.codecs = f"{a}:{ta},{b}:{tb}"
        self.begin()

    def measure(self, seconds):
        command = ["ip", "netns", "exec", self.net.load, "taskset", "-c", self.run.other_core,
                   self.run.binaries["transcode_load"], "--interface", "l0", "--flows", self.flows, "--relay-mac",
                   self.net.relay_mac, "--party-mac", self.net.party_mac, "--codecs", self.codecs, "--warmup", "1.5",
                   "--seconds", seconds, "--cpu-of", self.process.pid, *self.more]
        out = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=True).stdout
        return json.loads(out)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


class Ours(Calls):
    name = "hawse"

    def begin(self):
        media = {"public": {"device": "m0", "address": [network.RELAY], "ports": relays.PORTS}}
        self.hawse = hawse.Hawse(self.run, media, namespace=self.net.dut, poll="adaptive", nice=0,
                                 dataplane={"transcoders": 1, "transcoder_cores": [self.run.core]})
        self.process = self.hawse.process
        self.loader = self.hawse.load(self.calls, self.flows, both=True, caller=network.CALLER, callee=network.CALLEE,
                                      codecs=self.codecs)

    def end(self):
        self.hawse.stop()


def sdp(address, codec):
    ip, port = address
    kind = CODECS[codec][1]
    return (f"v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP {kind}\r\n"
            f"a=rtpmap:{kind} {RTPMAP[codec]}\r\na=ptime:20\r\na=sendrecv\r\n")


class Peer(Calls):
    name = "rtpengine"

    def begin(self):
        self.process, control = rtpengine.start(self.run, self.net.dut, network.RELAY, core=self.run.core, nice=0)
        flows = []
        for i in range(self.calls):
            a, b, name = network.caller(i), network.callee(i), f"call-{self.codec}-{i}-{time.time()}"
            common = {"call-id": name, "from-tag": "a", "ICE": "remove", "replace": ["origin", "session-connection"],
                      "transport-protocol": "RTP/AVP"}
            offer = control.request(command="offer", sdp=sdp(a, "PCMU"),
                                    codec={"mask": ["PCMU"], "transcode": [self.codec]}, **common)
            answer = control.request(command="answer", sdp=sdp(b, self.codec), **{"to-tag": "b"}, **common)
            to_a, to_b = rtpengine.sdp_media(answer["sdp"]), rtpengine.sdp_media(offer["sdp"])
            flows += [(a, to_a, b), (b, to_b, a)]
        network.write_flows(self.flows, flows)

    def end(self):
        self.run.stop(self.process)


def does_whole(codec):
    """Does this rtpengine encode it? Debian's has no encoder for AMR and AMR-WB: what it sends then is no such packet."""
    said = subprocess.run(["rtpengine", "--codecs"], capture_output=True, text=True).stdout
    return any(line.split(":")[0].strip() == codec and "fully" in line for line in said.splitlines())


def per_packet(result):
    return 1e6 * result["cpu_s"] / max(1, sum(result["received"]))


def against_rtpengine(run, options, net):
    for codec, calls in CALLS.items():
        if not does_whole(codec):
            report.say(f"rtpengine does not encode {codec}: nothing to compare with")
            continue
        found = {"hawse": [], "rtpengine": []}
        for _ in range(options.rounds or 3):
            for side in (Ours, Peer):
                system.quiet(run, 1)
                try:
                    with side(run, net, codec, calls) as relay:
                        found[side.name].append(relay.measure(options.seconds or 4))
                except SystemExit as refusal:
                    report.say(f"{side.name} cannot do PCMU to {codec}: {refusal}")
        for name, results in found.items():
            for r in results:
                report.say(f"{name}, PCMU and {codec}, {calls} calls: sent {r['sent']}, received {r['received']}, "
                           f"gaps {r['gaps']}, CPU {r['cpu_s']} s")
        ours, peer = [r for r in found["hawse"]], [r for r in found["rtpengine"] if sum(r["received"])]
        report.compare("transcode", f"PCMU and {codec}, {calls} calls both ways over veth", "us of CPU a packet",
                       [per_packet(r) for r in ours] or None, [per_packet(r) for r in peer] or None, PEER, None, "lower",
                       arrived={"hawse": [report.digits(sum(r["received"]) / sum(r["sent"])) for r in ours],
                                "rtpengine": [report.digits(sum(r["received"]) / sum(r["sent"])) for r in peer]},
                       gaps={"hawse": [sum(r["gaps"]) for r in ours], "rtpengine": [sum(r["gaps"]) for r in peer]},
                       of_it_transcoder=[report.digits(r["transcoder_cpu_s"] / r["cpu_s"]) for r in ours])


# ---- 4: what untouched calls notice

FULL = 115  # calls of PCMU and Opus that one transcoder takes (agent/transcoders.c: 850,000 us a second, 6,930 a call)


def fill_up(relay, net):
    """As many transcoded calls as the transcoder takes, and the process that sends their packets. The loader of the
    measured calls is replaced as the control plane; its calls stay."""
    flows = relay.run.path("filler.flows")
    relay.hawse.load(FULL, flows, both=True, caller="10.98.3.1", callee="10.98.4.1", codecs="1:0,4:111")
    command = ["ip", "netns", "exec", net.load, "taskset", "-c", relay.run.other_core, relay.run.binaries["transcode_load"],
               "--interface", "l0", "--flows", flows, "--relay-mac", net.relay_mac, "--party-mac", net.party_mac,
               "--codecs", "1:0,4:111", "--seconds", "600"]
    process = subprocess.Popen([str(c) for c in command], stdout=subprocess.DEVNULL)
    relay.run.processes.append(process)
    return process


def untouched(run, options, net):
    for address in ("10.98.3.1", "10.98.4.1"):
        system.sh("ip", "-n", net.dut, "neigh", "replace", address, "lladdr", net.party_mac, "dev", "m0", "nud", "permanent")
    found, loads = {"full": [], "idle": []}, []
    for _ in range(options.rounds or 3):
        for case, values in found.items():
            system.quiet(run, 1)
            with relays.Ours(run, net, 50, poll="adaptive", nice=0,
                             dataplane={"transcoders": 1, "transcoder_cores": [run.other_core]}) as relay:
                filler = None
                if case == "full":
                    filler = fill_up(relay, net)
                    time.sleep(2)
                result = network.generate(net, relay.flows, options.seconds or 6.0, rate=5000, warmup=0.5, batch=1,
                                          relay=relay.process, fifo=10)
                counters = relay.hawse.loaders[-1].ask("counters")
                if filler:
                    loads.append(next((v for k, v in counters.items() if k.startswith("transcoder_load")), 0) / 1000)
                    filler.terminate()
                    filler.wait()
                    run.processes.remove(filler)
                values.append(relays.percentile(sorted((us, n) for us, n in result["histogram_us"]), 0.999))
                report.say(f"{case}: p99.9 {values[-1]} us, {result['lost']} lost")
    report.compare("transcode", "p99.9 of untouched calls, 5,000 packets a second, transcoder full", "us", found["full"],
                   found["idle"], "the same with an idle transcoder", 1.5, "lower", transcoder_load=loads,
                   transcoded_calls=FULL)


def main(run, options):
    companding(run, options)
    cycles(run, options)
    net = network.Network(run)
    against_rtpengine(run, options, net)
    untouched(run, options, net)
