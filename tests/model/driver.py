"""Applies many histories through inventory's own applier and asks the database about all of them at once.

Every question is an SQL statement and a function of the reference that give the same rows as texts, the history's name in each.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

from histories import QUESTIONS, ROUNDS
from reference import WORST_LAST, Known

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "deploy"))

from local.postgres import Postgres  # noqa: E402

PROGRAM = Path(os.environ.get("MUSTER_MODEL_APPLY", ROOT / "build/release/tests/model/model_apply"))
CE_TYPES = {"registry": "muster.registry-event.v1", "workload": "muster.workload-event.v1", "scan": "muster.scan-result.v1"}
INSTANTS = {"occurred_at", "received_at", "started_at", "finished_at"}
BATCH = 1000
VULNERABILITIES = (("CVE-2026-1", "CVE-2026-1"), ("GHSA-one", "GHSA-one"), ("CVE-2026-2", "GHSA-one"))  # id, advisory
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def instant_text(at):
    """As messages and the database's run keys write it."""
    return (EPOCH + timedelta(microseconds=at)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


# ---- questions: name -> (SQL with {at} and {known}, function of (reference, at)) ----

def _us(column):
    return f"(extract(epoch FROM {column}) * 1000000)::bigint"


def _assets(known, at):
    return {(uai, floating, "{" + ",".join(was) + "}") for uai, floating, was in known.assets()}


def _pods(known, at):
    return {(cluster, uid, pod["namespace"], pod["pod"], pod["owner_kind"], pod["owner_name"], pod["node"], pod["platform"],
             pod["removed_at"]) for (cluster, uid), pod in known.pods().items()}


def _runs(known, at):
    return {(*run["instance"], instant_text(run["key"]) if isinstance(run["key"], int) else run["key"], run["image"], run["image_id"],
             run["repository"], run["tag"], run["digest"], run["start"], run["end"]) for run in known.containers}


def _totals(known, at):
    pods, rows = known.pods(), []
    for run in known.running(at):
        pod = pods[run["instance"][:2]]
        owner = pod["owner_kind"] and f"{pod['owner_kind']}/{pod['owner_name']}"
        rows += [("node", run["instance"][0], pod["node"]), ("owner", run["instance"][0], owner),
                 ("namespace", run["instance"][0], pod["namespace"]), ("cluster", run["instance"][0], run["instance"][0])]
    return {(*row, rows.count(row)) for row in rows}


def _images(known, at):
    """Containers by image and by the worst state of its manifests, of those that are not covered."""
    worst, pods, rows = {}, known.pods(), []
    for run, _, _, _, _, state, *_ in known.coverage(at):
        before = worst.get(run["instance"], (run, state))[1]
        worst[run["instance"]] = (run, max(before, state, key=WORST_LAST.index))
    for run, state in worst.values():
        if state != "covered":
            rows.append((run["repository"], run["tag"], run["digest"], pods[run["instance"][:2]]["platform"], run["image"], state))
    return {(*row, rows.count(row)) for row in rows}


def _coverage(known, at):
    return {(*run["instance"], kind, uai, manifest, platform, state, reason, since, expires, event)
            for run, kind, uai, manifest, platform, state, reason, since, expires, event in known.coverage(at)}


def _clocks(known, at):
    rows = [(name, manifest or run["digest"], state) for run, _, name, manifest, _, state, *_ in known.coverage(at)]
    return {(*row, rows.count(row)) for row in rows}


def _totals_by_state(known, at):
    worst, pods, rows = {}, known.pods(), []
    for run, _, name, _, _, state, *_ in known.coverage(at):
        worst[run["instance"]] = (run, name, max(worst.get(run["instance"], (run, name, state))[2], state, key=WORST_LAST.index))
    for run, name, state in worst.values():
        cluster = run["instance"][0]
        rows += [("namespace", f"{cluster}/{pods[run['instance'][:2]]['namespace']}", state), ("asset", name, state)]
    return {(*row, rows.count(row)) for row in rows}


def _running_assets(known, at):
    names = list({run["instance"]: name for run, _, name, *_ in known.coverage(at)}.values())
    return {(name, names.count(name)) for name in names}


def _instance_rows(known, at):
    return {(*run["instance"], kind, uai, manifest or run["digest"], state, reason, since, expires, event)
            for run, kind, uai, manifest, _, state, reason, since, expires, event in known.coverage(at)}


INSTANCE = f"cluster, pod_uid, container, container_kind, uai, digest, state, reason, {_us('since')}, {_us('expires_at')}, cause_id"
CHOICES = ("uai", "digest", "cluster", "namespace", "pod", "node", "state")  # what list_instances can be narrowed by, in its order


def _instances(after="NULL", size="NULL", **chosen):
    return f"list_instances({{at}}, {{known}}, {after}, {size}, {', '.join(chosen.get(name, 'NULL') for name in CHOICES)})"


# Of some values of each choice: whether what is listed is what coverage has.
CHOSEN = "WITH c AS MATERIALIZED (SELECT * FROM coverage_images({at}, {known})) " + " UNION ALL ".join(
    f"SELECT '{name}', v.value, v.rows, l.rows FROM (SELECT v.value, count(*) AS rows FROM c, LATERAL (SELECT DISTINCT value "
    f"FROM unnest(ARRAY[{columns}]) AS u (value) WHERE value IS NOT NULL) v GROUP BY v.value ORDER BY md5(v.value) LIMIT 2) v, "
    f"LATERAL (SELECT count(*) AS rows FROM {_instances(size=size, **{name: 'v.value'})}) l WHERE v.rows <> l.rows"
    for name, columns, size in (("uai", "c.uai", "NULL"), ("uai", "c.uai", "1000"), ("digest", "c.manifest_digest, c.reported_digest", "1000"),
                                ("cluster", "c.cluster", "NULL"), ("namespace", "c.namespace", "NULL"), ("pod", "c.pod, c.pod_uid", "1000"),
                                ("node", "c.node", "NULL")))
# Of every state: whether it counts the containers that coverage has in it.
STATES_COUNTED = (
    "SELECT t.state, t.containers, c.containers FROM coverage_totals({at}, {known}) t LEFT JOIN (SELECT w.state, count(*) AS containers FROM "
    "(SELECT DISTINCT ON (c.cluster, c.pod_uid, c.container, c.container_kind) c.state FROM coverage_clocks({at}, {known}) c "
    "ORDER BY c.cluster, c.pod_uid, c.container, c.container_kind, coverage_rank(c.state) DESC) w GROUP BY w.state) c USING (state) "
    "WHERE t.containers <> COALESCE(c.containers, 0)")
CLOCKS = ("cluster, pod_uid, container, container_kind, uai, manifest_digest, platform, state, reason, "
          f"{_us('since')}, {_us('expires_at')}, cause_id")
LASTING = {
    "assets": ("SELECT a.uai, a.floating, ARRAY(SELECT d.digest FROM asset_digests d WHERE d.asset_id = a.asset_id "
               "AND d.known_at <= {known} ORDER BY d.digest) FROM live_assets_known({known}) a", _assets),
    "digests": ("SELECT digest, kind, platform, config_digest FROM digests_known({known})", lambda known, at: known.digests()),
    "tags": (f"SELECT repository, tag, digest, {_us('valid_from')}, {_us('valid_to')} FROM tag_history_known({{known}})",
             lambda known, at: set(known.intervals)),
    "pods": (f"SELECT cluster, pod_uid, namespace, pod, owner_kind, owner_name, node, platform, {_us('removed_at')} "
             "FROM pods_known({known})", _pods),
    "runs": (f"SELECT i.cluster, i.pod_uid, i.container, r.run_key, r.image, r.image_id, r.repository, r.tag, r.digest, "
             f"{_us('r.started_at')}, {_us('r.ended_at')} FROM runs_known({{known}}) r JOIN instances i USING (instance_id)", _runs),
}
AT_AN_INSTANT = {
    "registry": (f"SELECT repository, digest, state, {_us('state_at')}, {_us('first_pushed_at')} "
                 "FROM registry_digests_known({at}, {known})", lambda known, at: known.registry_digests(at)),
    "totals": ("SELECT b, t.* FROM unnest(ARRAY['cluster', 'namespace', 'node', 'owner']) b, running_totals({at}, {known}, b) t", _totals),
    "clocks": ("SELECT uai, manifest, state, containers FROM image_clocks_known({at}, {known})", _clocks),
    "totals by state": ("SELECT b, t.* FROM unnest(ARRAY['namespace', 'asset']) b, list_totals({at}, {known}, b) t", _totals_by_state),
    "running assets": ("SELECT uai, containers FROM running_assets(NULL, {at}, {known})", _running_assets),
    "running assets of these": ("SELECT uai, containers FROM running_assets(ARRAY(SELECT uai FROM coverage_images({at}, {known})), {at}, {known})",
                                _running_assets),
    "instances by pages": (f"SELECT {INSTANCE} FROM {_instances(size=100)} UNION ALL SELECT {INSTANCE} FROM "
                           f"{_instances(after=f'(SELECT max(key) FROM {_instances(size=100)})')}", _instance_rows),
    "instances by state": (f"SELECT {INSTANCE} FROM unnest(coverage_states()) s, {_instances(state='s')}", _instance_rows),
    "instances chosen otherwise": (CHOSEN, lambda known, at: set()),
    "images": (f"SELECT r.repository, r.tag, r.digest, r.platform, r.image, (ARRAY{WORST_LAST})[c.rank], sum(c.containers) "
               "FROM image_coverage({at}, {known}) c LEFT JOIN run_images i USING (image_no), LATERAL (SELECT i.repository, i.tag, i.digest, "
               "i.platform, i.image WHERE i.image_no IS NOT NULL UNION ALL SELECT (c.key).repository, (c.key).tag, (c.key).digest, "
               "(c.key).platform, (c.key).image WHERE i.image_no IS NULL) r WHERE c.rank <> coverage_rank('covered') GROUP BY 1, 2, 3, 4, 5, 6",
               _images),
    "containers by state": (STATES_COUNTED, lambda known, at: set()),
    "coverage": (f"SELECT {CLOCKS} FROM coverage_clocks({{at}}, {{known}})", _coverage),
    "gaps": (f"SELECT {CLOCKS} FROM coverage_of(containers_in_doubt({{at}}, {{known}}), {{at}}, {{known}}) WHERE state <> 'covered'",
             lambda known, at: {row for row in _coverage(known, at) if row[7] != "covered"}),
    "coverage of each": (f"SELECT {CLOCKS} FROM coverage_of((SELECT array_agg(instance_id) FROM instances), {{at}}, {{known}})", _coverage),
}
EVERY = LASTING | AT_AN_INSTANT


# Other ways to the same are asked at every third instant, or at one.
EVERY_THIRD = ("totals", "totals by state", "clocks", "running assets", "images", "containers by state", "gaps", "coverage of each")
ONCE = ("running assets of these", "instances by pages", "instances by state", "instances chosen otherwise")


def asked(instants):
    """[(question, instant or None)]"""
    return [(name, None) for name in LASTING] + [
        (name, at) for name in AT_AN_INSTANT for at in
        (instants[::3] if name in EVERY_THIRD else instants[len(instants) // 2:][:1] if name in ONCE else instants)]


def _as_text(value):
    if isinstance(value, bool):
        return "t" if value else "f"
    return "\\N" if value is None else str(value)


def expected(history, last_round, instants):
    """{(question, instant or None): rows} of one history, by the reference."""
    known = Known(history.known(last_round))
    return {(name, at): {tuple(map(_as_text, row)) for row in EVERY[name][1](known, at)} for name, at in asked(instants)}


def all_expected(histories, last_round, instants):
    found = {}
    for history in histories:
        for place, rows in expected(history, last_round, instants).items():
            found.setdefault(place, set()).update(rows)
    return found


# ---- the database ----

class Database:
    """A PostgreSQL of its own that forgets on a crash, an evidence folder, and the applier on them."""

    def __init__(self, program):
        self.program = program
        self.folder = Path(tempfile.mkdtemp(prefix="muster-model-", dir="/var/tmp"))
        self.folder.chmod(0o755)
        self.postgres = Postgres(self.folder)
        self.postgres.start()
        self.postgres.wait_ready()
        for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off", "jit = off", "timezone = 'UTC'",
                        "work_mem = '64MB'", "autovacuum = off", "client_min_messages = warning"):
            self.postgres.sql(f"ALTER SYSTEM SET {setting}")
        self.postgres.sql("SELECT pg_reload_conf()")
        self.apply([])  # migrates

    def close(self):
        self.postgres.process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def forget(self):
        self.postgres.sql("DO $$ BEGIN EXECUTE (SELECT 'TRUNCATE ' || string_agg(quote_ident(relname), ', ') FROM pg_class "
                          "WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace "
                          "AND relname NOT IN ('ledger_clock', 'muster_schema_migrations')); END $$")

    # ---- telling ----

    def _evidence(self, digest, chance):
        """A raw result with some of three vulnerabilities; `chance` chooses."""
        found = [{"id": name, "advisory": advisory, "package": "lib", "package_version": "1", "severity": "high", "status": "affected"}
                 for place, (name, advisory) in enumerate(VULNERABILITIES) if chance >> place & 1]
        text = json.dumps({"schema": "muster.raw-scan.v1", "image": {"manifest_digest": digest}, "findings": found}).encode()
        name = hashlib.sha256(text).hexdigest()
        path = self.folder / "evidence/sha256" / name[:2] / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)
        return f"sha256:{name}", len(text)

    def _message(self, history, event):
        body = {word: instant_text(value) if word in INSTANTS else value for word, value in event.body.items()}
        if event.kind == "workload":
            body["containers"] = [{word: instant_text(value) if word in INSTANTS else value for word, value in container.items()}
                                  for container in body["containers"]]
        if body.get("outcome") == "complete":
            is_missing = body.pop("evidence_is_missing", False)
            body["evidence_digest"], body["evidence_size_bytes"] = ("sha256:" + "0" * 64, 1) if is_missing else \
                self._evidence(body["digest"], int(history.event_id(event)[:2], 16))
        return f"{CE_TYPES[event.kind]}\t{history.ce_id(event)}\t{json.dumps(body)}\n"

    def _exclude(self, told):
        if not told:
            return
        rows = [(history.event_id(event), event.body["uai"], instant_text(event.body["valid_from"]),
                 event.body["valid_to"] and instant_text(event.body["valid_to"]), event.body["reason"], event.body["author"])
                for history, event in told]
        values = ", ".join("(" + ", ".join("NULL" if cell is None else f"'{cell}'" for cell in row) + ")" for row in rows)
        self._psql("INSERT INTO exclusions SELECT v.column1::uuid, v.column2, v.column3::timestamptz, v.column4::timestamptz, v.column5, "
                   f"v.column6, (SELECT known_at FROM ledger_clock) FROM (VALUES {values}) v ON CONFLICT DO NOTHING;")

    def apply(self, told, derive=False):
        """Applies (history, event) in this order; the ledger's clock after all of them. `derive`: and keeps runs as of now."""
        messages = [self._message(history, event) for history, event in told if event.kind != "exclusion"]
        batches = "\n".join("".join(messages[start:start + BATCH]) for start in range(0, len(messages), BATCH))
        done = subprocess.run([self.program, self.postgres.conninfo(), str(self.folder / "evidence")], input=batches, text=True,
                              capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        if derive:
            self._psql("SELECT derive_runs(); SELECT derive_images();")
        self._exclude([(history, event) for history, event in told if event.kind == "exclusion"])
        self._psql("ANALYZE;")
        rejected = self.postgres.sql("SELECT reason FROM ledger WHERE state = 'quarantined' LIMIT 1")
        assert not rejected, rejected
        return f"'{self.postgres.sql('SELECT known_at FROM ledger_clock')}'"

    # ---- asking ----

    def _psql(self, script):
        done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", self.postgres.conninfo()], input=script,
                              text=True, capture_output=True, check=False, env={**os.environ, "PGOPTIONS": "-c timezone=UTC"})
        assert done.returncode == 0, done.stderr
        return done.stdout

    def rows(self, sql):
        return sorted(self._psql(f"COPY ({sql}) TO STDOUT;\n").splitlines())

    def answers(self, known, instants):
        """{(question, instant or None): rows}, of all histories together."""
        script = "".join(f"COPY ({EVERY[name][0].format(at=at and f'$${instant_text(at)}$$::timestamptz', known=known)}) TO STDOUT;\n"
                         "\\echo ---\n" for name, at in asked(instants))
        parts = self._psql(script).split("---\n")
        answers = {}
        for place, rows in zip(asked(instants), parts, strict=False):
            lines = [tuple(line.split("\t")) for line in rows.splitlines()]
            answers[place] = set(lines)
            assert len(lines) == len(answers[place]), f"{place}: rows come twice: {sorted(lines)[:4]}"
        return answers


# ---- comparing ----

def differences(found, right):
    """[(question, instant, only in the database, only in the reference)]"""
    return [(name, at, found[name, at] - rows, rows - found[name, at]) for (name, at), rows in right.items() if found[name, at] != rows]


def histories_in(rows, histories):
    """The histories whose names occur in the rows."""
    text = "\n".join("\t".join(row) for row in rows)
    return [history for history in histories if history.name in text]


def in_rounds(histories):
    """[[(history, event)]] by round of arrival."""
    return [[(history, event) for history in histories for event in history.events if event.arrival == number]
            for number in range(1, ROUNDS + 1)]


def all_differences(database, histories, instants=QUESTIONS):
    """Applies histories afresh, as they arrive; what is known at the end of each round, asked then and once more at the end."""
    database.forget()
    found, rounds = [], []
    for number, told in enumerate(in_rounds(histories), 1):
        rounds.append((database.apply(told, derive=number != 2), all_expected(histories, number, instants)))
        found += differences(database.answers(rounds[-1][0], instants), rounds[-1][1])
    for known, right in rounds[:-1]:
        found += differences(database.answers(known, instants), right)
    return found
