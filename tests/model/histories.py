"""Random histories of small fleets: what a registry, a cluster and scanners may say, true or not, and when it arrives.

A history lives under a number that is part of all of its names (hosts, clusters, digests, event ids), so that many share a
database. The same seed gives the same history. Instants lie close together on purpose: ties, edges of the 30-day window, skewed clocks
and events out of the future must occur.
"""

import hashlib
import json
import random
from dataclasses import dataclass

from reference import DAY, SOURCE, stable_id

MINUTE = 60 * 10**6
EPOCH = 1793491200 * 10**6  # 2026-11-01T00:00:00Z
ROUNDS = 3
NEAR = [EPOCH + minutes * MINUTE for minutes in (0, 1, 2, 3, 5, 8, 13, 21)]
LATER = [EPOCH + days * DAY for days in (1, 10, 29, 30, 31, 33, 45, 60)]
EDGES = [EPOCH + 30 * DAY + 2 * MINUTE, EPOCH + 30 * DAY + 2 * MINUTE + 1]
QUESTIONS = [EPOCH + 3 * MINUTE, EPOCH + 9 * MINUTE, EPOCH + 10 * DAY, *EDGES, EPOCH + 46 * DAY, EPOCH + 75 * DAY]
FUTURE = EPOCH + 400 * DAY
TAGS = ("1.0", "1.1", "latest")


@dataclass(frozen=True)
class Event:
    number: int
    kind: str  # registry, workload, scan, exclusion
    body: dict
    arrival: int  # round of the first time it comes


@dataclass(frozen=True)
class History:
    number: int
    events: tuple

    @property
    def name(self):
        return name_of(self.number)

    def ce_id(self, event):
        return f"{self.name}-{event.number}"

    def event_id(self, event):
        if event.kind == "exclusion":
            return stable_id("exclusion", self.ce_id(event))
        return stable_id("muster.event", SOURCE, self.ce_id(event))

    def known(self, last_round=ROUNDS):
        """What the reference is told: each event once."""
        return [(self.event_id(event), event.kind, event.body) for event in self.events if event.arrival <= last_round]

    def renumbered(self, number, events=None):
        """The same, or only some of its events, under another number."""
        new = name_of(number)
        return History(number, tuple(Event(e.number, e.kind, json.loads(json.dumps(e.body).replace(self.name, new)), e.arrival)
                                     for e in (self.events if events is None else events)))


def name_of(number):
    return f"{number:08x}"


class World:
    """The things a history is about, and a source of chance."""

    def __init__(self, number, seed):
        self.name, self.chance = name_of(number), random.Random(seed)
        self.repositories = [f"h{self.name}.example/{path}" for path in ("app", "web")[:self.chance.choice((1, 1, 2))]]
        self.manifests = {"m1": ("linux/amd64", "c1"), "m2": ("linux/arm64/v8", "c2"), "m3": ("linux/amd64", "c3"), "m4": (None, "c1")}
        self.indexes = {"i1": ["m1", "m2", "t1"], "n1": ["i1", "m3"]}
        self.events = []
        self.favourite = self.spec()  # runs in several places

    def maybe(self, probability):
        return self.chance.random() < probability

    def pick(self, *choices):
        return self.chance.choice(choices)

    def digest(self, word):
        return f"sha256:{self.name}{hashlib.sha256(word.encode()).hexdigest()[8:]}"

    def instant(self):
        if self.maybe(0.04):
            return FUTURE
        at = self.chance.choice(NEAR if self.maybe(0.7) else LATER)
        return at + (self.pick(-90, 90, 1) * 10**6 if self.maybe(0.1) else 0)

    def received(self, at):
        """When what is dated so came: then, late, or before it happened, for clocks differ."""
        if at == FUTURE and self.maybe(0.5):
            return self.chance.choice(NEAR)
        return at + (self.pick(-20, -6, -5, -4, 3) * MINUTE if self.maybe(0.15) else 0)

    def image(self):
        """A word for something that can be run."""
        return self.pick("m1", "m1", "m2", "m3", "m4", "i1", "i1", "n1", "t1")

    def add(self, kind, body):
        self.events.append((kind, {name: value for name, value in body.items() if value is not None or name == "valid_to"}))

    # ---- registries ----

    def kind_of(self, word):
        if self.maybe(0.05):  # a liar
            return self.pick("manifest", "index", "attestation", "config", "blob")
        true = {"m": "manifest", "i": "index", "n": "index", "t": "attestation"}[word[0]]
        return self.pick(true, true, "unknown", None)

    def add_registry(self):
        at, repository = self.instant(), self.chance.choice(self.repositories)
        word = self.image()
        event = {"source": "registry", "source_kind": "distribution", "source_event_id": "x", "occurred_at": at,
                 "received_at": self.received(at), "repository": repository, "action": "push", "reconcile": self.pick(None, None, True)}
        if self.maybe(0.75):
            event |= {"tag": self.pick(*TAGS, None), "digest": self.digest(word), "digest_kind": self.kind_of(word)}
        elif self.maybe(0.5):
            event |= {"action": "delete", "tag": self.pick(*TAGS), "digest": self.pick(None, None, self.digest(word))}
        else:
            event |= {"action": "delete", "digest": self.digest(word)}
        self.add("registry", event)

    # ---- scanners ----

    def uais(self, repository, word):
        names = {f"{repository}:{tag}" for tag in TAGS if self.maybe(0.6)}
        if self.maybe(0.3):
            names.add(f"{repository}@{self.digest(word)}")
        if self.maybe(0.1):
            names.add(f"{repository}@{self.digest('c1')}")
        return sorted(names)

    def children(self, word):
        held = list(self.indexes.get(word, ["m1"]))
        if self.maybe(0.1):  # other contents under one digest
            held = self.chance.sample(["m1", "m2", "m3", "m4", "i1", "t1"], 2)
        return [{"digest": self.digest(child), "kind": {"m": "manifest", "i": "index", "t": "attestation"}[child[0]],
                 **({"platform": self.manifests[child][0]} if child in self.manifests and self.manifests[child][0] and self.maybe(0.9) else {})}
                for child in held]

    def add_scan(self, word=None):
        word, repository, at = word or self.image(), self.chance.choice(self.repositories), self.instant()
        if word[0] == "m" and self.maybe(0.1):
            word = "c" + word[1]  # a runtime's digest was asked about
        result = {"request_id": "r", "job_id": "j", "attempt": 1, "repository": repository, "digest": self.digest(word),
                  "uais": self.uais(repository, word), "scanner_name": "muster-scanner", "scanner_version": "1",
                  "configuration_checksum": "sha256:" + "c" * 64, "started_at": at - MINUTE, "finished_at": at}
        if self.maybe(0.25) or word[0] == "c":
            code = self.pick("manifest_missing", "manifest_missing", "limit", "layer_missing")
            result |= {"outcome": "failed", "digest_kind": self.pick(None, None, "manifest"),
                       "failure": {"code": code, "message": "why", "retryable": self.maybe(0.5)}}
        elif word[0] in "in":
            result |= {"outcome": "resolved", "children": self.children(word)}
        elif word[0] == "t":
            result |= {"outcome": "not_scannable"}
        else:
            platform, config = self.manifests[word]
            result |= {"outcome": "complete", "platform": platform if self.maybe(0.8) else None,
                       "config_digest": self.digest(config) if self.maybe(0.8) else None, "evidence_is_missing": self.maybe(0.05) or None}
        self.add("scan", result)

    # ---- clusters ----

    def add_pod(self, number):
        """Sightings of one pod, and perhaps its end: removed, evicted, or found missing in a listing."""
        uid = f"{self.name}-p{number}"
        pod = {"source": "cluster", "source_kind": "kubernetes", "source_event_id": "x", "cluster": f"k{self.name}",
               "namespace": self.pick("default", "prod"), "pod": f"pod-{number}", "pod_uid": uid}
        facts = {"platform": self.pick(None, "linux/amd64", "linux/amd64", "linux/arm64", "linux/s390x"), "node": self.pick("n1", "n2"),
                 "owner_kind": "ReplicaSet", "owner_name": self.pick("web", "db")}
        names = [("main", "container")] + [one for one in (("setup", "init"), ("proxy", "sidecar"), ("debug", "ephemeral")) if self.maybe(0.2)]
        specs = {name: self.favourite if self.maybe(0.35) else self.spec() for name, _ in names}
        for _ in range(self.pick(1, 1, 2, 2, 3, 4)):
            at = self.instant()
            containers = [self.container(name, kind, specs[name], uid, at) for name, kind in names if self.maybe(0.8)]
            known = facts if self.maybe(0.8) else {}
            self.add("workload", {**pod, **known, "occurred_at": at, "received_at": self.received(at), "containers": containers,
                                  "action": "declared" if self.maybe(0.04) else "observed"})
        if self.maybe(0.35):
            at = self.instant()
            self.add("workload", {**pod, "occurred_at": at, "received_at": self.received(at), "containers": [], "action": "removed",
                                  "reconcile": self.pick(None, True)})
        return pod, facts

    def spec(self):
        """How a container names its image, and what its runtime reports."""
        word, tag = self.image(), self.pick(*TAGS, None, None)
        reported = self.pick(word, word, "m1", "c1", None)
        repository = self.pick(*self.repositories, *self.repositories, *self.repositories, None)
        return {"repository": repository, "tag": tag if repository else None, "word": reported, "asked": word}

    def container(self, name, kind, spec, uid, at):
        state = self.pick("running", "running", "running", "terminated", "waiting")
        run = self.pick(1, 1, 1, 2, 3)
        started = NEAR[0] + run * self.pick(2, 2, 2, 3) * MINUTE
        body = {"name": name, "kind": kind if self.maybe(0.94) else "container", "state": state, "image": spec["repository"] or f"{self.name}-built-here"}
        if state != "waiting" or self.maybe(0.3):
            body |= {"container_id": f"containerd://{uid}-{name}-{run}" if self.maybe(0.85) else None,
                     "started_at": started if self.maybe(0.9) else None}
        if state == "terminated" and self.maybe(0.8):
            body["finished_at"] = started + self.pick(-1, 0, 1, 5, 12) * MINUTE
        body |= {"repository": spec["repository"], "tag": spec["tag"]}
        if spec["word"] and self.maybe(0.9):
            body |= {"digest": self.digest(spec["word"]), "image_id": f"{spec['repository']}@{self.digest(spec['word'])}"}
        elif self.maybe(0.3):
            body["digest"] = self.digest(spec["asked"])
        return {word: value for word, value in body.items() if value is not None}

    def lose(self, pods):
        """A node or a whole cluster goes: a listing finds its pods missing."""
        at, node = self.instant(), self.pick("n1", "n2", None)
        for pod, facts in pods:
            if node in (None, facts["node"]):
                self.add("workload", {**pod, "occurred_at": at, "received_at": self.received(at), "containers": [], "action": "removed",
                                      "reconcile": True})

    def exclude(self):
        start = self.instant()
        repository = self.chance.choice(self.repositories)
        name = self.pick(f"{repository}:1.0", f"{repository}:1.1", f"{repository}@{self.digest('m1')}", f"{self.name}-built-here")
        end = start + self.pick(3 * MINUTE, 20 * DAY)
        self.add("exclusion", {"uai": name, "valid_from": start, "valid_to": self.pick(None, end), "reason": self.pick("why", "for now"),
                               "author": self.name})


