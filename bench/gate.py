#!/usr/bin/env python3
"""Verdicts of the gate with the database down: latency at 2,000 reviews a second on one core, and a fleet's restart.

    python3 bench/gate.py [SECONDS [IMAGES [PODS]]]        after ./muster build; needs the packages wrk and postgresql

A PostgreSQL is filled with IMAGES (100,000) images, nine of ten scanned, and the cache is built from it. Then the database is
killed. One core has the gate; the other has wrk, which sends AdmissionReviews of about 5 KB, one connection after the other. Before
them it asks for /healthz at the same rate: what that takes is the machine's and the client's.
Then PODS (50,000) reviews come as fast as they are answered. At last the database comes back, and every decision must be in
it once: the program fails when one is missing. MUSTER_BIN names the folder of the programs (default build/release/bin).
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "deploy"))

from local.postgres import Postgres  # noqa: E402
from local.process import Process, free_port, http_ok  # noqa: E402

PROGRAM = str(Path(os.environ.get("MUSTER_BIN", ROOT / "build/release/bin")).resolve() / "muster-inventory")
RATE, CONNECTIONS, BODIES = 2000, 32, 5000

FILL = """
CREATE TEMP TABLE image AS
    SELECT n, 'registry.example/team-' || n % 500 || '/app-' || n AS repository, '1.' || n AS tag,
           'sha256:' || encode(sha256(n::text::bytea), 'hex') AS digest, n % 10 <> 9 AS scanned, gen_random_uuid() AS scan
      FROM generate_series(0, {images} - 1) n;
INSERT INTO repositories SELECT repository, NULL, now() FROM image;
INSERT INTO tag_observations SELECT gen_random_uuid(), repository, tag, digest, now() - interval '9 days', now() FROM image;
INSERT INTO registry_facts SELECT gen_random_uuid(), repository, digest, 'pushed', now() - interval '9 days', now() FROM image;
INSERT INTO digest_facts (fact_id, digest, kind, known_at) SELECT gen_random_uuid(), digest, 'manifest', now() FROM image;
INSERT INTO scans (scan_id, request_id, job_id, attempt, repository, digest, outcome, scanner_name, scanner_version,
        database_version, configuration_checksum, started_at, finished_at, evidence_digest, known_at)
    SELECT scan, 'r', 'j', 1, repository, digest, 'complete', 'muster-scanner', '1', 'sha256:db', 'c', now() - interval '1 day',
           now() - interval '1 day', digest, now() FROM image WHERE scanned;
INSERT INTO scan_uais SELECT scan, repository || ':' || tag FROM image WHERE scanned;
INSERT INTO evidence_judged SELECT digest, now() FROM image WHERE scanned;
INSERT INTO finding_kinds (finding_id, vulnerability_id, package_name, package_version, severity, known_at)
    SELECT md5(k || severity)::uuid, 'CVE-2026-' || k, 'package-' || k, '1', severity, now()
      FROM generate_series(0, 4) k, (VALUES ('critical'), ('low')) s (severity);
INSERT INTO evidence_findings
    SELECT digest, array_agg(k), array_agg(md5(k || CASE WHEN k = 0 AND n % 20 = 0 THEN 'critical' ELSE 'low' END)::uuid)
      FROM image, generate_series(0, 4) k WHERE scanned GROUP BY digest;
