"""Write three connections, each of which hits one limit of the HTTP/2 parser."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wirecraft import Capture, Connection

SERVER = ("192.0.2.80", 80)
HEADERS, RESET, SETTINGS, CONTINUATION = 1, 3, 4, 9
END_STREAM, END_HEADERS = 1, 4
# :method GET, :path /, :scheme http of the static table; :authority as a literal that is not indexed.
GET = bytes([0x82, 0x84, 0x86, 0x01, 14]) + b"limits.example"


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """Write a frame (RFC 9113 4.1)."""
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload


def begin(capture: Capture, port: int) -> Connection:
    """Begin with prior knowledge (3.3)."""
    connection = capture.tcp(("192.0.2.1", port), SERVER)
    connection.client(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, b""))
    connection.server(frame(SETTINGS, 0, 0, b""))
    return connection


def make(capture: Capture) -> None:
    """Write them."""
    # 257 streams are open: the first goes out without its response.
    connection = begin(capture, 40001)
    for number in range(257):
        connection.client(frame(HEADERS, END_STREAM | END_HEADERS, 2 * number + 1, GET))
    # 101 requests that are reset at once.
    connection = begin(capture, 40002)
    for number in range(101):
        stream = 2 * number + 1
        connection.client(frame(HEADERS, END_STREAM | END_HEADERS, stream, GET) + frame(RESET, 0, stream, bytes(4)))
    # A block of headers that goes on in 65 frames.
    connection = begin(capture, 40003)
    connection.client(frame(HEADERS, END_STREAM, 1, GET))
    for _ in range(65):
        connection.client(frame(CONTINUATION, 0, 1, b""))
