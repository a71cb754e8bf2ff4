"""`muster-ingest explain` of every body of tests/data/events, as a recorded request, says what the expected file beside it says."""

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INGEST = Path(os.environ.get("MUSTER_BIN", ROOT / "build/release/bin")).resolve() / "muster-ingest"
EVENTS = ROOT / "tests/data/events"
KINDS = sorted(folder.name for folder in EVENTS.iterdir() if folder.is_dir())
SUFFIXES = {".json", ".ndjson", ".form", ".body"}
HOSTLESS = {"cdevents", "harbor", "jfrog", "nexus", "registry", "zot"}  # as in tests/unit/ingest/test_event_files.c
# What only the sources of the unit know: their names, their cluster, when they received.
OF_THE_SOURCE = ("time", "why", "containers", "key")


def explain(kind, request, *options):
    return subprocess.run([INGEST, "explain", f"--kind={kind}", *options, request], capture_output=True, text=True, timeout=60, check=False)


def recorded(folder, body, method="POST"):
    """The request as an .http file: its head, an empty line, its body."""
    head = body.with_suffix(".headers")
    request = folder / "recorded.http"
    lines = head.read_bytes() if head.exists() else b""
    request.write_bytes(f"{method} /hook HTTP/1.1\n".encode() + lines + b"\n" + body.read_bytes())
    return request


def plain(fact):
    return {name: value for name, value in fact.items() if name not in OF_THE_SOURCE and name != "messages"}


def facts_of(expected):
    return [plain(json.loads(line)) for line in expected.read_text().splitlines() if line.startswith("{")]


@pytest.mark.parametrize("kind", KINDS)
def test_explain_says_of_every_body_what_the_expected_file_says(kind, tmp_path):
    host = ["--registry=registry.example"] if kind in HOSTLESS else []
    bodies = [path for path in sorted((EVENTS / kind).iterdir()) if path.suffix in SUFFIXES]
    for body in bodies:
        done = explain(kind, recorded(tmp_path, body), *host)
        told = [json.loads(line) for line in done.stdout.splitlines()]
        for fact in told:
            assert all({"topic", "ce_id", "data"} <= set(message) for message in fact["messages"]), body
            assert (fact["outcome"] == "ignored") == (not fact["messages"]), body
            assert fact["outcome"] == "event" or fact["why"], body
        expected = facts_of(body.with_suffix(".expected"))
        # Where nothing names a registry, `explain` lends one.
        if any("names no registry" in line for line in body.with_suffix(".expected").read_text().splitlines()):
            continue
        assert [plain(fact) for fact in told] == expected, body
        assert done.returncode == (1 if any(fact["outcome"] == "quarantined" for fact in told) else 0), body


def test_explain_knows_the_request_for_permission(tmp_path):
    body = EVENTS / "acr/eventgrid_options_handshake.empty"
    done = explain("acr", recorded(tmp_path, body, "OPTIONS"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["class"] == "handshake"
