# SPDX-License-Identifier: BSD-3-Clause
"""hawse-media on a configuration of the bench's own, and the session loader as its control plane."""
import json
import subprocess
import sys

from . import system


class Hawse:
    """One hawse-media. `media`: {name: {"device": ..., "address": [...], "ports": "a-b"}}."""

    def __init__(self, run, media, namespace=None, workers=1, cores=None, sessions=10000, poll="busy", memory=256,
                 quarantine=1, fifo=0, nice=-20, name="hawse-media",
                 sip=None, one_core=False, dataplane=None):
        self.run = run
        self.namespace = namespace
        directory = run.path(f"run-{name}")
        directory.mkdir(exist_ok=True)
        self.socket = directory / "media.sock"
        config = {
            "media": media,
            "dataplane": {"workers": workers, "cores": cores or [run.core],
                          "poll": poll, "sessions": sessions, "memory": memory, "quarantine": quarantine},
            "sip": {"listen": ["udp:127.0.0.1"]},
            "peers": {"all": {"kind": "trunk", "address": "127.0.0.2"}},
            "routes": [{"to": ["all"]}],
            "run": str(directory),
        }
        config["dataplane"].update(dataplane or {})
        config.update(sip or {})
        if not one_core and run.other_core not in config["dataplane"]["cores"]:
            config["dataplane"]["agent_core"] = run.other_core
        path = run.path(f"{name}.yaml")
        self.config = path
        path.write_text(json.dumps(config, indent=1))  # JSON is YAML
        self.process = run.start(name, [run.binaries["hawse-media"], "-c", path], namespace=namespace, nice=nice,
                                 core=run.core if one_core else None)
        run.wait_log(self.process, "ready", 60)
        if fifo:
            system.sh("chrt", "-a", "-f", "-p", fifo, self.process.pid)
        self.pid = self.process.pid
        self.loaders = []

    def load(self, count, flows, both=False, caller=None, callee=None, codecs=None, srtp=None):
        """Installs sessions on ports of hawse-media's choice; the Loader stays attached."""
        arguments = ["--sessions", count, "--flows", flows]
        arguments += ["--both"] if both else []
        arguments += ["--caller", caller, "--callee", callee] if caller else []
        arguments += ["--codecs", codecs] if codecs else []
        arguments += ["--srtp", srtp] if srtp else []
        self.loaders.append(Loader(self, arguments, count))
        return self.loaders[-1]

    def stop(self):
        for loader in self.loaders:
            loader.close()
        self.run.stop(self.process)


class Loader:
    """session_loader. `.installed` says how it went; .ask() gives it an order."""

    def __init__(self, hawse, arguments, count):
        run = hawse.run
        command = ["taskset", "-c", run.other_core, "nice", "-n", -20, run.binaries["session_loader"], "--socket", hawse.socket,
                   *arguments]
        self.process = subprocess.Popen([str(c) for c in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        run.processes.append(self.process)
        self.run = run
        self.installed = self._answer()
        if self.installed["failed"] or self.installed["sessions"] != count:
            sys.exit(f"tests/bench/run: sessions were refused: {self.installed}")

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit("tests/bench/run: the session loader ended")
        return json.loads(line)

    def ask(self, order):
        self.tell(order)
        return self._answer()

    def tell(self, order):
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()

    def answer(self):
        return self._answer()

    def close(self):
        if self.process in self.run.processes:
            self.run.processes.remove(self.process)
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
