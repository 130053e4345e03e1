# SPDX-License-Identifier: BSD-3-Clause
"""P4: cycles a packet of SRTP, each suite: ours against the bare intel-ipsec-mb loop and against libsrtp2.

Packets of 172 bytes of 8 legs, in bursts. "raw" is the backend's arithmetic alone in the same bursts; ours is what the
stages protect and unprotect call: layout, indices, replay windows and that arithmetic. The goal of P4 allows plain relay
+ 1.15 x raw, and a plain packet costs PLAIN cycles (bench relay: 29 Mpps at 2.6 GHz).
"""
import json
import subprocess

from lib import report

NEEDS = ["srtp_cycles"]
PLAIN = 89


def one_round(run, options):
    command = ["taskset", "-c", str(options.core), "chrt", "-f", "10", str(run.binaries["srtp_cycles"])]
    out = subprocess.run(command, capture_output=True, text=True, check=True)
    report.say(out.stderr.strip())
    return [json.loads(line) for line in out.stdout.splitlines()]


def main(run, options):
    rounds = [one_round(run, options) for _ in range(options.rounds or 3)]
    for i, first in enumerate(rounds[0]):
        raw = [r[i]["raw"] for r in rounds]
        for way in ("protect", "unprotect"):
            ours = [r[i][way] for r in rounds]
            case = f"{first['suite']} {way}, bursts of {first['burst']}"
            # Relay and SRTP together, as P4 has it.
            goal = (PLAIN + 1.15 * min(raw)) / (PLAIN + min(raw))
            report.compare("srtp", case, "cycles a packet, with a plain relay", [PLAIN + v for v in ours],
                           [PLAIN + v for v in raw], "raw intel-ipsec-mb loop", goal, "lower",
                           srtp_alone=report.digits(min(ours)), raw_alone=report.digits(min(raw)))
        report.compare("srtp", f"{first['suite']} protect, bursts of {first['burst']}", "cycles a packet",
                       [r[i]["protect"] for r in rounds], [r[i]["libsrtp2"] for r in rounds],
                       "libsrtp2 of Debian", None, "lower")
