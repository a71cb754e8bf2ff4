"""A month of which the report for people has much to tell: every coverage state, rating, clock, kind of deviation, and hostile text."""

import json
from datetime import datetime, timedelta, timezone

from report_world import raw_scan

END = datetime(2026, 10, 31, 23, 59, 59, 999999, tzinfo=timezone.utc)
RTL, SCRIPT = "\u202e", "<script>document.title='ran'</script>"
HOSTILE = {
    "reason": f"{SCRIPT}\"'><img src=x onerror=\"document.title='ran'\">",
    "summary": f"</style></title></desc></svg>{SCRIPT} a length is not checked {RTL}txt.exe",
    "rationale": "<a href=\"javascript:document.title='ran'\" onclick='x'>no\x01 \x1b[31mharm</a> \u200bhere\u2066",
    "message": f"<svg onload=\"document.title='ran'\">--><!-- {RTL}",
    "package": f"evil\" onmouseover=\"document.title='ran'{RTL} 1.0",
}
NAMES = """billing-api billing-worker identity gateway ledger reports search notifications scheduler exporter
audit-log cache-proxy queue-bridge pdf-render web-console batch-import metrics-agent""".split()
STATES = {12: ("scan_expired", "the last complete scan finished 41 days before"), 13: ("scan_failed", "layer 3 of 5 could not be read"),
          14: ("never_scanned", HOSTILE["reason"]), 15: ("not_in_registry", "the registry deleted it on 2026-10-20"),
          16: ("excluded", "sandbox namespace, outside of the boundary")}
SEVERITIES = [("critical", "9.8", 30), ("high", "8.1", 30), ("moderate", "5.5", 90), ("low", "3.1", 180)]


