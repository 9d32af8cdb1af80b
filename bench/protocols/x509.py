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
FIELDS = ["tls.handshake.certificate", "dtls.handshake.certificate"]
Row = dict[str, list[str]]


def theirs(rows: list[Row]) -> Iterator[Hashable]:
    """Give each certificate that tshark shows."""
    for row in rows:
        for name in FIELDS:
            for encoded in row[name]:
                yield hashlib.sha256(bytes.fromhex(encoded.replace(":", ""))).hexdigest()


def ours(events: list[dict[str, Any]]) -> Iterator[Hashable]:
    """Give each `x509` event's."""
    for event in events:
        if event["event"]["dataset"] == "bavn.x509":
            yield event["bavn"]["x509"]["hash"]["sha256"]
