"""A world for muster-report alone: PostgreSQL whose report_v1 answers from tables, and an evidence API that can misbehave.

The functions are those of schemas/report-views.v1.md; what inventory puts behind them is test_chain.py's subject.
"""

import hashlib
import json
import os
import subprocess
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from local.demo import SYSTEM
from local.postgres import Postgres

BIN = Path(os.environ.get("MUSTER_BIN", Path(__file__).resolve().parents[2] / "build/release/bin")).resolve()
WEB, TOOLS, GONE, HOSTILE = (f"registry.example/apps/{name}" for name in ("web:1.0", "tools:2.0", "gone:3", "hostile:4"))
MONTH, AS_OF = "2026-10", "2026-10-31T23:59:59.999999Z"
COLUMNS = {
    "inventory": "uai text, manifest_digest text, repository text, tag text, platform text, os_name text, image_title text, image_version text, "
                 "image_vendor text, running_containers bigint, state text, reason text, evidence_digest text, scan_finished_at timestamptz, "
                 "reported_digest text, floating boolean, scanner_name text, scanner_version text, database_version text, "
                 "database_built_at timestamptz, configuration_checksum text, first_running_at timestamptz",
    "asset_statements": "uai text, baseline text, public text, hardening text",
    "findings": "item text, uai text, repository text, vulnerability text, reported_as text, packages text, fixed_versions text, severity text, "
                "effective_severity text, severity_source text, cvss text, scanner_name text, kev_added text, kev_due text, epss text, "
                "exploitation text, public text, automatable text, technical_impact text, detected_at timestamptz, "
                "first_detected_at timestamptz, item_detected_at timestamptz, episode integer, instances bigint, deviations text, pending text, "
                "rev5_due_at timestamptz, kev_due_at timestamptz, bod_due_at timestamptz, forensic boolean, due_at timestamptz, due_by text, "
                "status text",
    "closed_findings": "item text, uai text, repository text, vulnerability text, episode integer, detected_at timestamptz, "
                       "first_detected_at timestamptz, item_detected_at timestamptz, closed_at timestamptz, closed_by text, "
                       "item_closed_at timestamptz, severity text, cvss text",
    "deviations": "deviation text, state text, kind text, vulnerability text, asset text, package text, adjusted_severity text, rationale text, "
                  "evidence text, requested_by text, requested_at timestamptz, decided_by text, decided_role text, decided_at timestamptz, "
                  "decision_evidence text, expires_at timestamptz, checked_in_at timestamptz, released_at timestamptz",
    "failures": "failure text, state text, code text, message text, repository text, digest text, source text, attempts integer, "
                "opened_at timestamptz, closed_at timestamptz",
    "instances": "cluster text, namespace text, pod text, container text, container_kind text, image text, uai text, manifest_digest text, "
                 "state text, reason text, started_at timestamptz, node text",
    "not_running": "uai text, manifest_digest text",
    "sources": "source text, kind text, state text, since timestamptz, last_event_at timestamptz, last_error text",
    "quarantine": "reason_code text, source text, reason text, events bigint, first_known_at timestamptz, last_known_at timestamptz",
    "ledger": "topic text, received bigint, applied bigint, quarantined bigint, duplicates bigint",
}
SIGNATURES = {"failures": "since timestamptz, a timestamptz, k timestamptz", "quarantine": "since timestamptz, a timestamptz, k timestamptz",
              "ledger": ""}

STATES = ("covered", "scan_expired", "scan_failed", "never_scanned", "unresolved", "not_in_registry", "excluded")

