"""Write 513 requests for shares without an answer: the first goes out alone."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wirecraft import Capture


def command(number: int, kind: int, body: bytes) -> bytes:
    """Write an SMB2 request behind its length (MS-SMB2 2.1, 2.2.1.2)."""
    head = b"\xfeSMB" + struct.pack("<HHIHHIIQIIQ", 64, 0, 0, kind, 1, 0, 0, number, 0, 0, 0x99) + bytes(16)
    return struct.pack("!I", len(head) + len(body)) + head + body


def make(capture: Capture) -> None:
    """Write them."""
    connection = capture.tcp(("192.0.2.1", 40001), ("192.0.2.45", 445))
    for number in range(513):
        path = f"\\\\limits\\share{number}".encode("utf-16-le")
        connection.client(command(number, 3, struct.pack("<HHHH", 9, 0, 72, len(path)) + path))
