"""`muster-inventory gate`, approve and revoke over HTTP: no credential of the database, and the same answers as with one."""

import http.client
import http.server
import json
import re
import socket
import struct
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import BIN
from gate_world import REPOSITORY, TAGS, UNSCANNED, Api, GateWorld, openssl
from kube_world import wait_until
from local.process import free_port

EXIT = {"1.0": 0, "2.0": 4, "3.0": 1, "4.0": 4, "9.9": 4}


@pytest.fixture(scope="module")
def world(state_root):
    one = GateWorld(state_root / "pipeline-http", BIN)
    one.start()
    yield one
    one.postgres.process.stop()


@pytest.fixture(scope="module")
def api(world):
    one = Api(world, "api").start()
    yield one
    one.process.stop()


@pytest.fixture
def another(world, request):
    """Makes servers with other options; stopped at the end."""
    made = []

    def make(**options):
        made.append(Api(world, f"{request.node.name[5:40]}-{len(made)}", **options))
        return made[-1]
    yield make
    for one in made:
        one.process.stop()


def image(tag):
    return f"{REPOSITORY}:{tag}"


def without_what_differs(text):
    """A report but for its time and the id of its record."""
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", "ID", text)
    return re.sub(r'"decided_at":"[^"]*"', '"decided_at":"AT"', text)


@pytest.mark.parametrize("form", ["text", "json", "sarif", "junit"])
def test_both_ways_say_the_same(world, api, form):
    for tag, code in EXIT.items():
        by_database = world.run("gate", image(tag), f"--postgres={world.postgres.conninfo()}", f"--format={form}", check=False)
        by_server = api.run("ci", "gate", image(tag), f"--format={form}")
        assert by_database.returncode == by_server.returncode == code, by_server.stderr
        assert without_what_differs(by_server.stdout) == without_what_differs(by_database.stdout) and by_server.stdout
        assert by_server.stderr == ""


def test_each_decision_is_recorded_with_whose_credentials_they_were(world, api):
    said = json.loads(api.run("ci", "gate", image("3.0"), "--by=job 7/ü", "--format=json").stdout)
    record = world.sql("SELECT asked_by, image, verdict, rule, facts->'manifests'->0->>'digest' FROM policy_decisions WHERE decision_id = "
                       f"'{said['decision_id']}'")
    assert record == f"ci (job 7/ü)|{image('3.0')}|rejected|critical|{TAGS['3.0']}"
    listed = json.loads(world.run("decisions", f"--postgres={world.postgres.conninfo()}", "--asked-by=ci (job 7/ü)", "--format=json").stdout)
    assert [row["decision_id"] for row in listed] == [said["decision_id"]]


def test_the_job_is_named_by_the_ci_system(world, api, monkeypatch):
    monkeypatch.setenv("CI_JOB_URL", "https://git.example/shop/-/jobs/17")
    said = json.loads(api.run("ci", "gate", image("1.0"), "--format=json").stdout)
    assert world.sql(f"SELECT asked_by FROM policy_decisions WHERE decision_id = '{said['decision_id']}'") == \
        "ci (https://git.example/shop/-/jobs/17)"


def test_it_waits_for_the_scan_and_is_recorded_once(world, api):
    world.sql(f"INSERT INTO tag_observations VALUES (gen_random_uuid(), '{REPOSITORY}', 'new', '{UNSCANNED}', now() - interval '1 day', now())")
    before = int(world.sql("SELECT count(*) FROM policy_decisions"))
    threading.Timer(3, lambda: world.sql(f"""
        WITH s AS (INSERT INTO scans (scan_id, request_id, job_id, attempt, repository, digest, outcome, scanner_name, scanner_version,
            database_version, configuration_checksum, started_at, finished_at, evidence_digest, known_at)
            VALUES (gen_random_uuid(), 'r', 'j', 1, '{REPOSITORY}', '{UNSCANNED}', 'complete', 'muster-scanner', '1', 'sha256:db', 'c',
                    now(), now(), '{UNSCANNED}', now()) RETURNING scan_id)
        INSERT INTO scan_uais SELECT scan_id, '{image('new')}' FROM s;
        INSERT INTO evidence_judged VALUES ('{UNSCANNED}', now()) ON CONFLICT DO NOTHING""")).start()
    began = time.monotonic()
    done = api.run("ci", "gate", image("new"), "--wait=60s", "--poll=100ms")
    assert done.returncode == 0 and done.stdout.startswith(f"approved  {image('new')}"), done.stdout + done.stderr
    assert 2.5 < time.monotonic() - began < 30
    assert int(world.sql("SELECT count(*) FROM policy_decisions")) == before + 1


