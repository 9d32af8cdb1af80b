"""Ask a DNS server over IPv6 with extension headers before the datagram (RFC 8200, RFC 3542).

Usage: send6.py SERVER KIND...   where KIND is hop-by-hop, destination or both.
"""

import socket
import struct
import sys

# Next header (the kernel fills it), length 0 = 8 bytes, then PadN of 4 zero bytes.
PADDING_HEADER = bytes([0, 0, 1, 4, 0, 0, 0, 0])
HEADERS = {
    "hop-by-hop": [socket.IPV6_HOPOPTS],
    "destination": [socket.IPV6_DSTOPTS],
    "both": [socket.IPV6_HOPOPTS, socket.IPV6_DSTOPTS],
}


def query(kind: str) -> bytes:
    """Return a DNS query (type AAAA) for KIND.ext.agency.example."""
    labels = [kind, "ext", "agency", "example"]
    name = b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"
    return struct.pack(">HHHHHH", 0x6262, 0x0100, 1, 0, 0, 0) + name + struct.pack(">HH", 28, 1)


def main() -> None:
    """Send one query for each kind and wait for its answer."""
    server, kinds = sys.argv[1], sys.argv[2:]
    for kind in kinds:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as wire:
            wire.settimeout(2)
            for option in HEADERS[kind]:
                wire.setsockopt(socket.IPPROTO_IPV6, option, PADDING_HEADER)
            wire.sendto(query(kind), (server, 53))
            wire.recv(4096)


if __name__ == "__main__":
    main()
