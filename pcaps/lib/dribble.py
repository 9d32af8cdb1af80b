"""Send one HTTP request a few bytes at a time, each in a segment of its own. Usage: dribble.py HOST PORT."""

import socket
import sys
import time

REQUEST = (
    b"GET /news.html?slow=1 HTTP/1.1\r\nHost: www.agency.example\r\nUser-Agent: dribble/1\r\nConnection: close\r\n\r\n"
)


def main() -> None:
    """Send the request by threes and read the answer to its end."""
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=15) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(REQUEST), 3):
            wire.sendall(REQUEST[start : start + 3])
            time.sleep(0.01)
        while wire.recv(65536):
            pass


if __name__ == "__main__":
    main()
