"""Write three connections, each of which hits one limit of the LDAP parser."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wirecraft import Capture

SERVER = ("192.0.2.38", 389)


def element(tag: int, content: bytes) -> bytes:
    """Write an element (X.690 8.1)."""
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    return bytes([tag, 0x83]) + length.to_bytes(3) + content


def message(number: int, operation: bytes) -> bytes:
    """Write an envelope (RFC 4511 4.1.1)."""
    return element(0x30, element(2, bytes([number])) + operation)


def search(base: bytes, search_filter: bytes) -> bytes:
    """Write a search of one level (4.5.1)."""
    fixed = bytes([0x0A, 1, 1, 0x0A, 1, 0, 2, 1, 0, 2, 1, 0, 1, 1, 0])
    return element(0x63, element(4, base) + fixed + search_filter + element(0x30, b""))


def make(capture: Capture) -> None:
    """Write them."""
    anything = element(0x87, b"objectClass")
    # 33 searches wait: the first goes out without its result.
    connection = capture.tcp(("192.0.2.1", 40001), SERVER)
    for number in range(1, 34):
        connection.client(message(number, search(b"ou=%d" % number, anything)))
    # A change of more than 64 KiB.
    connection = capture.tcp(("192.0.2.2", 40002), SERVER)
    connection.client(message(1, search(b"dc=example", anything)))
    values = element(0x31, element(4, b"y" * 70_000))
    added = element(0x30, element(0x30, element(4, b"photo") + values))
    connection.client(message(2, element(0x68, element(4, b"cn=x") + added)))
    connection.close()
    # 40 negations.
    connection = capture.tcp(("192.0.2.3", 40003), SERVER)
    deep = anything
    for _ in range(40):
        deep = element(0xA2, deep)
    connection.client(message(1, search(b"dc=example", deep)))
    connection.close()
