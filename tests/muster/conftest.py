"""The script `muster` as a module, and as a command."""

import importlib.machinery
import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "deploy"), str(ROOT / "tests/support")]

from muster_command import SCRIPT, Command  # noqa: E402


@pytest.fixture(scope="session")
def script():
    """The script's own functions."""
    loader = importlib.machinery.SourceFileLoader("muster_script", str(SCRIPT))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("muster_script", loader))
    loader.exec_module(module)
    return module


@pytest.fixture
def muster(tmp_path):
    return Command(tmp_path)
