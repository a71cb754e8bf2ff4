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
from probes import messages

SECRET = b"the webhook's secret, long enough"
# A container that runs an image which no registry and no scanner knows of but by its push, for an hour.
FACTS = """
INSERT INTO assets VALUES (gen_random_uuid(), 'r.example/app:1.0', 'r.example/app', '1.0', NULL, false, NULL, ledger_tick());
INSERT INTO registry_facts VALUES (gen_random_uuid(), 'r.example/app', 'sha256:{d}', 'pushed', now() - interval '1 hour', now());
INSERT INTO digest_facts (fact_id, digest, kind, known_at) VALUES (gen_random_uuid(), 'sha256:{d}', 'manifest', now());
INSERT INTO pod_facts (fact_id, cluster, pod_uid, namespace, pod, known_at) VALUES (gen_random_uuid(), 'c', 'u', 'n', 'p', now());
INSERT INTO instances VALUES ('{i}', 'c', 'u', 'main', 'regular', NULL, now());
INSERT INTO run_facts (fact_id, instance_id, run_key, image, image_id, repository, tag, digest, started_at, known_at)
VALUES (gen_random_uuid(), '{i}', 'k', 'app', 'x', 'r.example/app', '1.0', 'sha256:{d}', now() - interval '1 hour', now());
""".format(d="a" * 64, i="00000000-0000-8000-8000-000000000001")


class Receiver(http.server.ThreadingHTTPServer):
    """Remembers posts; while `held` is not set, it takes a post and answers nothing."""

    def __init__(self):
        self.posts, self.held = [], threading.Event()
        super().__init__(("127.0.0.1", free_port()), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.posts.append((dict((name.lower(), value) for name, value in self.headers.items()), body))
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


@pytest.fixture
def told(new_stack, tmp_path):
    receiver = Receiver()
    secret, config = tmp_path / "secret", tmp_path / "webhooks.json"
    secret.write_bytes(SECRET)
    origin = f"http://127.0.0.1:{receiver.server_port}"
    config.write_text(json.dumps({"schema": "muster.webhooks.v1", "allowed_origins": [origin],
                                  "targets": [{"name": "ops", "url": f"{origin}/in", "secret_file": str(secret)}]}))
    stack = new_stack("webhooks", {"inventory": {"webhooks": config, "watch-interval": "1s", "watch-grace": "1s"}}, notify=False)
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
    stack.services.start("inventory")
    stack.services.wait_ready("inventory")
    wait_for(lambda: sql(stack, "SELECT count(*) FROM webhook_targets") == "1", "the target")
    sql(stack, FACTS)
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
