"""Write a stream and datagrams that hit the limits of the Kerberos parser."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wirecraft import Capture

SERVER = ("192.0.2.88", 88)


def element(tag: int, content: bytes) -> bytes:
    """Write an element of DER (X.690 8.1, 10.1)."""
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size) + content


def number(value: int) -> bytes:
    """Write an INTEGER."""
    return element(2, value.to_bytes(4))


def principal(*parts: bytes) -> bytes:
    """Write a PrincipalName (5.2.2)."""
    names = b"".join(element(0x1B, part) for part in parts)
    return element(0x30, element(0xA0, element(2, b"\1")) + element(0xA1, element(0x30, names)))


def request(nonce: int, filler: bytes = b"") -> bytes:
    """Write an AS-REQ (5.4.1)."""
    body = element(0xA0, element(3, bytes(5)))
    body += element(0xA1, principal(b"user%d" % nonce)) + element(0xA2, element(0x1B, b"LIMITS.EXAMPLE"))
    body += element(0xA3, principal(b"krbtgt", b"LIMITS.EXAMPLE")) + element(0xA5, element(0x18, b"20370913024805Z"))
    body += element(0xA7, number(nonce)) + element(0xA8, element(0x30, element(2, bytes([18]))))
    data = element(
        0xA3, element(0x30, element(0x30, element(0xA1, element(2, b"\2")) + element(0xA2, element(4, filler))))
    )
    head = element(0xA1, element(2, bytes([5]))) + element(0xA2, element(2, bytes([10])))
    return element(0x6A, element(0x30, head + (data if filler else b"") + element(0xA4, element(0x30, body))))


def make(capture: Capture) -> None:
    """Write them."""
    # A message of more than 128 KiB, and one behind it that is read.
    connection = capture.tcp(("192.0.2.1", 40001), SERVER)
    for one in (request(1, b"y" * 140_000), request(2)):
        connection.client(struct.pack("!I", len(one)) + one)
    connection.close()
    # Nine requests wait: the first goes out without its answer.
    for nonce in range(10, 19):
        capture.udp(("192.0.2.2", 40002), SERVER, request(nonce))
