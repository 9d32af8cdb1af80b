"""Open TCP connections that end in unusual ways. Usage: oddities.py HOST PORT."""

import socket
import struct
import sys
import time

REQUEST = b"GET /logo.png HTTP/1.1\r\nHost: www.agency.example\r\nUser-Agent: oddities/1\r\n\r\n"


def opened(address: tuple[str, int]) -> socket.socket:
    """Return a connection to the server."""
    return socket.create_connection(address, timeout=5)


def reset_at_once(address: tuple[str, int]) -> None:
    """Connect and reset without a byte."""
    with opened(address) as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def reset_in_answer(address: tuple[str, int]) -> None:
    """Ask for a picture and reset after the first bytes of it."""
    with opened(address) as wire:
        wire.sendall(REQUEST)
        wire.recv(10)
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def half_close(address: tuple[str, int]) -> None:
    """Send the request and FIN, then read the answer."""
    with opened(address) as wire:
        wire.sendall(REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        wire.shutdown(socket.SHUT_WR)
        while wire.recv(65536):
            pass


def urgent(address: tuple[str, int]) -> None:
    """Send a byte as urgent in the middle of a request."""
    with opened(address) as wire:
        wire.sendall(b"GET /ur")
        wire.send(b"g", socket.MSG_OOB)
        wire.sendall(b"ent HTTP/1.0\r\n\r\n")
        wire.recv(100)


def never_finished(address: tuple[str, int]) -> None:
    """Send half a request and wait."""
    with opened(address) as wire:
        wire.sendall(REQUEST[:30])
        time.sleep(3)


def main() -> None:
    """Open one connection of each kind."""
    address = (sys.argv[1], int(sys.argv[2]))
    for oddity in (reset_at_once, reset_in_answer, half_close, urgent, never_finished):
        oddity(address)
        time.sleep(0.2)


if __name__ == "__main__":
    main()