# Each function refuses to answer outside of one repeatable-read, read-only transaction.
GUARD = """
CREATE SCHEMA report_v1;
CREATE TABLE facts (known_at timestamptz NOT NULL);
CREATE FUNCTION report_v1.frozen() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'repeatable read' OR current_setting('transaction_read_only') <> 'on' THEN
        RAISE EXCEPTION 'not in a snapshot';
    END IF;
    RETURN true;
END $$;
CREATE FUNCTION report_v1.horizon(k timestamptz) RETURNS timestamptz LANGUAGE sql SECURITY DEFINER AS
    'SELECT LEAST(k, max(known_at)) FROM public.facts WHERE report_v1.frozen() HAVING min(known_at) <= k';
"""
TOTALS = """
CREATE FUNCTION report_v1.originals(k timestamptz) RETURNS TABLE (evidence_digest text, original_digest text) LANGUAGE sql SECURITY DEFINER AS
    'SELECT NULL::text, NULL::text WHERE false';
CREATE FUNCTION report_v1.totals(a timestamptz, k timestamptz) RETURNS TABLE (state text, containers bigint) LANGUAGE sql SECURITY DEFINER AS
    $$SELECT n.name, count(i.pod) FROM unnest(string_to_array('%s', ' ')) WITH ORDINALITY AS n (name, place)
      LEFT JOIN public.instances i ON i.state = n.name AND i.known_at <= k GROUP BY n.name, n.place ORDER BY n.place$$;
""" % " ".join(STATES)


class Evidence(ThreadingHTTPServer):
    """GET /v1/evidence/<digest>; `answer` may replace what is said."""

    daemon_threads = True

    def __init__(self):
        self.bodies, self.answer, self.asked = {}, None, threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def add(self, body):
        digest = "sha256:" + hashlib.sha256(body).hexdigest()
        self.bodies[f"/v1/evidence/{digest}"] = body
        return digest


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one piece

    def do_GET(self):
        self.server.asked.set()
        body = self.server.bodies.get(self.path)
        status = 200 if body is not None else 404
        if self.server.answer:
            status, body = self.server.answer(body)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_):
        pass


def raw_scan(digest, uais, findings=(), finished_at="2026-10-30T10:00:05.000000Z"):
    """As schemas/raw-scan.v1.schema.json has it; findings are [(vulnerability, severity)]."""
    counts = {name: sum(severity == name for _, severity in findings) for name in ("critical", "high", "moderate", "low", "unknown")}
    counts["low"] += sum(severity == "negligible" for _, severity in findings)
    return {
        "schema": "muster.raw-scan.v1", "status": "complete", "failures": [], "suppressed": [], "packages": [],
        "targets": [{"uai": uai, "digest": digest} for uai in uais],
        "image": {"repository": uais[0].rpartition(":")[0], "manifest_digest": digest, "layers": []},
        "scanner": {"name": "muster-scanner", "version": "1", "configuration_checksum": "sha256:" + "c" * 64},
        "database": {"version": "sha256:" + "d" * 64, "built_at": "2026-10-30T00:00:00.000000Z",
                     "newest_record_at": "2026-10-29T00:00:00.000000Z", "records": 1},
        "authentication": {"method": "registry", "authorized": True},
        "started_at": "2026-10-30T10:00:00.000000Z", "finished_at": finished_at,
        "counts": {"packages": 0, "suppressed": 0, "findings": len(findings), **counts},
        "findings": [{"id": vulnerability, "severity": severity, "status": "affected", "aliases": [],
                      "package": "openssl", "package_version": "3.0.1", "package_type": "deb"} for vulnerability, severity in findings]}


