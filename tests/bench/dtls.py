# SPDX-License-Identifier: BSD-3-Clause
"""P10: DTLS-SRTP handshakes a CPU-second, both ends counted, against bare OpenSSL between memory BIOs.

One process holds both ends and counts its own CPU time, so what else runs on the machine does not matter much. `pool`
is the way hawse-sip does it: on a thread of its own, datagrams and keys handed over by queues.
"""
import json
import subprocess

from lib import report

NEEDS = ["dtls_load"]
GOAL = 0.85


def measure(run, kind, seconds):
    command = ["taskset", "-c", str(run.options.core), run.binaries["dtls_load"], kind, str(seconds)]
    return json.loads(subprocess.check_output(command, text=True))["a_cpu_second"]


def main(run, options):
    seconds = options.seconds or 3
    found = {"ours": [], "pool": [], "bare": []}
    for _ in range(options.rounds or 5):
        for kind, values in found.items():
            values.append(measure(run, kind, seconds))
        report.say(str({k: v[-1] for k, v in found.items()}))
    report.compare("dtls", "handshakes by our associations", "a CPU-second", found["ours"], found["bare"],
                   "bare OpenSSL, memory BIOs", goal=GOAL)
    report.compare("dtls", "handshakes on hawse-sip's threads", "a CPU-second", found["pool"], found["bare"],
                   "bare OpenSSL, memory BIOs", goal=GOAL)
