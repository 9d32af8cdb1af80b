"""Captures of raw IP made by hand, for cases that no real tool would send: whoever writes one says each byte.

A case's `make.py` has `make(capture)`; the test writes the capture where it needs it, so none is kept.
"""

from __future__ import annotations

import importlib.util
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

LINKTYPE_RAW: Final = 101
START: Final = 1_763_802_840
MILLISECOND: Final = 1_000_000
SEGMENT: Final = 1400
SYN, ACK, FIN = 0x02, 0x10, 0x01

End = tuple[str, int]
"""Address and port."""


def address(text: str) -> bytes:
    """Write an IPv4 address in four bytes."""
    return bytes(map(int, text.split(".")))


@dataclass
class Capture:
    """Packets, a millisecond apart."""

    packets: list[tuple[int, bytes]] = field(default_factory=list)
    now: int = START * 1_000_000_000

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += int(seconds * 1_000_000_000)

    def ip(self, source: str, destination: str, protocol: int, body: bytes) -> None:
        """Add an IPv4 packet; its header checksum is left out."""
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, protocol, 0)
        self.packets.append((self.now, header + address(source) + address(destination) + body))
        self.now += MILLISECOND

    def udp(self, source: End, destination: End, payload: bytes) -> None:
        """Add a datagram without a checksum (RFC 768)."""
        body = struct.pack("!HHHH", source[1], destination[1], 8 + len(payload), 0) + payload
        self.ip(source[0], destination[0], 17, body)

    def tcp(self, client: End, server: End) -> Connection:
        """Begin a connection."""
        connection = Connection(self, client, server)
        connection.begin()
        return connection

    def write(self, path: Path) -> None:
        """Write a pcap file with times in nanoseconds (draft-ietf-opsawg-pcap)."""
        with path.open("wb") as out:
            out.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 0x40000, LINKTYPE_RAW))
            for time, packet in self.packets:
                seconds, nanos = divmod(time, 1_000_000_000)
                out.write(struct.pack("<IIII", seconds, nanos, len(packet), len(packet)) + packet)


@dataclass
class Connection:
    """A TCP connection of two ends that lose nothing."""

    capture: Capture
    ends: tuple[End, End]
    next: list[int]

    def __init__(self, capture: Capture, client: End, server: End) -> None:
        """Between these ends; `begin` shakes hands."""
        self.capture, self.ends, self.next = capture, (client, server), [1000, 5000]

    def _segment(self, side: int, flags: int, payload: bytes = b"") -> None:
        mine, other = self.ends[side], self.ends[1 - side]
        head = struct.pack(
            "!HHIIBBHHH", mine[1], other[1], self.next[side], self.next[1 - side], 0x50, flags, 0xFFFF, 0, 0
        )
        self.capture.ip(mine[0], other[0], 6, head + payload)
        self.next[side] += len(payload) + bool(flags & (SYN | FIN))

    def begin(self) -> None:
        """Shake hands (RFC 9293 3.5)."""
        self._segment(0, SYN)
        self._segment(1, SYN | ACK)
        self._segment(0, ACK)

    def _say(self, side: int, data: bytes) -> None:
        for at in range(0, len(data), SEGMENT):
            self._segment(side, ACK, data[at : at + SEGMENT])

    def client(self, data: bytes) -> None:
        """Let the client say something."""
        self._say(0, data)

    def server(self, data: bytes) -> None:
        """Let the server say something."""
        self._say(1, data)

    def close(self) -> None:
        """End it from both sides."""
        self._segment(0, FIN | ACK)
        self._segment(1, FIN | ACK)
        self._segment(0, ACK)


def crafted(case: Path, folder: Path) -> Path:
    """Write the capture that a case's `make.py` makes into a folder."""
    spec = importlib.util.spec_from_file_location("make", case / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    capture = Capture()
    module.make(capture)
    capture.write(folder / "crafted.pcap")
    return folder / "crafted.pcap"