class ReportWorld:
    def __init__(self, state, program):
        self.program, self.postgres, self.evidence = program, Postgres(state), Evidence()
        self.postgres.start()
        self.postgres.wait_ready()
        script = GUARD
        for name, columns in COLUMNS.items():
            order = ", ".join(f'{column.split()[0]} COLLATE "C"' for column in columns.split(", ")[:3] if column.endswith(" text"))
            signature = SIGNATURES.get(name, "a timestamptz, k timestamptz")
            known = "known_at <= k" if signature else "true"
            script += (f"CREATE TABLE {name} ({columns}, known_at timestamptz NOT NULL DEFAULT '2026-10-02');"
                       f"CREATE FUNCTION report_v1.{name}({signature}) RETURNS SETOF {name} LANGUAGE sql SECURITY DEFINER AS "
                       f"'SELECT * FROM public.{name} WHERE {known} AND report_v1.frozen() ORDER BY {order}';")
        script += TOTALS
        script += ("CREATE ROLE muster_report LOGIN; REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC;"
                   "GRANT USAGE ON SCHEMA report_v1 TO muster_report; CREATE ROLE nobody_special LOGIN;"
                   "REVOKE ALL ON ALL FUNCTIONS IN SCHEMA report_v1 FROM PUBLIC;"
                   "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA report_v1 TO muster_report;")
        self.postgres.sql(script)
        self.postgres.sql("INSERT INTO facts VALUES ('2026-10-01'), ('2026-10-02'), ('2026-11-05')")

    def insert(self, table, **values):
        texts = ", ".join("NULL" if value is None else "'" + str(value).replace("'", "''") + "'" for value in values.values())
        self.postgres.sql(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({texts})")

    def add_image(self, name, digit, state="covered", reason=None, also=(), findings=(), scan=None, **labels):
        """An image with one container in production; its raw scan, of [(vulnerability, severity)] and with the members of `scan`, unless it was
        never scanned."""
        repository, _, tag = name.rpartition(":")
        digest = "sha256:" + digit.rjust(64, digit)
        evidence = None
        if state in ("covered", "scan_expired"):
            evidence = self.evidence.add(json.dumps(raw_scan(digest, (name, *also), findings) | (scan or {})).encode())
        self.insert("inventory", uai=name, manifest_digest=digest, repository=repository, tag=tag, running_containers=1, state=state,
                    reason=reason, evidence_digest=evidence, floating="false", **labels)
        self.insert("instances", cluster="production", namespace="prod", pod=f"pod-{digit}", container="app", container_kind="container",
                    image=name, uai=name, manifest_digest=digest, state=state, reason=reason, started_at="2026-10-02", node="node-1")
        for uai in also:
            self.insert("not_running", uai=uai, manifest_digest=digest)
        return digest

    def agree(self):
        """Raw scans find what the table of findings says, and nothing else; what they say of it beside stays."""
        found = self.json("SELECT json_agg(json_build_array(uai, reported_as, effective_severity)) FROM findings")
        for uai, manifest, digest in self.json("SELECT json_agg(json_build_array(uai, manifest_digest, evidence_digest)) FROM inventory "
                                               "WHERE evidence_digest IS NOT NULL"):
            told = json.loads(self.evidence.bodies[f"/v1/evidence/{digest}"])
            severities = {name: severity for other, names, severity in found if other == uai for name in names.split("\n")}
            plain = raw_scan(manifest, (uai,), severities.items())
            kept = {one["id"]: one for one in told.get("findings", [])}
            findings = [one | kept.get(one["id"], {}) | {"severity": one["severity"]} for one in plain["findings"]]
            counts = {**plain["counts"], **{name: len(told.get(name, [])) for name in ("packages", "suppressed")}}
            body = json.dumps({**plain, **told, "findings": findings, "counts": counts}).encode()
            self.postgres.sql(f"UPDATE inventory SET evidence_digest = '{self.evidence.add(body)}' WHERE evidence_digest = '{digest}'")

    def json(self, query):
        return json.loads(self.postgres.sql(query) or "[]")

    def command(self, out, *more, month=MONTH, user="muster_report", system=SYSTEM):
        return [str(self.program), "run", f"--month={month}", f"--system={system}", f"--out={out}",
                f"--postgres={self.postgres.conninfo(user=user)}", f"--inventory-url=http://127.0.0.1:{self.evidence.server_port}", *more]

    def run(self, out, *more, **changes):
        return subprocess.run(self.command(out, *more, **changes), capture_output=True, text=True, check=False, timeout=120)

    def verify(self, folder, *more):
        return subprocess.run([str(self.program), "verify", *more, str(folder)], capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture(scope="module")
def report_world(state_root):
    """Four images in production: two covered, one that the registry deleted, one whose labels are hostile."""
    state = Path(tempfile.mkdtemp(prefix="report-", dir=state_root))
    state.chmod(0o755)  # for PostgreSQL's own user
    made = ReportWorld(state, BIN / "muster-report")
    made.add_image(WEB, "1", os_name="Debian GNU/Linux 12", image_vendor="Example Agency", image_title="web", image_version="1.0.3")
    made.add_image(TOOLS, "2", also=["registry.example/apps/tools:old"])
    made.add_image(GONE, "3", state="not_in_registry", reason="the registry deleted it")
    made.add_image(HOSTILE, "4", os_name="+1+1", image_vendor="=cmd|' /C calc'!A0", image_title="@SUM(1,1)\nx", image_version="n/a")
    yield made
    made.evidence.shutdown()
    made.postgres.process.stop()
