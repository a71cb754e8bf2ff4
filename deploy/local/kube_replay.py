"""A Kubernetes API that plays back recorded Pod watch events: list, watch, resourceVersion.

A stand-in for a cluster where none can run. Feed it with POST /replay (one watch event per line);
`GET /api/v1/pods` lists what the events left, `?watch=true` streams what comes after a resourceVersion.
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


OTHERS = ("/api/v1/nodes", "/apis/apps/v1/replicasets", "/apis/batch/v1/jobs")  # always empty


class Recording:
    def __init__(self):
        self.events = []
        self.changed = threading.Condition()

    def add(self, lines):
        with self.changed:
            self.events += [json.loads(line) for line in lines if line.strip()]
            self.changed.notify_all()

    def version(self):
        return max((int(e["object"]["metadata"]["resourceVersion"]) for e in self.events), default=1)

    def pods(self):
        left = {}
        for event in self.events:
            uid = event["object"]["metadata"].get("uid")
            if event["type"] == "DELETED":
                left.pop(uid, None)
            elif event["type"] in ("ADDED", "MODIFIED"):
                left[uid] = event["object"]
        return list(left.values())


RECORDING = Recording()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def _json(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        RECORDING.add(self.rfile.read(int(self.headers["Content-Length"])).decode().splitlines())
        self._json({"events": len(RECORDING.events)})

    def do_GET(self):
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        watch, after = query.get("watch") in ("1", "true"), int(query.get("resourceVersion") or 0)
        if url.path in OTHERS and not watch:
            self._json({"metadata": {"resourceVersion": "1"}, "items": []})
        elif url.path != "/api/v1/pods" and url.path not in OTHERS:
            self._json({"kind": "Status", "status": "Failure", "code": 404}, 404)
        elif url.path == "/api/v1/pods" and watch and after > RECORDING.version():  # of a life before this one
            self._json({"kind": "Status", "status": "Failure", "code": 410}, 410)
        elif watch:
            self._watch(after if url.path == "/api/v1/pods" else sys.maxsize)
        else:
            with RECORDING.changed:
                self._json({"kind": "PodList", "apiVersion": "v1", "items": RECORDING.pods(),
                            "metadata": {"resourceVersion": str(RECORDING.version())}})

    def _watch(self, after):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        sent = 0
        while True:
            with RECORDING.changed:
                while len(RECORDING.events) <= sent:
                    RECORDING.changed.wait()
                fresh, sent = RECORDING.events[sent:], len(RECORDING.events)
            for event in fresh:
                if int(event["object"]["metadata"]["resourceVersion"]) > after:
                    line = json.dumps(event).encode() + b"\n"
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            self.wfile.flush()


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
