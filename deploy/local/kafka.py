"""A Kafka broker from its own jars: one KRaft node."""

import hashlib
import os
import string
import subprocess
from pathlib import Path

from .process import Process, StackError, free_port, run_group, tcp_ok

HERE = Path(__file__).resolve().parent.parent / "kafka"
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"


def _unverified(jars):
    """Names of jars that are missing or whose SHA-256 is not the pinned one."""
    wrong = []
    for line in (HERE / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split()
        jar = jars / name
        if not jar.is_file() or hashlib.sha256(jar.read_bytes()).hexdigest() != digest:
            wrong.append(name)
    return wrong


def fetch_jars(cache):
    """Folder with the verified jars; downloads them through Maven when it must."""
    jars = Path(cache) / "kafka-jars"
    if _unverified(jars):
        command = ["mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), COPY,
                   "-DincludeScope=runtime", f"-DoutputDirectory={jars}"]
        fetched = run_group(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if fetched.returncode != 0:
            raise StackError("Maven could not fetch Kafka's jars (it needs the package maven and a Maven repository):\n"
                             f"{fetched.stdout[-2000:]}")
        wrong = _unverified(jars)
        if wrong:
            raise StackError(f"Kafka's jars do not match deploy/kafka/SHA256SUMS: {', '.join(wrong)}; "
                             f"remove {jars} and try again")
    return jars


class Kafka:
    def __init__(self, state, cache, name="kafka"):
        self.process = Process(state, name)
        self.folder = Path(state) / name
        self.jars = Path(cache) / "kafka-jars"
        self.port = free_port()
        self.controller_port = free_port()

    @property
    def brokers(self):
        return f"127.0.0.1:{self.port}"

    def _java(self, main, *arguments):
        return ["java", "-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                f"-Dlog4j2.configurationFile={HERE / 'log4j2.yaml'}", "-cp", f"{self.jars}/*", main, *arguments]

    def start(self, jars_ready=False):
        if not jars_ready:
            fetch_jars(self.jars.parent)
        config = self.folder / "server.properties"
        data = self.folder / "data"
        fresh = not data.exists()
        data.mkdir(parents=True, exist_ok=True)
        template = string.Template((HERE / "server.properties").read_text())
        config.write_text(template.substitute(port=self.port, controller_port=self.controller_port, data=data,
                                              bind="127.0.0.1", advertised="127.0.0.1"))
        if fresh:
            format_log = subprocess.run(
                self._java("kafka.tools.StorageTool", "format", "-t", "bXVzdGVyLWxvY2FsLWtmaw", "-c", str(config)),
                stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
            if format_log.returncode != 0:
                raise StackError(f"Kafka could not format {data}:\n{format_log.stdout}{format_log.stderr}")
        self.process.start(self._java("kafka.Kafka", str(config)), env={"LC_ALL": os.environ.get("LC_ALL", "C.UTF-8")})

    def wait_ready(self):
        self.process.wait_ready(lambda: tcp_ok(self.port), 60, "listening")

    def kill(self):
        self.process.kill()
