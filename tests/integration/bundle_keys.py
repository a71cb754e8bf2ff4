"""Keys, certificates and a time-stamp authority for tests, all made by the command openssl."""

import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TSA_CONFIG = """
[tsa]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = no
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Keys:
    """In `folder`: ed25519.key/.pub, ca.pem, signer.key/.pem below it, other-ca.pem, tsa.key/.pem below ca.pem."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("ed25519", "other-ed25519"):
            openssl("genpkey", "-algorithm", "ed25519", "-out", folder / f"{name}.key")
            openssl("pkey", "-in", folder / f"{name}.key", "-pubout", "-out", folder / f"{name}.pub")
        for name in ("ca", "other-ca"):
            openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", f"/CN=Example {name}",
                    "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem")
        self.certify("signer", "keyUsage=digitalSignature")
        self.certify("tsa", "extendedKeyUsage=critical,timeStamping")
        for key in folder.glob("*.key"):
            key.chmod(0o600)

    def certify(self, name, extension):
        request, extensions = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        extensions.write_text(extension + "\n")
        openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN=Example {name}", "-keyout", self.folder / f"{name}.key",
                "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.folder / "ca.pem", "-CAkey", self.folder / "ca.key", "-CAcreateserial",
                "-days", "3650", "-extfile", extensions, "-out", self.folder / f"{name}.pem")

    def sign(self, bundle):
        """As openssl itself signs: CMS with signed attributes."""
        manifest = bundle / "manifest.json"
        openssl("pkeyutl", "-sign", "-inkey", self.folder / "ed25519.key", "-rawin", "-in", manifest, "-out", bundle / "manifest.json.sig")
        openssl("cms", "-sign", "-binary", "-in", manifest, "-signer", self.folder / "signer.pem", "-inkey", self.folder / "signer.key",
                "-outform", "DER", "-out", bundle / "manifest.json.p7s")

    @property
    def run_options(self):
        return [f"--sign-key={self.folder}/ed25519.key", f"--cms-key={self.folder}/signer.key", f"--cms-certificate={self.folder}/signer.pem"]

    @property
    def verify_options(self):
        return [f"--key={self.folder}/ed25519.pub", f"--ca={self.folder}/ca.pem", "--require-signature"]


class TimestampAuthority(ThreadingHTTPServer):
    """RFC 3161 over HTTP, answered by `openssl ts`; `refuse` answers nothing that helps."""

    daemon_threads = True

    def __init__(self, keys):
        self.keys, self.refuse = keys, False
        (keys.folder / "serial").write_text("01\n")
        (keys.folder / "tsa.cnf").write_text(TSA_CONFIG.format(folder=keys.folder))
        super().__init__(("127.0.0.1", 0), TimestampHandler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/tsa"


class TimestampHandler(BaseHTTPRequestHandler):
    def do_POST(self):
        folder = self.server.keys.folder
        (folder / "query.tsq").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
        openssl("ts", "-reply", "-config", folder / "tsa.cnf", "-section", "tsa", "-queryfile", folder / "query.tsq",
                "-inkey", folder / "tsa.key", "-signer", folder / "tsa.pem", "-out", folder / "reply.tsr")
        body = b"0\x03\x02\x01\x02" if self.server.refuse else (folder / "reply.tsr").read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", "application/timestamp-reply")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass
