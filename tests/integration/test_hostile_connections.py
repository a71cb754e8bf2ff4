"""10,000 idle, slow and hostile connections at once: good webhooks are answered meanwhile, and everything comes back."""

import collections
import contextlib
import http.client
import json
import os
import resource
import selectors
import socket
import time
from pathlib import Path

import pytest
from local.demo import wait_until
from local.process import Process, free_port, http_ok

BIN = Path(os.environ.get("MUSTER_BIN", Path(__file__).resolve().parents[2] / "build/release/bin")).resolve()
HOSTILE = int(os.environ.get("MUSTER_HOSTILE_CONNECTIONS", "10000"))
WAVE, ANSWER_S, GOOD_ROUNDS = 250, 5, 100
BEARER = "right"
EVENT = json.dumps({"events": []}).encode()
HEAD = b"POST /v1/sources/main HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer right\r\nContent-Type: application/json\r\n"
KINDS = {
    "idle": b"",
    "slow head": b"P",
    "half a head": HEAD,
    "huge head": HEAD + b"X-Long: " + b"a" * 60000,
    "endless body": HEAD + b"Content-Length: 1000000\r\n\r\n" + b"{" * 100,
    "endless chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n",
    "half-closed": HEAD + b"Content-Length: 10\r\n\r\n{",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)),
    "garbage": bytes(range(255, -1, -1)) * 4,
}


@pytest.fixture
def ingest(state_root, request):
    """A process without Kafka: what is good goes to the spool."""
    state = state_root / request.node.name[:40]
    state.mkdir()
    (state / "bearer").write_text(BEARER)
    (state / "sources.yaml").write_text(json.dumps({"sources": [
        {"name": "main", "kind": "distribution", "auth": {"bearer_file": str(state / "bearer")}}]}))
    process, port = Process(state, "ingest"), free_port()
    process.start([str(BIN / "muster-ingest"), "run", f"--config={state}/sources.yaml", f"--kafka-brokers=127.0.0.1:{free_port()}",
                   f"--listen=127.0.0.1:{port}", f"--spool-dir={state}/spool"])
    process.wait_ready(lambda: http_ok(f"http://127.0.0.1:{port}/readyz"), 30, "ready")
    yield process, port
    process.stop()


def descriptors(process):
    return len(os.listdir(f"/proc/{process.pid()}/fd"))


def resident_mib(process):
    status = Path(f"/proc/{process.pid()}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


class Crowd:
    """Hostile connections that come back as often as they are closed."""

    def __init__(self, port):
        self.port = port
        self.open = {}
        self.closed = collections.Counter()
        self.selector = selectors.DefaultSelector()
        self.kinds = list(KINDS)
        self.made = 0

    def add(self, count):
        for _ in range(count):
            kind = self.kinds[self.made % len(self.kinds)]
            self.made += 1
            peer = socket.socket()
            peer.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                peer.connect(("127.0.0.1", self.port))
            self.open[peer] = [kind, False]
            self.selector.register(peer, selectors.EVENT_WRITE)

    def _drop(self, peer):
        self.closed[self.open.pop(peer)[0]] += 1
        self.selector.unregister(peer)
        peer.close()

    def _say(self, peer, state):
        state[1] = True
        peer.send(KINDS[state[0]])
        if state[0] == "half-closed":
            peer.shutdown(socket.SHUT_WR)
        self.selector.modify(peer, selectors.EVENT_READ)

    def turn(self):
        """What is connected speaks, what was closed is noticed; nobody waits."""
        for key, _ in self.selector.select(0):
            peer = key.fileobj
            try:
                if not self.open[peer][1]:
                    self._say(peer, self.open[peer])
                elif not peer.recv(4096):
                    self._drop(peer)
            except BlockingIOError:
                pass
            except OSError:
                self._drop(peer)

    def drip(self):
        """One byte more of every slow head."""
        for peer, state in list(self.open.items()):
            if state == ["slow head", True]:
                try:
                    peer.send(b"X")
                except BlockingIOError:
                    pass
                except OSError:
                    self._drop(peer)

    def leave(self):
        for peer in list(self.open):
            self._drop(peer)


def good_webhook(port):
    """Seconds until it is answered 202 on a new connection."""
    begun = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)
    connection.request("POST", "/v1/sources/main", EVENT, {"Authorization": f"Bearer {BEARER}", "Content-Type": "application/json"})
    assert connection.getresponse().status == 202
    connection.close()
    return time.monotonic() - begun


@pytest.fixture
def many_files():
    """The crowd's sockets are ours too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = HOSTILE + 1000
    if hard != resource.RLIM_INFINITY and hard < needed:
        pytest.skip(f"SKIPPED: {needed} open files are more than the hard limit of {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_hostile_connections_do_not_keep_good_webhooks_out(many_files, ingest):
    process, port = ingest
    before, memory_before = descriptors(process), resident_mib(process)
    crowd, took = Crowd(port), []
    try:
        while len(took) < GOOD_ROUNDS or crowd.made < HOSTILE:
            crowd.add(min(WAVE, HOSTILE - len(crowd.open)))
            crowd.turn()
            crowd.drip()
            took.append(good_webhook(port))
        most, memory_most = descriptors(process), resident_mib(process)
        print(f"{crowd.made} hostile connections ({len(crowd.open)} open), closed on them {dict(crowd.closed)}; {len(took)} good webhooks, "
              f"the slowest {max(took) * 1000:.0f} ms; ingest had {most} descriptors and {memory_most:.0f} MiB")
        assert most < 4096 + 256
        assert memory_most < 256
    finally:
        crowd.leave()
    wait_until("descriptors come back", lambda: descriptors(process) <= before + 2 or f"{descriptors(process)}", 60)
    assert good_webhook(port) < ANSWER_S
    print(f"afterwards {descriptors(process)} descriptors (before {before}), {resident_mib(process):.0f} MiB (before {memory_before:.0f})")


def test_slow_heads_are_closed_although_each_byte_is_in_time(ingest):
    process, port = ingest
    before = descriptors(process)
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(5)]

    def all_closed():
        closed = 0
        for peer in slow:
            try:
                peer.send(b"G")
                peer.setblocking(False)
                closed += peer.recv(1) == b""
            except BlockingIOError:
                pass
            except OSError:
                closed += 1
        return closed == len(slow) or f"{closed} are closed"

    wait_until("all are closed", all_closed, 60)
    for peer in slow:
        peer.close()
    wait_until("descriptors come back", lambda: descriptors(process) <= before or f"{descriptors(process)}", 30)
