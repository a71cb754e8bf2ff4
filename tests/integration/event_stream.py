"""A seeded stream of what registries and clusters send: duplicated, shuffled, with some poison in it.

The same seed gives the same events; every time in them lies in the past, so that what is learned from them does
not depend on when they are sent. `Stream.once` is each event once in the order of its time, `Stream.shuffled` what
an unlucky receiver sees.
"""

import dataclasses
import hashlib
import json
import random

from local.services import REGISTRY_NAME

MANIFEST, INDEX = "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"
ENVELOPE = "application/vnd.docker.distribution.events.v2+json"
CLUSTERS = ("east", "west")


@dataclasses.dataclass(frozen=True)
class Event:
    """One event as its sender holds it. `kind` names the receiver; `at` orders it; `stage` is who quarantines it."""
    kind: str  # registry, events, pods
    at: int
    body: str
    stage: str = ""  # "": nobody


@dataclasses.dataclass(frozen=True)
class Request:
    path: str
    content_type: str
    body: bytes
    events: int


def digest_of(*what):
    return "sha256:" + hashlib.sha256("/".join(map(str, what)).encode()).hexdigest()


def uuid_of(*what):
    h = digest_of(*what)[7:]
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-8{h[17:20]}-{h[20:32]}"


def instant(at):
    """Seconds of one month as a timestamp."""
    return f"2024-10-{1 + at // 86400:02d}T{at // 3600 % 24:02d}:{at // 60 % 60:02d}:{at % 60:02d}Z"