def test_when_the_time_is_over_it_is_waiting_and_recorded(world, api):
    began = time.monotonic()
    done = api.run("ci", "gate", image("4.0"), "--wait=3s", "--format=json")
    assert done.returncode == 4 and 2.5 < time.monotonic() - began < 10
    assert world.sql(f"SELECT verdict FROM policy_decisions WHERE decision_id = '{json.loads(done.stdout)['decision_id']}'") == "waiting"


def test_a_server_that_is_killed_while_it_is_waited_for_costs_nothing(world, another):
    one = another().start()
    world.sql("DELETE FROM scan_jobs")
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(one.run, "ci", "gate", image("4.0"), "--wait=8s", "--poll=100ms")
        wait_until("asked", lambda: world.sql("SELECT count(*) FROM scan_jobs WHERE reason = 'pipeline'") != "0")
        one.process.kill()
        one.start()
        done = asked.result()
    assert done.returncode == 4, done.stderr
    assert "waiting for at most 8 s" in done.stderr


class Cutting:
    """Passes requests on to a server, and cuts the connection where the answers to the first `cuts` POSTs would come: what was asked is
    committed by then."""

    def __init__(self, port, cuts):
        cutting, self.cut, self.keys, lock = self, 0, [], threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
                connection.request("POST", self.path, body, {name: value for name, value in self.headers.items() if name != "Connection"})
                answer = connection.getresponse()
                text = answer.read()
                with lock:
                    cutting.keys.append(self.headers.get("Idempotency-Key"))
                    cuts_now = cutting.cut < cuts and answer.status in (200, 201)
                    cutting.cut += cuts_now
                if cuts_now:
                    self.close_connection = True
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.connection.close()
                    return
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

            def handle_one_request(self):
                try:
                    super().handle_one_request()
                except (OSError, ValueError):  # the connection that was cut
                    self.close_connection = True

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


@pytest.mark.parametrize("tag", ["1.0", "3.0", "4.0"])
def test_a_connection_cut_after_the_commit_makes_no_second_decision(world, api, tag):
    before = int(world.sql("SELECT count(*) FROM policy_decisions"))
    with Cutting(api.port, cuts=3) as cutting:
        done = world.run("gate", image(tag), f"--inventory-url={cutting.url}", f"--token-file={api.token_file('ci')}", "--format=json",
                         check=False)
        assert cutting.cut == 3 and len(cutting.keys) == 4 and len(set(cutting.keys)) == 1
    assert done.returncode == EXIT[tag], done.stderr
    assert "trying again" in done.stderr
    assert int(world.sql("SELECT count(*) FROM policy_decisions")) == before + 1
    assert world.sql(f"SELECT verdict FROM policy_decisions WHERE decision_id = '{json.loads(done.stdout)['decision_id']}'") == \
        json.loads(done.stdout)["verdict"]


