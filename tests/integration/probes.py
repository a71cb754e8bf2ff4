"""What a test asks of a running stack: the topics, the ledger, metrics, whether everything has settled."""

import json
import re
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from local.process import StackError

ROOT = Path(__file__).resolve().parents[2]
EVENT_TOPICS = ("muster.registry-events", "muster.workload-events", "muster.scan-results")
PARTITIONS = 3


def kcat(stack, *arguments, feed=None):
    """`-m`: a broker that has just begun to listen may need some time until it answers."""
    done = subprocess.run(["kcat", "-b", stack.kafka.brokers, "-m", "60", *arguments], capture_output=True, text=True, input=feed,
                          check=False, timeout=120)
    if done.returncode != 0:
        raise StackError(f"kcat {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def end_offsets(stack, topics=EVENT_TOPICS):
    """{(topic, partition): offset after the last message}, what is empty left out."""
    queries = [part for topic in topics for p in range(PARTITIONS) for part in ("-t", f"{topic}:{p}:-1")]
    found = re.findall(r"^(\S+) \[(\d+)\] offset (\d+)", kcat(stack, "-Q", *queries), re.MULTILINE)
    return {(topic, int(p)): int(offset) for topic, p, offset in found if int(offset) > 0}


def messages(stack, topic):
    """All messages of a topic, as {"id", "key", "value"} with the value decoded."""
    found = []
    for line in kcat(stack, "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-J").splitlines():
        message = json.loads(line)
        headers = dict(zip(message["headers"][::2], message["headers"][1::2]))
        found.append({"id": headers.get("ce_id"), "key": message["key"], "value": json.loads(message["payload"])})
    return found


def produce(stack, topic, value, **headers):
    """Puts one message straight into a topic."""
    kcat(stack, "-P", "-t", topic, *(part for name, text in headers.items() for part in ("-H", f"{name}={text}")), feed=value)


def positions(stack):
    """{(topic, partition): (next offset, received)} as inventory committed them."""
    rows = stack.postgres.sql("SELECT topic, partition, next_offset, received FROM positions").splitlines()
    return {(topic, int(p)): (int(n), int(r)) for topic, p, n, r in (row.split("|") for row in rows)}


def ledger(stack):
    """What was received, and what became of it."""
    row = stack.postgres.sql(
        "SELECT (SELECT sum(received) FROM positions), (SELECT sum(duplicates) FROM positions), "
        "count(*) FILTER (WHERE state = 'applied'), count(*) FILTER (WHERE state = 'quarantined') FROM ledger")
    return dict(zip(("received", "duplicates", "applied", "quarantined"), (int(number or 0) for number in row.split("|"))))


def metric(stack, service, name):
    """Sum over the labels; None when the service does not answer."""
    try:
        with urllib.request.urlopen(f"{stack.services.url(service)}/metrics", timeout=5) as answer:
            text = answer.read().decode()
    except (OSError, urllib.error.URLError):
        return None
    return sum(float(value) for value in re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", text, re.MULTILINE))


def settled(stack):
    """True when nothing is under way any more: spool, topics, outbox and scan jobs."""
    spool = metric(stack, "ingest", "muster_ingest_spool_bytes")
    if spool != 0:
        return f"spool holds {spool} bytes"
    try:
        ends, done = end_offsets(stack), positions(stack)
        open_work = stack.postgres.sql(
            "SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM scan_jobs WHERE state IN ('pending', 'issued') "
            "OR (recheck AND state = 'complete'))")
    except StackError as error:
        return str(error)
    behind = {f"{topic}/{p}": end - done.get((topic, p), (0, 0))[0] for (topic, p), end in ends.items()}
    behind = {name: count for name, count in behind.items() if count != 0}
    return (not behind and open_work == "0|0") or f"behind {behind}, outbox|jobs {open_work}"


def dump(stack):
    done = subprocess.run([stack.services.program("inventory"), "dump", f"--postgres={stack.postgres.conninfo()}"],
                          capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout
