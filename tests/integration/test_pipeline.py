"""`muster-inventory gate`, policies and approvals against a real PostgreSQL."""

import json
import re
import subprocess
import threading
import xml.etree.ElementTree as ElementTree

import pytest
from conftest import BIN
from gate_world import REPOSITORY, SCANNED, TAGS, UNSCANNED, VULNERABLE, GateWorld
from official_reports import junit_errors, junit_schema, sarif_errors, sarif_validator

POLICY = """
name: strict
max_scan_age: 30d
approvers: [security-officer]
rules:
  - {name: no-critical, at_least: critical, max: 0}
"""
EXCEPTION = """exceptions:
  - {finding: CVE-2026-0001, image: "registry.example/shop/*", until: "2099-01-01T00:00:00Z", by: alice, reason: not reachable}
"""


@pytest.fixture
def world(state_root, request):
    one = GateWorld(state_root / f"pipeline-{re.sub('[^a-z0-9]', '-', request.node.name[-60:].lower())}", BIN)
    one.start()
    yield one
    one.postgres.process.stop()


def ask(world, tag, *more, image=None):
    return world.run("gate", image or f"{REPOSITORY}:{tag}", f"--postgres={world.postgres.conninfo()}", *more, check=False)


def store(world, text, name="policy.yaml"):
    path = world.state / name
    path.write_text(text)
    return world.run("policy", "store", path, f"--postgres={world.postgres.conninfo()}", "--by=alice", "--reason=test")


def decide(world, verb, tag, *more, role="security-officer"):
    return world.run(verb, f"{REPOSITORY}:{tag}", f"--postgres={world.postgres.conninfo()}", "--by=bob@example.gov",
                     f"--role={role}", "--reason=because", *more, check=False)


def test_the_exit_code_says_the_verdict_and_each_is_recorded(world):
    codes = {tag: ask(world, tag, "--by=job-7").returncode for tag in TAGS}
    assert codes == {"1.0": 0, "2.0": 4, "3.0": 1, "4.0": 4}
    assert ask(world, "", image="Not An Image").returncode == 2
    assert world.run("gate", "x", "--postgres=host=127.0.0.1 port=1 dbname=x", check=False).returncode == 3
    recorded = world.sql("SELECT image, verdict, reason, rule, asked_by, facts->'manifests'->0->>'digest' FROM policy_decisions "
                         "ORDER BY decided_at").splitlines()
    assert recorded[0] == f"{REPOSITORY}:1.0|approved|policy_passed||job-7|{SCANNED}"
    assert recorded[2].startswith(f"{REPOSITORY}:3.0|rejected|rule_broken|critical|job-7")
    assert len(recorded) == 4
    assert world.sql("SELECT count(*) FROM scan_jobs WHERE priority = 1 AND reason = 'pipeline'") == "2"


def test_it_waits_for_the_scan_that_it_asked_for(world):
    threading.Timer(1.5, lambda: world.scan("2.0", "1 second")).start()
    done = ask(world, "2.0", "--wait=30s", "--poll=100ms")
    assert done.returncode == 0 and done.stdout.startswith(f"approved  {REPOSITORY}:2.0"), done.stdout
    assert UNSCANNED in done.stdout


