#!/usr/bin/env python3
"""Events applied per second by inventory, all effects included, as a ratio to raw COPY of the ledger rows alone in the same
PostgreSQL; and what one event costs as the ledger grows.

    python3 bench/inventory.py [EVENTS [RUNS]]       after ./muster build; the ratio, of two mixes of events
    python3 bench/inventory.py --curve [ROWS ...]    cost per event on a ledger of so many rows (default 10000 to 3000000)

The mixes (bench/inventory_apply.c): "fleet", what 1,000,000 containers of 100,000 images send in a year, nearly all of it words of pods,
each of four; and "new", where every event is of a new image or pod, nearly half of them pushes: the dearest there is.
The floor is COPY FROM a file into a table with the ledger's columns and a unique key on the event's id. The second floor is
COPY of all rows that the events became into bare tables: no key, no index, no duplicate looked for. Both are measured behind each
run on the same server, and the ratio is the median of the runs (default 3): a machine's speed may change from one minute to the next.
The curve's ledgers, one of each mix, are filled by SQL with the facts that such events leave behind. Their cost is the
median of three runs; beside it the CPU time that PostgreSQL spent on it, which other load on the machine disturbs less.
MUSTER_BIN names the folder of the programs (default build/release/bin); MUSTER_POSTGRES_SETTINGS what the server is set to, as
"shared_buffers=8GB max_wal_size=32GB huge_pages=on": by default it has 128 MB of buffers and a checkpoint after 1 GB of log, and what
the indexes have beyond that costs reads and full pages of log. Of many buffers without huge pages each new page costs a fault and each
look at one a walk through the page table; the machine must hold them ready (sysctl vm.nr_hugepages=4400 for 8 GB).
"""

import os
import shutil
import statistics
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
# What bench_inventory_apply's events leave behind, with ids as scattered as real ones.
FILL_LEDGER = """
CREATE TEMP TABLE fill AS SELECT gen_random_uuid() AS id, t.at FROM (SELECT ledger_tick() AS at) t, generate_series({first}, {last} - 1);
INSERT INTO ledger_ids SELECT id, at FROM fill;
INSERT INTO ledger SELECT id, '/bench', 'event-' || id, 'muster.workload-event.v1', 'applied', NULL, NULL, at, at, at,
    'muster.workload-events', 0, 0, NULL FROM fill;
"""
FILL = {
    # of ten events four pushes and five pods of two containers
    "new": FILL_LEDGER + """
CREATE TEMP TABLE image AS
    SELECT gen_random_uuid() AS id, 'registry.example/fill/app-' || n % 500 AS repository, '1.' || n / 500 AS tag, c.known_at AS at,
           'sha256:' || encode(sha256(('fill ' || n)::bytea), 'hex') AS digest
      FROM ledger_clock c, generate_series({first} * 4 / 10, {last} * 4 / 10 - 1) n;
INSERT INTO assets (asset_id, uai, repository, tag, floating, known_at) SELECT id, repository || ':' || tag, repository, tag, false, at FROM image;
INSERT INTO asset_digests (asset_id, digest, known_at) SELECT id, digest, at FROM image;
INSERT INTO digest_facts (fact_id, digest, kind, known_at) SELECT id, digest, 'manifest', at FROM image;
INSERT INTO registry_facts (event_id, repository, digest, state, at, known_at) SELECT id, repository, digest, 'pushed', at, at FROM image;
INSERT INTO tag_observations (event_id, repository, tag, digest, valid_from, known_at) SELECT id, repository, tag, digest, at, at FROM image;
INSERT INTO scan_jobs (job_id, repository, digest, state, completed_at, priority, reason, next_try_at)
    SELECT id, repository, digest, 'complete', at, 2, 'new_digest', at FROM image;
CREATE TEMP TABLE pod AS
    SELECT gen_random_uuid() AS id, 'fill-' || n AS uid, c.known_at AS at, 'registry.example/fill/app-' || n % 500 AS repository,
           'sha256:' || encode(sha256(('fill ' || n)::bytea), 'hex') AS digest
      FROM ledger_clock c, generate_series({first} / 2, {last} / 2 - 1) n;
INSERT INTO pod_facts (fact_id, cluster, pod_uid, namespace, pod, node, known_at) SELECT id, 'production', uid, 'default', uid, 'node-1', at FROM pod;
CREATE TEMP TABLE container AS SELECT gen_random_uuid() AS instance, p.*, c.name FROM pod p, (VALUES ('main'), ('proxy')) c (name);
INSERT INTO instances (instance_id, cluster, pod_uid, container, kind, known_at) SELECT instance, 'production', uid, name, 'regular', at FROM container;
INSERT INTO run_image_facts (image_fact_id, image, image_id, repository, digest, known_at) SELECT id, repository, digest, repository, digest, at FROM pod;
INSERT INTO run_facts (instance_id, fact_id, run_key, image_fact_id, started_at, known_at)
    SELECT instance, instance, 'containerd://' || uid, id, at, at FROM container
""",
    # four words of each pod of two containers; the pod is told twice (without and with its node), each run twice (begun, and ended)
    "fleet": FILL_LEDGER + """
INSERT INTO run_image_facts (image_fact_id, image, repository, tag, known_at)
    SELECT md5('fill ' || n)::uuid, 'registry.example/fill/app-' || n, 'registry.example/fill/app-' || n, '1', c.known_at
      FROM ledger_clock c, generate_series(0, 1999) n ON CONFLICT DO NOTHING;
CREATE TEMP TABLE pod AS
    SELECT gen_random_uuid()::text AS uid, 'fill-' || n AS name, n, c.known_at AS at FROM ledger_clock c, generate_series({first} / 4, {last} / 4 - 1) n;
INSERT INTO pod_facts (fact_id, cluster, pod_uid, namespace, pod, owner_kind, owner_name, node, platform, known_at)
    SELECT gen_random_uuid(), 'production', uid, 'default', name, 'ReplicaSet', 'web', node, 'linux/amd64', at
      FROM pod, (VALUES (NULL), ('node-1')) n (node);
INSERT INTO pod_removals (event_id, cluster, pod_uid, removed_at, known_at) SELECT gen_random_uuid(), 'production', uid, at, at FROM pod;
CREATE TEMP TABLE container AS
    SELECT gen_random_uuid() AS instance, 'containerd://' || encode(sha256((uid || c.name)::bytea), 'hex') AS run, p.uid, p.n, p.at, c.name
      FROM pod p, (VALUES ('main'), ('proxy')) c (name);
INSERT INTO instances (instance_id, cluster, pod_uid, container, kind, known_at) SELECT instance, 'production', uid, name, 'regular', at FROM container;
INSERT INTO run_facts (instance_id, fact_id, run_key, image_fact_id, started_at, finished_at, known_at)
    SELECT instance, gen_random_uuid(), run, md5('fill ' || n % 2000)::uuid, at, CASE WHEN ended THEN at END, at
      FROM container, (VALUES (false), (true)) e (ended)
""",
}
RUNS = 3
EVENTS = 400000


