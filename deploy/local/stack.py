"""Everything the services need, and the services, in one state folder."""

import json
import subprocess
import sys
from pathlib import Path

from . import kafka as kafka_module
from .kafka import Kafka
from .postgres import Postgres
from .process import Process, free_port, tcp_ok
from .registry import Registry
from .services import Services

SERVICES = ("inventory", "ingest", "scanner")
REPOSITORY = Path(__file__).resolve().parent.parent.parent


class Stack:
    def __init__(self, state, cache, binaries, options=None):
        self.state, self.cache = Path(state), Path(cache)
        self.kafka = Kafka(state, cache)
        self.postgres = Postgres(state)
        self.registry = Registry(state)
        self.kube_port = free_port()
        self.kube = Process(state, "kube-replay")
        self.services = Services(state, binaries, self.kafka, self.postgres, self.registry,
                                 f"http://127.0.0.1:{self.kube_port}", options)

    def start_backing(self, notify=True):
        """Kafka, PostgreSQL, registry and cluster stand-in, all at once. `notify`: the registry tells ingest of pushes."""
        kafka_module.fetch_jars(self.cache)
        self.kafka.start(jars_ready=True)
        self.postgres.start()
        self.registry.start(self.services.notify_url if notify else None, self.services.bearer)
        self.kube.start([sys.executable, str(REPOSITORY / "deploy/local/kube_replay.py"), str(self.kube_port)])
        self.postgres.wait_ready()
        self.registry.wait_ready()
        self.kube.wait_ready(lambda: tcp_ok(self.kube_port), 20, "listening")
        self.kafka.wait_ready()

    def build_database(self, osv):
        self.services.database.parent.mkdir(parents=True, exist_ok=True)
        return subprocess.run([self.services.program("scanner"), "db", "build", "--built-at=now",
                               f"--out={self.services.database}", *osv], capture_output=True, text=True, check=False)

    def start_services(self):
        for name in SERVICES:
            self.services.start(name)
        for name in SERVICES:
            self.services.wait_ready(name)
        (self.state / "run" / "addresses.json").write_text(json.dumps(self.addresses(), indent=1))

    def stop(self):
        """Stops everything; the names of those that had to be killed."""
        return stop_all(self.state)

    def addresses(self):
        return {"kafka": self.kafka.brokers, "postgres": self.postgres.conninfo(), "registry": self.registry.address,
                "kube-replay": f"http://127.0.0.1:{self.kube_port}",
                **{name: self.services.url(name) for name in SERVICES}}


def processes(state):
    """Every process this state folder has a record of, services first so that they drain into a live Kafka."""
    names = [path.stem for path in sorted((Path(state) / "run").glob("*.json")) if path.stem != "addresses"]
    order = {name: place for place, name in enumerate((*SERVICES, "kube-replay", "registry", "kafka", "postgres"))}
    return [Process(state, name) for name in sorted(names, key=lambda name: order.get(name, -1))]


def stop_all(state):
    """Stops what runs; the names of those that had to be killed."""
    return [process.name for process in processes(state) if process.pid() and not process.stop()]


def known_addresses(state):
    try:
        return json.loads((Path(state) / "run" / "addresses.json").read_text())
    except OSError:
        return {}
