"""The script `muster` as a module and as a command with a state folder of the test's own."""

import importlib.machinery
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "muster"
sys.path.insert(0, str(ROOT / "deploy"))


@pytest.fixture(scope="session")
def script():
    """The script's own functions."""
    loader = importlib.machinery.SourceFileLoader("muster_script", str(SCRIPT))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("muster_script", loader))
    loader.exec_module(module)
    return module


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


@pytest.fixture
def muster(tmp_path):
    return Command(tmp_path)
