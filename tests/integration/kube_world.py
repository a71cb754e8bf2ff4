"""A real cluster API, a Kafka, and ingests that watch the one and fill the other."""

import http.client
import json
import re
import ssl
import subprocess
import threading
import time
import urllib.request
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from local.kafka import Kafka
from local.kube_api import KubeApi
from local.process import Process, StackError, free_port, http_ok

TOPIC = "muster.workload-events"
DIGEST = "sha256:" + "ab" * 32


def wait_until(what, check, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while not (seen := check()):
        assert time.monotonic() < deadline, f"not {what} after {timeout_s} s: {seen}"
        time.sleep(0.1)
    return seen


class World:
    def __init__(self, state, cache, binaries):
        self.state, self.program = state, str(binaries / "muster-ingest")
        self.kafka, self.kube = Kafka(state, cache), KubeApi(state, cache)

    def start(self):
        self.kafka.start()
        self.kube.start()
        self.kafka.wait_ready()

    def events(self, cluster):
        """Everything told of a cluster so far, as (ce_id, message)."""
        done = subprocess.run(["kcat", "-b", self.kafka.brokers, "-C", "-t", TOPIC, "-o", "beginning", "-e", "-q", "-f", "%h\t%s\n"],
                              capture_output=True, text=True, check=False, timeout=60)
        rows = [line.split("\t", 1) for line in done.stdout.splitlines() if "\t" in line]
        told = [(re.search(r"ce_id=([^,]+)", headers)[1], json.loads(value)) for headers, value in rows]
        return [(event_id, event) for event_id, event in told if event["cluster"] == cluster]

    def living(self, cluster):
        """{pod: last event} of those not told removed."""
        last, removed = {}, set()
        for _, event in self.events(cluster):
            if event["action"] == "removed":
                removed.add(event["pod_uid"])
            elif event["sequence"] >= last.get(event["pod_uid"], event)["sequence"]:
                last[event["pod_uid"]] = event
        return {event["pod"]: event for uid, event in last.items() if uid not in removed}

    # ---- objects ----

    def namespace(self, name):
        self.kube.admin("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        return name

    def node(self, name, architecture):
        self.kube.admin("POST", "/api/v1/nodes", {"metadata": {"name": name}})
        self.kube.patch_status(f"/api/v1/nodes/{name}", {"nodeInfo": {
            "operatingSystem": "linux", "architecture": architecture, "machineID": "", "systemUUID": "", "bootID": "",
            "kernelVersion": "", "osImage": "", "containerRuntimeVersion": "", "kubeletVersion": "", "kubeProxyVersion": ""}})

    def run_pod(self, namespace, name, owner=None, node=None, connection=None):
        """A pod that runs, as its kubelet would tell it."""
        metadata = {"name": name, **({"ownerReferences": [owner]} if owner else {})}
        spec = {"containers": [{"name": "web", "image": "registry.example/web:1.0"}], **({"nodeName": node} if node else {})}
        path = f"/api/v1/namespaces/{namespace}/pods"
        self.kube.admin("POST", path, {"metadata": metadata, "spec": spec}, connection)
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.kube.patch_status(f"{path}/{name}", {"phase": "Running", "startTime": now, "containerStatuses": [{
            "name": "web", "image": "registry.example/web:1.0", "imageID": f"registry.example/web@{DIGEST}",
            "containerID": f"containerd://{name}", "ready": True, "restartCount": 0, "state": {"running": {"startedAt": now}}}]},
            connection)

    def run_pods(self, namespace, names, workers=4):
        def some(part):
            connection = self.kube.connection()
            for name in part:
                self.run_pod(namespace, name, connection=connection)
            connection.close()
        names = list(names)
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(some, [names[first::workers] for first in range(workers)]))

    def delete_pod(self, namespace, name, connection=None):
        self.kube.admin("DELETE", f"/api/v1/namespaces/{namespace}/pods/{name}?gracePeriodSeconds=0", connection=connection)

    # ---- access ----

    def kubeconfig(self, path, user, ca=None):
        ca = ca or (self.kube.folder / "ca.crt")
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "muster"}}],
            "clusters": [{"name": "test", "cluster": {"server": self.kube.url,
                                                      "certificate-authority-data": b64encode(ca.read_bytes()).decode()}}],
            "users": [{"name": "muster", "user": user}]}))
        return {"kubeconfig": str(path)}

    def certificate_user(self):
        return {f"client-{what}-data": b64encode((self.kube.folder / f"muster.{ending}").read_bytes()).decode()
                for what, ending in (("certificate", "crt"), ("key", "key"))}


class Ingest:
    """A muster-ingest that watches one cluster; `access` are the options of its source."""

    def __init__(self, world, cluster, access=None, env=None):
        self.world, self.cluster, self.env = world, cluster, env or {}
        self.folder = world.state / cluster
        self.folder.mkdir()
        self.port = free_port()
        self.process = Process(self.folder, "ingest")
        access = access or world.kubeconfig(self.folder / "kubeconfig", world.certificate_user())
        self.config = self.folder / "sources.yaml"
        self.config.write_text(json.dumps({"sources": [{"name": "cluster", "kind": "kubernetes", "cluster": cluster, **access}]}))

    def start(self):
        self.process.start([self.world.program, "run", f"--config={self.config}", f"--kafka-brokers={self.world.kafka.brokers}",
                            f"--listen=127.0.0.1:{self.port}", f"--spool-dir={self.folder / 'spool'}"], env=self.env)
        self.process.wait_ready(lambda: http_ok(f"http://127.0.0.1:{self.port}/readyz"), 60, "ready")
        return self

    def metric(self, name):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
            return int(float(re.search(rf"^muster_ingest_{name} (\S+)$", answer.read().decode(), re.MULTILINE)[1]))

    def log(self):
        return self.process.log.read_text()

    def position(self):
        try:
            return int(json.loads((self.folder / "spool" / "position-cluster.json").read_text())["version"])
        except (OSError, ValueError):
            return 0

    def wait_position(self, version):
        wait_until(f"position {version} durable", lambda: self.position() >= version)

    def wait_living(self, names, timeout_s=60):
        """Waits until exactly these pods of the world are told as living."""
        def check():
            alive = self.world.living(self.cluster)
            return [alive] if set(alive) == set(names) else []
        return wait_until(f"{len(names)} pods living in {self.cluster}", check, timeout_s)[0]


class Proxy:
    """Plain HTTP to the API as an administrator; `refuse(path)` gives a status instead, `drop(line)` swallows lines."""

    def __init__(self, kube, refuse=lambda path: None, drop=lambda line: False):
        self.requests, proxy = [], self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                proxy.requests.append(self.path)
                status = refuse(self.path)
                if status:
                    self.send_error(status)
                    return
                connection = kube.connection()
                connection.timeout = 600
                try:
                    connection.request("GET", self.path, headers={"Accept": self.headers["Accept"]})
                    answer = connection.getresponse()
                    self.send_response(answer.status)
                    self.end_headers()
                    for line in answer:
                        if not drop(line):
                            self.wfile.write(line)
                            self.wfile.flush()
                except (OSError, http.client.HTTPException, ssl.SSLError, StackError):
                    pass  # either end has gone
                finally:
                    connection.close()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
