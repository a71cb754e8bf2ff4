"""The gate: verdicts without a database, decisions without a gap, and a real kube-apiserver that asks it.

The programs of the cluster are built once, which takes about five minutes; MUSTER_KUBE_API=0 leaves its tests out.
"""

import json
import os
import shutil
import signal
import ssl
import urllib.error
import urllib.request
from base64 import b64encode
from pathlib import Path

import pytest
import yaml
from conftest import BIN, CACHE
from gate_world import EXPIRED, REPOSITORY, SCANNED, STRICT, UNSCANNED, Gate, GateWorld, openssl, pod, review
from kube_world import wait_until
from local import kube_api
from local.process import StackError


@pytest.fixture(scope="module")
def world(state_root):
    one = GateWorld(state_root / "gate", BIN)
    one.start()
    one.build()
    yield one
    one.postgres.process.stop()


@pytest.fixture
def gate(world, request):
    """Makes gates; stopped at the end."""
    made = []

    def make(name, **options):
        made.append(Gate(world, name, **options))
        return made[-1].start()
    yield make
    for one in made:
        one.process.stop()


def image(tag):
    return f"{REPOSITORY}:{tag}"


def decisions(world, gate, columns="sequence", more=""):
    found = world.sql(f"SELECT {columns} FROM gate_decisions WHERE instance LIKE '{gate.folder.name}/%' {more} ORDER BY sequence")
    return found.splitlines()


def test_a_verdict_has_its_reason_and_what_mends_it(gate):
    one = gate("reasons")
    said = one.ask(image("1.0"), image("2.0"), image("3.0"), image("4.0"), image("5.0"), f"{REPOSITORY}@{SCANNED}", "Not An Image")
    assert [verdict["reason"] for verdict in said] == [
        "policy_passed", "never_scanned", "rule_broken", "scan_expired", "unknown_image", "policy_passed", "bad_reference"]
    assert [verdict["allowed"] for verdict in said] == [True, False, False, False, False, True, False]
    assert said[2]["rule"] == "critical" and "CVE-2026-0001 (openssl)" in said[2]["message"]
    assert "muster-inventory gate" in said[1]["message"] and "push it to a registry that is watched" in said[4]["message"]
    assert said[0]["digest"] == SCANNED and said[0]["database_version"] == "sha256:db" and said[0]["scan_id"]


def test_a_pod_is_judged_with_all_its_containers(gate):
    one = gate("containers")
    for spec, allowed in (
            (pod(image("1.0")), True),
            (pod(image("1.0"), image("2.0")), False),
            (pod(image("1.0"), initContainers=[{"name": "i", "image": image("2.0")}]), False),
            (pod(image("1.0"), ephemeralContainers=[{"name": "e", "image": image("2.0")}]), False),
            (pod(image("1.0"), volumes=[{"name": "v", "image": {"reference": image("2.0")}}]), False)):
        status, answer = one.post("/v1/admission/test", review(spec))
        assert status == 200 and answer["response"]["allowed"] is allowed, answer
        assert answer["response"]["uid"] == "705ab4f5-6393-11e8-b7cc-42010a800002"
    assert "was never scanned" in answer["response"]["status"]["message"]


