#!/usr/bin/env python3
"""Packages that muster-scanner and Syft find in the same images, and every difference.

    python3 bench/compare_syft.py IMAGE...      after ./muster build; each a folder with an OCI layout of one image

A package is its type of the package URL, its name as the ecosystem folds it, and its version; Maven's name is without group,
which manifests often lack (groups that differ are listed beside). A package found twice counts once. What Syft gives no
version is no package here: nothing can be judged by it. Without `syft` on PATH nothing is compared, and said so. MUSTER_BIN names the folder of the programs (default build/release/bin).
"""

import collections
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SCANNER = Path(os.environ.get("MUSTER_BIN", ROOT / "build/release/bin")).resolve() / "muster-scanner"


def package(kind, name, version):
    if kind == "pypi":
        name = re.sub(r"[-_.]+", "-", name).lower()
    elif kind in ("composer", "nuget"):
        name = name.lower()
    elif kind == "maven":
        name = name.rpartition(":")[2]
    elif kind == "golang":
        version = version.removeprefix("go")  # of stdlib
    return kind, name, version


def ours(image, state):
    """{package: [(place, group), ...]}"""
    database = state / "empty.db"
    if not database.exists():
        subprocess.run([SCANNER, "db", "build", f"--out={database}", *sorted((ROOT / "tests/data/osv").glob("*.json"))],
                       check=True, capture_output=True)
    done = subprocess.run([SCANNER, "scan", f"--database={database}", "--format=json", image], capture_output=True, text=True, check=False)
    if not done.stdout.startswith("{"):
        sys.exit(done.stderr)
    found = collections.defaultdict(list)
    for row in json.loads(done.stdout)["packages"]:
        place = f"/{row.get('path') or ''}" + (f":{row['inner_path']}" if row.get("inner_path") else "")
        place += f" (of {row['owner']['type']} {row['owner']['name']})" if row.get("owner") else ""
        found[package(row["type"], row["name"], row["version"])].append((place, row["name"].rpartition(":")[0]))
    return found


def syfts(image):
    done = subprocess.run(["syft", "scan", f"oci-dir:{image}", "-o", "syft-json", "-q"], capture_output=True, text=True, check=True)
    found = collections.defaultdict(list)
    for row in json.loads(done.stdout)["artifacts"]:
        if row["version"] in ("", "UNKNOWN"):
            print(f"without version: {row['type']} {row['name']} {row['locations'][0]['path'] if row['locations'] else ''}")
            continue
        url = re.match(r"pkg:([^/]+)/(?:(.*)/)?[^/@]*", row.get("purl") or "")
        kind = url[1] if url else row["type"]
        place = row["locations"][0]["path"] if row["locations"] else ""
        place = (row.get("metadata") or {}).get("virtualPath") or place
        group = urllib.parse.unquote(url[2] or "") if url and kind == "maven" else ""
        found[package(kind, row["name"], row["version"])].append((place, group))
    return found


def share(both, either):
    return f"{100 * both / either:.2f} %" if either else "-"


def print_figures(mine, theirs):
    print(f"{'type':10} {'both':>7} {'ours':>6} {'Syft':>6}  share")
    for kind in sorted({row[0] for row in [*mine, *theirs]}):
        left, right = ({row for row in side if row[0] == kind} for side in (mine, theirs))
        print(f"{kind:10} {len(left & right):7} {len(left - right):6} {len(right - left):6}  {share(len(left & right), len(left | right))}")
    left, right = set(mine), set(theirs)
    print(f"{'all':10} {len(left & right):7} {len(left - right):6} {len(right - left):6}  {share(len(left & right), len(left | right))}")
    names = {row[:2] for row in left} & {row[:2] for row in right}
    named = {row for row in left | right if row[:2] in names}
    print(f"of names that both know, versions that both know: {share(len(named & left & right), len(named))}")


def print_groups(mine, theirs):
    packages = sorted(row for row in set(mine) & set(theirs) if row[0] == "maven")
    groups = {row: ({group for _, group in mine[row]}, {group for _, group in theirs[row]}) for row in packages}
    same = sum(1 for one, other in groups.values() if one & other)
    print(f"\nMaven packages of the same group: {share(same, len(groups))}")
    for row, (one, other) in groups.items():
        if not one & other:
            print(f"  {row[1]} {row[2]}: {', '.join(sorted(one))}, Syft: {', '.join(sorted(other))}")


def print_differences(title, some, others):
    rows = sorted(set(some) - set(others))
    print(f"\n{title}: {len(rows)}")
    versions = collections.defaultdict(list)
    for row in others:
        versions[row[:2]].append(row[2])
    for row in rows:
        other = versions.get(row[:2])
        print(f"  {row[0]:9} {row[1]} {row[2]}{'  (there: ' + ', '.join(sorted(other)) + ')' if other else ''}  {some[row][0][0]}")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if not shutil.which("syft"):
        print("skipped: there is no 'syft' on PATH to compare with")
        return
    with tempfile.TemporaryDirectory() as state:
        for image in sys.argv[1:]:
            print(f"\n== {image}")
            mine, theirs = ours(image, Path(state)), syfts(image)
            print_figures(mine, theirs)
            print_differences("only ours", mine, theirs)
            print_differences("only Syft's", theirs, mine)
            print_groups(mine, theirs)


if __name__ == "__main__":
    main()
