"""Small images put into a registry over its API, quickly and by hand."""

import base64
import hashlib
import json
import ssl
import urllib.request

OCI = "application/vnd.oci.image"


class Pusher:
    """`url` of the registry; `login` "user:password"."""

    def __init__(self, url, login=None, ca_file=None):
        self.url = url
        self.login = login
        self.sizes = {}
        self.context = ssl.create_default_context(cafile=ca_file) if ca_file else None

    def request(self, method, path, data=None, content_type="application/octet-stream"):
        request = urllib.request.Request(path if path.startswith("http") else self.url + path, data=data, method=method,
                                         headers={"Content-Type": content_type})
        if self.login:
            request.add_header("Authorization", "Basic " + base64.b64encode(self.login.encode()).decode())
        return urllib.request.urlopen(request, timeout=30, context=self.context)

    def _blob(self, repository, data):
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        with self.request("POST", f"/v2/{repository}/blobs/uploads/", b"") as answer:
            place = answer.headers["Location"]
        self.request("PUT", f"{place}{'&' if '?' in place else '?'}digest={digest}", data).close()
        return {"mediaType": f"{OCI}.config.v1+json", "digest": digest, "size": len(data)}

    def push(self, repository, tag, content):
        """A manifest that differs by `content`; its digest."""
        config = self._blob(repository, json.dumps({"os": "linux", "architecture": "amd64", "comment": content}).encode())
        manifest = json.dumps({"schemaVersion": 2, "mediaType": f"{OCI}.manifest.v1+json", "config": config, "layers": []}).encode()
        self.request("PUT", f"/v2/{repository}/manifests/{tag}", manifest, f"{OCI}.manifest.v1+json").close()
        digest = "sha256:" + hashlib.sha256(manifest).hexdigest()
        self.sizes[digest] = len(manifest)
        return digest

    def index(self, repository, tag, platforms):
        """An index of what was pushed before; `platforms` is {architecture: digest}. Its digest."""
        index = json.dumps({"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": [
            {"mediaType": f"{OCI}.manifest.v1+json", "digest": digest, "size": self.sizes[digest],
             "platform": {"os": "linux", "architecture": architecture}} for architecture, digest in platforms.items()]}).encode()
        self.request("PUT", f"/v2/{repository}/manifests/{tag}", index, f"{OCI}.index.v1+json").close()
        return "sha256:" + hashlib.sha256(index).hexdigest()

    def delete(self, repository, digest):
        self.request("DELETE", f"/v2/{repository}/manifests/{digest}").close()
