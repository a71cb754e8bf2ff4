#!/usr/bin/env python3
"""Rows of the inventory workbook per second, as a ratio to libxlsxwriter alone, and the memory of a whole package.

    python3 bench/report.py [ROWS]        default 1000000; after ./muster build

The floor writes the same cells with libxlsxwriter in constant-memory mode and does nothing else; openpyxl's write-only mode
beside it (the same cells, a tenth of the rows), when it is installed. MUSTER_BIN names the folder of the programs (default build/release/bin).
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(os.environ.get("MUSTER_BIN", ROOT / "build/release/bin"))
COLUMNS, TURNS = 25, 3


def measured(way, rows, folder):
    """(seconds, MiB resident)"""
    said = subprocess.run([BIN.parent / "bench/bench_report_rows", way, str(rows), folder], check=True, capture_output=True,
                          text=True, env={**os.environ, "SQLITE_TMPDIR": str(folder), "TMPDIR": str(folder)}).stdout.split()
    return float(said[0]), int(said[1]) / 1024


def openpyxl_rows_a_second(rows, folder):
    """The floor's cells with its format; None where it is not installed."""
    try:
        import openpyxl
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.styles import Alignment
    except ImportError:
        return None
    texts = subprocess.run([BIN.parent / "bench/bench_report_rows", "cells", "1", folder], check=True, capture_output=True,
                           text=True).stdout.split("\n")[:COLUMNS]
    numbered = [i for i, text in enumerate(texts) if "0000000" in text]
    begin = time.monotonic()
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Inventory")
    cells = [WriteOnlyCell(sheet, text or None) for text in texts]
    for cell in cells:
        cell.alignment = Alignment(wrap_text=True)
    for number in range(rows):
        for i in numbered:
            cells[i].value = texts[i].replace("0000000", f"{number:07}")
        sheet.append(cells)
    book.save(folder / "openpyxl.xlsx")
    return rows / (time.monotonic() - begin)


def main():
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1000000
    folder = Path(tempfile.mkdtemp(prefix="muster-bench-", dir="/var/tmp"))
    try:
        turns = [{way: measured(way, rows, folder) for way in ("floor", "workbook")} for _ in range(TURNS)]
        found = {way: tuple(statistics.median(turn[way][i] for turn in turns) for i in (0, 1)) for way in turns[0]}
        found["bundle"] = measured("bundle", rows, folder)
        found["poam"] = measured("poam", rows // 10, folder)
        size = sum(path.stat().st_size for path in (folder / "bundle").rglob("*")) / 1e6
        other = openpyxl_rows_a_second(rows // 10, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for way, (seconds, mib) in found.items():
        count = rows // 10 if way == "poam" else rows  # of findings, ten an item
        print(f"{way:9} {count} rows: {seconds:7.1f} s, {count / seconds:9.0f} rows/s, {mib:5.0f} MiB")
    own = rows / found["workbook"][0]
    print(f"workbook / floor {own * found['floor'][0] / rows:.2f}; whole package without OSCAL {size:.0f} MB")
    print(f"workbook / openpyxl {own / other:.1f} ({other:.0f} rows/s)" if other else "openpyxl is not installed: not compared")


if __name__ == "__main__":
    main()
