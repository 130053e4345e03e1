# SPDX-License-Identifier: BSD-3-Clause
"""R3, calls: goodput at four times the calls that hawse-sip can take, against the best it reaches.

hawse-sip is held to a share of a core (cgroup, 10 ms periods), so that the generator on the other core can offer
several times what it can take. Callers repeat themselves as RFC 3261 wants it and give up after 4 s; each call is INVITE, 200, ACK,
"""
import json
import os
import pathlib
import subprocess

from lib import hawse, network, report, system

NEEDS = ["hawse-media", "hawse-sip", "sip_load"]
SHARE = 0.15
SECONDS = 4.0
CPU = pathlib.Path("/sys/fs/cgroup/cpu")


def parties(net):
    mac = json.loads(system.sh("ip", "-n", net.load, "-j", "link", "show", "l0"))[0]["address"]
    for address in (network.CALLER, network.CALLEE):
        system.sh("ip", "-n", net.load, "addr", "add", f"{address}/16", "dev", "l0")
        system.sh("ip", "-n", net.dut, "neigh", "replace", address, "lladdr", mac, "dev", "m0", "nud", "permanent")


def configuration():
    return {"sip": {"listen": [f"udp:{network.RELAY}"], "trace": 1, "max_calls": 50000, "media_timeout": 0},
            "peers": {"office": {"kind": "trunk", "address": network.CALLER},
                      "carrier": {"kind": "trunk", "address": network.CALLEE}},
            "routes": [{"from": "office", "to": ["carrier"]}]}


def limit(run, process, share):
    """So much of a core for a process and no more. Version 1 of cgroups, or 2."""
    group = (CPU if (CPU / "cpu.cfs_quota_us").exists() else pathlib.Path("/sys/fs/cgroup")) / f"hawse-bench-{os.getpid()}"
    group.mkdir(exist_ok=True)
    run.undo.append(group.rmdir)
    if (group / "cpu.cfs_quota_us").exists():
        (group / "cpu.cfs_period_us").write_text("10000")
        (group / "cpu.cfs_quota_us").write_text(str(int(share * 10000)))
    else:
        (group / "cpu.max").write_text(f"{int(share * 10000)} 10000")
    (group / "cgroup.procs").write_text(str(process.pid))


def offer(run, net, rate, seconds):
    command = ["ip", "netns", "exec", net.load, "taskset", "-c", run.other_core, run.binaries["sip_load"],
               "--caller", network.CALLER, "--callee", network.CALLEE, "--relay", network.RELAY,
               "--rate", rate, "--seconds", seconds, "--warmup", 2]
    out = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=True).stdout
    found = json.loads(out)
    report.say(f"offered {rate:.0f}: {out.strip()}")
    return found


def best(run, net, seconds):
    """The rate with the highest goodput: doubled until the goodput falls behind, then looked at more closely."""
    rate, found = 200.0, {}
    while rate < 20000:
        found[rate] = offer(run, net, rate, seconds / 2)["good"]
        if found[rate] < 0.9 * rate:
            break
        rate *= 2
    top = max(found, key=found.get)
    for factor in (1.15, 1.3, 0.85):
        near = round(found[top] * factor)
        found[near] = offer(run, net, near, seconds / 2)["good"]
    return max(found, key=found.get)


def main(run, options):
    net = network.Network(run)
    parties(net)
    run.hugepages(1024)
    side = hawse.Hawse(run, {"public": {"device": "m0", "address": [network.RELAY], "ports": "6000-65535"}},
                       namespace=net.dut, poll="adaptive", sessions=60000, quarantine=1, sip=configuration())
    sip = run.start("hawse-sip", [run.binaries["hawse-sip"], "-c", side.config], namespace=net.dut, core=run.core, nice=0)
    run.wait_log(sip, "ready", 30)
    limit(run, sip, SHARE)
    seconds = options.seconds or SECONDS
    rate = options.rate or best(run, net, seconds)
    peak, flood = [], []
    for _ in range(options.rounds or 3):
        peak.append(offer(run, net, rate, seconds))
        flood.append(offer(run, net, 4 * rate, seconds))
    report.compare("overload", f"goodput at 4x, {SHARE:.0%} of a core", "calls/s", [f["good"] for f in flood],
                   [p["good"] for p in peak], f"ours at its best, {rate:.0f} calls a second offered", goal=0.95,
                   setup_p99_ms=[f["setup_p99_ms"] for f in flood], refused=[f["refused"] for f in flood],
                   failed=[f["failed"] for f in flood], lost=[f["lost"] for f in flood],
                   repeats=[f["repeats"] for f in flood])
    run.stop(sip)
    side.stop()
