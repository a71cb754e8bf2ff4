"""The script `muster` as a command with a state folder of the test's own."""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "muster"
EVERYTHING_INSTALLED = 'shift 3; for name; do echo "$name installed"; done'  # a dpkg-query that is content


def wait_for(check, what="it", timeout_s=20):
    deadline = time.monotonic() + timeout_s
    while not check():
        assert time.monotonic() < deadline, f"{what} did not happen within {timeout_s} s"
        time.sleep(0.01)


class Command:
    def __init__(self, folder):
        self.state = folder / "state"
        self.tools = folder / "tools"
        self.tools.mkdir()
        self.environment = {**os.environ, "MUSTER_STATE": str(self.state), "MUSTER_CACHE": str(folder / "cache"),
                            "PATH": f"{self.tools}:{os.environ['PATH']}"}

    def tool(self, name, text):
        """A program that stands before the real one of this name."""
        path = self.tools / name
        path.write_text("#!/bin/sh\n" + text + "\n")
        path.chmod(0o755)

    def start(self, *words, **options):
        return subprocess.Popen([sys.executable, str(SCRIPT), *words], env=self.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)

    def __call__(self, *words, **options):
        started = self.start(*words, **options)
        out, err = started.communicate(timeout=120)
        return subprocess.CompletedProcess(words, started.returncode, out, err)

    def running(self):
        """Pids that have this test's state folder in their environment."""
        found = []
        for entry in Path("/proc").glob("[0-9]*/environ"):
            try:
                if str(self.state).encode() in entry.read_bytes():
                    found.append(int(entry.parent.name))
            except OSError:
                pass
        return [pid for pid in found if pid != os.getpid()]
