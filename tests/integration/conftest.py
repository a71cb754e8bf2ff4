"""Whole processes with real Kafka, PostgreSQL and registry: one stack for the session, fresh where a test asks.

MUSTER_BIN names the folder of the programs (default build/release/bin), MUSTER_CACHE the download cache,
MUSTER_KEEP=1 keeps the state folders for a look.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "deploy"))

from local import demo, packages  # noqa: E402
from local.stack import Stack, stop_all  # noqa: E402

BIN = Path(os.environ.get("MUSTER_BIN", ROOT / "build/release/bin")).resolve()
CACHE = Path(os.environ.get("MUSTER_CACHE", ROOT / ".muster/cache"))


def pytest_configure(config):
    missing = packages.missing(packages.RUN)
    if missing:
        raise pytest.UsageError("integration tests need these packages: " + " ".join(missing))
    absent = [name for name in ("ingest", "scanner", "inventory", "report") if not (BIN / f"muster-{name}").exists()]
    if absent:
        raise pytest.UsageError(f"no programs for {absent} in {BIN}; './muster build' makes them")


@pytest.fixture(scope="session")
def state_root():
    """A folder PostgreSQL's user can enter, emptied of processes at the end."""
    folder = Path(tempfile.mkdtemp(prefix="muster-test-", dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    for state in folder.iterdir():
        stop_all(state)
    if not os.environ.get("MUSTER_KEEP"):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def new_stack(state_root):
    """Makes stacks: new_stack("name", options) has its own Kafka, PostgreSQL and registry, started; services not."""
    def make(name, options=None, notify=True):
        stack = Stack(state_root / name, CACHE, BIN, options)
        stack.start_backing(notify)
        built = stack.build_database([demo.write_osv(stack.state / "osv")])
        assert built.returncode == 0, built.stderr
        return stack
    return make


@pytest.fixture(scope="session")
def stack(new_stack):
    """The stack most tests share, services running, scheduling quick."""
    shared = new_stack("shared", {"inventory": {"untagged-grace": "1s", "retry-min": "500ms", "retry-max": "2s"}})
    shared.start_services()
    return shared
