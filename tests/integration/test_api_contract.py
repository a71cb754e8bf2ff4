"""inventory's API is what schemas/inventory-api.v1.yaml says: a property-based client tries every operation of a running server.

No Kafka: reading needs the database alone.
"""

import hashlib
import json
import os
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import yaml
from contract_client import try_contract
from local.demo import SYSTEM, wait_until
from local.postgres import Postgres
from local.process import Process, free_port, http_ok

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("MUSTER_BIN", ROOT / "build/release/bin")).resolve()
CONTRACT = ROOT / "schemas/inventory-api.v1.yaml"
TOKENS = {role: f"token-of-{role}-0001" for role in ("viewer", "assessor", "operator", "scanner", "ingest", "pipeline")}
EVERYTHING = "token-of-everybody-01"

UAI = "registry.example/apps/web:1.0"
DIGEST = "sha256:5842760b86e3114fd3c5a54c14d7944453c3700363800dcc07faa69d5dce7eaa"
RAW = b'{"schema":"muster.raw-scan.v1"}'
EVIDENCE = "sha256:" + hashlib.sha256(RAW).hexdigest()
# One of everything that the lists show, so that a schema is checked against rows and not against empty lists.
FACTS = f"""
UPDATE ledger_clock SET known_at = '2026-11-02';
INSERT INTO repositories SELECT name, NULL, '2026-11-01' FROM unnest(ARRAY['registry.example/apps/web', 'registry.example/apps/shop']) name;
INSERT INTO assets SELECT gen_random_uuid(), '{UAI}', 'registry.example/apps/web', '1.0', NULL, false, NULL, '2026-11-01';
INSERT INTO asset_digests SELECT asset_id, '{DIGEST}', NULL, '2026-11-01' FROM assets;
INSERT INTO tag_observations VALUES (gen_random_uuid(), 'registry.example/apps/web', '1.0', '{DIGEST}', '2026-11-01', '2026-11-01');
INSERT INTO digest_facts (fact_id, digest, kind, known_at) VALUES (gen_random_uuid(), '{DIGEST}', 'manifest', '2026-11-01');
INSERT INTO registry_facts SELECT gen_random_uuid(), 'registry.example/apps/web', '{DIGEST}', 'pushed', '2026-11-01', '2026-11-01';
INSERT INTO pod_facts (fact_id, cluster, pod_uid, namespace, pod, node, known_at)
    SELECT gen_random_uuid(), 'prod', 'u' || n, 'default', 'web-' || n, 'node-1', '2026-11-01' FROM generate_series(1, 5) n;
INSERT INTO instances SELECT gen_random_uuid(), 'prod', 'u' || n, 'main', 'regular', NULL, '2026-11-01' FROM generate_series(1, 5) n;
INSERT INTO run_image_facts (image_fact_id, image, image_id, repository, tag, digest, known_at)
    VALUES (gen_random_uuid(), '{UAI}', '{DIGEST}', 'registry.example/apps/web', '1.0', '{DIGEST}', '2026-11-01');
INSERT INTO run_facts (fact_id, instance_id, run_key, image_fact_id, started_at, known_at)
    SELECT gen_random_uuid(), instance_id, 'k', image_fact_id, '2026-11-01', '2026-11-01' FROM instances, run_image_facts;
INSERT INTO scans (scan_id, request_id, job_id, attempt, repository, digest, outcome, scanner_name, scanner_version, configuration_checksum,
                   started_at, finished_at, evidence_digest, packages, findings, known_at)
    VALUES (gen_random_uuid(), 'r', 'j', 1, 'registry.example/apps/web', '{DIGEST}', 'complete', 'muster-scanner', '1', 'c', '2026-11-01',
            '2026-11-01', '{EVIDENCE}', 3, 1, '2026-11-01');
INSERT INTO scan_uais SELECT scan_id, '{UAI}' FROM scans;
INSERT INTO finding_kinds (finding_id, vulnerability_id, package_name, package_version, severity, known_at)
    VALUES (gen_random_uuid(), 'CVE-2026-0001', 'zlib1g', '1.2', 'high', '2026-11-01');
INSERT INTO evidence_findings SELECT '{EVIDENCE}', ARRAY[1], ARRAY[finding_id] FROM finding_kinds;
INSERT INTO source_reports (event_id, source, source_kind, state, observed_at, known_at)
    VALUES (gen_random_uuid(), 'main', 'harbor', 'silent', '2026-11-01', '2026-11-01');
INSERT INTO detection_failures (failure_id, code, message, attempts, opened_at, known_at, source)
    VALUES (gen_random_uuid(), 'source_silent', 'nothing came', 1, '2026-11-01', '2026-11-01', 'main');
INSERT INTO ledger_transactions VALUES ('2026-11-02', '2026-11-01');
INSERT INTO ledger VALUES (gen_random_uuid(), '/s', 'e', 't', 'applied', NULL, NULL, '2026-11-01', '2026-11-01', '2026-11-02',
    'muster.registry-events', 0, 0, NULL);
INSERT INTO image_approvals (repository, digest, named, decision, person, role, reason, valid_from, valid_to, known_at)
    VALUES ('registry.example/apps/web', '{DIGEST}', '{UAI}', 'approve', 'ann', 'officer', 'not reachable', '2026-11-01', '2026-11-02', '2026-11-01');
INSERT INTO policy_decisions (decided_at, asked_by, image, repository, digest, verdict, reason, policy, facts, known_at)
    VALUES ('2026-11-01', 'ci', '{UAI}', 'registry.example/apps/web', '{DIGEST}', 'waiting', 'never_scanned', 'sha256:p', '{{}}', '2026-11-01');
INSERT INTO gate_decisions (instance, sequence, decided_at, source, cluster, namespace, kind, object, asked_by, image, scope, allowed, would_deny, verdict,
                            reason, cache_generation, lost_before, chain, known_at)
    VALUES ('gate/1', 1, '2026-11-01', 'admission', 'prod', 'default', 'Pod', 'web', 'ann', '{UAI}', 'open', true, false, 'none', 'cache_away', 0, 0, 'c',
            '2026-11-01');
INSERT INTO positions (topic, partition, next_offset, received, duplicates, applied) VALUES ('muster.registry-events', 0, 7, 7, 6, 1);
"""

