#!/usr/bin/env python3
"""(package, advisory) pairs of muster-scanner and of osv-scanner offline, on the same OSV records.

    python3 bench/osv_scanner.py OSV.zip...        after ./muster build

The packages are those the records name, at versions around the bounds of their ranges (at most PACKAGES of each zip, default 400).
osv-scanner lists one of several records that are aliases of each other: a pair whose alias the other has is counted apart. It gets the
records without their GIT ranges, since it looks at no range behind one. It compares names and listed versions byte by byte where the
ecosystem does not: pairs that it misses for these reasons are counted by reason. All other differences are printed one by one.
Skips, saying so, where osv-scanner is not on PATH. Exit code: 1 when there are others.
MUSTER_BIN names the folder of the programs (default build/release/bin).
"""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections import defaultdict
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(os.environ.get("MUSTER_BIN", ROOT / "build/release/bin"))
PACKAGES = int(os.environ.get("PACKAGES", "400"))
TYPES = {"npm": "npm", "PyPI": "pypi", "Go": "golang", "Maven": "maven", "crates.io": "cargo", "RubyGems": "gem", "NuGet": "nuget",
         "Packagist": "composer"}


def purl(ecosystem, name, version):
    kind = TYPES[ecosystem]
    path = name.replace(":", "/") if kind == "maven" else name
    return f"pkg:{kind}/{quote(path, safe='/')}@{quote(version, safe='')}"


def records(archive):
    with zipfile.ZipFile(archive) as packed:
        for name in sorted(packed.namelist()):
            if name.endswith(".json"):
                yield json.loads(packed.read(name))


def packages_of(archive):
    """{(ecosystem, name): versions} at and around what the records say."""
    found = defaultdict(set)
    for record in records(archive):
        for affected in record.get("affected", []):
            package = affected.get("package", {})
            if package.get("ecosystem") not in TYPES:
                continue
            versions = found[package["ecosystem"], package["name"]]
            versions.update(affected.get("versions", [])[:1] + affected.get("versions", [])[-1:])
            for span in affected.get("ranges", []):
                if span.get("type") != "GIT":
                    versions.update(value for event in span["events"] for value in event.values() if value not in ("0", "*"))
    return found


def sample(archives):
    """[(ecosystem, name, version)], the same every time."""
    chosen = set()
    for archive in archives:
        pairs = sorted((ecosystem, name, version) for (ecosystem, name), versions in packages_of(archive).items() for version in versions)
        chosen.update(random.Random(1).sample(pairs, min(PACKAGES, len(pairs))))
    return sorted(chosen)


def of_muster(packages, archives, folder):
    database = folder / "v.db"
    subprocess.run([BIN / "muster-scanner", "db", "build", f"--out={database}", *archives], check=True, stdout=subprocess.DEVNULL)
    pairs = set()
    for package in packages:
        shown = subprocess.run([BIN / "muster-scanner", "db", "query", f"--database={database}", "--format=json", purl(*package)],
                               capture_output=True, text=True, check=False)
        if shown.returncode not in (0, 1):
            sys.exit(f"{package}: {shown.stderr}")
        pairs |= {(*package, row["advisory"]) for row in json.loads(shown.stdout or "[]") if row["affected"] == "yes"}
    return pairs


def without_git(record):
    for affected in record.get("affected", []):
        affected["ranges"] = [span for span in affected.get("ranges", []) if span.get("type") != "GIT"]
    return record


def offline_database(archives, folder):
    """osv-scanner wants <folder>/osv-scanner/<ecosystem>/all.zip."""
    by_ecosystem = defaultdict(dict)
    for archive in archives:
        for record in map(without_git, records(archive)):
            for ecosystem in {affected.get("package", {}).get("ecosystem") for affected in record.get("affected", [])} & set(TYPES):
                kept = by_ecosystem[ecosystem].get(record["id"])
                if kept is None or record.get("modified", "") >= kept.get("modified", ""):
                    by_ecosystem[ecosystem][record["id"]] = record
    for ecosystem, known in by_ecosystem.items():
        target = folder / "osv-scanner" / ecosystem
        target.mkdir(parents=True)
        with zipfile.ZipFile(target / "all.zip", "w", zipfile.ZIP_DEFLATED) as packed:
            for name, record in known.items():
                packed.writestr(f"{name.replace(':', '_')}.json", json.dumps(record))


def arguments(program, folder, listed):
    """Offline over one list of packages, in the words of version 2, or of 1."""
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    if "version: 1." in version:
        return ["--experimental-offline", "--experimental-local-db-path", folder, "--experimental-all-packages", "--format=json", f"--lockfile=osv-scanner:{listed}"]
    return ["scan", "source", "--offline", "--local-db-path", folder, "--all-packages", "--format=json", "-L", f"osv-scanner:{listed}"]


