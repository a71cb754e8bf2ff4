"""Inventory over a database that fails, moves, fills up, is pooled, restored or rebuilt; and several inventories at a time.

One Kafka holds a stream of events. Each test applies all of it to a database of its own while something goes wrong, and
then has the same dump as an undisturbed database. Batches are small and slowed down, so that faults hit them in the middle.
"""

import contextlib
import difflib
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.parse
import urllib.request
from types import SimpleNamespace

import pytest
import yaml
from conftest import ROOT
from event_stream import Stream
from gate_world import Gate, openssl
from kafka_admin import delete_topic, let_go_before
from local.demo import wait_until
from local.postgres import Postgres, _binary
from local.process import Process, StackError, free_port, http_ok
from probes import EVENT_TOPICS, end_offsets, kcat, metric, produce
from senders import Senders

EVENTS = int(os.environ.get("MUSTER_DATABASE_EVENTS", "1500"))
SEED = 20261126
WAIT_S = 180
SMALL = "fetch.message.max.bytes=20000,queued.max.messages.kbytes=64"  # some twenty events a batch
SLOW = ("CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.05); RETURN NULL; END'; "
        "CREATE TRIGGER slow BEFORE INSERT ON positions EXECUTE FUNCTION slow()")
BALANCE = "SELECT applied + quarantined + duplicates - received, applied, quarantined FROM ledger_balance()"


@pytest.fixture(scope="module")
def stack(new_stack):
    """Kafka with the events in it; its own PostgreSQL is the undisturbed one."""
    stack = new_stack("database", notify=False)
    stack.services.start("ingest")
    stack.services.wait_ready("ingest")
    stream = Stream(SEED, EVENTS)
    events = [event for event in stream.shuffled if event.kind != "pods"]
    send(stack, stream.requests(events, most=20))
    wait_until("spool empty", lambda: metric(stack, "ingest", "muster_ingest_spool_bytes") == 0 and sum(end_offsets(stack).values()) > 0, WAIT_S)
    stack.again = list(stream.requests(events[:1]))  # an event that came before
    yield stack
    stack.stop()


def send(stack, requests):
    senders = Senders(stack.services.ports["ingest"], stack.services.bearer, requests)
    senders.release()
    senders.wait_acknowledged(senders.total)


class Inventory:
    """One `muster-inventory run` on some database."""

    def __init__(self, stack, name, conninfo, **options):
        self.stack, self.port = stack, free_port()
        self.process = Process(stack.state, f"inventory-{name}")
        folder = stack.state / f"evidence-{name}"
        given = {"postgres": conninfo, "kafka-brokers": stack.kafka.brokers, "listen": f"127.0.0.1:{self.port}", "evidence-dir": folder,
                 "schedule-interval": "1h", "auth": "none", "kafka-properties": SMALL} | options
        self.arguments = [stack.services.program("inventory"), "run", *(f"--{key}={value}" for key, value in given.items())]

    def start(self):
        self.process.start(self.arguments)
        return self

    def ready(self):
        return http_ok(f"http://127.0.0.1:{self.port}/readyz")

    def log(self):
        return self.process.log.read_text()

    def stop(self):
        self.process.stop()


def command(stack, *arguments):
    return subprocess.run([stack.services.program("inventory"), *map(str, arguments)], capture_output=True, text=True, check=False, timeout=300)


def dump(stack, conninfo):
    done = command(stack, "dump", f"--postgres={conninfo}")
    assert done.returncode == 0, done.stderr
    return done.stdout.replace(" issued\n", " pending\n")  # a matter of the schedule, which looks at the jobs when it starts


def received(postgres):
    try:
        return int(postgres.sql("SELECT COALESCE(sum(received), 0) FROM positions"))
    except (StackError, ValueError):
        return -1