def test_a_connection_cut_after_the_commit_makes_no_second_word_of_a_person(world, api):
    before = int(world.sql("SELECT count(*) FROM image_approvals"))
    for verb, more in (("approve", ["--until=2099-01-01T00:00:00Z"]), ("revoke", []), ("withdraw", [])):
        with Cutting(api.port, cuts=2) as cutting:
            done = world.run(verb, image("3.0"), f"--inventory-url={cutting.url}", f"--token-file={api.token_file('alice')}",
                             "--role=officer", "--reason=cut", *more, check=False)
            assert cutting.cut == 2 and len(set(cutting.keys)) == 1
        before += 1
        assert done.returncode == 0, done.stderr
        assert int(world.sql("SELECT count(*) FROM image_approvals")) == before
        assert world.sql(f"SELECT decision FROM image_approvals WHERE approval_id = '{done.stdout.split(':')[0]}'") == verb


def state(api, who, *words, url=None):
    return api.world.run(*words, f"--inventory-url={url or api.url}", f"--token-file={api.token_file(who)}", check=False)


def test_what_people_state_goes_over_http_too_and_once(world, api):
    world.sql("INSERT INTO repositories VALUES ('registry.example/shop/new', NULL, now())")
    move = ["move", "add", f"--repository={REPOSITORY}", "--moved-to=registry.example/shop/new", "--rationale=renamed"]
    with Cutting(api.port, cuts=2) as cutting:
        done = state(api, "alice", *move, url=cutting.url)
        assert cutting.cut == 2 and done.returncode == 0, done.stderr
    assert world.sql("SELECT \"by\", record FROM move_facts") == "alice|move"
    again = state(api, "alice", *move)
    assert again.returncode == 1 and "--repository: it moved to registry.example/shop/new; withdraw that first" in again.stderr
    assert state(api, "alice", "move", "withdraw", *move[2:4]).returncode == 0
    assert world.sql("SELECT count(*) FROM moves_known('infinity')") == "0"
    for words, says in ((move[:3], "--moved-to: is missing"), ([*move, "--by=bob"], "--by is for --postgres"),
                        (["move", "list"], "GET /v1/moves"), ([*move, "--postgres=x"], "are both given")):
        refused = state(api, "alice", *words)
        assert refused.returncode == 2 and says in refused.stderr, refused.stderr
    denied = state(api, "eve", *move)
    assert denied.returncode == 3 and "takes one of operator" in denied.stderr


def test_many_jobs_that_share_one_measure_all_get_their_verdict(another):
    one = another(**{"rate-limit": "5"}).start()
    with ThreadPoolExecutor(16) as pool:
        done = list(pool.map(lambda _: one.run("ci", "gate", image("1.0")), range(32)))
    assert {answer.returncode for answer in done} == {0}, [answer.stderr for answer in done]
    assert any("answered 429" in answer.stderr for answer in done)


def test_an_engineer_may_look_without_a_trace(world, api):
    before = world.sql("SELECT count(*) FROM policy_decisions"), world.sql("SELECT count(*) FROM scan_jobs")
    for tag in ("1.0", "3.0", "4.0", "9.9"):
        looked = api.run("eve", "gate", image(tag), "--look", "--format=json")
        assert "asked for with priority" not in looked.stdout
        assert looked.returncode == EXIT[tag] and json.loads(looked.stdout)["decision_id"] is None, looked.stderr
        assert world.run("gate", image(tag), f"--postgres={world.postgres.conninfo()}", "--look", check=False).returncode == EXIT[tag]
    assert "have it scanned" in api.run("eve", "gate", image("4.0"), "--look").stdout
    assert (world.sql("SELECT count(*) FROM policy_decisions"), world.sql("SELECT count(*) FROM scan_jobs")) == before


# ---- people ----


def decide(api, who, verb, tag, *more, role="officer"):
    return api.run(who, verb, image(tag), f"--role={role}", "--reason=not reachable", *more)


