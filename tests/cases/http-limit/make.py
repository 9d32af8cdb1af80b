"""Write six connections, each of which hits one limit of the HTTP parser."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wirecraft import Capture

SERVER = ("192.0.2.80", 80)


def form(parts: bytes) -> bytes:
    """Write a request with a form (RFC 7578)."""
    head = b"POST /form HTTP/1.1\r\nHost: limits.example\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    return head + b"Content-Length: %d\r\n\r\n" % len(parts) + parts


def make(capture: Capture) -> None:
    """Write them."""
    # 65 requests and no response: the first goes out alone.
    connection = capture.tcp(("192.0.2.1", 40001), SERVER)
    for number in range(65):
        connection.client(b"GET /%d HTTP/1.1\r\nHost: limits.example\r\n\r\n" % number)
    # 201 headers.
    connection = capture.tcp(("192.0.2.2", 40002), SERVER)
    headers = b"".join(b"X-%d: y\r\n" % number for number in range(201))
    connection.client(b"GET /headers HTTP/1.1\r\n" + headers + b"\r\n")
    connection.server(b"HTTP/1.1 204 No Content\r\n\r\n")
    connection.close()
    # A head that does not end within 64 KiB.
    connection = capture.tcp(("192.0.2.3", 40003), SERVER)
    connection.client(b"GET /long HTTP/1.1\r\nHost: limits.example\r\nX: " + b"y" * 65_536)
    connection.close()
    # 1001 parts.
    connection = capture.tcp(("192.0.2.4", 40004), SERVER)
    part = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n'
    connection.client(form(part * 1001 + b"--b--\r\n"))
    connection.server(b"HTTP/1.1 204 No Content\r\n\r\n")
    connection.close()
    # A part whose head has more than 8 KiB.
    connection = capture.tcp(("192.0.2.5", 40005), SERVER)
    connection.client(form(b"--b\r\nX: " + b"y" * 9000 + b"\r\n\r\nx\r\n--b--\r\n"))
    connection.server(b"HTTP/1.1 204 No Content\r\n\r\n")
    connection.close()
    # A ZIP file with 33 entries.
    connection = capture.tcp(("192.0.2.6", 40006), SERVER)
    entry = b"PK\x03\x04" + bytes(22) + b"\x01\0\0\0"
    entries = b"".join(entry + bytes([65 + at]) for at in range(33))
    connection.client(b"GET /entries.zip HTTP/1.1\r\nHost: limits.example\r\n\r\n")
    connection.server(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(entries) + entries)
    connection.close()
