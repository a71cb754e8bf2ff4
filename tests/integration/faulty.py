"""Hands for the fault tests: webhooks of every kind, images with a flaw, what the services say of it."""

import hashlib
import http.client
import io
import json
import socket
import subprocess
import tarfile
import urllib.error
import urllib.request
from pathlib import Path

from event_stream import ENVELOPE, MANIFEST, digest_of, uuid_of
from local import demo
from local.services import REGISTRY_NAME

OCI = "application/vnd.oci.image"


def notification(name, path, digest, tag, media_type=MANIFEST, action="push"):
    return {"id": uuid_of(name), "timestamp": "2024-10-05T12:00:00Z", "action": action, "request": {"host": REGISTRY_NAME},
            "target": {"repository": path, "digest": digest, "mediaType": media_type, "size": 500, "tag": tag}}


def post(stack, body, source="registry", content_type=ENVELOPE, bearer=None):
    """(status, text) of a webhook; a status of 0: no answer."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    connection = http.client.HTTPConnection("127.0.0.1", stack.services.ports["ingest"], timeout=60)
    try:
        connection.request("POST", f"/v1/sources/{source}", body, {
            "Content-Type": content_type, "Authorization": f"Bearer {bearer or stack.services.bearer}"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    except OSError as error:
        return 0, str(error)
    finally:
        connection.close()


def push_event(stack, name, path, digest, tag, media_type=MANIFEST):
    status, text = post(stack, {"events": [notification(name, path, digest, tag, media_type)]})
    assert status == 202, text


def push_events(stack, prefix, count):
    """Numbered pushes of one repository; their ids in order."""
    names = [f"{prefix}-{number}" for number in range(count)]
    for name in names:
        push_event(stack, name, f"faults/{prefix}", digest_of(name), "1.0")
    return [uuid_of(name) for name in names]


def post_raw(stack, headers, pieces):
    """A request by hand, as far as the server listens; the status it was given."""
    with socket.create_connection(("127.0.0.1", stack.services.ports["ingest"]), timeout=60) as s:
        lines = ["POST /v1/sources/registry HTTP/1.1", "Host: x", f"Authorization: Bearer {stack.services.bearer}", *headers, "", ""]
        try:
            s.sendall("\r\n".join(lines).encode())
            for piece in pieces:
                s.sendall(piece)
        except OSError:
            pass  # it has heard enough
        try:
            return int(s.makefile("rb").readline().split()[1])
        except (OSError, IndexError):
            return 0


def get(stack, service, path):
    try:
        with urllib.request.urlopen(f"{stack.services.url(service)}{path}", timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def put_evidence(stack, name, body, token=None):
    connection = http.client.HTTPConnection("127.0.0.1", stack.services.ports["inventory"], timeout=60)
    connection.request("PUT", f"/v1/evidence/{name}", body, {"Authorization": f"Bearer {token or stack.services.evidence_token}"})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def peak_mib(stack, service):
    """Most memory the process ever held (VmHWM)."""
    status = Path(f"/proc/{stack.services.process[service].pid()}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


def logged(stack, service, *words):
    """True when a line of the service's log has all the words."""
    text = stack.services.process[service].log.read_text(errors="replace")
    return any(all(word in line for word in words) for line in text.splitlines()) or f"no line with {words}"


def explain(stack, subject):
    done = subprocess.run([stack.services.program("inventory"), "explain", f"--postgres={stack.postgres.conninfo()}", "--format=json", subject],
                          capture_output=True, text=True, check=False, timeout=60)
    return json.loads(done.stdout) if done.returncode == 0 else {}


def applied(stack, name):
    """True when the event of this sender's id is in the ledger, applied."""
    rows = stack.postgres.sql("SELECT count(*) FROM tag_observations o JOIN ledger l USING (event_id) WHERE l.state = 'applied' "
                              f"AND o.digest = '{digest_of(name)}'")
    return rows == "1" or f"{name}: {rows} rows"


def job(stack, digest):
    """The scan job of a digest: {state, attempts, code, message}; None when there is none."""
    row = stack.postgres.sql(f"SELECT to_jsonb(j) FROM scan_jobs j WHERE digest = '{digest}'")
    return json.loads(row.splitlines()[0]) if row else None


def job_state(stack, digest, *wanted):
    found = job(stack, digest)
    return (found is not None and found["state"] in wanted) or str(found)


def run_pod(stack, number, image, digest):
    """A pod that runs image@digest, told by the cluster's watch."""
    pod = demo.pod(number, f"fault-{number}", image, f"{image.rsplit(':', 1)[0]}@{digest}")
    body = json.dumps({"type": "ADDED", "object": pod}).encode() + b"\n"
    urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{stack.kube_port}/replay", body, method="POST"), timeout=10).close()
    return f"fault-{number}"


# ---- images with a flaw ----

def tar_of(*members):
    """Tar of (name, type, link, data)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, kind, link, data in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, link, len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def put(stack, path, name, data, media_type):
    """One blob or manifest into the registry, by its HTTP API; nothing is checked on the way."""
    base = f"http://{stack.registry.address}/v2/{path}"
    if name == "blob":
        started = urllib.request.urlopen(urllib.request.Request(f"{base}/blobs/uploads/", b"", method="POST"), timeout=20)
        where = started.headers["Location"]
        url = f"{where}{'&' if '?' in where else '?'}digest=sha256:{hashlib.sha256(data).hexdigest()}"
        media_type = "application/octet-stream"
    else:
        url = f"{base}/manifests/{name}"
    urllib.request.urlopen(urllib.request.Request(url, data, {"Content-Type": media_type}, method="PUT"), timeout=60).close()
    return "sha256:" + hashlib.sha256(data).hexdigest()


def put_image(stack, path, tag, layers, layer_type=f"{OCI}.layer.v1.tar", config_type=f"{OCI}.config.v1+json", sizes=None, unpacked=None):
    """An image of these layer bytes; (manifest digest, layer digests). `sizes` are the claimed ones, `unpacked` what diff_ids are made of."""
    digests = [put(stack, path, "blob", data, "") for data in layers]
    diff_ids = ["sha256:" + hashlib.sha256(data).hexdigest() for data in unpacked or layers]
    config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": diff_ids}, "name": path}).encode()
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": {"mediaType": config_type, "digest": put(stack, path, "blob", config, ""), "size": len(config)},
        "layers": [{"mediaType": layer_type, "digest": digest, "size": size}
                   for digest, size in zip(digests, sizes or [len(data) for data in layers])]}).encode()
    return put(stack, path, tag, manifest, MANIFEST), digests
