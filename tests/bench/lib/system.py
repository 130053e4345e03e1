# SPDX-License-Identifier: BSD-3-Clause
"""The machine during a run: a directory, processes, namespaces, hugepages; all of it undone however the run ends."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from . import report

HUGE = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages")
FREE = HUGE.with_name("free_hugepages")
TICK = os.sysconf("SC_CLK_TCK")


def sh(*command, check=True, quiet=False):
    """Runs a command; its output. A failing one ends the bench with what it said."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False)
    if done.returncode and check:
        sys.exit(f"tests/bench/run: {' '.join(map(str, command))}: {done.stderr.strip() or done.stdout.strip()}")
    if done.returncode and not quiet:
        report.say(done.stderr.strip())
    return done.stdout


def core_busy(core):
    """CPU seconds that a core was not idle since boot (all processes, softirq, steal)."""
    with open("/proc/stat", encoding="ascii") as stat:
        for text in stat:
            if text.startswith(f"cpu{core} "):
                fields = [int(v) for v in text.split()[1:]]
                return (sum(fields[:3]) + sum(fields[5:8])) / TICK
    return 0.0


def cpu_seconds(pid):
    """CPU seconds of all threads of a process, in nanosecond accuracy, of the living ones."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*"):
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except OSError:
            continue
    return total / 1e9


def thread_cpu(pid):
    """{thread name: CPU seconds}; threads of one name are added up."""
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*"):
        try:
            name = (task / "comm").read_text().strip()
            found[name] = found.get(name, 0.0) + int((task / "schedstat").read_text().split()[0]) / 1e9
        except OSError:
            continue
    return found


def memory_kib(pid, field="VmRSS"):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
        for text in status:
            if text.startswith(field + ":"):
                return int(text.split()[1])
    return 0


class Run:
    """Context of one run. Everything that is started or made goes through it."""

    def __init__(self, options):
        self.options = options
        self.binaries = {}
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="hawse-bench."))
        self.processes = []
        self.namespaces = []
        self.undo = []
        self.took_hugepages = False
        self.core = options.core
        cores = os.cpu_count() or 1
        self.other_core = (options.core + 1) % cores

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        for process in reversed(self.processes):
            self.stop(process)
        for name in reversed(self.namespaces):
            self.remove_namespace(name)
        for action in reversed(self.undo):
            action()
        if self.options.keep:
            report.say(f"everything is kept in {self.directory}")
        elif kind is not None and not (kind is SystemExit and value.code in (None, 0, 130)):
            report.say(f"logs are kept in {self.directory}")
        else:
            shutil.rmtree(self.directory, ignore_errors=True)
        return False

    def path(self, name):
        return self.directory / name

    def namespace(self, name):
        full = f"hwb{os.getpid()}-{name}"
        sh("ip", "netns", "add", full)
        self.namespaces.append(full)
        sh("ip", "-n", full, "link", "set", "lo", "up")
        return full

    def remove_namespace(self, name):
        for pid in sh("ip", "netns", "pids", name, check=False, quiet=True).split():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                pass
        sh("ip", "netns", "del", name, check=False)

    def start(self, name, command, namespace=None, core=None, nice=-20, stdin=subprocess.DEVNULL):
        """A process in the background; output goes to NAME.log. `core`: an int, or "0,1"."""
        whole = []
        if namespace:
            whole += ["ip", "netns", "exec", namespace]
        if core is not None:
            whole += ["taskset", "-c", str(core)]
        whole += ["nice", "-n", str(nice)] + [str(c) for c in command]
        log = open(self.path(name + ".log"), "wb")
        process = subprocess.Popen(whole, stdout=log, stderr=subprocess.STDOUT, stdin=stdin, start_new_session=True)
        process.log = self.path(name + ".log")
        process.name = name
        self.processes.append(process)
        return process

    def stop(self, process, seconds=8):
        if process in self.processes:
            self.processes.remove(process)
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def died(self, process):
        text = process.log.read_text(errors="replace").splitlines()[-15:]
        sys.exit("\n".join(text) + f"\ntests/bench/run: {process.name} ended with status {process.returncode}")

    def wait_log(self, process, word, seconds=20):
        """Until the log holds the word."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if word in process.log.read_text(errors="replace"):
                return
            if process.poll() is not None:
                self.died(process)
            time.sleep(0.02)
        text = process.log.read_text(errors="replace").splitlines()[-15:]
        sys.exit("\n".join(text) + f"\ntests/bench/run: {process.name} did not say '{word}' in {seconds} s")

    def hugepages(self, mib):
        """Sees to it that so many MiB of 2 MiB pages are free, and gives back at the end what it took. Returns the MiB
        that are free now."""
        if self.options.hugepages is not None:
            mib = self.options.hugepages
        if not HUGE.exists() or mib == 0:
            return 0
        total, free = int(HUGE.read_text()), int(FREE.read_text())
        if free * 2 < mib:
            HUGE.write_text(str(total - free + (mib + 1) // 2))
            if not self.took_hugepages:
                self.took_hugepages = True
                self.undo.append(lambda: HUGE.write_text(str(total)))
        return int(FREE.read_text()) * 2

    def veth(self, dut, load):
        """m0 in namespace `dut` and l0 in `load`: one veth pair, as lib/network.py says."""
        sh("ip", "-n", dut, "link", "add", "m0", "numtxqueues", "1", "numrxqueues", "1", "type", "veth",
           "peer", "name", "l0", "numtxqueues", "1", "numrxqueues", "1", "netns", load)
        for name, device in ((dut, "m0"), (load, "l0")):
            sh("ip", "netns", "exec", name, "sysctl", "-q", "-w", "net.ipv6.conf.all.disable_ipv6=1")
            sh("ip", "-n", name, "link", "set", device, "up")


def quiet(run, seconds=20.0, limit=0.15):
    """Waits until other people's work leaves both cores alone, at most so long. The share that is busy then."""
    end = time.monotonic() + seconds
    cores = sorted({run.core, run.other_core})
    while True:
        before = [core_busy(core) for core in cores]
        begin = time.monotonic()
        time.sleep(0.5)
        busy = max((core_busy(core) - old) / (time.monotonic() - begin) for core, old in zip(cores, before))
        if busy <= limit or time.monotonic() > end:
            if busy > limit:
                report.say(f"other work keeps a core {busy:.0%} busy: figures may suffer")
            return busy


def resident_bytes(*pids):
    """Resident memory of processes, huge pages included. What they share counts once; program files do not count,
    because what is left of them depends on who else runs them."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
            for text in rollup:
                if text.startswith(("Pss_Anon:", "Pss_Shmem:", "Private_Hugetlb:", "Shared_Hugetlb:")):
                    total += int(text.split()[1]) * 1024
    return total
