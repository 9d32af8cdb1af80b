"""WebSocket against tshark: per connection the messages by kind, the bytes of their frames, and the closing code.

Differences found, and who is right:

- Connections whose upgrade the capture does not hold: neither reads them, unless tshark is told the port.
- A connection that shows its upgrade and no frame: bavn tells of it with zeros, tshark has nothing to show. Both are right.
- Sides are told apart by who asked for the upgrade: a client's frames that lack the mask are the client's all the same.
- A direction in which a frame stands that RFC 6455 does not know: bavn gives its counts as unobserved, tshark counts on.
"""

from collections import Counter
from collections.abc import Hashable, Iterator
from typing import Any

CASES = ["websocket"]
FILTER = "websocket || http.upgrade"
FIELDS = [
    "tcp.stream",
    "tcp.srcport",
    "http.request.method",
    "websocket.opcode",
    "websocket.payload_length",
    "websocket.payload_length_ext_16",
    "websocket.payload_length_ext_64",
    "websocket.mask",
    "websocket.payload.close.status_code",
]
KINDS = {"1": "text_messages", "2": "binary_messages", "9": "pings"}
CONTROL = 8


def lengths(row: dict[str, list[str]]) -> Iterator[int]:
    """Give the length of each frame in a packet; long ones stand in fields of their own."""
    longer = {126: iter(row["websocket.payload_length_ext_16"]), 127: iter(row["websocket.payload_length_ext_64"])}
    for short in row["websocket.payload_length"]:
        yield int(next(longer.get(int(short), iter(())), short))


def theirs(rows: list[dict[str, list[str]]]) -> Iterator[Hashable]:
    """Give the counts of each connection."""
    counts: dict[str, Counter[str]] = {}
    closed: dict[str, str] = {}
    clients: dict[str, str] = {}
    for row in rows:
        stream, port = row["tcp.stream"][0], row["tcp.srcport"][-1]
        if row["http.request.method"]:
            clients[stream] = port
        if not row["websocket.opcode"]:
            continue
        count = counts.setdefault(stream, Counter())
        for opcode, mask, length in zip(row["websocket.opcode"], row["websocket.mask"], lengths(row), strict=True):
            is_client = clients[stream] == port if stream in clients else mask in {"1", "True"}
            side = "client" if is_client else "server"
            count[f"{side}.{KINDS.get(opcode, 'other')}"] += 1
            count[f"{side}.bytes"] += length if int(opcode) < CONTROL else 0
        for code in row["websocket.payload.close.status_code"]:
            closed.setdefault(stream, code)
    for stream, count in counts.items():
        for side in ("client", "server"):
            for name in (*KINDS.values(), "bytes"):
                yield (side, name, count[f"{side}.{name}"])
        yield ("code", int(closed.get(stream, "0")))


def ours(events: list[dict[str, Any]]) -> Iterator[Hashable]:
    """Give the same of the events."""
    for event in events:
        if event["event"]["dataset"] != "bavn.websocket":
            continue
        found = event["bavn"]["websocket"]
        for side in ("client", "server"):
            for name in (*KINDS.values(), "bytes"):
                yield (side, name, found.get(side, {}).get(name))
        yield ("code", found.get("close", {}).get("code", 0))