# One of each kind of statement, so that their lists have a row too.
STATEMENTS = {
    "deviations": {"deviation": "D1", "record": "request", "kind": "accepted", "vulnerability": "CVE-2026-0001", "asset": "*",
                   "rationale": "not reachable"},
    "hardening": {"asset": UAI, "baseline": "CIS Docker Benchmark 1.6.0", "record": "validate", "evidence": "report 3"},
    "exposures": {"asset": "registry.example/apps/web", "public": "yes"},
    "ssvc": {"vulnerability": "CVE-2026-0001", "automatable": "no", "technical_impact": "total"},
    "exclusions": {"asset": UAI, "record": "exclude", "rationale": "leaves with ticket 9", "expires_at": "2099-01-01T00:00:00Z"},
    "moves": {"repository": "registry.example/apps/web", "moved_to": "registry.example/apps/shop", "record": "move", "rationale": "renamed"},
}


class Api:
    """muster-inventory on a PostgreSQL of its own, with a token for each role."""

    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        self.postgres, self.process = Postgres(folder), Process(folder, "inventory")
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self):
        self.postgres.start()
        self.postgres.wait_ready()
        access = self.folder / "access"
        access.write_text("".join(f"token {role} {role} {token}\n" for role, token in TOKENS.items()) +
                          f"token everybody {','.join(TOKENS)},as:security-officer {EVERYTHING}\n")
        self.process.start([str(BIN / "muster-inventory"), "run", f"--postgres={self.postgres.conninfo()}", "--kafka-brokers=127.0.0.1:1",
                            f"--evidence-dir={self.folder / 'evidence'}", f"--listen=127.0.0.1:{self.port}", f"--access-file={access}",
                            "--rate-limit=0"])
        self.process.wait_ready(lambda: http_ok(f"{self.url}/healthz"), 30, "listening")
        wait_until("the tables are there", lambda: self.ask("/v1/coverage", EVERYTHING)[0] == 200, 60)
        known = str(len(list((ROOT / "services/inventory/sql/migrations").glob("*.sql"))))
        wait_until("the schema is whole", lambda: self.postgres.sql("SELECT count(*) FROM muster_schema_migrations") == known, 60)
        self.postgres.sql(FACTS)
        assert self.ask(f"/v1/evidence/{EVIDENCE}", EVERYTHING, "PUT", RAW)[0] == 201
        for kind, statement in STATEMENTS.items():
            status, _, answer = self.ask(f"/v1/{kind}", EVERYTHING, "POST", statement)
            assert status == 201, (kind, answer)

    def ask(self, target, token=None, method="GET", body=None, accept=None):
        """(status, headers, body); a dict is sent as JSON."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if isinstance(body, dict):
            headers["Content-Type"], body = "application/json", json.dumps(body).encode()
        if accept:
            headers["Accept"] = accept
        request = urllib.request.Request(self.url + target, data=body, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.headers, refused.read()

    def stop(self):
        self.process.stop()
        self.postgres.process.stop()


@pytest.fixture(scope="module")
def api(state_root):
    folder = state_root / "api"
    folder.mkdir()
    folder.chmod(0o755)
    made = Api(folder)
    made.start()
    yield made
    made.stop()


# Of what is right by its schema, these may be refused all the same: bytes that do not hash to the name they are put under, texts that
# are no image reference, statements that cannot be as things stand.
LENIENT = ("put_evidence", "get_verdict", "post_verdict", "post_approval", "post_deviation", "post_hardening", "post_exposure", "post_ssvc",
           "post_exclusion", "post_move")


def contract_without_cursors(folder):
    """The contract but for the parameter whose right values only the server can make (the unit tests have those)."""
    contract = yaml.safe_load(CONTRACT.read_text())
    cursor = {"$ref": "#/components/parameters/cursor"}
    for operation in contract["paths"].values():
        parameters = operation.get("get", {}).get("parameters", [])
        parameters[:] = [parameter for parameter in parameters if parameter != cursor]
    path = folder / "contract.yaml"
    path.write_text(yaml.safe_dump(contract))
    return path


def rows_of(api, target):
    status, _, body = api.ask(target, TOKENS["viewer"])
    assert status == 200, body
    return json.loads(body)["items"]


def command(api, *words):
    done = subprocess.run([str(BIN / "muster-inventory"), *words, f"--postgres={api.postgres.conninfo()}"], capture_output=True, text=True,
                          check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_is_stated_over_http_counts_and_is_what_the_command_reads_and_writes(api):
    """An exclusion leaves what runs out of coverage until a command takes it back, and a person that of the command over HTTP."""
    excluded = {"state": "excluded", "containers": 5}
    assert excluded in rows_of(api, "/v1/coverage")
    (read,) = json.loads(command(api, "exclusion", "list", "--format=json"))
    assert (read["asset"], read["state"], read["by"]) == (UAI, "holds", "everybody")
    assert read["fact_id"] == rows_of(api, "/v1/exclusions")[0]["fact_id"]
    command(api, "exclusion", "withdraw", f"--asset={UAI}", "--by=ann")
    assert excluded not in rows_of(api, "/v1/coverage")
    assert [row["withdrawn_by"] for row in rows_of(api, "/v1/exclusions?state=withdrawn")] == ["ann"]
    command(api, "exclusion", "add", f"--asset={UAI}", "--by=ann", "--rationale=again", "--expires-at=2099-01-01T00:00:00Z")
    assert excluded in rows_of(api, "/v1/coverage")
    withdrawal = {"asset": UAI, "record": "withdraw"}
    assert api.ask("/v1/exclusions", TOKENS["viewer"], "POST", withdrawal)[0] == 403
    assert api.ask("/v1/exclusions", TOKENS["operator"], "POST", withdrawal)[0] == 201
    assert excluded not in rows_of(api, "/v1/coverage")
    assert "operator" in {row["withdrawn_by"] for row in rows_of(api, "/v1/exclusions?state=withdrawn")}
    assert [(row["repository"], row["moved_to"]) for row in json.loads(command(api, "move", "list", "--format=json"))] == [
        (row["repository"], row["moved_to"]) for row in rows_of(api, "/v1/moves")]
    wait_until("recorded", lambda: {(row["principal"], row["status"]) for row in json.loads(api.ask(
        "/v1/audit?limit=1000", EVERYTHING)[2])["items"] if row["path"] == "/v1/exclusions" and row["method"] == "POST"} >= {
            ("operator", 201), ("viewer", 403), ("everybody", 201)}, 30)


def test_no_answer_differs_from_the_contract(api):
    try_contract(api.folder, contract_without_cursors(api.folder), api.url, EVERYTHING, LENIENT, 39,
                 "--exclude-operation-id=get_readyz")  # it is not ready: there is no Kafka
    assert http_ok(f"{api.url}/healthz")


def test_every_list_has_rows_in_both_forms(api):
    questions = {"totals": "?by=node", "history": f"?subject={UAI}", "whowas": "?subject=web-1", "diff": "?from=2026-10-01T00:00:00Z",
                 "sample": "?seed=1&n=3", "vulnerabilities": f"?repository={UAI.rpartition(':')[0]}"}
    wait_until("a record is written", lambda: bool(json.loads(api.ask("/v1/audit", EVERYTHING)[2])["items"]), 30)
    for name in ("assets", "instances", "coverage", "totals", "history", "whowas", "diff", "sources", "failures", "findings", "vulnerabilities",
                 "vulnerability-counts", "sample", "ledger", "audit", "approvals", "decisions", "gate-decisions", *STATEMENTS):
        target = f"/v1/{name}{questions.get(name, '')}"
        status, _, body = api.ask(target, EVERYTHING)
        assert status == 200, (target, body)
        rows = json.loads(body)["items"]
        assert rows, target
        status, headers, text = api.ask(target, EVERYTHING, accept="text/csv")
        assert status == 200 and headers["Content-Type"].startswith("text/csv")
        assert text.decode().splitlines()[0].split(",") == list(rows[0])


def test_a_start_without_anybody_who_may_ask_is_refused(api):
    done = subprocess.run([str(BIN / "muster-inventory"), "run", f"--postgres={api.postgres.conninfo()}", "--kafka-brokers=127.0.0.1:1",
                           f"--evidence-dir={api.folder / 'evidence'}", "--listen=127.0.0.1:0"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--access-file" in done.stderr and "--auth=none" in done.stderr


def test_the_report_fetches_evidence_with_an_assessors_token(api):
    command = [str(BIN / "muster-report"), "run", "--month=2026-11", f"--system={SYSTEM}", f"--postgres={api.postgres.conninfo()}",
               f"--inventory-url={api.url}", f"--out={api.folder / 'package'}"]
    for token, code, says in ((None, 3, "answered 401"), (TOKENS["viewer"], 3, "answered 403"), (TOKENS["assessor"], 0, "")):
        environment = {**os.environ, **({"MUSTER_INVENTORY_TOKEN": token} if token else {})}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == code and says in done.stderr, done.stderr
    assert (api.folder / "package" / "raw-scans" / (EVIDENCE.removeprefix("sha256:") + ".json")).read_bytes() == RAW
