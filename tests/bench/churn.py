# SPDX-License-Identifier: BSD-3-Clause
"""P7: 100,000 sessions added and as many deleted a second while forwarding, against the same without.

A thousand sessions forward a capture on one core as fast as they can; the control plane adds and deletes others from
the other core, where the agent runs too. Then the same on a veth at 20,000 packets a second, for the latency.
"""
from lib import capture, network, relays, report, system

NEEDS = ["hawse-media", "session_loader", "rtp_pcap", "rtp_load"]
SESSIONS = 1000
CHURN = 100000
LATENCY_RATE = 20000


def changes(side, rate):
    """One slice of churn. The loader answers nothing else meanwhile; it and the agent get real-time priority too."""
    system.sh("chrt", "-f", "-p", 40, side.loader.process.pid)
    done = side.loader.ask(f"churn {rate} {capture.SLICE}")
    system.sh("chrt", "-o", "-p", 0, side.loader.process.pid)
    return done


def forwarding(run, options, sessions, rate):
    spare = 4 * rate
    run.hugepages(2048)
    flows = capture.write_flows(run.path("flows"), sessions)
    pcap = capture.write_pcap(run, flows, "a.pcap", 2 * sessions)
    side = capture.Capture(run, [pcap], flows, sessions, memory=1024, capacity=sessions + spare, spare_ports=spare)
    seconds = options.seconds or capture.SLICE  # many turns: others load the machine, too
    found, churned, turns = {"churn": [], "idle": []}, [], {"churn": [], "idle": []}
    for _ in range(options.rounds or 16):
        marks = [side.stages()]
        found["idle"].append(capture.rate(side, seconds))
        marks.append(side.stages())
        found["churn"].append(capture.rate(side, seconds, lambda: churned.append(changes(side, rate))))
        turns["idle"].append((marks[0], marks[1]))
        turns["churn"].append((marks[1], side.stages()))
        report.say(f"idle {found['idle'][-1]['per_cpu'] / 1e6:.2f} Mpps, churn {found['churn'][-1]['per_cpu'] / 1e6:.2f}, "
                   f"{churned[-1]}")
    report.compare("churn", f"{rate} adds and deletes a second, {sessions} sessions forwarding", "Mpps",
                   [r["per_cpu"] / 1e6 for r in found["churn"]], [r["per_cpu"] / 1e6 for r in found["idle"]],
                   "ours without changes", goal=0.98, adds_a_second=[c["adds_a_second"] for c in churned],
                   deletes_a_second=[c["deletes_a_second"] for c in churned], failed=sum(c["failed"] for c in churned),
                   reply_us=churned[-1].get("reply_us"),
                   stage_cycles={name: capture.stage_cycles(t) for name, t in turns.items()})
    side.stop()


def latency(run, options, rate):
    net = network.Network(run)
    found = {"churn": [], "idle": []}
    seconds = options.seconds or 2.8
    with relays.Ours(run, net, 50, sessions=4 * rate, spare_addresses=32) as relay:
        for _ in range(options.rounds or 3):
            for name in found:
                system.quiet(run, 1)
                if name == "churn":
                    relay.loader.tell(f"churn {rate} {seconds * 2.5}")
                result = relay.slices(seconds, LATENCY_RATE, batch=1)
                churned = relay.loader.answer() if name == "churn" else None
                found[name].append(result)
                report.say(f"{name}: p50 {result['p50']}, p99.9 {result['p99.9']} us, {result['lost']} lost, "
                           f"{result['slices']} slices, {churned}")
    for name, goal in (("p50", None), ("p99.9", 2.0)):
        report.compare("churn", f"{name} at {LATENCY_RATE} packets a second over veth, {rate} adds and deletes", "us",
                       [r[name] for r in found["churn"]], [r[name] for r in found["idle"]], "ours without changes",
                       goal=goal, better="lower", lost={k: [r["lost"] for r in v] for k, v in found.items()},
                       slices={k: [r["slices"] for r in v] for k, v in found.items()})


def main(run, options):
    rate = options.rate or CHURN
    forwarding(run, options, options.sessions or SESSIONS, rate)
    if options.only is None:  # both sides are ours; one alone means the first figure alone
        latency(run, options, rate)
