"""Write 513 requests for shares without an answer, of which the first goes out alone, and too much of all else."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wirecraft import Capture


def command(number: int, kind: int, body: bytes) -> bytes:
    """Write an SMB2 request behind its length (MS-SMB2 2.1, 2.2.1.2)."""
    head = b"\xfeSMB" + struct.pack("<HHIHHIIQIIQ", 64, 0, 0, kind, 1, 0, 0, number, 0, 0, 0x99) + bytes(16)
    return struct.pack("!I", len(head) + len(body)) + head + body


def answer(number: int, kind: int, body: bytes, session: int, tree: int = 0) -> bytes:
    """Write the server's answer to one of them."""
    head = b"\xfeSMB" + struct.pack("<HHIHHIIQIIQ", 64, 0, 0, kind, 1, 1, 0, number, 0, tree, session) + bytes(16)
    return struct.pack("!I", len(head) + len(body)) + head + body


def chained(place: int) -> bytes:
    """Write a LOCKING_ANDX that is followed by another one (MS-CIFS 2.2.4.32)."""
    size = 1 + 16 + 2
    return bytes([8, 0x24, 0]) + struct.pack("<H", 32 + size * (place + 1)) + bytes(12) + bytes(2)


def make(capture: Capture) -> None:
    """Write them."""
    connection = capture.tcp(("192.0.2.1", 40001), ("192.0.2.45", 445))
    for number in range(513):
        path = f"\\\\limits\\share{number}".encode("utf-16-le")
        connection.client(command(number, 3, struct.pack("<HHHH", 9, 0, 72, len(path)) + path))
    # 65 sessions and 65 shares of one connection, each agreed to.
    connection = capture.tcp(("192.0.2.2", 40002), ("192.0.2.45", 445))
    for number in range(65):
        connection.client(command(number, 1, struct.pack("<HBBIIHHQ", 25, 0, 0, 0, 0, 88, 0, 0)))
        connection.server(answer(number, 1, struct.pack("<HHHH", 9, 0, 72, 0), session=number + 1))
    for number in range(65):
        path = f"\\\\limits\\share{number}".encode("utf-16-le")
        connection.client(command(100 + number, 3, struct.pack("<HHHH", 9, 0, 72, len(path)) + path))
        connection.server(
            answer(100 + number, 3, struct.pack("<HBBIII", 16, 1, 0, 0, 0, 0), session=1, tree=number + 1)
        )
    # Nine commands in one message of SMB1.
    connection = capture.tcp(("192.0.2.3", 40003), ("192.0.2.45", 445))
    chain = b"".join(chained(at) for at in range(9))
    smb1 = b"\xffSMB" + bytes([0x24]) + bytes(4) + b"\x18" + struct.pack("<H", 0x4001) + bytes(12) + bytes(8) + chain
    connection.client(struct.pack("!I", len(smb1)) + smb1)
