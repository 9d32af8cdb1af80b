"""Packets and captures made by hand, as the benches need them; checksums are left out."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

ETHERNET: Final = bytes.fromhex("020000000002020000000001")
IPV4: Final = b"\x08\x00"
PCAP_HEADER: Final = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
START_US: Final = 1_700_000_000_000_000
TCP, UDP = 6, 17
FIN, SYN, RST, PUSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
MORE_FRAGMENTS: Final = 0x2000

Ends = tuple[bytes, int, bytes, int]
"""Address and port of the sender, address and port of the receiver."""


def back(ends: Ends) -> Ends:
    """Give the ends of an answer."""
    return ends[2], ends[3], ends[0], ends[1]


def ip(source: bytes, target: bytes, protocol: int, body: bytes, *, number: int = 0, place: int = 0) -> bytes:
    """Make an IPv4 packet; `place` is the field of flags and offset."""
    head = (0x45, 0, 20 + len(body), number, place, 64, protocol, 0, source, target)
    return struct.pack("!BBHHHBBH4s4s", *head) + body


def frame(ends: Ends, protocol: int, head: bytes, payload: bytes) -> bytes:
    """Make an Ethernet frame; `head` is what the transport has behind the ports."""
    source, sport, target, dport = ends
    return ETHERNET + IPV4 + ip(source, target, protocol, struct.pack("!HH", sport, dport) + head + payload)


def tcp(ends: Ends, seq: int, ack: int, flags: int, payload: bytes = b"") -> bytes:
    """Make a TCP segment."""
    head = struct.pack("!IIBBHHH", seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 0x50, flags, 65535, 0, 0)
    return frame(ends, TCP, head, payload)


def udp(ends: Ends, payload: bytes) -> bytes:
    """Make a UDP datagram."""
    return frame(ends, UDP, struct.pack("!HH", 8 + len(payload), 0), payload)


def write_pcap(path: Path, frames: Iterable[bytes], step_us: float) -> int:
    """Write frames one after another in time; gives their number."""
    count = 0
    with path.open("wb", buffering=1 << 22) as out:
        out.write(PCAP_HEADER)
        for data in frames:
            micro = START_US + int(count * step_us)
            out.write(struct.pack("<IIII", micro // 1_000_000, micro % 1_000_000, len(data), len(data)) + data)
            count += 1
    return count
