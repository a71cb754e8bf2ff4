"""Ctrl-C while `./muster` builds or installs: nothing of it goes on."""

import os
import signal

import pytest
from muster_command import EVERYTHING_INSTALLED, wait_for

BLOCKS = "touch {note}; exec tail -f /dev/null"


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
    wait_for(lambda: not muster.running())


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
    assert not muster.running()
