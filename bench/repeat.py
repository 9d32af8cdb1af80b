"""Repeat a capture with times and addresses shifted, so that each copy brings its own flows.

  python bench/repeat.py IN.pcap OUT.pcap [COPIES]

IN is a classic little-endian pcap of Ethernet frames. Copy k moves all times by k times the capture's length and adds
k to the first byte but one of each IPv4 address and to the last but one of each IPv6 address, behind up to two tags.
Checksums are left as they are: tools that check them are told not to.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

HEADER = 24
RECORD = struct.Struct("<IIII")
VLAN = {0x8100, 0x88A8, 0x9100}
IPV4, IPV6 = 0x0800, 0x86DD
MOST_TAGS_END = 20


def address_bytes(frame: bytes | bytearray) -> tuple[int, int] | None:
    """Give the offsets of the two bytes that are shifted, None where the frame is no IP."""
    at = 12
    kind = int.from_bytes(frame[at : at + 2], "big")
    while kind in VLAN and at < MOST_TAGS_END:
        at += 4
        kind = int.from_bytes(frame[at : at + 2], "big")
    at += 2
    if kind == IPV4 and len(frame) >= at + 20:
        return at + 13, at + 17
    if kind == IPV6 and len(frame) >= at + 40:
        return at + 22, at + 38
    return None


def records(data: bytes) -> list[tuple[int, int, bytes, tuple[int, int] | None]]:
    """Read all records: seconds, micro- or nanoseconds, header's lengths and frame, offsets to shift."""
    found, at = [], HEADER
    while at + RECORD.size <= len(data):
        seconds, fraction, captured, _ = RECORD.unpack_from(data, at)
        frame = data[at : at + RECORD.size + captured]
        found.append((seconds, fraction, frame, address_bytes(frame[RECORD.size :])))
        at += RECORD.size + captured
    return found


def main(source: str, target: str, copies: int = 10) -> None:
    """Write the repeated capture."""
    data = Path(source).read_bytes()
    if data[:4] not in {b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1"}:
        sys.exit("repeat: a little-endian pcap is wanted")
    rows = records(data)
    length = max(row[0] for row in rows) - min(row[0] for row in rows) + 1
    with Path(target).open("wb", buffering=1 << 22) as out:
        out.write(data[:HEADER])
        for copy in range(copies):
            for seconds, _, frame, shifted in rows:
                one = bytearray(frame)
                struct.pack_into("<I", one, 0, seconds + copy * length)
                if shifted:
                    for offset in shifted:
                        at = RECORD.size + offset
                        one[at] = (one[at] + copy) & 0xFF
                out.write(one)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *(int(n) for n in sys.argv[3:4]))
