"""What a platform engineer sees of `auth` before anything is wired: check-config, explain of a recorded request, refusals at the start."""

import hashlib
import hmac
import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INGEST = Path(os.environ.get("MUSTER_BIN", ROOT / "build/release/bin")).resolve() / "muster-ingest"
DIGEST = "sha256:" + "a" * 64
PUSH = json.dumps({"action": "published", "package": {
    "name": "app", "namespace": "team", "ecosystem": "CONTAINER", "package_type": "CONTAINER",
    "package_version": {"version": DIGEST, "container_metadata": {"tag": {"name": "v1", "digest": DIGEST}}}}})
SOURCES = """
sources:
  - name: packages
    kind: github
    path: /hooks/packages
    auth: {hmac_env: NEW_SECRET, previous_hmac_env: OLD_SECRET}
  - name: hub
    kind: dockerhub
    auth: {url_env: NEW_SECRET}
  - name: anybody
    kind: quay
  - name: reviews
    kind: kubernetes-admission
    auth: {mtls: {subject: "CN=apiserver,*"}}
"""


@pytest.fixture(name="config")
def _config(tmp_path):
    path = tmp_path / "sources.yaml"
    path.write_text(SOURCES)
    return path


def ingest(*arguments):
    environment = {**os.environ, "NEW_SECRET": "new & better", "OLD_SECRET": "old-secret"}
    return subprocess.run([INGEST, *map(str, arguments)], capture_output=True, text=True, timeout=60, env=environment, check=False)


def recorded(folder, target, headers=(), body=PUSH):
    path = folder / "recorded.http"
    path.write_text("\r\n".join([f"POST {target} HTTP/1.1", "Content-Type: application/json", *headers, "", body]))
    return path


def signature(secret):
    return "X-Hub-Signature-256: sha256=" + hmac.new(secret.encode(), PUSH.encode(), hashlib.sha256).hexdigest()


def test_check_config_shows_the_ways_and_warns_of_open_doors(config):
    done = ingest("check-config", "--config", config)
    assert done.returncode == 0
    rows = {line.split()[0]: line.split()[3] for line in done.stdout.splitlines()[1:]}
    assert rows == {"packages": "hmac-sha256", "hub": "url", "anybody": "none", "reviews": "mtls"}
    assert "warning: source 'anybody' has no 'auth'" in done.stderr
    assert done.stderr.count("warning") == 1
    assert "better" not in done.stdout + done.stderr


@pytest.mark.parametrize("secret", ["new & better", "old-secret"])
def test_explain_lets_in_what_is_signed_with_either_secret(config, tmp_path, secret):
    done = ingest("explain", "--config", config, recorded(tmp_path, "/hooks/packages", [signature(secret)]))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["class"] == "image.push"


@pytest.mark.parametrize("headers, why", [([signature("other")], "signature is wrong"), ([], "signature is missing"),
                                          (["X-Hub-Signature-256: sha1=00"], "of another kind")])
def test_explain_rejects_a_wrong_signature_with_the_reason(config, tmp_path, headers, why):
    done = ingest("explain", "--config", config, recorded(tmp_path, "/hooks/packages", headers))
    line = json.loads(done.stdout)
    assert done.returncode == 1
    assert (line["class"], line["outcome"], line["messages"]) == ("reject", "denied", [])
    assert why in line["why"]


@pytest.mark.parametrize("query, code", [("?secret=new%20%26%20better", 0), ("?a=b&secret=new+%26+better", 0), ("?secret=new", 1),
                                         ("?Secret=new%20%26%20better", 1), ("", 1)])
def test_explain_reads_the_secret_of_a_url(config, tmp_path, query, code):
    body = json.dumps({"push_data": {"tag": "v1", "pushed_at": 1795564800}, "repository": {"repo_name": "team/app"}})
    done = ingest("explain", "--config", config, recorded(tmp_path, "/v1/sources/hub" + query, body=body))
    assert done.returncode == code, done.stdout + done.stderr


def test_explain_says_what_a_recording_cannot_hold(config, tmp_path):
    body = tmp_path / "body.json"
    body.write_text(PUSH)
    for arguments in (("--source", "packages", body), ("--source", "reviews", recorded(tmp_path, "/v1/sources/reviews"))):
        done = ingest("explain", "--config", config, *arguments)
        assert "not checked" in done.stderr
        assert '"denied"' not in done.stdout


@pytest.mark.parametrize("options, says", [
    ((), "source 'reviews' asks for client certificates"),
    (("--tls-cert-file=/c",), "belong together"),
    (("--tls-client-ca-file=/c",), "needs --tls-cert-file")])
def test_a_start_without_what_tls_needs_is_refused(config, tmp_path, options, says):
    done = ingest("run", "--config", config, "--kafka-brokers=127.0.0.1:1", "--spool-dir", tmp_path / "spool", *options)
    assert done.returncode == 2
    assert says in done.stderr
