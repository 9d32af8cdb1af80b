"""DTLS: server name, cipher suites by their JA3, and what the server chose, by hello.

Classes of difference:
- A client says its hello again with a cookie or when no answer comes; bavn tells of the first, so tshark's are counted once a
  conversation.
- A server that wants another hello (HelloRetryRequest, RFC 9147 5.1) says its own twice; both count the one that counts,
  the last.
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
    """Give the client's first hello and the server's last of each conversation."""
    clients: dict[str, Hashable] = {}
    servers: dict[str, Hashable] = {}
    for row in rows:
        stream = row["udp.stream"][0]
        for ja3 in row["dtls.handshake.ja3"]:
            clients.setdefault(stream, ("client", ja3, *row["dtls.handshake.extensions_server_name"][:1]))
        for ja3s in row["dtls.handshake.ja3s"]:
            servers[stream] = ("server", ja3s)
    yield from (*clients.values(), *servers.values())


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
