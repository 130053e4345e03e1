# SPDX-License-Identifier: BSD-3-Clause
"""Two workers on two cores against one: each polls a queue of its own, and the worst case, all packets handed over.

Rates are packets per CPU-second of a worker times the number of workers: what they would do on cores of their own.
"""
from lib import capture, report, system

NEEDS = ["hawse-media", "session_loader", "rtp_pcap"]
SESSIONS = 1000


def measure(run, pcaps, flows, sessions, workers, seconds):
    system.quiet(run, 1)
    side = capture.Capture(run, pcaps, flows, sessions, workers=workers)
    result = capture.rate(side, seconds)
    result["rate"] = result["per_cpu"] * workers
    found = side.loader.ask("counters")
    result["handed_off"] = found.get("media_handed_off_total", 0)
    report.say(f"{workers} workers: {result}, {side.drops()}")
    side.stop()
    return result


def main(run, options):
    sessions = options.sessions or SESSIONS
    seconds = options.seconds or 1.8
    run.hugepages(1024)
    flows = {n: capture.write_flows(run.path(f"{n}.flows"), sessions, n) for n in (1, 2)}
    single = [capture.write_pcap(run, flows[1], "one.pcap", 2 * sessions)]
    parts = [capture.write_pcap(run, capture.write_flows(run.path(f"part{n}.flows"), sessions, 2, n), f"part{n}.pcap",
                                sessions) for n in (0, 1)]
    found = {"two": [], "one": [], "swapped": []}
    for _ in range(options.rounds or 3):
        found["two"].append(measure(run, parts, flows[2], sessions, 2, seconds))
        found["one"].append(measure(run, single, flows[1], sessions, 1, seconds))
        found["swapped"].append(measure(run, parts[::-1], flows[2], sessions, 2, seconds))
    for name, case, goal in (("two", "two workers, each its own queue", 1.8),
                             ("swapped", "two workers, every packet handed to the other", None)):
        report.compare("workers", case, "Mpps", [r["rate"] / 1e6 for r in found[name]],
                       [r["rate"] / 1e6 for r in found["one"]], "ours with one worker", goal=goal,
                       handed_off=found[name][-1]["handed_off"],
                       core_share=[report.digits(r["share"]) for r in found[name]])
