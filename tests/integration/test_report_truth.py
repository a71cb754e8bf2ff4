"""The package of a real database of scans in which names, scanners and times cross: true, so verify must not find a difference.

One image under two repositories, scanned under either by another scanner at another time; tags that were given after the scan;
an index of two platforms; advisories that are one vulnerability; what a rule suppressed; a tag that moved.
"""

import csv
import json
import subprocess

import other_scanners
import pytest
from local import demo
from local.demo import REGISTRY_NAME, pod, wait_until
from pushes import Pusher
from test_imported_scans import program, replay, submit

WEB, PROMOTED, MULTI = (f"{REGISTRY_NAME}/{name}" for name in ("stage/web", "prod/web", "prod/multi"))
FIRST = [("CVE-2026-1000", "libssl3", "High"), ("CVE-2026-1001", "zlib1g", "Low"), ("GHSA-aaaa-bbbb-cccc", "zlib1g", "Medium")]
LATER = [("CVE-2026-1000", "libssl3", "High"), ("CVE-2026-2000", "zlib1g", "Negligible")]  # published since, and one taken back


@pytest.fixture(scope="module")
def world(new_stack, tmp_path_factory):
    stack = new_stack("truth", {"inventory": {"untagged-grace": "1s", "retry-min": "500ms", "retry-max": "1s", "max-attempts": "1"}})
    for name in ("inventory", "ingest"):
        stack.services.start(name)
    for name in ("inventory", "ingest"):
        stack.services.wait_ready(name)
    stack.folder = tmp_path_factory.mktemp("reports")
    return stack


def scan(world, image, hours_ago, matches):
    """Another scanner's report of the image, as the scan of record of that name."""
    name, _, digest = image.partition("@")
    report = world.folder / f"{len(list(world.folder.iterdir()))}.json"
    report.write_text(other_scanners.grype(name.rpartition(":")[0], digest, other_scanners.instant(hours_ago), matches))
    done = submit(world, report, image)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def crossed(world):
    pusher = Pusher(f"http://{world.registry.address}")
    web, moved = pusher.push("stage/web", "1.0", "web"), pusher.push("prod/web", "moving", "moved")
    assert pusher.push("prod/web", "1.0", "web") == web
    parts = {name: pusher.push("prod/multi", name, name) for name in ("amd64", "arm64")}
    pusher.index("prod/multi", "3.0", parts)
    replay(world, pod(1, "stage-1", f"{WEB}:1.0", f"{WEB}@{web}"), pod(2, "prod-1", f"{PROMOTED}:1.0", f"{PROMOTED}@{web}"),
           pod(3, "moving-1", f"{PROMOTED}:moving", f"{PROMOTED}@{moved}"), pod(4, "multi-1", f"{MULTI}:3.0", f"{MULTI}@{parts['amd64']}"))
    scan(world, f"{PROMOTED}:1.0@{web}", 9, FIRST)
    scan(world, f"{WEB}:1.0@{web}", 2, LATER)
    scan(world, f"{PROMOTED}:moving@{moved}", 3, FIRST[:1])
    for number, (name, digest) in enumerate(parts.items()):
        scan(world, f"{MULTI}:{name}@{digest}", 3, FIRST[number:])
        scan(world, f"{MULTI}:3.0@{digest}", 2, FIRST[number:])
    wait_until("scanned", lambda: world.postgres.sql("SELECT count(*) FROM scans WHERE outcome = 'complete'") == "7"
               or world.postgres.sql("SELECT digest, outcome FROM scans"))
    assert pusher.push("prod/web", "later", "web") == web  # nobody scanned it under this name
    pusher.push("prod/web", "moving", "moved on")
    wait_until("told", lambda: world.postgres.sql(f"SELECT count(*) FROM assets WHERE uai IN ('{PROMOTED}:later', '{PROMOTED}:moving')") == "2"
               or "not yet")
    return world


@pytest.fixture(scope="module")
def package(crossed):
    done = program(crossed, "report", "run", f"--month={demo.this_month()}", f"--system={demo.SYSTEM}",
                   f"--out={crossed.folder / 'package'}", f"--postgres={crossed.postgres.conninfo()}",
                   f"--inventory-url={crossed.services.url('inventory')}")
    assert done.returncode == 0, done.stderr
    return crossed.folder / "package"


def findings(package):
    with open(package / "findings.csv", newline="", encoding="utf-8") as text:
        return {(row["uai"], row["vulnerability"]) for row in csv.DictReader(text)}


def test_findings_are_of_the_newest_scan_of_the_image_whatever_its_name(package):
    found = findings(package)
    for name in (f"{WEB}:1.0", f"{PROMOTED}:1.0", f"{PROMOTED}:later"):
        assert {vulnerability for uai, vulnerability in found if uai == name} == {name for name, _, _ in LATER}, name


def test_a_true_package_raises_no_alarm(crossed, package):
    done = program(crossed, "report", "verify", package)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("vulnerability", ["CVE-2026-2000", "CVE-2026-1000"])
def test_a_finding_taken_out_is_named_all_the_same(crossed, package, tmp_path, vulnerability):
    subprocess.run(["cp", "-r", package, tmp_path / "package"], check=True)
    lines = (tmp_path / "package/findings.csv").read_text().splitlines(keepends=True)
    (tmp_path / "package/findings.csv").write_text("".join(line for line in lines if f'"{WEB}:1.0"' not in line or vulnerability not in line))
    done = program(crossed, "report", "verify", tmp_path / "package", "--format=json")
    assert done.returncode == 1
    assert [row for row in json.loads(done.stdout) if row["check"] == "findings" and row["subject"] == f"{WEB}:1.0" and vulnerability in
            row["difference"]], done.stdout
