"""Write two connections, each of which hits one limit of the Modbus parser."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wirecraft import Capture

SERVER = ("192.0.2.102", 502)


def message(transaction: int, body: bytes) -> bytes:
    """Write header and body."""
    return struct.pack("!HHHB", transaction, 0, len(body) + 1, 1) + body


def make(capture: Capture) -> None:
    """Write them."""
    # 33 reads wait: the first goes out without its answer.
    connection = capture.tcp(("192.0.2.1", 40001), SERVER)
    for number in range(33):
        connection.client(message(number, struct.pack("!BHH", 3, number, 1)))
    # 200 coils are written: 128 are told.
    connection = capture.tcp(("192.0.2.2", 40002), SERVER)
    connection.client(message(1, struct.pack("!BHHB", 15, 0, 200, 25) + bytes([0xFF] * 25)))
    connection.server(message(1, struct.pack("!BHH", 15, 0, 200)))
    connection.close()
