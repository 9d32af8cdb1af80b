"""Write two sessions, each of which hits one limit of the SMTP parser."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wirecraft import Capture, Connection

SERVER = ("192.0.2.25", 25)


def begin(capture: Capture, port: int) -> Connection:
    """Greet."""
    connection = capture.tcp(("192.0.2.1", port), SERVER)
    connection.server(b"220 mail.limits.example ESMTP\r\n")
    connection.client(b"EHLO client.limits.example\r\n")
    connection.server(b"250 mail.limits.example\r\n")
    return connection


def make(capture: Capture) -> None:
    """Write them."""
    connection = begin(capture, 40001)
    connection.client(b"NOOP\r\n" * 129)
    connection.close()
    # 1001 recipients, each accepted.
    connection = begin(capture, 40002)
    connection.client(b"MAIL FROM:<a@limits.example>\r\n")
    connection.server(b"250 OK\r\n")
    for number in range(1001):
        connection.client(b"RCPT TO:<r%d@limits.example>\r\n" % number)
        connection.server(b"250 OK\r\n")
    connection.close()
