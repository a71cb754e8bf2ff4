"""Which Debian packages each job needs, and how they get there."""

import os
import signal
import subprocess

from .process import StackError

BUILD = """cmake ninja-build gcc pkg-config ccache libc6-dev librdkafka-dev libpq-dev libjansson-dev libmicrohttpd-dev libgnutls28-dev
libcurl4-openssl-dev libssl-dev libisal-dev libzstd-dev libseccomp-dev libxlsxwriter-dev libzip-dev libsqlite3-dev libyaml-dev libexpat1-dev
zlib1g-dev libcmocka-dev""".split()
RUN = """openjdk-17-jre-headless maven postgresql postgresql-client docker-registry skopeo umoci dpkg util-linux
ca-certificates""".split()
TEST = """clang clang-tidy clang-format lld libclang-rt-14-dev llvm python3-pytest python3-pip python3-venv python3-jsonschema python3-lxml
python3-openpyxl python3-yaml isal kcat universal-ctags pmccabe libreoffice-calc-nogui pgbouncer poppler-utils wrk docker.io docker-compose debootstrap
softhsm2 libengine-pkcs11-openssl
chromium chromium-driver python3-selenium""".split()


def missing(packages):
    try:
        asked = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *packages],
                               capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        raise StackError("this is no Debian: there is no 'dpkg-query' to ask for packages; "
                         "'docker compose -f deploy/docker-compose.yml up' needs none") from None
    have = {line.split()[0] for line in asked.splitlines() if line.endswith(" installed")}
    return [name for name in packages if name not in have]


def _apt(command):
    """Runs one step. A Ctrl-C reaches apt and dpkg too: they are waited for, never killed half-way."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as apt:
        try:
            said, _ = apt.communicate()
        except KeyboardInterrupt:
            apt.send_signal(signal.SIGINT)
            apt.communicate()
            raise
    if apt.returncode != 0:
        raise StackError(f"{' '.join(command[:5])} failed:\n{said[-2000:]}")


def ensure(packages, say):
    """Installs what is missing when we may; else says which packages an administrator should install."""
    wanted = missing(packages)
    if not wanted:
        return
    if os.geteuid() != 0:
        raise StackError("these packages are missing: " + " ".join(wanted) +
                         "\n  as root: apt-get install --no-install-recommends " + " ".join(wanted))
    say(f"installing {len(wanted)} packages: {' '.join(wanted)}")
    wait = ["-o", "DPkg::Lock::Timeout=120"]
    _apt(["dpkg", "--configure", "-a"])  # mends what an interrupted installation left
    _apt(["apt-get", "-q", *wait, "update"])
    _apt(["apt-get", "-q", *wait, "install", "-y", "--no-install-recommends", *wanted])
    left = missing(packages)
    if left:
        raise StackError("still missing after apt-get: " + " ".join(left))
