"""The source tree as the lint tests see it."""

import json
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ROOT / "services"
SERVICE_NAMES = ("ingest", "scanner", "inventory", "report")

# What a component may include, besides itself and base (services/README.md, "Layers").
MAY_USE = {
    "base": set(),
    "json": set(),
    "sbom": {"json"},
    "oci": set(),
    "msg": {"json", "oci"},
    "bus": {"msg", "json", "oci"},
    "http": set(),
    "registry": {"http", "json", "oci"},
    "oidc": {"http", "json"},
    "httpd": set(),
    "pg": set(),
    "yaml": {"json"},
    "ingest": {"bus", "httpd", "oidc", "http", "registry", "msg", "json", "oci", "yaml"},
    "scanner": {"bus", "http", "registry", "httpd", "msg", "sbom", "json", "oci", "yaml"},
    "inventory": {"bus", "httpd", "oidc", "http", "pg", "yaml", "msg", "json", "oci"},
    "report": {"pg", "http", "sbom", "json", "oci", "yaml"},
}
# Third-party header -> the components that may include it.
SOLE_INCLUDERS = {
    "librdkafka/": {"bus"},
    "microhttpd.h": {"httpd"},
    "gnutls/": {"httpd"},
    "libpq-fe.h": {"pg"},
    "curl/": {"http"},
    "jansson.h": {"json"},  # its json_t is passed on through json/json_doc.h
    "yaml.h": {"yaml"},  # its nodes are passed on through yaml/yaml_reader.h
    "zip.h": {"scanner", "report"},
    "isa-l": {"scanner"},
    "sqlite3.h": {"scanner", "report"},
    "zstd.h": {"scanner", "inventory", "report"},
    "seccomp.h": {"scanner"},
    "zlib.h": {"ingest", "report"},
    "xlsxwriter.h": {"report"},
    "openssl/": {"base"},
}
BANNED = ("strcpy", "strcat", "sprintf", "vsprintf", "strtok", "atoi", "atol", "atof", "gmtime", "localtime", "system",
          "gets", "tmpnam", "alloca")
MAX_FILE_LINES, MAX_FUNCTION_LINES, MAX_MEDIAN_LINES, MAX_COMPLEXITY = 800, 100, 15, 25


def sources(*suffixes, under=SERVICES):
    return sorted(path for path in under.rglob("*") if path.suffix in (suffixes or (".c", ".h")))


def relative(path):
    return str(path.relative_to(ROOT))


def component(path):
    """"base" for services/common/base/..., "ingest" for services/ingest/..."""
    parts = path.relative_to(SERVICES).parts
    return parts[1] if parts[0] == "common" else parts[0]


def includes(path):
    """(quoted?, name) of every #include."""
    return [(mark == '"', name) for mark, name in
            re.findall(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', path.read_text(), re.MULTILINE)]


def code_only(text):
    """The text with comments and string literals blanked, lines kept."""
    blank = lambda found: re.sub(r"[^\n]", " ", found[0])
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.DOTALL)


def functions():
    """[(file, name, lines)] of every function defined in the services."""
    files = [str(path) for path in sources(".c")]
    out = subprocess.run(["ctags", "--output-format=json", "--fields=+ne", "--kinds-C=f", "-f", "-", *files],
                         capture_output=True, text=True, check=True).stdout
    tags = [json.loads(line) for line in out.splitlines()]
    return [(relative(Path(tag["path"])), tag["name"], tag["end"] - tag["line"] + 1) for tag in tags if "end" in tag]