class Stream:
    def __init__(self, seed, sends, real=None):
        """`real`: {repository path: [(digest, media type)]} of images that a registry really holds."""
        self.random = random.Random(seed)
        self.real = real or {}
        self.distinct = {}  # body -> Event
        self.paths = [f"team{n % 7}/app{n}" for n in range(24)]
        self.images = {path: [(digest_of(seed, path, n), INDEX if n % 5 == 4 else MANIFEST) for n in range(5)] for path in self.paths}
        for path, images in self.real.items():
            self.images[path] = images
        pods, poison = sends // 12, sends // 60
        for number in range(pods):
            self._pod_life(number)
        for number in range(sends // 20):
            self._watched_pod(number)
        for number in range(poison):
            self._poison(number)
        for path, images in sorted(self.real.items()):
            for number, (digest, media_type) in enumerate(images):
                self._push(path, digest, media_type, f"1.{number}", 100 + number)
        while sum(event.kind != "pods" for event in self.distinct.values()) < sends * 7 // 10:
            self._registry_event()
        self.once = sorted(self.distinct.values(), key=lambda event: (event.at, event.body))
        # As they were made: an API server's versions only grow, and a watch goes on behind the last it saw.
        self.pods = [event for event in self.distinct.values() if event.kind == "pods"]
        sent = [event for event in self.once if event.kind != "pods"]
        self.shuffled = sent + self.random.choices(sent, k=sends - len(sent))
        self.random.shuffle(self.shuffled)

    def _add(self, kind, at, value, stage=""):
        body = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
        self.distinct[body] = Event(kind, at, body, stage)

    # ---- registries ----

    def _notification(self, action, at, target):
        self._add("registry", at, {"id": uuid_of("event", len(self.distinct)), "timestamp": instant(at), "action": action,
                                   "target": target, "request": {"host": REGISTRY_NAME}})

    def _push(self, path, digest, media_type, tag, at):
        target = {"repository": path, "digest": digest, "mediaType": media_type, "size": 500 + int(digest[7:10], 16)}
        self._notification("push", at, {**target, "tag": tag} if tag else target)

    def _registry_event(self):
        path = self.random.choice(list(self.images))
        digest, media_type = self.random.choice(self.images[path])
        at, dice = self.random.randrange(28 * 86400), self.random.random()
        tag = self.random.choice(("1.0", "1.1", "2.0", "latest", None))
        if dice < 0.85:
            self._push(path, digest, media_type, tag, at)
        elif dice < 0.93:
            self._notification("delete", at, {"repository": path, "tag": tag or "2.0"})
        else:
            self._notification("delete", at, {"repository": path, "digest": digest})

    # ---- clusters ----

    def _image(self):
        path = self.random.choice(list(self.images))
        digest, _ = self.random.choice(self.images[path])
        tag = self.random.choice((None, "1.0", "1.1", "2.0"))
        return f"{REGISTRY_NAME}/{path}", tag, digest

    def _workload(self, number, step, at, action, containers):
        cluster, uid = CLUSTERS[number % 2], uuid_of("pod", number)
        data = {"source": "sender", "source_kind": "cloudevents", "source_event_id": f"{uid}/{step}", "action": action,
                "occurred_at": instant(at), "received_at": instant(at), "cluster": cluster, "namespace": f"ns{number % 5}",
                "pod": f"app-{number}", "pod_uid": uid, "containers": containers}
        if step > 0:  # not yet known when the pod appears
            data |= {"node": f"node{number % 9}", "platform": "linux/amd64", "owner_kind": "ReplicaSet", "owner_name": f"app{number % 50}"}
        self._add("events", at, self._cloudevent("muster.workload-event.v1", f"{uid}/{step}", data))

    @staticmethod
    def _cloudevent(kind, name, data):
        return {"specversion": "1.0", "id": name, "source": "/sender/a", "type": kind, "data": data}

    def _container(self, number, name, run, started, finished=None):
        repository, tag, digest = self._image()
        return {"name": name, "kind": "container", "image": f"{repository}:{tag or 'latest'}" if tag else f"{repository}@{digest}",
                "image_id": f"{repository}@{digest}", "repository": repository, "digest": digest, **({"tag": tag} if tag else {}),
                "container_id": f"containerd://{digest_of('run', number, name, run)[7:]}", "started_at": instant(started),
                "state": "terminated" if finished else "running", **({"finished_at": instant(finished)} if finished else {})}

    def _pod_life(self, number):
        """Appears, runs, perhaps starts again, perhaps goes."""
        at = self.random.randrange(20 * 86400)
        waiting = {"name": "app", "kind": "container", "image": f"{REGISTRY_NAME}/team0/app0:1.0", "state": "waiting"}
        first = self._container(number, "app", 0, at + 10)
        self._workload(number, 0, at, "observed", [waiting])
        self._workload(number, 1, at + 10, "observed", [first])
        if self.random.random() < 0.5:
            ended = {**first, "state": "terminated", "finished_at": instant(at + 4000)}
            self._workload(number, 2, at + 4010, "observed", [ended, {**self._container(number, "app", 1, at + 4010)}])
        if self.random.random() < 0.4:
            self._workload(number, 3, at + 86400, "removed", [])

    def _watched_pod(self, number):
        """As a cluster's watch tells it; once, since a watch that begins again tells a pod's last version only."""
        repository, tag, digest = self._image()
        at = self.random.randrange(28 * 86400)
        image = f"{repository}:{tag or '1.0'}"
        status = {"name": "main", "image": image, "imageID": f"{repository}@{digest}", "restartCount": 0,
                  "containerID": f"containerd://{digest_of('watched', number)[7:]}", "state": {"running": {"startedAt": instant(at)}}}
        self._add("pods", at, {"type": "ADDED", "object": {
            "kind": "Pod", "metadata": {"name": f"watched-{number}", "namespace": "prod", "uid": uuid_of("watched", number),
                                        "resourceVersion": str(1000 + number), "creationTimestamp": instant(at)},
            "spec": {"nodeName": "node-amd64-1", "containers": [{"name": "main", "image": image}]},
            "status": {"phase": "Running", "containerStatuses": [status]}}})

    # ---- what must be quarantined ----

    def _poison(self, number):
        at = self.random.randrange(28 * 86400)
        target = {"repository": f"poison/{number}", "digest": digest_of("poison", number), "mediaType": MANIFEST, "size": 7}
        whole = {"id": uuid_of("poison", number), "timestamp": instant(at), "action": "push", "target": target,
                 "request": {"host": REGISTRY_NAME}}
        push = {"source": "sender", "source_kind": "cloudevents", "source_event_id": f"poison/{number}", "action": "push",
                "occurred_at": instant(at), "received_at": instant(at), "repository": f"{REGISTRY_NAME}/poison/{number}"}
        kinds = [("registry", {**whole, "action": f"explode{number}"}, "ingest"),
                 ("registry", {**whole, "target": {**target, "digest": f"sha256:{number}"}}, "ingest"),
                 ("registry", {**whole, "target": {**target, "tag": f"no tag {number}"}}, "ingest"),
                 ("events", self._cloudevent("com.example.other.v1", f"other/{number}", {"n": number}), "ingest"),
                 ("events", self._cloudevent("muster.registry-event.v1", f"push/{number}", push), "inventory")]
        kind, value, stage = kinds[number % len(kinds)]
        self._add(kind, at, value, stage)

    # ---- requests ----

    def requests(self, events, most=4):
        """Requests of at most `most` events, neighbours of one kind together."""
        waiting = []
        for event in events:
            if waiting and (len(waiting) >= self.random.randint(1, most) or waiting[0].kind != event.kind):
                yield self._request(waiting)
                waiting = []
            waiting.append(event)
        if waiting:
            yield self._request(waiting)

    @staticmethod
    def _request(events):
        bodies = ",".join(event.body for event in events)
        if events[0].kind == "registry":
            return Request("/v1/sources/registry", ENVELOPE, f'{{"events":[{bodies}]}}'.encode(), len(events))
        return Request("/v1/sources/events", "application/cloudevents-batch+json", f"[{bodies}]".encode(), len(events))

    def count(self, stage):
        return sum(event.stage == stage for event in self.distinct.values())
