"""A real Kubernetes API: kube-apiserver over etcd, both made from their Go modules, without a kubelet.

Objects live by what a test says of them: it creates nodes and pods, and patches their status as a kubelet would.
"""

import hashlib
import http.client
import json
import os
import shutil
import ssl
import subprocess
import tempfile
import urllib.request
from pathlib import Path

from .process import Process, StackError, free_port, run_group

HERE = Path(__file__).resolve().parent.parent / "kube-apiserver"
PROGRAMS = {"etcd": "etcd", "kube-apiserver": "apiserver"}
RULES = [{"apiGroups": [""], "resources": ["pods", "nodes"], "verbs": ["get", "list", "watch"]},
         {"apiGroups": ["apps"], "resources": ["replicasets"], "verbs": ["get", "list", "watch"]},
         {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["get", "list", "watch"]}]


def _folder(cache):
    """Where the programs of exactly these modules are."""
    pinned = hashlib.sha256()
    for path in sorted(HERE.rglob("*")):
        if path.is_file():
            pinned.update(path.name.encode() + path.read_bytes())
    return Path(cache) / f"kube-apiserver-{pinned.hexdigest()[:16]}"


def is_built(cache):
    return all((_folder(cache) / name).exists() for name in PROGRAMS)


def build(cache):
    """Folder with the programs; compiles them when it must, which takes about five minutes on two cores."""
    folder = _folder(cache)
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.which("go") is None and not is_built(cache):
        raise StackError("there is no 'go' to build kube-apiserver with")
    for name, module in PROGRAMS.items():
        if (folder / name).exists():
            continue
        with tempfile.TemporaryDirectory(dir=folder) as work:
            made = run_group(["go", "build", "-mod=readonly", "-buildvcs=false", "-trimpath", "-o", f"{work}/{name}", "."],
                             cwd=HERE / module, env={**os.environ, "CGO_ENABLED": "0", "GOFLAGS": ""},
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if made.returncode != 0:
                raise StackError(f"'go build' of {name} failed: {made.stdout.strip()[-500:]}")
            os.rename(f"{work}/{name}", folder / name)
    return folder


def _openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StackError(f"openssl: {done.stderr.strip()}")


class KubeApi:
    """One cluster's API. `admin` answers as an administrator."""

    def __init__(self, state, cache):
        self.folder = Path(state) / "kube-api"
        self.programs = _folder(cache)
        self.etcd, self.server = Process(state, "etcd"), Process(state, "kube-apiserver")
        self.etcd_port, self.peer_port, self.port = free_port(), free_port(), free_port()

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    # ---- certificates ----

    def _certificate(self, name, subject, more=()):
        key, request, crt = (self.folder / f"{name}.{ending}" for ending in ("key", "csr", "crt"))
        _openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", subject)
        extensions = self.folder / f"{name}.ext"
        extensions.write_text("\n".join(more) + "\n")
        _openssl("x509", "-req", "-in", request, "-CA", self.folder / "ca.crt", "-CAkey", self.folder / "ca.key", "-CAcreateserial",
                 "-days", 2, "-out", crt, "-extfile", extensions)

    def make_ca(self, name="ca"):
        _openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.folder / f"{name}.key",
                 "-out", self.folder / f"{name}.crt", "-days", 2, "-subj", f"/CN={name} of a test")

    def _make_secrets(self):
        self.folder.mkdir(parents=True, mode=0o700)
        self.make_ca()
        self._certificate("server", "/CN=kube-apiserver", ["subjectAltName=IP:127.0.0.1,DNS:localhost"])
        self._certificate("admin", "/O=system:masters/CN=admin", ["extendedKeyUsage=clientAuth"])
        self._certificate("muster", "/CN=muster", ["extendedKeyUsage=clientAuth"])
        _openssl("genrsa", "-out", self.folder / "service-account.key", 2048)

    # ---- life ----

    def start(self):
        if not self.folder.exists():
            self._make_secrets()
        self.start_etcd()
        self.start_server()
        self._allow_watching()

    def start_etcd(self):
        client, peer = (f"http://127.0.0.1:{port}" for port in (self.etcd_port, self.peer_port))
        self.etcd.start([self.programs / "etcd", f"--data-dir={self.folder / 'etcd'}", f"--listen-client-urls={client}",
                         f"--advertise-client-urls={client}", f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}",
                         f"--initial-cluster=default={peer}", "--unsafe-no-fsync", "--log-level=warn"])

    def start_server(self):
        key = self.folder / "service-account.key"
        self.server.start([
            self.programs / "kube-apiserver", f"--etcd-servers=http://127.0.0.1:{self.etcd_port}", "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1", f"--secure-port={self.port}", f"--tls-cert-file={self.folder / 'server.crt'}",
            f"--tls-private-key-file={self.folder / 'server.key'}", f"--client-ca-file={self.folder / 'ca.crt'}",
            f"--service-account-key-file={key}", f"--service-account-signing-key-file={key}",
            "--service-account-issuer=https://kubernetes.default.svc", "--authorization-mode=RBAC",
            "--disable-admission-plugins=ServiceAccount", "--service-cluster-ip-range=10.96.0.0/24", "--etcd-compaction-interval=0",
            f"--cert-dir={self.folder / 'made'}"])
        self.server.wait_ready(self._is_ready, 120, "ready")

    def _is_ready(self):
        try:
            return self.admin("GET", "/readyz", raw=True) == b"ok"
        except (OSError, http.client.HTTPException, StackError):
            return False

    def stop_server(self):
        self.server.kill()
        if self.server.child is not None:
            self.server.child.wait(timeout=10)  # its threads hold the port a little longer

    def restart_server(self):
        self.stop_server()
        self.start_server()

    def stop(self):
        self.server.kill()
        self.etcd.kill()

    # ---- requests ----

    def connection(self):
        context = ssl.create_default_context(cafile=self.folder / "ca.crt")
        context.load_cert_chain(self.folder / "admin.crt", self.folder / "admin.key")
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=30)

    def admin(self, method, path, body=None, connection=None, content_type="application/json", raw=False):
        """The answer's object; a status that is no success is a StackError."""
        own = connection or self.connection()
        try:
            own.request(method, path, None if body is None else json.dumps(body), {"Content-Type": content_type})
            answer = own.getresponse()
            said = answer.read()
        finally:
            if connection is None:
                own.close()
        if answer.status >= 300:
            raise StackError(f"{method} {path}: {answer.status} {said[:300]}")
        return said if raw else json.loads(said)

    def patch_status(self, path, status, connection=None):
        return self.admin("PATCH", f"{path}/status", {"status": status}, connection, "application/strategic-merge-patch+json")

    def _etcd(self, path, body):
        request = urllib.request.Request(f"http://127.0.0.1:{self.etcd_port}/v3/kv/{path}", json.dumps(body).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def compact(self):
        """etcd forgets everything but what is."""
        revision = self._etcd("range", {"key": "AA=="})["header"]["revision"]
        self._etcd("compaction", {"revision": revision, "physical": True})

    # ---- who watches ----

    def _allow_watching(self):
        """The service account "muster" and the user "muster" may do what ingest needs, and no more."""
        rbac = "/apis/rbac.authorization.k8s.io/v1"
        try:
            self.admin("POST", f"{rbac}/clusterroles", {"metadata": {"name": "muster-ingest"}, "rules": RULES})
        except StackError as error:
            if " 409 " in str(error):
                return
            raise
        self.admin("POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "muster"}})
        self.admin("POST", f"{rbac}/clusterrolebindings", {
            "metadata": {"name": "muster-ingest"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "muster-ingest"},
            "subjects": [{"kind": "ServiceAccount", "name": "muster", "namespace": "default"},
                         {"kind": "User", "name": "muster", "apiGroup": "rbac.authorization.k8s.io"}]})

    def token(self):
        """A bound token of the service account."""
        return self.admin("POST", "/api/v1/namespaces/default/serviceaccounts/muster/token",
                          {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}})["status"]["token"]