def test_people_approve_and_revoke_by_their_own_credentials(world, api):
    assert decide(api, "alice", "approve", "3.0").returncode == 2  # without an end
    first = decide(api, "alice", "approve", "3.0", "--until=2099-01-01T00:00:00Z")
    assert first.returncode == 0, first.stderr
    assert decide(api, "alice", "approve", "3.0", "--until=2099-01-01T00:00:00Z").stdout == first.stdout  # again: the same
    assert "by alice (officer): not reachable" in api.run("ci", "gate", image("3.0")).stdout
    assert decide(api, "alice", "revoke", "3.0").returncode == 0
    assert api.run("ci", "gate", image("3.0")).returncode == 1
    assert decide(api, "alice", "withdraw", "3.0").returncode == 0
    rows = json.loads(world.run("approvals", f"--postgres={world.postgres.conninfo()}", "--format=json").stdout)
    assert [(row["decision"], row["person"], row["role"], row["state"]) for row in rows[:3]] == [
        ("withdraw", "alice", "officer", "in_force"), ("revoke", "alice", "officer", "replaced"), ("approve", "alice", "officer", "replaced")]
    assert decide(api, "alice", "revoke", "9.9").returncode == 1
    other = decide(api, "alice", "revoke", "1.0", role="director")
    assert other.returncode == 3 and "'alice' may not speak as 'director': it takes as:director" in other.stderr
    pretended = decide(api, "alice", "revoke", "1.0", "--by=bob")
    assert pretended.returncode == 2 and "whose credentials they are" in pretended.stderr


@pytest.mark.parametrize("who", ["ci", "eve"])
def test_who_may_not_decide_is_told_who_may(api, who):
    done = decide(api, who, "revoke", "1.0")
    assert done.returncode == 3 and "it takes one of operator" in done.stderr


# ---- what goes wrong ----


def test_what_the_command_line_gets_wrong_is_named(world, api):
    for arguments, says in (
            ([], "--inventory-url"),
            ([f"--inventory-url={api.url}", "--postgres=dbname=x"], "both given"),
            (["--inventory-url=inventory:8080"], "is no http or https URL"),
            (["--inventory-url=http://"], "is no http or https URL"),
            (["--inventory-url=http://u@host"], "an address alone"),
            ([f"--inventory-url={api.url}", "--token-file=/nonexistent"], "--token-file '/nonexistent'"),
            ([f"--inventory-url={api.url}", "--ca-file=/nonexistent"], "--ca-file '/nonexistent'"),
            ([f"--inventory-url={api.url}", f"--client-key-file={world.key}"], "go together"),
            ([f"--inventory-url={api.url}", "--format=xml"], "text, json, sarif or junit")):
        done = world.run("gate", image("1.0"), *arguments, check=False)
        assert done.returncode == 2 and says in done.stderr and not done.stdout, (arguments, done.stderr)


def test_credentials_that_are_wrong_are_told_with_what_would_do(world, api):
    bad = api.folder / "bad"
    for text, says in (("wrong-token-0123456789", f"refuses the token of {bad}"), ("", "is empty"), ("two words", "the token alone")):
        bad.write_text(text)
        done = world.run("gate", image("1.0"), f"--inventory-url={api.url}", f"--token-file={bad}", check=False)
        assert done.returncode == 3 and says in done.stderr, done.stderr
    done = world.run("gate", image("1.0"), f"--inventory-url={api.url}", check=False)
    assert done.returncode == 3 and "wants credentials" in done.stderr and "--token-file" in done.stderr
    done = api.run("eve", "gate", image("1.0"))
    assert done.returncode == 3 and "it takes one of operator,pipeline, and 'eve' has viewer" in done.stderr


def test_a_token_comes_from_the_environment_too(world, api, monkeypatch):
    monkeypatch.setenv("MUSTER_INVENTORY_TOKEN", api.token("ci"))
    monkeypatch.setenv("MUSTER_INVENTORY_URL", api.url + "/")
    assert world.run("gate", image("1.0"), check=False).returncode == 0


class Elsewhere(http.server.BaseHTTPRequestHandler):
    """What else may listen at an address: it answers everything with its path's status."""

    def do_POST(self):
        status = int(self.path.split("/")[1])
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "https://elsewhere.example/")
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"<p>a\n")

    def log_message(self, *_):
        pass


