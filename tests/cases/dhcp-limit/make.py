"""Write 65 clients that look for a server, all from the same address: the first is told without an answer."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wirecraft import Capture


def make(capture: Capture) -> None:
    """Write them."""
    for number in range(65):
        hardware = bytes([2, 0, 0, 0, 0, number])
        head = (
            struct.pack("!BBBBIHH", 1, 1, 6, 0, number, 0, 0x8000) + bytes(16) + hardware.ljust(16, b"\0") + bytes(192)
        )
        options = bytes([0x63, 0x82, 0x53, 0x63, 53, 1, 1, 12, 3]) + b"h%02d" % number + bytes([255])
        capture.udp(("0.0.0.0", 68), ("255.255.255.255", 67), head + options)
