"""Ask the LAN: asker.py mdns | llmnr NAME. For questions that the usual tools do not ask alone."""

import socket
import struct
import sys
import time


def name(text: str) -> bytes:
    """A name as labels."""
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"


def mdns() -> None:
    """One question for an answer to the asker alone, three questions at once, and one from a port of its own."""
    group = ("224.0.0.251", 5353)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        asker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        asker.bind(("", 5353))
        asker.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
        one = name("ann.local") + struct.pack(">HH", 1, 0x8001)
        asker.sendto(struct.pack(">6H", 0, 0, 1, 0, 0, 0) + one, group)
        time.sleep(0.5)
        many = b"".join(
            name(text) + struct.pack(">HH", kind, 1)
            for text, kind in (("ann.local", 28), ("_ipp._tcp.local", 12), ("_services._dns-sd._udp.local", 12))
        )
        asker.sendto(struct.pack(">6H", 0, 0, 3, 0, 0, 0) + many, group)
        time.sleep(0.5)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(1)
        question = name("ann.local") + struct.pack(">HH", 1, 1)
        asker.sendto(struct.pack(">6H", 0x1234, 0, 1, 0, 0, 0) + question, group)
        asker.recv(2000)


def llmnr(wanted: str) -> None:
    """Ask for addresses, first of the group, then of whoever answered."""
    question = name(wanted) + struct.pack(">HH", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(0.5)
        asker.sendto(struct.pack(">6H", 0x4242, 0, 1, 0, 0, 0) + question, ("224.0.0.252", 5355))
        try:
            _, (host, _) = asker.recvfrom(2000)
        except TimeoutError:
            return
        asker.sendto(struct.pack(">6H", 0x4243, 0, 1, 0, 0, 0) + question, (host, 5355))
        asker.recv(2000)


if sys.argv[1] == "mdns":
    mdns()
else:
    llmnr(sys.argv[2])
