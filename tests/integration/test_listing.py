"""A real registry is listed: what was pushed, moved and deleted while nobody was told is found, exactly and once."""

import json
import signal
import subprocess
import time
import types
import urllib.error
import urllib.request

import pytest
from conftest import BIN, CACHE
from local import kafka as kafka_module
from local.demo import wait_until
from local.kafka import Kafka
from local.process import StackError, tcp_ok
from local.registry import Registry
from local.services import Services
from probes import messages, metric
from pushes import Pusher

HOST, TOPIC = "registry.example", "muster.registry-events"
REPOSITORIES, TAGS = 60, 5
BCRYPT_OF_RIGHT = "$2b$04$QDo7TtRiCVJCvC3IEi82r.LSsLFpXqSuAoxEgXnptFxQCCH3KWsLi"


class World:
    """Kafka, a registry that tells nobody, and ingest."""

    def __init__(self, state):
        self.state = state
        self.kafka, self.registry = Kafka(state, CACHE), Registry(state)
        config = state / "sources.yaml"
        self.services = Services(state, BIN, self.kafka, None, self.registry, None, {"ingest": {"config": config}})
        self.secret = state / "secrets" / "registry-bearer"
        url = f"http://{self.registry.address}"
        config.write_text(json.dumps({"sources": [
            {"name": "all", "kind": "registry", "registry": HOST, "url": url, "tags_per_page": 7, "interval": "1h",
             "auth": {"bearer_file": str(self.secret)}},
            {"name": "docker", "kind": "registry", "registry": "docker.io", "url": url, "repositories": ["team/none"]},
            {"name": "hub", "kind": "dockerhub"}]}))
        self.config = config
        self.pusher = Pusher(url)
        self.known = {}  # (repository, tag): digest

    @property
    def ingest(self):
        return self.services.process["ingest"]

    def start_ingest(self):
        self.services.start("ingest")
        self.services.wait_ready("ingest")

    def push(self, repository, tag, content):
        self.known[repository, tag] = self.pusher.push(repository, tag, content)

    def messages(self):
        try:
            return messages(self, TOPIC)
        except StackError as error:
            if "Unknown topic" in str(error):  # ingest makes it when it has found Kafka
                return []
            raise

    def events(self):
        """{ce_id: (action, repository without host, tag, digest)} of what listings of `all` told."""
        return {m["id"]: (m["value"]["action"], m["value"]["repository"].removeprefix(f"{HOST}/"), m["value"]["tag"], m["value"].get("digest"))
                for m in self.messages() if m["value"]["source"] == "all"}

    def outcomes(self):
        return {word: int(metric(self, "ingest", f'muster_ingest_listings_total{{outcome="{word}"}}') or 0) for word in ("complete", "failed")}

    def post_list(self, bearer=None):
        request = urllib.request.Request(f"{self.services.url('ingest')}/v1/sources/all/list", b"", method="POST")
        request.add_header("Authorization", f"Bearer {self.services.bearer if bearer is None else bearer}")
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def list_and_wait(self, outcome="complete"):
        before = self.outcomes()[outcome]
        assert self.post_list() == 202
        wait_until(f"a listing {outcome}", lambda: self.outcomes()[outcome] > before or f"{self.outcomes()}", 120)

    def list_command(self, *more):
        return subprocess.run([str(BIN / "muster-ingest"), "list", f"--config={self.config}", "--source=all", *more], capture_output=True,
                              text=True, check=False, timeout=120)


@pytest.fixture(scope="module")
def running(state_root):
    state = state_root / "listing"
    state.mkdir()
    world = World(state)
    kafka_module.fetch_jars(CACHE)
    world.kafka.start(jars_ready=True)
    world.registry.start()
    world.registry.wait_ready()
    for number in range(REPOSITORIES):
        for tag in range(TAGS):
            world.push(f"team/app{number}", f"1.{tag}", f"{number} {tag}")
    world.kafka.wait_ready()
    world.start_ingest()
    wait_until("listed", lambda: world.outcomes()["complete"] > 0 or f"{world.outcomes()}", 120)
    yield world
    for process in (world.ingest, world.registry.process, world.kafka.process):
        process.stop()


@pytest.fixture
def world(running):
    """The first listing is over, and everything runs."""
    if not running.registry.process.pid():
        running.registry.start()
        running.registry.wait_ready()
    if not running.ingest.pid():
        running.start_ingest()
    return running


def test_what_was_pushed_while_nobody_was_told_is_found_exactly(world):
    expected = {("push", repository, tag, digest) for (repository, tag), digest in world.known.items()}
    wait_until("all told", lambda: len(world.events()) >= REPOSITORIES * TAGS or f"{len(world.events())} told", 120)
    assert set(world.events().values()) == expected
    assert len(world.events()) == REPOSITORIES * TAGS == 300
    told = [m["value"] for m in world.messages() if m["value"]["source"] == "all"]
    assert len(told) == 300 and all(value["reconcile"] and value["digest_kind"] == "manifest" for value in told)


def test_what_is_known_is_not_told_again(world):
    world.list_and_wait()
    world.list_and_wait()
    assert len(world.events()) == 300


