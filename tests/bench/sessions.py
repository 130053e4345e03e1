# SPDX-License-Identifier: BSD-3-Clause
"""P2: a million sessions in random order, against our own rate at a thousand.

Both sides play captures of the same length, one packet after the other in random order, so that the device costs the
same (its own packets lie in memory all over the place in both); only the sessions that they belong to differ. Both
run at once on one core, one of them stopped while the other is measured.
"""
import os
import signal
import time

from lib import capture, report, system, testpmd

NEEDS = ["hawse-media", "session_loader", "rtp_pcap", "dpdk-testpmd"]
SESSIONS = 1000000
REFERENCE = 1000


class Side:
    def __init__(self, run, name, sessions, packets, memory):
        begin = time.monotonic()
        flows = capture.write_flows(run.path(f"{name}.flows"), sessions)
        pcap = capture.write_pcap(run, flows, f"{name}.pcap", packets, seed=7, every=2)
        self.side = capture.Capture(run, [pcap], flows, sessions, memory=memory, name=f"hawse-media-{name}")
        pcap.unlink()
        self.installed = self.side.loader.installed
        self.turns = []
        report.say(f"{sessions} sessions: up in {time.monotonic() - begin:.1f} s, {self.installed}")
        self.pause()

    def pause(self):
        os.kill(self.side.pid, signal.SIGSTOP)

    def measure(self, seconds):
        os.kill(self.side.pid, signal.SIGCONT)
        time.sleep(0.3)
        before = self.side.stages()
        result = capture.rate(self.side, seconds)
        self.turns.append((before, self.side.stages()))
        self.pause()
        return result

    def stop(self):
        os.kill(self.side.pid, signal.SIGCONT)
        self.side.stop()


def device_alone(run, packets, memory, huge):
    """testpmd's io on the same captures: what the device itself costs, cold and warm."""
    flows = capture.write_flows(run.path("device.flows"), REFERENCE)
    for count in (2 * REFERENCE, packets):
        pcap = capture.write_pcap(run, flows, "device.pcap", count, seed=7)
        side = testpmd.Testpmd(run, [capture.device([pcap])], "io", count + 16384, memory, huge)
        result = capture.rate(side, 1.0)
        side.stop()
        report.line(bench="sessions", case=f"device alone, {count} packets", unit="Mpps",
                    peer=report.digits(result["per_cpu"] / 1e6), peer_name="testpmd io")


def main(run, options):
    sessions = options.sessions or SESSIONS
    memory = 512 + sessions * 5 // 1024  # MiB: buffers for every packet of the capture, legs
    huge = run.hugepages(2 * memory + 256)
    device_alone(run, sessions, memory, huge)
    sides = {"many": Side(run, "many", sessions, sessions, memory),
             "few": Side(run, "few", REFERENCE, sessions, memory)}
    found = {"many": [], "few": []}
    for _ in range(options.rounds or 5):
        for name, side in sides.items():
            system.quiet(run, 1)
            found[name].append(side.measure(options.seconds or 1.5))
            report.say(f"{name}: {found[name][-1]}")
    dropped = {}
    for name, side in sides.items():
        os.kill(side.side.pid, signal.SIGCONT)
        dropped[name] = side.side.drops()
        report.line(bench="sessions", case="sweep", unit="Mpps", packets=sessions,
                    sessions=sessions if name == "many" else REFERENCE,
                    ours=report.digits(sorted(r["per_cpu"] for r in found[name])[len(found[name]) // 2] / 1e6),
                    stage_cycles=capture.stage_cycles(side.turns))
    report.compare("sessions", f"{sessions} sessions in random order", "Mpps", [r["per_cpu"] / 1e6 for r in found["many"]],
                   [r["per_cpu"] / 1e6 for r in found["few"]], f"ours at {REFERENCE} sessions, capture of the same length",
                   goal=0.75, hugepages=huge, adds_a_second=sides["many"].installed["adds_a_second"], drops=dropped,
                   core_share={k: [report.digits(r["share"]) for r in v] for k, v in found.items()})
    for side in sides.values():
        side.stop()
