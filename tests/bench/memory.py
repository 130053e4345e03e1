# SPDX-License-Identifier: BSD-3-Clause
"""P9: memory a session takes in hawse-media, against rtpengine's a call, and the CPU time to set one up.

Resident memory of the process (regions shared with the control plane included) with the sessions installed, less what
it had without, by the number of sessions. rtpengine gets offers and answers by its ng protocol, as many as its
descriptors allow: four a call. Its sockets' kernel memory is not counted.
"""
import resource
import time

from lib import capture, hawse, network, report, rtpengine, system

NEEDS = ["hawse-media", "session_loader", "rtpengine"]
SESSIONS = 100000
GOAL = 0.2  # of rtpengine's


def ours(run, sessions):
    media = {"nowhere": {"device": "net_null0,no-rx=1", "address": capture.addresses(sessions), "ports": "1024-65535"}}
    side = hawse.Hawse(run, media, sessions=sessions, poll="adaptive", memory=256)
    time.sleep(1)
    before, cpu = system.resident_bytes(side.pid), system.cpu_seconds(side.pid)
    loader = side.load(sessions, run.path("ours.flows"))
    time.sleep(0.5)
    after, spent = system.resident_bytes(side.pid), system.cpu_seconds(side.pid) - cpu
    side.stop()
    return {"bytes": (after - before) / sessions, "cpu_us": spent / sessions * 1e6,
            "adds": loader.installed["adds_a_second"], "base": before}


def theirs(run, namespace, calls):
    process, control = rtpengine.start(run, namespace, "127.0.0.1", core=None, ports=(1024, 65534))
    time.sleep(1)
    before, cpu, begin = system.resident_bytes(process.pid), system.cpu_seconds(process.pid), time.monotonic()
    for i in range(calls):
        control.call(network.caller(i), network.callee(i))
    took = time.monotonic() - begin
    after, spent = system.resident_bytes(process.pid), system.cpu_seconds(process.pid) - cpu
    run.stop(process)
    return {"bytes": (after - before) / calls, "cpu_us": spent / calls * 1e6, "adds": calls / took, "base": before}


def main(run, options):
    sessions = options.sessions or SESSIONS
    calls = min(4000, (resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 500) // 4)
    namespace = run.namespace("peer")
    found = {"ours": [], "peer": []}
    for _ in range(options.rounds or 3):
        if options.only != "peer":
            found["ours"].append(ours(run, sessions))
        if options.only != "ours":
            found["peer"].append(theirs(run, namespace, calls))
        report.say(str({k: v[-1:] for k, v in found.items()}))
    name = f"rtpengine 10.5, {calls} calls"
    report.compare("memory", f"resident bytes a session, {sessions} sessions", "bytes",
                   [r["bytes"] for r in found["ours"]], [r["bytes"] for r in found["peer"]], name, goal=GOAL, better="lower",
                   before_any={k: v[-1]["base"] for k, v in found.items() if v})
    report.compare("memory", "CPU time to set one up (ports and session; offer and answer)", "us",
                   [r["cpu_us"] for r in found["ours"]], [r["cpu_us"] for r in found["peer"]], name, better="lower",
                   a_second={k: [report.digits(r["adds"]) for r in v] for k, v in found.items()})