def test_tags_moved_deleted_and_pushed_while_ingest_was_down_are_told(world):
    before = world.events()
    assert world.ingest.stop()
    world.push("team/app1", "1.0", "moved")
    world.push("team/app2", "1.1", "moved too")
    world.push("team/new", "0.1", "new")
    for tag in ("1.2", "1.3"):
        world.pusher.delete("team/app3", world.known.pop(("team/app3", tag)))
    shown = world.list_command(f"--spool-dir={world.state}/ingest/spool", "--format=json")
    assert shown.returncode == 0, shown.stderr
    expected = {("push", "team/app1", "1.0"), ("push", "team/app2", "1.1"), ("push", "team/new", "0.1"), ("delete", "team/app3", "1.2"),
                ("delete", "team/app3", "1.3")}
    action = {"new": "push", "moved": "push", "gone": "delete"}
    assert {(action[row["change"]], row["repository"], row["tag"]) for row in json.loads(shown.stdout)} == expected
    world.start_ingest()
    world.list_and_wait()
    wait_until("all told", lambda: len(world.events()) >= len(before) + 5 or "not yet", 60)  # some came by way of the spool
    told = [event for ce_id, event in world.events().items() if ce_id not in before]
    assert {event[:3] for event in told} == expected and len(told) == 5
    assert all(digest == world.known[repository, tag] for act, repository, tag, digest in told if act == "push")


def test_a_listing_on_demand_needs_the_credentials_of_the_source(world):
    assert world.post_list(bearer="wrong") == 401
    assert world.post_list() == 202


def test_a_registry_that_is_down_deletes_nothing(world):
    before = world.events()
    world.registry.process.kill()
    world.list_and_wait("failed")
    assert world.list_command().returncode == 3
    world.registry.start()
    world.registry.wait_ready()
    world.list_and_wait()
    assert world.events() == before


def test_a_push_that_says_no_digest_is_looked_up(world):
    digest = world.pusher.push("team/hub", "2.0", "hub")
    body = {"push_data": {"pushed_at": 1795564800, "pusher": "me", "tag": "2.0"},
            "repository": {"repo_name": "team/hub", "name": "hub", "namespace": "team"}}
    request = urllib.request.Request(f"{world.services.url('ingest')}/v1/sources/hub", json.dumps(body).encode(), method="POST",
                                     headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 202

    def told():
        return [(m["value"]["source"], m["value"].get("digest"), m["value"].get("reconcile", False)) for m in world.messages()
                if m["value"]["repository"] == "docker.io/team/hub"]
    wait_until("looked up", lambda: len(told()) == 2 or f"{told()}", 60)
    assert set(told()) == {("hub", None, False), ("docker", digest, True)}
    world.known["team/hub", "2.0"] = digest


def killed_at(world, file):
    """Kills ingest as soon as the file is there."""
    deadline = time.monotonic() + 60
    while not file.exists():
        assert time.monotonic() < deadline, f"no {file.name}"
    world.ingest.signal(signal.SIGKILL)
    wait_until("killed", lambda: not world.ingest.pid() or "it lives", 30)
    assert not (world.state / "ingest/spool/listed-all.tsv").read_text().count("\t2.0\t"), "it was killed too late"
    file.unlink(missing_ok=True)


def test_a_listing_killed_while_it_tells_is_told_whole_and_once(world):
    before = world.events()
    for number in range(REPOSITORIES):
        world.push(f"team/app{number}", "2.0", f"second {number}")
    for sign in ("sort", "tsv.new", "tsv.new"):  # while it walks, and twice between telling and writing what is known
        assert world.post_list() == 202
        killed_at(world, world.state / "ingest/spool" / f"listed-all.{sign}")
        world.start_ingest()
    world.list_and_wait()
    wait_until("all told", lambda: set(world.known) <= {event[1:3] for event in world.events().values()} | {("team/hub", "2.0")} or "not yet", 60)
    told = [event for ce_id, event in world.events().items() if ce_id not in before]
    assert {event[1:3] for event in told if event[2] == "2.0"} >= {(f"team/app{number}", "2.0") for number in range(REPOSITORIES)}
    assert len(told) == len(set(told)), "the same is told by two ids"
    assert all(act == "push" for act, *_ in told)


@pytest.fixture(scope="module")
def guarded(state_root):
    """A registry with TLS and passwords."""
    state = state_root / "guarded"
    state.mkdir()
    registry = Registry(state)
    cert, key, users = state / "cert.pem", state / "key.pem", state / "htpasswd"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert], check=True, capture_output=True)
    users.write_text(f"reader:{BCRYPT_OF_RIGHT}\n")
    registry.start(htpasswd=users, tls=(cert, key))
    registry.process.wait_ready(lambda: tcp_ok(registry.port), 30, "listening")
    yield types.SimpleNamespace(state=state, url=f"https://{registry.address}", cert=cert)
    registry.process.stop()


def list_guarded(guarded, password, ca_file):
    secret, config = guarded.state / "password", guarded.state / "sources.yaml"
    secret.write_text(password + "\n")
    source = {"name": "all", "kind": "registry", "registry": HOST, "url": guarded.url, "username": "reader", "password_file": str(secret)}
    config.write_text(json.dumps({"sources": [source | ({"ca_file": str(ca_file)} if ca_file else {})]}))
    return subprocess.run([str(BIN / "muster-ingest"), "list", f"--config={config}", "--source=all", "--format=json"], capture_output=True,
                          text=True, check=False, timeout=60)


def test_a_registry_with_tls_and_passwords_is_listed(guarded):
    digest = Pusher(guarded.url, "reader:right", str(guarded.cert)).push("team/app", "1.0", "guarded")
    listed = list_guarded(guarded, "right", guarded.cert)
    assert listed.returncode == 0, listed.stderr
    assert [(row["repository"], row["tag"], row["digest"]) for row in json.loads(listed.stdout)] == [("team/app", "1.0", digest)]


def test_a_wrong_password_or_certificate_is_named(guarded):
    wrong = list_guarded(guarded, "wrong", guarded.cert)
    assert wrong.returncode == 3 and "refuses the password of 'reader'" in wrong.stderr
    unknown = list_guarded(guarded, "right", None)
    assert unknown.returncode == 3 and "certificate" in unknown.stderr.lower()
