"""The slow reference: what is known from a set of events, computed by looking through all of them for every question.

Written from the design and the message schemas, not from the database: plain lists, no index, no state kept between questions.
Its rules, where a choice had to be made:

  names      A push of an image (not of an attestation, config or blob) and a container that ran or is wanted name an asset:
             repository and tag, else repository and digest. A name by digest is listed while no tag of the repository reaches it,
             and only if something ran under it or it is neither part of something else nor no image at all.
  contents   Sources that disagree on what a digest is: the highest of unknown, blob, config, manifest, index, attestation.
  tags       A tag points at what was said last; equal instants are ordered by event id. It points nowhere after its own
             deletion and after that of the manifest. A push at the instant of a deletion comes after it.
  clocks     What a source dates more than five minutes after it was received was when it was received.
  runs       One per container id (else start, else all in one). It starts when the runtime says so, else at first sight; it ends at
             the first of: its finish, the next start in the container, the removal of its pod. It never ends before it starts.
  manifests  Whatever the runtime reports resolves to the platform manifests behind it: those that fit the node's platform,
             else all.
  pinned     A container without a tag is called by the tag that reached its digest: versions before floating tags, then
             those that did at its start, then the newest.
  coverage   excluded, unresolved (no digest), covered (complete scan under its name within 30 days), not_in_registry, scan_expired,
             unresolved (of an attestation, which nobody scans), scan_failed, never_scanned (something explains the digest), unresolved:
             the first that holds.
             It is so since the last change, but not before the run began.
"""

import hashlib
from collections import defaultdict

DAY = 24 * 3600 * 10**6
WINDOW = 30 * DAY
TOLERANCE = 5 * 60 * 10**6
RANKS = ["unknown", "blob", "config", "manifest", "index", "attestation"]
WORST_LAST = ["excluded", "covered", "scan_expired", "scan_failed", "never_scanned", "not_in_registry", "unresolved"]
FLOATING = {"latest", "edge", "main", "master", "stable", "dev", "nightly", "head"}
DEEPEST = 4
SOURCE = "/model"


def stable_id(domain, *parts):
    """A UUID that is the same for the same words."""
    raw = bytearray(hashlib.sha256(b"".join(part.encode() + b"\0" for part in (domain, *parts))).digest()[:16])
    raw[6], raw[8] = raw[6] & 0x0F | 0x80, raw[8] & 0x3F | 0x80
    text = raw.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def greatest(words):
    """The greatest that is there, else None."""
    return max((word for word in words if word is not None), default=None)


def earliest(instants):
    return min((at for at in instants if at is not None), default=None)


def believed(body):
    """An event of a registry or cluster with the times that it can be of; `told_start` names a run without a container id."""
    def happened(said):
        return {word: body["received_at"] if said[word] > body["received_at"] + TOLERANCE else said[word]
                for word in ("occurred_at", "started_at", "finished_at") if word in said}
    containers = [{**one, **happened(one), "told_start": one.get("started_at")} for one in body.get("containers", ())]
    return {**body, **happened(body), "containers": containers}


