"""Senders as they are: each sends its request again until it is told 202, whatever happens meanwhile."""

import collections
import http.client
import threading

from local.demo import wait_until

RETRY_S = 0.05


def post(connection, bearer, path, content_type, body):
    """Status, or the name of what went wrong."""
    try:
        connection.request("POST", path, body, {"Content-Type": content_type, "Authorization": f"Bearer {bearer}"})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return type(error).__name__


class Senders:
    """Some threads over one queue of requests. Only as many events as were released are sent."""

    def __init__(self, port, bearer, requests, threads=3):
        self.port, self.bearer = port, bearer
        self.requests = collections.deque(requests)
        self.total = sum(request.events for request in self.requests)
        self.released = self.acknowledged = 0
        self.answers = collections.Counter()
        self.changed = threading.Condition()
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]
        for thread in self.threads:
            thread.start()

    def release(self, events=None):
        with self.changed:
            self.released = self.total if events is None else min(self.total, self.released + events)
            self.changed.notify_all()

    def wait_acknowledged(self, events, timeout_s=120):
        wait_until(f"{events} of {self.total} events acknowledged",
                   lambda: self.acknowledged >= min(events, self.total) or f"{self.acknowledged}, answers {dict(self.answers)}", timeout_s)

    def stop(self):
        self.stopped.set()
        with self.changed:
            self.changed.notify_all()
        for thread in self.threads:
            thread.join()

    def _take(self):
        with self.changed:
            while not self.stopped.is_set() and self.requests and self.released <= 0:
                self.changed.wait()
            if self.stopped.is_set() or not self.requests:
                return None
            request = self.requests.popleft()
            self.released -= request.events
            return request

    def _run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while (request := self._take()) is not None:
            while not self.stopped.is_set():
                answer = post(connection, self.bearer, request.path, request.content_type, request.body)
                self.answers[answer] += 1
                if answer == 202:
                    break
                self.stopped.wait(RETRY_S)
            else:
                return
            with self.changed:
                self.acknowledged += request.events
        connection.close()
