"""A PostgreSQL with a few images in it, keys, and gates that answer from a cache of them."""

import json
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from local.postgres import Postgres
from local.process import Process, free_port, http_ok

REPOSITORY = "registry.example/shop/web"
SCANNED, UNSCANNED, VULNERABLE, EXPIRED = ("sha256:" + digit * 64 for digit in "abcd")
TAGS = {"1.0": SCANNED, "2.0": UNSCANNED, "3.0": VULNERABLE, "4.0": EXPIRED}

STRICT = {"cluster": "test", "max_cache_age": "1h", "scopes": [
    {"name": "system", "namespaces": ["kube-*"], "mode": "exempt"},
    {"name": "trial", "namespaces": ["trial-*"], "mode": "warn"},
    {"name": "open", "namespaces": ["open-*"], "mode": "enforce", "unavailable": "allow"},
    {"name": "everything", "mode": "enforce"}]}

IMAGE = """
INSERT INTO tag_observations VALUES (gen_random_uuid(), '{repository}', '{tag}', '{digest}', now() - interval '60 days', now());
INSERT INTO registry_facts VALUES (gen_random_uuid(), '{repository}', '{digest}', 'pushed', now() - interval '60 days', now());
INSERT INTO digest_facts (fact_id, digest, kind, known_at) VALUES (gen_random_uuid(), '{digest}', 'manifest', now());
"""
SCAN = """
WITH s AS (INSERT INTO scans (scan_id, request_id, job_id, attempt, repository, digest, outcome, scanner_name, scanner_version,
    database_version, configuration_checksum, started_at, finished_at, evidence_digest, known_at)
    VALUES (gen_random_uuid(), 'r', 'j', 1, '{repository}', '{digest}', 'complete', 'muster-scanner', '1', 'sha256:db', 'c',
            now() - interval '{age}', now() - interval '{age}', '{digest}', now()) RETURNING scan_id)
INSERT INTO scan_uais SELECT scan_id, '{repository}:{tag}' FROM s;
INSERT INTO evidence_judged VALUES ('{digest}', now()) ON CONFLICT DO NOTHING;
"""


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class GateWorld:
    def __init__(self, state, binaries):
        self.state, self.program = Path(state), str(binaries / "muster-inventory")
        self.state.mkdir(mode=0o755)
        self.postgres = Postgres(state)
        self.key, self.public = self.state / "cache.key", self.state / "cache.pub"
        self.cache = self.state / "cache"

    def start(self):
        openssl("genpkey", "-algorithm", "ed25519", "-out", self.key)
        openssl("pkey", "-in", self.key, "-pubout", "-out", self.public)
        self.postgres.start()
        self.postgres.wait_ready()
        self.run("migrate", f"--postgres={self.postgres.conninfo()}")
        self.sql(f"INSERT INTO repositories VALUES ('{REPOSITORY}', NULL, now())")
        for tag, digest in TAGS.items():
            self.sql(IMAGE.format(repository=REPOSITORY, tag=tag, digest=digest))
        self.scan("1.0", "1 day")
        self.scan("3.0", "1 day")
        self.scan("4.0", "40 days")
        self.sql("INSERT INTO finding_kinds (finding_id, vulnerability_id, package_name, package_version, severity, known_at) "
                 "VALUES (gen_random_uuid(), 'CVE-2026-0001', 'openssl', '3.0', 'critical', now()); "
                 f"INSERT INTO evidence_findings SELECT '{VULNERABLE}', ARRAY[0], ARRAY[finding_id] FROM finding_kinds")

    def scan(self, tag, age):
        self.sql(SCAN.format(repository=REPOSITORY, tag=tag, digest=TAGS[tag], age=age))

    def sql(self, text):
        return self.postgres.sql(text)

    def run(self, *arguments, check=True):
        done = subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120)
        assert not check or done.returncode == 0, done.stderr
        return done

    def build(self):
        self.run("gate-cache", "build", f"--cache={self.cache}", f"--cache-key={self.key}",
                 f"--postgres={self.postgres.conninfo()}")