def caught_up(stack, postgres):
    try:
        rows = postgres.sql("SELECT topic, partition, next_offset FROM positions").splitlines()
    except StackError as error:
        return str(error)
    done = {(topic, int(part)): int(offset) for topic, part, offset in (row.split("|") for row in rows)}
    behind = {key: end - done.get(key, 0) for key, end in end_offsets(stack).items() if end != done.get(key, 0)}
    return not behind or f"behind {behind}"


def wait_caught_up(stack, postgres):
    wait_until("all events applied", lambda: caught_up(stack, postgres), WAIT_S)


def wait_more(postgres, events=40):
    """Until some more events are applied; gives up being exact when the stream ends."""
    before = max(received(postgres), 0)
    wait_until("some events applied", lambda: received(postgres) >= before + events or f"{received(postgres)} after {before}", WAIT_S)


class Cluster:
    """A PostgreSQL of its own with a slowed-down, migrated database."""

    def __init__(self, stack, name, slow=True):
        self.stack = stack
        self.postgres = Postgres(stack.state, f"postgres-{name}")
        self.postgres.start()
        self.postgres.wait_ready()
        self.prepare(slow)

    def prepare(self, slow):
        done = command(self.stack, "migrate", f"--postgres={self.postgres.conninfo()}")
        assert done.returncode == 0, done.stderr
        if slow:
            self.postgres.sql(SLOW)


@pytest.fixture(scope="module")
def undisturbed(stack):
    inventory = Inventory(stack, "undisturbed", stack.postgres.conninfo()).start()
    wait_until("database", lambda: received(stack.postgres) >= 0, WAIT_S)
    wait_caught_up(stack, stack.postgres)
    inventory.stop()
    return dump(stack, stack.postgres.conninfo())


@contextlib.contextmanager
def running(*inventories):
    for inventory in inventories:
        inventory.start()
    try:
        yield
    finally:
        for inventory in inventories:
            inventory.stop()


def same(stack, postgres, undisturbed):
    """The same facts as in the undisturbed database, and an account of every event."""
    difference = list(difflib.unified_diff(undisturbed.splitlines(), dump(stack, postgres.conninfo()).splitlines(), lineterm="", n=0))
    assert not difference, "\n".join(difference[:20])
    unexplained, applied, quarantined = map(int, postgres.sql(BALANCE).split("|"))
    assert unexplained == 0
    assert applied > EVENTS // 2 and quarantined > 0
    done = command(stack, "ledger", f"--postgres={postgres.conninfo()}", "--exact")
    assert done.returncode == 0, done.stdout + done.stderr


# ---- a database that goes away ----

def test_a_database_restarted_and_killed_in_the_middle_of_batches_loses_nothing(stack, undisturbed):
    cluster = Cluster(stack, "restarted")
    with running(Inventory(stack, "restarted", cluster.postgres.conninfo())):
        for kill in (False, True, False):
            wait_more(cluster.postgres)
            assert caught_up(stack, cluster.postgres) is not True, "nothing was left to be disturbed: MUSTER_DATABASE_EVENTS is too small"
            if kill:
                cluster.postgres.kill()
            else:
                cluster.postgres.process.stop()
            cluster.postgres.start()
            cluster.postgres.wait_ready()
        wait_caught_up(stack, cluster.postgres)
    same(stack, cluster.postgres, undisturbed)
    cluster.postgres.process.stop()