@pytest.mark.parametrize("kind", [("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "DaemonSet"), ("apps", "ReplicaSet"),
                                  ("batch", "Job"), ("batch", "CronJob")], ids=lambda kind: kind[1])
def test_the_template_of_a_controller_is_judged(gate, kind):
    one = gate(f"template-{kind[1].lower()}")
    for tag, allowed in (("1.0", True), ("2.0", False)):
        spec = {"spec": {"template": pod(image(tag))}}
        if kind[1] == "CronJob":
            spec = {"spec": {"jobTemplate": spec}}
        assert one.post("/v1/admission", review(spec, kind=kind))[1]["response"]["allowed"] is allowed


def test_an_update_asks_only_about_what_it_brings(gate):
    one = gate("updates")
    before = {"metadata": {}, **pod(image("4.0"))}
    answers = [one.post("/v1/admission", review(spec, operation="UPDATE", old=before))[1]["response"]["allowed"]
               for spec in (pod(image("4.0")), pod(image("4.0"), ephemeralContainers=[{"name": "e", "image": image("2.0")}]),
                            pod(image("4.0"), ephemeralContainers=[{"name": "e", "image": image("1.0")}]))]
    assert answers == [True, False, True]


def test_scopes_exempt_warn_and_enforce(gate):
    one = gate("scopes")
    said = {namespace: one.post("/v1/admission", review(pod(image("2.0")), namespace))[1]["response"]
            for namespace in ("kube-system", "trial-a", "prod")}
    assert said["kube-system"]["allowed"] and "warnings" not in said["kube-system"]
    assert said["trial-a"]["allowed"] and said["trial-a"]["warnings"][0].startswith("muster would deny: image")
    assert len(said["trial-a"]["warnings"][0].encode()) <= 256
    assert not said["prod"]["allowed"] and said["prod"]["status"]["code"] == 403


def test_an_allowance_holds_until_its_end(gate):
    rules = {**STRICT, "allow": [
        {"image": f"{REPOSITORY}:2.*", "until": "2099-01-01T00:00:00Z", "by": "alice@example.gov", "reason": "vendor image"},
        {"image": f"{REPOSITORY}:3.*", "until": "2020-01-01T00:00:00Z", "by": "bob@example.gov", "reason": "was needed"}]}
    held, ended = gate("allowances", rules=rules).ask(image("2.0"), image("3.0"))
    assert held["allowed"] and held["reason"] == "allowlisted" and "alice@example.gov" in held["rule"]
    assert not ended["allowed"] and "The allowance by bob@example.gov ended at 2020-01-01" in ended["message"]


def test_without_a_cache_each_scope_fails_its_own_way(world, gate):
    one = gate("no-cache", cache=world.state / "is-not-there")
    closed, opened = (one.ask(image("1.0"), namespace=namespace)[0] for namespace in ("prod", "open-a"))
    assert not closed["allowed"] and opened["allowed"] and closed["reason"] == opened["reason"] == "cache_away"


def test_a_gate_that_builds_its_first_cache_is_ready_when_it_has_it(world, gate):
    one = gate("first-cache", cache=world.state / "first-cache.bin",
               **{"cache-key": world.key, "postgres": world.postgres.conninfo()})
    assert one.ask(image("1.0"))[0]["reason"] == "policy_passed"


def test_a_cache_that_grew_old_is_not_trusted(gate):
    one = gate("old-cache", rules={**STRICT, "max_cache_age": "1ms"})
    said = one.ask(image("1.0"))[0]
    assert not said["allowed"] and said["reason"] == "cache_stale"


@pytest.mark.parametrize("how", ["bytes", "key"])
def test_a_cache_that_is_not_what_was_signed_is_refused(world, gate, how):
    path, key = world.state / f"forged-{how}", world.public
    shutil.copy(world.cache, path)
    if how == "bytes":
        content = bytearray(path.read_bytes())
        content[-20] ^= 1
        path.write_bytes(content)
    else:
        key = world.state / "other.key"
        openssl("genpkey", "-algorithm", "ed25519", "-out", key)
    checked = world.run("gate-cache", "verify", f"--cache={path}", f"--cache-key={key}", check=False)
    assert checked.returncode == 1 and ("damaged" in checked.stderr or "another key" in checked.stderr)
    one = gate(f"forged-{how}-gate", cache=path, **{"cache-key": key})
    wait_until("refused", lambda: "gate cache refused" in one.process.log.read_text(), 10)
    assert one.ask(image("1.0"))[0]["reason"] == "cache_away"


def test_what_is_not_understood_is_refused_and_nothing_breaks(gate):
    one = gate("hostile")
    deep = b"[" * 100 + b"]" * 100
    for body in (b"", b"{", b"null", b"[]", deep, b'{"apiVersion":"v1","kind":"Pod"}', b"\xff\xfe", b'{"a":1,"a":2}'):
        status, answer = one.post("/v1/admission", body)
        assert status in (400, 413) and answer["detail"], body
    try:
        assert one.post("/v1/admission", b" " * (4 * 1024 * 1024 + 1))[0] == 413
    except urllib.error.URLError:
        pass  # it hung up before all was sent
    assert one.post("/v1/gate", {"images": []})[0] == 400
    assert one.ask(image("1.0"))[0]["allowed"]


def test_a_token_keeps_strangers_from_asking(world, monkeypatch, gate):
    monkeypatch.setenv("MUSTER_GATE_TOKEN", "secret")
    one = gate("token")
    assert one.post("/v1/gate", {"images": [image("1.0")]})[0] == 401
    assert one.post("/v1/gate", {"images": [image("1.0")]}, {"Authorization": "Bearer secret"})[0] == 200


def test_new_rules_are_taken_while_it_runs_and_wrong_ones_are_not(gate):
    one = gate("reload")
    one.write({**STRICT, "scopes": [{"name": "all", "mode": "warn"}]})
    one.process.signal(signal.SIGHUP)
    wait_until("new rules", lambda: one.ask(image("2.0"))[0]["allowed"], 10)
    one.write({"scopes": [{"name": "all", "mode": "perhaps"}]})
    one.process.signal(signal.SIGHUP)
    wait_until("refused", lambda: "configuration refused" in one.process.log.read_text(), 10)
    assert one.ask(image("2.0"))[0]["scope"] == "all"


def certificate(world, name):
    """(certificate, key) of 127.0.0.1, signed by itself."""
    crt, key = world.state / f"{name}.crt", world.state / f"{name}.key"
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", crt, "-days", 2, "-subj", f"/CN={name}",
            "-addext", "subjectAltName=IP:127.0.0.1")
    return crt, key


