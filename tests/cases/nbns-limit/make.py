"""Write two flows that hit the limits of the NetBIOS name parser."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wirecraft import Capture

SERVER = ("192.0.2.137", 137)
NB, NBSTAT = 0x20, 0x21


def name(text: str) -> bytes:
    """Write a name in half-bytes (RFC 1001 14.1)."""
    letters = text.encode().ljust(15) + b"\0"
    return b"\x20" + b"".join(bytes([0x41 + (byte >> 4), 0x41 + (byte & 15)]) for byte in letters) + b"\0"


def query(number: int, text: str, kind: int) -> bytes:
    """Ask for one name."""
    return struct.pack("!HHHHHH", number, 0x0100, 1, 0, 0, 0) + name(text) + struct.pack("!HH", kind, 1)


def make(capture: Capture) -> None:
    """Write them."""
    # 33 queries wait: the first goes out without its answer.
    for number in range(33):
        capture.udp(("192.0.2.1", 137), SERVER, query(number, f"NODE{number}", NB))
    # A node with 70 names: 64 are told.
    capture.udp(("192.0.2.2", 137), SERVER, query(1, "*", NBSTAT))
    names = b"".join(f"NAME{at}".encode().ljust(15) + b"\0" + struct.pack("!H", 0x0400) for at in range(70))
    data = bytes([70]) + names + bytes([2, 0, 0, 0, 0, 1]) + bytes(40)
    answer = struct.pack("!HHHHHH", 1, 0x8400, 0, 1, 0, 0) + name("*") + struct.pack("!HHIH", NBSTAT, 1, 0, len(data))
    capture.udp(SERVER, ("192.0.2.2", 137), answer + data)
    # A name whose scope is longer than a name may be.
    scoped = name("NODE0")[:-1] + (b"\x3f" + b"s" * 63) * 5 + b"\0"
    long = struct.pack("!HHHHHH", 99, 0x0100, 1, 0, 0, 0) + scoped + struct.pack("!HH", NB, 1)
    capture.udp(("192.0.2.2", 137), SERVER, long)