def generate(number, seed):
    world = World(number, seed)
    for _ in range(world.chance.randint(1, 6)):
        world.add_registry()
    pods = [world.add_pod(pod) for pod in range(world.pick(1, 1, 2, 3))]
    for _ in range(world.chance.randint(1, 6)):
        world.add_scan()
    for _ in range(world.pick(0, 0, 3)):
        world.add_scan("m1")  # what it has comes and goes
    if world.maybe(0.15):
        world.lose(pods)
    for _ in range(world.pick(0, 0, 1, 2)):
        world.exclude()
    return History(number, tuple(_arrivals(world)))


def _arrivals(world):
    """Mostly in the order of their instants; some late, some at random."""
    order = sorted(range(len(world.events)), key=lambda place: _occurred(world.events[place][1]))
    for rank, place in enumerate(order):
        arrival = 1 + rank * ROUNDS // len(order) if world.maybe(0.7) else world.chance.randint(1, ROUNDS)
        yield Event(place, *world.events[place], arrival)


def _occurred(body):
    return body.get("occurred_at") or body.get("finished_at") or body.get("valid_from")


def shuffled(history, seed):
    """[[event]] by round: everything once or twice, in any order; a second pass over the same events."""
    chance, rounds = random.Random(seed), [[] for _ in range(ROUNDS)]
    for event in history.events:
        for _ in range(chance.choice((1, 1, 2))):
            rounds[chance.randrange(ROUNDS)].append(event)
    for arrived in rounds:
        chance.shuffle(arrived)
    return rounds