def test_an_address_of_something_else_is_said_to_be_one(world):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        for status, says in ((200, "is no muster-inventory"), (404, "is no muster-inventory"), (405, "is no muster-inventory"),
                             (302, "redirect"), (503, "answered 503")):
            done = world.run("gate", image("1.0"), f"--inventory-url=http://127.0.0.1:{server.server_port}/{status}", "--timeout=1s",
                             check=False)
            assert done.returncode == 3 and says in done.stderr, (status, done.stderr)
    finally:
        server.shutdown()
        server.server_close()


def test_nobody_there_is_tried_for_so_long_and_no_longer(world):
    began = time.monotonic()
    done = world.run("gate", image("1.0"), f"--inventory-url=http://127.0.0.1:{free_port()}", "--timeout=2s", check=False)
    assert done.returncode == 3 and "trying again" in done.stderr and 0.2 < time.monotonic() - began < 8
    assert done.stderr.count("trying again") == 1


def test_a_database_that_is_away_is_waited_for(world, api):
    world.postgres.kill()
    try:
        done = api.run("ci", "gate", image("1.0"), "--timeout=2s")
        assert done.returncode == 3 and "answered 503" in done.stderr
        threading.Timer(1, world.postgres.start).start()
        assert api.run("ci", "gate", image("1.0"), "--wait=60s").returncode == 0
    finally:
        if world.postgres.process.pid() is None:
            world.postgres.start()
            world.postgres.wait_ready()


def test_https_needs_whom_to_trust(world, another):
    ca, key = world.state / "tls.crt", world.state / "tls.key"
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", ca, "-days", "2",
            "-subj", "/CN=inventory", "-addext", "subjectAltName=IP:127.0.0.1")
    one = another(tls=(ca, key)).start()
    began = time.monotonic()
    refused = one.run("ci", "gate", image("1.0"), "--timeout=10m")
    assert refused.returncode == 3 and "--ca-file" in refused.stderr and "certificate" in refused.stderr, refused.stderr
    assert time.monotonic() - began < 30  # and not for ten minutes
    assert one.run("ci", "gate", image("1.0"), f"--ca-file={ca}").returncode == 0


def test_a_client_certificate_does_instead_of_a_token(world, another):
    folder = world.state / "mtls"
    folder.mkdir()
    ca, ca_key, cert, key = (folder / name for name in ("ca.crt", "ca.key", "c.crt", "c.key"))
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", ca_key, "-out", ca, "-days", "2",
            "-subj", "/CN=ca", "-addext", "subjectAltName=IP:127.0.0.1")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", folder / "c.csr", "-subj",
            "/O=shop/CN=job")
    openssl("x509", "-req", "-in", folder / "c.csr", "-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-days", "2", "-out", cert)
    one = another(tls=(ca, ca_key), **{"tls-client-ca-file": ca})
    with (one.folder / "access").open("a") as access:
        access.write("subject pipeline CN=job*\n")
    one.start()
    arguments = ["gate", image("1.0"), f"--inventory-url={one.url}", f"--ca-file={ca}", "--format=json"]
    assert world.run(*arguments, check=False).returncode == 3
    done = world.run(*arguments, f"--client-cert-file={cert}", f"--client-key-file={key}", check=False)
    assert done.returncode == 0, done.stderr
    assert world.sql(f"SELECT asked_by FROM policy_decisions WHERE decision_id = '{json.loads(done.stdout)['decision_id']}'").startswith("CN=job")


def test_curl_alone_is_enough(world, api):
    """As the page on pipelines has it."""
    command = ["curl", "-sS", "-X", "POST", "-H", f"Authorization: Bearer {api.token('ci')}", "-H", "Accept: application/sarif+json", "-D",
               str(api.folder / "head"), f"{api.url}/v1/verdicts/{image('3.0')}?by=curl"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["version"] == "2.1.0"
    assert "muster-verdict: rejected" in (api.folder / "head").read_text().lower()
