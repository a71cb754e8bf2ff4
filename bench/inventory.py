#!/usr/bin/env python3
"""Events applied per second by inventory, all effects included, as a ratio to raw COPY of the ledger rows alone in the same
PostgreSQL; and what one event costs as the ledger grows.

    python3 bench/inventory.py [EVENTS]              after ./muster build; the ratio
    python3 bench/inventory.py --curve [ROWS ...]    cost per event on a ledger of so many rows (default 1000 to 1000000)

The floor is COPY FROM a file into a table with the ledger's columns and a unique key on the event's id. The second floor is
COPY of all rows that the events became into bare tables: no key, no index, no duplicate looked for.
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
TABLES = ("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace "
          "AND relname NOT IN ('muster_schema_migrations', 'ledger_clock', 'positions') ORDER BY 1")
# Rows as the ledger has them, with ids as scattered as real ones.
FILL = ("CREATE TEMP TABLE fill AS SELECT gen_random_uuid() AS id, t.at FROM (SELECT ledger_tick() AS at) t, generate_series(1, {rows}); "
        "INSERT INTO ledger_ids SELECT id, at FROM fill; "
        "INSERT INTO ledger SELECT id, '/bench', 'event-' || id, 'muster.workload-event.v1', 'applied', NULL, NULL, at, at, at, "
        "'muster.workload-events', 0, 0, NULL FROM fill")


def timed_copy(postgres, table, file, key=""):
    """Seconds of COPY into a new table of the same columns."""
    postgres.sql(f"CREATE TABLE floor_{table} (LIKE {table}{key})")
    return float(postgres.sql(
        "CREATE TEMP TABLE watch AS SELECT clock_timestamp() AS start; COMMIT; BEGIN; "
        f"COPY floor_{table} FROM '{file}'; COMMIT; SELECT extract(epoch FROM clock_timestamp() - start) FROM watch"))


def copy_ledger(postgres, folder):
    file = folder / "only_ledger"
    postgres.sql(f"COPY (SELECT * FROM ledger) TO '{file}'; CREATE TABLE only_ledger (LIKE ledger, PRIMARY KEY (event_id))")
    return timed_copy(postgres, "only_ledger", file, " INCLUDING INDEXES")


def copy_all(postgres, folder):
    """Seconds of COPY for all rows, and how many there are."""
    seconds, rows = 0.0, 0
    for table in postgres.sql(TABLES).split():
        if table.startswith(("floor_", "only_")):
            continue
        file = folder / table
        postgres.sql(f"COPY (SELECT * FROM {table}) TO '{file}'")
        rows += int(postgres.sql(f"SELECT count(*) FROM {table}"))
        seconds += timed_copy(postgres, table, file)
    return seconds, rows


def apply(postgres, state, events, first=0):
    program = [BIN.parent / "bench" / "bench_inventory_apply", postgres.conninfo(), state / "evidence", str(events), str(first)]
    return float(subprocess.run(program, check=True, capture_output=True, text=True).stdout)


def ratio(postgres, state, events):
    files = state / "copy"
    files.mkdir()
    files.chmod(0o777)
    applied = apply(postgres, state, events)
    ledger = copy_ledger(postgres, files)
    everything, rows = copy_all(postgres, files)
    kept = int(postgres.sql("SELECT sum(pg_column_size(payload)) FROM ledger_payloads"))
    print(f"inventory: {events / applied:.0f} events/s ({events} events, {rows} rows, {applied:.2f} s); payloads kept: "
          f"{kept / events:.0f} bytes an event")
    print(f"COPY of the ledger rows with their key: {events / ledger:.0f} rows/s ({ledger:.2f} s); ratio {ledger / applied:.3f}")
    print(f"COPY of all rows into bare tables: {events / everything:.0f} events/s ({everything:.2f} s); ratio {everything / applied:.3f}")


def curve(postgres, state, sizes):
    batch, there = 20000, 0
    apply(postgres, state, batch)  # tables and caches are there
    for round_number, size in enumerate(sizes, 1):
        if size > there:
            postgres.sql(FILL.format(rows=size - there))
            there = size
        seconds = apply(postgres, state, batch, round_number * batch)
        print(f"ledger of {size:>11,} rows: {seconds / batch * 1e6:.1f} us an event", flush=True)


def main():
    words = [word for word in sys.argv[1:] if word != "--curve"]
    numbers = [int(word) for word in words]
    state = Path(tempfile.mkdtemp(prefix="muster-bench-", dir="/var/tmp"))
    state.chmod(0o755)
    postgres = Postgres(state)
    postgres.start()
    try:
        postgres.wait_ready()
        if "--curve" in sys.argv:
            curve(postgres, state, numbers or [1000, 10000, 100000, 1000000])
        else:
            ratio(postgres, state, numbers[0] if numbers else 20000)
    finally:
        postgres.process.stop()
        shutil.rmtree(state, ignore_errors=True)


if __name__ == "__main__":
    main()