class Known:
    """Events are (event id, kind, body); kinds: registry, workload, scan, exclusion. Times are integers."""

    def __init__(self, events):
        of_kind = defaultdict(list)
        for event_id, kind, body in events:
            of_kind[kind].append((event_id, body))
        self.registry, self.workloads = ([(event_id, believed(body)) for event_id, body in of_kind[kind]] for kind in ("registry", "workload"))
        self.scans, self.exclusions = of_kind["scan"], of_kind["exclusion"]
        self.statements = self._statements()
        self.edges = {(body["digest"], child["digest"], child.get("platform") or "")
                      for _, body in self.scans for child in body.get("children") or ()}
        self.presence = self._presence()
        self.intervals = self._tag_intervals()
        self.tagged = {(body["repository"], body["digest"]) for _, body in self.registry
                       if body["action"] == "push" and body.get("tag") and body.get("digest")}
        self.containers = self._runs()
        self.names = self._names()

    # ---- contents ----

    def _statements(self):
        """digest -> [(kind, platform, config)]"""
        said = defaultdict(list)
        for _, body in self.registry:
            if body["action"] == "push":
                said[body["digest"]].append((body.get("digest_kind") or "unknown", None, None))
        outcomes = {"complete": "manifest", "resolved": "index", "not_scannable": "attestation"}
        for _, body in self.scans:
            kind = outcomes.get(body["outcome"], body.get("digest_kind"))
            if kind:
                said[body["digest"]].append((kind, body.get("platform"), body.get("config_digest")))
                if body.get("config_digest"):
                    said[body["config_digest"]].append(("config", None, None))
            for child in body.get("children") or ():
                said[child["digest"]].append((child["kind"], child.get("platform"), None))
        return said

    def kind(self, digest):
        return max((kind for kind, _, _ in self.statements.get(digest, ())), key=RANKS.index, default=None)

    def digests(self):
        return {(digest, self.kind(digest), greatest(platform for _, platform, _ in said), greatest(config for _, _, config in said))
                for digest, said in self.statements.items()}

    def _with_config(self, config):
        return {digest for digest, said in self.statements.items() if any(one[2] == config for one in said)}

    def ancestors(self, digest):
        """Itself, the manifests that have it for a config, and every index over one of these."""
        found = level = {digest} | self._with_config(digest)
        for _ in range(DEEPEST):
            level = {parent for parent, child, _ in self.edges if child in level}
            found = found | level
        return found

    def manifests(self, digest, node):
        """{(manifest, platform)} behind what a runtime reported."""
        paths = level = {(digest, "")}
        for _ in range(DEEPEST):
            level = {(child, platform or above) for holder, above in level for parent, child, platform in self.edges if parent == holder}
            paths = paths | level
        paths = paths | {(manifest, "") for manifest in self._with_config(digest)}
        platforms = defaultdict(set)
        for found, path in paths:
            if self.kind(found) == "manifest":
                platforms[found] |= {path} if path else {platform or "" for _, platform, _ in self.statements[found]}
        every = {(found, max(words)) for found, words in platforms.items()}
        fitting = {(found, word) for found, word in every if node and self._fits(word, node)}
        return fitting or every

    @staticmethod
    def _fits(one, other):
        return one == other or one.startswith(other + "/") or other.startswith(one + "/")

    # ---- registry ----

    def _presence(self):
        """(repository, digest) -> [(at, event id, pushed or pulled or deleted or missing)] in order"""
        said = defaultdict(list)
        for event_id, body in self.registry:
            place = (body["repository"], body.get("digest"))
            if body["action"] == "push":
                said[place].append((body["occurred_at"], event_id, "pushed"))
            elif body.get("digest") and not body.get("tag"):
                said[place].append((body["occurred_at"], event_id, "deleted"))
        for event_id, body in self.scans:
            place = (body["repository"], body["digest"])
            if body["outcome"] in ("complete", "resolved"):
                said[place].append((body["finished_at"], event_id, "pulled"))
            elif body["outcome"] == "failed" and body["failure"]["code"] == "manifest_missing":
                said[place].append((body["finished_at"], event_id, "missing"))
        return {place: sorted(words) for place, words in said.items()}

    def presence_at(self, repository, digest, as_of):
        """The last word, or None."""
        words = [word for word in self.presence.get((repository, digest), ()) if word[0] <= as_of]
        return words[-1] if words else None

    def registry_digests(self, as_of):
        rows = set()
        for (repository, digest), words in self.presence.items():
            if (last := self.presence_at(repository, digest, as_of)):
                pushed = earliest(at for at, _, word in words if word == "pushed" and at <= as_of)
                rows.add((repository, digest, last[2], last[0], pushed))
        return rows

    def _tag_intervals(self):
        """[(repository, tag, digest, from, to)]; deletions of manifests sort before what is said at the same instant."""
        said = defaultdict(list)
        for event_id, body in self.registry:
            if body.get("tag"):
                pointed = body.get("digest") if body["action"] == "push" else None
                said[body["repository"], body["tag"]].append((body["occurred_at"], 1, event_id, pointed))
        rows = []
        for (repository, tag), words in said.items():
            gone = [(at, 0, digest, None) for (place, digest), told in self.presence.items() if place == repository
                    for at, _, word in told if word == "deleted"]
            current = None
            for at, is_word, what, pointed in sorted(words + gone, key=lambda one: one[:3]):
                ends = current and (pointed != current[0] if is_word else what == current[0])
                if ends:
                    rows.append((repository, tag, *current, at))
                    current = None
                if is_word and pointed and current is None:
                    current = (pointed, at)
            if current:
                rows.append((repository, tag, *current, None))
        return rows

    # ---- workloads ----

    def _told(self):
        """(workload, container, told to run) of every container in every event."""
        for event_id, body in self.workloads:
            for container in body["containers"]:
                yield body, container, body["action"] != "declared" and container["state"] != "waiting"

    def pods(self):
        rows = {}
        for _, body in self.workloads:
            if body["action"] != "declared":
                rows.setdefault((body["cluster"], body["pod_uid"]), []).append(body)
        return {pod: {**{word: greatest(body.get(word) for body in said)
                         for word in ("namespace", "pod", "owner_kind", "owner_name", "node", "platform")},
                      "removed_at": earliest(body["occurred_at"] for body in said if body["action"] == "removed")}
                for pod, said in rows.items()}

    def _runs(self):
        """[run] with instance, key, image, image_id, repository, tag, digest, start, end."""
        said, pods = defaultdict(list), self.pods()
        for body, container, told in self._told():
            if told:
                key = container.get("container_id") or container.get("told_start") or "unknown"
                said[(body["cluster"], body["pod_uid"], container["name"]), key].append((body["occurred_at"], container))
        instances = defaultdict(list)
        for (instance, key), words in said.items():
            containers = [container for _, container in words]
            reported = [one for one in containers if one.get("image_id")]
            run = {"instance": instance, "key": key, "finish": earliest(self._finish(at, one) for at, one in words)}
            for word in ("image", "image_id", "tag"):
                run[word] = greatest(one.get(word) for one in containers)
            for word in ("repository", "digest"):
                run[word] = greatest(one.get(word) for one in reported) or greatest(one.get(word) for one in containers)
            run["start"] = earliest(one.get("started_at") for one in containers)
            if run["start"] is None:
                run["start"] = earliest(at for at, _ in words)
            instances[instance].append(run)
        runs = []
        for instance, own in instances.items():
            own.sort(key=lambda run: (run["start"], str(run["key"])))
            for run, following in zip(own, [*own[1:], None], strict=True):
                end = earliest((run["finish"], following and following["start"], pods[instance[:2]]["removed_at"]))
                run["end"] = end if end is None else max(end, run["start"])
                runs.append(run)
        return runs

    @staticmethod
    def _finish(seen_at, container):
        if container["state"] == "running":
            return None
        return seen_at if container.get("finished_at") is None else container["finished_at"]

    def _kinds(self):
        """Of two words for one container, a mistake of the sources, the greatest."""
        found = defaultdict(str)
        for body, container, _ in self._told():
            if body["action"] != "declared":
                instance, word = (body["cluster"], body["pod_uid"], container["name"]), container["kind"]
                found[instance] = max(found[instance], "regular" if word == "container" else word)
        return found

    def running(self, as_of):
        """Each container once."""
        newest = {}
        for run in self.containers:
            if run["start"] <= as_of and (run["end"] is None or run["end"] > as_of):
                newest[run["instance"]] = run
        return list(newest.values())

    # ---- names ----

    def _names(self):
        """{(repository, tag or None, digest or None): digests it was told to be}"""
        found = defaultdict(set)
        for _, body in self.registry:
            if body["action"] == "push" and (body.get("digest_kind") or "unknown") in ("unknown", "index", "manifest"):
                self._name(found, body["repository"], body.get("tag"), body["digest"])
        for body, container, told in self._told():
            if (told or body["action"] == "declared") and container.get("repository"):
                self._name(found, container["repository"], container.get("tag"), container.get("digest"))
        return found

    @staticmethod
    def _name(found, repository, tag, digest):
        if tag:
            found[repository, tag, None] |= {digest} - {None}
        elif digest:
            found[repository, None, digest] |= set()

    def _is_live(self, repository, tag, digest):
        if tag:
            return True
        above = self.ancestors(digest)
        if any((repository, one) in self.tagged for one in above):
            return False
        if any(told and one.get("repository") == repository and not one.get("tag") and one.get("digest") == digest for _, one, told in self._told()):
            return True
        return above == {digest} and not {kind for kind, _, _ in self.statements.get(digest, ())} & {"attestation", "blob"}

    def assets(self):
        return {(f"{repository}:{tag}" if tag else f"{repository}@{digest}", tag in FLOATING, tuple(sorted(was)))
                for (repository, tag, digest), was in self.names.items() if self._is_live(repository, tag, digest)}

    def pinned_name(self, run, as_of):
        above = self.ancestors(run["digest"])
        reaching = [(tag in FLOATING, not (start <= run["start"] and (end is None or end > run["start"])), -start, tag)
                    for repository, tag, digest, start, end in self.intervals
                    if repository == run["repository"] and digest in above and start <= as_of and (repository, tag, None) in self.names]
        return f"{run['repository']}:{min(reaching)[3]}" if reaching else f"{run['repository']}@{run['digest']}"

    def uai(self, run, as_of):
        if not run["repository"] or not (run["tag"] or run["digest"]):
            return None
        return f"{run['repository']}:{run['tag']}" if run["tag"] else self.pinned_name(run, as_of)

    # ---- coverage ----

    def _scans_of(self, digest, name, outcome, as_of):
        """[(finish, event id, reason)] of scans that carry the name, oldest first; of equal ones the least id is the last."""
        found = []
        for event_id, body in self.scans:
            if body["digest"] == digest and name in body["uais"] and body["finished_at"] <= as_of:
                told = body.get("failure") or {"code": "evidence_missing", "message": "the scanner's evidence is not in the evidence store"}
                lost = body["outcome"] == "complete" and body.get("evidence_is_missing", False)
                if (body["outcome"] == "failed" or lost) == (outcome == "failed") and body["outcome"] in ("complete", "failed"):
                    found.append((body["finished_at"], event_id, f"{told['code']}: {told['message']}"))
        found.sort(key=lambda one: one[1], reverse=True)
        return sorted(found, key=lambda one: one[0])

    def _exclusion(self, name, as_of):
        holding = [(-body["valid_from"], event_id, body) for event_id, body in self.exclusions if body["uai"] == name
                   and body["valid_from"] <= as_of and (body["valid_to"] is None or body["valid_to"] > as_of)]
        return min(holding, key=lambda one: one[:2])[1:] if holding else None

    def state(self, repository, digest, manifest, name, as_of):
        """(state, reason, expires at, event behind it) of an image under a name."""
        target = manifest or digest
        if (excluded := self._exclusion(name, as_of)):
            return "excluded", excluded[1]["reason"], excluded[1]["valid_to"], excluded[0]
        if digest is None:
            return "unresolved", "the runtime reported no digest", None, None
        complete, failed = (self._scans_of(target, name, outcome, as_of) for outcome in ("complete", "failed"))
        last = self.presence_at(repository, target, as_of)
        if complete and complete[-1][0] >= as_of - WINDOW:
            return "covered", None, complete[-1][0] + WINDOW, complete[-1][1]
        if last and last[2] in ("missing", "deleted"):
            why = "the registry deleted it" if last[2] == "deleted" else "the registry does not have it"
            return "not_in_registry", why, None, last[1]
        if complete:
            return "scan_expired", "the last complete scan is older than 30 days", complete[-1][0] + WINDOW, complete[-1][1]
        if not manifest and self.kind(target) == "attestation":
            return "unresolved", "the digest is of an attestation or signature, not of an image", None, None
        if failed:
            return "scan_failed", failed[-1][2], None, failed[-1][1]
        if manifest or last:
            return "never_scanned", "no scan of it under this name yet", None, None
        return "unresolved", "no registry event or scan explains the digest", None, None

    def _changes(self, repository, target, name):
        """{instant at which the state of an image may change: what is shown for it}; a scan covers its last instant too."""
        found = dict.fromkeys(at for at, _, _ in self.presence.get((repository, target), ()))
        for _, body in self.exclusions:
            if body["uai"] == name:
                found |= dict.fromkeys(at for at in (body["valid_from"], body["valid_to"]) if at is not None)
        found = {at: at for at in found}
        for _, body in self.scans:
            if body["digest"] == target and name in body["uais"]:
                found.setdefault(body["finished_at"] + WINDOW + 1, body["finished_at"] + WINDOW)
                found[body["finished_at"]] = body["finished_at"]
        return found

    def since(self, run, manifest, name, state, as_of):
        """Goes back over every change to the one before which it was not so."""
        changes = self._changes(run["repository"], manifest or run["digest"], name)
        for at in sorted((at for at in changes if at <= as_of), reverse=True):
            if self.state(run["repository"], run["digest"], manifest, name, at - 1)[0] != state:
                return max(changes[at], run["start"])
        return run["start"]

    def coverage(self, as_of):
        """[(run, kind, name, manifest or None, platform or None, state, reason, since, expires at, event)] per container and manifest."""
        rows, pods, kinds = [], self.pods(), self._kinds()
        for run in self.running(as_of):
            name = self.uai(run, as_of) or run["image"]
            node = pods[run["instance"][:2]]["platform"]
            for manifest, platform in (run["digest"] and self.manifests(run["digest"], node)) or {(None, None)}:
                state, reason, expires, event = self.state(run["repository"], run["digest"], manifest, name, as_of)
                since = self.since(run, manifest, name, state, as_of)
                rows.append((run, kinds[run["instance"]], name, manifest, platform or None, state, reason, since, expires, event))
        return rows
