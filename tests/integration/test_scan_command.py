"""`muster-scanner scan`: the same image from a real registry, by every way in, and from disk in every form."""

import json
import os
import re
import socket
import subprocess
import threading
import types

import pytest
from conftest import BIN, ROOT
from layouts import OCI, Layout
from local.process import tcp_ok
from local.registry import Registry
from pushes import Pusher
from test_listing import BCRYPT_OF_RIGHT

HOST = "registry.example"
LOGIN = "reader:right"


def skopeo(*command):
    done = subprocess.run(["skopeo", "--insecure-policy", "copy", "-q", *map(str, command)], capture_output=True, text=True, check=False,
                          timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def world(state_root):
    """A database, an image in a layout, and a registry with TLS and passwords that has the image too."""
    state = state_root / "scan-command"
    state.mkdir()
    database = state / "v.db"
    built = subprocess.run([str(BIN / "muster-scanner"), "db", "build", f"--out={database}", *map(str, (ROOT / "tests/data/osv").glob("*.json"))],
                           capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    layout = Layout(state / "layout", large=3_000_000)
    amd64, arm64 = layout.image("amd64"), layout.image("arm64")
    layout.tag("one", amd64)
    flat = layout.index(amd64, arm64)
    layout.tag("flat", flat)
    registry, cert, key, users = Registry(state), state / "cert.pem", state / "key.pem", state / "htpasswd"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert], check=True, capture_output=True)
    users.write_text(f"reader:{BCRYPT_OF_RIGHT}\n")
    registry.start(htpasswd=users, tls=(cert, key))
    registry.process.wait_ready(lambda: tcp_ok(registry.port), 30, "listening")
    for tag in ("one", "flat"):
        skopeo("--multi-arch", "all", "--dest-creds", LOGIN, "--dest-tls-verify=false", f"oci:{layout.folder}:{tag}",
               f"docker://{registry.address}/team/app:{tag}")
    nested = json.dumps({"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": [flat]}).encode()
    Pusher(f"https://{registry.address}", LOGIN, cert).request("PUT", "/v2/team/app/manifests/all", nested, f"{OCI}.index.v1+json").close()
    yield types.SimpleNamespace(state=state, database=database, layout=layout, registry=registry, cert=cert, amd64=amd64, arm64=arm64)
    registry.process.stop()


def scan(world, image, *options, registries=None, environment=None):
    """(exit code, raw result or None, what was said)"""
    command = [str(BIN / "muster-scanner"), "scan", f"--database={world.database}", "--format=json", "--docker-config=none", *options, str(image)]
    if registries is not None:
        book = world.state / "book.json"
        book.write_text(json.dumps({"registries": registries}))
        command.insert(2, f"--registries={book}")
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env={**os.environ, **(environment or {})})
    return done.returncode, json.loads(done.stdout) if done.stdout.startswith("{") else None, done.stderr


def entry(world, **more):
    return {"host": HOST, "url": f"https://{world.registry.address}", "ca_file": str(world.cert), **more}


def found(raw):
    return [(package["name"], package["version"]) for package in raw["packages"]], [finding["id"] for finding in raw["findings"]]


LIBSSL3 = ([("libssl3", "3.0.11-1~deb12u1")], ["CVE-2023-5363"])


def docker_config(world, **content):
    path = world.state / "config.json"
    path.write_text(json.dumps(content))
    return {"from": "docker-config", "file": str(path)}


def test_a_password_of_dockers_configuration_lets_us_in(world):
    login = docker_config(world, auths={HOST: {"auth": "cmVhZGVyOnJpZ2h0"}})
    code, raw, said = scan(world, f"{HOST}/team/app:one", registries=[entry(world, credentials=login)])
    assert code == 0, said
    assert found(raw) == LIBSSL3 and raw["image"]["manifest_digest"] == world.amd64["digest"]
    assert raw["authentication"] == {"method": "basic", "authorized": True}


def test_a_credential_helper_lets_us_in(world):
    helper = world.state / "docker-credential-vault"
    helper.write_text("#!/bin/sh\n[ \"$(cat)\" = registry.example ] || exit 1\necho '{\"Username\":\"reader\",\"Secret\":\"right\"}'\n")
    helper.chmod(0o755)
    code, raw, said = scan(world, f"{HOST}/team/app:one", registries=[entry(world, credentials={"from": "helper", "helper": "vault"})],
                           environment={"PATH": f"{world.state}:{os.environ['PATH']}"})
    assert code == 0, said
    assert found(raw) == LIBSSL3


def test_a_wrong_password_is_told_without_being_repeated(world):
    login = docker_config(world, auths={HOST: {"username": "reader", "password": "wr0ng"}})
    code, raw, said = scan(world, f"{HOST}/team/app:one", registries=[entry(world, credentials=login)])
    assert code == 3 and raw is None
    assert "refuses the password of 'reader'" in said and "wr0ng" not in said


