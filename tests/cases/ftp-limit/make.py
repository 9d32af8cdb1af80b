"""Write control connections that hit the limits of the FTP parser."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wirecraft import Capture

SERVER = ("192.0.2.21", 21)


def make(capture: Capture) -> None:
    """Write them."""
    # 33 commands wait after one that was answered.
    connection = capture.tcp(("192.0.2.1", 40001), SERVER)
    connection.server(b"220 limits.example FTP ready\r\n")
    connection.client(b"USER ftp\r\n")
    connection.server(b"331 Password\r\n")
    for number in range(33):
        connection.client(b"DELE /%d\r\n" % number)
    # Sessions of which each announces a data connection and goes on: the 1025th costs the oldest its place.
    for number in range(1025):
        client = (f"198.51.{number // 250}.{number % 250 + 1}", 40002)
        connection = capture.tcp(client, SERVER)
        connection.client(b"USER ftp\r\n")
        connection.client(b"PORT " + client[0].replace(".", ",").encode() + b",40,1\r\n")