TOKENS = {"ci": "pipeline", "alice": "operator,as:officer", "eve": "viewer"}


class Api:
    """`muster-inventory run` on the world's database, without Kafka; each name of TOKENS has its role."""

    def __init__(self, world, name, tls=None, **options):
        self.world, self.folder, self.port, self.tls = world, world.state / name, free_port(), tls
        self.folder.mkdir()
        self.process = Process(self.folder, "inventory")
        access = self.folder / "access"
        access.write_text("".join(f"token {who} {role} {self.token(who)}\n" for who, role in TOKENS.items()))
        for who in TOKENS:
            self.token_file(who).write_text(self.token(who) + "\n")
        self.options = {"postgres": world.postgres.conninfo(), "kafka-brokers": "127.0.0.1:1", "evidence-dir": self.folder / "evidence",
                        "listen": f"127.0.0.1:{self.port}", "access-file": access, "rate-limit": "0", **options}
        if tls:
            self.options |= {"tls-cert-file": tls[0], "tls-key-file": tls[1]}
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    @staticmethod
    def token(who):
        return f"token-of-{who}-0123456789"

    def token_file(self, who):
        return self.folder / f"token-{who}"

    def start(self):
        self.process.start([self.world.program, "run", *(f"--{name}={value}" for name, value in self.options.items())])
        ready = (lambda: '"listening"' in self.process.log.read_text()) if self.tls else (lambda: http_ok(f"{self.url}/healthz"))
        self.process.wait_ready(ready, 30, "listening")
        return self

    def run(self, who, *arguments):
        """The command by the token of somebody."""
        return self.world.run(*arguments, f"--inventory-url={self.url}", f"--token-file={self.token_file(who)}", check=False)


class Gate:
    """One gate-server; `options` are more of its options."""

    def __init__(self, world, name, rules=STRICT, tls=None, **options):
        self.world, self.folder = world, world.state / name
        self.folder.mkdir()
        self.port, self.tls = free_port(), tls
        self.process = Process(self.folder, "gate")
        self.config = self.folder / "gate.yaml"
        self.write(rules)
        self.options = {"config": self.config, "cache": world.cache, "cache-key": world.public, "log-dir": self.folder / "log",
                        "name": name, "listen": f"127.0.0.1:{self.port}", **options}
        if tls:
            self.options |= {"tls-cert": tls[0], "tls-key": tls[1]}

    def write(self, rules):
        self.config.write_text(json.dumps(rules))

    def start(self):
        self.process.start([self.world.program, "gate-server", *(f"--{name}={value}" for name, value in self.options.items())])
        ready = (lambda: '"listening"' in self.process.log.read_text()) if self.tls else \
            (lambda: http_ok(f"http://127.0.0.1:{self.port}/readyz"))
        self.process.wait_ready(ready, 30, "ready")
        return self

    def stop(self):
        assert self.process.stop()

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return json.load(answer)

    def post(self, path, body, headers=None):
        """(status, answer)"""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers or {}, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def ask(self, *images, **more):
        status, answer = self.post("/v1/gate", {"images": list(images), **more})
        assert status == 200, answer
        return answer["verdicts"]

    def status(self):
        return self.get("/v1/gate/status")


def review(spec, namespace="default", operation="CREATE", kind=("", "Pod"), old=None, **more):
    group, name = kind
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "kind": {"group": group, "version": "v1", "kind": name},
        "resource": {"group": group, "version": "v1", "resource": name.lower() + "s"}, "name": "web", "namespace": namespace,
        "operation": operation, "userInfo": {"username": "alice"}, "object": {"metadata": {"name": "web"}, **spec},
        "oldObject": old, "dryRun": False, **more}}


def pod(*images, **lists):
    return {"spec": {"containers": [{"name": f"c{number}", "image": image} for number, image in enumerate(images)], **lists}}
