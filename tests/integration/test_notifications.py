"""What is wrong reaches people: on Kafka once, and a signed webhook at least once under one id, whoever is killed."""

import base64
import hashlib
import hmac
import http.server
import json
import os
import signal
import subprocess
import threading
import time

import pytest
from local.process import free_port
from probes import messages, produce

SECRET = b"the webhook's secret, long enough"
# A container that has run an image of a registry for an hour.
IMAGE = """
INSERT INTO assets VALUES (gen_random_uuid(), 'r.example/{name}:1.0', 'r.example/{name}', '1.0', NULL, false, NULL, ledger_tick());
INSERT INTO registry_facts VALUES (gen_random_uuid(), 'r.example/{name}', 'sha256:{d}', 'pushed', now() - interval '60 days', now());
INSERT INTO digest_facts (fact_id, digest, kind, known_at) VALUES (gen_random_uuid(), 'sha256:{d}', 'manifest', now());
INSERT INTO pod_facts (fact_id, cluster, pod_uid, namespace, pod, known_at) VALUES (gen_random_uuid(), 'c', '{name}', 'n', 'p', now());
INSERT INTO instances VALUES ('{i}', 'c', '{name}', 'main', 'regular', NULL, now());
INSERT INTO run_image_facts (image_fact_id, image, image_id, repository, tag, digest, known_at)
VALUES ('{i}', 'app', 'x', 'r.example/{name}', '1.0', 'sha256:{d}', now());
INSERT INTO run_facts (fact_id, instance_id, run_key, image_fact_id, started_at, known_at)
VALUES (gen_random_uuid(), '{i}', 'k', '{i}', now() - interval '1 hour', now());
"""
SCAN = """
WITH s AS (INSERT INTO scans (scan_id, request_id, job_id, attempt, repository, digest, outcome, scanner_name, scanner_version,
    database_version, configuration_checksum, started_at, finished_at, evidence_digest, known_at)
    VALUES (gen_random_uuid(), 'r', 'j', 1, 'r.example/{name}', 'sha256:{d}', 'complete', 'muster-scanner', '1', 'sha256:db', 'c',
            now() - interval '{age}', now() - interval '{age}', 'sha256:{d}', now()) RETURNING scan_id)
INSERT INTO scan_uais SELECT scan_id, 'r.example/{name}:1.0' FROM s;
"""
EXPLOITED = """
INSERT INTO finding_kinds (finding_id, vulnerability_id, package_name, package_version, severity, known_at)
VALUES ('00000000-0000-8000-8000-0000000000ff', 'CVE-2026-1', 'p', '1', 'low', now());
INSERT INTO evidence_findings VALUES ('sha256:{d}', ARRAY[0], ARRAY['00000000-0000-8000-8000-0000000000ff'::uuid]);
INSERT INTO vulnerability_facts (fact_id, vulnerability_id, stated_at, catalogs, kev_added, known_at)
VALUES (gen_random_uuid(), 'CVE-2026-1', now() - interval '1 hour', true, '2026-01-01', now());
"""
LOST = "INSERT INTO registry_facts VALUES (gen_random_uuid(), 'r.example/{name}', 'sha256:{d}', 'deleted', now(), now());"
MOVED = """
INSERT INTO tag_observations VALUES (gen_random_uuid(), 'r.example/{name}', '1.0', 'sha256:{d}', now() - interval '2 hours', now()),
    (gen_random_uuid(), 'r.example/{name}', '1.0', 'sha256:' || repeat('0', 64), now() - interval '1 minute', now());
"""


def image(name, digit, age=None, more=""):
    words = {"name": name, "d": digit * 64, "i": f"00000000-0000-8000-8000-00000000000{digit}", "age": age}
    return (IMAGE + (SCAN if age else "") + more).format(**words)


