"""Reports as another scanner would write them, and a program that stands in for one."""

import datetime
import json

MATCHES = [("CVE-2026-1000", "libssl3", "High"), ("CVE-2026-1001", "zlib1g", "Low"), ("CVE-2026-1002", "zlib1g", "Negligible")]


def instant(hours_ago=1):
    return (datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=hours_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _match(identity, package, severity):
    return {"vulnerability": {"id": identity, "severity": severity, "namespace": "debian:distro:debian:12", "cvss": [],
                              "fix": {"versions": ["9.9"], "state": "fixed"}},
            "relatedVulnerabilities": [], "matchDetails": [],
            "artifact": {"name": package, "version": "1.0", "type": "deb", "locations": [{"path": "/var/lib/dpkg/status"}],
                         "purl": f"pkg:deb/debian/{package}@1.0"}}


def grype(repository, digest, scanned_at, matches=tuple(MATCHES)):
    """A report of Grype: three findings and one that a rule took out."""
    return json.dumps({
        "matches": [_match(*match) for match in matches],
        "ignoredMatches": [{**_match("CVE-2026-1003", "bash", "Low"), "appliedIgnoreRules": [{"reason": "not reachable"}]}],
        "source": {"type": "image", "target": {"userInput": f"{repository}@{digest}", "repoDigests": [f"{repository}@{digest}"]}},
        "distro": {"name": "debian", "version": "12"},
        "descriptor": {"name": "grype", "version": "0.87.0", "timestamp": scanned_at, "configuration": {"only-fixed": False},
                       "db": {"status": {"schemaVersion": "v6.0.2", "built": instant(5)}}}}, indent=1)


# What a scanner may do, by the last word of the repository: each is one outcome.
STAND_IN = '''#!/usr/bin/python3
"""Stands in for a scanner: what it does is the last word of the repository."""
import os, resource, sys, time
sys.path.insert(0, {folder!r})
from other_scanners import grype, instant
repository, digest = sys.argv[1].split("@")
what = repository.rsplit("/", 1)[1]
open(os.path.join(os.environ["TMPDIR"], "left-behind"), "w").write("x")
if what == "good":
    assert not any(name.startswith("MUSTER_") for name in os.environ), "a secret came along"
    assert len(os.listdir("/proc/self/fd")) <= 4, os.listdir("/proc/self/fd")
    assert resource.getrlimit(resource.RLIMIT_DATA)[0] == 1 << 30 and resource.getrlimit(resource.RLIMIT_CORE)[0] == 0
    print(grype(repository, digest, instant(0)))
elif what == "garbage":
    print("all is well")
elif what == "other":
    print(grype(repository, "sha256:" + "ab" * 32, instant(0)))
elif what == "failing":
    sys.exit("no database")
elif what == "crash":
    os.abort()
elif what == "slow":
    if os.fork() == 0:
        os.execvp("sleep", ["sleep", "601"])
    time.sleep(600)
elif what == "flood":
    while True:
        sys.stdout.write("[" * 65536)
elif what == "hungry":
    bytearray(2 << 30)
'''


def write_stand_in(folder, here):
    path = folder / "stand-in"
    path.write_text(STAND_IN.replace("{folder!r}", repr(str(here))))
    path.chmod(0o755)
    return path
