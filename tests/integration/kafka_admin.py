"""What an operator does to topics, in Kafka's own protocol: events let go before their time, topics deleted."""

import socket
import struct

DELETE_TOPICS, DELETE_RECORDS, VERSION, TIMEOUT_S = 20, 21, 1, 30


def _text(text):
    return struct.pack(">h", len(text)) + text.encode()


def _array(items):
    return struct.pack(">i", len(items)) + b"".join(items)


def _receive(link, size):
    parts = b""
    while len(parts) < size:
        part = link.recv(size - len(parts))
        assert part, "the broker hung up"
        parts += part
    return parts


def _ask(brokers, key, body):
    """The answer to one request, behind its header and the throttle time."""
    host, port = brokers.split(":")
    request = struct.pack(">hhi", key, VERSION, 1) + _text("test") + body + struct.pack(">i", TIMEOUT_S * 1000)
    with socket.create_connection((host, int(port)), TIMEOUT_S) as link:
        link.sendall(struct.pack(">i", len(request)) + request)
        return _receive(link, struct.unpack(">i", _receive(link, 4))[0])[8:]


def delete_topic(brokers, topic):
    answer = _ask(brokers, DELETE_TOPICS, _array([_text(topic)]))
    code, = struct.unpack_from(">h", answer, 4 + len(_text(topic)))
    assert code == 0, f"Kafka's error {code}"


def let_go_before(brokers, topic, partition, offset):
    """As when its retention has passed: the partition begins there."""
    answer = _ask(brokers, DELETE_RECORDS, _array([_text(topic) + _array([struct.pack(">iq", partition, offset)])]))
    low, code = struct.unpack_from(">qh", answer, 4 + len(_text(topic)) + 4 + 4)
    assert (low, code) == (offset, 0), f"Kafka's error {code}, low {low}"