def get_with_trust(gate, crt, path="/readyz"):
    """Whether the gate shows a certificate that is vouched for."""
    try:
        with urllib.request.urlopen(f"https://127.0.0.1:{gate.port}{path}", timeout=10, context=ssl.create_default_context(cafile=crt)) as answer:
            return answer.status == 200
    except urllib.error.URLError as error:
        assert isinstance(error.reason, ssl.SSLCertVerificationError), error
        return False


def test_a_renewed_certificate_is_taken_while_it_runs_and_a_wrong_one_is_not(world, gate):
    (first, first_key), (second, second_key) = certificate(world, "first"), certificate(world, "second")
    live = world.state / "live.crt", world.state / "live.key"
    shutil.copy(first, live[0])
    shutil.copy(first_key, live[1])
    one = gate("certificate", tls=live)
    assert get_with_trust(one, first) and not get_with_trust(one, second)
    shutil.copy(second, live[0])
    one.process.signal(signal.SIGHUP)
    wait_until("refused", lambda: "certificate refused" in one.process.log.read_text(), 10)
    assert get_with_trust(one, first)
    shutil.copy(second_key, live[1])
    one.process.signal(signal.SIGHUP)
    wait_until("renewed", lambda: get_with_trust(one, second), 10)
    assert not get_with_trust(one, first)


# ---- decisions ----


def test_decisions_come_into_the_database_without_a_gap_when_it_is_back(world, gate):
    one = gate("outage", **{"cache-key": world.key, "postgres": world.postgres.conninfo(), "ship-interval": "50ms",
                            "cache-interval": "200ms"})
    one.ask(image("1.0"))
    wait_until("shipped", lambda: len(decisions(world, one)) == 1)
    world.postgres.kill()
    assert [one.ask(image("1.0"), image("2.0"))[0]["allowed"] for _ in range(50)] == [True] * 50
    one.process.kill()  # and what was answered is on the disk
    one.start()
    assert one.ask(image("1.0"))[0]["allowed"]
    assert one.post("/v1/admission", review(pod(image("2.0"))))[1]["response"]["auditAnnotations"]["decisions"].endswith("/103-103")
    world.postgres.start()
    world.postgres.wait_ready()
    wait_until("shipped", lambda: len(decisions(world, one)) == 103)
    assert decisions(world, one) == [str(number) for number in range(1, 104)]
    assert world.sql("SELECT count(*) FROM gate_gaps") == "0"
    last = decisions(world, one, "source, cluster, namespace, kind, object, asked_by, image, allowed, reason, verdict, policy IS NULL, "
                     "cache_generation > 0", "AND sequence = 103")[0]
    assert last == f"admission|test|default|Pod|web|alice|{image('2.0')}|f|never_scanned|waiting|f|t"