def make_standby(primary, stack):
    """A streaming replica of it, running."""
    standby = Postgres(stack.state, "postgres-standby")
    subprocess.run([*standby.as_user, _binary("pg_basebackup"), "-h", "127.0.0.1", "-p", str(primary.port), "-U", primary.user, "-D",
                    str(standby.data), "-X", "stream", "-R", "-c", "fast"], cwd="/", check=True, capture_output=True)
    standby.start()
    ready = [_binary("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(standby.port)]
    standby.process.wait_ready(lambda: subprocess.run(ready, check=False).returncode == 0, 60, "accepting connections")
    return standby


def test_the_primary_dies_and_its_replica_goes_on(stack, undisturbed):
    """Replication is asynchronous: what the replica lacks is read again from Kafka, since positions are in the database too."""
    primary = Cluster(stack, "primary").postgres
    (primary.data.parent / primary.data.name).mkdir(exist_ok=True)
    data_of_standby = stack.state / "postgres-standby"
    data_of_standby.mkdir()
    data_of_standby.chmod(0o700)
    if primary.as_user:
        shutil.chown(data_of_standby, "postgres", "postgres")
    standby = make_standby(primary, stack)
    both = (f"host=127.0.0.1,127.0.0.1 port={primary.port},{standby.port} dbname=muster user={primary.user} "
            "target_session_attrs=read-write")
    with running(Inventory(stack, "failover", both)):
        wait_more(primary, 100)
        wait_until("replica follows", lambda: received(standby) > 0, WAIT_S)
        assert caught_up(stack, primary) is not True
        primary.kill()
        assert standby.sql("SELECT pg_promote()") == "t"
        wait_caught_up(stack, standby)
    same(stack, standby, undisturbed)
    standby.process.stop()


def test_a_full_disk_is_waited_for(stack, undisturbed):
    folder = stack.state / "small-disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m,mode=0755", "none", str(folder)], capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"SKIPPED: no small disk can be mounted here: {mounted.stderr.strip()}")
    postgres = Postgres(folder, "postgres")
    postgres.process = Process(stack.state, "postgres-small")
    try:
        postgres.start()
        postgres.wait_ready()
        for setting in ("max_wal_size = '64MB'", "min_wal_size = '32MB'"):
            postgres.sql(f"ALTER SYSTEM SET {setting}", database="postgres")
        postgres.sql("SELECT pg_reload_conf()", database="postgres")
        assert command(stack, "migrate", f"--postgres={postgres.conninfo()}").returncode == 0
        postgres.sql(SLOW)
        inventory = Inventory(stack, "full", postgres.conninfo())
        with running(inventory):
            wait_more(postgres)
            with open(folder / "ballast", "wb") as ballast, contextlib.suppress(OSError):
                while True:
                    ballast.write(b"x" * 65536)
                    ballast.flush()
            wait_until("the disk is felt", lambda: "No space left" in inventory.log() or "events wait" in inventory.log(), WAIT_S)
            (folder / "ballast").unlink()
            if not postgres.process.pid():  # PostgreSQL ends when it cannot write its log
                postgres.start()
            postgres.wait_ready()
            wait_caught_up(stack, postgres)
        same(stack, postgres, undisturbed)
    finally:
        postgres.process.stop()
        subprocess.run(["umount", "-l", str(folder)], check=False)


# ---- a pooler ----

def lists_without_error(port):
    """Asks for every list of the API, with the contract's examples of what it must be asked with."""
    paths = yaml.safe_load((ROOT / "schemas/inventory-api.v1.yaml").read_text())["paths"]
    lists = {path: how["get"]["parameters"] for path, how in paths.items() if "lists" in how.get("get", {}).get("tags", ())}
    assert len(lists) > 10
    for path, parameters in lists.items():
        wanted = urllib.parse.urlencode({one["name"]: one["example"] for one in parameters if one.get("required")})
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}?{wanted}", timeout=30) as answer:
            json.load(answer)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/assets", timeout=30) as answer:
        assert json.load(answer)["items"]


def gate_builds_and_ships(stack, name, postgres, conninfo):
    folder = stack.state / f"gate-{name}"
    folder.mkdir()
    key = folder / "cache.key"
    openssl("genpkey", "-algorithm", "ed25519", "-out", key)
    world = SimpleNamespace(state=folder, program=stack.services.program("inventory"), cache=folder / "cache", public=key)
    gate = Gate(world, name, postgres=conninfo, **{"ship-interval": "50ms", "cache-interval": "200ms"}).start()
    try:
        wait_until("a cache", world.cache.exists, 60)
        gate.ask("registry.example/never/pushed:1.0")
        wait_until("shipped", lambda: postgres.sql("SELECT count(*) FROM gate_decisions") == "1", 60)
    finally:
        gate.stop()


