"""`./muster demo` for real: interrupted at every stage nothing goes on, and afterwards it runs to its end, also twice."""

import os
import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from muster_command import EVERYTHING_INSTALLED, ROOT, Command, wait_for  # noqa: E402

STAGES = ("starting PostgreSQL", "starting inventory", "building images", "waiting for the registry's", "waiting until every one")


@pytest.fixture(scope="module")
def demo(state_root):
    """One state folder for all: each test finds what the one before left."""
    folder = state_root / "script"
    folder.mkdir()
    command = Command(folder)
    command.environment["MUSTER_CACHE"] = os.environ.get("MUSTER_CACHE") or str(ROOT / ".muster/cache")
    command.tool("dpkg-query", EVERYTHING_INSTALLED)
    command.tool("cmake", "exit 0")  # it is built
    yield command
    command("down")


def interrupt_at(demo, stage, number):
    started = demo.start("demo")
    for line in started.stdout:
        if stage in line:
            break
    else:
        pytest.fail(f"the demo ended before '{stage}': {started.stderr.read()}")
    started.send_signal(number)
    _, err = started.communicate(timeout=60)
    return started.returncode, err


@pytest.mark.parametrize("stage", STAGES)
def test_an_interrupted_demo_leaves_no_process(demo, stage):
    code, err = interrupt_at(demo, stage, signal.SIGTERM if stage == STAGES[-1] else signal.SIGINT)
    assert code == 130, err
    assert "Traceback" not in err
    wait_for(lambda: not demo.running(), "the end of all its processes")
    assert "running, pid" not in demo("status").stdout


def test_after_an_interruption_the_demo_runs_to_its_end_and_again(demo):
    for _ in range(2):
        done = demo("demo")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Inventory and raw scans match, both ways" in done.stdout
        assert (demo.state / "bundle" / "manifest.json").exists()
        assert demo("status").stdout.count("running, pid") == 7
    stopped = demo("down")
    assert "had to be killed" not in stopped.stdout
    assert not demo.running()
    assert "running, pid" not in demo("status").stdout