def of_osv_scanner(program, packages, archives, folder):
    offline_database(archives, folder)
    listed = folder / "packages.json"  # no SBOM: its package URLs fold names that the records do not fold
    listed.write_text(json.dumps({"results": [{"packages": [
        {"package": {"ecosystem": ecosystem, "name": name, "version": version}} for ecosystem, name, version in packages]}]}))
    done = subprocess.run([program, *arguments(program, folder, listed)],
                          capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"osv-scanner: {done.stderr}")
    pairs = set()
    for result in json.loads(done.stdout)["results"]:
        for package in result["packages"]:
            key = (package["package"]["ecosystem"], package["package"]["name"], package["package"]["version"])
            pairs |= {(*key, found["id"]) for found in package.get("vulnerabilities", [])}
    return pairs


def alias_groups(archives):
    """{id: representative} over aliases, symmetric and transitive."""
    parent = {}

    def find(name):
        while parent.setdefault(name, name) != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for archive in archives:
        for record in records(archive):
            for alias in record.get("aliases", []):
                parent[find(record["id"])] = find(alias)
    return find


def without_aliases(pairs, other, find):
    """Pairs of which the other has no alias for the same package version."""
    known = {(*pair[:3], find(pair[3])) for pair in other}
    return {pair for pair in pairs - other if (*pair[:3], find(pair[3])) not in known}


def folded(ecosystem, name):
    if ecosystem == "PyPI":
        return re.sub(r"[-_.]+", "-", name).lower()
    return name.lower() if ecosystem in ("NuGet", "Packagist") else name


def entries(archives):
    """{(record id, ecosystem, folded name): [affected, ...]}"""
    found = defaultdict(list)
    for archive in archives:
        for record in records(archive):
            for affected in record.get("affected", []):
                package = affected.get("package", {})
                if package.get("ecosystem") in TYPES:
                    key = record["id"], package["ecosystem"], folded(package["ecosystem"], package["name"])
                    found[key].append(affected)
    return found


def compared(ecosystem, version, others):
    """Those of `others` that are equal to the version, in muster-scanner's order."""
    lines = "".join(f"{version}\t{other}\n" for other in others)
    shown = subprocess.run([BIN / "muster-scanner", "compare", ecosystem], input=lines, capture_output=True, text=True, check=False).stdout
    return [other for other, sign in zip(others, shown.split()) if sign == "="]


def missed_because(pair, known):
    """Why osv-scanner does not see a pair, or None."""
    ecosystem, name, version, advisory = pair
    mine = known[advisory, ecosystem, folded(ecosystem, name)]
    exact = [affected for affected in mine if affected["package"]["name"] == name]
    if not exact:
        return "the record writes the name in other letters"
    for affected in exact:
        if compared(ecosystem, version, affected.get("versions", [])):
            return "the record lists the version in other letters"
    return None


def main():
    archives = [str(Path(name).resolve()) for name in sys.argv[1:]]
    program = shutil.which("osv-scanner")
    if not archives:
        sys.exit(__doc__)
    if not program:
        print("SKIPPED: osv-scanner is not on PATH (a Go module: github.com/google/osv-scanner/v2/cmd/osv-scanner)")
        return 0
    packages = sample(archives)
    with tempfile.TemporaryDirectory() as name:
        ours = of_muster(packages, archives, Path(name))
        theirs = of_osv_scanner(program, packages, archives, Path(name))
    find = alias_groups(archives)
    only_ours, only_theirs = without_aliases(ours, theirs, find), without_aliases(theirs, ours, find)
    aliases = len(ours ^ theirs) - len(only_ours) - len(only_theirs)
    known, reasons = entries(archives), defaultdict(set)
    for pair in only_ours:
        reasons[missed_because(pair, known)].add(pair)
    only_ours = reasons.pop(None, set())
    print(f"{len(packages)} package versions: {len(ours & theirs)} pairs in both, {aliases} whose alias the other lists, "
          f"{len(only_ours)} only of muster-scanner, {len(only_theirs)} only of osv-scanner")
    for reason, pairs in sorted(reasons.items()):
        print(f"osv-scanner misses {len(pairs)} of {len({pair[:3] for pair in pairs})} package versions: {reason}")
    for label, pairs in (("muster-scanner", only_ours), ("osv-scanner", only_theirs)):
        for pair in sorted(pairs):
            print(f"only {label}: {' '.join(pair)}")
    return 1 if only_ours or only_theirs else 0


if __name__ == "__main__":
    sys.exit(main())
