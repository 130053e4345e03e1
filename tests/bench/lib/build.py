# SPDX-License-Identifier: BSD-3-Clause
"""Builds what a bench needs, as it would be installed: meson buildtype=release, in a directory of its own."""
import os
import pathlib
import shutil
import subprocess
import sys

from . import report

ROOT = pathlib.Path(__file__).resolve().parents[3]

# What a bench may name in NEEDS: ninja targets by their path in the build directory, or programs of packages.
TARGETS = {
    "hawse-media": "dataplane/hawse-media",
    "hawse-sip": "controlplane/hawse-sip",
    "sip_peer": "tests/lib/sip_peer",
    "session_loader": "tests/bench/session_loader",
    "rtp_load": "tests/bench/rtp_load",
    "sip_load": "tests/bench/sip_load",
    "route_bench": "tests/bench/route_bench",
    "rtp_pcap": "tests/bench/rtp_pcap",
    "dtls_load": "tests/bench/dtls_load",
    "register_load": "tests/bench/register_load",
    "transcode_cycles": "tests/bench/transcode_cycles",
    "transcode_load": "tests/bench/transcode_load",
    "srtp_cycles": "tests/bench/srtp_cycles",
}
PACKAGES = {"dpdk-testpmd": "dpdk-dev", "rtpengine": "rtpengine-daemon", "kamailio": "kamailio"}


def _call(command, log):
    with open(log, "ab") as out:
        if subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, cwd=ROOT, check=False).returncode:
            tail = pathlib.Path(log).read_text(errors="replace").splitlines()[-40:]
            sys.exit("\n".join(tail) + f"\ntests/bench/run: {' '.join(map(str, command))} failed, see {log}")


def prepare(run, needs):
    directory = run.options.build or ROOT / "build-bench"
    targets = [TARGETS[name] for name in needs if name in TARGETS]
    for name in needs:
        if name in PACKAGES and not shutil.which(name):
            sys.exit(f"tests/bench/run: {name} is not installed: apt-get install {PACKAGES[name]}")
    if run.options.only == "peer":
        targets = [t for t in targets if not t.endswith("hawse-media")]
    if targets and not run.options.no_build:
        report.say(f"building {', '.join(os.path.basename(t) for t in targets)} in {directory}")
        log = run.path("build.log")
        if not (directory / "build.ninja").exists():
            _call(["meson", "setup", "--buildtype=release", "-Dtests=false", "-Dwerror=false", directory], log)
        _call(["ninja", "-C", directory, *targets], log)
    run.binaries = {name: directory / TARGETS[name] for name in TARGETS}
