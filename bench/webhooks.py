"""Signed webhooks for bench/webhooks.lua: pushes as JFrog Artifactory sends them, about 1 KB each."""

import hashlib
import hmac
import json

HEADER = "X-JFrog-Event-Auth"
PLATFORMS = ("amd64", "arm", "arm64", "ppc64le", "riscv64", "s390x")


def body(number):
    name, tag = f"team/app-{number % 50}", f"1.{number // 50}.0"
    return json.dumps({
        "domain": "docker", "event_type": "pushed",
        "data": {"repo_key": "docker-local", "event_type": "pushed", "path": f"{name}/{tag}/list.manifest.json",
                 "name": "list.manifest.json", "sha256": hashlib.sha256(str(number).encode()).hexdigest(), "size": 1206 + number,
                 "image_name": name, "tag": tag,
                 "platforms": [{"architecture": architecture, "os": "linux"} for architecture in PLATFORMS]},
        "subscription_key": "muster", "jpd_origin": "https://artifacts.example.gov", "source": "jfrog/builder@example.gov",
        "userContext": {"id": "builder@example.gov", "isToken": True, "realm": "internal", "groups": ["readers", "builders", "ci"],
                        "address": "10.20.30.40", "agent": "jfrog-client-go/1.35.2", "requestId": f"{number:032x}"}})


def write(path, secret, count=5000):
    with open(path, "w") as out:
        out.write(HEADER + "\n")
        for number in range(count):
            text = body(number)
            out.write(hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest() + " " + text + "\n")
    return len(body(0))
