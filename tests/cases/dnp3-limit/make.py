"""Write four connections, each of which hits one limit of the DNP3 parser."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wirecraft import Capture

SERVER = ("192.0.2.200", 20000)


def checked(block: bytes) -> bytes:
    """Add the CRC of a block (9.2.4.1)."""
    crc = 0
    for byte in block:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA6BC if crc & 1 else 0)
    return block + struct.pack("<H", crc ^ 0xFFFF)


def frame(outstation: int, data: bytes) -> bytes:
    """Write a master's frame of user data that wants no confirmation (9.2.4)."""
    head = struct.pack("<BBBBHH", 5, 0x64, 5 + len(data), 0xC4, outstation, 1)
    return checked(head) + b"".join(checked(data[at : at + 16]) for at in range(0, len(data), 16))


def make(capture: Capture) -> None:
    """Write them."""
    # 33 outstations are asked for their class 0 data: the first request goes out without its answer.
    connection = capture.tcp(("192.0.2.1", 40001), SERVER)
    for number in range(33):
        connection.client(frame(10 + number, bytes([0xC0, 0xC0, 1, 60, 1, 6])))
    # Segments of one fragment that come to more than 4096 bytes.
    connection = capture.tcp(("192.0.2.2", 40002), SERVER)
    for number in range(17):
        connection.client(frame(10, bytes([(0x40 if number == 0 else 0) | number]) + bytes([0xC0, 2] + [0] * 240)))
    connection.close()
    # Nine outstations begin a fragment that does not end.
    connection = capture.tcp(("192.0.2.3", 40003), SERVER)
    for number in range(9):
        connection.client(frame(10 + number, bytes([0x40, 0xC0, 2]) + bytes(8)))
    # 65 relays are switched at once (group 12, variation 1).
    connection = capture.tcp(("192.0.2.4", 40004), SERVER)
    controls = b"".join(struct.pack("<HBBIIB", at, 3, 1, 100, 100, 0) for at in range(65))
    asked = bytes([0xC0, 5, 12, 1, 0x28, 65, 0]) + controls
    pieces = [asked[at : at + 240] for at in range(0, len(asked), 240)]
    for number, piece in enumerate(pieces):
        ends = (0x40 if number == 0 else 0) | (0x80 if number == len(pieces) - 1 else 0)
        connection.client(frame(10, bytes([ends | number]) + piece))