@pytest.mark.parametrize("ignored", ["", "ignore_startup_parameters = options\n"], ids=["options-refused", "options-ignored"])
def test_a_pooler_that_shares_servers_between_transactions_is_no_difference(stack, undisturbed, ignored):
    if not shutil.which("pgbouncer", path="/usr/sbin:/usr/bin"):
        pytest.skip("SKIPPED: PgBouncer is not installed (package: pgbouncer)")
    name = "ignored" if ignored else "refused"
    cluster, port = Cluster(stack, f"pooled-{name}", slow=False), free_port()
    settings = stack.state / f"pgbouncer-{name}.ini"
    settings.write_text(f"[databases]\nmuster = host=127.0.0.1 port={cluster.postgres.port} dbname=muster\n[pgbouncer]\n"
                        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\npool_mode = transaction\n"
                        f"default_pool_size = 3\nunix_socket_dir =\nserver_reset_query =\n{ignored}")
    settings.write_text(settings.read_text().replace("dbname=muster\n[", f"dbname=muster user={cluster.postgres.user}\n["))
    settings.chmod(0o644)
    pooler = Process(stack.state, f"pgbouncer-{name}")
    pooler.start([*cluster.postgres.as_user, "/usr/sbin/pgbouncer", str(settings)], cwd="/")
    conninfo = f"host=127.0.0.1 port={port} dbname=muster user={cluster.postgres.user}"
    try:
        wait_until("pooler", lambda: subprocess.run(["psql", "-X", "-q", "-d", conninfo, "-c", "SELECT 1"], capture_output=True, check=False).returncode == 0, 30)
        first, second = (Inventory(stack, f"pooled-{name}-{number}", conninfo) for number in (1, 2))
        with running(first, second):
            wait_caught_up(stack, cluster.postgres)
            wait_until("outbox sent", lambda: cluster.postgres.sql("SELECT count(*) FROM outbox") == "0", WAIT_S)
            lists_without_error(first.port)
        gate_builds_and_ships(stack, name, cluster.postgres, conninfo)
        assert dump(stack, conninfo) == dump(stack, cluster.postgres.conninfo())
        same(stack, cluster.postgres, undisturbed)
    finally:
        pooler.stop()
        cluster.postgres.process.stop()


# ---- several processes ----

def test_of_three_processes_one_sleeps_past_its_session_and_commits_nothing_stale(stack, undisturbed):
    cluster = Cluster(stack, "three")
    three = [Inventory(stack, f"three-{number}", cluster.postgres.conninfo()) for number in range(3)]
    with running(*three):
        wait_more(cluster.postgres)
        owners = cluster.postgres.sql("SELECT DISTINCT owner FROM positions WHERE owner IS NOT NULL").splitlines()
        sleeper = next(one for one in three if any(owner.endswith(f"/{one.process.pid()}") for owner in owners))
        epochs = int(cluster.postgres.sql("SELECT sum(epoch) FROM positions"))
        os.kill(sleeper.process.pid(), signal.SIGSTOP)
        try:
            wait_until("others have taken its partitions", lambda: f"/{sleeper.process.pid()}" not in
                       cluster.postgres.sql("SELECT string_agg(owner, ' ') FROM positions"), WAIT_S)
        finally:
            os.kill(sleeper.process.pid(), signal.SIGCONT)
        wait_caught_up(stack, cluster.postgres)
        assert int(cluster.postgres.sql("SELECT sum(epoch) FROM positions")) > epochs
        wait_until("it works again", sleeper.ready, WAIT_S)
    same(stack, cluster.postgres, undisturbed)
    cluster.postgres.process.stop()


# ---- backup, restore, rebuild ----

