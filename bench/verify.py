#!/usr/bin/env python3
"""Seconds and memory of `muster-report verify` on a package of many images.

    python3 bench/verify.py [IMAGES]        default 100000; after ./muster build

One digest, one raw scan of ten findings, one row and one container an image, findings.csv beside them: as a folder, a .zip
and a .tar.zst. MUSTER_BIN names the folder of the programs (default build/release/bin).
"""

import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import xml.sax.saxutils
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(os.environ.get("MUSTER_BIN", ROOT / "build/release/bin"))
FINDINGS, TIME = 10, "2026-11-29T10:00:05.000000Z"
HEADERS = json.loads((ROOT / "tests/data/workbook-v3.1.json").read_text())
CONTAINERS = "cluster,namespace,pod,container,kind,image,unique_asset_identifier,digest,state,reason,started_at,node"


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def raw_scan(uai, digest):
    return json.dumps({
        "schema": "muster.raw-scan.v1", "status": "complete", "failures": [], "suppressed": [], "packages": [],
        "targets": [{"uai": uai, "digest": digest}], "image": {"repository": uai.rpartition(":")[0], "manifest_digest": digest, "layers": []},
        "scanner": {"name": "muster-scanner", "version": "1", "configuration_checksum": "sha256:" + "c" * 64},
        "database": {"version": "sha256:" + "d" * 64, "built_at": TIME, "newest_record_at": TIME, "records": 1},
        "authentication": {"method": "registry", "authorized": True}, "started_at": TIME, "finished_at": TIME,
        "counts": {"packages": 0, "suppressed": 0, "findings": FINDINGS, "critical": 0, "high": FINDINGS, "moderate": 0, "low": 0, "unknown": 0},
        "findings": [{"id": f"CVE-2026-{number:04}", "severity": "high", "status": "affected", "aliases": []} for number in range(FINDINGS)]}).encode()


def sheet(rows):
    """A worksheet of inline strings."""
    yield '<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    for number, row in enumerate(rows, 1):
        cells = "".join(f'<c r="{chr(65 + place)}{number}" t="inlineStr"><is><t xml:space="preserve">{xml.sax.saxutils.escape(text)}</t></is></c>'
                        for place, text in enumerate(row) if text)
        yield f'<row r="{number}">{cells}</row>'
    yield "</sheetData></worksheet>"


def write_workbook(path, rows):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("xl/workbook.xml", '<workbook xmlns:r="x"><sheets><sheet name="Inventory" sheetId="1" r:id="rId1"/></sheets></workbook>')
        out.writestr("xl/_rels/workbook.xml.rels", '<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>')
        with out.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            for text in sheet(rows):
                part.write(text.encode())


def header_rows():
    columns = HEADERS["columns"]
    headers = [column["header"] for column in columns]
    groups = [""] * len(headers)
    for place, title in HEADERS["groups"].items():
        groups[ord(place[0]) - 65] = title
    return [groups, headers]


def row_of(headers, uai, digest):
    known = {"UNIQUE ASSET IDENTIFIER": uai, "IPv4 or IPv6 Address": digest, "Virtual": "Yes", "Public": "No", "Authenticated Scan": "Yes",
             "Baseline Configuration Name": "CIS", "OS Name and Version": "Debian 12", "Asset Type": "Container", "In Latest Scan": "Yes",
             "Software/ Database Vendor": "Open Source", "Software/ Database Name & Version": "app 1", "Diagram Label": "Cluster",
             "Function": "Application"}
    return [known.get(header, "") for header in headers]


def write_package(folder, images):
    (folder / "raw-scans").mkdir(parents=True)
    files, names = {}, [(f"registry.example/team/app{number:07}:1.0", f"sha256:{number:064x}") for number in range(images)]
    for uai, digest in names:
        data = raw_scan(uai, digest)
        name = f"raw-scans/{sha256(data)[7:]}.json"
        (folder / name).write_bytes(data)
        files[name] = {"sha256": sha256(data), "size_bytes": len(data), "title": f"Raw scan of {uai}"}
    groups, headers = header_rows()
    write_workbook(folder / "integrated-inventory-workbook.xlsx", [groups, headers, *(row_of(headers, *name) for name in names)])
    (folder / "coverage-gaps.json").write_text("[]")
    (folder / "scan-targets-not-running.json").write_text("[]")
    with open(folder / "running-containers.csv", "w") as out:
        out.write(CONTAINERS + "\n")
        out.writelines(f'"c","n","pod-{uai}","app","container","{uai}","{uai}","{digest}","covered","","2026-11-01","node"\n' for uai, digest in names)
    with open(folder / "findings.csv", "w") as out:
        out.write("item,uai,vulnerability,reported_as\n")
        for uai, _ in names:
            out.writelines(f'"V-CVE-2026-{n:04}","{uai}","CVE-2026-{n:04}","CVE-2026-{n:04}"\n' for n in range(FINDINGS))
    for name in ("integrated-inventory-workbook.xlsx", "coverage-gaps.json", "scan-targets-not-running.json", "running-containers.csv", "findings.csv"):
        data = (folder / name).read_bytes()
        files[name] = {"sha256": sha256(data), "size_bytes": len(data), "title": name}
    (folder / "manifest.json").write_text(json.dumps({
        "schema": "muster.bundle-manifest.v1", "system": {"name": "x", "fedramp_id": "", "impact_level": "Moderate"}, "month": "2026-11",
        "as_of": "2026-11-30T23:59:59.999999Z", "known_at": "2026-11-30T23:59:59.999999Z", "generator": {"name": "bench", "version": "1"},
        "running_containers": {"covered": images}, "counts": {"rows": images, "raw_scans": images, "gaps": 0, "containers": images}, "files": files}))


# A process begins with the memory of the one that starts it: that must be a small one.
STARTER = """import os, resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)"""


def measured(path, scratch):
    """(seconds, MiB resident) of a verify that finds nothing."""
    begin = time.monotonic()
    done = subprocess.run([sys.executable, "-c", STARTER, BIN / "muster-report", "verify", path], stdout=subprocess.PIPE, text=True, check=False,
                          env={**os.environ, "TMPDIR": str(scratch), "SQLITE_TMPDIR": str(scratch)})
    if done.returncode != 0 or "no unexplained difference" not in done.stdout:
        sys.exit(f"verify found differences:\n{done.stdout[:2000]}")
    return time.monotonic() - begin, int(done.stdout.split()[-1]) / 1024


def main():
    images = int(sys.argv[1]) if len(sys.argv) > 1 else 100000
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    folder = Path(tempfile.mkdtemp(prefix="muster-bench-", dir="/var/tmp"))
    try:
        write_package(folder / "package", images)
        shutil.make_archive(str(folder / "package"), "zip", folder / "package")
        subprocess.run(["tar", "--zstd", "-C", folder / "package", "-cf", folder / "package.tar.zst", "."], check=True)
        for name in ("package", "package.zip", "package.tar.zst"):
            seconds, mib = measured(folder / name, folder)
            print(f"{name:16} {images} images: {seconds:6.1f} s, {images / seconds:8.0f} images/s, {mib:4.0f} MiB")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