class Receiver(http.server.ThreadingHTTPServer):
    """Remembers posts; while `held` is not set, it takes a post and answers nothing."""

    def __init__(self):
        self.posts, self.held = [], threading.Event()
        super().__init__(("127.0.0.1", free_port()), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.posts.append((dict((name.lower(), value) for name, value in self.headers.items()) | {"path": self.path}, body))
        self.server.held.wait(60)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def wait_for(condition, what, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.1)


@pytest.fixture(params=[("json",)])
def told(new_stack, tmp_path, request):
    """A stack whose inventory posts to /TEMPLATE of a receiver, for each of the templates."""
    receiver = Receiver()
    secret, config = tmp_path / "secret", tmp_path / "webhooks.json"
    secret.write_bytes(SECRET)
    origin = f"http://127.0.0.1:{receiver.server_port}"
    targets = [{"name": template, "url": f"{origin}/{template}", "secret_file": str(secret), "template": template}
               for template in request.param]
    config.write_text(json.dumps({"schema": "muster.webhooks.v1", "allowed_origins": [origin], "targets": targets}))
    stack = new_stack(f"webhooks-{len(targets)}", {"inventory": {"webhooks": config, "watch-interval": "1s", "watch-grace": "1s"}},
                      notify=False)
    stack.services.start("inventory")
    stack.services.wait_ready("inventory")
    wait_for(lambda: sql(stack, "SELECT count(*) FROM webhook_targets") == str(len(targets)), "the targets")
    yield stack, receiver
    receiver.held.set()
    receiver.shutdown()
    stack.stop()


def sql(stack, text):
    done = subprocess.run(["psql", "-X", "-qAt", "-v", "ON_ERROR_STOP=1", stack.postgres.conninfo(), "-c", text], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_killed_inventory_tells_again_under_the_same_id(told):
    stack, receiver = told
    sql(stack, image("unscanned", "a"))
    wait_for(lambda: receiver.posts, "the post")
    os.kill(stack.services.process["inventory"].pid(), signal.SIGKILL)
    receiver.held.set()
    sql(stack, "UPDATE webhook_deliveries SET lease_until = now()")
    stack.services.start("inventory")
    stack.services.wait_ready("inventory")
    wait_for(lambda: sql(stack, "SELECT string_agg(state, ' ') FROM webhook_deliveries") == "delivered", "the second post")
    assert len(receiver.posts) == 2
    for headers, body in receiver.posts:
        signed = b".".join((headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body))
        expected = base64.b64encode(hmac.new(SECRET, signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"
        assert json.loads(body)["kind"] == "never_scanned"
    assert len({headers["webhook-id"] for headers, _ in receiver.posts}) == 1
    wait_for(lambda: sql(stack, "SELECT count(*) FROM outbox") == "0", "an empty outbox")
    kinds = [message["value"]["kind"] for message in messages(stack, "muster.notifications")]
    assert kinds == ["never_scanned"]


KINDS = {"scan_expiring": "r.example/expiring:1.0", "scan_expired": "r.example/expired:1.0", "never_scanned": "r.example/unscanned:1.0",
         "not_in_registry": "r.example/lost:1.0", "kev_in_production": "r.example/exploited:1.0",
         "running_drift": "r.example/behind:1.0", "detection_failure": "registry-main"}


@pytest.mark.parametrize("told", [("json", "slack", "text")], indirect=True)
def test_each_kind_reaches_people_in_the_words_of_each_template(told):
    stack, receiver = told
    receiver.held.set()
    sql(stack, image("expiring", "a", "29 days") + image("expired", "b", "31 days") + image("unscanned", "c") +
        image("lost", "d", more=LOST) + image("exploited", "e", "1 hour", EXPLOITED) + image("behind", "f", "1 hour", MOVED))
    produce(stack, "muster.registry-events",
            json.dumps({"source": "registry-main", "source_kind": "distribution", "state": "silent",
                        "observed_at": "2026-11-25T10:00:00Z", "last_event_at": "2026-11-24T10:00:00Z"}),
            ce_id="silent", ce_type="muster.source-health.v1", ce_source="/ingest", ce_time="2026-11-25T10:00:00Z",
            ce_specversion="1.0", **{"content-type": "application/json"})
    wait_for(lambda: len(receiver.posts) >= 3 * len(KINDS), f"{3 * len(KINDS)} posts")
    posts = {template: [body.decode() for headers, body in receiver.posts if headers["path"] == f"/{template}"]
             for template in ("json", "slack", "text")}
    assert {said["kind"]: said["subject"] for said in map(json.loads, posts["json"])} == KINDS
    assert len(posts["json"]) == len(posts["slack"]) == len(posts["text"]) == len(KINDS)
    for said in map(json.loads, posts["json"]):
        first = f"{said['kind']}: {said['subject']}\n"
        words = said["message"].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        assert any(text == f"{said['severity']} {first}{said['message']}\n{said['occurred_at']}\n" for text in posts["text"])
        assert {"text": f"*{said['severity']}* {first}{words}\n{said['occurred_at']}"} in list(map(json.loads, posts["slack"]))
    assert sql(stack, "SELECT string_agg(DISTINCT state, ' ') FROM webhook_deliveries") == "delivered"
    kinds = [message["value"]["kind"] for message in messages(stack, "muster.notifications")]
    assert sorted(kinds) == sorted(KINDS)