ROLES = ("muster_inventory", "muster_read", "muster_report")


def restore(file, postgres):
    postgres.sql("DROP DATABASE muster", database="postgres")
    postgres.sql("CREATE DATABASE muster", database="postgres")
    return subprocess.run(["pg_restore", "--exit-on-error", "-d", postgres.conninfo(), str(file)], capture_output=True, text=True, check=False)


def test_a_restored_backup_and_kafka_give_the_same_as_never_having_lost_it(stack, undisturbed):
    """On another server, where nobody has made the roles: they are no part of a dump of one database."""
    cluster = Cluster(stack, "backup")
    file = stack.state / "backup.dump"
    with running(Inventory(stack, "backup", cluster.postgres.conninfo())):
        wait_more(cluster.postgres, 100)
        subprocess.run(["pg_dump", "-Fc", "-f", str(file), "-d", cluster.postgres.conninfo()], check=True)
        assert caught_up(stack, cluster.postgres) is not True
        wait_more(cluster.postgres)
    cluster.postgres.process.stop()
    other = Postgres(stack.state, "postgres-other")
    other.start()
    other.wait_ready()
    assert 'role "muster_' in restore(file, other).stderr
    other.sql("; ".join(f"CREATE ROLE {role}" for role in ROLES) + "; CREATE ROLE app LOGIN IN ROLE muster_inventory", database="postgres")
    done = restore(file, other)
    assert done.returncode == 0, done.stderr
    other.sql("SELECT muster_grant_roles()")
    login = other.conninfo(user="app")
    refused = subprocess.run(["psql", "-X", "-d", login, "-c", "DELETE FROM audit_log"], capture_output=True, text=True, check=False)
    assert "permission denied" in refused.stderr
    with running(Inventory(stack, "backup", login)):
        wait_caught_up(stack, other)
    same(stack, other, undisturbed)
    other.process.stop()


def rebuild(stack, postgres, *more):
    return [stack.services.program("inventory"), "rebuild", f"--postgres={postgres.conninfo()}",
            f"--evidence-dir={stack.state / 'evidence-rebuilt'}", *more]


