"""Findings of every kind in the world of report_world, and templates made by the facts of FedRAMP's forms."""

import json
from datetime import datetime
from pathlib import Path

import openpyxl
from openpyxl.formatting.rule import FormulaRule
from openpyxl.styles import PatternFill
from openpyxl.worksheet.datavalidation import DataValidation
from report_world import TOOLS, WEB, raw_scan

FORMS = json.loads((Path(__file__).parents[1] / "data/forms.json").read_text())
POAM, DR = FORMS["poam"], FORMS["dr"]
OPEN, CLOSED, CONFIGURATION = POAM["sheets"][1:4]
DETECTED = "2026-09-20T10:00:00Z"
HOSTILE_RATIONALE = "=cmd|' /C calc'!A0\x1b \u202egnp.exe"


def day(text):
    return datetime.fromisoformat(text)


def add_findings(world):
    def finding(item, vulnerability, uai=WEB, **more):
        values = {"packages": "openssl 3.0.1", "fixed_versions": "openssl 3.0.2", "severity": "moderate", "severity_source": "nvd_cvss3",
                  "cvss": "5.0", "public": "yes", "status": "open", "due_by": "rev5", "due_at": "2026-12-19T10:00:00Z", **more}
        values.setdefault("effective_severity", values["severity"])
        world.insert("findings", item=item, uai=uai, repository=uai.rpartition(":")[0], vulnerability=vulnerability,
                     reported_as=vulnerability, scanner_name="muster-scanner", detected_at=DETECTED, first_detected_at=DETECTED,
                     item_detected_at=DETECTED, episode=1, instances=1, forensic="false", **values)

    def deviation(number, kind, vulnerability, state="approved", **more):
        world.insert("deviations", deviation=number, kind=kind, vulnerability=vulnerability, state=state, asset=WEB,
                     **{"rationale": "it is not reachable", "evidence": f"evidence/{number}.pdf", "requested_by": "isso@example.com",
                        "requested_at": "2026-10-05T10:00:00Z", **more})

    finding("V-CVE-2026-0001", "CVE-2026-0001", severity="critical", cvss="9.8", kev_added="2026-10-01", kev_due="2026-10-22",
            due_at="2026-10-20T10:00:00Z", status="late")
    finding("V-CVE-2026-0001", "CVE-2026-0001", uai=TOOLS, severity="critical", cvss="9.8", kev_added="2026-10-01", kev_due="2026-10-22",
            due_at="2026-10-20T10:00:00Z", status="late")
    finding("V-CVE-2026-0002", "CVE-2026-0002")
    finding("V-CVE-2026-0003-DR-1", "CVE-2026-0003", severity="low", deviations="DR-1", status="false_positive", due_at=None, due_by=None)
    finding("V-CVE-2026-0004-DR-2", "CVE-2026-0004", severity="high", effective_severity="moderate", deviations="DR-2", status="open")
    finding("V-CVE-2026-0005-DR-3", "CVE-2026-0005", deviations="DR-3", status="vendor_dependency", due_by="vendor_check_in")
    finding("V-CVE-2026-0006-DR-4", "CVE-2026-0006", severity="high", deviations="DR-4", pending="operational_requirement")
    finding("V-CVE-2026-0007", "CVE-2026-0007", severity="negligible", due_at=None, due_by=None, status="no_due_date")
    finding("V-GHSA-x", "GHSA-x", severity="unknown", severity_source="scanner", cvss=None, fixed_versions="")
    deviation("DR-1", "false_positive", "CVE-2026-0003", requested_at="2026-09-25T10:00:00Z", decided_at="2026-09-28T10:00:00Z")
    deviation("DR-2", "risk_adjustment", "CVE-2026-0004", adjusted_severity="moderate", requested_at="2026-09-25T10:00:00Z",
              decided_at="2026-10-02T10:00:00Z", decision_evidence="evidence/ao.pdf")
    deviation("DR-3", "vendor_dependency", "CVE-2026-0005", package="openssl", checked_in_at="2026-10-20T00:00:00Z")
    deviation("DR-4", "operational_requirement", "CVE-2026-0006", state="pending", rationale=HOSTILE_RATIONALE)
    for number, closed_by, at in (("8", "scan", "2026-10-08"), ("9", "gone", "2026-10-09")):
        world.insert("closed_findings", item=f"V-CVE-2025-000{number}", uai=WEB, repository=WEB.rpartition(":")[0],
                     vulnerability=f"CVE-2025-000{number}", episode=1, detected_at="2026-08-01", first_detected_at="2026-08-01",
                     item_detected_at="2026-08-01", closed_at=at, closed_by=closed_by, item_closed_at=at, severity="high", cvss="7.5")
    # What a raw scan says beside: what its image gets wrong.
    body = json.dumps(raw_scan("sha256:" + "1" * 64, (WEB,)) | {
        "issues": [{"check": "CIS-DI-0001", "severity": "moderate", "title": "Runs as root", "source": "CIS Docker Benchmark"},
                   {"check": "CIS-DI-0006", "severity": "low", "title": "No health check", "source": "CIS Docker Benchmark"}]})
    digest = world.evidence.add(body.encode())
    world.postgres.sql(f"UPDATE inventory SET evidence_digest = '{digest}', first_running_at = '2026-09-10' WHERE uai = '{WEB}'")
    world.agree()