def cpu_seconds(postgres):
    """Of the server and of the backends that have ended (proc(5), stat: utime to cstime)."""
    words = Path(f"/proc/{postgres.process.pid()}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return sum(map(int, words[11:15])) / os.sysconf("SC_CLK_TCK")


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


def apply(postgres, state, mix, events, first=0):
    program = [BIN.parent / "bench" / "bench_inventory_apply", postgres.conninfo(), state / "evidence", mix, str(events), str(first)]
    return float(subprocess.run(program, check=True, capture_output=True, text=True).stdout)


def ratio(postgres, state, mix, events):
    files = state / "copy"
    files.mkdir()
    files.chmod(0o777)
    applied = apply(postgres, state, mix, events) / events
    there = int(postgres.sql("SELECT count(*) FROM ledger"))  # with those that stand before the clock starts
    ledger = copy_ledger(postgres, files) / there
    everything, rows = copy_all(postgres, files)
    everything /= there
    kept = int(postgres.sql("SELECT sum(pg_column_size(payload)) FROM ledger_payloads"))
    print(f"{mix}: {1 / applied:.0f} events/s ({events} events, {rows / there:.1f} rows an event); payloads kept: "
          f"{kept / there:.0f} bytes an event")
    print(f"  COPY of the ledger rows with their key: {1 / ledger:.0f} rows/s; ratio {ledger / applied:.3f}")
    print(f"  COPY of all rows into bare tables: {1 / everything:.0f} events/s; ratio {everything / applied:.3f}", flush=True)
    return ledger / applied, everything / applied


def ratios(mix, events, runs):
    """Each run on a new server."""
    measured = []
    for _ in range(runs):
        with_postgres(lambda postgres, state: measured.append(ratio(postgres, state, mix, events)))
    ledger, everything = map(statistics.median, zip(*measured))
    print(f"{mix}: median of {runs}: ratio {ledger:.3f} to the ledger rows, {everything:.3f} to all rows", flush=True)


def curve(postgres, state, mix, sizes):
    batch, there, first = {"fleet": 100000, "new": 20000}[mix], 0, 0
    apply(postgres, state, mix, batch)  # tables and caches are there
    print(f"{mix}\n{'rows':>12} {'us an event':>12} {'us of CPU':>10} {'GB':>6}", flush=True)
    for size in sizes:
        if size > there:
            postgres.sql(FILL[mix].format(first=there, last=size))
            postgres.sql("VACUUM ANALYZE")
            there = size
        wall, cpu = [], []
        for _ in range(RUNS):
            first += 2 * batch
            before = cpu_seconds(postgres)
            wall.append(apply(postgres, state, mix, batch, first) / batch * 1e6)
            cpu.append((cpu_seconds(postgres) - before) / batch * 1e6)
        stored = int(postgres.sql("SELECT pg_database_size('muster')")) / 1e9
        print(f"{size:12,} {statistics.median(wall):12.1f} {statistics.median(cpu):10.1f} {stored:6.1f}", flush=True)


def with_postgres(measure):
    """A server of its own, with the settings that are asked for."""
    state = Path(tempfile.mkdtemp(prefix="muster-bench-", dir="/var/tmp"))
    state.chmod(0o755)
    postgres = Postgres(state)
    postgres.start()
    try:
        postgres.wait_ready()
        if settings := os.environ.get("MUSTER_POSTGRES_SETTINGS", "").split():
            for setting in settings:
                name, _, value = setting.partition("=")
                postgres.sql(f"ALTER SYSTEM SET {name} = '{value}'")
            postgres.process.stop()
            postgres.start()
            postgres.wait_ready()
        measure(postgres, state)
    finally:
        postgres.process.stop()
        shutil.rmtree(state, ignore_errors=True)


def main():
    numbers = [int(word) for word in sys.argv[1:] if word != "--curve"]
    if "--curve" in sys.argv:
        for mix in ("fleet", "new"):
            with_postgres(lambda postgres, state, mix=mix: curve(postgres, state, mix, numbers or [10000, 100000, 1000000, 3000000]))
        return
    for mix in ("fleet", "new"):
        ratios(mix, *(numbers + [EVENTS, RUNS][len(numbers):]))


if __name__ == "__main__":
    main()
