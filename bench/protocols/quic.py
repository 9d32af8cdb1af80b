"""QUIC: server name, offered ALPN, version and connection id of the client, by connection.

Classes of difference:
- tshark tells a hello of each packet that ends one, so a hello that was sent again counts twice with it; here each
  connection counts once on either side.
- tshark knows a connection by its ids, so one that two captures hold counts once with it, and twice with bavn.
- tshark takes port 853 for DNS over TLS and looks for no QUIC there; bavn goes by content.
- tshark does not decrypt a packet that a small snapshot length cut; bavn reads what is there.
"""

from collections.abc import Hashable, Iterator
from typing import Any

CASES = ["quic"]
FILTER = "quic && tls.handshake.type == 1"
FIELDS = [
    "udp.stream",
    "tls.handshake.extensions_server_name",
    "tls.handshake.extensions_alpn_str",
    "quic.version",
    "quic.scid",
]
VERSIONS = {"1": "0x00000001", "2": "0x6b3343cf", "draft-29": "0xff00001d"}
Row = dict[str, list[str]]


def theirs(rows: list[Row]) -> Iterator[Hashable]:
    """Give each connection that tshark shows a client hello of, once."""
    seen = set()
    for row in rows:
        stream = row["udp.stream"][0]
        if stream not in seen:
            seen.add(stream)
            name = row["tls.handshake.extensions_server_name"][:1]
            own = (row["quic.version"][0], *row["quic.scid"][:1])
            yield (*name, "|", *row["tls.handshake.extensions_alpn_str"], "|", *own)


def ours(events: list[dict[str, Any]]) -> Iterator[Hashable]:
    """Give each `quic` event with a client hello."""
    for event in events:
        client = event.get("tls", {}).get("client", {})
        if event["event"]["dataset"] != "bavn.quic" or "ja3" not in client:
            continue
        name = client.get("server_name")
        alpn = event["bavn"].get("tls", {}).get("client", {}).get("alpn", [])
        told = event["bavn"]["quic"]["client"]
        own = (VERSIONS[told["version"]], *([told["connection_id"]] if told["connection_id"] else []))
        yield (*([name] if name else []), "|", *alpn, "|", *own)