def instant(days_ago):
    return (END - timedelta(days=days_ago)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def quoted(value):
    return "NULL" if value is None else "'" + str(value).replace("'", "''") + "'"


class HtmlWorld:
    """Fills the tables of a report_world."""

    def __init__(self, world):
        self.world, self.rows, self.items = world, {}, {}

    def add(self, table, **values):
        self.rows.setdefault((table, tuple(values)), []).append(tuple(values.values()))

    def write(self):
        script = "".join(
            f"INSERT INTO {table} ({', '.join(names)}) VALUES " + ", ".join(f"({', '.join(map(quoted, row))})" for row in rows) + ";"
            for (table, names), rows in self.rows.items())
        self.world.postgres.sql(script)

    def image(self, place, name):
        uai, digest = f"registry.example/apps/{name}:{place % 5 + 1}.{place}.0", f"sha256:{place:064x}"
        state, reason = STATES.get(place, ("covered", None))
        age = 41 if state == "scan_expired" else 1 + place * 3 % 29
        scanned = state in ("covered", "scan_expired")
        evidence = None
        if scanned:
            evidence = self.world.evidence.add(json.dumps(raw_scan(digest, (uai,), finished_at=instant(age)) | {
                "authentication": {"method": "bearer" if place != 3 else None, "authorized": place not in (3, 7)},
                "findings": [{"id": f"CVE-2026-{n:04}", "summary": HOSTILE["summary"] if n == 1 else f"Flaw {n} in a parser of {name}"}
                             for n in range(1, 31)]}).encode())
        self.add("inventory", uai=uai, manifest_digest=digest, repository=uai.rpartition(":")[0], tag=uai.rpartition(":")[2],
                 running_containers=1 + place % 4, state=state, reason=reason, evidence_digest=evidence, floating=place == 9,
                 scan_finished_at=instant(age) if scanned else None, scanner_name="muster-scanner" if scanned else None,
                 scanner_version="0.1.0" if scanned else None, database_built_at=instant(age + (2 if place == 5 else 0.25)) if scanned else None,
                 configuration_checksum=("sha256:" + ("b" if place == 6 else "a") * 64) if scanned else None,
                 first_running_at=instant(60 + place), os_name="Debian GNU/Linux 12")
        for copy in range(1 + place % 4):
            self.add("instances", cluster="production", namespace="prod", pod=f"{name}-{copy}", container="app", container_kind="container",
                     image=uai, uai=uai, manifest_digest=digest, state=state, reason=reason, started_at=instant(60), node="node-1")
        return uai

    def finding(self, number, uai, age, rank, deviation=None, held=None, **more):
        name, cvss, days = SEVERITIES[rank]
        vulnerability = f"CVE-2026-{number:04}"
        item = f"V-{vulnerability}" + (f"-{deviation}" if deviation else "")
        due = instant(age - days)
        status = held or ("late" if age > days else "at_risk" if days - age <= 30 else "open")
        row = dict(item=item, uai=uai, repository=uai.rpartition(":")[0], vulnerability=vulnerability, reported_as=vulnerability,
                   packages=f"libexample{number} 1.{number}.0", fixed_versions=f"libexample{number} 1.{number}.1", severity=name,
                   effective_severity=name, severity_source="nvd_cvss3", cvss=cvss, scanner_name="muster-scanner", kev_added=None, kev_due=None,
                   public="yes" if number % 5 == 0 else None, detected_at=instant(age), first_detected_at=instant(age),
                   item_detected_at=instant(age), episode=1, instances=1 + number % 3, deviations=deviation, pending=None,
                   rev5_due_at=due, kev_due_at=None, bod_due_at=None, forensic=False, due_at=due, due_by="rev5", status=status)
        row.update(more)
        self.add("findings", **row)
        state = {"false_positive": "False positive", "late": "Late"}.get(row["status"]) or \
            ("Due" if row["due_at"] and row["due_at"] <= instant(-30) else "Held" if held else "Open")
        known = self.items.get(item, ("Open",))
        self.items[item] = state if item not in self.items or state == "Late" else known

    def fill(self):
        uais = [self.image(place, name) for place, name in enumerate(NAMES)]
        for number in range(1, 7):  # six high ones that are late: the limit is five
            for uai in uais[:number]:
                self.finding(number, uai, 34 + 6 * number, number % 2, packages=HOSTILE["package"] if number == 2 else f"libexample{number} 1.0")
        for number in range(7, 13):
            self.finding(number, uais[number % 12], 5 + number, 1)
        for number in range(13, 22):  # nine moderate ones that are late, two more at the next submission
            self.finding(number, uais[number % 12], 92 + number, 2)
        for number in range(22, 24):
            self.finding(number, uais[number % 12], 80, 2)
        for number in range(24, 29):
            self.finding(number, uais[number % 12], 20 + number, 3)
        self.finding(29, uais[1], 70, 0, kev_added="2026-10-01", kev_due="2026-10-22", kev_due_at=instant(9), bod_due_at=instant(20),
                     due_at=instant(40), forensic=True)
        self.finding(30, uais[2], 12, 2, deviation="DR-2", held="vendor_dependency", due_at=instant(-15), due_by="vendor_check_in")
        self.finding(30, uais[4], 12, 2, deviation="DR-1", held="false_positive", due_at=None, due_by=None)
        self.finding(31, uais[4], 100, 3, deviation="DR-3", held="accepted", due_at=None, due_by=None)
        self.finding(32, uais[5], 20, 2, deviation="DR-4", severity="high", pending="false_positive")
        for number, (kind, state) in enumerate([("false_positive", "approved"), ("vendor_dependency", "approved"), ("accepted", "approved"),
                                                ("risk_adjustment", "approved"), ("false_positive", "pending")], 1):
            self.add("deviations", deviation=f"DR-{number}", state=state, kind=kind, vulnerability=f"CVE-2026-{29 + min(number, 3):04}",
                     asset=uais[4], rationale=HOSTILE["rationale"] if number == 1 else "the vulnerable function is not built in",
                     evidence="evidence/dr.pdf", requested_by="isso@example.com", requested_at=instant(30),
                     decided_by="ao@agency.example" if state == "approved" else None, decided_role="AO" if state == "approved" else None,
                     decided_at=instant(25) if state == "approved" else None, expires_at=instant(-20) if number == 3 else None,
                     checked_in_at=instant(15) if number == 2 else None, adjusted_severity="moderate" if number == 4 else None)
        for number in range(3):
            self.add("closed_findings", item=f"V-CVE-2025-000{number}", uai=uais[number], repository=uais[number].rpartition(":")[0],
                     vulnerability=f"CVE-2025-000{number}", episode=1, detected_at=instant(50), first_detected_at=instant(50),
                     item_detected_at=instant(50), closed_at=instant(10 + number), closed_by="scan" if number else "gone",
                     item_closed_at=instant(10 + number), severity="high", cvss="7.5")
        self.add("failures", failure="00000000-0000-0000-0000-000000000001", state="open", code="layer_unreadable", message=HOSTILE["message"],
                 repository="registry.example/apps/pdf-render", attempts=5, opened_at=instant(12), closed_at=None)
        self.add("failures", failure="00000000-0000-0000-0000-000000000002", state="closed", code="source_silent",
                 message="no event of the cluster for an hour", source="cluster production", attempts=1, opened_at=instant(8),
                 closed_at=instant(8))
        self.write()
        self.world.agree()
        return self