def test_a_certificate_of_nobody_we_trust_is_refused(world):
    code, _, said = scan(world, f"{HOST}/team/app:one", registries=[{"host": HOST, "url": f"https://{world.registry.address}"}])
    assert code == 3 and "certificate" in said


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_a_platform_is_found_in_an_index_of_indexes(world, architecture):
    login = docker_config(world, auths={HOST: {"auth": "cmVhZGVyOnJpZ2h0"}})
    code, raw, said = scan(world, f"{HOST}/team/app:all", f"--platform=linux/{architecture}", registries=[entry(world, credentials=login)])
    assert code == 0, said
    assert raw["image"]["manifest_digest"] == getattr(world, architecture)["digest"]


@pytest.mark.parametrize("form", ["docker-archive", "oci-archive", "oci", "layout"])
def test_every_form_on_disk_has_the_same_packages(world, form):
    path = world.layout.folder if form == "layout" else world.state / f"image-{form}{'' if form == 'oci' else '.tar'}"
    if form != "layout":
        skopeo(f"oci:{world.layout.folder}:one", f"{form}:{path}:team/app:1.0")
    code, raw, said = scan(world, path, *(["--image=one"] if form == "layout" else []))
    assert code == 0, said
    assert found(raw) == LIBSSL3 and raw["authentication"]["method"] == "local"
    assert all(layer["scanned"] for layer in raw["image"]["layers"])


def test_a_cut_archive_is_named_as_such(world):
    whole, cut = world.state / "whole.tar", world.state / "cut.tar"
    skopeo(f"oci:{world.layout.folder}:one", f"docker-archive:{whole}:team/app:1.0")
    cut.write_bytes(whole.read_bytes()[:1_000_000])
    code, _, said = scan(world, cut)
    assert code == 2 and "it was cut off" in said


# ---- a registry without TLS behind something that cuts ----

class Cutter:
    """Hands on to `port`, but ends a connection after so many bytes of an answer, as often as `times` says."""

    def __init__(self, port, after, times):
        self.upstream, self.after, self.times, self.ranges = port, after, times, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connection, args=(client,), daemon=True).start()

    def _connection(self, client):
        with client, socket.create_connection(("127.0.0.1", self.upstream)) as server:
            threading.Thread(target=self._requests, args=(client, server), daemon=True).start()
            passed = 0
            while data := server.recv(65536):
                if self.times > 0 and passed + len(data) > self.after:
                    client.sendall(data[:max(self.after - passed, 0)])
                    self.times -= 1
                    client.shutdown(socket.SHUT_RDWR)
                    return
                passed += len(data)
                client.sendall(data)

    def _requests(self, client, server):
        try:
            while data := client.recv(65536):
                self.ranges += re.findall(rb"Range: bytes=(\d+)-", data)
                server.sendall(data)
        except OSError:
            pass


@pytest.fixture(scope="module")
def plain(world):
    registry = Registry(world.state, "plain")
    registry.start()
    registry.wait_ready()
    skopeo("--dest-tls-verify=false", f"oci:{world.layout.folder}:one", f"docker://{registry.address}/team/app:one")
    yield registry
    registry.process.stop()


def test_a_layer_that_is_cut_off_is_continued(world, plain):
    cutter = Cutter(plain.port, after=1_000_000, times=2)
    code, raw, said = scan(world, f"{HOST}/team/app:one", registries=[{"host": HOST, "url": f"http://127.0.0.1:{cutter.port}"}])
    cutter.listener.close()
    assert code == 0, said
    assert found(raw) == LIBSSL3
    assert len(cutter.ranges) == 2 and 0 < int(cutter.ranges[0]) < int(cutter.ranges[1])


def test_a_mirror_that_ends_in_the_middle_is_taken_over(world, plain):
    cutter = Cutter(plain.port, after=1_000_000, times=99)
    code, raw, said = scan(world, f"{HOST}/team/app:one", registries=[
        {"host": HOST, "url": f"http://{plain.address}", "mirrors": [f"http://127.0.0.1:{cutter.port}"]}])
    cutter.listener.close()
    assert code == 0, said
    assert found(raw) == LIBSSL3


def test_what_refers_to_the_image_is_in_the_raw_result(world, plain):
    pusher = Pusher(f"http://{plain.address}")
    sbom = pusher.push("team/app", "sbom", "an SBOM, for all that is known")
    listing = json.dumps({"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": [
        {"mediaType": f"{OCI}.manifest.v1+json", "digest": sbom, "size": 300, "artifactType": "application/vnd.cyclonedx+json"}]}).encode()
    subject = world.amd64["digest"].replace(":", "-")
    pusher.request("PUT", f"/v2/team/app/manifests/{subject}", listing, f"{OCI}.index.v1+json").close()
    signature = pusher.push("team/app", f"{subject}.sig", "a signature, for all that is known")
    code, raw, said = scan(world, f"{HOST}/team/app:one", registries=[{"host": HOST, "url": f"http://{plain.address}"}])
    assert code == 0, said
    assert raw["referrers"] == [
        {"digest": sbom, "artifact_type": "application/vnd.cyclonedx+json", "kind": "sbom", "found_by": "tag"},
        {"digest": signature, "artifact_type": "application/vnd.dev.cosign.artifact.sig.v1+json", "kind": "signature", "found_by": "cosign"}]


def test_the_help_names_what_can_be_scanned(world):
    done = subprocess.run([str(BIN / "muster-scanner"), "help", "scan"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "--platform" in done.stdout and "PATH" in done.stdout
