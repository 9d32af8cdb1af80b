"""Write three connections, each of which hits one limit of the S7comm parser."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wirecraft import Capture

SERVER = ("192.0.2.102", 102)
ITEM = bytes([0x12, 0x0A, 0x10, 2, 0, 1, 0, 1, 0x84, 0, 0, 0])


def packet(data: bytes, *, ends: bool = True) -> bytes:
    """Wrap it into COTP and TPKT (RFC 1006 6, RFC 905 13.7)."""
    body = bytes([2, 0xF0, 0x80 if ends else 0]) + data
    return struct.pack("!BBH", 3, 0, len(body) + 4) + body


def job(reference: int, items: int) -> bytes:
    """Write a job that reads so many items."""
    parameters = bytes([4, items]) + ITEM * items
    return struct.pack("!BBHHHH", 0x32, 1, 0, reference, len(parameters), 0) + parameters


def make(capture: Capture) -> None:
    """Write them."""
    # 33 jobs wait: the first goes out without its answer.
    connection = capture.tcp(("192.0.2.1", 40001), SERVER)
    for number in range(33):
        connection.client(packet(job(number, 1)))
    # 70 items: 64 are told.
    connection = capture.tcp(("192.0.2.2", 40002), SERVER)
    connection.client(packet(job(1, 70)))
    connection.close()
    # Parts of a message that come to more than 16 KiB.
    connection = capture.tcp(("192.0.2.3", 40003), SERVER)
    connection.client(packet(job(1, 1)))
    for _ in range(17):
        connection.client(packet(bytes(1000), ends=False))
    connection.close()
