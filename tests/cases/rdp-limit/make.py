"""Write two connections, each of which hits one limit of the RDP parser."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wirecraft import Capture, Connection

SERVER = ("192.0.2.39", 3389)


def packet(body: bytes) -> bytes:
    """Wrap it into TPKT (RFC 1006 6)."""
    return struct.pack("!BBH", 3, 0, len(body) + 4) + body


def begin(capture: Capture, port: int) -> Connection:
    """Ask for a connection in RDP's own security, which is granted."""
    connection = capture.tcp(("192.0.2.1", port), SERVER)
    asked = b"Cookie: mstshash=limits\r\n" + bytes([1, 0, 8, 0, 0, 0, 0, 0])
    connection.client(packet(bytes([6 + len(asked), 0xE0, 0, 0, 0, 0, 0]) + asked))
    connection.server(packet(bytes([14, 0xD0, 0, 0, 0x12, 0x34, 0, 2, 0, 8, 0, 0, 0, 0, 0])))
    return connection


def make(capture: Capture) -> None:
    """Write them."""
    connection = begin(capture, 40001)
    connection.client(packet(bytes([2, 0xF0, 0x80]) + bytes(20_000)))
    connection.close()
    # The request and its answer are the first two of 257.
    connection = begin(capture, 40002)
    for _ in range(255):
        connection.client(packet(bytes([2, 0xF0, 0x80, 4])))
    connection.close()