ANALYZE;
"""


def image(number):
    return f"registry.example/team-{number % 500}/app-{number}:1.{number}"


def review(number, images):
    """As an API server sends a pod of a Deployment: two containers, volumes, probes, managed fields."""
    name = f"app-{number}-7c5ddbdf54-{number % 99999:05d}"
    containers = [{"name": f"c{place}", "image": image((number * 7 + place * 13) % images), "imagePullPolicy": "IfNotPresent",
                   "env": [{"name": f"SETTING_{k}", "value": f"value of setting {k}"} for k in range(10)],
                   "ports": [{"containerPort": 8080, "protocol": "TCP"}],
                   "resources": {"limits": {"cpu": "500m", "memory": "512Mi"}, "requests": {"cpu": "100m", "memory": "128Mi"}},
                   "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10, "failureThreshold": 3},
                   "volumeMounts": [{"name": "kube-api-access", "readOnly": True,
                                     "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}],
                   "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"} for place in range(2)]
    fields = {"f:metadata": {"f:generateName": {}, "f:labels": {".": {}, "f:app": {}, "f:pod-template-hash": {}}},
              "f:spec": {"f:containers": {f'k:{{"name":"c{place}"}}': {
                  ".": {}, "f:env": {".": {}, **{f'k:{{"name":"SETTING_{k}"}}': {".": {}, "f:name": {}, "f:value": {}} for k in range(10)}},
                  "f:image": {}, "f:resources": {".": {}, "f:limits": {}, "f:requests": {}}} for place in range(2)}}}
    pod = {"kind": "Pod", "apiVersion": "v1", "metadata": {
        "name": name, "namespace": f"team-{number % 40}", "uid": f"{number:08d}-1111-4222-8333-444444444444",
        "labels": {"app": f"app-{number}", "pod-template-hash": "7c5ddbdf54"},
        "managedFields": [{"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
                           "time": "2026-11-25T12:00:00Z", "fieldsV1": fields}]},
        "spec": {"containers": containers, "serviceAccountName": "default", "restartPolicy": "Always", "priority": 0,
                 "volumes": [{"name": "kube-api-access", "projected": {"sources": [
                     {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}], "defaultMode": 420}}],
                 "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute",
                                  "tolerationSeconds": 300}]}, "status": {"phase": "Pending", "qosClass": "Burstable"}}
    return json.dumps({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {
        "uid": f"{number:08d}-6393-4e8b-b7cc-42010a800002", "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"}, "requestKind": {"group": "", "version": "v1", "kind": "Pod"},
        "name": name, "namespace": f"team-{number % 40}", "operation": "CREATE", "object": pod, "oldObject": None, "dryRun": False,
        "userInfo": {"username": "system:serviceaccount:kube-system:replicaset-controller", "groups": ["system:authenticated"]},
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"}}}, separators=(",", ":"))


def run(*arguments):
    started = time.monotonic()
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return time.monotonic() - started


def load(url, bodies, seconds, rate=0):
    done = subprocess.run(["taskset", "-c", "1", "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s",
                           "-s", str(ROOT / "bench/gate.lua"), url, "--", str(bodies),
                           str(CONNECTIONS / rate * 1000 if rate else 0)], capture_output=True, text=True, check=True)
    result = json.loads(done.stdout.splitlines()[-1])
    if result["failed"]:
        raise SystemExit(f"{result['failed']} of {result['requests']} reviews were not answered\n{done.stdout}")
    return result


def show(what, result):
    print(f"{what:34} {result['requests'] / result['seconds']:9.0f} {result['p50_ms']:8.2f} {result['p99_ms']:8.2f} "
          f"{result['p999_ms']:9.2f} {result['max_ms']:8.2f}")


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def restart_fleet(url, bodies, pods):
    """At least so many reviews, as fast as they are answered."""
    seconds = 2
    while (result := load(url, bodies, seconds))["requests"] < pods:
        seconds = seconds * pods // result["requests"] + 2
    return result


def prepare(state, postgres, images):
    key = state / "key"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(key)], check=True)
    postgres.start()
    postgres.wait_ready()
    run("migrate", f"--postgres={postgres.conninfo()}")
    postgres.sql(FILL.format(images=images))
    built = run("gate-cache", "build", f"--cache={state}/cache", f"--cache-key={key}", f"--postgres={postgres.conninfo()}")
    print(f"cache of {images} images: {built:.1f} s to build, {os.path.getsize(state / 'cache') / 1e6:.0f} MB")
    (state / "gate.yaml").write_text("max_cache_age: 24h\nscopes:\n  - {name: all, mode: enforce}\n")
    with open(state / "bodies", "w", encoding="ascii") as out:
        out.writelines(review(number, images) + "\n" for number in range(BODIES))


def start_gate(state, postgres):
    port, process = free_port(), Process(state, "gate")
    process.start(["taskset", "-c", "0", PROGRAM, "gate-server", f"--config={state}/gate.yaml", f"--cache={state}/cache",
                   f"--cache-key={state}/key", "--cache-interval=1h", f"--log-dir={state}/log", f"--listen=127.0.0.1:{port}",
                   f"--postgres={postgres.conninfo()}", "--threads=1", "--log-level=warn"])
    process.wait_ready(lambda: http_ok(f"http://127.0.0.1:{port}/readyz"), 30, "ready")
    return process, f"http://127.0.0.1:{port}"


def status(url):
    with urllib.request.urlopen(f"{url}/v1/gate/status", timeout=10) as answer:
        return json.load(answer)


def reconcile(url, postgres, asked):
    decided = status(url)["log"]["next"] - 1
    started = time.monotonic()
    postgres.start()
    postgres.wait_ready()
    while int(postgres.sql("SELECT count(*) FROM gate_decisions")) < decided:
        if time.monotonic() > started + 180:
            raise SystemExit(f"{postgres.sql('SELECT count(*) FROM gate_decisions')} of {decided} decisions came")
        time.sleep(0.2)
    seconds = time.monotonic() - started
    count, first, last, gaps = postgres.sql("SELECT count(*), min(sequence), max(sequence), (SELECT count(*) FROM gate_gaps) "
                                            "FROM gate_decisions").split("|")
    print(f"reconciled in {seconds:.1f} s from the start of PostgreSQL: {count} decisions, sequences {first} to {last}, {gaps} gaps")
    if (int(count), int(first), int(last), int(gaps)) != (decided, 1, decided, 0) or decided < 2 * asked:
        raise SystemExit("decisions are missing")


def measure(state, seconds, images, pods):
    postgres, process = Postgres(state), None
    try:
        prepare(state, postgres, images)
        process, url = start_gate(state, postgres)
        while not status(url)["cache"]:
            time.sleep(0.1)
        postgres.kill()
        print(f"database killed; reviews of {len(review(1, images))} bytes with two images, one core")
        print(f"{'':34} {'reviews/s':>9} {'p50 ms':>8} {'p99 ms':>8} {'p99.9 ms':>9} {'max ms':>8}")
        show("floor: /healthz, the same rate", load(f"{url}/healthz", "-", seconds, RATE))
        load(f"{url}/v1/admission/bench", state / "bodies", 2, RATE)
        before = cpu_seconds(process.pid())
        steady = load(f"{url}/v1/admission/bench", state / "bodies", seconds, RATE)
        used = cpu_seconds(process.pid()) - before
        show(f"{RATE}/s offered", steady)
        restart = restart_fleet(f"{url}/v1/admission/bench", state / "bodies", pods)
        show(f"restart: {pods} pods in {pods * restart['seconds'] / restart['requests']:.1f} s", restart)
        print(f"CPU of the gate: {used * 1e6 / steady['requests']:.0f} us a review, "
              f"{100 * used / steady['seconds']:.0f} % of its core at {RATE}/s")
        reconcile(url, postgres, steady["requests"] + restart["requests"])
    finally:
        if process:
            process.stop()
        postgres.process.stop()


def main():
    seconds, images, pods = (int(sys.argv[place]) if len(sys.argv) > place else default
                             for place, default in ((1, 20), (2, 100000), (3, 50000)))
    with tempfile.TemporaryDirectory(prefix="muster-bench-", dir="/var/tmp") as state:
        os.chmod(state, 0o755)
        measure(Path(state), seconds, images, pods)


if __name__ == "__main__":
    main()
