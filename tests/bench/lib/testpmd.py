# SPDX-License-Identifier: BSD-3-Clause
"""DPDK's testpmd as the peer: one forwarding core, one device, rates from its own port statistics."""
import re
import subprocess
import time

from . import system


class Testpmd:
    def __init__(self, run, devices, mode, buffers, memory, hugepages, cores=1, mbuf_size=2176,
                 namespace=None, core=None):
        first = run.core if core is None else core
        lcores = [run.other_core] + [(first + i) % 2 for i in range(cores)]
        pinned = ",".join(f"{i}@{core}" for i, core in enumerate(lcores))
        command = ["stdbuf", "-oL", "dpdk-testpmd", "--no-pci", "--no-telemetry", f"--lcores={pinned}",
                   "--main-lcore=0"]
        command += ["--in-memory"] if hugepages else ["--no-huge", "--no-shconf", "-m", memory]
        for device in devices:
            command += [f"--vdev={device}"]
        command += ["--", "-i", f"--forward-mode={mode}", f"--nb-cores={cores}", "--port-topology=loop",
                    f"--total-num-mbufs={buffers}", f"--mbuf-size={mbuf_size}", "--burst=64", "--rxd=1024",
                    "--txd=1024", "--no-lsc-interrupt"]
        self.run = run
        self.process = run.start("testpmd", command, namespace=namespace, stdin=subprocess.PIPE)
        self.pid = self.process.pid
        run.wait_log(self.process, "Done", 60)
        self.say("start")
        time.sleep(0.5)

    def say(self, order):
        self.process.stdin.write((order + "\n").encode())
        self.process.stdin.flush()

    def packets(self):
        """(packets received so far, packets sent so far, CPU seconds of the forwarding cores so far)."""
        before = len(self.process.log.read_bytes())
        self.say("show port stats all")
        end = time.monotonic() + 3
        while time.monotonic() < end:
            text = self.process.log.read_bytes()[before:].decode(errors="replace")
            if "Tx-pps" in text and text.rstrip().endswith("####"):
                break
            time.sleep(0.005)
        received = sum(int(n) for n in re.findall(r"RX-packets:\s*(\d+)", text))
        sent = sum(int(n) for n in re.findall(r"TX-packets:\s*(\d+)", text))
        threads = system.thread_cpu(self.pid)
        cpu = sum(seconds for name, seconds in threads.items() if "worker" in name or "lcore" in name)
        return received, sent, cpu

    def stop(self):
        self.say("quit")
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            pass
        self.run.stop(self.process)
