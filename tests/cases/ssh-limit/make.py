"""Write three connections, each of which hits one limit of the SSH parser."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wirecraft import Capture

SERVER = ("192.0.2.22", 22)


def make(capture: Capture) -> None:
    """Write them."""
    connection = capture.tcp(("192.0.2.1", 40001), SERVER)
    connection.client(b"SSH-2.0-" + b"x" * 1100 + b"\r\n")
    connection.close()
    connection = capture.tcp(("192.0.2.1", 40002), SERVER)
    connection.client(b"SSH-2.0-Limits\r\n")
    connection.client(struct.pack("!IBB", 70_001, 4, 20) + bytes(1000))
    connection.close()
    # A server that says much before it says who it is.
    connection = capture.tcp(("192.0.2.1", 40003), SERVER)
    connection.client(b"SSH-2.0-Limits\r\n")
    for _ in range(9):
        connection.server(b"x" * 998 + b"\r\n")
    connection.close()