def test_an_unscanned_image_that_was_asked_for_is_scanned_first(world, gate):
    one = gate("urgent", **{"postgres": world.postgres.conninfo(), "ship-interval": "50ms"})
    one.ask(image("2.0"), f"{REPOSITORY}@{EXPIRED}", f"elsewhere.example/x@{UNSCANNED}")
    wait_until("jobs", lambda: world.sql("SELECT count(*) FROM scan_jobs WHERE priority = 1 AND reason = 'gate'") == "2", 20)
    assert world.sql("SELECT count(*) FROM scan_jobs WHERE repository LIKE 'elsewhere%'") == "0"


def test_a_record_that_is_taken_out_of_the_log_is_a_finding(world, gate):
    one = gate("tampered", rules=STRICT)
    for _ in range(5):
        one.ask(image("1.0"))
    wait_until("synced", lambda: one.status()["log"]["synced"] == 5)
    one.process.stop()
    segment = max((one.folder / "log").glob("decisions-*.log"))
    content = segment.read_bytes()
    frames = [content.index(b"MUGD", place) for place in [0]] + [i for i in range(33, len(content)) if content[i:i + 4] == b"MUGD"]
    segment.write_bytes(content[:frames[2]] + content[frames[3]:])
    one.options["postgres"] = world.postgres.conninfo()
    one.start()
    wait_until("told", lambda: world.sql("SELECT count(*) FROM gate_gaps WHERE instance LIKE 'tampered/%'") == "1", 20)
    told = world.sql("SELECT code, message FROM detection_failures WHERE source LIKE 'gate/tampered/%'")
    assert told.startswith("gate_decisions_missing|decisions 3 to 3")


def test_a_log_without_room_is_answered_as_what_cannot_be_known(world, gate):
    one = gate("full", **{"log-max": "1048576"})
    said = {}
    while said.get("reason") != "log_full":
        said = one.ask(*[image("1.0")] * 100)[-1]
    assert not said["allowed"] and "cannot write its decisions down" in said["message"]
    assert one.ask(image("1.0"), namespace="open-a")[0]["allowed"]


def test_what_a_full_log_lost_is_told_once_it_has_room_again(world, gate):
    one = gate("lost", **{"log-max": "1048576", "postgres": world.postgres.conninfo(), "ship-interval": "50ms"})
    asked = 0

    def ask(count):
        nonlocal asked
        asked += count
        assert all(said["allowed"] for said in one.ask(*[image("1.0")] * count, namespace="open-a"))
        return one.status()["log"]["lost"]

    world.postgres.kill()
    while ask(100) < 1000:
        pass
    world.postgres.start()
    world.postgres.wait_ready()
    wait_until("there is room", lambda: ask(1) == 0, 30)
    shipped = "SELECT count(*) + sum(lost_before) FROM gate_decisions WHERE instance LIKE 'lost/%'"
    wait_until("shipped", lambda: world.sql(shipped) == str(asked), 30)
    told = world.sql("SELECT code, message FROM detection_failures WHERE source LIKE 'gate/lost/%'")
    assert told.startswith("gate_decisions_missing|the gate could not write down ")
    assert world.sql("SELECT count(*) FROM gate_gaps WHERE instance LIKE 'lost/%'") == "0"


# ---- deploy/kubernetes ----

