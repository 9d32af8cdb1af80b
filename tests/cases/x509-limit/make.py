"""Write a TLS handshake whose server shows seventeen certificates: sixteen are told."""

from __future__ import annotations

import datetime as dt
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wirecraft import Capture

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HELLO = bytes([3, 3]) + bytes(range(32))


def certificate(number: int, key: ec.EllipticCurvePrivateKey) -> bytes:
    """Sign a certificate of its own."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"limits{number}.example")])
    begin = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), number + 1, begin, begin + dt.timedelta(days=9))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def message(kind: int, body: bytes) -> bytes:
    """Write a handshake message in a record (RFC 5246 7.4, 6.2.1)."""
    whole = bytes([kind]) + len(body).to_bytes(3) + body
    return struct.pack("!BHH", 22, 0x0303, len(whole)) + whole


def make(capture: Capture) -> None:
    """Write it."""
    key = ec.generate_private_key(ec.SECP256R1())
    chain = [certificate(number, key) for number in range(17)]
    listed = b"".join(len(one).to_bytes(3) + one for one in chain)
    connection = capture.tcp(("192.0.2.1", 40001), ("192.0.2.43", 443))
    connection.client(message(1, HELLO + struct.pack("!BHHBB", 0, 2, 0xC02B, 1, 0)))
    connection.server(message(2, HELLO + struct.pack("!BHB", 0, 0xC02B, 0)))
    connection.server(message(11, len(listed).to_bytes(3) + listed) + message(14, b""))
    connection.close()
