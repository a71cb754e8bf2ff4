#!/usr/bin/env python3
"""Seconds that questions about a whole fleet take, each with its target for the greatest fleet, and the latency of `explain`.

    python3 bench/coverage.py [CONTAINERS [IMAGES [MONTHS]]]        after ./muster build

The fleet is made by SQL, in the order in which it would have been learned: images with an index, a manifest and a config, scanned every
month, containers of two thirds of them by tag and the rest by digest, and in every month as many ended runs as a tenth of the fleet. What
inventory keeps of it is then made by inventory's own functions. Default: 200,000 containers, 20,000 images, a year; with 1000000 100000
it takes some ten minutes and 6 GB of /var/tmp. MUSTER_BIN names the folder of the programs (default build/release/bin).
"""

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "deploy"))

from local.postgres import Postgres  # noqa: E402

BIN = Path(os.environ.get("MUSTER_BIN", ROOT / "build/release/bin"))
SETTINGS = ("shared_buffers = '1GB'", "work_mem = '256MB'", "maintenance_work_mem = '512MB'", "max_wal_size = '8GB'", "fsync = off",
            "autovacuum = off", "max_parallel_workers_per_gather = 2", "timezone = 'UTC'")
EXPLAINS = 200

# Image n is an index, its manifest and its config, scanned by the manifest every 28 days until now.
FLEET = """
CREATE FUNCTION pg_temp.digest(kind text, n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$ SELECT 'sha256:' || encode(sha256(convert_to(kind || n, 'UTF8')), 'hex') $$;
CREATE FUNCTION pg_temp.id(kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT md5(kind || n)::uuid $$;
CREATE TEMP TABLE image AS
    SELECT n, 'registry.example/team/app-' || n % (1 + {images} / 20) AS repository, '1.' || n / (1 + {images} / 20) AS tag,
           pg_temp.digest('index', n) AS index, pg_temp.digest('manifest', n) AS manifest, pg_temp.digest('config', n) AS config,
           now() - interval '28 days' * {months} - interval '1 day' AS pushed
      FROM generate_series(0, {images} - 1) n;
INSERT INTO assets SELECT pg_temp.id('asset', n), repository || ':' || tag, repository, tag, NULL, false, NULL, pushed FROM image;
INSERT INTO asset_digests SELECT pg_temp.id('asset', n), index, NULL, pushed FROM image;
INSERT INTO tag_observations SELECT pg_temp.id('push', n), repository, tag, index, pushed, pushed FROM image;
INSERT INTO registry_facts SELECT pg_temp.id('push', n), repository, index, 'pushed', pushed, pushed FROM image;
INSERT INTO registry_facts SELECT pg_temp.id('pushed', n), repository, manifest, 'pushed', pushed, pushed FROM image;
INSERT INTO digest_edges SELECT index, manifest, 'linux/amd64', NULL, pushed FROM image;
INSERT INTO digest_facts (fact_id, digest, kind, known_at) SELECT pg_temp.id('fi', n), index, 'index', pushed FROM image;
INSERT INTO digest_facts (fact_id, digest, kind, platform, config_digest, known_at)
    SELECT pg_temp.id('fm', n), manifest, 'manifest', 'linux/amd64', config, pushed FROM image;
INSERT INTO digest_facts (fact_id, digest, kind, known_at) SELECT pg_temp.id('fc', n), config, 'config', pushed FROM image;
CREATE TEMP TABLE scan AS
    SELECT pg_temp.id('scan', i.n * 1000 + m) AS id, i.*, i.pushed + m * interval '28 days' + interval '1 hour' AS at
      FROM image i, generate_series(0, {months}) m WHERE i.n % 50 <> 7 AND (m = 0 OR i.n % 50 <> 11)
     ORDER BY at;
INSERT INTO scans (scan_id, request_id, job_id, attempt, repository, digest, outcome, scanner_name, scanner_version,
                   configuration_checksum, started_at, finished_at, evidence_digest, known_at)
    SELECT id, 'r', 'j', 1, repository, manifest, 'complete', 'muster-scanner', '1', 'c', at, at, config, at FROM scan;
INSERT INTO scan_uais SELECT id, repository || ':' || tag FROM scan;
INSERT INTO repositories SELECT DISTINCT repository, NULL::uuid, pushed FROM image;
INSERT INTO finding_kinds SELECT pg_temp.id('finding', k), 'CVE-2026-' || 1000 + k, 'lib-' || k % 90, '1.' || k % 7, 'deb', NULL, '2', 'high', 'affected',
                                 now() - interval '28 days' * {months} FROM generate_series(0, 299) k;
INSERT INTO vulnerability_facts (fact_id, vulnerability_id, stated_at, catalogs, cvss3, epss, known_at)
    SELECT finding_id, vulnerability_id, known_at, true, 4 + length(package_name) % 6, 0.1, known_at FROM finding_kinds;
INSERT INTO evidence_findings SELECT config, '{{0}}', ARRAY[pg_temp.id('finding', n % 300)] FROM image WHERE n % 10 < 3;
CREATE TEMP TABLE run AS
    SELECT c, pg_temp.id('instance', c) AS id, 'cluster-' || c / 2 % 10 AS cluster, 'uid-' || c / 2 AS uid, i.n, i.repository, i.tag,
           CASE c % 3 WHEN 0 THEN i.index WHEN 1 THEN i.manifest ELSE i.config END AS digest, c % 3 <> 0 AS by_tag,
           now() - interval '28 days' * {months} * ((c * 7919 % 1000) / 1000.0) AS started,
           c >= {containers} AS ended
      FROM generate_series(0, {containers}::bigint + {containers} / 10 * {months} - 1) c JOIN image i ON i.n = c * 31 % {images};
INSERT INTO pod_facts (fact_id, cluster, pod_uid, namespace, pod, owner_kind, owner_name, node, platform, known_at)
    SELECT pg_temp.id('pod', c), cluster, uid, 'namespace-' || c / 2 % 100, 'pod-' || c / 2, 'ReplicaSet', 'app-' || n, 'node-' || c / 2 % 1000,
           'linux/amd64', started FROM run WHERE c % 2 = 0 ORDER BY started;
INSERT INTO instances SELECT id, cluster, uid, CASE c % 2 WHEN 0 THEN 'main' ELSE 'proxy' END, 'regular', NULL, started FROM run
    ORDER BY started;
INSERT INTO run_image_facts (image_fact_id, image, image_id, repository, tag, digest, known_at)
    SELECT md5(digest || by_tag)::uuid, repository || ':' || tag, digest, repository, CASE WHEN by_tag THEN tag END, digest, min(started)
      FROM run GROUP BY repository, tag, digest, by_tag ORDER BY min(started);
INSERT INTO run_facts (fact_id, instance_id, run_key, image_fact_id, started_at, known_at)
    SELECT pg_temp.id('run', c), id, 'containerd://' || c, md5(digest || by_tag)::uuid, started, started FROM run ORDER BY started;
INSERT INTO pod_removals SELECT pg_temp.id('gone', c), cluster, uid, gone, gone
    FROM run, LATERAL (SELECT LEAST(started + interval '3 days', now()) AS gone) g WHERE ended AND c % 2 = 0 ORDER BY gone;
"""


