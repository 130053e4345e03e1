# SPDX-License-Identifier: BSD-3-Clause
"""P8, P9: CPU time and memory of a call through hawse-sip and hawse-media together, against the goals.

Two SIP parties on a veth set up 2,000 calls at 100 a second, hold them all without media, and end them. CPU time is
that of both processes, less what they use with no calls; memory is resident memory, what both share counted once.
There is no peer in the run: the goals come from Kamailio 5.6 with rtpengine, measured once (shared/GOALS.md).
"""
import json
import time

from lib import hawse, network, report, system

NEEDS = ["hawse-media", "hawse-sip", "sip_peer"]
CALLS = 2000
RATE = 100
CPU_GOAL_US = 280.0
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


def measure(run, net, calls, rate):
    side = hawse.Hawse(run, {"public": {"device": "m0", "address": [network.RELAY], "ports": "20000-59999"}},
                       namespace=net.dut, poll="adaptive", sessions=2 * calls, sip=configuration())
    sip = run.start("hawse-sip", [run.binaries["hawse-sip"], "-c", side.config], namespace=net.dut, nice=0)
    run.wait_log(sip, "ready", 30)
    pids = (side.pid, sip.pid)
    Peers(run, net, 200, rate, 0.2).finish(60)  # what is allocated once
    time.sleep(1.5)
    cpu = [system.cpu_seconds(pid) for pid in pids]
    time.sleep(3)
    idle = [(system.cpu_seconds(pid) - old) / 3 for pid, old in zip(pids, cpu)]
    before, cpu, begin = system.resident_bytes(*pids), [system.cpu_seconds(p) for p in pids], time.monotonic()
    hold = calls / rate + 4
    peers = Peers(run, net, calls, rate, hold)
    time.sleep(calls / rate + 2)
    memory = system.resident_bytes(*pids) - before
    said = peers.finish(hold + calls / rate + 60)
    spent = [system.cpu_seconds(p) - old - rest * (time.monotonic() - begin) for p, old, rest in zip(pids, cpu, idle)]
    run.stop(sip)
    side.stop()
    return {"memory": memory / calls, "cpu_us": sum(spent) / calls * 1e6, "sip_us": spent[1] / calls * 1e6,
            "failed": said["failed"], "idle_cpu": idle}


def main(run, options):
    net = network.Network(run)
    parties(net)
    calls, rate = options.sessions or CALLS, options.rate or RATE
    found = []
    for _ in range(options.rounds or 1):
        system.quiet(run, 1)
        found.append(measure(run, net, calls, rate))
        report.say(str(found[-1]))
    failed = [f["failed"] for f in found]
    report.compare("calls", f"CPU time of a call, set-up and tear-down, {rate} a second", "us",
                   [f["cpu_us"] for f in found], [CPU_GOAL_US], "the goal: a quarter of Kamailio with rtpengine", goal=1.0,
                   better="lower", hawse_sip=[report.digits(f["sip_us"]) for f in found], failed=failed)
    report.compare("calls", f"memory of a call, {calls} at once", "bytes", [f["memory"] for f in found], [MEMORY_GOAL],
                   "the goal: a fifth of rtpengine alone", goal=1.0, better="lower", failed=failed)
