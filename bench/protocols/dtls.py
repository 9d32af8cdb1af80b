"""DTLS: server name, cipher suites by their JA3, and what the server chose, by hello.

Classes of difference:
- A client says its hello again with a cookie or when no answer comes; bavn tells of the first, so tshark's are counted once a
  conversation.
- A hello without the beginning of its conversation, such as a ServerHello alone, is an event of its own on both sides.
"""

from collections.abc import Hashable, Iterator
from typing import Any

CASES = ["dtls"]
FILTER = "dtls.handshake.type == 1 || dtls.handshake.type == 2"
FIELDS = [
    "udp.stream",
    "dtls.handshake.type",
    "dtls.handshake.extensions_server_name",
    "dtls.handshake.ja3",
    "dtls.handshake.ja3s",
]
Row = dict[str, list[str]]


def theirs(rows: list[Row]) -> Iterator[Hashable]:
    """Give the first hello of either side of each conversation."""
    seen = set()
    for row in rows:
        for side, name in (("client", "ja3"), ("server", "ja3s")):
            key = (row["udp.stream"][0], side)
            if row[f"dtls.handshake.{name}"] and key not in seen:
                seen.add(key)
                names = row["dtls.handshake.extensions_server_name"][:1] if side == "client" else []
                yield (side, row[f"dtls.handshake.{name}"][0], *names)


def ours(events: list[dict[str, Any]]) -> Iterator[Hashable]:
    """Give both hellos of each `tls` event over UDP."""
    for event in events:
        if event["event"]["dataset"] != "bavn.tls" or event["network"]["transport"] != "udp":
            continue
        client, server = event["tls"].get("client", {}), event["tls"].get("server", {})
        if "ja3" in client:
            yield ("client", client["ja3"], *([client["server_name"]] if "server_name" in client else []))
        if "ja3s" in server:
            yield ("server", server["ja3s"])
