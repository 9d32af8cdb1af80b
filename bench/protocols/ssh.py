"""SSH: identification lines, HASSH both ways, and the fingerprint of the host key, each of the side that said it.

What tshark shows of a host key is put back into the form of RFC 4253 6.6 and hashed here, so that the fingerprint is
computed twice.

Differences that were found on public captures:
- A client that speaks HTTP to an SSH server (2 on the public captures): bavn tells of the request as HTTP, and of the
  server's identification as SSH, since what a server says that is no HTTP is looked at anew.
- Who opens the connection may be the SSH server ("reverse" connections): the host key is compared without its side, since
  bavn says it once and tells of the turned roles in a field.
- SSH on ports other than 22, and in tunnels of its own port: only bavn sees it, and is right.
- Only bavn shows, and is right: host keys that are OpenSSH certificates (tshark 4.0 has no fields for their parts), and
  HASSH and host key where the capture holds the server's side alone.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    Row = dict[str, list[str]]

CASES = ["ssh-sessions", "ssh-exchanges"]
FILTER = "ssh.protocol || ssh.kex.hassh || ssh.kex.hasshserver || ssh.host_key.type"
FIELDS = [
    "ip.src", "ipv6.src", "ip.dst", "ipv6.dst", "tcp.srcport", "tcp.dstport", "ssh.protocol", "ssh.kex.hassh",
    "ssh.kex.hasshserver", "ssh.host_key.type", "ssh.host_key.rsa.e", "ssh.host_key.rsa.n", "ssh.host_key.ecdsa.id",
    "ssh.host_key.ecdsa.q", "ssh.host_key.eddsa.key", "ssh.host_key.dsa.p", "ssh.host_key.dsa.q", "ssh.host_key.dsa.g",
    "ssh.host_key.dsa.y",
]  # fmt: skip
KEY_FIELDS = {
    "ssh-rsa": ["rsa.e", "rsa.n"], "ssh-ed25519": ["eddsa.key"], "ssh-dss": ["dsa.p", "dsa.q", "dsa.g", "dsa.y"],
}  # fmt: skip


def theirs(rows: list[Row]) -> Iterator[Hashable]:
    """Give what tshark says, each thing once a conversation."""
    yield from dict.fromkeys(said for row in rows for said in of_row(row))


def of_row(row: Row) -> Iterator[Hashable]:
    """Give what one frame says."""
    source, destination = [*row["ip.src"], *row["ipv6.src"]], [*row["ip.dst"], *row["ipv6.dst"]]
    # The innermost addresses, where the frame ran in a tunnel.
    ends = (source[-1], row["tcp.srcport"][-1], destination[-1], row["tcp.dstport"][-1])
    for name in ("ssh.protocol", "ssh.kex.hassh", "ssh.kex.hasshserver"):
        yield from ((*ends, name, value.strip()) for value in row[name] if value)
    for kind in row["ssh.host_key.type"][:1]:
        names = KEY_FIELDS.get(kind, ["ecdsa.id", "ecdsa.q"])
        if all(row[f"ssh.host_key.{name}"] for name in names):
            yield (*sorted((ends[:2], ends[2:])), "key", fingerprint(kind, names, row))


def fingerprint(kind: str, names: list[str], row: Row) -> str:
    """Hash a host key as `ssh-keygen -l` does."""
    parts = [kind.encode(), *(number(row[f"ssh.host_key.{name}"][0], name) for name in names)]
    blob = b"".join(struct.pack(">I", len(part)) + part for part in parts)
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def number(text: str, name: str) -> bytes:
    """Give a value's bytes; the curve's name is text."""
    return text.encode() if name == "ecdsa.id" else bytes.fromhex(text.replace(":", ""))


def ours(events: list[dict[str, Any]]) -> Iterator[Hashable]:
    """Give what bavn says."""
    said = (said for event in events if event["event"]["dataset"] == "bavn.ssh" for said in of_event(event))
    yield from dict.fromkeys(said)


def of_event(event: dict[str, Any]) -> Iterator[Hashable]:
    """Give what one event says."""
    ends = [(event[side]["ip"], str(event[side]["port"])) for side in ("source", "destination")]
    own, hashes = event["bavn"]["ssh"], event.get("ssh", {})
    for side, name, (one, other) in (
        ("client", "ssh.kex.hassh", ends),
        ("server", "ssh.kex.hasshserver", reversed(ends)),
    ):
        if banner := own.get(side, {}).get("banner"):
            yield (*one, *other, "ssh.protocol", banner.strip())
        if value := hashes.get(side, {}).get("hassh"):
            yield (*one, *other, name, value)
    if key := own.get("host_key", {}).get("fingerprint"):
        yield (*sorted(ends), "key", key)