KUBERNETES = Path(__file__).resolve().parents[2] / "deploy/kubernetes"
GATE = {found["kind"]: found for found in yaml.safe_load_all((KUBERNETES / "gate.yaml").read_text())}


def test_the_command_of_the_manifest_starts_a_gate_by_its_configuration(world, gate):
    """But for what a test has elsewhere: files, addresses, the database."""
    container = GATE["StatefulSet"]["spec"]["template"]["spec"]["containers"][0]
    command, *arguments = container["args"]
    options = dict(argument.removeprefix("--").split("=", 1) for argument in arguments)
    mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
    assert command == "gate-server"
    for name in ("config", "cache", "cache-key", "log-dir", "tls-cert", "tls-key"):
        value = options.pop(name)
        assert any(value.startswith(f"{path}/") for path in mounts), value
    assert options.pop("postgres").startswith("host=") and options.pop("listen") == ":8443" and options.pop("name") == "$(POD)"
    tls = certificate(world, "manifest")
    one = gate("manifest", rules=yaml.safe_load(GATE["ConfigMap"]["data"]["gate.yaml"]), tls=tls, **options)
    for probe in ("readinessProbe", "livenessProbe"):
        assert get_with_trust(one, tls[0], container[probe]["httpGet"]["path"])


# ---- a real cluster ----


@pytest.fixture(scope="module")
def cluster(state_root):
    if os.environ.get("MUSTER_KUBE_API") == "0" and not kube_api.is_built(CACHE):
        pytest.skip("SKIPPED: MUSTER_KUBE_API=0 and kube-apiserver is not built")
    try:
        kube_api.build(CACHE)
    except StackError as error:
        pytest.skip(f"SKIPPED: no kube-apiserver: {error}")
    kube = kube_api.KubeApi(state_root / "gate-kube", CACHE)
    kube.start()
    yield kube
    kube.stop()


PATHS = {"Namespace": "/api/v1/namespaces", "ConfigMap": "/api/v1/namespaces/muster/configmaps", "Service": "/api/v1/namespaces/muster/services",
         "PodDisruptionBudget": "/apis/policy/v1/namespaces/muster/poddisruptionbudgets",
         "StatefulSet": "/apis/apps/v1/namespaces/muster/statefulsets"}
WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"


def webhook(cluster):
    """The configuration as it is applied."""
    bundle = b64encode((cluster.folder / "ca.crt").read_bytes()).decode()
    return yaml.safe_load((KUBERNETES / "gate-webhook.yaml").read_text().replace("CABUNDLE", bundle))


def test_a_cluster_takes_the_manifests_as_they_are(cluster):
    assert list(GATE) == list(PATHS)
    for kind, path in PATHS.items():
        cluster.admin("POST", f"{path}?fieldValidation=Strict", GATE[kind])
    template = GATE["StatefulSet"]["spec"]["template"]
    cluster.admin("POST", "/api/v1/namespaces/muster/pods?fieldValidation=Strict&dryRun=All", {
        "metadata": {"name": "one", **template["metadata"]},
        "spec": {**template["spec"], "volumes": template["spec"]["volumes"] + [{"name": "state", "emptyDir": {}}]}})
    cluster.admin("POST", f"{WEBHOOKS}?fieldValidation=Strict&dryRun=All", webhook(cluster))