def rebuild_and_kill(stack, postgres):
    """Kills a rebuild while the database writes for it."""
    asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'muster-inventory rebuild' AND wait_event = 'PgSleep'"
    wait_until("the one before is gone", lambda: postgres.sql(asked) == "0", WAIT_S)
    child = subprocess.Popen(rebuild(stack, postgres, "--take-lock"), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    wait_until("the rebuild writes", lambda: postgres.sql(asked) != "0" or child.poll() is not None or "not yet", WAIT_S)
    assert child.poll() is None, child.stderr.read()
    child.kill()
    child.wait()


def test_a_rebuild_killed_over_and_over_gives_the_same_tables(stack, undisturbed):
    cluster = Cluster(stack, "rebuilt")
    inventory = Inventory(stack, "rebuilt", cluster.postgres.conninfo())
    facts = ("SELECT md5(string_agg(f::text, '' ORDER BY f::text)) || count(*) || (SELECT md5(string_agg(i::text, '' ORDER BY i::text)) "
             "FROM run_image_facts i) FROM run_facts f")
    with running(inventory):
        wait_caught_up(stack, cluster.postgres)
        before = cluster.postgres.sql(facts)  # known times included
        refused = subprocess.run(rebuild(stack, cluster.postgres), capture_output=True, text=True, check=False)
        assert refused.returncode == 3 and "--take-lock" in refused.stderr
        cluster.postgres.sql("CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.15); RETURN NULL; END'; "
                             "CREATE TRIGGER slow AFTER INSERT ON registry_facts EXECUTE FUNCTION slow()")
        for _ in range(3):
            rebuild_and_kill(stack, cluster.postgres)
        assert int(cluster.postgres.sql("SELECT count(*) FROM ledger_rebuild")) == 1
        send(stack, stack.again)
        wait_until("events wait", lambda: "being rebuilt" in inventory.log(), WAIT_S)
        cluster.postgres.sql("DROP TRIGGER slow ON registry_facts")
        wait_until("the lock is free", lambda: subprocess.run(rebuild(stack, cluster.postgres, "--take-lock"), capture_output=True,
                                                              check=False).returncode == 0, 60)
        assert cluster.postgres.sql(facts) == before
        wait_caught_up(stack, cluster.postgres)
        wait_until("it applies events again", inventory.ready, WAIT_S)
    same(stack, cluster.postgres, undisturbed)
    cluster.postgres.process.stop()


# ---- a Kafka that lost events: last, since it is everybody's ----

LOST = "SELECT source || ' ' || code FROM detection_failures WHERE closed_at IS NULL ORDER BY 1"


def positions(postgres):
    rows = postgres.sql("SELECT topic, partition, next_offset FROM positions WHERE next_offset > 0 ORDER BY 1, 2").splitlines()
    return {(topic, int(part)): int(offset) for topic, part, offset in (row.split("|") for row in rows)}


def named(places, code):
    return sorted(f"kafka/{topic}/{part} {code}" for topic, part in places)


def ledger_names(stack, postgres):
    """What the command `ledger` says is lost; it fails then, and only then."""
    done = command(stack, "ledger", f"--postgres={postgres.conninfo()}")
    assert done.returncode == (1 if done.stderr else 0), done.stdout + done.stderr
    return done.stderr.splitlines()


def test_events_gone_from_kafka_before_they_were_read_are_named_and_those_of_a_new_topic_are_read(stack):
    cluster = Cluster(stack, "lost")
    inventory = Inventory(stack, "lost", cluster.postgres.conninfo())
    with running(inventory):
        wait_more(cluster.postgres, 300)
    before, ends = positions(cluster.postgres), end_offsets(stack)
    gone = {place: ends[place] for place, offset in before.items() if ends[place] > offset}
    assert gone, "all was read: MUSTER_DATABASE_EVENTS is too small"
    for (topic, part), end in gone.items():
        let_go_before(stack.kafka.brokers, topic, part, end)
    with running(inventory):
        wait_until("the loss is told", lambda: cluster.postgres.sql(LOST).splitlines() == named(gone, "events_lost") or cluster.postgres.sql(LOST), WAIT_S)
        wait_caught_up(stack, cluster.postgres)
        said = ledger_names(stack, cluster.postgres)
        assert len(said) == len(gone)
        for (topic, part), end in gone.items():
            assert any(f"{end - before[topic, part]} events of {topic}, partition {part}, offsets {before[topic, part]} to {end - 1}, were gone" in line
                       for line in said)
    cluster.postgres.sql("SELECT failure_acknowledge(failure_id::text, 'Ann', 'listed again') FROM detection_failures")
    assert ledger_names(stack, cluster.postgres) == []

    read = positions(cluster.postgres)
    for topic in EVENT_TOPICS:
        delete_topic(stack.kafka.brokers, topic)
    wait_until("topics gone", lambda: not any(f'"{topic}"' in kcat(stack, "-L") for topic in EVENT_TOPICS), WAIT_S)
    with running(inventory):
        wait_until("ready", inventory.ready, WAIT_S)
        produce(stack, EVENT_TOPICS[0], "nonsense", ce_id="of the new topic", ce_source="/test", ce_type="muster.registry-event.v1")
        wait_until("the new topic is told", lambda: cluster.postgres.sql(LOST).splitlines() == named(read, "topic_recreated") or cluster.postgres.sql(LOST), WAIT_S)
        wait_caught_up(stack, cluster.postgres)
        assert cluster.postgres.sql("SELECT count(*) FROM ledger WHERE ce_id = 'of the new topic'") == "1"
    assert len(ledger_names(stack, cluster.postgres)) == len(read)
    cluster.postgres.process.stop()