def build(postgres, containers, images, months):
    """Seconds it took."""
    started = time.monotonic()
    postgres.sql(FLEET.format(containers=containers, images=images, months=months))
    postgres.sql("VACUUM (ANALYZE)")
    return time.monotonic() - started


def derive(postgres):
    """Seconds that inventory needs to keep the runs of all this, and what their images are."""
    postgres.sql("UPDATE ledger_clock SET known_at = now()")
    took = []
    for function, tables in (("derive_runs(5000000)", "run_spans, run_images, run_places"),
                             ("derive_images()", "run_images, image_targets, image_reads, cover_targets, cover_scans")):
        started = time.monotonic()
        while postgres.sql(f"SET jit = off; SELECT {function}") != "0":
            pass
        postgres.sql(f"VACUUM (ANALYZE) {tables}")
        took.append(time.monotonic() - started)
    return took


def timed(postgres, script):
    """What psql prints with timing on, in a session as the program's."""
    return subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", postgres.conninfo()], input=script, text=True,
                          capture_output=True, check=True, env={**os.environ, "PGOPTIONS": "-c jit=off"}).stdout


def psql_seconds(postgres, statement, times):
    """Seconds of a statement, the last time of so many, over one connection; and what it answered, where that is one row."""
    lines = timed(postgres, "\\timing on\n" + f"{statement};\n" * times).splitlines()
    answer = [line for line in lines if not line.startswith("Time:")]
    return ([float(line.split()[1]) / 1000 for line in lines if line.startswith("Time:")][-1],
            f" of {answer[0]}" if len(answer) == times else "")


