#!/usr/bin/env python3
"""Events applied per second by inventory, as a ratio to COPY of the rows they became, in the same PostgreSQL.

    python3 bench/inventory.py [EVENTS]        after ./muster build

The floor is COPY FROM a file into bare tables of the same columns: no key, no index, no duplicate looked for.
MUSTER_BIN names the folder of the programs (default build/release/bin).
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "deploy"))

from local.postgres import Postgres  # noqa: E402

BIN = Path(os.environ.get("MUSTER_BIN", ROOT / "build/release/bin"))
TABLES = ("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname "
          "NOT IN ('muster_schema_migrations', 'ledger_clock', 'positions') ORDER BY 1")


def copy_rows(postgres, folder):
    """Seconds of COPY for all rows, and how many there are."""
    seconds, rows = 0.0, 0
    for table in postgres.sql(TABLES).split():
        file = folder / table
        postgres.sql(f"COPY {table} TO '{file}'; CREATE TABLE floor_{table} (LIKE {table})")
        rows += int(postgres.sql(f"SELECT count(*) FROM {table}"))
        seconds += float(postgres.sql(
            "CREATE TEMP TABLE watch AS SELECT clock_timestamp() AS start; COMMIT; BEGIN; "
            f"COPY floor_{table} FROM '{file}'; COMMIT; SELECT extract(epoch FROM clock_timestamp() - start) FROM watch"))
    return seconds, rows


def measure(state, events):
    postgres = Postgres(state)
    postgres.start()
    try:
        postgres.wait_ready()
        files = state / "copy"
        files.mkdir()
        files.chmod(0o777)
        program = [BIN.parent / "bench" / "bench_inventory_apply", postgres.conninfo(), state / "evidence", str(events)]
        applied = float(subprocess.run(program, check=True, capture_output=True, text=True).stdout)
        copied, rows = copy_rows(postgres, files)
        return applied, copied, rows
    finally:
        postgres.process.stop()


def main():
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 20000
    state = Path(tempfile.mkdtemp(prefix="muster-bench-", dir="/var/tmp"))
    state.chmod(0o755)
    try:
        applied, copied, rows = measure(state, events)
    finally:
        shutil.rmtree(state, ignore_errors=True)
    print(f"inventory: {events / applied:.0f} events/s ({events} events, {rows} rows, {applied:.2f} s); "
          f"COPY of the same rows: {events / copied:.0f} events/s ({copied:.2f} s); ratio {copied / applied:.3f}")


if __name__ == "__main__":
    main()