@pytest.fixture
def guarded(cluster, world, gate):
    """guarded(failure_policy): a gate that the cluster asks, and a namespace it asks for."""
    made = []

    def make(name, failure_policy, **options):
        if not (cluster.folder / "gate.crt").exists():
            cluster._certificate("gate", "/CN=gate", ["subjectAltName=IP:127.0.0.1"])
        one = gate(name, tls=(cluster.folder / "gate.crt", cluster.folder / "gate.key"), **options)
        cluster.admin("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        configuration = webhook(cluster)
        (hook,) = configuration["webhooks"]
        configuration["metadata"]["name"] = name
        hook["failurePolicy"] = failure_policy
        hook["namespaceSelector"]["matchLabels"] = {"kubernetes.io/metadata.name": name}
        hook["clientConfig"]["url"] = f"https://127.0.0.1:{one.port}{hook['clientConfig'].pop('service')['path']}"
        cluster.admin("POST", WEBHOOKS, configuration)
        made.append(name)
        wait_until("asked", lambda: refusal(cluster, name, "probe", "2.0"), 30)
        return one
    yield make
    for name in made:
        cluster.admin("DELETE", f"{WEBHOOKS}/{name}")


def run(cluster, namespace, name, tag):
    return cluster.admin("POST", f"/api/v1/namespaces/{namespace}/pods",
                         {"metadata": {"name": name}, "spec": {"containers": [{"name": "web", "image": image(tag)}]}})


def refusal(cluster, namespace, name, tag):
    """What the cluster says when it refuses the pod; "" when it takes it."""
    try:
        run(cluster, namespace, name, tag)
    except StackError as error:
        return str(error)
    cluster.admin("DELETE", f"/api/v1/namespaces/{namespace}/pods/{name}?gracePeriodSeconds=0")
    return ""


def test_a_cluster_refuses_what_was_never_scanned_and_takes_what_was(cluster, guarded):
    guarded("real", "Fail")
    said = refusal(cluster, "real", "bad", "2.0")
    assert " 403 " in said and "gate.muster.example" in said and "was never scanned" in said
    assert refusal(cluster, "real", "good", "1.0") == ""


def test_a_cluster_refuses_an_ephemeral_container_and_takes_a_label(cluster, guarded):
    guarded("ephemeral", "Fail")
    run(cluster, "ephemeral", "web", "1.0")
    path = "/api/v1/namespaces/ephemeral/pods/web"
    patch = {"spec": {"ephemeralContainers": [{"name": "debug", "image": image("2.0")}]}}
    with pytest.raises(StackError, match="was never scanned"):
        cluster.admin("PATCH", f"{path}/ephemeralcontainers", patch, content_type="application/strategic-merge-patch+json")
    patch["spec"]["ephemeralContainers"][0]["image"] = image("1.0")
    cluster.admin("PATCH", f"{path}/ephemeralcontainers", patch, content_type="application/strategic-merge-patch+json")
    cluster.admin("PATCH", path, {"metadata": {"labels": {"a": "b"}}}, content_type="application/merge-patch+json")


def test_a_cluster_refuses_a_deployment_with_an_unscanned_image(cluster, guarded):
    guarded("deployments", "Fail")
    path = "/apis/apps/v1/namespaces/deployments/deployments"
    body = {"metadata": {"name": "web"}, "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": {
        "metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": image("2.0")}]}}}}
    with pytest.raises(StackError, match="was never scanned"):
        cluster.admin("POST", path, body)
    body["spec"]["template"]["spec"]["containers"][0]["image"] = image("1.0")
    cluster.admin("POST", path, body)


def test_when_the_gate_is_gone_the_failure_policy_decides(cluster, guarded):
    for policy, taken in (("Fail", False), ("Ignore", True)):
        name = f"gone-{policy.lower()}"
        guarded(name, policy).process.kill()
        assert (refusal(cluster, name, "good", "1.0") == "") is taken


def test_a_dry_run_of_a_cluster_leaves_no_decision(world, cluster, guarded):
    one = guarded("dryrun", "Fail", postgres=world.postgres.conninfo(), **{"ship-interval": "50ms"})
    wait_until("shipped", lambda: decisions(world, one))
    before = len(decisions(world, one))
    body = {"metadata": {"name": "dry"}, "spec": {"containers": [{"name": "web", "image": image("1.0")}]}}
    cluster.admin("POST", "/api/v1/namespaces/dryrun/pods?dryRun=All", body)
    run(cluster, "dryrun", "wet", "1.0")
    wait_until("shipped", lambda: len(decisions(world, one)) > before)
    assert len(decisions(world, one)) == before + 1
    assert json.loads(json.dumps(decisions(world, one, "object", f"AND sequence = {before + 1}"))) == ["wet"]