# ---- templates: what FedRAMP's own files have, made by the facts ----

def due_rule(row, columns):
    detected, original, adjusted, adjustment = (columns[name] for name in
                                                ("Original Detection Date", "Original Risk Rating", "Adjusted Risk Rating", "Risk Adjustment"))
    by = lambda rating: (f'IF({rating}{row}="High",{detected}{row}+30,IF({rating}{row}="Moderate",{detected}{row}+90,'  # noqa: E731
                         f'IF({rating}{row}="Low",{detected}{row}+180,"")))')
    return f'=IF(({adjusted}{row}="N/A")+(ISBLANK({adjusted}{row})),{by(original)},IF({adjustment}{row}="Yes",{by(adjusted)},{by(original)}))'


def poam_template(path, order=None, rows=40, without=(), change=None):
    """`order`: the columns of the open sheet in another order; `without`: columns left out."""
    book = openpyxl.Workbook()
    book.active.title = POAM["sheets"][0]
    book.active["A5"] = "How this form is filled in."
    headers = [name for name, _ in order or POAM["columns"] if name not in without]
    sheet = book.create_sheet(OPEN)
    sheet["A1"] = POAM["title"]
    sheet.merge_cells("A1:F1")
    for column, label in zip("BCDE", POAM["fields"]):
        sheet[f"{column}2"], sheet[f"{column}3"] = label, f"Enter the {label}"
    for row, label in POAM["labels"].items():
        sheet[f"A{row}"] = label
    letters = {name: openpyxl.utils.get_column_letter(2 + place) for place, name in enumerate(headers)}
    for name, letter in letters.items():
        sheet[f"{letter}5"], sheet[f"{letter}6"], sheet[f"{letter}8"] = name, "What stands here", dict(POAM["columns"]).get(name)
        sheet.column_dimensions[letter].width = 20.88
        if name in POAM["lists"]:
            rule = DataValidation("list", formula1=f'"{POAM["lists"][name]}"', allow_blank=True, sqref=f"{letter}1:{letter}5 {letter}9:{letter}{rows}")
            sheet.add_data_validation(rule)
    for row in range(9, rows + 1):
        for letter in letters.values():
            sheet[f"{letter}{row}"].font = openpyxl.styles.Font(name="Arial", size=9)
        if row > 9 and not without:
            sheet[f"{letters['Scheduled Completion Date']}{row}"] = due_rule(row, letters)
            sheet[f"{letters['Scheduled Completion Date']}{row}"].number_format = "mm-dd-yy"
    zebra = FormulaRule(["MOD(ROW(),2)=0"], fill=PatternFill("solid", bgColor="F2F2F2"))
    sheet.conditional_formatting.add(f"A9:AB{rows}", zebra)
    sheet.freeze_panes = "A6"
    for name in (CLOSED, CONFIGURATION):
        other = book.create_sheet(name)
        for place, (header, _) in enumerate(POAM["columns"], 1):
            other.cell(2, place, POAM["closed_plan"] if header == "Remediation Plan" else header)
    for place, header in enumerate(POAM["deficiencies"], 2):
        (book[POAM["sheets"][4]] if POAM["sheets"][4] in book.sheetnames else book.create_sheet(POAM["sheets"][4])).cell(1, place, header)
    changes = book.create_sheet(POAM["sheets"][5])
    changes["B4"], changes["D4"] = datetime(2025, 11, 17), 3.0
    if change:
        change(book)
    book.save(path)
    return path


def dr_template(path):
    book = openpyxl.Workbook()
    book.active.title = "Instructions"
    sheet = book.create_sheet(DR["sheet"])
    sheet["A1"], sheet["A2"], sheet["B2"], sheet["C2"], sheet["E2"] = "FedRAMP DR Request Form", "CSP Name", "System Name", "Impact Level", "DR Submission Date"
    sheet["A5"], sheet["A6"], sheet["B6"], sheet["C6"], sheet["D6"] = "CSP Primary POC ", "Name", "Title", "Phone", "Email"
    for cell in ("A3", "B3", "C3", "E3", "A7", "B7", "C7", "D7"):
        sheet[cell] = "Text Field"
    for merge in DR["merges"]:
        sheet.merge_cells(merge)
    sheet["AO9"] = "Additional Information"
    for place, header in enumerate(DR["columns"], 1):
        if header:
            sheet.cell(10, place, header)
            sheet.cell(11, place, "Text Field")
    for place in range(1, 30):
        for row in (12, 13):
            sheet.cell(row, place, "Delete prior to submission")
    book.save(path)
    return path
