# SPDX-License-Identifier: BSD-3-Clause
"""One veth pair between two namespaces: the relay's end m0 (10.98.0.1/16) in `dut`, all parties behind l0 in `load`.

Caller i is 10.98.1.1 port 10000+2i, callee i is 10.98.2.1 port 10000+2i. Party addresses are permanent neighbours of
m0, and not set on l0: the load generator speaks Ethernet itself, and the kernel drops what it has seen.

The MAC of all parties is not l0's own, so that the kernel drops a relayed packet (for another host) as soon as the
generator's ring has seen it.

Softirq work has no owner that can be asked, so it is counted where it happens. veth runs the receiver's softirq in
the sender's context: what the relay's end makes of a packet (the kernel's UDP for rtpengine; XDP and AF_XDP for
Hawse) is CPU time of the generator's send, read from its thread clock around each send, less what the same send costs
when the relay's end drops the packet at once (`base`). What the relay sends is received by the generator's ring in
the relay's own context, and counts as the relay's; both sides pay for it alike.
"""
import json
import statistics
import subprocess

from . import system

RELAY = "10.98.0.1"
CALLER = "10.98.1.1"
CALLEE = "10.98.2.1"
FIRST_PORT = 10000


def caller(i):
    return CALLER, FIRST_PORT + 2 * i


def callee(i):
    return CALLEE, FIRST_PORT + 2 * i


class Network:
    def __init__(self, run):
        self.run = run
        self.dut = run.namespace("dut")
        self.load = run.namespace("load")
        run.veth(self.dut, self.load)
        self.relay_mac = self._mac(self.dut, "m0")
        self.party_mac = "02:98:00:00:00:02"
        system.sh("ip", "-n", self.dut, "addr", "add", f"{RELAY}/16", "dev", "m0")
        for address in (CALLER, CALLEE):
            system.sh("ip", "-n", self.dut, "neigh", "replace", address, "lladdr", self.party_mac, "dev", "m0",
                      "nud", "permanent")
        self.base = 0.0  # CPU seconds of a send to nobody

    @staticmethod
    def _mac(namespace, device):
        text = system.sh("ip", "-n", namespace, "-j", "link", "show", device)
        return json.loads(text)[0]["address"]

    def measure_base(self):
        """What a send costs that the relay's end drops at once, as a packet for another host."""
        flows = self.run.path("base.flows")
        write_flows(flows, [(caller(i), (RELAY, 20000 + 2 * i), callee(i)) for i in range(64)])
        mac, self.relay_mac = self.relay_mac, "02:98:00:00:00:09"
        found = []
        for _ in range(3):
            result = generate(self, flows, 0.7, linger=0.0)
            found.append(result["send_cpu"] / result["sent"])
        self.relay_mac = mac
        self.base = statistics.median(found)
        return result["sent"] / result["seconds"]

    def drops(self):
        """What the relay's veth end could not take: full ring, no socket buffer."""
        text = system.sh("ip", "netns", "exec", self.dut, "sh", "-c",
                         "cat /sys/class/net/m0/statistics/rx_dropped")
        return int(text)


def write_flows(path, pairs):
    """pairs: ((source ip, port), (relay ip, port), (receiver ip, port)) for each flow."""
    with open(path, "w", encoding="ascii") as out:
        for flow in pairs:
            out.write(" ".join(f"{ip} {port}" for ip, port in flow) + "\n")


def generate(network, flows, seconds, rate=None, warmup=0.0, linger=0.5, batch=32, fifo=0, relay=None, junk=None,
             junk_ratio=1, ready=None, sleepy=False):
    """Runs rtp_load; its report, with the CPU seconds while it measured of process `relay`, of its softirq, and of others
    on its core."""
    run = network.run
    command = ["ip", "netns", "exec", network.load, "taskset", "-c", run.other_core, "nice", "-n", -20,
               run.binaries["rtp_load"], "--interface", "l0", "--flows", flows, "--relay-mac", network.relay_mac,
               "--seconds", seconds, "--warmup", warmup, "--linger", linger, "--batch", batch]
    command += ["--rate", rate] if rate else ["--blast"]
    command += ["--fifo", fifo] if fifo else []
    command += ["--cpu-of", relay.pid] if relay else []
    command += ["--sleepy"] if sleepy else []
    command += ["--junk", junk, "--junk-ratio", junk_ratio] if junk else []
    process = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, text=True)
    run.processes.append(process)
    busy, drops, report = {}, {}, None
    for line in process.stdout:
        word = line.strip()
        if word in ("begin", "end"):
            busy[word], drops[word] = system.core_busy(run.core), network.drops()
            if word == "begin" and ready:
                ready()
        elif word:
            report = json.loads(word)
    process.wait()
    run.processes.remove(process)
    if report is None or len(busy) < 2:
        raise RuntimeError("rtp_load ended without a report")
    report["softirq_cpu"] = max(0.0, report["send_cpu"] - network.base * (report["sent"] + report["junk_sent"]))
    report["foreign_cpu"] = max(0.0, busy["end"] - busy["begin"] - report["relay_cpu"])
    report["device_drops"] = drops["end"] - drops["begin"]
    return report
