"""X.509: SHA-256 of each certificate that passes in clear over TLS and DTLS, once a conversation and side.

Classes of difference:
- tshark shows each Certificate message that it puts together; bavn tells of the first of each side, so a renegotiation's are
  tshark's alone.
- Of chains with more than 16 certificates bavn tells the first 16.
- EAP-TLS inside RADIUS (3 certificates on the public captures): tshark is right, bavn does not read RADIUS.
- Only bavn shows, and is right: certificates of SSLv2, of TLS after the STARTTLS of PostgreSQL, MySQL, RDP and IRC where
  tshark needs the port, and those of a conversation that the capture holds twice, which tshark takes for old bytes.
- Where packets of a TLS flow are missing, tshark goes on at the next record that it recognises; bavn ends the handshake at the
  gap.
"""

import hashlib
from collections.abc import Hashable, Iterator
from typing import Any

CASES = ["certificates", "dtls", "tls-modern"]
FILTER = "tls.handshake.type == 11 || dtls.handshake.type == 11"
CERTIFICATES = ["tls.handshake.certificate", "dtls.handshake.certificate"]
PLACE = ["tcp.stream", "udp.stream", "ip.src", "ipv6.src", "tcp.srcport", "udp.srcport"]
FIELDS = [*CERTIFICATES, *PLACE]
Row = dict[str, list[str]]


def theirs(rows: list[Row]) -> Iterator[Hashable]:
    """Give each certificate that tshark shows, once a conversation and side."""
    seen = set()
    for row in rows:
        place = tuple(tuple(row[name]) for name in PLACE)
        for encoded in (encoded for name in CERTIFICATES for encoded in row[name]):
            digest = hashlib.sha256(bytes.fromhex(encoded.replace(":", ""))).hexdigest()
            if (place, digest) not in seen:
                seen.add((place, digest))
                yield digest


def ours(events: list[dict[str, Any]]) -> Iterator[Hashable]:
    """Give each `x509` event's."""
    seen = set()
    for event in events:
        if event["event"]["dataset"] != "bavn.x509":
            continue
        own = event["bavn"]["x509"]
        digest = own["hash"]["sha256"]
        place = (event["bavn"]["flow"]["id"], own.get("side"), digest)
        if place not in seen:
            seen.add(place)
            yield digest
