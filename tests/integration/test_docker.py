"""A real Docker engine drives ingest: the inventory has exactly the runs that were, whoever was stopped meanwhile."""

import json
import sys
from datetime import datetime, timedelta

import pytest
from conftest import ROOT
from local import demo, images
from local.services import REGISTRY_NAME

sys.path.insert(0, str(ROOT / "tests/compose"))

from engine import Engine, NoEngine, last_words  # noqa: E402

CLUSTER = "edge"


class World:
    """An engine, the services it drives, and what the inventory makes of it."""

    def __init__(self, engine, stack):
        self.engine, self.stack = engine, stack
        self.reference = f"{stack.registry.address}/apps/box:1.0"
        layout = images.Layout(engine.folder / "image")
        shell = images.layer([images.fetch_deb(stack.cache, "busybox-static")])
        self.digest = layout.push(layout.index([layout.image([shell])]), self.reference)

    def docker(self, *arguments):
        done = self.engine.docker(*arguments)
        assert done.returncode == 0, f"docker {' '.join(arguments)}: {last_words(done.stderr)}"
        return done.stdout.strip()

    def run(self, name, *command, image=None, options=()):
        return self.docker("run", "-d", "--network=none", f"--name={name}", *options, image or self.reference, "/bin/busybox",
                           *(command or ("sleep", "600")))

    def inspect(self, name):
        return json.loads(self.docker("inspect", name))[0]

    def runs(self, name, cluster=CLUSTER):
        """[(started, ended or None, repository, digest)], oldest first."""
        rows = self.stack.postgres.sql(
            "SELECT COALESCE(json_agg(json_build_array(r.started_at, r.ended_at, r.repository, r.digest) ORDER BY r.started_at), '[]') "
            "FROM runs r JOIN instances i USING (instance_id) JOIN pods p ON p.cluster = i.cluster AND p.pod_uid = i.pod_uid "
            f"WHERE i.cluster = '{cluster}' AND p.pod LIKE '{name}'")
        return [(moment(start), moment(end), *more) for start, end, *more in json.loads(rows)]

    def shape(self, name, **more):
        """'ended ended running': what became of each run."""
        return " ".join("ended" if end else "running" for _, end, *_ in self.runs(name, **more))

    def wait(self, **shapes):
        for name, shape in shapes.items():
            demo.wait_until(f"{name}: {shape}", lambda: self.shape(name) == shape, 30)  # noqa: B023

    def start_ingest(self):
        self.stack.services.start("ingest")
        self.stack.services.wait_ready("ingest")

    def kill_ingest(self):
        self.stack.services.process["ingest"].kill()


def moment(text):
    return datetime.fromisoformat(text) if text else None


def engine_time(text):
    return datetime.fromisoformat(text.split(".")[0] + "+00:00")


def near(one, other):
    return abs(one - other) < timedelta(seconds=2)


@pytest.fixture(scope="module")
def engine():
    own = None
    try:
        own = Engine()
        own.start()
        own.try_out()
    except NoEngine as error:
        if own:
            own.stop()
        pytest.skip(f"SKIPPED: no container engine can work here: {error}")
    yield own
    own.stop()


@pytest.fixture(scope="module")
def world(engine, new_stack):
    """Containers that were there before anybody looked: one runs, one has ended, one never started."""
    config = engine.folder / "sources.yaml"
    stack = new_stack("docker", {"ingest": {"config": config}})
    config.write_text(json.dumps({"sources": [
        {"name": name, "kind": kind, "cluster": cluster, "url": engine.address,
         "repository_aliases": {stack.registry.address: REGISTRY_NAME}}
        for name, kind, cluster in (("engine", "docker", CLUSTER), ("swarm", "swarm", "swarm"))]}))
    own = World(engine, stack)
    own.run("before")
    own.run("over", "true")
    own.docker("wait", "over")
    own.docker("create", "--network=none", "--name=never", own.reference)
    stack.services.start("inventory")
    stack.services.wait_ready("inventory")
    own.start_ingest()
    return own


def test_what_was_there_before_is_found_with_its_own_times_and_digest(world):
    world.wait(before="running", over="ended", never="")
    state = world.inspect("over")["State"]
    started, ended, repository, digest = world.runs("over")[0]
    assert near(started, engine_time(state["StartedAt"])) and near(ended, engine_time(state["FinishedAt"]))
    assert (repository, digest) == (f"{REGISTRY_NAME}/apps/box", world.digest)


def test_each_start_of_a_container_is_a_run_of_its_own(world):
    world.run("again")
    world.wait(again="running")
    world.docker("restart", "-t", "0", "again")
    world.docker("kill", "again")
    world.docker("start", "again")
    world.wait(again="ended ended running")
    assert near(world.runs("again")[-1][0], engine_time(world.inspect("again")["State"]["StartedAt"]))


