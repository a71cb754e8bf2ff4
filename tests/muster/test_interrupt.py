"""Ctrl-C while `./muster` builds or installs: nothing of it goes on."""

import os
import signal
import time
from pathlib import Path

import pytest

EVERYTHING_INSTALLED = 'shift 3; for name; do echo "$name installed"; done'
BLOCKS = "touch {note}; exec tail -f /dev/null"


def running(muster):
    """Pids that have this test's state folder in their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            if str(muster.state).encode() in entry.read_bytes():
                found.append(int(entry.parent.name))
        except OSError:
            pass
    return [pid for pid in found if pid != os.getpid()]


def wait_for(check):
    deadline = time.monotonic() + 20
    while not check():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("command", [["demo"], ["build"], ["up"]])
def test_a_build_that_is_interrupted_stops_whole(muster, tmp_path, command, number):
    note = tmp_path / "builds"
    muster.tool("dpkg-query", EVERYTHING_INSTALLED)
    muster.tool("cmake", BLOCKS.format(note=note))
    started = muster.start(*command)
    wait_for(note.exists)
    started.send_signal(number)
    _, err = started.communicate(timeout=60)
    assert started.returncode == 130
    assert "interrupted" in err and "Traceback" not in err
    wait_for(lambda: not running(muster))


def test_an_installation_that_is_interrupted_is_waited_for(muster, tmp_path):
    """apt gets its chance to stop in good order; the next run mends the rest with dpkg --configure -a."""
    note, ended = tmp_path / "installs", tmp_path / "ended"
    never = tmp_path / "never"
    os.mkfifo(never)
    muster.tool("dpkg-query", "exit 1")
    muster.tool("dpkg", "exit 0")
    muster.tool("apt-get", f"trap 'touch {ended}; exit 130' INT; touch {note}; while :; do read -r _ <{never}; done")
    if os.geteuid() != 0:
        pytest.skip("SKIPPED: only root installs packages")
    started = muster.start("demo")
    wait_for(note.exists)
    started.send_signal(signal.SIGINT)
    _, err = started.communicate(timeout=60)
    assert started.returncode == 130, err
    assert ended.exists()
    assert not running(muster)
