"""Which Debian packages each job needs, and how they get there."""

import os
import subprocess

from .process import StackError

BUILD = """cmake ninja-build gcc pkg-config ccache libc6-dev librdkafka-dev libpq-dev libjansson-dev libmicrohttpd-dev
libcurl4-openssl-dev libssl-dev libisal-dev libzstd-dev libxlsxwriter-dev libzip-dev libyaml-dev libexpat1-dev libcmocka-dev""".split()
RUN = """openjdk-17-jre-headless maven postgresql postgresql-client docker-registry skopeo umoci dpkg util-linux
ca-certificates""".split()
TEST = """clang clang-tidy clang-format lld libclang-rt-14-dev llvm python3-pytest python3-jsonschema python3-openpyxl
python3-yaml isal kcat universal-ctags pmccabe libreoffice-calc-nogui poppler-utils wrk docker.io docker-compose debootstrap""".split()


def missing(packages):
    asked = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *packages],
                           capture_output=True, text=True, check=False).stdout
    have = {line.split()[0] for line in asked.splitlines() if line.endswith(" installed")}
    return [name for name in packages if name not in have]


def ensure(packages, say):
    """Installs what is missing when we may; else says which packages an administrator should install."""
    wanted = missing(packages)
    if not wanted:
        return
    if os.geteuid() != 0:
        raise StackError("these packages are missing: " + " ".join(wanted) +
                         "\n  as root: apt-get install --no-install-recommends " + " ".join(wanted))
    say(f"installing {len(wanted)} packages: {' '.join(wanted)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "-q", "update"], ["apt-get", "-q", "install", "-y", "--no-install-recommends", *wanted]):
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise StackError(f"{' '.join(command[:3])} failed:\n{(done.stdout + done.stderr)[-2000:]}")
    left = missing(packages)
    if left:
        raise StackError("still missing after apt-get: " + " ".join(left))
