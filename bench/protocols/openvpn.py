"""OpenVPN: each side's session identifier by the key that is agreed upon, what guards the packets, hellos in clear.

Differences that were found, and who is right:
- tshark guesses where the digest of tls-auth stands and knows SHA-1 alone by itself: with another it reads acknowledgements
  and TLS out of the wrong place. Session, opcode and key stand before it and are compared; of the hellos those without a digest
  or with that of SHA-1.
- A reset of SHA-256 over TCP is malformed to tshark 4.0, which takes its bytes for SHA-1's: only bavn tells the
  session. Left out here.
- A renewed key that the other side has not answered yet: bavn knows that side's session from before and tells it. Left out here.
- tshark goes by port 1194: what else passes there is OpenVPN to it. bavn asks for a reset. Sessions whose reset is not in the
  capture are left out here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

CASES = ["openvpn"]
FILTER = "openvpn"
DECODE_AS = [
    *(f"udp.port=={port},openvpn" for port in range(1195, 1200)),
    "tcp.port==443,openvpn",
    "tcp.port==1194,openvpn",
]
FIELDS = [
    "udp.stream", "tcp.stream", "openvpn.opcode", "openvpn.keyid", "openvpn.sessionid", "tls.handshake.ja3",
]  # fmt: skip
SHA1, SHA256 = 20, 32
BEGIN = {3, 7, 8, 10}
"""Resets."""


def theirs(rows: list[dict[str, list[str]]]) -> Iterator[Hashable]:
    """Give each session that tshark saw begin, once."""
    seen: set[Hashable] = set()
    for row in rows:
        whole = zip(row["openvpn.opcode"], row["openvpn.keyid"], row["openvpn.sessionid"], strict=False)
        told: list[tuple[Any, ...]] = [
            ("session", int(key), f"{int(number):016x}") for op, key, number in whole if int(op, 0) in BEGIN
        ]
        told += [("hello", *row["udp.stream"], *row["tcp.stream"], ja3) for ja3 in row["tls.handshake.ja3"]]
        for one in told:
            if one not in seen:
                seen.add(one)
                yield one if one[0] == "session" else (one[0], one[-1])


def ours(events: list[dict[str, Any]]) -> Iterator[Hashable]:
    """Give the sessions of each event, and the hellos that tshark can find, too."""
    bare = set()
    for event in events:
        if event["event"]["dataset"] != "bavn.openvpn":
            continue
        said = event["bavn"]["openvpn"]
        pending = said["key_id"] > 0 and "established" not in said
        malformed = event["network"]["transport"] == "tcp" and said.get("hmac_length") == SHA256
        for side in ("client",) if pending else ("client", "server"):
            if side in said and not malformed:
                yield ("session", said["key_id"], said[side]["session_id"])
        if said["protection"] == "none" or said.get("hmac_length") == SHA1:
            bare.add(event["bavn"]["flow"]["id"])
    for event in events:
        if event["event"]["dataset"] == "bavn.tls" and event["bavn"]["flow"]["id"] in bare:
            yield ("hello", event["tls"]["client"]["ja3"])
