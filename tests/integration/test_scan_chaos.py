"""Scanners and their sandboxes killed while they scan: bench/scan_chaos.py for half a minute (MUSTER_CHAOS_SECONDS)."""

import os
import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "bench"))

import scan_chaos  # noqa: E402
from local.stack import Stack  # noqa: E402
from conftest import BIN, CACHE  # noqa: E402

SECONDS = float(os.environ.get("MUSTER_CHAOS_SECONDS", "20"))


@pytest.fixture(scope="module")
def chaos(state_root):
    """(kills, figures)"""
    stack = Stack(state_root / "chaos", CACHE, BIN, scan_chaos.OPTIONS)
    scanners = scan_chaos.prepare(stack)
    images = scan_chaos.Images(stack)
    kills = scan_chaos.play(stack, scanners, images, SECONDS, kills_every_s=3)
    scan_chaos.wait_settled(stack, images)
    yield kills, scan_chaos.account(stack, scanners, images)
    stack.stop()


def test_every_image_has_one_result_whatever_was_killed(chaos):
    kills, found = chaos
    print(dict(kills), found)
    assert kills.total() > 0 and found["images pushed"] > 0
    assert not scan_chaos.faults(found)