def page(namespace="NULL", state="NULL"):
    """A page of a thousand from the middle, as /v1/instances asks for it."""
    return ("SELECT count(*) || ' rows' FROM list_instances(now(), 'infinity', '80000000-0000-0000-0000-000000000000/', 1001, "
            f"NULL, NULL, NULL, {namespace}, NULL, NULL, {state})")


def command(postgres, name, *more, code=0):
    """Seconds of a command of the program, and what it printed."""
    started = time.monotonic()
    out = subprocess.run([BIN / "muster-inventory", name, f"--postgres={postgres.conninfo()}", *more], check=False, capture_output=True, text=True)
    assert out.returncode == code, out.stderr
    return time.monotonic() - started, out.stdout


def explains(postgres, images, containers):
    """Seconds of every statement of `explain`, for random subjects, over one connection: the sum for each."""
    chance = random.Random(1)
    subjects = [f"registry.example/team/app-{n % (1 + images // 20)}:1.{n // (1 + images // 20)}" if chance.random() < 0.5
                else f"pod-{chance.randrange(containers) // 2}" for n in (chance.randrange(images) for _ in range(EXPLAINS))]
    statements = explain_statements()
    script = "".join(f"PREPARE {name} AS {sql};\n" for name, sql, _ in statements) + "\\timing on\n"
    for subject in subjects:
        script += f"EXECUTE EXPLAIN_SUBJECT('{subject}', 'infinity') \\gset\n"
        script += "".join(f"EXECUTE {name}({', '.join(values)});\n" for name, _, values in statements if values) + "\\echo ---\n"
    out = timed(postgres, script)
    return sorted(sum(float(line.split()[1]) / 1000 for line in part.splitlines() if line.startswith("Time:"))
                  for part in out.split("---\n")[1:EXPLAINS])


