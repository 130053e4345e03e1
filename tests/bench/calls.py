# SPDX-License-Identifier: BSD-3-Clause
"""P8, P9: CPU time and memory of a call through hawse-sip and hawse-media, against Kamailio with rtpengine.

Two SIP parties on a veth set up 1,000 calls at 100 a second, hold them all without media, and end them. Whoever is
measured has one core, the parties another. CPU time is that of all its processes, less what they use with no calls;
memory is resident memory, what they share counted once.
"""
import json
import pathlib
import time

from lib import hawse, kamailio, network, report, rtpengine, system

NEEDS = ["hawse-media", "hawse-sip", "sip_peer", "kamailio", "rtpengine"]
CALLS = 1000
RATE = 100
CPU_GOAL = 0.25
MEMORY_GOAL = 8192.0


def parties(net):
    """Gives the parties' addresses to l0: here the kernel speaks for them."""
    mac = json.loads(system.sh("ip", "-n", net.load, "-j", "link", "show", "l0"))[0]["address"]
    for address in (network.CALLER, network.CALLEE):
        system.sh("ip", "-n", net.load, "addr", "add", f"{address}/16", "dev", "l0")
        system.sh("ip", "-n", net.dut, "neigh", "replace", address, "lladdr", mac, "dev", "m0", "nud", "permanent")


def configuration():
    return {"sip": {"listen": [f"udp:{network.RELAY}"], "trace": 1, "max_calls": 10000, "media_timeout": 0},
            "peers": {"office": {"kind": "trunk", "address": network.CALLER},
                      "carrier": {"kind": "trunk", "address": network.CALLEE}},
            "routes": [{"from": "office", "to": ["carrier"]}]}


class Ours:
    def __init__(self, run, net, calls):
        self.run = run
        self.media = hawse.Hawse(run, {"public": {"device": "m0", "address": [network.RELAY], "ports": "20000-59999"}},
                                 namespace=net.dut, poll="adaptive", sessions=2 * calls, sip=configuration(),
                                 one_core=True, nice=0)
        self.sip = run.start("hawse-sip", [run.binaries["hawse-sip"], "-c", self.media.config], namespace=net.dut,
                             core=run.core, nice=0)
        run.wait_log(self.sip, "ready", 30)

    def pids(self):
        return {"hawse-sip": [self.sip.pid], "hawse-media": [self.media.pid]}

    def stop(self):
        self.run.stop(self.sip)
        self.media.stop()


class Theirs:
    def __init__(self, run, net, calls):
        self.run = run
        self.media, _ = rtpengine.start(run, net.dut, network.RELAY, core=run.core, nice=0)
        self.proxy = kamailio.start(run, net.dut, network.RELAY, network.CALLEE, core=run.core)
        time.sleep(2)
        if self.proxy.poll() is not None:
            run.died(self.proxy)

    def pids(self):
        session = []
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(fields[3]) == self.proxy.pid:
                session.append(int(stat.parent.name))
        return {"kamailio": session, "rtpengine": [self.media.pid]}

    def stop(self):
        self.run.stop(self.proxy)
        self.run.stop(self.media)


class Peers:
    """A callee and a caller of so many calls, held for `hold` seconds."""

    def __init__(self, run, net, calls, rate, hold):
        self.run = run
        common = ["--brief", "--calls", calls, "--slots", calls, "--step-timeout", hold + 30]
        self.callee = self._start(net, "uas", network.CALLEE, "ring 180; answer; expect-bye", common)
        run.wait_log(self.callee, "ready", 10)
        self.caller = self._start(net, "uac", network.CALLER, f"invite; expect 200; wait {hold}; bye",
                                  [*common, "--remote", network.RELAY, "--rate", rate])

    def _start(self, net, role, address, script, arguments):
        return self.run.start(f"sip-{role}", [self.run.binaries["sip_peer"], role, "--local", address, "--script", script,
                                              *arguments], namespace=net.load, core=self.run.other_core, nice=0)

    def finish(self, seconds):
        for peer in (self.caller, self.callee):
            peer.wait(seconds)
            self.run.processes.remove(peer)
        rows = [text for text in self.caller.log.read_text(errors="replace").splitlines() if text.startswith("{")]
        return json.loads(rows[-1]) if rows else {"failed": None}


def cpu(groups):
    return {name: sum(map(system.cpu_seconds, pids)) for name, pids in groups.items()}


def measure(run, net, side, calls, rate):
    """One side, from its start to its end."""
    server = side(run, net, calls)
    groups = server.pids()
    everyone = [pid for pids in groups.values() for pid in pids]
    Peers(run, net, 200, rate, 0.2).finish(60)  # what is allocated once
    time.sleep(1.5)
    before = cpu(groups)
    time.sleep(2)
    idle = {name: (spent - before[name]) / 2 for name, spent in cpu(groups).items()}
    memory, before, begin = system.resident_bytes(*everyone), cpu(groups), time.monotonic()
    hold = calls / rate + 3
    peers = Peers(run, net, calls, rate, hold)
    time.sleep(calls / rate + 1.5)
    memory = system.resident_bytes(*everyone) - memory
    said = peers.finish(hold + calls / rate + 60)
    seconds = time.monotonic() - begin
    us = {name: (spent - before[name] - idle[name] * seconds) / calls * 1e6 for name, spent in cpu(groups).items()}
    server.stop()
    found = {"memory": memory / calls, "cpu_us": sum(us.values()), "failed": said["failed"],
             "parts": {name: report.digits(value) for name, value in us.items()}, "idle": idle}
    report.say(str(found))
    return found


def main(run, options):
    net = network.Network(run)
    parties(net)
    calls, rate = options.sessions or CALLS, options.rate or RATE
    ours, theirs = [], []
    for _ in range(options.rounds or 2):
        for side, found, name in ((Ours, ours, "ours"), (Theirs, theirs, "peer")):
            if options.only in (None, name):
                system.quiet(run, 2)
                found.append(measure(run, net, side, calls, rate))
    both = ours + theirs
    more = {"failed": [f["failed"] for f in both], "parts": [f["parts"] for f in both]}
    peer = "Kamailio 5.6 with rtpengine 10.5"
    report.compare("calls", f"CPU time of a call, set-up and tear-down, {rate} a second", "us",
                   [f["cpu_us"] for f in ours], [f["cpu_us"] for f in theirs], peer, goal=CPU_GOAL, better="lower", **more)
    report.compare("calls", f"memory of a call, {calls} at once", "bytes", [f["memory"] for f in ours],
                   [f["memory"] for f in theirs], peer, better="lower")
    if ours:
        report.compare("calls", f"memory of a call, {calls} at once", "bytes", [f["memory"] for f in ours], [MEMORY_GOAL],
                       "the goal: a fifth of rtpengine alone", goal=1.0, better="lower")