def test_a_renamed_container_ends_its_run(world):
    world.run("old-name")
    world.wait(**{"old-name": "running"})
    world.docker("rename", "old-name", "new-name")
    world.docker("rm", "-f", "new-name")
    world.wait(**{"old-name": "ended"})


def test_an_image_of_no_registry_has_the_digest_of_its_config(world):
    world.docker("tag", world.reference, "local/box:dev")
    world.run("local", image="local/box:dev")
    world.wait(local="running")
    assert world.runs("local")[0][2:] == ("docker.io/local/box", world.inspect("local")["Image"])


def test_an_image_named_by_its_id_is_found_by_its_digest(world):
    world.run("by-id", image=world.inspect("before")["Image"].split(":")[1][:12])
    world.wait(**{"by-id": "running"})
    assert world.runs("by-id")[0][3] == world.digest


def test_what_happens_while_ingest_is_dead_is_told_afterwards_once(world):
    world.run("lives")
    world.run("restarts")
    world.run("goes")
    world.wait(lives="running", restarts="running", goes="running")
    world.kill_ingest()
    world.docker("restart", "-t", "0", "restarts")
    world.docker("restart", "-t", "0", "restarts")
    world.docker("rm", "-f", "goes")
    world.run("short", "true", options=("--rm",))
    world.run("new")
    world.start_ingest()
    world.wait(lives="running", restarts="ended ended running", goes="ended", short="ended", new="running")
    world.kill_ingest()
    world.start_ingest()
    world.docker("kill", "lives")
    world.wait(lives="ended", restarts="ended ended running", goes="ended", short="ended", new="running")


def test_more_events_than_the_engine_keeps_leave_no_run_open(world):
    world.run("busy")
    world.run("left")
    world.wait(busy="running", left="running")
    world.kill_ingest()
    world.docker("rm", "-f", "left")
    world.docker("restart", "-t", "0", "busy")
    for _ in range(60):  # each several events: the engine keeps 256
        world.docker("pause", "busy")
        world.docker("unpause", "busy")
        world.docker("rename", "busy", "busier")
        world.docker("rename", "busier", "busy")
        world.docker("tag", world.reference, "local/box:noise")
    world.start_ingest()
    world.wait(left="ended", busy="ended running")


def test_an_engine_that_stops_takes_its_containers_with_it(world):
    world.run("mortal")
    world.run("phoenix", options=("--restart=always",))
    world.wait(mortal="running", phoenix="running")
    world.engine.process.stop(timeout_s=40)
    world.engine.start()
    world.wait(mortal="ended", phoenix="ended running")


def test_a_swarm_tells_services_and_their_containers(world):
    made = world.engine.docker("swarm", "init", "--advertise-addr", "127.0.0.1", "--listen-addr", "127.0.0.1:0")
    if made.returncode != 0:
        pytest.skip(f"SKIPPED: this engine makes no swarm: {last_words(made.stderr)}")
    world.docker("service", "create", "--detach", "--name=cart", "--replicas=2", world.reference,
                 "/bin/busybox", "sleep", "600")
    demo.wait_until("two tasks", lambda: world.shape("cart.%", cluster="swarm") == "running running", 40)
    assert {(repository, digest) for _, _, repository, digest in world.runs("cart.%", cluster="swarm")} == {
        (f"{REGISTRY_NAME}/apps/box", world.digest)}
    world.docker("service", "rm", "cart")
    demo.wait_until("no tasks", lambda: world.shape("cart.%", cluster="swarm") == "ended ended", 40)
    owners = world.stack.postgres.sql("SELECT DISTINCT owner_kind, owner_name FROM pods WHERE pod LIKE 'cart.%'")
    assert owners == "Service|cart"


def test_nothing_was_told_twice_or_not_understood(world):
    """Both sources look at one engine: what they tell of it is the same."""
    def told_as_running():
        told = world.stack.postgres.sql(
            "SELECT i.pod_uid FROM runs r JOIN instances i USING (instance_id) "
            f"WHERE i.cluster = '{CLUSTER}' AND r.ended_at IS NULL").split()
        running = world.docker("ps", "-q", "--no-trunc").split()
        return sorted(told) == sorted(running) or f"told {sorted(told)}, running {sorted(running)}"
    demo.wait_until("what runs is told", told_as_running, 60)
    assert world.stack.postgres.sql("SELECT count(*) FROM ledger WHERE state = 'quarantined'") == "0"
    assert '"level":"error"' not in world.stack.services.process["ingest"].log.read_text()
