"""A container engine of the tests' own: Debian's dockerd on a socket and a data folder of its own.

It touches neither a running engine nor the machine's firewall: no default bridge, no iptables. Published ports
work through its userland proxy; builds reach the package mirrors through the machine's own network.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from plan import ROOT

sys.path.insert(0, str(ROOT / "deploy"))

from local.process import Process, StackError  # noqa: E402


class NoEngine(Exception):
    """An engine, or a build inside it, cannot work here; the text is its own error."""


def last_words(text):
    """The last line that says what went wrong, else the last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["no message"]
    wrong = [line for line in lines if re.search(r"error|fail|fatal|cannot|denied|^E: ", line, re.IGNORECASE)]
    return (wrong or lines)[-1][:400]


def run(*command, **options):
    return subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False, **options)


def needed_tools():
    missing = [tool for tool in ("dockerd", "docker", "containerd", "runc", "debootstrap", "setpriv", "unshare")
               if not shutil.which(tool)]
    if os.geteuid() != 0:
        raise NoEngine("an engine of the test's own needs root")
    if missing:
        raise NoEngine(f"not installed: {', '.join(missing)}")


def compose_command():
    """["docker", "compose"] or ["docker-compose"], whichever is there."""
    if shutil.which("docker") and run("docker", "compose", "version").returncode == 0:
        return ["docker", "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else None


class Engine:
    def __init__(self):
        needed_tools()
        self.folder = Path(tempfile.mkdtemp(prefix="muster-engine-", dir="/var/tmp"))
        self.address = f"unix://{self.folder}/docker.sock"
        self.environment = {**os.environ, "DOCKER_HOST": self.address, "COMPOSE_DOCKER_CLI_BUILD": "0"}
        self.process = Process(self.folder, "dockerd")

    def start(self):
        """Overlays on a disk that allows them, else plain copies."""
        for driver in ("overlay2", "vfs"):
            try:
                self._start(driver)
                return
            except StackError as error:
                self.process.stop()
                message = last_words(self.process.tail(40) or str(error))
        raise NoEngine(f"dockerd does not start: {message}")

    def _start(self, driver):
        own = self.folder.name
        # Dies with the tests, however they end, and its mounts with it.
        self.process.start(["setpriv", "--pdeathsig", "TERM", "unshare", "--mount", "dockerd", "--host", self.address,
                            "--storage-driver", driver, "--data-root", self.folder / "data",
                            "--exec-root", self.folder / "exec", "--pidfile", self.folder / "docker.pid",
                            "--containerd-namespace", own, "--containerd-plugins-namespace", f"{own}-plugins",
                            "--bridge=none", "--iptables=false", "--ip6tables=false", "--log-level=warn"])
        self.process.wait_ready(lambda: self.docker("info").returncode == 0, 40, "answering")

    def docker(self, *arguments, **options):
        return run("docker", *arguments, env=self.environment, **options)

    def stop(self):
        self.process.stop(timeout_s=40)
        if not os.environ.get("MUSTER_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    # ---- the base image ----

    def import_base(self, name):
        """Debian 12 by debootstrap as image `name`, with this machine's mirror, proxy and own certificates."""
        root = self.folder / "base"
        mirror, proxy = _mirror(), _proxy()
        made = run("debootstrap", "--variant=minbase", "bookworm", root, mirror,
                   env={**os.environ, **({"http_proxy": proxy} if proxy else {})})
        if made.returncode != 0:
            raise NoEngine(f"debootstrap from {mirror}: {last_words(made.stdout + made.stderr)}")
        _adapt(root, proxy)
        self._import(name, "-C", root, "--exclude=./var/cache/apt/archives/*.deb", ".")
        shutil.rmtree(root)

    def _import(self, name, *what):
        with subprocess.Popen(["tar", "--create", *map(str, what)], stdout=subprocess.PIPE) as tar:
            done = subprocess.run(["docker", "import", "-", name], stdin=tar.stdout, env=self.environment, capture_output=True,
                                  text=True, check=False)
        if done.returncode != 0:
            raise NoEngine(f"docker import: {last_words(done.stderr)}")

    def _try(self, what, *arguments):
        done = self.docker(*arguments)
        if done.returncode != 0:
            raise NoEngine(f"{what}: {last_words(done.stderr)}")

    def try_out(self):
        """Networks and containers can be made, shown with this machine's own `true` and its libraries; else NoEngine."""
        libraries = re.findall(r"(/\S+) \(0x", run("ldd", "/usr/bin/true").stdout)
        self._import("try-out", "-C", "/", "--dereference", "usr/bin/true", *(path.lstrip("/") for path in libraries))
        self._try("docker network create", "network", "create", "--internal", "try-out")
        self._try("docker run", "run", "--rm", "--network=try-out", "try-out", "/usr/bin/true")
        self._try("docker network rm", "network", "rm", "try-out")

    def try_build(self, image):
        """What a build inside the engine needs: the mirror; else NoEngine."""
        self._try("apt-get update in a container", "run", "--rm", "--network=host", image,
                  "apt-get", "update", "-qq", "-o", "APT::Update::Error-Mode=any")


def _mirror():
    known = run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Codename: bookworm").stdout.split()
    return known[0] if known else "http://deb.debian.org/debian/"


def _proxy():
    return run("sh", "-c", 'eval "$(apt-config shell proxy Acquire::http::Proxy)"; printf %s "${proxy:-}"').stdout


def _adapt(root, proxy):
    certificates = root / "usr/local/share/ca-certificates"
    certificates.mkdir(parents=True, exist_ok=True)
    for path in Path("/usr/local/share/ca-certificates").glob("*.crt"):
        shutil.copy(path, certificates)
    (root / "etc/dpkg/dpkg.cfg.d/speed").write_text("force-unsafe-io\n")
    if proxy:
        (root / "etc/apt/apt.conf.d/proxy").write_text(f'Acquire::http::Proxy "{proxy}";\n')
