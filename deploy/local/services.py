"""The four services against one Kafka, PostgreSQL and registry, on free ports."""

import json
import secrets
import subprocess
from pathlib import Path

from .process import Process, StackError, free_port, http_ok

REGISTRY_NAME = "registry.muster.example"
CLUSTER = "production"
LOGIN = "muster_app"  # inventory's, as in start-postgres of the containers; the owner migrates


class Services:
    """Writes each service's configuration and starts it; `bin` is where the programs are."""

    def __init__(self, state, binaries, kafka, postgres, registry, kube_url=None, options=None):
        self.state = Path(state)
        self.bin = Path(binaries)
        self.kafka, self.postgres, self.registry = kafka, postgres, registry
        self.kube_url = kube_url
        self.options = options or {}
        self.ports = {name: free_port() for name in ("ingest", "scanner", "inventory")}
        self.process = {name: Process(state, name) for name in self.ports}
        self.secrets = self.state / "secrets"
        self.secrets.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.bearer = self._secret("registry-bearer")
        self.evidence_token = self._secret("evidence-token")
        self.migrated = False
        self.database = self.state / "scanner" / "vulnerabilities.db"

    def _secret(self, name):
        path = self.secrets / name
        if not path.exists():
            path.write_text(secrets.token_hex(16))
            path.chmod(0o600)
        return path.read_text()

    def url(self, service):
        return f"http://127.0.0.1:{self.ports[service]}"

    @property
    def notify_url(self):
        return f"{self.url('ingest')}/v1/sources/registry"

    def program(self, service):
        return str(self.bin / f"muster-{service}")

    def _ingest_config(self):
        sources = [
            {"name": "registry", "kind": "distribution", "auth": {"bearer_file": str(self.secrets / "registry-bearer")},
             "repository_aliases": {self.registry.address: REGISTRY_NAME}},
            {"name": "events", "kind": "cloudevents", "auth": {"bearer_file": str(self.secrets / "registry-bearer")}}]
        if self.kube_url:
            sources.append({"name": "cluster", "kind": "kubernetes", "cluster": CLUSTER, "url": self.kube_url})
        path = self.state / "ingest" / "sources.yaml"
        path.write_text(json.dumps({"sources": sources}, indent=1))
        return str(path)

    def _registries(self):
        path = self.state / "scanner" / "registries.json"
        path.write_text(json.dumps({"registries": [
            {"host": REGISTRY_NAME, "url": f"http://{self.registry.address}"}]}, indent=1))
        return str(path)

    def arguments(self, service):
        """Command line of `muster-SERVICE run`."""
        folder = self.state / service
        folder.mkdir(parents=True, exist_ok=True)
        own = {
            "ingest": lambda: {"config": self._ingest_config(), "spool-dir": folder / "spool"},
            "scanner": lambda: {"database": self.database, "registries": self._registries(),
                                "inventory-url": self.url("inventory")},
            "inventory": lambda: {"postgres": self.postgres.conninfo(user=LOGIN), "evidence-dir": folder / "evidence", "auth": "none"},
        }[service]()
        own |= {"kafka-brokers": self.kafka.brokers, "listen": f"127.0.0.1:{self.ports[service]}"}
        own |= self.options.get(service, {})
        return [self.program(service), "run", *(f"--{name}={value}" for name, value in own.items())]

    def environment(self, service):
        return {} if service == "ingest" else {"MUSTER_EVIDENCE_TOKEN_FILE": str(self.secrets / "evidence-token")}

    def migrate(self):
        """As the owner of the tables; then lets inventory and report log in, who may change and remove no fact."""
        done = subprocess.run([self.program("inventory"), "migrate", f"--postgres={self.postgres.conninfo()}"], capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            raise StackError(f"migrate: {done.stderr.strip()}")
        self.postgres.sql(f"DO 'BEGIN CREATE ROLE {LOGIN} LOGIN IN ROLE muster_inventory; EXCEPTION WHEN duplicate_object THEN NULL; END'; "
                          "ALTER ROLE muster_report LOGIN")
        self.migrated = True

    def start(self, service):
        if service == "inventory" and not self.migrated:
            self.migrate()
        self.process[service].start(self.arguments(service), env=self.environment(service))

    def wait_ready(self, service, timeout_s=60, wants="/readyz"):
        self.process[service].wait_ready(lambda: http_ok(f"{self.url(service)}{wants}"), timeout_s, "ready")