def test_json_sarif_and_junit_say_what_is_wrong(world):
    said = json.loads(ask(world, "3.0", "--format=json").stdout)
    assert (said["verdict"], said["rule"]) == ("rejected", "critical")
    assert said["facts"]["manifests"][0]["findings"] == {"critical": 1}
    sarif = json.loads(ask(world, "3.0", "--format=sarif").stdout)
    run = sarif["runs"][0]
    assert sarif["version"] == "2.1.0" and {"verdict", "critical"} <= {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert [result["ruleId"] for result in run["results"]] == ["verdict", "critical"]
    assert "CVE-2026-0001 in openssl: critical" in run["results"][1]["message"]["text"]
    assert all(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == f"docker://{REPOSITORY}:3.0"
               for result in run["results"])
    suite = ElementTree.fromstring(ask(world, "3.0", "--format=junit").stdout).find("testsuite")
    cases = {case.get("name"): case.find("failure") is not None for case in suite.findall("testcase")}
    assert cases == {"verdict": True, "known-exploited": False, "critical": True}
    assert (suite.get("tests"), suite.get("failures")) == ("3", "2")
    assert json.loads(ask(world, "1.0", "--format=sarif").stdout)["runs"][0]["results"] == []


# Rules whose names are no names of files and elements, and one that is called as the verdict is.
ODD_POLICY = """
name: "odd <&> 'names'"
rules:
  - {name: "critical <&> \\"quoted\\" ]]>", at_least: critical, max: 0}
  - {name: "verdict", at_least: low, max: 0}
  - {name: "ärgerlich \\u0001\\uFFFF", at_least: unknown, max: 1000}
"""
# (vulnerability, package): what a scan of hostile bytes may have found.
ODD_FINDINGS = (("CVE-2026-0002", "a<b&c>\"d'"), ("CVE-2026-0003", "p\x01\x1b\t\n\uffff\ufffe]]>"), ("CVE-2026-0004", "名前\U0001f600"),
                ("CVE-2026-0005", "long" * 5000))


def find_odd_things(world):
    for vulnerability, package in ODD_FINDINGS:
        name = "".join(f"\\{ord(character):04x}" if ord(character) < 0x10000 else f"\\+{ord(character):06x}" for character in package)
        world.sql(f"INSERT INTO finding_kinds (finding_id, vulnerability_id, package_name, package_version, severity, known_at) "
                  f"VALUES (gen_random_uuid(), '{vulnerability}', U&'{name}', '1', 'critical', now())")
    world.sql(f"UPDATE evidence_findings SET ordinals = ARRAY[0, 1, 2, 3, 4], finding_ids = ARRAY(SELECT finding_id FROM finding_kinds) "
              f"WHERE evidence_digest = '{VULNERABLE}'")


@pytest.mark.parametrize("odd", [False, True], ids=["as usual", "odd names"])
def test_every_report_is_valid_by_the_official_schemas(world, odd):
    sarif, junit = sarif_validator(), junit_schema()
    if odd:
        store(world, ODD_POLICY)
        find_odd_things(world)
    assert decide(world, "revoke", "1.0").returncode == 0
    asked = {f"{REPOSITORY}:{tag}": verdict for tag, verdict in {"1.0": 1, "2.0": 4, "3.0": 1, "4.0": 4, "9.9": 4}.items()}
    asked |= {f"{REPOSITORY}@{VULNERABLE}": 1, f"{REPOSITORY}:3.0@{VULNERABLE}": 1, "127.0.0.1:5000/x/y": 4, "debian": 4}
    results = 0
    for image, code in asked.items():
        log, suites = (ask(world, "", f"--format={form}", image=image) for form in ("sarif", "junit"))
        assert (log.returncode, suites.returncode) == (code, code), log.stderr + suites.stderr
        assert sarif_errors(sarif, log.stdout) == [], image
        assert junit_errors(junit, suites.stdout) == [], image
        results += len(json.loads(log.stdout)["runs"][0]["results"])
    assert decide(world, "withdraw", "1.0").returncode == 0
    for form, errors in (("sarif", lambda text: sarif_errors(sarif, text)), ("junit", lambda text: junit_errors(junit, text))):
        approved = ask(world, "1.0", f"--format={form}")
        assert approved.returncode == 0 and errors(approved.stdout) == []
    assert results == len(asked) + 3 * (2 * len(ODD_FINDINGS) + 2 if odd else 1)


def test_the_schemas_do_refuse_what_is_wrong(world):
    sarif, junit = sarif_validator(), junit_schema()
    log, suites = (ask(world, "3.0", f"--format={form}").stdout for form in ("sarif", "junit"))
    for was, wrong in (('"version":"2.1.0"', '"version":"2.1"'), ('"level":"error"', '"level":"bad"'), ('"ruleId":"critical"', '"ruleId":"x"'),
                       ('"uri":"docker://', '"uri":"docker:// '), ('"text":"The image is approved"', '"txt":""')):
        assert was in log and sarif_errors(sarif, log.replace(was, wrong)), was
    for was, wrong in ((' tests="3"', ""), (' failures="2"', ' failures="1"'), ("<failure ", "<fault "), ('name="verdict"', "")):
        assert was in suites and junit_errors(junit, suites.replace(was, wrong)), was


def test_a_policy_is_checked_stored_by_content_and_used(world):
    path = world.state / "wrong.yaml"
    path.write_text(POLICY + "unknown: 1\n")
    refused = world.run("policy", "check", path, check=False)
    assert refused.returncode == 2 and "a policy has no member 'unknown'" in refused.stderr
    first = store(world, POLICY).stdout.split()[-1]
    assert ask(world, "3.0").returncode == 1
    second = store(world, POLICY + EXCEPTION).stdout.split()[-1]
    assert ask(world, "3.0").returncode == 0
    listed = json.loads(world.run("policy", "list", f"--postgres={world.postgres.conninfo()}", "--format=json").stdout)
    assert [row["policy"] for row in listed] == [second, first] and listed[0]["by"] == "alice"
    shown = world.run("policy", "show", first, f"--postgres={world.postgres.conninfo()}").stdout
    assert shown == POLICY
    used = world.sql("SELECT DISTINCT policy FROM policy_decisions").splitlines()
    assert set(used) == {first, second}


def test_people_approve_and_revoke_with_role_reason_and_end(world):
    store(world, POLICY)
    assert decide(world, "approve", "3.0").returncode == 2  # without an end
    denied = decide(world, "approve", "3.0", "--until=2099-01-01T00:00:00Z", role="developer")
    assert denied.returncode == 3 and "gives the role 'developer' no say" in denied.stderr
    assert decide(world, "approve", "3.0", "--until=2099-01-01T00:00:00Z").returncode == 0
    assert "person_approved" in ask(world, "3.0").stdout
    assert decide(world, "revoke", "1.0").returncode == 0
    revoked = ask(world, "1.0")
    assert revoked.returncode == 1 and "bob@example.gov (security-officer): because" in revoked.stdout
    world.build()
    cached = world.run("gate-cache", "info", f"--cache={world.cache}", f"--cache-key={world.public}",
                       f"--image={REPOSITORY}:1.0", "--format=json")
    assert json.loads(cached.stdout)[0]["reason"] == "person_revoked"
    assert decide(world, "withdraw", "1.0").returncode == 0
    assert ask(world, "1.0").returncode == 0
    assert decide(world, "approve", "9.9", "--until=2099-01-01T00:00:00Z").returncode == 1


def test_an_approval_does_not_go_over_to_what_is_pushed_later(world):
    assert decide(world, "approve", "3.0", "--until=2099-01-01T00:00:00Z").returncode == 0
    assert ask(world, "3.0").returncode == 0
    world.sql(f"INSERT INTO tag_observations VALUES (gen_random_uuid(), '{REPOSITORY}', '3.0', '{UNSCANNED}', now(), now())")
    assert ask(world, "3.0").returncode == 4


def test_a_dry_run_tells_what_would_have_been_decided_differently(world):
    store(world, POLICY)
    for tag in ("1.0", "3.0", "2.0"):
        ask(world, tag)
    candidate = world.state / "candidate.yaml"
    candidate.write_text(POLICY + EXCEPTION)
    tried = world.run("policy", "dry-run", candidate, f"--postgres={world.postgres.conninfo()}", "--format=json", check=False)
    assert tried.returncode == 1, tried.stderr
    rows = json.loads(tried.stdout)
    assert [(row["image"], row["was"], row["would_be"]) for row in rows] == [(f"{REPOSITORY}@{TAGS['3.0']}", "rejected", "approved")]
    assert "1 of 3 would be decided differently: 0 rejected, 1 approved" in tried.stderr
    candidate.write_text(POLICY)
    assert world.run("policy", "dry-run", candidate, f"--postgres={world.postgres.conninfo()}").returncode == 0


def test_the_built_in_policy_holds_where_none_was_stored(world):
    assert "policy built-in" in ask(world, "1.0").stdout
    assert subprocess.run([world.program, "gate"], capture_output=True, check=False).returncode == 2
