# SPDX-License-Identifier: BSD-3-Clause
"""One veth pair between two namespaces: the relay's end m0 (10.98.0.1/16) in `dut`, all parties behind l0 in `load`.

Caller i is 10.98.1.1 port 10000+2i, callee i is 10.98.2.1 port 10000+2i. Party addresses are permanent neighbours of
m0, and not set on l0: the load generator speaks Ethernet itself, and the kernel drops what it has seen.

With `threaded` both ends poll in a kernel thread (NAPI threaded), pinned: m0's on the relay's core, l0's on the
generator's. So the softirq work of receiving for the relay is done by a thread whose CPU time can be read exactly,
instead of hiding in the sender's time. Sending is in the relay's own time anyway.
"""
import json
import pathlib
import re
import subprocess
import time

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
    def __init__(self, run, threaded=True):
        self.run = run
        self.dut = run.namespace("dut")
        self.load = run.namespace("load")
        before = set(self._napi_threads())
        run.veth(self.dut, self.load, threaded)
        self.relay_mac = self._mac(self.dut, "m0")
        self.party_mac = self._mac(self.load, "l0")
        system.sh("ip", "-n", self.dut, "addr", "add", f"{RELAY}/16", "dev", "m0")
        for address in (CALLER, CALLEE):
            system.sh("ip", "-n", self.dut, "neigh", "replace", address, "lladdr", self.party_mac, "dev", "m0",
                      "nud", "permanent")
        self.napi = {}
        if threaded:
            self._pin(set(self._napi_threads()) - before)

    @staticmethod
    def _mac(namespace, device):
        text = system.sh("ip", "-n", namespace, "-j", "link", "show", device)
        return json.loads(text)[0]["address"]

    @staticmethod
    def _napi_threads():
        for comm in pathlib.Path("/proc").glob("[0-9]*/comm"):
            try:
                if re.match(r"napi/[ml]0-", comm.read_text()):
                    yield int(comm.parent.name)
            except OSError:
                continue

    def _pin(self, threads):
        for pid in threads:
            name = pathlib.Path(f"/proc/{pid}/comm").read_text()
            mine = name.startswith("napi/m0")
            core = self.run.core if mine else self.run.other_core
            system.sh("taskset", "-p", "-c", core, pid)
            system.sh("renice", "-n", -20, "-p", pid)
            if mine:
                self.napi[pid] = name.strip()

    def napi_seconds(self):
        """CPU seconds of the relay's receive softirq so far."""
        return sum(system.cpu_seconds(pid) for pid in self.napi)

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
             junk_ratio=1, ready=None):
    """Runs rtp_load; its report, with the CPU seconds of process `relay` and of its softirq while it measured."""
    run = network.run
    command = ["ip", "netns", "exec", network.load, "taskset", "-c", run.other_core, "nice", "-n", -20,
               run.binaries["rtp_load"], "--interface", "l0", "--flows", flows, "--relay-mac", network.relay_mac,
               "--seconds", seconds, "--warmup", warmup, "--linger", linger, "--batch", batch]
    command += ["--rate", rate] if rate else ["--blast"]
    command += ["--fifo", fifo] if fifo else []
    command += ["--junk", junk, "--junk-ratio", junk_ratio] if junk else []
    process = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, text=True)
    run.processes.append(process)
    marks = {}
    report = None
    for line in process.stdout:
        word = line.strip()
        if word in ("begin", "end"):
            marks[word] = (time.monotonic(), system.cpu_seconds(relay.pid) if relay else 0.0, network.napi_seconds(),
                           system.core_busy(run.core), network.drops())
            if word == "begin" and ready:
                ready()
        elif word:
            report = json.loads(word)
    process.wait()
    run.processes.remove(process)
    if report is None or len(marks) < 2:
        raise RuntimeError("rtp_load ended without a report")
    first, last = marks["begin"], marks["end"]
    report["relay_cpu"] = last[1] - first[1]
    report["napi_cpu"] = last[2] - first[2]
    report["core_busy"] = last[3] - first[3]
    report["device_drops"] = last[4] - first[4]
    report["foreign_cpu"] = max(0.0, report["core_busy"] - report["relay_cpu"] - report["napi_cpu"])
    return report
