"""Debian's docker-registry with its notifications switched on."""

import json
import os
from pathlib import Path

from .process import Process, free_port, http_ok


class Registry:
    def __init__(self, state, name="registry"):
        self.process = Process(state, name)
        self.folder = Path(state) / name
        self.port = free_port()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self, notify_url=None, bearer=None, htpasswd=None, tls=None):
        """JSON is YAML; the registry reads it as such. `htpasswd` is a file, `tls` a pair of files: certificate, key."""
        self.folder.mkdir(parents=True, exist_ok=True)
        config = {"version": 0.1, "log": {"level": "warn", "accesslog": {"disabled": True}},
                  "storage": {"filesystem": {"rootdirectory": str(self.folder / "data")}, "delete": {"enabled": True}},
                  "http": {"addr": self.address, "secret": "one registry, one secret"}}
        if notify_url:
            config["notifications"] = {"endpoints": [{
                "name": "muster", "url": notify_url, "timeout": "5s", "threshold": 3, "backoff": "1s",
                "headers": {"Authorization": [f"Bearer {bearer}"]}}]}
        if htpasswd:
            config["auth"] = {"htpasswd": {"realm": "registry", "path": str(htpasswd)}}
        if tls:
            config["http"]["tls"] = {"certificate": str(tls[0]), "key": str(tls[1])}
        path = self.folder / "config.yml"
        path.write_text(json.dumps(config, indent=1))
        os.chmod(path, 0o600)
        self.process.start(["docker-registry", "serve", str(path)], env={"OTEL_TRACES_EXPORTER": "none"})

    def wait_ready(self):
        self.process.wait_ready(lambda: http_ok(f"http://{self.address}/v2/"), 30, "answering")

    def blob(self, digest):
        """The file in which the registry keeps a blob."""
        hexadecimal = digest.removeprefix("sha256:")
        return self.folder / "data/docker/registry/v2/blobs/sha256" / hexadecimal[:2] / hexadecimal / "data"
