"""Hostile images end in a named result, in bounded time and memory. `-s` prints the table.

Each of hostile_images.CASES is scanned by `muster-scanner scan`. Memory is that of the command and its sandboxes
together: what each held at most (VmHWM, looked at while they run). Time is that of the processor, held against what the
same processor takes at that moment to unpack and hash SAME_AS_MIB of a layer: machines differ, and so does one from hour to hour.
"""

import hashlib
import json
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time
import zlib
from pathlib import Path

import pytest
from conftest import BIN, ROOT
from hostile_images import CASES

SAME_AS_MIB = 8192
AT_ONCE_S, HANG_S = 2, 60  # less than the first is not worth comparing
SAMPLE_S = 0.004
rows = []


@pytest.fixture(scope="module")
def database(state_root):
    path = state_root / "hostile.db"
    built = subprocess.run([str(BIN / "muster-scanner"), "db", "build", f"--out={path}", *map(str, (ROOT / "tests/data/osv").glob("*.json"))],
                           capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    yield path
    print_table()


@pytest.fixture
def folder(state_root):
    path = Path(tempfile.mkdtemp(dir=state_root))
    yield path
    shutil.rmtree(path)


def tree_bytes(pid):
    """The most that a process and those below it held so far, added up: files and shared pages are counted in each."""
    total = 0
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
        total = int(found[1]) * 1024 if found else 0
        for task in os.listdir(f"/proc/{pid}/task"):
            total += sum(tree_bytes(child) for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split())
    except OSError:
        pass  # it has just ended
    return total


def measured(command, folder):
    """(exit code, standard output, standard error, processor's seconds, most bytes)"""
    with open(folder / "out", "w+b") as out, open(folder / "err", "w+b") as err:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        most, ends = 0, time.monotonic() + HANG_S
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            most = max(most, tree_bytes(process.pid))
            if time.monotonic() > ends:
                process.kill()
                process.wait()
                pytest.fail(f"still runs after {HANG_S} s")
            time.sleep(SAMPLE_S)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0), err.seek(0)
        return process.returncode, out.read(), err.read().decode(), usage.ru_utime + usage.ru_stime, most


def unpacking_s(mib):
    """The processor's seconds for unpacking and hashing so many MiB, a quarter of them noise, from 48 that are done."""
    noise = b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(1 << 15))
    packed = zlib.compress(noise + b"".join(b"usr/share/doc/%d/copyright\n" % n for n in range(120000))[:3 << 20])
    took = []
    for _ in range(3):
        start = time.process_time()
        for _ in range(4):
            hashlib.sha256(zlib.decompress(packed)).digest()
        took.append(time.process_time() - start)
    return statistics.median(took) * mib / 16


def outcome_of(code, raw):
    if code in (2, 3):
        return f"exit {code}"
    assert code in (0, 1), f"exit code {code}"
    assert (raw["status"] == "complete") == (code == 0) == (not raw["failures"])
    return raw["failures"][0]["code"] if raw["failures"] else raw["status"]


def said_by(raw, err):
    if raw is None:
        return err
    return "\n".join([failure["message"] for failure in raw["failures"]] + [f"{note['path']}: {note['message']}" for note in raw.get("notes", [])])


def print_table():
    for name, outcome, seconds, mib, said in rows:
        print(f"{name:45} {outcome:16} {seconds:6.2f} s {mib:6.1f} MiB  {said[:110]!r}")
    print(f"{len(rows)} images, at most {max(row[2] for row in rows):.2f} s of the processor and {max(row[3] for row in rows):.1f} MiB")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_hostile_image_ends_in_a_named_result(case, database, folder):
    (folder / "image").mkdir()
    path = case.make(folder / "image")
    code, out, err, seconds, most = measured([str(BIN / "muster-scanner"), "scan", f"--database={database}", "--format=json",
                                              "--docker-config=none", f"--temp-dir={folder}", *case.options, str(path)], folder)
    raw = json.loads(out.decode()) if out.startswith(b"{") else None
    outcome, said = outcome_of(code, raw), said_by(raw, err)
    rows.append((case.name, outcome, seconds, most / (1 << 20), said))
    assert outcome == case.outcome, said
    assert case.says in said
    if raw is None:
        assert err.startswith("muster-scanner: "), "a refusal has to say why"
    else:
        names = {package["name"] for package in raw["packages"]}
        assert ("libssl3" in names) == case.keeps
    assert most <= case.memory_mib << 20
    assert seconds <= AT_ONCE_S or seconds <= unpacking_s(SAME_AS_MIB)
