"""Write an OpenVPN client whose first packet of TLS is missing, and 17 behind it: one more than are kept."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wirecraft import Capture

CLIENT, SERVER = bytes.fromhex("c100000000000001"), bytes.fromhex("5e00000000000002")
HERE, THERE = ("10.20.0.66", 40000), ("203.0.113.44", 1194)


def make(capture: Capture) -> None:
    """Write them."""
    capture.udp(HERE, THERE, b"\x38" + CLIENT + bytes(5))
    capture.udp(THERE, HERE, b"\x40" + SERVER + b"\1" + bytes(4) + CLIENT + bytes(4))
    for number in range(2, 19):
        capture.udp(HERE, THERE, b"\x20" + CLIENT + b"\0" + struct.pack("!I", number) + b"\x16\3\1")
