"""Write a stream and a datagram, each with a handshake message that is too long."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wirecraft import Capture


HELLO = bytes([3, 3]) + bytes(range(32))


def message(kind: int, body: bytes) -> bytes:
    """Write a handshake message (RFC 5246 7.4)."""
    return bytes([kind]) + len(body).to_bytes(3) + body


def records(data: bytes) -> list[bytes]:
    """Write records (6.2.1)."""
    parts = [data[at : at + 16_000] for at in range(0, len(data), 16_000)]
    return [struct.pack("!BHH", 22, 0x0303, len(part)) + part for part in parts]


def make(capture: Capture) -> None:
    """Write them."""
    # Two hellos, then certificates of 140,000 bytes, in records of 16,000.
    connection = capture.tcp(("192.0.2.1", 40001), ("192.0.2.43", 443))
    for piece in records(message(1, HELLO + struct.pack("!BHHBB", 0, 2, 0x002F, 1, 0))):
        connection.client(piece)
    for piece in records(message(2, HELLO + struct.pack("!BHB", 0, 0x002F, 0)) + message(11, bytes(140_000))):
        connection.server(piece)
    connection.close()
    # A ClientHello of two megabytes, of which the first bytes come.
    fragment = (
        bytes([1]) + (2 << 20).to_bytes(3) + bytes(2) + bytes(3) + (40).to_bytes(3) + bytes([0xFE, 0xFD]) + bytes(38)
    )
    record = struct.pack("!BHHHIH", 22, 0xFEFD, 0, 0, 0, len(fragment)) + fragment
    capture.udp(("192.0.2.2", 40002), ("192.0.2.43", 4433), record)