def explain_statements():
    """[(name, SQL, its values for psql)] as the program has them; the first is the subject's, whose columns are psql's variables."""
    text = (ROOT / "services/inventory/src/query/queries.def").read_text()
    sections = (ROOT / "services/inventory/src/explain/explain_command.c").read_text()
    found = re.findall(r"QUERY\((EXPLAIN_\w+), (\d),\s*((?:\"(?:[^\"\\]|\\.)*\"\s*)+)\)", text)
    asked = {name: [f":'{part.lower()}'", "'infinity'", "now()" if instant == "COVERED_AT" else "'infinity'",
                    ":'instances'", ":'digests'"]
             for name, part, instant in re.findall(r"QUERY_(EXPLAIN_\w+),\s*(\w+),\s*(\w+)", sections)}
    assert {name for name, *_ in found} == {"EXPLAIN_SUBJECT", *asked}
    return [(name, "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', parts)).replace('\\"', '"'), asked.get(name, [])[:int(count)])
            for name, count, parts in found]


def measure(state, containers, images, months):
    postgres = Postgres(state)
    postgres.start()
    try:
        postgres.wait_ready()
        for setting in SETTINGS:
            postgres.sql(f"ALTER SYSTEM SET {setting}")
        postgres.process.stop()
        postgres.start()
        postgres.wait_ready()
        subprocess.run([BIN / "muster-inventory", "migrate", f"--postgres={postgres.conninfo()}"], check=True, capture_output=True)
        built = build(postgres, containers, images, months)
        kept = derive(postgres)
        size = postgres.sql("SELECT pg_size_pretty(pg_database_size('muster'))")
        rows = postgres.sql("SELECT count(*) FROM run_facts")
        print(f"fleet: {containers} containers, {images} images, {months} months, {rows} runs; {size}, built in {built:.0f} s; "
              f"runs kept in {kept[0]:.0f} s, images in {kept[1]:.0f} s", flush=True)
        past = f"now() - interval '28 days' * {months} / 2"
        for name, target, statement in (
                ("coverage now", 2, "SELECT * FROM report_v1.totals(now(), 'infinity')"),
                ("coverage at a past instant", 5, f"SELECT * FROM report_v1.totals({past}, 'infinity')"),
                ("coverage at a past instant, as known then", 5, f"SELECT * FROM report_v1.totals({past}, {past})"),
                ("containers by namespace", 5, "SELECT * FROM running_totals(now(), 'infinity', 'namespace')"),
                ("containers by namespace and state", 10, "SELECT * FROM list_totals(now(), 'infinity', 'namespace')"),
                ("a page of containers", 1, page()),
                ("a page of containers of a namespace", 2, page(namespace="'namespace-7'")),
                ("a page of containers never scanned", 5, page(state="'never_scanned'")),
                ("clocks of all images", 10, "SELECT count(*) || ' rows' FROM image_clocks_known(now(), 'infinity')"),
                ("clocks of every container", 30, "SELECT count(since) || ' rows' FROM coverage_clocks(now(), 'infinity')"),
                ("findings of all", 10,
                 "SELECT count(*) || ' findings' FROM finding_clocks_known(NULL, now(), 'infinity', 'rev5', '7 days')"),
                ("the three counts of findings", 10,
                 "SELECT concat_ws(', ', count(*) || ' rows', sum(distinct_vulnerabilities) || ' distinct', sum(per_asset) || ' per asset', "
                 "sum(per_instance) || ' per container') FROM finding_counts_known(NULL, now(), 'infinity')")):
            seconds, answer = psql_seconds(postgres, statement, 2)
            print(f"{name}{answer}: {seconds:.2f} s (target {target} s)", flush=True)
        took, out = command(postgres, "coverage", code=1)
        gaps = len(out.split("\n\n")[1].splitlines()) - 1
        print(f"the command coverage, {gaps} gaps: {took:.2f} s (target 5 s)", flush=True)
        took, _ = command(postgres, "assets", "--limit=1000")
        print(f"the command assets, the first thousand: {took:.2f} s (target 1 s)", flush=True)
        print(postgres.sql("SELECT string_agg(state || ' ' || containers, ', ') FROM report_v1.totals(now(), 'infinity')"))
        took = explains(postgres, images, containers)
        print(f"explain of {len(took)} subjects: p50 {took[len(took) // 2] * 1000:.1f} ms, p99 {took[len(took) * 99 // 100] * 1000:.1f} ms "
              "(target 50 ms)")
        if os.environ.get("MUSTER_KEEP"):
            input(f"{postgres.conninfo()}; Enter ends it")
    finally:
        postgres.process.stop()


def main():
    sizes = [int(word) for word in sys.argv[1:4]]
    containers, images, months = sizes + [200000, 20000, 12][len(sizes):]
    state = Path(tempfile.mkdtemp(prefix="muster-bench-", dir="/var/tmp"))
    state.chmod(0o755)
    try:
        measure(state, containers, images, months)
    finally:
        shutil.rmtree(state, ignore_errors=True)


if __name__ == "__main__":
    main()
