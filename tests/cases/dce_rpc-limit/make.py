"""Write 129 calls of one connection without an answer, of which the first goes out alone, and too many contexts."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wirecraft import Capture

SVCCTL = bytes.fromhex("81bb7a364498f135ad3298f038001003")
NDR = bytes.fromhex("045d888aeb1cc9119fe808002b104860")


def fragment(kind: int, call: int, body: bytes) -> bytes:
    """Write a message in one fragment (C706 12.6.3.1)."""
    return struct.pack("<BBBBIHHI", 5, 0, kind, 3, 0x10, 16 + len(body), 0, call) + body


def make(capture: Capture) -> None:
    """Write them."""
    connection = capture.tcp(("192.0.2.1", 40001), ("192.0.2.35", 49152))
    context = struct.pack("<HBB", 0, 1, 0) + SVCCTL + struct.pack("<I", 2) + NDR + struct.pack("<I", 2)
    connection.client(fragment(11, 1, struct.pack("<HHIBBH", 4280, 4280, 0, 1, 0, 0) + context))
    for call in range(129):
        connection.client(fragment(0, call + 2, struct.pack("<IHH", 4, 0, 15) + bytes(4)))
    # Contexts: more in one bind than are read, then more than a conversation keeps.
    connection = capture.tcp(("192.0.2.2", 40002), ("192.0.2.35", 49152))
    for call, (kind, count) in enumerate([(11, 65), (14, 64), (14, 1)]):
        offered = b"".join(struct.pack("<HBB", 100 * call + at, 1, 0) + context[4:] for at in range(count))
        connection.client(fragment(kind, call + 1, struct.pack("<HHIBBH", 5840, 5840, 0, count, 0, 0) + offered))
